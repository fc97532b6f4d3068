"""Values as text: the canonical one that its own type reads back unchanged, and safe in a spreadsheet.

Whole columns at a time, for a million rows have forty million values. Which columns there are does
not live here (`wanted`), nor how a cell is written (`formats`).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from user360 import datatypes, spreadsheet

if TYPE_CHECKING:
    from user360.exports.layout import Column

UTC: Final = "UTC"
_TEXTUAL: Final = frozenset({"string", "email", "phone", "url", "list", "json"})
_PLAIN_NUMBER: Final = r"^-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]*[1-9])?$"
_MINUTE: Final = 60_000_000


def told(column: pa.Array, of: Column, zone: str = UTC) -> pa.Array:
    """A column in canonical text; unknown stays null."""
    match of.kind:
        case "datetime":
            return _instants(column, zone)
        case "list":
            return _lists(column)
        case "time":
            return pc.utf8_slice_codeunits(column.cast(pa.string()), 0, 8)
        case "number":
            return _numbers(column)
        case "json" if pa.types.is_nested(column.type):
            return pa.array([None if each is None else json.dumps(each, default=str) for each in column.to_pylist()], pa.string())
    return column.cast(pa.string())


def guarded(column: pa.Array, of: Column, zone: str = UTC) -> pa.Array:
    """Text that no spreadsheet takes for a formula; numbers, dates and truth are none."""
    text = told(column, of, zone)
    return spreadsheet.guard(text) if of.kind in _TEXTUAL else text


def here(column: pa.Array, zone: str) -> pa.Array:
    """Instants as the clocks of a zone showed them, without a zone."""
    instants = column.cast(pa.timestamp("us", column.type.tz), safe=False)
    instants = instants if instants.type.tz else pc.assume_timezone(instants, UTC)
    return pc.local_timestamp(instants.cast(pa.timestamp("us", zone)))


def _instants(column: pa.Array, zone: str) -> pa.Array:
    """With an offset, so that they are read back as the same instants; where a zone's was no whole minute, in UTC."""
    utc = here(column, UTC)
    plain = _spelled(pc.assume_timezone(utc, UTC), "Z")
    if zone == UTC:
        return plain
    behind = pc.subtract(here(column, zone).cast(pa.int64()), utc.cast(pa.int64()))
    odd = np.asarray(pc.fill_null(behind, 0)) % _MINUTE != 0
    local = _spelled(pc.assume_timezone(utc, UTC).cast(pa.timestamp("us", zone)), "%z")
    return pc.if_else(pa.array(odd), plain, local)


def _spelled(instants: pa.Array, offset: str) -> pa.Array:
    return pc.replace_substring(pc.strftime(instants, f"%Y-%m-%d %H:%M:%S{offset}"), ".000000", "")


def _numbers(column: pa.Array) -> pa.Array:
    text = column.cast(pa.string())
    plain = pc.fill_null(pc.match_substring_regex(text, _PLAIN_NUMBER), fill_value=True)
    if pc.all(plain).as_py() or pa.types.is_integer(column.type):
        return text
    spell = datatypes.get("number").format
    places = np.flatnonzero(~np.asarray(plain))
    spelled = [spell(each) for each in column.take(pa.array(places)).cast(pa.float64()).to_pylist()]
    return pc.replace_with_mask(text, pc.invert(plain), pa.array(spelled, pa.string()))


def _lists(column: pa.Array) -> pa.Array:
    """Items with `;` between them, or a JSON array where that would not be read back as the same items; none at all is unknown."""
    some = pc.if_else(pc.greater(pc.list_value_length(column), 0), column, pa.scalar(None, column.type))
    joined = pc.binary_join(some, ";")
    cuts = pc.add(pc.count_substring(joined, ";"), 1)
    bracketed = pc.and_(pc.starts_with(joined, "["), pc.ends_with(joined, "]"))
    odd = pc.fill_null(pc.or_(pc.not_equal(cuts, pc.list_value_length(some)), bracketed), fill_value=False)
    if not pc.any(odd).as_py():
        return joined
    places = pa.array(np.flatnonzero(np.asarray(odd)))
    spelled = [json.dumps(each, ensure_ascii=False) for each in some.take(places).to_pylist()]
    return pc.replace_with_mask(joined, odd, pa.array(spelled, pa.string()))
