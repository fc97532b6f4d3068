"""Work that goes on by itself: one pool for the process, watched from any page, safe when the tab closes.

A job tells how far it is and can be asked to stop; what goes wrong in it becomes a plain message, a
bug one with an id that stands in the log. Without this room an import would end with the click that
leaves its page. What a job does lives in the flows (`imports`, `exports`).
"""

from __future__ import annotations

import functools
import itertools
import logging
import os
import sys
import threading
import uuid
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal
from weakref import WeakKeyDictionary

import pyarrow as pa

from user360 import backup, clock, duplicates, events, exports, folders, imports, insights, records, schedules, watching
from user360.errors import Conflict, Interrupted, Stopped, Unknown, User360Error

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from user360.backup import Backup
    from user360.exports import Layout, Wanted
    from user360.imports import DryRun, Plan
    from user360.store import Store

KEPT: Final = 200
NICE: Final = 10
BACKUP: Final = "backup"
IMPORT: Final = "import"
DUPLICATES: Final = "duplicates"
DRY_RUN: Final = "dry run"
TIDYING: Final = "tidying"
TRIALS: Final = 4
UNTIDY: Final = 20_000
FAR_TOO_UNTIDY: Final = 1_000_000
FEW: Final = 2_000
BY_ITSELF: Final = "schedule"
TALLY: Final = "tally"
TALLY_EVERY: Final = timedelta(hours=1)

_log = logging.getLogger("user360.jobs")


def step_back() -> None:
    """Let pages go before the thread this is called in: beside a niced sort a reader waits 1.4 times as long as alone, else 3.4 times.

    Only Linux knows a priority for one thread.
    """
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)


@dataclass
class Progress:
    """How far a job is. `tell` sets it, and ends the job where somebody asked for that."""

    done: int = 0
    total: int = 0
    doing: str = ""
    stopping: bool = False
    pausing: bool = False

    def tell(self, done: int, total: int = 0, doing: str = "") -> None:
        """Say what is done, of how much, and what is being done; raises `Stopped` once the job is to stop, `Interrupted` to pause."""
        self.done, self.total, self.doing = done, total or self.total, doing or self.doing
        if self.stopping:
            raise Stopped("The job was stopped.")
        if self.pausing:
            raise Interrupted("The job is paused.")


@dataclass
class Job:
    """One job. `subject` names what it is about, `message` says why it failed, `result` is what the work answered."""

    id: str
    kind: str
    started_at: datetime
    subject: str = ""
    progress: Progress = field(default_factory=Progress)
    status: Literal["running", "done", "failed", "stopped"] = "running"
    message: str = ""
    result: object = None
    ended: threading.Event = field(default_factory=threading.Event)


