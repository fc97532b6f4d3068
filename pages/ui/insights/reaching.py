"""How reachability is drawn: the consent of all as bars of 100 per channel, or the steps from everybody to the reachable.

What is counted does not live here (`user360/insights/reachability`), nor what a click opens (`frame`).
"""

from __future__ import annotations

import functools
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final

import plotly.graph_objects as go
import pyarrow as pa
import streamlit as st

from pages.ui import charts, layout, states, words
from pages.ui.insights import asking, readings, together
from pages.ui.insights.picture import Picture
from user360.insight import NONE, VALUE

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from pages.ui.insights.picture import Wanted
    from user360.insight import Result

CONSENT, STEPS, TOGETHER = "consent", "steps", "together"
CHANNELS: Final = ("=email", "=whatsapp", "=sms")
ASKED: Final = (("said yes", "Opted in"), ("not asked", "Never asked"), ("said no", "Opted out"))
WATERFALL: Final = (
    ("no address", "No address"),
    ("not valid", "Not valid"),
    ("opted out", "Opted out"),
    ("never asked", "Never asked"),
    ("reachable", "Reachable"),
)
LADDER: Final = (
    ("members", "Everybody"),
    ("address", "… with an address"),
    ("valid", "… that is valid"),
    ("opted out", "of them opted out"),
    ("never asked", "of them never asked"),
    ("opted in", "of them opted in"),
    ("reachable", "Reachable"),
)
ENOUGH: Final = 0.9
_LEAST_LABEL: Final = 9.0  # narrower than so many percent a number does not fit


def picture(question: Any, result: Result, wanted: Wanted) -> Picture:
    """The consent of all members, or the steps: each member of a channel is in exactly one part."""
    if wanted.view == TOGETHER:
        return _together(result, wanted)
    del question
    rows = {(row["channel"], row["step"]): row["users"] for row in result.table.to_pylist() if row["combination"] is None}
    if not rows:
        return Picture("Reach. Nobody to show.", nothing="Nobody is here to be reached.")
    parts = WATERFALL if wanted.view == STEPS else ASKED
    drawn = _bars(rows, parts, wanted)
    told = "; ".join(
        f"{words.channel(each.removeprefix('='))}: "
        + ", ".join(f"{name.lower()} {words.number(rows.get((each, step), 0))}" for step, name in parts)
        for each in CHANNELS
    )
    return Picture(f"Reach by channel. {told}", "% of all people", drawn)


def _bars(rows: Mapping[tuple[str, str], int], parts: Sequence[tuple[str, str]], wanted: Wanted) -> go.Figure:
    whole = max([rows.get((each, "members"), 0) for each in CHANNELS]) or 1
    inks = _inks()
    traces: list[go.Bar] = []
    for step, name in parts:
        heads = [rows.get((each, step), 0) for each in CHANNELS]
        if not any(heads) and step == "not valid":
            continue
        shares = [100 * each / whole for each in heads]
        cells = [readings.cell({"channel": each, "step": step, "combination": None}) for each in CHANNELS]
        traces.append(
            go.Bar(
                name=name,
                x=shares,
                y=[words.channel(each.removeprefix("=")) for each in CHANNELS],
                orientation="h",
                customdata=[cell if head else None for cell, head in zip(cells, heads, strict=True)],
                text=[f"{each:.1f}" if each >= _LEAST_LABEL else "" for each in shares],
                textposition="inside",
                insidetextanchor="middle",
                textangle=0,
                constraintext="none",
                textfont={"size": 11, "color": inks[step][1]},
                hovertext=[
                    f"{words.channel(each.removeprefix('='))} · {name}: {words.number(head)} ({words.share(head, whole)})"
                    for each, head in zip(CHANNELS, heads, strict=True)
                ],
                hovertemplate="%{hovertext}<extra></extra>",
                marker={
                    "color": inks[step][0],
                    "pattern": charts.hatched(len(traces), inks[step][0]),
                    "line": {
                        "width": [2 if cell in wanted.chosen else 1 for cell in cells],
                        "color": [charts.neutrals().ink if cell in wanted.chosen else charts.neutrals().ground for cell in cells],
                    },
                },
                selected={"marker": {"opacity": 1}},
                unselected={"marker": {"opacity": 1}},
            )
        )
    drawn = charts.figure(*traces, height=wanted.height, barmode="stack", bargap=0.5)
    drawn.update_xaxes(visible=False, range=[0, 100])
    drawn.update_yaxes(autorange="reversed", ticks="", showgrid=False, ticklabelstandoff=6)
    drawn.update_yaxes(tickfont={"size": 12, "color": charts.neutrals().ink})
    if len(traces) <= len(ASKED):
        _names_above(drawn, parts, inks)
    else:
        legend = {"orientation": "h", "x": 0, "xanchor": "left", "y": 1, "yanchor": "bottom", "traceorder": "normal"}
        legend |= {"entrywidthmode": "fraction", "entrywidth": 0.32}  # else the longest name would leave room for one column
        legend |= {"itemclick": False, "itemdoubleclick": False, "font": {"size": 12, "color": charts.neutrals().soft}}
        drawn.update_layout(showlegend=True, legend=legend)
    drawn.update_layout(margin_t=34 if len(traces) <= len(ASKED) else 52)
    return drawn


