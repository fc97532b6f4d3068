"""One module turns figures into plotly: template, palettes, neutrals, margins, hatch.

Without it each page would pick its own blue and its own margins. What is counted does not live
here, nor which chart an insight wants.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import plotly.graph_objects as go
import streamlit as st

if TYPE_CHECKING:
    from collections.abc import Sequence

FEW: Final = 3  # under it an axis of counts would show halves
CONFIG: Final = {"displayModeBar": False, "scrollZoom": False, "doubleClick": False}
CAMERA: Final[dict[str, Any]] = {
    "displayModeBar": "hover",
    "displaylogo": False,
    "modeBarButtons": [["toImage"]],
    "toImageButtonOptions": {"format": "png", "scale": 2},
}


@dataclass(frozen=True, slots=True)
class Neutrals:
    """The inks of one mode."""

    ink: str
    soft: str
    axis: str
    grid: str
    ground: str
    unknown: str


NEUTRALS: Final = {
    "light": Neutrals("#1B2430", "#66707F", "#DFE4EB", "#EDF0F4", "#FFFFFF", "#E3E8EF"),
    "dark": Neutrals("#E6EAF0", "#96A1B1", "#2D3643", "#222A35", "#12161D", "#2A3340"),
}
CATEGORICAL: Final = {
    "light": ("#174BA1", "#15896C", "#ED9939", "#A55F9E", "#C24B27", "#69B8EC", "#4B3F26", "#B9C0CB"),
    "dark": ("#427EE6", "#5BD7B5", "#F4B956", "#C185CD", "#DD7D76", "#B4E1F9", "#82732B", "#697685"),
}
FURTHER: Final = {
    "light": ("#4B3F26", "#6527D6", "#BDB175", "#AB63F2", "#294756", "#35356E"),
    "dark": ("#82732B", "#E4D795", "#D6995C", "#D9D912", "#875DB1", "#B8800F"),
}
"""Of channels beside the six: as far from those and from each other as is left, to red- and green-blind eyes too."""
_CHANNEL_PLACES: Final = {"web": 0, "whatsapp": 1, "app": 2, "email": 3, "sms": 4, "instagram": 5}
_FURTHER_PLACES: Final = {"voice": 0, "push": 1, "facebook": 2, "telegram": 3, "line": 4, "viber": 5}


def mode() -> str:
    """`light` or `dark`, as the browser shows it."""
    return st.context.theme.type or "light"


def neutrals() -> Neutrals:
    """The neutral inks of the present mode."""
    return NEUTRALS[mode()]


def colour(place: int) -> str:
    """The categorical colour of a rank, from 0; 7 is Other and (no value) alone."""
    return CATEGORICAL[mode()][min(place, 7)]


def channel_colour(channel: str) -> str:
    """A channel's own colour, the same on every page; that of one nobody knows comes of its name."""
    named = channel.lower()
    return colour(_CHANNEL_PLACES[named]) if named in _CHANNEL_PLACES else FURTHER[mode()][_further(named)]


def channel_colours(channels: Sequence[str]) -> dict[str, str]:
    """The colours of channels side by side: two whose names would give one take the next that is free."""
    found = {each: channel_colour(each) for each in channels}
    taken: set[str] = set()
    for each in sorted(channels, key=lambda channel: (channel.lower() not in _FURTHER_PLACES, channel)):
        if each.lower() in _CHANNEL_PLACES:
            continue
        further, place = FURTHER[mode()], _further(each.lower())
        ahead = [further[(place + step) % len(further)] for step in range(len(further))]
        found[each] = next((one for one in ahead if one not in taken), ahead[0])
        taken.add(found[each])
    return found


def _further(named: str) -> int:
    return _FURTHER_PLACES.get(named, zlib.crc32(named.encode()) % len(FURTHER["light"]))


def tint(channel: str) -> str:
    """A channel's colour so thin that text stands on it: the ground of a chip."""
    return channel_colour(channel) + {"light": "1F", "dark": "38"}[mode()]


SHAPES: Final = ("", "\\", ".", "-", "x", "|", "+")
SYMBOLS: Final = ("circle", "square", "diamond", "triangle-up", "x", "cross", "star")
"""What tells series apart beside their colours: hatchings of bars, marks on lines. `/` is left for what is not over yet."""


def hatched(place: int, colour: str, unfinished: Sequence[bool] = ()) -> dict[str, Any]:
    """The pattern of the bars of a series: its own hatching, and that of what is not over yet."""
    own = SHAPES[place % len(SHAPES)]
    shape: Any = ["/" if each else own for each in unfinished] if any(unfinished) else own
    strong: Any = [0.35 if each else 0.2 for each in unfinished] if any(unfinished) else 0.2
    strength = 1 if any(unfinished) and not own else 0.45  # numbers that stand in a bar stay legible
    return {"shape": shape, "fgcolor": neutrals().ground, "fgopacity": strength, "bgcolor": colour, "size": 5, "solidity": strong}


