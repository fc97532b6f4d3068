"""Events of people in order as arrays: by person, instant, and whatever decides between events of one instant.

Sorting numbers took half the time of sorting columns in the database and of fetching them sorted. Which events there are does
not live here, nor what is looked for in their order (`chains`, `insights/switching`).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

import numpy as np

from user360 import clock, insight
from user360.errors import InvalidInsight
from user360.sql import NOTHING, Sql, sql

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from user360.insight import Asked, Insight

Array: TypeAlias = "NDArray[Any]"

P = TypeVar("P")
R = TypeVar("R")

NEVER: Final = np.iinfo(np.int64).max
_BITS: Final = 63  # of a number without its sign
_NO_STEP: Final = 15
KEYS: Final = 32  # bits of the key of a person
_FEW_PARTS: Final = 8
_ROOM: Final = 64
_SMALL: Final = 16
_MOST_STEPS: Final = 100_000
_MOST_ROWS: Final = 16_000_000


@dataclass(frozen=True, slots=True)
class Events:
    """Events sorted by person, instant (microseconds), the first step they match, and hash.

    A bit of `mask` for each step. `row` is where an event stood before, if that is known; `held` one number for all values that
    must not change, -1 where one is unknown. All of them have one more at their end, of nobody.
    """

    who: Array
    when: Array
    mask: Array
    row: Array | None
    held: Array | None = None

    @property
    def end(self) -> int:
        """The place of nobody's event, after all others."""
        return self.who.size - 1

    def of(self, bit: int) -> Array:
        """The places of those that match a step."""
        return np.flatnonzero(self.mask & (1 << bit))

    def before(self, bit: int) -> Array:
        """How many of them stand before each place: where in `of` the next one from there on is."""
        found = self.mask & (1 << bit) != 0
        counted: Array = np.cumsum(found, dtype=np.int32) - found
        return counted


def sort(who: Array, when: Array, mask: Array, hashes: Array | None, held: Sequence[Array] = ()) -> Events:
    """Put events in order. Without hashes nothing is held and each is of one step or none; where it stood before is not told."""
    if hashes is None:
        return _of_one_step(who, when, mask)
    first = int(when.min(initial=NEVER))
    bits = max(0, int(when.max(initial=0)) - first).bit_length()
    coarse = max(0, bits + int(who.max(initial=0)).bit_length() - _BITS)
    number = (who.astype(np.int64) << (bits - coarse)) | ((when - first) >> coarse)
    order = _argsort(number)
    _part(order, number, when, mask, hashes)
    return Events(
        _ended(who.astype(np.int64), order, -1),
        _ended(when, order, NEVER),
        _ended(mask, order, 0),
        np.append(order, -1),
        _ended(_together(held), order, -1) if held else None,
    )


def _of_one_step(who: Array, when: Array, mask: Array) -> Events:
    """Events none of which is of two steps, in order: a number with the step holds all that is to be known of one."""
    steps = int(mask.max(initial=0)).bit_length()
    step = np.full((1 << steps) + 1, steps, dtype=np.uint8)
    step[1 << np.arange(steps)] = np.arange(steps)
    key, instant, of = in_order(who, when, step[mask])
    known = np.append(1 << np.arange(steps), 0).astype(mask.dtype)
    return Events(
        np.append(key.astype(np.int64), -1), np.append(instant, NEVER), np.append(known[of], 0).astype(mask.dtype), None
    )


def at_once(work: Callable[[P], R], parts: Iterable[P]) -> list[R]:
    """What comes of each part, two at a time: arrays leave the other processor to other threads while they are worked on.

    What is asked of the database there belongs to the same reader.
    """
    waiting = [(copy_context(), each) for each in parts]
    if len(waiting) < 2:  # noqa: PLR2004 - nothing to do beside
        return [work(each) for _, each in waiting]
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda one: one[0].run(work, one[1]), waiting))


def in_order(who: Array, when: Array, beside: Array) -> tuple[Array, Array, Array]:
    """People, instants and a small number beside them, sorted by all three."""
    if not who.size:
        return who, when, beside
    first = int(when.min())
    packing = packing_of(first, int(when.max()) + 1, int(beside.max()))
    slices = at_once(Slice.in_order, packing.parted(who >> packing.keys, packing.packed(who, when, beside)))
    key, instant, small = ([getattr(each, column)() for each in slices] for column in ("who", "when", "beside"))
    return np.concatenate(key), np.concatenate(instant), np.concatenate(small).astype(beside.dtype)