class _Pool:
    """The jobs of this process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.jobs: dict[str, Job] = {}
        self.numbers = itertools.count(1)
        self.lanes: dict[str, ThreadPoolExecutor] = {}
        self.trials: deque[DryRun] = deque()

    def keep(self, found: DryRun) -> DryRun:
        """Keep a dry run open, and close the oldest beyond the last few."""
        with self.lock:
            self.trials.append(found)
            old = [self.trials.popleft() for _ in range(len(self.trials) - TRIALS)]
        for each in old:
            each.close()
        return found

    def lane(self, kind: str) -> ThreadPoolExecutor:
        """Work of one kind is done one after the other, beside that of other kinds."""
        with self.lock:
            if kind not in self.lanes:
                self.lanes[kind] = ThreadPoolExecutor(1, f"user360-{kind}", step_back)
            return self.lanes[kind]


_pool: Final = _Pool()


def submit(
    store: Store,
    kind: str,
    work: Callable[[Progress], object],
    *,
    subject: str = "",
    unbegun: Callable[[Interrupted], object] | None = None,
) -> str:
    """Begin work in the background, after what is running already of its kind; answers the job's id.

    `subject` says what it is about. `unbegun` is done instead where somebody ends the job before its turn.
    """
    with _pool.lock:
        job = Job(f"{kind}-{next(_pool.numbers)}", kind, clock.now(), subject)
        _pool.jobs[job.id] = job
        for old in [each.id for each in _pool.jobs.values() if each.status != "running"][:-KEPT]:
            del _pool.jobs[old]
    _pool.lane(kind).submit(_run, store, job, work, unbegun)
    return job.id


def get(job_id: str) -> Job:
    """One job, or a refusal."""
    with _pool.lock:
        if job_id not in _pool.jobs:
            raise Unknown("There is no such job.", "It may have ended long ago.")
        return _pool.jobs[job_id]


def running() -> list[Job]:
    """The jobs that run or wait for their turn, oldest first."""
    with _pool.lock:
        return [each for each in _pool.jobs.values() if each.status == "running"]


def stop(job_id: str) -> None:
    """Ask a job to end at its next step; what it has done so far stays done."""
    get(job_id).progress.stopping = True


def pause(job_id: str) -> None:
    """Ask a job to end at its next step, so that it can go on from there."""
    get(job_id).progress.pausing = True


def wait(job_id: str, seconds: float | None = None) -> Job:
    """The job once it has ended, or as it is when the time is over."""
    job = get(job_id)
    job.ended.wait(seconds)
    return job


def start_import(store: Store, path: Path, plan: Plan, *, file_name: str = "", expected: str = "", by: str) -> tuple[int, str]:
    """Begin an import in the background; answers its number and the job's id. A wrong plan is refused at once."""
    number = imports.start(store, path, plan, file_name=file_name, expected=expected, by=by, at=clock.now())
    return number, _run_import(store, number)


def resume_import(store: Store, number: int) -> str:
    """Go on in the background with an import that was paused, interrupted or failed; answers the job's id."""
    imports.resume(store, number)
    return _run_import(store, number)


def undo_import(store: Store, number: int, *, by: str) -> str:
    """Take an import back in the background; answers the job's id. One that cannot be is refused at once."""
    imports.check_undo(records.get_import(store, number))
    work = functools.partial(imports.undo, store, number, by=by, now=clock.now)
    return submit(store, IMPORT, lambda each: work(progress=each.tell), subject=f"undo {number}")


def start_dry_run(store: Store, path: Path, plan: Plan, *, by: str) -> str:
    """Begin a dry run in the background; answers the job's id. Its result is a `imports.DryRun`.

    The last few are kept open to be looked at, older ones are closed.
    """
    work = functools.partial(imports.dry_run, store, path, plan, by=by, at=clock.now())
    return submit(store, DRY_RUN, lambda each: _pool.keep(work(progress=each.tell)))


def _run_import(store: Store, number: int) -> str:
    work = functools.partial(imports.run, store, number, now=clock.now)

    def never(why: Interrupted) -> None:
        imports.halted(store, number, why, at=clock.now())

    return submit(store, IMPORT, lambda each: work(progress=each.tell), subject=f"import {number}", unbegun=never)


def start_export(store: Store, wanted: Wanted, layout: Layout, *, file_name: str, by: str) -> tuple[int, str]:
    """Begin an export in the background; answers its number and the job's id. A wish that cannot be met is refused at once."""
    number = exports.start(store, wanted, layout, file_name=file_name, by=by, at=clock.now())
    work = functools.partial(exports.run, store, number, wanted, layout, now=clock.now)
    return number, submit(store, "export", lambda each: work(progress=each.tell), subject=f"export {number}")


def begin(store: Store) -> int:
    """To be called once when the program starts: what ran when it last ended is marked as interrupted."""
    at = clock.now()
    exports.sweep(store)
    imports.sweep(store)
    if backup.sweep(store):
        with store.transaction() as tx:
            schedules.make_up(tx, BACKUP, "", at=at)
    with store.transaction() as tx:
        folders.interrupted_at_start(tx, at=at)
    return records.interrupted_at_start(store, at=at)


def start_backup(store: Store, *, why: str = backup.BY_HAND, by: str) -> str:
    """Begin a backup in the background; answers the job's id."""
    return submit(store, BACKUP, lambda each: backup.write(store, why=why, by=by, at=clock.now(), progress=each.tell))


