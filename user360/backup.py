"""Backups: the whole database of one moment in one file, verified by opening it, and the way back.

A backup lies in a private folder beside the database, with a page about it. It is whole or not
there. What it does not hold: files that were exported, and files of rows that failed. Restoring
keeps what it replaces as one more backup. When one is made by itself does not live here
(`schedules`), nor how a file is copied (`store`).
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import user360
from user360 import activity, records
from user360.errors import Conflict, Invalid, StoreUnavailable, Unknown, shorten
from user360.store import BACKUPS, IN_MEMORY, open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from user360.store import Store

KEPT: Final = 7
BY_HAND, SCHEDULED, BEFORE, BROUGHT = "by hand", "scheduled", "before restoring", "brought in"
_NAME: Final = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9]{6}")
_PART: Final = "part-"


@dataclass(frozen=True, slots=True)
class Backup:
    """One backup: why it was made, and what each table held, as rows and a number every value goes into."""

    id: str
    made_at: datetime
    by: str
    why: str
    bytes: int
    sha256: str
    version: str
    tables: Mapping[str, tuple[int, int]]

    @property
    def users(self) -> int:
        """How many users it holds."""
        return self.tables["profiles"][0]

    @property
    def events(self) -> int:
        """How many events it holds."""
        return self.tables["events"][0]


def write(
    store: Store, *, why: str = BY_HAND, by: str, at: datetime, progress: Callable[[int, int, str], None] | None = None
) -> Backup:
    """Make a backup while everything else goes on, verify it by opening it, and let the oldest of its kind go."""
    tell = progress or (lambda _done, _total, _doing: None)
    folder = store.folder(BACKUPS)
    _has_room(store, folder)
    name = f"{at:%Y%m%d-%H%M%S-%f}"
    part = folder / f"{_PART}{name}.duckdb"
    try:
        tell(0, 3, "Copying")
        tables = store.copy_to(part)
        tell(1, 3, "Opening the copy")
        _verify(part, tables)
        tell(2, 3, "Keeping it")
        made = _keep(part, folder, Backup(name, at, by, why, part.stat().st_size, _checksum(part), user360.__version__, tables))
    finally:
        _clear(part)
    with store.transaction() as tx:
        detail = {"backup": made.id, "reason": why, "bytes": made.bytes, "users": made.users, "events": made.events}
        activity.record(tx, "backup", made.id, detail, by=by, at=at)
    for old in [each for each in find(store) if each.why == why][KEPT:]:
        _remove(store, old)
    tell(3, 3, "Keeping it")
    return made


def find(store: Store) -> list[Backup]:
    """The backups that lie ready, the newest first."""
    return find_in(store.folder(BACKUPS))


def find_in(folder: Path) -> list[Backup]:
    """The backups of a folder, the newest first."""
    names = sorted((each.stem for each in folder.glob("*.duckdb") if _NAME.fullmatch(each.stem)), reverse=True)
    return [_read(folder, each) for each in names if (folder / f"{each}.json").exists()]


def get(store: Store, name: str) -> Backup:
    """One backup, or a refusal."""
    found = {each.id: each for each in find(store)}
    if name not in found:
        raise Unknown(f"There is no backup {shorten(name)}.", "It may have been deleted, for only the last seven are kept.")
    return found[name]


def file_of(store: Store, backup: Backup) -> Path:
    """Where the file of a backup lies."""
    return store.folder(BACKUPS) / f"{backup.id}.duckdb"


def delete(store: Store, name: str, *, by: str, at: datetime) -> None:
    """Delete a backup."""
    found = get(store, name)
    _remove(store, found)
    with store.transaction() as tx:
        activity.record(tx, "delete backup", found.id, {"backup": found.id}, by=by, at=at)


def verify(store: Store, backup: Backup) -> None:
    """Open a backup and read all of it; refuse one that does not hold what it held when it was made."""
    if _checksum(file_of(store, backup)) != backup.sha256:
        raise StoreUnavailable(f"The backup {backup.id} is damaged.", "Take another one.")
    _verify(file_of(store, backup), backup.tables)


def bring(store: Store, file: Path, *, by: str, at: datetime) -> Backup:
    """Keep a file that came from outside as a backup, once it could be opened and read."""
    folder = store.folder(BACKUPS)
    name = f"{at:%Y%m%d-%H%M%S-%f}"
    part = folder / f"{_PART}{name}.duckdb"
    try:
        shutil.copyfile(file, part)
        tables = _held(part)
        return _keep(
            part, folder, Backup(name, at, by, BROUGHT, part.stat().st_size, _checksum(part), user360.__version__, tables)
        )
    finally:
        _clear(part)


def restore(store: Store, name: str, *, by: str, at: datetime) -> Backup:
    """Put a backup in the place of the present database, which itself becomes a backup; answers that one."""
    if store.path == IN_MEMORY:
        raise Conflict("A database in memory cannot be restored.", "Start with a file.")
    backup = get(store, name)
    verify(store, backup)
    folder, before = store.folder(BACKUPS), f"{at:%Y%m%d-%H%M%S-%f}"
    newcomer, aside = folder / f"{_PART}new-{before}.duckdb", folder / f"{_PART}{before}.duckdb"
    try:
        shutil.copyfile(file_of(store, backup), newcomer)
        newcomer.chmod(0o600)
        tables = store.prints()
        store.swap(newcomer, aside)
        kept = _keep(
            aside, folder, Backup(before, at, by, BEFORE, aside.stat().st_size, _checksum(aside), user360.__version__, tables)
        )
    finally:
        _clear(newcomer)
    records.interrupted_at_start(store, at=at)
    with store.transaction() as tx:
        activity.record(tx, "restore", backup.id, {"backup": backup.id, "kept": kept.id}, by=by, at=at)
    for old in [each for each in find(store) if each.why == BEFORE][KEPT:]:
        _remove(store, old)
    return kept


def replace_damaged(database: Path, file: Path, *, at: datetime) -> Path:
    """Put a backup in the place of a database that cannot be opened; answers where the damaged one was moved to."""
    _held(file)
    moved = database.with_name(f"{database.name}.damaged-{at:%Y%m%d-%H%M%S}")
    newcomer = database.with_name(f"{database.name}.new")
    shutil.copyfile(file, newcomer)
    newcomer.chmod(0o600)
    log = database.with_name(f"{database.name}.wal")
    if database.exists():
        database.replace(moved)
    if log.exists():
        log.replace(moved.with_name(f"{moved.name}.wal"))
    newcomer.replace(database)
    return moved


def sweep(store: Store) -> bool:
    """Take away what a sudden end of the program left half done, and answer whether there was something. Nothing may be under way."""
    left = list(store.folder(BACKUPS).glob(f"{_PART}*"))
    for each in left:
        each.unlink(missing_ok=True)
    return bool(left)


# -- the files ----------------------------------------------------------------------------------


def _has_room(store: Store, folder: Path) -> None:
    size = store.bytes_on_disk()
    free = shutil.disk_usage(folder).free
    if free < size:
        raise StoreUnavailable(
            f"There is no room for a backup: {free / 1e6:,.0f} MB are free, up to {size / 1e6:,.0f} MB are needed.",
            "Delete a backup, or free some space.",
        )


def _verify(file: Path, tables: Mapping[str, tuple[int, int]]) -> None:
    if _held(file) != dict(tables):
        raise StoreUnavailable("The backup does not hold what the database held.", "It was thrown away. Make another one.")


def _held(file: Path) -> dict[str, tuple[int, int]]:
    """What a file holds; a refusal where it is no database of ours."""
    copy = open_store(file, read_only=True)
    try:
        found = copy.prints()
    finally:
        copy.close()
    if not {"profiles", "events", "properties"} <= found.keys():
        raise Invalid("The file is no backup of User 360.", "Choose another file.")
    return found


def _keep(part: Path, folder: Path, made: Backup) -> Backup:
    page = {
        "made_at": made.made_at.isoformat(),
        "by": made.by,
        "why": made.why,
        "bytes": made.bytes,
        "sha256": made.sha256,
        "version": made.version,
        "tables": made.tables,
    }
    part.chmod(0o600)
    about = folder / f"{made.id}.json"
    about.write_text(json.dumps(page, indent=1) + "\n", "utf-8")
    about.chmod(0o600)
    part.replace(folder / f"{made.id}.duckdb")
    return made


def _read(folder: Path, name: str) -> Backup:
    page: dict[str, Any] = json.loads((folder / f"{name}.json").read_text("utf-8"))
    tables = {table: (int(rows), int(print_)) for table, (rows, print_) in page["tables"].items()}
    made_at = datetime.fromisoformat(page["made_at"])
    return Backup(name, made_at, page["by"], page["why"], page["bytes"], page["sha256"], page["version"], tables)


def _remove(store: Store, backup: Backup) -> None:
    folder = store.folder(BACKUPS)
    for ending in ("duckdb", "json"):
        (folder / f"{backup.id}.{ending}").unlink(missing_ok=True)


def _clear(part: Path) -> None:
    for each in (part, part.with_name(f"{part.name}.wal")):
        each.unlink(missing_ok=True)


def _checksum(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
