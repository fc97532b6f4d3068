"""An answer read for drawing: its long table as series over the axis, its values in words, its cells as text.

What is drawn how does not live here (`over_time`, `grids`), nor what was counted.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from pages.ui import charts, session, words
from pages.ui.insights import asking
from pages.ui.insights.over_time import Axis, Series
from user360 import annotating, clock, formulas
from user360.insight import NONE, OTHER, VALUE

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    import plotly.graph_objects as go

    from user360.insight import Insight, Result

OTHERS: Final = "Other"
NOW, BEFORE = "now", "before"
WHOLE: Final = "the whole period"
MOST_NOTES: Final = 12
LAST: Final = {OTHER: 1, NONE: 2}


def cell(values: Mapping[str, Any]) -> str:
    """A cell as the text a mark carries."""
    return asking.written(dict(values))


def value_of(group: str | None) -> str | None:
    """A group as it is called, without the sign that tells a value from Other and (no value)."""
    if group is None:
        return None
    return {OTHER: OTHERS, NONE: words.NO_GROUP}.get(group, group.removeprefix(VALUE))


def named(group: str | None) -> str | None:
    """A value of the table in words: groups, channels, days."""
    called = value_of(group)
    if called is None:
        return None
    try:
        return words.day(date.fromisoformat(called))
    except ValueError:
        return words.channel(called) if group and group.startswith(VALUE) else called


def group_name(question: Insight, group: str) -> str:
    """A group of the breakdown as people write it."""
    called = value_of(group) or ""
    by_channel = question.breakdown is not None and question.breakdown.by == "channel"
    return words.channel(called) if by_channel and group.startswith(VALUE) else called


def ordered(result: Result, measure: str) -> list[str]:
    """The groups of a breakdown, largest first, Other and (no value) last."""
    sizes: dict[str, float] = {}
    for group, value in zip(result.table["breakdown"].to_pylist(), result.table[measure].to_pylist(), strict=True):
        sizes[group] = sizes.get(group, 0) + (value or 0)
    return sorted(sizes, key=lambda each: (LAST.get(each, 0), -sizes[each], each))


def colours(question: Insight, groups: Sequence[str]) -> dict[str, str]:
    """The colour of each group: a channel's own, otherwise by rank; Other and (no value) grey."""
    by_channel = question.breakdown is not None and question.breakdown.by == "channel"
    named = [each for each in groups if each.startswith(VALUE)]
    own = charts.channel_colours([each.removeprefix(VALUE) for each in named]) if by_channel else {}
    found = dict.fromkeys(groups, charts.colour(7))
    for place, each in enumerate(groups):
        if each in named:
            found[each] = own[each.removeprefix(VALUE)] if by_channel else charts.colour(min(place, 6))
    return found


# -- the axis -----------------------------------------------------------------------------------


def axis(question: Insight, result: Result, *, suffix: str = "", notes: bool = True) -> Axis:
    """The places of the time axis in words, with what happened on them."""
    places = [place_name(each.name, question.granularity) for each in result.buckets]
    unfinished = tuple(place for place, each in enumerate(result.buckets) if not each.over)
    return Axis(places, unfinished, suffix=suffix, notes=_notes(result) if notes else ())


def place_name(bucket: str, unit: str) -> str:
    """A place of the axis: `23 Nov`, `23 Nov, 14:00`, `Nov 2026`; a week by its first day."""
    this_year = session.at().astimezone(session.zone()).year
    if unit == "hour":
        local = _instant(bucket)
        return f"{words.day(local, this_year=this_year)}, {local:%H:%M}"
    day = date.fromisoformat(bucket)
    return f"{day:%b %Y}" if unit == "month" else words.day(day, this_year=this_year)


def _instant(bucket: str) -> datetime:
    return clock.aware(datetime.fromisoformat(bucket)).astimezone(session.zone())


def _notes(result: Result) -> tuple[tuple[int, str], ...]:
    if not result.buckets:
        return ()
    zone = session.zone()
    days = [clock.calendar_day(each.start, zone) for each in result.buckets]
    kept = session.cached(annotating.find, topics=("annotations",))
    found = []
    for each in kept:
        places = [place for place, day in enumerate(days) if day <= each.day]
        if places and each.day <= clock.calendar_day(result.buckets[-1].end, zone):
            found.append((places[-1], each.text))
    return tuple(found[-MOST_NOTES:])


