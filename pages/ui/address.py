"""The state of a page stands in its address: a link shows the same, and Back goes back.

Without it a filter would live in one browser tab alone. Values are text and belong to nobody: each
page reads back what it wrote through its own parser. What they mean does not live here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

LONGEST = 20_000
TOO_LONG = "Too long for a link: the address of this page does not carry it. Save it as a segment to keep it and to share it."
MOST_LEFT = 200
_HERE, _LEFT = "address.here", "address.left"


def arrive(screen: str) -> None:
    """Say which screen is being drawn. The shell does, before the page."""
    st.session_state[_HERE] = screen


def here() -> str:
    """The screen that is being drawn, or was when a button of it was pressed."""
    return str(st.session_state.get(_HERE, ""))


def leave(to: str, given: Mapping[str, str], *, bare: bool) -> None:
    """Remember what the address of this screen says, before another is opened with other parameters.

    On its way Streamlit puts the new parameters behind the old path and keeps that in the browser's history, so that
    Back leads to `/user?id=s3` when a segment was opened from a user. Such an address is read as the one that was left;
    one without any parameters only if this screen is never opened without them (`bare`), else the sidebar would lead there.
    """
    kept = dict(st.session_state.get(_LEFT, {}))
    kept.pop(_mark(to, given), None)
    if to != here() and (given or bare):
        kept.pop(_mark(here(), given), None)
        kept[_mark(here(), given)] = _given()
    st.session_state[_LEFT] = dict(list(kept.items())[-MOST_LEFT:])


def _mark(screen: str, given: Mapping[str, str]) -> tuple[str, tuple[tuple[str, str], ...]]:
    return screen, tuple(sorted(given.items()))


def _given() -> dict[str, str]:
    """The parameters of the address, or those it had when this screen was left."""
    now: dict[str, str] = st.query_params.to_dict()
    left: dict[str, str] | None = st.session_state.get(_LEFT, {}).get(_mark(here(), now))
    return now if left is None else dict(left)


def text(name: str, otherwise: str = "") -> str:
    """A parameter of the address, or the default where it is missing or too long to be one of ours."""
    given = _given().get(name, otherwise)
    return given if len(given) <= LONGEST else otherwise


def carried(text: str) -> str:
    """The text as far as an address can carry it: whole, or not at all."""
    return text if len(text) <= LONGEST else ""


def number(name: str, otherwise: int, *, among: Collection[int] = (), least: int = 0) -> int:
    """A whole number of the address, or the default where it is none or not allowed."""
    given = text(name)
    if not given.isdecimal() or len(given) > 12:  # noqa: PLR2004 - more digits than any page or key has
        return otherwise
    value = int(given)
    return value if value >= least and (not among or value in among) else otherwise


def put(**values: object) -> None:
    """Write parameters into the address; None, "" and () take one out."""
    before = _given()
    if before != st.query_params.to_dict():
        st.query_params.from_dict(before)
    for name, value in values.items():
        if value in (None, "", ()):
            if name in st.query_params:
                del st.query_params[name]
        elif st.query_params.get(name) != str(value):
            st.query_params[name] = str(value)
