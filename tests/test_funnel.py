"""Funnels: held against a plain reading of their definition over generated worlds, and against worlds counted by hand."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.worlds import AT, events, take, users
from user360 import insights, profiles, segments
from user360.errors import InvalidInsight
from user360.sql import Sql
from user360.store import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from user360.people import People
    from user360.store import Store

HOUR = timedelta(hours=1)
BEGIN = datetime(2026, 11, 16, 12, tzinfo=UTC)
NAMES = ("View", "Add", "Buy", "Help")
PERIOD = {"from": "2026-11-16", "to": "2026-11-20"}

Happened = tuple[str, str, datetime, str | None, str | None]  # who, what, when, channel, item


def told(rows: Sequence[Happened], people: Sequence[dict[str, Any]] = ()) -> Store:
    """A store in which this happened; every name is known from an event long ago."""
    store = open_store()
    long_ago = [("nobody", each, AT - timedelta(days=900), None, None) for each in NAMES]
    every = [*long_ago, *rows]
    if people:
        take(store, users(people))
    take(
        store,
        events(
            [row[:3] for row in every],
            channels=[row[3] for row in every],
            message_ids=[f"m{place - len(NAMES)}" for place in range(len(every))],
            properties=[json.dumps({"item": row[4]} if row[4] else {}) for row in every],
        ),
    )
    return store


def ask(store: Store, question: dict[str, Any]) -> list[dict[str, Any]]:
    return insights.run(store, insights.parse(question), at=AT).table.to_pylist()


def counts(store: Store, **question: Any) -> dict[tuple[int, str], int]:
    found = ask(store, {"kind": "funnel", "period": PERIOD, **question})
    return {(row["step"], row["state"]): row["users"] for row in found}


def did(*what: str, who: str = "a", apart: timedelta = HOUR, channel: str = "web", item: str | None = None) -> list[Happened]:
    return [(who, each, BEGIN + place * apart, channel, item) for place, each in enumerate(what)]


def keys_of(people: People) -> set[int]:
    return set(people.keys().tolist())


VIEW, ADD, BUY = {"event": "View"}, {"event": "Add"}, {"event": "Buy"}
OF_A = {"event": "Add", "where": {"match": "all", "conditions": [{"property": "item", "operator": "is", "values": ["a"]}]}}


# -- counted by hand ----------------------------------------------------------------------------


CASES: list[tuple[list[Happened], dict[str, Any], int]] = [
    (did("View", "Help", "Add", "Buy"), {"steps": [VIEW, ADD, BUY]}, 3),
    (did("View", "Help", "Add", "Buy"), {"steps": [VIEW, ADD, BUY], "order": "strict"}, 1),
    (did("View", "View", "Add", "Buy"), {"steps": [VIEW, ADD, BUY], "order": "strict"}, 3),
    (did("Buy", "View", "Add"), {"steps": [VIEW, ADD, BUY]}, 2),
    (did("Buy", "View", "Add"), {"steps": [VIEW, ADD, BUY], "order": "any"}, 3),
    (did("View"), {"steps": [VIEW] * 2}, 1),
    (did("View", "View"), {"steps": [VIEW] * 2}, 2),
    (did(*["View"] * 10), {"steps": [VIEW] * 10}, 10),
    (did(*["View"] * 9), {"steps": [VIEW] * 10}, 9),
    (did(*["View"] * 9), {"steps": [VIEW] * 10, "order": "any"}, 9),
    (did(*["View"] * 10, apart=timedelta()), {"steps": [VIEW] * 10, "order": "strict"}, 10),
    (did("Add", "View", apart=timedelta()), {"steps": [VIEW, ADD]}, 2),
    (did("Buy", "Add", "View", apart=timedelta()), {"steps": [VIEW, ADD, BUY], "order": "strict"}, 3),
    (did("View", "Add", "Add", item="b"), {"steps": [VIEW, OF_A]}, 1),
    (did("View", "Add", item="b") + did("View", "Help", "Add", item="a"), {"steps": [VIEW, OF_A], "order": "strict"}, 1),
    (did("View", "Add", apart=24 * HOUR), {"steps": [VIEW, ADD], "within": {"value": 1, "unit": "day"}}, 2),
    (did("View", "Add", apart=25 * HOUR), {"steps": [VIEW, ADD], "within": {"value": 24, "unit": "hour"}}, 1),
    (did("View", "Add", "Buy", apart=40 * HOUR), {"steps": [VIEW, ADD, BUY], "within": {"value": 2, "unit": "day"}}, 2),
    (did("View", "View", "Add", apart=20 * HOUR), {"steps": [VIEW, ADD], "within": {"value": 1, "unit": "day"}}, 2),
]


@pytest.fixture(scope="module")
def world() -> Iterator[Store]:
    """Every case with a person of its own."""
    store = told([(f"case {number}", *row[1:]) for number, (rows, _, _) in enumerate(CASES) for row in rows])
    yield store
    store.close()


@pytest.mark.parametrize("number", range(len(CASES)))
def test_a_person_reaches_as_many_steps_as_the_definition_says(world, number):
    _, question, reached = CASES[number]
    own = {"match": "all", "conditions": [{"property": "userId", "operator": "is", "values": [f"case {number}"]}]}

    found = counts(world, **question, people=own)

    steps = len(question["steps"])
    expected = {(step, "reached"): int(step <= reached) for step in range(1, steps + 1)}
    stopped = {(reached + 1, "open"): 1} if found.get((reached + 1, "open")) else {(reached + 1, "dropped"): 1}
    assert found == expected | (stopped if reached < steps else {})


@pytest.mark.parametrize(
    "more",
    [
        {"steps": [{"event": None}, BUY]},
        {"steps": [VIEW, {"event": None}, BUY], "breakdown": {"by": "channel"}},
        {"steps": [VIEW, ADD], "order": "strict", "shows": "over_time"},
        {"steps": [{"event": None}, BUY], "order": "any", "same": ["item"]},
        {"steps": [VIEW, BUY], "excluded": [{"of": ADD}], "shows": "times"},
        {"steps": [VIEW, ADD, BUY]},
        {"steps": [VIEW, ADD, BUY], "order": "any", "shows": "over_time"},
    ],
)
@pytest.mark.parametrize("setting", ["attempts.AT_ONCE", "attempts.ALONE", "chains._PIECE"])
def test_people_in_slices_and_halves_reach_what_they_reach_together(world, monkeypatch, more, setting):
    question = insights.parse({"kind": "funnel", **more})
    whole = insights.run(world, question, at=AT).table
    assert whole.num_rows
    monkeypatch.setattr(f"user360.{setting}", 9)

    assert insights.run(world, question, at=AT).table.equals(whole)


@pytest.mark.parametrize("shows", ["steps", "over_time"])
def test_what_is_counted_from_arrays_is_what_the_database_counts_beside_groups(world, shows):
    source = {"kind": "funnel", "steps": [VIEW, ADD, BUY], "shows": shows}
    plain = insights.run(world, insights.parse(source), at=AT).table.to_pylist()
    grouped = insights.run(world, insights.parse(source | {"breakdown": {"by": "channel"}}), at=AT).table.to_pylist()
    whole = [{key: value for key, value in row.items() if key != "breakdown"} for row in grouped if row["breakdown"] is None]

    assert plain
    assert [row for row in plain if row["users"]] == [row for row in whole if row["users"]]


def test_the_first_step_lies_in_the_period_and_the_next_may_lie_after_it():
    first, last = datetime(2026, 11, 15, 22, 59, tzinfo=UTC), datetime(2026, 11, 20, 22, 59, tzinfo=UTC)
    rows = [
        ("early", "View", first, None, None),
        ("early", "Add", first + HOUR, None, None),
        ("late", "View", last, None, None),
        ("late", "Add", last + 48 * HOUR, None, None),
        ("too late", "View", last + HOUR, None, None),
    ]
    store = told(rows)

    assert counts(store, steps=[VIEW, ADD]) == {(1, "reached"): 1, (2, "reached"): 1}
    store.close()


def test_excluded_events_void_an_attempt_and_another_one_may_still_count():
    help_ = {"of": {"event": "Help"}, "after": 1, "before": 2}
    rows = [
        *did("View", "Add", "Help", "Buy", who="after"),
        *did("View", "Help", "Add", "Buy", who="between"),
        *did("View", "Help", "View", "Add", who="again"),
        *did("Help", "View", "Add", "Buy", who="before"),
        *did("View", "Help", who="stopped"),
    ]
    store = told(rows)

    found = counts(store, steps=[VIEW, ADD, BUY], excluded=[help_])
    left_out = insights.who(
        store,
        insights.parse({"kind": "funnel", "period": PERIOD, "steps": [VIEW, ADD, BUY], "excluded": [help_]}),
        {"step": 1, "state": "left out"},
        at=AT,
    )

    assert found == {
        (1, "reached"): 3,
        (1, "left out"): 2,
        (2, "reached"): 3,
        (3, "reached"): 2,
        (3, "open"): 1,
    }
    assert keys_of(left_out) == {profiles.key_of(store, "between"), profiles.key_of(store, "stopped")}
    assert counts(store, steps=[VIEW, ADD, BUY], excluded=[{"of": {"event": "Help"}}])[1, "reached"] == 2
    store.close()


def test_who_can_still_go_on_is_open_and_nobody_else():
    rows = [
        ("young", "View", AT - timedelta(days=6, hours=23), None, None),
        ("old", "View", AT - timedelta(days=7), None, None),
        ("twice", "View", AT - timedelta(days=20), None, None),
        ("twice", "View", AT - timedelta(days=2), None, None),
    ]
    store = told(rows)

    assert counts(store, steps=[VIEW, ADD], period={"last": 30, "unit": "day"}) == {
        (1, "reached"): 3,
        (2, "reached"): 0,
        (2, "open"): 2,
        (2, "dropped"): 1,
    }
    store.close()


def test_the_interval_of_a_share_is_wilsons():
    rows = [row for each in range(20) for row in did("View", *(["Add"] if each < 4 else []), who=f"u{each}")]
    store = told(rows)

    found = ask(store, {"kind": "funnel", "period": PERIOD, "steps": [VIEW, ADD]})
    second = next(row for row in found if (row["step"], row["state"]) == (2, "reached"))

    # 4 of 20 at 95 %: Newcombe (1998) by hand, (0.2 + 0.0960 ± 1.96·sqrt(0.008 + 0.0024)) / 1.192
    assert (second["share"], second["low"], second["high"]) == pytest.approx((0.2, 0.0807, 0.4160), abs=5e-5)
    store.close()


def test_time_to_convert_is_told_by_step_and_spread():
    rows = [*did("View", "Add", "Buy", who="a", apart=timedelta(minutes=2)), *did("View", "Add", "Buy", who="b", apart=3 * HOUR)]
    store = told(rows)
    question = {"kind": "funnel", "period": PERIOD, "steps": [VIEW, ADD, BUY]}

    assert [(row["median"], row["step_median"]) for row in ask(store, question)] == [(0, None), (5_460, 5_460), (10_920, 5_460)]
    assert [(row["took"], row["users"], row["share"]) for row in ask(store, {**question, "shows": "times"})] == [
        (60, 1, 0.5),
        (21_600, 1, 0.5),
    ]
    store.close()


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ({"steps": [VIEW]}, "$.steps"),
        ({"steps": [VIEW] * 11}, "$.steps"),
        ({"steps": [VIEW, {"event": "Gone"}]}, "$.steps[1].event"),
        ({"steps": [VIEW, {"event": 3}]}, "$.steps[1].conditions[0].event"),
        ({"within": {"value": 0}}, "$.within.value"),
        ({"within": {"value": 53, "unit": "week"}}, "$.within.value"),
        ({"within": {"value": 10**30, "unit": "week"}}, "$.within.value"),
        ({"within": {"value": 7, "unit": "month"}}, "$.within.unit"),
        ({"order": "random"}, "$.order"),
        ({"excluded": [{"of": BUY}] * 6}, "$.excluded"),
        ({"excluded": [{"of": BUY, "after": 2}]}, "$.excluded[0].after"),
        ({"excluded": [{"of": BUY, "before": 3}]}, "$.excluded[0].after"),
        ({"excluded": [{"of": {"event": "Gone"}}]}, "$.excluded[0].of.event"),
        ({"same": ["a", "b", "c", "d"]}, "$.same"),
        ({"same": [""]}, "$.same"),
    ],
)
def test_what_is_no_funnel_is_refused_at_its_path(world, more, path):
    with pytest.raises(InvalidInsight) as refused:
        ask(world, {"kind": "funnel", "steps": [VIEW, ADD], **more})

    assert refused.value.path == path


@pytest.mark.parametrize(
    ("within", "ticks"),
    [
        ({"value": 30, "unit": "minute"}, (30, "minute")),
        ({"value": 7, "unit": "day"}, (168, "hour")),
        ({"value": 2, "unit": "week"}, (336, "hour")),
    ],
)
def test_the_moving_rule_of_who_dropped_leaves_out_exactly_who_can_still_go_on(world, within, ticks):
    question = insights.parse({"kind": "funnel", "steps": [VIEW, ADD], "within": within})
    rule = insights.like(world, question, {"step": 2, "state": "dropped"}, moving=True, at=AT)

    assert rule is not None
    assert segments.dump(rule)["conditions"][2] == {
        "match": "none",
        "conditions": [{**VIEW, "during": {"last": ticks[0], "unit": ticks[1]}}],
    }


# -- the definition, read plainly ---------------------------------------------------------------


def matches(step: dict[str, Any], row: Happened) -> bool:
    wanted = step.get("where")
    return step["event"] in {None, row[1]} and (wanted is None or row[4] == "a")


def attempts(rows: list[tuple[Happened, int]], question: dict[str, Any]) -> Iterator[tuple[int, int, list[datetime], Happened]]:
    """Every attempt of one person: its level (0 if void), its place among their events, the moments of its steps, its first event."""
    steps = question["steps"]

    def rank(row: tuple[Happened, int]) -> tuple[datetime, int, int]:
        every = [*steps, *(each["of"] for each in question.get("excluded", ()))]
        return row[0][2], next((place for place, each in enumerate(every) if matches(each, row[0])), 15), row[1]

    happened = [row for row, _ in sorted(rows, key=rank) if row[2] <= AT]
    within = timedelta(**{f"{question['within']['unit']}s": question["within"]["value"]})
    for place, first in enumerate(happened):
        if not datetime(2026, 11, 15, 23, tzinfo=UTC) <= first[2] < datetime(2026, 11, 20, 23, tzinfo=UTC):
            continue
        ahead = [each for each in happened[place + 1 :] if each[2] <= first[2] + within]
        if question["order"] == "any":
            if any(matches(each, first) for each in steps):
                inside = [each for each in happened if first[2] <= each[2] <= first[2] + within]
                met = unordered(inside, first, question)
                yield (0 if void(met, inside, question) else len(met)), place, [each[2] for each in met], first
        elif matches(steps[0], first):
            chain = chained(first, ahead, question)
            yield (0 if void(chain, [first, *ahead], question) else len(chain)), place, [each[2] for each in chain], first


def holds(first: Happened, other: Happened, question: dict[str, Any]) -> bool:
    return not question.get("same") or (first[4] is not None and first[4] == other[4])


def chained(first: Happened, ahead: list[Happened], question: dict[str, Any]) -> list[Happened]:
    chain = [first]
    for each in ahead:
        if len(chain) == len(question["steps"]):
            break
        if matches(question["steps"][len(chain)], each) and holds(chain[-1], each, question):
            chain.append(each)
        elif question["order"] == "strict":
            break
    return chain


def void(chain: list[Happened], inside: list[Happened], question: dict[str, Any]) -> bool:
    for each in question.get("excluded", ()):
        after, before = each.get("after", 1), each.get("before") or len(question["steps"])
        if len(chain) < after:
            continue
        low = next(place for place, row in enumerate(inside) if row is chain[after - 1])
        high = next((place for place, row in enumerate(inside) if len(chain) >= before and row is chain[before - 1]), None)
        if any(matches(each["of"], row) for row in inside[low + 1 : high]):
            return True
    return False


def unordered(inside: list[Happened], first: Happened, question: dict[str, Any]) -> list[Happened]:
    """The events of the different steps, in the order they happened; one that is two steps at once stands there twice."""
    if question.get("same") and first[4] is None:
        return [first]
    met: list[Happened] = []
    for step in {json.dumps(each): each for each in question["steps"]}.values():
        such = [each for each in inside if matches(step, each) and holds(first, each, question)]
        met += such[: question["steps"].count(step)]
    return sorted(met, key=lambda each: next(place for place, row in enumerate(inside) if row is each))


def plainly(
    rows: Sequence[Happened], hashes: Sequence[int], question: dict[str, Any]
) -> dict[tuple[Any, ...], dict[str, float | None]]:
    """Who is behind each mark, with the seconds from the first step: (step, state, group) → user → seconds."""
    of_people = defaultdict(list)
    for row, number in zip(rows, hashes, strict=True):
        of_people[row[0]].append((row, number))
    last = len(question["steps"])
    within = timedelta(**{f"{question['within']['unit']}s": question["within"]["value"]})
    found: dict[tuple[Any, ...], dict[str, float | None]] = defaultdict(dict)
    for who, own in of_people.items():
        every = list(attempts(own, question))
        if not every:
            continue
        level, _, moments, first = min(every, key=lambda each: (-each[0], each[1]))
        group = "none" if first[3] is None else f"={first[3]}"
        young = max((each[3][2] for each in every if each[0]), default=BEGIN) + within > AT
        for each in (group, None) if question.get("breakdown") else ("",):
            for step in range(1, level + 1):
                found[step, "reached", each][who] = (moments[step - 1] - moments[0]).total_seconds()
            if level == 0:
                found[1, "left out", each][who] = None
            elif level < last:
                found[level + 1, "open" if young else "dropped", each][who] = None
    return found


STEPS = st.lists(st.sampled_from([VIEW, ADD, BUY, OF_A, {"event": None}]), min_size=2, max_size=4)
APART = st.integers(2, 3).flatmap(lambda count: st.permutations([VIEW, ADD, BUY]).map(lambda steps: steps[:count]))


@st.composite
def worlds(draw: st.DrawFn) -> list[Happened]:
    one = st.tuples(
        st.sampled_from(["a", "b", "c"]),
        st.sampled_from(NAMES),
        st.integers(-2, 60).map(lambda step: BEGIN + step * 3 * HOUR),
        st.sampled_from(["web", "app", None]),
        st.sampled_from(["a", "b", None]),
    )
    return draw(st.lists(one, min_size=1, max_size=30))


@st.composite
def questions(draw: st.DrawFn) -> dict[str, Any]:
    order = draw(st.sampled_from(["ordered", "strict", "any"]))
    steps = draw(st.one_of(STEPS, APART))
    made: dict[str, Any] = {"kind": "funnel", "period": PERIOD, "steps": steps, "order": order}
    made["within"] = draw(
        st.sampled_from([{"value": 9, "unit": "hour"}, {"value": 1, "unit": "day"}, {"value": 1, "unit": "week"}])
    )
    if draw(st.booleans()):
        return made
    if draw(st.booleans()):
        made["same"] = ["item"]
    if draw(st.booleans()):
        made["breakdown"] = {"by": "channel"}
    if draw(st.booleans()):
        after = draw(st.integers(1, len(steps) - 1))
        before = draw(st.integers(after + 1, len(steps)))
        made["excluded"] = [{"of": draw(st.sampled_from([{"event": "Help"}, OF_A])), "after": after, "before": before}]
    return made


@given(worlds(), st.lists(questions(), min_size=2, max_size=2))
def test_every_mark_has_the_people_the_definition_says(rows, asked):
    store = told(rows)
    keys = {who: profiles.key_of(store, who) for who in {row[0] for row in rows}}
    numbers = dict(store.rows(Sql("SELECT message_id, message_hash FROM events")))
    hashes = [numbers[f"m{place}"] for place in range(len(rows))]
    for source in asked:
        question = insights.parse(source)
        expected = plainly(rows, hashes, source)
        table = insights.run(store, question, at=AT).table.to_pylist()
        seen = {}
        for row in table:
            mark = (row["step"], row["state"], row.get("breakdown", ""))
            cell = {each: row[each] for each in ("step", "state", "breakdown") if each in row}
            seen[mark] = keys_of(insights.who(store, question, cell, at=AT))
            assert len(seen[mark]) == row["users"]
            seconds = [each for each in expected.get(mark, {}).values() if each is not None]
            assert row["median"] == (median(seconds) if seconds else None), (source, mark)
        assert {mark: people for mark, people in seen.items() if people} == {
            mark: {keys[who] for who in people} for mark, people in expected.items()
        }, source
    store.close()
