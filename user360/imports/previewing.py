"""What an import would make of the first rows: their values by property, and what each column's type refuses.

Nothing is written. The rows are judged by the types themselves, so what is shown here is what the
import does. Counts of new and changed users do not live here.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from user360 import properties, workspace
from user360.errors import shorten
from user360.imports import reading

if TYPE_CHECKING:
    from pathlib import Path

    from user360.datatype import Refused
    from user360.imports.lines import Damaged
    from user360.imports.mapping import Plan
    from user360.store import Store

LOOKED_AT: Final = 5_000
SHOWN: Final = 8
MOST_FAULTS: Final = 5


@dataclass(frozen=True, slots=True)
class Fault:
    """A value a column's type refuses: how often it stands there, why, and how to mend it."""

    column: str
    property: str
    value: str
    times: int
    reason: str
    hint: str


@dataclass(frozen=True, slots=True)
class Preview:
    """`rows` were looked at, `damaged` could not be read; `table` holds the first of them as text, by property."""

    rows: int
    damaged: tuple[Damaged, ...]
    faults: tuple[Fault, ...]
    table: pa.Table


def preview(store: Store, path: Path, plan: Plan) -> Preview:
    """Look at the first rows of a file as the plan would have them."""
    of = reading.shape(path, delimiter=plan.delimiter, encoding=plan.encoding)
    batch = next(islice(reading.rows(path, of), 1), None)
    if batch is None:
        return Preview(0, (), (), pa.table({}))
    known = {each.name: each for each in properties.find(store)}
    zone = workspace.get(store).zone
    faults: list[Fault] = []
    shown: dict[str, pa.Array] = {}
    for column, target in plan.mapping.items() if plan.kind == "users" else ((each, each) for each in of.columns):
        values = batch.columns[column].slice(0, LOOKED_AT)
        shown[target] = values.slice(0, SHOWN)
        if target in known and plan.kind == "users":
            faults += _faults(column, target, values, known[target].datatype.parse_column(values, zone).refused)
    return Preview(min(len(batch.lines), LOOKED_AT), batch.damaged[:MOST_FAULTS], tuple(faults), pa.table(shown))


def _faults(column: str, target: str, values: pa.Array, refused: tuple[Refused, ...]) -> list[Fault]:
    counted: Counter[tuple[str, str, str]] = Counter()
    for each in refused:
        counted[(shorten(values[each.position].as_py()), each.reason, each.hint)] += 1
    return [
        Fault(column, target, value, times, reason, hint) for (value, reason, hint), times in counted.most_common(MOST_FAULTS)
    ]
