"""The anatomy every page shares: header row, cards with a title and a unit, the footnote.

Without it each page would place its title and its primary button a little elsewhere. What stands in
a card does not live here.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

import pyarrow as pa
import streamlit as st

from pages.ui import session, words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from streamlit.delta_generator import DeltaGenerator

Item = TypeVar("Item")
HEADER_HEIGHT: Final = 33
_GAP: Final = 16  # pixels between the cells of a grid
CHOSEN_ROW, CARD_ROW, RAIL_ROW = 34, 28, 26


@contextmanager
def header(title: str, quiet: str = "", *, back: tuple[str, str] | None = None) -> Iterator[DeltaGenerator]:
    """The header row: `with layout.header("Users", "22 system") as row:` draws the actions at its right end.

    `title` and `quiet` are Markdown, so escape data; `back` is the key and name of the parent screen.
    """
    with st.container(horizontal=True, wrap=False, vertical_alignment="center", gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            if back:
                leave(*back)
            st.header(title, anchor=False, width="content")
            if quiet:
                st.caption(quiet, width="content")
        with st.container(width=1):
            st.space("medium")  # a button's height, so that titles stand alike with and without actions
        row = st.container(horizontal=True, wrap=False, width="content", vertical_alignment="center", gap="small")
    with row:
        yield row


def leave(key: str, title: str) -> None:
    """The way back to the parent screen, at the beginning of the header row."""
    st.button(title, key=f"back.{key}", type="tertiary", icon=":material/arrow_back:", on_click=_go, args=(key,))


def _go(key: str) -> None:
    from pages.ui import nav  # noqa: PLC0415 - links need the layout, the layout needs one link

    nav.go(key)


@contextmanager
def card(title: str = "", quiet: str = "", *, key: str | None = None, height: Any = "content") -> Iterator[DeltaGenerator]:
    """A bordered card with its title left and its unit or hint right."""
    box = st.container(border=True, gap="xsmall", key=key, height=height)
    with box:
        if title:
            title_row(title, quiet)
        yield box


def title_row(title: str, quiet: str = "") -> None:
    """A card's title and, at the right end, its unit or hint. Both Markdown."""
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.markdown(f"**{title}**", width="content")
        st.space("stretch")
        if quiet:
            st.caption(quiet, width="content")


def figures(shown: Sequence[tuple[str, str, str]]) -> None:
    """Figures with a name and a quiet word each, in one row, or in two as long as each other where there is less room."""
    half = -(-len(shown) // 2)
    with st.grid(2, min_column_width=390):
        for some in (shown[:half], shown[half:]):
            with st.grid(half, min_column_width=90):
                for label, value, quiet in some:
                    st.metric(label, value, quiet or None, delta_color="off", delta_arrow="off", border=True)


def pairs(items: Sequence[Item], least: int) -> Iterator[Item]:
    """The cells of a grid: four in a row, or two where one would be narrower than `least` pixels; never three and one.

    `for each in layout.pairs(tiles, 190):` draws each into its cell.
    """
    with st.grid(2, min_column_width=2 * least + _GAP) as grid:
        for first in range(0, len(items), 2):
            with grid.cell(), st.grid(2, min_column_width=least):
                yield from items[first : first + 2]


def footnote(*parts: str) -> None:
    """The page's last line: zone, instant, and what the page has to define. Parts are Markdown."""
    st.caption(words.footnote(*parts, zone=session.settings().zone_name, at=session.at()))


def table(
    rows: pa.Table | list[dict[str, Any]],
    *,
    alt: str,
    key: str | None = None,
    row_height: int = CARD_ROW,
    most: int = 15,
    column_config: Mapping[str, Any] | None = None,
    **asked: Any,
) -> Any:
    """A table as every page shows one: no index, no half row, no more than `most` rows in sight, and a sign where nothing is known.

    `alt` says what it shows and what a click does; `asked` are further arguments of `st.dataframe`, whose answer is answered.
    """
    found = rows if isinstance(rows, pa.Table) else pa.Table.from_pylist(rows)
    return st.dataframe(
        found,
        key=key,
        hide_index=True,
        height=table_height(found.num_rows, row_height, most=most),
        row_height=row_height,
        column_config=column_config,
        placeholder=words.NO_VALUE,
        alt=alt,
        **asked,
    )


def pick(rows: list[dict[str, Any]], config: dict[str, Any], *, key: str, alt: str, most: int) -> int | None:
    """A small table of which one row can be chosen; answers its place."""
    shown = table(rows, key=key, column_config=config, alt=alt, most=most, on_select="rerun", selection_mode="single-row")
    chosen: list[int] = shown["selection"]["rows"]
    return chosen[0] if chosen and chosen[0] < len(rows) else None


def table_height(rows: int, row_height: int = CHOSEN_ROW, *, most: int = 15) -> int:
    """The height at which no half row and no empty strip shows."""
    return HEADER_HEIGHT + max(1, min(rows, most)) * row_height + 1
