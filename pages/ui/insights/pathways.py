"""How paths are drawn: events as nodes level by level, the people or sessions between them as links.

What a path is does not live here (`user360/insights/paths`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pages.ui import charts, words
from pages.ui.insights import readings
from pages.ui.insights.flows import Link, Node
from pages.ui.insights.picture import Picture
from user360.insight import OTHER, VALUE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pages.ui.insights.picture import Wanted
    from user360.insight import Result

LEAST_HEIGHT: Final = 220
_TOLD: Final = 6


def picture(question: Any, result: Result, wanted: Wanted) -> Picture:
    """The flow. A node of one event has one colour on every level; Other and the ends of sessions are grey."""
    rows = result.table.to_pylist()
    measure = "paths" if question.count == "sessions" else "users"
    whole = max((row[measure] for row in rows if row["onward"] is None), default=0)
    inks = _colours(rows, measure)
    nodes = tuple(_node(question, row, inks, measure, whole) for row in rows if row["onward"] is None)
    links = tuple(_link(question, row, measure, whole) for row in rows if row["onward"] is not None)
    told = "; ".join(each.told for each in sorted(links, key=lambda each: -each.value)[:_TOLD])
    unit = "sessions" if question.count == "sessions" else "people, each once"
    return Picture(f"{title(question)}. {told}", unit, nodes=nodes, links=links, height=max(wanted.height, LEAST_HEIGHT))


def title(question: Any) -> str:
    """The question in a few words."""
    if question.of is None:
        return "Paths from the start of a session" if question.direction == "from" else "Paths to the end of a session"
    return f"Paths {question.direction} {question.of.event or 'any event'}"


def told(question: Any, cell: Mapping[str, Any]) -> str:
    """A node or a link in words."""
    level = cell.get("level")
    name = called(question, str(cell.get("step")))
    if cell.get("onward") is not None:
        return f"{name} → {called(question, str(cell['onward']))}, level {_level(level)}"
    return f"{name}, level {_level(level)}"


def called(question: Any, step: str) -> str:
    """A step as people read it."""
    if step == OTHER:
        return readings.OTHERS
    if step.startswith(VALUE):
        return step.removeprefix(VALUE)
    return "Session begins" if question.direction == "to" else "Session ends"


def _level(level: Any) -> int:
    return int(level) + 1 if isinstance(level, int) else 0


def _colours(rows: Sequence[Mapping[str, Any]], measure: str) -> dict[str, str]:
    """The commonest event has the first colour, and so on."""
    sizes: dict[str, int] = {}
    for row in rows:
        if row["onward"] is None and row["step"].startswith(VALUE):
            sizes[row["step"]] = sizes.get(row["step"], 0) + row[measure]
    ranked = sorted(sizes, key=lambda each: (-sizes[each], each))
    return {each: charts.colour(min(place, 6)) for place, each in enumerate(ranked)}


def _node(question: Any, row: Mapping[str, Any], inks: Mapping[str, str], measure: str, whole: int) -> Node:
    name = called(question, row["step"])
    value = row[measure]
    colour = inks.get(row["step"], charts.colour(7))
    text = f"{name} · {words.number(value)}"
    hover = f"{name}, level {row['level'] + 1}: {_counted(row, measure, whole)}"
    cell = readings.cell({"level": row["level"], "step": row["step"], "onward": None})
    return Node(_key(row["level"], row["step"]), row["level"], text, hover, colour, cell)


def _link(question: Any, row: Mapping[str, Any], measure: str, whole: int) -> Link:
    hover = f"{called(question, row['step'])} → {called(question, row['onward'])}: {_counted(row, measure, whole)}"
    cell = readings.cell({"level": row["level"], "step": row["step"], "onward": row["onward"]})
    source, target = _key(row["level"], row["step"]), _key(row["level"] + 1, row["onward"])
    return Link(source, target, row[measure], hover, cell)


def _counted(row: Mapping[str, Any], measure: str, whole: int) -> str:
    share = f", {words.share(row[measure], whole)}" if whole else ""
    if measure == "users":
        return f"{words.count(row['users'], 'person', 'people')}{share}"
    return f"{words.count(row['paths'], 'session')} of {words.count(row['users'], 'person', 'people')}{share}"


def _key(level: int, step: str) -> str:
    return f"{level} {step}"
