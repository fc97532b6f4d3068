"""From a rule to a tree over leaves. Pure: the same rule, catalog and instant give the same queries.

A leaf is positive: it holds for nobody whose value is unknown. A negative operator is everybody but
the leaf, or, where unknown values are left out, all who have a value but the leaf. How the leaves are
asked and put together does not live here (`asking`).
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from user360 import clock
from user360.segments import calculating, event_leaves, predicates, windows
from user360.segments.calculation import read_calculation
from user360.segments.checking import check
from user360.segments.frames import Frame
from user360.segments.rules import (
    EventCondition,
    EventMoment,
    EventOccasion,
    EventRegularity,
    Events,
    EventValue,
    Group,
    PropertyCondition,
    Rank,
    SegmentCondition,
    Sequence,
)
from user360.segments.tree import EVENTS, Both, Either, Leaf, Others, as_query
from user360.sql import NOTHING, Sql, joined, name, sql

if TYPE_CHECKING:
    from datetime import datetime

    from user360.properties import Property
    from user360.segments.catalog import Catalog
    from user360.segments.rules import Node, Rule, Scalar
    from user360.segments.tree import Compiled


KEPT: Final = 1024


def compile(rule: Rule, catalog: Catalog, *, at: datetime, past: bool = False) -> Compiled:  # noqa: A001 - the house's word
    """The rule as a tree over leaves, or InvalidRule; `past` asks how things stood at that instant."""
    return compiled(check(rule, catalog), Frame(catalog, at, past=past))


@lru_cache(maxsize=KEPT)
def compiled(node: Node, frame: Frame) -> Compiled:  # noqa: C901 - a case per kind of node
    """A node of a checked rule, asked in that frame; one that was asked in it before is not written anew."""
    match node:
        case Group(match, conditions):
            parts = tuple(compiled(each, frame) for each in conditions)
            return Both(parts) if match == "all" else Either(parts) if match == "any" else Others(Either(parts))
        case PropertyCondition():
            return _property(node, frame)
        case EventCondition():
            return event_leaves.times(node, frame)
        case EventValue():
            return event_leaves.value(node, frame)
        case EventMoment():
            return event_leaves.moment(node, frame)
        case EventOccasion():
            return event_leaves.occasion(node, frame)
        case EventRegularity():
            return event_leaves.regularity(node, frame)
        case Sequence():
            return event_leaves.sequence(node, frame)
        case SegmentCondition():
            return _segment(node, frame)
        case Rank():
            return _rank(node, frame)


def known(property_name: str, frame: Frame) -> Compiled:
    """Who has any value of the property."""
    return _positive(PropertyCondition(property_name, "is_known"), frame)


def values(found: Property, frame: Frame) -> Sql:
    """A property of all: profile_key, and the value under its own name. A computed one is worked out, never read from its column."""
    if found.calculation is None:
        return frame.property(found)
    calculation = read_calculation(found.calculation)
    if calculation.segment is None:
        return calculating.rows(calculation, found.name, frame)
    scope = as_query(_segment(SegmentCondition(calculation.segment), frame), frame.everyone())
    return calculating.rows(calculation, found.name, frame, scope)


# -- properties ---------------------------------------------------------------------------------


def _property(node: PropertyCondition, frame: Frame) -> Compiled:
    if node.held is None:
        return _present(node, frame)
    held = node.held
    since = None if held.kind == "ever" else windows.shifted(frame.at, -held.amount, held.unit, frame.catalog)
    found = frame.catalog.properties[node.property]
    earlier = frame.earlier(found, since)
    if held.kind == "changed_in_the_last":
        return Leaf(sql("SELECT profile_key FROM ({})", earlier), topics=EVENTS, gone=True)
    holds = predicates.holds(name(found.name), node, found.datatype, frame.catalog, frame.at)
    if held.kind == "ever":
        once = Leaf(sql("SELECT profile_key FROM ({}) WHERE {}", earlier, holds), topics=EVENTS, gone=True)
        return Either((_present(node, frame), once))
    assert since is not None  # noqa: S101 - so long has a start
    made = frame.property(frame.catalog.properties["createdAt"])
    there = Leaf(sql('SELECT profile_key FROM ({}) WHERE "createdAt" <= {}', made, clock.stored(since)))
    broken = Leaf(sql("SELECT profile_key FROM ({}) WHERE ({}) IS NOT TRUE", earlier, holds), topics=EVENTS)
    return Both((_present(node, frame), there, Others(broken)))


def _present(node: PropertyCondition, frame: Frame) -> Compiled:
    found = frame.catalog.properties[node.property]
    positive = _positive(node, frame)
    if not predicates.is_negative(node, found.datatype):
        return positive
    return Both((known(node.property, frame), Others(positive))) if node.leave_out else Others(positive)


def _positive(node: PropertyCondition, frame: Frame) -> Compiled:
    found = frame.catalog.properties[node.property]
    said = predicates.positive(name(found.name), node, found.datatype, frame.catalog, frame.at)
    if found.calculation is not None:
        return Leaf(sql("SELECT profile_key FROM ({}) WHERE {}", values(found, frame), said), topics=(*EVENTS, "segments"))
    if frame.plain and not found.aside:
        return Leaf(sql("SELECT profile_key FROM profiles WHERE {}", said), said, once=True)
    if frame.past and found.name == "lastSession":
        return _session(node, said, frame)
    if frame.plain:
        return _tagged(node, frame)
    rows = sql("SELECT profile_key FROM ({}) WHERE {}", frame.property(found), said)
    return Leaf(rows, topics=EVENTS if frame.past else ("profiles",))


def _tagged(node: PropertyCondition, frame: Frame) -> Compiled:
    """A condition on the tags, which stand beside the wide table a row each: of several that all must be there, one by one."""
    operator = predicates.positive_of(node, frame.catalog.properties[node.property].datatype)
    if operator.key == "is_known":
        return Leaf(Sql("SELECT profile_key FROM profile_tags"))
    if operator.key == "has_at_least":
        least = int(node.values[0])
        rows = sql("SELECT profile_key FROM profile_tags GROUP BY profile_key HAVING count(*) >= {}", least)
        return Leaf(rows)
    if operator.key == "contains_all":
        return Both(tuple(_with_tags([each]) for each in node.values))
    return _with_tags(list(node.values))


def _with_tags(names: list[Scalar]) -> Leaf:
    """Who has any of these tags."""
    of_these = sql("SELECT tag_id FROM tags WHERE name IN ({})", joined(", ", names))
    return Leaf(sql("SELECT profile_key FROM profile_tags WHERE tag_id IN ({})", of_these))


def _session(node: PropertyCondition, said: Sql, frame: Frame) -> Compiled:
    """The last session of an earlier instant. Whom events moved since are asked by events, which measured ten times as fast."""
    operator = predicates.positive_of(node, frame.catalog.properties[node.property].datatype)
    newest = event_leaves.moment(EventMoment(Events(None), "last", operator.key, node.values), frame)
    kept = Leaf(sql("SELECT profile_key FROM ({}) WHERE {}", frame.sessions_kept(), said), topics=EVENTS)
    given = Leaf(sql("SELECT profile_key FROM ({}) WHERE {}", frame.sessions_given(), said), topics=EVENTS)
    followed, passed = (Leaf(each, topics=EVENTS) for each in (frame.sessions_followed(), frame.sessions_passed()))
    return Either((kept, Both((Either((followed, passed)), newest)), Both((given, Others(passed)))))


# -- segments and ranks -------------------------------------------------------------------------


def _segment(node: SegmentCondition, frame: Frame) -> Compiled:
    found = frame.catalog.segments[node.segment]
    if found.rule is not None:
        return compiled(check(found.rule, frame.catalog), frame)
    members = sql("SELECT profile_key FROM segment_members WHERE segment_id = {}", node.segment)
    then = sql("added_at <= {} AND (removed_at IS NULL OR removed_at > {})", frame.stood(), frame.stood())
    on_it = sql("{} AND {}", members, then if frame.past else Sql("removed_at IS NULL"))
    return Leaf(on_it, topics=("profiles", "segments"), gone=True)


def _rank(node: Rank, frame: Frame) -> Compiled:
    """Those in front when all whose value is known are lined up; of equal values the lower key comes first."""
    everybody = replace(frame, person=None, own=NOTHING, mine=NOTHING)
    if node.of is None:
        found = frame.catalog.properties[str(node.property)]
        column = name(found.name)
        lined_up = sql("SELECT profile_key, {} AS value FROM ({}) WHERE {} IS NOT NULL", column, values(found, everybody), column)
    else:
        lined_up = event_leaves.per_person(node.of, node.measure, everybody)
    direction = Sql("DESC" if node.side == "top" else "ASC")
    ranked = sql(
        "WITH ranked AS MATERIALIZED ({}) SELECT profile_key FROM ranked ORDER BY value {}, profile_key LIMIT {}",
        lined_up,
        direction,
        _room(node),
    )
    return Leaf(ranked, topics=EVENTS)


def _room(node: Rank) -> Sql:
    """How many stand in front: so many, or that share of all, rounded up."""
    if node.count is not None:
        return sql("{}", node.count)
    share = Fraction(str(node.percent)) / 100
    return sql("(SELECT (count(*) * {} + {}) // {} FROM ranked)", share.numerator, share.denominator - 1, share.denominator)
