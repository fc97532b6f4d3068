"""Weighing a value against the one a person has: whether it counts, by the rule of its column.

What a person has is read within the transaction that writes, so that rows of one file that follow
each other are weighed one after the other. What a value may be does not live here (`datatypes`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from user360 import profiles

if TYPE_CHECKING:
    from collections.abc import Mapping

    from user360.ingest.batches import Rule
    from user360.store import Transaction


def weighed(
    tx: Transaction,
    rules: Mapping[str, Rule],
    keys: pa.Array,
    columns: Mapping[str, pa.Array],
    meant: Mapping[str, pa.Array],
) -> tuple[dict[str, pa.Array], dict[str, pa.Array]]:
    """The values and which of them are meant, once each rule has had its say."""
    asked = {each: rule for each, rule in rules.items() if each in columns and rule.kind != "overwrite"}
    dates = {rule.by for rule in asked.values() if rule.kind == "newest" and rule.by in columns}
    names = sorted({*asked, *dates})
    found, counted = dict(columns), dict(meant)
    if not names:
        return found, counted
    now = profiles.values_of(tx, keys, names)
    for each, rule in asked.items():
        if rule.kind == "append":
            found[each] = _united(now[each].combine_chunks(), columns[each])
        else:
            counted[each] = pc.and_(meant[each], _counts(rule, each, columns, now))
    for each in dates:
        counted[each] = pc.and_(meant[each], _ahead(columns[each], now[each], pc.greater_equal))
    return found, counted


def _counts(rule: Rule, each: str, columns: Mapping[str, pa.Array], now: pa.Table) -> pa.Array:
    match rule.kind:
        case "blanks":
            return pc.is_null(now[each]).combine_chunks()
        case "larger":
            return _ahead(columns[each], now[each], pc.greater)
        case "smaller":
            return _ahead(columns[each], now[each], pc.less)
    if rule.by not in columns:
        return pa.array([False] * len(columns[each]))
    return pc.and_(pc.is_valid(columns[rule.by]), _ahead(columns[rule.by], now[rule.by], pc.greater_equal))


def _ahead(given: pa.Array, now: pa.ChunkedArray, compare: object) -> pa.Array:
    """Where the value given stands before the one there is, or there is none."""
    held = now.combine_chunks()
    return pc.or_(pc.is_null(held), pc.fill_null(compare(given, held), fill_value=False))  # type: ignore[operator]  # a function of pyarrow


def _united(held: pa.Array, given: pa.Array) -> pa.Array:
    """The items of both lists, in order, each once; null where nothing is given."""
    pairs = zip(held.to_pylist(), given.to_pylist(), strict=True)
    return pa.array([None if more is None else list(dict.fromkeys([*(old or []), *more])) for old, more in pairs], given.type)
