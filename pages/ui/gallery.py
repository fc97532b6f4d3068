"""The usual segments, to begin from: each opens in the builder as a draft.

What they are, and what they need of the data, does not live here (`user360/segments`).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import streamlit as st

from pages.ui import dialogs, nav, session, words
from user360 import segments
from user360.segments import templates

if TYPE_CHECKING:
    from user360.segments.templates import Template

GALLERY: Final = "segments.gallery"
HEIGHT: Final = 120


def draw() -> None:
    """Draw the gallery in a dialog, while `dialogs.open_(gallery.GALLERY)` is open."""
    if dialogs.given(GALLERY) is None:
        return

    @st.dialog("Begin with a usual segment", width=960, icon=":material/auto_awesome_mosaic:", on_dismiss=dialogs.close)
    def body() -> None:
        dialogs.leave_unless_open(GALLERY)
        cards()

    body()


def cards() -> None:
    """The usual segments as cards; one that the data cannot fill says what it needs."""
    grid = st.grid(4, min_column_width=210, gap="xsmall")
    for each in session.cached(templates.find, topics=("events", "properties", "profiles")):
        with grid.cell(), st.container(border=True, gap=None, height=HEIGHT):
            _card(each)


def _card(each: Template) -> None:
    st.button(
        f"**{words.escape_md(each.name)}**",
        key=f"gallery.{each.key}",
        type="tertiary",
        disabled=each.rule is None,
        on_click=_begin,
        args=(each,),
    )
    st.caption(words.escape_md(each.text) if each.rule is not None else f"Needs {words.escape_md(each.needs)}.")


def _begin(each: Template) -> None:
    assert each.rule is not None  # noqa: S101 - its button is disabled
    dialogs.close()
    nav.go("segment", rule=json.dumps(segments.dump(each.rule), ensure_ascii=False, separators=(",", ":")))
