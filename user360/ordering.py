"""Events of people in order as arrays: by person, instant, and whatever decides between events of one instant.

Sorting numbers took half the time of sorting columns in the database and of fetching them sorted. Which events there are does
not live here, nor what is looked for in their order (`chains`, `insights/switching`).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

Array: TypeAlias = "NDArray[Any]"

NEVER: Final = np.iinfo(np.int64).max
_BITS: Final = 63  # of a number without its sign
_NO_STEP: Final = 15


@dataclass(frozen=True, slots=True)
class Events:
    """Events sorted by person, instant (microseconds), the first step they match, and hash.

    A bit of `mask` for each step. `row` is where an event stood before, `held` one number for all values that must not change,
    -1 where one is unknown. All of them have one more at their end, of nobody.
    """

    who: Array
    when: Array
    mask: Array
    row: Array
    held: Array | None = None

    @property
    def end(self) -> int:
        """The place of nobody's event, after all others."""
        return self.row.size - 1

    def of(self, bit: int) -> Array:
        """The places of those that match a step."""
        return np.flatnonzero(self.mask & (1 << bit))

    def before(self, bit: int) -> Array:
        """How many of them stand before each place: where in `of` the next one from there on is."""
        found = self.mask & (1 << bit) != 0
        counted: Array = np.cumsum(found, dtype=np.int32) - found
        return counted


def sort(who: Array, when: Array, mask: Array, hashes: Array | None, held: Sequence[Array] = ()) -> Events:
    """Put events in order. Without hashes those of one person, instant and step may stand either way."""
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


def in_order(who: Array, when: Array, beside: Array) -> tuple[Array, Array, Array]:
    """People, instants and a small number beside them, sorted by all three.

    Each is one number, which sorts in half the time of an order and nothing has to be fetched by it; people whose key does not
    fit beside the rest are parted first.
    """
    if not who.size:
        return who, when, beside
    first = int(when.min())
    less = int(beside.max()).bit_length()
    bits = (int(when.max()) - first).bit_length() + less
    keys = min(max(64 - bits, 0), 32)
    number = (
        ((who & ((1 << keys) - 1)).astype(np.uint64) << bits)
        | ((when - first).astype(np.uint64) << less)
        | beside.astype(np.uint64)
    )
    parts = who >> keys
    if int(parts.max()):
        number = number[np.argsort(parts.astype(np.uint16 if int(parts.max()) < 1 << 16 else np.uint32), kind="stable")]
    counts = np.bincount(parts)
    ends = np.cumsum(counts)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda end, count: number[end - count : end].sort(), ends.tolist(), counts.tolist()))
    key = (np.repeat(np.arange(counts.size, dtype=np.uint64) << keys, counts) | (number >> bits)).astype(np.uint32)
    instant = ((number >> less) & ((1 << (bits - less)) - 1)).astype(np.int64) + first
    return key, instant, (number & ((1 << less) - 1)).astype(beside.dtype)


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


def _part(order: Array, number: Array, when: Array, mask: Array, hashes: Array | None) -> None:
    """Put those whose numbers are equal in order, which are few."""
    sorted_ = number[order]
    equal = sorted_[1:] == sorted_[:-1]
    tied = np.flatnonzero(np.append(equal, False) | np.append(False, equal))
    if not tied.size:
        return
    rows = order[tied]
    bits = mask[rows]
    step = np.where(bits == 0, _NO_STEP, np.bitwise_count((bits & -bits) - 1))
    keys = [step, when[rows], number[rows]]
    order[tied] = rows[np.lexsort(keys if hashes is None else [hashes[rows], *keys])]


def _together(columns: Sequence[Array]) -> Array:
    """One number for the values of several columns; -1 where one of them is."""
    found, unknown = columns[0], columns[0] < 0
    for each in columns[1:]:
        unknown = unknown | (each < 0)
        found = np.unique(found * (each.max(initial=0) + 2) + each, return_inverse=True)[1]
    return np.where(unknown, -1, found)
