"""Running an import: batch by batch through the one way in, with a report that says what became of every row.

Each batch is one transaction that also moves the import's own counts, so after any fault the counts
say exactly which rows are in. Rows that could not be taken stand in a file beside the database, as
they were, with their line and reasons, ready to be mended and imported again.
"""

from __future__ import annotations

import csv
import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from user360 import activity, datatypes, events, ingest, properties, records, spreadsheet, workspace
from user360.errors import Interrupted, User360Error, shorten
from user360.imports import mapping, reading
from user360.segments import lists

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from user360.imports.mapping import Plan
    from user360.imports.reading import Batch, Shape
    from user360.ingest import Receipt, Rejected
    from user360.records import Import
    from user360.store import Store, Transaction

Tell: TypeAlias = "Callable[[int, int, str], None]"
_TEXT: Final = r'"[^"\\\x00-\x1f]*"'
_VALUE: Final = rf"(?:{_TEXT}|-?(?:0|[1-9][0-9]{{0,14}})(?:\.[0-9]{{1,15}})?|true|false|null)"
_FLAT: Final = rf"^\{{{_TEXT}: ?{_VALUE}(?:, ?{_TEXT}: ?{_VALUE})*\}}$"


@dataclass(slots=True)
class _Run:
    """One import under way."""

    store: Store
    number: int
    plan: Plan
    shape: Shape
    by: str
    at: datetime
    now: Callable[[], datetime]
    file_name: str
    zone: ZoneInfo
    arrow: dict[str, pa.DataType] = field(default_factory=dict)


def default_tag(store: Store, at: datetime) -> str:
    """The tag an import gives by itself: `23Nov26_13:50`, in the workspace's zone."""
    return f"{at.astimezone(workspace.get(store).zone):%d%b%y_%H:%M}"


def start(store: Store, path: Path, plan: Plan, *, file_name: str = "", by: str, at: datetime) -> int:
    """Check the plan against the file, keep the file, and open the import's record; answer its number.

    Nothing else is written yet. A plan that cannot work is refused here.
    """
    of = reading.shape(path, delimiter=plan.delimiter, encoding=plan.encoding)
    mapping.check(store, plan, of.columns)
    name = file_name or path.name
    number = records.begin_import(store, plan.kind, name, path.stat().st_size, plan.to_json(), by=by, at=at)
    shutil.copyfile(path, file_of(store, number, name))
    return number


def file_of(store: Store, number: int, file_name: str) -> Path:
    """Where the file of an import is kept until the import is at its end."""
    return store.folder("imports") / f"{number}{Path(file_name).suffix.lower()}"


def run(store: Store, number: int, *, now: Callable[[], datetime], progress: Tell | None = None) -> Import:
    """Run an import that was started, from where it stands, and answer its record at the end."""
    record = records.get_import(store, number)
    path = file_of(store, number, record.file_name)
    plan = mapping.Plan.from_json(record.plan)
    of = reading.shape(path, delimiter=plan.delimiter, encoding=plan.encoding)
    zone = ZoneInfo(plan.zone) if plan.zone else workspace.get(store).zone
    arrow = {each.name: each.datatype.arrow for each in properties.find(store)}
    under_way = _Run(store, number, plan, of, record.by, record.started_at, now, record.file_name, zone, arrow)
    try:
        _take_all(under_way, path, record.counts.position, progress or (lambda _done, _total, _doing: None))
    except Interrupted:
        _end(under_way, "stopped", "Stopped. What was imported so far is kept.")
        raise
    except User360Error as refusal:
        _end(under_way, "failed", str(refusal))
        raise
    except BaseException:
        _end(under_way, "failed", "The import ended early through a fault of ours. What was imported so far is kept.")
        raise
    return records.get_import(store, number)


def failed_rows(store: Store, number: int) -> Path:
    """The file of the rows that could not be taken; it exists once there is one."""
    return store.folder("imports") / f"failed-{number}.csv"


def _take_all(of: _Run, path: Path, position: int, tell: Tell) -> None:
    total = max(reading.count_lines(path), 1)
    done = position
    with of.store.bulk():
        for batch in _ahead(reading.rows(path, of.shape, skip=position)):
            done += len(batch.lines) + len(batch.damaged) + batch.empty
            _take(of, batch, done)
            tell(min(done, total), total, "Importing")
    if of.plan.kind == "events":
        events.tidy(of.store, lambda sorted_, weeks: tell(sorted_, weeks, "Sorting events"))
    elif of.plan.mapping:
        with of.store.transaction() as tx:
            records.keep_mapping(tx, mapping.header_key(of.shape.columns), of.plan.mapping, at=of.at)
    _end(of, "completed", "")
    path.unlink(missing_ok=True)


