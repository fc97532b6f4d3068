"""Watched folders: where files come in by themselves, which were seen, and how each look at a folder went.

A file is known by its content, so that the same one under another name is not taken twice. What opens a folder
(a password, a key) stands in a file beside the database that only this user can read: never in the database, and so
never in its backups. How a folder is reached does not live here (`places`), nor what becomes of a file (`watching`).
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

from user360 import activity, schedules
from user360.clock import aware, stored
from user360.errors import Invalid, NameTaken, Unknown, shorten
from user360.sql import Sql, sql

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from user360.schedules import Schedule
    from user360.store import Store, Transaction

TOPIC: Final = "folders"
KIND: Final = "folder"  # of its schedule, and of its jobs
RUNNING: Final = "running"
UNREACHABLE: Final = "unreachable"
RETRIED_AFTER: Final = (1, 5, 15, 60)
"""Minutes after which a look is done again by itself that did not reach its place or a file: so many times in a row."""
LONGEST_NAME: Final = 100
Status = Literal["importing", "imported", "same", "refused", "unreachable"]


@dataclass(frozen=True, slots=True)
class Folder:
    """One watched folder. `place` is its address, `host_key` the fingerprint its server must show, `plan` how its files are taken in."""

    id: str
    name: str
    place: str
    host_key: str
    plan: Mapping[str, Any]
    made_at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What became of a file: it is being imported, was imported, is the same as another, was refused, or could not be fetched."""

    name: str
    size: int
    stamp: str
    checksum: str
    status: Status
    import_id: int | None
    message: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Run:
    """One look at a folder: how many files of ours lay there, how many were imported and how many not."""

    id: int
    status: str
    found: int
    imported: int
    failed: int
    started_at: datetime
    finished_at: datetime | None
    by: str
    message: str


_FOLDERS: Final = Sql("SELECT folder_id, name, place, host_key, plan, made_at, made_by FROM folders")


# -- folders ------------------------------------------------------------------------------------


def make(
    store: Store, name: str, place: str, *, host_key: str, plan: Mapping[str, Any], schedule: Schedule, by: str, at: datetime
) -> Folder:
    """Watch one more folder, as the schedule says. Names are unique without regard to case."""
    told = _name(store, name)
    with store.transaction() as tx:
        number = f"f{tx.take('folders') + 1}"
        written = json.dumps(dict(plan), ensure_ascii=False)
        tx.execute(
            sql("INSERT INTO folders VALUES ({}, {}, {}, {}, {}, {}, {})", number, told, place, host_key, written, stored(at), by)
        )
        schedules.keep(tx, KIND, number, schedule, at=at)
        activity.record(tx, "watch folder", told, {"folder": number, "place": place}, by=by, at=at)
        tx.touch(TOPIC)
    return get(store, number)


def change(
    store: Store,
    folder_id: str,
    *,
    name: str | None = None,
    place: str | None = None,
    host_key: str | None = None,
    plan: Mapping[str, Any] | None = None,
    by: str,
    at: datetime,
) -> Folder:
    """Change what is given."""
    old = get(store, folder_id)
    told = old.name if name is None or name.strip() == old.name else _name(store, name, but=folder_id)
    row = (told, place or old.place, old.host_key if host_key is None else host_key, json.dumps(dict(plan or old.plan)))
    with store.transaction() as tx:
        tx.execute(
            sql("UPDATE folders SET name = {}, place = {}, host_key = {}, plan = {} WHERE folder_id = {}", *row, folder_id)
        )
        activity.record(tx, "change folder", told, {"folder": folder_id, "place": row[1]}, by=by, at=at)
        tx.touch(TOPIC)
    return get(store, folder_id)


def delete(store: Store, folder_id: str, *, by: str, at: datetime) -> None:
    """Watch a folder no more. What was imported from it stays."""
    old = get(store, folder_id)
    with store.transaction() as tx:
        for table in ("folders", "folder_files", "folder_runs"):
            tx.execute(sql("DELETE FROM {} WHERE folder_id = {}", Sql(table), folder_id))
        schedules.forget(tx, KIND, folder_id)
        activity.record(tx, "delete folder", old.name, {"folder": folder_id, "place": old.place}, by=by, at=at)
        tx.touch(TOPIC)
    _secret_file(store, folder_id).unlink(missing_ok=True)


def find(store: Store) -> list[Folder]:
    """Every watched folder, by name."""
    return [_folder(*row) for row in store.rows(sql("{} ORDER BY lower(name)", _FOLDERS))]


def get(store: Store, folder_id: str) -> Folder:
    """One folder, or a refusal."""
    rows = store.rows(sql("{} WHERE folder_id = {}", _FOLDERS, folder_id))
    if not rows:
        raise Unknown(f"There is no folder “{shorten(folder_id)}”.", "Somebody may have deleted it.")
    return _folder(*rows[0])


def _folder(number: str, name: str, place: str, host_key: str, plan: str, made_at: datetime, by: str) -> Folder:
    return Folder(number, name, place, host_key, json.loads(plan), aware(made_at), by)


def _name(store: Store, name: str, *, but: str = "") -> str:
    told = " ".join(name.split())
    if not told or len(told) > LONGEST_NAME:
        raise Invalid("A folder needs a name.", f"Use up to {LONGEST_NAME} characters.")
    if any(each.name.casefold() == told.casefold() and each.id != but for each in find(store)):
        raise NameTaken(f"A folder is called “{shorten(told)}” already.", "Choose another name.")
    return told


# -- what opens them ----------------------------------------------------------------------------


