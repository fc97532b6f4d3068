"""A database that lost changes is noticed when it is opened, and its log is kept."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.worlds import AT
from user360 import keys
from user360.store import open_store

if TYPE_CHECKING:
    from pathlib import Path

COMMITS = 20
KILLED = """
import os, sys
from datetime import UTC, datetime
from user360 import keys
from user360.store import open_store
store = open_store(sys.argv[1])
for each in range(int(sys.argv[2])):
    keys.create(store, "read", f"key {each}", by="ann", at=datetime(2026, 11, 23, tzinfo=UTC))
os._exit(9)
"""


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the database of a process that died after some commits: file, log, and the number beside them."""
    folder = tmp_path_factory.mktemp("killed")
    subprocess.run([sys.executable, "-c", KILLED, folder / "a.duckdb", str(COMMITS)], check=False)
    assert (folder / "a.duckdb.wal").stat().st_size > 1000
    return folder


@pytest.fixture
def copied(killed: Path, tmp_path: Path) -> Path:
    shutil.copytree(killed, tmp_path / "copy")
    return tmp_path / "copy" / "a.duckdb"


def kept_logs(file: Path) -> list[str]:
    return [each.name for each in file.parent.glob("*.wal.*")]


def test_a_log_that_is_whole_is_read_and_not_kept(copied: Path) -> None:
    store = open_store(copied)

    assert (store.missing, len(keys.find(store)), store.commits) == (0, COMMITS, COMMITS)
    store.close()
    assert kept_logs(copied) == []


def test_a_log_that_was_deleted_is_noticed(copied: Path) -> None:
    copied.with_name("a.duckdb.wal").unlink()

    store = open_store(copied)

    assert (store.missing, keys.find(store)) == (COMMITS, ())
    store.close()


def test_what_is_missing_is_told_once_and_counting_goes_on(copied: Path) -> None:
    copied.with_name("a.duckdb.wal").unlink()
    store = open_store(copied)
    keys.create(store, "read", "anew", by="ann", at=AT)
    store.close()

    again = open_store(copied)

    assert (again.missing, again.commits) == (0, 1)
    again.close()


def test_another_database_in_the_same_place_misses_nothing(copied: Path) -> None:
    for suffix in ("", ".wal"):
        copied.with_name(copied.name + suffix).unlink()

    store = open_store(copied)

    assert (store.missing, store.commits) == (0, 0)
    store.close()


def test_a_number_cut_off_in_the_middle_is_not_believed(copied: Path) -> None:
    os.truncate(copied.with_name("a.duckdb.commits"), 7)

    store = open_store(copied)

    assert store.missing == 0
    store.close()


@pytest.mark.parametrize("places", [12, pytest.param(200, marks=pytest.mark.slow)])
def test_a_log_damaged_anywhere_opens_and_is_never_silent(killed: Path, tmp_path: Path, places: int) -> None:
    chance = random.Random(5)  # noqa: S311 - which places are tried
    whole = (killed / "a.duckdb.wal").read_bytes()
    silent = []
    for place in range(places):
        folder = tmp_path / str(place)
        shutil.copytree(killed, folder)
        offset = chance.randrange(len(whole))
        (folder / "a.duckdb.wal").write_bytes(
            whole[:offset] + bytes([whole[offset] ^ 1 << chance.randrange(8)]) + whole[offset + 1 :]
        )
        store = open_store(folder / "a.duckdb")
        found = len(keys.find(store))
        if found + store.missing != COMMITS or (store.missing and not kept_logs(folder / "a.duckdb")):
            silent.append((offset, found, store.missing))
        store.close()
        shutil.rmtree(folder)

    assert silent == []


def test_a_damaged_file_is_left_as_it_is(copied: Path) -> None:
    copied.write_bytes(b"\0" * 4096 + copied.read_bytes()[4096:])
    before = {each.name: each.read_bytes() for each in copied.parent.iterdir() if each.is_file()}

    with pytest.raises(Exception, match="damaged"):
        open_store(copied)

    assert {each.name: each.read_bytes() for each in copied.parent.iterdir() if each.is_file()} == before
