"""Lifecycle, rhythm and sessions: their identities, worlds counted by hand, and a plain reading over generated ones."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from statistics import mean, median
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.test_funnel import BEGIN, Happened, ask, keys_of, matches, told
from tests.test_retention import ZONE, later, unit_of
from tests.worlds import AT
from user360 import insights, profiles, workspace
from user360.errors import InvalidInsight
from user360.insights.sessions import LENGTHS, SIZES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

VIEW = {"event": "View"}
PERIOD = {"from": "2026-11-10", "to": "2026-11-23"}


def seen(who: str, when: str, channel: str | None = None) -> Happened:
    return (who, "View", datetime.fromisoformat(f"2026-11-{when}").replace(tzinfo=ZONE).astimezone(UTC), channel, None)


# -- lifecycle ----------------------------------------------------------------------------------


def test_every_state_is_that_counted_by_hand():
    rows = [seen("new", "20T10:00"), seen("back", "19T23:59"), seen("back", "20T00:01"), seen("again", "10T10:00")]
    rows += [seen("again", "20T10:00"), seen("gone", "19T10:00")]
    store = told(rows)
    found = ask(store, {"kind": "lifecycle", "period": {"from": "2026-11-20", "to": "2026-11-23"}})

    assert {(row["time"], row["state"]): row["users"] for row in found} == {
        ("2026-11-20", "new"): 1,
        ("2026-11-20", "returning"): 1,
        ("2026-11-20", "resurrected"): 1,
        ("2026-11-20", "dormant"): 1,
        ("2026-11-21", "dormant"): 3,
    }
    store.close()


@st.composite
def happened(draw: st.DrawFn) -> list[Happened]:
    one = st.tuples(
        st.sampled_from(["a", "b", "c", "d"]),
        st.sampled_from(["View", "Buy"]),
        st.integers(-120, 40).map(lambda step: BEGIN + step * timedelta(hours=4, minutes=1)),
        st.sampled_from(["web", "app", None]),
        st.none(),
    )
    return draw(st.lists(one, min_size=1, max_size=40))


def standing(rows: Sequence[Happened], of: Mapping[str, Any], unit: str) -> dict[tuple[str, str], set[str]]:
    """Who is in which state in each period, read plainly."""
    active: dict[date, set[str]] = defaultdict(set)
    first: dict[str, date] = {}
    for who in {row[0] for row in rows}:
        for row in rows:
            if row[0] == who and matches(dict(of), row):
                here = unit_of(row[2], unit)
                active[here].add(who)
                first[who] = min(first.get(who, here), here)
    found: dict[tuple[str, str], set[str]] = {}
    here, last = unit_of(datetime(2026, 11, 10, 12, tzinfo=UTC), unit), unit_of(AT, unit)
    while here <= last:
        now, before = active[here], active[later(here, unit, -1)]
        new = {who for who in now if first[who] == here}
        name = here.isoformat()
        found |= {(name, "new"): new, (name, "returning"): now & before, (name, "dormant"): before - now}
        found[name, "resurrected"] = now - before - new
        here = later(here, unit, 1)
    return {mark: people for mark, people in found.items() if people}


@given(happened(), st.sampled_from(["day", "week", "month"]), st.sampled_from([VIEW, {"event": None}]))
def test_states_are_what_the_definition_says_and_add_up_to_who_is_active(rows, unit, of):
    rows = [row for row in rows if row[2] <= AT]
    store = told(rows)
    keys = {who: profiles.key_of(store, who) for who in {row[0] for row in rows}}
    question = insights.parse({"kind": "lifecycle", "granularity": unit, "of": of, "period": PERIOD})
    table = insights.run(store, question, at=AT).table.to_pylist()

    found = {}
    for row in table:
        cell = {"time": row["time"], "state": row["state"]}
        found[row["time"], row["state"]] = keys_of(insights.who(store, question, cell, at=AT))
        assert len(found[row["time"], row["state"]]) == row["users"]
    assert found == {mark: {keys[who] for who in people} for mark, people in standing(rows, of, unit).items()}

    if unit == "day" and of["event"] is None:
        active = {row["time"]: row["users"] for row in ask(store, {"kind": "active", "period": PERIOD})}
        sums: dict[str, int] = defaultdict(int)
        for row in table:
            sums[row["time"]] += row["users"] if row["state"] != "dormant" else 0
        assert {day: users for day, users in sums.items() if users} == active
    store.close()


# -- rhythm -------------------------------------------------------------------------------------


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]  # year, month, day, hour, minute


def hours(store: Any, **more: Any) -> dict[tuple[int, int], tuple[int, int]]:
    found = ask(store, {"kind": "rhythm", "of": VIEW, **more})
    return {(row["weekday"], row["hour"]): (row["users"], row["events"]) for row in found}


def test_hours_are_those_of_the_clock_on_the_wall_in_half_hours_and_across_its_changes():
    rows: list[Happened] = [
        ("a", "View", at(2026, 10, 25, 0, 30), None, None),  # 2:30 in summer, and
        ("a", "View", at(2026, 10, 25, 1, 30), None, None),  # 2:30 again in winter
        ("b", "View", at(2026, 10, 25, 1, 31), None, None),
        ("b", "View", at(2026, 11, 1, 23, 30), None, None),  # Monday 0:30 in Berlin, 5:00 in Kolkata
    ]
    store = told(rows)
    period = {"last": 60, "unit": "day"}

    assert hours(store, period=period) == {(6, 2): (2, 3), (0, 0): (1, 1)}
    workspace.change(store, zone_name="Asia/Kolkata")
    assert hours(store, period=period) == {(6, 6): (1, 1), (6, 7): (2, 2), (0, 5): (1, 1)}
    store.close()


def test_on_their_own_clock_people_live_in_their_zone_and_others_in_the_workspaces():
    people = [
        {"userId": "delhi", "timezone": "Asia/Kolkata"},
        {"userId": "york", "timezone": " america/new_york "},
        {"userId": "lost", "timezone": "Middle/Earth"},
        {"userId": "blank"},
    ]
    # New York's clocks change on 1 November at 6:00 UTC
    instants = [at(2026, 11, 1, 5, 30), at(2026, 11, 1, 6, 30)]
    rows: list[Happened] = [(each["userId"], "View", when, None, None) for each in people for when in instants]
    store = told(rows, people)

    assert hours(store, period={"last": 60, "unit": "day"}, clock="own") == {
        (6, 11): (1, 1),
        (6, 12): (1, 1),
        (6, 1): (1, 2),
        (6, 6): (2, 2),
        (6, 7): (2, 2),
    }
    store.close()


# -- sessions -----------------------------------------------------------------------------------


def test_thirty_minutes_are_the_same_session_and_midnight_cuts_nothing():
    rows = [seen("a", "20T23:30", "web"), seen("a", "21T00:00", "app"), seen("a", "21T00:30"), seen("a", "21T01:01", "app")]
    store = told(rows)
    found = ask(store, {"kind": "sessions", "period": PERIOD, "breakdown": {"by": "channel"}})

    assert [(row["time"], row["breakdown"], row["sessions"], row["median"], row["events"]) for row in found] == [
        ("2026-11-20", "=web", 1, 3_600, 3),
        ("2026-11-21", "=app", 1, 0, 1),
    ]
    store.close()


def runs(rows: Sequence[Happened], period: Mapping[str, str]) -> Iterator[list[Happened]]:
    """The sessions that begin in the period, read plainly."""
    first, last = (date.fromisoformat(period[each]) for each in ("from", "to"))
    for who in {row[0] for row in rows}:
        run: list[Happened] = []
        for row in [*sorted((row for row in rows if row[0] == who), key=lambda row: row[2]), None]:
            if run and (row is None or row[2] - run[-1][2] > timedelta(minutes=30)):
                if first <= run[0][2].astimezone(ZONE).date() <= last:
                    yield run
                run = []
            if row is not None:
                run.append(row)


@st.composite
def close(draw: st.DrawFn) -> list[Happened]:
    one = st.tuples(
        st.sampled_from(["a", "b", "c"]),
        st.just("View"),
        st.integers(0, 400).map(lambda step: at(2026, 11, 18, 20) + step * timedelta(minutes=10)),
        st.sampled_from(["web", "app"]),
        st.none(),
    )
    return draw(st.lists(one, min_size=1, max_size=60, unique_by=lambda row: (row[0], row[2])))


@given(
    close(),
    st.sampled_from([PERIOD, {"from": "2026-11-19", "to": "2026-11-19"}]),
    st.sampled_from(["time", "length", "size"]),
    st.booleans(),
    st.sampled_from([[], ["web"]]),
)
def test_sessions_are_what_the_definition_says(rows, period, mark, grouped, channels):
    store = told(rows)
    expected: dict[tuple[Any, ...], list[list[Happened]]] = defaultdict(list)
    for run in runs(rows, period):
        if channels and run[0][3] not in channels:
            continue
        seconds = (run[-1][2] - run[0][2]).total_seconds()
        place = {
            "time": run[0][2].astimezone(ZONE).date().isoformat(),
            "length": max(each for each in LENGTHS if each <= seconds),
            "size": max(each for each in SIZES if each <= len(run)),
        }[mark]
        expected[(place, f"={run[0][3]}") if grouped else (place,)].append(run)

    shows = {"time": "over_time", "length": "lengths", "size": "sizes"}[mark]
    source = {"kind": "sessions", "period": period, "shows": shows, "channels": channels}
    question = insights.parse(source | ({"breakdown": {"by": "channel"}} if grouped else {}))
    keys = (mark, "breakdown") if grouped else (mark,)
    found = {tuple(row[each] for each in keys): row for row in insights.run(store, question, at=AT).table.to_pylist()}

    assert found.keys() == expected.keys()
    for cell, row in found.items():
        own = expected[cell]
        people = insights.who(store, question, dict(zip(keys, cell, strict=True)), at=AT)
        assert keys_of(people) == {profiles.key_of(store, run[0][0]) for run in own}
        assert (row["users"], row["sessions"]) == (len({run[0][0] for run in own}), len(own))
        assert row["median"] == median((run[-1][2] - run[0][2]).total_seconds() for run in own)
        assert row["events"] == pytest.approx(mean(len(run) for run in own))
    store.close()


def test_a_session_of_somebody_with_two_tags_is_once_in_each_group_and_once_in_other():
    store = told([seen("a", "20T10:00")], [{"userId": "a", "tags": "x;y;z"}])
    question = {"kind": "sessions", "period": PERIOD, "breakdown": {"by": "property", "name": "tags", "most": 1}}

    assert [(row["breakdown"], row["sessions"]) for row in ask(store, question)] == [("=x", 1), ("other", 1)]
    store.close()


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ({"kind": "lifecycle", "granularity": "hour"}, "$.granularity"),
        ({"kind": "lifecycle", "breakdown": {"by": "channel"}}, "$.breakdown"),
        ({"kind": "lifecycle", "of": {"event": "Gone"}}, "$.of.event"),
        ({"kind": "rhythm", "breakdown": {"by": "channel"}}, "$.breakdown"),
        ({"kind": "rhythm", "clock": "sun"}, "$.clock"),
        ({"kind": "rhythm", "of": {"event": "Gone"}}, "$.of.event"),
        ({"kind": "sessions", "shows": "all"}, "$.shows"),
    ],
)
def test_what_cannot_be_asked_is_refused_at_its_path(store, source, path):
    with pytest.raises(InvalidInsight) as refused:
        ask(store, source)

    assert refused.value.path == path


def test_an_event_that_stopped_leaves_people_dormant_once_and_then_nobody():
    store = told([seen("a", "10T10:00"), seen("a", "11T10:00")])
    found = ask(store, {"kind": "lifecycle", "period": PERIOD})

    assert [(row["time"], row["state"]) for row in found] == [
        ("2026-11-10", "new"),
        ("2026-11-11", "returning"),
        ("2026-11-12", "dormant"),
    ]
    assert ask(store, {"kind": "lifecycle", "period": {"from": "2027-01-01", "to": "2027-01-31"}}) == []
    store.close()
