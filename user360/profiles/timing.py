"""When values were said, so that a message that comes late does not overwrite what was said after it.

Kept for what messages said, and for edits and imports, which count as of when they were made: a message about a moment
before an import does not change what the file gave, one about a moment after it does. Of two that were said at one
instant the one that comes later counts: in one request that is the later in it. A value that was taken over in a merge
has no time, for the one it belongs to may become two again; nor has one that an undone import had changed. What a
message or an edit said has a row of its own; what an import gave, millions of values at once, is a set of people per
property.
"""

from __future__ import annotations

import zlib
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from user360.clock import stored
from user360.people import People
from user360.sql import Sql, joined, sql

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from user360.profiles.writing import Incoming
    from user360.store import Transaction

FEW: Final = 2_000
Cell = tuple[int, str]
"""A profile and a property of it."""

_CELLS: Final = pa.schema({"profile_key": pa.uint32(), "property": pa.string(), "said_at": pa.timestamp("us")})


_GIVEN: Final = pa.schema(
    {"import_id": pa.uint32(), "property": pa.string(), "said_at": pa.timestamp("us"), "people": pa.binary()}
)
WITHOUT_TIME: Final = frozenset({"userId", "tags"})
"""What messages never overwrite: whom an id leads to follows other rules, and tags are united."""


class _Given(NamedTuple):
    """To whom many values of one property were given at once: by which import, if by one, and when, in microseconds since 1970."""

    import_id: int | None
    said_at: int
    people: People


def said(tx: Transaction, keys: Iterable[int]) -> dict[Cell, int]:
    """When the values of these profiles were said, in microseconds since 1970, as far as that is known."""
    asked = np.array(sorted(set(keys)), dtype=np.uint32)
    if not len(asked):
        return {}
    found: dict[Cell, int] = {}
    for name, given in _given(tx).items():
        for at_once in given:
            for key in asked[at_once.people.among(asked)].tolist():
                found[key, name] = max(found.get((key, name), at_once.said_at), at_once.said_at)
    wanted = pa.table({"profile_key": asked})
    rows = tx.rows(
        sql(
            "SELECT profile_key, property, epoch_us(said_at) FROM value_times SEMI JOIN wanted USING (profile_key)", wanted=wanted
        )
    )
    return found | {(key, name): max(at, found.get((key, name), at)) for key, name, at in rows}


def note(tx: Transaction, cells: Mapping[Cell, int], known: Iterable[Cell]) -> None:
    """Remember when these values were said; of `known` ones it was remembered before."""
    before = cells.keys() & set(known)
    if before:
        tx.execute(
            sql(
                "DELETE FROM value_times USING now WHERE value_times.profile_key = now.profile_key AND value_times.property = now.property",
                now=_table(cells, before),
            )
        )
    if cells:
        tx.execute(sql("INSERT INTO value_times SELECT * FROM fresh", fresh=_table(cells, cells)))


def note_written(tx: Transaction, keys: pa.Array, incoming: Incoming, at: datetime, import_id: int | None = None) -> None:
    """Remember that these values were given at `at`: by a row each, or as sets of people where an import gave them or they are many."""
    meant = {each: mask for each, mask in incoming.meant.items() if each not in WITHOUT_TIME and pc.any(mask).as_py()}
    if not meant:
        return
    if import_id is not None or len(keys) * len(meant) > FEW:
        _note_at_once(tx, {each: keys.filter(mask) for each, mask in meant.items()}, _moment(at), import_id)
        return
    people = keys.to_pylist()
    masks = {each: mask.to_pylist() for each, mask in meant.items()}
    cells = {(key, each): _moment(at) for each, mask in masks.items() for key, told in zip(people, mask, strict=True) if told}
    note(tx, cells, said(tx, people))


def take_back(tx: Transaction, import_id: int, keys: pa.Array) -> None:
    """Forget when the import gave these people what it gave them."""
    people, given = People.of(keys.to_numpy(zero_copy_only=False)), _given(tx)
    changed = {name: rows for name, rows in given.items() if any(each.import_id == import_id for each in rows)}
    _replace(
        tx,
        given,
        {
            name: [each._replace(people=each.people - people) if each.import_id == import_id else each for each in rows]
            for name, rows in changed.items()
        },
    )


def _note_at_once(tx: Transaction, cells: Mapping[str, pa.Array], moment: int, import_id: int | None) -> None:
    """Remember of each property to whom it was given at once; what was remembered of these before is over."""
    given, fresh = _given(tx), {}
    for name, keys in cells.items():
        people = People.of(keys.to_numpy(zero_copy_only=False))
        own, others = _Given(import_id, moment, people), []
        for each in given.get(name, ()):
            if import_id is not None and each.import_id == import_id:
                own = _Given(import_id, min(own.said_at, each.said_at), own.people | each.people)
            else:
                others.append(each._replace(people=each.people - people))
        fresh[name] = [*others, own]
    _replace(tx, given, fresh)
    if tx.rows(sql("SELECT 1 FROM value_times LIMIT 1")):
        for name, keys in cells.items():
            wanted = pa.table({"profile_key": keys})
            tx.execute(
                sql(
                    "DELETE FROM value_times WHERE property = {} AND profile_key IN (SELECT profile_key FROM wanted)",
                    name,
                    wanted=wanted,
                )
            )


def _given(tx: Transaction) -> dict[str, list[_Given]]:
    """By property to whom it was given at once, as it stands in the file."""
    found = tx.recall("given at once", partial(_read, tx), exact=True)
    return _read(tx) if found is None else found


def _read(tx: Transaction) -> dict[str, list[_Given]]:
    found: dict[str, list[_Given]] = {}
    for import_id, name, at, packed in tx.rows(Sql("SELECT import_id, property, epoch_us(said_at), people FROM given_at_once")):
        found.setdefault(name, []).append(_Given(import_id, at, People.packed(zlib.decompress(packed))))
    return found


def _replace(tx: Transaction, given: dict[str, list[_Given]], fresh: Mapping[str, list[_Given]]) -> None:
    """Write what is so now of these properties; sets nobody is in any more are gone."""
    if not fresh:
        return
    left = {name: [each for each in rows if each.people] for name, rows in fresh.items()}
    tx.execute(sql("DELETE FROM given_at_once WHERE property IN ({})", joined(", ", [*left])))
    rows = [
        (each.import_id, name, each.said_at, zlib.compress(each.people.blob(), 1)) for name, some in left.items() for each in some
    ]
    if rows:
        columns = [list(column) for column in zip(*rows, strict=True)]
        tx.execute(sql("INSERT INTO given_at_once SELECT * FROM at_once", at_once=pa.table(columns, schema=_GIVEN)))
    given |= left


def _moment(at: datetime) -> int:
    return int(pa.scalar(stored(at), pa.timestamp("us")).value)


def _table(cells: Mapping[Cell, int], some: Iterable[Cell]) -> pa.Table:
    picked = list(some)
    columns = [[key for key, _ in picked], [each for _, each in picked], [cells[each] for each in picked]]
    return pa.table(columns, schema=_CELLS)
