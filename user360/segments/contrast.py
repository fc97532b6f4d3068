"""What sets one group of people apart from another: values and events that are commoner in the one, and how surely.

The lift is the share among the first divided by the share among the other. Its interval is the one of
a ratio of two shares (Katz et al., 1978, "Obtaining confidence intervals for the risk ratio"), with
half a person added where a count is zero; what could be chance is left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from user360 import profiles
from user360.events import FIRST_OF_OTHERS
from user360.segments import asking
from user360.segments.catalog import load_catalog
from user360.segments.frames import Frame
from user360.segments.rules import During, EventCondition, Events, PropertyCondition
from user360.segments.wording import phrase
from user360.sql import Sql, sql

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from user360.people import People
    from user360.properties import Property
    from user360.segments.catalog import Catalog
    from user360.segments.rules import Node
    from user360.store import Store

SURE: Final = 1.959964  # of a normal distribution, for 95 %
MOST_VALUES: Final = 30
LEAST_PEOPLE: Final = 5
LAST: Final = During("last", (90, "day"))
_BOTH: Final = Sql("count(*) FILTER (in_one), count(*) FILTER (in_other)")
_UNTELLING: Final = frozenset(
    {"userId", "firstName", "lastName", "name", "email", "phone", "ip", "latitude", "longitude", "createdAt", "updatedAt"}
)


@dataclass(frozen=True, slots=True)
class Trait:
    """A condition, how many of each group meet it, and the lift with the ends of its interval."""

    node: Node
    words: str
    of_one: int
    of_other: int
    share_one: float
    share_other: float
    lift: float
    low: float
    high: float

    @property
    def strength(self) -> float:
        """By how much the shares differ at least, as a factor, in whichever direction."""
        return max(self.low, 1 / self.high)


def apart(store: Store, one: People, other: People, *, at: datetime, most: int = 40) -> tuple[Trait, ...]:
    """The traits that set the first group apart, surest difference first; those rarer in it have a lift under 1."""
    if not one or not other:
        return ()
    catalog = load_catalog(store)
    found = [*_properties(store, catalog, one, other), *_events(store, catalog, one, other, at)]
    traits = [_trait(node, catalog, counts, (len(one), len(other))) for node, counts in found if max(counts) >= LEAST_PEOPLE]
    told = [each for each in traits if each.low > 1 or each.high < 1]
    return tuple(sorted(told, key=lambda each: (-each.strength, each.words))[:most])


def _trait(node: Node, catalog: Catalog, counts: tuple[int, int], sizes: tuple[int, int]) -> Trait:
    half = 0.5 if 0 in counts else 0.0
    first, second = (count + half for count in counts)
    one, other = (size + 2 * half for size in sizes)
    lift = (first / one) / (second / other)
    spread = SURE * math.sqrt(max(1 / first - 1 / one + 1 / second - 1 / other, 0.0))
    shares = counts[0] / sizes[0], counts[1] / sizes[1]
    low, high = lift * math.exp(-spread), lift * math.exp(spread)
    return Trait(node, phrase(node, catalog), *counts, *shares, lift, low, high)


# -- what is counted ----------------------------------------------------------------------------


def _properties(store: Store, catalog: Catalog, one: People, other: People) -> Iterator[tuple[Node, tuple[int, int]]]:
    """By how many of each group have a value: any at all, the commonest ones, and of numbers the upper quarter."""
    keys = (one | other).keys()
    sides = pa.table({"profile_key": keys, "in_one": np.isin(keys, one.keys()), "in_other": np.isin(keys, other.keys())})
    for each in catalog.properties.values():
        if each.name in _UNTELLING:
            continue
        for node, first, second in _counted(store, each, sides):
            yield node, (first, second)


def _counted(store: Store, found: Property, sides: pa.Table) -> Iterator[tuple[Node, int, int]]:
    rows = profiles.beside(found.name, sides)
    known = store.rows(sql("SELECT {} FROM ({}) WHERE value IS NOT NULL", _BOTH, rows))[0]
    yield PropertyCondition(found.name, "is_known"), *known
    match found.datatype.name:
        case "string" | "boolean":
            asked = sql("SELECT value::VARCHAR AS value, in_one, in_other FROM ({})", rows)
        case "list":
            asked = sql("SELECT unnest(value) AS value, in_one, in_other FROM ({})", rows)
        case "number":
            yield from _upper(store, found, rows)
            return
        case _:
            return
    grouped = sql(
        "SELECT value, {} FROM ({}) WHERE value IS NOT NULL GROUP BY value ORDER BY count(*) DESC, value LIMIT {}",
        _BOTH,
        asked,
        MOST_VALUES,
    )
    for value, first, second in store.rows(grouped):
        yield _has(found, value), first, second


def _upper(store: Store, found: Property, rows: Sql) -> Iterator[tuple[Node, int, int]]:
    """Who has the number from which on the upper quarter of all of them begins."""
    edge = store.rows(sql("SELECT quantile_disc(value, 0.75) FROM ({})", rows))[0][0]
    if edge is not None:
        counts = store.rows(sql("SELECT {} FROM ({}) WHERE value >= {}", _BOTH, rows, edge))[0]
        yield PropertyCondition(found.name, "at_least", (edge,)), *counts


def _has(found: Property, value: str) -> PropertyCondition:
    match found.datatype.name:
        case "boolean":
            return PropertyCondition(found.name, f"is_{value}")
        case "list":
            return PropertyCondition(found.name, "contains_any", (value,))
    return PropertyCondition(found.name, "is", (value,))


def _events(store: Store, catalog: Catalog, one: People, other: People, at: datetime) -> Iterator[tuple[Node, tuple[int, int]]]:
    """Who did each event in the last 90 days; the system's are left out."""
    frame = Frame(catalog, at)
    for event, number in catalog.events.items():
        if number >= FIRST_OF_OTHERS:
            node = EventCondition(Events(event, None, LAST))
            people = asking.of_node(store, node, frame)
            yield node, (len(people & one), len(people & other))
