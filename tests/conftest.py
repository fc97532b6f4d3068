"""What every test stands on: a real database, a fixed instant, and no other machine's habits."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from user360 import doors
from user360.store import Store, open_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

AT = datetime(2026, 11, 23, 12, 50, tzinfo=UTC)

# A law is tried on the same cases everywhere, so that a red build can be repeated; `thorough` looks for new ones.
settings.register_profile("everyday", max_examples=25, deadline=None, derandomize=True, database=None)
settings.register_profile(
    "thorough", max_examples=1_000, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "everyday"))


def browser() -> str | None:
    """Where Chromium is on this machine, if it is."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def pytest_report_header() -> str:
    return f"browser: {browser() or 'none found, so the tests marked browser are left out'}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if browser():
        return
    left_out = [item for item in items if item.get_closest_marker("browser")]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)


@pytest.fixture(autouse=True)
def _never_the_real_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever opens "the" database in a test opens one of its own, and it is closed afterwards."""
    monkeypatch.setenv(doors.DATABASE, str(tmp_path / "user360.duckdb"))
    yield
    doors.close()


@pytest.fixture
def at() -> datetime:
    return AT


@pytest.fixture
def store() -> Iterator[Store]:
    """An empty database in memory."""
    opened = open_store()
    yield opened
    opened.close()


@pytest.fixture
def store_file(tmp_path: Path) -> Iterator[Store]:
    """An empty database on disk, with a name of its own."""
    opened = open_store(tmp_path / "store.duckdb")
    yield opened
    opened.close()
