"""Making a file: whole or not at all, with progress, ended when somebody asks for that, and what it says about itself."""

from __future__ import annotations

import errno
import gzip
import hashlib
import io
import json
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, TypeAlias, cast

from xlsxwriter.exceptions import FileCreateError

import user360
from user360 import activity, records
from user360.errors import Interrupted, StoreUnavailable, User360Error
from user360.exports import keeping
from user360.exports.formats import WRITERS
from user360.people import NOBODY
from user360.profiles import everyone
from user360.segments import computed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from user360.exports.layout import Layout
    from user360.exports.wanted import Wanted
    from user360.people import People
    from user360.records import Export
    from user360.store import Store

Tell: TypeAlias = "Callable[[int, int, str], None]"
PACKING: Final = 4
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@dataclass(frozen=True, slots=True)
class Written:
    """A file that was written: how many rows it holds, and what it is."""

    rows: int
    manifest: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Made:
    """The rows of a file and whose they are."""

    rows: int
    people: People | None


def write(
    store: Store,
    target: Path,
    wanted: Wanted,
    layout: Layout,
    *,
    by: str,
    at: datetime,
    progress: Tell | None = None,
) -> Written:
    """Write the file at once. With a manifest asked for, it lies beside it, under its name and `.manifest.json`."""
    made = _write(store, target, wanted, layout, at=at, tell=progress or _silent)
    manifest = _manifest(store, target, target.name, wanted, layout, rows=made.rows, by=by, at=at)
    if layout.manifest:
        _put(target.with_name(f"{target.name}.manifest.json"), manifest)
    with store.transaction() as tx:
        activity.record(tx, "export", target.name, _detail(wanted, layout, made.rows), by=by, at=at)
    return Written(made.rows, manifest)


def start(store: Store, wanted: Wanted, layout: Layout, *, file_name: str, by: str, at: datetime) -> int:
    """Open the record of an export that is made in the background; answer its number. A wish that cannot be met is refused here."""
    layout.check().columns(wanted.columns, wanted.kinds(store))
    definition = wanted.to_json() | layout.to_json() | {"sentence": wanted.sentence(store, at), "unit": wanted.unit}
    return records.begin_export(store, layout.format, file_name, definition, by=by, at=at)


def run(
    store: Store, number: int, wanted: Wanted, layout: Layout, *, now: Callable[[], datetime], progress: Tell | None = None
) -> Export:
    """Write the file of an export that was started, and answer its record at the end."""
    record = records.get_export(store, number)
    target = keeping.file_of(store, record)
    try:
        made = _write(store, target, wanted, layout, at=record.started_at, tell=progress or _silent)
        keeping.note_people(store, record, _whose(store, wanted, made))
        if layout.manifest:
            manifest = _manifest(
                store, target, record.file_name, wanted, layout, rows=made.rows, by=record.by, at=record.started_at
            )
            _put(keeping.manifest_of(store, record), manifest)
    except BaseException as fault:
        target.unlink(missing_ok=True)
        status = "stopped" if isinstance(fault, Interrupted) else "failed"
        message = str(fault) if isinstance(fault, User360Error) else "The export ended early through a fault of ours."
        with store.transaction() as tx:
            records.finish_export(tx, number, status, message, at=now())
        raise
    with store.transaction() as tx:
        records.finish_export(tx, number, "completed", rows=made.rows, size=target.stat().st_size, at=now())
        detail = {"export": number} | _detail(wanted, layout, made.rows)
        activity.record(tx, "export", record.file_name, detail, by=record.by, at=now())
    return records.get_export(store, number)


def _write(store: Store, target: Path, wanted: Wanted, layout: Layout, *, at: datetime, tell: Tell) -> _Made:
    computed.refresh(store, at=at)
    columns = layout.check().columns(wanted.columns, wanted.kinds(store))
    people = wanted.people(store, at)
    total = wanted.total(store, people)
    done = 0
    with _whole_or_absent(target) as part, _opened(part, layout) as file, tempfile.TemporaryDirectory(dir=part.parent) as folder:
        writer = WRITERS[layout.format](file, columns, layout, Path(folder))
        try:
            for batch in wanted.batches(store, people):
                writer.add(batch)
                done += batch.num_rows
                tell(done, max(total, done), "Writing")
        except BaseException:
            writer.close(whole=False)
            raise
        writer.close(whole=True)
    return _Made(done, people)


