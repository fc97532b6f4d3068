"""The activity log: who did what to the workspace, and when.

Imports, exports, deletions and changes of settings leave a line here in the transaction that does
them, so the log can neither miss one nor invent one. What a profile's own changes were stands in
its history (`profiles.history`), not here.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pyarrow as pa

from user360.clock import stored
from user360.sql import NOTHING, joined, sql

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from user360.sql import Sql
    from user360.store import Store, Transaction


def record(tx: Transaction, kind: str, subject: str, detail: Mapping[str, object], *, by: str, at: datetime) -> None:
    """Write one line. `kind` is a few words that can be filtered by: `delete users`, `import`, `export`."""
    values = (tx.take("activity"), stored(at), by, kind, subject, json.dumps(dict(detail), ensure_ascii=False, default=str))
    tx.execute(sql("INSERT INTO activity VALUES ({}, {}, {}, {}, {}, {})", *values))
    tx.touch("activity")


def redact(tx: Transaction, words: Sequence[str]) -> int:
    """Take the words of an erased person out of every line; answer how many lines that were. A line stays, without its detail."""
    told = pa.table({"word": pa.array(words, pa.string()), "quoted": pa.array([json.dumps(each) for each in words], pa.string())})
    found = tx.read(
        sql(
            "SELECT DISTINCT activity_id FROM activity, told WHERE subject = word OR contains(detail, quoted) OR contains(detail, '\"' || word || '\"')",
            told=told,
        )
    )
    tx.execute(
        sql(
            "UPDATE activity SET subject = CASE WHEN subject IN (SELECT word FROM told) THEN '(erased)' ELSE subject END, detail = '{{}}' "
            "FROM found WHERE activity.activity_id = found.activity_id",
            told=told,
            found=found,
        )
    )
    tx.touch("activity")
    return int(found.num_rows)


def find(store: Store, *, kinds: Sequence[str] = (), limit: int = 50, offset: int = 0) -> pa.Table:
    """Lines, newest first: activity_id, at, by, kind, subject, detail (JSON text)."""
    return store.read(
        sql(
            'SELECT activity_id, logged_at AS "at", by_whom AS "by", kind, subject, detail FROM activity {} '
            "ORDER BY logged_at DESC, activity_id DESC LIMIT {} OFFSET {}",
            _of(kinds),
            limit,
            offset,
        )
    )


def count(store: Store, *, kinds: Sequence[str] = ()) -> int:
    """How many lines there are."""
    return int(store.rows(sql("SELECT count(*) FROM activity {}", _of(kinds)))[0][0])


def kinds(store: Store) -> list[str]:
    """The kinds that occur, by name."""
    return [each for (each,) in store.rows(sql("SELECT DISTINCT kind FROM activity ORDER BY kind"))]


def _of(wanted: Sequence[str]) -> Sql:
    return sql("WHERE kind IN ({})", joined(", ", wanted)) if wanted else NOTHING
