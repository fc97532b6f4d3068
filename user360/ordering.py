"""Events of people in order as arrays: by person, instant, and whatever decides between events of one instant.

Sorting numbers took half the time of sorting columns in the database and of fetching them sorted. Which events there are does
not live here, nor what is looked for in their order (`chains`, `insights/switching`).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

Array: TypeAlias = "NDArray[Any]"

P = TypeVar("P")
R = TypeVar("R")

NEVER: Final = np.iinfo(np.int64).max
_BITS: Final = 63  # of a number without its sign
_NO_STEP: Final = 15
_FEW_PARTS: Final = 8


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
    """People, instants and a small number beside them, sorted by all three.

    Each is one number, which sorts in half the time of an order and nothing has to be fetched by it; people whose key does not
    fit beside the rest are parted first.
    """
    if not who.size:
        return who, when, beside
    packing = _packing(when, beside)
    slices = packing.parted(packing.packed(who, when, beside), who >> packing.keys)
    at_once(lambda one: one[1].sort(), slices)
    return packing.unpacked(slices, beside.dtype)


@dataclass(frozen=True, slots=True)
class _Packing:
    """The bits of a number: the low `keys` of a person's key, the instant from `first` on, and `less` for what stands beside."""

    first: int
    keys: int
    bits: int
    less: int

    def packed(self, who: Array, when: Array, beside: Array) -> Array:
        """The number of each event, in place: each column made on the way would cost as much as the step itself."""
        number = who.astype(np.uint64)
        number &= (1 << self.keys) - 1
        number <<= self.bits
        instant = when - self.first
        instant <<= self.less
        number |= instant.view(np.uint64)
        number |= beside
        return number

    def parted(self, number: Array, part: Array) -> list[tuple[int, Array]]:
        """The numbers of each part of people."""
        last = int(part.max(initial=0))
        if last < _FEW_PARTS:
            small = part.astype(np.uint8)
            return [(each, number[small == each]) for each in range(last + 1)] if last else [(0, number)]
        number = number[np.argsort(part.astype(np.uint16 if last < 1 << 16 else np.uint32), kind="stable")]
        counts = np.bincount(part)
        return list(enumerate(np.split(number, np.cumsum(counts)[:-1])))

    def unpacked(self, slices: Sequence[tuple[int, Array]], kind: Any) -> tuple[Array, Array, Array]:
        """The columns of the parts, one after the other."""
        number = np.concatenate([each for _, each in slices])
        key = (number >> self.bits).astype(np.uint32)
        key |= np.repeat(np.arange(len(slices), dtype=np.uint32) << self.keys, [each.size for _, each in slices])
        beside = (number & ((1 << self.less) - 1)).astype(kind)
        number &= (1 << self.bits) - 1
        number >>= self.less
        instant = number.view(np.int64)
        instant += self.first
        return key, instant, beside


def _packing(when: Array, beside: Array) -> _Packing:
    first, less = int(when.min()), int(beside.max()).bit_length()
    bits = (int(when.max()) - first).bit_length() + less
    return _Packing(first, min(max(64 - bits, 0), 32), bits, less)


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
