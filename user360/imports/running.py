"""Running an import: batch by batch through the one way in, with a report that says what became of every row.

Each batch is one transaction that also moves the import's own counts, so after any fault the counts
say exactly which rows are in, and the import goes on behind them. Rows that could not be taken stand
in a file beside the database (`failing`).
"""

from __future__ import annotations

import hashlib
import shutil
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias
from zoneinfo import ZoneInfo

from user360 import activity, events, ingest, properties, records, workspace
from user360.errors import Conflict, Interrupted, InvalidFile, Stopped, User360Error
from user360.imports import failing, mapping, members, reading
from user360.imports.preparing import Preparing, prepared
from user360.segments import lists

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from datetime import datetime

    from user360.imports.gathering import Batch
    from user360.imports.mapping import Plan
    from user360.imports.reading import Shape
    from user360.ingest import Receipt
    from user360.records import Import
    from user360.store import Store, Transaction

Tell: TypeAlias = "Callable[[int, int, str], None]"
_CHUNK = 2**22
_RESUMABLE = (records.PAUSED, records.INTERRUPTED, records.FAILED)


@dataclass(frozen=True, slots=True)
class Ready:
    """A batch, and what goes in of it; None where its people are only put on a list."""

    batch: Batch
    given: ingest.Users | ingest.Events | None


@dataclass(frozen=True, slots=True)
class _Run:
    """One import under way."""

    store: Store
    record: Import
    shape: Shape
    preparing: Preparing
    now: Callable[[], datetime]

    @property
    def plan(self) -> Plan:
        return self.preparing.plan


def default_tag(store: Store, at: datetime) -> str:
    """The tag an import gives by itself: `23Nov26_13:50`, in the workspace's zone."""
    return f"{at.astimezone(workspace.get(store).zone):%d%b%y_%H:%M}"


def source_of(number: int) -> str:
    """What a list names as the source of those an import put on it."""
    return f"import {number}"


def start(store: Store, path: Path, plan: Plan, *, file_name: str = "", expected: str = "", by: str, at: datetime) -> int:
    """Check the plan against the file, keep the file, and open the import's record; answer its number.

    Nothing else is written yet. A plan that cannot work is refused here, and a file that changes while it is
    copied, or is not the `expected` one any more (`checksum`).
    """
    of = reading.shape(path, delimiter=plan.delimiter, encoding=plan.encoding)
    mapping.check(store, plan, of.columns)
    name = file_name or path.name
    kept = store.folder("imports") / f"incoming-{uuid.uuid4().hex}"
    try:
        content = _copy(path, kept)
        if expected and content != expected:
            raise InvalidFile(f"{name} is not the file it was.", "It changed since you looked at it. Look at it again.")
        number = records.begin_import(store, plan.kind, name, kept.stat().st_size, plan.to_json(), content=content, by=by, at=at)
        kept.replace(file_of(store, number, name))
    finally:
        kept.unlink(missing_ok=True)
    return number


