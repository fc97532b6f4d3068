"""Where the values of one person came from: who wrote each of them, when and from which source.

Without this room a value would stand there as if it had always been. Every change there was is told
by `reading.history`; what follows from events (lastSession, lastChannel) has no writer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from user360 import events
from user360.clock import aware, stored
from user360.sql import joined, sql

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from user360.store import Store, Transaction

FOLLOWING: Final = frozenset({"lastSession", "lastChannel", "createdAt", "updatedAt"})


@dataclass(frozen=True, slots=True)
class Origin:
    """The write a value is of; `created` where the profile was made with it."""

    at: datetime
    by: str
    source: str
    created: bool = False


def origins(asked: Store | Transaction, profile_key: int, names: Collection[str], *, at: datetime) -> dict[str, Origin]:
    """The last write up to `at` of each of these properties, as far as it is known."""
    wanted = [each for each in names if each not in FOLLOWING]
    if not wanted:
        return {}
    changed = asked.rows(
        sql(
            "SELECT property, max(written_at), arg_max(by_whom, write_id), arg_max(source, write_id) FROM changes JOIN writes USING (write_id) "
            "WHERE profile_key = {} AND property IN ({}) AND written_at <= {} GROUP BY property",
            profile_key,
            joined(", ", wanted),
            stored(at),
        )
    )
    made = asked.rows(
        sql(
            "SELECT written_at, by_whom, source FROM writes WHERE write_id IN ({}) AND written_at <= {}",
            events.making(profile_key),
            stored(at),
        )
    )
    found = {each: Origin(aware(when), by, source, created=True) for when, by, source in made[:1] for each in wanted}
    return found | {each: Origin(aware(when), by, source) for each, when, by, source in changed}
