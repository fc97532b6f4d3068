"""A set of people as a bitmap over profile keys.

Every profile has a dense integer key that is never used again, so a group of people is a row of
bits: counts, lists, overlaps and differences are all this one value and can never disagree.
Bits are packed most significant first, as the database hands them out. What makes somebody a
member does not live here (`segments`), nor who is alive (`profiles.everyone`).
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from user360.sql import Sql, name, sql

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray


FEW: Final = 8
"""One in so many is few: they are sought in a list, as a filter leaves most others out before. More took up to six times as long in one as in a bitmap."""


SCATTERED: Final = 100
"""Less than one in so many are put among the bits one by one: a byte for each of all, fetched from the system, takes longer."""


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """Bits over profile keys 0 … room-1; `room` is a multiple of 8."""

    bits: NDArray[np.uint8]

    @classmethod
    def of(cls, keys: Iterable[int] | NDArray[np.integer], room: int = 0) -> People:
        """The people with these keys, in a bitmap of at least that room."""
        array = np.asarray(keys if isinstance(keys, np.ndarray) else list(keys), dtype=np.int64)
        room = max(room, room_for(int(array.max()) + 1 if array.size else 0))
        if SCATTERED * array.size < room:
            bits = np.zeros(room // 8, dtype=np.uint8)
            np.bitwise_or.at(bits, array >> 3, (0x80 >> (array & 7)).astype(np.uint8))
            return cls(bits)
        flags = np.zeros(room, dtype=np.bool_)
        flags[array] = True
        return cls(np.packbits(flags))

    @classmethod
    def packed(cls, blob: bytes) -> People:
        """The people of a bitmap as the database hands it out."""
        return cls(np.frombuffer(blob, dtype=np.uint8))

    @classmethod
    def together(cls, groups: Iterable[People]) -> People:
        """The people of any of the groups."""
        every = sorted(groups, key=lambda each: each.bits.size)
        if not every:
            return NOBODY
        bits = every[-1].bits.copy()
        for each in every[:-1]:
            bits[: each.bits.size] |= each.bits
        return cls(bits)

    @classmethod
    def first(cls, count: int) -> People:
        """The people of the keys 0 … count-1."""
        bits = np.full(room_for(count) // 8, 0xFF, dtype=np.uint8)
        if count % 8:
            bits[-1] = 0xFF00 >> count % 8 & 0xFF
        return cls(bits)

    def __and__(self, other: People) -> People:
        least = min(self.bits.size, other.bits.size)
        return People(self.bits[:least] & other.bits[:least])

    def __or__(self, other: People) -> People:
        longer, shorter = (self.bits, other.bits) if self.bits.size >= other.bits.size else (other.bits, self.bits)
        union = longer.copy()
        union[: shorter.size] |= shorter
        return People(union)

    def __sub__(self, other: People) -> People:
        rest = self.bits.copy()
        least = min(rest.size, other.bits.size)
        rest[:least] &= ~other.bits[:least]
        return People(rest)

    def __len__(self) -> int:
        whole = self.bits.size & ~7
        counted = np.bitwise_count(self.bits[:whole].view(np.uint64)).sum(dtype=np.uint64)
        return int(counted) + int(np.bitwise_count(self.bits[whole:]).sum())

    def __bool__(self) -> bool:
        return bool(self.bits.any())

    def __contains__(self, key: int) -> bool:
        byte, bit = divmod(key, 8)
        return byte < self.bits.size and bool(self.bits[byte] & (0x80 >> bit))

    def among(self, keys: NDArray[np.uint32]) -> NDArray[np.bool_]:
        """For each of these keys whether it is one of them."""
        flags = np.zeros(len(keys), dtype=np.bool_)
        known = np.flatnonzero(keys < self.room)
        flags[known] = self.bits[keys[known] >> 3] & (0x80 >> (keys[known] & 7)) != 0
        return flags

    def __eq__(self, other: object) -> bool:
        return isinstance(other, People) and not (self - other) and not (other - self)

    def __hash__(self) -> int:
        return hash(np.trim_zeros(self.bits, "b").tobytes())

    @property
    def room(self) -> int:
        """How many keys the bitmap can tell about."""
        return self.bits.size * 8

    def keys(self) -> NDArray[np.uint32]:
        """The keys, ascending."""
        return np.flatnonzero(np.unpackbits(self.bits)).astype(np.uint32)

    def met(self) -> Sql:
        """The condition that a row's `profile_key` is of one of them."""
        if FEW * len(self) > self.room:
            return inside(sql("{}::BLOB::BIT", self.blob()), self.room)
        called = f"members_{zlib.crc32(self.blob()):08x}"  # by what it holds, so that two groups in one query stay apart
        return sql(
            "profile_key IN (SELECT profile_key FROM {})", name(called), **{called: pa.table({"profile_key": self.keys()})}
        )

    def blob(self) -> bytes:
        """The bitmap as bytes, most significant bit first."""
        return self.bits.tobytes()


NOBODY = People(np.zeros(0, dtype=np.uint8))


def inside(bits: Sql, room: int) -> Sql:
    """The condition that a row's `profile_key` is in a bitmap the database has, of so much room; whoever has no room there is not."""
    return sql("CASE WHEN profile_key < {} THEN get_bit({}, profile_key::INTEGER) = 1 ELSE false END", Sql(str(room)), bits)


def room_for(keys: int) -> int:
    """The smallest multiple of 8 that holds keys 0 … keys-1."""
    return -(-keys // 8) * 8
