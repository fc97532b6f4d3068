"""Saving what was chosen in a chart: these people as a fixed list, or people like them as a rule that can be edited.

Which rule says what a mark shows does not live here (`user360/insight`), nor what is kept (`user360/segments`).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import streamlit as st

from pages.ui import dialogs, nav, session, states, words
from user360 import segments
from user360.errors import User360Error
from user360.segments import lists, saved

if TYPE_CHECKING:
    from collections.abc import Callable

    from user360.people import People
    from user360.segments import Rule

SAVE: Final = "insight.save"
THESE, LIKE = "These people", "People like these"
MOVING, FIXED = "The window moves with time", "The dates stay as they are"
SOURCE: Final = "chart"
LONGEST_NAME: Final = 100


def draw(people: People, title: str, like: Callable[[bool], Rule | None]) -> None:
    """Draw the dialog while `dialogs.open_(saving.SAVE)` is open."""
    opened = dialogs.given(SAVE)
    if opened is None:
        return
    key = f"{SAVE}.{opened['turn']}"

    @st.dialog("Save as segment", width=480, icon=":material/filter_alt:", on_dismiss=dialogs.close)
    def body() -> None:
        dialogs.leave_unless_open(SAVE)
        st.session_state.setdefault(f"{key}.name", title[:LONGEST_NAME])
        st.text_input("Name", key=f"{key}.name", max_chars=LONGEST_NAME, autocomplete="off")
        states.fault_under(opened.get("faults", {}), "name")
        rule = _what(key, people, like)
        with st.container(horizontal=True, horizontal_alignment="right", gap="small"):
            st.button("Cancel", key=f"{key}.cancel", on_click=dialogs.close)
            if rule is not None:
                st.button("Edit first", key=f"{key}.edit", icon=":material/edit:", on_click=_edit, args=(rule,))
            st.button("Save", key=f"{key}.act", type="primary", on_click=states.acting(_save), args=(key, people, rule))

    body()


def _what(key: str, people: People, like: Callable[[bool], Rule | None]) -> Rule | None:
    """Whether the people or the rule is kept; the rule, if it is."""
    if like(False) is None:
        st.caption(f"{words.count(len(people), 'person', 'people')}, as a fixed list. No rule can say what these people did.")
        return None
    told = [
        f"{words.count(len(people), 'person', 'people')} as a fixed list",
        "Whoever does the same, as a rule that can be edited",
    ]
    what = st.radio("Who", [THESE, LIKE], key=f"{key}.what", captions=told, label_visibility="collapsed")
    if what == THESE:
        return None
    moving = like(True)
    fixed = like(False)
    rule = fixed
    if moving is not None and moving != fixed:
        window = st.radio("Window", [MOVING, FIXED], key=f"{key}.window", label_visibility="collapsed")
        rule = moving if window == MOVING else fixed
    assert rule is not None  # noqa: S101 - the fixed one is there
    st.caption(words.escape_md(segments.describe(rule, session.catalog(), at=session.at()), 600))
    found = session.cached(segments.people, rule, at=session.at(), topics=session.OF_PEOPLE)
    st.caption(f"{words.count(len(found), 'person', 'people')} now.")
    return rule


def _edit(rule: Rule) -> None:
    dialogs.close()
    nav.go("segment", rule=json.dumps(segments.dump(rule), ensure_ascii=False, separators=(",", ":")))


def _save(key: str, people: People, rule: Rule | None) -> None:
    opened = dialogs.given(SAVE)
    if opened is None:
        return
    name, by, at = st.session_state[f"{key}.name"], session.analyst(), session.moment()
    try:
        if rule is None:
            made = lists.save(session.store(), name, people, source=SOURCE, by=by, at=at)
        else:
            made = saved.save(session.store(), name, rule, by=by, at=at)
    except User360Error as refusal:
        opened["faults"] = {"name": states.sentence(refusal)}
        return
    dialogs.close()
    session.notice(f"Segment “{words.escape_md(made.name)}” saved")
    nav.go("segment", id=made.id)
