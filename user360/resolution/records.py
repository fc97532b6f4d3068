"""Merges as they are kept: which profile went into which, why, by whom, and whether it was undone."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import pyarrow as pa

from user360.clock import aware, stored
from user360.errors import Unknown
from user360.sql import NOTHING, Sql, joined, sql

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from user360.store import Store, Transaction

Status: TypeAlias = Literal["done", "held", "undone", "accepted", "dismissed"]
Cause: TypeAlias = Literal["message", "alias", "analyst"]

MOST_BY_MESSAGES: Final = 100
"""So many profiles messages may unite in one; what would go beyond is held for review."""


@dataclass(frozen=True, slots=True)
class Merge:
    """One merge, done or only proposed: `gone` went into `kept`, both profile keys.

    `events` and `ids` moved; `filled` are the properties that had been blank, `added` the items lists took over.
    `kept_name` and `gone_name` say who they were to whoever reads it. `source` and `message_id` are of the message
    it rests on. `reason` says why it is held. Links of ids from
    `first_link` on came later. `settled_at` and `settled_by` are of its undoing or dismissal.
    """

    id: int
    kept: int
    gone: int
    status: Status
    cause: Cause
    reason: str
    at: datetime
    by: str
    source: str
    message_id: str | None
    write_id: int | None
    kept_name: str
    gone_name: str
    kept_user_id: str | None
    gone_user_id: str | None
    events: int
    ids: tuple[tuple[str, str], ...]
    filled: tuple[str, ...]
    added: Mapping[str, Sequence[str]]
    first_link: int
    lists: tuple[str, ...]
    settled_at: datetime | None
    settled_by: str | None


def find(
    store: Store | Transaction,
    *,
    profile_key: int | None = None,
    status: Status | None = None,
    limit: int = 50,
    offset: int = 0,
) -> tuple[Merge, ...]:
    """Merges, the newest first: all, those of a status, or those a profile, or one merged into it, had a part in."""
    rows = store.rows(sql("{} {} ORDER BY merge_id DESC LIMIT {} OFFSET {}", _ROW, _which(profile_key, status), limit, offset))
    return tuple(_merge(*row) for row in rows)


def count(store: Store, *, profile_key: int | None = None, status: Status | None = None) -> int:
    """How many there are."""
    return int(store.rows(sql("SELECT count(*) FROM merges {}", _which(profile_key, status)))[0][0])


def get(store: Store | Transaction, merge_id: int) -> Merge:
    """One merge, or a refusal."""
    rows = store.rows(sql("{} WHERE merge_id = {}", _ROW, merge_id))
    if not rows:
        raise Unknown("There is no such merge.", "Look at the merges of the user it is about.")
    return _merge(*rows[0])


def into(tx: Transaction, kept: int) -> tuple[Merge, ...]:
    """The merges into this profile that stand, in their order."""
    rows = tx.rows(sql("{} WHERE kept = {} AND status = 'done' ORDER BY merge_id", _ROW, kept))
    return tuple(_merge(*row) for row in rows)


def absorbed(tx: Transaction, profile_keys: Sequence[int]) -> dict[int, int]:
    """How many profiles each of these holds already, itself left out, those merged into these counted."""
    keys = pa.table({"profile_key": pa.array(profile_keys, pa.uint32())})
    rows = tx.rows(
        sql(
            "WITH RECURSIVE held AS (SELECT profile_key AS root, profile_key AS member FROM keys UNION ALL SELECT root, gone FROM held "
            "JOIN merges ON kept = member AND status = 'done') SELECT root, count(*) - 1 FROM held GROUP BY root",
            keys=keys,
        )
    )
    return dict(rows)


def leads_to(store: Store | Transaction, profile_key: int) -> int:
    """Where a profile went, through merge after merge; itself where it was not merged."""
    rows = store.rows(
        sql(
            "WITH RECURSIVE way AS (SELECT {}::UINTEGER AS profile_key, 0 AS step UNION ALL SELECT kept, step + 1 FROM way "
            "JOIN merges ON gone = profile_key AND status = 'done') SELECT arg_max(profile_key, step) FROM way",
            profile_key,
        )
    )
    return int(rows[0][0])


def chain(store: Store, profile_key: int) -> tuple[Merge, ...]:
    """The merges in force that made a profile what it is, those into whom it took in counted, oldest first."""
    rows = store.rows(
        sql(
            "WITH RECURSIVE held AS (SELECT {}::UINTEGER AS member UNION ALL SELECT gone FROM held JOIN merges ON kept = member "
            "AND status = 'done') {} WHERE status = 'done' AND kept IN (SELECT member FROM held) ORDER BY merge_id",
            profile_key,
            _ROW,
        )
    )
    return tuple(_merge(*row) for row in rows)


def together(store: Store, profile_key: int) -> list[int]:
    """A profile and all that were merged into it, merge after merge."""
    return sorted({profile_key, *(each.gone for each in chain(store, profile_key))})


def erase(tx: Transaction, people: Sql) -> None:
    """Forget every merge these profiles had a part in. `people` is a query of profile keys."""
    tx.execute(sql("DELETE FROM merges WHERE kept IN ({}) OR gone IN ({})", people, people))


def writes_of(tx: Transaction, kept: int) -> set[int]:
    """The writes of all merges into a profile and of their undoing."""
    rows = tx.rows(sql("SELECT write_id, (document::JSON->>'undone by write')::UINTEGER FROM merges WHERE kept = {}", kept))
    return {each for row in rows for each in row if each is not None}


def left_since(tx: Transaction, found: Merge) -> bool:
    """Whether somebody who was part of the same profile when it was merged has left it since."""
    (count,) = tx.rows(
        sql(
            "SELECT count(*) FROM merges WHERE kept = {} AND write_id < {} AND (document::JSON->>'undone by write')::UINTEGER > {}",
            found.kept,
            found.write_id,
            found.write_id,
        )
    )[0]
    return bool(count)


@dataclass(frozen=True, slots=True)
class Proposed:
    """A merge that is to happen, and what it rests on. `reason` says why one has to be looked at first."""

    kept: int
    gone: int
    cause: Cause
    source: str
    message_id: str | None = None
    reason: str = ""


def record(
    tx: Transaction,
    merges: Sequence[tuple[int, Proposed, Mapping[str, object]]],
    status: Status,
    *,
    write_id: int | None = None,
    by: str,
    at: datetime,
) -> None:
    """Keep merges under their numbers, each with its document."""
    rows = [
        {
            "merge_id": number,
            "kept": each.kept,
            "gone": each.gone,
            "status": status,
            "cause": each.cause,
            "reason": each.reason,
            "made_at": stored(at),
            "by_whom": by,
            "source": each.source,
            "message_id": each.message_id,
            "write_id": write_id,
            "document": _json(document),
        }
        for number, each, document in merges
    ]
    tx.execute(sql("INSERT INTO merges BY NAME SELECT * FROM fresh", fresh=pa.Table.from_pylist(rows, _SHAPE)))
    tx.touch("profiles")


def amend(tx: Transaction, merge_id: int, changes: Mapping[str, object]) -> None:
    """Change what a merge's own document says."""
    rows = tx.rows(sql("SELECT document FROM merges WHERE merge_id = {}", merge_id))
    document = {**json.loads(rows[0][0]), **changes}
    tx.execute(sql("UPDATE merges SET document = {} WHERE merge_id = {}", _json(document), merge_id))


