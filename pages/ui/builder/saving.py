"""Saving the draft: as a new segment, or as the next version of one, with what that changes said before.

What is kept, and what is refused, does not live here (`user360/segments`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from pages.ui import dialogs, nav, session, states, words
from pages.ui.builder import editing, keeping
from user360 import segments
from user360.errors import User360Error
from user360.segments import membership, saved

if TYPE_CHECKING:
    from user360.segments.saved import Segment

SAVE: Final = "segment.save"
SAVE_AS: Final = keeping.SAVE_AS
WIDTH: Final = 480


def draw(of: Segment | None) -> None:
    """Draw whichever of the dialogs is open. Opened with a `rule`, `SAVE_AS` saves that one and not the draft."""
    if dialogs.given(SAVE_AS) is not None:
        _save_as()
    if of is not None and dialogs.given(SAVE) is not None:
        _save(of)


# -- a new segment ------------------------------------------------------------------------------


def _save_as() -> None:
    opened = dialogs.given(SAVE_AS) or {}
    key = f"{SAVE_AS}.{opened['turn']}"

    @st.dialog("Save as a segment", width=WIDTH, icon=":material/filter_alt:", on_dismiss=dialogs.close)
    def body() -> None:
        dialogs.leave_unless_open(SAVE_AS)
        st.text_input("Name", key=f"{key}.name", max_chars=100, autocomplete="off")
        states.fault_under(opened.get("faults", {}), "name")
        st.text_area("Description", key=f"{key}.description", height=80)
        if "rule" not in opened:
            left_out()
        with st.container(horizontal=True, horizontal_alignment="right", gap="small"):
            st.button("Cancel", key=f"{key}.cancel", on_click=dialogs.close)
            st.button("Save", key=f"{key}.act", type="primary", on_click=states.acting(_saved_as), args=(key,))

    body()


def _saved_as(key: str) -> None:
    opened = dialogs.given(SAVE_AS)
    if opened is None:
        return
    try:
        made = saved.save(
            session.store(),
            st.session_state[f"{key}.name"],
            segments.parse(opened["rule"]) if "rule" in opened else editing.rule(),
            description=st.session_state[f"{key}.description"],
            by=session.analyst(),
            at=session.moment(),
        )
    except User360Error as refusal:
        opened["faults"] = {"name": states.sentence(refusal)}
        return
    dialogs.close()
    editing.forget()
    session.notice(f"Segment “{words.escape_md(made.name)}” saved")
    nav.go("segment", id=made.id)


def left_out() -> None:
    """What of the draft is not part of what is saved."""
    missing = len(editing.judged().faults)
    if missing:
        st.caption(f":material/pending: {words.count(missing, 'condition')} not finished: saved without.")


# -- the next version ---------------------------------------------------------------------------


def _save(of: Segment) -> None:
    opened = dialogs.given(SAVE) or {}
    key = f"{SAVE}.{opened['turn']}"

    @st.dialog(f"Save version {of.version + 1}", width=WIDTH, icon=":material/save:", on_dismiss=dialogs.close)
    def body() -> None:
        dialogs.leave_unless_open(SAVE)
        left_out()
        _told(of)
        st.text_input("Why, in a few words", key=f"{key}.note", autocomplete="off")
        states.fault_under(opened.get("faults", {}), "note")
        with st.container(horizontal=True, horizontal_alignment="right", gap="small"):
            st.button("Cancel", key=f"{key}.cancel", on_click=dialogs.close)
            st.button("Save", key=f"{key}.act", type="primary", on_click=states.acting(_saved), args=(of, key))

    body()


def _told(of: Segment) -> None:
    """What is different from what is saved, whom that moves, and what rests on it."""
    rule = editing.rule()
    assert of.rule is not None  # noqa: S101 - a fixed list is not edited
    keeping.changes([str(each) for each in segments.difference(of.rule, rule, session.catalog())])
    with states.boundary("The impact", key="segment.impact"):
        moved = session.cached(membership.impact, of.id, rule, at=session.at(), topics=session.OF_PEOPLE)
        entered, left, stayed = (words.number(len(each)) for each in (moved.entered, moved.left, moved.stayed))
        st.markdown(f"**{entered}** enter, **{left}** leave, {stayed} stay.")
    resting = session.cached(saved.dependents, of.id, topics=("segments",))
    if resting:
        names = ", ".join(words.escape_md(each.name, 60) for each in resting)
        st.markdown(f":material/link: Used by {words.count(len(resting), 'segment')}: {names}.")


def _saved(of: Segment, key: str) -> None:
    opened = dialogs.given(SAVE)
    if opened is None:
        return
    try:
        saved.revise(
            session.store(),
            of.id,
            editing.rule(),
            expected_version=of.version,
            note=st.session_state[f"{key}.note"],
            by=session.analyst(),
            at=session.moment(),
        )
    except User360Error as refusal:
        opened["faults"] = {"note": states.sentence(refusal)}
        return
    dialogs.close()
    editing.forget()
    session.notice(f"Version {of.version + 1} saved")


def button(of: Segment | None, *, changed: bool) -> None:
    """The page's one primary button."""
    act: dict[str, Any] = {"key": "segment.save", "icon": ":material/save:", "type": "primary"}
    wanted = SAVE if of is not None else SAVE_AS
    st.button("Save", on_click=dialogs.open_, args=(wanted,), disabled=of is not None and not changed, **act)
