"""Reading a file row by row, whatever shape it is in.

A row that is damaged is a row that is damaged: it is told with its line and never ends the file.
Files are streamed; what is in memory is one batch. Without this room a bad quote on line 500 would
swallow the other half million. What the columns mean does not live here (`mapping`).
"""

from __future__ import annotations

import codecs
import csv
import json
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
from charset_normalizer import from_bytes

from user360 import spreadsheet
from user360.errors import InvalidFile
from user360.imports.lines import Damaged
from user360.imports.lines import records as delimited

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

BATCH: Final = 250_000
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
    for first in _records(path, (found, chosen)):
        if isinstance(first, Damaged):
            raise InvalidFile("The first line cannot be read as the names of columns.", first.hint, line=first.line)
        if any(cell.strip() for cell in first[1]):
            return Shape(form, found, chosen, _names(first[1]))
    raise InvalidFile("The file holds blank lines only.", "Export it again with a header line.")


def rows(path: Path, of: Shape, *, skip: int = 0) -> Iterator[Batch]:
    """The rows of the file in batches, after the first `skip`."""
    match of.format:
        case "parquet":
            yield from _parquet_batches(path, of, skip)
        case "jsonl":
            yield from _gathered(islice(_told(path, of), skip, None), of)
        case _:
            yield from _csv_batches(path, of, skip)


def quoted(path: Path) -> bool:
    """Whether values at the beginning of the file stand in quotes."""
    with path.open("rb") as file:
        return b'"' in file.read(SAMPLED_BYTES)


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
    doubtful = _not_utf8(path)
    if doubtful is None or _mostly_utf8(doubtful):
        return "utf-8"
    odd = [line for line in doubtful.splitlines() if not line.isascii()]
    best = from_bytes(b"\n".join(odd[:SAMPLED_ROWS])).best()
    return best.encoding if best is not None else "cp1252"


