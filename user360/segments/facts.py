"""What one person's part in each condition was: the value it saw, where that came from, how many events and which.

Told beside the answer, never used to find it. Without this room "no" would be all there is to read.
Whether a condition holds does not live here (`looking`), nor how facts are shown (`pages/ui/why.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from user360 import datatypes, events, operators, profiles
from user360.clock import aware
from user360.profiles import Origin
from user360.segments import compiler, event_leaves, predicates, windows
from user360.segments.rules import (
    EventCondition,
    EventMoment,
    EventOccasion,
    EventRegularity,
    EventValue,
    PropertyCondition,
    Rank,
    SegmentCondition,
    Sequence,
    events_of,
)
from user360.sql import NOTHING, Sql, joined, name, sql

if TYPE_CHECKING:
    from user360.datatype import DataType, Value
    from user360.segments.looking import Look
    from user360.segments.rules import Node, Times
    from user360.segments.windows import Span

MOST_EVENTS: Final = 20
Edge: TypeAlias = date | datetime | None
_KNOWN: Final = ("is_known", "is_not_known")


@dataclass(frozen=True, slots=True)
class Happened:
    """One event that a condition speaks of. `properties` is JSON text."""

    event: str
    at: datetime
    channel: str | None
    message_id: str
    properties: str | None


@dataclass(frozen=True, slots=True)
class Facts:
    """What a condition saw of one person.

    `value` is a property, a figure or an instant, None where it is not known; `unknown` says that it had to be. `found` is how
    many events (or calendar units, or steps of an order) there were, of `least` to `most` that are needed. `window` holds the
    ends of the time that counts; `events` are the first few of those found, the deciding one first, and `oldest` the time of the earliest.
    """

    value: Value | None = None
    unknown: bool = False
    origin: Origin | None = None
    found: int | None = None
    least: int | None = None
    most: int | None = None
    window: tuple[Edge, Edge] | None = None
    events: tuple[Happened, ...] = ()
    oldest: datetime | None = None


def gather(look: Look) -> dict[str, Facts]:
    """The facts of every condition, by its path."""
    values = property_values(look)
    origins = profiles.origins(look.seen, look.key, values, at=look.frame.at)
    happened = _happened(look)
    figures = _figures(look)
    reached = _reached(look)
    found: dict[str, Facts] = {}
    for path, node in look.conditions.items():
        facts = replace(happened.get(path, Facts()), window=_window(node, look))
        match node:
            case PropertyCondition(property=asked) | Rank(property=str(asked)):
                facts = replace(facts, value=values[asked], origin=origins.get(asked))
            case SegmentCondition():
                facts = replace(facts, origin=_listed(node, look))
            case EventValue() | EventMoment() | Rank():
                facts = replace(facts, value=figures[path])
            case EventRegularity():
                facts = replace(facts, found=int(figures[path] or 0), least=node.periods)
            case Sequence():
                facts = replace(facts, found=reached[path], least=len(node.steps))
            case EventCondition():
                facts = replace(facts, least=_bounds(node.times)[0], most=_bounds(node.times)[1])
        found[path] = replace(facts, unknown=_unknown(node, facts))
    return found


def property_values(look: Look) -> dict[str, Any]:
    """The values of all properties the rule asks, None where they are not known."""
    nodes = look.conditions.values()
    asked = dict.fromkeys(each.property for each in nodes if isinstance(each, PropertyCondition | Rank) and each.property)
    if not asked:
        return {}
    known = look.frame.catalog.properties
    columns = [
        name(each)
        if look.frame.mine and known[each].calculation is None and not known[each].aside
        else sql("(SELECT {} FROM ({}))", name(each), compiler.values(known[each], look.frame))
        for each in asked
    ]
    of = sql(" FROM {}", look.frame.mine) if look.frame.mine else NOTHING
    row = look.seen.rows(sql("SELECT {}{}", joined(", ", columns), of))[0]
    return {each: _value(value) for each, value in zip(asked, row, strict=True)}


def meets(times: Times, count: int) -> bool:
    """Whether so many events are as many as wanted."""
    least, most = _bounds(times)
    return (least is None or least <= count) and (most is None or count <= most)


def _bounds(times: Times) -> tuple[int | None, int | None]:
    first, last = times.values[0], times.values[-1]
    match times.operator:
        case "at_least":
            return first, None
        case "at_most":
            return None, first
    return first, last


def _unknown(node: Node, facts: Facts) -> bool:
    match node:
        case PropertyCondition(operator=operator):
            return facts.value is None and operator not in _KNOWN and node.held is None
        case EventValue(operator=operator) | EventMoment(operator=operator):
            return facts.value is None and operator not in _KNOWN
        case Rank():
            return facts.value is None
    return False


def _value(raw: Any) -> Any:
    """A value of the database as one of its type; nothing for an empty list."""
    if isinstance(raw, datetime):
        return aware(raw)
    return (tuple(raw) or None) if isinstance(raw, list) else raw


# -- windows ------------------------------------------------------------------------------------


def _window(node: Node, look: Look) -> tuple[Edge, Edge] | None:
    """The ends of the time a condition looks at, if it looks at a part of time."""
    frame = look.frame
    match node:
        case EventRegularity():
            return event_leaves.starts_of(node, frame)[0], frame.at
        case Sequence(during=during) if during is not None:
            return _ends(windows.during(during, frame.at, frame.catalog))
        case PropertyCondition(property=asked, operator=operator) if operator:
            return _asked_window(node, look.frame.catalog.properties[asked].datatype, look)
        case EventMoment() if node.of.during is None:
            return _asked_window(node, datatypes.get("datetime"), look)
    spans = [each.during for each in events_of(node) if each.during is not None]
    return _ends(windows.during(spans[0], frame.at, frame.catalog)) if len(spans) == 1 else None


def _asked_window(node: PropertyCondition | EventMoment, datatype: DataType, look: Look) -> tuple[Edge, Edge] | None:
    operator = operators.get(node.operator, datatype.families)
    if operator.family != "calendar" or operator.operand not in {"window", "period", "none"}:
        return None
    return _ends(predicates.spans(node, datatype, look.frame.catalog, look.frame.at)[0])


def _ends(span: Span) -> tuple[Edge, Edge]:
    first, last, _ = span
    return _value(first), _value(last)


# -- events -------------------------------------------------------------------------------------


def _happened(look: Look) -> dict[str, Facts]:
    """The events of each condition: how many, since when, and the first few. One reading of the person's events counts for all."""
    asked = {path: node for path, node in look.conditions.items() if events_of(node)}
    if not asked:
        return {}
    flags = [Sql(f"c{number}") for number in range(len(asked))]
    said = [
        sql("({}) AS {}", event_leaves.concerned(node, look.frame), flag)  # type: ignore[arg-type]  # a condition on events
        for node, flag in zip(asked.values(), flags, strict=True)
    ]
    own = Sql("rowid" if look.frame.past else "place")
    figures = [_counted(node, flag) for node, flag in zip(asked.values(), flags, strict=True)]
    row = look.seen.rows(
        sql("SELECT {} FROM (SELECT *, {} AS found, {} FROM own)", joined(", ", figures), own, joined(", ", said))
    )[0]
    counted = {path: row[3 * number : 3 * number + 3] for number, path in enumerate(asked)}
    places = {place for _, _, shown in counted.values() for place in shown or ()}
    rows = events.in_places(look.store, look.seen, places, *([look.frame.own] if look.frame.past else []))
    happened = {place: Happened(event, aware(at), *told) for place, (event, at, *told) in rows.items()}
    return {
        path: _in_order(
            Facts(found=total, oldest=oldest and aware(oldest), events=tuple(happened[place] for place in shown or ())),
            asked[path],
        )
        for path, (total, oldest, shown) in counted.items()
    }


