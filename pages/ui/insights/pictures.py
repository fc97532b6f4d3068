"""The one list of how each kind of insight is drawn and on which page it is asked.

Its page, the tiles of every board and the files made of them read this list, so that a chart looks the same wherever it
stands. **A new kind needs one line in `KINDS`**: the function that draws it, and its page with the parameters of its view.
Without a line a kind is drawn by the roles of its columns. What an answer says does not live here (`user360/insights`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NoReturn

from pages.ui import nav, session
from pages.ui.insights import (
    asking,
    beside,
    by_channel,
    by_roles,
    distributions,
    funneling,
    habits,
    messaging,
    moving,
    pathways,
    places,
    reaching,
    readings,
    returning,
    standing,
    tiles,
    timelines,
    together,
    top,
    trending,
)
from pages.ui.insights.picture import Picture
from pages.ui.rules import PARAMETER
from user360 import insight

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pages.ui.insights.picture import Wanted
    from user360.insight import Insight, Result


@dataclass(frozen=True, slots=True)
class Kind:
    """How a kind is drawn, and on which page it is asked, with which parameters.

    `title` says a question in a few words, else the kind's own label does; `told` says a cell of it, else its columns do;
    `named` is what a series of it is called, `whole` the same question of the period as a whole.
    """

    draw: Callable[[Any, Result, Wanted], Picture]
    screen: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    title: Callable[[Any], str] | None = None
    told: Callable[[Any, Mapping[str, Any]], str] | None = None
    named: Callable[[Any, int], str] | None = None
    whole: Callable[[Any], Insight] | None = None


KINDS: Final[dict[str, Kind]] = {
    "active": Kind(timelines.picture, "trends", {"view": "active"}, timelines.title),
    "funnel": Kind(funneling.picture, "funnels", {}, funneling.title, funneling.told),
    "paths": Kind(pathways.picture, "paths", {}, pathways.title, pathways.told),
    "channels": Kind(by_channel.picture, "channels", {"view": "time"}, by_channel.title),
    "engagement": Kind(messaging.picture, "channels", {"view": "time"}, told=messaging.told),
    "geography": Kind(places.picture, "trends", {"view": "map"}, places.title, places.told),
    "overlap": Kind(together.picture, "channels", {"view": "together"}, told=together.cell_told),
    "switching": Kind(moving.picture, "channels", {"view": "switching"}, told=moving.told),
    "overview": Kind(tiles.picture, "overview", told=tiles.told),
    "reachability": Kind(reaching.picture, "channels", {"view": "reach"}, told=reaching.told),
    "top_events": Kind(top.picture, "overview"),
    "frequency": Kind(standing.how_often, "value_groups", {"view": "frequency"}, standing.how_often_title, standing.told_often),
    "recency": Kind(standing.how_long_ago, "value_groups", {"view": "recency"}, standing.how_long_ago_title, standing.told_ago),
    "rfm": Kind(standing.grid, "value_groups", {"view": "rfm"}, standing.grid_title, standing.told),
    "transitions": Kind(
        standing.movements, "value_groups", {"view": "transitions"}, standing.movements_title, standing.told_movement
    ),
    "retention": Kind(returning.picture, "retention", {}, returning.title, returning.told),
    "lifecycle": Kind(habits.living, "trends", {"view": "lifecycle"}, habits.living_title, habits.living_told),
    "rhythm": Kind(habits.rhythm, "trends", {"view": "rhythm"}, habits.rhythm_title, habits.rhythm_told),
    "sessions": Kind(habits.visits, "trends", {"view": "sessions"}, habits.visits_title, habits.visits_told),
    "trend": Kind(
        timelines.picture, "trends", {"view": "trends"}, timelines.title, named=trending.lettered, whole=trending.whole
    ),
    "values": Kind(distributions.picture, "value_groups", {"view": "values"}, distributions.title, distributions.told),
}
TO_COME: Final = "This period has not begun yet."
_BY_ROLES: Final = Kind(by_roles.picture)


def of(kind: str) -> Kind:
    """How a kind is drawn."""
    return KINDS.get(kind, _BY_ROLES)


def draw(question: Insight, result: Result, wanted: Wanted) -> Picture:
    """The picture of an answer; of a period that is still to come there is none."""
    if not result.table.num_rows and insight.span(question.period, session.catalog(), session.at())[0] > session.at():
        return Picture(f"{title(question)}. {TO_COME}", nothing=TO_COME)
    return of(question.kind).draw(question, result, wanted)


def title(question: Insight) -> str:
    """The question in a few words, plain text."""
    told = of(question.kind).title
    return told(question) if told is not None else question.label


def told(question: Insight, result: Result, cells: Sequence[str]) -> str:
    """What was chosen, in words, plain text: `Web · 12 Nov`."""
    says = of(question.kind).told
    cell = asking.cell(cells[0]) if len(cells) == 1 else None
    return says(question, cell) if says is not None and cell is not None else readings.titled(question, result, cells)


def whole(question: Insight) -> Insight | None:
    """The same question of the period as a whole; None where there is none."""
    made = of(question.kind).whole
    return made(question) if made is not None else None


def series_named(question: Insight, place: Any) -> Any:
    """What a series of a question is called, as plain text; of a kind without names its number."""
    named = of(question.kind).named
    return named(question, place) if named is not None else place


def open_(document: Mapping[str, Any], view: str = "") -> NoReturn:
    """Ask a question on the page of its kind."""
    kind = of(str(document["kind"]))
    people = document.get("people")
    asked = {key: value for key, value in document.items() if key != "people"}
    rule = json.dumps({"version": 1, **people}, ensure_ascii=False, separators=(",", ":")) if people else None
    compares = view == beside.BEFORE or view.startswith(beside.SEGMENT)
    ways: dict[str, Any] = beside.parameters(view) if compares else {habits.WAY: view or None}
    if view.startswith(returning.OF_GROUP):
        ways = {returning.GROUP: view.removeprefix(returning.OF_GROUP)}
    given = {**kind.parameters, asking.QUESTION: asking.written(asked), PARAMETER: rule, **ways}
    nav.go(kind.screen, **given)