def keep_secret(store: Store, folder_id: str, secret: Mapping[str, str]) -> None:
    """Keep what opens a folder, in a file of its own that only this user can read."""
    file = _secret_file(store, folder_id)
    part = file.with_suffix(".part")
    with contextlib.suppress(FileNotFoundError):
        part.unlink()
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as written:
        json.dump(dict(secret), written)
    part.replace(file)


def secret_of(store: Store, folder_id: str) -> dict[str, str]:
    """What opens a folder; nothing where it stands open."""
    file = _secret_file(store, folder_id)
    return dict(json.loads(file.read_text("utf-8"))) if file.exists() else {}


def _secret_file(store: Store, folder_id: str) -> Path:
    return store.folder("secrets") / f"{folder_id}.json"


# -- files --------------------------------------------------------------------------------------


def seen(store: Store, folder_id: str) -> dict[str, Seen]:
    """What became of each file that was looked at, newest first, by name."""
    rows = store.rows(
        sql(
            "SELECT name, size, stamp, checksum, status, import_id, message, seen_at FROM folder_files WHERE folder_id = {} "
            "ORDER BY seen_at DESC, name",
            folder_id,
        )
    )
    return {
        name: Seen(name, size, stamp, sum_, status, of, why, aware(at)) for name, size, stamp, sum_, status, of, why, at in rows
    }


def note(store: Store, folder_id: str, found: Seen) -> None:
    """Write down what became of a file, in the place of what stood there."""
    with store.transaction() as tx:
        tx.execute(sql("DELETE FROM folder_files WHERE folder_id = {} AND name = {}", folder_id, found.name))
        values = (found.size, found.stamp, found.checksum, found.status, found.import_id, found.message, stored(found.at))
        tx.execute(sql("INSERT INTO folder_files VALUES ({}, {}, {}, {}, {}, {}, {}, {}, {})", folder_id, found.name, *values))
        tx.touch(TOPIC)


def look_again(store: Store, folder_id: str, name: str) -> None:
    """Let a file count as never seen, so that the next look takes it."""
    with store.transaction() as tx:
        tx.execute(sql("DELETE FROM folder_files WHERE folder_id = {} AND name = {}", folder_id, name))
        tx.touch(TOPIC)


# -- runs ---------------------------------------------------------------------------------------


def begin_run(store: Store, folder_id: str, *, by: str, at: datetime) -> int:
    """Note that a folder is looked at, and answer the number of that look."""
    with store.transaction() as tx:
        number = tx.take("folder_runs")
        tx.execute(
            sql(
                "INSERT INTO folder_runs VALUES ({}, {}, {}, 0, 0, 0, {}, NULL, {}, '')",
                number,
                folder_id,
                RUNNING,
                stored(at),
                by,
            )
        )
        tx.touch(TOPIC)
    return number


def end_run(
    store: Store, run_id: int, status: str, message: str = "", *, counts: tuple[int, int, int] = (0, 0, 0), at: datetime
) -> None:
    """Note how it ended; `counts` are found, imported, failed. One that reached not everything is done again soon by itself."""
    with store.transaction() as tx:
        if status == UNREACHABLE:
            message = f"{message} {_retry(tx, run_id, at)}".strip()
        tx.execute(
            sql(
                "UPDATE folder_runs SET status = {}, message = {}, found = {}, imported = {}, failed = {}, finished_at = {} WHERE run_id = {}",
                status,
                message,
                *counts,
                stored(at),
                run_id,
            )
        )
        tx.touch(TOPIC)


def _retry(tx: Transaction, run_id: int, at: datetime) -> str:
    """Look again soon, if the folder follows a schedule and the network was not gone too often in a row; answer the words for it."""
    ((folder_id,),) = tx.rows(sql("SELECT folder_id FROM folder_runs WHERE run_id = {}", run_id))
    before = tx.rows(
        sql(
            "SELECT status FROM folder_runs WHERE folder_id = {} AND run_id < {} ORDER BY run_id DESC LIMIT {}",
            folder_id,
            run_id,
            len(RETRIED_AFTER),
        )
    )
    missed = next((place for place, (each,) in enumerate(before) if each != UNREACHABLE), len(before))
    if missed == len(RETRIED_AFTER):
        return ""
    minutes = RETRIED_AFTER[missed]
    if not schedules.sooner(tx, KIND, folder_id, at + timedelta(minutes=minutes)):
        return ""
    return f"It is tried again by itself after {minutes} minute{'s' if minutes > 1 else ''}."


def runs(store: Store, folder_id: str, *, limit: int = 50) -> list[Run]:
    """How looks at a folder went, newest first."""
    rows = store.rows(
        sql(
            "SELECT run_id, status, found, imported, failed, started_at, finished_at, by_whom, message FROM folder_runs "
            "WHERE folder_id = {} ORDER BY run_id DESC LIMIT {}",
            folder_id,
            limit,
        )
    )
    return [
        Run(number, status, found, imported, failed, aware(begun), aware(ended) if ended else None, by, message)
        for number, status, found, imported, failed, begun, ended, by, message in rows
    ]


def interrupted_at_start(tx: Transaction, *, at: datetime) -> None:
    """What was looked at when the program ended is looked at again at once, if it follows a schedule."""
    for (folder_id,) in tx.rows(sql("SELECT DISTINCT folder_id FROM folder_runs WHERE status = {}", RUNNING)):
        schedules.make_up(tx, KIND, folder_id, at=at)
    tx.execute(sql("UPDATE folder_runs SET status = 'interrupted', finished_at = {} WHERE status = {}", stored(at), RUNNING))
    tx.touch(TOPIC)
