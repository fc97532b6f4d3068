"""Text: any characters but NUL, outer blanks trimmed, in Unicode's composed form (NFC), at most 64 KiB."""

from __future__ import annotations

import json
import unicodedata
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from user360.datatype import Control, DataType, Display, Refusal

if TYPE_CHECKING:
    from user360.datatype import Zone

MOST_BYTES: Final = 64 * 1024
# Printable ASCII with no blank at either end is its own canonical form.
_CANONICAL: Final = r"^[!-~]([ -~]*[!-~])?$"


def _parse(raw: object, _: Zone) -> str:
    text = _text(raw)
    if "\0" in text:
        raise Refusal("holds a NUL character", "Take it out.")
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise Refusal("holds half of a character", "Export the text as UTF-8.") from None
    if size > MOST_BYTES:
        raise Refusal("is longer than 64 KiB", "Keep long texts elsewhere and give their address.")
    return unicodedata.normalize("NFC", text).strip()


def _text(raw: object) -> str:
    if isinstance(raw, str):
        return raw
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, int | float):
        return str(raw)
    try:
        return json.dumps(raw, ensure_ascii=False)
    except (TypeError, ValueError):
        raise Refusal("is not text", "Give text.") from None


def _quick(column: pa.Array, _: Zone) -> pa.Array:
    return pc.if_else(
        pc.and_(pc.match_substring_regex(column, _CANONICAL), pc.less_equal(pc.binary_length(column), MOST_BYTES)),
        column,
        _nothing(),
    )


def _nothing() -> Any:
    return pa.scalar(None, pa.string())


TYPE: Final = DataType(
    name="string",
    label="Text",
    column="VARCHAR",
    arrow=pa.string(),
    families=("known", "text"),
    control=Control("text", "any text"),
    display=Display("text", 140),
    role="nominal",
    accepts="any text of at most 64 KiB",
    examples=(
        ("Priya", "Priya"),
        ("  Åsa Lindqvist ", "Åsa Lindqvist"),
        ("e\u0301", "é"),
        ("Nguyễn 🌸", "Nguyễn 🌸"),
        (12, "12"),
    ),
    counterexamples=(("a\0b", "NUL"), ("x" * (MOST_BYTES + 1), "64 KiB"), ("\ud800", "half of a character")),
    parse_one=_parse,
    format_one=lambda value, _: str(value),
    quick=_quick,
    may_identify=True,
    likelihood=0.01,
)
