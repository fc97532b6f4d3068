"""Which channels people use together, as an UpSet chart: a column for each combination over its dots, and each channel's own size.

What is counted does not live here (`user360/insights/overlap`, `reachability`), nor what a click opens (`frame`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import plotly.graph_objects as go

from pages.ui import charts, words
from pages.ui.insights import readings
from pages.ui.insights.picture import Picture
from user360.insight import OTHER, VALUE

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from pages.ui.insights.picture import Wanted
    from user360.insight import Result

ROW: Final = 34
BARS: Final = 250
LEFT: Final = 0.17  # of the width, for the sizes of the channels
NAMES: Final = 0.13
SMALLER: Final = "Smaller channels"
_TOP, _GAP = 24, 14


@dataclass(frozen=True, slots=True)
class Column:
    """One combination: the rows it holds, its people, its cell; a `note` stands where there are no dots, and makes it grey."""

    rows: tuple[int, ...]
    users: int
    cell: str
    told: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One channel: its name, its people, its cell, its colour."""

    name: str
    users: int
    cell: str
    colour: str


def picture(question: Any, result: Result, wanted: Wanted) -> Picture:
    """The chart; without anybody nothing."""
    rows, columns = read(result)
    if not columns:
        return Picture(f"{question.label}. Nobody to show.")
    told = "; ".join(f"{each.told}: {words.number(each.users)}" for each in columns)
    return Picture(
        f"Which channels people use together. {told}",
        "each person is in exactly one column",
        draw(rows, columns, wanted.chosen, _beside(result)),
    )


def _beside(result: Result) -> list[tuple[str, str]]:
    """The people on any channel, the channels of each, and how many combinations there are."""
    rows = result.table.to_pylist()
    whole = next(row for row in rows if row["combination"] is None and row["channel"] is None and row["size"] is None)
    apart = sum(row["combination"] not in (None, OTHER) for row in rows)
    each = sum(row["users"] for row in rows if row["channel"] is not None) / whole["users"]
    seen = int(whole["combinations"])
    return [
        (words.number(whole["users"]), "people on at least one channel"),
        (f"{each:.1f}", "channels per person"),
        (words.number(seen), "combinations seen" + (f", {apart} apart" if apart < seen else "")),
    ]


def read(result: Result) -> tuple[list[Row], list[Column]]:
    """The channels, of most people first, and the combinations as they stand in the answer, Other last."""
    rows = result.table.to_pylist()
    channels = sorted(
        (row for row in rows if row["channel"] is not None),
        key=lambda row: (row["channel"] == OTHER, -row["users"], row["channel"]),
    )
    sets = [
        Row(
            SMALLER if row["channel"] == OTHER else words.channel(row["channel"].removeprefix(VALUE)),
            row["users"],
            readings.cell({each: row[each] for each in result.marks()}),
            charts.colour(7) if row["channel"] == OTHER else charts.channel_colour(row["channel"].removeprefix(VALUE)),
        )
        for row in channels
    ]
    places = {
        None if row["channel"] == OTHER else row["channel"].removeprefix(VALUE): place for place, row in enumerate(channels)
    }
    combined = sorted((row for row in rows if row["combination"] is not None), key=lambda row: row["combination"] == OTHER)
    return sets, [_column(row, places, sets, result) for row in combined]


def _column(row: Mapping[str, Any], places: Mapping[str | None, int], sets: Sequence[Row], result: Result) -> Column:
    cell = readings.cell({each: row[each] for each in result.marks()})
    if row["combination"] == OTHER:
        more = int(row["combinations"])
        return Column((), row["users"], cell, f"Other, {words.count(more, 'combination')}", f"Other<br>{words.number(more)} more")
    inside = tuple(sorted(places[each] for each in json.loads(row["combination"]) if each in places))
    return Column(inside, row["users"], cell, " and ".join(sets[each].name for each in inside))


def told(combination: str) -> str:
    """A combination in words: `Web and WhatsApp`."""
    try:
        found = json.loads(combination)
    except ValueError:
        return readings.OTHERS if combination == OTHER else combination
    return (
        " and ".join(SMALLER if each is None else words.channel(str(each)) for each in found)
        if isinstance(found, list)
        else combination
    )


def cell_told(question: Any, cell: Mapping[str, Any]) -> str:
    """A cell in words: `Web and WhatsApp, no other`."""
    if isinstance(cell.get("combination"), str):
        return told(str(cell["combination"])) + ("" if cell["combination"] == OTHER else ", no other")
    if isinstance(cell.get("channel"), str):
        return SMALLER if cell["channel"] == OTHER else words.channel(str(cell["channel"]).removeprefix(VALUE))
    size = cell.get("size")
    return question.label if size is None else ("One channel", "Two channels", "Three channels or more")[int(size) - 1]


# -- drawing ------------------------------------------------------------------------------------


