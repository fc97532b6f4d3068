"""Every module of the pages, read when the server starts: else the first visitor of each page waits for what it alone needs.

What the data have ready by then does not live here (`user360/jobs`).
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import Final

import plotly.graph_objects as go

from pages import ui
from user360 import insights

_RUNS: Final = "pages.ui.main"  # the script itself, which would draw a page
_ALONE: Final = ("user360.beginning", "user360.demo", "user360.reconciling")
"""What the script of a page needs, and no other module of the pages."""


def read() -> None:
    """Read them all, the shelf of insights with them, and draw something, since Plotly reads half of itself for its first figure."""
    for found in pkgutil.walk_packages(ui.__path__, f"{ui.__name__}."):
        if found.name != _RUNS:
            importlib.import_module(found.name)
    insights.every()
    for each in _ALONE:
        importlib.import_module(each)
    go.Figure(go.Bar(x=[0], y=[0])).add_scatter(x=[0], y=[0]).update_layout(hovermode="x").to_json()
