"""How trends and active users are drawn: lines or bars over time, beside the period before or a segment if that is wanted.

What is counted does not live here (`user360/insights`), nor what a click opens (`frame`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from pages.ui import states, words
from pages.ui.insights import asking, beside, controls, over_time, readings, trending
from pages.ui.insights.picture import Picture

if TYPE_CHECKING:
    from pages.ui.insights.over_time import Axis, Form, Series
    from pages.ui.insights.picture import Wanted
    from user360.insight import Result

WINDOWS: Final = {1: "DAU, 1 day", 7: "WAU, 7 days", 30: "MAU, 30 days"}
_MOST_TOLD: Final = 8


def picture(question: Any, result: Result, wanted: Wanted) -> Picture:
    """The answer over time; `view` says what is drawn beside it (`beside`). What cannot be compared with is told, not drawn."""
    made, refused = _series(question, result), ""
    try:
        made += _compared(question, made, wanted.view)
    except beside.REFUSALS as refusal:
        refused = states.sentence(refusal)
    if all(value is None for each in made for value in each.values):
        return Picture(f"{title(question)}. No values.", refused=refused)
    axis = _suffixed(question, readings.axis(question, result))
    form = _form(question, compared=bool(wanted.view))
    drawn = over_time.draw(made, axis, form, chosen=wanted.chosen, height=wanted.height, width=wanted.width)
    note = trending.letters(question) if question.kind == "trend" and question.formula is not None and question.alone else ""
    return Picture(_alt(question, made, axis), unit(question), drawn, refused=refused, note=note)


def title(question: Any) -> str:
    """The question in a few words."""
    if question.kind == "trend" and question.formula is not None:
        return trending.formula_title(question)
    if question.kind == "trend":
        named = [trending.named(question, place) for place in range(len(question.series))]
        return " and ".join(named) if len(named) <= 2 else f"{len(named)} series"  # noqa: PLR2004 - as many as can be read
    return "Active in the 1, 7 and 30 days up to each day" if question.rolling else "Active users"


def unit(question: Any) -> str:
    """What the axis counts."""
    if question.kind == "trend":
        return controls.UNITS[question.granularity]
    return "people, rolling" if question.rolling else f"people {controls.UNITS[question.granularity]}"


def _suffixed(question: Any, axis: Axis) -> Axis:
    """The axis with the unit of a formula: on its own at the left, beside its series at the right."""
    if question.kind != "trend" or question.formula is None:
        return axis
    return replace(axis, suffix=question.unit) if question.alone else replace(axis, right=question.unit)


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


def _compared(question: Any, now: list[Series], way: str) -> list[Series]:
    """The same of what it is compared with, place by place, of the groups that are drawn."""
    if way == beside.BEFORE:
        earlier = beside.earlier(question)
        found = {each.name: each for each in _series(earlier, asking.result(earlier))}
        return [_faint(each, found[each.name], f"{each.name}, before") for each in now if each.name in found]
    if not way.startswith(beside.SEGMENT):
        return []
    other, name = beside.of_segment(question, way)
    found = {each.name: each for each in _series(other, asking.result(other))}
    made = []
    for each in now:
        if each.name in found:
            marks = [
                None if cell is None else asking.of_segment(cell, way.removeprefix(beside.SEGMENT))
                for cell in found[each.name].cells
            ]
            made.append(replace(_faint(each, found[each.name], f"{each.name}, {name}"), cells=marks))
    return made


def _faint(now: Series, other: Series, name: str) -> Series:
    """The other line in the colour of this one, as many places long, opening nobody."""
    places = len(now.values)
    values = [*other.values, *[None] * places][:places]
    texts = [*other.texts, *[""] * places][:places] if other.texts else ()
    return replace(now, name=name, values=values, cells=[None] * places, texts=texts, faint=True)


def _alt(question: Any, made: list[Series], axis: Axis) -> str:
    last = [next((value for value in reversed(each.values) if value is not None), 0) for each in made]
    ends = [
        f"{each.name}: {words.number(round(value, 1))} at the end"
        for each, value in list(zip(made, last, strict=True))[:_MOST_TOLD]
        if each.values
    ]
    return f"{title(question)}. {len(axis.places)} places. " + "; ".join(ends)
