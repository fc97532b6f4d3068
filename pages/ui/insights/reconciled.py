"""The two numbers of the page Reconcile: in its address, or, where a pasted list is too long for that, in this tab.

A number of a chart is handed over from the panel of its people. What a difference is does not live here (`user360/reconciling`).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from pages.ui import address, nav
from pages.ui.insights import asking

if TYPE_CHECKING:
    from collections.abc import Mapping

PLACES: Final = ("a", "b")
LONGEST: Final = 4_000
_KEPT: Final = "reconcile.kept"
_LONG: Final = {"ids": "…"}  # stands in the address for a list that is kept in this tab


def document(place: str) -> dict[str, Any]:
    """What a number is, as JSON; nothing where none is chosen or the address holds none."""
    try:
        found = json.loads(address.text(place) or "{}")
    except (ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    return _kept().get(place, {}) if found == _LONG else found


def put(place: str, found: Mapping[str, Any]) -> None:
    """Choose a number; the reason that was looked at is let go."""
    text = asking.written(dict(found))
    long = len(text) > LONGEST
    st.session_state[_KEPT] = {**_kept(), place: dict(found) if long else {}}
    address.put(**{place: asking.written(_LONG) if long else text, "why": None})


def hand_over(question: Mapping[str, Any], cell: Mapping[str, Any]) -> None:
    """Take a number of a chart to the page: as the other one, where one was handed over before and waits for it."""
    found = asking.written({"question": dict(question), "cell": dict(cell)})
    waiting = st.session_state.pop(f"{_KEPT}.waiting", None)
    if waiting is not None and waiting != found:
        nav.go("reconcile", a=waiting, b=found)
    st.session_state[f"{_KEPT}.waiting"] = found
    nav.go("reconcile", a=found)


def _kept() -> dict[str, dict[str, Any]]:
    return dict(st.session_state.get(_KEPT, {}))
