"""Boards: pinned charts side by side, live, under a name; one of them by its address.

The address carries the board, the period and the people that hold for all of it, and what was chosen in a chart. What a
board keeps does not live here (`user360/boards`), nor how a chart is drawn (`pages/ui/insights/pictures`).
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import streamlit as st

from pages.ui import address, charts, finding, layout, nav, session, states, words
from pages.ui.boards import arranging, keeping, offline, scope, tiles
from pages.ui.insights import pinning
from user360 import beginning, boards, profiles
from user360.errors import Unknown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from user360.boards import Board

FIRST_BY: Final = "User 360"


def page() -> None:
    """The page, top to bottom."""
    if not session.cached(boards.find, archived=None, topics=(boards.TOPIC,)):
        beginning.board(session.store(), by=FIRST_BY, at=session.moment())
    board_id = address.text("id")
    if board_id:
        try:
            _board(session.cached(boards.get, board_id, topics=(boards.TOPIC,)))
        except Unknown as refusal:
            with layout.header("Boards", back=("boards", "Boards")):
                pass
            states.refused(refusal)
    else:
        _all()
    keeping.draw()
    pinning.draw()


# -- all boards ---------------------------------------------------------------------------------


def _all() -> None:
    archived = address.text("archived") == "1"
    shown = session.cached(boards.find, text=address.text("search"), archived=archived, topics=(boards.TOPIC,))
    with layout.header("Boards", words.number(len(shown))):
        keeping.new("primary")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        finding.search("boards.search", "Name or description")
        finding.archived("boards")
    if shown:
        _table(shown)
    elif archived:
        states.nothing_matches("No board is archived under that name")
    else:
        states.nothing_matches("No board has that in its name or description", "Look for another word, or make a new one.")
    layout.footnote("a board asks its charts anew whenever it is opened")


def _table(shown: Sequence[Board]) -> None:
    zone, at = session.zone(), session.at()
    table = pa.table(
        {
            "Name": [each.name for each in shown],
            "Charts": [len(each.tiles) for each in shown],
            "Changed": [words.instant(each.changed_at, zone, at=at) for each in shown],
            "By": [each.changed_by for each in shown],
            "Description": [each.description for each in shown],
        }
    )
    config: dict[str, Any] = {
        "Name": st.column_config.TextColumn(width=260),
        "Charts": st.column_config.NumberColumn(width=64),
        "Changed": st.column_config.TextColumn(width=112),
        "By": st.column_config.TextColumn(width=120),
    }
    key = f"boards.table.{hash(tuple(each.id for each in shown))}"
    layout.table(
        table,
        key=key,
        row_height=layout.CHOSEN_ROW,
        column_config=config,
        on_select=states.acting(functools.partial(_open, shown, key)),
        selection_mode="single-cell",
        alt="Boards, lately changed first. A cell opens the board.",
        most=18,
    )


def _open(shown: Sequence[Board], key: str) -> None:
    cells = st.session_state[key]["selection"]["cells"]
    if cells:
        nav.go("boards", id=shown[cells[0][0]].id)


# -- one board ----------------------------------------------------------------------------------


def _board(board: Board) -> None:
    quiet = "archived" if board.archived_at is not None else words.count(len(board.tiles), "chart")
    with layout.header(words.escape_md(board.name), quiet, back=("boards", "Boards")):
        arranging.switch(board)
        keeping.add()
        download = st.container(width="content")
        keeping.menu(board)
    if board.description:
        st.caption(words.escape_md(board.description, boards.LONGEST_TEXT))
    chosen = scope.draw(board)
    if not board.tiles:
        states.empty(
            "No charts on this board yet",
            "Ask something on one of the pages under Insights, then choose *Pin to a board* in the menu of its chart.",
            icon="dashboard_customize",
        )
    elif not session.cached(profiles.count, topics=("profiles",)):
        states.empty(
            "No users yet",
            "The charts of this board fill themselves once there are users and events. Import a file, or send them over HTTP.",
            icon="dashboard_customize",
            action="Import a file",
            on_click=lambda: nav.go("import"),
        )
    made = tiles.draw(board, chosen)
    with download:
        _download(board, chosen, made)
    layout.footnote("every chart is asked anew", "click a mark to see its people")


def _download(board: Board, chosen: scope.Scope, made: list[tiles.Drawn]) -> None:
    """The board as one file; what it holds is what was just drawn."""
    footnote = words.footnote(f"by {session.analyst()}", zone=session.settings().zone_name, at=session.at())
    sheet = offline.Sheet(board.name, board.description, scope.told(chosen), footnote)
    st.download_button(
        "Download",
        functools.partial(offline.file_of, sheet, made, charts.neutrals()),
        file_name=f"{words.file_name(board.name, 'board')}.html",
        mime="text/html",
        key="boards.download",
        icon=":material/download:",
        help="The board as one file that opens without a network",
        on_click="ignore",
        disabled=not made,
    )


page()
