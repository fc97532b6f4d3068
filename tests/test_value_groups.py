"""Frequency, recency, RFM and movements: counted by hand, ties kept together, everyone in exactly one place."""

from __future__ import annotations

import math
import random
from collections import Counter, defaultdict
from datetime import timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.worlds import AT, events, take, users
from user360 import insights, profiles, scoring, segments, workspace
from user360.errors import InvalidInsight
from user360.store import open_store

ZONE = ZoneInfo("Asia/Kolkata")
BUY = {"event": "Order"}
PEOPLE = 60


def happened():
    """Who bought when, on which channel, for how much: many alike, so that there are ties; some never did."""
    dice, rows = random.Random(11), []  # noqa: S311 - a world that is the same every time
    for user in range(PEOPLE - 8):
        for _ in range(dice.choice((1, 1, 1, 2, 3, 3, 7))):
            when = AT - timedelta(days=dice.choice((0, 1, 2, 6, 7, 20, 29, 40, 75)), hours=dice.randrange(13))
            rows.append((f"u{user}", "Order", when, dice.choice(("web", "app")), dice.choice((5, 10, 10, 20))))
    return rows


@pytest.fixture(scope="module")
def world():
    store = open_store()
    workspace.change(store, zone_name=ZONE.key)
    take(store, users([{"userId": f"u{each}", "country": "DE" if each % 2 else "IN"} for each in range(PEOPLE)]))
    rows = happened()
    channels: list[str | None] = [channel for *_, channel, _ in rows]
    properties: list[str | None] = [f'{{"total": {amount}}}' for *_, amount in rows]
    take(store, events([each[:3] for each in rows], channels=channels, properties=properties))
    yield store
    store.close()


def day_of(when):
    return when.astimezone(ZONE).date()


def within(asked, back=0):
    """The events of the period, or of the one so many days earlier, by user: (day, amount)."""
    last = day_of(AT) - timedelta(days=back)
    first = last - timedelta(days=asked.get("period", {"last": 30})["last"] - 1)
    found = defaultdict(list)
    for user, _, when, channel, amount in happened():
        if (
            first <= day_of(when) <= last
            and when <= AT - timedelta(days=back)
            and channel in asked.get("channels", ("web", "app"))
        ):
            found[user].append((day_of(when), amount))
    return found, last


def fifths(values, *, reverse=False):
    """Each value's score: the fifth where the middle of those with it stands, worst first."""
    line = sorted(values, reverse=reverse)
    return {value: math.ceil(Fraction(5 * (2 * line.index(value) + line.count(value)), 2 * len(line))) for value in set(line)}


def scored(asked, back=0):
    """By user: recency score, second score."""
    found, last = within(asked, back)
    if not found:
        return {}
    days = {user: (last - max(day for day, _ in rows)).days for user, rows in found.items()}
    times = {user: len(rows) for user, rows in found.items()}
    sums = {user: sum(amount for _, amount in rows) for user, rows in found.items()}
    r = fifths(list(days.values()), reverse=True)
    f, m = fifths(list(times.values())), fifths(list(sums.values()))
    second = asked.get("second", "frequency")
    return {
        user: (
            r[days[user]],
            f[times[user]]
            if second == "frequency"
            else m[sums[user]]
            if second == "amount"
            else math.ceil((f[times[user]] + m[sums[user]]) / 2),
        )
        for user in found
    }


def drawn(store, asked):
    question = insights.parse(asked)
    return question, insights.run(store, question, at=AT)


ASKED = st.fixed_dictionaries(
    {"of": st.just(BUY), "period": st.sampled_from([{"last": each, "unit": "day"} for each in (1, 7, 30, 90)])},
    optional={"channels": st.sampled_from([["web"], ["web", "app"]])},
)
SECOND = st.sampled_from(["frequency", "amount", "both"])


@given(ASKED, SECOND)
def test_the_grid_is_the_one_scored_by_hand(world, asked, second):
    asked = {"kind": "rfm", **asked, "second": second, "amount": "total"}
    _, result = drawn(world, asked)

    by_hand = Counter(scored(asked).values())
    rows = result.table.to_pylist()
    assert {(row["recency"], row["score"]): row["users"] for row in rows if row["recency"]} == by_hand
    groups = Counter(scoring.group_of(*each) for each in scored(asked).values())
    groups[scoring.NOT_SCORED] = PEOPLE - sum(groups.values())
    assert {row["group"]: row["users"] for row in rows if not row["recency"]} == {
        name: size for name, size in groups.items() if size
    }


