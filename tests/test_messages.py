"""Messages in, one person out: who each is about, what it says of them, each message once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.worlds import AT, take, users
from user360 import events, failed, identities, ingest, profiles, properties
from user360.ingest import Message
from user360.profiles import timing
from user360.sql import sql

MINUTE = timedelta(minutes=1)


def message(number, *, at=None, source="shop", **said):
    """A message with a number; of its own kind where it does not say."""
    kind = said.pop("kind", "track" if "event" in said else "identify")
    return Message(kind, f"m{number}", at or AT - 60 * MINUTE + number * MINUTE, source, **said)


def receive(store, *messages, at=AT):
    return ingest.receive_messages(store, messages, by="test", at=at)


def people(store):
    """Everybody: user id and the values a test may have set."""
    found = [profiles.get(store, key) for key in profiles.everyone(store).keys().tolist()]
    names = ("userId", "firstName", "email", "city", "tags")
    return [{each: one.values[each] for each in names if each in one.values} for one in found]


def happened(store, user_id):
    return sorted(row["event"] for row in timeline(store, user_id))


def timeline(store, user_id):
    key = identities.key_of(store, user_id)
    assert key is not None
    return [each for each in events.timeline(store, key, limit=100).to_pylist() if not each["event"].startswith("USER_")]


def test_an_anonymous_id_never_seen_makes_an_unidentified_user(store):
    taken = receive(store, message(1, anonymous_id="a", event="View"))

    (one,) = profiles.everyone(store).keys().tolist()
    assert (taken.stored, profiles.get(store, one).user_id) == (1, None)
    assert identities.of(store, one).select(["kind", "id"]).to_pylist() == [{"kind": "anonymousId", "id": "a"}]


def test_an_unidentified_user_gets_the_first_user_id_and_keeps_the_rest(store):
    receive(store, message(1, anonymous_id="a", event="View"))
    receive(store, message(2, anonymous_id="a", user_id="ann", traits={"firstName": "Ann"}))

    assert people(store) == [{"userId": "ann", "firstName": "Ann"}]
    assert happened(store, "ann") == ["View"]


def test_another_user_id_on_a_session_makes_another_user_and_leaves_the_first(store):
    receive(store, message(1, anonymous_id="a", user_id="ann", event="View"))
    receive(store, message(2, anonymous_id="a", user_id="bob", event="Order"), message(3, anonymous_id="a", event="Pay"))

    assert (happened(store, "ann"), happened(store, "bob")) == (["View"], ["Order", "Pay"])


def test_a_message_told_twice_counts_once(store):
    told = [message(1, user_id="ann", traits={"city": "Pune"}), message(2, user_id="ann", traits={"city": "Goa"})]
    receive(store, *told)

    again = receive(store, told[0], told[1], told[0])

    assert (again.stored, again.known) == (0, 3)
    assert people(store) == [{"userId": "ann", "city": "Goa"}]


def test_a_batch_is_as_if_its_messages_had_come_one_by_one(store):
    receive(
        store,
        message(1, anonymous_id="a", event="View", traits={"city": "Pune", "tags": ["x"]}),
        message(2, anonymous_id="a", user_id="ann", traits={"city": "Goa", "first_name": "Ann"}, source="bot"),
        message(3, user_id="ann", event="Order", traits={"address": {"city": "Delhi"}}),
    )

    assert people(store) == [{"userId": "ann", "firstName": "Ann", "city": "Delhi", "tags": ("x",)}]
    assert happened(store, "ann") == ["Order", "View"]


def test_an_id_that_is_none_identifies_nobody_and_the_event_is_kept(store):
    taken = receive(
        store,
        message(1, user_id="null", event="View"),
        message(2, user_id=" 'NULL' ", event="View"),
        message(3, user_id="undefined", anonymous_id="a", event="View"),
    )

    assert (taken.stored, taken.warned) == (3, 3)
    assert (profiles.count(store), events.count(store, names=["View"])) == (3, 3)
    assert [(each.code, each.property, each.times) for each in failed.warnings(store)] == [
        ("blockedId", "userId", 3),
    ]


def test_a_value_that_cannot_be_taken_costs_only_itself(store):
    taken = receive(store, message(1, user_id="ann", traits={"email": "no address", "city": "Pune"}))

    assert (taken.stored, taken.warned) == (1, 1)
    assert people(store) == [{"userId": "ann", "city": "Pune"}]


def test_a_trait_without_a_property_stays_with_the_event(store):
    receive(store, message(1, user_id="ann", event="Sign up", traits={"plan": "gold"}))

    (row,) = timeline(store, "ann")
    assert "gold" in row["properties"]


def test_a_message_without_a_fit_event_name_is_kept_as_failed(store):
    taken = receive(store, message(1, user_id="ann", event="USER_CREATE"), message(2, user_id="ann", event="View"))

    assert (taken.stored, taken.failed, failed.count(store)) == (1, 1, 1)
    assert happened(store, "ann") == ["View"]


def test_a_conversation_is_its_session_s_messages_counted_and_what_was_captured(store):
    def said(number, direction, session="s1", **rest):
        text = {"direction": direction, "text": "Hello"} if direction else {}
        event = {"in": "Message received", "out": "Message sent"}.get(direction, "Properties captured")
        captured = rest.pop("captured", {})
        return message(
            number,
            kind="conversation",
            event=event,
            anonymous_id=session,
            properties={**text, **captured},
            traits=captured,
            **rest,
        )

    receive(
        store,
        said(1, "out", channel="whatsapp"),
        said(2, "in", channel="whatsapp", captured={"city": "Pune", "size": "M"}),
        said(3, "", channel="whatsapp", captured={"city": "Goa"}, user_id="ann"),
        said(4, "in", session="s2", channel="web", user_id="ann"),
        message(5, user_id="ann", event="Order", channel="app"),
    )

    ann = identities.key_of(store, "ann")
    assert ann is not None
    newest, first = events.conversations(store, ann)
    assert (newest.session, newest.channel, newest.received, newest.sent, newest.captured) == ("s2", "web", 1, 0, {})
    assert (first.session, first.channel, first.received, first.sent) == ("s1", "whatsapp", 1, 1)
    assert first.captured == {"city": "Goa", "size": "M"}
    assert (first.first, first.last) == (AT - 59 * MINUTE, AT - 57 * MINUTE)
    assert events.count_conversations(store, ann) == 2
    assert happened(store, "ann").count("Message received") == 2
    assert {each: profiles.get(store, ann).values[each] for each in ("city", "lastChannel")} == {
        "city": "Goa",
        "lastChannel": "app",
    }


def test_ten_thousand_anonymous_ids_of_one_person_are_one_person(store):
    receive(store, *(message(each, anonymous_id=f"a{each}", user_id="ann", at=AT - MINUTE) for each in range(10_000)))

    ann = identities.key_of(store, "ann")
    assert ann is not None
    assert (profiles.count(store), identities.of(store, ann).num_rows) == (1, 10_001)


def test_an_id_of_more_than_four_hundred_characters_identifies_nobody(store):
    taken = receive(
        store, message(1, user_id="x" * 400, event="View"), message(2, user_id="x" * 401, anonymous_id="a", event="View")
    )

    assert (taken.stored, taken.warned, len(people(store))) == (2, 1, 2)
    assert identities.key_of(store, "x" * 401) is None


def test_the_property_the_workspace_chose_feeds_the_user_id(store):
    properties.feed_user_id(store, "email", by="Ana", at=AT)
    receive(store, message(1, user_id="u1", anonymous_id="a", event="View"))
    receive(store, message(2, user_id="u1", anonymous_id="b", traits={"email": "Ann@X.com"}))
    receive(store, message(3, user_id="u1", event="Order"), message(4, anonymous_id="c", traits={"email": "Ann@x.com"}))

    assert [each["userId"] for each in people(store) if "userId" in each] == ["Ann@x.com"]
    ann = identities.key_of(store, "Ann@x.com")
    assert ann is not None
    assert {row["id"] for row in identities.of(store, ann).to_pylist()} >= {"Ann@x.com", "b", "c"}


# -- what came late -----------------------------------------------------------------------------


def test_a_message_that_comes_late_overwrites_nothing_newer_and_fills_what_was_never_said(store):
    receive(store, message(5, user_id="ann", traits={"firstName": "Ann", "city": None}))
    receive(store, message(3, user_id="ann", traits={"firstName": "Bob", "city": "Pune", "email": "a@b.de"}))
    receive(store, message(7, user_id="ann", traits={"city": "Goa"}), message(6, user_id="ann", traits={"city": "Agra"}))

    assert people(store) == [{"userId": "ann", "firstName": "Ann", "city": "Goa", "email": "a@b.de"}]


def test_an_edit_by_hand_counts_as_of_when_it_was_made(store):
    receive(store, message(1, user_id="ann", traits={"firstName": "Ann"}))
    take(store, users([{"userId": "ann", "firstName": "Anna"}]), at=AT - 40 * MINUTE)

    receive(store, message(10, user_id="ann", traits={"firstName": "Bob"}))
    assert people(store) == [{"userId": "ann", "firstName": "Anna"}]
    receive(store, message(30, user_id="ann", traits={"firstName": "Bob"}))
    assert people(store) == [{"userId": "ann", "firstName": "Bob"}]


@pytest.mark.parametrize("few", [timing.FEW, 0])
@pytest.mark.parametrize("import_id", [None, 7])
def test_what_many_were_given_at_once_counts_as_of_then_like_what_few_were(store, monkeypatch, few, import_id):
    monkeypatch.setattr(timing, "FEW", few)
    receive(store, message(1, user_id="ann", traits={"firstName": "Ann", "city": "Pune"}))
    given = users([{"userId": "ann", "firstName": "Anna"}, {"userId": "bob", "city": "Goa"}])
    take(store, given, at=AT - 40 * MINUTE, import_id=import_id)

    receive(
        store,
        message(10, user_id="ann", traits={"firstName": "Old", "city": "Agra"}),
        message(11, user_id="bob", traits={"city": "Old"}),
    )
    assert people(store) == [{"userId": "ann", "firstName": "Anna", "city": "Agra"}, {"userId": "bob", "city": "Goa"}]
    receive(store, message(30, user_id="ann", traits={"firstName": "New"}), message(31, user_id="bob", traits={"city": "New"}))
    receive(store, message(29, user_id="ann", traits={"firstName": "Older"}))
    assert people(store) == [{"userId": "ann", "firstName": "New", "city": "Agra"}, {"userId": "bob", "city": "New"}]


def test_the_second_of_two_imports_counts_from_its_own_time_on(store):
    for minutes, name in ((50, "Ann"), (20, "Anna")):
        take(store, users([{"userId": "ann", "firstName": name}]), at=AT - minutes * MINUTE, import_id=minutes)
    receive(store, message(30, user_id="ann", traits={"firstName": "Between"}))

    assert people(store) == [{"userId": "ann", "firstName": "Anna"}]
    assert store.rows(sql("SELECT import_id, property FROM given_at_once")) == [(20, "firstName")]


def test_batches_of_one_import_are_remembered_as_one(store):
    for who in ("ann", "bob"):
        take(store, users([{"userId": who, "city": "Pune"}]), at=AT, import_id=3)
    receive(store, message(1, user_id="ann", traits={"city": "Old"}), message(2, user_id="bob", traits={"city": "Old"}))

    assert {each["city"] for each in people(store)} == {"Pune"}
    assert store.rows(sql("SELECT count(*) FROM given_at_once")) == [(1,)]


def test_of_two_that_were_said_at_one_instant_the_one_that_comes_later_counts(store):
    said = [
        message(number, at=AT - MINUTE, user_id="ann", traits={"city": city})
        for number, city in enumerate(("Pune", "Goa", "Agra"))
    ]
    receive(store, *said[:2])
    assert people(store) == [{"userId": "ann", "city": "Goa"}]
    receive(store, said[2])
    assert people(store) == [{"userId": "ann", "city": "Agra"}]


def test_a_value_that_was_only_derived_gives_way_to_one_that_was_said_before(store):
    receive(store, message(5, user_id="ann", traits={"phone": "+919000500000"}))
    assert profiles.get(store, identities.key_of(store, "ann") or 0).values["country"] == "India"

    receive(store, message(3, user_id="ann", traits={"country": "DE"}))
    assert profiles.get(store, identities.key_of(store, "ann") or 0).values["country"] == "DE"
