"""A calendar day: `YYYY-MM-DD`, with no time and no zone."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from user360.datatype import Control, DataType, Display, Refusal, text_of

if TYPE_CHECKING:
    from user360.datatype import Zone

_DAY: Final = re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII)


def _parse(raw: object, _: Zone) -> date:
    if isinstance(raw, date) and not isinstance(raw, datetime):
        return raw
    text = text_of(raw, what="a date")
    found = _DAY.fullmatch(text)
    if not found:
        raise Refusal("is not a date", "Write it as 2026-03-14: year, month, day.")
    try:
        return date(*(int(each) for each in found.groups()))
    except ValueError:
        raise Refusal("is a day that does not exist", "Look at the month and the day.") from None


def _format(value: Any, _: Zone) -> str:
    return date.isoformat(value)


def _quick(column: pa.Array, _: Zone) -> pa.Array:
    return pa.nulls(len(column), pa.date32())


TYPE: Final = DataType(
    name="date",
    label="Date",
    column="DATE",
    arrow=pa.date32(),
    families=("known", "calendar"),
    control=Control("date", "2026-03-14"),
    display=Display("date", 92),
    role="temporal",
    accepts="YYYY-MM-DD",
    examples=(("1994-03-14", "1994-03-14"), ("2024-02-29", "2024-02-29"), (" 2026-11-23 ", "2026-11-23")),
    counterexamples=(
        ("2026-02-30", "does not exist"),
        ("2025-02-29", "does not exist"),
        ("14.03.1994", "not a date"),
        ("03/14/1994", "not a date"),
        ("1998-1-20", "not a date"),
        ("20250102", "not a date"),
        ("2025-W01-4", "not a date"),
        ("2020-11-28T23:55:45Z", "not a date"),
        ("infinity", "not a date"),
        ("0000-01-01", "does not exist"),
    ),
    parse_one=_parse,
    format_one=_format,
    quick=_quick,
)
