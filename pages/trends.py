"""Trends: what happens how often, and who is active, over time.

The address carries the view, the question and what was chosen. What is counted does not live here (`user360/insights`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from pages.ui import address, layout, nav, session, states, words
from pages.ui.insights import asking, controls, frame, notes, pictures, pinning, timelines, trending
from pages.ui.insights.picture import Wanted
from user360 import events

if TYPE_CHECKING:
    from pages.ui.insights.asking import Asked
    from user360.insight import Result
    from user360.segments import Rule

VIEWS: Final = {"trends": "Trends", "active": "Active users"}
ACTIVE: Final = {"kind": "active"}


def page() -> None:
    """The page, top to bottom."""
    view = address.text("view", "trends") if address.text("view") in VIEWS else "trends"
    with layout.header("Trends"):
        notes.button()
    if session.cached(events.newest, topics=("events",)) is None:
        _nothing()
        return
    begin = trending.begin() if view == "trends" else ACTIVE
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        _views(view)
        controls.period(begin, asking.document(begin))
        rule = controls.people()
    if view == "trends":
        trending.editor(asking.document(begin))
    asked = _asked(view, begin, rule)
    if asked is not None:
        _chart(view, asked)
    pinning.draw()
    notes.draw()


def _nothing() -> None:
    states.empty(
        "No events yet",
        "A trend shows how often things happen. Import events, or send them over HTTP.",
        icon="show_chart",
        action="Import a file",
        on_click=lambda: nav.go("import"),
    )


def _views(view: str) -> None:
    st.session_state["trends.view"] = view
    st.segmented_control(
        "View",
        list(VIEWS),
        key="trends.view",
        format_func=VIEWS.__getitem__,
        required=True,
        label_visibility="collapsed",
        on_change=_to,
    )


def _to() -> None:
    kept = asking.shared(asking.document({"kind": ""}))
    view = st.session_state["trends.view"]
    begin = trending.begin() if view == "trends" else ACTIVE
    address.put(view=view, **{asking.QUESTION: asking.written({**begin, **kept}) if kept else None, asking.CELLS: None})


def _asked(view: str, begin: dict[str, Any], rule: Rule | None) -> Asked | None:
    """The second row of controls, and the question all of them make."""
    found = asking.document(begin)
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        if view == "active":
            controls.rolling(begin, found)
        if not found.get("rolling"):
            controls.unit(begin, found)
        controls.channels(begin, found)
        if not found.get("rolling"):
            event = found["series"][0].get("of", {}).get("event") if view == "trends" and found.get("series") else None
            controls.breakdown(begin, found, event)
        st.session_state["trends.compare"] = bool(address.text(timelines.COMPARE))
        st.toggle("Compare with the period before", key="trends.compare", on_change=_compare)
    return asking.read(begin, rule)


def _compare() -> None:
    address.put(**{timelines.COMPARE: 1 if st.session_state["trends.compare"] else None})


# -- charts -------------------------------------------------------------------------------------


def _chart(view: str, asked: Asked) -> None:
    question = asked.question
    with states.boundary("This chart", key=f"trends.{view}"):
        result = asking.result(question)
        way = timelines.BEFORE if address.text(timelines.COMPARE) else ""
        drawn = pictures.draw(question, result, Wanted(way, asking.chosen(question)))
        of = frame.Framed(f"trends.{view}", timelines.title(question), question, result, asking.whole(asked), way)
        with frame.card(of, f"{drawn.quiet} · {controls.said(question.period)} · click to see them", box=True):
            frame.picture(of, drawn)
        frame.people(of)
        _foot(question, result)


def _foot(question: Any, result: Result) -> None:
    parts = [words.escape_md(question.definition.rstrip("."), 400)]
    if question.breakdown is not None and question.kind == "active":
        parts.append("a person counts once in each group")
    if any(not each.over for each in result.buckets):
        parts.append("the last place is unfinished (hatched or dotted)")
    layout.footnote(*parts)


page()
