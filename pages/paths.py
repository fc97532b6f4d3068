"""Paths: what people do next after an event, or did before it, within a session.

The address carries the question and what was chosen. What a path is does not live here (`user360/insights/paths`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from pages.ui import layout, nav, session, states, words
from pages.ui.insights import asking, controls, frame, pathways, pictures, pinning
from pages.ui.insights.picture import Wanted
from user360 import events

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pages.ui.insights.asking import Asked

BEGIN: Final = {"kind": "paths"}
HEIGHT: Final = 520
ANY: Final = "any session"
DIRECTIONS: Final = {"from": "Starting with", "to": "Ending with"}
COUNTS: Final = {"users": "count people", "sessions": "count sessions"}
SHARES: Final = {0.0: "show all", 1.0: "from 1%", 2.0: "from 2%", 5.0: "from 5%", 10.0: "from 10%"}
DEPTHS: Final = {each: f"{each} levels" for each in (2, 3, 4, 5)}


def page() -> None:
    """The page, top to bottom."""
    with layout.header("Paths"):
        pass
    if not session.cached(events.names, system=False, topics=("events",)):
        states.empty(
            "No events yet",
            "Paths show what people do one after the other. Import events, or send them over HTTP.",
            icon="route",
            action="Import a file",
            on_click=lambda: nav.go("import"),
        )
        return
    found = asking.document(BEGIN)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        controls.period(BEGIN, found)
        rule = controls.people()
    _question(found)
    asked = asking.read(BEGIN, rule)
    if asked is not None:
        _chart(asked)
    pinning.draw()


def _question(found: Mapping[str, Any]) -> None:
    names = session.cached(events.names, system=False, topics=("events",))
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        controls.choice(BEGIN, found, "direction", "Direction", DIRECTIONS, width=140)
        _event(found, names)
        controls.choice(BEGIN, {"depth": 5, **found}, "depth", "Levels", DEPTHS, width=104)
        controls.choice(BEGIN, {"least": 1.0, **found}, "least", "Smallest share", SHARES, width=110)
        controls.choice(BEGIN, found, "count", "Counting", COUNTS, width=150)
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        controls.channels(BEGIN, found)
        _left_out(found, names)
        st.session_state["paths.join"] = bool(found.get("join"))
        st.toggle("Repeats as one", key="paths.join", help="The same event several times in a row is one step.", on_change=_join)


def _event(found: Mapping[str, Any], names: list[str]) -> None:
    given = found.get("of")
    now = given.get("event") if isinstance(given, dict) else None
    st.session_state["paths.event"] = now or ""
    st.selectbox(
        "Event",
        ["", *dict.fromkeys([*([now] if now else []), *names])],
        key="paths.event",
        format_func=lambda each: each or ANY,
        label_visibility="collapsed",
        icon=":material/bolt:",
        width=230,
        on_change=_set_event,
    )


def _set_event() -> None:
    event = st.session_state["paths.event"]
    left = [each for each in asking.document(BEGIN).get("leave_out", []) if each != event]
    asking.change(BEGIN, of={"event": event} if event else None, leave_out=left or None)


def _left_out(found: Mapping[str, Any], names: list[str]) -> None:
    given = found.get("leave_out", [])
    event = (found.get("of") or {}).get("event") if isinstance(found.get("of"), dict) else None
    st.session_state["paths.left"] = [each for each in given if each in names] if isinstance(given, list) else []
    st.multiselect(
        "Left out",
        [each for each in names if each != event],
        key="paths.left",
        placeholder="Leave out events",
        label_visibility="collapsed",
        width=260,
        on_change=lambda: asking.change(BEGIN, leave_out=list(st.session_state["paths.left"]) or None),
    )


def _join() -> None:
    asking.change(BEGIN, join=True if st.session_state["paths.join"] else None)


def _chart(asked: Asked) -> None:
    question = asked.question
    with states.boundary("This chart", key="paths"):
        result = asking.result(question)
        drawn = pictures.draw(question, result, Wanted(chosen=asking.chosen(question), height=HEIGHT))
        of = frame.Framed("paths", pathways.title(question), question, result, asking.whole(asked))
        with frame.card(of, f"{drawn.quiet} · {controls.said(question.period)} · click a node or a link"):
            frame.picture(of, drawn)
        frame.people(of)
        gap = words.count(getattr(question, "gap", 30), "minute")
        layout.footnote(
            f"a session ends with a pause of more than {gap}",
            "everyone counts once, by the first such session" if drawn.quiet != "sessions" else "every session counts",
            "what is too small is in Other",
        )


page()
