"""What writes each format: a batch at a time, then the end. In a spreadsheet text stays text and nothing runs."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import xlsxwriter

from user360 import datatypes, spreadsheet
from user360.exports import texts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from typing import BinaryIO

    from user360.exports.layout import Column, Layout

SHEET_ROWS: Final = 1_048_575
CELL_CHARACTERS: Final = 32_767
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_DAY: Final = 86_400_000_000
_DAYS_BEFORE_1970: Final = 25_569
_FIRST_SERIAL: Final = 61  # 1 March 1900: before it a spreadsheet counts a day that never was
_SHOWN: Final = {"date": "yyyy-mm-dd", "datetime": "yyyy-mm-dd hh:mm:ss"}
_WIDTHS: Final = {"number": 12, "boolean": 10, "date": 12, "datetime": 20, "time": 10, "email": 28, "phone": 18, "json": 40}
_OWN: Final = frozenset({"number", "boolean", "list"})


class Writer(Protocol):
    """What writes one format into an open file, with a folder for what it has to put down meanwhile."""

    def add(self, batch: pa.RecordBatch) -> None:
        """Write these rows."""

    def close(self, *, whole: bool) -> None:
        """Write what comes after the last row; of a file that is not to be whole just let go."""


class _Csv:
    def __init__(self, file: BinaryIO, columns: Sequence[Column], layout: Layout, _: Path) -> None:
        self._columns, self._zone = columns, layout.zone
        header = io.StringIO(newline="")
        names = spreadsheet.guard(pa.array([each.header for each in columns], pa.string())).to_pylist()
        csv.writer(header, quoting=csv.QUOTE_ALL, delimiter=layout.delimiter, lineterminator="\n").writerow(names)
        file.write(header.getvalue().encode("utf-8-sig" if layout.bom else "utf-8"))
        options = pa_csv.WriteOptions(include_header=False, quoting_style="all_valid", delimiter=layout.delimiter)
        self._schema = pa.schema([(str(place), pa.string()) for place in range(len(columns))])
        self._writer = pa_csv.CSVWriter(file, self._schema, write_options=options)

    def add(self, batch: pa.RecordBatch) -> None:
        cells = [texts.guarded(batch.column(each.name), each, self._zone) for each in self._columns]
        self._writer.write_batch(pa.RecordBatch.from_arrays(cells, schema=self._schema))

    def close(self, *, whole: bool) -> None:  # noqa: ARG002 - its end costs nothing
        self._writer.close()


class _Xlsx:
    """Text cells are text cells, never formulas; past the rows a sheet can hold, another sheet begins."""

    def __init__(self, file: BinaryIO, columns: Sequence[Column], layout: Layout, folder: Path) -> None:
        self._columns, self._zone = columns, layout.zone
        asked = {"constant_memory": True, "tmpdir": str(folder), "use_zip64": True}
        asked |= dict.fromkeys(("strings_to_formulas", "strings_to_urls", "strings_to_numbers"), False)
        self._book = xlsxwriter.Workbook(file, asked)
        self._book.set_properties({"comments": f"Times are of the zone {layout.zone}."})
        self._bold = self._book.add_format({"bold": True})
        self._looks = {kind: self._book.add_format({"num_format": shown}) for kind, shown in _SHOWN.items()}
        self._sheet: Any = None
        self._row = SHEET_ROWS + 1

    def add(self, batch: pa.RecordBatch) -> None:
        cells = [self._values(batch.column(each.name), each) for each in self._columns]
        looks = [self._looks.get(each.kind) for each in self._columns]
        for row in zip(*cells, strict=True):
            if self._row > SHEET_ROWS:
                self._begin()
            for place, value in enumerate(row):
                if value is not None:
                    self._put(place, value, looks[place])
            self._row += 1

    def close(self, *, whole: bool) -> None:
        if not whole:
            for each in self._book.worksheets():
                each.row_data_fh.close()
            return
        if self._sheet is None:
            self._begin()
        self._book.close()

    def _begin(self) -> None:
        self._sheet = self._book.add_worksheet()
        self._sheet.freeze_panes(1, 0)
        for place, each in enumerate(self._columns):
            self._sheet.set_column(place, place, _WIDTHS.get(each.kind, 18))
            self._sheet.write_string(0, place, _CONTROL.sub("", each.header), self._bold)
        self._row = 1

    def _put(self, place: int, value: str | float | bool, look: Any) -> None:  # noqa: FBT001 - a cell
        if isinstance(value, str):
            self._sheet.write_string(self._row, place, value)
        elif isinstance(value, bool):
            self._sheet.write_boolean(self._row, place, value)
        else:
            self._sheet.write_number(self._row, place, value, look)

    def _values(self, column: pa.Array, of: Column) -> list[Any]:
        """The cells: numbers and truth as they are, days and instants as a spreadsheet counts them, all else as text."""
        if of.kind == "boolean":
            return list(column.to_pylist())
        if of.kind == "number":
            return list(column.cast(pa.float64()).to_pylist())
        text = [_fitting(each) for each in texts.guarded(column, of, self._zone).to_pylist()]
        if of.kind not in _SHOWN:
            return text
        serials = _serials(column if of.kind == "date" else texts.here(column, self._zone))
        return [words if serial is None else serial for words, serial in zip(text, serials, strict=True)]


def _fitting(text: str | None) -> str | None:
    return None if text is None else _CONTROL.sub("", text)[:CELL_CHARACTERS]


def _serials(column: pa.Array) -> list[float | None]:
    """Days since a spreadsheet's beginning, null before the first one it counts right."""
    micros = np.asarray(pc.fill_null(column.cast(pa.timestamp("us")).cast(pa.int64()), 0))
    serials = micros / _DAY + _DAYS_BEFORE_1970
    unknown = np.asarray(pc.is_null(column)) | (serials < _FIRST_SERIAL)
    return list(pa.array(serials, pa.float64(), mask=unknown).to_pylist())


