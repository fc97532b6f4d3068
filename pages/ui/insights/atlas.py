"""Countries as a map that needs nothing from outside: the shapes lie beside this file.

`world.json` is Natural Earth (public domain) at 1:110 million by way of world-atlas 2.0.2 (ISC), without Antarctica,
with the names and codes each country goes by. Plotly's own map would fetch its shapes from a server of theirs.
What is counted by country does not live here.
"""

from __future__ import annotations

import json
import math
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import plotly.graph_objects as go

from pages.ui import charts
from pages.ui.insights import grids

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

HEIGHT: Final = 420
_FILE: Final = Path(__file__).with_name("world.json")
_HALF: Final = 180
_BESIDE: Final = 0.07
# The natural earth projection of Tom Patterson, as polynomials (Šavrič and others, 2011).
_X: Final = ((0, 0.8707), (2, -0.131979), (4, -0.013791), (10, 0.003971), (12, -0.001529))
_Y: Final = ((1, 1.007226), (3, 0.015085), (7, -0.044475), (9, 0.028874), (11, -0.005916))


@dataclass(frozen=True, slots=True)
class Place:
    """One country as it is called in the answer, its value, what hovering tells, what a click opens."""

    name: str
    value: float
    hover: str
    cell: str | None


@dataclass(frozen=True, slots=True)
class _Country:
    centre: tuple[float, float]
    rings: tuple[tuple[tuple[float, float], ...], ...]


def knows(name: str) -> bool:
    """Whether a country of that name or code is on the map."""
    return _key(name) in _world()[1]


def draw(places: Sequence[Place], *, chosen: Collection[str] = (), height: int = HEIGHT) -> go.Figure:
    """The map: the more, the stronger; a dot marks each country that has any, so that the smallest can be clicked.

    Names of one country (`India`, `IN`) colour it together and keep a dot each.
    """
    countries, names = _world()
    found = [(names[_key(each.name)], each) for each in places if knows(each.name)]
    together: dict[int, float] = {}
    for place, each in found:
        together[place] = together.get(place, 0) + each.value
    most = max(together.values(), default=0) or 1
    steps, inks = grids.SCALE[charts.mode()], charts.neutrals()
    step_of = {place: _step(value, most, len(steps)) for place, value in together.items()}
    traces: list[Any] = [_land([country for place, country in enumerate(countries) if place not in step_of], inks.grid)]
    for step, ink in enumerate(steps):
        of_step = [countries[place] for place, its in step_of.items() if its == step]
        if of_step:
            traces.append(_land(of_step, ink))
    traces.append(_dots(_apart([(countries[place].centre, each) for place, each in found]), chosen))
    drawn = charts.figure(*traces, height=height, hovermode="closest")
    drawn.update_xaxes(visible=False)
    drawn.update_yaxes(visible=False, scaleanchor="x", scaleratio=1, showgrid=False)
    return drawn


def _step(value: float, most: float, steps: int) -> int:
    """The step of the scale, by the root: else one large country would leave all others pale."""
    return min(steps - 1, 1 + int((steps - 1) * math.sqrt(max(value, 0) / most)))


def _land(countries: Sequence[_Country], ink: str) -> go.Scatter:
    xs: list[float | None] = []
    ys: list[float | None] = []
    for ring in (ring for country in countries for ring in country.rings):
        xs += [*(x for x, _ in ring), None]
        ys += [*(y for _, y in ring), None]
    line = {"width": 0.5, "color": charts.neutrals().ground}
    return go.Scatter(x=xs, y=ys, mode="lines", line=line, fill="toself", fillcolor=ink, hoverinfo="skip")


def _apart(found: Sequence[tuple[tuple[float, float], Place]]) -> list[tuple[tuple[float, float], Place]]:
    """The dots of one country under several names stand side by side: each opens its own people."""
    seen: dict[tuple[float, float], int] = {}
    moved = []
    for centre, each in found:
        seen[centre] = seen.get(centre, -1) + 1
        moved.append(((centre[0] + _BESIDE * seen[centre], centre[1]), each))
    return moved


def _dots(found: Sequence[tuple[tuple[float, float], Place]], chosen: Collection[str]) -> go.Scatter:
    inks = charts.neutrals()
    picked = [each.cell is not None and each.cell in chosen for _, each in found]
    return go.Scatter(
        x=[centre[0] for centre, _ in found],
        y=[centre[1] for centre, _ in found],
        mode="markers",
        marker={
            "size": [12 if here else 7 for here in picked],
            "color": charts.colour(2),
            "line": {"width": [2 if here else 1 for here in picked], "color": inks.ink},
        },
        customdata=[each.cell for _, each in found],
        hovertext=[each.hover for _, each in found],
        hovertemplate="%{hovertext}<extra></extra>",
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 1}},
    )


@cache
def _world() -> tuple[tuple[_Country, ...], dict[str, int]]:
    """The countries, and the place of each by every name it goes by."""
    countries: list[_Country] = []
    names: dict[str, int] = {}
    for place, each in enumerate(json.loads(_FILE.read_text("utf-8"))):
        rings = tuple(_cut(ring) for ring in each["rings"])
        countries.append(_Country(_projected(*each["centre"]), rings))
        names |= {_key(name): place for name in each["names"]}
    return tuple(countries), names


def _cut(flat: Sequence[float]) -> tuple[tuple[float, float], ...]:
    """A ring, projected; what reaches over the date line stays on the side where it begins."""
    points = list(zip(flat[::2], flat[1::2], strict=True))
    first = points[0][0]
    return tuple(_projected(_near(longitude, first), latitude) for longitude, latitude in points)


def _near(longitude: float, first: float) -> float:
    if longitude - first > _HALF:
        return longitude - 2 * _HALF
    return longitude + 2 * _HALF if first - longitude > _HALF else longitude


def _projected(longitude: float, latitude: float) -> tuple[float, float]:
    x, y = math.radians(longitude), math.radians(latitude)
    across = sum(factor * y**power for power, factor in _X)
    return round(x * across, 4), round(sum(factor * y**power for power, factor in _Y), 4)


def _key(name: str) -> str:
    bare = unicodedata.normalize("NFKD", name).casefold()
    return "".join(each for each in bare if each.isalnum())
