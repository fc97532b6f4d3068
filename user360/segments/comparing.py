"""Up to six rules side by side: who is in which of them and in no other, and how far any two overlap.

Every figure comes from the bitmaps of their people, so a region is as exact as a count and opens as a
rule of its own. What sets one group apart from another does not live here (`contrast`).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Final

import numpy as np

from user360.errors import Invalid
from user360.people import People
from user360.segments import asking
from user360.segments.rules import EVERYONE, Group

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from user360.segments.rules import Node, Rule
    from user360.store import Store

MOST_COMPARED: Final = 6


@dataclass(frozen=True, slots=True)
class Region:
    """Who is in these rules (by place) and in none of the others."""

    inside: tuple[int, ...]
    people: People


@dataclass(frozen=True, slots=True)
class Pair:
    """Two rules by place: how many are in each and in both."""

    one: int
    other: int
    of_one: int
    of_other: int
    both: int

    @property
    def jaccard(self) -> float:
        """Those in both, of those in any of the two; of two empty ones 0."""
        either = self.of_one + self.of_other - self.both
        return self.both / either if either else 0.0

    @property
    def contained(self) -> bool:
        """Whether all of the first are in the other."""
        return 0 < self.of_one == self.both


@dataclass(frozen=True, slots=True)
class Comparison:
    """The people of each rule, the regions that hold anybody, largest first, and every pair both ways."""

    people: tuple[People, ...]
    regions: tuple[Region, ...]
    pairs: tuple[Pair, ...]


def compare(store: Store, rules: Sequence[Rule], *, at: datetime) -> Comparison:
    """Hold two to six rules against each other at one instant."""
    if not 1 < len(rules) <= MOST_COMPARED:
        raise Invalid(f"{len(rules)} segments cannot be compared.", f"Choose 2 to {MOST_COMPARED}.")
    people = tuple(asking.holding(store, rule, at=at) for rule in rules)
    pairs = [
        Pair(one, other, len(people[one]), len(people[other]), len(people[one] & people[other]))
        for first, second in combinations(range(len(people)), 2)
        for one, other in ((first, second), (second, first))
    ]
    return Comparison(people, _regions(people), tuple(pairs))


def region_rule(rules: Sequence[Rule], inside: Sequence[int]) -> Rule:
    """The rule that finds a region: all of those inside and none of the others."""
    wanted = [_as_condition(rule) for place, rule in enumerate(rules) if place in inside and rule != EVERYONE]
    others = tuple(_as_condition(rule) for place, rule in enumerate(rules) if place not in inside)
    return Group("all", (*wanted, *([Group("none", others)] if others else [])))


def _as_condition(rule: Rule) -> Node:
    """A rule inside another: of a single condition that one."""
    return rule.conditions[0] if len(rule.conditions) == 1 and rule.match != "none" else rule


def _regions(people: Sequence[People]) -> tuple[Region, ...]:
    """A number for each person, a bit of it for each rule they are in."""
    room = max(each.bits.size for each in people)
    codes = np.zeros(room * 8, dtype=np.uint8)
    for place, each in enumerate(people):
        codes[: each.room] |= np.unpackbits(each.bits) << place
    found = [
        Region(tuple(place for place in range(len(people)) if code >> place & 1), People(np.packbits(codes == code)))
        for code in np.flatnonzero(np.bincount(codes, minlength=1)).tolist()
        if code
    ]
    return tuple(sorted(found, key=lambda each: (-len(each.people), each.inside)))
