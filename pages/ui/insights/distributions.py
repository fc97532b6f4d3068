"""How the values of properties are drawn: bars of one, a heat map of two against each other.

Where a value stands does not live here (`user360/binning`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pages.ui import charts, words
from pages.ui.insights import grids, over_time, readings
from pages.ui.insights.picture import Picture
from user360.insight import VALUE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pages.ui.insights.picture import Wanted
    from user360.insight import Result

ORDERED: Final = ("number", "date", "datetime", "time")
LEAST_COLUMN: Final = 66
_TOLD: Final = 8


def picture(question: Any, result: Result, wanted: Wanted) -> Picture:
    """Columns in order where values have one, bars by size where they do not; of two a heat map."""
    rows = result.table.to_pylist()
    if not rows:
        return Picture(f"{title(question)}. There is nobody.")
    if question.across:
        return _against(question, rows, wanted)
    ordered = any(" to " in row["value"] or row["value"].removeprefix(VALUE)[:1].isdigit() for row in rows)
    return (_columns if ordered else _ranked)(question, rows, wanted)


def title(question: Any) -> str:
    """The question in a few words."""
    named = words.heading(question.property)
    return f"{named} by {words.heading(question.across)}" if question.across else named


def told(question: Any, cell: Mapping[str, Any]) -> str:
    """A bar or a cell in words."""
    parts = [f"{words.heading(question.property)} {called(question.property, str(cell.get('value')))}"]
    if cell.get("across") is not None:
        parts.append(f"{words.heading(question.across)} {called(question.across, str(cell['across']))}")
    return " · ".join(parts)


def called(property_name: str, mark: str) -> str:
    """A place as people read it."""
    said = readings.value_of(mark) or ""
    if mark.startswith(VALUE) and property_name == "lastChannel":
        return words.channel(said)
    return said.replace(" to ", " – ") if mark.startswith(VALUE) else said


def _columns(question: Any, rows: Sequence[Mapping[str, Any]], wanted: Wanted) -> Picture:
    names = [called(question.property, row["value"]) for row in rows]
    cells = [readings.cell({"value": row["value"]}) for row in rows]
    series = over_time.Series("People", [row["users"] for row in rows], cells, charts.colour(0))
    drawn = over_time.draw(
        [series], over_time.Axis(names), "bars", chosen=wanted.chosen, height=wanted.height, width=wanted.width
    )
    over_time.name_all(drawn, names)
    inks = [charts.colour(0 if row["value"].startswith(VALUE) else 7) for row in rows]
    drawn.update_traces(marker_color=inks)
    return _told(question, rows, drawn)


def _ranked(question: Any, rows: Sequence[Mapping[str, Any]], wanted: Wanted) -> Picture:
    total = sum(row["users"] for row in rows)
    names = [called(question.property, row["value"]) for row in rows]
    labels = [f"{words.number(row['users'])} · {words.share(row['users'], total)}" for row in rows]
    grey = [not row["value"].startswith(VALUE) for row in rows]
    drawn = charts.ranked(names, [row["users"] for row in rows], labels=labels, grey=grey)
    readings.give_cells(drawn, [readings.cell({"value": row["value"]}) for row in rows], wanted.chosen)
    return _told(question, rows, drawn)


def _told(question: Any, rows: Sequence[Mapping[str, Any]], drawn: Any) -> Picture:
    said = "; ".join(f"{called(question.property, row['value'])} {words.number(row['users'])}" for row in rows[:_TOLD])
    return Picture(f"{title(question)}. {said}", "people", drawn)


def _against(question: Any, rows: Sequence[Mapping[str, Any]], wanted: Wanted) -> Picture:
    down = _in_order(rows, "value", "place")
    across = _in_order(rows, "across", "across_place")
    cells = [
        grids.Cell(
            down.index(row["value"]),
            across.index(row["across"]),
            float(row["users"]),
            words.number(row["users"]) if wanted.width / (len(across) + 2) >= LEAST_COLUMN / 2 else "",
            f"{charts.plain(called(question.property, row['value']))} · {charts.plain(called(question.across, row['across']))}"
            f"<br><b>{words.count(row['users'], 'person', 'people')}</b>",
            readings.cell({"value": row["value"], "across": row["across"]}),
        )
        for row in rows
    ]
    columns = [called(question.across, each) for each in across]
    narrow = wanted.width / (len(columns) + 2) < LEAST_COLUMN
    drawn = grids.draw([called(question.property, each) for each in down], columns, cells, chosen=wanted.chosen, tilt=narrow)
    best = sorted(rows, key=lambda row: -row["users"])[:_TOLD]
    said = "; ".join(
        f"{called(question.property, row['value'])} and {called(question.across, row['across'])} {words.number(row['users'])}"
        for row in best
    )
    return Picture(f"{title(question)}. {said}", "people", drawn)


def _in_order(rows: Sequence[Mapping[str, Any]], column: str, place: str) -> list[str]:
    places = {row[column]: row[place] for row in rows}
    return sorted(places, key=lambda each: (places[each], each))
