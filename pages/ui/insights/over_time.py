"""Figures over time: stacked bars, shares of 100, lines with their names at the end, bars up and down.

Every mark carries its cell, as the text a click hands back. Without this room a bar would be hatched on one
page and not on the next. What is counted does not live here, nor what a click opens (`behind`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import plotly.graph_objects as go

from pages.ui import charts, words

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

Form = Literal["bars", "shares", "lines", "up and down"]
MOST_BARS: Final = 90
MOST_END_LABELS: Final = 5
FEW_POINTS: Final = 45
HEIGHT: Final = 250
_TICK_ROOM: Final = 74  # pixels one label of the axis needs
WIDTH: Final = 900
_LATE: Final = 0.75  # from this part of the axis on words stand before their line
NARROW: Final = 400  # names beside the ends of lines would leave no room for the lines
_LINE_OF_LABEL: Final = 14
_LABEL: Final = 22  # characters of a name beside its line, room for "Product Viewed, users"


@dataclass(frozen=True, slots=True)
class Series:
    """One colour of a figure: a value and a cell for each place on the axis; None where there is none.

    `faint` is the period before, or another group: the same colour, dashed, three quarters as strong, which is 3:1 on either
    ground. `smooth` is a rolling mean, a line without marks; `pale` is what it is the mean of: behind it, not in the legend.
    `right` has the axis at the right, of its own scale.
    """

    name: str
    values: Sequence[float | None]
    cells: Sequence[str | None]
    colour: str
    texts: Sequence[str] = ()
    faint: bool = False
    smooth: bool = False
    pale: bool = False
    right: bool = False


@dataclass(frozen=True, slots=True)
class Axis:
    """The places of the axis in words, which of them are not over yet, and what stands behind the values of either side."""

    places: Sequence[str]
    unfinished: Collection[int] = ()
    unit: str = ""
    suffix: str = ""
    right: str = ""
    notes: Sequence[tuple[int, str]] = field(default_factory=tuple)


def draw(
    series: Sequence[Series],
    axis: Axis,
    form: Form,
    *,
    chosen: Collection[str] = (),
    height: int = HEIGHT,
    width: int = WIDTH,
) -> go.Figure:
    """The figure, for about `width` pixels. Bars thinner than their gaps become lines."""
    if form == "lines" or (form == "bars" and len(axis.places) > MOST_BARS * width // WIDTH):
        return _lines(series, axis, chosen, height, width)
    return _bars(series, axis, form, chosen, height, width)


# -- bars ---------------------------------------------------------------------------------------


def _bars(series: Sequence[Series], axis: Axis, form: Form, chosen: Collection[str], height: int, width: int) -> go.Figure:
    traces = [_bar(each, axis, chosen, place) for place, each in enumerate(series)]
    drawn = charts.figure(*traces, height=height, barmode="relative", hovermode="x unified", bargap=0.25)
    if form == "shares":
        drawn.update_layout(barnorm="percent")
        drawn.update_yaxes(ticksuffix="%", range=[0, 100])
    _frame(drawn, axis, width, legend=len(series) > 1)
    if form == "up and down":
        few = all(abs(value or 0) < charts.FEW for each in series for value in each.values)
        drawn.update_yaxes(zeroline=True, zerolinecolor=charts.neutrals().axis, dtick=1 if few else None)
    elif form == "bars":
        drawn.update_yaxes(**_scale(_tops(series)))
    return drawn


def _bar(each: Series, axis: Axis, chosen: Collection[str], turn: int) -> go.Bar:
    inks = charts.neutrals()
    unfinished = [place in axis.unfinished for place in range(len(axis.places))]
    picked = [cell is not None and cell in chosen for cell in each.cells]
    marker = {
        "color": each.colour,
        "pattern": charts.hatched(turn, each.colour, unfinished),
        "opacity": [0.75 if young else 1.0 for young in unfinished],
        "line": {"width": [2 if here else 0 for here in picked], "color": inks.ink},
    }
    return go.Bar(
        name=charts.plain(each.name, 60),
        x=_names(axis),
        y=list(each.values),
        customdata=list(each.cells),
        hovertext=list(each.texts) or [_text(value, axis) for value in each.values],
        hovertemplate=f"{charts.plain(each.name)} %{{hovertext}}<extra></extra>" if axis.places else None,
        marker=marker,
        legendrank=1 if turn == 0 else None,
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 1}},
    )


def _tops(series: Sequence[Series]) -> list[float]:
    return [sum(value or 0 for value in each) for each in zip(*(one.values for one in series), strict=True)]


# -- lines --------------------------------------------------------------------------------------


def _lines(series: Sequence[Series], axis: Axis, chosen: Collection[str], height: int, width: int) -> go.Figure:
    told = _told(series, axis)
    traces = [trace for turn, each in enumerate(series) for trace in _line(each, axis, chosen, told, turn)]
    drawn = charts.figure(*traces, height=height, hovermode="closest", hoverdistance=30)
    strong = [each for each in series if not each.pale]
    leading = [each for each in strong if not each.faint]
    apart = any(each.right for each in series)
    ends = 1 < len(leading) <= MOST_END_LABELS and width >= NARROW and not apart
    _frame(drawn, axis, width, legend=len(series) > 1 and not (ends and len(leading) == len(strong)))
    scale = _scale([value for each in series for value in each.values if value is not None and not each.right])
    drawn.update_yaxes(**scale)
    if apart:
        _second(drawn, [value for each in series for value in each.values if value is not None and each.right], axis)
    if ends:
        _end_labels(drawn, leading, axis, scale["range"], height)
    return drawn


def _second(drawn: go.Figure, values: Sequence[float], axis: Axis) -> None:
    """The axis at the right, whose lines are not drawn across the others."""
    drawn.update_layout(
        yaxis2={
            **_scale(values),
            "overlaying": "y",
            "side": "right",
            "tickmode": "auto",  # the ticks of the left side fall on odd values here
            "showgrid": False,
            "zeroline": False,
            "ticksuffix": axis.right or None,
            "tickfont": {"color": charts.neutrals().soft},
            "nticks": 6,
            "separatethousands": True,
        },
        margin_r=56,
    )


def _line(each: Series, axis: Axis, chosen: Collection[str], told: Sequence[str], turn: int) -> list[go.Scatter]:
    """The line, and apart from it the dashed stretch to what is not over yet."""
    over = len(axis.places) if each.faint else min(axis.unfinished, default=len(axis.places))
    inks, dots, names = charts.neutrals(), len(axis.places) <= FEW_POINTS, _names(axis)
    picked = [cell is not None and cell in chosen for cell in each.cells]
    common: dict[str, Any] = {
        "name": charts.plain(each.name, 60),
        "hovertemplate": "%{hovertext}<extra></extra>",
        "opacity": (0.75 if each.faint else 1.0) * (0.45 if each.pale else 1.0),
        "selected": {"marker": {"opacity": 1}},
        "unselected": {"marker": {"opacity": 1}},
        "legendgroup": each.name,
        "connectgaps": False,
        **({"yaxis": "y2"} if each.right else {}),
    }

    def stretch(places: range, *, dash: str | None, legend: bool) -> go.Scatter:
        marker = {
            "size": _each([9 if picked[place] else 5 if dots else 4 for place in places]),
            "color": each.colour,
            "symbol": charts.SYMBOLS[(turn + turn // len(charts.SYMBOLS)) % len(charts.SYMBOLS)],
            "opacity": 1 if dots else _each([1 if picked[place] else 0 for place in places]),
            "line": {"width": _each([2 if picked[place] else 0 for place in places]), "color": inks.ink},
        }
        return go.Scatter(
            x=_checked([names[place] for place in places]),
            y=_checked([each.values[place] for place in places]),
            customdata=_checked([each.cells[place] for place in places]),
            hovertext=_checked([told[place] for place in places]),
            mode="lines" if each.smooth else "lines+markers",
            line={"color": each.colour, "width": 1.5 if each.pale else 2, "dash": dash},
            marker=marker,
            showlegend=legend and not each.pale,
            **common,
        )

    dash = "dash" if each.faint else None
    whole = stretch(range(min(over, len(axis.places))), dash=dash, legend=True)
    if over >= len(axis.places):
        return [whole]
    return [whole, stretch(range(max(over - 1, 0), len(axis.places)), dash="dot", legend=over == 0)]


def _each(values: list[int]) -> int | list[int]:
    """A value for each mark; one for all where they agree: thousands of marks are then drawn in half the time."""
    return values[0] if values and min(values) == max(values) else values


def _checked(values: Sequence[Any]) -> Any:
    """The values in the shape Plotly takes as it is: it would look into every one of a list."""
    made = np.empty(len(values), dtype=object)
    made[:] = values
    return made


def _told(series: Sequence[Series], axis: Axis) -> list[str]:
    """What hovering tells of a place: every series there, so that none has to be hit on its own."""
    return [
        "<br>".join(
            [f"<b>{charts.plain(name, 40)}</b>{' · unfinished' if place in axis.unfinished else ''}"]
            + [
                f"{charts.plain(each.name)} {each.texts[place] if each.texts else _text(each.values[place], axis)}"
                for each in series
                if each.values[place] is not None
            ]
        )
        for place, name in enumerate(axis.places)
    ]


def _end_labels(drawn: go.Figure, series: Sequence[Series], axis: Axis, span: tuple[float, float], height: int) -> None:
    """The names beside where the lines end, pushed apart where they would cover each other."""
    ends = []
    for each in series:
        last = next((place for place in range(len(axis.places) - 1, -1, -1) if each.values[place] is not None), None)
        if last is not None:
            ends.append((each.values[last] or 0.0, last, each))
    ends.sort(key=lambda end: end[0])
    scale = (height - 40) / (span[1] - span[0])
    before = -float("inf")
    for value, last, each in ends:
        pixels = max((value - span[0]) * scale, before + _LINE_OF_LABEL)
        before = pixels
        drawn.add_annotation(
            x=last,
            y=value,
            text=charts.plain(each.name, _LABEL),
            showarrow=False,
            xanchor="left",
            xshift=8,
            yshift=pixels - (value - span[0]) * scale,
            font={"size": 11, "color": charts.neutrals().ink},
        )
    drawn.update_layout(margin_r=12 + 7 * max(min(len(each.name), _LABEL) for each in series))


# -- the frame ----------------------------------------------------------------------------------


def _frame(drawn: go.Figure, axis: Axis, width: int, *, legend: bool) -> None:
    inks = charts.neutrals()
    count = len(axis.places)
    step = max(1, -(-count // max(2, width // max(_TICK_ROOM, 7 * max(map(len, axis.places), default=1) + 14))))
    ticks = list(range(0, count, step))
    drawn.update_xaxes(
        tickvals=ticks,
        ticktext=[charts.plain(axis.places[each], 24) for each in ticks],
        showline=True,
        tickangle=0,
        range=[-0.6, count - 0.4],
        type="category",
        categoryorder="array",
        categoryarray=_names(axis),
    )
    drawn.update_yaxes(ticksuffix=axis.suffix or None, nticks=6, separatethousands=True)
    if legend:
        drawn.update_layout(
            showlegend=True,
            legend={
                "orientation": "h",
                "x": 0,
                "xanchor": "left",
                "y": 1,
                "yanchor": "bottom",
                "font": {"size": 12, "color": inks.soft},
                "itemclick": False,
                "itemdoubleclick": False,
                "traceorder": "normal",
            },
            margin_t=30,
        )
    for place, text in axis.notes:
        drawn.add_vline(x=place, line={"width": 1, "dash": "dot", "color": inks.soft})
        drawn.add_annotation(
            x=place,
            y=1,
            yref="paper",
            text=charts.plain(text, 20),
            hovertext=charts.plain(text, 300),
            showarrow=False,
            xanchor="right" if place > _LATE * count else "left",  # else it would be cut at the edge
            yanchor="top",
            xshift=-3 if place > _LATE * count else 3,
            font={"size": 11, "color": inks.soft},
        )


def _names(axis: Axis) -> list[str]:
    """The places as the axis tells them apart: each ends with an unseen mark, one that is written like another with more.

    Marks and labels are placed by position; without the mark Plotly would take position 1 for a place named "1".
    """
    seen: dict[str, int] = {}
    names = []
    for each in axis.places:
        seen[each] = seen.get(each, 0) + 1
        names.append(charts.plain(each, 40) + "\u200b" * seen[each])
    return names


def name_all(drawn: go.Figure, names: Sequence[str]) -> None:
    """Name every place below the axis, at an angle where there is no room: for places that are no times."""
    drawn.update_xaxes(tickvals=list(range(len(names))), ticktext=[charts.plain(each, 24) for each in names], tickangle=None)


def _scale(values: Sequence[float]) -> dict[str, Any]:
    """The axis of these values: it begins at 0 unless some are below; few counts get no halves."""
    top, low = max([*values, 0]), min([*values, 0])
    if low >= 0 and top < charts.FEW and all(value == int(value) for value in values):
        return {"range": (0, charts.FEW), "dtick": 1}
    room = 0.05 * (top - low)
    return {"range": (low - room if low < 0 else 0, top + room if top > 0 else 0), "dtick": None}


def _text(value: float | None, axis: Axis) -> str:
    return words.NO_VALUE if value is None else f"{words.number(round(value, 1) if value % 1 else int(value))}{axis.suffix}"
