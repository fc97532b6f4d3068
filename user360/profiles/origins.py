"""Where the values of one person came from: who wrote each of them, when and from which source.

Without this room a value would stand there as if it had always been. Every change there was is told
by `reading.history`; what follows from events (lastSession, lastChannel) has a writer as long as no event moved it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from user360 import events
from user360.clock import aware, stored
from user360.profiles import past, sessions
from user360.sql import joined, name, sql

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import datetime

    from user360.store import Store, Transaction

KEPT_BY_STORE: Final = frozenset({"createdAt", "updatedAt"})


@dataclass(frozen=True, slots=True)
class Origin:
    """The write a value is of; `created` where the profile was made with it."""

    at: datetime
    by: str
    source: str
    created: bool = False


def origins(asked: Store | Transaction, profile_key: int, names: Collection[str], *, at: datetime) -> dict[str, Origin]:
    """The last write up to `at` of each of these properties, as far as it is known."""
    followed = [origin for each in sessions.FOLLOWING if each in names for origin in _given(asked, profile_key, each, at)]
    wanted = [each for each in names if each not in KEPT_BY_STORE | sessions.FOLLOWING.keys()]
    if not wanted:
        return dict(followed)
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
    return found | {each: Origin(aware(when), by, source) for each, when, by, source in changed} | dict(followed)


def _given(asked: Store | Transaction, profile_key: int, property_name: str, at: datetime) -> Iterator[tuple[str, Origin]]:
    """The write that gave somebody the session or channel they had at that instant, if it was not an event."""
    given = asked.rows(
        sql(
            "SELECT value, written_at, by_whom, source, since IS NULL FROM ({}) JOIN writes USING (write_id, written_at) "
            "WHERE profile_key = {} AND (place % 2 = 0 OR since IS NULL) AND written_at <= {} ORDER BY place DESC LIMIT 1",
            sessions.steps(property_name),
            profile_key,
            stored(at),
        )
    )
    if given:
        then = past.values_then(property_name, sessions.FOLLOWING[property_name], at)
        had = asked.rows(sql("SELECT {} FROM ({}) WHERE profile_key = {}", name(property_name), then, profile_key))
        for value, when, by, source, created in given:
            if [(value,)] == had:
                yield property_name, Origin(aware(when), by, source, created=created)
