"""Looking at a dry run row by row: what would become of each row of the file, and of each of its values.

What the dry run did is read from the world it was done in. How it is done does not live here (`trying`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from user360 import profiles, properties

if TYPE_CHECKING:
    from collections.abc import Mapping

    from user360.imports.trying import DryRun


@dataclass(frozen=True, slots=True)
class Cell:
    """One value of a row as it would be, and what it was where the row changes it; canonical text, None where unknown."""

    old: str | None
    new: str | None
    changed: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the file: its line, whom it is about, what would become of it, why it is refused.

    Of users their values by property; of events at, event, channel and properties, as far as they could be read.
    """

    line: int
    user_id: str
    outcome: int
    cells: dict[str, Cell]
    reasons: tuple[str, ...] = ()
    said: Mapping[str, Any] = field(default_factory=dict)


def count_rows(found: DryRun, *, outcome: int | None = None, changing: str = "") -> int:
    """How many rows of the file came to that, or change that property."""
    return len(_picked(found, outcome, changing))


def look(found: DryRun, *, outcome: int | None = None, changing: str = "", limit: int = 50, offset: int = 0) -> list[Row]:
    """Rows of the file with what would become of them; only those that came to `outcome`, or change one property."""
    places = _picked(found, outcome, changing)[offset : offset + limit]
    rows = found.rows.take(pa.array(places)) if found.rows.num_rows else found.rows
    if not rows.num_rows:
        return []
    reasons, named = _reasons(found, rows["line"])
    if found.plan.kind == "events":
        said = [found.said.slice(each, 1).to_pylist()[0] for each in places.tolist()]  # a take would read all of the file
        lines = zip(rows["line"].to_pylist(), rows["outcome"].to_pylist(), said, strict=True)
        return [Row(line, each["user_id"] or "", came, {}, reasons.get(line, ()), each) for line, came, each in lines]
    ids, cells = _cells(found, rows)
    return [
        Row(line, ids.get(place) or named.get(line, ""), came, cells.get(place, {}), reasons.get(line, ()))
        for place, (line, came) in enumerate(zip(rows["line"].to_pylist(), rows["outcome"].to_pylist(), strict=True))
    ]


def _picked(found: DryRun, outcome: int | None, changing: str) -> np.ndarray[Any, np.dtype[np.int64]]:
    rows = found.rows
    if not rows.num_rows:
        return np.zeros(0, dtype=np.int64)
    wanted = np.ones(rows.num_rows, dtype=np.bool_)
    if outcome is not None:
        wanted &= rows["outcome"].to_numpy() == outcome
    if changing:
        pairs = profiles.rows_changing(found.trial, changing)
        wanted &= np.isin(_code(rows), _code(pairs))
    return np.flatnonzero(wanted)


def _code(rows: pa.Table) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Write and person of each row as one number; below zero where there is none."""
    write = pc.fill_null(rows["write_id"].cast(pa.int64()), -1).to_numpy()
    found: np.ndarray[Any, np.dtype[np.int64]] = (write << 32) + pc.fill_null(rows["profile_key"].cast(pa.int64()), 0).to_numpy()
    return found


def _reasons(found: DryRun, lines: pa.ChunkedArray) -> tuple[dict[int, tuple[str, ...]], dict[int, str]]:
    """Per refused line the reasons, and the id that stands in it."""
    told: dict[int, tuple[str, ...]] = {}
    named: dict[int, str] = {}
    for each in found.refused.filter(pc.is_in(found.refused["line"], lines.combine_chunks())).to_pylist():
        told[each["line"]] = (*told.get(each["line"], ()), each["reason"])
        named[each["line"]] = each["user_id"] or ""
    return told, named


def _cells(found: DryRun, rows: pa.Table) -> tuple[dict[int, str], dict[int, dict[str, Cell]]]:
    asked = rows.append_column("place", pa.array(range(rows.num_rows), pa.int64())).filter(pc.is_valid(rows["profile_key"]))
    ids: dict[int, str] = {}
    cells: dict[int, dict[str, Cell]] = {}
    if not asked.num_rows:
        return ids, cells
    types = {each.name: each.datatype for each in properties.find(found.trial)}
    shown = [each for each in found.columns if each in types]
    for each in profiles.cells(found.trial, asked, shown or ["createdAt"]).to_pylist():
        ids[each["place"]] = each["userId"] or ""
        if each["property"] in shown:
            told = [profiles.as_text(each[one], types[each["property"]]) for one in ("old", "new")]
            cells.setdefault(each["place"], {})[each["property"]] = Cell(told[0], told[1], each["changed"])
    return ids, cells