@dataclass(frozen=True, slots=True)
class Packing:
    """An event as one number: the low `keys` bits of the person's key, the instant from `first` on, and `less` bits of what stands beside.

    Such a number sorts in half the time of an order, and nothing has to be fetched by it; `bits` are all but the person's. People
    whose keys do not fit are parted: the rest of a key is the part.
    """

    first: int
    keys: int
    bits: int
    less: int

    def of_many(self, room: int) -> Packing:
        """The same of at least two parts where so many people have room: two slices, which are worked on at once."""
        return replace(self, keys=min(self.keys, max(room - 1, 1).bit_length() - 1)) if room > 1 else self

    def columns(self, beside: Sql) -> Sql:
        """The part and the number of an event: made by the database they cost no more than its columns."""
        return sql(
            "(profile_key >> {})::{} AS part, ((profile_key & {})::UBIGINT << {}) | ((epoch_us(occurred_at) - {})::UBIGINT << {}) | ({})::UBIGINT AS number",
            Sql(str(self.keys)),
            Sql("USMALLINT" if self.keys >= _SMALL else "UINTEGER"),
            Sql(str((1 << self.keys) - 1)),
            Sql(str(self.bits)),
            Sql(str(self.first)),
            Sql(str(self.less)),
            beside,
        )

    def packed(self, who: Array, when: Array, beside: Array) -> Array:
        """The same number of arrays, in place: each column made on the way would cost as much as the step itself."""
        number = who.astype(np.uint64)
        number &= (1 << self.keys) - 1
        number <<= self.bits
        instant = when - self.first
        instant <<= self.less
        number |= instant.view(np.uint64)
        number |= beside
        return number

    def parted(self, part: Array, number: Array) -> list[Slice]:
        """The events in slices of people, not yet in order, those of a lower key first."""
        last = int(part.max(initial=0))
        if not last:
            return [Slice(self, number, np.zeros(1, np.uint32), np.array([number.size]))]
        if last < _FEW_PARTS:
            small = part.astype(np.uint8)
            found = [(each, np.compress(small == each, number)) for each in range(last + 1)]  # indexing took four times as long
            return [Slice(self, some, np.array([each], np.uint32), np.array([some.size])) for each, some in found]
        order = np.argsort(part.astype(np.uint16 if last < 1 << _SMALL else np.uint32), kind="stable")
        part, number = part[order], number[order]
        starts = np.flatnonzero(np.append(True, part[1:] != part[:-1]))
        sizes = np.diff(np.append(starts, part.size))
        groups = [each for each in np.array_split(np.arange(starts.size), _FEW_PARTS) if each.size]
        numbers = np.split(number, [int(starts[each[0]]) for each in groups[1:]])
        return [
            Slice(self, some, part[starts[each]].astype(np.uint32), sizes[each])
            for each, some in zip(groups, numbers, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class Slice:
    """The events of some people, each one number, by part: which, and how many of each.

    Of all of them or at some places it tells whose they are, when, and what stands beside.
    """

    packing: Packing
    number: Array
    parts: Array
    sizes: Array

    def in_order(self) -> Slice:
        """The same by person, instant and what stands beside."""
        number = self.number.copy()
        for each in np.split(number, np.cumsum(self.sizes)[:-1]):
            each.sort()
        return replace(self, number=number)

    def among(self, kept: Array) -> Slice:
        """Those of its events for which that is true."""
        starts = np.cumsum(self.sizes) - self.sizes
        before = np.append(0, np.cumsum(kept))
        return replace(self, number=np.compress(kept, self.number), sizes=before[starts + self.sizes] - before[starts])

    def apart(self) -> Iterator[Slice]:
        """Each part by itself."""
        for part, some in zip(self.parts, np.split(self.number, np.cumsum(self.sizes)[:-1]), strict=True):
            yield replace(self, number=some, parts=np.array([part], np.uint32), sizes=np.array([some.size]))

    def pieces(self, most: int) -> Iterator[Slice]:
        """Of one part in order: pieces of hardly more events than that, no person in two of them."""
        people = self.number[most::most] >> self.packing.bits << self.packing.bits
        for some in np.split(self.number, np.searchsorted(self.number, people)):
            yield replace(self, number=some, sizes=np.array([some.size]))

    def who(self, places: Any = slice(None)) -> Array:
        """The keys."""
        key: Array = (self.number[places] >> self.packing.bits).astype(np.uint32)
        rest = self.parts << self.packing.keys
        key |= rest if rest.size == 1 else np.repeat(rest, self.sizes)[places]
        return key

    def when(self, places: Any = slice(None)) -> Array:
        """The instants."""
        instant = self.number[places] & ((1 << self.packing.bits) - 1)
        instant >>= self.packing.less
        told: Array = instant.view(np.int64)
        told += self.packing.first
        return told

    def beside(self, places: Any = slice(None)) -> Array:
        """What stands beside."""
        small: Array = (self.number[places] & ((1 << self.packing.less) - 1)).astype(np.uint32)
        return small


def stretches(asked: Asked, such: Sql) -> list[Sql]:
    """Such rows of events in stretches of time, one after the other: so many events that not all of them should be in memory at once."""
    assert asked.read is not None  # noqa: S101 - whoever compiles an insight gives it
    pieces = -(-asked.read(sql("SELECT count(*) AS n FROM {}", such))["n"][0].as_py() // _MOST_ROWS)
    if pieces < 2:  # noqa: PLR2004 - nothing to part
        return [such]
    edge = asked.read(sql("SELECT min(occurred_at) AS first, max(occurred_at) AS last FROM {}", such))
    first, last = (edge[each][0].as_py() for each in ("first", "last"))
    cuts = [first + (last - first) * nth / pieces for nth in range(1, pieces)]
    edges = [None, *cuts, None]
    found = []
    for since, until in pairwise(edges):
        after = sql(" AND occurred_at >= {}", since) if since is not None else NOTHING
        before = sql(" AND occurred_at < {}", until) if until is not None else NOTHING
        found.append(sql("{}{}{}", such, after, before))
    return found


def packing(question: Insight, asked: Asked, most: int) -> Packing:
    """Numbers of the events of a question's period so far, beside which stands `most` at most."""
    start, end = insight.span(question.period, asked.catalog, asked.at)
    first = clock.microseconds(start)
    return packing_of(first, max(first, min(clock.microseconds(end), clock.microseconds(asked.at) + 1)), most)


def packing_of(first: int, until: int, most: int) -> Packing:
    """Numbers of events from the one instant on and before the other, in microseconds."""
    less = most.bit_length()
    bits = max(until - 1 - first, 0).bit_length() + less
    if bits > _ROOM:
        raise InvalidInsight("$.period", "is too long for so many different events.", "Ask of a shorter one.")
    return Packing(first, min(_ROOM - bits, KEYS), bits, less)


def spots(edges: Array, instants: Array) -> Array:
    """At which of the places that begin at these edges, in order, each instant from the first one on lies.

    By the largest step all edges lie on: looking each instant up among the edges took five times as long.
    """
    apart = np.diff(edges)
    step = int(np.gcd.reduce(apart)) if apart.size else 0
    if not step or (steps := apart // step).sum() > _MOST_STEPS:
        return np.searchsorted(edges, instants, side="right") - 1
    table = np.append(np.repeat(np.arange(apart.size, dtype=np.int32), steps), np.int32(apart.size))
    found: Array = table[np.minimum((instants - edges[0]) // step, table.size - 1)]
    return found


def medians(place: Array, numbers: Array, counts: Array) -> Array:
    """The median of the numbers, which are none below zero, at each place: the middle one of all, sorted as one number each with their places.

    `counts` says how many each place has; NaN where it has none.
    """
    if not numbers.size:
        return np.full(counts.size, np.nan)
    bits = int(numbers.max()).bit_length()
    both = place.astype(np.uint64)
    both <<= bits
    both |= numbers.view(np.uint64)
    both.sort()
    both &= (1 << bits) - 1
    starts = np.cumsum(counts) - counts
    low, high = (both[np.minimum(starts + each, both.size - 1)].astype(np.int64) for each in ((counts - 1) // 2, counts // 2))
    return np.where(counts > 0, (low + high) / 2, np.nan)


def _ended(column: Array, order: Array, end: int) -> Array:
    """A column in order with nobody's value at its end."""
    found = np.empty(order.size + 1, dtype=column.dtype)
    np.take(column, order, out=found[:-1], mode="clip")
    found[-1] = end
    return found


def _argsort(number: Array) -> Array:
    """The order of numbers, each half of the people by itself: sorting leaves other threads alone."""
    low = number < np.median(number[:: max(1, number.size // 1_000)]) if number.size else np.zeros(0, np.bool_)
    halves = [np.flatnonzero(low), np.flatnonzero(~low)]
    with ThreadPoolExecutor(2) as pool:
        return np.concatenate(list(pool.map(lambda rows: rows[np.argsort(number[rows])], halves)))


def _part(order: Array, number: Array, when: Array, mask: Array, hashes: Array) -> None:
    """Put those whose numbers are equal in order, which are few."""
    sorted_ = number[order]
    equal = sorted_[1:] == sorted_[:-1]
    tied = np.flatnonzero(np.append(equal, False) | np.append(False, equal))
    if not tied.size:
        return
    rows = order[tied]
    bits = mask[rows]
    step = np.where(bits == 0, _NO_STEP, np.bitwise_count((bits & -bits) - 1))
    order[tied] = rows[np.lexsort([hashes[rows], step, when[rows], number[rows]])]


def _together(columns: Sequence[Array]) -> Array:
    """One number for the values of several columns; -1 where one of them is."""
    found, unknown = columns[0], columns[0] < 0
    for each in columns[1:]:
        unknown = unknown | (each < 0)
        found = np.unique(found * (each.max(initial=0) + 2) + each, return_inverse=True)[1]
    return np.where(unknown, -1, found)
