"""Funnels: who does steps one after the other, where people stop, how long they need.

The address carries the question and what was chosen. What a funnel is does not live here (`user360/insights/funnel`).
"""

from __future__ import annotations

import functools
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import streamlit as st

from pages.ui import layout, nav, session, states, words
from pages.ui.insights import asking, controls, frame, funneling, pictures, pinning, readings, stepping
from pages.ui.insights.picture import Wanted
from user360 import events
from user360.insights import funnel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pages.ui.insights.asking import Asked
    from pages.ui.insights.frame import Framed
    from user360.insight import Result

SHOP: Final = ("Product Viewed", "Product Added", "Checkout Started", "Order Completed")
SHOWS: Final = {"steps": "Steps", "over_time": "Over time", "times": "Time to convert"}
ORDERS: Final = {"ordered": "In this order", "strict": "Nothing in between", "any": "In any order"}
WITHIN: Final = {
    "within 30 minutes": {"value": 30, "unit": "minute"},
    "within 1 hour": {"value": 1, "unit": "hour"},
    "within 1 day": {"value": 1, "unit": "day"},
    "within 7 days": {"value": 7, "unit": "day"},
    "within 14 days": {"value": 14, "unit": "day"},
    "within 30 days": {"value": 30, "unit": "day"},
    "within 90 days": {"value": 90, "unit": "day"},
}
REACHED: Final = {funnel.REACHED: "Reached", funnel.DROPPED: "Dropped", funnel.OPEN: "Still open"}


def page() -> None:
    """The page, top to bottom."""
    with layout.header("Funnels"):
        pass
    if not session.cached(events.names, system=False, topics=("events",)):
        states.empty(
            "No events yet",
            "A funnel shows how many people take one step after the other. Import events, or send them over HTTP.",
            icon="filter_list",
            action="Import a file",
            on_click=lambda: nav.go("import"),
        )
        return
    begin = _begin()
    found = asking.document(begin)
    stepping.steps(begin, found)
    stepping.excluded(begin, found)
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        controls.choice(begin, found, "order", "Order", ORDERS, width=160)
        _within(begin, found)
        controls.period(begin, found)
        rule = controls.people()
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        _shows(begin, found)
        if found.get("shows") == "over_time":
            controls.unit(begin, found)
        controls.channels(begin, found)
        controls.breakdown(begin, found, _first_event(found))
        _same(begin, found)
    asked = asking.read(begin, rule)
    if asked is not None:
        _answer(asked)
    pinning.draw()


def _begin() -> dict[str, Any]:
    """The funnel a page begins with: of a shop its four steps, else the two commonest events."""
    names = session.cached(events.names, system=False, topics=("events",))
    steps = [each for each in SHOP if each in names]
    if len(steps) < funnel.FEWEST_STEPS:
        catalogue = session.cached(events.catalogue, topics=("events",)).to_pylist()
        ranked = sorted((each for each in catalogue if not each.get("system")), key=lambda each: -each["total"])
        steps = ([each["event"] for each in ranked] * funnel.FEWEST_STEPS)[: funnel.FEWEST_STEPS]
    return {"kind": "funnel", "steps": [{"event": each} for each in steps]}


def _first_event(found: Mapping[str, Any]) -> str | None:
    event: str | None = found["steps"][0].get("event") if found["steps"] else None
    return event


# -- controls -----------------------------------------------------------------------------------


def _within(begin: dict[str, Any], found: Mapping[str, Any]) -> None:
    given = {"value": 7, "unit": "day", **(found.get("within") or {})}
    options = dict(WITHIN)
    label = next((name for name, each in WITHIN.items() if each == given), "")
    if not label:
        label = f"within {words.count(given['value'], given['unit'])}"
        options[label] = given
    st.session_state["funnel.within"] = label
    st.selectbox(
        "Time to convert",
        list(options),
        key="funnel.within",
        label_visibility="collapsed",
        width=160,
        on_change=lambda: asking.change(begin, within=options[st.session_state["funnel.within"]]),
    )


def _shows(begin: dict[str, Any], found: Mapping[str, Any]) -> None:
    st.session_state["funnel.shows"] = found.get("shows", "steps")
    st.segmented_control(
        "Shows",
        list(SHOWS),
        key="funnel.shows",
        format_func=SHOWS.__getitem__,
        required=True,
        label_visibility="collapsed",
        on_change=lambda: asking.change(begin, shows=st.session_state["funnel.shows"]),
    )


def _same(begin: dict[str, Any], found: Mapping[str, Any]) -> None:
    """The properties whose values must not change on the way."""
    event = _first_event(found)
    known = event in session.cached(events.names, topics=("events",))
    names = [each.name for each in session.cached(events.schema, event, topics=("events",))] if known else []
    given = list(found.get("same", []))
    st.session_state["funnel.same"] = given
    st.multiselect(
        "Same value on the way",
        list(dict.fromkeys([*given, "channel", *names])),
        key="funnel.same",
        placeholder="same value on the way",
        label_visibility="collapsed",
        max_selections=funnel.MOST_SAME,
        width=220,
        help="Steps count only if this property has the same value in all of them.",
        on_change=lambda: asking.change(begin, same=list(st.session_state["funnel.same"]) or None),
    )


# -- the answer ---------------------------------------------------------------------------------