def _not_utf8(path: Path) -> bytes | None:
    """The first part of the file that is not UTF-8; None where all of it is."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    chunk = b""
    try:
        with path.open("rb") as file:
            for chunk in iter(lambda: file.read(2**22), b""):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return chunk
    return None


def _mostly_utf8(part: bytes) -> bool:
    """Damaged UTF-8 is UTF-8 still: more letters beyond ASCII can be read than cannot."""
    text = part.decode("utf-8", "replace")
    unread = text.count("\ufffd")
    return sum(not each.isascii() for each in text) - unread > unread


def _delimiter(path: Path, encoding: str) -> str:
    """The delimiter that cuts the first rows into the most columns, all of one number."""
    best, most = ",", 0.0
    for delimiter in DELIMITERS:
        looked_at = islice(_records(path, (encoding, delimiter)), SAMPLED_ROWS)
        widths = [len(each[1]) for each in looked_at if not isinstance(each, Damaged) and each[1]]
        same = sum(width == widths[0] for width in widths) / len(widths) if widths else 0
        score = same * (widths[0] - 1) if widths else 0
        if score > most:
            best, most = delimiter, score
    return best


def _records(path: Path, of: tuple[str, str], width: int = 0) -> Iterator[tuple[int, list[str]] | Damaged]:
    """The records of a file of this encoding and delimiter."""
    encoding, delimiter = of
    with path.open(encoding=encoding, errors=_faults(encoding), newline="") as file:
        yield from delimited(file, delimiter, width=width)


def _faults(encoding: str) -> str:
    """Bytes that are not of the encoding stay recognisable, so that their rows can be told apart from good ones."""
    return "replace" if encoding.startswith("utf-16") else "surrogateescape"


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
    with path.open(encoding=encoding, errors=_faults(encoding)) as file:
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


def _told(path: Path, of: Shape) -> Iterator[tuple[int, list[str]] | Damaged]:
    """Each JSON object as the row of cells it would be in a table."""
    for each in _objects(path, of.encoding):
        yield each if isinstance(each, Damaged) else (each[0], [_said(each[1].get(key)) for key in of.columns])


def _csv_batches(path: Path, of: Shape, skip: int) -> Iterator[Batch]:
    """Batches of lines that are a row each, as most files are throughout; from the first line that is not, row by row."""
    if not _begins_plainly(path, of):
        yield from _gathered(islice(_after_header(_records(path, (of.encoding, of.delimiter), len(of.columns))), skip, None), of)
        return
    with path.open(encoding=of.encoding, errors=_faults(of.encoding), newline="") as file:
        next(file)
        line = 2
        while lines := list(islice(file, BATCH)):
            rows = _plain_rows(lines, of)
            if rows is None:
                rest = delimited(chain(lines, file), of.delimiter, width=len(of.columns))
                yield from _gathered(islice((_moved(each, line - 1) for each in rest), skip, None), of)
                return
            left, skip = rows[skip:], max(skip - len(rows), 0)
            line += len(lines)
            if left:
                yield _batch(_Gathered(list(range(line - len(left), line)), left), of)


def _begins_plainly(path: Path, of: Shape) -> bool:
    """Whether the names of the columns stand on the first line, and there alone."""
    with path.open(encoding=of.encoding, errors=_faults(of.encoding), newline="") as file:
        found = _plain_rows([file.readline()], of)
    return found is not None and _names(found[0]) == of.columns


def _plain_rows(lines: list[str], of: Shape) -> list[list[str]] | None:
    """The rows, where each line is a row of the right width with something in it; None where any is not."""
    try:
        rows = list(csv.reader(lines, delimiter=of.delimiter, strict=True))
    except csv.Error:
        return None
    whole = len(rows) == len(lines) and set(map(len, rows)) == {len(of.columns)} and all(map(any, rows))
    return rows if whole else None


def _moved(record: tuple[int, list[str]] | Damaged, by: int) -> tuple[int, list[str]] | Damaged:
    return replace(record, line=record.line + by) if isinstance(record, Damaged) else (record[0] + by, record[1])


def _gathered(records: Iterable[tuple[int, list[str]] | Damaged], of: Shape) -> Iterator[Batch]:
    gathered = _Gathered()
    for record in records:
        _gather(gathered, record, len(of.columns))
        if len(gathered) >= BATCH:
            yield _batch(gathered, of)
            gathered = _Gathered()
    if len(gathered):
        yield _batch(gathered, of)


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
    try:
        columns = _columns(gathered, of)
    except UnicodeEncodeError:
        _set_aside(gathered)
        columns = _columns(gathered, of)
    damaged = tuple(sorted(map(_printable, gathered.damaged), key=lambda each: each.line))
    return Batch(pa.array(gathered.lines, pa.int64()), columns, damaged, gathered.empty)


def _columns(gathered: _Gathered, of: Shape) -> dict[str, pa.Array]:
    cells = zip(*gathered.rows, strict=True) if gathered.rows else [()] * len(of.columns)
    found = {name: pa.array(values, pa.string()) for name, values in zip(of.columns, cells, strict=True)}
    return {name: spreadsheet.unguard(values) for name, values in found.items()} if of.format == "csv" else found


def _set_aside(gathered: _Gathered) -> None:
    """Rows with bytes that are not of the encoding, or half of a character, are damaged rows."""
    rows = list(zip(gathered.lines, gathered.rows, strict=True))
    whole = [each for each in rows if _whole(each[1])]
    gathered.damaged += [
        Damaged(line, tuple(row), "holds bytes that are not of the file's encoding", "Export the file as UTF-8.")
        for line, row in rows
        if not _whole(row)
    ]
    gathered.lines, gathered.rows = [line for line, _ in whole], [row for _, row in whole]


def _whole(row: list[str]) -> bool:
    return not any("\ud800" <= each <= "\udfff" for cell in row if not cell.isascii() for each in cell)


def _printable(damaged: Damaged) -> Damaged:
    return replace(damaged, raw=tuple(each.encode("utf-8", "replace").decode() for each in damaged.raw))


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
