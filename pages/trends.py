"""Trends: what happens how often, and who is active, over time.

The address carries the view, the question and what was chosen. What is counted does not live here (`user360/insights`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from pages.ui import address, charts, layout, nav, session, states, words
from pages.ui.insights import asking, controls, frame, notes, over_time, pinning, readings, trending
from user360 import events, insight

if TYPE_CHECKING:
    from pages.ui.insights.asking import Asked
    from pages.ui.insights.over_time import Series
    from user360.insight import Result
    from user360.segments import Rule

VIEWS: Final = {"trends": "Trends", "active": "Active users"}
ACTIVE: Final = {"kind": "active"}
WINDOWS: Final = {1: "DAU, 1 day", 7: "WAU, 7 days", 30: "MAU, 30 days"}
COMPARE: Final = "compare"


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
        st.session_state["trends.compare"] = bool(address.text(COMPARE))
        st.toggle("Compare with the period before", key="trends.compare", on_change=_compare)
    return asking.read(begin, rule)


def _compare() -> None:
    address.put(**{COMPARE: 1 if st.session_state["trends.compare"] else None})


# -- charts -------------------------------------------------------------------------------------


def _chart(view: str, asked: Asked) -> None:
    question = asked.question
    with states.boundary("This chart", key=f"trends.{view}"):
        result = asking.result(question)
        made = _series(question, result)
        if address.text(COMPARE):
            made += _before(question, made)
        title = _title(question)
        of = frame.Framed(f"trends.{view}", title, question, result, asking.whole(asked))
        with frame.card(of, f"{_unit(question)} · {controls.said(question.period)} · click to see them", box=True):
            axis = readings.axis(question, result)
            lines = question.kind == "trend" or bool(getattr(question, "rolling", False)) or bool(address.text(COMPARE))
            stacks = question.breakdown is not None and not address.text(COMPARE) and question.kind == "active"
            form: over_time.Form = "bars" if stacks or (not lines and question.breakdown is None) else "lines"
            frame.draw(of, over_time.draw(made, axis, form, chosen=asking.chosen(question), height=330), _alt(title, made, axis))
        frame.people(of)
        _foot(question, result)


def _series(question: Any, result: Result) -> list[Series]:
    if question.kind == "trend":
        return trending.series(question, result)
    if question.rolling:
        return [
            series
            for place, (window, name) in enumerate(WINDOWS.items())
            for series in readings.series(question, result, name, where={"window": window}, place=place)
        ]
    return readings.series(question, result, "Active users")


def _before(question: Any, now: list[Series]) -> list[Series]:
    """The same of the period before, place by place, of the groups that are drawn."""
    earlier = replace(question, period=insight.before(question.period, session.catalog(), session.at()))
    found = {each.name: each for each in _series(earlier, asking.result(earlier))}
    made = []
    for each in now:
        if each.name in found:
            places = len(each.values)
            old = found[each.name]
            values = [*old.values, *[None] * places][:places]
            texts = [*old.texts, *[""] * places][:places] if old.texts else ()
            made.append(over_time.Series(f"{each.name}, before", values, [None] * places, each.colour, texts, faint=True))
    return made


def _title(question: Any) -> str:
    if question.kind == "trend":
        named = [trending.named(question, place) for place in range(len(question.series))]
        return " and ".join(named) if len(named) <= 2 else f"{len(named)} series"  # noqa: PLR2004 - as many as can be read
    if question.rolling:
        return "Active in the 1, 7 and 30 days up to each day"
    return "Active users"


def _unit(question: Any) -> str:
    if question.kind == "trend":
        return controls.UNITS[question.granularity]
    return "people, rolling" if question.rolling else f"people {controls.UNITS[question.granularity]}"


def _alt(title: str, made: list[Series], axis: over_time.Axis) -> str:
    ends = [
        f"{each.name}: {charts.plain(words.number(round(each.values[-1] or 0, 1)))} at the end"
        for each in made[:8]
        if each.values
    ]
    return f"{title}. {len(axis.places)} places. " + "; ".join(ends)


def _foot(question: Any, result: Result) -> None:
    parts = [words.escape_md(question.definition.rstrip("."), 400)]
    if question.breakdown is not None and question.kind == "active":
        parts.append("a person counts once in each group")
    if any(not each.over for each in result.buckets):
        parts.append("the last place is unfinished (hatched or dotted)")
    layout.footnote(*parts)


page()
