"""A time of day: `hh:mm` or `hh:mm:ss`, without zone, from 00:00:00 to 23:59:59."""

from __future__ import annotations

import re
from datetime import time
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from user360.datatype import Control, DataType, Display, Refusal, text_of

if TYPE_CHECKING:
    from user360.datatype import Zone

_TIME: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?", re.ASCII)


def _parse(raw: object, _: Zone) -> time:
    if isinstance(raw, time):
        return raw.replace(microsecond=0)
    found = _TIME.fullmatch(text_of(raw, what="a time of day"))
    if not found:
        raise Refusal("is not a time of day", "Write it as 18:00 or 18:00:30, without a zone.")
    hour, minute, second = (int(each or 0) for each in found.groups())
    return time(hour, minute, second)


def _format(value: Any, _: Zone) -> str:
    return time.strftime(value, "%H:%M:%S")


def _quick(column: pa.Array, _: Zone) -> pa.Array:
    return pa.nulls(len(column), pa.time64("us"))


TYPE: Final = DataType(
    name="time",
    label="Time of day",
    column="TIME",
    arrow=pa.time64("us"),
    families=("known", "time"),
    control=Control("time", "18:00"),
    display=Display("time", 70),
    role="temporal",
    accepts="hh:mm or hh:mm:ss",
    examples=(("18:00", "18:00:00"), ("08:03:06", "08:03:06"), ("00:00:00", "00:00:00"), ("23:59:59", "23:59:59")),
    counterexamples=(
        ("24:00:00", "time"),
        ("8:3:6", "time"),
        ("23:59:60", "time"),
        ("10:00+02:00", "time"),
        ("6 pm", "time"),
        ("10:10:10Z", "time"),
    ),
    parse_one=_parse,
    format_one=_format,
    quick=_quick,
)