@given(ASKED, SECOND, st.sampled_from([1, 7, 30, 60]))
def test_everyone_moves_from_where_they_were_to_where_they_are(world, asked, second, days):
    asked = {"kind": "transitions", **asked, "second": second, "amount": "total", "apart": days}
    _, result = drawn(world, asked)

    now, before = scored(asked), scored(asked, days)
    by_hand = Counter(
        tuple(scoring.group_of(*each[user]) if user in each else scoring.NOT_SCORED for each in (before, now))
        for user in {*now, *before}
    )
    assert {(row["earlier"], row["group"]): row["users"] for row in result.table.to_pylist()} == by_hand


@settings(max_examples=6)
@given(ASKED, st.sampled_from(["frequency", "amount"]), st.sampled_from([1, 7, 30, 60]))
def test_the_rule_of_people_who_moved_alike_finds_exactly_them(world, asked, second, days):
    question, result = drawn(world, {"kind": "transitions", **asked, "second": second, "amount": "total", "apart": days})

    for row in result.table.to_pylist():
        cell = {each: row[each] for each in ("earlier", "group")}
        rule = insights.like(world, question, cell, moving=False, at=AT)
        assert rule is not None
        assert segments.people(world, rule, at=AT) == insights.who(world, question, cell, at=AT), cell
        assert insights.like(world, question, cell, moving=True, at=AT) is None


@given(ASKED, st.sampled_from(["times", "days"]), st.sampled_from([1, 2, 15]))
def test_how_often_is_counted_by_hand(world, asked, counted, most):
    _, result = drawn(world, {"kind": "frequency", **asked, "counted": counted, "most": most})

    found, _ = within(asked)
    often = [len(rows) if counted == "times" else len({day for day, _ in rows}) for rows in found.values()]
    by_hand = Counter(min(each, most) for each in [*often, *[0] * (PEOPLE - len(found))])
    assert {row["times"]: row["users"] for row in result.table.to_pylist()} == by_hand


@given(ASKED)
def test_how_long_ago_is_counted_by_hand(world, asked):
    _, result = drawn(world, {"kind": "recency", **asked})

    found, last = within(asked)
    ago = [(last - max(day for day, _ in rows)).days for rows in found.values()]
    by_hand: Counter[int | None] = Counter(max(edge for edge in scoring.EDGES if edge <= each) for each in ago)
    by_hand[None] = PEOPLE - len(found)
    assert {row["days"]: row["users"] for row in result.table.to_pylist()} == {
        place: size for place, size in by_hand.items() if size
    }


def test_different_values_fall_into_fifths_and_who_is_like_most_stands_in_the_middle_of_them():
    assert [fifths(list(range(10)))[each] for each in range(10)] == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert fifths([1] * 72 + [2] * 16 + [3] * 12) == {1: 2, 2: 4, 3: 5}
    assert fifths([4]) == {4: 3}


def test_the_groups_divide_the_grid():
    named = Counter(
        name
        for recency in range(1, 6)
        for score in range(1, 6)
        for name, (r, s) in scoring.GROUPS.items()
        if r[0] <= recency <= r[1] and s[0] <= score <= s[1]
    )

    assert sum(named.values()) == 25
    assert set(named) == set(scoring.GROUPS)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(1, 3)), min_size=1, max_size=12))
def test_a_tie_is_never_parted(people):
    store = open_store()
    rows = [
        (f"u{user}", "Order", AT - timedelta(days=days, minutes=turn))
        for user, (days, times) in enumerate(people)
        for turn in range(times)
    ]
    take(store, events(rows))
    question = insights.parse({"kind": "rfm", "of": BUY})
    of_person = {}
    for row in insights.run(store, question, at=AT).table.to_pylist():
        if row["recency"]:
            cell = {each: row[each] for each in ("group", "recency", "score")}
            of_person |= dict.fromkeys(insights.who(store, question, cell, at=AT).keys().tolist(), (row["recency"], row["score"]))
    keys = [profiles.key_of(store, f"u{user}") for user in range(len(people))]
    store.close()

    scores = defaultdict(set), defaultdict(set)
    for person, (days, times) in zip(keys, people, strict=True):
        scores[0][days].add(of_person[person][0])
        scores[1][times].add(of_person[person][1])
    assert {len(each) for of in scores for each in of.values()} == {1}


