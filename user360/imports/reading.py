"""Reading a file row by row, whatever shape it is in.

A row that is damaged is a row that is damaged: it is told with its line and never ends the file.
Files are streamed; what is in memory is one batch. Without this room a bad quote on line 500 would
swallow the other half million. What the columns mean does not live here (`mapping`).
"""

from __future__ import annotations

import codecs
import csv
import json
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
from charset_normalizer import from_bytes

from user360 import spreadsheet
from user360.errors import InvalidFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

BATCH: Final = 50_000
LONGEST_CELL: Final = 16 * 2**20
MOST_LINES: Final = 1_000
MOST_COLUMNS: Final = 1_000
DELIMITERS: Final = (",", ";", "\t", "|")
SAMPLED_BYTES: Final = 256 * 1024
SAMPLED_ROWS: Final = 200
_BOMS: Final = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_FORMATS: Final = {".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl", ".parquet": "parquet"}


@dataclass(frozen=True, slots=True)
class Shape:
    """How a file is written: its format, and for text its encoding and delimiter; the names of its columns."""

    format: str
    encoding: str
    delimiter: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Damaged:
    """A row that could not be read: its line, what stood there, and why."""

    line: int
    raw: tuple[str, ...]
    reason: str
    hint: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of the file: a column of text (or of its own type, from Parquet) per name, and the line each row begins on."""

    lines: pa.Array
    columns: dict[str, pa.Array]
    damaged: tuple[Damaged, ...]
    empty: int


@dataclass(slots=True)
class _Gathered:
    """Rows on their way to a batch."""

    lines: list[int] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    damaged: list[Damaged] = field(default_factory=list)
    empty: int = 0

    def __len__(self) -> int:
        return len(self.rows) + len(self.damaged) + self.empty


def shape(path: Path, *, delimiter: str | None = None, encoding: str | None = None) -> Shape:
    """How the file is written, found by looking; `delimiter` and `encoding` overrule. Raises `InvalidFile`."""
    form = _FORMATS.get(path.suffix.lower(), "csv")
    if not path.stat().st_size:
        raise InvalidFile("The file is empty.", "Export it again with a header line.")
    if form == "parquet":
        return Shape(form, "", "", tuple(_parquet(path).schema_arrow.names))
    found = encoding or _encoding(path)
    if form == "jsonl":
        return Shape(form, found, "", _keys(path, found))
    chosen = delimiter or _delimiter(path, found)
    for first in _records(path, found, chosen):
        if isinstance(first, Damaged):
            raise InvalidFile("The first line cannot be read as the names of columns.", first.hint, line=first.line)
        if any(cell.strip() for cell in first[1]):
            return Shape(form, found, chosen, _names(first[1]))
    raise InvalidFile("The file holds blank lines only.", "Export it again with a header line.")


def rows(path: Path, of: Shape, *, skip: int = 0) -> Iterator[Batch]:
    """The rows of the file in batches, after the first `skip`."""
    if of.format == "parquet":
        yield from _parquet_batches(path, of, skip)
        return
    gathered = _Gathered()
    for record in _numbered(path, of, skip):
        _gather(gathered, record, len(of.columns))
        if len(gathered) >= BATCH:
            yield _batch(gathered, of)
            gathered = _Gathered()
    if len(gathered):
        yield _batch(gathered, of)


def count_lines(path: Path) -> int:
    """How many lines the file has, about: what progress is told of."""
    if _FORMATS.get(path.suffix.lower()) == "parquet":
        return int(_parquet(path).metadata.num_rows)
    with path.open("rb") as file:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(2**22), b""))


# -- text ---------------------------------------------------------------------------------------


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(SAMPLED_BYTES)
    for mark, name in _BOMS:
        if head.startswith(mark):
            return name
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as file:
            for chunk in iter(lambda: file.read(2**22), b""):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        best = from_bytes(head).best()
        return best.encoding if best is not None else "cp1252"
    return "utf-8"


def _delimiter(path: Path, encoding: str) -> str:
    """The delimiter that cuts the first rows into the most columns, all of one number."""
    best, most = ",", 0.0
    for delimiter in DELIMITERS:
        widths = []
        for record in _records(path, encoding, delimiter):
            if not isinstance(record, Damaged) and record[1]:
                widths.append(len(record[1]))
            if len(widths) >= SAMPLED_ROWS // 4:
                break
        same = sum(width == widths[0] for width in widths) / len(widths) if widths else 0
        score = same * (widths[0] - 1) if widths else 0
        if score > most:
            best, most = delimiter, score
    return best


class _Feed:
    """Lines for the reader, counted, and kept until their row is whole, so that a row gone wrong can be given back."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._returned: deque[str] = deque()
        self.taken: list[str] = []
        self.line = 0
        self.ended = False

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        if len(self.taken) >= MOST_LINES:
            raise csv.Error("a quote is opened and not closed")
        if self._returned:
            line = self._returned.popleft()
        else:
            try:
                line = next(self._lines)
            except StopIteration:
                self.ended = True
                raise
        self.taken.append(line)
        self.line += 1
        return line

    def give_back(self) -> str:
        """Return all lines of this row but the first, which is answered."""
        first, *rest = self.taken
        self._returned.extendleft(reversed(rest))
        self.line -= len(rest)
        self.taken.clear()
        return first


