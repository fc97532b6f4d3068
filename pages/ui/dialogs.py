"""Which drawer or dialog is open, and for what: kept until it is closed, so that a redraw keeps it open.

Streamlit draws a dialog only in the run that calls it; without this room a refused form would
vanish with what was typed. A click inside a dialog reruns its body alone: what depends on the click is worked out in
there, or asks for the whole page with `st.rerun()`. What a dialog holds does not live here.
"""

from __future__ import annotations

import itertools
from typing import Any, Final

import streamlit as st

_OPEN: Final = "dialogs.open"
_turns = itertools.count()


def open_(name: str, **given: Any) -> None:
    """Open a dialog from a button's `on_click`; what it is about are plain values. Another that was open closes."""
    st.session_state[_OPEN] = {"name": name, "turn": next(_turns), **given}


def given(name: str) -> dict[str, Any] | None:
    """What the dialog is about, if it is this one that is open. `turn` tells one opening from the next, for widget keys."""
    kept = st.session_state.get(_OPEN)
    return kept if kept and kept["name"] == name else None


def turn() -> int:
    """Another number whenever a dialog opens or closes: in the key of a menu it shuts the menu the dialog was opened from."""
    return int(st.session_state.get(_OPEN, {}).get("turn", -1))


def close() -> None:
    """Close whatever is open."""
    st.session_state.pop(_OPEN, None)


def leave_unless_open(name: str) -> None:
    """First line of every dialog's body: once it was closed by a callback, the page is drawn without it."""
    if given(name) is None:
        st.rerun()
