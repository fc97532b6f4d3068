"""How people, events and sessions by channel are drawn: stacked over time, as shares of 100, or ranked as a whole.

What is counted does not live here (`user360/insights`), nor what a click opens (`frame`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pages.ui import charts, words
from pages.ui.insights import controls, over_time, readings
from pages.ui.insights.picture import Picture

if TYPE_CHECKING:
    from pages.ui.insights.picture import Wanted
    from user360.insight import Result

SHARES, LINES = "shares", "lines"
_MEASURES: Final = {"users": "people", "events": "events", "sessions": "sessions"}
_TITLES: Final = {"users": "Users by channel", "events": "Events by channel", "sessions": "Sessions by channel"}
_TOUCHED: Final = {"first": "First channel of users", "last": "Last channel of users"}
_WHEN: Final = {"first": "at the time of their first event", "last": "at the time of their newest event"}
_MOST_TOLD: Final = 8


def picture(question: Any, result: Result, wanted: Wanted) -> Picture:
    """The answer; `view` shares or lines instead of bars."""
    if not result.table.num_rows:
        return Picture(f"{title(question)}. Nothing to show.")
    return _ranked(question, result, wanted) if question.over == "period" else _over_time(question, result, wanted)


def title(question: Any) -> str:
    """The question in a few words."""
    return _TOUCHED.get(question.touch, _TITLES[question.measure])


def unit(question: Any) -> str:
    """What the axis counts."""
    counted = _MEASURES[question.measure]
    if question.over == "period":
        return "share of active people" if question.measure == "users" else counted
    return (
        f"{counted} {_WHEN[question.touch]}" if question.touch in _WHEN else f"{counted} {controls.UNITS[question.granularity]}"
    )


def _over_time(question: Any, result: Result, wanted: Wanted) -> Picture:
    made = readings.series(question, result, title(question), measure="value", text=_counted)
    form: over_time.Form = "shares" if wanted.view == SHARES else "lines" if wanted.view == LINES else "bars"
    drawn = over_time.draw(made, readings.axis(question, result), form, chosen=wanted.chosen, height=wanted.height)
    told = "; ".join(f"{each.name} {words.number(round(sum(value or 0 for value in each.values)))}" for each in made[:_MOST_TOLD])
    return Picture(f"{title(question)} over {len(result.buckets)} places, together: {told}", unit(question), drawn)


def _ranked(question: Any, result: Result, wanted: Wanted) -> Picture:
    rows = {row["breakdown"]: row for row in result.table.to_pylist()}
    groups = readings.ordered(result, "value")
    names = [readings.group_name(question, each) for each in groups]
    shares = question.measure == "users"
    values = [rows[each]["share"] if shares else rows[each]["value"] for each in groups]
    labels = [f"{value:.1f}%" if shares else words.number(round(value)) for value in values]
    drawn = charts.ranked(names, values, labels=labels, height=wanted.height)
    inks = readings.colours(question, groups)
    drawn.update_traces(
        marker_color=[inks[each] for each in groups],
        hoverinfo="text",
        hovertext=[
            f"{charts.plain(name)} {words.count(rows[each]['users'], 'person', 'people')}"
            for name, each in zip(names, groups, strict=True)
        ],
    )
    readings.give_cells(drawn, [readings.cell({"breakdown": each}) for each in groups], wanted.chosen)
    told = "; ".join(f"{name} {label}" for name, label in zip(names, labels, strict=True))
    return Picture(f"{title(question)}: {told}", unit(question), drawn)


def _counted(value: float) -> str:
    return words.number(round(value))
