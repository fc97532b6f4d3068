"""An instant: ISO 8601 with `T` or a blank; without an offset it is of the workspace's zone. Kept in UTC, to the microsecond.

Epoch milliseconds are taken as the HTTP interface sends them: a whole number of 12 to 14 digits.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from user360.datatype import Control, DataType, Display, Refusal, text_of

if TYPE_CHECKING:
    from user360.datatype import Zone

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECONDS: Final = re.compile(r"\d{12,14}", re.ASCII)
_INSTANT: Final = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?)(Z|z|[+-]\d{2}(?::?[0-5]\d)?)?", re.ASCII
)
_UTC: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z$"


def _parse(raw: object, zone: Zone) -> datetime:
    if isinstance(raw, datetime):
        return _in_utc(raw if raw.tzinfo else raw.replace(tzinfo=UTC))
    if isinstance(raw, int | float) and not isinstance(raw, bool):
        return _from_milliseconds(raw)
    text = text_of(raw, what="a date and time")
    if _MILLISECONDS.fullmatch(text):
        return _from_milliseconds(int(text))
    found = _INSTANT.fullmatch(text)
    if not found:
        raise Refusal(
            "is not a date and time",
            "Write it as 2026-11-23 18:00:00, with an offset or Z where it is not of the workspace's zone.",
        )
    day, clock, offset = found.groups()
    clock, _, fraction = clock.replace(",", ".").partition(".")
    try:
        instant = datetime.fromisoformat(f"{day}T{clock}{'.' + fraction[:6].ljust(6, '0') if fraction else ''}{_offset(offset)}")
    except ValueError:
        raise Refusal("is an instant that does not exist", "Look at the month, the day and the time.") from None
    return _in_utc(instant if instant.tzinfo else instant.replace(tzinfo=zone))


def _offset(offset: str | None) -> str:
    if offset is None:
        return ""
    digits = offset.replace(":", "")
    return "+00:00" if digits in "Zz" else f"{digits[:3]}:{digits[3:] or '00'}"


def _in_utc(instant: datetime) -> datetime:
    try:
        return instant.astimezone(UTC)
    except (OverflowError, ValueError):
        raise Refusal("is outside the years 1 to 9999", "Look at the year.") from None


def _from_milliseconds(count: float) -> datetime:
    try:
        return _EPOCH + timedelta(milliseconds=count)
    except (OverflowError, ValueError):
        raise Refusal("is outside the years 1 to 9999", "Epoch milliseconds have 13 digits.") from None


def _format(value: Any, zone: Zone) -> str:
    shown = value.astimezone(zone).replace(tzinfo=None, fold=0)
    text = shown.isoformat(" ", "microseconds" if shown.microsecond else "seconds")
    return text if shown.replace(tzinfo=zone).astimezone(UTC) == value else f"{text}{value.astimezone(zone):%z}"


def _quick(column: pa.Array, _: Zone) -> pa.Array:
    """Instants that end in Z; where one of them does not exist, none is decided here."""
    utc = pc.if_else(pc.match_substring_regex(column, _UTC), column, pa.scalar(None, pa.string()))
    try:
        return pc.cast(pc.cast(utc, pa.timestamp("us", "UTC")), pa.timestamp("us"))
    except pa.ArrowInvalid:
        return pa.nulls(len(column), pa.timestamp("us"))


TYPE: Final = DataType(
    name="datetime",
    label="Date and time",
    column="TIMESTAMP",
    arrow=pa.timestamp("us"),
    families=("known", "calendar"),
    control=Control("datetime", "2026-11-23 18:00:00"),
    display=Display("datetime", 100),
    role="temporal",
    accepts="YYYY-MM-DD hh:mm:ss, with or without an offset",
    examples=(
        ("2026-11-23 18:00:00", "2026-11-23 18:00:00"),
        ("2026-11-23T18:00:00Z", "2026-11-23 18:00:00"),
        ("2026-11-23T18:00:00.250+02:00", "2026-11-23 16:00:00.250000"),
        ("2026-11-23T18:00", "2026-11-23 18:00:00"),
        (1795456800000, "2026-11-23 18:00:00"),
        ("1795456800000", "2026-11-23 18:00:00"),
    ),
    counterexamples=(
        ("2026-02-30 10:00:00", "does not exist"),
        ("2026-11-23 24:00:00", "does not exist"),
        ("2026-11-23 10:00:60", "does not exist"),
        ("2015-2-02T00:30:08.276Z", "not a date and time"),
        ("2026-11-23", "not a date and time"),
        ("yesterday", "not a date and time"),
        ("2026-11-23_10:00:00", "not a date and time"),
        ("2026-11-23T10:00:00+10:60", "not a date and time"),
        (True, "not a date and time"),
        (10**20, "outside the years"),
    ),
    parse_one=_parse,
    format_one=_format,
    quick=_quick,
)
