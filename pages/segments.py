"""Segments: every saved group of people, how large each is now, and the way to a new one.

What a segment is does not live here (`user360/segments`), nor how one is built (`pages/segment.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from pages.ui import dialogs, finding, gallery, layout, lists, nav, session, states, words
from user360 import profiles, segments
from user360.segments import saved

if TYPE_CHECKING:
    from collections.abc import Sequence

    from user360.segments.saved import Segment

LONGEST_LINE: Final = 58  # of a description in the table; the segment's page has it whole
KINDS: Final = {"dynamic": "rule", "static": "list"}


def page() -> None:
    """The page, top to bottom."""
    every = session.cached(saved.find, archived=None, topics=("segments",))
    with layout.header("Segments", words.number(sum(each.archived_at is None for each in every)) if every else ""):
        if every:
            usual: dict[str, Any] = {
                "icon": ":material/auto_awesome_mosaic:",
                "on_click": dialogs.open_,
                "args": (gallery.GALLERY,),
            }
            st.button("Usual segments", key="segments.usual", **usual)
        if len(every) > 1:
            st.button("Compare", key="segments.compare", icon=":material/join_inner:", on_click=_compare)
        paste: dict[str, Any] = {"icon": ":material/content_paste:", "on_click": dialogs.open_, "args": (lists.PASTE,)}
        st.button("Paste ids", key="segments.paste", **paste)
        st.button("New segment", key="segments.new", type="primary", icon=":material/add:", on_click=_new)
    lists.draw_paste()
    gallery.draw()
    if not every:
        states.empty(
            "No segments yet",
            "A segment is a group of people that follows your rules. It is counted anew whenever you look.",
            icon="filter_alt",
        )
        with states.boundary("The usual segments", key="segments.gallery"):
            layout.title_row("Begin with a usual one", "each opens as a draft")
            gallery.cards()
        return
    shown = _controls()
    if shown:
        _table(shown)
    else:
        states.nothing_matches("No segment has that in its name or description", "Look for another word.")
    layout.footnote("a rule is counted for the present, a list holds who was put on it")


def _new() -> None:
    nav.go("segment")


def _compare() -> None:
    nav.go("compare")


def _controls() -> Sequence[Segment]:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        text = finding.search("segments.q", "Name or description")
        archived = finding.archived("segments")
    found: Sequence[Segment] = session.cached(saved.find, text=text, archived=archived, topics=("segments",))
    return found


def _table(shown: Sequence[Segment]) -> None:
    total = session.cached(profiles.count, topics=("profiles",))
    rows = [_line(each, total) for each in shown]
    key = f"segments.table.{hash(tuple(each.id for each in shown))}"
    config: dict[str, Any] = {
        "Name": st.column_config.TextColumn(width=240),
        "Kind": st.column_config.TextColumn(width=56),
        "People": st.column_config.NumberColumn(format="localized", width=90),
        "Share": st.column_config.ProgressColumn(format="%.1f%%", min_value=0, max_value=100, width=112),
        "Changed": st.column_config.TextColumn(width=104),
        "By": st.column_config.TextColumn(width=100),
        "Description": st.column_config.TextColumn(),
    }
    layout.table(
        rows,
        key=key,
        row_height=layout.CHOSEN_ROW,
        column_config=config,
        on_select=lambda: _open(shown, key),
        selection_mode="single-cell",
        alt="Segments, lately changed first. A cell opens the segment.",
        most=18,
    )


def _line(each: Segment, total: int) -> dict[str, Any]:
    people = session.cached(segments.count, saved.rule_of(each), at=session.at(), topics=session.OF_PEOPLE)
    return {
        "Name": each.name,
        "Kind": KINDS[each.kind],
        "People": people,
        "Share": 100 * people / total if total else 0.0,
        "Changed": words.instant(each.changed_at, session.zone(), at=session.at()),
        "By": each.changed_by,
        "Description": words.cut(each.description, LONGEST_LINE) or None,
    }


def _open(shown: Sequence[Segment], key: str) -> None:
    cells = st.session_state[key]["selection"]["cells"]
    if cells:
        nav.go("segment", id=shown[cells[0][0]].id)


page()