def _ahead(batches: Iterator[Batch]) -> Iterator[Batch]:
    """The batches, the next one read while the present one is written."""
    with ThreadPoolExecutor(1, thread_name_prefix="user360-reading") as reader:
        coming = reader.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = reader.submit(next, batches, None)
            yield batch


def _take(of: _Run, batch: Batch, position: int) -> Receipt:
    return ingest.receive(
        of.store,
        _events(of, batch) if of.plan.kind == "events" else _users(of, batch),
        source=of.file_name,
        by=of.by,
        at=of.at,
        mode="replace" if of.plan.mode == "replace" else "update",
        merge_tags=of.plan.merge_tags,
        import_id=of.number,
        also=_advance(of, batch, position),
    )


def _end(of: _Run, status: str, message: str) -> None:
    with of.store.transaction() as tx:
        records.finish_import(tx, of.number, status, message, at=of.now())
        detail = {"import": of.number, "status": status, "kind": of.plan.kind}
        activity.record(tx, "import", of.file_name, detail, by=of.by, at=of.now())


def _advance(of: _Run, batch: Batch, position: int) -> Callable[[Transaction, Receipt], None]:
    """Move the counts by what became of one batch, in its own transaction."""

    def advance(tx: Transaction, receipt: Receipt) -> None:
        _keep_failed(of, batch, receipt)  # before the commit: what a kill leaves too much is cut off when the import goes on
        failed = len({each.position for each in receipt.rejected}) + len(batch.damaged)
        taken = (
            receipt.stored + receipt.known if of.plan.kind == "events" else receipt.created + receipt.updated + receipt.unchanged
        )
        new = receipt.stored if of.plan.kind == "events" else receipt.created
        same = receipt.known if of.plan.kind == "events" else receipt.unchanged
        counts = records.Counts(taken + failed, new, receipt.updated, same, failed, batch.empty, position, _length(of))
        records.advance_import(tx, of.number, counts)
        if of.plan.segment:
            source = f"import {of.number}"
            lists.put_under(tx, of.store, of.plan.segment, receipt.profile_keys, source=source, by=of.by, at=of.at)

    return advance


# -- users --------------------------------------------------------------------------------------


def _users(of: _Run, batch: Batch) -> ingest.Users:
    columns: dict[str, pa.Array] = {}
    user_ids = pa.nulls(len(batch.lines), pa.string())
    for column, target in of.plan.mapping.items():
        values = _fit(batch.columns[column], of.arrow[target])
        if target == "userId":
            user_ids = values
        else:
            columns[target] = values
    if of.plan.tags:
        columns["tags"] = _with_tags(columns.get("tags"), of.plan.tags, len(batch.lines))
    return ingest.Users(user_ids, columns, batch.lines)


def _fit(column: pa.Array, arrow: pa.DataType) -> pa.Array:
    """A column of a typed file as the property takes it: of its own type, or as text."""
    if column.type == arrow or pa.types.is_string(column.type):
        return column
    if pa.types.is_list(column.type):
        return pa.array([None if each is None else json.dumps(each) for each in column.to_pylist()], pa.string())
    if pa.types.is_timestamp(column.type):
        return pc.strftime(column, "%Y-%m-%dT%H:%M:%SZ")
    return column.cast(pa.string())


def _with_tags(column: pa.Array | None, tags: tuple[str, ...], count: int) -> pa.Array:
    """The tags of each row and those every row gets."""
    if column is None:
        return pa.array([list(tags)], pa.list_(pa.string())).take(pa.array([0] * count, pa.int64()))
    own = datatypes.get("list").parse_column(column).values.to_pylist()
    return pa.array([list(dict.fromkeys([*(each or []), *tags])) for each in own], pa.list_(pa.string()))


# -- events -------------------------------------------------------------------------------------


def _events(of: _Run, batch: Batch) -> ingest.Events:
    count, plan = len(batch.lines), of.plan
    parsed = datatypes.get("datetime").parse_column(_fit(batch.columns[plan.time_column], pa.timestamp("us")), of.zone)
    return ingest.Events(
        _text(batch, plan.user_column),
        _constant(plan.event, count) if plan.event else _text(batch, plan.event_column),
        parsed.values,
        batch.lines,
        channels=_channels(plan, batch, count),
        message_ids=_text(batch, plan.message_column) if plan.message_column else None,
        properties=_documents(plan, batch, count),
    )


