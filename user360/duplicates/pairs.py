"""The pairs that were found: kept until they are found anew, dismissed for good unless somebody takes that back.

A pair of whom one is gone (merged or deleted) is not told of any more; where a merge is undone, it is again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import pyarrow as pa

from user360 import activity, profiles
from user360.clock import aware, stored
from user360.duplicates.linking import PARTS, PRIOR, probability
from user360.errors import Unknown
from user360.sql import Sql, sql

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from user360.store import Store, Transaction

Status: TypeAlias = Literal["open", "dismissed"]

TOPIC: Final = "duplicates"


@dataclass(frozen=True, slots=True)
class Pair:
    """Two users who may be one person. `weight` in bits is the sum of `parts`: what was expected before, and what each field adds."""

    id: int
    left: int
    right: int
    weight: float
    parts: Mapping[str, float]
    status: Status
    decided_at: datetime | None
    decided_by: str

    @property
    def probability(self) -> float:
        """How likely they are one person, from 0 to 1."""
        return probability(self.weight)


@dataclass(frozen=True, slots=True)
class Search:
    """One search: how many users there were, how many pairs it found, how many of these are kept, how many values were too common."""

    at: datetime
    by: str
    people: int
    found: int
    kept: int
    crowded: int


def keep(store: Store, found: pa.Table, search: Search) -> None:
    """Put the pairs of a search in the place of the open ones; what was dismissed stays so."""
    documents = [json.dumps({each: row[each] for each in (PRIOR, *PARTS)}) for row in found.to_pylist()]
    pairs = found.select(["left_key", "right_key", "weight"]).append_column("parts", pa.array(documents, pa.string()))
    with store.transaction() as tx:
        tx.execute(Sql("DELETE FROM duplicate_pairs WHERE status = 'open'"))
        fresh = tx.read(
            sql("SELECT * FROM pairs ANTI JOIN duplicate_pairs USING (left_key, right_key) ORDER BY weight DESC", pairs=pairs)
        )
        first = tx.take("duplicate_pairs", fresh.num_rows)
        numbered = fresh.append_column("pair_id", pa.array(range(first, first + fresh.num_rows), pa.uint32()))
        tx.execute(
            sql(
                "INSERT INTO duplicate_pairs SELECT pair_id, left_key, right_key, weight, parts, 'open', NULL, '' FROM numbered",
                numbered=numbered,
            )
        )
        tx.execute(Sql("DELETE FROM duplicate_searches"))
        tx.execute(
            sql(
                "INSERT INTO duplicate_searches VALUES ({}, {}, {}, {}, {}, {})",
                stored(search.at),
                search.by,
                search.people,
                search.found,
                search.kept,
                search.crowded,
            )
        )
        activity.record(tx, "find duplicates", f"{search.found:,} pairs", {"users": search.people}, by=search.by, at=search.at)
        tx.touch(TOPIC)


def erase(tx: Transaction, people: Sql) -> None:
    """Forget every pair with one of these profiles. `people` is a query of profile keys."""
    tx.execute(sql("DELETE FROM duplicate_pairs WHERE left_key IN ({}) OR right_key IN ({})", people, people))
    tx.touch(TOPIC)


def last_search(store: Store) -> Search | None:
    """The newest search, if there was one."""
    rows = store.rows(Sql("SELECT searched_at, by_whom, people, found, kept, crowded FROM duplicate_searches"))
    return Search(aware(rows[0][0]), *rows[0][1:]) if rows else None


def find(store: Store, *, status: Status = "open", least: float = 0.0, limit: int = 50, offset: int = 0) -> tuple[Pair, ...]:
    """Pairs of two who are both there, the likeliest first; `least` is the least weight in bits."""
    rows = store.rows(
        sql(
            "SELECT pair_id, left_key, right_key, weight, parts, status, decided_at, decided_by FROM ({}) "
            "ORDER BY weight DESC, pair_id LIMIT {} OFFSET {}",
            _living(store, status, least),
            limit,
            offset,
        )
    )
    return tuple(_pair(*row) for row in rows)


def count(store: Store, *, status: Status = "open", least: float = 0.0) -> int:
    """How many such pairs there are."""
    return int(store.rows(sql("SELECT count(*) FROM ({})", _living(store, status, least)))[0][0])


def get(store: Store, pair_id: int) -> Pair:
    """One pair."""
    rows = store.rows(
        sql(
            "SELECT pair_id, left_key, right_key, weight, parts, status, decided_at, decided_by FROM duplicate_pairs WHERE pair_id = {}",
            pair_id,
        )
    )
    if not rows:
        raise Unknown("There is no such pair.", "It may have been found anew. Look at the list again.")
    return _pair(*rows[0])


def dismiss(store: Store, pair_id: int, *, by: str, at: datetime) -> Pair:
    """Say that these two are two people: no later search proposes them again."""
    return _decide(store, pair_id, "dismissed", by=by, at=at)


def reopen(store: Store, pair_id: int, *, by: str, at: datetime) -> Pair:
    """Take a dismissal back."""
    return _decide(store, pair_id, "open", by=by, at=at)


def _decide(store: Store, pair_id: int, status: Status, *, by: str, at: datetime) -> Pair:
    found = get(store, pair_id)
    with store.transaction() as tx:
        tx.execute(
            sql(
                "UPDATE duplicate_pairs SET status = {}, decided_at = {}, decided_by = {} WHERE pair_id = {}",
                status,
                stored(at),
                by,
                pair_id,
            )
        )
        kind = "dismiss duplicate" if status == "dismissed" else "reopen duplicate"
        activity.record(tx, kind, f"users {found.left} and {found.right}", {"pair": pair_id}, by=by, at=at)
        tx.touch(TOPIC)
    return get(store, pair_id)


def _living(store: Store, status: Status, least: float) -> Sql:
    living = pa.table({"profile_key": profiles.everyone(store).keys()})
    return sql(
        "SELECT * FROM duplicate_pairs WHERE status = {} AND weight >= {} AND left_key IN (SELECT profile_key FROM living) "
        "AND right_key IN (SELECT profile_key FROM living)",
        status,
        least,
        living=living,
    )


def _pair(number: int, left: int, right: int, weight: float, parts: str, status: Any, at: datetime | None, by: str) -> Pair:
    return Pair(number, left, right, weight, json.loads(parts), status, aware(at) if at else None, by)
