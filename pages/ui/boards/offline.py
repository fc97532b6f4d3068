"""A board as one file that needs nothing else: every chart with its own figures, and the library that draws them.

The file may be sent to anybody and is opened without a network: it fetches nothing, and its own policy forbids it to.
Every text in it is data and escaped. What a board shows does not live here (`tiles`).
"""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import plotly.graph_objects as go
import plotly.io
from plotly.offline import get_plotlyjs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pages.ui.boards.tiles import Drawn
    from pages.ui.charts import Neutrals
    from pages.ui.insights.picture import Picture

POLICY: Final = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
FLOW_HEIGHT: Final = 420
_CONFIG: Final = {"displaylogo": False, "responsive": True, "modeBarButtonsToRemove": ["sendDataToCloud"]}
_STYLE: Final = """
body{{font:14px/1.45 "Source Sans 3",system-ui,sans-serif;margin:24px;background:{ground};color:{ink}}}
h1{{font-size:22px;margin:0 0 4px}} h2{{font-size:15px;margin:0}} p{{margin:0 0 12px;color:{soft}}} h2+p{{margin:0 0 6px;font-size:12px}}
main{{display:grid;grid-template-columns:repeat(3,minmax(0,1fr));gap:16px}}
section{{border:1px solid {axis};border-radius:8px;padding:12px;min-width:0}}
@media (max-width:900px){{main{{grid-template-columns:minmax(0,1fr)}} section{{grid-column:auto !important}}}}
"""


@dataclass(frozen=True, slots=True)
class Sheet:
    """What stands over and under the charts; plain text, all of it."""

    name: str
    description: str
    scope: str
    footnote: str


def file_of(sheet: Sheet, tiles: Sequence[Drawn], inks: Neutrals) -> bytes:
    """The whole file."""
    style = _STYLE.format(ground=inks.ground, ink=inks.ink, soft=inks.soft, axis=inks.axis)
    parts = [
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>",
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
        "<meta name='viewport' content='width=device-width, initial-scale=1'>",
        f"<title>{html.escape(sheet.name)}</title><style>{style}</style><script>{get_plotlyjs()}</script></head><body>",
        f"<h1>{html.escape(sheet.name)}</h1>",
        *(f"<p>{html.escape(each)}</p>" for each in (sheet.description, sheet.scope) if each),
        "<main>",
        *(_section(each, inks) for each in tiles),
        f"</main><p style='margin-top:16px'>{html.escape(sheet.footnote)}</p></body></html>",
    ]
    return "\n".join(parts).encode()


def _section(drawn: Drawn, inks: Neutrals) -> str:
    head = f"<h2>{html.escape(drawn.tile.title)}</h2><p>{html.escape(drawn.period)}</p>"
    return f"<section style='grid-column:span {drawn.tile.width}'>{head}{_chart(drawn.picture, inks)}</section>"


def _chart(picture: Picture | None, inks: Neutrals) -> str:
    if picture is None:
        return "<p>This cannot be asked any more.</p>"
    if picture.empty:
        return f"<p>{html.escape(picture.nothing)}</p>"
    figure = picture.figure if picture.figure is not None else _flow(picture, inks)
    drawn: str = plotly.io.to_html(figure, config=_CONFIG, include_plotlyjs=False, full_html=False, default_height="auto")
    return drawn


def _flow(picture: Picture, inks: Neutrals) -> go.Figure:
    """A flow by plotly: what ECharts draws on the page cannot be drawn from one file."""
    places = {each.key: place for place, each in enumerate(picture.nodes)}
    deepest = max((each.level for each in picture.nodes), default=0) or 1
    nodes = {
        "label": [html.escape(each.name) for each in picture.nodes],
        "color": [each.colour for each in picture.nodes],
        "x": [min(max(each.level / deepest, 0.001), 0.999) for each in picture.nodes],
        "customdata": [html.escape(each.told) for each in picture.nodes],
        "hovertemplate": "%{customdata}<extra></extra>",
        "pad": 12,
        "thickness": 12,
        "line": {"width": 0},
    }
    links = {
        "source": [places[each.source] for each in picture.links],
        "target": [places[each.target] for each in picture.links],
        "value": [each.value for each in picture.links],
        "customdata": [html.escape(each.told) for each in picture.links],
        "hovertemplate": "%{customdata}<extra></extra>",
        "color": [_faint(picture.nodes[places[each.source]].colour) for each in picture.links],
    }
    height = picture.height or FLOW_HEIGHT
    layout = {"height": height, "margin": {"l": 8, "r": 8, "t": 8, "b": 8}, "paper_bgcolor": "rgba(0,0,0,0)"}
    return go.Figure(go.Sankey(node=nodes, link=links, arrangement="snap", textfont={"color": inks.ink}), layout=layout)


def _faint(colour: str) -> str:
    """A colour of `#rrggbb` so thin that what lies under it shows."""
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.3)"
