"""Reading a file, whatever shape it is in, in batches of rows.

A row that is damaged is a row that is damaged: it is told with its line and never ends the file.
Files are streamed; what is in memory is one batch. Without this room a bad quote on line 500 would
swallow the other half million. What the columns mean does not live here (`mapping`).
"""

from __future__ import annotations

import codecs
import contextlib
import json
import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from charset_normalizer import from_bytes

from user360.errors import InvalidFile
from user360.imports import stretches
from user360.imports.gathering import MOST_CELLS, Batch, Gathered
from user360.imports.lines import Damaged
from user360.imports.lines import records as delimited
from user360.imports.text import Text, blocks, faults

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BATCH: Final = 2 * 122_880
"""Whole row groups of the database: where a few rows were left over, the next checkpoint merged all of them, in 900 MB for six million events."""
MOST_COLUMNS: Final = 1_000
DELIMITERS: Final = (",", ";", "\t", "|")
SAMPLED_BYTES: Final = 256 * 1024
SAMPLED_ROWS: Final = 200
_BOMS: Final = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_LONG: Final = re.compile(r"\d{19}", re.ASCII)
_FORMATS: Final = {".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl", ".parquet": "parquet"}


@dataclass(frozen=True, slots=True)
class Shape:
    """How a file is written: its format, and for text its encoding and delimiter; the names of its columns."""

    format: str
    encoding: str
    delimiter: str
    columns: tuple[str, ...]


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
    for first in delimited(Text(path, found), chosen):
        if isinstance(first, Damaged):
            raise InvalidFile("The first line cannot be read as the names of columns.", first.hint, line=first.line)
        if any(cell.strip() for cell in first[1]):
            return Shape(form, found, chosen, _names(first[1]))
    raise InvalidFile("The file holds blank lines only.", "Export it again with a header line.")


def rows(path: Path, of: Shape, *, skip: int = 0, most: int | None = None) -> Iterator[Batch]:
    """The rows of the file in batches of at most so many, after the first `skip`."""
    match of.format:
        case "parquet":
            yield from _parquet_batches(path, of, skip, most or BATCH)
        case "jsonl":
            yield from _one_by_one(islice(_told(path, of), skip, None), of, most or BATCH)
        case _:
            yield from _csv_batches(path, of, skip, most or BATCH)


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
    return next((block for block in blocks(path) if not _is_utf8(block)), None)


def _is_utf8(block: bytes) -> bool:
    offsets = pa.array([0, len(block)], pa.int64())
    try:
        pa.LargeStringArray.from_buffers(1, offsets.buffers()[1], pa.py_buffer(block)).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _mostly_utf8(part: bytes) -> bool:
    """Damaged UTF-8 is UTF-8 still: more letters beyond ASCII can be read than cannot."""
    text = part.decode("utf-8", "replace")
    unread = text.count("\ufffd")
    return sum(not each.isascii() for each in text) - unread > unread


def _delimiter(path: Path, encoding: str) -> str:
    """The delimiter that cuts the first rows into the most columns, all of one number."""
    best, most = ",", 0.0
    for delimiter in DELIMITERS:
        looked_at = islice(delimited(Text(path, encoding), delimiter), SAMPLED_ROWS)
        widths = [len(each[1]) for each in looked_at if not isinstance(each, Damaged) and each[1]]
        same = sum(width == widths[0] for width in widths) / len(widths) if widths else 0
        score = same * (widths[0] - 1) if widths else 0
        if score > most:
            best, most = delimiter, score
    return best


def _keys(path: Path, encoding: str) -> tuple[str, ...]:
    """Every name of the objects of the whole file, for one that first stands on its last line is a column too."""
    found: dict[str, None] = {}
    for each in _objects(path, encoding):
        if not isinstance(each, Damaged) and not each[1].keys() <= found.keys():
            found.update(dict.fromkeys(each[1]))
    if not found:
        raise InvalidFile("No line of the file is a JSON object.", "Write one object a line.")
    if len(found) > MOST_COLUMNS:
        raise InvalidFile(f"The objects of the file have {len(found):,} names.", f"At most {MOST_COLUMNS:,} are taken.")
    return tuple(found)


def _objects(path: Path, encoding: str) -> Iterator[tuple[int, dict[str, Any]] | Damaged]:
    with path.open(encoding=encoding, errors=faults(encoding)) as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                yield number, {}
                continue
            try:
                found = _parsed(line)
            except (ValueError, RecursionError):
                yield Damaged(number, (line.rstrip("\n")[:10_000],), "is not JSON", "Write one object a line.")
                continue
            yield (
                (number, found)
                if isinstance(found, dict)
                else Damaged(number, (line.rstrip("\n")[:10_000],), "is not an object", "Write one object a line.")
            )


def _parsed(line: str) -> Any:
    """What a line of JSON says. What the quick reader refuses (NaN, halves of characters) or would round the other one takes."""
    if not _LONG.search(line):
        with contextlib.suppress(ValueError, RecursionError):
            return orjson.loads(line)
    return json.loads(line, parse_constant=_no_number)


def _no_number(_: str) -> None:
    """NaN and the infinities are no values: the cell is unknown."""


def _told(path: Path, of: Shape) -> Iterator[tuple[int, list[str]] | Damaged]:
    """Each JSON object as the row of cells it would be in a table."""
    for each in _objects(path, of.encoding):
        yield each if isinstance(each, Damaged) else (each[0], [_said(each[1].get(key)) for key in of.columns])


def _csv_batches(path: Path, of: Shape, skip: int, most: int) -> Iterator[Batch]:
    """Batches of lines that are a row each, read at once; what is not so simple is read record by record."""
    text = Text(path, of.encoding)
    text.line = _skip_header(text, of)
    gathered = Gathered(of.columns, most)
    while (block := text.block()) is not None:
        found = stretches.read(block, of.delimiter, of.columns, begins=text.line)
        if found is not None:
            text.line += found.span
            skipped = min(skip, found.span)
            found, skip = found.divided(skipped)[1], skip - skipped
            while found.span:
                found = gathered.add_stretch(found)
                if gathered.full:
                    yield gathered.batch()
        elif not text.broken_up(block):
            for record in delimited(text, of.delimiter, width=len(of.columns), begins=text.line, until=text.between_blocks):
                if skip:
                    skip -= 1
                    continue
                gathered.add(record)
                if gathered.full:
                    yield gathered.batch()
    if gathered.size:
        yield gathered.batch()


def _skip_header(text: Text, of: Shape) -> int:
    """Read on to behind the names of the columns; answer the line that comes next."""
    for record in delimited(text, of.delimiter, width=len(of.columns)):
        if not isinstance(record, Damaged) and any(cell.strip() for cell in record[1]):
            break
    return text.line


def _one_by_one(records: Iterator[tuple[int, list[str]] | Damaged], of: Shape, most: int) -> Iterator[Batch]:
    gathered = Gathered(of.columns, most, unguarded=False)
    for record in records:
        gathered.add(record)
        if gathered.full:
            yield gathered.batch()
    if gathered.size:
        yield gathered.batch()


def _said(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


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


def _parquet_batches(path: Path, of: Shape, skip: int, most: int) -> Iterator[Batch]:
    line = 1
    for found in _parquet(path).iter_batches(max(min(most, MOST_CELLS // max(len(of.columns), 1)), 1)):
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