def start_duplicates(store: Store, *, by: str) -> str:
    """Begin a search for duplicates in the background; answers the job's id."""
    return submit(store, DUPLICATES, lambda each: duplicates.run(store, by=by, at=clock.now(), tell=each.tell))


def start_folder(store: Store, folder_id: str, *, by: str) -> str:
    """Begin to look at a watched folder in the background; answers the job's id."""
    work = functools.partial(watching.run, store, folder_id, by=by, now=clock.now)
    return submit(store, folders.KIND, lambda each: work(progress=each.tell), subject=folder_id)


def restore(store: Store, name: str, *, by: str, at: datetime) -> Backup:
    """Put a backup in the place of the present database; refused while other work is under way. Answers what was kept of the present."""
    if running():
        raise Conflict("Something is still being done.", "Wait for it, or stop it, and try again.")
    return backup.restore(store, name, by=by, at=at)


def get_ready(store: Store) -> None:
    """Find beforehand what the first page would wait for and is only carried on from then on: what every event, and each day, comes to."""
    if any(events.catalogue(store)["total"].to_pylist()):
        insights.run(store, insights.parse({"kind": "overview"}), at=clock.now())


def begin_what_is_due(store: Store) -> None:
    """What a server does again and again: begin what is due, and merge what many commits left when nobody writes."""
    run_due(store, at=clock.now())
    store.rest()


def run_due(store: Store, *, at: datetime) -> list[str]:
    """Begin whatever is due by now, each once however often it was missed; answers the jobs' ids."""
    due = [_DUTIES[each.kind](store, each.subject) for each in schedules.take_due(store, at=at)]
    return due + _tidying(store) + _tallying(store, at)


def _tidying(store: Store) -> list[str]:
    """Begin to sort the events that came one by one, once hardly any come: messages wait while a week is written anew."""
    untidy = events.untidy(store)
    calm = untidy - _untidy.get(store, untidy) < FEW
    _untidy[store] = untidy
    if untidy < (UNTIDY if calm else FAR_TOO_UNTIDY) or any(each.kind in (IMPORT, TIDYING) for each in running()):
        return []
    return [submit(store, TIDYING, lambda each: events.tidy(store, functools.partial(each.tell, doing="Sorting events")))]


def _tallying(store: Store, at: datetime) -> list[str]:
    """Begin to count the days that changed, once an hour."""
    last = _tallied.get(store)
    if (last is not None and at - last < TALLY_EVERY) or not events.worth_tallying(store, at=at):
        return []
    _tallied[store] = at
    return [submit(store, TALLY, lambda each: events.tally(store, each.tell))]


_untidy: WeakKeyDictionary[Store, int] = WeakKeyDictionary()
_tallied: WeakKeyDictionary[Store, datetime] = WeakKeyDictionary()


_DUTIES: Final[dict[str, Callable[[Store, str], str]]] = {
    BACKUP: lambda store, _: start_backup(store, why=backup.SCHEDULED, by=BY_ITSELF),
    folders.KIND: lambda store, subject: start_folder(store, subject, by=BY_ITSELF),
}


def _run(store: Store, job: Job, work: Callable[[Progress], object], unbegun: Callable[[Interrupted], object] | None) -> None:
    try:
        with store.reader(job.id):
            _begin(job, unbegun)
            job.result = work(job.progress)
        job.status = "done"
    except Interrupted:
        job.status = "stopped"
    except User360Error as refusal:
        job.message, job.status = str(refusal), "failed"
    except Exception:  # noqa: BLE001 - a fault of ours is logged and told, and the next job runs
        number = uuid.uuid4().hex[:8]
        _log.exception("job %s failed, error %s", job.id, number)
        job.message, job.status = f"Something went wrong here. The log has it as error {number}.", "failed"
    finally:
        job.ended.set()
        pa.default_memory_pool().release_unused()  # after a gigabyte a third of it: the next job would come on top


def _begin(job: Job, unbegun: Callable[[Interrupted], object] | None) -> None:
    try:
        job.progress.tell(0)
    except Interrupted as why:
        if unbegun:
            unbegun(why)
        raise