class _Parquet:
    def __init__(self, file: BinaryIO, columns: Sequence[Column], layout: Layout, _: Path) -> None:
        self._columns = columns
        self._schema = pa.schema([(each.header, _arrow(each, layout.zone)) for each in columns])
        self._writer = pq.ParquetWriter(file, self._schema, compression="zstd")

    def add(self, batch: pa.RecordBatch) -> None:
        cells = [self._typed(batch.column(each.name), each, place) for place, each in enumerate(self._columns)]
        self._writer.write_batch(pa.RecordBatch.from_arrays(cells, schema=self._schema))

    def close(self, *, whole: bool) -> None:  # noqa: ARG002 - its end costs nothing
        self._writer.close()

    def _typed(self, column: pa.Array, of: Column, place: int) -> pa.Array:
        if of.kind == "json" and pa.types.is_nested(column.type):
            return texts.told(column, of)
        if of.kind == "datetime" and column.type.tz is None:
            column = pc.assume_timezone(column.cast(pa.timestamp("us")), texts.UTC)
        return column.cast(self._schema.field(place).type)


def _arrow(of: Column, zone: str) -> pa.DataType:
    if of.kind == "datetime":
        return pa.timestamp("us", zone)
    return pa.string() if of.kind == "json" else datatypes.get(of.kind).arrow


class _JsonLines:
    def __init__(self, file: BinaryIO, columns: Sequence[Column], layout: Layout, _: Path) -> None:
        self._columns, self._zone, self._file = columns, layout.zone, file

    def add(self, batch: pa.RecordBatch) -> None:
        names = [each.header for each in self._columns]
        lines = []
        for row in zip(*[self._values(batch.column(each.name), each) for each in self._columns], strict=True):
            known = {name: value for name, value in zip(names, row, strict=True) if value is not None}
            lines.append(json.dumps(known, ensure_ascii=False))
        self._file.write("".join(f"{line}\n" for line in lines).encode())

    def close(self, *, whole: bool) -> None:
        """Nothing is left over."""

    def _values(self, column: pa.Array, of: Column) -> list[Any]:
        if of.kind == "json":
            return [None if each is None else json.loads(each) for each in texts.told(column, of).to_pylist()]
        return list((column if of.kind in _OWN else texts.told(column, of, self._zone)).to_pylist())


WRITERS: Final[Mapping[str, Callable[[BinaryIO, Sequence[Column], Layout, Path], Writer]]] = {
    "csv": _Csv,
    "xlsx": _Xlsx,
    "parquet": _Parquet,
    "jsonl": _JsonLines,
}
