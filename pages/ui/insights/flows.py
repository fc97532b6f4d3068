"""Flows as a Sankey: drawn by ECharts, as plotly tells of no click on a link.

The chart answers a place in a list; `cell_of` turns it back into the cell drawn there. What is counted does not live here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from pages.ui import charts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

HEIGHT: Final = 440
LONGEST: Final = 24


@dataclass(frozen=True, slots=True)
class Node:
    """What stands on one level: its key, its name, its colour, the cell behind it."""

    key: str
    level: int
    name: str
    told: str
    colour: str
    cell: str | None


@dataclass(frozen=True, slots=True)
class Link:
    """How many went from one node to another."""

    source: str
    target: str
    value: float
    told: str
    cell: str | None


def spec(nodes: Sequence[Node], links: Sequence[Link], chosen: str | None = None, *, name: str = "flow") -> dict[str, Any]:
    """The chart as ECharts reads it: JSON, no functions. `name` is that of the picture its camera takes."""
    inks = charts.neutrals()
    drawn = [
        {
            "name": each.key,
            "depth": each.level,
            "itemStyle": {
                "color": each.colour,
                "borderWidth": 2 if chosen and each.cell == chosen else 0,
                "borderColor": inks.ink,
            },
            "label": {"formatter": _label(each.name)},
            "tooltip": {"formatter": charts.plain(each.told, 200)},
        }
        for each in nodes
    ]
    flows = [
        {
            "source": each.source,
            "target": each.target,
            "value": each.value,
            "lineStyle": {"opacity": 0.7 if chosen and each.cell == chosen else 0.3},
            "tooltip": {"formatter": charts.plain(each.told, 200)},
        }
        for each in links
    ]
    series = {
        "type": "sankey",
        "selectedMode": "single",
        "data": drawn,
        "links": flows,
        "nodeWidth": 12,
        "nodeGap": 10,
        "left": 8,
        "right": 120,
        "top": 26,
        "bottom": 8,
        "layoutIterations": 32,
        "lineStyle": {"color": "source", "curveness": 0.5},
        "label": {"color": inks.ink, "fontSize": 12},
        "emphasis": {"focus": "none"},
        "select": {"itemStyle": {"borderColor": inks.ink, "borderWidth": 2}, "lineStyle": {"opacity": 0.7}},
        "animation": False,
    }
    camera = {"title": "PNG", "name": name, "pixelRatio": 2, "backgroundColor": inks.ground}
    toolbox = {"right": 0, "top": 0, "itemSize": 13, "iconStyle": {"borderColor": inks.soft}, "feature": {"saveAsImage": camera}}
    return {"tooltip": {"trigger": "item"}, "toolbox": toolbox, "series": [series], "animation": False}


def draw(chart: Mapping[str, Any], *, key: str, alt: str, on_select: Any, height: int = HEIGHT) -> None:
    """Put the Sankey on the page."""
    st.echarts_chart(dict(chart), key=key, alt=alt, on_select=on_select, height=height)


def cell_of(state: Mapping[str, Any], nodes: Sequence[Node], links: Sequence[Link]) -> str | None:
    """The cell behind what was clicked, by what the chart told of it."""
    for each in state.get("selection", {}).get("selected", []):
        among: Sequence[Node] | Sequence[Link] = links if each["data_type"] == "edge" else nodes
        for place in each["data_indices"]:
            if place < len(among):
                found: str | None = among[place].cell
                return found
    return None


def _label(name: str) -> str:
    """A label as ECharts takes it: braces would be a template."""
    cut = name if len(name) <= LONGEST else name[: LONGEST - 1] + "…"
    return cut.replace("{", "(").replace("}", ")").replace("|", "¦")
