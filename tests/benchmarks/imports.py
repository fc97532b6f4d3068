"""How long a million rows of twelve columns take to be tried, imported and taken back; how much memory, how much processor.

    python -m tests.benchmarks.imports [FOLDER] [--rows N]

The database holds the people of the file already: a tenth of them differ in it in four columns, one in
fifty rows is somebody new, one in a hundred has a value that is refused. Each phase runs in a process
of its own, so that the memory told is its own.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from tests.benchmarks import worlds
from tests.benchmarks.__main__ import AT
from user360 import imports
from user360.store import open_store

if TYPE_CHECKING:
    from user360.store import Store

PHASES = ("dry run", "commit", "undo")
GOAL_SECONDS, GOAL_MEGABYTES = 60, 1_500
DIFFERENT, NEW, REFUSED = 10, 50, 100


def main() -> None:
    """Make the world, run every phase and print a line for each."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.imports", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--one", choices=("world", *PHASES))
    asked = parser.parse_args()
    if asked.one:
        one(asked.folder, asked.one, asked.rows)
        return
    with tempfile.TemporaryDirectory(prefix="user360-benchmark-") as named:
        folder = asked.folder or Path(named)
        print("| phase | wall | goal | processor | peak memory | goal |\n|---|--:|--:|--:|--:|--:|", flush=True)
        for phase in ("world", *PHASES) if not (folder / "people.duckdb").exists() else PHASES:
            command = [sys.executable, "-m", "tests.benchmarks.imports", str(folder), "--rows", str(asked.rows), "--one", phase]
            subprocess.run(command, check=True)


def one(folder: Path, phase: str, rows: int) -> None:
    """Run one phase and say what it took."""
    if phase == "world":
        _world(folder, rows)
        return
    store = open_store(folder / "people.duckdb")
    work = {"dry run": _try, "commit": _commit, "undo": _undo}[phase]
    began, worked = time.perf_counter(), time.process_time()
    told = work(store, folder / "changed.csv")
    wall, cpu = time.perf_counter() - began, time.process_time() - worked
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    store.close()
    print(
        f"| {phase} ({told}) | {wall:.1f} s | {GOAL_SECONDS} s | {cpu:.1f} s | {memory:,.0f} MB | {GOAL_MEGABYTES:,} MB |",
        flush=True,
    )


def _world(folder: Path, rows: int) -> None:
    """A database of the people as they are, and a file of them as they are to become."""
    found = worlds.people(round(rows * 1.04), rows, at=AT)
    found = found.slice(0, min(rows, found.num_rows)).select(worlds.FILE_COLUMNS)
    pa_csv.write_csv(found, folder / "people.csv")
    pa_csv.write_csv(_changed(found), folder / "changed.csv")
    store = worlds.fresh(folder / "people.duckdb", at=AT)
    _run(store, folder / "people.csv")
    store.close()


def _changed(found: pa.Table) -> pa.Table:
    """The same people: some different, some under ids nobody has, some with a value that is refused."""
    place = np.arange(found.num_rows)
    apart = [place % each == 0 for each in (DIFFERENT, NEW, REFUSED)]
    different, new, refused = (pa.array(each) for each in apart)

    def put(column: str, where: pa.Array, values: Any) -> pa.ChunkedArray:
        return pc.if_else(where, values, found[column].cast(pa.string()))

    columns = {each: found[each] for each in found.column_names}
    columns["userId"] = put("userId", new, pc.binary_join_element_wise(found["userId"], "new", "-"))
    for each in ("firstName", "city", "loyaltyTier"):
        columns[each] = put(each, different, "Changed")
    columns["spent"] = put("spent", different, pa.array(place).cast(pa.string()))
    columns["email"] = put("email", refused, "nobody at home")
    return pa.table(columns)


def _plan(store: Store, file: Path) -> imports.Plan:
    return imports.suggest(store, imports.inspect(file), zone="UTC")


def _run(store: Store, file: Path) -> Any:
    number = imports.start(store, file, _plan(store, file), by="benchmark", at=AT)
    return imports.run(store, number, now=lambda: AT).counts


def _try(store: Store, file: Path) -> str:
    with imports.dry_run(store, file, _plan(store, file), by="benchmark", at=AT) as found:
        return _told(found.counts)


def _commit(store: Store, file: Path) -> str:
    return _told(_run(store, file))


def _undo(store: Store, _: Path) -> str:
    number = imports.find(store)[0].id
    imports.undo(store, number, by="benchmark", now=lambda: AT)
    return f"import {number}"


def _told(counts: Any) -> str:
    return f"{counts.total:,} rows: {counts.created:,} new, {counts.updated:,} changed, {counts.failed:,} refused"


if __name__ == "__main__":
    main()
