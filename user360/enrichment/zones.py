"""Time zones: by what name each is known, and which one can be told where several are possible.

A country with one time has one zone, however many names it has; a country with several has none that could
be told from the country alone, and a guess would be wrong for most of its people.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo, available_timezones

if TYPE_CHECKING:
    from collections.abc import Iterable

# Zones are told apart by their times in a winter and a summer of these years; what they were long ago does not matter.
_INSTANTS: Final = tuple(datetime(2026, month, 1, tzinfo=UTC) for month in (1, 4, 7, 10))


def known_as(zone: str) -> str:
    """The present name of a zone that was renamed: `Asia/Kolkata` for `Asia/Calcutta`."""
    return zone if zone in _listed() else _renamed().get(zone, zone)


def exists(zone: str) -> bool:
    """Whether that is the name of a zone."""
    return zone in _every()


def only(zones: Iterable[str], country: str | None = None) -> str | None:
    """The one zone that is meant: the first of them if all have the same time, those of the country before others."""
    known = [each for each in map(known_as, zones) if each in _listed()]
    own = [each for each in of_country(country) if each in known] or known
    return own[0] if own and len({_times(each) for each in own}) == 1 else None


def of_country(country: str | None) -> tuple[str, ...]:
    """The zones of a country by its ISO 3166 code, the one of most people first."""
    return _countries().get(country or "", ())


@cache
def _times(zone: str) -> tuple[float, ...]:
    there = ZoneInfo(zone)
    offsets = (instant.astimezone(there).utcoffset() for instant in _INSTANTS)
    return tuple(each.total_seconds() for each in offsets if each is not None)


@cache
def _countries() -> dict[str, tuple[str, ...]]:
    rows = [line.split("\t") for line in _text("zone.tab").splitlines() if line and not line.startswith("#")]
    found: dict[str, tuple[str, ...]] = {}
    for code, _, zone, *_ in rows:
        found[code] = (*found.get(code, ()), zone)
    return found


@cache
def _every() -> frozenset[str]:
    return frozenset(available_timezones())


@cache
def _listed() -> frozenset[str]:
    return frozenset(zone for zones in _countries().values() for zone in zones)


@cache
def _renamed() -> dict[str, str]:
    """Old names and the zones they are now."""
    lines = (line.split() for line in _text("tzdata.zi").splitlines() if line.startswith("L "))
    return {old: new for _, new, old in lines}


def _text(name: str) -> str:
    return (resources.files("tzdata") / "zoneinfo" / name).read_text("utf-8")
