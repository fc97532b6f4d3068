"""Duplicates: pairs of users who may be one person, what speaks for each, and what becomes of them.

Reads the address, lists a page of pairs, draws the chosen one. How likely a pair is does not live here
(`user360/duplicates`), nor how two become one (`user360/resolution`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from pages.ui import address, layout, merging, nav, pairing, progress, session, states, tables, words
from user360 import duplicates, jobs, profiles, resolution
from user360.people import People

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from user360.duplicates import Pair, Search

SHOWN: Final = {"open": "To decide", "dismissed": "Dismissed"}
LEAST: Final = {50: "50% or more", 90: "90% or more", 99: "99% or more"}
TOPICS: Final = (duplicates.TOPIC, "profiles")
MERGED: Final = "duplicates.merged"


def page() -> None:
    """The page, top to bottom."""
    search = session.cached(duplicates.last_search, topics=(duplicates.TOPIC,))
    with layout.header("Duplicates", _searched(search)):
        label = "Search again" if search else "Find duplicates"
        nobody = not session.cached(profiles.count, topics=("profiles",))
        idle = nobody or progress.is_running(jobs.DUPLICATES)
        begin: dict[str, Any] = {"on_click": states.acting(_begin), "disabled": idle}
        st.button(label, key="duplicates.search", type="primary", icon=":material/person_search:", **begin)
    progress.strip(jobs.DUPLICATES, on_done=lambda: session.notice("The search is done"))
    merging.inbox()
    if nobody and search is None:
        states.empty(
            "No users yet",
            "Once there are users, a search compares them by name, email, phone, date of birth and city, and proposes pairs who "
            "may be one person. Import a file, or let a source send.",
            icon="call_merge",
        )
    elif search is None:
        states.empty(
            "No search yet",
            "A search compares all users by name, email, phone, date of birth and city, and proposes pairs who may be one person. "
            "It goes on in the background; nothing is merged by itself.",
            icon="call_merge",
        )
    else:
        with states.boundary("The list of pairs", key="duplicates"):
            _merged_last()
            _list(search)
    layout.footnote(
        "100% is certain, 50% as likely as not",
        f"a value of more than {duplicates.MOST_ALIKE} people brings nobody together by itself",
        "what is dismissed stays so over later searches",
    )


def _begin() -> None:
    progress.watch(jobs.DUPLICATES, jobs.start_duplicates(session.store(), by=session.analyst()))


def _searched(search: Search | None) -> str:
    if search is None:
        return ""
    when = words.instant(search.at, session.zone(), at=session.at())
    return f"{words.count(search.people, 'user')} compared {when}"


def _list(search: Search) -> None:
    status, least = _filters(search)
    bits = duplicates.weight(least / 100)
    rows = address.number("rows", 25, among=tables.PAGE_SIZES)
    total = session.cached(duplicates.count, status=status, least=bits, topics=TOPICS)
    if not total:
        _none(search, status, least)
        return
    turn = min(address.number("page", 1, least=1), -(-total // rows))
    asked: dict[str, Any] = {"status": status, "least": bits, "limit": rows, "offset": (turn - 1) * rows}
    found: tuple[Pair, ...] = session.cached(duplicates.find, **asked, topics=TOPICS)
    people = _people(found)
    grid = st.grid(12, min_column_width=76, dense=True)
    with grid.cell(column_span=5):
        chosen = _table(found, people)
    with grid.cell(column_span=7):
        pairing.panel(chosen, people, merged=_merged)
    tables.pager(total, turn, rows, key="duplicates")


def _filters(search: Search) -> tuple[Any, int]:
    """Which pairs are listed, both in the address."""
    status, least = address.text("show", "open"), address.number("least", 50, among=LEAST)
    status = status if status in SHOWN else "open"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.session_state["duplicates.show"] = status
        st.segmented_control(
            "Pairs",
            list(SHOWN),
            key="duplicates.show",
            format_func=SHOWN.__getitem__,
            required=True,
            label_visibility="collapsed",
            on_change=lambda: address.put(show=st.session_state["duplicates.show"], pair=None, page=None),
        )
        st.session_state["duplicates.least"] = least
        st.selectbox(
            "How likely",
            list(LEAST),
            key="duplicates.least",
            format_func=LEAST.__getitem__,
            label_visibility="collapsed",
            width=150,
            on_change=lambda: address.put(least=st.session_state["duplicates.least"], pair=None, page=None),
        )
        if search.found > search.kept:
            st.caption(
                f"the likeliest {words.number(search.kept)} of {words.number(search.found)} pairs are kept", width="content"
            )
        if search.crowded:
            told = words.count(search.crowded, "value")
            st.caption(f"{told} shared by too many to bring anybody together", width="content")
    return status, least


def _none(search: Search, status: str, least: int) -> None:
    if status == "dismissed":
        states.nothing_to_show("Nothing was dismissed. Pairs you say are two people stand here.")
    elif least != next(iter(LEAST)):
        states.nothing_matches(
            "No pair is that likely",
            action="Show all pairs",
            on_click=lambda: address.put(least=None),
            key="duplicates",
        )
    else:
        states.nothing_matches(
            "No duplicates to decide on",
            f"Among {words.count(search.people, 'user')} nobody looks like anybody else, or all was decided.",
        )


def _people(found: Sequence[Pair]) -> Mapping[int, Mapping[str, Any]]:
    """Those of a page of pairs, by key."""
    keys = sorted({key for pair in found for key in (pair.left, pair.right)})
    within, columns = People.of(keys), pairing.COLUMNS
    table = session.cached(profiles.find, within=within, columns=columns, limit=len(keys), topics=("profiles", "properties"))
    return {row["profile_key"]: row for row in table.to_pylist()}


def _table(found: Sequence[Pair], people: Mapping[int, Mapping[str, Any]]) -> Pair:
    """The pairs, one a row; answers the chosen one, else the first."""
    chosen = address.number("pair", -1)
    place = next((place for place, each in enumerate(found) if each.id == chosen), 0)
    lines = [
        {
            "One": pairing.called(people[each.left]),
            "Other": pairing.called(people[each.right]),
            "Likely": pairing.likely(each),
            "Agree on": ", ".join(pairing.agreeing(each)),
        }
        for each in found
    ]
    widget = f"duplicates.table.{hash(tuple(each.id for each in found))}"
    layout.table(
        lines,
        key=widget,
        row_height=layout.CHOSEN_ROW,
        column_config={
            "One": st.column_config.TextColumn(width=100),
            "Other": st.column_config.TextColumn(width=100),
            "Likely": st.column_config.TextColumn(width=78),
            "Agree on": st.column_config.TextColumn(),
        },
        alt="Pairs of users who may be one person, the likeliest first",
        on_select=lambda: _choose(widget, [each.id for each in found]),
        selection_mode="single-row",
        selection_default={"selection": {"rows": [place], "columns": [], "cells": []}},
        most=tables.SHOWN_ROWS,
    )
    return found[place]


def _choose(widget: str, ids: Sequence[int]) -> None:
    rows = st.session_state[widget]["selection"]["rows"]
    address.put(pair=ids[rows[0]] if rows and rows[0] < len(ids) else None)


# -- what was just done ---------------------------------------------------------------------------


def _merged(merge_id: int) -> None:
    st.session_state[MERGED] = merge_id
    address.put(pair=None)


def _merged_last() -> None:
    """The merge this session did last, to be looked at or taken back."""
    merge_id = st.session_state.get(MERGED)
    if merge_id is None:
        return
    done = session.cached(resolution.get, merge_id, topics=("profiles",))
    if done.status != "done":
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(
            f":material/call_merge: **{words.escape_md(done.gone_name, 60)}** was merged into **{words.escape_md(done.kept_name, 60)}**",
            width="content",
        )
        st.button(
            "Open", key="duplicates.merged.open", type="tertiary", on_click=nav.go, args=("user",), kwargs={"id": done.kept}
        )
        undo: dict[str, Any] = {"on_click": states.acting(_undo), "args": (merge_id,)}
        st.button("Undo the merge", key="duplicates.merged.undo", type="tertiary", icon=":material/undo:", **undo)


def _undo(merge_id: int) -> None:
    resolution.undo(session.store(), merge_id, by=session.analyst(), at=session.moment())
    st.session_state.pop(MERGED, None)
    session.notice("They are two users again")


page()