def _names_above(drawn: go.Figure, parts: Sequence[tuple[str, str]], inks: Mapping[str, tuple[str, str]]) -> None:
    """The names over the beginning, the middle and the end of the bars: a legend would not fit into one line of a card."""
    for place, (step, name) in enumerate(parts):
        drawn.add_annotation(
            x=50 * place,
            y=1,
            yref="paper",
            yshift=14,
            xanchor=("left", "center", "right")[place],
            text=f"<span style='color:{inks[step][0]}'>■</span> {name}",
            showarrow=False,
            font={"size": 11, "color": charts.neutrals().soft},
        )


def table(key: str, question: Any, result: Result) -> None:
    """The steps one below the other, a column a channel; a cell opens its people."""
    rows = {(row["channel"], row["step"]): row["users"] for row in result.table.to_pylist() if row["combination"] is None}
    if not rows:
        return
    columns: dict[str, Any] = {"Step": pa.array([name for _, name in LADDER], pa.string())}
    for each in CHANNELS:
        counts = [rows.get((each, step), 0) for step, _ in LADDER]
        columns[words.channel(each.removeprefix(VALUE))] = pa.array(counts, pa.int64())
    widget = f"{key}.{hash(asking.chosen(question))}"
    config: dict[str, Any] = {each: st.column_config.NumberColumn(width=130, format="localized") for each in columns}
    with layout.card("Step by step", "click a number to see them"):
        layout.table(
            pa.table(columns),
            key=widget,
            column_config=config | {"Step": st.column_config.TextColumn()},
            alt="From everybody to the reachable, step by step, for each channel. A number opens its people.",
            on_select=states.acting(functools.partial(_chosen, question, widget, tuple(columns))),
            selection_mode="single-cell",
        )


def _chosen(question: Any, widget: str, columns: Sequence[str]) -> None:
    cells = st.session_state[widget]["selection"]["cells"]
    if cells and cells[0][1] in columns[1:]:
        channel = CHANNELS[columns.index(cells[0][1]) - 1]
        asking.choose(question, [readings.cell({"channel": channel, "step": LADDER[cells[0][0]][0], "combination": None})])


# -- across channels ----------------------------------------------------------------------------