QUESTIONS = [
    {"kind": "rfm", "of": BUY},
    {"kind": "rfm", "of": BUY, "second": "both", "amount": "total", "period": {"last": 90, "unit": "day"}},
    {
        "kind": "rfm",
        "of": BUY,
        "people": {"match": "all", "conditions": [{"property": "country", "operator": "is", "values": ["DE"]}]},
    },
    {"kind": "rfm", "of": BUY, "second": "amount", "amount": "total", "channels": ["web"], "period": {"last": 90, "unit": "day"}},
    {"kind": "rfm", "of": BUY, "period": {"from": "2026-10-01", "to": "2026-11-10"}},
    {"kind": "transitions", "of": BUY, "apart": 14},
    {"kind": "frequency", "of": BUY, "most": 3},
    {"kind": "frequency", "of": BUY, "counted": "days", "channels": ["web"]},
    {"kind": "recency", "of": BUY, "period": {"last": 90, "unit": "day"}},
    {
        "kind": "recency",
        "of": {**BUY, "where": {"match": "all", "conditions": [{"property": "total", "operator": "at_least", "values": [10]}]}},
    },
    {"kind": "recency", "of": BUY, "period": {"from": "2026-10-01", "to": "2026-11-10"}},
]


@pytest.mark.parametrize("asked", QUESTIONS, ids=lambda each: f"{each['kind']} {QUESTIONS.index(each)}")
def test_as_many_people_are_behind_every_mark_as_are_drawn_and_a_rule_finds_exactly_them(world, asked):
    question, result = drawn(world, asked)
    told = 0
    for row in result.table.to_pylist():
        cell = {each: row[each] for each in result.marks()}
        people = insights.who(world, question, cell, at=AT)
        assert len(people) == row["users"], cell
        rule = insights.like(world, question, cell, moving=False, at=AT)
        if rule is not None:
            told += 1
            assert segments.people(world, rule, at=AT) == people, cell
            insights.like(world, question, cell, moving=True, at=AT)
    assert told > 0 or asked["kind"] == "transitions"


def test_no_one_and_one_person_are_answered(store):
    take(store, users([{"userId": "u1"}]))
    take(store, events([("u1", "Order", AT)]))
    for kind in ("rfm", "transitions", "frequency", "recency"):
        _, result = drawn(store, {"kind": kind, "of": BUY})
        assert sum(result.table["users"].to_pylist()) == (2 if kind == "rfm" else 1)
        empty = insights.parse({"kind": kind, "of": BUY, "period": {"from": "2030-01-01", "to": "2030-01-02"}})
        assert sum(insights.run(store, empty, at=AT).table["users"].to_pylist()) == (0 if kind == "transitions" else 1)


@pytest.mark.parametrize(
    ("asked", "path"),
    [
        ({"kind": "rfm"}, "$.of"),
        ({"kind": "rfm", "of": {"event": "Gone"}}, "$.of.event"),
        ({"kind": "rfm", "of": BUY, "second": "amount"}, "$.amount"),
        ({"kind": "rfm", "of": BUY, "breakdown": {"by": "channel"}}, "$.breakdown"),
        ({"kind": "transitions", "of": BUY, "apart": 0}, "$.apart"),
        ({"kind": "frequency", "of": BUY, "most": 0}, "$.most"),
        ({"kind": "frequency", "of": BUY, "counted": "weeks"}, "$.counted"),
        ({"kind": "recency", "of": {"event": "Gone"}}, "$.of.event"),
    ],
)
def test_what_cannot_be_asked_is_refused_at_its_path(world, asked, path):
    with pytest.raises(InvalidInsight) as refused:
        drawn(world, asked)

    assert refused.value.path == path
