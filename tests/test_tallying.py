"""What is kept of days is what their events come to, whatever happened since it was counted."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import random_worlds
from tests.serving import PATIENCE_SECONDS
from tests.worlds import AT, take
from tests.worlds import events as rows_of
from user360 import erasure, events, insights, jobs, profiles, workspace
from user360.people import People
from user360.schema import SYSTEM_EVENTS
from user360.sql import Sql
from user360.store import open_store

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from user360.store import Store

PERIOD = {"from": "2026-09-01", "to": "2026-12-31"}
QUESTIONS: list[dict[str, Any]] = [
    {"kind": "active", "period": PERIOD},
    {"kind": "channels", "period": PERIOD, "measure": "events", "breakdown": {"by": "channel", "most": 20}},
    {
        "kind": "trend",
        "period": PERIOD,
        "series": [
            {"of": {"event": "Order"}, "figure": "total"},
            {"of": {"event": None}, "figure": "per_user"},
            {"of": {"event": "USER_CREATE"}},
        ],
    },
]
FIGURES: dict[str, Any] = {
    "kind": "trend",
    "period": PERIOD,
    "series": [
        {"of": {"event": "Order"}, "figure": "sum", "property": "amount"},
        {"of": {"event": None}, "figure": "median", "property": "amount"},
        {"of": {"event": "Order"}, "figure": "distinct", "property": "note"},
    ],
}
TOGETHER: list[dict[str, Any]] = [
    {"kind": "active", "period": PERIOD, "rolling": True},
    {"kind": "overview"},
    {"kind": "overview", "period": PERIOD, "granularity": "week"},
]
EVERYBODY: dict[str, Any] = {
    "match": "any",
    "conditions": [{"property": "email", "operator": "is_known"}, {"property": "email", "operator": "is_not_known"}],
}


def zone_of(store: Store) -> ZoneInfo:
    return workspace.get(store).zone


def happened(store: Store, at: datetime) -> list[tuple[str, int, str, str | None]]:
    """Every event up to then: day on the wall, person, name, channel; told one by one, in Python."""
    rows = store.rows(
        Sql(
            "SELECT occurred_at, profile_key, e.name, c.name FROM events JOIN event_names e USING (event_id) LEFT JOIN channels c USING (channel_id)"
        )
    )
    zone = zone_of(store)
    return [
        (str(when.replace(tzinfo=UTC).astimezone(zone).date()), *others)
        for when, *others in rows
        if when.replace(tzinfo=UTC) <= at
    ]


def count(rows: list[tuple[Any, int]]) -> dict[Any, tuple[int, int]]:
    """Rows and people by what they are of."""
    found = defaultdict(list)
    for each, who in rows:
        found[each].append(who)
    return {each: (len(people), len(set(people))) for each, people in found.items()}


def by_hand(rows: list[tuple[str, int, str, str | None]], question: dict[str, Any]) -> dict[Any, tuple[Any, int]]:
    """Value and users of each mark, as counted from the events one by one."""
    inside = [each for each in rows if PERIOD["from"] <= each[0] <= PERIOD["to"]]
    others = [each for each in inside if each[2] not in SYSTEM_EVENTS]
    if question["kind"] == "trend":
        orders = [((0, day), who) for day, who, name, _ in inside if name == "Order"]
        whole = [((1, day), who) for day, who, *_ in others]
        made = [((2, day), who) for day, who, name, _ in inside if name == "USER_CREATE"]
        found = {each: (float(n), users) for each, (n, users) in count(orders).items()}
        found |= {each: (n / users, users) for each, (n, users) in count(whole).items()}
        return found | {each: (float(users), users) for each, (_, users) in count(made).items()}
    if "breakdown" not in question:
        return {(day,): (None, users) for (day,), (_, users) in count([((day,), who) for day, who, *_ in others]).items()}
    told = count([((day, "none" if on is None else f"={on}"), who) for day, who, _, on in others])
    valued = question["kind"] == "channels"
    return {each: (float(n) if valued else None, users) for each, (n, users) in told.items()}


def drawn(store: Store, question: dict[str, Any], at: datetime) -> dict[Any, tuple[Any, int]]:
    found = {}
    for row in insights.run(store, insights.parse(question), at=at).table.to_pylist():
        key = tuple(row[each] for each in ("series", "figure", "window", "time", "breakdown") if each in row)
        found[key] = (row.get("value"), row["users"])
    return found


def compare(store: Store, at: datetime) -> None:
    rows = happened(store, at)
    for question in QUESTIONS:
        assert drawn(store, question, at) == by_hand(rows, question)
    for question in (FIGURES, *TOGETHER):  # of people under a condition nothing is kept
        told, counted = drawn(store, question, at), drawn(store, question | {"people": EVERYBODY}, at)
        assert told.keys() == counted.keys()
        for mark, (value, users) in told.items():
            assert (pytest.approx(value, nan_ok=True), users) == counted[mark]


def tally(store: Store) -> frozenset[Any]:
    events.tally(store)
    found = events.tallies(store)
    return found.stale if found else frozenset()


@settings(max_examples=10)
@given(seed=st.integers(0, 10**6))
def test_insights_of_days_are_what_the_events_come_to_whatever_happens(seed):
    random = Random(seed)  # noqa: S311 - chance, not secrets
    made = random_worlds.recipe(random)
    telling = random_worlds.begun(made)
    store = telling.store
    for step in made.steps[1:]:
        chance = random.random()
        if chance < 0.3:
            assert tally(store) == frozenset()
        elif chance < 0.4 and (weeks := [each.week for each in events.buckets(store)]):
            events.recluster(store, *random.sample(weeks, random.randint(1, len(weeks))))
        elif chance < 0.5:
            events.tidy(store)
        elif chance < 0.55:
            workspace.change(store, zone_name=random.choice(("Asia/Kolkata", "America/New_York", "Australia/Lord_Howe")))
        telling.tell(step)
        if random.random() < 0.25:
            compare(store, made.now.at)
    compare(store, made.now.at)
    store.close()


def test_channels_that_do_not_stand_apart_are_counted_from_events(store: Store) -> None:
    some(store)
    tally(store)
    one = {"kind": "active", "period": PERIOD, "breakdown": {"by": "channel", "most": 20}}

    every = drawn(store, one, AT)
    first = drawn(store, {**one, "breakdown": {"by": "channel", "most": 1}}, AT)

    assert every == by_hand(happened(store, AT), one)
    assert {each: users for each, users in first.items() if each[1] == "=email"} == {
        each: users for each, users in every.items() if each[1] == "=email"
    }


def some(store: Store) -> None:
    rows = [(f"u{n % 5}", "Order", AT - timedelta(days=n % 9, minutes=n)) for n in range(60)]
    take(store, rows_of(rows, channels=["web", "email", None] * 20))


def test_a_message_makes_its_day_stale_and_no_other(store: Store) -> None:
    some(store)
    assert tally(store) == frozenset()

    take(store, rows_of([("u1", "Order", AT - timedelta(days=3))]))

    found = events.tallies(store)
    assert found is not None
    # who is new has an event of the system today
    assert found.stale == {(AT - timedelta(days=3)).astimezone(zone_of(store)).date()}
    compare(store, AT)


def test_rows_that_moved_are_not_taken_for_new_ones(store: Store) -> None:
    some(store)
    tally(store)
    take(store, rows_of([("u1", "Order", AT - timedelta(days=3))]))
    events.recluster(store, events.buckets(store)[-1].week)

    found = events.tallies(store)

    assert found is not None
    assert found.stale == {(AT - timedelta(days=3)).astimezone(zone_of(store)).date()}


@pytest.mark.parametrize("remove", ["delete", "erase"])
def test_days_of_somebody_who_goes_are_stale(store: Store, remove: str) -> None:
    some(store)
    tally(store)
    key = profiles.key_of(store, "u2")
    assert key is not None

    if remove == "delete":
        profiles.delete(store, People.of([key]), by="t", source="t", at=AT)
    else:
        erasure.forget(store, key, by="t", at=AT)

    compare(store, AT)
    found = events.tallies(store)
    assert found is not None
    assert found.stale
    assert tally(store) == frozenset()
    compare(store, AT)


def test_another_zone_tells_nothing_until_days_are_counted_in_it(store: Store) -> None:
    some(store)
    tally(store)

    workspace.change(store, zone_name="Asia/Kolkata")

    assert events.tallies(store) is None
    compare(store, AT)
    assert tally(store) == frozenset()
    assert events.tallies(store) is not None
    compare(store, AT)


def done(begun: list[str]) -> bool:
    return bool(begun) and {jobs.wait(each, PATIENCE_SECONDS).status for each in begun} == {"done"}


def test_days_are_counted_by_themselves_once_there_are_many_events(store: Store) -> None:
    some(store)
    assert not events.worth_tallying(store, at=AT)
    rows = [(f"u{n % 50}", "Order", AT - timedelta(minutes=n)) for n in range(20_000)]
    take(store, rows_of(rows))
    assert events.worth_tallying(store, at=AT)

    assert done(jobs.run_due(store, at=AT))
    assert not events.worth_tallying(store, at=AT)

    take(store, rows_of([("u1", "Order", AT)]))
    assert not events.worth_tallying(store, at=AT)  # today goes on
    assert events.worth_tallying(store, at=AT + timedelta(days=1))
    assert jobs.run_due(store, at=AT + timedelta(minutes=59)) == []
    assert done(jobs.run_due(store, at=AT + timedelta(days=1)))
    compare(store, AT)


def test_nothing_is_kept_of_no_events(store: Store) -> None:
    assert events.tally(store) == 0
    assert events.tallies(store) is None


def test_what_was_counted_is_there_when_the_file_is_opened_again(store_file: Store) -> None:
    some(store_file)
    tally(store_file)
    path = store_file.path
    store_file.close()

    again = open_store(path)
    found = events.tallies(again)
    assert found is not None
    assert found.stale == frozenset()
    compare(again, AT)
    again.close()