def draw(
    rows: Sequence[Row], columns: Sequence[Column], chosen: Collection[str], figures: Sequence[tuple[str, str]] = ()
) -> go.Figure:
    """Bars over the dots, the sizes of the channels left of them; a column can be clicked at its bar and at its dots."""
    inks, height = charts.neutrals(), _TOP + BARS + _GAP + ROW * len(rows)
    share = ROW * len(rows) / (height - _TOP)
    drawn = charts.figure(
        _bars(columns, chosen), _dots(rows, columns), *_lines(columns), _sizes(rows, chosen), height=height, hovermode="closest"
    )
    count = len(columns)
    top = max(each.users for each in columns)
    drawn.update_layout(
        margin={"l": 4, "r": 8, "t": _TOP, "b": 0},
        bargap=0.45,
        xaxis={"domain": [LEFT + NAMES, 1], "range": [-0.6, count - 0.4], "visible": False},
        yaxis={
            "domain": [share + _GAP / height, 1],
            "range": [0, max(top * 1.06, charts.FEW)],
            "nticks": 5,
            "separatethousands": True,
        },
        yaxis2={**_matrix(len(rows)), "anchor": "x", "domain": [0, share]},
        xaxis2={"domain": [0, LEFT], "autorange": "reversed", "visible": False, "anchor": "y3", "fixedrange": True},
        yaxis3={**_matrix(len(rows)), "anchor": "x2", "domain": [0, share]},
    )
    drawn.layout.xaxis2.range = [1.32 * max([*(each.users for each in rows), 1]), 0]
    drawn.layout.xaxis2.autorange = False
    for place, each in enumerate(rows):
        drawn.add_annotation(
            x=LEFT + NAMES - 0.012,
            xref="paper",
            y=place,
            yref="y2",
            text=charts.plain(each.name, 16),
            showarrow=False,
            xanchor="right",
            font={"size": 12, "color": inks.ink},
        )
        drawn.add_shape(
            type="line",
            x0=LEFT + NAMES,
            x1=1,
            xref="paper",
            y0=place - 0.5,
            y1=place - 0.5,
            yref="y2",
            line={"width": 1, "color": inks.grid},
            layer="below",
        )
    _notes(drawn, columns, len(rows))
    _figures(drawn, figures)
    return drawn


def _matrix(rows: int) -> dict[str, Any]:
    return {"range": [rows - 0.5, -0.5], "visible": False, "fixedrange": True}


def _bars(columns: Sequence[Column], chosen: Collection[str]) -> go.Bar:
    inks = charts.neutrals()
    return go.Bar(
        x=list(range(len(columns))),
        y=[each.users for each in columns],
        customdata=[each.cell for each in columns],
        hovertext=[f"{charts.plain(each.told, 80)}: {words.count(each.users, 'person', 'people')}" for each in columns],
        hovertemplate="%{hovertext}<extra></extra>",
        text=[words.number(each.users) for each in columns],
        textposition="outside",
        textangle=0,
        constraintext="none",
        textfont={"size": 11, "color": inks.soft},
        cliponaxis=False,
        marker={
            "color": [charts.colour(7) if each.note else charts.colour(0) for each in columns],
            "cornerradius": 2,
            "line": {"width": [2 if each.cell in chosen else 0 for each in columns], "color": inks.ink},
        },
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 1}},
    )


def _dots(rows: Sequence[Row], columns: Sequence[Column]) -> go.Scatter:
    inks = charts.neutrals()
    every = [(place, row) for place, each in enumerate(columns) if not each.note for row in range(len(rows))]
    return go.Scatter(
        x=[place for place, _ in every],
        y=[row for _, row in every],
        yaxis="y2",
        mode="markers",
        marker={"size": 13, "color": [charts.colour(0) if row in columns[place].rows else inks.unknown for place, row in every]},
        customdata=[columns[place].cell for place, _ in every],
        hovertext=[charts.plain(columns[place].told, 80) for place, _ in every],
        hovertemplate="%{hovertext}<extra></extra>",
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 1}},
    )


def _lines(columns: Sequence[Column]) -> list[go.Scatter]:
    line = {"color": charts.colour(0), "width": 3}
    return [
        go.Scatter(x=[place] * 2, y=[min(each.rows), max(each.rows)], yaxis="y2", mode="lines", line=line, hoverinfo="skip")
        for place, each in enumerate(columns)
        if len(each.rows) > 1
    ]


def _sizes(rows: Sequence[Row], chosen: Collection[str]) -> go.Bar:
    inks = charts.neutrals()
    return go.Bar(
        x=[each.users for each in rows],
        y=list(range(len(rows))),
        xaxis="x2",
        yaxis="y3",
        orientation="h",
        customdata=[each.cell for each in rows],
        hovertext=[f"{charts.plain(each.name)}, alone or with others: {words.number(each.users)}" for each in rows],
        hovertemplate="%{hovertext}<extra></extra>",
        text=[words.number(each.users) for each in rows],
        textposition="outside",
        textfont={"size": 11, "color": inks.soft},
        cliponaxis=False,
        marker={
            "color": [each.colour for each in rows],
            "cornerradius": 2,
            "line": {"width": [2 if each.cell in chosen else 0 for each in rows], "color": inks.ink},
        },
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 1}},
    )


def _notes(drawn: go.Figure, columns: Sequence[Column], rows: int) -> None:
    """What stands where a column has no dots."""
    for place, each in enumerate(columns):
        if each.note:
            drawn.add_annotation(
                x=place,
                xref="x",
                y=(rows - 1) / 2,
                yref="y2",
                text=each.note,
                showarrow=False,
                font={"size": 11, "color": charts.neutrals().soft},
            )


def _figures(drawn: go.Figure, figures: Sequence[tuple[str, str]]) -> None:
    """Key figures beside the bars, above the sizes of the channels."""
    for place, (value, name) in enumerate(figures):
        for text, shift, size, ink in ((value, 0, 20, charts.neutrals().ink), (name, -22, 12, charts.neutrals().soft)):
            drawn.add_annotation(
                x=0.004,
                xref="paper",
                y=1,
                yref="paper",
                yshift=shift - 74 * place,
                text=charts.plain(text, 44),
                showarrow=False,
                xanchor="left",
                yanchor="top",
                font={"size": size, "color": ink},
            )
