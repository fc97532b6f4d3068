"""The rule in plain English, and back: the sentence can be written instead of pointing.

What the words mean does not live here (`user360/segments`).
"""

from __future__ import annotations

from typing import Final

import streamlit as st

from pages.ui import layout, session, states, words
from pages.ui.builder import editing
from user360 import segments
from user360.errors import InvalidRule, InvalidSentence

MOST_SAID: Final = 12_000
_TEXT: Final = "segment.text"
_WRITING: Final = "segment.writing"
_FAULT: Final = "segment.text.fault"


def card() -> None:
    """The card: the sentence, and the box to write it in."""
    writing = st.session_state.get(_WRITING, False)
    with layout.card():
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            st.markdown("**In plain English**", width="content")
            st.space("stretch")
            if not writing:
                st.button("Write it", key="segment.write", icon=":material/edit:", type="tertiary", on_click=_write)
        if writing:
            _box()
        else:
            rule = editing.rule()
            st.markdown(
                words.escape_md(segments.describe(rule, session.catalog(), at=editing.as_of() or session.at()), MOST_SAID)
            )


def _write() -> None:
    st.session_state[_WRITING] = True
    st.session_state[_FAULT] = ""
    st.session_state[_TEXT] = segments.write_text(editing.rule(), session.catalog())


def _box() -> None:
    st.text_area("The rule as a sentence", key=_TEXT, label_visibility="collapsed", height=120)
    if st.session_state.get(_FAULT):
        st.markdown(f":red[:material/block: {words.escape_md(st.session_state[_FAULT], 600)}]")
    offered = segments.complete(st.session_state.get(_TEXT, ""), session.catalog(), most=8)
    if offered:
        st.caption("Could stand next: " + " · ".join(words.escape_md(each, 40) for each in offered))
    with st.container(horizontal=True, gap="small"):
        st.button("Use this rule", key="segment.text.use", on_click=states.acting(_use))
        st.button("Leave it", key="segment.text.leave", type="tertiary", on_click=_leave)


def _use() -> None:
    try:
        rule = segments.read_text(st.session_state[_TEXT], session.catalog())
    except (InvalidSentence, InvalidRule) as refusal:
        st.session_state[_FAULT] = states.sentence(refusal)
        return
    editing.replace(segments.dump(rule))
    _leave()


def _leave() -> None:
    st.session_state[_WRITING] = False
