"""The tiles of a board: laid out in rows of three columns, each drawn as on its own page, arranged by buttons.

A tile whose question cannot be asked any more says so and stays. The people behind a chosen mark stand under the row
of its tile. How a kind is drawn does not live here (`pages/ui/insights/pictures`).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from pages.ui import nav, session, states, words
from pages.ui.boards import arranging
from pages.ui.insights import asking, controls, frame, pictures
from pages.ui.insights.picture import Wanted
from user360 import boards, insights
from user360.errors import User360Error

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pages.ui.boards.scope import Scope
    from pages.ui.insights.frame import Framed
    from pages.ui.insights.picture import Picture
    from user360.boards import Board, Tile

COLUMNS: Final = 3
HEIGHTS: Final = {1: 250, 2: 480}
WIDTHS: Final = {1: 260, 2: 600, 3: 900}  # in a window of middle size


@dataclass(frozen=True, slots=True)
class Drawn:
    """A tile as it was drawn; its `picture` is None where it could not be."""

    tile: Tile
    picture: Picture | None = None
    period: str = ""


def draw(board: Board, scope: Scope) -> list[Drawn]:
    """All tiles, and under a row the people behind what was chosen in it."""
    made: list[Drawn] = []
    shown = False
    for row in rows(board.tiles):
        columns = st.columns([each.width for each in row] + _rest(row), gap="small")
        framed: list[Framed] = []
        for each, column in zip(row, columns, strict=False):
            with column, states.boundary("This chart", key=f"boards.{each.id}"):
                drawn, of = _tile(board, each, scope)
                made.append(drawn)
                framed += [of] if of is not None else []
        chosen = next((each for each in framed if asking.chosen(each.question)), None)
        if chosen is not None and not shown:
            shown = True
            frame.people(chosen)
    return made


def rows(tiles: Sequence[Tile]) -> Iterator[list[Tile]]:
    """The tiles in their order, as many in a row as fit beside each other."""
    row: list[Tile] = []
    for each in tiles:
        if row and sum(one.width for one in row) + each.width > COLUMNS:
            yield row
            row = []
        row.append(each)
    if row:
        yield row


def _rest(row: Sequence[Tile]) -> list[int]:
    left = COLUMNS - sum(each.width for each in row)
    return [left] if left else []


# -- one tile -----------------------------------------------------------------------------------


def _tile(board: Board, tile: Tile, scope: Scope) -> tuple[Drawn, Framed | None]:
    document = _asked(tile, scope)
    try:
        question = insights.parse(document)
        question.check(session.catalog())
    except User360Error as refusal:
        _unaskable(board, tile, refusal)
        return Drawn(tile), None
    result = asking.result(question)
    wanted = Wanted(tile.view, asking.chosen(question), HEIGHTS[tile.height], WIDTHS[tile.width])
    picture = pictures.draw(question, result, wanted)
    of = frame.Framed(f"boards.{board.id}.{tile.id}", tile.title, question, result, document, tile.view)
    period = controls.said(question.period)
    told = " · ".join(filter(None, (picture.quiet, period, picture.note)))
    with frame.card(of, more=functools.partial(_more, board, tile, document), height="stretch"):
        st.caption(words.escape_md(told, 600))
        arranging.row(board, tile)
        frame.picture(of, picture)
    return Drawn(tile, picture, told), of


def _asked(tile: Tile, scope: Scope) -> dict[str, Any]:
    """The question as the board asks it, not finer than can be read in its period."""
    document = boards.asked(tile, period=scope.period, people=scope.people)
    if scope.period is not None:
        document["granularity"] = controls.fitting(str(document.get("granularity", "day")), scope.period)
    return document


def _unaskable(board: Board, tile: Tile, refusal: User360Error) -> None:
    with st.container(border=True, gap="xsmall", height="stretch", key=f"boards.{board.id}.{tile.id}.card"):
        st.markdown(f"**{words.escape_md(tile.title, 120)}**")
        arranging.row(board, tile)
        st.warning(words.escape_md(f"This cannot be asked any more. {states.sentence(refusal)}", 600), icon=":material/block:")
        arranging.take_out(board, tile)


def _more(board: Board, tile: Tile, document: dict[str, Any]) -> None:
    """What the menu of a tile holds beside that of every chart."""
    screen = pictures.of(str(document["kind"])).screen
    if screen:
        title = nav.title(screen)
        st.button(
            f"Open in {title}",
            key=f"boards.{tile.id}.open",
            icon=":material/open_in_new:",
            type="tertiary",
            on_click=pictures.open_,
            args=(document, tile.view),
        )
    arranging.take_out(board, tile)
