"""Addresses of the net: the country that comes with the program, and city and position once a database file is there.

The country is the one an address is registered in. A file in MaxMind's format (MaxMind, DB-IP, IPinfo and
others) tells the city, and nothing is made up where it does not: the middle of a country is nobody's position.
A file that is missing or damaged costs the city, never a message.
"""

from __future__ import annotations

import logging
import math
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import iptocc
import maxminddb
import pyarrow as pa

from user360.enrichment import countries, zones
from user360.enrichment.addresses import public

if TYPE_CHECKING:
    from collections.abc import Mapping

GEOIP: Final = "USER360_GEOIP"
ROWS: Final = pa.schema(
    {
        "country": pa.string(),
        "city": pa.string(),
        "latitude": pa.float64(),
        "longitude": pa.float64(),
        "timezone": pa.string(),
    }
)
_CODE: Final = 2

_log = logging.getLogger("user360.enrichment")


@dataclass(frozen=True, slots=True)
class Database:
    """A database file: what it calls itself, when it was made, whether it knows cities; or why it cannot be used."""

    path: str
    kind: str = ""
    built_at: datetime | None = None
    cities: bool = False
    fault: str = ""


def database_file(setting: str = "", environment: Mapping[str, str] = os.environ) -> str:
    """The path of the database file: what the environment names goes before the workspace's setting; empty for none."""
    return environment.get(GEOIP, "").strip() or setting.strip()


def of_ips(ips: pa.Array, database: str = "") -> pa.Table:
    """For each address (null allowed) country, city, latitude, longitude and timezone, as far as they can be told.

    `database` is the path of a file in MaxMind's format; without one the country is told, and the zone of a country that has one.
    """
    encoded = ips.dictionary_encode()
    plain = [public(each) for each in encoded.dictionary.to_pylist()]
    registered = iter(iptocc.country_code([each for each in plain if each is not None]))
    reader = _reader(database) if database else None
    rows = [_EMPTY if each is None else _told(_record(reader, each), next(registered)) for each in plain]
    found = pa.Table.from_pylist(rows, ROWS)
    return pa.table({name: found[name].combine_chunks().take(encoded.indices) for name in ROWS.names}, schema=ROWS)


def described(path: str) -> Database:
    """What the file at this path is, or what is wrong with it."""
    if not path:
        return Database("", fault="No file is named.")
    try:
        with maxminddb.open_database(Path(path).expanduser(), maxminddb.MODE_AUTO) as reader:
            told = reader.metadata()
            cities = any(_cities(record) for _, (_, record) in zip(range(500), reader, strict=False))
    except FileNotFoundError:
        return Database(path, fault="There is no such file.")
    except (OSError, ValueError, maxminddb.InvalidDatabaseError):
        return Database(path, fault="It is no database in MaxMind's format, or it is damaged.")
    return Database(path, told.database_type, datetime.fromtimestamp(told.build_epoch, UTC), cities)


# -- the file -----------------------------------------------------------------------------------


def _reader(path: str) -> maxminddb.Reader | None:
    """The open file, opened anew when another lies in its place; None, and a line in the log, if it cannot be read."""
    try:
        state = Path(path).expanduser().stat()
        return _opened(path, state.st_mtime_ns, state.st_size)
    except (OSError, ValueError, maxminddb.InvalidDatabaseError) as fault:
        _log.warning("the GeoIP database cannot be used, so that cities are not told: %s", type(fault).__name__)
        return None


@lru_cache(2)
def _opened(path: str, _changed: int, _size: int) -> maxminddb.Reader:
    return maxminddb.open_database(Path(path).expanduser(), maxminddb.MODE_AUTO)


def _record(reader: maxminddb.Reader | None, address: str) -> Mapping[str, Any]:
    try:
        found = reader.get(address) if reader else None
    except (ValueError, maxminddb.InvalidDatabaseError):  # an IPv6 address in a file of IPv4 alone, or a damaged one
        return {}
    return found if isinstance(found, dict) else {}


# -- one record ---------------------------------------------------------------------------------

_EMPTY: Final[Mapping[str, Any]] = dict.fromkeys(ROWS.names)


def _told(record: Mapping[str, Any], registered: str | None) -> Mapping[str, Any]:
    return _place(record, registered) if record else _registered(registered)


@lru_cache(512)
def _registered(country: str | None) -> Mapping[str, Any]:
    return {**_EMPTY, "country": countries.name(country), "timezone": zones.only(zones.of_country(country))}


def _place(record: Mapping[str, Any], registered: str | None) -> Mapping[str, Any]:
    """What a record tells, in MaxMind's nested or in others' flat spelling; the country of registration where it tells none."""
    where = record.get("location")
    place: Mapping[str, Any] = where if isinstance(where, dict) else record
    country = _country(record) or registered
    latitude, longitude = (_degrees(place, *names) for names in (("latitude", "lat"), ("longitude", "lng", "lon")))
    zone = _text(place.get("time_zone") or place.get("timezone"))
    both = latitude is not None and longitude is not None
    return {
        "country": countries.name(country),
        "city": _name(record.get("city")),
        "latitude": latitude if both else None,
        "longitude": longitude if both else None,
        "timezone": zones.known_as(zone) if zone and zones.exists(zone) else zones.only(zones.of_country(country)),
    }


def _country(record: Mapping[str, Any]) -> str | None:
    nested = record.get("country")
    given = [nested.get("iso_code")] if isinstance(nested, dict) else [record.get("country_code"), nested]
    codes = [text for text in map(_text, given) if text and len(text) == _CODE and text.isalpha()]
    return codes[0].upper() if codes else None


def _cities(record: object) -> bool:
    return isinstance(record, dict) and _name(record.get("city")) is not None


def _name(value: object) -> str | None:
    if isinstance(value, dict):
        names = value.get("names")
        return _text(names.get("en")) if isinstance(names, dict) else None
    return _text(value)


def _text(value: object) -> str | None:
    return value.strip() or None if isinstance(value, str) else None


def _degrees(place: Mapping[str, Any], *names: str) -> float | None:
    given = next((place[each] for each in names if place.get(each) is not None), None)
    try:
        found = float(given) if isinstance(given, int | float | str) else math.nan
    except ValueError:
        return None
    return found if math.isfinite(found) else None
