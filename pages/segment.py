"""Segment: one rule, built row by row, with who it holds for beside it; or one fixed list.

The address carries the rule, so a link shows the same draft and going back undoes. What a rule means
does not live here (`user360/segments`), nor how a row is edited (`pages/ui/builder`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from pages.ui import address, dialogs, downloads, layout, lint, making, session, states, words
from pages.ui.builder import editing, fixed, keeping, moving, rail, saving, sentence, tree
from pages.ui.why import drawer
from user360 import exports, properties, segments
from user360.errors import Unknown
from user360.segments import saved

if TYPE_CHECKING:
    from pages.ui.builder.draft import Judged
    from user360.people import People
    from user360.segments import Rule
    from user360.segments.saved import Segment

BACK: Final = ("segments", "Segments")


def page() -> None:
    """The page, top to bottom."""
    try:
        of = session.cached(saved.get, address.text("id"), topics=("segments",)) if address.text("id") else None
    except Unknown as refusal:
        with layout.header("Segment", back=BACK):
            pass
        states.refused(refusal)
        return
    if of is not None and of.kind == "static":
        _list(of)
    else:
        _rule(of)
    if of is not None:
        keeping.draw(of)
        moving.draw(of)
    drawer.draw()
    making.draw()


def _list(of: Segment) -> None:
    people = session.cached(segments.people, saved.rule_of(of), at=session.at(), topics=session.OF_PEOPLE)
    with layout.header(words.escape_md(of.name, 60), _facts(of), back=BACK):
        _more(of, saved.rule_of(of), people)
    _described(of)
    fixed.draw(of)
    layout.footnote("a list holds who was put on it, as long as they exist")


def _rule(of: Segment | None) -> None:
    made = editing.begin(of.id if of else "", of.rule if of else None)
    judged = editing.judged()
    found = rail.counted(editing.rule())
    changed = editing.is_changed()
    with layout.header(words.escape_md(of.name, 60) if of else "New segment", back=BACK):
        st.caption(_standing(of, changed=changed), width="content")
        _back_and_forth(made)
        _more(of, editing.rule(), found.preview.people)
        saving.button(of, changed=changed)
    if made.fault:
        st.error(words.escape_md(made.fault, 400), icon=":material/block:")
    _described(of)
    grid = st.grid(4, min_column_width=240)
    with grid.cell(column_span=3, row_span=2):  # where there is room for two columns only, both cells of the rail stand below
        tree.draw(judged, {each.path: each.alone for each in found.preview.steps})
        _unfinished(judged)
        with states.boundary("These notes", key="segment.lint"):
            lint.draw(editing.rule(), segment_id=of.id if of else "", on_repair=editing.replace)
        with states.boundary("The sentence", key="segment.sentence"):
            sentence.card()
    with grid.cell():
        rail.draw(found, judged, before=_before(of, changed=changed), kept=of is not None and not changed)
    with grid.cell():
        rail.people(found)
    layout.footnote(rail.told(found), "the number on a row counts who meets that row alone")
    saving.draw(of)


def _more(of: Segment | None, rule: Rule, people: People) -> None:
    columns = tuple(each.name for each in session.cached(properties.find, topics=("properties",)) if each.visible)
    downloads.menu("segment", exports.Users(columns, rule, people), rows=len(people), name=_file_name(of))
    if of is not None:
        st.button(
            "",
            key="segment.moved",
            icon=":material/swap_horiz:",
            type="tertiary",
            help="Who came and went",
            on_click=dialogs.open_,
            args=(moving.MOVED,),
        )
        keeping.menu(of)


def _file_name(of: Segment | None) -> str:
    return words.file_name(of.name if of else "", "segment")


def _before(of: Segment | None, *, changed: bool) -> int | None:
    """How many the saved version finds, if the draft is another."""
    return rail.counted(of.rule).preview.count if of is not None and of.rule is not None and changed else None


def _back_and_forth(made: editing.Editing) -> None:
    plain: dict[str, Any] = {"type": "tertiary"}
    st.button("", key="segment.undo", icon=":material/undo:", help="Undo", disabled=not made.past, on_click=editing.undo, **plain)
    st.button(
        "", key="segment.redo", icon=":material/redo:", help="Redo", disabled=not made.future, on_click=editing.redo, **plain
    )


def _standing(of: Segment | None, *, changed: bool) -> str:
    if of is None:
        return "not saved" if changed else ""
    archived = " · archived" if of.archived_at is not None else ""
    return f"Version {of.version}{archived}{' · changed, not saved' if changed else ''}"


def _facts(of: Segment) -> str:
    archived = "archived · " if of.archived_at is not None else ""
    return f"{archived}list · changed {words.instant(of.changed_at, session.zone(), at=session.at())}"


def _described(of: Segment | None) -> None:
    if of is not None and of.description:
        st.caption(words.escape_md(of.description, 400))


def _unfinished(judged: Judged) -> None:
    missing = len(judged.faults)
    if missing:
        rows = words.count(missing, "condition")
        st.caption(f":material/pending: {rows} not finished: counted without {'it' if missing == 1 else 'them'}.")


page()
