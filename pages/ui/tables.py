"""The table of users: sorted by the server, paged, its ticks by person and not by position.

Without this room a tick would stay on the third row when the page turns and a deletion would take
the wrong people. Rows come from `profiles.find`; what is done to the ticked does not live here.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import streamlit as st

from pages.ui import address, controls, layout, nav, session, states, words
from user360.people import People

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from user360.properties import Property

PAGE_SIZES: Final = (25, 50, 100, 500)
SHOWN_ROWS: Final = 15
MOST_BUTTONS: Final = 7
BUTTON_WIDTH: Final = 40
NAME: Final = "name"
PARTS_OF_NAME: Final = ("firstName", "lastName")
UNSORTED: Final = frozenset({"tags"})
SHORT_INSTANT, LONG_INSTANT = 100, 116  # without and with the year
WIDTHS: Final = {
    "userId": 84,
    NAME: 122,
    "email": 198,
    "phone": 118,
    "country": 100,
    "lastChannel": 88,
    "lastSession": LONG_INSTANT,
}
ROOM: Final = 1050  # what a window of 1440 leaves beside the ticks
LEAST_LAST: Final = 128
SQUEEZED: Final = {"number": 62}
SQUEEZED_TEXT: Final = 92
OPENS: Final = ("userId", NAME)


@dataclass(frozen=True, slots=True)
class View:
    """What of the table is shown: read from the address, so a link shows the same."""

    sort: tuple[str, bool]
    page: int
    rows: int

    @property
    def offset(self) -> int:
        """How many rows stand before this page."""
        return (self.page - 1) * self.rows

    def within(self, total: int) -> View:
        """The same view, its page one that is there."""
        return replace(self, page=min(self.page, max(-(-total // self.rows), 1)))


def view(columns: Sequence[str], *, otherwise: tuple[str, bool] = ("lastSession", True)) -> View:
    """The view of the address. `sort=-lastSession` is newest first; a column that is not there is ignored."""
    given = address.text("sort")
    column, descending = given.removeprefix("-"), given.startswith("-")
    sort = (column, descending) if column in columns and column not in UNSORTED else otherwise
    return View(sort, address.number("page", 1, least=1), address.number("rows", 50, among=PAGE_SIZES))


def stored_columns(shown: Sequence[str]) -> tuple[str, ...]:
    """The properties behind the columns: `name` is first and last name together."""
    return tuple(dict.fromkeys(part for each in shown for part in (PARTS_OF_NAME if each == NAME else (each,))))


def stored_sort(sort: tuple[str, bool]) -> tuple[tuple[str, bool], ...]:
    """The sort as `profiles.find` takes it."""
    return tuple((each, sort[1]) for each in stored_columns([sort[0]]))


# -- ticks --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ticks:
    """Who is ticked: these keys, or everyone who matches."""

    keys: frozenset[int] = frozenset()
    everyone: bool = False

    def people(self, matching: People) -> People:
        """The ticked, never anyone who no longer matches."""
        return matching if self.everyone else People.of(sorted(self.keys)) & matching

    def count(self, total: int) -> int:
        """How many are ticked, of the `total` that match."""
        return total if self.everyone else len(self.keys)


def ticks(key: str = "users") -> Ticks:
    """Who is ticked in this session."""
    return Ticks(
        frozenset(st.session_state.get(f"{key}.ticked.keys", ())), bool(st.session_state.get(f"{key}.ticked.everyone", False))
    )


def tick_everyone(key: str = "users") -> None:
    """Everyone who matches, on whichever page."""
    st.session_state[f"{key}.ticked.everyone"] = True
    _turn(key)


def untick(key: str = "users") -> None:
    """No one."""
    st.session_state[f"{key}.ticked.keys"] = []
    st.session_state[f"{key}.ticked.everyone"] = False
    _turn(key)


def _turn(key: str) -> None:
    """A new widget key, so that the browser's own ticks end with ours."""
    st.session_state[f"{key}.turn"] = st.session_state.get(f"{key}.turn", 0) + 1


# -- the table ----------------------------------------------------------------------------------


def users(found: pa.Table, shown: Sequence[str], known: Mapping[str, Property], chosen: View, *, key: str = "users") -> None:
    """Draw one page of users. `found` is of `profiles.find` with `stored_columns(shown)`."""
    keys = tuple(found["profile_key"].to_pylist())
    ticked = ticks(key)
    zone_name, this_year = session.settings().zone_name, session.at().astimezone(session.zone()).year
    short = {each for each in shown if _of_year(found, each, this_year)}
    widths = _widths(shown, known, short)
    rows = [place for place, each in enumerate(keys) if ticked.everyone or each in ticked.keys]
    turn = st.session_state.get(f"{key}.turn", 0)
    widget = f"{key}.table.{turn}.{hash((keys, tuple(shown), chosen))}"
    layout.table(
        _drawn(found, shown, known),
        key=widget,
        row_height=layout.CHOSEN_ROW,
        column_config={each: _column(each, known, chosen, zone_name, short=each in short, widths=widths) for each in shown},
        alt="Users, one a row. A header sorts, a tick chooses, an id or a name opens the user.",
        on_select=states.acting(functools.partial(_selected, key)),
        selection_mode=["multi-row", "single-column", "single-cell"],
        selection_default={"selection": {"rows": rows, "columns": [], "cells": []}},
        most=SHOWN_ROWS,
    )
    st.session_state[f"{key}.drawn"] = (widget, keys, chosen.sort)


