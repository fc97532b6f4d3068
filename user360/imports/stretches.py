"""Delimited text of which every line is a row, as most of any file is, read a stretch at once.

That is thirty times as fast as record by record (`lines`), and takes no risk: a stretch that holds
anything readers disagree on is not read here at all - a row over several lines or of another width, a
quote out of its place, a lone carriage return, bytes that are no UTF-8. Its records are then told apart
one by one, and both ways give the same rows. Where the text comes from does not live here (`reading`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

if TYPE_CHECKING:
    from collections.abc import Sequence

Numbers: TypeAlias = "np.ndarray[Any, np.dtype[np.int64]]"
_QUOTE: Final = ord('"')
_RETURN: Final = ord("\r")
_END: Final = ord("\n")
_BOM: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Stretch:
    """`span` lines of a file from line `begins` on: the rows that hold something, the line of each, the others blank."""

    begins: int
    span: int
    lines: Numbers
    columns: tuple[pa.Array, ...]

    def divided(self, count: int) -> tuple[Stretch, Stretch]:
        """The first `count` lines and the others."""
        rows = int(np.searchsorted(self.lines, self.begins + count))
        head = Stretch(self.begins, count, self.lines[:rows], tuple(each.slice(0, rows) for each in self.columns))
        rest = tuple(each.slice(rows) for each in self.columns)
        return head, Stretch(self.begins + count, self.span - count, self.lines[rows:], rest)


def read(text: bytes, delimiter: str, names: Sequence[str], *, begins: int) -> Stretch | None:
    """The rows of whole lines of UTF-8, where each line is a row of the right width or blank; None where any is not."""
    if not delimiter.isascii() or len(delimiter) != 1 or b"\0" in text or text.startswith(_BOM):
        return None
    if text.count(b"\r") != text.count(b"\r\n"):
        return None
    raw = np.frombuffer(b"\n" + text + b"\n", np.uint8)
    ends = np.flatnonzero(raw[1:-1] == _END)
    if not _quoted_well(raw, ends, ord(delimiter)):
        return None
    columns = _columns(text, delimiter, names)
    if columns is None:
        return None
    span = len(ends) + (not text.endswith(b"\n"))
    lines = np.arange(begins, begins + span)
    if len(columns[0]) < span:
        lines = lines[~_blank(raw, ends, span)]
    return Stretch(begins, span, *_filled(lines, columns)) if len(columns[0]) == len(lines) else None


def _quoted_well(raw: Any, ends: Numbers, delimiter: int) -> bool:
    """Whether quotes stand around whole cells or doubled within them, and none runs over the end of a line.

    `raw` has one end of a line before the text and one behind it; `ends` counts from the text's beginning.
    """
    quotes = np.flatnonzero(raw == _QUOTE)
    if not len(quotes):
        return True
    if len(quotes) % 2 or (np.searchsorted(quotes, ends + 1) % 2).any():
        return False
    opening, closing = quotes[::2], quotes[1::2]
    before = np.isin(np.arange(256), [_QUOTE, delimiter, _END])
    after = np.isin(np.arange(256), [_QUOTE, delimiter, _END, _RETURN])
    return bool(before[raw[opening - 1]].all() and after[raw[closing + 1]].all())


def _columns(text: bytes, delimiter: str, names: Sequence[str]) -> tuple[pa.Array, ...] | None:
    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(text),
            read_options=arrow_csv.ReadOptions(column_names=list(names), use_threads=False, block_size=len(text) + 1),
            parse_options=arrow_csv.ParseOptions(delimiter=delimiter),
            convert_options=arrow_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False),
        )
    except pa.ArrowInvalid:
        return None
    return tuple(each.combine_chunks() for each in table.columns)


def _blank(raw: Any, ends: Numbers, span: int) -> Any:
    """Which lines hold nothing at all."""
    stops = ends if len(ends) == span else np.r_[ends, len(raw) - 2]
    starts = np.r_[0, ends + 1][:span]
    return (stops == starts) | ((stops == starts + 1) & (raw[starts + 1] == _RETURN))


def _filled(lines: Numbers, columns: tuple[pa.Array, ...]) -> tuple[Numbers, tuple[pa.Array, ...]]:
    """Without the rows of which every cell is blank."""
    empty = pc.equal(pc.binary_length(columns[0]), 0)
    for each in columns[1:]:
        if not empty.true_count:
            return lines, columns
        empty = pc.and_(empty, pc.equal(pc.binary_length(each), 0))
    if not empty.true_count:
        return lines, columns
    full = pc.invert(empty)
    return lines[full.to_numpy(zero_copy_only=False)], tuple(each.filter(full) for each in columns)
