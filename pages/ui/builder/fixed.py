"""A fixed list on its page: how many are on it, ten of them, and the ways on and off.

Who is on it does not live here (`user360/segments`), nor how pasted ids are read (`pages/ui/lists`).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.ui import dialogs, layout, lists, nav, session, states, words
from pages.ui.builder import moving, rail
from pages.ui.why import drawer
from user360 import profiles, segments
from user360.segments import saved

if TYPE_CHECKING:
    from user360.segments.saved import Segment


def draw(of: Segment) -> None:
    """The page of a list below its header."""
    rule = saved.rule_of(of)
    people = session.cached(segments.people, rule, at=session.at(), topics=session.OF_PEOPLE)
    total = session.cached(profiles.count, topics=("profiles",))
    grid = st.grid(4, min_column_width=240)
    with grid.cell(column_span=2), layout.card("A fixed list", "it changes only by hand"):
        st.metric("People on it", words.number(len(people)))
        st.caption(
            f"{words.share(len(people), total)} of all users" if total >= words.FEW_PEOPLE else words.share(len(people), total)
        )
        moving.trend(rule, len(people))
        with st.container(horizontal=True, gap="xsmall"):
            paste: dict[str, Any] = {"on_click": dialogs.open_, "args": (lists.PASTE,)}
            st.button("Put people on it", key="list.on", icon=":material/person_add:", **paste)
            st.button("Take people off", key="list.off", icon=":material/person_remove:", kwargs={"off": True}, **paste)
            text = json.dumps(segments.dump(rule), separators=(",", ":"))
            st.button(
                "See them all", key="list.see", icon=":material/group:", on_click=nav.go, args=("users",), kwargs={"rule": text}
            )
            drawer.button(segments.dump(rule), of.id)
    with grid.cell(column_span=2), states.boundary("The people", key="list.people"):
        rail.ten(people)
    lists.draw_paste(of)
