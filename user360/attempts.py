"""Attempts at the steps of a funnel: the events of a period are read, and of each person the one attempt that counts is found.

Of steps that no event shares, in order or in any, each event is one number, and nothing else of it is read. In *strict* attempts
the events between the steps are read only of those whose steps could follow each other. What an attempt is stands in
`insights/funnel`, which makes marks of them; how steps are followed does not live here (`chains`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import pyarrow as pa

from user360 import chains, clock, insight, marks, ordering
from user360.chains import Bar
from user360.people import People
from user360.segments import event_leaves, event_values
from user360.segments.frames import Frame
from user360.segments.rules import Events  # noqa: TC001 - the reader of questions asks for the types of fields
from user360.sql import NOTHING, Sql, joined, name, sql

if TYPE_CHECKING:
    from user360.chains import Best
    from user360.insight import Asked, Insight

AT_ONCE: Final = 4_000_000
ALONE: Final = 200_000
"""So few events take no longer in one go than in two halves at once."""
_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Within:
    """How long an attempt may take: fixed lengths, a week being 7 days of 24 hours."""

    amount: int = field(default=7, metadata={"key": "value"})
    unit: Literal["minute", "hour", "day", "week"] = "day"

    @property
    def length(self) -> timedelta:
        """As a length of time."""
        return self.amount * timedelta(**{f"{self.unit}s": 1})


ONE_WEEK: Final = Within()


@dataclass(frozen=True, slots=True)
class Excluded:
    """Events that must not happen after the one step (from 1) and before the other; `before` 0 is the last step."""

    of: Events
    after: int = 1
    before: int = 0


@dataclass(frozen=True, slots=True)
class Way:
    """What is attempted: the steps, in which order, within which time. `by_time`: apart for each place of the time axis."""

    question: Insight
    steps: tuple[Events, ...]
    order: Literal["ordered", "strict", "any"]
    within: Within
    excluded: tuple[Excluded, ...]
    same: tuple[str, ...]
    by_time: bool

    @property
    def every(self) -> tuple[Events, ...]:
        """The steps and the excluded events, in the order of their bits."""
        return (*self.steps, *(each.of for each in self.excluded))

    @property
    def bars(self) -> list[Bar]:
        """What makes an attempt void."""
        last = len(self.steps)
        return [Bar(last + place, each.after, each.before or last) for place, each in enumerate(self.excluded)]

    @property
    def microseconds(self) -> int:
        """How long an attempt may take."""
        return self.within.length // _MICROSECOND

    @property
    def of_events(self) -> bool:
        """Whether an attempt has a group: that of the event it begins with."""
        return self.question.breakdown is not None and self.question.breakdown.by != "property"


def best(way: Way, asked: Asked) -> tuple[Best, pa.ChunkedArray | None]:
    """The attempt that counts for each person, and the group of the event it began with where the breakdown is one of events."""
    edges = None
    if way.by_time:
        edges = np.array([clock.microseconds(each.start) for each in insight.buckets(way.question, asked)])
    simple = _packed(way, asked, edges)
    if simple is not None:
        return simple, None
    found = [_of_some(way, asked, such, edges) for such in _slices(way, asked)]
    raws = [raw for _, raw in found if raw is not None]
    return chains.together([each for each, _ in found]), pa.chunked_array(raws) if raws else None


def _of_some(way: Way, asked: Asked, such: list[Sql], edges: ordering.Array | None) -> tuple[Best, pa.Array | None]:
    """The same of some people's events."""
    read = _read(way, asked, such)
    if way.order == "strict":
        read = _with_all_of(chains.adjacent(read.events(), way.microseconds), read, way, asked)
    found = ordering.at_once(lambda half: _of_half(way, asked, half, edges), read.halves())
    raws = [raw for _, raw in found if raw is not None]
    return chains.together([each for each, _ in found]), pa.concat_arrays(raws) if raws else None


def _of_half(way: Way, asked: Asked, read: _Read, edges: ordering.Array | None) -> tuple[Best, pa.Array | None]:
    """The same of the people of some events that were read."""
    _, end = insight.span(way.question.period, asked.catalog, asked.at)
    until, last, length, happened = clock.microseconds(end), len(way.steps), way.microseconds, read.events()
    if way.order == "ordered":
        found = chains.ordered(happened, last, until, length, way.bars)
    elif way.order == "any":
        found = chains.unordered(happened, _different(way, asked), until, length, way.bars)
    else:
        found = chains.strict(happened, last, until, length, way.bars)
    counted = chains.best(found, edges)
    if read.raw is None or counted.row is None:
        return counted, None
    return counted, read.raw.take(pa.array(counted.row)).combine_chunks()