def settle(tx: Transaction, merge_id: int, status: Status, *, by: str, at: datetime) -> None:
    """Say that a merge was undone, or that one that was held was decided."""
    tx.execute(
        sql(
            "UPDATE merges SET status = {}, settled_at = {}, settled_by = {} WHERE merge_id = {}",
            status,
            stored(at),
            by,
            merge_id,
        )
    )
    tx.touch("profiles")


def decided(tx: Transaction) -> set[tuple[int, int]]:
    """The merges (kept, gone) that wait for review already, or were dismissed."""
    return {(kept, gone) for kept, gone in tx.rows(Sql("SELECT kept, gone FROM merges WHERE status IN ('held', 'dismissed')"))}


_SHAPE: Final = pa.schema(
    {
        **dict.fromkeys(("merge_id", "kept", "gone"), pa.uint32()),
        **dict.fromkeys(("status", "cause", "reason"), pa.string()),
        "made_at": pa.timestamp("us"),
        **dict.fromkeys(("by_whom", "source", "message_id"), pa.string()),
        "write_id": pa.uint32(),
        "document": pa.string(),
    }
)
_ROW: Final = Sql(
    "SELECT merge_id, kept, gone, status, cause, reason, made_at, by_whom, source, message_id, write_id, document, settled_at, "
    "settled_by FROM merges"
)


def _which(profile_key: int | None, status: Status | None) -> Sql:
    parts = [sql("status = {}", status)] if status is not None else []
    if profile_key is not None:
        held = sql(
            "WITH RECURSIVE held AS (SELECT {}::UINTEGER AS member UNION SELECT gone FROM held JOIN merges ON kept = member "
            "AND status = 'done') SELECT member FROM held",
            profile_key,
        )
        parts.append(sql("(kept IN ({}) OR gone IN ({}))", held, held))
    return sql("WHERE {}", joined(" AND ", parts)) if parts else NOTHING


def _merge(*row: Any) -> Merge:
    number, kept, gone, status, cause, reason, at, by, source, message_id, write_id, document, settled_at, settled_by = row
    told = json.loads(document)
    return Merge(
        number,
        kept,
        gone,
        status,
        cause,
        reason,
        aware(at),
        by,
        source,
        message_id,
        write_id,
        told.get("kept name", ""),
        told.get("gone name", ""),
        told.get("kept user id"),
        told.get("gone user id"),
        told.get("events", 0),
        tuple((kind, text) for kind, text in told.get("ids", ())),
        tuple(told.get("filled", ())),
        told.get("added", {}),
        told.get("first link", 0),
        tuple(told.get("lists", ())),
        aware(settled_at) if settled_at else None,
        settled_by,
    )


def _json(document: Mapping[str, object]) -> str:
    return json.dumps(document, ensure_ascii=False)
