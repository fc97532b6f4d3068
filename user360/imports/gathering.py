"""Rows on their way into batches of which each fits into memory, however wide or long they are."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from user360 import spreadsheet
from user360.imports.lines import Damaged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from user360.imports.stretches import Numbers, Stretch

MOST_CELLS: Final = 5_000_000
MOST_BYTES: Final = 96 * 2**20


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of the file: a column of text (or of its own type, from Parquet) per name, and the line each row begins on."""

    lines: pa.Array
    columns: dict[str, pa.Array]
    damaged: tuple[Damaged, ...]
    empty: int


@dataclass(slots=True)
class Gathered:
    """Rows on their way to a batch of at most so many: those read at once as columns, those read one by one as they came.

    `size` counts what stood in the file, the damaged and the empty ones among them.
    """

    names: Sequence[str]
    most: int
    unguarded: bool = True
    size: int = 0
    empty: int = 0
    damaged: list[Damaged] = field(default_factory=list)
    _lines: list[Numbers] = field(default_factory=list)
    _columns: list[tuple[pa.Array, ...]] = field(default_factory=list)
    _numbers: list[int] = field(default_factory=list)
    _rows: list[list[str]] = field(default_factory=list)
    _bytes: int = 0

    def __post_init__(self) -> None:
        self.most = max(min(self.most, MOST_CELLS // max(len(self.names), 1)), 1)

    @property
    def full(self) -> bool:
        """Whether no more is to be added."""
        return self.size >= self.most or self._bytes >= MOST_BYTES

    def add_stretch(self, stretch: Stretch) -> Stretch:
        """Take in as many of its lines as there is room for; answer the others."""
        head, rest = stretch.divided(min(stretch.span, self.most - self.size))
        self._fold()
        self._lines.append(head.lines)
        self._columns.append(head.columns)
        self.size += head.span
        self.empty += head.span - len(head.lines)
        self._bytes += sum(each.nbytes for each in head.columns)
        return rest

    def add(self, record: tuple[int, list[str]] | Damaged) -> None:
        """Take in one row, or what is damaged."""
        self.size += 1
        if isinstance(record, Damaged):
            self.damaged.append(record)
            return
        line, row = record
        width = len(self.names)
        if not any(row) or (len(row) != width and not any(cell.strip() for cell in row)):
            self.empty += 1
        elif len(row) == width or (len(row) > width and not any(row[width:])):
            self._numbers.append(line)
            self._rows.append(row[:width])
            self._bytes += sum(map(len, row))
        else:
            hint = "Quote values that hold the delimiter."
            self.damaged.append(Damaged(line, tuple(row), f"has {len(row)} cells where the header has {width}", hint))

    def batch(self) -> Batch:
        """What was gathered; it is empty afterwards."""
        self._fold()
        whole = [pa.concat_arrays(cells) for cells in zip(*self._columns, strict=True)] or [pa.array([], pa.string())] * len(
            self.names
        )
        if self.unguarded:
            whole = [spreadsheet.unguard(each) for each in whole]
        lines = np.concatenate([np.zeros(0, dtype=np.int64), *self._lines])
        damaged = tuple(sorted(map(_printable, self.damaged), key=lambda each: each.line))
        found = Batch(pa.array(lines), dict(zip(self.names, whole, strict=True)), damaged, self.empty)
        self.size = self.empty = self._bytes = 0
        self.damaged, self._lines, self._columns = [], [], []
        return found

    def _fold(self) -> None:
        """Make columns of the rows that came one by one. Those that are not whole characters are damaged."""
        if not self._rows:
            return
        try:
            columns = _columns(self._rows)
        except UnicodeEncodeError:
            self._set_aside()
            columns = _columns(self._rows) or tuple(pa.array([], pa.string()) for _ in self.names)
        self._lines.append(np.array(self._numbers, dtype=np.int64))
        self._columns.append(columns)
        self._numbers, self._rows = [], []

    def _set_aside(self) -> None:
        """Rows with bytes that are not of the encoding, or half of a character, are damaged rows."""
        rows = list(zip(self._numbers, self._rows, strict=True))
        whole = [each for each in rows if _whole(each[1])]
        self.damaged += [
            Damaged(line, tuple(row), "holds bytes that are not of the file's encoding", "Export the file as UTF-8.")
            for line, row in rows
            if not _whole(row)
        ]
        self._numbers, self._rows = [line for line, _ in whole], [row for _, row in whole]


def _columns(rows: list[list[str]]) -> tuple[pa.Array, ...]:
    return tuple(pa.array(cells, pa.string()) for cells in zip(*rows, strict=True))


def _whole(row: list[str]) -> bool:
    return not any("\ud800" <= each <= "\udfff" for cell in row if not cell.isascii() for each in cell)


def _printable(damaged: Damaged) -> Damaged:
    return replace(damaged, raw=tuple(each.encode("utf-8", "replace").decode() for each in damaged.raw))
