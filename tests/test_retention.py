"""Retention: held against a plain reading of its definition over generated worlds, and against a triangle counted by hand."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.test_funnel import BEGIN, Happened, ask, keys_of, matches, told
from tests.worlds import AT
from user360 import insights, profiles
from user360.errors import InvalidInsight

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ZONE = ZoneInfo("Europe/Berlin")
VIEW, BUY = {"event": "View"}, {"event": "Buy"}
BERLIN_DAY = {"kind": "retention", "start": VIEW, "return": BUY, "granularity": "day"}


def on(who: str, what: str, day: str) -> Happened:
    return (who, what, datetime.fromisoformat(f"2026-11-{day}").replace(tzinfo=ZONE).astimezone(UTC), None, None)


def shares(rows: list[dict[str, Any]], cohort: str | None) -> list[float]:
    return [row["share"] for row in rows if row["cohort"] == cohort and row["state"] == "back"]


def test_the_triangle_and_the_pooled_row_are_those_counted_by_hand():
    """Three cohorts of 4, 2 and 1: the pooled row weighs people, not cohorts, and takes finished cells alone."""
    rows = [on(f"a{each}", "View", "20T10:00") for each in range(4)] + [on(f"b{each}", "View", "21T23:59") for each in range(2)]
    rows += [on("a0", "Buy", "21T00:01"), on("a1", "Buy", "21T09:00"), on("a0", "Buy", "22T09:00"), on("b0", "Buy", "22T00:00")]
    rows += [on("c0", "View", "22T08:00"), on("c0", "Buy", "23T08:00"), on("a3", "View", "22T08:00")]
    store = told(rows)
    found = ask(store, {**BERLIN_DAY, "ages": 4, "period": {"from": "2026-11-20", "to": "2026-11-23"}})

    assert shares(found, "2026-11-20") == [1, 0.5, 0.25, 0]
    assert shares(found, "2026-11-21") == [1, 0.5, 0]
    assert shares(found, "2026-11-22") == [1, 1]
    assert shares(found, None) == pytest.approx([1, 3 / 6, 1 / 4])
    unfinished = {(row["cohort"], row["age"]) for row in found if not row["finished"]}
    assert unfinished == {("2026-11-20", 3), ("2026-11-21", 2), ("2026-11-22", 1)}
    recurring = ask(store, {**BERLIN_DAY, "ages": 2, "entry": "every", "period": {"from": "2026-11-20", "to": "2026-11-22"}})
    assert shares(recurring, "2026-11-22") == [1, 0.5]
    store.close()


def test_the_first_time_is_searched_over_all_history_and_clocks_of_their_own_begin_with_the_person():
    rows = [on("old", "View", "01T10:00"), on("old", "View", "20T10:00"), on("new", "View", "20T20:00")]
    rows += [on("new", "Buy", "21T06:00")]
    store = told(rows)
    question = {**BERLIN_DAY, "ages": 2, "period": {"from": "2026-11-20", "to": "2026-11-20"}}

    assert [row["size"] for row in ask(store, question)] == [1, 1, 1, 1, 1, 1]
    assert shares(ask(store, question), None) == [1, 1]
    assert shares(ask(store, {**question, "clock": "own"}), None) == [1, 0]
    assert shares(ask(store, {**question, "entry": "every"}), None) == [1, 0.5]
    store.close()


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ({"start": {"event": "Gone"}}, "$.start.event"),
        ({"return": {"event": "Gone"}}, "$.return.event"),
        ({"granularity": "hour"}, "$.granularity"),
        ({"ages": 1}, "$.ages"),
        ({"ages": 121}, "$.ages"),
        ({"entry": "last"}, "$.entry"),
        ({"back": BUY}, "$.back"),
    ],
)
def test_what_is_no_retention_is_refused_at_its_path(store, more, path):
    with pytest.raises(InvalidInsight) as refused:
        ask(store, {"kind": "retention", "start": {"event": None}, **more})

    assert refused.value.path == path


# -- the definition, read plainly ---------------------------------------------------------------


def unit_of(instant: datetime, unit: str) -> date:
    day = instant.astimezone(ZONE).date()
    return day if unit == "day" else day - timedelta(days=day.weekday()) if unit == "week" else day.replace(day=1)


def later(start: date, unit: str, amount: int) -> date:
    if unit == "month":
        month = start.year * 12 + start.month - 1 + amount
        return date(month // 12, month % 12 + 1, 1)
    return start + timedelta(days=amount * (7 if unit == "week" else 1))


def midnight(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time(), tzinfo=ZONE).astimezone(UTC)


LENGTH = {"day": timedelta(days=1), "week": timedelta(days=7), "month": timedelta(days=30)}


def plainly(rows: Sequence[Happened], question: dict[str, Any]) -> Mapping[Any, Mapping[str, int]]:
    """Members of each cell by person, how often each: (cohort, age, state)."""
    first, last = (date.fromisoformat(question["period"][each]) for each in ("from", "to"))
    begin, end = midnight(first), midnight(last + timedelta(days=1))
    unit = question["granularity"]
    found: dict[Any, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for who in {row[0] for row in rows}:
        own = sorted(row[2] for row in rows if row[0] == who and row[2] <= AT and matches(question["start"], row))
        backs = [row[2] for row in rows if row[0] == who and row[2] <= AT and matches(question["return"], row)]
        entries: dict[date, datetime] = {}
        for each in own if question["entry"] == "every" else own[:1]:
            if begin <= each < end:
                entries.setdefault(unit_of(each, unit), each)
        for cohort, started in entries.items():
            ages = {age_of(cohort, started, each, question) for each in backs if each > started}
            for age in range(question["ages"]):
                starts, ends = edges(cohort, age, question, begin, end)
                if starts > AT:
                    break
                if age == 0:
                    state = "back"
                else:
                    here = age in ages if question["when"] == "on" else max(ages, default=0) >= age
                    state = "back" if here else "away"
                found[cohort.isoformat(), age, state][who] += 1
                if age == 0 or ends <= AT:
                    found[None, age, state][who] += 1
    return found


def age_of(cohort: date, started: datetime, came: datetime, question: dict[str, Any]) -> int:
    unit = question["granularity"]
    if question["clock"] == "own":
        return (came - started) // LENGTH[unit]
    age = 0
    while later(cohort, unit, age + 1) <= unit_of(came, unit):
        age += 1
    return age


def edges(cohort: date, age: int, question: dict[str, Any], begin: datetime, end: datetime) -> tuple[datetime, datetime]:
    unit = question["granularity"]
    if question["clock"] == "own":
        start, over = max(midnight(cohort), begin), min(midnight(later(cohort, unit, 1)), end)
        return start + age * LENGTH[unit], over + (age + 1) * LENGTH[unit]
    return midnight(later(cohort, unit, age)), midnight(later(cohort, unit, age + 1))


@st.composite
def happened(draw: st.DrawFn) -> list[Happened]:
    one = st.tuples(
        st.sampled_from(["a", "b", "c", "d"]),
        st.sampled_from(["View", "Buy"]),
        st.integers(-90, 20).map(lambda step: BEGIN + step * timedelta(hours=11)),
        st.none(),
        st.sampled_from(["a", None]),
    )
    return draw(st.lists(one, min_size=1, max_size=30))


QUESTIONS = st.fixed_dictionaries(
    {
        "kind": st.just("retention"),
        "start": st.sampled_from([VIEW, BUY, {"event": None}]),
        "return": st.sampled_from([VIEW, BUY, {"event": None}]),
        "granularity": st.sampled_from(["day", "week", "month"]),
        "entry": st.sampled_from(["first", "every"]),
        "when": st.sampled_from(["on", "after"]),
        "clock": st.sampled_from(["calendar", "own"]),
        "ages": st.integers(2, 6),
        "period": st.sampled_from([{"from": "2026-10-20", "to": "2026-11-05"}, {"from": "2026-11-11", "to": "2026-11-30"}]),
    }
)


@given(happened(), st.lists(QUESTIONS, min_size=2, max_size=2))
def test_every_cell_has_the_people_the_definition_says(rows, asked):
    store = told([row for row in rows if row[2] <= AT])
    keys = {who: profiles.key_of(store, who) for who in {row[0] for row in rows}}
    for source in asked:
        question = insights.parse(source)
        expected = plainly(rows, source)
        seen = {}
        for row in insights.run(store, question, at=AT).table.to_pylist():
            mark = (row["cohort"], row["age"], row["state"])
            people = insights.who(store, question, {"cohort": mark[0], "age": mark[1], "state": mark[2]}, at=AT)
            assert len(people) == row["users"], (source, mark)
            assert row["members"] == sum(expected.get(mark, {}).values()), (source, mark)
            if people:
                seen[mark] = keys_of(people)
        wanted = {mark: {keys[who] for who in people} for mark, people in expected.items()}
        if source["entry"] == "every":  # somebody may be back of one cohort and away of another
            wanted = {mark: people for mark, people in wanted.items() if mark[0] is not None or mark[2] == "back"}
        assert seen == wanted, source
    store.close()


@given(happened(), QUESTIONS)
def test_on_or_after_never_rises_within_a_cohort(rows, source):
    store = told([row for row in rows if row[2] <= AT])
    found = ask(store, {**source, "when": "after"})

    for cohort in {row["cohort"] for row in found if row["cohort"] is not None}:
        told_shares = shares(found, cohort)
        assert told_shares == sorted(told_shares, reverse=True)
    store.close()
