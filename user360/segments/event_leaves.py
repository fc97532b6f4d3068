"""Conditions on events as leaves: how often, how much, when, how regularly, in which order.

Each is one query of profile keys over the events, in the shape that measured fastest: the table is
sorted by week, event and time, so the name and the span of a condition let nearly all else be
skipped. A leaf says who has events that answer; who has none comes in by `Others`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from user360 import clock, datatypes, operators
from user360.events import FIRST_OF_OTHERS
from user360.segments import event_values, predicates, windows
from user360.segments.rules import EventMoment, EventRegularity, EventValue, Rank, Sequence, events_of
from user360.segments.tree import ALL, EVENTS, Both, Leaf, Others
from user360.sql import NOTHING, Sql, joined, sql

if TYPE_CHECKING:
    from datetime import datetime

    from user360.segments.frames import Frame
    from user360.segments.rules import (
        Condition,
        During,
        EventCondition,
        EventOccasion,
        Events,
        Measure,
        OfEvents,
    )
    from user360.segments.tree import Compiled
    from user360.segments.windows import Span

_FROM_ZERO: Final = ("sum", "distinct")
BITS: Final = 62
_LONGEST: Final = {
    "minute": {"minutes": 1},
    "hour": {"hours": 1},
    "day": {"days": 1},
    "week": {"weeks": 1},
    "month": {"days": 31},
}
_SHIFTED: Final = timedelta(days=2)  # a zone may change its time between the ends of a span, once by a whole day
_NEXT_CELL: Final = 2**32  # more than there are keys
_ORDER: Final = Sql("{'at': occurred_at, 'id': message_id}")


def times(node: EventCondition, frame: Frame) -> Compiled:
    """So many events. Counts that include zero are everybody but those who did it too often or at all."""
    least, *rest = node.times.values
    match node.times.operator:
        case "at_least":
            return _at_least(node.of, least, frame)
        case "at_most":
            return Others(_at_least(node.of, least + 1, frame))
        case "exactly" if least == 0:
            return Others(_at_least(node.of, 1, frame))
        case "exactly":
            return _having(node.of, sql("count(*) = {}", least), frame)
    return _having(node.of, sql("count(*) BETWEEN {} AND {}", least, rest[0]), frame)


def value(node: EventValue, frame: Frame) -> Compiled:
    """A figure over events. Of those without any, a sum and a number of values are 0, which may answer too."""
    number, catalog, at = datatypes.get("number"), frame.catalog, frame.at
    figure = measured(node.measure, node.of, frame)
    from_zero = node.measure.function in _FROM_ZERO
    if predicates.positive_of(node, number).key == "is_known":
        found: Compiled = ALL if from_zero else _having(node.of, predicates.known(figure), frame)
    else:
        said = predicates.positive(figure, node, number, catalog, at)
        if from_zero and _holds_for_zero(node):
            found = Others(_having(node.of, sql("({}) IS NOT TRUE", said), frame))
        else:
            found = _having(node.of, said, frame)
    if not predicates.is_negative(node, number):
        return found
    if node.leave_out and not from_zero:
        return Both((_having(node.of, predicates.known(figure), frame), Others(found)))
    return Others(found)


def moment(node: EventMoment, frame: Frame) -> Compiled:
    """The first or last time. Of a single span it is who did it within and not before, or not after."""
    datatype = datatypes.get("datetime")
    did = _at_least(node.of, 1, frame)
    positive = predicates.positive_of(node, datatype)
    if positive.key == "is_known":
        found: Compiled = did
    elif positive.key == "anniversary_in_the_next" or len(spans := predicates.spans(node, datatype, frame.catalog, frame.at)) > 1:
        newest = Sql("min(occurred_at)" if node.occurrence == "first" else "max(occurred_at)")
        found = _having(node.of, predicates.positive(newest, node, datatype, frame.catalog, frame.at), frame)
    else:
        found = _once_within(node, spans[0], frame)
    if not predicates.is_negative(node, datatype):
        return found
    return Both((did, Others(found))) if node.leave_out else Others(found)


def occasion(node: EventOccasion, frame: Frame) -> Compiled:
    """The first or last event is such; of several at one instant the message id decides."""
    such = event_values.where(node.having, node.of.event, frame)
    pick = Sql("arg_min" if node.occurrence == "first" else "arg_max")
    return _having(node.of, sql("{}(({}) IS TRUE, {})", pick, such, _ORDER), frame)


def regularity(node: EventRegularity, frame: Frame) -> Compiled:
    """Events in so many of the last calendar units."""
    since = sql("occurred_at >= {}", clock.stored(starts_of(node, frame)[0]))
    return _having(node.of, sql("{} >= {}", figure(node, frame), node.periods), frame, since)


def starts_of(node: EventRegularity, frame: Frame) -> list[datetime]:
    """The first instants of the calendar units that are looked at, the earliest first."""
    return [windows.unit_around(frame.at, place - node.span, node.unit, frame.catalog)[0] for place in range(1, node.span + 1)]


def figure(node: OfEvents | Rank, frame: Frame) -> Sql:
    """What the condition compares, over the rows of `concerned`: a number, or the instant of the first or last."""
    match node:
        case EventMoment(occurrence=occurrence):
            return Sql("min(occurred_at)" if occurrence == "first" else "max(occurred_at)")
        case EventRegularity(unit=unit):
            return _units_hit(starts_of(node, frame), unit, frame)
        case EventValue(of=of, measure=measure) | Rank(of=of, measure=measure) if of is not None:
            return measured(measure, of, frame)
    return Sql("count(*)")


def concerned(node: Condition, frame: Frame) -> Sql:
    """The events a condition speaks of, as what a query says of its rows; of an order those of any step."""
    match node:
        case Sequence(steps=steps, during=during):
            return joined(" OR ", [sql("({})", matching(each, frame, during=during)) for each in steps])
        case EventRegularity(of=of):
            return matching(of, frame, sql("occurred_at >= {}", clock.stored(starts_of(node, frame)[0])))
    (of,) = events_of(node)
    return matching(of, frame)


def sequence(node: Sequence, frame: Frame) -> Compiled:
    """In that order. From each first step the nearest later event of each next one ends as early as can be."""
    rows = [_steps(each, node.during, frame) for each in node.steps]
    until = _later(Sql("first.occurred_at"), *node.within, frame) if node.within else NOTHING
    first = sql("SELECT profile_key, min(occurred_at) AS occurred_at FROM ({}) GROUP BY profile_key", rows[0])
    start = rows[0] if until else first
    if len(rows) == 2:  # noqa: PLR2004 - a pair needs no chain
        steady = bool(until) and _is_steady(node, frame)
        return Leaf(_pair(start, rows[1], until, _cell(node, steady=steady), steady=steady), topics=EVENTS)
    chain = [sql("SELECT first.profile_key FROM ({}) first", start)]
    before = "first"
    for place, each in enumerate(rows[1:], start=2):
        step = Sql(f"step{place}")
        chain.append(
            sql(
                "ASOF JOIN ({}) {} ON first.profile_key = {}.profile_key AND {}.occurred_at < {}.occurred_at",
                each,
                step,
                step,
                Sql(before),
                step,
            )
        )
        before = step.text
    if until:
        chain.append(sql("WHERE {}.occurred_at <= {}", Sql(before), until))
    return Leaf(joined(" ", chain), topics=EVENTS)


def _pair(first: Sql, second: Sql, until: Sql, cell: Sql, *, steady: bool) -> Sql:
    """Who did the one and then the other, `until` whatever it says of the first; no end falls two of its `cell`s later.

    Of each one the nearest other is looked at: looking for any pair takes a time that grows with the square of what somebody
    did. So would the number of firsts of people who did both, of whom those alone are kept that stand in the cell of another
    or in the one before. Seen from the second the nearest first leaves the most room, which measured a third
    quicker; but only where what is later has the later end: in the hour that comes twice that is not so.
    """
    if not until:
        return sql(
            "SELECT profile_key FROM ({}) first WHERE EXISTS (SELECT 1 FROM ({}) second "
            "WHERE second.profile_key = first.profile_key AND second.occurred_at > first.occurred_at)",
            first,
            second,
        )
    near = sql("SELECT unnest([cell, cell - {}]) FROM (SELECT {} AS cell FROM ({}))", _NEXT_CELL, cell, second)
    sides = [sql("({}) second", second), sql("(SELECT * FROM ({}) WHERE {} IN ({})) first", first, cell, near)]
    return sql(
        "SELECT first.profile_key FROM {} ASOF JOIN {} ON first.profile_key = second.profile_key AND {} WHERE second.occurred_at <= {}",
        *(sides if steady else reversed(sides)),
        Sql("second.occurred_at > first.occurred_at" if steady else "first.occurred_at < second.occurred_at"),
        until,
    )


def _cell(node: Sequence, *, steady: bool) -> Sql:
    """A number for a person and a stretch of time that is no shorter than the span of an order may be, and at least an hour."""
    if node.within is None:
        return NOTHING
    amount, unit = node.within
    longest = amount * timedelta(**_LONGEST[unit]) + (timedelta() if steady else _SHIFTED)
    microseconds = max(longest, timedelta(hours=1)) // timedelta(microseconds=1)
    return sql("epoch_us(occurred_at) // {} * {} + profile_key", microseconds, _NEXT_CELL)


def _is_steady(node: Sequence, frame: Frame) -> bool:
    """Whether of two first steps the later one always has the later end; months end on one day that began on two."""
    assert node.within is not None  # noqa: S101 - asked of what ends
    unit = node.within[1]
    return unit in {"minute", "hour"} or (unit in {"day", "week"} and frame.catalog.zone_name == "UTC")


def named(node: Condition, frame: Frame) -> Sql:
    """The events a condition names, whatever else it asks of them."""
    return joined(" OR ", [_named(each, frame) for each in events_of(node)])


def measured(measure: Measure | None, of: Events, frame: Frame) -> Sql:
    """The figure over a group of events; without a measure their number."""
    if measure is None:
        return Sql("count(*)")
    number = event_values.number(measure.property, of.event, frame.catalog)
    match measure.function:
        case "sum":
            return sql("coalesce(sum({}), 0)", number)
        case "average":
            return sql("avg({})", number)
        case "min":
            return sql("min({})", number)
        case "max":
            return sql("max({})", number)
    return sql("count(DISTINCT {})", event_values.plain(measure.property))


def per_person(of: Events, measure: Measure | None, frame: Frame) -> Sql:
    """The figure of each person who has one: profile_key, value. Who has no events has a sum or number of 0."""
    figure = measured(measure, of, frame)
    rows = sql(
        "SELECT profile_key, {} AS value FROM {} WHERE {} GROUP BY profile_key", figure, frame.events(), matching(of, frame)
    )
    if measure is not None and measure.function not in _FROM_ZERO:
        there = sql(" AND profile_key IN ({})", frame.everyone()) if frame.past else NOTHING
        return sql("SELECT * FROM ({}) WHERE value IS NOT NULL{}", rows, there)
    return sql(
        "SELECT profile_key, coalesce(value, 0) AS value FROM ({}) LEFT JOIN ({}) USING (profile_key)", frame.everyone(), rows
    )


def matching(of: Events, frame: Frame, *further: Sql, during: During | None = None) -> Sql:
    """The condition of such events: of that name, up to now, within the stretch of time, with those properties."""
    parts = [_named(of, frame)]
    spans = [windows.during(each, frame.at, frame.catalog) for each in (of.during, during) if each is not None]
    if not any(last is not None and last <= frame.now() for _, last, _ in spans):
        parts.append(sql("occurred_at <= {}", frame.now()))
    parts += [operators.span(Sql("occurred_at"), *each) for each in spans]
    parts += [each for each in further if each]
    if of.where is not None:
        parts.append(event_values.where(of.where, of.event, frame))
    return joined(" AND ", parts)


def _named(of: Events, frame: Frame) -> Sql:
    if of.event is None:
        return sql("event_id >= {}", FIRST_OF_OTHERS)
    return sql("event_id = {}", frame.catalog.events[of.event])


def _at_least(of: Events, least: int, frame: Frame, *further: Sql) -> Compiled:
    if least < 1:
        return ALL
    if least == 1:
        return Leaf(sql("SELECT profile_key FROM {} WHERE {}", frame.events(), matching(of, frame, *further)), topics=EVENTS)
    return _having(of, sql("count(*) >= {}", least), frame, *further)


def _having(of: Events, having: Sql, frame: Frame, *further: Sql) -> Leaf:
    rows = sql(
        "SELECT profile_key FROM {} WHERE {} GROUP BY profile_key HAVING {}",
        frame.events(),
        matching(of, frame, *further),
        having,
    )
    return Leaf(rows, topics=EVENTS, once=True)


def _once_within(node: EventMoment, span: Span, frame: Frame) -> Compiled:
    first, last, closed = span
    at = Sql("occurred_at")
    within = _at_least(node.of, 1, frame, operators.span(at, *span))
    if node.occurrence == "first" and first is not None:
        earlier = operators.span(at, None, first, "[)" if closed[0] == "[" else "[]")
        return Both((within, Others(_at_least(node.of, 1, frame, earlier))))
    if node.occurrence == "last" and last is not None:
        later = operators.span(at, last, None, "(]" if closed[1] == "]" else "[]")
        return Both((within, Others(_at_least(node.of, 1, frame, later))))
    return within


def _holds_for_zero(node: EventValue) -> bool:
    """Whether the positive operator holds for 0."""
    number = datatypes.get("number")
    first, *rest = (float(each) for each in node.values)
    holds: dict[str, Any] = {
        "is": 0 in node.values,
        "greater_than": first < 0,
        "at_least": first <= 0,
        "less_than": first > 0,
        "at_most": first >= 0,
        "between": bool(rest) and first <= 0 <= rest[0],
    }
    return bool(holds[predicates.positive_of(node, number).key])


def _units_hit(starts: list[datetime], unit: str, frame: Frame) -> Sql:
    """In how many units the events of a person fell.

    A bit for each unit, found by comparing with where units begin, measured seven times as fast as counting what
    the calendar makes of each event; which is done where there are more units than bits.
    """
    if len(starts) > BITS:
        local = sql("(occurred_at AT TIME ZONE 'UTC' AT TIME ZONE {})", frame.catalog.zone_name)
        if unit == "week":
            return sql("count(DISTINCT date_trunc('week', {} - to_days({})))", local, frame.catalog.week_starts)
        return sql("count(DISTINCT date_trunc({}, {}))", unit, local)
    bits = [sql("WHEN occurred_at < {} THEN {}", clock.stored(each), 1 << place) for place, each in enumerate(starts[1:])]
    last = sql("{}", 1 << len(bits))
    which = sql("CASE {} ELSE {} END", joined(" ", bits), last) if bits else last
    return sql("bit_count(bit_or(({})::BIGINT))", which)


def _steps(of: Events, during: During | None, frame: Frame) -> Sql:
    return sql("SELECT profile_key, occurred_at FROM {} WHERE {}", frame.events(), matching(of, frame, during=during))


def _later(column: Sql, amount: int, unit: str, frame: Frame) -> Sql:
    """So many units after the column: minutes and hours by the clock, days and more by the calendar of the zone."""
    step = sql("{}({})", Sql(f"to_{unit}s"), amount)
    if unit in {"minute", "hour"} or frame.catalog.zone_name == "UTC":
        return sql("{} + {}", column, step)
    zone = frame.catalog.zone_name
    local = sql("({} AT TIME ZONE 'UTC' AT TIME ZONE {} + {})", column, zone, step)
    return event_values.on_the_wall(local, zone)
