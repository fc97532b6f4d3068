"""From channel to channel as a flow: left where people were, right where they went on; and what the pairs are as a table.

What is counted does not live here (`user360/insights/switching`), nor what a click opens (`frame`).
"""

from __future__ import annotations

import functools
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import streamlit as st

from pages.ui import charts, layout, states, words
from pages.ui.insights import asking, readings
from pages.ui.insights.flows import Link, Node
from pages.ui.insights.picture import Picture
from user360.insight import OTHER, VALUE

if TYPE_CHECKING:
    from pages.ui.insights.picture import Wanted
    from user360.insight import Result

HEIGHT: Final = 400
_MOST_TOLD: Final = 8


def picture(question: Any, result: Result, wanted: Wanted) -> Picture:
    """The flow, its links as wide as people went; nodes and links open them."""
    del wanted
    rows = result.table.to_pylist()
    links = [row for row in rows if row["origin"] is not None and row["target"] is not None]
    if not links:
        return Picture(f"{question.label}. Nobody switched.", nothing="Nobody went from one channel to another then.")
    nodes = [_node(result, row, place) for place, side in enumerate(("origin", "target")) for row in _ends(rows, side)]
    told = "; ".join(
        f"{named(row['origin'])} to {named(row['target'])} {words.number(row['users'])}" for row in links[:_MOST_TOLD]
    )
    made = tuple(
        Link(
            f"0 {row['origin']}",
            f"1 {row['target']}",
            row["users"],
            _told(row),
            readings.cell({each: row[each] for each in result.marks()}),
        )
        for row in links
    )
    return Picture(f"From which channel people go on to which. {told}", "people", nodes=tuple(nodes), links=made, height=HEIGHT)


def named(group: str) -> str:
    """A channel in words."""
    return readings.OTHERS if group == OTHER else words.channel(group.removeprefix(VALUE))


def lasting(seconds: float | None) -> str:
    """How long it took."""
    return words.NO_VALUE if seconds is None else words.duration(timedelta(seconds=seconds))


def told(question: Any, cell: Any) -> str:
    """A cell in words: `Web to Email`."""
    origin, target = cell.get("origin"), cell.get("target")
    if origin is None and target is None:
        return f"{question.label} · anybody"
    if origin is None:
        return f"To {named(target)}"
    return f"From {named(origin)}" if target is None else f"{named(origin)} to {named(target)}"


def _ends(rows: list[dict[str, Any]], side: str) -> list[dict[str, Any]]:
    other = "target" if side == "origin" else "origin"
    return [row for row in rows if row[side] is not None and row[other] is None]


def _node(result: Result, row: dict[str, Any], level: int) -> Node:
    group = row["origin"] if level == 0 else row["target"]
    return Node(
        key=f"{level} {group}",
        level=level,
        name=named(group),
        told=f"{'From' if level == 0 else 'To'} {named(group)}: {words.count(row['users'], 'person', 'people')}, {words.count(row['switches'], 'time')}",
        colour=charts.colour(7) if group == OTHER else charts.channel_colour(group.removeprefix(VALUE)),
        cell=readings.cell({each: row[each] for each in result.marks()}),
    )


def _told(row: dict[str, Any]) -> str:
    return (
        f"{named(row['origin'])} to {named(row['target'])}: {words.count(row['users'], 'person', 'people')}, "
        f"{words.count(row['switches'], 'time')}, half of them within {lasting(row['seconds'])}"
    )


def table(key: str, question: Any, result: Result) -> None:
    """The pairs, those of most people first, with how long it takes; a row opens its people."""
    rows = [row for row in result.table.to_pylist() if row["origin"] is not None and row["target"] is not None]
    if not rows:
        return
    columns = {
        "From": pa.array([named(row["origin"]) for row in rows], pa.string()),
        "To": pa.array([named(row["target"]) for row in rows], pa.string()),
        "Users": pa.array([row["users"] for row in rows], pa.int64()),
        "Switches": pa.array([row["switches"] for row in rows], pa.int64()),
        "Half of them within": pa.array([lasting(row["seconds"]) for row in rows], pa.string()),
    }
    widget = f"{key}.pairs.{hash(asking.chosen(question))}"
    with layout.card("Time between", "half of the switches are quicker"):
        layout.table(
            pa.table(columns),
            key=widget,
            column_config={
                "From": st.column_config.TextColumn(width=130),
                "To": st.column_config.TextColumn(width=130),
                "Users": st.column_config.NumberColumn(width=100, format="localized"),
                "Switches": st.column_config.NumberColumn(width=100, format="localized"),
                "Half of them within": st.column_config.TextColumn(),
            },
            alt="From which channel to which, with users, switches and the median time between. A cell opens the users of its row.",
            on_select=states.acting(functools.partial(_row, question, widget, result, rows)),
            selection_mode="single-cell",
            most=12,
        )


def _row(question: Any, widget: str, result: Result, rows: list[dict[str, Any]]) -> None:
    cells = st.session_state[widget]["selection"]["cells"]
    if cells:
        row = rows[cells[0][0]]
        asking.choose(question, [readings.cell({each: row[each] for each in result.marks()})])
