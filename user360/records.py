"""What imports and exports were made, how far each came, and how columns were mapped before.

An import's counts and position change in the transaction that takes its rows in, so a report can
neither run ahead of the database nor lag behind it. Reading and writing files does not live here
(`imports`, `exports`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from user360.clock import aware, stored
from user360.errors import Unknown
from user360.sql import sql

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from user360.store import Store, Transaction

RUNNING: Final = "running"
COMPLETED: Final = "completed"
FAILED: Final = "failed"
STOPPED: Final = "stopped"
PAUSED: Final = "paused"
INTERRUPTED: Final = "interrupted"
UNDOING: Final = "undoing"
UNDONE: Final = "undone"


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of rows. `created` are new, `position` is the line up to which the file was taken in.

    `failed_bytes` is how long the file of failed rows is by then.
    """

    total: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    failed: int = 0
    empty: int = 0
    position: int = 0
    failed_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Import:
    """One import. `status` is running, completed, failed, stopped, paused, interrupted, undoing or undone.

    `content` is a checksum of its file. `undone` says how far an undo of it came, and what it took back.
    """

    id: int
    kind: str
    file_name: str
    file_size: int
    plan: Mapping[str, Any]
    status: str
    counts: Counts
    started_at: datetime
    finished_at: datetime | None
    by: str
    message: str
    content: str
    undone: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Export:
    """One export in the background. `definition` says which users and columns."""

    id: int
    format: str
    file_name: str
    status: str
    definition: Mapping[str, Any]
    rows: int
    bytes: int
    started_at: datetime
    finished_at: datetime | None
    by: str
    message: str


# -- imports ------------------------------------------------------------------------------------


def begin_import(
    store: Store, kind: str, file_name: str, file_size: int, plan: Mapping[str, Any], *, content: str = "", by: str, at: datetime
) -> int:
    """Note that an import begins, and answer its number."""
    with store.transaction() as tx:
        number = tx.take("imports")
        tx.execute(
            sql(
                "INSERT INTO imports VALUES ({}, {}, {}, {}, {}, {}, 0, 0, 0, 0, 0, 0, 0, {}, NULL, {}, '', 0, {}, '')",
                number,
                kind,
                file_name,
                file_size,
                json.dumps(dict(plan), ensure_ascii=False),
                RUNNING,
                stored(at),
                by,
                content,
            )
        )
        tx.touch("imports")
    return number


def advance_import(tx: Transaction, import_id: int, more: Counts) -> None:
    """Add what became of a batch, in the batch's own transaction; position and failed bytes are set, not added."""
    tx.execute(
        sql(
            "UPDATE imports SET total = total + {}, created = created + {}, updated = updated + {}, unchanged = unchanged + {}, "
            "failed = failed + {}, empty = empty + {}, position = {}, failed_bytes = {} WHERE import_id = {}",
            more.total,
            more.created,
            more.updated,
            more.unchanged,
            more.failed,
            more.empty,
            more.position,
            more.failed_bytes,
            import_id,
        )
    )
    tx.touch("imports")


def finish_import(tx: Transaction, import_id: int, status: str, message: str = "", *, at: datetime) -> None:
    """Note how an import ended."""
    tx.execute(
        sql(
            "UPDATE imports SET status = {}, message = {}, finished_at = {} WHERE import_id = {}",
            status,
            message,
            stored(at),
            import_id,
        )
    )
    tx.touch("imports")


def continue_import(tx: Transaction, import_id: int) -> None:
    """Note that an import goes on from where it stands."""
    tx.execute(sql("UPDATE imports SET status = {}, message = '', finished_at = NULL WHERE import_id = {}", RUNNING, import_id))
    tx.touch("imports")


def note_undo(tx: Transaction, import_id: int, status: str, undone: Mapping[str, Any]) -> None:
    """Note how far an undo came and what it took back, in the transaction that did so."""
    told = json.dumps(dict(undone), ensure_ascii=False)
    tx.execute(sql("UPDATE imports SET status = {}, undone = {} WHERE import_id = {}", status, told, import_id))
    tx.touch("imports")


def undone_imports(store: Store) -> tuple[int, ...]:
    """The imports that are taken back, or are being taken back."""
    return tuple(
        number for (number,) in store.rows(sql("SELECT import_id FROM imports WHERE status IN ({}, {})", UNDOING, UNDONE))
    )


def imports_of(store: Store, content: str) -> list[Import]:
    """The imports of a file with this checksum that were not taken back, newest first."""
    found = store.rows(sql("SELECT * FROM imports WHERE content = {} AND content <> '' ORDER BY import_id DESC", content))
    return [each for each in (_import(*row) for row in found) if each.status not in (UNDOING, UNDONE)]


def find_imports(store: Store, *, limit: int = 50, offset: int = 0) -> list[Import]:
    """Imports, newest first."""
    return [
        _import(*row)
        for row in store.rows(sql("SELECT * FROM imports ORDER BY import_id DESC LIMIT {} OFFSET {}", limit, offset))
    ]