# -- series -------------------------------------------------------------------------------------


def series(
    question: Insight,
    result: Result,
    name: str,
    *,
    measure: str = "users",
    where: Mapping[str, Any] | None = None,
    place: int = 0,
    text: Callable[[float], str] | None = None,
) -> list[Series]:
    """One series, or one for each group of the breakdown, over every place of the axis; a place without a row counts 0."""
    fixed = dict(where or {})
    rows = [row for row in result.table.to_pylist() if all(row[each] == value for each, value in fixed.items())]
    empty = None if text is None and measure != "users" else 0
    if question.breakdown is None or "breakdown" not in result.table.column_names:
        return [_one(result, rows, name, charts.colour(place), fixed, measure, empty, text)]
    groups = ordered(result, measure)
    inks = colours(question, groups)
    found = []
    for group in groups:
        of_group = [row for row in rows if row["breakdown"] == group]
        called = group_name(question, group)
        found.append(_one(result, of_group, called, inks[group], {**fixed, "breakdown": group}, measure, empty, text))
    return found


def _one(
    result: Result,
    rows: Sequence[Mapping[str, Any]],
    name: str,
    colour: str,
    fixed: Mapping[str, Any],
    measure: str,
    empty: float | None,
    text: Callable[[float], str] | None,
) -> Series:
    by_time = {row["time"]: row for row in rows}
    values = [by_time[each.name][measure] if each.name in by_time else empty for each in result.buckets]
    cells = [
        cell({mark: each.name if mark == "time" else fixed[mark] for mark in result.marks()}) if each.name in by_time else None
        for each in result.buckets
    ]
    texts = [words.NO_VALUE if value is None else text(value) for value in values] if text else ()
    return Series(name, values, cells, colour, texts)


# -- what was chosen ----------------------------------------------------------------------------


def give_cells(bars: go.Figure, cells: Sequence[str | None], chosen: Collection[str]) -> None:
    """Let the bars of a figure carry cells, and frame those that are chosen."""
    ink = charts.neutrals().ink
    bars.update_traces(
        customdata=list(cells),
        marker_line={"width": [2 if each is not None and each in chosen else 0 for each in cells], "color": ink},
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 1}},
        selector={"type": "bar"},
    )


def drawn(result: Result, chosen: Mapping[str, Any]) -> int | None:
    """How many people the chart draws for a cell; None where it draws none for it."""
    counted = [each for each, role in result.roles.items() if role.people]
    for row in result.table.to_pylist():
        if all(row.get(each) == value for each, value in chosen.items()):
            return int(row[counted[0]]) if counted else None
    return 0 if counted else None


def titled(question: Insight, result: Result, cells: Sequence[str]) -> str:
    """What was chosen, in words: `Web · 12 Nov`."""
    if len(cells) > 1:
        return f"{len(cells)} marks of {question.label.lower()}, each person once"
    _, chosen = asking.meant(question, cells[0]) or (question, {})
    parts = [question.label]
    for each, value in chosen.items():
        role = result.roles.get(each)
        if value is None or value == NOW:
            continue
        if each == "time" and isinstance(value, str):
            parts.append("before" if value == BEFORE else _place(value, question.granularity))
        elif each == "breakdown" and isinstance(value, str):
            parts.append(group_name(question, value))
        elif each == "series":
            parts[0] = _series_name(question, value) or parts[0]
        elif role is not None:
            parts.append(f"{role.label} {value}" if not isinstance(value, str) else named(value) or "")
    if "time" in result.roles and "time" not in chosen:
        parts.append(WHOLE)
    segment = session.catalog().segments.get(asking.segment_of(cells[0]))
    if segment is not None:
        parts.append(segment.name)
    return " · ".join(parts)


def _place(bucket: str, unit: str) -> str:
    try:
        return place_name(bucket, unit)
    except ValueError:
        return bucket


def _series_name(question: Insight, place: Any) -> str:
    series_of, formula = getattr(question, "series", ()), getattr(question, "formula", None)
    if formula is not None and place == len(series_of):
        letters = " or ".join(formulas.LETTERS[each] for each in formulas.named(formula))
        return f"{formulas.text(formula)}, people of {letters}"
    if not isinstance(place, int) or not 0 <= place < len(series_of):
        return ""
    return series_of[place].of.event or "Any event"
