"""When values were said, so that a message that comes late does not overwrite what was said after it.

Kept for what messages said, and for edits, which count as of when they were made. What an import wrote has no
time of its own: whatever is said later by a message takes its place. A value that was taken over in a merge has
none either, for the one it belongs to may become two again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pyarrow as pa

from user360.clock import stored
from user360.sql import sql

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from user360.profiles.writing import Incoming
    from user360.store import Transaction

FEW: Final = 2_000
Cell = tuple[int, str]
"""A profile and a property of it."""

_CELLS: Final = pa.schema({"profile_key": pa.uint32(), "property": pa.string(), "said_at": pa.timestamp("us")})


def said(tx: Transaction, keys: Iterable[int]) -> dict[Cell, int]:
    """When the values of these profiles were said, in microseconds since 1970, as far as that is known."""
    wanted = pa.table({"profile_key": pa.array(sorted(set(keys)), pa.uint32())})
    if not wanted.num_rows:
        return {}
    rows = tx.rows(
        sql(
            "SELECT profile_key, property, epoch_us(said_at) FROM value_times SEMI JOIN wanted USING (profile_key)", wanted=wanted
        )
    )
    return {(key, name): at for key, name, at in rows}


def note(tx: Transaction, cells: Mapping[Cell, int], known: Iterable[Cell]) -> None:
    """Remember when these values were said; of `known` ones it was remembered before."""
    before = cells.keys() & set(known)
    if before:
        table = _table(cells, before)
        tx.execute(
            sql(
                "UPDATE value_times SET said_at = now.said_at FROM now WHERE value_times.profile_key = now.profile_key "
                "AND value_times.property = now.property",
                now=table,
            )
        )
    fresh = cells.keys() - before
    if fresh:
        tx.execute(sql("INSERT INTO value_times SELECT * FROM fresh", fresh=_table(cells, fresh)))


def note_written(tx: Transaction, keys: pa.Array, incoming: Incoming, at: datetime) -> None:
    """Remember that these values were given at `at`; of many at once only that it is not known any more."""
    if not incoming.meant:
        return
    people = keys.to_pylist()
    if len(people) * len(incoming.meant) <= FEW:
        moment = pa.scalar(stored(at), pa.timestamp("us")).value
        meant = {each: mask.to_pylist() for each, mask in incoming.meant.items()}
        cells = {(key, each): moment for each, mask in meant.items() for key, told in zip(people, mask, strict=True) if told}
        note(tx, cells, said(tx, people))
    elif tx.rows(sql("SELECT 1 FROM value_times LIMIT 1")):
        wanted = pa.table({"profile_key": keys})
        names = pa.table({"property": pa.array(list(incoming.meant), pa.string())})
        tx.execute(
            sql(
                "DELETE FROM value_times WHERE profile_key IN (SELECT profile_key FROM wanted) AND property IN (SELECT property FROM names)",
                wanted=wanted,
                names=names,
            )
        )


def _table(cells: Mapping[Cell, int], some: Iterable[Cell]) -> pa.Table:
    picked = list(some)
    columns = [[key for key, _ in picked], [each for _, each in picked], [cells[each] for each in picked]]
    return pa.table(columns, schema=_CELLS)
