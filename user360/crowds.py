"""The people of groups of events: marked in a table of all groups and people, or sorted where that would be large beside them.

A table lies in memory as events do in the file, so that marking them there takes a quarter of the time of making a bitmap for
each group in the database. Without this room each insight that counts people by numbers would do it its own way. What is
counted does not live here (`insights`): whoever asks says which rows, of people there is room for (`marks.known`), and their group.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from user360 import ordering
from user360.ordering import KEYS
from user360.people import NOBODY, People
from user360.sql import Sql, sql

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pyarrow as pa

    from user360.insight import Asked
    from user360.ordering import Array

_NARROW: Final = 32
_WORD: Final = 6  # bits of a place in a number of 64 bits
_MOST_MARKED: Final = 256 * 2**20
_SPARSE: Final = 16  # bytes beside an event: to touch more of them takes longer than to sort
_AT_ONCE: Final = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Crowds:
    """The people of groups: how many people and how many events each has, and how many people several of them have together."""

    users: Array
    events: Array
    together: Callable[[Sequence[int]], int]


def counted(asked: Asked, such: Sql, group: Sql, groups: int) -> Crowds:
    """Of each of so many groups, numbered from 0, the people and events among such rows."""
    bits = _bits(asked)
    numbers = _numbers(asked, such, group, groups)
    marked = groups << bits <= min(_MOST_MARKED, _SPARSE * len(numbers))
    return _marked(numbers, _nobody(asked, groups), bits) if marked else _sorted(numbers, groups, bits)


def bitmaps(asked: Asked, such: Sql, group: Sql, groups: int) -> Array:
    """The people of each of so many groups, not more than `most_at_once`, numbered from 0, as rows of a bitmap in numbers of 64 bits."""
    there = _nobody(asked, groups)
    ordering.at_once(lambda rows: _mark(there, _numbers(asked, rows, group, groups)), ordering.stretches(asked, such))
    found: Array = np.packbits(there, axis=1).view(np.uint64)
    return found


def most_at_once(asked: Asked) -> int:
    """Of how many groups a table is small enough for two of them to be in memory at once, if need be."""
    return max(1, _AT_ONCE >> _bits(asked))


def who(asked: Asked, such: Sql) -> People:
    """The people of such rows."""
    if not asked.room:
        return NOBODY
    return People(bitmaps(asked, such, Sql("0"), 1).view(np.uint8)[0, : asked.room // 8])


def _bits(asked: Asked) -> int:
    """Of a number those that are the person's."""
    return max(_WORD, (asked.room - 1).bit_length()) if asked.room else KEYS


def _numbers(asked: Asked, such: Sql, group: Sql, groups: int) -> pa.ChunkedArray:
    """An event as one number of its group and its person."""
    assert asked.read is not None  # noqa: S101 - whoever compiles an insight gives it
    bits = _bits(asked)
    kind = Sql("UINTEGER" if (groups - 1).bit_length() + bits <= _NARROW else "UBIGINT")
    column = (
        sql("((({})::{} << {}) | profile_key) AS number", group, kind, Sql(str(bits)))
        if groups > 1
        else Sql("profile_key AS number")
    )
    return asked.read(sql("SELECT {} FROM {}", column, such))["number"]


def _nobody(asked: Asked, groups: int) -> Array:
    """A table of whether a person is in a group: a row a group."""
    return np.zeros((groups, 1 << _bits(asked)), dtype=np.bool_)


def _mark(table: Array, numbers: pa.ChunkedArray) -> None:
    for chunk in numbers.chunks:
        table.put(chunk.to_numpy(), True, mode="wrap")  # none lies outside, and to look for that took a third as long again


def _marked(numbers: pa.ChunkedArray, rows: Array, bits: int) -> Crowds:
    groups = len(rows)
    events = np.zeros(groups, dtype=np.int64)
    _mark(rows, numbers)
    for chunk in numbers.chunks:
        group = chunk.to_numpy() >> bits
        starts = np.flatnonzero(np.append(True, group[1:] != group[:-1])[: group.size])
        events += np.bincount(group[starts], np.diff(np.append(starts, group.size)), groups).astype(np.int64)

    def together(some: Sequence[int]) -> int:
        found = np.zeros(1 << bits, dtype=np.bool_)
        for each in some:
            found |= rows[each]
        return int(np.count_nonzero(found))

    return Crowds(np.array([np.count_nonzero(each) for each in rows]), events, together)


def _sorted(numbers: pa.ChunkedArray, groups: int, bits: int) -> Crowds:
    number = np.sort(numbers.to_numpy())
    edges = np.append(np.searchsorted(number, np.arange(groups, dtype=number.dtype) << bits), number.size)
    firsts = np.flatnonzero(np.append(True, number[1:] != number[:-1])[: number.size])

    def together(some: Sequence[int]) -> int:
        found = np.zeros(1 << bits, dtype=np.bool_)
        for each in some:
            found[number[edges[each] : edges[each + 1]] & ((1 << bits) - 1)] = True
        return int(np.count_nonzero(found))

    return Crowds(np.diff(np.searchsorted(firsts, edges)), np.diff(edges), together)
