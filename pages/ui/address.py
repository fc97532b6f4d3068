"""The state of a page stands in its address: a link shows the same, and Back goes back.

Without it a filter would live in one browser tab alone. Values are text and belong to nobody: each
page reads back what it wrote through its own parser. What they mean does not live here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from collections.abc import Collection

LONGEST = 20_000


def text(name: str, otherwise: str = "") -> str:
    """A parameter of the address, or the default where it is missing or too long to be one of ours."""
    given = st.query_params.get(name, otherwise)
    return given if len(given) <= LONGEST else otherwise


def number(name: str, otherwise: int, *, among: Collection[int] = (), least: int = 0) -> int:
    """A whole number of the address, or the default where it is none or not allowed."""
    given = text(name)
    if not given.isdecimal() or len(given) > 12:  # noqa: PLR2004 - more digits than any page or key has
        return otherwise
    value = int(given)
    return value if value >= least and (not among or value in among) else otherwise


def put(**values: object) -> None:
    """Write parameters into the address; None, "" and () take one out."""
    for name, value in values.items():
        if value in (None, "", ()):
            if name in st.query_params:
                del st.query_params[name]
        elif st.query_params.get(name) != str(value):
            st.query_params[name] = str(value)
