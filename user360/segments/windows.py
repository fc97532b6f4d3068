"""Windows of time as spans of instants or days, all from one `at` in the workspace's zone.

Rolling windows go back from `at`; calendar words are whole days, weeks and months of the zone, also
where clocks change. A span is (first, last, which ends are included): naive UTC for an instant, a
day for a date.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias

from user360 import clock

if TYPE_CHECKING:
    from user360.segments.catalog import Catalog

Edge: TypeAlias = "date | datetime | None"
Span: TypeAlias = tuple[Edge, Edge, str]

_DAY = timedelta(days=1)


def shifted(at: datetime, amount: int, unit: str, catalog: Catalog) -> datetime:
    """The instant so many units on (or back): hours by the clock's ticking, days and more by the calendar of the zone."""
    if unit in {"minute", "hour"}:
        return at + amount * timedelta(**{f"{unit}s": 1})
    local = at.astimezone(catalog.zone)
    day = (
        clock.add_months(local.date(), amount) if unit == "month" else local.date() + amount * (7 if unit == "week" else 1) * _DAY
    )
    return datetime.combine(day, local.time(), tzinfo=catalog.zone).astimezone(UTC)


def unit_around(at: datetime, offset: int, unit: str, catalog: Catalog) -> tuple[datetime, datetime]:
    """First instant of the whole unit `offset` units from that of `at`, and first instant after it."""
    if unit in {"minute", "hour"}:
        length = timedelta(**{f"{unit}s": 1})
        local = at.astimezone(catalog.zone)
        start = (local.replace(minute=0) if unit == "hour" else local).replace(second=0, microsecond=0).astimezone(
            UTC
        ) + offset * length
        return start, start + length
    first = _first_day(clock.calendar_day(at, catalog.zone), unit, catalog)
    begin = _moved(first, offset, unit)
    return clock.start_of_day(begin, catalog.zone), clock.start_of_day(_moved(begin, 1, unit), catalog.zone)


def period(word: str, at: datetime, catalog: Catalog) -> tuple[datetime, datetime]:
    """A calendar word as (first instant, first instant after it)."""
    if word in {"today", "yesterday"}:
        return unit_around(at, 0 if word == "today" else -1, "day", catalog)
    when, _, unit = word.partition("_")
    return unit_around(at, 0 if when == "this" else -1, unit, catalog)


def as_days(first: datetime, last: datetime, catalog: Catalog) -> tuple[date, date]:
    """The days of a span of whole days: first and last, both included."""
    return clock.calendar_day(first, catalog.zone), clock.calendar_day(last - timedelta(microseconds=1), catalog.zone)


def _first_day(day: date, unit: str, catalog: Catalog) -> date:
    match unit:
        case "day":
            return day
        case "week":
            return clock.start_of_week(day, catalog.week_starts)
        case "month":
            return day.replace(day=1)
        case _:
            return day.replace(month=1, day=1)


def _moved(day: date, amount: int, unit: str) -> date:
    match unit:
        case "day":
            return day + amount * _DAY
        case "week":
            return day + amount * 7 * _DAY
        case "month":
            return clock.add_months(day, amount)
        case _:
            return day.replace(year=day.year + amount)
