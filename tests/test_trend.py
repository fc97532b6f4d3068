"""Trends held against a count by hand: the percentiles of a property, the rolling mean, formulas over series."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.test_insights import BOUGHT, SAW, asked, happened
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


# -- formulas -----------------------------------------------------------------------------------

BOTH = [{"of": {"event": BOUGHT}}, {"of": {"event": SAW}, "figure": "total"}]


def by_hand(of_group=lambda _: True, place=lambda day: day.isoformat()):
    """Who bought and how often something was seen, by place, in November."""
    bought, seen, people = defaultdict(set), defaultdict(int), defaultdict(set)
    for who, what, when, channel, _ in happened():
        day = when.astimezone(BERLIN).date()
        if day >= date(2026, 11, 1) and of_group(channel):
            people[place(day)].add(who)
            if what == BOUGHT:
                bought[place(day)].add(who)
            else:
                seen[place(day)] += 1
    return bought, seen, people


def rows_of(result, series, **cell):
    return [
        row
        for row in result.table.to_pylist()
        if row["series"] == series and all(row[each] == value for each, value in cell.items())
    ]


def test_a_formula_is_reckoned_place_by_place_and_divided_by_nothing_is_unknown(world):
    _, result = asked(world, {"kind": "trend", "series": BOTH, "formula": "B / A * 100", "channels": ["web"], **NOVEMBER})
    bought, seen, people = by_hand(lambda each: each == "web")

    expected = {day: 100 * seen[day] / len(bought[day]) if bought[day] else None for day in people}
    rows = rows_of(result, 2)
    assert None in expected.values()
    assert {row["time"]: row["value"] for row in rows} == pytest.approx(expected)
    assert {row["time"]: row["users"] for row in rows} == {day: len(each) for day, each in people.items()}


def test_a_formula_is_reckoned_in_every_group_and_where_nothing_happened_counts_0(world):
    question = {"kind": "trend", "series": BOTH, "formula": "A / B", "breakdown": {"by": "channel"}, **NOVEMBER}
    _, result = asked(world, question)

    unknown = 0
    for channel in ("web", "WhatsApp", "email", None):
        bought, seen, people = by_hand(lambda each, channel=channel: each == channel)
        group = f"={channel}" if channel else "none"
        expected = {day: len(bought[day]) / seen[day] if seen[day] else None for day in people}
        assert {row["time"]: row["value"] for row in rows_of(result, 2, breakdown=group)} == pytest.approx(expected)
        unknown += list(expected.values()).count(None)
    assert unknown > 3


def test_over_the_whole_period_a_formula_is_of_the_figures_of_the_whole(world):
    question = {"kind": "trend", "series": BOTH, "formula": "A / B", "over": "period", "mean": 3, **NOVEMBER}
    _, result = asked(world, question)
    bought, seen, people = by_hand(place=lambda _: "all")

    assert result.table.to_pylist() == [
        {"series": 0, "value": len(bought["all"]), "users": len(bought["all"])},
        {"series": 1, "value": seen["all"], "users": result.table["users"][1].as_py()},
        {"series": 2, "value": pytest.approx(len(bought["all"]) / seen["all"]), "users": len(people["all"])},
    ]


def test_what_nothing_comes_to_is_reckoned_too(world):
    question, _ = asked(world, {"kind": "trend", "series": BOTH, "formula": "A - B + 10"})
    nothing, _ = asked(world, {"kind": "trend", "series": BOTH, "formula": "A / B"})

    assert (question.nothing(2), nothing.nothing(2)) == (10, None)


def test_the_rolling_mean_of_a_formula_leaves_out_where_it_is_unknown(world):
    question = {"kind": "trend", "series": BOTH, "formula": "B / A", "mean": 3, "channels": ["web"], **NOVEMBER}
    _, result = asked(world, question)
    values = {row["time"]: row["value"] for row in rows_of(result, 2)}

    assert None in values.values()
    for row in rows_of(result, 2):
        known = [values[each] for each in days_up_to(row["time"], 3) if values.get(each) is not None]
        if "2026-11-03" <= row["time"] <= "2026-11-22":
            assert row["mean"] == (pytest.approx(sum(known) / len(known)) if known else None)


def test_a_question_keeps_the_one_way_to_write_its_formula_and_one_without_reads_as_before():
    question = insights.parse({"kind": "trend", "series": BOTH, "formula": "(a/b)*100", "unit": "%", "alone": False})
    older = insights.parse({"kind": "trend", "version": 1, "series": BOTH})

    assert insights.dump(question)["formula"] == "A / B * 100"
    assert insights.parse(insights.dump(question)) == question
    assert set(insights.dump(older)) == {"kind", "version", "series"}