def _channels(plan: Plan, batch: Batch, count: int) -> pa.Array:
    if plan.channel or not plan.channel_column:
        return _constant(plan.channel or None, count)
    trimmed = pc.utf8_lower(pc.utf8_trim_whitespace(_text(batch, plan.channel_column)))
    return pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.string()), trimmed)


def _documents(plan: Plan, batch: Batch, count: int) -> pa.Array | None:
    """The properties of each event as JSON text; what is no JSON object is kept as text under its column's name."""
    if not plan.properties and not plan.document:
        return None
    if not plan.properties:
        return _checked(plan, _text(batch, plan.document))
    columns = {each: batch.columns[each].to_pylist() for each in plan.properties}
    documents = _text(batch, plan.document).to_pylist() if plan.document else [None] * count
    found = []
    for place, document in enumerate(documents):
        whole = _object(plan, document)
        whole.update({each: values[place] for each, values in columns.items() if values[place] not in (None, "")})
        found.append(_written(whole))
    return pa.array(found, pa.string())


def _checked(plan: Plan, documents: pa.Array) -> pa.Array:
    """The documents as they stand where they are flat JSON objects, which most are; else an object that holds each."""
    flat = pc.fill_null(pc.match_substring_regex(documents, _FLAT), fill_value=False)
    rest = pc.invert(flat)
    found = [_written(_object(plan, each)) for each in documents.filter(rest).to_pylist()]
    return pc.replace_with_mask(documents, rest, pa.array(found, pa.string()))


def _written(document: dict[str, Any]) -> str | None:
    """The object as JSON text; half of a character becomes a question mark."""
    return json.dumps(document, ensure_ascii=False, default=str).encode("utf-8", "replace").decode() if document else None


def _object(plan: Plan, document: str | None) -> dict[str, Any]:
    if not document or not document.strip():
        return {}
    try:
        found = json.loads(document, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return {plan.document: document}
    return found if isinstance(found, dict) else {plan.document: found}


def _text(batch: Batch, column: str) -> pa.Array:
    return _fit(batch.columns[column], pa.string())


def _constant(value: str | None, count: int) -> pa.Array:
    return pa.array([value], pa.string()).take(pa.array([0] * count, pa.int64()))


# -- what could not be taken --------------------------------------------------------------------


def _keep_failed(of: _Run, batch: Batch, receipt: Receipt) -> None:
    """Add the rows of this batch that were not taken to the file of failed rows."""
    if not receipt.rejected and not batch.damaged:
        return
    reasons: dict[int, list[str]] = {}
    for each in receipt.rejected:
        reasons.setdefault(each.position, []).append(_reason(each))
    path = failed_rows(of.store, of.number)
    fresh = not path.exists()
    own = [each for each in of.shape.columns if each not in mapping.REPORTED]
    with path.open("a", newline="", encoding="utf-8") as file:
        path.chmod(0o600)
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        if fresh:
            writer.writerow([*own, *mapping.REPORTED])
        for line, cells in _rows_at(batch, own, set(reasons)):
            writer.writerow(_guarded([*cells, str(line), " · ".join(reasons[line])]))
        for damaged in batch.damaged:
            cells = [*damaged.raw[: len(own)], *[""] * (len(own) - len(damaged.raw))]
            writer.writerow(_guarded([*cells, str(damaged.line), f"unreadable: {damaged.reason}. {damaged.hint}"]))


def _length(of: _Run) -> int:
    path = failed_rows(of.store, of.number)
    return path.stat().st_size if path.exists() else 0


def _rows_at(batch: Batch, columns: list[str], lines: set[int]) -> list[tuple[int, list[str]]]:
    chosen = pc.is_in(batch.lines, pa.array(sorted(lines), pa.int64()))
    cells = [_fit(batch.columns[each].filter(chosen), pa.string()).to_pylist() for each in columns]
    return [
        (line, [value or "" for value in row]) for line, *row in zip(batch.lines.filter(chosen).to_pylist(), *cells, strict=True)
    ]


def _reason(rejected: Rejected) -> str:
    return f"{rejected.code}: {shorten(rejected.message, 300)} {rejected.hint}".strip()


def _guarded(cells: list[str]) -> list[str]:
    found: list[str] = spreadsheet.guard(pa.array(cells, pa.string())).to_pylist()
    return found
