"""How retention is drawn: cohorts as a heat map with the row of all on top, or the pooled share as a curve.

What is counted does not live here (`user360/insights/retention`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pages.ui import charts, words
from pages.ui.insights import grids, happening, over_time, readings
from pages.ui.insights.picture import Picture
from user360.insights import retention

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pages.ui.insights.picture import Wanted
    from user360.insight import Result

CURVE: Final = "curve"
GROUP: Final = "of"
OF_GROUP: Final = "of "
"""Before a group, the way of drawing that shows the cells of it alone."""
ALL: Final = "All"
UNFINISHED: Final = "No period is finished yet."
_MOST_WITH_DECIMALS: Final = 16
_MOST_WITH_TEXT: Final = 31
_MANY_ROWS: Final = 31
_LOW_ROW: Final = 18
_TOLD: Final = 12
_LEAST_END: Final = 10.0  # per cent: a scale that ends lower would make chance look like a pattern


def picture(question: Any, result: Result, wanted: Wanted) -> Picture:
    """The heat map, of everyone or of the group that `view` names, or the curve if it says so."""
    if not result.table.num_rows:
        return Picture(f"{title(question)}. Nobody began.")
    return _curve(question, result, wanted) if wanted.view == CURVE else _triangle(question, result, wanted)


def title(question: Any) -> str:
    """The question in a few words."""
    start = question.start.event or "anything"
    of = f"their first {start}" if question.entry == "first" else start
    return f"Share of people who came back, by the {question.granularity} of {of}"


def told(question: Any, cell: Mapping[str, Any]) -> str:
    """A mark in words: `Began 7 Sep · back in week 3`."""
    parts = []
    if isinstance(cell.get("breakdown"), str):
        parts.append(readings.group_name(question, cell["breakdown"]))
    if isinstance(cell.get("cohort"), str):
        parts.append(f"began {_place(question, cell['cohort'])}")
    if isinstance(cell.get("age"), int):
        parts.append(_stayed(question, cell["age"], str(cell.get("state", retention.BACK))))
    said = " · ".join(parts) or title(question)
    return said[:1].upper() + said[1:]


def age_name(question: Any, age: int) -> str:
    """`Week 3`."""
    return f"{question.granularity.capitalize()} {age}"


def pooled(result: Result, group: str | None = None) -> list[dict[str, Any]]:
    """The row of all finished cells by age, of everyone or of one group."""
    rows = [
        row
        for row in result.table.to_pylist()
        if row["cohort"] is None and row["state"] == retention.BACK and row.get("breakdown") == group
    ]
    return sorted(rows, key=lambda row: row["age"])


def groups(question: Any, result: Result) -> list[str | None]:
    """The groups of the breakdown, the largest first; of no breakdown only everyone."""
    if question.breakdown is None:
        return [None]
    sizes = {
        row["breakdown"]: row["size"] for row in result.table.to_pylist() if row["breakdown"] is not None and row["age"] == 0
    }
    return [*sorted(sizes, key=lambda each: (readings.LAST.get(each, 0), -sizes[each], each))] or [None]


def cell_of(result: Result, row: Mapping[str, Any]) -> str:
    """The cell of a row."""
    return readings.cell({each: row[each] for each in result.marks()})


def _stayed(question: Any, age: int, state: str) -> str:
    if age == 0:
        return "everyone who began"
    when = f"in {question.granularity} {age}" + (" or later" if question.when == "after" else "")
    return f"{'back' if state == retention.BACK else 'not back'} {when}"


def _place(question: Any, bucket: str) -> str:
    try:
        return readings.place_name(bucket, question.granularity)
    except ValueError:
        return bucket


# -- the triangle -------------------------------------------------------------------------------


def _triangle(question: Any, result: Result, wanted: Wanted) -> Picture:
    group = wanted.view.removeprefix(OF_GROUP) if wanted.view.startswith(OF_GROUP) else None
    rows = [
        row
        for row in result.table.to_pylist()
        if row["cohort"] is not None and row["state"] == retention.BACK and row.get("breakdown") == group
    ]
    if not rows:
        return Picture(f"{title(question)}. Nobody began.")
    cohorts = [each.name for each in result.buckets]
    sizes = {row["cohort"]: row["size"] for row in rows}
    shown = [each for each in cohorts if each in sizes]
    whole = pooled(result, group)
    ages = max((row["age"] for row in rows), default=0) + 1
    cells = [_cell(question, result, row, 0, ages) for row in whole]
    cells += [_cell(question, result, row, 1 + shown.index(row["cohort"]), ages) for row in rows]
    every = ALL if group is None else readings.group_name(question, group)
    names = [f"{every} · {words.number(whole[0]['size'])}" if whole else every]
    names += [f"{_place(question, each)} · {words.number(sizes[each])}" for each in shown]
    columns = [age_name(question, 0) if ages <= _MOST_WITH_DECIMALS else "0", *(str(age) for age in range(1, ages))]
    finished = [100 * row["share"] for row in rows if row["age"] and row["finished"]]
    height = _LOW_ROW if len(names) > _MANY_ROWS else grids.ROW
    drawn = grids.draw(names, columns, cells, most=max([*finished, _LEAST_END]), chosen=wanted.chosen, row_height=height)
    said = "; ".join(f"{age_name(question, row['age'])} {100 * row['share']:.1f}%" for row in whole[:_TOLD])
    return Picture(f"{title(question)}. {every}: {said}", "% of people · a dashed cell is unfinished", drawn)


def _cell(question: Any, result: Result, row: Mapping[str, Any], place: int, ages: int) -> grids.Cell:
    share = 100 * row["share"]
    text = "" if ages > _MOST_WITH_TEXT else f"{share:.0f}" if ages > _MOST_WITH_DECIMALS or row["age"] == 0 else f"{share:.1f}"
    lines = [
        f"<b>{charts.plain(told(question, row), 80)}</b>",
        f"{words.number(row['members'])} of {words.number(row['size'])}, {share:.1f}%",
    ]
    if row["age"]:
        lines.append(f"{100 * row['low']:.1f} to {100 * row['high']:.1f}% at 95%")
    if not row["finished"]:
        lines.append("unfinished")
    return grids.Cell(place, row["age"], share, text, "<br>".join(lines), cell_of(result, row), not row["finished"])


# -- the curve ----------------------------------------------------------------------------------


def _curve(question: Any, result: Result, wanted: Wanted) -> Picture:
    """The pooled share by age, from the first on; a line for each group."""
    found = groups(question, result)
    inks = readings.colours(question, [each for each in found if each is not None])
    lines = [(group, pooled(result, group)) for group in found]
    ages = range(1, max((row["age"] for _, rows in lines for row in rows), default=0) + 1)
    made = []
    for group, rows in lines:
        by_age = {row["age"]: row for row in rows}
        of_age = [by_age.get(age) for age in ages]
        made.append(
            over_time.Series(
                "Everyone" if group is None else readings.group_name(question, group),
                [100 * row["share"] if row else None for row in of_age],
                [cell_of(result, row) if row else None for row in of_age],
                charts.colour(0) if group is None else inks[group],
                [f"{100 * row['share']:.1f}%" if row else words.NO_VALUE for row in of_age],
            )
        )
    if not ages:
        return Picture(f"{_curve_title(question)}. {UNFINISHED}", nothing=UNFINISHED)
    axis = over_time.Axis([age_name(question, each) for each in ages], suffix="%")
    drawn = over_time.draw(made, axis, "lines", chosen=wanted.chosen, height=wanted.height)
    return Picture(f"{_curve_title(question)}. {_ends(made)}", "weighted by cohort size · unfinished cells left out", drawn)


def _curve_title(question: Any) -> str:
    return f"{happening.called({'event': question.start.event})}: who came back, all cohorts together"


def _ends(made: Sequence[over_time.Series]) -> str:
    known = [(each.name, [value for value in each.values if value is not None]) for each in made]
    return "; ".join(f"{name} {values[0]:.1f}% to {values[-1]:.1f}%" for name, values in known if values)
