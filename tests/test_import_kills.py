"""An import killed at any moment, again and again, ends where an undisturbed one does.

Every day with a few thousand rows and a few kills; `USER360_ROWS=200000 USER360_KILLS=20 python -m pytest
tests/test_import_kills.py` kills it twenty times.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from user360 import events, imports, profiles, segments
from user360.store import open_store

ROWS = int(os.environ.get("USER360_ROWS", "4000"))
KILLS = int(os.environ.get("USER360_KILLS", "3"))
BATCHES = 40
ROOT = Path(__file__).resolve().parent.parent

PROGRAM = """
import sys, time
from pathlib import Path
from user360 import clock, imports, jobs
from user360.imports import reading
from user360.store import open_store
database, file, plan, reading.BATCH = sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
store = open_store(database)
jobs.begin(store)
found = imports.find(store)
if found and found[0].status == "completed":
    print("done", flush=True)
    sys.exit()
if found:
    number = imports.resume(store, found[0].id).id
else:
    number = imports.start(store, file, imports.Plan.from_json(__import__("json").loads(plan)), by="Mira", at=clock.now())
print("running", flush=True)
imports.run(store, number, now=clock.now)
store.close()
print("done", flush=True)
"""
USERS = '{"mapping": {"id": "userId", "city": "city", "mail": "email"}, "tags": ["fair"], "segment": "Fair"}'
EVENTS = '{"kind": "events", "user_column": "id", "event": "Order", "time_column": "when", "zone": "UTC", "properties": ["city"]}'


def _users(row: int) -> str:
    """Every 50th row is refused, every 7th repeats somebody from long before, every 90th is damaged."""
    if row % 90 == 0:
        return f'{row},"x"y,\n'
    return f"u{row // 2 if row % 7 == 0 else row},City {row % 13},{'nonsense' if row % 50 == 0 else f'u{row}@example.com'}\n"


def _events(row: int) -> str:
    return f"u{row % 300},City {row % 3},{'' if row % 50 == 0 else f'2026-11-{row % 28 + 1:02}T10:00:00'}\n"


def _begin(database: Path, file: Path, plan: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PROGRAM, str(database), str(file), plan, str(max(ROWS // BATCHES, 1))]
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline().strip() in ("running", "done")
    return child


def _state(database: Path) -> dict[str, Any]:
    """All that an import writes, but for the instants at which it did."""
    store = open_store(database)
    record = imports.find(store)[0]
    columns = ("userId", "city", "email", "tags", "lastSession", "lastChannel")
    people = profiles.find(store, columns=columns, sort=(("userId", False),), limit=10 * ROWS).drop_columns(["profile_key"])
    failed = imports.failed_rows(store, record.id)
    found = segments.saved.named(store, "Fair")
    state = {
        "status": record.status,
        "counts": record.counts,
        "people": people.to_pylist(),
        "events": events.count(store),
        "mine": events.count(store, system=False),
        "failed": failed.read_text("utf-8") if failed.exists() else "",
        "list": len(segments.people(store, segments.saved.rule_of(found), at=record.started_at)) if found else 0,
    }
    store.close()
    return state


@pytest.mark.slow
@pytest.mark.parametrize(("plan", "row", "header"), [(USERS, _users, "id,city,mail"), (EVENTS, _events, "id,city,when")])
def test_an_import_killed_again_and_again_ends_where_an_undisturbed_one_does(
    tmp_path: Path, plan: str, row: Any, header: str
) -> None:
    file, chance = tmp_path / "rows.csv", random.Random(ROWS + KILLS)  # noqa: S311 - chance, not secrets
    file.write_text(header + "\n" + "".join(row(each) for each in range(1, ROWS + 1)), "utf-8")
    child = _begin(tmp_path / "whole.duckdb", file, plan)
    began = time.monotonic()
    child.communicate()
    length = time.monotonic() - began

    for _ in range(KILLS):
        child = _begin(tmp_path / "killed.duckdb", file, plan)
        time.sleep(chance.uniform(0, length / 2))
        child.send_signal(signal.SIGKILL)
        child.communicate()
    child = _begin(tmp_path / "killed.duckdb", file, plan)
    child.communicate()

    assert child.returncode == 0
    assert _state(tmp_path / "killed.duckdb") == _state(tmp_path / "whole.duckdb")
