"""How the database is: whether changes are missing from it, and whether there is room for more.

Both would be silent otherwise: a log that was damaged takes the last changes with it, and a disk that is
full refuses the next ones. Pages show every worry on top, and no message is let in where there is no room
for it, so that its sender keeps it. How missing changes are noticed does not live here (`store.ledger`).
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from user360.errors import StoreUnavailable
from user360.store import IN_MEMORY

if TYPE_CHECKING:
    from user360.store import Store

LEAST_FREE: Final = 200 * 2**20


@dataclass(frozen=True, slots=True)
class Worry:
    """Something about the database that somebody has to know: what, and what to do."""

    message: str
    hint: str


def worries(store: Store) -> tuple[Worry, ...]:
    """What is wrong with the database now, the worst first."""
    found = [_missing(store.missing)] if store.missing else []
    free = _free(store)
    return (*found, _full(free)) if free < LEAST_FREE else tuple(found)


def require_room(store: Store) -> None:
    """Refuse where the disk is almost full: what is let in then could not be kept."""
    free = _free(store)
    if free < LEAST_FREE:
        worry = _full(free)
        raise StoreUnavailable(worry.message, worry.hint)


def _missing(count: int) -> Worry:
    what = "The last change is" if count == 1 else f"The last {count:,} changes are"
    return Worry(
        f"{what} missing from the database: its log was damaged or deleted.",
        "What is left of the log is kept beside the database. Import or send again what came last, or restore a backup.",
    )


def _full(free: int) -> Worry:
    return Worry(
        f"The disk is almost full: {free // 2**20:,} MB are left.",
        f"No messages are taken in until {LEAST_FREE // 2**20:,} MB are free. Delete old backups and exports, or make the disk larger.",
    )


def _free(store: Store) -> int:
    """How many bytes there is room for beside the database; without end in memory."""
    return LEAST_FREE if store.path == IN_MEMORY else shutil.disk_usage(Path(store.path).parent).free
