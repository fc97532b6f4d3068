"""The one open database of this process, for every door that needs it.

Pages, HTTP and background jobs live in one process and must share one `Store`; two would fight for
the file. The first who asks opens it, wherever the process was started from. A refusal is not
remembered: once the other program lets go of the file, the next request gets through.
What a request means does not live here (`web`, `pages/`), nor how a file is opened (`store`).
"""

from __future__ import annotations

import functools
import os
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from user360 import jobs
from user360.errors import StoreUnavailable
from user360.store import IN_MEMORY, Store, open_store

if TYPE_CHECKING:
    from collections.abc import Mapping

DATABASE: Final = "USER360_DATABASE"
DEFAULT_DATABASE: Final = Path(__file__).resolve().parent.parent / "data" / "user360.duckdb"


def database(environment: Mapping[str, str] = os.environ) -> str:
    """The path of the database file, as the environment names it, or the one in `data/`."""
    named = environment.get(DATABASE, "").strip() or str(DEFAULT_DATABASE)
    return named if named == IN_MEMORY else _whole(named)


@functools.lru_cache(maxsize=8)
def _whole(path: str) -> str:
    """A path from the root on; found out once, for every request and every part of a page asks."""
    return str(Path(path).expanduser().resolve())


PATIENCE_SECONDS: Final = 10


@dataclass
class _Place:
    """Where the open store of this process is kept."""

    store: Store | None = None
    shut: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)


_place: Final = _Place()


def current_store() -> Store:
    """The store every door of this process shares; opened by the first who asks. Raises `StoreUnavailable`."""
    path = database()
    with _place.lock:
        if _place.shut:
            raise StoreUnavailable("User 360 is shutting down.", "Try again in a moment.")
        if _place.store is not None and _place.store.path != path:
            _end_jobs()
            _place.store.close()
            _place.store = None
        if _place.store is None:
            opened = open_store(path)
            jobs.begin(opened)
            _place.store = opened
        return _place.store


def close(*, for_good: bool = False) -> None:
    """Write everything into the file and let go of it. The next who asks opens it again, unless it is for good.

    A server that stops closes for good: a page still being drawn must not take the file up again behind it.
    """
    with _place.lock:
        if _place.store is not None:
            _end_jobs()
            _place.store.close()
        _place.store, _place.shut = None, for_good


def _end_jobs() -> None:
    """Let every job come to the end of its step; what it has done so far is kept, and it says where it stood."""
    running = jobs.running()
    for job in running:
        jobs.pause(job.id)
    for job in running:
        jobs.wait(job.id, PATIENCE_SECONDS)