def _slices(way: Way, asked: Asked) -> list[list[Sql]]:
    """The conditions of events that are read at once, those of one slice of people after another: together they would fill the memory."""
    narrowed = _narrowed(way, asked)
    counts = [sql("SELECT count(*) AS n FROM events WHERE {}", each) for each in narrowed]
    count = sum(_table(asked, joined(" UNION ALL ", counts))["n"].to_pylist())
    many = -(-count // AT_ONCE)
    edges = [asked.room * each // many for each in range(1, many)] if asked.room else []
    lows = [sql(" AND profile_key >= {}", each) for each in edges]
    highs = [sql(" AND profile_key < {}", each) for each in edges]
    ends = zip([NOTHING, *lows], [*highs, NOTHING], strict=True)
    return [[sql("{}{}{}", each, low, high) for each in narrowed] for low, high in ends]


def _different(way: Way, asked: Asked) -> list[tuple[int, int]]:
    """The bit of each different step, and how many events it needs."""
    steps = [marks.checked(each, asked.catalog, "$") for each in way.steps]
    return [(steps.index(each), steps.count(each)) for each in dict.fromkeys(steps)]


# -- events -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Read:
    """Events of any step and the excluded ones: profile_key, instant, mask, and what else of them counts; and the same in order."""

    table: pa.Table
    held: int
    hashed: bool

    @property
    def raw(self) -> pa.ChunkedArray | None:
        """The groups of events."""
        return self.table["raw"] if "raw" in self.table.column_names else None

    def halves(self) -> list[_Read]:
        """Those of half of the people and those of the others, where they are many."""
        if self.table.num_rows < ALONE:
            return [self]
        keys = self.table["profile_key"].to_numpy()
        low = keys < np.median(keys[:: max(1, keys.size // 1_000)])
        return [replace(self, table=self.table.filter(pa.array(each))) for each in (low, ~low)]

    def events(self) -> ordering.Events:
        """In order."""
        who, when, mask = (self.table[each].to_numpy() for each in ("profile_key", "instant", "mask"))
        held = [self.table[_of_held(place)].combine_chunks().dictionary_encode().indices for place in range(self.held)]
        codes = [each.fill_null(-1).to_numpy().astype(np.int64) for each in held]
        return ordering.sort(who, when, mask, self.table["message_hash"].to_numpy() if self.hashed else None, codes)


def _packed(way: Way, asked: Asked, edges: ordering.Array | None) -> Best | None:
    """The same of events that are one number each; None where more than person, instant and step counts."""
    if way.order == "strict" or way.excluded or way.same or way.of_events or not _apart(way):
        return None
    start, end = (clock.microseconds(each) for each in insight.span(way.question.period, asked.catalog, asked.at))
    until = max(start, min(end + way.microseconds, clock.microseconds(asked.at) + 1))
    packing = ordering.packing_of(start, until + way.microseconds, len(way.steps) - 1).of_many(asked.room)
    rows = [  # asked apart: of one name little else is read
        sql("SELECT {} FROM events WHERE {} AND {}", packing.columns(Sql(str(place))), each, _within(way, asked))
        for place, each in enumerate(_matching(way, asked))
    ]
    read = _table(asked, joined(" UNION ALL ", rows))

    def of_some(some: ordering.Slice) -> Best:
        return chains.packed(some, len(way.steps), end, way.microseconds, edges, in_order=way.order == "ordered")

    return chains.together(ordering.at_once(of_some, packing.parted(read["part"].to_numpy(), read["number"].to_numpy())))


def _read(way: Way, asked: Asked, narrowed: list[Sql], *, everything: bool = False) -> _Read:
    """Events under any of these conditions, no two of which hold for one, which match a step or are excluded; with `everything` the others too."""
    bits = [sql("CASE WHEN {} THEN {} ELSE 0 END", each, 1 << place) for place, each in enumerate(_matching(way, asked))]
    hashed = bool(way.same) or way.of_events or not _apart(way)
    raw, beside = marks.raw(way.question.breakdown, asked) if way.of_events else (NOTHING, NOTHING)
    held = [sql(", ({})::VARCHAR AS {}", event_values.plain(each), name(_of_held(place))) for place, each in enumerate(way.same)]
    parts = [
        sql(
            "SELECT profile_key, epoch_us(occurred_at) AS instant, ({})::INTEGER AS mask{}{}{} FROM events{} WHERE {}",
            joined(" + ", bits),
            Sql(", message_hash") if hashed else NOTHING,
            joined("", held),
            raw,
            beside,
            each,
        )
        for each in narrowed
    ]
    query = joined(" UNION ALL ", parts)
    return _Read(_table(asked, query if everything else sql("SELECT * FROM ({}) WHERE mask > 0", query)), len(way.same), hashed)


def _with_all_of(people: ordering.Array, read: _Read, way: Way, asked: Asked) -> _Read:
    """What was read, and beside it everything else that these people did."""
    if not people.size:
        return read
    those = People.of(people)
    narrowed = sql("{} AND {}", _within(way, replace(asked, among=those.met())), marks.ANY)
    every = _read(way, asked, [narrowed], everything=True)
    inside = np.append(np.unpackbits(those.bits), 0).astype(np.bool_)
    others = ~inside[np.minimum(read.table["profile_key"].to_numpy(), those.room)]
    return replace(read, table=pa.concat_tables([read.table.filter(pa.array(others)), every.table]))


def _table(asked: Asked, query: Sql) -> pa.Table:
    assert asked.read is not None  # noqa: S101 - whoever compiles a funnel gives it
    return asked.read(query)


def _matching(way: Way, asked: Asked) -> list[Sql]:
    """The condition of each step and each excluded event."""
    frame = Frame(asked.catalog, asked.at)
    return [event_leaves.matching(marks.checked(each, asked.catalog, "$"), frame) for each in way.every]


def _apart(way: Way) -> bool:
    """Whether no event can match two of the steps and excluded ones."""
    names = [each.event for each in way.every]
    return None not in names and len(set(names)) == len(names)


def _within(way: Way, asked: Asked) -> Sql:
    """Events from the period on until the last attempt is over."""
    start, end = insight.span(way.question.period, asked.catalog, asked.at)
    return marks.within(way.question, asked, start, end + way.within.length)


def _narrowed(way: Way, asked: Asked) -> list[Sql]:
    """The same, of each name that is asked for: of one name little else is read."""
    names = sorted({asked.catalog.events[each.event] for each in way.every if each.event is not None})
    if any(each.event is None for each in way.every):
        return [sql("{} AND {}", _within(way, asked), marks.ANY)]
    return [sql("{} AND event_id = {}", _within(way, asked), each) for each in names]


def _of_held(place: int) -> str:
    return f"held{place}"
