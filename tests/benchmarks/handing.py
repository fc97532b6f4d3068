"""By hand too the people instead of their number: the counting shapes of a question as such that end with the profile keys in Python.

Either as a bitmap, which comes as bytes, or as the keys themselves, each once, in an array of Arrow's.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Final

from user360.people import People
from user360.sql import Sql

if TYPE_CHECKING:
    from collections.abc import Callable

    from user360.store import Store

EVERYBODY: Final = "(SELECT bitstring_agg(profile_key, 0, {last}) FROM profiles)"
_BITS: Final = re.compile(r"SELECT bit_count(\(.*\))")
_OTHERS: Final = re.compile(r"SELECT \(SELECT count\(\*\) FROM profiles\) - bit_count(\(.*\))")
_ROWS: Final = re.compile(r"SELECT count\(\*\) FROM \((.*)\)")
_DISTINCT: Final = re.compile(r"SELECT count\(DISTINCT ([\w.]+)\) (FROM .*)")
_WIDE: Final = re.compile(r"SELECT count\(\*\) (FROM profiles .*)")


def ways(store: Store, shapes: tuple[str, ...], last: int) -> list[Callable[[], int]]:
    """Of each counting shape the ways to hand over its people; each answers how many it handed over."""
    found: list[Callable[[], int]] = []
    for each in shapes:
        if bits := _as_bits(each):
            found.append(partial(_bitmap, store, Sql(f"SELECT ({bits})::BLOB".replace("{last}", str(last)))))
            continue
        keys = _as_keys(each)
        bits = f"SELECT bitstring_agg(profile_key, 0, {last})::BLOB FROM ({keys.replace('DISTINCT ', '')})"
        found += [partial(_bitmap, store, Sql(bits)), partial(_array, store, Sql(keys))]
    return found


def _as_bits(shape: str) -> str:
    """The bitmap a shape counts the bits of, or nothing where it counts rows."""
    if others := _OTHERS.fullmatch(shape):
        return f"{EVERYBODY} & ~{others[1]}"
    bits = _BITS.fullmatch(shape)
    return bits[1] if bits else ""


def _as_keys(shape: str) -> str:
    """The rows a shape counts, as keys that come once."""
    if rows := _ROWS.fullmatch(shape):
        return rows[1]
    if distinct := _DISTINCT.fullmatch(shape):
        return f"SELECT DISTINCT {distinct[1]} {distinct[2]}"
    if wide := _WIDE.fullmatch(shape):
        return f"SELECT profile_key {wide[1]}"
    raise ValueError(f"a shape that counts in a way of its own: {shape}")


def _bitmap(store: Store, query: Sql) -> int:
    ((blob,),) = store.rows(query)
    return len(People.packed(blob))


def _array(store: Store, query: Sql) -> int:
    return len(store.read(query).column(0).to_numpy())