def count_imports(store: Store) -> int:
    """How many imports there were."""
    return int(store.rows(sql("SELECT count(*) FROM imports"))[0][0])


def get_import(store: Store, import_id: int) -> Import:
    """One import, or a refusal."""
    rows = store.rows(sql("SELECT * FROM imports WHERE import_id = {}", import_id))
    if not rows:
        raise Unknown(f"There is no import {import_id}.")
    return _import(*rows[0])


def keep_mapping(
    tx: Transaction, header_key: str, mapping: Mapping[str, str], treatment: Mapping[str, Any], *, at: datetime
) -> None:
    """Remember how the columns of this header were mapped and treated."""
    how = json.dumps(dict(treatment), ensure_ascii=False)
    tx.execute(sql("DELETE FROM import_templates WHERE header_key = {}", header_key))
    tx.execute(
        sql("INSERT INTO import_templates VALUES ({}, {}, {}, {})", header_key, json.dumps(dict(mapping)), stored(at), how)
    )


def treatment_of(store: Store, header_key: str) -> dict[str, Any]:
    """How the columns of this header were treated before, if they were."""
    rows = store.rows(sql("SELECT plan FROM import_templates WHERE header_key = {} AND plan <> ''", header_key))
    return dict(json.loads(rows[0][0])) if rows else {}


def mapping_of(store: Store, header_key: str) -> dict[str, str]:
    """How the columns of this header were mapped before, if they were."""
    rows = store.rows(sql("SELECT mapping FROM import_templates WHERE header_key = {}", header_key))
    return dict(json.loads(rows[0][0])) if rows else {}


# -- exports ------------------------------------------------------------------------------------


def begin_export(store: Store, format_: str, file_name: str, definition: Mapping[str, Any], *, by: str, at: datetime) -> int:
    """Note that an export begins, and answer its number."""
    with store.transaction() as tx:
        number = tx.take("exports")
        tx.execute(
            sql(
                "INSERT INTO exports VALUES ({}, {}, {}, {}, {}, 0, 0, {}, NULL, {}, '')",
                number,
                format_,
                file_name,
                RUNNING,
                json.dumps(dict(definition), ensure_ascii=False),
                stored(at),
                by,
            )
        )
        tx.touch("exports")
    return number


def finish_export(
    tx: Transaction, export_id: int, status: str, message: str = "", *, rows: int = 0, size: int = 0, at: datetime
) -> None:
    """Note how an export ended."""
    tx.execute(
        sql(
            "UPDATE exports SET status = {}, message = {}, rows = {}, bytes = {}, finished_at = {} WHERE export_id = {}",
            status,
            message,
            rows,
            size,
            stored(at),
            export_id,
        )
    )
    tx.touch("exports")


def find_exports(store: Store, *, limit: int = 50, offset: int = 0) -> list[Export]:
    """Exports, newest first."""
    return [
        _export(*row)
        for row in store.rows(sql("SELECT * FROM exports ORDER BY export_id DESC LIMIT {} OFFSET {}", limit, offset))
    ]


def count_exports(store: Store) -> int:
    """How many exports there were."""
    return int(store.rows(sql("SELECT count(*) FROM exports"))[0][0])


def get_export(store: Store, export_id: int) -> Export:
    """One export, or a refusal."""
    rows = store.rows(sql("SELECT * FROM exports WHERE export_id = {}", export_id))
    if not rows:
        raise Unknown(f"There is no export {export_id}.")
    return _export(*rows[0])


def interrupted_at_start(store: Store, *, at: datetime) -> int:
    """What still runs on paper when nothing runs any more was interrupted. Answers how many that were."""
    with store.transaction() as tx:
        changed = tx.execute(
            sql("UPDATE imports SET status = {}, finished_at = {} WHERE status = {}", INTERRUPTED, stored(at), RUNNING)
        )
        changed += tx.execute(
            sql("UPDATE exports SET status = {}, finished_at = {} WHERE status = {}", INTERRUPTED, stored(at), RUNNING)
        )
        if changed:
            tx.touch("imports", "exports")
    return changed


def _import(number: int, kind: str, file_name: str, size: int, plan: str, status: str, *rest: Any) -> Import:
    total, created, updated, unchanged, failed, empty, position, started, finished, by, message, failed_bytes, content, undone = (
        rest
    )
    counts = Counts(total, created, updated, unchanged, failed, empty, position, failed_bytes)
    ended = aware(finished) if finished else None
    back = json.loads(undone) if undone else {}
    return Import(
        number, kind, file_name, size, json.loads(plan), status, counts, aware(started), ended, by, message, content, back
    )


def _export(number: int, format_: str, file_name: str, status: str, definition: str, *rest: Any) -> Export:
    rows, size, started, finished, by, message = rest
    ended = aware(finished) if finished else None
    return Export(number, format_, file_name, status, json.loads(definition), rows, size, aware(started), ended, by, message)
