"""What every test stands on: a real database, a fixed instant, and no other machine's habits."""

from __future__ import annotations

import functools
import os
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from streamlit.components.v2 import manifest_scanner

from user360 import doors
from user360.store import Store, open_store

if TYPE_CHECKING:
    from collections.abc import Iterator

AT = datetime(2026, 11, 23, 12, 50, tzinfo=UTC)

# A law is tried on the same cases everywhere, so that a red build can be repeated; `thorough` looks for new ones.
# How long a case takes says something of the machine alone.
_ANY_PACE = settings(deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("everyday", _ANY_PACE, max_examples=25, derandomize=True)
settings.register_profile("thorough", _ANY_PACE, max_examples=1_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "everyday"))


# Streamlit reads what every installed package says of itself whenever an app begins, a third of a second for each of
# a thousand pages; what is installed stays the same while tests run.
manifest_scanner.scan_component_manifests = functools.cache(manifest_scanner.scan_component_manifests)

IN_MEMORY = Path("/dev/shm")  # noqa: S108 - where it is, the kernel's own directory of files that are never written to a disk
ROOM = 4 << 30


def pytest_configure(config: pytest.Config) -> None:
    """The databases of the tests lie in memory where there is room: a process that is killed loses nothing there either."""
    chosen = config.option.basetemp or hasattr(config, "workerinput")
    if chosen or not os.access(IN_MEMORY, os.W_OK) or shutil.disk_usage(IN_MEMORY).free < ROOM:
        return
    config.option.basetemp = tempfile.mkdtemp(prefix="user360-tests-", dir=IN_MEMORY)


def pytest_unconfigure(config: pytest.Config) -> None:
    """What lies in memory goes with the run."""
    made = config.option.basetemp
    if made and Path(made).parent == IN_MEMORY and not hasattr(config, "workerinput"):
        shutil.rmtree(made, ignore_errors=True)


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


@pytest.fixture(scope="session")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database on disk, made by the program and closed: to copy it takes a third of what it takes to make it."""
    path = tmp_path_factory.mktemp("begun") / "begun.duckdb"
    open_store(path).close()
    return path


@pytest.fixture
def store_file(tmp_path: Path, begun: Path) -> Iterator[Store]:
    """An empty database on disk, with a name of its own."""
    opened = open_store(shutil.copyfile(begun, tmp_path / "store.duckdb"))
    yield opened
    opened.close()


@pytest.fixture
def workspace(begun: Path) -> None:
    """An empty database where the program looks for its own, as from an earlier start."""
    shutil.copyfile(begun, doors.database())
