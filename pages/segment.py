"""Segment: one rule, built row by row, with who it holds for beside it.

The address carries the rule, so a link shows the same draft and going back undoes. What a rule means
does not live here (`user360/segments`), nor how a row is edited (`pages/ui/builder`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.ui import address, layout, session, states, words
from pages.ui.builder import editing, rail, saving, sentence, tree
from user360.errors import Unknown
from user360.segments import saved

if TYPE_CHECKING:
    from pages.ui.builder.draft import Judged
    from user360.segments.saved import Segment


def page() -> None:
    """The page, top to bottom."""
    try:
        of = session.cached(saved.get, address.text("id"), topics=("segments",)) if address.text("id") else None
    except Unknown as refusal:
        with layout.header("Segment", back=("segments", "Segments")):
            pass
        states.refused(refusal)
        return
    made = editing.begin(of.id if of else "", of.rule if of else None)
    judged = editing.judged()
    found = rail.counted(editing.rule())
    _header(of, made)
    if made.fault:
        st.error(words.escape_md(made.fault, 400), icon=":material/block:")
    grid = st.grid(4, min_column_width=240)
    with grid.cell(column_span=3):
        tree.draw(judged, {each.path: each.alone for each in found.preview.steps})
        _unfinished(judged)
        with states.boundary("The sentence", key="segment.sentence"):
            sentence.card()
    with grid.cell():
        rail.draw(found, judged, before=_before(of))
    layout.footnote(rail.told(found), "the number on a row counts who meets that row alone")
    saving.draw(of)


def _before(of: Segment | None) -> int | None:
    """How many the saved version finds, if the draft is another."""
    if of is None or of.rule is None or not editing.is_changed():
        return None
    return rail.counted(of.rule).preview.count


def _header(of: Segment | None, made: editing.Editing) -> None:
    changed = editing.is_changed()
    title = words.escape_md(of.name, 60) if of else "New segment"
    with layout.header(title, back=("segments", "Segments")):
        st.caption(_standing(of, changed=changed), width="content")
        acts: dict[str, Any] = {"type": "tertiary"}
        st.button(
            "", key="segment.undo", icon=":material/undo:", help="Undo", disabled=not made.past, on_click=editing.undo, **acts
        )
        st.button(
            "", key="segment.redo", icon=":material/redo:", help="Redo", disabled=not made.future, on_click=editing.redo, **acts
        )
        saving.button(of, changed=changed)


def _standing(of: Segment | None, *, changed: bool) -> str:
    if of is None:
        return "not saved" if changed else ""
    return f"Version {of.version}{' · changed, not saved' if changed else ''}"


def _unfinished(judged: Judged) -> None:
    missing = len(judged.faults)
    if missing:
        rows = words.count(missing, "condition")
        st.caption(f":material/pending: {rows} not finished: counted without {'it' if missing == 1 else 'them'}.")


page()