def checksum(path: Path) -> str:
    """What files of the same content have in common."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def file_of(store: Store, number: int, file_name: str) -> Path:
    """Where the file of an import is kept until the import is at its end."""
    return store.folder("imports") / f"{number}{Path(file_name).suffix.lower()}"


def failed_rows(store: Store, number: int) -> Path:
    """The file of the rows that could not be taken; it exists once there is one."""
    return store.folder("imports") / f"failed-{number}.csv"


def without(store: Store, words: Collection[str]) -> int:
    """Take the rows that hold one of these words out of every file of failed rows; answer how many that were."""
    return sum(failing.without(each, words) for each in store.folder("imports").glob("failed-*.csv")) if words else 0


def sweep(store: Store) -> None:
    """Remove what nobody waits for after a start of the program: uploads, copies that came half, rows of dry runs."""
    left = [*store.folder("uploads").iterdir(), *store.folder("trials").iterdir()]
    left += [each for each in store.folder("imports").iterdir() if each.is_dir() or each.name.startswith("incoming-")]
    for each in left:
        if each.is_dir():
            shutil.rmtree(each, ignore_errors=True)
        else:
            each.unlink(missing_ok=True)


def check_resume(store: Store, record: Import) -> None:
    """Refuse to go on with an import that is at its end, runs, or whose file is gone."""
    if record.status == records.RUNNING:
        raise Conflict(f"The import of {record.file_name} is running.", "Wait for its end.")
    if record.status not in _RESUMABLE:
        raise Conflict(f"The import of {record.file_name} is at its end.", "Import the file again.")
    path = file_of(store, record.id, record.file_name)
    if not path.exists() or (record.content and checksum(path) != record.content):
        raise Conflict(f"The file {record.file_name} is not kept any more.", "Import it again: what is in stays as it is.")


def resume(store: Store, number: int) -> Import:
    """Let an import that was paused, interrupted or failed be one that runs again; `run` then goes on where it stood."""
    record = records.get_import(store, number)
    check_resume(store, record)
    with store.transaction() as tx:
        records.continue_import(tx, number)
    return records.get_import(store, number)


def run(store: Store, number: int, *, now: Callable[[], datetime], progress: Tell | None = None) -> Import:
    """Run an import that was started, from where it stands, and answer its record at the end."""
    record = records.get_import(store, number)
    path = file_of(store, number, record.file_name)
    plan = mapping.Plan.from_json(record.plan)
    of = reading.shape(path, delimiter=plan.delimiter, encoding=plan.encoding)
    failing.cut(failed_rows(store, number), record.counts.failed_bytes)
    under_way = _Run(store, record, of, preparing(store, plan), now)
    try:
        _take_all(under_way, path, progress or (lambda _done, _total, _doing: None))
    except Interrupted as halt:
        halted(store, number, halt, at=now())
        raise
    except User360Error as refusal:
        _end(store, record, records.FAILED, str(refusal), now())
        raise
    except BaseException:
        why = "The import ended early through a fault of ours. What was imported so far is kept."
        _end(store, record, records.FAILED, why, now())
        raise
    return records.get_import(store, number)


def halted(store: Store, number: int, why: Interrupted, *, at: datetime) -> None:
    """Note that somebody ended an import, for good or for now; also one whose turn never came."""
    record = records.get_import(store, number)
    if isinstance(why, Stopped):
        _end(store, record, records.STOPPED, "Stopped. What was imported so far is kept, the rest of the file is left out.", at)
        file_of(store, number, record.file_name).unlink(missing_ok=True)
    else:
        _end(store, record, records.PAUSED, "Paused. What was imported so far is kept, and the import can go on.", at)


def preparing(store: Store, plan: Plan) -> Preparing:
    """What the rows of a plan are prepared by."""
    zone = ZoneInfo(plan.zone) if plan.zone else workspace.get(store).zone
    return Preparing(plan, zone, {each.name: each.datatype for each in properties.find(store)})


def take(
    of: Preparing,
    store: Store,
    ready: Ready,
    *,
    source: str,
    number: int,
    by: str,
    at: datetime,
    also: ingest.Also | None = None,
    in_order: bool = False,
) -> Receipt:
    """One batch through the one way in, as the plan says; a dry run takes it into a world aside."""
    if ready.given is None:
        return members.receive(store, of.plan, ready.batch, source=source_of(number), by=by, at=at, also=also)
    return ingest.receive(
        store,
        ready.given,
        source=source,
        by=by,
        at=at,
        mode="replace" if of.plan.mode == "replace" else "update",
        merge_tags=of.plan.merge_tags,
        import_id=number,
        also=also,
        in_order=in_order,
    )


def rows_in(batch: Batch) -> int:
    """How many rows of the file a batch stands for, the damaged and the empty ones among them."""
    return len(batch.lines) + len(batch.damaged) + batch.empty


def ahead(of: Preparing, batches: Iterator[Batch]) -> Iterator[Ready]:
    """The batches, the next one read and prepared while the present one is written."""

    def following() -> Ready | None:
        batch = next(batches, None)
        if batch is None:
            return None
        return Ready(batch, None if of.plan.kind == "members" else prepared(of, batch))

    with ThreadPoolExecutor(1, thread_name_prefix="user360-reading") as reader:
        coming = reader.submit(following)
        while (ready := coming.result()) is not None:
            coming = reader.submit(following)
            yield ready


def at_once(plan: Plan) -> int:
    """How many rows a batch holds that is stored. Events are sorted by week as they come, the better the more come together."""
    return reading.BATCH * 3 // 2 if plan.kind == "events" else reading.BATCH


def _copy(path: Path, target: Path) -> str:
    """Copy the file and answer its checksum; refuse one that changes meanwhile."""
    before, found = path.stat(), hashlib.sha256()
    with path.open("rb") as file, target.open("wb") as copy:
        target.chmod(0o600)
        for chunk in iter(lambda: file.read(_CHUNK), b""):
            found.update(chunk)
            copy.write(chunk)
    after = path.stat()
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise InvalidFile("The file changed while it was read.", "Wait until it is written to its end, and try again.")
    return found.hexdigest()


def _take_all(of: _Run, path: Path, tell: Tell) -> None:
    total = max(reading.count_lines(path), 1)
    done = of.record.counts.position
    with of.store.bulk():
        batches = ahead(of.preparing, reading.rows(path, of.shape, skip=done, most=at_once(of.plan)))
        for number, ready in enumerate(batches, start=1):
            done += rows_in(ready.batch)
            take(
                of.preparing,
                of.store,
                ready,
                source=of.record.file_name,
                number=of.record.id,
                by=of.record.by,
                at=of.record.started_at,
                also=_advance(of, ready.batch, done),
                in_order=True,
            )
            if of.plan.kind == "events" and number.bit_count() == 1:  # early, while few rows are to be filled in
                events.figures.choose(of.store)
            tell(min(done, total), total, "Importing")
    if of.plan.kind == "events":
        events.tidy(of.store, lambda sorted_, weeks: tell(sorted_, weeks, "Sorting events"))
    elif of.plan.mapping:
        with of.store.transaction() as tx:
            how = mapping.treatment(of.plan)
            records.keep_mapping(tx, mapping.header_key(of.shape.columns), of.plan.mapping, how, at=of.record.started_at)
    _end(of.store, of.record, records.COMPLETED, "", of.now())
    path.unlink(missing_ok=True)


def _end(store: Store, record: Import, status: str, message: str, at: datetime) -> None:
    with store.transaction() as tx:
        records.finish_import(tx, record.id, status, message, at=at)
        detail = {"import": record.id, "status": status, "kind": record.kind}
        activity.record(tx, "import", record.file_name, detail, by=record.by, at=at)


def _advance(of: _Run, batch: Batch, position: int) -> Callable[[Transaction, Receipt], None]:
    """Move the counts by what became of one batch, in its own transaction."""
    path = failed_rows(of.store, of.record.id)

    def advance(tx: Transaction, receipt: Receipt) -> None:
        length = failing.keep(path, of.shape.columns, batch, receipt)  # before the commit: what a kill leaves too much is cut off
        records.advance_import(tx, of.record.id, counts(of.plan, batch, receipt, position, length))
        if of.plan.segment and of.plan.kind != "members":
            keys, source = receipt.profile_keys, source_of(of.record.id)
            lists.put_under(tx, of.store, of.plan.segment, keys, source=source, by=of.record.by, at=of.record.started_at)

    return advance


def counts(plan: Plan, batch: Batch, receipt: Receipt, position: int = 0, failed_bytes: int = 0) -> records.Counts:
    """What became of the rows of one batch."""
    failed = len({each.position for each in receipt.rejected}) + len(batch.damaged)
    if plan.kind == "events":
        new, same, taken = receipt.stored, receipt.known, receipt.stored + receipt.known
    else:
        new, same, taken = receipt.created, receipt.unchanged, receipt.created + receipt.updated + receipt.unchanged
    return records.Counts(taken + failed, new, receipt.updated, same, failed, batch.empty, position, failed_bytes)