def _records(path: Path, encoding: str, delimiter: str) -> Iterator[tuple[int, list[str]] | Damaged]:
    """Each row with the line it begins on; a row whose quote is never closed is that one line, damaged."""
    csv.field_size_limit(LONGEST_CELL)
    with path.open(encoding=encoding, errors="replace", newline="") as file:
        feed = _Feed(file)
        reader = csv.reader(feed, delimiter=delimiter)
        while True:
            begins = feed.line + 1
            try:
                row = next(reader)
                open_quote = len(feed.taken) > 1 and feed.ended and "".join(feed.taken).count('"') % 2 == 1
            except StopIteration:
                return
            except csv.Error:
                open_quote = True
            if open_quote:
                line = feed.give_back().rstrip("\r\n")
                feed.ended = False
                yield Damaged(begins, (line,), "a quote is opened and not closed", "Double a quote that stands inside a value.")
                reader = csv.reader(feed, delimiter=delimiter)
                continue
            feed.taken.clear()
            yield begins, row


def _keys(path: Path, encoding: str) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for count, record in enumerate(_objects(path, encoding)):
        if not isinstance(record, Damaged):
            found.update(dict.fromkeys(record[1]))
        if count >= SAMPLED_ROWS * 5:
            break
    if not found:
        raise InvalidFile("No line of the file is a JSON object.", "Write one object a line.")
    return tuple(found)


def _objects(path: Path, encoding: str) -> Iterator[tuple[int, dict[str, Any]] | Damaged]:
    with path.open(encoding=encoding, errors="replace") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                yield number, {}
                continue
            try:
                found = json.loads(line, parse_constant=_no_number)
            except (ValueError, RecursionError):
                yield Damaged(number, (line.rstrip("\n")[:10_000],), "is not JSON", "Write one object a line.")
                continue
            yield (
                (number, found)
                if isinstance(found, dict)
                else Damaged(number, (line.rstrip("\n")[:10_000],), "is not an object", "Write one object a line.")
            )


def _no_number(_: str) -> None:
    """NaN and the infinities are no values: the cell is unknown."""


def _numbered(path: Path, of: Shape, skip: int) -> Iterator[tuple[int, list[str]] | Damaged]:
    records: Iterator[tuple[int, list[str]] | Damaged]
    if of.format == "jsonl":
        records = (
            (each if isinstance(each, Damaged) else (each[0], [_said(each[1].get(key)) for key in of.columns]))
            for each in _objects(path, of.encoding)
        )
    else:
        records = _after_header(_records(path, of.encoding, of.delimiter))
    for place, record in enumerate(records):
        if place >= skip:
            yield record


