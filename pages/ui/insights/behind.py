"""The people behind what was chosen in a chart: listed below it, opened, tagged, downloaded, saved as a segment.

The badge says that as many are listed as were drawn; both are of one query. Without this room a chart would be
a picture only. Who they are does not live here (`user360/insight`), nor how a chart says what was chosen.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import streamlit as st

from pages.ui import bulk, controls, dialogs, downloads, layout, lists, making, nav, session, states, tables, words
from pages.ui.insights import saving
from user360 import exports, profiles, properties
from user360.segments import membership

if TYPE_CHECKING:
    from collections.abc import Callable

    from user360.people import People
    from user360.segments import Rule

ROWS: Final = 8
COLUMNS: Final = ("userId", tables.NAME, "email", "country", "lastChannel", "lastSession")
WIDTHS: Final = {"userId": 84, tables.NAME: 150, "email": 210, "country": 110, "lastChannel": 96, "lastSession": 104}


@dataclass(frozen=True, slots=True)
class Chosen:
    """What was chosen: in words, its people, how many the chart drew (None where it draws no people), and rules like it.

    `reconcile` takes the number to where it is held against another. `like(moving)` answers the rule of people like these, its window moving with time or fixed; None where no rule says it.
    """

    title: str
    people: People
    drawn: int | None
    like: Callable[[bool], Rule | None]
    reconcile: Callable[[], None] | None = None


def panel(key: str, chosen: Chosen, on_close: Callable[[], None], beside: Callable[[], None] | None = None) -> None:
    """The panel, under the chart it belongs to. `chosen.title` is plain text; `beside` draws a choice in its head."""
    with st.container(border=True, gap="xsmall", key=f"{key}.behind"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f":primary[:material/group:] **{words.escape_md(chosen.title, 120)}**", width="content")
            _badge(chosen)
            st.space("stretch")
            if beside is not None:
                beside()
            _acts(key, chosen)
            st.button("", key=f"{key}.close", icon=":material/close:", type="tertiary", help="Close", on_click=on_close)
        _table(key, chosen.people)
    bulk.draw_tags(chosen.people)
    lists.draw_add(chosen.people)
    saving.draw(chosen.people, chosen.title, chosen.like)
    making.draw()


def _badge(chosen: Chosen) -> None:
    listed = len(chosen.people)
    if chosen.drawn is None:
        st.badge(words.count(listed, "person", "people"), color="blue")
    elif chosen.drawn == listed:
        told = f"{words.number(chosen.drawn)} drawn = {words.number(listed)} listed"
        st.badge(told, icon=":material/done_all:", color="green")
    else:
        told = f"{words.number(chosen.drawn)} drawn, {words.number(listed)} listed"
        st.badge(told, icon=":material/warning:", color="orange", help="Somebody came, left or was deleted since it was drawn.")


def _acts(key: str, chosen: Chosen) -> None:
    nobody = not chosen.people
    save: dict[str, Any] = {"icon": ":material/filter_alt:", "type": "primary", "on_click": dialogs.open_, "args": (saving.SAVE,)}
    st.button("Save as segment", key=f"{key}.save", disabled=nobody, **save)
    add: dict[str, Any] = {"type": "tertiary", "on_click": dialogs.open_, "disabled": nobody}
    st.button("Add to list", key=f"{key}.add", icon=":material/playlist_add:", args=(lists.ADD,), **add)
    st.button("Tag", key=f"{key}.tag", icon=":material/label:", args=(bulk.TAG,), **add)
    if chosen.reconcile is not None:
        held = "Hold this number against another that should agree"
        st.button(
            "Reconcile",
            key=f"{key}.reconcile",
            icon=":material/difference:",
            type="tertiary",
            help=held,
            on_click=chosen.reconcile,
        )
    wanted = exports.Users(tables.stored_columns(COLUMNS), None, chosen.people, "", profiles.NEWEST_SESSION)
    downloads.menu(f"{key}.people", wanted, rows=len(chosen.people))


# -- the table ----------------------------------------------------------------------------------


def _table(key: str, people: People) -> None:
    if not people:
        states.nothing_to_show("Nobody is behind this now.")
        return
    pages = -(-len(people) // ROWS)
    page = min(int(st.session_state.get(f"{key}.page", 1)), pages)
    found = session.cached(
        profiles.find,
        within=people,
        columns=tables.stored_columns(COLUMNS),
        sort=profiles.NEWEST_SESSION,
        limit=ROWS,
        offset=(page - 1) * ROWS,
        topics=("profiles", "properties"),
    )
    keys = tuple(found["profile_key"].to_pylist())
    widget = f"{key}.people.{hash(keys)}"
    layout.table(
        _drawn(found, keys),
        key=widget,
        column_config=_config(),
        alt="The people behind the chosen mark, newest session first. A cell opens the user.",
        on_select=states.acting(functools.partial(_open, widget, keys)),
        selection_mode="single-cell",
    )
    if pages > 1:
        _pager(key, len(people), page, pages)


def _pager(key: str, total: int, page: int, pages: int) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        first = (page - 1) * ROWS + 1
        st.caption(f"{words.number(first)}–{words.number(min(first + ROWS - 1, total))} of {words.number(total)}", width=160)
        st.session_state[f"{key}.page"] = page
        st.pagination(pages, key=f"{key}.page", width=(min(pages, tables.MOST_BUTTONS) + 2) * tables.BUTTON_WIDTH)


def _drawn(found: pa.Table, keys: tuple[int, ...]) -> pa.Table:
    known = {each.name: each for each in session.cached(properties.find, topics=("properties",))}
    inside = session.cached(membership.of_many, keys, at=session.at(), topics=session.OF_PEOPLE)
    columns: dict[str, Any] = {
        each: _names(found) if each == tables.NAME else controls.cells(known[each], found[each]) for each in COLUMNS
    }
    columns["segments"] = pa.array([[each.name for each in inside[key]] for key in keys], pa.list_(pa.string()))
    return pa.table(columns)


def _names(found: pa.Table) -> pa.Array:
    pairs = zip(found["firstName"].to_pylist(), found["lastName"].to_pylist(), strict=True)
    return pa.array([words.full_name(*pair) or None for pair in pairs], pa.string())


def _config() -> dict[str, Any]:
    known = {each.name: each for each in session.cached(properties.find, topics=("properties",))}
    config: dict[str, Any] = {
        each: controls.column(
            known[each], zone_name=session.settings().zone_name, label=words.heading(each), width=WIDTHS[each], pinned=None
        )
        for each in COLUMNS
        if each != tables.NAME
    }
    config[tables.NAME] = st.column_config.TextColumn(words.heading(tables.NAME), width=WIDTHS[tables.NAME])
    config["segments"] = st.column_config.MultiselectColumn("Segments")
    return config


def _open(widget: str, keys: tuple[int, ...]) -> None:
    cells = st.session_state[widget]["selection"]["cells"]
    if cells:
        nav.go("user", id=keys[cells[0][0]])