def _whose(store: Store, wanted: Wanted, made: _Made) -> People:
    """Everybody there is, where nobody was named."""
    if wanted.unit == "row":
        return NOBODY
    return everyone(store) if made.people is None else made.people


@contextmanager
def _whole_or_absent(target: Path) -> Iterator[Path]:
    part = target.with_name(f"{target.name}{keeping.PART}")
    try:
        part.touch(mode=0o600)
        yield part
        part.replace(target)
    except (OSError, FileCreateError) as fault:
        raise _refusal(fault, target) from fault
    finally:
        part.unlink(missing_ok=True)


def _refusal(fault: OSError | FileCreateError, target: Path) -> StoreUnavailable:
    cause = fault if isinstance(fault, OSError) else next((each for each in fault.args if isinstance(each, OSError)), fault)
    if isinstance(cause, OSError) and cause.errno in _FULL:
        return StoreUnavailable(
            f"There is no room left for {target.name}.", "Delete files that are no longer needed, or ask for less."
        )
    return StoreUnavailable(f"{target.name} cannot be written: {cause}.", "Look at the folder and who may write to it.")


class _Sink:
    """An open file that takes nothing more once a write has failed, so that letting go of a writer cannot fail again."""

    def __init__(self, file: BinaryIO, *, back: bool) -> None:
        self._file, self._back, self._broken = file, back, False
        self.closed = False

    def write(self, part: bytes) -> int:
        if self._broken:
            return len(part)
        try:
            return self._file.write(part)
        except OSError:
            self._broken = True
            raise

    def flush(self) -> None:
        if not self._broken:
            self._file.flush()

    def tell(self) -> int:
        return self._file.tell() if self._back else self._refuse()

    def seek(self, place: int, whence: int = 0) -> int:
        return self._file.seek(place, whence) if self._back else self._refuse()

    def close(self) -> None:
        """Whoever opened the file closes it."""

    def _refuse(self) -> int:
        raise io.UnsupportedOperation("what is packed cannot be gone back in")


@contextmanager
def _opened(part: Path, layout: Layout) -> Iterator[BinaryIO]:
    with part.open("wb") as plain:
        if not layout.gzip:
            yield cast("BinaryIO", _Sink(plain, back=True))
            return
        with gzip.GzipFile(
            filename="", mode="wb", compresslevel=PACKING, fileobj=cast("BinaryIO", _Sink(plain, back=True)), mtime=0
        ) as packed:
            yield cast("BinaryIO", _Sink(cast("BinaryIO", packed), back=layout.format != "xlsx"))


def _manifest(
    store: Store, target: Path, name: str, wanted: Wanted, layout: Layout, *, rows: int, by: str, at: datetime
) -> dict[str, Any]:
    """What the file is: enough to know later what was asked, of which instant, and that nothing of it was changed."""
    with target.open("rb") as file:
        checksum = hashlib.file_digest(file, "sha256").hexdigest() if layout.manifest else ""
    kinds = wanted.kinds(store)
    return {
        "file": name,
        "rows": rows,
        "bytes": target.stat().st_size,
        "sha256": checksum,
        "instant": at.isoformat().replace("+00:00", "Z"),
        "sentence": wanted.sentence(store, at),
        "definition": wanted.to_json(),
        "layout": layout.to_json(),
        "columns": [
            {"name": each.name, "type": each.kind, "header": each.header} for each in layout.columns(wanted.columns, kinds)
        ],
        "by": by,
        "version": user360.__version__,
    }


def _put(target: Path, manifest: dict[str, Any]) -> None:
    target.touch(mode=0o600)
    target.write_text(json.dumps(manifest, ensure_ascii=False, indent=1) + "\n", "utf-8")


def _detail(wanted: Wanted, layout: Layout, rows: int) -> dict[str, Any]:
    return {"format": layout.format, f"{wanted.unit}s": rows, "columns": list(wanted.columns)}


def _silent(_done: int, _total: int, _doing: str) -> None:
    """Nobody listens."""
