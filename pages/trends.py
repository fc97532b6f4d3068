"""Trends: what happens how often, who is active, who comes and goes, when in the week, in which sessions.

The address carries the view, the question and what was chosen. **A further view is a line in `VIEWS`.** What is counted does not
live here (`user360/insights`), nor how it is drawn (`pictures`).
"""

from __future__ import annotations

import calendar
import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from pages.ui import address, layout, nav, session, states, words
from pages.ui.insights import asking, beside, controls, frame, habits, happening, located, notes, pictures, pinning, trending
from pages.ui.insights.picture import Wanted
from user360 import events, profiles

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pages.ui.insights.asking import Asked
    from user360.insight import Result

CLOCKS: Final = {"workspace": "workspace's clock", "own": "each user's own clock"}
SHOWS: Final = {"over_time": "Over time", "lengths": "By length", "sizes": "By events"}


def page() -> None:
    """The page, top to bottom."""
    view = address.text("view") if address.text("view") in VIEWS else "trends"
    with layout.header("Trends"):
        notes.button()
    if not session.cached(profiles.count, topics=("profiles",)):
        _nothing()
        return
    if view != "map" and not session.cached(events.names, system=False, topics=("events",)):
        _views(view)
        _nothing()
        return
    begin = VIEWS[view].begin()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        _views(view)
        controls.period(begin, asking.document(begin))
    if view == "trends":
        trending.editor(asking.document(begin))
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        VIEWS[view].controls(begin, asking.document(begin))
        rule = controls.people()
    asked = asking.read(begin, rule)
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
        format_func=lambda each: VIEWS[each].label,
        required=True,
        label_visibility="collapsed",
        on_change=_to,
    )


def _to() -> None:
    """Another view, with what it has in common with the one before."""
    view = VIEWS[st.session_state["trends.view"]]
    shared = asking.shared(asking.document({"kind": ""}))
    kept = {each: value for each, value in shared.items() if each in view.keeps and value != "hour"}
    question = asking.written({**view.begin(), **kept}) if kept else None
    address.put(view=st.session_state["trends.view"], **{asking.QUESTION: question, asking.CELLS: None, habits.WAY: None})


# -- views --------------------------------------------------------------------------------------


def _of_trends(begin: dict[str, Any], found: Mapping[str, Any]) -> None:
    controls.unit(begin, found)
    controls.channels(begin, found)
    controls.breakdown(begin, found, found["series"][0].get("of", {}).get("event") if found.get("series") else None)
    trending.smoothing(found)
    beside.chooser("trends.compare")


def _of_active(begin: dict[str, Any], found: Mapping[str, Any]) -> None:
    controls.rolling(begin, found)
    if not found.get("rolling"):
        controls.unit(begin, found)
    controls.channels(begin, found)
    if not found.get("rolling"):
        controls.breakdown(begin, found)
    beside.chooser("trends.compare")


def _of_lifecycle(begin: dict[str, Any], found: Mapping[str, Any]) -> None:
    _event(begin, found)
    controls.unit(begin, found, among=("day", "week", "month"))
    controls.channels(begin, found)


def _of_rhythm(begin: dict[str, Any], found: Mapping[str, Any]) -> None:
    _event(begin, found)
    controls.choice(begin, found, "clock", "Clock", CLOCKS, width=190)
    controls.channels(begin, found)


def _event(begin: dict[str, Any], found: Mapping[str, Any]) -> None:
    key = f"{begin['kind']}.of"
    happening.chip(key, found.get("of", {"event": None}), lambda of: asking.change(begin, of=of))


def _of_sessions(begin: dict[str, Any], found: Mapping[str, Any]) -> None:
    controls.choice(begin, found, "shows", "Shows", SHOWS, width=130)
    if found.get("shows", "over_time") == "over_time":
        st.session_state["sessions.way"] = address.text(habits.WAY) if address.text(habits.WAY) in habits.MEASURES else ""
        st.selectbox(
            "Measure",
            list(habits.MEASURES),
            key="sessions.way",
            format_func=habits.MEASURES.__getitem__,
            label_visibility="collapsed",
            width=180,
            on_change=lambda: address.put(**{habits.WAY: st.session_state["sessions.way"] or None}),
        )
        controls.unit(begin, found)
    controls.channels(begin, found)
    controls.breakdown(begin, found)


@dataclass(frozen=True, slots=True)
class View:
    """One view: its question to begin with, its own row of controls, what of another view's question it keeps.

    `box`: several marks can be chosen by drawing around them.
    """

    label: str
    begin: Callable[[], dict[str, Any]]
    controls: Callable[[dict[str, Any], Mapping[str, Any]], None]
    keeps: tuple[str, ...] = ("period", "granularity", "channels", "breakdown")
    box: bool = True


_WEEKS: Final = {"granularity": "week", "period": {"last": 90, "unit": "day"}}
VIEWS: Final[dict[str, View]] = {
    "trends": View("Trends", trending.begin, _of_trends),
    "active": View("Active users", lambda: {"kind": "active"}, _of_active),
    "lifecycle": View("Lifecycle", lambda: {"kind": "lifecycle", **_WEEKS}, _of_lifecycle, ("period", "granularity", "channels")),
    "rhythm": View("Hour × weekday", lambda: {"kind": "rhythm"}, _of_rhythm, ("period", "channels"), box=False),
    "sessions": View("Sessions", lambda: {"kind": "sessions"}, _of_sessions),
    "map": View("Map", lambda: dict(located.BEGIN), located.chooser, ("period", "channels"), box=False),
}


# -- charts -------------------------------------------------------------------------------------


def _chart(view: str, asked: Asked) -> None:
    question = asked.question
    with states.boundary("This chart", key=f"trends.{view}"):
        result = asking.result(question)
        way = _way(question.kind)
        drawn = pictures.draw(question, result, Wanted(way, asking.chosen(question)))
        of = frame.Framed(f"trends.{view}", pictures.title(question), question, result, asking.whole(asked), way)
        dated = "" if located.is_timeless(question) else controls.said(question.period)
        with frame.card(of, frame.hint(drawn, dated), box=VIEWS[view].box):
            frame.picture(of, drawn)
            if question.kind == "geography":
                located.beside(question, result)
        frame.people(of, functools.partial(frame.turned, of, "series", trending.whose(question)))
        _foot(question, result)


def _way(kind: str) -> str:
    """The way the answer is drawn, as the address says."""
    if kind == "sessions":
        return address.text(habits.WAY)
    if kind == "geography":
        return located.way()
    return beside.way() if kind in {"trend", "active"} else ""


def _foot(question: Any, result: Result) -> None:
    parts = [words.escape_md(question.definition.rstrip("."), 400)]
    if question.kind == "trend" and not result.table.num_rows:
        parts.append("nothing of it happened in this period")
    if question.breakdown is not None and question.kind in {"active", "sessions"}:
        parts.append("a person counts once in each group" if question.kind == "active" else "in the group of the first event")
    if question.kind == "trend":
        parts += trending.footnotes(question)
    if question.kind == "geography":
        parts += located.left_out(question, result)
    elif question.kind == "rhythm":
        if question.clock == "own":
            parts.append("who has no known time zone lives by the workspace's")
        parts.append(f"weeks begin on {calendar.day_name[session.settings().week_starts]}")
    elif getattr(question, "shows", "over_time") == "over_time" and any(not each.over for each in result.buckets):
        parts.append("the last period is unfinished (hatched or dotted)")
    layout.footnote(*parts)


page()
