"""One person's part of a rule: their events read once, and every condition asked of those alone.

The queries are the ones that count everybody, put to a few rows, so an answer about one person cannot
differ from their membership. Without this room explaining a rule of ten conditions would go through
all events ten times. What is told of the answers does not live here (`facts`, `explaining`, `forecasting`).
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from user360.errors import Unknown
from user360.segments import asking, compiler
from user360.segments.frames import Frame
from user360.segments.needing import MINE, OWN, events_of_person, flattened, needs, row_of
from user360.segments.rules import Rank
from user360.segments.tree import holds, leaves
from user360.sql import NOTHING, joined, sql

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from user360.segments.catalog import Catalog
    from user360.segments.rules import Node, Rule
    from user360.segments.tree import Compiled, Leaf
    from user360.store import Store, Transaction

MOST_AT_ONCE: Final = 100


@dataclass(frozen=True, slots=True)
class Look:
    """One person at one moment. `conditions` are the leaves of the rule by path, those of segments it names among them."""

    store: Store
    seen: Transaction
    frame: Frame
    key: int
    conditions: dict[str, Node]

    def later(self, at: datetime) -> Frame:
        """The same person and the same data when the clock has gone on."""
        return replace(self.frame, at=at, known=self.frame.at if self.frame.past else None)

    def holding(self, asked: Sequence[tuple[Node, Frame]]) -> list[bool]:
        """Whether each of these conditions holds for the person."""
        trees = [compiler.compiled(node, frame) for node, frame in asked]
        truth = {leaf: self.key in asking.kept(self.store, leaf) for leaf in _of_everybody(asked, trees)}
        own = list(dict.fromkeys(leaf for tree in trees for leaf in leaves(tree) if leaf not in truth))
        for start in range(0, len(own), MOST_AT_ONCE):
            part = own[start : start + MOST_AT_ONCE]
            truth.update(zip(part, self._asked(part), strict=True))
        return [holds(tree, truth) for tree in trees]

    def _asked(self, own: Sequence[Leaf]) -> tuple[bool, ...]:
        """One query for all: the number of each leaf that names the person."""
        parts = [
            sql("(SELECT {} AS leaf FROM ({}) WHERE profile_key = {} LIMIT 1)", number, leaf.sql, self.key)
            for number, leaf in enumerate(own)
        ]
        held = {number for (number,) in self.seen.rows(joined(" UNION ALL ", parts))} if parts else set()
        return tuple(number in held for number in range(len(own)))


@contextmanager
def looking(store: Store, rule: Rule, catalog: Catalog, profile_key: int, *, at: datetime, past: bool = False) -> Iterator[Look]:
    """Look at a person through a checked rule, or refuse where there is no such person."""
    conditions = dict(flattened(rule, catalog, "$"))
    with store.snapshot() as seen:
        frame = Frame(catalog, at, past=past, person=profile_key)
        wanted = needs(conditions.values(), frame)
        there = (
            bool(seen.rows(frame.everyone()))
            if past
            else bool(seen.execute(sql("CREATE TEMP TABLE mine AS {}", row_of(wanted, frame))))
        )
        if not there:
            raise Unknown(
                "There is no such user.", "They were not made yet at that moment, were deleted, or merged into another."
            )
        seen.execute(sql("CREATE TEMP TABLE own AS {}", events_of_person(wanted, frame)))
        yield Look(store, seen, replace(frame, own=OWN, mine=NOTHING if past else MINE), profile_key, conditions)


def _of_everybody(asked: Sequence[tuple[Node, Frame]], trees: Sequence[Compiled]) -> Iterator[Leaf]:
    """The leaves that cannot be asked of one person: a place among all."""
    for (node, _), tree in zip(asked, trees, strict=True):
        if isinstance(node, Rank):
            yield from leaves(tree)