def figure(*traces: Any, height: int, **layout: Any) -> go.Figure:
    """A figure in the house's template: no title, margins of 8, grid lines from the value axis alone.

    The template is given as the figure is made: the same as updates afterwards took ten times as long.
    """
    inks = neutrals()
    axis = {
        "color": inks.soft,
        "linecolor": inks.axis,
        "gridcolor": inks.grid,
        "tickfont": {"size": 11, "color": inks.soft},
        "zeroline": False,
        "fixedrange": True,
        "automargin": True,
    }
    template = {
        "height": height,
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
        "font": {"family": "Source Sans, sans-serif", "size": 12, "color": inks.soft},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "showlegend": False,
        "bargap": 0.22,
        "hoverlabel": {"bgcolor": inks.ground, "bordercolor": inks.axis, "font": {"color": inks.ink, "size": 12}},
        "xaxis": axis | {"showgrid": False},
        "yaxis": axis | {"showline": False},
    }
    drawn = go.Figure(traces, template)
    if layout:
        drawn.update_layout(**layout)
    return drawn


def bars(
    names: Sequence[str],
    values: Sequence[float],
    *,
    hover: Sequence[str],
    unfinished: bool = False,
    ticks: Sequence[int] = (),
    height: int = 160,
) -> go.Figure:
    """Bars over time, the last one hatched where its period still runs; `ticks` are the places that get a label."""
    inks, ink = neutrals(), colour(0)
    shapes = ["/" if unfinished and place == len(values) - 1 else "" for place in range(len(values))]
    fades = [0.75 if shape else 1.0 for shape in shapes]
    pattern = {"shape": shapes, "fgcolor": inks.ground, "bgcolor": ink, "size": 5, "solidity": 0.35}
    places = list(range(len(values)))
    trace = go.Bar(
        x=places,
        y=list(values),
        customdata=list(hover),
        hovertemplate="%{customdata}<extra></extra>",
        marker={"color": ink, "pattern": pattern, "opacity": fades, "cornerradius": 2, "line": {"width": 0}},
    )
    drawn = figure(trace, height=height)
    drawn.update_xaxes(tickvals=list(ticks) or places, ticktext=[names[each] for each in (ticks or places)], showline=True)
    drawn.update_xaxes(tickangle=0, range=[-0.6, len(values) - 0.4])
    drawn.update_layout(margin_r=22)  # half of the last label stands beyond the last bar
    small = max([*values, 0]) < FEW
    drawn.update_yaxes(range=[0, FEW] if small else None, rangemode="tozero", dtick=1 if small else None, nticks=4)
    return drawn


def ranked(
    names: Sequence[str], values: Sequence[float], *, labels: Sequence[str], grey: Sequence[bool] = (), height: int | None = None
) -> go.Figure:
    """Horizontal bars, largest first as given, the value as label; `grey` marks Other and (no value)."""
    inks = [colour(7) if place < len(grey) and grey[place] else colour(0) for place in range(len(values))]
    trace = go.Bar(
        x=list(values),
        y=list(range(len(values))),
        orientation="h",
        text=list(labels),
        textposition="outside",
        cliponaxis=False,
        hoverinfo="skip",
        marker={"color": inks, "cornerradius": 2, "line": {"width": 0}},
        textfont={"size": 11, "color": neutrals().soft},
    )
    drawn = figure(trace, height=height or 16 + 28 * len(values), bargap=0.5)
    drawn.update_xaxes(visible=False, range=[0, 1.25 * max([*values, 1])])
    drawn.update_yaxes(tickvals=list(range(len(names))), ticktext=[plain(each) for each in names], autorange="reversed", ticks="")
    drawn.update_yaxes(showgrid=False, ticklabelstandoff=6)
    return drawn


def area(values: Sequence[float], *, hover: Sequence[str], height: int) -> go.Figure:
    """A line over its light area, without axes: how one figure went, beside its present value."""
    ink = colour(1)
    trace = go.Scatter(
        x=list(range(len(values))),
        y=list(values),
        mode="lines",
        line={"color": ink, "width": 2},
        fill="tozeroy",
        fillcolor=f"{ink}1A",
        customdata=list(hover),
        hovertemplate="%{customdata}<extra></extra>",
        cliponaxis=False,
    )
    drawn = figure(trace, height=height, margin={"l": 0, "r": 0, "t": 4, "b": 0})
    drawn.update_xaxes(visible=False)
    drawn.update_yaxes(visible=False, range=[0, 1.05 * max([*values, 1])])
    return drawn


