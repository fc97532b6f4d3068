"""Numbers: an integer or a decimal in ASCII digits with a point, at most 15 significant digits, kept as DOUBLE.

More digits would come back changed; a long id belongs in text.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from user360.datatype import Control, DataType, Display, Refusal, text_of

if TYPE_CHECKING:
    from user360.datatype import Zone

MOST_DIGITS: Final = 15
_NUMBER: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?", re.ASCII)
_COMMA: Final = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?|[+-]?\d+,\d+", re.ASCII)
# At most 15 characters besides an exponent of two digits can neither overflow nor have too many digits.
_SHORT: Final = r"^-?(?:[0-9]{1,15}|[0-9]{1,7}\.[0-9]{0,7}|[0-9]{1,11}\.[0-9]{1,3})$"


def _parse(raw: object, _: Zone) -> float:
    if isinstance(raw, bool):
        raise Refusal("is true or false, not a number", "Use a boolean property for it.")
    if isinstance(raw, int | float):
        return _checked(_float(raw), repr(raw))
    text = text_of(raw, what="a number")
    if _COMMA.fullmatch(text):
        raise Refusal("has a comma", f"Write it as {text.replace(',', '')} or with a decimal point.")
    if not _NUMBER.fullmatch(text):
        raise Refusal("is not a number", "Use digits, a point for decimals, nothing else.")
    return _checked(float(text), text)


def _float(raw: float) -> float:
    try:
        return float(raw)
    except OverflowError:
        raise _too_long() from None


def _checked(number: float, text: str) -> float:
    if not math.isfinite(number):
        raise Refusal("is not a finite number", "Leave it out where there is none.")
    if _digits(text) > MOST_DIGITS and repr(number) != text:
        raise _too_long()
    return number


def _too_long() -> Refusal:
    return Refusal(f"has more than {MOST_DIGITS} significant digits", "Keep long ids in a text property.")


def _digits(text: str) -> int:
    mantissa = re.split("[eE]", text)[0].lstrip("+-")
    whole = mantissa.replace(".", "").lstrip("0")
    return len(whole.rstrip("0"))


def _format(value: Any, _: Zone) -> str:
    number = float(value)
    return str(int(number)) if number.is_integer() and abs(number) < 10**MOST_DIGITS else repr(number)


def _quick(column: pa.Array, _: Zone) -> pa.Array:
    trimmed = pc.ascii_trim(column, " ")
    short = pc.match_substring_regex(trimmed, _SHORT)
    return pc.cast(pc.if_else(short, trimmed, pa.scalar(None, pa.string())), pa.float64())


TYPE: Final = DataType(
    name="number",
    label="Number",
    column="DOUBLE",
    arrow=pa.float64(),
    families=("known", "number"),
    control=Control("number", "12.5"),
    display=Display("number", 90),
    role="quantitative",
    accepts="an integer or a decimal with a point, at most 15 significant digits",
    examples=(("12", "12"), ("-3.5", "-3.5"), (" 5 ", "5"), ("1e3", "1000"), (".5", "0.5"), (7, "7"), (0.1, "0.1"), ("007", "7")),
    counterexamples=(
        ("1,000", "comma"),
        ("1,5", "comma"),
        ("NaN", "not a number"),
        ("Infinity", "not a number"),
        (math.inf, "finite"),
        ("1e999", "finite"),
        ("0x10", "not a number"),
        ("1_000", "not a number"),
        ("１２", "not a number"),
        ("12 EUR", "not a number"),
        ("+-123", "not a number"),
        ("1234567890123456789", "15 significant digits"),
        (True, "true or false"),
    ),
    parse_one=_parse,
    format_one=_format,
    quick=_quick,
    may_identify=True,
    likelihood=0.9,
)
