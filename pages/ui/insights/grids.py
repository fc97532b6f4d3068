"""Figures of cells: heat maps whose cells can be clicked, with the unfinished ones dashed and outside the scale.

Plotly tells of no click on a heat map, so unseen squares lie over it and carry the cells. What is counted
does not live here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import plotly.graph_objects as go

from pages.ui import charts

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

ROW: Final = 27
TILTED: Final = 56  # what names at an angle need beside a line of them
LEANING: Final = 40  # how far the last of them may lean out at the right; without room Plotly leaves it out
SCALE: Final = {
    "light": ("#F1F6FD", "#DDE9F9", "#C3D8F3", "#A3C3EB", "#7FA9DF", "#5C8FD1", "#3F76BF", "#2B5FA6", "#1D4987", "#133566"),
    "dark": ("#18212E", "#1C2C42", "#21395A", "#284974", "#315B90", "#3F70AD", "#5588C8", "#73A3DE", "#98BFEF", "#C3DCFA"),
}
_STRONG: Final = 0.62  # from there on ink no longer reads on the cell
_STRONG_INK: Final = {"light": "#FFFFFF", "dark": "#12161D"}


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: its value on the scale, what stands in it, what hovering tells, what a click opens."""

    row: int
    column: int
    value: float | None
    text: str
    hover: str
    cell: str | None
    unfinished: bool = False


def draw(
    rows: Sequence[str],
    columns: Sequence[str],
    cells: Sequence[Cell],
    *,
    most: float | None = None,
    chosen: Collection[str] = (),
    row_height: int = ROW,
    on_top: bool = True,
    tilt: bool = False,
) -> go.Figure:
    """The heat map, rows from the top. `most` is the end of the scale, otherwise the largest finished value.

    `tilt` is for names of columns that would meet each other.
    """
    height = 34 + row_height * len(rows) + (TILTED if tilt else 0)
    scaled = [each for each in cells if each.value is not None and not each.unfinished]
    end = most or max([each.value or 0 for each in scaled], default=0) or 1
    drawn = charts.figure(_ground(scaled, len(rows), len(columns), end), _squares(cells, row_height), height=height)
    drawn.update_xaxes(
        tickvals=list(range(len(columns))),
        ticktext=[charts.plain(each, 20 if tilt else 18) for each in columns],
        side="top" if on_top else "bottom",
        range=[-0.5, len(columns) - 0.5],
        ticks="",
        tickangle=-40 if tilt else 0,
        showline=False,
    )
    drawn.update_yaxes(
        tickvals=list(range(len(rows))),
        ticktext=[charts.plain(each, 34) for each in rows],
        range=[len(rows) - 0.5, -0.5],
        ticks="",
        showgrid=False,
        tickfont={"size": 12, "color": charts.neutrals().ink},
    )
    drawn.update_layout(
        hovermode="closest",
        margin={"t": 6, "b": 4, "r": LEANING if tilt else 8},
        shapes=[*_dashes(cells), *_frames(cells, chosen)],
    )
    _write(drawn, cells, end)
    return drawn


def _ground(cells: Sequence[Cell], rows: int, columns: int, end: float) -> go.Heatmap:
    values: list[list[float | None]] = [[None] * columns for _ in range(rows)]
    for each in cells:
        values[each.row][each.column] = each.value
    steps = SCALE[charts.mode()]
    scale = [[place / (len(steps) - 1), ink] for place, ink in enumerate(steps)]
    return go.Heatmap(z=values, zmin=0, zmax=end, colorscale=scale, showscale=False, xgap=2, ygap=2, hoverinfo="skip")


def _squares(cells: Sequence[Cell], row_height: int) -> go.Scatter:
    """What is clicked: unseen, as high as a row, wide enough by the distance hovering allows."""
    return go.Scatter(
        x=[each.column for each in cells],
        y=[each.row for each in cells],
        mode="markers",
        marker={"symbol": "square", "size": row_height, "opacity": 0, "color": charts.neutrals().ink},
        customdata=[each.cell for each in cells],
        hovertext=[each.hover for each in cells],
        hovertemplate="%{hovertext}<extra></extra>",
        selected={"marker": {"opacity": 0}},
        unselected={"marker": {"opacity": 0}},
    )


def _write(drawn: go.Figure, cells: Sequence[Cell], end: float) -> None:
    """The figures in the cells, in the ink that reads on each."""
    inks = charts.neutrals()
    texts = [each for each in cells if each.text]
    colours = [
        inks.soft if each.unfinished else _STRONG_INK[charts.mode()] if (each.value or 0) > _STRONG * end else inks.ink
        for each in texts
    ]
    drawn.add_trace(
        go.Scatter(
            x=[each.column for each in texts],
            y=[each.row for each in texts],
            mode="text",
            text=[each.text for each in texts],
            textfont={"size": 12, "color": colours},
            hoverinfo="skip",
        )
    )


def _dashes(cells: Sequence[Cell]) -> list[dict[str, object]]:
    axis = charts.neutrals().axis
    return [_around(each, {"color": axis, "width": 1, "dash": "3px,3px"}) for each in cells if each.unfinished]


def _frames(cells: Sequence[Cell], chosen: Collection[str]) -> list[dict[str, object]]:
    ink = charts.neutrals().ink
    return [_around(each, {"color": ink, "width": 2}) for each in cells if each.cell is not None and each.cell in chosen]


def _around(each: Cell, line: dict[str, object]) -> dict[str, object]:
    box = {"x0": each.column - 0.48, "x1": each.column + 0.48, "y0": each.row - 0.46, "y1": each.row + 0.46}
    return {"type": "rect", "line": line, **box}
