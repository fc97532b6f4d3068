"""How long a million users of forty columns take to become a file, in every format; how much memory, how much processor.

    python -m tests.benchmarks.exports DATABASE [FOLDER] [FORMAT …]

DATABASE is one that `tests.benchmarks` filled; nothing in it is changed but the log of what was exported.
Each format runs in a process of its own, so that the memory told is its own.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from user360 import exports, profiles, properties
from user360.store import open_store

NOW = datetime(2026, 11, 23, tzinfo=UTC)
COLUMNS = 40
PACKED = ("csv.gz",)


def main() -> None:
    """Run every format and print a line for each."""
    database, *rest = sys.argv[1:]
    folder = Path(rest[0]) if rest else Path(tempfile.mkdtemp())
    for form in rest[1:] or (*exports.FORMATS, *PACKED):
        subprocess.run([sys.executable, "-m", "tests.benchmarks.exports", "--one", database, str(folder), form], check=True)


def one(database: str, folder: str, form: str) -> None:
    """Write one format and say what it took."""
    store = open_store(database)
    names = tuple(each.name for each in properties.find(store))[:COLUMNS]
    target = Path(folder) / f"users.{form}"
    layout = exports.Layout(form.split(".", maxsplit=1)[0], gzip=form.endswith(".gz"))
    began, worked = time.perf_counter(), time.process_time()
    rows = exports.write(store, target, exports.Users(names), layout, by="benchmark", at=NOW).rows
    wall, cpu = time.perf_counter() - began, time.process_time() - worked
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    assert rows == profiles.count(store)
    store.close()
    print(
        f"{form:8} {rows:>9,} users × {len(names)}: {wall:7.1f} s, {cpu:7.1f} s CPU, {memory:6.0f} MB, {target.stat().st_size / 1e6:8.1f} MB file"
    )
    target.unlink()


if __name__ == "__main__":
    if sys.argv[1] == "--one":
        one(*sys.argv[2:])
    else:
        main()
