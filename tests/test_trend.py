"""Trends held against a count by hand: the percentiles of a property, the rolling mean."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.test_insights import BOUGHT, asked, happened
from tests.test_insights import world as world  # noqa: PLC0414 - the people and what they did
from user360 import insights
from user360.errors import InvalidInsight

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


# -- the rolling mean ---------------------------------------------------------------------------


def days_up_to(day, width):
    """The names of so many days up to and with one."""
    last = date.fromisoformat(day)
    return [(last - timedelta(days=back)).isoformat() for back in range(width)]


@pytest.mark.parametrize("width", [3, 7])
def test_the_rolling_mean_is_of_whole_days_a_day_without_events_counting_0(world, width):
    source = {"kind": "trend", "series": [{"of": {"event": BOUGHT}, "figure": "total"}], "mean": width, **NOVEMBER}
    question, result = asked(world, source)
    amounts, _ = bought_by_day()

    by_hand = {
        day: sum(len(amounts.get(each, ())) for each in days_up_to(day, width)) / width
        if f"2026-11-{width:02d}" <= day <= "2026-11-22"
        else None
        for day in amounts
    }
    assert insights.parse(insights.dump(question)) == question
    assert {None} < set(by_hand.values())
    assert "2026-11-23" in amounts
    assert {row["time"]: row["mean"] for row in result.table.to_pylist()} == pytest.approx(by_hand)


def test_a_day_without_a_value_is_left_out_of_the_rolling_mean(world):
    series = [{"of": {"event": BOUGHT}, "figure": "average", "property": "total"}]
    _, result = asked(world, {"kind": "trend", "series": series, "mean": 3, **NOVEMBER})
    amounts, _ = bought_by_day()

    for row in result.table.to_pylist():
        known = [sum(amounts[each]) / len(amounts[each]) for each in days_up_to(row["time"], 3) if each in amounts]
        if "2026-11-03" <= row["time"] <= "2026-11-22":
            assert row["mean"] == pytest.approx(sum(known) / len(known))
        else:
            assert row["mean"] is None


def test_each_group_has_its_own_rolling_mean(world):
    both = {"kind": "trend", "series": [{"of": {"event": BOUGHT}, "figure": "sum", "property": "total"}], "mean": 3, **NOVEMBER}
    _, broken = asked(world, {**both, "breakdown": {"by": "channel"}})
    groups = {row["breakdown"] for row in broken.table.to_pylist()}

    assert len(groups) > 2
    for group in groups - {"none"}:
        _, alone = asked(world, {**both, "channels": [group.removeprefix("=")]})
        assert [row["mean"] for row in broken.table.to_pylist() if row["breakdown"] == group] == pytest.approx(
            [row["mean"] for row in alone.table.to_pylist()]
        )


def test_weeks_the_period_cuts_have_no_part_in_a_rolling_mean(world):
    period = {"from": "2026-10-21", "to": "2026-11-17"}
    source = {"kind": "trend", "series": [{"of": {"event": BOUGHT}, "figure": "total"}], "mean": 3, "granularity": "week"}
    _, result = asked(world, {**source, "period": period})
    rows = {row["time"]: row for row in result.table.to_pylist()}

    assert [name for name, row in rows.items() if row["mean"] is not None] == ["2026-11-09"]
    assert rows["2026-11-09"]["mean"] == pytest.approx(
        sum(rows[each]["value"] for each in ("2026-10-26", "2026-11-02", "2026-11-09")) / 3
    )


@pytest.mark.parametrize("mean", [1, 5, -7, 3.0, "7", True])
def test_a_rolling_mean_of_another_width_is_refused(world, mean):
    with pytest.raises(InvalidInsight) as refusal:
        asked(world, {"kind": "trend", "series": [{"of": {"event": BOUGHT}}], "mean": mean})
    assert refusal.value.path == "$.mean"
