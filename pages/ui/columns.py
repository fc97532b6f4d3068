"""Which columns a table of users has, and in which order: each analyst's own choice, kept.

Without it everyone would see the same ten of three hundred properties. How a column draws its
values does not live here (`controls`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st

from pages.ui import session, tables, words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from user360.properties import Property

MOST: Final = 60
_ORDERS: Final = {
    "nominal": ("Z to A", "A to Z"),
    "quantitative": ("largest first", "smallest first"),
    "temporal": ("newest first", "oldest first"),
}


def chosen(table: str, known: Mapping[str, Property], otherwise: Sequence[str]) -> list[str]:
    """The columns this analyst chose, those that are there; the id always first."""
    kept = session.preference(f"{table}.columns", list(otherwise))
    there = [each for each in kept if each in _offered(known)][:MOST] if isinstance(kept, list) else list(otherwise)
    return ["userId", *(each for each in dict.fromkeys(there) if each != "userId")]


def order_words(sort: tuple[str, bool], known: Mapping[str, Property]) -> str:
    """The order in words: `newest session first`, `by Country, A to Z`."""
    column, descending = sort
    if sort == ("lastSession", True):
        return "newest session first"
    role = "nominal" if column == tables.NAME else known[column].datatype.role
    return f"by {words.escape_md(words.heading(column))}, {_ORDERS[role][0 if descending else 1]}"


def chooser(table: str, known: Mapping[str, Property], shown: Sequence[str], otherwise: Sequence[str]) -> None:
    """The popover that shows, orders, adds and takes away columns."""
    offered = _offered(known)
    label = f"{len(shown)} of {len(offered)} columns"
    opener = st.popover(label, key=f"{table}.columns", icon=":material/view_column:", type="tertiary", on_change="rerun")
    if not opener.open:
        return
    with opener, st.container(width=320, gap="xsmall"):
        st.caption("Shown, in this order. Only you see it so.")
        _add(table, offered, shown)
        for place, each in enumerate(shown):
            _row(table, list(shown), place, each)
        st.button(
            "As at first",
            key=f"{table}.columns.first",
            type="tertiary",
            icon=":material/undo:",
            on_click=_keep,
            args=(table, list(otherwise)),
        )


def _add(table: str, offered: Sequence[str], shown: Sequence[str]) -> None:
    widget = f"{table}.columns.add.{len(shown)}"
    rest = [each for each in offered if each not in shown]
    st.selectbox(
        "Add a column",
        rest,
        index=None,
        key=widget,
        format_func=words.heading,
        placeholder="Add a column",
        label_visibility="collapsed",
        on_change=_added,
        args=(table, list(shown), widget),
        disabled=not rest or len(shown) >= MOST,
    )


def _row(table: str, shown: list[str], place: int, each: str) -> None:
    fixed = each == "userId"
    with st.container(horizontal=True, vertical_alignment="center", gap=None):
        st.markdown(words.escape_md(words.heading(each)), width="stretch")
        for icon, words_, order, off in (
            ("arrow_upward", "Move up", _moved(shown, place, -1), fixed or place <= 1),
            ("arrow_downward", "Move down", _moved(shown, place, 1), fixed or place == len(shown) - 1),
            ("close", "Take away", [other for other in shown if other != each], fixed),
        ):
            st.button(
                "",
                key=f"{table}.columns.{each}.{icon}",
                icon=f":material/{icon}:",
                type="tertiary",
                help=f"{words_}: {words.escape_md(words.heading(each))}",
                disabled=off,
                on_click=_keep,
                args=(table, order),
            )


def _moved(shown: list[str], place: int, by: int) -> list[str]:
    order, there = list(shown), place + by
    if 0 <= there < len(order):
        order[place], order[there] = order[there], order[place]
    return order


def _added(table: str, shown: list[str], widget: str) -> None:
    if st.session_state[widget]:
        _keep(table, [*shown, st.session_state[widget]])


def _keep(table: str, order: list[str]) -> None:
    session.keep(f"{table}.columns", order)


def _offered(known: Mapping[str, Property]) -> list[str]:
    """The id, the name, then every visible property in its place."""
    return ["userId", tables.NAME, *(each.name for each in known.values() if each.visible and each.name != "userId")]