def _selected(key: str) -> None:
    """What the analyst did in the table: a header sorts, a cell of an id or a name opens, the rest is ticks."""
    widget, keys, sort = st.session_state[f"{key}.drawn"]
    chosen = st.session_state[widget]["selection"]
    if chosen.get("columns"):
        _sort(key, chosen["columns"][0], sort)
    elif chosen.get("cells"):
        row, column = chosen["cells"][0]
        _turn(key)
        if column in OPENS and row < len(keys):
            nav.go("user", id=keys[row])
    else:
        before = (
            set(keys) if st.session_state.get(f"{key}.ticked.everyone") else set(st.session_state.get(f"{key}.ticked.keys", ()))
        )
        now = {keys[row] for row in chosen.get("rows", []) if row < len(keys)}
        st.session_state[f"{key}.ticked.keys"] = sorted((before - set(keys)) | now)
        st.session_state[f"{key}.ticked.everyone"] = False


def _sort(key: str, column: str, sort: tuple[str, bool]) -> None:
    if column not in UNSORTED:
        descending = not sort[1] if column == sort[0] else False
        address.put(sort=f"-{column}" if descending else column, page=None)
    _turn(key)


def _widths(shown: Sequence[str], known: Mapping[str, Property], short: Collection[str]) -> dict[str, int]:
    """Each column's width; narrower ones where that lets them all stand in the window. The last takes what they leave of 1440."""
    natural = {each: WIDTHS.get(each) or known[each].datatype.display.width for each in shown}
    natural |= dict.fromkeys(short, SHORT_INSTANT)
    if sum(natural.values()) - natural[shown[-1]] + LEAST_LAST > ROOM:
        for each in (each for each in shown if each not in WIDTHS):
            natural[each] = min(natural[each], SQUEEZED.get(known[each].datatype.display.kind, SQUEEZED_TEXT))
    left = ROOM - sum(natural[each] for each in shown[:-1])
    return natural | {shown[-1]: max(left, LEAST_LAST)}


def _of_year(found: pa.Table, each: str, year: int) -> bool:
    """Whether every instant of the column is of this year, so that the year need not be said."""
    if each not in found.column_names or not pa.types.is_timestamp(found[each].type):
        return False
    return all(value is None or value.year == year for value in found[each].to_pylist())


def _drawn(found: pa.Table, shown: Sequence[str], known: Mapping[str, Property]) -> pa.Table:
    columns: dict[str, Any] = {}
    for each in shown:
        if each == NAME:
            pairs = zip(found["firstName"].to_pylist(), found["lastName"].to_pylist(), strict=True)
            columns[each] = pa.array([words.full_name(*pair) or None for pair in pairs], pa.string())
        else:
            columns[each] = controls.cells(known[each], found[each])
    return pa.table(columns)


def _column(
    each: str, known: Mapping[str, Property], chosen: View, zone_name: str, *, short: bool, widths: Mapping[str, int]
) -> Any:
    arrow = {True: " ↓", False: " ↑"}[chosen.sort[1]] if each == chosen.sort[0] else ""
    label, width = words.heading(each) + arrow, widths[each]
    if each == NAME:
        return st.column_config.TextColumn(label, width=width)
    return controls.column(
        known[each], zone_name=zone_name, label=label, width=width, pinned=each == "userId" or None, short=short
    )


# -- pages --------------------------------------------------------------------------------------


def pager(total: int, page: int, rows: int, *, key: str, sizes: Sequence[int] = PAGE_SIZES) -> None:
    """Under a table: `1–50 of 18,204`, the pages, rows per page. All three stand in the address (`page`, `rows`)."""
    pages = max(-(-total // rows), 1)
    first, last = min((page - 1) * rows + 1, total), min(page * rows, total)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", gap="small"):
        st.caption(f"{words.number(first)}–{words.number(last)} of {words.number(total)}", width=128)
        st.session_state[f"{key}.page"] = page
        st.pagination(
            pages,
            key=f"{key}.page",
            width=(min(pages, MOST_BUTTONS) + 2) * BUTTON_WIDTH,
            on_change=_to_page,
            args=(f"{key}.page",),
        )
        with st.container(width=128, horizontal=True, horizontal_alignment="right"):
            st.session_state[f"{key}.rows"] = rows
            st.selectbox(
                "Rows per page",
                sizes,
                key=f"{key}.rows",
                format_func="{} rows".format,
                label_visibility="collapsed",
                width=108,
                on_change=_to_size,
                args=(f"{key}.rows",),
            )


def _to_page(widget: str) -> None:
    address.put(page=st.session_state[widget] if st.session_state[widget] > 1 else None)


def _to_size(widget: str) -> None:
    address.put(rows=st.session_state[widget], page=None)
