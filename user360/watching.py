"""Looking at a watched folder: every file of ours that is new there is imported, once, whatever it is called.

`userdata_*` holds users, `events_*` events. A file that is still being written waits for the next look, which comes soon
by itself where a place or a file could not be reached; one that cannot be read is told once and not tried again until it
changes or somebody asks for it; an import that a crash interrupted goes on where it stood. Where files lie does not live here (`places`), nor what an import does (`imports`).
"""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from user360 import folders, imports, places, workspace
from user360.errors import Conflict, Interrupted, Unreachable, User360Error

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from user360.folders import Folder, Run, Seen, Status
    from user360.imports import Plan
    from user360.places import File
    from user360.store import Store

Tell: TypeAlias = "Callable[[int, int, str], None]"
_NAME: Final = re.compile(r"(userdata|events)_.*\.(csv|tsv|txt|jsonl|ndjson|parquet)", re.IGNORECASE | re.DOTALL)
_KINDS: Final = {"userdata": "users", "events": "events"}
KEPT_OF_A_PLAN: Final = ("mode", "tags", "merge_tags", "segment")
PATTERNS: Final = "userdata_* and events_*, as .csv, .tsv, .txt, .jsonl or .parquet"


@dataclass(frozen=True, slots=True)
class Coming:
    """A file of ours in a folder, and what was made of it before, if anything."""

    file: File
    kind: str
    before: Seen | None

    @property
    def new(self) -> bool:
        """Whether the next look takes it up."""
        if self.before is None or (self.before.size, self.before.stamp) != (self.file.size, self.file.stamp):
            return True
        return self.before.status in {"importing", "unreachable"}


def look(place: str, secret: Mapping[str, str], host_key: str, seen: Mapping[str, Seen] | None = None) -> list[Coming]:
    """The files of ours that lie there now; nothing is written."""
    with places.opened(places.parse(place), secret, host_key) as opened:
        return _coming(opened.files(), seen or {})


def run(store: Store, folder_id: str, *, by: str, now: Callable[[], datetime], progress: Tell | None = None) -> Run:
    """Import what is new in a folder, in the order of the names, and answer how the look went."""
    of = folders.get(store, folder_id)
    number = folders.begin_run(store, folder_id, by=by, at=now())
    tell = progress or (lambda _done, _total, _doing: None)
    counts, missed = (0, 0, 0), 0
    try:
        with places.opened(places.parse(of.place), folders.secret_of(store, folder_id), of.host_key) as opened:
            found = _coming(opened.files(), folders.seen(store, folder_id))
            new = [each for each in found if each.new]
            counts = (len(found), 0, 0)
            for place, each in enumerate(new):
                tell(place, len(new), f"Looking at {each.file.name}")
                done = _take(store, of, opened, each, by=by, now=now, tell=tell)
                counts = (counts[0], counts[1] + (done == "imported"), counts[2] + (done in {"refused", "unreachable"}))
                missed += done == "unreachable"
    except Interrupted:
        folders.end_run(store, number, "stopped", "Stopped. What was imported so far is kept.", counts=counts, at=now())
        raise
    except Unreachable as refusal:
        folders.end_run(store, number, folders.UNREACHABLE, str(refusal), counts=counts, at=now())
        raise
    except User360Error as refusal:
        folders.end_run(store, number, "failed", str(refusal), counts=counts, at=now())
        raise
    except BaseException:
        folders.end_run(store, number, "failed", "It ended early through a fault of ours.", counts=counts, at=now())
        raise
    if missed:
        folders.end_run(store, number, folders.UNREACHABLE, "A file could not be fetched.", counts=counts, at=now())
    else:
        folders.end_run(store, number, "failed" if counts[2] else "completed", counts=counts, at=now())
    return folders.runs(store, folder_id, limit=1)[0]


def plan_of(of: Mapping[str, Any]) -> dict[str, Any]:
    """What a folder says of how its files are taken in; a refusal where that is no plan."""
    plan = imports.Plan.from_json({each: value for each, value in of.items() if each in KEPT_OF_A_PLAN})
    return {each: value for each, value in plan.to_json().items() if each in KEPT_OF_A_PLAN}


def _coming(files: list[File], seen: Mapping[str, Seen]) -> list[Coming]:
    found = []
    for each in files:
        named = _NAME.fullmatch(each.name)
        if named:
            found.append(Coming(each, _KINDS[named[1].lower()], seen.get(each.name)))
    return found


def _take(
    store: Store, of: Folder, opened: places.Folder, coming: Coming, *, by: str, now: Callable[[], datetime], tell: Tell
) -> Status:
    """One file: fetched, held against what was imported before, and imported."""
    file, before = coming.file, coming.before

    def noted(status: Status, *, checksum: str = "", number: int | None = None, message: str = "") -> Status:
        found = folders.Seen(file.name, file.size, file.stamp, checksum, status, number, message, now())
        folders.note(store, of.id, found)
        return status

    if before is not None and before.status == "importing" and before.import_id is not None:
        return _finish(store, before.import_id, before.checksum, noted, now=now, tell=tell)
    with tempfile.TemporaryDirectory(dir=store.folder("imports")) as room:
        here = Path(room) / f"fetched{Path(file.name).suffix.lower()}"
        try:
            opened.fetch(file, here)
        except (Unreachable, Conflict) as refusal:
            return noted("unreachable", message=str(refusal))
        checksum = imports.checksum(here)
        every = folders.seen(store, of.id).values()
        twin = next((each for each in every if each.checksum == checksum and each.status in {"imported", "same"}), None)
        if twin is not None and twin.name == file.name:  # only its time changed
            noted(twin.status, checksum=checksum, number=twin.import_id, message=twin.message)
            return "same"
        if twin is not None:
            return noted(
                "same", checksum=checksum, number=twin.import_id, message=f"The same as {twin.name}, which was imported."
            )
        try:
            plan = _plan(store, of, here, coming.kind)
            imports.check_hold(store, here, plan, by=by, at=now())
            number = imports.start(store, here, plan, file_name=file.name, by=by, at=now())
        except User360Error as refusal:
            return noted("refused", checksum=checksum, message=str(refusal))
    noted("importing", checksum=checksum, number=number)
    return _finish(store, number, checksum, noted, now=now, tell=tell)


def _finish(
    store: Store, number: int, checksum: str, noted: Callable[..., Status], *, now: Callable[[], datetime], tell: Tell
) -> Status:
    """Run an import to its end, from where it stands."""
    try:
        record = imports.get(store, number)
        if record.status not in {"completed", "running"}:
            imports.resume(store, number)
        done = record if record.status == "completed" else imports.run(store, number, now=now, progress=tell)
    except Interrupted:
        noted("refused", checksum=checksum, number=number, message="Stopped. What was imported so far is kept.")
        raise
    except User360Error as refusal:
        return noted("refused", checksum=checksum, number=number, message=str(refusal))
    failed = done.counts.failed
    return noted("imported", checksum=checksum, number=number, message=f"{failed:,} rows could not be taken." if failed else "")


def _plan(store: Store, of: Folder, here: Path, kind: str) -> Plan:
    """How the file is read: as its header was mapped before, else by its names, with what the folder says."""
    inspection = replace(imports.inspect(here), kind=kind)
    plan = imports.suggest(store, inspection, zone=workspace.get(store).zone_name)
    given = imports.Plan.from_json(plan_of(of.plan))
    if kind == "events":
        return replace(plan, segment=given.segment)
    return replace(plan, mode=given.mode, tags=given.tags, merge_tags=given.merge_tags, segment=given.segment)
