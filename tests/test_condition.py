"""What is wrong with the database is told on every page."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.serving import PATIENCE_SECONDS
from tests.worlds import AT
from user360 import condition, doors, sources
from user360.errors import StoreUnavailable
from user360.store import open_store

MAIN = Path(__file__).resolve().parent.parent / "pages" / "ui" / "main.py"


def test_a_database_that_is_well_worries_nobody(store_file):
    condition.require_room(store_file)

    assert condition.worries(store_file) == ()


def test_a_disk_that_is_almost_full_is_a_worry_and_a_refusal(store_file, monkeypatch):
    monkeypatch.setattr(condition, "LEAST_FREE", 2**62)

    assert ["almost full" in each.message for each in condition.worries(store_file)] == [True]
    with pytest.raises(StoreUnavailable, match="almost full"):
        condition.require_room(store_file)


def test_in_memory_no_disk_is_full(store, monkeypatch):
    monkeypatch.setattr(condition, "LEAST_FREE", 2**62)

    assert condition.worries(store) == ()


def test_changes_that_were_lost_with_the_log_are_told_on_the_page(tmp_path, monkeypatch):
    file = tmp_path / "user360.duckdb"
    open_store(file).close()
    store = open_store(file)
    sources.define(store, "Shop", "web", by="ann", at=AT)
    kept = {each: each.read_bytes() for each in tmp_path.glob("user360.duckdb.commits")}
    before = file.read_bytes()
    store.close()
    file.write_bytes(before)  # as if the log had never been read
    for each, noted in kept.items():
        each.write_bytes(noted)
    monkeypatch.setenv(doors.DATABASE, str(file))

    page = AppTest.from_file(str(MAIN), default_timeout=PATIENCE_SECONDS).run()

    assert doors.current_store().missing == 1
    assert [each.value.split("**")[1] for each in page.error] == [
        "The last change is missing from the database: its log was damaged or deleted."
    ]
