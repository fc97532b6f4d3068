"""Phone numbers: the country and, where it can be told, the time zone.

The library takes some 60 µs a number. What tells the country and the zone stands in the first digits, so
that numbers which begin alike are asked about once.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import phonenumbers
import pyarrow as pa
from phonenumbers import timezone
from phonenumbers.tzdata import TIMEZONE_DATA, TIMEZONE_LONGEST_PREFIX

from user360.enrichment import countries, zones

ROWS: Final = pa.schema({"country": pa.string(), "timezone": pa.string()})
# Where several countries share a code the digits after it tell which: the area under +1, up to five elsewhere.
_TELLING: Final = 9
_AREA: Final = 4
_NORTH_AMERICA: Final = "1"
_LONGEST_CODE: Final = 3


def of_phones(phones: pa.Array) -> pa.Table:
    """For each number (E.164, null allowed) its country and timezone; null where they cannot be told."""
    encoded = phones.dictionary_encode()
    numbers = encoded.dictionary.to_pylist()
    answers: dict[str, tuple[str | None, str | None]] = {}
    rows = []
    for number in numbers:
        beginning = number[: _telling(number)]
        if beginning not in answers:
            answers[beginning] = _told(number)
        rows.append(answers[beginning])
    found = pa.table({name: pa.array([row[place] for row in rows], pa.string()) for place, name in enumerate(ROWS.names)})
    return pa.table({name: found[name].combine_chunks().take(encoded.indices) for name in ROWS.names}, schema=ROWS)


def _told(number: str) -> tuple[str | None, str | None]:
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return None, None
    country = phonenumbers.region_code_for_number(parsed)
    if country is None or not country.isalpha():  # numbers of no country, satellites say, are of the region 001
        return None, None
    return countries.name(country), zones.only(timezone.time_zones_for_number(parsed), country)


def _telling(number: str) -> int:
    """How many characters of a number, its + included, tell what can be told: one more than is known of any beginning of it."""
    told, longest = _least(number[1 : _LONGEST_CODE + 1]), len(number) - 1
    known = (size for size in range(min(TIMEZONE_LONGEST_PREFIX, longest), told, -1) if number[1 : size + 1] in TIMEZONE_DATA)
    return 2 + next(known, told)


@cache
def _least(digits: str) -> int:
    """How many digits tell the country; `digits` are the first three."""
    code = next((digits[:size] for size in range(1, _LONGEST_CODE + 1) if _regions(digits[:size])), "")
    several = len(_regions(code)) > 1
    return (_AREA if code == _NORTH_AMERICA else _TELLING) if several else len(code)


def _regions(code: str) -> tuple[str, ...]:
    return tuple(phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(code), ())) if code.isdecimal() else ()
