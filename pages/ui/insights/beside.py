"""What stands beside a line for comparison: the same of the period before, or of the people of a segment.

The address and a board's tile keep which (`1` or `before`, `segment:s3`), so that a link shows the same. A segment's marks
carry its id in their cells, so that a click opens its people. How it is drawn does not live here (`timelines`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from pages.ui import address, session
from pages.ui.insights import asking
from user360 import insight
from user360.errors import Conflict, Invalid, Unknown
from user360.segments import saved

if TYPE_CHECKING:
    from user360.insight import Insight

COMPARE: Final = "compare"  # the parameter of the address
BEFORE: Final = "before"  # the way of a tile that compares with the period before
SEGMENT: Final = "segment:"  # the way that compares with a segment: its id follows
REFUSALS: Final = (Invalid, Unknown, Conflict)
_ON: Final = "1"
_NOTHING: Final = ""


def way() -> str:
    """What the address compares with, as a tile keeps it; nothing where it says nothing known."""
    said = address.text(COMPARE)
    if said.startswith(SEGMENT):
        return said
    return BEFORE if said else _NOTHING


def parameters(of: str) -> dict[str, Any]:
    """The parameter of the address for a way."""
    return {COMPARE: _ON if of == BEFORE else of or None}


def chooser(key: str) -> None:
    """The choice: nothing, the period before, or a saved segment."""
    now = way()
    options = {_NOTHING: "no comparison", BEFORE: "vs the period before"}
    options |= {f"{SEGMENT}{each.id}": f"vs {each.name}" for each in session.cached(saved.find, topics=("segments",))}
    options.setdefault(now, "vs a segment that is gone")
    st.session_state[key] = now
    st.selectbox(
        "Compare",
        list(options),
        key=key,
        format_func=options.__getitem__,
        label_visibility="collapsed",
        width=210,
        icon=":material/compare_arrows:",
        on_change=lambda: address.put(**{**parameters(st.session_state[key]), asking.CELLS: None}),
    )


def earlier(question: Insight) -> Insight:
    """The same of the period before."""
    return replace(question, period=insight.before(question.period, session.catalog(), session.at()))


def of_segment(question: Insight, way_: str) -> tuple[Insight, str]:
    """The same of the people of the segment of a way, and the segment's name; refused where there is none to compare with."""
    catalog, segment_id = session.catalog(), way_.removeprefix(SEGMENT)
    found = catalog.segments.get(segment_id)
    if found is None:
        raise Unknown("The segment to compare with is gone.", "Choose another one, or no comparison.")
    if found.archived:
        raise Conflict(f"The segment to compare with, “{found.name}”, is archived.", "Restore it, or choose another one.")
    other = asking.among(question, segment_id)
    other.check(catalog)
    return other, found.name
