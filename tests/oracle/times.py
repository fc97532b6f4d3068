"""Days, weeks and stretches of time as a person would count them on a wall calendar."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

CLOCK = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1)}


class Now(NamedTuple):
    """The instant of a question, and whose calendar it is asked by; `week_starts` is 0 for Monday."""

    at: datetime
    zone: ZoneInfo
    week_starts: int = 0

    @property
    def today(self) -> date:
        return self.day(self.at)

    def day(self, instant: datetime) -> date:
        """The day on the wall at that instant."""
        return instant.astimezone(self.zone).date()

    def first(self, day: date, unit: str) -> date:
        """The first day of the unit that day is in."""
        if unit == "week":
            return day - timedelta(days=(day.weekday() - self.week_starts) % 7)
        return {"day": day, "month": day.replace(day=1), "year": day.replace(month=1, day=1)}[unit]

    def same(self, day: date, unit: str, like: date) -> bool:
        """Whether two days are in one unit."""
        return self.first(day, unit) == self.first(like, unit)


def moved(instant: datetime, amount: int, unit: str, zone: ZoneInfo) -> datetime:
    """So many units on: minutes and hours tick, longer units keep the time on the wall.

    A wall time that comes twice is the first of the two; one that never comes is as much later as the clocks jump.
    """
    if unit in CLOCK:
        return instant + amount * CLOCK[unit]
    local = instant.astimezone(zone)
    return on_the_wall(shifted(local.date(), amount, unit), local.time(), zone)


def on_the_wall(day: date, at: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, at.replace(fold=0), tzinfo=zone).astimezone(UTC)


def shifted(day: date, amount: int, unit: str) -> date:
    """So many units on; a month that is too short ends on its last day."""
    if unit in {"day", "week"}:
        return day + timedelta(days=amount * (7 if unit == "week" else 1))
    months = day.year * 12 + day.month - 1 + amount
    first = date(months // 12, months % 12 + 1, 1)
    following = date((months + 1) // 12, (months + 1) % 12 + 1, 1)
    return min(first + timedelta(days=day.day - 1), following - timedelta(days=1))


def edge(given: str, zone: ZoneInfo) -> date | datetime:
    """A day, or an instant: of the zone where it names no other."""
    if len(given) == len("2026-11-23"):
        return date.fromisoformat(given)
    read = datetime.fromisoformat(given)
    return (read if read.tzinfo else read.replace(tzinfo=zone)).astimezone(UTC)


def compared(instant: datetime, given: Any, now: Now) -> int:
    """-1, 0 or 1: before, on or after; of a day, any time that day is on it."""
    border = edge(given, now.zone)
    mine = instant if isinstance(border, datetime) else now.day(instant)
    return (mine > border) - (mine < border)


def between(instant: datetime, first: Any, last: Any, now: Now) -> bool:
    """Days count whole, both of them; of instants the first is in and the last is out."""
    ended = compared(instant, last, now)
    return compared(instant, first, now) >= 0 and (ended < 0 if isinstance(edge(last, now.zone), datetime) else ended <= 0)


def word(given: str, today: date, now: Now) -> tuple[str, date]:
    """A calendar word as a unit and a day in it."""
    if given in {"today", "yesterday"}:
        return "day", today - timedelta(days=given == "yesterday")
    when, unit = given.split("_")
    first = now.first(today, unit)
    return unit, first if when == "this" else shifted(first, -1, unit)


def during(span: dict[str, Any] | None, instant: datetime, now: Now) -> bool:
    """Whether an instant is in a stretch of time."""
    if span is None:
        return True
    if "last" in span:
        return moved(now.at, -span["last"], span["unit"], now.zone) < instant <= now.at
    if "calendar" in span:
        return now.same(now.day(instant), *word(span["calendar"], now.today, now))
    if "from" in span:
        return between(instant, span["from"], span["to"], now)
    [(key, given)] = span.items()
    return {"on": 0, "after": 1, "before": -1}[key] == compared(instant, given, now)
