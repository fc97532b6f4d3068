"""How lastSession and lastChannel follow the newest events, and stay what their past says they are.

An event counts from the moment it happened. One that comes after somebody set a session it happened before moves it
all the same, but only from then on: that is remembered (`sessions`). An event still to come moves it at once, and in
the past from its moment on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from user360 import events
from user360.clock import stored
from user360.profiles import sessions, writing
from user360.sql import NOTHING, Sql, sql

if TYPE_CHECKING:
    from datetime import datetime

    from user360.store import Transaction


_EARLY: Final = Sql("profile_key IN (SELECT profile_key FROM early)")


def follow(tx: Transaction, newest: pa.Table, *, source: str, by: str, at: datetime, import_id: int | None = None) -> None:
    """Let lastSession and lastChannel follow the newest events: profile_key, at_time, channel.

    These two follow from the events themselves, so no change is remembered for them; source, by and at are those of
    the write that what came late is remembered by.
    """
    if not newest.num_rows:
        return
    late = _late(tx, newest)
    if late is not None:
        _remember(tx, late, writing.start_change(tx, source, by, at, import_id=import_id), at)
    tx.execute(
        sql(
            'UPDATE profiles SET "lastSession" = newest.at_time, "lastChannel" = coalesce(newest.channel, "lastChannel") FROM newest '
            'WHERE profiles.profile_key = newest.profile_key AND ("lastSession" IS NULL OR "lastSession" < newest.at_time)',
            newest=newest,
        )
    )
    tx.touch("profiles")


def _late(tx: Transaction, newest: pa.Table) -> pa.Table | None:
    """Those of these events that happened before one of the two was set, as far as that makes a difference from now on.

    profile_key, at_time, since, moves (whether the event moves the session), behind (whether it happened before that
    was set), channel (what stands from now on).
    """
    early = sessions.perhaps_late(tx, newest)
    if not early.num_rows:
        return None
    found = tx.read(
        sql(
            "SELECT profile_key, at_time, s.since, moves, coalesce(at_time <= s.since, false) AS behind, "
            'CASE WHEN moves THEN coalesce(channel, "lastChannel") ELSE "lastChannel" END AS channel FROM (SELECT early.*, "lastChannel", '
            '"lastSession" IS NULL OR "lastSession" < at_time AS moves FROM early JOIN profiles USING (profile_key)) '
            "LEFT JOIN ({}) s USING (profile_key) LEFT JOIN ({}) c USING (profile_key) WHERE (moves AND (behind OR at_time <= c.since)) "
            "OR (NOT moves AND behind AND channel IS NOT NULL AND at_time > coalesce(c.since, '-infinity'))",
            sessions.standing("lastSession", _EARLY),
            sessions.standing("lastChannel", _EARLY),
            early=early,
        )
    )
    return found if found.num_rows else None


def _remember(tx: Transaction, late: pa.Table, write_id: int, at: datetime) -> None:
    """Remember from when on these events count, and which channel stands since."""
    moved = late.filter(pc.and_(late["moves"], late["behind"])).select(["profile_key", "at_time", "since"])
    sessions.note(tx, "lastSession", moved.rename_columns(["profile_key", "value", "since"]), write_id)
    since = pa.array([stored(at)] * late.num_rows, pa.timestamp("us"))
    told = pa.table({"profile_key": late["profile_key"], "value": late["channel"], "since": since})
    sessions.note(tx, "lastChannel", told, write_id)


def counting(newest: pa.Table, before: int | None = None) -> Sql:
    """Those of the newest events (profile_key, at_time, channel) that happened after the last session that was set, by a write before that one."""
    only = sql(
        "profile_key IN (SELECT profile_key FROM newest){}", sql(" AND write_id < {}", before) if before is not None else NOTHING
    )
    return sql(
        "SELECT profile_key, at_time, channel FROM newest LEFT JOIN ({}) USING (profile_key) WHERE at_time > coalesce(since, '-infinity')",
        sessions.standing("lastSession", only),
        newest=newest,
    )


def settle(tx: Transaction, people: pa.Table, write_id: int, at: datetime) -> None:
    """Remember the session and the channel of those of these people (profile_key) who do not have what their events and settings come to."""
    happened = tx.read(
        sql(
            "SELECT profile_key, event_id, channel_id, occurred_at FROM {} SEMI JOIN people USING (profile_key)",
            events.EVENTS,
            people=people,
        )
    )
    for each in sessions.FOLLOWING:
        column = Sql(f'p."{each}"')
        odd = tx.read(
            sql(
                "SELECT profile_key, {} AS value, {} AS since FROM profiles p SEMI JOIN people USING (profile_key) "
                "LEFT JOIN ({}) f USING (profile_key) WHERE {} IS DISTINCT FROM f.value",
                column,
                sql("greatest({}, f.value)", stored(at)) if each == "lastSession" else stored(at),
                followed(each, people, rows=sql("happened", happened=happened)),
                column,
                people=people,
            )
        )
        sessions.note(tx, each, odd, write_id)


def followed(property_name: str, people: pa.Table, void: Sql = NOTHING, *, rows: Sql = events.EVENTS) -> Sql:
    """What the events and settings of these people (profile_key) come to: profile_key, value. `void` are writes that do not count.

    `rows` are events, those of others may be among them.
    """
    keys = sql("SELECT profile_key FROM people", people=people)
    theirs = sql("profile_key IN ({})", keys)
    given = sessions.without(property_name, void, keys) if void else sessions.standing(property_name, theirs)
    if property_name == "lastSession":
        happened = events.last_of(rows, among=keys)
        value = Sql("greatest(s.value, CASE WHEN e.seen_at > coalesce(s.since, '-infinity') THEN e.seen_at END)")
    else:
        happened = events.heard(
            rows, given, sessions.ahead(sql("{} AND write_id NOT IN ({})", theirs, void) if void else theirs), among=keys
        )
        value = Sql("coalesce(e.channel, s.value)")
    return sql(
        "SELECT profile_key, {} AS value FROM ({}) LEFT JOIN ({}) s USING (profile_key) LEFT JOIN ({}) e USING (profile_key)",
        value,
        keys,
        given,
        happened,
    )
