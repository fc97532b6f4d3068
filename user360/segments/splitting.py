"""Samples and splits: people dealt out into parts by chance that can be repeated.

Where somebody falls follows from the seed and their own number alone, so they stay put when others
come and go, a larger sample holds the smaller one of its seed, and another seed deals anew. The rule
language has no word for chance: the parts are fixed lists. Without this room an A/B test would be a
spreadsheet, and nobody could tell afterwards who was held out.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from user360.errors import Invalid
from user360.people import People
from user360.segments import asking, lists, saved

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from numpy.typing import NDArray

    from user360.segments.rules import Rule
    from user360.segments.saved import Segment
    from user360.store import Store

MOST_PARTS: Final = 20
LONGEST_SEED: Final = 100
_STEPS: Final = 10_000
_WHOLE: Final = 100.0


@dataclass(frozen=True, slots=True)
class Share:
    """One part: the name of its list, and how many per cent of the people it gets, in hundredths at the finest."""

    name: str
    percent: float


def split(people: People, shares: Sequence[Share], *, seed: str) -> tuple[People, ...]:
    """The people of each part. Parts share nobody; of 100 per cent in all they leave nobody out, of less it is a sample."""
    ends = np.cumsum([round(each.percent * 100) for each in _checked(shares, seed)])
    keys = people.keys()
    place = np.searchsorted(ends, _dealt(keys, seed), side="right")
    return tuple(People.of(keys[place == number]) for number in range(len(shares)))


def save(store: Store, rule: Rule, shares: Sequence[Share], *, seed: str, of: str, by: str, at: datetime) -> tuple[Segment, ...]:
    """Save each part as a fixed list, all or none. `of` says whom it is a split of."""
    parts = split(asking.holding(store, rule, at=at), shares, seed=seed)
    made = []
    with store.transaction() as tx:
        for share, people in zip(shares, parts, strict=True):
            told = f"{share.percent:g}% of {of}, seed {seed}"
            made.append(saved.make(tx, store, share.name, "static", told, by=by, at=at))
            lists.put(tx, made[-1], pa.array(people.keys()), source=told, by=by, at=at)
    return tuple(saved.get(store, each) for each in made)


def _dealt(keys: NDArray[np.uint32], seed: str) -> NDArray[np.uint64]:
    """A number from 0 to 9,999 for each key, every one as likely: the last step of SplitMix64 over the key and the seed."""
    start = np.uint64(int.from_bytes(blake2b(seed.encode(), digest_size=8).digest(), "big"))
    mixed = (keys.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15) + start
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (mixed ^ (mixed >> np.uint64(31))) % np.uint64(_STEPS)


def _checked(shares: Sequence[Share], seed: str) -> Sequence[Share]:
    if not 1 <= len(shares) <= MOST_PARTS:
        raise Invalid(f"A split has 1 to {MOST_PARTS} parts, not {len(shares)}.", "Give such a number of parts.")
    if not seed.strip() or len(seed) > LONGEST_SEED:
        raise Invalid(f"A seed has 1 to {LONGEST_SEED} characters.", "Give any word; the same word deals the same again.")
    for each in shares:
        if not 0 < each.percent <= _WHOLE or round(each.percent * 100) < 1:
            raise Invalid(f"“{each.name}” gets {each.percent:g}%.", "Give each part more than 0 and at most 100.")
    if sum(round(each.percent * 100) for each in shares) > _STEPS:
        total = sum(each.percent for each in shares)
        raise Invalid(f"The parts come to {total:g}%.", "Together they are at most 100%.")
    if len({each.name.strip().casefold() for each in shares}) < len(shares):
        raise Invalid("Two parts have the same name.", "Give each its own.")
    return shares