def _answer(asked: Asked) -> None:
    question: Any = asked.question
    with states.boundary("This funnel", key="funnel"):
        result = asking.result(question)
        drawn = pictures.draw(question, result, Wanted("", asking.chosen(question)))
        of = frame.Framed("funnel", funneling.title(question), question, result, asking.whole(asked))
        wide = question.shows != "steps" or drawn.empty
        grid = st.grid(2, min_column_width=440, gap="small")  # below each other at 1024
        with grid.cell(column_span=2 if wide else 1), frame.card(of, frame.hint(drawn)):
            frame.picture(of, drawn)
        if not wide:
            with (
                grid.cell(),
                layout.card("Counts and time", "median from the first step", key="funnel.counts", height="stretch"),
            ):
                _counts(of)
                _in_short(question, result)
        frame.people(of, functools.partial(frame.turned, of, "state", REACHED))
        _foot(question)


def _counts(of: Framed) -> None:
    """The figures beside the chart: a row for each group, else for each step; a row opens its people."""
    question: Any = of.question
    rows = _of_groups(question, of.result) if question.breakdown else _of_steps(question, of.result)
    found = [row for _, row in rows]
    columns: dict[str, Any] = {
        "name": pa.array([name for name, _ in rows], pa.string()),
        "first": pa.array([row["first"] for row in found], pa.int64()),
        "last": pa.array([row["users"] for row in found], pa.int64()),
        "rate": pa.array([100 * (row["share"] or 0) for row in found], pa.float64()),
        "median": pa.array([_duration(row["median"]) for row in found], pa.string()),
    }
    config: dict[str, Any] = {
        "name": st.column_config.TextColumn("Group" if question.breakdown else "Step", width=120),
        "first": st.column_config.NumberColumn("Began", format="localized", width=60),
        "last": st.column_config.NumberColumn("Reached", format="localized", width=68),
        "rate": st.column_config.ProgressColumn("Rate", format="%.1f%%", min_value=0, max_value=100, width=84),
        "median": st.column_config.TextColumn("Median", width=66),
    }
    if not question.breakdown:
        del columns["first"]
    key = f"funnel.table.{hash(tuple(name for name, _ in rows))}"
    layout.table(
        pa.table(columns),
        key=key,
        column_config=config,
        alt="Counts, rate and median time. A cell opens the people of its row.",
        on_select=states.acting(functools.partial(_open, of, key, found)),
        selection_mode="single-cell",
        most=11,
    )


def _of_groups(question: Any, result: Result) -> list[tuple[str, dict[str, Any]]]:
    last, made = len(question.steps), []
    for group in [*funneling.groups(question, result), None]:
        first, row = funneling.row_of(result, 1, group=group), funneling.row_of(result, last, group=group)
        if row is not None:
            name = "Everyone" if group is None else readings.group_name(question, group)
            made.append((name, {**row, "first": first["users"] if first else 0}))
    return made


def _of_steps(question: Any, result: Result) -> list[tuple[str, dict[str, Any]]]:
    found = [(step, funneling.row_of(result, step)) for step in range(1, len(question.steps) + 1)]
    return [(funneling.step_name(question, step), {**row, "first": 0}) for step, row in found if row is not None]


def _open(of: Framed, key: str, rows: list[dict[str, Any]]) -> None:
    cells = st.session_state[key]["selection"]["cells"]
    if cells:
        asking.choose(of.question, [funneling.cell_of(of.result, rows[cells[0][0]])])


def _duration(seconds: float | None) -> str:
    return words.NO_VALUE if seconds is None else words.duration(timedelta(seconds=seconds))


def _in_short(question: Any, result: Result) -> None:
    """The biggest loss, and who can still convert."""
    told = []
    losses = [
        (row["users"], group, row["step"])
        for group in funneling.groups(question, result)
        for row in result.table.to_pylist()
        if row["state"] == funnel.DROPPED and row.get("breakdown") == group
    ]
    if losses:
        lost, group, step = max(losses, key=lambda each: each[0])
        before = funneling.row_of(result, step - 1, group=group)
        name = "" if group is None else f"{readings.group_name(question, group)}, "
        way = f"{name}{funneling.step_name(question, step - 1)} → {funneling.step_name(question, step)}"
        of_them = f" or {words.share(lost, before['users'])}" if before and before["users"] >= words.FEW_PEOPLE else ""
        told.append(f"Biggest loss: **{words.escape_md(way)}**, {words.count(lost, 'person', 'people')}{of_them}.")
    young = sum(row["users"] for row in result.table.to_pylist() if row["state"] == funnel.OPEN and row.get("breakdown") is None)
    if young:
        told.append(f"{words.count(young, 'person', 'people')} can still go on.")
    out = funneling.row_of(result, 1, funnel.LEFT_OUT)
    if out is not None:
        told.append(f"{words.count(out['users'], 'person', 'people')} left out by an excluded event.")
    for each in told:
        st.caption(each)


def _foot(question: Any) -> None:
    within = words.count(question.within.amount, question.within.unit)
    steps = words.count(len(question.steps), "step")
    what = {"ordered": "in order", "strict": "in order with nothing in between", "any": "in any order"}[question.order]
    parts = [
        f"converted = all {steps} {what} within {within} of the first, a day being 24 hours",
        f"first steps of {controls.said(question.period)}",
        "a person counts once, by the attempt that got furthest",
    ]
    if question.breakdown is not None and question.breakdown.by != "property":
        parts.append("in the group of the first step")
    if question.shows == "over_time":
        parts.append("where somebody can still go on the line is dotted")
    layout.footnote(*parts)


page()
