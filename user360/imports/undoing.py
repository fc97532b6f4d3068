"""Undoing an import: what it wrote goes back, what came after it stays.

People are taken in lots, each lot one transaction that also notes how far the undo came, so that a
killed undo goes on where it stood. What goes back and what stays is decided by the history
(`profiles.undoing`); this room only walks through it and tells.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from user360 import activity, events, profiles, properties, records
from user360.errors import Conflict
from user360.imports.running import file_of, source_of
from user360.segments import lists

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from user360.imports.running import Tell
    from user360.records import Import
    from user360.store import Store

LOT: Final = 250_000


def check_undo(record: Import) -> None:
    """Refuse where there is nothing to take back, or not yet."""
    if record.status == records.RUNNING:
        raise Conflict(f"The import of {record.file_name} is still running.", "Stop it first.")
    if record.status == records.UNDONE:
        raise Conflict(f"The import of {record.file_name} is undone already.", "Import the file again if you want it back.")


def undo(store: Store, number: int, *, by: str, now: Callable[[], datetime], progress: Tell | None = None) -> Import:
    """Take an import back, from where an undo of it stands, and answer its record at the end."""
    record = records.get_import(store, number)
    check_undo(record)
    tell = progress or (lambda _done, _total, _doing: None)
    told = {**_fresh(by), **record.undone}
    with store.transaction() as tx:
        records.note_undo(tx, number, records.UNDOING, told)
    known = {each.name: each.datatype.name for each in properties.find(store) if each.writable and not each.aside}
    of = profiles.Undoing(number, records.undone_imports(store), known, f"undo of import {number}", by, now())
    keys = profiles.touched(store, number).keys()
    waiting = keys[np.searchsorted(keys, told["reached"], side="right") :]
    with store.bulk():
        for lot in np.array_split(waiting, range(LOT, len(waiting), LOT)):
            told = _take_lot(store, of, lot, told)
            tell(int(np.searchsorted(keys, told["reached"], side="right")), len(keys), "Taking back")
    if told["events"]:
        events.tidy(store, lambda sorted_, weeks: tell(sorted_, weeks, "Sorting events"))
    _finish(store, record, told, by, now())
    return records.get_import(store, number)


def _fresh(by: str) -> dict[str, Any]:
    return {"by": by, "reached": -1, "members": 0, **asdict(profiles.TakenBack())}


def _take_lot(store: Store, of: profiles.Undoing, lot: np.ndarray[Any, Any], told: dict[str, Any]) -> dict[str, Any]:
    if not lot.size:
        return told
    with store.transaction() as tx:
        back = profiles.take_back(tx, of, pa.array(lot))
        told = {**told, "reached": int(lot[-1]), **{each: told[each] + more for each, more in asdict(back).items()}}
        records.note_undo(tx, of.import_id, records.UNDOING, told)
    return told


def _finish(store: Store, record: Import, told: dict[str, Any], by: str, at: datetime) -> None:
    """Empty the list it filled, note the end, and drop the file that was kept for going on."""
    with store.transaction() as tx:
        told["members"] += lists.take_off(tx, source=source_of(record.id), at=at)
        told["at"], told["last"] = at.isoformat(), profiles.last_write(tx)
        records.note_undo(tx, record.id, records.UNDONE, told)
        activity.record(tx, "undo import", record.file_name, {"import": record.id, **told}, by=by, at=at)
    file_of(store, record.id, record.file_name).unlink(missing_ok=True)


def left_as_is(store: Store, number: int, *, limit: int = 50, offset: int = 0) -> pa.Table:
    """The later edits an undo leaves, or left: profile_key, userId, property, wrote, value (JSON text), at, by, source."""
    up_to = records.get_import(store, number).undone.get("last")
    return profiles.later(store, number, up_to=up_to, limit=limit, offset=offset)


def count_left(store: Store, number: int) -> int:
    """How many values `left_as_is` lists."""
    return profiles.count_later(store, number, up_to=records.get_import(store, number).undone.get("last"))
