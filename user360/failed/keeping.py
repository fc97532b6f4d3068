"""Taking failed messages in, each once, and letting go of them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from user360 import activity
from user360.clock import stored
from user360.errors import shorten
from user360.sql import NOTHING, Sql, joined, sql

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from user360.store import Store, Transaction

TOPIC: Final = "failed"


@dataclass(frozen=True, slots=True)
class Failure:
    """What was wrong with one message. `property` and `value` say with what of it, where that can be said.

    `raw` is the message as it came, in JSON; a warning does not keep it.
    """

    message_id: str
    kind: str
    code: str
    message: str
    hint: str
    source: str
    raw: str = ""
    user_id: str | None = None
    property: str = ""
    value: str = ""


def keep(tx: Transaction, failures: Iterable[Failure], *, at: datetime) -> int:
    """Keep messages that could not be taken; answers how many stand here that did not before.

    A message is known again by its source and id, or by its text where it has no id.
    """
    fresh = _one_row_each(failures)
    if not fresh:
        return 0
    table = pa.Table.from_pylist(list(fresh.values()), _FRESH)
    tx.execute(
        sql(
            "UPDATE failed_messages AS kept SET times = kept.times + fresh.times, last_at = {}, kind = fresh.kind, code = fresh.code, "
            "message = fresh.message, hint = fresh.hint, property = fresh.property, value = fresh.value, raw = fresh.raw, "
            "user_id = fresh.user_id FROM fresh WHERE kept.known_by = fresh.known_by",
            stored(at),
            fresh=table,
        )
    )
    known = tx.rows(sql("SELECT known_by FROM failed_messages SEMI JOIN fresh USING (known_by)", fresh=table))
    for (each,) in known:
        del fresh[each]
    if fresh:
        first = tx.take("failed_messages", len(fresh))
        numbered = [{**row, "failure_id": first + place} for place, row in enumerate(fresh.values())]
        rows = pa.Table.from_pylist(numbered, _FRESH.append(pa.field("failure_id", pa.uint32())))
        tx.execute(
            sql(
                "INSERT INTO failed_messages SELECT failure_id, known_by, message_id, kind, code, message, hint, property, value, "
                "source, user_id, raw, {}, {}, times FROM fresh",
                stored(at),
                stored(at),
                fresh=rows,
            )
        )
    tx.touch(TOPIC)
    return len(fresh)


_FRESH: Final = pa.schema(
    [
        *(pa.field(each, pa.string()) for each in ("known_by", "message_id", "kind", "code", "message", "hint")),
        *(pa.field(each, pa.string()) for each in ("property", "value", "source", "user_id", "raw")),
        pa.field("times", pa.uint32()),
    ]
)


def _one_row_each(failures: Iterable[Failure]) -> dict[str, dict[str, Any]]:
    """A row per message; of several failures of one message the last is told."""
    rows: dict[str, dict[str, Any]] = {}
    for each in failures:
        known_by = _known_by(each.source, each.message_id, each.raw)
        rows[known_by] = {
            "known_by": known_by,
            "message_id": plain(each.message_id),
            "kind": each.kind,
            "code": each.code,
            "message": plain(each.message),
            "hint": plain(each.hint),
            "property": plain(each.property),
            "value": plain(shorten(each.value)),
            "source": plain(each.source),
            "user_id": None if each.user_id is None else plain(each.user_id),
            "raw": plain(each.raw),
            "times": rows[known_by]["times"] + 1 if known_by in rows else 1,
        }
    return rows


def _known_by(source: str, message_id: str, raw: str) -> str:
    """By what a message is known again: its source and id, or its text where it has no id."""
    text = "\0".join((source, message_id or raw, "id" if message_id else "text"))
    return hashlib.blake2b(text.encode("utf-8", "backslashreplace"), digest_size=16).hexdigest()


def plain(text: str) -> str:
    """The text as a database can keep it: what is no character, a lone half of one or NUL, is spelled out."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\0")


# -- letting go ---------------------------------------------------------------------------------


def delete(
    store: Store, *, ids: Sequence[int] | None = None, code: str | None = None, source: str | None = None, by: str, at: datetime
) -> int:
    """Delete these messages for good, or else all of a reason and source; answers how many."""
    if ids is not None and not ids:
        return 0
    which = of(code, source) if ids is None else _among(ids)
    detail = {each: value for each, value in {"ids": ids and list(ids), "reason": code, "source": source}.items() if value}
    with store.transaction() as tx:
        deleted = tx.execute(sql("DELETE FROM failed_messages {}", which))
        activity.record(tx, "delete failed messages", str(deleted), detail, by=by, at=at)
        tx.touch(TOPIC)
    return deleted


def settle(tx: Transaction, times: Mapping[int, int]) -> None:
    """Let go of messages that were taken after all: by id, how often each had failed. One that failed once more since stays."""
    if times:
        known = pa.table({"failure_id": pa.array([*times], pa.uint32()), "times": pa.array([*times.values()], pa.uint32())})
        tx.execute(
            sql(
                "DELETE FROM failed_messages USING known WHERE failed_messages.failure_id = known.failure_id "
                "AND failed_messages.times = known.times",
                known=known,
            )
        )
        tx.touch(TOPIC)


def forget(tx: Transaction, ids: Sequence[str]) -> int:
    """Delete every failed message that names one of these ids or addresses, and every warning that shows one."""
    if not ids:
        return 0
    tx.touch(TOPIC)
    told = pa.table({"word": pa.array(ids, pa.string()), "quoted": pa.array([json.dumps(each) for each in ids], pa.string())})
    gone = tx.execute(
        sql(
            "DELETE FROM failed_messages WHERE failure_id IN (SELECT failure_id FROM failed_messages, told WHERE user_id = word "
            "OR value = word OR contains(raw, quoted) OR contains(raw, '\"' || word || '\"'))",
            told=told,
        )
    )
    tx.execute(sql("DELETE FROM warnings WHERE list_has_any(seen, (SELECT list(word) FROM told))", told=told))
    return gone


def _among(ids: Sequence[int]) -> Sql:
    return sql("WHERE failure_id IN ({})", joined(", ", ids))


def of(code: str | None, source: str | None) -> Sql:
    """The condition that a row is of this reason and source, where they are given."""
    given = [sql("code = {}", code)] if code is not None else []
    given += [sql("source = {}", source)] if source is not None else []
    return sql("WHERE {}", joined(" AND ", given)) if given else NOTHING
