"""What happened on a day, written and taken away from any page with a chart over time.

What an annotation is does not live here (`user360/annotating`), nor how it is drawn (`over_time`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st

from pages.ui import dialogs, session, states, words
from user360 import annotating, clock
from user360.errors import User360Error

if TYPE_CHECKING:
    from user360.annotating import Annotation

NOTES: Final = "insight.notes"
MOST: Final = 50


def button() -> None:
    """The button that opens the drawer."""
    st.button("Annotate", key="notes.open", icon=":material/flag:", type="tertiary", on_click=dialogs.open_, args=(NOTES,))


def draw() -> None:
    """Draw the drawer while it is open."""
    opened = dialogs.given(NOTES)
    if opened is None:
        return
    key = f"{NOTES}.{opened['turn']}"

    @st.dialog("What happened when", width=480, position="right", icon=":material/flag:", on_dismiss=dialogs.close)
    def body() -> None:
        dialogs.leave_unless_open(NOTES)
        st.caption("A line with these words stands on every chart over time, for everyone.")
        st.session_state.setdefault(f"{key}.day", clock.calendar_day(session.at(), session.zone()))
        st.date_input("Day", key=f"{key}.day", format="YYYY-MM-DD", width=160)
        st.text_input("What happened", key=f"{key}.text", max_chars=annotating.LONGEST, autocomplete="off")
        states.fault_under(opened.get("faults", {}), "text")
        st.button("Write it down", key=f"{key}.act", type="primary", on_click=states.acting(_write), args=(key,))
        for each in reversed(session.cached(annotating.find, topics=(annotating.TOPIC,))[-MOST:]):
            _line(key, each)

    body()


def _line(key: str, each: Annotation) -> None:
    with st.container(horizontal=True, wrap=False, vertical_alignment="center", gap="small"):
        st.caption(words.day(each.day), width=90)
        st.markdown(words.escape_md(each.text), width="stretch")
        st.caption(words.escape_md(each.by, 30), width="content")
        delete = states.acting(_delete)
        st.button(
            "",
            key=f"{key}.{each.id}",
            icon=":material/delete:",
            type="tertiary",
            help="Take it away",
            on_click=delete,
            args=(each.id,),
        )


def _write(key: str) -> None:
    opened = dialogs.given(NOTES)
    if opened is None:
        return
    day, text = st.session_state[f"{key}.day"], st.session_state[f"{key}.text"]
    try:
        annotating.write(session.store(), day, text, by=session.analyst(), at=session.moment())
    except User360Error as refusal:
        opened["faults"] = {"text": states.sentence(refusal)}
        return
    opened.pop("faults", None)
    st.session_state[f"{key}.text"] = ""


def _delete(annotation_id: str) -> None:
    gone = annotating.delete(session.store(), annotation_id, by=session.analyst(), at=session.moment())
    session.notice(f"“{words.escape_md(gone.text, 60)}” taken away", icon=":material/delete:")
