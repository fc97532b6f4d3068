"""What every event comes to: its people, how many there are, the first and the last; kept, and carried on with what was appended since.

Seven pages ask it, and every commit would have them go through all events again. So it is remembered up to a
place in the table: what came later stands behind it, and is all that is read. Where somebody's events were removed
or given to another, or rows stand elsewhere than they did, all is read anew. What is told of it does not live here (`reading`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

from user360.people import People, room_for
from user360.sql import NOTHING, Sql, sql

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from user360.store import Store, Transaction

REMOVALS: Final = "removals"
"""The topic of whoever removes events or gives them to another person."""
MOST_KEPT_BYTES: Final = 64 * 2**20
MOST_BITMAP_BYTES: Final = 256 * 2**20


@dataclass(frozen=True, slots=True)
class Sum:
    """One event: who did it (None where that would take too much room), how many people, how often, the first and last time (naive UTC)."""

    people: People | None
    users: int
    total: int
    first_at: datetime
    last_at: datetime

    def and_then(self, more: Sum) -> Sum:
        """With what came later."""
        assert self.people is not None  # noqa: S101 - of what is kept
        assert more.people is not None  # noqa: S101 - read as what is kept
        people = self.people | more.people
        times = min(self.first_at, more.first_at), max(self.last_at, more.last_at)
        return Sum(people, len(people), self.total + more.total, *times)


@dataclass(frozen=True, slots=True)
class _Kept:
    """The sums of the rows up to a place of the table, as of a number of removals."""

    removals: int
    place: int
    sums: Mapping[int, Sum]

    @property
    def rows(self) -> int:
        return sum(each.total for each in self.sums.values())

    def and_then(self, more: _Kept) -> _Kept:
        both = {event: self.sums[event].and_then(each) if event in self.sums else each for event, each in more.sums.items()}
        return _Kept(self.removals, max(self.place, more.place), {**self.sums, **both})


_kept: WeakKeyDictionary[Store, _Kept] = WeakKeyDictionary()


def sums(store: Store) -> Mapping[int, Sum]:
    """Every event that happened, by its number."""
    removals = store.revision(REMOVALS)  # before anything is read: what is removed meanwhile is read once more
    with store.snapshot() as seen:
        ((held, kinds, keys),) = seen.rows(
            Sql(
                "SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM event_names), "
                "coalesce((SELECT next FROM counters WHERE name = 'profile_key'), 0)"
            )
        )
        size = kinds * room_for(keys) // 8
        before = _kept.get(store) if size <= MOST_KEPT_BYTES else None
        if before is not None and before.removals == removals:
            found = before.and_then(_read(seen, removals, keys, size, since=before.place))
            if found.rows == held:
                _kept[store] = found
                return found.sums
        found = _read(seen, removals, keys, size)
    if size <= MOST_KEPT_BYTES:
        _kept[store] = found
    else:
        _kept.pop(store, None)
    return found.sums


def _read(seen: Transaction, removals: int, keys: int, size: int, *, since: int | None = None) -> _Kept:
    """The sums of all rows, or of those that stand behind a place. People are bitmaps, which is exact and quick, unless these would not fit."""
    bitmaps = size <= MOST_BITMAP_BYTES
    people = sql("bitstring_agg(profile_key, 0, {})::BLOB", Sql(str(max(room_for(keys), 8) - 1)))
    rows = seen.rows(
        sql(
            "SELECT event_id, {}, count(*), min(occurred_at), max(occurred_at), max(rowid) FROM events{} GROUP BY event_id",
            people if bitmaps else Sql("count(DISTINCT profile_key)"),
            NOTHING if since is None else sql(" WHERE rowid > {}", since),
        )
    )
    found = {}
    for event, who, *figures, _ in rows:
        known = People.packed(who) if bitmaps else None
        found[event] = Sum(known, who if known is None else len(known), *figures)
    return _Kept(removals, max((place for *_, place in rows), default=-1), found)