def _after_header(records: Iterator[tuple[int, list[str]] | Damaged]) -> Iterator[tuple[int, list[str]] | Damaged]:
    for record in records:
        if not isinstance(record, Damaged) and any(cell.strip() for cell in record[1]):
            break
    yield from records


def _said(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _gather(into: _Gathered, record: tuple[int, list[str]] | Damaged, width: int) -> None:
    if isinstance(record, Damaged):
        into.damaged.append(record)
        return
    line, row = record
    if len(row) == width:
        if any(row):
            into.lines.append(line)
            into.rows.append(row)
        else:
            into.empty += 1
        return
    if not any(cell.strip() for cell in row):
        into.empty += 1
    elif len(row) > width and not any(row[width:]):
        into.lines.append(line)
        into.rows.append(row[:width])
    else:
        into.damaged.append(
            Damaged(
                line, tuple(row), f"has {len(row)} cells where the header has {width}", "Quote values that hold the delimiter."
            )
        )


def _batch(gathered: _Gathered, of: Shape) -> Batch:
    cells = zip(*gathered.rows, strict=True) if gathered.rows else [()] * len(of.columns)
    columns = {name: _column(values) for name, values in zip(of.columns, cells, strict=True)}
    return Batch(pa.array(gathered.lines, pa.int64()), columns, tuple(gathered.damaged), gathered.empty)


def _column(values: Sequence[str]) -> pa.Array:
    try:
        return spreadsheet.unguard(pa.array(values, pa.string()))
    except UnicodeEncodeError:  # half of a character
        return spreadsheet.unguard(pa.array([each.encode("utf-8", "replace").decode() for each in values], pa.string()))


def _names(header: list[str]) -> tuple[str, ...]:
    """A name for each column: blanks get a number, a name that stands twice gets one too."""
    if len(header) > MOST_COLUMNS:
        raise InvalidFile(f"The file has {len(header):,} columns.", f"At most {MOST_COLUMNS:,} are taken.")
    found: list[str] = []
    for place, cell in enumerate(header, start=1):
        bare = cell.replace("\0", "").strip().removeprefix("\ufeff") or f"column {place}"
        again = 2
        candidate = bare
        while candidate in found:
            candidate, again = f"{bare} ({again})", again + 1
        found.append(candidate)
    return tuple(found)


# -- Parquet ------------------------------------------------------------------------------------


def _parquet(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except (pa.ArrowInvalid, OSError) as fault:
        raise InvalidFile("The file is no Parquet file, or is damaged.", "Write it again.") from fault


def _parquet_batches(path: Path, of: Shape, skip: int) -> Iterator[Batch]:
    line = 1
    for found in _parquet(path).iter_batches(BATCH):
        begin = min(max(skip - line + 1, 0), found.num_rows)
        rest = found.slice(begin)
        if rest.num_rows:
            lines = pa.array(range(line + begin, line + found.num_rows), pa.int64())
            yield Batch(lines, {name: _plain(rest.column(name)) for name in of.columns}, (), 0)
        line += found.num_rows


def _plain(column: pa.Array) -> pa.Array:
    """A column as text, a list of texts, or a type the data types have themselves."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _plain(column.cast(kind.value_type))
    if pa.types.is_timestamp(kind):
        return column.cast(pa.timestamp("us", kind.tz), safe=False).cast(pa.timestamp("us"))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return column.cast(pa.list_(pa.string()))
    if pa.types.is_time(kind):
        return column.cast(pa.time64("us"))
    if pa.types.is_date(kind) or pa.types.is_boolean(kind):
        return column.cast(pa.date32()) if pa.types.is_date(kind) else column
    if pa.types.is_nested(kind):
        return pa.array([None if each is None else json.dumps(each, default=str) for each in column.to_pylist()], pa.string())
    return column.cast(pa.string())
