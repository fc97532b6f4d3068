"""Users as files: CSV, Excel, Parquet, JSON Lines, of any size, streamed.

A file appears under its name only when it is whole. Text is safe in a spreadsheet, and a file read
back in changes nothing. Which people are meant does not live here (`segments`), nor who watches the
work (`jobs`).
"""

from __future__ import annotations

import csv
import json
import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import xlsxwriter

from user360 import activity, datatypes, profiles, properties, records, spreadsheet
from user360.errors import Interrupted, Unknown, User360Error
from user360.records import Export
from user360.records import find_exports as find
from user360.records import get_export as get

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from user360.people import People
    from user360.profiles import Sort
    from user360.properties import Property
    from user360.store import Store

__all__ = ["FORMATS", "Export", "file_of", "find", "get", "run", "start", "write"]

Tell: TypeAlias = "Callable[[int, int, str], None]"
FORMATS: Final = ("csv", "xlsx", "parquet", "jsonl")
SHEET_ROWS: Final = 1_048_575
CELL_CHARACTERS: Final = 32_767
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Which people, which of their properties, in which order."""

    columns: tuple[str, ...]
    within: People | None = None
    search: str = ""
    sort: tuple[Sort, ...] = ()


class _Writer(Protocol):
    """What writes one format: a batch at a time, then the end."""

    def add(self, batch: pa.RecordBatch) -> None: ...

    def close(self) -> None: ...


def write(
    store: Store,
    target: Path,
    *,
    format: str,  # noqa: A002 - the plain word
    columns: Sequence[str],
    within: People | None = None,
    search: str = "",
    sort: Sequence[Sort] = (),
    by: str,
    at: datetime,
    progress: Tell | None = None,
) -> int:
    """Write the file at once and answer how many users it holds."""
    rows = _write(store, target, format, _Wanted(tuple(columns), within, search, tuple(sort)), progress or _silent)
    with store.transaction() as tx:
        activity.record(tx, "export", target.name, {"format": format, "users": rows, "columns": list(columns)}, by=by, at=at)
    return rows


def start(store: Store, *, format: str, file_name: str, columns: Sequence[str], by: str, at: datetime) -> int:  # noqa: A002 - the plain word
    """Open the record of an export that is made in the background; answer its number."""
    _known(format)
    _chosen(store, columns)
    return records.begin_export(store, format, file_name, {"columns": list(columns)}, by=by, at=at)


def run(
    store: Store,
    number: int,
    *,
    columns: Sequence[str],
    within: People | None = None,
    search: str = "",
    sort: Sequence[Sort] = (),
    now: Callable[[], datetime],
    progress: Tell | None = None,
) -> Export:
    """Write the file of an export that was started, and answer its record at the end."""
    record = records.get_export(store, number)
    target = file_of(store, record)
    try:
        rows = _write(store, target, record.format, _Wanted(tuple(columns), within, search, tuple(sort)), progress or _silent)
    except BaseException as fault:
        status = "stopped" if isinstance(fault, Interrupted) else "failed"
        message = str(fault) if isinstance(fault, User360Error) else "The export ended early through a fault of ours."
        with store.transaction() as tx:
            records.finish_export(tx, number, status, message, at=now())
        raise
    with store.transaction() as tx:
        records.finish_export(tx, number, "completed", rows=rows, size=target.stat().st_size, at=now())
        detail = {"export": number, "format": record.format, "users": rows, "columns": list(columns)}
        activity.record(tx, "export", record.file_name, detail, by=record.by, at=now())
    return records.get_export(store, number)


def file_of(store: Store, record: Export) -> Path:
    """Where the file of an export lies; it is there once the export is completed."""
    return store.folder("exports") / f"{record.id}.{record.format}"


def _write(store: Store, target: Path, form: str, wanted: _Wanted, tell: Tell) -> int:
    chosen = _chosen(store, wanted.columns)
    total = profiles.count(store, within=wanted.within, search=wanted.search)
    done = 0
    with _whole_or_absent(target) as part:
        writer = _WRITERS[_known(form)](part, chosen)
        try:
            for batch in profiles.stream(
                store, within=wanted.within, search=wanted.search, columns=wanted.columns, sort=wanted.sort
            ):
                writer.add(batch.select(list(wanted.columns)))
                done += batch.num_rows
                tell(done, max(total, done), "Writing")
        finally:
            writer.close()
    return done


@contextmanager
def _whole_or_absent(target: Path) -> Iterator[Path]:
    part = target.with_name(f"{target.name}.part")
    try:
        part.touch(mode=0o600)
        yield part
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _silent(_done: int, _total: int, _doing: str) -> None:
    """Nobody listens."""


def _known(form: str) -> str:
    if form not in FORMATS:
        raise Unknown.named("format", form, FORMATS)
    return form


def _chosen(store: Store, columns: Sequence[str]) -> list[Property]:
    known = {each.name: each for each in properties.find(store)}
    for each in columns:
        if each not in known:
            raise Unknown.named("property", each, known)
    return [known[each] for each in columns]


# -- values as text -----------------------------------------------------------------------------


def as_text(column: pa.Array, of: Property) -> pa.Array:
    """A column in canonical text that its own type reads back unchanged; unknown stays null."""
    match of.datatype.name:
        case "datetime":
            shown = pc.strftime(column, "%Y-%m-%d %H:%M:%SZ")
            return pc.replace_substring(shown, ".000000Z", "Z")
        case "list":
            return pa.array([None if each is None else _listed(each) for each in column.to_pylist()], pa.string())
        case "time":
            return pc.utf8_slice_codeunits(column.cast(pa.string()), 0, 8)
        case "number":
            return pa.array([None if each is None else of.datatype.format(each) for each in column.to_pylist()], pa.string())
    return column.cast(pa.string())


def _listed(items: list[str]) -> str:
    joined = ";".join(items)
    plain = datatypes.get("list").parse(joined) == tuple(items)
    return joined if plain else json.dumps(items, ensure_ascii=False)


def _guarded(column: pa.Array, of: Property) -> pa.Array:
    """Text that no spreadsheet takes for a formula; numbers, dates and truth are none."""
    text = as_text(column, of)
    return spreadsheet.guard(text) if of.datatype.column in {"VARCHAR", "VARCHAR[]"} else text


# -- the formats --------------------------------------------------------------------------------


class _Csv:
    def __init__(self, path: Path, columns: Sequence[Property]) -> None:
        self._columns = columns
        self._file = path.open("w", newline="", encoding="utf-8")
        self._writer = csv.writer(self._file, quoting=csv.QUOTE_ALL)
        self._writer.writerow([each.name for each in columns])

    def add(self, batch: pa.RecordBatch) -> None:
        cells = [pc.fill_null(_guarded(batch.column(each.name), each), "").to_pylist() for each in self._columns]
        self._writer.writerows(zip(*cells, strict=True))

    def close(self) -> None:
        self._file.close()


class _Xlsx:
    """Text cells are text cells, never formulas; past the rows a sheet can hold, another sheet begins."""

    def __init__(self, path: Path, columns: Sequence[Property]) -> None:
        self._columns = columns
        self._book = xlsxwriter.Workbook(
            str(path),
            {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False},
        )
        self._bold = self._book.add_format({"bold": True})
        self._sheet: Any = None
        self._row = SHEET_ROWS + 1

    def add(self, batch: pa.RecordBatch) -> None:
        cells = [self._values(batch, each) for each in self._columns]
        for row in zip(*cells, strict=True):
            if self._row > SHEET_ROWS:
                self._begin()
            for place, value in enumerate(row):
                self._put(place, value)
            self._row += 1

    def close(self) -> None:
        if self._sheet is None:
            self._begin()
        self._book.close()

    def _begin(self) -> None:
        self._sheet = self._book.add_worksheet()
        for place, each in enumerate(self._columns):
            self._sheet.write_string(0, place, each.name, self._bold)
        self._row = 1

    def _put(self, place: int, value: str | float | bool | None) -> None:  # noqa: FBT001 - a cell
        if value is None:
            return
        if isinstance(value, bool):
            self._sheet.write_boolean(self._row, place, value)
        elif isinstance(value, float):
            self._sheet.write_number(self._row, place, value)
        else:
            self._sheet.write_string(self._row, place, _CONTROL.sub("", value)[:CELL_CHARACTERS])

    def _values(self, batch: pa.RecordBatch, of: Property) -> list[Any]:
        column = batch.column(of.name)
        found: list[Any] = (column if of.datatype.name in {"number", "boolean"} else _guarded(column, of)).to_pylist()
        return found


class _Parquet:
    def __init__(self, path: Path, columns: Sequence[Property]) -> None:
        self._schema = pa.schema([(each.name, each.datatype.arrow) for each in columns])
        self._writer = pq.ParquetWriter(path, self._schema, compression="zstd")

    def add(self, batch: pa.RecordBatch) -> None:
        self._writer.write_table(pa.Table.from_batches([batch]).cast(self._schema))

    def close(self) -> None:
        self._writer.close()


class _JsonLines:
    def __init__(self, path: Path, columns: Sequence[Property]) -> None:
        self._columns = columns
        self._file = path.open("w", encoding="utf-8")

    def add(self, batch: pa.RecordBatch) -> None:
        names = [each.name for each in self._columns]
        for row in zip(*[self._values(batch, each) for each in self._columns], strict=True):
            known = {name: value for name, value in zip(names, row, strict=True) if value is not None}
            self._file.write(json.dumps(known, ensure_ascii=False) + "\n")

    def close(self) -> None:
        self._file.close()

    def _values(self, batch: pa.RecordBatch, of: Property) -> list[Any]:
        column = batch.column(of.name)
        found: list[Any] = (column if of.datatype.name in {"number", "boolean", "list"} else as_text(column, of)).to_pylist()
        return found


_WRITERS: Final[Mapping[str, Callable[[Path, Sequence[Property]], _Writer]]] = {
    "csv": _Csv,
    "xlsx": _Xlsx,
    "parquet": _Parquet,
    "jsonl": _JsonLines,
}
