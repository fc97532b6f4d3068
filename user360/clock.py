"""Instants, zones and calendar spans.

Inside User 360 an instant is an aware `datetime` in UTC; the database keeps it as a UTC timestamp
without zone. Days, weeks and months are those of the workspace's zone. Nothing below the doors
asks for the present: `now` is called by pages, HTTP, jobs and commands, and handed down as `at`.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo


FIRST_DAY: Final = date(1, 1, 3)
LAST_DAY: Final = date(9999, 12, 28)
"""The first and last day that every zone can count: what lies beyond is taken for them."""

EARLIEST: Final = datetime(1, 1, 3, tzinfo=UTC)
LATEST: Final = datetime(9999, 12, 28, tzinfo=UTC)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def now() -> datetime:
    """The present instant in UTC. For doors only."""
    return datetime.now(UTC)


def stored(instant: datetime) -> datetime:
    """The instant as the database keeps it: UTC, without zone. A naive one is taken for UTC."""
    if instant.tzinfo is UTC:
        return instant.replace(tzinfo=None)
    return instant.replace(tzinfo=None) if instant.tzinfo is None else instant.astimezone(UTC).replace(tzinfo=None)


def microseconds(instant: datetime) -> int:
    """An instant as the microseconds since 1970, as the database counts it."""
    return (instant - _EPOCH) // timedelta(microseconds=1)


def aware(instant: datetime) -> datetime:
    """The instant with its zone, UTC if it had none."""
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def start_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of a calendar day in a zone, in UTC; days of 23 and 25 hours still are one day."""
    return datetime.combine(min(max(day, FIRST_DAY), LAST_DAY), time(), tzinfo=zone).astimezone(UTC)


def add_days(day: date, days: int) -> date:
    """The day so many days on, or the first or last one there is."""
    return date.fromordinal(min(max(day.toordinal() + days, FIRST_DAY.toordinal()), LAST_DAY.toordinal()))


def later(instant: datetime, by: timedelta) -> datetime:
    """The instant so much later (or earlier), or the first or last one there is."""
    try:
        return min(max(instant + by, EARLIEST), LATEST)
    except OverflowError:
        return EARLIEST if by < timedelta() else LATEST


def calendar_day(instant: datetime, zone: ZoneInfo) -> date:
    """The calendar day of an instant in a zone."""
    return aware(instant).astimezone(zone).date()


def start_of_week(day: date, week_starts: int = 0) -> date:
    """The first day of the week of `day`; `week_starts` is 0 for Monday … 6 for Sunday."""
    return day - timedelta(days=(day.weekday() - week_starts) % 7)


def add_months(day: date, months: int) -> date:
    """The same day so many months on, or the last of that month where it has no such day; at most the first or last day there is."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    if not FIRST_DAY.year < year < LAST_DAY.year:
        return FIRST_DAY if year <= FIRST_DAY.year else LAST_DAY
    for last in (day.day, 30, 29, 28):
        try:
            return date(year, month + 1, min(day.day, last))
        except ValueError:
            continue
    raise AssertionError("every month has a 28th day")
