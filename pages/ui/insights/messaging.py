"""Engagement by channel: bars of a stage beside each other, as shares of those a message was sent to.

What is counted does not live here (`user360/insights/engagement`), nor what a click opens (`frame`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import plotly.graph_objects as go

from pages.ui import charts, words
from pages.ui.insights import readings
from pages.ui.insights.picture import Picture
from user360.insight import NONE, VALUE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pages.ui.insights.picture import Wanted
    from user360.insight import Result

NOTHING: Final = "No event of this period says that a message was sent (Message Sent, Email Sent …)."
STAGES: Final = {"sent": "Sent", "delivered": "Delivered", "read": "Read", "clicked": "Clicked", "replied": "Replied"}


def picture(question: Any, result: Result, wanted: Wanted) -> Picture:
    """The stages from left to right, a colour a channel, the channels of most people first."""
    rows = {(row["channel"], row["stage"]): row for row in result.table.to_pylist()}
    channels = sorted({each for each, _ in rows}, key=lambda each: (each == NONE, -rows[each, "sent"]["users"], each))
    if not channels:
        return Picture(f"{question.label}. Nobody was sent a message.", nothing=NOTHING)
    stages = [each for each in STAGES if any((channel, each) in rows for channel in channels)]
    drawn = charts.figure(
        *[_bar(each, stages, rows, wanted) for each in channels],
        height=wanted.height,
        barmode="group",
        bargap=0.25,
        bargroupgap=0.08,
    )
    drawn.update_yaxes(range=[0, 108], ticksuffix="%", nticks=6)
    drawn.update_xaxes(tickfont={"size": 12, "color": charts.neutrals().ink})
    legend: dict[str, Any] = {"orientation": "h", "x": 0, "xanchor": "left", "y": 1, "yanchor": "bottom", "traceorder": "normal"}
    legend |= {"itemclick": False, "itemdoubleclick": False, "font": {"size": 12, "color": charts.neutrals().soft}}
    drawn.update_layout(showlegend=True, legend=legend, margin_t=34)
    told = "; ".join(
        f"{_named(channel)} "
        + ", ".join(
            f"{STAGES[stage].lower()} {words.number(rows[channel, stage]['users'])}"
            for stage in stages
            if (channel, stage) in rows
        )
        for channel in channels
    )
    return Picture(f"Of those a message was sent to. {told}", "% of people a message was sent to", drawn)


def told(question: Any, cell: Mapping[str, Any]) -> str:
    """A cell in words: `WhatsApp · Read`."""
    del question
    return f"{_named(str(cell.get('channel', NONE)))} · {STAGES.get(str(cell.get('stage')), '')}"


def _bar(channel: str, stages: Sequence[str], rows: Mapping[tuple[str, str], Mapping[str, Any]], wanted: Wanted) -> go.Bar:
    inks = charts.neutrals()
    sent = rows[channel, "sent"]["users"]
    heads = [rows.get((channel, each), {"users": 0})["users"] for each in stages]
    cells = [readings.cell({"channel": channel, "stage": each}) for each in stages]
    return go.Bar(
        name=charts.plain(_named(channel)),
        x=[STAGES[each] for each in stages],
        y=[100 * each / sent for each in heads],
        customdata=[cell if head else None for cell, head in zip(cells, heads, strict=True)],
        text=[f"{100 * each / sent:.0f}" if each else "" for each in heads],
        textposition="outside",
        textfont={"size": 11, "color": inks.soft},
        constraintext="none",
        textangle=0,
        hovertext=[
            f"{charts.plain(_named(channel))} · {STAGES[stage]}: {words.number(head)} ({words.share(head, sent)})"
            for stage, head in zip(stages, heads, strict=True)
        ],
        hovertemplate="%{hovertext}<extra></extra>",
        marker={
            "color": charts.colour(7) if channel == NONE else charts.channel_colour(channel.removeprefix(VALUE)),
            "cornerradius": 2,
            "line": {"width": [2 if each in wanted.chosen else 0 for each in cells], "color": inks.ink},
        },
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 1}},
    )


def _named(channel: str) -> str:
    return words.NO_GROUP if channel == NONE else words.channel(channel.removeprefix(VALUE))
