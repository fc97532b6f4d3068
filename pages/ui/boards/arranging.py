"""Arranging a board: a tile moved, made wider, higher, called otherwise, taken out; each step can be undone.

What may be done to tiles does not live here (`user360/boards`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from pages.ui import address, session, states, words
from user360 import boards

if TYPE_CHECKING:
    from user360.boards import Board, Tile

ARRANGE: Final = "arrange"
MOST_STEPS: Final = 20


def on() -> bool:
    """Whether the board is being arranged."""
    return address.text(ARRANGE) == "1"


def switch(board: Board) -> None:
    """The button that begins and ends arranging, and the one that takes a step back."""
    if st.session_state.get(_key(board.id)):
        st.button("Undo", key="boards.undo", icon=":material/undo:", on_click=states.acting(_undo), args=(board.id,))
    if on():
        st.button("Done", key="boards.arrange", icon=":material/check:", type="primary", on_click=_turn)
    elif board.tiles:
        st.button("Arrange", key="boards.arrange", icon=":material/dashboard_customize:", on_click=_turn)


def _turn() -> None:
    address.put(**{ARRANGE: None if on() else 1})


def row(board: Board, tile: Tile) -> None:
    """While the board is being arranged: where a tile stands, how large it is, what it is called."""
    if not on():
        return
    place = [each.id for each in board.tiles].index(tile.id)
    key = f"boards.{tile.id}"
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key=f"{key}.arranging"):
        _button(f"{key}.earlier", "arrow_back", "Move it one place earlier", place == 0, _move, board, tile.id, -1)
        _button(f"{key}.later", "arrow_forward", "Move it one place on", place == len(board.tiles) - 1, _move, board, tile.id, 1)
        _size(board, tile, "width", {1: "1", 2: "2", 3: "3"}, "Columns it takes")
        _size(board, tile, "height", {1: "Low", 2: "High"}, "Height")
    st.session_state[f"{key}.title"] = tile.title
    st.text_input(
        "Title",
        key=f"{key}.title",
        max_chars=boards.LONGEST_NAME,
        label_visibility="collapsed",
        autocomplete="off",
        on_change=states.acting(_retitle),
        args=(board, tile.id),
    )


def _button(key: str, icon: str, told: str, off: bool, act: Any, *given: Any) -> None:  # noqa: FBT001 - handed on
    st.button("", key=key, icon=f":material/{icon}:", help=told, disabled=off, on_click=states.acting(act), args=given)


def _size(board: Board, tile: Tile, what: str, options: dict[int, str], told: str) -> None:
    key = f"boards.{tile.id}.{what}"
    st.session_state[key] = getattr(tile, what)
    st.segmented_control(
        told,
        list(options),
        key=key,
        format_func=options.__getitem__,
        required=True,
        label_visibility="collapsed",
        on_change=states.acting(_resize),
        args=(board, tile.id, what),
    )


def take_out(board: Board, tile: Tile) -> None:
    """The button that takes a tile off the board."""
    out = states.acting(_take_out)
    st.button(
        "Take it off the board",
        key=f"boards.{tile.id}.out",
        icon=":material/close:",
        type="tertiary",
        on_click=out,
        args=(board, tile),
    )


# -- steps --------------------------------------------------------------------------------------


def _move(board: Board, tile_id: str, places: int) -> None:
    _lay_out(board, boards.moved(board.tiles, tile_id, places))


def _resize(board: Board, tile_id: str, what: str) -> None:
    _lay_out(board, boards.changed(board.tiles, tile_id, **{what: st.session_state[f"boards.{tile_id}.{what}"]}))


def _retitle(board: Board, tile_id: str) -> None:
    _lay_out(board, boards.changed(board.tiles, tile_id, title=st.session_state[f"boards.{tile_id}.title"]))


def _take_out(board: Board, tile: Tile) -> None:
    _lay_out(board, boards.without(board.tiles, tile.id))
    session.notice(f"“{words.escape_md(tile.title, 60)}” taken off the board. Undo puts it back.", icon=":material/undo:")


def _lay_out(board: Board, tiles: tuple[Tile, ...]) -> None:
    """Change the board that was looked at, and remember what it was."""
    at = session.moment()
    made = boards.lay_out(session.store(), board.id, tiles, expected_version=board.version, by=session.analyst(), at=at)
    if made.version != board.version:
        steps = st.session_state.get(_key(board.id), [])
        st.session_state[_key(board.id)] = [*steps, (made.version, board.tiles)][-MOST_STEPS:]


def _undo(board_id: str) -> None:
    """Take the last step back, unless somebody else changed the board since."""
    *earlier, (version, tiles) = st.session_state.pop(_key(board_id))
    at = session.moment()
    made = boards.lay_out(session.store(), board_id, tiles, expected_version=version, by=session.analyst(), at=at)
    if earlier:
        st.session_state[_key(board_id)] = [*earlier[:-1], (made.version, earlier[-1][1])]


def _key(board_id: str) -> str:
    return f"boards.{board_id}.steps"
