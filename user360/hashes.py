"""Which texts were there before, kept in memory: whether an id is new has to be known for each message for ever.

Most message ids are, and to find that out in the file every hash of it had to be looked at: 50 ms of both processors
at twenty million events, for each commit. Here 48 bits of every hash lie sorted, 4 bytes each. It may say
of a new id that it could be known, one in ten million times, and then the file decides; never of a known
one that it is new.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

_Hashes = np.ndarray[Any, np.dtype[np.uint64]]
_Places = np.ndarray[Any, np.dtype[np.int64]]

AT_A_TIME: Final = 1 << 16
_BUCKETS: Final = 1 << 16
_CUT: Final = np.uint64(16)
_STARTS: Final = np.arange(_BUCKETS + 1, dtype=np.uint64) << np.uint64(32)


def of(text: str) -> int:
    """The hash of a text, what `md5_number_lower` answers: for few of them a statement would take longer than all of them."""
    return int.from_bytes(hashlib.md5(text.encode(), usedforsecurity=False).digest()[8:], "little")


def each(texts: Iterable[str]) -> _Hashes:
    """The hashes of some texts, in order."""
    return np.array([of(text) for text in texts], dtype=np.uint64)


class Seen:
    """A set of hashes of 64 bits that is asked for many at a time. It grows and never shrinks."""

    def __init__(self, hashes: Iterable[_Hashes], count: int) -> None:
        """Of so many hashes, in parts."""
        whole = np.empty(count, dtype=np.uint64)
        filled = 0
        for part in hashes:
            whole[filled : filled + len(part)] = part
            filled += len(part)
        whole = whole[:filled]
        whole >>= _CUT
        whole.sort()
        self._first = np.searchsorted(whole, _STARTS).astype(np.int64)
        self._tails = whole.astype(np.uint32)
        self._recent = np.empty(0, dtype=np.uint64)

    def __len__(self) -> int:
        """How many hashes it holds, one that came again counted again."""
        return len(self._tails) + len(self._recent)

    def add(self, hashes: _Hashes) -> None:
        """Hold these, too."""
        fresh = np.sort(hashes >> _CUT)
        self._recent = np.insert(self._recent, np.searchsorted(self._recent, fresh), fresh)
        if len(self._recent) > AT_A_TIME:
            places = self._place(self._recent)
            self._tails = np.insert(self._tails, places, self._recent.astype(np.uint32))
            self._first = self._first + np.searchsorted(self._recent, _STARTS)
            self._recent = np.empty(0, dtype=np.uint64)

    def may_hold(self, hashes: _Hashes) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """For each, whether it may be held; where not, it is not."""
        asked = hashes >> _CUT
        places = self._place(asked)
        there = places < self._first[(asked >> np.uint64(32)).astype(np.int64) + 1]
        if len(self._tails):
            there &= self._tails[np.minimum(places, len(self._tails) - 1)] == asked.astype(np.uint32)
        if len(self._recent):
            near = np.minimum(np.searchsorted(self._recent, asked), len(self._recent) - 1)
            there |= self._recent[near] == asked
        return there

    def _place(self, asked: _Hashes) -> _Places:
        """Where each stands or would stand: the search of all of them, halving at once."""
        buckets, tails = (asked >> np.uint64(32)).astype(np.int64), asked.astype(np.uint32)
        low, high = self._first[buckets].copy(), self._first[buckets + 1].copy()
        while (searching := low < high).any():
            middle = (low + high) >> 1
            below = self._tails[np.minimum(middle, len(self._tails) - 1)] < tails
            low = np.where(searching & below, middle + 1, low)
            high = np.where(searching & ~below, middle, high)
        return low
