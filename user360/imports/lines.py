"""Delimited text record by record, each with the physical line it begins on.

A stray quote must cost its own line and never the lines behind it. So quotes are read strictly, and
a record that breaks the rules, never ends, or runs over several lines and still does not fit the
header gives back all its lines but the first. What the cells mean does not live here (`reading`).
"""

from __future__ import annotations

import csv
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LONGEST_CELL: Final = 64 * 2**20
MOST_LINES: Final = 1_000
_HINT: Final = "Double a quote that stands inside a quoted value."


@dataclass(frozen=True, slots=True)
class Damaged:
    """A row that could not be read: its line, what stood there, and why."""

    line: int
    raw: tuple[str, ...]
    reason: str
    hint: str


class _Feed:
    """Physical lines, those of the record being read held so that they can be given back."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self.returned: deque[str] = deque()
        self.held: list[str] = []

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        if len(self.held) >= MOST_LINES:
            raise csv.Error("unexpected end of data")
        line = self.returned.popleft() if self.returned else next(self._lines)
        self.held.append(line)
        return line

    def give_back(self) -> None:
        """All lines of the record but its first."""
        self.returned.extendleft(reversed(self.held[1:]))
        del self.held[1:]


def records(
    lines: Iterator[str], delimiter: str, *, width: int = 0, begins: int = 1, until: Callable[[], bool] = lambda: False
) -> Iterator[tuple[int, list[str]] | Damaged]:
    """Each row with its line, or what is damaged. `width` is how many cells a row has, 0 where nobody knows yet.

    `begins` is the number of the first line. Behind a record, when no line is held, `until` may say that it is enough.
    """
    csv.field_size_limit(LONGEST_CELL)
    feed = _Feed(lines)
    reader = csv.reader(feed, delimiter=delimiter, strict=True)
    line = begins
    while True:
        try:
            row = next(reader)
            reason = "a quote is opened and not closed" if len(feed.held) > 1 and _misfits(row, width) else ""
        except StopIteration:
            return
        except csv.Error as fault:
            reason = _reason(str(fault))
        if reason:
            feed.give_back()
            yield Damaged(line, _cells(feed.held[0], delimiter), reason, _HINT)
        else:
            yield line, row
        line += len(feed.held)
        feed.held.clear()
        if not feed.returned and until():
            return


def _misfits(row: list[str], width: int) -> bool:
    return bool(width) and (len(row) < width or any(row[width:]))


def _cells(line: str, delimiter: str) -> tuple[str, ...]:
    """The cells of one damaged line, as far as they can be told apart."""
    try:
        return tuple(cell.rstrip("\r\n") for cell in next(csv.reader([line], delimiter=delimiter), []))
    except csv.Error:
        return (line.rstrip("\r\n"),)


def _reason(fault: str) -> str:
    if "expected after" in fault:
        return "a quote stands in the middle of a quoted value"
    return "a value is longer than 64 MB" if "larger than" in fault else "a quote is opened and not closed"
