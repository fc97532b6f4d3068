"""What of one person a rule needs to look at: its conditions, the events they speak of since when, and which columns.

Everybody's events are long and one person's few lie scattered in them; each name, week and column that need not be read
makes an answer about one person that much quicker. Who asks them does not live here (`looking`, `membership`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from user360 import clock
from user360.clock import aware, stored
from user360.events import FIRST_OF_OTHERS, figures
from user360.segments import event_leaves, windows
from user360.segments.calculation import Calculation, read_calculation
from user360.segments.checking import COLUMNS_OF_EVENTS, check, datatype_of
from user360.segments.rules import (
    EventOccasion,
    EventRegularity,
    Events,
    EventValue,
    Group,
    PropertyCondition,
    Rank,
    SegmentCondition,
    Sequence,
    events_of,
    walk,
)
from user360.sql import Sql, joined, name, sql

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from user360.segments.catalog import Catalog
    from user360.segments.frames import Frame
    from user360.segments.rules import During, Node, Rule

OWN: Final = Sql("own")
MINE: Final = Sql("mine")
SPARE: Final = timedelta(days=5)  # a window by the calendar may begin a little earlier when the clock has gone on: months differ
_BY_ID: Final = frozenset({"first", "last"})
_NUMBERS: Final = frozenset({"number", "sum", "average", "min", "max"})


@dataclass(frozen=True, slots=True)
class Needs:
    """`events` is what a query says of the events; of these the columns of `figures`, `ids` and `documents` are read. `properties` are of the profile."""

    events: Sql
    figures: frozenset[str]
    ids: bool
    documents: bool
    properties: tuple[str, ...]


def needs(conditions: Iterable[Node], frame: Frame) -> Needs:
    """What these conditions need, those behind computed properties among them; of a window all from a little before its start."""
    catalog = frame.catalog
    every = [each for node in conditions for each in _behind(node, catalog)]
    computed = [each for node in every if (each := _calculation(node, catalog)) is not None]
    reads = [*(_Reads.of_node(each, catalog) for each in every), *(_Reads.of_calculation(each, catalog) for each in computed)]
    asked = [each.property for each in every if isinstance(each, PropertyCondition | Rank) and each.property]
    plain = [each for each in asked if catalog.properties[each].calculation is None and not catalog.properties[each].aside]
    return Needs(
        _spoken_of(every, computed, frame),
        frozenset().union(*(each.figures for each in reads)),
        any(each.ids for each in reads),
        any(each.documents for each in reads),
        tuple(dict.fromkeys([*plain, "createdAt"])),
    )


def row_of(wanted: Needs, frame: Frame) -> Sql:
    """What is asked of the person's own row."""
    columns = joined(", ", [name(each) for each in wanted.properties])
    return sql("SELECT profile_key, {} FROM profiles WHERE profile_key = {}", columns, frame.person)


def events_of_person(wanted: Needs, frame: Frame) -> Sql:
    """Those of the person's events that any condition speaks of, with the columns that any reads.

    `place` says where each one stands, or in the past that it stands nowhere any more. Documents are fetched row by
    row, which takes a tenth of the time of looking for the person in a reading of them.
    """
    beside = [Sql(each) if each in wanted.figures else sql("NULL::DOUBLE AS {}", Sql(each)) for each in figures.COLUMNS]
    columns = sql(
        "profile_key, event_id, channel_id, source_id, occurred_at, {}, {}, {}",
        joined(", ", beside),
        Sql("message_id" if wanted.ids or frame.past else "NULL::VARCHAR AS message_id"),
        Sql("properties" if wanted.documents or frame.past else "NULL::VARIANT AS properties"),
    )
    if frame.past:
        until = replace(frame, known=frame.at)
        return sql("SELECT {}, NULL::BIGINT AS place FROM {} WHERE {}", columns, until.events(), wanted.events)
    theirs = sql("FROM events WHERE profile_key = {} AND ({})", frame.person, wanted.events)
    if not wanted.documents:
        return sql("SELECT {}, rowid AS place {}", columns, theirs)
    return sql("SELECT {}, rowid AS place FROM events WHERE rowid IN (SELECT rowid {})", columns, theirs)


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


