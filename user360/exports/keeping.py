"""What is kept of an export: its file, its manifest, and whose rows it holds.

Files lie in a private folder under the number of the export. Beside each lies whose rows it holds,
so that a file with an erased person goes and the others stay. Writing them does not live here (`running`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from user360 import activity, records
from user360.errors import Conflict
from user360.people import People

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from user360.records import Export
    from user360.store import Store

FOLDER: Final = "exports"
PART: Final = ".part"


def file_of(store: Store, record: Export) -> Path:
    """Where the file of an export lies; it is there once the export is completed."""
    packed = ".gz" if record.definition.get("gzip") else ""
    return store.folder(FOLDER) / f"{record.id}.{record.format}{packed}"


def manifest_of(store: Store, record: Export) -> Path:
    """Where the manifest of an export lies, if one was asked for."""
    return store.folder(FOLDER) / f"{record.id}.manifest.json"


def note_people(store: Store, record: Export, people: People) -> None:
    """Note whose rows an export holds."""
    _people_of(store, record).write_bytes(people.blob())


def delete(store: Store, number: int, *, by: str, at: datetime) -> None:
    """Delete the file of an export that is at its end; its line stays in the list."""
    record = records.get_export(store, number)
    if record.status == records.RUNNING:
        raise Conflict(f"The export {number} is still being made.", "Stop it first.")
    _remove(store, record, "Deleted.", at=at, by=by)


def without(store: Store, person: int, *, by: str, at: datetime) -> int:
    """Delete every file that holds rows of this person, and those of which nobody knows; answer how many."""
    gone = 0
    for record in records.find_exports(store, limit=10**9):
        noted = _people_of(store, record)
        known = People.packed(noted.read_bytes()) if noted.exists() else None
        if file_of(store, record).exists() and (known is None or person in known):
            _remove(store, record, "Deleted: somebody in it was erased.", at=at, by=by)
            gone += 1
    return gone


def sweep(store: Store) -> None:
    """Take away what a sudden end of the program left half done. Nothing may be under way."""
    for each in store.folder(FOLDER).iterdir():
        if each.name.endswith(PART):
            each.unlink(missing_ok=True)


def _remove(store: Store, record: Export, why: str, *, by: str, at: datetime) -> None:
    for each in (file_of(store, record), manifest_of(store, record), _people_of(store, record)):
        each.unlink(missing_ok=True)
    with store.transaction() as tx:
        records.finish_export(tx, record.id, "deleted", why, rows=record.rows, size=0, at=at)
        activity.record(tx, "delete export", record.file_name, {"export": record.id, "reason": why}, by=by, at=at)


def _people_of(store: Store, record: Export) -> Path:
    return store.folder(FOLDER) / f"{record.id}.people"
