"""Key figures as tiles: the value, its change, how it went, and a button for the people behind it.

What a figure counts does not live here (`user360/insights/overview`).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from pages.ui import charts, layout, states, words
from pages.ui.insights import asking, readings
from pages.ui.insights.picture import Picture

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pages.ui.insights.picture import Wanted
    from user360.insight import Result

LEAST_POINTS: Final = 7
NOW, BEFORE = "now", "before"
FIGURES: Final = {
    "users": ("Users", "Users who are here, made until then; before: until the period began."),
    "new": ("New users", "Users made in the period; before: in the period before, as far into it as now."),
    "identified": (
        "Identified",
        "Users whose user id is known, of all. The line and before: of those who were here then, as known now.",
    ),
    "reachable": (
        "Reachable by any",
        "Users with a valid address and consent on email, WhatsApp or SMS, of all. The line and before: of those who were here "
        "then, as known now.",
    ),
    "active 1 day": (
        "Active today",
        "Users with at least one event today that is not a system event; before: yesterday until this time.",
    ),
    "active 7 days": (
        "Active, 7 days",
        "Users with at least one such event in the 7 days up to and with today; before: 7 days earlier.",
    ),
    "active 30 days": (
        "Active, 30 days",
        "Users with at least one such event in the 30 days up to and with today; before: 30 days earlier.",
    ),
    "events": ("Events", "Events in the period that are not system events; before: in the period before, as far into it as now."),
}
SHARES: Final = ("identified", "reachable")
GROWING: Final = ("users", *SHARES)
UNCHANGED: Final = ("0.0 pt", "+0.0%", "-0.0%")
PEOPLE: Final = tuple(each for each in FIGURES if each != "events")


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure, ready to be drawn. `change` is as `st.metric` reads it; the cell is of its people.

    `neutral`: up is neither good nor bad.
    """

    label: str
    told: str
    value: str
    change: str | None
    before: str
    line: Sequence[float]
    cell: str
    neutral: bool = False


def read(result: Result, *, today: bool = True) -> list[Tile]:
    """The tiles of an overview. `today`: whether the period goes up to now."""
    rows = {(row["figure"], row["time"]): row for row in result.table.to_pylist()}
    return [_tile(rows, result, each, today=today) for each in FIGURES]


def _tile(rows: Mapping[tuple[str, str], Mapping[str, Any]], result: Result, figure: str, *, today: bool) -> Tile:
    nothing = {"users": 0, "value": 0.0}
    now, before = rows.get((figure, NOW), nothing), rows.get((figure, BEFORE), nothing)
    label, told = FIGURES[figure]
    line = [
        rows.get((figure, each.name), nothing)["value"] or 0
        for each in result.buckets
        if (each.over or figure in GROWING) and ((figure, each.name) in rows or figure not in GROWING)
    ]
    return Tile(
        label=label if today or figure != "active 1 day" else "Active, last day",
        told=told,
        value=_said(rows, figure, NOW, now),
        change=_change(figure, now, before),
        before=f"before {_said(rows, figure, BEFORE, before)}",
        line=line if len(line) >= LEAST_POINTS else (),
        cell=readings.cell({"figure": figure, "time": NOW}),
    )


def _said(rows: Mapping[tuple[str, str], Mapping[str, Any]], figure: str, time: str, row: Mapping[str, Any]) -> str:
    if figure in SHARES:
        return words.share(row["users"], rows.get(("users", time), {"users": 0})["users"])
    return words.short(round(row["value"] or 0))


def _change(figure: str, now: Mapping[str, Any], before: Mapping[str, Any]) -> str | None:
    """`+2.4%`, of shares `+0.9 pt`; a minus `st.metric` can read."""
    if figure in SHARES:
        if now["value"] is None or before["value"] is None:
            return None
        points = round(now["value"] - before["value"], 1)
        return f"{points:+.1f} pt" if points else "0.0 pt"
    told = words.change(now["value"] or 0, before["value"] or 0)
    return told.replace("−", "-") if told else None


def draw(question: Any, tiles: Sequence[Tile], *, key: str, compared: bool) -> None:
    """The tiles side by side; the button of one chooses its people."""
    lines = all(each.line for each in tiles)
    for each in layout.pairs(tiles, 190):
        with st.container(border=True, horizontal=True, wrap=False, vertical_alignment="top", gap="xsmall", height="stretch"):
            given: dict[str, Any] = {"chart_data": list(each.line), "chart_type": "area"} if lines else {}
            if compared:
                given |= {"delta": each.change, "delta_description": each.before}
                given |= {"delta_color": "off"} if each.neutral or each.change in UNCHANGED else {}
                given |= {"delta_arrow": "off"} if each.change in UNCHANGED else {}
            st.metric(each.label, each.value, help=each.told, **given)
            st.button(
                "",
                key=f"{key}.{each.label}",
                icon=":material/group:",
                type="tertiary",
                help=f"{each.label}: see these people",
                on_click=states.acting(functools.partial(asking.choose, question, [each.cell])),
            )


def told(question: Any, cell: Mapping[str, Any]) -> str:
    """A cell in words: `Active, 7 days`."""
    label = FIGURES.get(str(cell.get("figure")), (question.label, ""))[0]
    time = cell.get("time", NOW)
    return label if time == NOW else f"{label} · {time}"


def picture(question: Any, result: Result, wanted: Wanted) -> Picture:
    """The figures of people as bars, for a board."""
    del question
    tiles = dict(zip(FIGURES, read(result), strict=True))
    rows = {row["figure"]: row["users"] for row in result.table.to_pylist() if row["time"] == NOW}
    values = [rows.get(each, 0) for each in PEOPLE]
    names = [tiles[each].label for each in PEOPLE]
    labels = [
        " · ".join(filter(None, (words.number(value), tiles[each].change))) for each, value in zip(PEOPLE, values, strict=True)
    ]
    drawn = charts.ranked(names, values, labels=labels, height=wanted.height)
    readings.give_cells(drawn, [tiles[each].cell for each in PEOPLE], wanted.chosen)
    return Picture("Overview. " + "; ".join(f"{a} {b}" for a, b in zip(names, labels, strict=True)), "people, now", drawn)
