"""What one operator says of one value, as the condition of a query.

A predicate is positive: it is true for nobody whose value is unknown. What a negative operator and
an unknown value mean is decided once, in `holds`. Which rows are asked does not live here.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from user360 import clock, operators
from user360.segments import values, windows
from user360.sql import sql

if TYPE_CHECKING:
    from datetime import datetime

    from user360.datatype import DataType
    from user360.operators import Operator
    from user360.segments.catalog import Catalog
    from user360.segments.rules import EventMoment, EventValue, PropertyCondition
    from user360.segments.windows import Span
    from user360.sql import Sql

    Asking = PropertyCondition | EventValue | EventMoment

_DAY: Final = timedelta(days=1)
_PARTS_OF_TEXT: Final = frozenset({"contains", "starts_with", "ends_with", "matches"})


def positive_of(condition: Asking, datatype: DataType) -> Operator:
    """The condition's operator, or of a negative its complement."""
    operator = operators.get(condition.operator, datatype.families)
    return operators.get(operator.complement, [operator.family]) if operator.negative else operator


def is_negative(condition: Asking, datatype: DataType) -> bool:
    """Whether the condition's operator is the complement of another."""
    return operators.get(condition.operator, datatype.families).negative


def positive(column: Sql, condition: Asking, datatype: DataType, catalog: Catalog, at: datetime) -> Sql:
    """The condition's positive over a column of its type."""
    operator = positive_of(condition, datatype)
    assert operator.build is not None  # noqa: S101 - a positive is built
    case = getattr(condition, "case", None)
    exact = (case or operator.cased or "exact") == "exact"
    if operator.key == "anniversary_in_the_next" and datatype.name == "datetime":
        column = sql("({} AT TIME ZONE 'UTC' AT TIME ZONE {})", column, catalog.zone_name)
    return operator.build(column, _operands(condition, operator, datatype, catalog, at), exact)


def known(column: Sql) -> Sql:
    """The value is known."""
    return sql("{} IS NOT NULL", column)


def holds(column: Sql, condition: Asking, datatype: DataType, catalog: Catalog, at: datetime) -> Sql:
    """The condition itself, where null counts as false: a negative is the exact complement, or of those whose value is known."""
    return signed(positive(column, condition, datatype, catalog, at), known(column), condition, datatype)


def signed(said: Sql, has_value: Sql, condition: Asking, datatype: DataType) -> Sql:
    """The positive as the condition means it."""
    if not is_negative(condition, datatype):
        return said
    unless = sql("({}) IS NOT TRUE", said)
    return sql("({} AND {})", has_value, unless) if condition.leave_out else unless


def spans(condition: Asking, datatype: DataType, catalog: Catalog, at: datetime) -> tuple[Span, ...]:
    """What the positive of a calendar operator compares with: spans of instants, or of days where the type is a day."""
    operator, days = positive_of(condition, datatype), datatype.name == "date"
    edges: list[Any] = (
        [values.typed(each, datatype, catalog) for each in condition.values] if operator.operand in {"one", "two", "many"} else []
    )
    match operator.key:
        case "is":
            return tuple(windows.on(each, days, catalog) for each in edges)
        case "before":
            return (windows.before(edges[0], days, catalog),)
        case "after":
            return (windows.after(edges[0], days, catalog),)
        case "between":
            return (windows.between(edges[0], edges[1], days, catalog),)
    return (_moving(condition, operator, days, catalog, at),)


def _operands(condition: Asking, operator: Operator, datatype: DataType, catalog: Catalog, at: datetime) -> tuple[Any, ...]:
    if operator.key == "anniversary_in_the_next":
        return _birthdays(int(condition.values[0]), catalog, at)
    if operator.family == "calendar":
        return spans(condition, datatype, catalog, at)
    if operator.operand == "count" or operator.family in {"email", "phone", "url"} or operator.key in _PARTS_OF_TEXT:
        return condition.values
    return tuple(values.typed(each, datatype, catalog) for each in condition.values)


def _moving(condition: Asking, operator: Operator, days: bool, catalog: Catalog, at: datetime) -> Span:  # noqa: FBT001 - of the column
    if operator.key in {"in_the_last", "in_the_next"}:
        amount, unit = int(condition.values[0]), str(condition.values[1])
        ahead = operator.key == "in_the_next"
        other = windows.shifted(at, amount if ahead else -amount, unit, catalog)
        first, last = (at, other) if ahead else (other, at)
        if days:
            return clock.calendar_day(first, catalog.zone), clock.calendar_day(last, catalog.zone), "(]"
        return clock.stored(first), clock.stored(last), "(]"
    if operator.key in {"is_today", "in_period"}:
        first, end = windows.period("today" if operator.key == "is_today" else str(condition.values[0]), at, catalog)
    else:
        amount = int(condition.values[0]) * (1 if operator.key == "will_be_exactly" else -1)
        first, end = windows.unit_around(at, amount, str(condition.values[1]), catalog)
    return (*windows.as_days(first, end, catalog), "[]") if days else (clock.stored(first), clock.stored(end), "[)")


def _birthdays(ahead: int, catalog: Catalog, at: datetime) -> tuple[int, ...]:
    """The month and day (as 100 * month + day) of today and so many days on; 29 February counts on the 28th of a common year."""
    today = clock.calendar_day(at, catalog.zone)
    found: dict[int, None] = {}
    for offset in range(min(ahead, 366) + 1):
        day = today + offset * _DAY
        found[day.month * 100 + day.day] = None
        if (day.month, day.day) == (2, 28) and (day + _DAY) == date(day.year, 3, 1):
            found[229] = None
    return tuple(found)
