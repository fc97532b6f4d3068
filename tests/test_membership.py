"""Membership: sizes at earlier moments, who came and went and why, the segments of one person."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.worlds import AT, events, take, users
from user360 import profiles, segments, workspace
from user360.people import People
from user360.segments import lists, membership, saved
from user360.store import open_store

if TYPE_CHECKING:
    from datetime import datetime

    from user360.segments import Rule, Turnover
    from user360.store import Store


def days(back: float) -> datetime:
    return AT - timedelta(days=back)


def rule(*conditions: dict[str, Any], match: str = "all") -> Rule:
    return segments.parse({"match": match, "conditions": list(conditions)})


def prop(name: str, *values: object, operator: str = "is") -> dict[str, Any]:
    return {"property": name, "operator": operator, **({"values": list(values)} if values else {})}


def did(event: str, last: int = 0, least: int = 1, **more: object) -> dict[str, Any]:
    during = {"during": {"last": last, "unit": "day"}} if last else {}
    return {"event": event, "times": {"operator": "at_least", "values": [least]}, **during, **more}


def keys(store: Store, *ids: str) -> People:
    return People.of([key for each in ids if (key := profiles.key_of(store, each)) is not None])


def came(found: Turnover) -> list[tuple[str, str, int]]:
    return [(each.kind, each.words, len(each.people)) for each in found.came]


def went(found: Turnover) -> list[tuple[str, str, int]]:
    return [(each.kind, each.words, len(each.people)) for each in found.went]


def since(store: Store, what: Rule, back: float = 7, *, before: Rule | None = None) -> Turnover:
    return segments.turnover(store, what, before=before, start=days(back), end=AT)


DE = prop("country", "DE")
SAYS_DE = "whose country is “DE”"


# -- size over time -----------------------------------------------------------------------------


def test_a_size_is_what_was_answered_then(store: Store) -> None:
    answered = []
    for back in (5, 4, 3, 2, 1):
        take(
            store,
            users([{"userId": f"u{back}", "country": "DE"}, {"userId": "u9", "country": "DE" if back % 2 else "FR"}]),
            at=days(back),
        )
        if back == 2:
            profiles.delete(store, keys(store, "u5"), by="ann", source="test", at=days(back))
        answered.append((days(back), len(segments.people(store, rule(DE), at=days(back))), profiles.count(store)))

    sizes = membership.size_over_time(store, rule(DE), moments=[days(back) for back in (5, 4, 3, 2, 1)], at=AT)

    assert [(each.at, each.people, each.total) for each in sizes] == answered


def test_a_segment_just_made_has_a_past(store: Store) -> None:
    take(store, users([{"userId": "u1"}, {"userId": "u2"}]), at=days(90))
    take(store, events([("u1", "Order", days(40)), ("u2", "Order", days(10))]), at=days(1))

    sizes = membership.size_over_time(
        store, rule(did("Order", 30)), moments=[days(back) for back in (50, 40, 20, 10, 5, 0)], at=AT
    )

    assert [each.people for each in sizes] == [0, 1, 1, 2, 1, 1]


def test_a_value_given_for_the_first_time_was_unknown_before_however_often_it_changed_since(store: Store) -> None:
    take(store, users([{"userId": "u1"}]), at=days(5))
    for back, city in ((3, "Ulm"), (2, "Bonn")):
        take(store, users([{"userId": "u1", "city": city}]), at=days(back))

    sizes = membership.size_over_time(store, rule(prop("city", operator="is_known")), moments=[days(4), days(1)], at=AT)

    assert [each.people for each in sizes] == [0, 1]


def test_the_last_size_is_that_of_now(store: Store) -> None:
    """Whatever was added within the minute a page asks for is counted where the page counts it."""
    take(store, users([{"userId": "u1", "country": "DE"}]), at=AT + timedelta(seconds=40))

    assert membership.size_over_time(store, rule(DE), moments=[AT], at=AT)[0].people == 1


def test_moments_are_the_first_instants_of_days_and_now(store: Store) -> None:
    zone = workspace.get(store).zone

    found = membership.moments(workspace.get(store), days=90, points=30, at=AT)

    assert (len(found), found[-1]) == (30, AT)
    assert {(each.astimezone(zone).hour, each.astimezone(zone).minute) for each in found[:-1]} == {(0, 0)}
    assert list(found) == sorted(set(found))
    assert (AT - found[0]).days == 89


def test_few_days_have_no_moment_twice(store: Store) -> None:
    found = membership.moments(workspace.get(store), days=3, points=30, at=AT)

    assert len(found) == len(set(found)) == 4


SESSIONS = st.sampled_from(
    [
        prop("lastSession", 3, "day", operator="in_the_last"),
        prop("lastSession", 3, "day", operator="not_in_the_last"),
        prop("lastSession", 30, "hour", operator="not_in_the_last") | {"unknown": "leave_out"},
        prop("lastSession", operator="is_known"),
        prop("lastSession", operator="is_not_known"),
        prop("lastSession", "2026-11-19", "2026-11-21"),
        prop("lastSession", "2026-11-19", operator="is_not"),
        prop("lastSession", "2026-11-20", operator="before"),
        prop("lastSession", "2026-11-20", operator="after"),
        prop("lastSession", "2026-11-18", "2026-11-19", operator="between"),
        prop("lastSession", "this_week", operator="in_period"),
        prop("lastSession", 3, operator="anniversary_in_the_next"),
    ]
)


@given(what=SESSIONS, happened=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 6)), max_size=10), gone=st.integers(0, 6))
def test_the_last_session_of_an_earlier_instant_is_the_one_of_then(
    what: dict[str, Any], happened: list[tuple[int, int]], gone: int
) -> None:
    opened, answered = open_store(), []
    for back in range(6, -1, -1):
        if back in (6, 3):
            take(opened, users([{"userId": f"u{each}"} for each in range(7 - back)]), at=days(back + 0.4))
        rows: list[tuple[str | None, str | None, datetime | None]] = [
            (f"u{who}", "View", days(back + 0.3)) for who, day in happened if day == back
        ]
        if rows:
            take(opened, events(rows), at=days(back + 0.3))
        if back == gone:
            profiles.delete(opened, People.of([0]), by="ann", source="test", at=days(back + 0.2))
        answered.append(segments.people(opened, rule(what), at=days(back)))

    asked = [segments.people(opened, rule(what), at=days(back), past=True) for back in range(6, -1, -1)]

    assert asked == answered
    opened.close()


# -- impact -------------------------------------------------------------------------------------


def test_the_impact_of_another_definition_is_who_would_enter_leave_and_stay(store: Store) -> None:
    take(store, users([{"userId": "u1", "country": "DE"}, {"userId": "u2", "country": "FR"}, {"userId": "u3", "country": "IT"}]))
    saved.save(store, "Some", rule(prop("country", "DE", "FR")), by="ann", at=AT)

    found = membership.impact(store, "s1", rule(prop("country", "FR", "IT")), at=AT)

    assert (found.entered, found.left, found.stayed) == (keys(store, "u3"), keys(store, "u1"), keys(store, "u2"))


# -- causes -------------------------------------------------------------------------------------


def test_a_changed_property_is_told_with_both_values_and_who_changed_it(store: Store) -> None:
    take(store, users([{"userId": "u1", "country": "FR"}, {"userId": "u2", "country": "DE"}]), at=days(30))
    take(store, users([{"userId": "u1", "country": "IT"}]), at=days(3))
    take(store, users([{"userId": "u1", "country": "DE"}, {"userId": "u2", "country": "FR"}]), at=days(2))

    found = since(store, rule(DE))

    assert came(found) == [("property changed", SAYS_DE, 1)]
    assert went(found) == [("property changed", SAYS_DE, 1)]
    told = {each.profile_key: each for each in segments.evidence(store, found, found.entered | found.left)}
    assert (told[0].entered, told[0].old, told[0].new, told[0].at, told[0].by) == (True, "FR", "DE", days(2), "tester")
    assert (told[1].entered, told[1].old, told[1].new) == (False, "DE", "FR")


def test_a_new_event_is_told_with_its_name_and_time(store: Store) -> None:
    take(store, users([{"userId": "u1"}]), at=days(30))
    take(store, events([("u1", "Order", days(20)), ("u1", "Order", days(3)), ("u1", "View", days(1))]))

    found = since(store, rule(did("Order", least=2)))

    assert came(found) == [("new event", "who did “Order” at least 2 times", 1)]
    told = segments.evidence(store, found, found.entered)
    assert [(each.new, each.at) for each in told] == [("Order", days(3))]


def test_an_event_that_left_the_window_is_told_with_its_time(store: Store) -> None:
    take(store, users([{"userId": "u1"}]), at=days(90))
    take(store, events([("u1", "Order", days(33)), ("u1", "Order", days(31)), ("u1", "Order", days(50))]))

    found = since(store, rule(did("Order", 30)))

    assert went(found) == [("event left the window", "who did “Order” in the last 30 days", 1)]
    told = segments.evidence(store, found, found.left)
    assert [(each.entered, each.new, each.at) for each in told] == [(False, "Order", days(31))]


def test_an_event_that_did_not_happen_long_enough_lets_people_in(store: Store) -> None:
    take(store, users([{"userId": "u1"}]), at=days(90))
    take(store, events([("u1", "Order", days(31))]))
    never = {"event": "Order", "times": {"operator": "exactly", "values": [0]}, "during": {"last": 30, "unit": "day"}}

    assert came(since(store, rule(never))) == [("event left the window", "who did not do “Order” in the last 30 days", 1)]


def test_a_date_that_passed_is_told_with_the_date(store: Store) -> None:
    take(store, users([{"userId": "u1", "dob": "1990-11-25"}]), at=days(30))

    found = since(store, rule(prop("dob", 3, operator="anniversary_in_the_next")))

    assert [each[0] for each in came(found)] == ["time passed"]
    assert [(each.old, each.new, each.by) for each in segments.evidence(store, found, found.entered)] == [
        ("1990-11-25", "1990-11-25", "")
    ]


def test_who_is_new_was_created_and_who_is_gone_was_deleted(store: Store) -> None:
    take(store, users([{"userId": "u1", "country": "DE"}]), at=days(30))
    take(store, users([{"userId": "u2", "country": "DE"}]), at=days(3))
    profiles.delete(store, keys(store, "u1"), by="ann", source="test", at=days(2))

    found = since(store, rule(DE))

    assert (came(found), went(found)) == ([("created", "", 1)], [("deleted", "", 1)])
    assert [(each.kind, each.at, each.by) for each in segments.evidence(store, found, found.entered | found.left)] == [
        ("deleted", days(2), "ann"),
        ("created", days(3), ""),
    ]


def test_a_new_definition_is_the_cause_only_for_whom_it_moved(store: Store) -> None:
    rows = [{"userId": "u1", "country": "DE"}, {"userId": "u2", "country": "FR"}, {"userId": "u3", "country": "IT"}]
    take(store, users([*rows, {"userId": "u4", "country": "DE"}]), at=days(30))
    saved.save(store, "Some", rule(DE), by="ann", at=days(20))
    take(store, users([{"userId": "u3", "country": "DE"}]), at=days(3))
    saved.revise(store, "s1", rule(prop("country", "DE", "FR"), prop("userId", "u1", operator="is_not")), by="ann", at=days(2))

    found = segments.turnover_of(store, "s1", start=days(7), end=AT)

    assert (found.entered, found.left, found.stayed) == (keys(store, "u2", "u3"), keys(store, "u1"), keys(store, "u4"))
    assert came(found) == [("definition changed", "", 1), ("property changed", SAYS_DE, 1)]
    assert went(found) == [("definition changed", "", 1)]


def test_who_was_put_on_a_list_or_taken_off_it_is_told_so(store: Store) -> None:
    take(store, users([{"userId": "u1"}, {"userId": "u2"}]), at=days(30))
    held = lists.save(store, "Guests", keys(store, "u1"), source="selection", by="ann", at=days(20))
    lists.add(store, held.id, keys(store, "u2"), source="pasted ids", by="ann", at=days(3))
    lists.remove(store, held.id, keys(store, "u1"), by="ann", at=days(2))

    found = segments.turnover_of(store, held.id, start=days(7), end=AT)

    said = "in the segment “Guests”"
    assert (came(found), went(found)) == ([("put on the list", said, 1)], [("taken off the list", said, 1)])
    assert [(each.at, each.source) for each in segments.evidence(store, found, found.entered | found.left)] == [
        (days(2), "selection"),
        (days(3), "pasted ids"),
    ]


def test_a_change_within_a_segment_it_names_is_told_as_itself(store: Store) -> None:
    take(store, users([{"userId": "u1", "country": "FR"}]), at=days(30))
    saved.save(store, "Germans", rule(DE), by="ann", at=days(20))
    take(store, users([{"userId": "u1", "country": "DE"}]), at=days(3))

    assert came(since(store, rule({"segment": "s1"}))) == [("property changed", SAYS_DE, 1)]


def test_only_the_condition_that_decided_is_the_cause(store: Store) -> None:
    """Both changed, but one of two alternatives held all the time."""
    take(store, users([{"userId": "u1", "country": "FR", "city": "Ulm"}]), at=days(30))
    take(store, events([("u1", "Order", days(3))]))
    take(store, users([{"userId": "u1", "country": "DE"}]), at=days(3))
    either = {"match": "any", "conditions": [prop("city", "Ulm"), did("Order")]}

    assert came(since(store, rule(DE, either))) == [("property changed", SAYS_DE, 1)]


def test_where_either_of_two_changes_would_have_done_both_are_told(store: Store) -> None:
    take(store, users([{"userId": "u1", "country": "FR"}]), at=days(30))
    take(store, events([("u1", "Order", days(3))]))
    take(store, users([{"userId": "u1", "country": "DE"}]), at=days(3))

    assert sorted(came(since(store, rule(DE, did("Order"), match="any")))) == [
        ("new event", "who did “Order”", 1),
        ("property changed", SAYS_DE, 1),
    ]


def test_a_rank_moves_people_who_did_nothing(store: Store) -> None:
    take(store, users([{"userId": "u1", "latitude": 5}, {"userId": "u2", "latitude": 3}]), at=days(30))
    take(store, users([{"userId": "u2", "latitude": 9}]), at=days(3))

    found = since(store, rule({"rank": "top", "count": 1, "property": "latitude"}))

    assert (found.entered, found.left) == (keys(store, "u2"), keys(store, "u1"))
    assert [each.kind for each in (*found.came, *found.went)] == ["rank moved", "rank moved"]
    assert [(each.old, each.new) for each in segments.evidence(store, found, found.entered | found.left)] == [
        ("5", "5"),
        ("3", "9"),
    ]


CONDITIONS = st.sampled_from(
    [
        DE,
        prop("country", "DE", operator="is_not"),
        prop("city", operator="is_known"),
        prop("lastSession", 5, "day", operator="in_the_last"),
        prop("dob", 4, operator="anniversary_in_the_next"),
        prop("tags", "vip", operator="contains_any"),
        did("Order"),
        did("Order", 5),
        did("View", 8, 2),
        {"event": "Order", "times": {"operator": "exactly", "values": [0]}, "during": {"last": 6, "unit": "day"}},
        {"event": "Order", "measure": {"function": "sum", "property": "total"}, "operator": "greater_than", "values": [10]},
        {"event": "View", "occurrence": "last", "operator": "in_the_last", "values": [4, "day"]},
        {"sequence": [{"event": "View"}, {"event": "Order"}], "within": {"value": 2, "unit": "day"}},
        {"rank": "top", "count": 2, "event": "Order"},
        {"property": "country", "held": {"changed_in_the_last": 5, "unit": "day"}},
        {"segment": "s1"},
        {"segment": "s2"},
    ]
)
GROUPS = st.recursive(
    CONDITIONS,
    lambda inner: st.builds(
        lambda conditions, match: {"match": match, "conditions": conditions},
        st.lists(inner, min_size=1, max_size=3),
        st.sampled_from(["all", "any", "none"]),
    ),
    max_leaves=6,
).map(lambda each: segments.parse(each if "match" in each else {"match": "all", "conditions": [each]}))


@pytest.fixture(scope="module")
def busy() -> Any:
    """Twelve people whose values and events change over twenty days, with a rule and a list."""
    opened = open_store()
    for back in range(20, 0, -1):
        rows = [
            {
                "userId": f"u{each}",
                "country": ["DE", "FR", None][(each * back) % 3],
                "city": "Ulm" if (each + back) % 5 == 0 else None,
                "dob": f"1990-11-{10 + each}",
                "tags": "vip" if (each * back) % 7 == 1 else None,
            }
            for each in range(12)
            if (each + back) % 4 == 0
        ]
        take(opened, users(rows), at=days(back))
        happened: list[tuple[str | None, str | None, datetime | None]] = [
            (f"u{each}", "Order" if each % 2 else "View", days(back - 0.01 * each))
            for each in range(12)
            if (each * back) % 5 == 1
        ]
        if happened:
            totals: list[str | None] = [json.dumps({"total": back}) for _ in happened]
            take(opened, events(happened, properties=totals), at=days(back))
    saved.save(opened, "Germans", rule(DE), by="ann", at=days(18))
    lists.save(opened, "Guests", keys(opened, "u1", "u2"), source="test", by="ann", at=days(9))
    lists.remove(opened, "s2", keys(opened, "u1"), by="ann", at=days(4))
    profiles.delete(opened, keys(opened, "u5"), by="ann", source="test", at=days(3))
    yield opened
    opened.close()


@given(what=GROUPS, back=st.integers(1, 19), length=st.integers(1, 18))
def test_all_who_moved_have_a_cause_and_nobody_else(busy: Store, what: Rule, back: int, length: int) -> None:
    start, end = days(back), days(max(back - length, 0))

    found = segments.turnover(busy, what, start=start, end=end)

    was, now = (segments.people(busy, what, at=each, past=True) for each in (start, end))
    assert (found.entered, found.left, found.stayed) == (now - was, was - now, now & was)
    for moved, causes in ((found.entered, found.came), (found.left, found.went)):
        explained = People.of([])
        for each in causes:
            explained |= each.people
        assert explained == moved
    told = segments.evidence(busy, found, found.entered | found.left)
    assert {each.profile_key for each in told} == set((found.entered | found.left).keys().tolist())


# -- of one person ------------------------------------------------------------------------------


@given(rules=st.lists(GROUPS, min_size=1, max_size=4))
def test_the_segments_of_a_person_are_those_they_are_found_in(rules: list[Rule]) -> None:
    opened = open_store()
    take(
        opened,
        users(
            [
                {"userId": f"u{each}", "country": ["DE", "FR", None][each % 3], "tags": "vip" if each else None}
                for each in range(4)
            ]
        ),
    )
    take(opened, events([("u1", "Order", days(1)), ("u1", "View", days(2)), ("u2", "View", days(3)), ("u2", "View", days(4))]))
    saved.save(opened, "Germans", rule(DE), by="ann", at=AT)
    lists.save(opened, "Guests", keys(opened, "u1", "u2"), source="test", by="ann", at=AT)
    for number, each in enumerate(rules):
        saved.save(opened, f"Rule {number}", each, by="ann", at=AT)

    for key in range(4):
        expected = [each for each in saved.find(opened) if key in segments.people(opened, saved.rule_of(each), at=AT)]
        assert sorted(each.id for each in membership.of(opened, key, at=AT)) == sorted(each.id for each in expected)
    opened.close()


def test_segments_of_a_person_stand_by_name_and_archived_ones_do_not(store: Store) -> None:
    take(store, users([{"userId": "u1", "country": "DE"}]))
    for name in ("b", "C", "A"):
        saved.save(store, name, rule(DE), by="ann", at=AT)
    saved.archive(store, "s1", by="ann", at=AT)

    assert [each.name for each in membership.of(store, 0, at=AT)] == ["A", "C"]


def test_of_no_segments_a_person_is_in_none(store: Store) -> None:
    take(store, users([{"userId": "u1"}]))

    assert membership.of(store, 0, at=AT) == ()
