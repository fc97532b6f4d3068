"""Backups: whole, of one moment, verified, kept for a while, and put back."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from tests.worlds import AT, events, take, users
from user360 import events as event_room
from user360 import profiles
from user360.errors import StoreUnavailable
from user360.store import Store, open_store

if TYPE_CHECKING:
    from pathlib import Path


def _fill(store: Store, count: int = 50) -> None:
    take(store, users([{"userId": f"u{each}", "firstName": f"N{each}"} for each in range(count)]))
    take(store, events([(f"u{each}", "Order", AT) for each in range(count)], properties=['{"a": 1}'] * count))


def test_a_copy_holds_what_the_original_held_and_opens(store_file: Store) -> None:
    _fill(store_file)
    target = store_file.folder("backups") / "one.duckdb"
    found = store_file.copy_to(target)
    copy = open_store(target, read_only=True)

    assert copy.prints() == found == store_file.prints()
    assert profiles.get(copy, 7).user_id == "u7"
    assert event_room.totals(copy, 7)["event"].to_pylist() == event_room.totals(store_file, 7)["event"].to_pylist()
    copy.close()


def test_a_copy_is_of_one_moment_while_others_write(store_file: Store) -> None:
    """Each write adds a user and their event together: no copy may hold one without the other."""
    _fill(store_file, 5)
    stop = threading.Event()

    def write() -> None:
        number = 100
        while not stop.is_set():
            take(store_file, users([{"userId": f"u{number}"}]))
            number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        copies = [store_file.folder("backups") / f"{each}.duckdb" for each in range(3)]
        found = [store_file.copy_to(each) for each in copies]
    finally:
        stop.set()
        writer.join()
    for target, prints in zip(copies, found, strict=True):
        copy = open_store(target, read_only=True)
        assert copy.prints() == prints
        assert prints["profiles"][0] == prints["user_ids"][0]
        copy.close()
    assert found[0]["profiles"][0] < found[-1]["profiles"][0]


def test_a_copy_cannot_be_written_anywhere_else(store_file: Store, tmp_path: Path) -> None:
    with pytest.raises(Exception, match=r"ermission|not allowed|disabled"):
        store_file.copy_to(tmp_path / "elsewhere.duckdb")


def test_another_file_takes_the_place_of_the_present_one_under_every_reader(store_file: Store, tmp_path: Path) -> None:
    _fill(store_file)
    newcomer = tmp_path / "newcomer.duckdb"
    store_file.copy_to(store_file.folder("backups") / "copy.duckdb")
    (store_file.folder("backups") / "copy.duckdb").replace(newcomer)
    take(store_file, users([{"userId": "later"}]))
    before = store_file.revision("profiles")

    store_file.swap(newcomer, tmp_path / "aside.duckdb")

    assert profiles.count(store_file) == 50
    assert store_file.revision("profiles") > before
    aside = open_store(tmp_path / "aside.duckdb", read_only=True)
    assert profiles.count(aside) == 51
    aside.close()


def test_a_file_that_cannot_be_opened_takes_no_place(store_file: Store, tmp_path: Path) -> None:
    _fill(store_file)
    newcomer = tmp_path / "newcomer.duckdb"
    newcomer.write_bytes(b"no database" * 1_000)

    with pytest.raises(StoreUnavailable, match="damaged"):
        store_file.swap(newcomer, tmp_path / "aside.duckdb")
    assert profiles.count(store_file) == 50
    assert newcomer.exists()
