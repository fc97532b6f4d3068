"""How reachability is drawn: the consent of all as bars of 100 per channel, or the steps from everybody to the reachable.

What is counted does not live here (`user360/insights/reachability`), nor what a click opens (`frame`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import plotly.graph_objects as go

from pages.ui import charts, words
from pages.ui.insights import readings
from pages.ui.insights.picture import Picture

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pages.ui.insights.picture import Wanted
    from user360.insight import Result

CONSENT, STEPS = "consent", "steps"
CHANNELS: Final = ("=email", "=whatsapp", "=sms")
ASKED: Final = (("said yes", "Opted in"), ("not asked", "Never asked"), ("said no", "Opted out"))
WATERFALL: Final = (
    ("no address", "No address"),
    ("not valid", "Not valid"),
    ("opted out", "Opted out"),
    ("never asked", "Never asked"),
    ("reachable", "Reachable"),
)
_LEAST_LABEL: Final = 9.0  # narrower than so many percent a number does not fit


def picture(question: Any, result: Result, wanted: Wanted) -> Picture:
    """The consent of all members, or the steps: each member of a channel is in exactly one part."""
    del question
    rows = {(row["channel"], row["step"]): row["users"] for row in result.table.to_pylist() if row["combination"] is None}
    if not rows:
        return Picture("Reach. Nobody to show.")
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
    traces = []
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
        legend |= {"itemclick": False, "itemdoubleclick": False, "font": {"size": 12, "color": charts.neutrals().soft}}
        drawn.update_layout(showlegend=True, legend=legend)
    drawn.update_layout(margin_t=34)
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
