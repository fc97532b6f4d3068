"""How an answer is drawn of whose kind nothing is known but what its columns are: over time, or as ranked bars.

So a kind can stand on a board on the day it is made. Kinds with a shape of their own have a line in `pictures`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pages.ui import charts, words
from pages.ui.insights import over_time, readings
from pages.ui.insights.picture import Picture

if TYPE_CHECKING:
    from pages.ui.insights.picture import Wanted
    from user360.insight import Insight, Result

MOST_BARS: Final = 24


def picture(question: Insight, result: Result, wanted: Wanted) -> Picture:
    """The first measure that counts people, else the first there is."""
    measures = [each for each, role in result.roles.items() if role.kind == "measure"]
    if not measures or not result.table.num_rows:
        return Picture(f"{question.label}. Nothing to show.")
    measure = next((each for each in measures if result.roles[each].people), measures[0])
    if "time" in result.roles and set(result.marks()) <= {"time", "breakdown"}:
        series = readings.series(question, result, question.label, measure=measure)
        drawn = over_time.draw(
            series, readings.axis(question, result), "lines", chosen=wanted.chosen, height=wanted.height, width=wanted.width
        )
        return Picture(f"{question.label} over time.", result.roles[measure].label.lower(), drawn)
    return _ranked(question, result, measure, wanted)


def _ranked(question: Insight, result: Result, measure: str, wanted: Wanted) -> Picture:
    rows = sorted(result.table.to_pylist(), key=lambda row: -(row[measure] or 0))[:MOST_BARS]
    marks = result.marks()
    names = [" · ".join(readings.named(_text(row[each])) or words.NO_VALUE for each in marks) for row in rows]
    values = [row[measure] or 0 for row in rows]
    cells = [readings.cell({each: row[each] for each in marks}) for row in rows]
    drawn = charts.ranked(names, values, labels=[words.number(each) for each in values])
    readings.give_cells(drawn, cells, wanted.chosen)
    told = "; ".join(f"{name} {words.number(value)}" for name, value in zip(names[:8], values, strict=False))
    return Picture(f"{question.label}. {told}", result.roles[measure].label.lower(), drawn)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
