"""Trends held against a count by hand: the percentiles of a property."""

from __future__ import annotations

from collections import defaultdict
from zoneinfo import ZoneInfo

import pytest

from tests.test_insights import BOUGHT, asked, happened
from tests.test_insights import world as world  # noqa: PLC0414 - the people and what they did
from user360 import insights

BERLIN = ZoneInfo("Europe/Berlin")
NOVEMBER = {"period": {"from": "2026-11-01", "to": "2026-11-30"}}


def bought_by_day():
    """The amounts of every day on which something was bought, and who bought it, in November."""
    amounts, people = defaultdict(list), defaultdict(set)
    for who, what, when, _, amount in happened():
        day = when.astimezone(BERLIN).date().isoformat()
        if what == BOUGHT and day >= "2026-11-01":
            amounts[day].append(amount)
            people[day].add(who)
    return amounts, people


def percentile(values, share):
    """Between the two values around the place `(n - 1) * share`, in proportion."""
    ordered = sorted(values)
    place = (len(ordered) - 1) * share
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


@pytest.mark.parametrize(
    ("figure", "share"), [("p25", 0.25), ("median", 0.5), ("p75", 0.75), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99)]
)
def test_a_percentile_lies_between_the_two_values_around_its_place(world, figure, share):
    source = {"kind": "trend", "series": [{"of": {"event": BOUGHT}, "figure": figure, "property": "total"}], **NOVEMBER}
    question, result = asked(world, source)
    amounts, people = bought_by_day()

    assert insights.parse(insights.dump(question)) == question
    assert len(amounts) > 10
    assert {row["time"]: row["value"] for row in result.table.to_pylist()} == pytest.approx(
        {day: percentile(each, share) for day, each in amounts.items()}
    )
    assert {row["time"]: row["users"] for row in result.table.to_pylist()} == {day: len(each) for day, each in people.items()}
