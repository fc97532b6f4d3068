"""What a drawn answer is: a figure or a flow, with words for those who cannot see it.

Pages, tiles of boards and files all take the same, so that a kind is drawn once. How a kind is drawn
does not live here (`pictures`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from pages.ui.insights.flows import Link, Node

HEIGHT: Final = 330
WIDTH: Final = 900


@dataclass(frozen=True, slots=True)
class Wanted:
    """How it is wanted: `view` is the way where a kind has several, `chosen` the cells that stand out; sizes are in pixels."""

    view: str = ""
    chosen: tuple[str, ...] = ()
    height: int = HEIGHT
    width: int = WIDTH


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure whose marks carry cells, or the nodes and links of a flow of that `height`.

    `alt` says what it shows, `quiet` its unit, `nothing` what stands in its place where it is empty, `refused` why something
    that was asked for is not in it, `note` what the letters in it stand for where its title may not; all are plain text.
    """

    alt: str
    quiet: str = ""
    figure: go.Figure | None = None
    nodes: tuple[Node, ...] = ()
    links: tuple[Link, ...] = ()
    height: int = 0
    nothing: str = "Nobody did this then."
    refused: str = ""
    note: str = ""

    @property
    def empty(self) -> bool:
        """Whether there is nothing in it."""
        return self.figure is None and not self.links
