"""The board a workspace begins with: what most people want to know first, of the events that are there.

Without it the page of boards would begin empty, and everybody would pin the same charts. A board that was made is
like any other: it is changed, archived, and never made a second time. What a board is does not live here (`boards`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from user360 import boards, events, insights, segments
from user360.errors import NameTaken, User360Error

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from user360.boards import Board
    from user360.segments import Catalog
    from user360.store import Store

NAME: Final = "First look"
DESCRIPTION: Final = "What most people want to know first. Change it as you like."
BOUGHT: Final = ("Order Completed", "Purchase", "Purchased", "Order", "Payment Completed")
TO_BUY: Final = ("Product Viewed", "Product Added", "Checkout Started", "Order Completed")
WEEKS: Final = {"period": {"last": 12, "unit": "week"}, "granularity": "week"}
MOST_SERIES: Final = 4


def board(store: Store, *, by: str, at: datetime) -> Board | None:
    """Make the first board of a workspace; None where there was one already, archived or not."""
    if boards.find(store, archived=None):
        return None
    tiles = tuple(_tiles(store))
    try:
        return boards.make(store, NAME, description=DESCRIPTION, tiles=tiles, by=by, at=at)
    except NameTaken:  # another tab was quicker
        return None


def bought(catalog: Catalog) -> str | None:
    """The event that is a purchase here, by its usual names."""
    return next((each for each in BOUGHT if each in catalog.events), None)


def _tiles(store: Store) -> Iterator[boards.Tile]:
    """Those of the wanted charts that can be asked here, in order."""
    catalog = segments.load_catalog(store)
    for title, question, width, height in _wanted(store, catalog):
        try:
            insights.parse(question).check(catalog)
        except User360Error:
            continue
        yield boards.Tile("", title, question, width, height)


def _wanted(store: Store, catalog: Catalog) -> Iterator[tuple[str, dict[str, Any], int, int]]:
    """Title, question, width and height of each chart; what cannot be asked here is left out by who asks."""
    commonest = _commonest(store)
    told = bought(catalog) or (commonest[0] if commonest else None)
    yield "Key figures", {"kind": "overview"}, 3, 1
    yield "Active users by channel", {"kind": "active", "breakdown": {"by": "channel"}}, 2, 1
    yield "Active in 1, 7 and 30 days", {"kind": "active", "rolling": True}, 1, 1
    if commonest:
        yield (
            "Commonest events, users",
            {"kind": "trend", "series": [{"of": {"event": each}} for each in commonest], **WEEKS},
            2,
            1,
        )
    figures = [{"of": {"event": told}, "figure": "total"}, {"of": {"event": told}}]
    yield f"{told or 'Any event'}, times and users", {"kind": "trend", "series": figures, **WEEKS}, 1, 1
    yield "From looking to buying", {"kind": "funnel", "steps": [{"event": each} for each in TO_BUY]}, 2, 1
    if told:
        yield "Value groups", {"kind": "rfm", "of": {"event": told}, "period": {"last": 90, "unit": "day"}}, 1, 1
    whole_row = all(each in catalog.events for each in TO_BUY)  # the way to buy already stands beside the narrow one
    yield "Whom messages reach", {"kind": "reachability"}, 3 if whole_row else 2, 1
    yield "Who comes back", {"kind": "retention", "start": {"event": None}, **WEEKS}, 3, 2


def _commonest(store: Store) -> list[str]:
    """The events that most often happened, commonest first."""
    return [row["event"] for row in events.catalogue(store).to_pylist() if not row["system"] and row["total"]][:MOST_SERIES]
