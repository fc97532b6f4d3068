"""Two profiles become one person, and two again: what moves, what is filled, what stays, and how the past is told."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.test_messages import MINUTE, happened, message, people, receive
from tests.worlds import AT, take, users
from user360 import events, failed, identities, profiles, resolution, segments
from user360.errors import Conflict, Unknown
from user360.people import People

LATER = AT + timedelta(days=1)


def key(store, user_id):
    found = identities.key_of(store, user_id)
    assert found is not None
    return found


def merge(store, keep, absorb, *, at=AT + MINUTE):
    return resolution.merge(store, key(store, keep), key(store, absorb), by="ana", at=at)


def test_an_unidentified_user_goes_into_whom_its_user_id_leads_to(store):
    receive(store, message(1, user_id="ann", traits={"firstName": "Ann", "tags": ["x"]}, at=AT - 5 * MINUTE))
    receive(
        store,
        message(2, anonymous_id="a", event="View", traits={"city": "Pune", "firstName": "An", "tags": ["y"]}, at=AT - 9 * MINUTE),
    )
    receive(store, message(3, anonymous_id="a", user_id="ann", event="Log in"))

    assert people(store) == [{"userId": "ann", "firstName": "Ann", "city": "Pune", "tags": ("x", "y")}]
    assert happened(store, "ann") == ["Log in", "View"]
    assert profiles.get(store, key(store, "ann")).values["createdAt"] == AT - 9 * MINUTE
    receive(store, message(4, anonymous_id="a", event="Order"))
    assert happened(store, "ann") == ["Log in", "Order", "View"]


def test_two_identified_users_are_never_merged_by_a_message(store):
    receive(store, message(1, anonymous_id="a", user_id="ann"), message(2, user_id="bob"))
    taken = receive(
        store,
        message(3, anonymous_id="a", user_id="bob"),
        message(4, kind="alias", user_id="bob", previous_id="ann", event="Alias"),
    )

    (held,) = resolution.find(store)
    assert (len(people(store)), taken.warned) == (2, 1)
    assert (held.status, held.kept_name, held.gone_name) == ("held", "bob", "ann")
    assert [each.code for each in failed.warnings(store)] == ["heldForReview"]


def test_a_held_merge_is_accepted_or_dismissed_once(store):
    receive(store, message(1, user_id="ann"), message(2, user_id="bob"), message(3, user_id="cem"))
    receive(
        store,
        message(4, kind="alias", user_id="bob", previous_id="ann"),
        message(5, kind="alias", user_id="bob", previous_id="cem"),
    )
    cem, ann = resolution.find(store, status="held")

    resolution.accept(store, ann.id, by="ana", at=AT)
    resolution.dismiss(store, cem.id, by="ana", at=AT)

    assert (key(store, "ann") == key(store, "bob"), key(store, "cem") == key(store, "bob")) == (True, False)
    with pytest.raises(Conflict, match="does not wait"):
        resolution.accept(store, cem.id, by="ana", at=AT)
    receive(store, message(6, kind="alias", user_id="bob", previous_id="cem"))
    assert resolution.count(store, status="held") == 0


def test_an_alias_ties_the_former_id_to_the_same_person(store):
    receive(store, message(1, anonymous_id="a", event="View"))
    receive(store, message(2, kind="alias", user_id="ann", previous_id="a"))
    receive(store, message(3, kind="alias", user_id="ann", previous_id="b"), message(4, anonymous_id="b", event="Order"))

    assert happened(store, "ann") == ["Order", "View"]
    assert len(people(store)) == 1


def test_messages_unite_only_so_many_profiles_in_one(store, monkeypatch):
    monkeypatch.setattr(resolution, "MOST_BY_MESSAGES", 3)
    receive(store, message(0, user_id="ann"))
    receive(store, *(message(10 + each, anonymous_id=f"a{each}", event="View") for each in range(5)))
    receive(store, *(message(20 + each, anonymous_id=f"a{each}", user_id="ann", event="Log in") for each in range(5)))

    assert (len(people(store)), resolution.count(store, status="held"), happened(store, "ann").count("View")) == (3, 2, 3)


def test_a_merge_fills_blanks_moves_events_and_lets_both_ids_answer(store):
    take(
        store,
        users([{"userId": "ann", "city": "Pune"}, {"userId": "bob", "city": "Goa", "email": "b@x.com"}]),
        at=AT - 9 * MINUTE,
    )
    receive(store, message(1, user_id="bob", anonymous_id="a", event="View", channel="app"))
    before = resolution.preview(store, key(store, "ann"), key(store, "bob"))
    gone = key(store, "bob")

    done = merge(store, "ann", "bob")

    assert before.sentence == "1 event moves, 1 blank is filled, nothing is overwritten."
    assert (before.fills, before.stays) == ({"email": "b@x.com"}, {"city": ("Pune", "Goa")})
    assert people(store) == [{"userId": "ann", "city": "Pune", "email": "b@x.com"}]
    assert (key(store, "bob"), resolution.leads_to(store, gone)) == (key(store, "ann"), key(store, "ann"))
    assert (done.events, done.filled, done.gone_user_id) == (1, ("email",), "bob")
    assert profiles.get(store, key(store, "ann")).values["lastChannel"] == "app"
    take(store, users([{"userId": "bob", "city": "Delhi"}, {"userId": "ann", "city": "Agra"}, {"userId": "bob", "city": "Goa"}]))
    assert people(store) == [{"userId": "ann", "city": "Goa", "email": "b@x.com"}]
    assert events.count(store, names=["USER_MERGE"]) == 1


def test_merges_make_chains_and_are_undone_from_the_end(store):
    take(store, users([{"userId": "ann"}, {"userId": "bob"}, {"userId": "cem", "city": "Izmir"}]))
    first = merge(store, "bob", "cem")
    second = merge(store, "ann", "bob")

    assert key(store, "cem") == key(store, "ann")
    with pytest.raises(Conflict, match="merged into another"):
        resolution.undo(store, first.id, by="ana", at=LATER)
    resolution.undo(store, second.id, by="ana", at=LATER)
    assert (key(store, "cem") == key(store, "bob"), key(store, "ann") == key(store, "bob")) == (True, False)
    resolution.undo(store, first.id, by="ana", at=LATER)
    assert [each.get("city") for each in sorted(people(store), key=lambda each: each["userId"])] == [None, None, "Izmir"]
    with pytest.raises(Conflict, match="not in force"):
        resolution.undo(store, first.id, by="ana", at=LATER)


def test_nobody_is_merged_with_themselves_or_with_who_is_not_there(store):
    take(store, users([{"userId": "ann"}]))

    with pytest.raises(Conflict, match="same user"):
        merge(store, "ann", "ann")
    with pytest.raises(Unknown, match="not there"):
        resolution.preview(store, key(store, "ann"), 99)


def test_undoing_gives_back_what_came_since_by_the_ids_of_who_returns(store):
    receive(store, message(1, anonymous_id="a", user_id="ann", traits={"city": "Pune"}))
    receive(store, message(2, anonymous_id="b", user_id="bob", event="View", traits={"email": "b@x.com"}))
    done = merge(store, "ann", "bob")
    receive(store, message(3, anonymous_id="b", event="Order"), message(4, anonymous_id="a", event="Pay"), at=LATER)
    take(store, users([{"userId": "ann", "phone": "+4915112345678"}]), at=LATER)

    resolution.undo(store, done.id, by="ana", at=LATER)

    assert (happened(store, "ann"), happened(store, "bob")) == (["Pay"], ["Order", "View"])
    assert sorted(people(store), key=lambda each: each["userId"]) == [
        {"userId": "ann", "city": "Pune"},
        {"userId": "bob", "email": "b@x.com"},
    ]
    assert profiles.get(store, key(store, "ann")).values["phone"] == "+4915112345678"


def test_a_session_of_somebody_who_left_does_not_come_back_with_the_undoing_of_a_later_merge(store):
    times = {"ann": 9, "bob": 1, "cem": 5}
    receive(
        store, *(message(place, user_id=each, event="View", at=AT - n * MINUTE) for place, (each, n) in enumerate(times.items()))
    )
    first = merge(store, "ann", "bob")
    second = merge(store, "ann", "cem", at=AT + 2 * MINUTE)

    resolution.undo(store, first.id, by="ana", at=AT + 3 * MINUTE)
    assert profiles.get(store, key(store, "ann")).values["lastSession"] == AT - 5 * MINUTE
    resolution.undo(store, second.id, by="ana", at=AT + 4 * MINUTE)
    assert {each: profiles.get(store, key(store, each)).values["lastSession"] for each in times} == {
        each: AT - n * MINUTE for each, n in times.items()
    }


def test_a_value_changed_after_the_merge_stays_when_it_is_undone(store):
    take(store, users([{"userId": "ann"}, {"userId": "bob", "city": "Goa", "email": "b@x.com", "tags": "x;y"}]))
    done = merge(store, "ann", "bob")
    take(store, users([{"userId": "ann", "city": "Delhi", "tags": "z"}]), at=LATER)

    resolution.undo(store, done.id, by="ana", at=LATER)

    assert sorted(people(store), key=lambda each: each["userId"]) == [
        {"userId": "ann", "city": "Delhi", "tags": ("z",)},
        {"userId": "bob", "city": "Goa", "email": "b@x.com", "tags": ("x", "y")},
    ]


def test_a_list_of_people_follows_a_merge_and_its_undoing(store):
    take(store, users([{"userId": "ann"}, {"userId": "bob"}]))
    found = segments.lists.save(store, "VIP", People.of([key(store, "bob")]), source="t", by="t", at=AT)

    def on_it(at):
        rule = segments.parse({"match": "all", "conditions": [{"segment": found.id}]})
        return segments.people(store, rule, at=at).keys().tolist()

    ann, bob = key(store, "ann"), key(store, "bob")
    done = merge(store, "ann", "bob")
    assert on_it(LATER) == [ann]
    resolution.undo(store, done.id, by="ana", at=LATER)
    assert on_it(LATER) == [bob]


def test_why_one_person_is_told_by_the_shortest_chain_of_links(store):
    receive(store, message(1, anonymous_id="a", event="View"))
    receive(store, message(2, anonymous_id="a", user_id="ann", source="bot"))
    receive(
        store, message(3, anonymous_id="b", user_id="ann"), message(4, user_id="bob"), message(5, anonymous_id="c", event="View")
    )
    receive(store, message(6, anonymous_id="c", user_id="ann", event="Log in"))
    merge(store, "ann", "bob")

    found = resolution.why(store, key(store, "ann"))

    ann, a, b, c, bob = [("userId", "ann"), *(("anonymousId", each) for each in "abc"), ("userId", "bob")]
    assert found.first == ann
    assert {each: [link.message_id for link in chain] for each, chain in found.chains.items()} == {
        a: ["m2"],
        b: ["m3"],
        c: ["m6"],
        bob: [None],
    }
    assert (found.chains[bob][0].by, found.chains[a][0].source) == ("ana", "bot")
    assert [link.message_id for link in found.chain(a, b)] == ["m2", "m3"]


def test_who_left_a_segment_by_a_merge_and_came_by_its_undoing_is_said_so(store):
    take(store, users([{"userId": "ann"}, {"userId": "bob"}]), at=AT - timedelta(days=2))
    done = merge(store, "ann", "bob", at=AT - timedelta(days=1))
    resolution.undo(store, done.id, by="ana", at=AT)

    everyone = segments.EVERYONE
    went = segments.turnover(store, everyone, start=AT - timedelta(days=1, hours=1), end=AT - timedelta(hours=1)).went
    came = segments.turnover(store, everyone, start=AT - timedelta(hours=1), end=AT).came
    assert ([each.kind for each in went], [each.kind for each in came]) == (["merged into another"], ["no longer merged"])
