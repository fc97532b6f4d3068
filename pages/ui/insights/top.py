"""The top events as a table: users, times, change and how each went; a row opens its users. On a board as ranked bars.

What is counted does not live here (`user360/insights/top_events`).
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import streamlit as st

from pages.ui import charts, layout, states, words
from pages.ui.insights import asking, readings
from pages.ui.insights.picture import Picture
from user360.insight import OTHER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pages.ui.insights.picture import Wanted
    from user360.insight import Result

NOW, BEFORE = "now", "before"
_PER: dict[str, str] = {"day": "Per day", "week": "Per week", "month": "Per month", "hour": "Per hour"}


def table(key: str, question: Any, result: Result) -> None:
    """The table; the finished places alone are drawn as bars, so that the present one is no fall."""
    rows = {(row["event"], row["time"]): row for row in result.table.to_pylist()}
    ranked = _ranked(result)
    if not ranked:
        states.nothing_to_show("No events in this period.")
        return
    places = [each.name for each in result.buckets if each.over]
    per = _PER[question.granularity]
    columns = {
        "Event": pa.array([readings.value_of(each) for each in ranked], pa.string()),
        "Users": pa.array([rows[each, NOW]["users"] for each in ranked], pa.int64()),
        "Events": pa.array([rows[each, NOW]["events"] for each in ranked], pa.int64()),
        "Per user": pa.array([rows[each, NOW]["events"] / max(rows[each, NOW]["users"], 1) for each in ranked], pa.float64()),
        "Change": pa.array([_change(rows, each) for each in ranked], pa.string()),
        per: pa.array(
            [[rows.get((each, place), {"events": 0})["events"] for place in places] for each in ranked], pa.list_(pa.int64())
        ),
    }
    widget = f"{key}.top.{hash(asking.chosen(question))}"
    layout.table(
        pa.table(columns),
        key=widget,
        column_config={
            "Event": st.column_config.TextColumn(width=170),
            "Users": st.column_config.NumberColumn(width=74, format="localized"),
            "Events": st.column_config.NumberColumn(width=78, format="localized"),
            "Per user": st.column_config.NumberColumn(width=72, format="%.1f"),
            "Change": st.column_config.TextColumn(width=74, alignment="right"),
            per: st.column_config.BarChartColumn(y_min=0, width=170),
        },
        alt="The events most users had. A cell opens the users of its row.",
        on_select=states.acting(functools.partial(_row, question, widget, ranked)),
        selection_mode="single-cell",
    )


def picture(question: Any, result: Result, wanted: Wanted) -> Picture:
    """Users of each event as bars."""
    ranked = _ranked(result)
    if not ranked:
        return Picture("Top events. None in this period.")
    users = {row["event"]: row["users"] for row in result.table.to_pylist() if row["time"] == NOW}
    names = [readings.value_of(each) or "" for each in ranked]
    values = [users[each] for each in ranked]
    labels = [words.number(each) for each in values]
    drawn = charts.ranked(names, values, labels=labels, grey=[each == OTHER for each in ranked])
    readings.give_cells(drawn, [readings.cell({"event": each, "time": NOW}) for each in ranked], wanted.chosen)
    told = "; ".join(f"{name} {label}" for name, label in zip(names, labels, strict=True))
    return Picture(f"{question.label}, by users: {told}", "users", drawn)


def _ranked(result: Result) -> list[str]:
    """The events, those of most users first, Other last."""
    users = {row["event"]: row["users"] for row in result.table.to_pylist() if row["time"] == NOW}
    return sorted(users, key=lambda each: (each == OTHER, -users[each], each))


def _change(rows: Mapping[tuple[str, str], Mapping[str, Any]], event: str) -> str | None:
    before = rows.get((event, BEFORE))
    return words.change(rows[event, NOW]["events"], before["events"]) if before else None


def _row(question: Any, key: str, ranked: list[str]) -> None:
    cells = st.session_state[key]["selection"]["cells"]
    if cells:
        asking.choose(question, [readings.cell({"event": ranked[cells[0][0]], "time": NOW})])
