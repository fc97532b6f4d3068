"""What a calculation asks of the events: one row per person with the value, in any frame.

A rule asks a computed property here, never its column in the users table: so what it finds is exact
at every instant, past ones too. What that costs is told in `computed`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from user360 import clock
from user360.segments import event_leaves, event_values
from user360.segments.rules import Measure
from user360.sql import NOTHING, Sql, name, sql

if TYPE_CHECKING:
    from user360.segments.calculation import Calculation
    from user360.segments.frames import Frame

_ORDER: Final = Sql("{'at': occurred_at, 'id': message_id}")


def rows(calculation: Calculation, called: str, frame: Frame, within: Sql = NOTHING) -> Sql:
    """profile_key, and the value under the property's name; nobody whose value is unknown. `within` are the keys it is for."""
    figures = _figures(calculation, frame)
    scope = sql(" AND profile_key IN ({})", within) if within else NOTHING
    return sql("SELECT profile_key, value AS {} FROM ({}) WHERE value IS NOT NULL{}", name(called), figures, scope)


def _figures(calculation: Calculation, frame: Frame) -> Sql:
    of = calculation.of
    match calculation.figure:
        case "count":
            return event_leaves.per_person(of, None, frame)
        case "sum" | "average" | "min" | "max" | "distinct" as figure:
            return event_leaves.per_person(of, Measure(figure, str(calculation.about)), frame)
        case "most_frequent":
            return _there(_commonest(calculation, frame), frame)
        case "days_since":
            value = sql(
                "date_diff('day', ({})::DATE, {})::DOUBLE",
                sql("max(occurred_at) AT TIME ZONE 'UTC' AT TIME ZONE {}", frame.catalog.zone_name),
                clock.calendar_day(frame.at, frame.catalog.zone),
            )
        case _:
            value = _end(calculation, frame)
    grouped = sql(
        "SELECT profile_key, {} AS value FROM {} WHERE {} GROUP BY profile_key",
        value,
        frame.events(),
        event_leaves.matching(of, frame),
    )
    return _there(grouped, frame)


def _end(calculation: Calculation, frame: Frame) -> Sql:
    """The first or last: the time of the event, or the first or last value it was sent with; at one instant the message id decides."""
    first = calculation.figure == "first"
    if calculation.about is None:
        return Sql("min(occurred_at)" if first else "max(occurred_at)")
    return sql("{}({}, {})", Sql("arg_min" if first else "arg_max"), _value(calculation, frame), _ORDER)


def _commonest(calculation: Calculation, frame: Frame) -> Sql:
    """The value most events have; of several the one that sorts first."""
    counted = sql(
        "SELECT profile_key, said, count(*) AS times FROM (SELECT profile_key, {} AS said FROM {} WHERE {}) "
        "WHERE said IS NOT NULL GROUP BY profile_key, said",
        _value(calculation, frame),
        frame.events(),
        event_leaves.matching(calculation.of, frame),
    )
    return sql(
        "SELECT profile_key, arg_min(said, {{'less': -times, 'said': said}}) AS value FROM ({}) GROUP BY profile_key", counted
    )


def _value(calculation: Calculation, frame: Frame) -> Sql:
    asked = str(calculation.about)
    if asked in event_values.DICTIONARIES:
        dictionary = event_values.DICTIONARIES[asked]
        column = name(f"{asked}_id")
        return sql("(SELECT name FROM {} named WHERE named.{} = {})", name(dictionary), column, column)
    return event_values.typed(asked, calculation.type or "string", calculation.of.event, frame)


def _there(figures: Sql, frame: Frame) -> Sql:
    """Of a past frame those who were there; of the present nobody else has events."""
    return sql("SELECT * FROM ({}) WHERE profile_key IN ({})", figures, frame.everyone()) if frame.past else figures