def upset(names: Sequence[str], columns: Sequence[tuple[Sequence[int], int]], *, hover: Sequence[str]) -> go.Figure:
    """Groups and the people of each exclusive combination: bars over a matrix of dots, a row a group, as given."""
    inks, ink = neutrals(), colour(0)
    places = list(range(len(columns)))
    bar = go.Bar(
        x=places,
        y=[count for _, count in columns],
        customdata=list(hover),
        hovertemplate="%{customdata}<extra></extra>",
        text=[f"{count:,}" for _, count in columns],
        textposition="outside",
        textfont={"size": 11, "color": inks.soft},
        cliponaxis=False,
        marker={"color": ink, "cornerradius": 2, "line": {"width": 0}},
    )
    cells = [(place, row, row in inside) for place, (inside, _) in enumerate(columns) for row in range(len(names))]
    dots = go.Scatter(
        x=[place for place, _, _ in cells],
        y=[row for _, row, _ in cells],
        yaxis="y2",
        mode="markers",
        marker={"size": 10, "color": [ink if there else inks.unknown for _, _, there in cells]},
        hoverinfo="skip",
    )
    lines = [
        go.Scatter(
            x=[place] * 2,
            y=[min(inside), max(inside)],
            yaxis="y2",
            mode="lines",
            line={"color": ink, "width": 2},
            hoverinfo="skip",
        )
        for place, (inside, _) in enumerate(columns)
        if len(inside) > 1
    ]
    rows = 26 * len(names)
    height = 190 + rows
    drawn = figure(bar, *lines, dots, height=height)
    drawn.update_xaxes(visible=False, range=[-0.6, len(columns) - 0.4])
    drawn.update_layout(
        yaxis={"domain": [(rows + 12) / (height - 16), 1], "rangemode": "tozero", "nticks": 4, "tickformat": ",d"},
        yaxis2={
            "domain": [0, rows / (height - 16)],
            "range": [len(names) - 0.5, -0.5],
            "tickvals": list(range(len(names))),
            "ticktext": [plain(name, 40) for name in names],
            "tickfont": {"size": 12, "color": inks.ink},
            "showgrid": False,
            "zeroline": False,
            "showline": False,
            "fixedrange": True,
            "automargin": True,
        },
        margin_t=20,
    )
    return drawn


def draw(drawn: go.Figure, *, key: str, alt: str, camera: str = "", **options: Any) -> Any:
    """Put a figure on the page. `alt` says what it shows; options are those of `st.plotly_chart`.

    `camera` is the name of the PNG that can be taken of it, by a button that shows while the pointer is over the chart.
    Where marks can be boxed and lassoed, buttons that stay say with which of both.
    """
    config: dict[str, Any] = dict(CONFIG)
    if camera:
        config |= CAMERA | {"toImageButtonOptions": {**CAMERA["toImageButtonOptions"], "filename": camera}}
        if "lasso" in options.get("selection_mode", ()):
            config |= {"displayModeBar": True, "modeBarButtons": [["select2d", "lasso2d"], ["toImage"]]}
        inks = neutrals()
        drawn.update_layout(modebar={"bgcolor": "rgba(0,0,0,0)", "color": inks.soft, "activecolor": inks.ink})
    return st.plotly_chart(drawn, key=key, alt=alt, theme=None, config=config, **options)


def plain(name: str, most: int = 24) -> str:
    """Plotly reads HTML in labels: data has none. What does not fit beside a bar is cut."""
    cut = name if len(name) <= most else name[: most - 1] + "…"
    return cut.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def waterfall(steps: Sequence[tuple[str, float]], total: str, *, hover: str, height: int = 200) -> go.Figure:
    """What each step adds (blue) or takes (red), one after the other, and what it comes to (grey); `hover` is the unit."""
    inks = neutrals()
    names = [plain(name) for name, _ in steps] + [plain(total)]
    amounts = [value for _, value in steps] + [sum(value for _, value in steps)]
    trace = go.Waterfall(
        x=names,
        y=amounts,
        measure=["relative"] * len(steps) + ["total"],
        text=[f"{value:+.1f}".replace("-", "−") for value in amounts],
        textposition="outside",
        textfont={"size": 11, "color": inks.ink},
        connector={"line": {"color": inks.axis, "width": 1}},
        increasing={"marker": {"color": colour(0)}},
        decreasing={"marker": {"color": colour(4)}},
        totals={"marker": {"color": colour(7)}},
        hovertemplate=f"%{{x}}: %{{y:+.1f}} {hover}<extra></extra>",
        cliponaxis=False,
    )
    drawn = figure(trace, height=height, margin={"l": 8, "r": 8, "t": 20, "b": 8})
    drawn.update_yaxes(showticklabels=False, zeroline=True, zerolinecolor=inks.axis)
    return drawn