def _calculation(node: Node, catalog: Catalog) -> Calculation | None:
    """How the property a condition asks is worked out of events, if it is."""
    asked = catalog.properties[node.property] if isinstance(node, PropertyCondition | Rank) and node.property else None
    return read_calculation(asked.calculation) if asked is not None and asked.calculation is not None else None


def _behind(node: Node, catalog: Catalog) -> Iterator[Node]:
    """The condition, and those of the segment that a computed property it asks is limited to."""
    yield node
    calculation = _calculation(node, catalog)
    if calculation is not None and calculation.segment is not None:
        for _, inner in flattened(SegmentCondition(calculation.segment), catalog, "$"):
            yield from _behind(inner, catalog)


# -- which events -------------------------------------------------------------------------------


def _spoken_of(conditions: Iterable[Node], computed: Iterable[Calculation], frame: Frame) -> Sql:
    earliest: dict[str | None, datetime | None] = {}
    for event, since in [*_named(conditions, frame), *((each.of.event, _since(frame, each.of.during)) for each in computed)]:
        before = earliest.get(event, since)
        earliest[event] = None if before is None or since is None else min(before, since)
    parts = [_rows(event, since, frame) for event, since in earliest.items()]
    return joined(" OR ", parts) if parts else Sql("false")


def _named(conditions: Iterable[Node], frame: Frame) -> Iterator[tuple[str | None, datetime | None]]:
    """Each name of an event (None: any), and since when (naive UTC; None: ever) it is looked at."""
    for node in conditions:
        further = node.during if isinstance(node, Sequence) else None
        for each in events_of(node):
            since = _since(frame, each.during, further)
            if since is None and isinstance(node, EventRegularity):
                since = stored(clock.later(event_leaves.starts_of(node, frame)[0], -SPARE))
            yield each.event, since
        if frame.past and isinstance(node, PropertyCondition) and node.property == "lastSession":
            yield None, None  # a last session of the past is the newest event of then


def _since(frame: Frame, *spans: During | None) -> datetime | None:
    """A little before the latest start of these stretches of time: what happened earlier lies in them neither now nor later."""
    starts = [windows.during(each, frame.at, frame.catalog)[0] for each in spans]
    known = [each for each in starts if isinstance(each, datetime)]
    return stored(clock.later(aware(max(known)), -SPARE)) if known else None


def _rows(event: str | None, since: datetime | None, frame: Frame) -> Sql:
    named = sql("event_id >= {}", FIRST_OF_OTHERS) if event is None else sql("event_id = {}", frame.catalog.events[event])
    return named if since is None else sql("({} AND occurred_at >= {})", named, since)


# -- which columns ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Reads:
    """What is read of the events themselves."""

    figures: frozenset[str]
    documents: bool
    ids: bool

    @classmethod
    def of_node(cls, node: Node, catalog: Catalog) -> _Reads:
        inner = [each for each in walk(node) if isinstance(each, PropertyCondition) and each is not node]
        measure = node.measure if isinstance(node, EventValue | Rank) else None
        values = _of_conditions(inner, catalog) + ([(measure.property, measure.function)] if measure is not None else [])
        return cls.gathered(events_of(node), values, catalog, ids=isinstance(node, EventOccasion))

    @classmethod
    def of_calculation(cls, calculation: Calculation, catalog: Catalog) -> _Reads:
        where = calculation.of.where
        inner = [each for each in walk(where) if isinstance(each, PropertyCondition)] if where is not None else []
        values = _of_conditions(inner, catalog) + ([(calculation.about, calculation.figure)] if calculation.about else [])
        return cls.gathered((calculation.of,), values, catalog, ids=calculation.figure in _BY_ID)

    @classmethod
    def gathered(cls, spoken_of: tuple[Events, ...], values: list[tuple[str, str]], catalog: Catalog, *, ids: bool) -> _Reads:
        """`values` are properties of these events, each with what it is read as."""
        own = [(asked, kind) for asked, kind in values if asked not in COLUMNS_OF_EVENTS]
        numbers = [asked for asked, kind in own if kind in _NUMBERS]
        columns = [catalog.figures.get((each.event or "", asked)) for each in spoken_of for asked in numbers]
        return cls(frozenset(each for each in columns if each), not all(columns) or len(numbers) < len(own), ids)


def _of_conditions(inner: list[PropertyCondition], catalog: Catalog) -> list[tuple[str, str]]:
    return [(each.property, datatype_of(each, catalog, of_event=True).name) for each in inner]
