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
from user360.events import FIRST_OF_OTHERS
from user360.segments import asking, compiler
from user360.segments.calculation import read_calculation
from user360.segments.checking import check
from user360.segments.frames import Frame
from user360.segments.rules import EventOccasion, EventValue, Group, PropertyCondition, Rank, SegmentCondition, events_of
from user360.segments.tree import holds, leaves
from user360.sql import Sql, joined, sql

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from datetime import datetime

    from user360.segments.catalog import Catalog
    from user360.segments.rules import Node, Rule
    from user360.segments.tree import Compiled, Leaf
    from user360.store import Store, Transaction

OWN: Final = Sql("own")
MOST_AT_ONCE: Final = 100
_COLUMNS: Final = Sql("profile_key, event_id, channel_id, source_id, occurred_at, message_id, figure1, figure2, figure3")


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
        columns = [sql("EXISTS (SELECT 1 FROM ({}) WHERE profile_key = {})", leaf.sql, self.key) for leaf in own]
        row: tuple[bool, ...] = self.seen.rows(sql("SELECT {}", joined(", ", columns)))[0]
        return row


@contextmanager
def looking(store: Store, rule: Rule, catalog: Catalog, profile_key: int, *, at: datetime, past: bool = False) -> Iterator[Look]:
    """Look at a person through a checked rule, or refuse where there is no such person."""
    conditions = dict(flattened(rule, catalog, "$"))
    with store.snapshot() as seen:
        everybody = Frame(catalog, at, past=past, person=profile_key)
        if not seen.rows(everybody.everyone()):
            raise Unknown(
                "There is no such user.", "They were not made yet at that moment, were deleted, or merged into another."
            )
        until = replace(everybody, known=at) if past else everybody
        seen.execute(sql("CREATE TEMP TABLE own AS {}", _events(conditions.values(), until)))
        yield Look(store, seen, replace(everybody, own=OWN), profile_key, conditions)


def flattened(node: Node, catalog: Catalog, path: str) -> Iterator[tuple[str, Node]]:
    """The conditions below a checked node by path, a segment's own in its place; a fixed list is one condition."""
    inner = rule_behind(node, catalog)
    if inner is not None:
        yield from flattened(inner, catalog, f"{path}.segment")
    elif isinstance(node, Group):
        for place, each in enumerate(node.conditions):
            yield from flattened(each, catalog, f"{path}.conditions[{place}]")
    else:
        yield path, node


def rule_behind(node: Node, catalog: Catalog) -> Rule | None:
    """The rule of the segment a condition names, if it has one."""
    if not isinstance(node, SegmentCondition):
        return None
    rule = catalog.segments[node.segment].rule
    return check(rule, catalog) if rule is not None else None


def _of_everybody(asked: Sequence[tuple[Node, Frame]], trees: Sequence[Compiled]) -> Iterator[Leaf]:
    """The leaves that cannot be asked of one person: a place among all."""
    for (node, _), tree in zip(asked, trees, strict=True):
        if isinstance(node, Rank):
            yield from leaves(tree)


def _spoken_of(node: Node, catalog: Catalog) -> Iterator[str | None]:
    """The names of the events a condition rests on; a computed property rests on those it is worked out of."""
    yield from (each.event for each in events_of(node))
    asked = catalog.properties[node.property] if isinstance(node, PropertyCondition | Rank) and node.property else None
    if asked is not None and asked.calculation is not None:
        calculation = read_calculation(asked.calculation)
        yield calculation.of.event
        if calculation.segment is not None:
            for _, inner in flattened(SegmentCondition(calculation.segment), catalog, "$"):
                if not isinstance(inner, SegmentCondition):
                    yield from _spoken_of(inner, catalog)


def _events(conditions: Collection[Node], frame: Frame) -> Sql:
    """Those of the person's events that any condition speaks of.

    Their documents are read where a condition asks for them; else `place` says where each one stands. Documents are
    fetched row by row, which takes a tenth of the time of looking for the person in a reading of them.
    """
    named = {each for node in conditions for each in _spoken_of(node, frame.catalog)}
    if frame.past and any(isinstance(node, PropertyCondition) and node.property == "lastSession" for node in conditions):
        named.add(None)  # a last session of the past is the newest event of then
    parts = [sql("event_id = {}", frame.catalog.events[each]) for each in named if each is not None]
    if None in named:
        parts.append(sql("event_id >= {}", FIRST_OF_OTHERS))
    which = joined(" OR ", parts) if parts else Sql("false")
    if frame.past:
        return sql("SELECT {}, properties, NULL::BIGINT AS place FROM {} WHERE {}", _COLUMNS, frame.events(), which)
    theirs = sql("FROM events WHERE profile_key = {} AND ({})", frame.person, which)
    if not any(_reads_documents(node, frame.catalog) for node in conditions):
        return sql("SELECT {}, NULL::VARIANT AS properties, rowid AS place {}", _COLUMNS, theirs)
    return sql("SELECT {}, properties, NULL::BIGINT AS place FROM events WHERE rowid IN (SELECT rowid {})", _COLUMNS, theirs)


def _reads_documents(node: Node, catalog: Catalog) -> bool:
    """Whether a condition asks for what stands in the documents of events and in no column beside them."""
    asked = catalog.properties[node.property] if isinstance(node, PropertyCondition | Rank) and node.property else None
    if asked is not None and asked.calculation is not None:
        calculation = read_calculation(asked.calculation)
        return calculation.about is not None or calculation.of.where is not None or calculation.segment is not None
    if isinstance(node, EventOccasion) or any(each.where is not None for each in events_of(node)):
        return True
    if not isinstance(node, EventValue | Rank) or node.measure is None or node.of is None:
        return False
    return node.measure.function == "distinct" or (node.of.event, node.measure.property) not in catalog.figures
