"""What each day comes to: how many events that are not the system's, and whose they are, as a bitmap a day.

People of days cannot be added up, so whoever asks about several days together needs those of each. Days of everybody on
every channel are kept in memory once they are over, as long as nothing in them changed since they were tallied: while
messages come in, a question about two months reads the events of today. What is asked of days does not live here (`insights`).
"""

from __future__ import annotations

from datetime import timedelta
from threading import Lock
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from user360 import clock, marks
from user360.people import NOBODY, People
from user360.sql import joined, sql

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date, datetime

    from numpy.typing import NDArray

    from user360.events import Tallies
    from user360.insight import Asked, Insight
    from user360.sql import Sql

KEPT_BYTES: Final = 64 * 2**20
_DAY: Final = timedelta(days=1)
_TICK: Final = timedelta(microseconds=1)
_guard: Final = Lock()


class Day(NamedTuple):
    """How many events, and whose."""

    events: int
    people: People


_QUIET: Final = Day(0, NOBODY)


class Days:
    """The days of a span, which starts with one, and any stretch of time up to its end put together of them."""

    def __init__(self, question: Insight, asked: Asked, start: datetime, end: datetime) -> None:
        self._question, self._asked, self._start, self._end = question, asked, start, end
        self._zone = asked.catalog.zone
        self._parts: dict[tuple[datetime, datetime], Day] = {}
        self.whole = by_day(question, asked, start, end)

    def between(self, since: datetime, until: datetime) -> Day:
        """What happened from an instant on and before another. Parts of days, and what lies before the span, are read, each once."""
        first = clock.calendar_day(max(since, self._start), self._zone)
        if clock.start_of_day(first, self._zone) < since:
            first += _DAY
        last = clock.calendar_day(until - _TICK, self._zone)
        found = [self._part(since, min(clock.start_of_day(first, self._zone), until))]
        if until < self._end and clock.start_of_day(last + _DAY, self._zone) != until:
            found.append(self._part(max(clock.start_of_day(max(first, last), self._zone), since), until))
            last -= _DAY
        found += [self.whole[day] for each in range((last - first).days + 1) if (day := first + each * _DAY) in self.whole]
        return Day(sum(each.events for each in found), People.together(each.people for each in found))

    def _part(self, since: datetime, until: datetime) -> Day:
        if since >= until:
            return _QUIET
        if (since, until) not in self._parts:
            asked, such = self._asked, marks.within(self._question, self._asked, since, until)
            self._parts[since, until] = next(iter(_counted(asked, sql("NULL::DATE"), such).values()), _QUIET)
        return self._parts[since, until]


def by_day(question: Insight, asked: Asked, start: datetime, end: datetime) -> dict[date, Day]:
    """The days of a span with the events of a question, those without any left out. The span starts with a day; the bitmaps must fit (`marks.fits`)."""
    zone = asked.catalog.zone
    first, last = clock.calendar_day(start, zone), clock.calendar_day(end - _TICK, zone)
    over = clock.calendar_day(min(end, asked.at), zone)
    every = [first + each * _DAY for each in range((last - first).days + 1)]
    tallies = _told(question, asked)
    whole = [each for each in every if each < over and each not in tallies.stale] if tallies else []
    found = {}
    if tallies:
        with _guard:
            found = {each: tallies.people[each] for each in whole if each in tallies.people}
    read = _read(question, asked, [each for each in every if each not in found], end)
    if tallies:
        _keep(tallies, {each: read.get(each, _QUIET) for each in whole if each not in found}, asked.room)
    return {each: day for each, day in (found | read).items() if day.events}


def _told(question: Insight, asked: Asked) -> Tallies | None:
    """What knows which days have changed, for a question of everybody on every channel."""
    held = asked.tallies
    of_all = not (asked.among or asked.others or question.channels)
    return held if held is not None and of_all and held.zone_name == asked.catalog.zone.key else None


def _keep(tallies: Tallies, days: dict[date, Day], room: int) -> None:
    with _guard:
        tallies.people.update(days)
        for each in list(tallies.people)[: max(0, len(tallies.people) - KEPT_BYTES * 8 // room)]:
            del tallies.people[each]


def _read(question: Insight, asked: Asked, days: list[date], end: datetime) -> dict[date, Day]:
    """These days, in order, by their events. Rows lie by time, so that each stretch of days is found at once."""
    if not days:
        return {}
    zone = asked.catalog.zone
    wanted = set(days)
    begun = [clock.start_of_day(each, zone) for each in days if each - _DAY not in wanted]
    ended = [min(end, clock.start_of_day(each + _DAY, zone)) for each in days if each + _DAY not in wanted]
    edges = list(zip(begun, ended, strict=True))
    spans = [sql("occurred_at >= {} AND occurred_at < {}", *map(clock.stored, each)) for each in edges]
    start, until = edges[0][0], edges[-1][1]
    such = marks.within(question, asked, start, until)
    several = sql("{} AND ({})", such, joined(" OR ", spans)) if len(spans) > 1 else such
    return _counted(asked, sql("({})::DATE", marks.local(asked, start, until)), several)


def _counted(asked: Asked, day: Sql, such: Sql) -> dict[date, Day]:
    assert asked.read is not None  # noqa: S101 - whoever compiles an answer gives it
    found = asked.read(
        sql(
            "SELECT {} AS day, count(*) AS events, {}::BLOB AS heads FROM events WHERE {} AND {} AND {} GROUP BY ALL",
            day,
            marks.crowd(asked),
            marks.ANY,
            marks.known(asked),
            such,
        )
    )
    columns = (found[each].to_pylist() for each in ("day", "events", "heads"))
    return {day: Day(count, People.packed(blob)) for day, count, blob in zip(*columns, strict=True) if count}


def rolled(
    days: Mapping[date, Day], room: int, first: date, last: date, lengths: Iterable[int]
) -> Iterator[tuple[date, int, int]]:
    """The users of so many days up to and with each: (day, length, users). The people of days have keys below `room`.

    Bitmaps put together as arrays took a tenth of the time of joining each window to its days in the database.
    """
    size = max(0, (last - first).days + 1)
    bitmaps = np.zeros((size, -(-room // 64) * 8), dtype=np.uint8)
    for day, found in days.items():
        if first <= day <= last:
            bitmaps[(day - first).days, : found.people.bits.size] = found.people.bits
    for length, users in _windows(bitmaps.view(np.uint64), lengths):
        yield from ((first + timedelta(days=place), length, count) for place, count in enumerate(users))


def _windows(days: NDArray[np.uint64], lengths: Iterable[int]) -> Iterator[tuple[int, list[int]]]:
    """For each length the people of the windows that end with each day. Bitmaps of 1, 2, 4 … days become one another.

    Two of them, which may overlap, make a window of any length.
    """
    width = 1
    for length in sorted(lengths):
        while 2 * width <= length:
            for row in range(len(days) - 1, width - 1, -1):
                days[row] |= days[row - width]
            width *= 2
        back = length - width
        windows = (days[row] | days[row - back] if row >= back else days[row] for row in range(len(days)))
        yield length, [int(np.bitwise_count(each).sum()) for each in windows]
