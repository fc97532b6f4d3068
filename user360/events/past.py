"""Rows of events for other rooms to ask: as they stood at an earlier instant, those of people deleted since included.

An event counts from the moment it happened, also where it arrived later: late data completes the past.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from user360.clock import stored
from user360.events.wording import worded
from user360.schema import SYSTEM_EVENTS
from user360.sql import NOTHING, Sql, sql

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from user360.store import Store, Transaction

EVENTS: Final = Sql("events")
FIRST_OF_OTHERS: Final = len(SYSTEM_EVENTS)
"""The number from which on events are not the system's."""


def then(gone: Sql, at: datetime) -> Sql:
    """The rows of the events table, with those of `gone`: the keys of who was deleted or merged since. Later events are among them.

    An event that a merge moved since is of whom it was then.
    """
    moved = sql(
        "SELECT message_hash, message_id, arg_min(from_key, move_id) AS owner FROM event_moves WHERE moved_at > {} "
        "GROUP BY message_hash, message_id",
        stored(at),
    )
    held = sql("SELECT * FROM events UNION ALL SELECT * FROM deleted_events WHERE profile_key IN ({})", gone)
    return sql(
        "SELECT * FROM ({}) ANTI JOIN ({}) USING (message_hash, message_id) UNION ALL SELECT e.* REPLACE (m.owner AS profile_key) "
        "FROM ({}) e JOIN ({}) m USING (message_hash, message_id)",
        held,
        moved,
        held,
        moved,
    )


def last_of(rows: Sql, *, among: Sql = NOTHING, until: datetime | None = None) -> Sql:
    """The newest of these events of each person up to that instant, the system's left out: profile_key, seen_at.

    `among` are the keys it is for; without it everybody's.
    """
    return sql(
        "SELECT profile_key, max(occurred_at) AS seen_at FROM {} WHERE event_id >= {}{}{} GROUP BY profile_key",
        rows,
        FIRST_OF_OTHERS,
        _until(until),
        _among(among),
    )


def heard(rows: Sql, given: Sql, ahead: Sql, *, among: Sql = NOTHING, until: datetime | None = None) -> Sql:
    """The channel of the newest of these events that has one, the system's left out: profile_key, channel.

    Of whom is `given` (profile_key, since) those after that count, and none that is `ahead` of (profile_key, since, until).
    """
    return sql(
        "SELECT profile_key, arg_max(name, occurred_at) AS channel FROM (SELECT e.profile_key, e.occurred_at, name FROM {} e "
        "JOIN channels USING (channel_id) LEFT JOIN ({}) g ON e.profile_key = g.profile_key ANTI JOIN ({}) a "
        "ON e.profile_key = a.profile_key AND e.occurred_at > a.since AND e.occurred_at <= a.until "
        "WHERE event_id >= {}{}{} AND e.occurred_at > coalesce(g.since, '-infinity')) GROUP BY profile_key",
        rows,
        given,
        ahead,
        FIRST_OF_OTHERS,
        _until(until),
        _among(among, Sql("e.profile_key")),
    )


def _until(until: datetime | None) -> Sql:
    return sql(" AND occurred_at <= {}", stored(until)) if until is not None else NOTHING


def _among(among: Sql, key: Sql = Sql("profile_key")) -> Sql:  # noqa: B008 - a constant
    return sql(" AND {} IN ({})", key, among) if among else NOTHING


def making(profile_key: int) -> Sql:
    """The number of the write that made a profile, as its first event carries it: write_id."""
    return sql(
        "SELECT split_part(message_id, ':', 2)::UINTEGER AS write_id FROM events WHERE profile_key = {} AND event_id = {}",
        profile_key,
        SYSTEM_EVENTS.index("USER_CREATE"),
    )


def in_places(store: Store, seen: Transaction, places: Collection[int], of: Sql = EVENTS) -> dict[int, tuple[Any, ...]]:
    """The events in these places (rowid, within one snapshot): event, at, channel, message id and properties (JSON text), by place.

    Joined with the places, for a list of them in the text took seven times as long: every row was held against it. The
    words beside them come from memory: joined with theirs too, it took a quarter longer.
    """
    if not places:
        return {}
    page = pa.table({"row": pa.array(sorted(places), pa.int64())})
    columns = Sql("page.row AS place, event_id, channel_id, occurred_at, message_id, properties::JSON::VARCHAR AS properties")
    found = worded(store, seen.read(sql("SELECT {} FROM {} e JOIN page ON e.rowid = page.row", columns, of, page=page)))
    rows = found.select(["place", "event", "occurred_at", "channel", "message_id", "properties"])
    return {place: tuple(told) for place, *told in zip(*rows.to_pydict().values(), strict=True)}
