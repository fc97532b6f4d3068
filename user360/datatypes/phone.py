"""A phone number with its country code, kept as E.164 (`+919000500000`). `phonenumbers` decides.

The library takes some 15 µs a number. Whole columns are decided by the patterns of the library's own
metadata, run by a faster engine, and only where the library would do nothing clever: no national
prefix to strip, no number that is told apart by its leading digits. The rest, and every reason,
goes to the library.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import phonenumbers
import pyarrow as pa
import pyarrow.compute as pc

from user360.datatype import Control, DataType, Display, Refusal, text_of

if TYPE_CHECKING:
    from user360.datatype import Zone

_EXPONENT: Final = re.compile(r"[+-]?\d+([.,]\d+)?[eE][+-]?\d+", re.ASCII)
_WRITTEN: Final = re.compile(r"(?:\+|00)?[0-9 ()\[\]./\-\u00a0\u2010-\u2015]+", re.ASCII)
_PLAIN: Final = r"^\+?[1-9][0-9]{6,14}$"
_SEPARATORS: Final = r"[ ()\-]"
_SPACED: Final = r"^\+?[0-9][0-9 ()\-]{6,22}$"
_KINDS: Final = (
    "fixed_line",
    "mobile",
    "toll_free",
    "premium_rate",
    "shared_cost",
    "personal_number",
    "voip",
    "pager",
    "uan",
    "voicemail",
)


def _parse(raw: object, _: Zone) -> str:
    text = str(raw) if isinstance(raw, int) and not isinstance(raw, bool) else text_of(raw, what="a phone number")
    if _EXPONENT.fullmatch(text):
        raise Refusal("is not a phone number: a spreadsheet cut its digits", "Export the column as text.")
    if not _WRITTEN.fullmatch(text):
        raise Refusal("is not a phone number", "Write it as +919000500000: country code and digits.")
    digits = text if text.startswith("+") else "+" + (text.removeprefix("00"))
    if digits.lstrip("+( ").startswith("0"):
        raise Refusal("has no country code", "Begin it with + and the code of the country.")
    try:
        number = phonenumbers.parse(digits, None)
    except phonenumbers.NumberParseException as refusal:
        raise Refusal(*_why(refusal.error_type)) from None
    if not phonenumbers.is_valid_number(number):
        raise Refusal(*_unfit(number))
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _why(kind: int) -> tuple[str, str]:
    if kind == phonenumbers.NumberParseException.INVALID_COUNTRY_CODE:
        return "has no country code that exists", "Begin it with + and the code of the country."
    if kind == phonenumbers.NumberParseException.TOO_LONG:
        return "has too many digits for a phone number", "Give one number, of at most 15 digits."
    return "has too few digits for a phone number", "Begin it with + and the code of the country."


def _unfit(number: phonenumbers.PhoneNumber) -> tuple[str, str]:
    verdict = phonenumbers.is_possible_number_with_reason(number)
    where = f"+{number.country_code}"
    if verdict == phonenumbers.ValidationResult.TOO_SHORT:
        return f"has too few digits for {where}", "Give the whole number with its country code."
    if verdict == phonenumbers.ValidationResult.TOO_LONG:
        return f"has too many digits for {where}", "Give one number with its country code."
    return f"is no number that exists under {where}", "Check its digits, and that it has a country code."


@cache
def _code_length() -> np.ndarray[Any, np.dtype[np.int64]]:
    """For the first three digits of a number how many of them are its country code; 0 where none is."""
    lengths = np.zeros(1000, dtype=np.int64)
    for first in range(100, 1000):
        text = str(first)
        for length in (1, 2, 3):
            if int(text[:length]) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
                lengths[first] = length
                break
    return lengths


def _general(region: phonenumbers.PhoneMetadata) -> tuple[int, ...]:
    return tuple(region.general_desc.possible_length) if region.general_desc else ()


@cache
def _patterns(code: int) -> tuple[tuple[tuple[str, tuple[int, ...]], ...], str]:
    """Of one country code: patterns of valid national numbers, each with its lengths, and of what the library must see."""
    regions = [
        phonenumbers.PhoneMetadata.metadata_for_region(each, None) for each in phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code]
    ]
    known = [each for each in regions if each is not None]
    if not known:
        return (), ""
    clever = [each.leading_digits for each in known if each.leading_digits and len(known) > 1]
    if known[0].national_prefix_for_parsing:
        clever.append(known[0].national_prefix_for_parsing)
    by_lengths: dict[tuple[int, ...], list[str]] = {}
    for region in known:
        for kind in () if region.leading_digits and len(known) > 1 else _KINDS:
            desc = getattr(region, kind)
            if desc is not None and desc.national_number_pattern:
                lengths = tuple(desc.possible_length or _general(region))
                by_lengths.setdefault(lengths, []).append(desc.national_number_pattern)
    whole = tuple(("^(?:" + "|".join(dict.fromkeys(each)) + ")$", lengths) for lengths, each in by_lengths.items())
    return whole, "^(?:" + "|".join(clever) + ")" if clever else ""


def _quick(column: pa.Array, _: Zone) -> pa.Array:
    spaced = pc.match_substring_regex(column, _SPACED)
    bare = pc.replace_substring_regex(pc.if_else(spaced, column, _none()), _SEPARATORS, "")
    digits = pc.ascii_ltrim(pc.if_else(pc.match_substring_regex(bare, _PLAIN), bare, _none()), "+")
    heads = pc.fill_null(pc.cast(pc.utf8_slice_codeunits(digits, 0, 3), pa.int64()), 0).to_numpy(zero_copy_only=False)
    lengths = _code_length()[heads]
    codes = np.where(lengths > 0, heads // 10 ** (3 - lengths), 0)
    sure = np.zeros(len(column), dtype=np.bool_)
    for code in np.unique(codes[codes > 0]).tolist():
        places = np.flatnonzero(codes == code)
        national = pc.utf8_slice_codeunits(digits.take(pa.array(places)), len(str(code)))
        sure[places] = _sure(national, code)
    return pc.if_else(pa.array(sure), pc.binary_join_element_wise("+", digits, ""), _none())


def _sure(national: pa.Array, code: int) -> Any:
    """Which of these national numbers the library is sure to take as they are."""
    valid, clever = _patterns(code)
    length = pc.utf8_length(national)
    sure = pa.array(np.zeros(len(national), dtype=np.bool_))
    try:
        for pattern, lengths in valid:
            fits = pc.and_(pc.is_in(length, pa.array(lengths, length.type)), pc.match_substring_regex(national, pattern))
            sure = pc.or_(sure, fits)
        if clever:
            sure = pc.and_not(sure, pc.match_substring_regex(national, clever))
    except pa.ArrowInvalid:  # a pattern this engine does not know
        return np.zeros(len(national), dtype=np.bool_)
    return sure.to_numpy(zero_copy_only=False)


def _none() -> Any:
    return pa.scalar(None, pa.string())


TYPE: Final = DataType(
    name="phone",
    label="Phone number",
    column="VARCHAR",
    arrow=pa.string(),
    families=("known", "address", "phone"),
    control=Control("text", "+91 90005 00000"),
    display=Display("phone", 120),
    role="nominal",
    accepts="a number with its country code",
    examples=(
        ("+919000500000", "+919000500000"),
        ("919000500000", "+919000500000"),
        ("+91 90005-00000", "+919000500000"),
        ("+49 (341) 5500142", "+493415500142"),
        ("0049 341 5500142", "+493415500142"),
        ("+39 06 6982", "+39066982"),
        (919000500000, "+919000500000"),
    ),
    counterexamples=(
        ("9.19E+11", "spreadsheet"),
        ("0341 550 0142", "no country code"),
        ("+91 12345", "too few digits"),
        ("+9190005000001234", "too many digits"),
        ("+999 123 4567", "no country code that exists"),
        ("call me", "not a phone number"),
        ("+49 176 123", "no number that exists"),
        ("+91-90005ABCDE", "not a phone number"),
    ),
    parse_one=_parse,
    format_one=lambda value, _: str(value),
    quick=_quick,
    may_identify=True,
    likelihood=0.95,
)