def _together(result: Result, wanted: Wanted) -> Picture:
    """By which channels people are reached, each in one column; those nobody reaches last."""
    rows = {(row["channel"], row["step"]): row["users"] for row in result.table.to_pylist() if row["combination"] is None}
    combined = _combined(result)
    if not combined:
        return Picture("Reach. Nobody to show.", nothing="Nobody is here to be reached.")
    sets = [
        together.Row(
            words.channel(each.removeprefix(VALUE)),
            rows.get((each, "reachable"), 0),
            readings.cell({"channel": each, "step": "reachable", "combination": None}),
            charts.channel_colour(each.removeprefix(VALUE)),
        )
        for each in CHANNELS
    ]
    columns = [
        together.Column(
            tuple(place for place, each in enumerate(CHANNELS) if each.removeprefix(VALUE) in inside),
            users,
            readings.cell({"channel": "any", "step": "combination", "combination": name}),
            _listed(inside) or "Not reached",
            "" if inside else "Not<br>reached",
        )
        for name, inside, users in combined
    ]
    told = "; ".join(f"{each.told}: {words.number(each.users)}" for each in columns)
    figure = together.draw(sets, columns, wanted.chosen)
    return Picture(f"By which channels people are reached. {told}", "each person is in exactly one column", figure)


def _combined(result: Result) -> list[tuple[str, tuple[str, ...], int]]:
    """The combinations that reach somebody, of most people first, and the one of nobody reached last."""
    rows = [row for row in result.table.to_pylist() if row["combination"] is not None]
    found = [(row["combination"], _inside(row["combination"]), row["users"]) for row in rows]
    return sorted(found, key=lambda each: (not each[1], -each[2], each[0]))


def _inside(combination: str) -> tuple[str, ...]:
    return () if combination == NONE else tuple(combination.removeprefix(VALUE).split(" + "))


def _listed(channels: Collection[str]) -> str:
    return " and ".join(words.channel(each) for each in channels)


def fewest(result: Result) -> str:
    """The fewest channels by which nine of ten reachable people are reached, in a sentence; plain text."""
    combined = _combined(result)
    reachable = sum(users for _, inside, users in combined if inside)
    if not reachable:
        return "Nobody can be reached on any channel."
    names = [each.removeprefix(VALUE) for each in CHANNELS]
    by = {
        chosen: sum(users for _, inside, users in combined if set(inside) & set(chosen))
        for size in range(1, len(names) + 1)
        for chosen in combinations(names, size)
    }
    enough = [each for each in by if by[each] >= ENOUGH * reachable]
    least = min(enough, key=lambda each: (len(each), -by[each]))
    share = words.share(by[least], reachable)
    how = "together reach" if len(least) > 1 else "alone reaches"
    return f"{_listed(least)} {how} {share} of the {words.count(reachable, 'person', 'people')} any channel reaches."


def told(question: Any, cell: Mapping[str, Any]) -> str:
    """A cell in words: `Email · no address`, `Reached by Email and SMS`."""
    combination = cell.get("combination")
    if isinstance(combination, str):
        return f"Reached by {_listed(_inside(combination))}" if combination != NONE else "Reached on no channel"
    channel, step = str(cell.get("channel", "any")), str(cell.get("step", ""))
    return f"{words.channel(channel.removeprefix(VALUE)) if channel != 'any' else question.label} · {step}"


def _inks() -> dict[str, tuple[str, str]]:
    """The colour of each part, and the ink that reads on it."""
    inks, dark = charts.neutrals(), charts.mode() == "dark"
    on_strong = inks.ground if dark else "#FFFFFF"
    yes, no, unknown = (charts.colour(1), on_strong), (charts.colour(4), on_strong), (inks.unknown, inks.ink)
    none, bad = (charts.colour(7), inks.ground if dark else inks.ink), (charts.colour(2), inks.ground if dark else inks.ink)
    return {
        **dict.fromkeys(("said yes", "reachable"), yes),
        **dict.fromkeys(("not asked", "never asked"), unknown),
        **dict.fromkeys(("said no", "opted out"), no),
        "no address": none,
        "not valid": bad,
    }
