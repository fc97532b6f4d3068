"""Putting a chart on a board, from the chart. What a board is does not live here (`user360/boards`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from pages.ui import dialogs, session, states, words
from user360 import boards
from user360.errors import User360Error

if TYPE_CHECKING:
    from collections.abc import Mapping

PIN: Final = "insight.pin"
NEW: Final = "A new board"


def button(key: str, title: str, document: Mapping[str, Any], view: str = "", *, kind: str = "tertiary") -> None:
    """The button that opens the dialog."""
    given = {"title": title, "document": dict(document), "view": view}
    st.button(
        "Pin to a board",
        key=key,
        icon=":material/keep:",
        type=kind,  # type: ignore[arg-type]  # one of Streamlit's
        on_click=dialogs.open_,
        args=(PIN,),
        kwargs=given,
    )


def draw() -> None:
    """Draw the dialog while it is open. Every page with charts calls it once."""
    opened = dialogs.given(PIN)
    if opened is None:
        return
    key = f"{PIN}.{opened['turn']}"
    every = {each.id: each.name for each in session.cached(boards.find, topics=("boards",))}

    @st.dialog("Pin to a board", width=480, icon=":material/keep:", on_dismiss=dialogs.close)
    def body() -> None:
        dialogs.leave_unless_open(PIN)
        st.session_state.setdefault(f"{key}.title", opened["title"])
        st.text_input("Title", key=f"{key}.title", max_chars=boards.LONGEST_NAME, autocomplete="off")
        board = st.selectbox("Board", [*every, ""], key=f"{key}.board", format_func=lambda each: every[each] if each else NEW)
        if not board:
            st.text_input("Name of the board", key=f"{key}.name", max_chars=boards.LONGEST_NAME, autocomplete="off")
        states.fault_under(opened.get("faults", {}), "name")
        with st.container(horizontal=True, horizontal_alignment="right", gap="small"):
            st.button("Cancel", key=f"{key}.cancel", on_click=dialogs.close)
            st.button("Pin", key=f"{key}.act", type="primary", on_click=states.acting(_pin), args=(key,))

    body()


def _pin(key: str) -> None:
    opened = dialogs.given(PIN)
    if opened is None:
        return
    store, by, at = session.store(), session.analyst(), session.moment()
    try:
        board = st.session_state[f"{key}.board"] or boards.make(store, st.session_state[f"{key}.name"], by=by, at=at).id
        found = boards.pin(
            store, board, st.session_state[f"{key}.title"], opened["document"], width=2, view=opened["view"], by=by, at=at
        )
    except User360Error as refusal:
        opened["faults"] = {"name": states.sentence(refusal)}
        return
    dialogs.close()
    session.notice(f"Pinned to “{words.escape_md(found.name)}”", icon=":material/keep:")
