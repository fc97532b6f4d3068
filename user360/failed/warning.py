"""Taking warnings in, added up, and taking them off the list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from user360.clock import stored
from user360.errors import shorten
from user360.failed.keeping import TOPIC, Failure, plain
from user360.sql import joined, sql

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from user360.store import Store, Transaction

MOST_WARNINGS: Final = 2_000
MOST_VALUES: Final = 20
OTHERS: Final = "…"


def warn(tx: Transaction, failures: Iterable[Failure], *, at: datetime) -> None:
    """Add up warnings about messages that were taken without something of them."""
    fresh = _added_up(failures)
    if not fresh:
        return
    kept = {(code, source, each): tuple(row) for code, source, each, *row in _kept_warnings(tx, fresh)}
    room = {pair: MOST_WARNINGS - number for pair, number in _numbers(tx, fresh).items()}
    rows: dict[tuple[str, str, str], dict[str, Any]] = {}
    for (code, source, each), row in fresh.items():
        key = (code, source, each)
        if key not in kept:
            left = room.get((code, source), MOST_WARNINGS)
            key = key if left > 0 else (code, source, OTHERS)
            room[code, source] = left - 1
        rows[key] = _united(rows.get(key), {**row, "property": key[2]})
    others = [key for key in rows if key[2] == OTHERS and key not in kept]
    kept |= {(code, source, each): tuple(row) for code, source, each, *row in _kept_warnings(tx, others)} if others else {}
    _write_warnings(tx, rows, kept, at)
    tx.touch(TOPIC)


def dismiss(store: Store, ids: Sequence[int]) -> int:
    """Take warnings off the list. They come back, counted from one, when the same happens again."""
    with store.transaction() as tx:
        numbers = joined(", ", ids)
        dismissed = tx.execute(sql("DELETE FROM warnings WHERE warning_id IN ({})", numbers)) if ids else 0
        tx.touch(TOPIC)
    return dismissed


def _added_up(failures: Iterable[Failure]) -> dict[tuple[str, str, str], dict[str, Any]]:
    rows: dict[tuple[str, str, str], dict[str, Any]] = {}
    for each in failures:
        key = (each.code, plain(each.source), plain(shorten(each.property, 200)))
        row = {
            "code": key[0],
            "source": key[1],
            "property": key[2],
            "kind": each.kind,
            "message": plain(each.message),
            "hint": plain(each.hint),
            "message_id": plain(each.message_id),
            "values": [plain(shorten(each.value))] if each.value else [],
            "times": 1,
        }
        rows[key] = _united(rows.get(key), row)
    return rows


def _united(before: dict[str, Any] | None, row: dict[str, Any]) -> dict[str, Any]:
    """The newer of two rows of one warning, with the counts and values of both."""
    if before is None:
        return row
    return {**row, "values": _newest(row["values"], before["values"]), "times": row["times"] + before["times"]}


def _newest(first: Sequence[str], then: Sequence[str]) -> list[str]:
    return list(dict.fromkeys([*first, *then]))[:MOST_VALUES]


def _kept_warnings(tx: Transaction, wanted: Iterable[tuple[str, str, str]]) -> list[tuple[Any, ...]]:
    """The rows of these warnings: code, source, property, warning_id, first_at, times, values."""
    return tx.rows(
        sql(
            "SELECT code, source, property, warning_id, first_at, times, seen FROM warnings SEMI JOIN wanted "
            "USING (code, source, property)",
            wanted=_keys(wanted),
        )
    )


def _numbers(tx: Transaction, wanted: Iterable[tuple[str, str, str]]) -> dict[tuple[str, str], int]:
    """How many properties are told of per reason and source."""
    rows = tx.rows(
        sql(
            "SELECT code, source, count(*) FROM warnings SEMI JOIN wanted USING (code, source) GROUP BY code, source",
            wanted=_keys(wanted),
        )
    )
    return {(code, source): number for code, source, number in rows}


def _keys(wanted: Iterable[tuple[str, str, str]]) -> pa.Table:
    columns = list(zip(*wanted, strict=True))
    return pa.table({name: pa.array(columns[place], pa.string()) for place, name in enumerate(("code", "source", "property"))})


def _write_warnings(
    tx: Transaction, rows: dict[tuple[str, str, str], dict[str, Any]], kept: dict[Any, Any], at: datetime
) -> None:
    fresh = sum(key not in kept for key in rows)
    number = tx.take("warnings", fresh) if fresh else 0
    whole: list[dict[str, Any]] = []
    for key, row in rows.items():
        if key in kept:
            own, first_at, times, seen = kept[key]
            values = _newest(row["values"], seen)
        else:
            own, first_at, times, values = number, stored(at), 0, row["values"]
            number += 1
        whole.append({**row, "warning_id": own, "first_at": first_at, "times": times + row["times"], "values": values})
    table = pa.Table.from_pylist(whole, _WARNING)
    tx.execute(sql("DELETE FROM warnings WHERE warning_id IN (SELECT warning_id FROM fresh)", fresh=table))
    tx.execute(
        sql(
            'INSERT INTO warnings SELECT warning_id, code, source, kind, property, message, hint, message_id, "values", first_at, {}, '
            "times FROM fresh",
            stored(at),
            fresh=table,
        )
    )


_WARNING: Final = pa.schema(
    [
        *(pa.field(each, pa.string()) for each in ("code", "source", "property", "kind", "message", "hint", "message_id")),
        pa.field("warning_id", pa.uint32()),
        pa.field("first_at", pa.timestamp("us")),
        pa.field("times", pa.uint64()),
        pa.field("values", pa.list_(pa.string())),
    ]
)
