"""How trends and active users are drawn: lines or bars over time, beside the period before if that is wanted.

What is counted does not live here (`user360/insights`), nor what a click opens (`frame`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from pages.ui import session, words
from pages.ui.insights import asking, controls, over_time, readings, trending
from pages.ui.insights.picture import Picture
from user360 import insight

if TYPE_CHECKING:
    from pages.ui.insights.over_time import Axis, Form, Series
    from pages.ui.insights.picture import Wanted
    from user360.insight import Result

BEFORE: Final = "before"
COMPARE: Final = "compare"  # the parameter of the address
WINDOWS: Final = {1: "DAU, 1 day", 7: "WAU, 7 days", 30: "MAU, 30 days"}
_MOST_TOLD: Final = 8


def picture(question: Any, result: Result, wanted: Wanted) -> Picture:
    """The answer over time; `view` before draws the period before beside it."""
    compared = wanted.view == BEFORE
    made = _series(question, result)
    if compared:
        made += _before(question, made)
    axis = readings.axis(question, result)
    drawn = over_time.draw(
        made, axis, _form(question, compared=compared), chosen=wanted.chosen, height=wanted.height, width=wanted.width
    )
    return Picture(_alt(question, made, axis), unit(question), drawn)


def title(question: Any) -> str:
    """The question in a few words."""
    if question.kind == "trend":
        named = [trending.named(question, place) for place in range(len(question.series))]
        return " and ".join(named) if len(named) <= 2 else f"{len(named)} series"  # noqa: PLR2004 - as many as can be read
    return "Active in the 1, 7 and 30 days up to each day" if question.rolling else "Active users"


def unit(question: Any) -> str:
    """What the axis counts."""
    if question.kind == "trend":
        return controls.UNITS[question.granularity]
    return "people, rolling" if question.rolling else f"people {controls.UNITS[question.granularity]}"


def _form(question: Any, *, compared: bool) -> Form:
    return "bars" if question.kind == "active" and not question.rolling and not compared else "lines"


def _series(question: Any, result: Result) -> list[Series]:
    if question.kind == "trend":
        return trending.series(question, result)
    if question.rolling:
        return [
            series
            for place, (window, name) in enumerate(WINDOWS.items())
            for series in readings.series(question, result, name, where={"window": window}, place=place)
        ]
    return readings.series(question, result, "Active users")


def _before(question: Any, now: list[Series]) -> list[Series]:
    """The same of the period before, place by place, of the groups that are drawn."""
    earlier = replace(question, period=insight.before(question.period, session.catalog(), session.at()))
    found = {each.name: each for each in _series(earlier, asking.result(earlier))}
    made = []
    for each in now:
        if each.name in found:
            places = len(each.values)
            old = found[each.name]
            values = [*old.values, *[None] * places][:places]
            texts = [*old.texts, *[""] * places][:places] if old.texts else ()
            made.append(over_time.Series(f"{each.name}, before", values, [None] * places, each.colour, texts, faint=True))
    return made


def _alt(question: Any, made: list[Series], axis: Axis) -> str:
    ends = [
        f"{each.name}: {words.number(round(each.values[-1] or 0, 1))} at the end" for each in made[:_MOST_TOLD] if each.values
    ]
    return f"{title(question)}. {len(axis.places)} places. " + "; ".join(ends)
