"""People by country and city: bars, the largest first, or countries on a map that needs nothing from outside.

What is counted does not live here (`user360/insights/geography`), nor the shapes (`atlas`), nor what a click opens (`frame`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pages.ui import charts, words
from pages.ui.insights import atlas, readings
from pages.ui.insights.picture import Picture
from user360.insight import NONE, OTHER, VALUE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pages.ui.insights.picture import Wanted
    from user360.insight import Result

MAP: Final = "map"
MOST_BARS: Final = 24
_BAR: Final = 26
_MOST_TOLD: Final = 8


def picture(question: Any, result: Result, wanted: Wanted) -> Picture:
    """The answer; `view` map draws countries on the map."""
    rows = result.table.to_pylist()
    if not rows:
        return Picture(f"{title(question)}. Nobody to show.", nothing="Nobody lives there, or nobody was active then.")
    told = "; ".join(f"{_called(question, row)} {words.number(row['users'])}" for row in rows[:_MOST_TOLD])
    alt = f"{title(question)}, {words.count(len(rows), 'place')}: {told}"
    if wanted.view == MAP and question.by == "country":
        return Picture(alt, _unit(question), atlas.draw(_places(question, rows), chosen=wanted.chosen))
    return Picture(alt, _unit(question), _bars(question, rows, wanted))


def title(question: Any) -> str:
    """The question in a few words."""
    whose = "Active users" if question.whose == "active" else "Users"
    where = f" of {question.country}" if question.country else ""
    return f"{whose} by {question.by}{where}"


def told(question: Any, cell: Mapping[str, Any]) -> str:
    """A cell in words: `Leipzig, Germany`."""
    return f"{question.label} · {_called(question, cell)}"


def missing(question: Any, result: Result) -> list[tuple[str, int]]:
    """The countries that are on no map, with their people: unknown to it, Other, or without a value."""
    return [
        (_called(question, row), row["users"])
        for row in result.table.to_pylist()
        if not (row["country"] or "").startswith(VALUE) or not atlas.knows(row["country"].removeprefix(VALUE))
    ]


def _unit(question: Any) -> str:
    return "people active in the period" if question.whose == "active" else "people, as known now"


def _called(question: Any, row: Mapping[str, Any]) -> str:
    """A place in words."""
    own = row.get(question.by)
    if own == OTHER:
        return readings.OTHERS
    if own == NONE or own is None:
        return words.NO_GROUP
    name, country = str(own).removeprefix(VALUE), row.get("country")
    if question.by == "country" or question.country or not isinstance(country, str) or country == NONE:
        return name
    return f"{name}, {country.removeprefix(VALUE)}"


def _cell(row: Mapping[str, Any]) -> str:
    return readings.cell({"country": row["country"], "city": row["city"]})


def _places(question: Any, rows: Sequence[Mapping[str, Any]]) -> list[atlas.Place]:
    return [
        atlas.Place(
            row["country"].removeprefix(VALUE),
            row["users"],
            f"{charts.plain(_called(question, row))}: {words.count(row['users'], 'person', 'people')} ({row['share']:.1f}%)",
            _cell(row),
        )
        for row in rows
        if row["country"].startswith(VALUE)
    ]


def _bars(question: Any, rows: Sequence[Mapping[str, Any]], wanted: Wanted) -> Any:
    named = [row for row in rows if row[question.by] not in (OTHER, NONE)]
    last = [row for group in (OTHER, NONE) for row in rows if row[question.by] == group]
    shown = [*named[:MOST_BARS], *last]
    names = [_called(question, row) for row in shown]
    drawn = charts.ranked(
        names,
        [row["users"] for row in shown],
        labels=[f"{words.number(row['users'])} · {row['share']:.1f}%" for row in shown],
        grey=[row[question.by] in (OTHER, NONE) for row in shown],
        height=16 + _BAR * len(shown),
    )
    readings.give_cells(drawn, [_cell(row) for row in shown], wanted.chosen)
    return drawn
