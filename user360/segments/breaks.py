"""The instants at which time alone may change what a condition says of one value.

Windows move with the clock, by the calendar of a zone whose days have 23 to 25 hours and whose months
differ: so every instant that could matter is guessed, and kept where the window's own reading says
that the value goes in or out. Whether the condition then changes does not live here (`forecasting`).
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from user360 import clock
from user360.segments import predicates, windows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from user360.datatype import DataType
    from user360.operators import Operator
    from user360.segments.catalog import Catalog
    from user360.segments.predicates import Asking
    from user360.segments.rules import During
    from user360.segments.windows import Span

_TICK: Final = timedelta(microseconds=1)
_HOUR: Final = timedelta(hours=1)
_YEARS: Final = 9  # 29 February comes back within eight
_BY_THE_CLOCK: Final = ("minute", "hour")


def of_window(during: During, moment: datetime, catalog: Catalog, *, after: datetime) -> list[datetime]:
    """When an event of that moment comes into the stretch of time, or leaves it."""

    def inside(at: datetime) -> bool:
        return moment <= at and within(clock.stored(moment), windows.during(during, at, catalog))

    guesses = [moment]
    if during.kind == "last":
        guesses += _shifts(moment, int(during.values[0]), str(during.values[1]), catalog)
    elif during.kind == "calendar":
        guesses += _units(moment, (1, 2), str(during.values[0]), catalog)
    return _kept(inside, guesses, after)


def of_value(
    value: date | datetime, condition: Asking, datatype: DataType, catalog: Catalog, *, after: datetime
) -> list[datetime]:
    """When the condition's operator begins or ceases to hold for that day or instant."""
    operator = predicates.positive_of(condition, datatype)
    if operator.family != "calendar" or operator.operand in {"one", "two", "many"}:
        return []
    if operator.operand == "count":
        return list(_anniversaries(value, int(condition.values[0]), catalog, after))
    moments = (
        [value]
        if isinstance(value, datetime)
        else [clock.start_of_day(clock.add_days(value, more), catalog.zone) for more in (0, 1)]
    )
    kept = clock.stored(value) if isinstance(value, datetime) else value

    def inside(at: datetime) -> bool:
        return any(within(kept, span) for span in predicates.spans(condition, datatype, catalog, at))

    guesses = [guess for moment in moments for guess in _asked(moment, condition, operator, catalog)]
    return _kept(inside, guesses, after)


def of_age(moment: datetime, amount: int, unit: str, catalog: Catalog, *, after: datetime) -> list[datetime]:
    """When that moment is so long ago."""

    def inside(at: datetime) -> bool:
        return moment <= windows.shifted(at, -amount, unit, catalog)

    return _kept(inside, _shifts(moment, amount, unit, catalog), after)


def of_unit(moment: datetime, count: int, unit: str, catalog: Catalog, *, after: datetime) -> list[datetime]:
    """When the calendar unit of that moment is none of the last so many any more."""
    leaves, _ = windows.unit_around(moment, count, unit, catalog)
    return [leaves] if leaves > after else []


def of_units(count: int, unit: str, catalog: Catalog, *, after: datetime) -> list[datetime]:
    """The beginnings of the next calendar units."""
    return [windows.unit_around(after, ahead, unit, catalog)[0] for ahead in range(1, count + 1)]


def within(value: date | datetime, span: Span) -> bool:
    """Whether a value as the database keeps it lies within the span."""
    first, last, closed = span
    from_start = first is None or (value >= first if closed[0] == "[" else value > first)
    return from_start and (last is None or (value <= last if closed[1] == "]" else value < last))


# -- guesses ------------------------------------------------------------------------------------


def _kept(inside: Callable[[datetime], bool], guesses: Iterable[datetime], after: datetime) -> list[datetime]:
    later = sorted({each for each in guesses if each > after})
    return [each for each in later if inside(each) != inside(each - _TICK)]


def _asked(moment: datetime, condition: Asking, operator: Operator, catalog: Catalog) -> Iterator[datetime]:
    """Guesses for an operator that moves with the clock."""
    yield moment
    if operator.operand != "window":
        yield from _units(moment, (0, 1, 2), "today" if operator.operand == "none" else str(condition.values[0]), catalog)
        return
    ahead = operator.key in {"in_the_next", "will_be_exactly"}
    amount, unit = int(condition.values[0]) * (-1 if ahead else 1), str(condition.values[1])
    yield from _shifts(moment, amount, unit, catalog)
    yield from _units(moment, (0, 1, amount, amount + 1), unit, catalog)


def _shifts(moment: datetime, amount: int, unit: str, catalog: Catalog) -> Iterator[datetime]:
    """Around the instant so many units on: its time of day and the midnights of the days that may lead there."""
    if unit in _BY_THE_CLOCK:
        yield windows.shifted(moment, amount, unit, catalog)
        return
    local = moment.astimezone(catalog.zone)
    aim = windows.shifted(moment, amount, unit, catalog).astimezone(catalog.zone).date()
    spare = 4 if unit == "month" else 1
    for offset in range(-spare, spare + 1):
        day = clock.add_days(aim, offset)
        start = clock.start_of_day(day, catalog.zone)
        yield start
        same_time = datetime.combine(day, local.time(), tzinfo=catalog.zone).astimezone(UTC)
        yield from (same_time, same_time - _HOUR, same_time + _HOUR)
    if _clocks_change(local.date(), catalog) or _clocks_change(aim, catalog):
        start = clock.start_of_day(clock.add_days(aim, -1), catalog.zone)
        yield from (start + half * _HOUR / 2 for half in range(144))


def _units(moment: datetime, offsets: Iterable[int], word: str, catalog: Catalog) -> Iterator[datetime]:
    """The beginnings of the units so many after the one of that moment; `word` is a unit or a word of the calendar."""
    unit = {"today": "day", "yesterday": "day"}.get(word, word.partition("_")[2] or word)
    for each in offsets:
        yield windows.unit_around(moment, each, unit, catalog)[0]


def _clocks_change(day: date, catalog: Catalog) -> bool:
    around = (
        clock.start_of_day(clock.add_days(day, offset), catalog.zone).astimezone(catalog.zone).utcoffset() for offset in (-1, 2)
    )
    return len(set(around)) > 1


def _anniversaries(value: date | datetime, ahead: int, catalog: Catalog, after: datetime) -> Iterator[datetime]:
    """The first instants of the days on which an anniversary comes into sight, and is over."""
    day = clock.calendar_day(value, catalog.zone) if isinstance(value, datetime) else value
    if ahead >= 365:  # noqa: PLR2004 - always in sight
        return
    year = clock.calendar_day(after, catalog.zone).year
    found = set()
    for each in range(year - 1, year + _YEARS):
        comes = clock.add_months(day, (each - day.year) * 12)
        found |= {clock.start_of_day(edge, catalog.zone) for edge in (clock.add_days(comes, -ahead), clock.add_days(comes, 1))}
    yield from sorted(edge for edge in found if edge > after)
