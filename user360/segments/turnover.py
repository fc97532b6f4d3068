"""Who entered and who left between two moments, and why: which change of which condition moved them.

The cause is found by swapping one thing at a time. With one condition as it stood at the start, would
they still have moved? And had only the clock gone on, would that condition have changed? Nothing was
recorded for this, so it can be asked of any two moments and any rule. What exactly happened to one
person does not live here (`evidence`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import numpy as np

from user360 import profiles
from user360.people import NOBODY, People
from user360.segments import asking, saved
from user360.segments.catalog import load_catalog
from user360.segments.checking import check
from user360.segments.frames import Frame
from user360.segments.rules import (
    EventCondition,
    EventRegularity,
    EventValue,
    Group,
    PropertyCondition,
    Rank,
    SegmentCondition,
    events_of,
)
from user360.segments.wording import phrase

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from numpy.typing import NDArray

    from user360.segments.catalog import Catalog
    from user360.segments.rules import Node, Rule
    from user360.store import Store

Kind: TypeAlias = Literal[
    "created",
    "deleted",
    "merged into another",
    "no longer merged",
    "definition changed",
    "property changed",
    "new event",
    "event left the window",
    "time passed",
    "rank moved",
    "put on the list",
    "taken off the list",
]
Path: TypeAlias = tuple[int, ...]

_ROLLING: Final = (EventCondition, EventValue, EventRegularity)


@dataclass(frozen=True, slots=True)
class Cause:
    """One change that moved these people. `node` is the condition it is a change of, said in `words`; None where it is of none."""

    kind: Kind
    node: Node | None
    words: str
    people: People


@dataclass(frozen=True, slots=True)
class Turnover:
    """Who entered, left and stayed, and the causes of coming and going, those that moved most people first.

    Who was moved by several changes together stands under each of them.
    """

    start: datetime
    end: datetime
    entered: People
    left: People
    stayed: People
    came: tuple[Cause, ...]
    went: tuple[Cause, ...]


def turnover(store: Store, rule: Rule, *, before: Rule | None = None, start: datetime, end: datetime) -> Turnover:
    """Compare who was in at two moments. `before` is the definition in force at the start, where it was another."""
    catalog = load_catalog(store)
    new = check(rule, catalog)
    old = check(before, catalog) if before is not None else new
    first, last = Frame(catalog, start, past=True), Frame(catalog, end, past=True)
    was, now = asking.of_node(store, old, first), asking.of_node(store, new, last)
    still = now if new == old else asking.of_node(store, old, last)
    entered, left = now - was, was - now
    created = entered - asking.living(store, at=start, past=True)
    gone = left - asking.living(store, at=end, past=True)
    returned = created & store.people(profiles.parted(start, end))
    merged = gone & store.people(profiles.merged_since(start))
    defined_in, defined_out = entered - created - still, (left - gone) & still
    moves = _Moves(store, _inlined(old, catalog), first, last)
    came = (
        _cause("created", created - returned),
        _cause("no longer merged", returned),
        _cause("definition changed", defined_in),
        *moves.causes(entered - created - defined_in, entered=True),
    )
    went = (
        _cause("deleted", gone - merged),
        _cause("merged into another", merged),
        _cause("definition changed", defined_out),
        *moves.causes(left - gone - defined_out, entered=False),
    )
    return Turnover(start, end, entered, left, was & now, _most_first(came), _most_first(went))


def of_segment(store: Store, segment_id: str, *, start: datetime, end: datetime) -> Turnover:
    """The turnover of a saved segment, by the definitions it had at the two moments."""
    earlier, later = (saved.rule_at(store, segment_id, each) for each in (start, end))
    return turnover(store, later, before=earlier, start=start, end=end)


def _cause(kind: Kind, people: People) -> Cause:
    return Cause(kind, None, "", people)


def _most_first(causes: tuple[Cause, ...]) -> tuple[Cause, ...]:
    return tuple(sorted((each for each in causes if each.people), key=lambda each: -len(each.people)))


def _inlined(node: Node, catalog: Catalog) -> Group:
    """The group with the rules of the segments it names in their place, so that a change deep inside is told as itself."""
    if isinstance(node, SegmentCondition):
        rule = catalog.segments[node.segment].rule
        return _inlined(check(rule, catalog), catalog) if rule is not None else Group("all", (node,))
    if not isinstance(node, Group):
        return Group("all", (node,))
    inner = [_inlined(each, catalog) if isinstance(each, Group | SegmentCondition) else each for each in node.conditions]
    return Group(node.match, tuple(inner))


@dataclass(frozen=True, slots=True)
class _Moves:
    """What each condition of a rule did between two moments."""

    store: Store
    rule: Group
    first: Frame
    last: Frame

    def causes(self, moved: People, *, entered: bool) -> Iterator[Cause]:
        """Which conditions moved these people, all of them living at both moments."""
        if not moved:
            return
        keys = moved.keys()
        everyone = _squeezed(moved, keys)
        nodes = dict(_conditions(self.rule))
        then = {path: self._truth(node, self.first, keys) for path, node in nodes.items()}
        now = {path: self._truth(node, self.last, keys) for path, node in nodes.items()}
        flipped = {path: _other(then[path], now[path]) for path in nodes}
        decisive: dict[Path, People] = {}
        for path in (each for each in nodes if flipped[each]):
            without = _joined(self.rule, now | {path: then[path]}, everyone)
            decisive[path] = flipped[path] & (everyone - without if entered else without)
        undecided = everyone
        for each in decisive.values():
            undecided -= each
        for path, alone in decisive.items():
            yield from self._told(nodes[path], alone | (flipped[path] & undecided), now[path], keys)

    def _told(self, node: Node, people: People, now: People, keys: NDArray[np.uint32]) -> Iterator[Cause]:
        """The people one condition moved, by what had become of it: those whom time alone moved stand apart."""
        if not people:
            return
        words = phrase(node, self.first.catalog)
        clock = Frame(self.last.catalog, self.last.at, past=True, known=self.first.at)
        by_time = people - _other(self._truth(node, clock, keys), now) if not isinstance(node, SegmentCondition) else NOBODY
        for kind, moved in (*_by_matter(node, people - by_time, now), (_by_time(node), by_time)):
            if moved:
                yield Cause(kind, node, words, _widened(moved, keys))

    def _truth(self, node: Node, frame: Frame, keys: NDArray[np.uint32]) -> People:
        return _squeezed(asking.of_node(self.store, node, frame), keys)


def _by_matter(node: Node, people: People, now: People) -> tuple[tuple[Kind, People], ...]:
    """What happened where time alone does not explain it."""
    match node:
        case PropertyCondition():
            return (("property changed", people),)
        case SegmentCondition():
            return (("put on the list", people & now), ("taken off the list", people - now))
        case Rank():
            return (("rank moved", people),)
    return (("new event", people),)


def _by_time(node: Node) -> Kind:
    """What time alone does to a condition: a window that goes on leaves events behind."""
    rolling = isinstance(node, EventRegularity) or any(each.during is not None for each in events_of(node))
    return "event left the window" if isinstance(node, _ROLLING) and rolling else "time passed"


def _conditions(group: Group, path: Path = ()) -> Iterator[tuple[Path, Node]]:
    for place, each in enumerate(group.conditions):
        if isinstance(each, Group):
            yield from _conditions(each, (*path, place))
        else:
            yield (*path, place), each


def _joined(group: Group, truth: Mapping[Path, People], everyone: People, path: Path = ()) -> People:
    """The people of a group, from those of its conditions."""
    parts = [
        _joined(each, truth, everyone, (*path, place)) if isinstance(each, Group) else truth[(*path, place)]
        for place, each in enumerate(group.conditions)
    ]
    if group.match == "all":
        found = everyone
        for each in parts:
            found &= each
        return found
    found = NOBODY
    for each in parts:
        found |= each
    return everyone - found if group.match == "none" else found


def _other(one: People, another: People) -> People:
    """Those who are in just one of the two."""
    return (one - another) | (another - one)


# -- few people among many ----------------------------------------------------------------------


def _squeezed(people: People, keys: NDArray[np.uint32]) -> People:
    """The people as bits over the places of `keys`, which are few where all profiles are many."""
    byte, bit = np.divmod(keys.astype(np.int64), 8)
    flags = np.zeros(keys.size, dtype=np.bool_)
    told = byte < people.bits.size
    flags[told] = (people.bits[byte[told]] >> (7 - bit[told]).astype(np.uint8)) & 1
    return People(np.packbits(flags))


def _widened(people: People, keys: NDArray[np.uint32]) -> People:
    return People.of(keys[people.keys()])
