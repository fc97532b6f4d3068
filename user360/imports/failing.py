"""The file of the rows an import could not take: as they were, with their line and reasons, ready to be mended.

It stands beside the database and is longer than the counts say where a batch was never committed;
what is too much is cut off before the import goes on.
"""

from __future__ import annotations

import csv
import os
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from user360 import spreadsheet
from user360.errors import shorten
from user360.imports.mapping import REPORTED
from user360.imports.preparing import fit

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from user360.imports.gathering import Batch
    from user360.ingest import Receipt, Rejected


def cut(path: Path, length: int) -> None:
    """Leave as much of the file as was committed."""
    if path.exists() and path.stat().st_size > length:
        os.truncate(path, length)


def keep(path: Path, columns: Sequence[str], batch: Batch, receipt: Receipt) -> int:
    """Add the rows of this batch that were not taken; answer how long the file is then."""
    if receipt.rejected or batch.damaged:
        _add(path, [each for each in columns if each not in REPORTED], batch, receipt)
    return path.stat().st_size if path.exists() else 0


def without(path: Path, words: Collection[str]) -> int:
    """Take out every row that holds one of these words as a cell; answer how many that were."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    kept = [row for row in rows if not set(_bare(row)) & set(words)]
    if len(kept) < len(rows):
        part = path.with_suffix(".part")
        with part.open("w", newline="", encoding="utf-8") as file:
            part.chmod(0o600)
            csv.writer(file, quoting=csv.QUOTE_ALL).writerows(kept)
        part.replace(path)
    return len(rows) - len(kept)


def _bare(cells: list[str]) -> list[str]:
    found: list[str] = spreadsheet.unguard(pa.array(cells, pa.string())).to_pylist()
    return [each.strip() for each in found]


def _add(path: Path, own: list[str], batch: Batch, receipt: Receipt) -> None:
    reasons: dict[int, list[str]] = {}
    for each in receipt.rejected:
        reasons.setdefault(each.position, []).append(_reason(each))
    fresh = not path.exists() or not path.stat().st_size
    with path.open("a", newline="", encoding="utf-8") as file:
        path.chmod(0o600)
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        if fresh:
            writer.writerow([*own, *REPORTED])
        for line, cells in _rows_at(batch, own, set(reasons)):
            writer.writerow(_guarded([*cells, str(line), " · ".join(reasons[line])]))
        for damaged in batch.damaged:
            cells = [*damaged.raw[: len(own)], *[""] * (len(own) - len(damaged.raw))]
            writer.writerow(_guarded([*cells, str(damaged.line), f"unreadable: {damaged.reason}. {damaged.hint}"]))
        file.flush()
        os.fsync(file.fileno())


def _rows_at(batch: Batch, columns: list[str], lines: set[int]) -> list[tuple[int, list[str]]]:
    chosen = pc.is_in(batch.lines, pa.array(sorted(lines), pa.int64()))
    cells = [fit(batch.columns[each].filter(chosen), pa.string()).to_pylist() for each in columns]
    return [
        (line, [value or "" for value in row]) for line, *row in zip(batch.lines.filter(chosen).to_pylist(), *cells, strict=True)
    ]


def _reason(rejected: Rejected) -> str:
    return f"{rejected.code}: {shorten(rejected.message, 300)} {rejected.hint}".strip()


def _guarded(cells: list[str]) -> list[str]:
    found: list[str] = spreadsheet.guard(pa.array(cells, pa.string())).to_pylist()
    return found