def _counted(node: Node, flag: Sql) -> Sql:
    """How many there are, the time of the earliest, and where those to be shown stand."""
    return sql(
        "count(*) FILTER ({}), min(occurred_at) FILTER ({}), {}(found, {{'at': occurred_at, 'id': message_id}}, {}) FILTER ({})",
        flag,
        flag,
        Sql("arg_min" if _is_first(node) else "arg_max"),
        MOST_EVENTS,
        flag,
    )


def _is_first(node: Node) -> bool:
    return isinstance(node, EventMoment | EventOccasion) and node.occurrence == "first"


def _in_order(facts: Facts, node: Node) -> Facts:
    return replace(
        facts, events=tuple(sorted(facts.events, key=lambda each: (each.at, each.message_id), reverse=not _is_first(node)))
    )


def _figures(look: Look) -> dict[str, Any]:
    """What conditions on events compare, where that is not their number."""
    asked = {
        path: node
        for path, node in look.conditions.items()
        if isinstance(node, EventValue | EventMoment | EventRegularity) or (isinstance(node, Rank) and node.of is not None)
    }
    if not asked:
        return {}
    columns = [
        sql("(SELECT {} FROM own WHERE {})", event_leaves.figure(node, look.frame), event_leaves.concerned(node, look.frame))
        for node in asked.values()
    ]
    row = look.seen.rows(sql("SELECT {}", joined(", ", columns)))[0]
    return {path: _value(figure) for path, figure in zip(asked, row, strict=True)}


def _reached(look: Look) -> dict[str, int]:
    """How many steps of each order were done: the longest beginning of it that holds."""
    orders = {path: node for path, node in look.conditions.items() if isinstance(node, Sequence)}
    begun = [
        (path, replace(node, steps=node.steps[:count]))
        for path, node in orders.items()
        for count in range(1, len(node.steps) + 1)
    ]
    done = look.holding([(node, look.frame) for _, node in begun]) if begun else []
    return {
        path: max((len(node.steps) for (of, node), yes in zip(begun, done, strict=True) if yes and of == path), default=0)
        for path in orders
    }


def _listed(node: SegmentCondition, look: Look) -> Origin | None:
    """When the person was put on a fixed list, and from where."""
    rows = look.seen.rows(
        sql(
            "SELECT added_at, source FROM segment_members WHERE segment_id = {} AND profile_key = {} AND added_at <= {} "
            "ORDER BY added_at DESC LIMIT 1",
            node.segment,
            look.key,
            look.frame.stood(),
        )
    )
    return Origin(aware(rows[0][0]), "", rows[0][1]) if rows else None
