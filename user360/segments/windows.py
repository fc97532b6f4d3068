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
    from collections.abc import Iterator

    from user360.segments.catalog import Catalog
    from user360.segments.rules import During, Scalar

Edge: TypeAlias = "date | datetime | None"
Span: TypeAlias = tuple[Edge, Edge, str]


def shifted(at: datetime, amount: int, unit: str, catalog: Catalog) -> datetime:
    """The instant so many units on (or back): hours by the clock's ticking, days and more by the calendar of the zone.

    A time on the wall that comes twice is the first of the two.
    """
    if unit in {"minute", "hour"}:
        return clock.later(at, amount * timedelta(**{f"{unit}s": 1}))
    local = at.astimezone(catalog.zone)
    day = _moved(local.date(), amount, unit)
    return datetime.combine(day, local.time().replace(fold=0), tzinfo=catalog.zone).astimezone(UTC)


def unit_around(at: datetime, offset: int, unit: str, catalog: Catalog) -> tuple[datetime, datetime]:
    """First instant of the whole unit `offset` units from that of `at`, and first instant after it."""
    if unit in {"minute", "hour"}:
        length = timedelta(**{f"{unit}s": 1})
        local = at.astimezone(catalog.zone)
        begun = (local.replace(minute=0) if unit == "hour" else local).replace(second=0, microsecond=0).astimezone(UTC)
        start = clock.later(begun, offset * length)
        return start, clock.later(start, length)
    first = _first_day(clock.calendar_day(at, catalog.zone), unit, catalog)
    begin = _moved(first, offset, unit)
    return clock.start_of_day(begin, catalog.zone), clock.start_of_day(_moved(begin, 1, unit), catalog.zone)


def units(start: datetime, end: datetime, unit: str, catalog: Catalog) -> Iterator[tuple[datetime, datetime]]:
    """The whole units that hold any instant from the one on and before the other: first instant of each, and first instant after it."""
    begin, until = unit_around(start, 0, unit, catalog)
    if unit in {"minute", "hour"}:
        while begin < end:
            yield begin, until
            begin, until = until, unit_around(until, 0, unit, catalog)[1]
        return
    day = _moved(_first_day(clock.calendar_day(start, catalog.zone), unit, catalog), 1, unit)
    while begin < end:
        if begin < until:  # Samoa had no 30 December 2011
            yield begin, until
        day = _moved(day, 1, unit)
        begin, until = until, clock.start_of_day(day, catalog.zone)


def period(word: str, at: datetime, catalog: Catalog) -> tuple[datetime, datetime]:
    """A calendar word as (first instant, first instant after it)."""
    if word in {"today", "yesterday"}:
        return unit_around(at, 0 if word == "today" else -1, "day", catalog)
    when, _, unit = word.partition("_")
    return unit_around(at, 0 if when == "this" else -1, unit, catalog)


def as_days(first: datetime, last: datetime, catalog: Catalog) -> tuple[date, date]:
    """The days of a span of whole days: first and last, both included."""
    return clock.calendar_day(first, catalog.zone), clock.calendar_day(last - timedelta(microseconds=1), catalog.zone)


def on(value: date | datetime, days: bool, catalog: Catalog) -> Span:  # noqa: FBT001 - of the column
    """Any time that day, or exactly that instant."""
    if days or isinstance(value, datetime):
        edge = value if days or not isinstance(value, datetime) else clock.stored(value)
        return edge, edge, "[]"
    return start(value, days, catalog), start(clock.add_days(value, 1), days, catalog), "[)"


def after(value: date | datetime, days: bool, catalog: Catalog) -> Span:  # noqa: FBT001 - of the column
    """After that day's end, or later than that instant."""
    if days:
        return value, None, "(]"
    if isinstance(value, datetime):
        return clock.stored(value), None, "(]"
    return start(clock.add_days(value, 1), days, catalog), None, "[]"


def before(value: date | datetime, days: bool, catalog: Catalog) -> Span:  # noqa: FBT001 - of the column
    """Before that day's start, or earlier than that instant."""
    return None, start(value, days, catalog), "[)"


def between(first: date | datetime, last: date | datetime, days: bool, catalog: Catalog) -> Span:  # noqa: FBT001 - of the column
    """Whole days, both included; of instants the first is included and the last is not."""
    if days:
        return first, last, "[]"
    end = clock.stored(last) if isinstance(last, datetime) else start(clock.add_days(last, 1), days, catalog)
    return start(first, days, catalog), end, "[)"


def start(value: date | datetime, days: bool, catalog: Catalog) -> date | datetime:  # noqa: FBT001 - of the column
    """The first instant of a day, an instant as it is stored, or a day for a column of days."""
    if days:
        return value
    return clock.stored(value if isinstance(value, datetime) else clock.start_of_day(value, catalog.zone))


def rolling(amount: int, unit: str, at: datetime, catalog: Catalog) -> Span:
    """From so long ago, that instant left out, up to and with `at`."""
    return clock.stored(shifted(at, -amount, unit, catalog)), clock.stored(at), "(]"


def during(span: During | None, at: datetime, catalog: Catalog) -> Span:
    """The instants of a checked stretch of time; of none, all there ever were."""
    if span is None:
        return None, None, "[]"
    match span.kind:
        case "last":
            return rolling(int(span.values[0]), str(span.values[1]), at, catalog)
        case "calendar":
            first, end = period(str(span.values[0]), at, catalog)
            return clock.stored(first), clock.stored(end), "[)"
    edges = [edge(each, catalog) for each in span.values]
    match span.kind:
        case "on":
            return on(edges[0], False, catalog)
        case "after":
            return after(edges[0], False, catalog)
        case "before":
            return before(edges[0], False, catalog)
    return between(edges[0], edges[1], False, catalog)


def edge(value: Scalar, catalog: Catalog) -> date | datetime:
    """A checked edge: a day, or an instant, of the workspace's zone where it names no other."""
    text = str(value)
    if len(text) == len("2026-11-23"):
        return date.fromisoformat(text)
    found = datetime.fromisoformat(text)
    beyond = found.replace(tzinfo=UTC)
    if not clock.EARLIEST <= beyond <= clock.LATEST:
        return clock.EARLIEST if beyond < clock.EARLIEST else clock.LATEST
    return (found if found.tzinfo else found.replace(tzinfo=catalog.zone)).astimezone(UTC)


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
            return clock.add_days(day, amount)
        case "week":
            return clock.add_days(day, amount * 7)
        case "month":
            return clock.add_months(day, amount)
        case _:
            return clock.add_months(day, amount * 12)
