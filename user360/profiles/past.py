"""What profiles were: the wide table as it stood at an earlier instant, and the values a property had.

The past is read by walking back from the present: the value of then is what the first change since
replaced, and who was deleted since is still there. Without this room "as of" would be answered
with today's values. What a rule makes of it does not live here (`segments`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from user360 import events
from user360.clock import stored
from user360.profiles import sessions
from user360.sql import NOTHING, Sql, joined, name, sql

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from user360.store import Store


def everyone_then(at: datetime) -> Sql:
    """The keys of all who were there at that instant: profile_key."""
    return sql(
        'SELECT p.profile_key FROM (SELECT profile_key, "createdAt" AS made_at FROM profiles UNION ALL '
        "SELECT profile_key, {} AS made_at FROM deleted_profiles WHERE deleted_at > {}) p LEFT JOIN ({}) b USING (profile_key) "
        "ANTI JOIN ({}) USING (profile_key) WHERE coalesce(b.created_at, p.made_at) <= {}",
        _kept("createdAt", "datetime"),
        stored(at),
        _before_merges(at),
        _absent(at),
        stored(at),
    )


def deleted_since(at: datetime) -> Sql:
    """The keys of all who were deleted, or merged into another, after that instant: profile_key."""
    return sql("SELECT profile_key FROM deleted_profiles WHERE deleted_at > {}", stored(at))


def deleted_ids(store: Store, user_ids: Collection[str]) -> set[str]:
    """Those of these user ids that somebody had who was deleted, and who is not erased."""
    asked = pa.table({"user_id": pa.array(list(user_ids), pa.string())})
    found = sql(
        "SELECT DISTINCT user_id FROM asked SEMI JOIN (SELECT snapshot::JSON ->> '$.values.userId' AS user_id "
        "FROM deleted_profiles) USING (user_id)",
        asked=asked,
    )
    return {user_id for (user_id,) in store.rows(found)}


def merged_since(at: datetime) -> Sql:
    """The keys of all who were merged into another after that instant, also of those who came back since: profile_key."""
    return sql(
        "SELECT profile_key FROM deleted_profiles SEMI JOIN before_merges USING (write_id) WHERE deleted_at > {} UNION "
        "SELECT profile_key FROM absences WHERE gone_at > {}",
        stored(at),
        stored(at),
    )


def parted(since: datetime, until: datetime) -> Sql:
    """The keys of all who came back from a merge after the one instant and up to the other: profile_key."""
    return sql("SELECT profile_key FROM absences WHERE back_at > {} AND back_at <= {}", stored(since), stored(until))


def values_then(property_name: str, datatype: str, at: datetime) -> Sql:
    """One property of all who were there at that instant: profile_key, and the value under the property's own name."""
    if property_name in sessions.FOLLOWING:
        return _followed_then(property_name, at)
    return sql(
        "SELECT p.profile_key, CASE WHEN c.profile_key IS NULL THEN {} ELSE {} END AS {} FROM ({}) p "
        "LEFT JOIN (SELECT profile_key, arg_min_null(old, write_id) AS old FROM changes JOIN writes USING (write_id) "
        "WHERE written_at > {} AND property = {} GROUP BY profile_key) c USING (profile_key){} WHERE p.made_at <= {}",
        _unchanged(property_name, at),
        sessions.as_value(Sql("c.old::JSON"), datatype),
        name(property_name),
        _latest(property_name, datatype, at),
        stored(at),
        property_name,
        _beside(property_name, at),
        stored(at),
    )


# -- what follows events ------------------------------------------------------------------------


def sessions_kept(at: datetime) -> Sql:
    """LastSession of those who were there at that instant and for whom nothing moved it since: profile_key, and the value."""
    return sql('SELECT profile_key, value AS "lastSession" FROM ({}) WHERE NOT moved', _there("lastSession", at))


def sessions_followed(at: datetime) -> Sql:
    """The keys of those of the others to whom nobody had given one: theirs was that of the newest event they had then."""
    return sql(
        "SELECT profile_key FROM ({}) ANTI JOIN ({}) USING (profile_key) WHERE moved",
        _there("lastSession", at),
        sessions.standing_then("lastSession", at),
    )


def sessions_given(at: datetime) -> Sql:
    """The session that the rest had been given last by then: profile_key, and the value under its own name."""
    return sql('SELECT profile_key, value AS "lastSession" FROM ({})', _given(at))


def sessions_passed(at: datetime) -> Sql:
    """The keys of those of the rest whom an event had given a newer one by then: profile_key."""
    among = sql("SELECT profile_key FROM ({})", _given(at))
    return sql(
        "SELECT profile_key FROM ({}) JOIN ({}) USING (profile_key) WHERE seen_at > coalesce(greatest(value, since), '-infinity')",
        events.last_of(_events_then(at), among=among, until=at),
        sessions.standing_then("lastSession", at),
    )


def _given(at: datetime) -> Sql:
    return sql(
        "SELECT profile_key, g.value, g.since FROM ({}) t JOIN ({}) g USING (profile_key) WHERE moved",
        _there("lastSession", at),
        sessions.standing_then("lastSession", at),
    )


def _there(property_name: str, at: datetime) -> Sql:
    """Who was there at that instant, the last value, and whether it may have been another then: profile_key, value, moved."""
    parts = [sessions.set_since(each, at) for each in dict.fromkeys(("lastSession", property_name))]
    merged = sql(
        "SELECT profile_key FROM before_merges WHERE changed_at > {} UNION SELECT profile_key FROM absences WHERE back_at > {}",
        stored(at),
        stored(at),
    )
    return sql(
        "SELECT p.profile_key, p.value, coalesce(p.seen_at > {}, false) OR s.profile_key IS NOT NULL AS moved FROM ({}) p "
        "LEFT JOIN ({}) s USING (profile_key) WHERE p.made_at <= {}",
        stored(at),
        _latest(property_name, sessions.FOLLOWING[property_name], at),
        joined(" UNION ", [*parts, merged]),
        stored(at),
    )


def _followed_then(property_name: str, at: datetime) -> Sql:
    """LastSession or lastChannel of all who were there at that instant: profile_key, and the value under its own name."""
    given = sessions.standing_then(property_name, at)
    if property_name == "lastSession":
        happened = events.last_of(_events_then(at), until=at)
        value = Sql("greatest(g.value, CASE WHEN e.seen_at > coalesce(g.since, '-infinity') THEN e.seen_at END)")
    else:
        happened = events.heard(_events_then(at), given, sessions.ahead(), until=at)
        value = Sql("coalesce(e.channel, g.value)")
    return sql(
        "SELECT profile_key, CASE WHEN moved THEN {} ELSE t.value END AS {} FROM ({}) t LEFT JOIN ({}) g USING (profile_key) "
        "LEFT JOIN ({}) e USING (profile_key)",
        value,
        name(property_name),
        _there(property_name, at),
        given,
        happened,
    )


def _events_then(at: datetime) -> Sql:
    return sql("({})", events.then(deleted_since(at), at))


# -- what was there -----------------------------------------------------------------------------


def values_before(property_name: str, datatype: str, *, since: datetime | None, at: datetime) -> Sql:
    """The earlier values of a property: profile_key, and the value under its own name.

    Those that another replaced after `since` (None: ever) and not after `at`.
    """
    return sql(
        "SELECT profile_key, {} AS {} FROM changes JOIN writes USING (write_id) WHERE property = {} AND written_at <= {}{}",
        sessions.as_value(Sql("old::JSON"), datatype),
        name(property_name),
        property_name,
        stored(at),
        sql(" AND written_at > {}", stored(since)) if since is not None else NOTHING,
    )


def _latest(property_name: str, datatype: str, at: datetime) -> Sql:
    """The last value of each profile, of those gone since too: profile_key, value, made_at, seen_at."""
    gone = sql(
        "SELECT profile_key, {} AS value, {} AS made_at, {} AS seen_at FROM deleted_profiles WHERE deleted_at > {}",
        _kept(property_name, datatype),
        _kept("createdAt", "datetime"),
        _kept("lastSession", "datetime"),
        stored(at),
    )
    here = Sql("profiles")
    if property_name == "tags":
        here = Sql(
            "profiles LEFT JOIN (SELECT profile_key, list(name) AS tags FROM profile_tags JOIN tags USING (tag_id) "
            "GROUP BY profile_key) USING (profile_key)"
        )
    columns = sql('profile_key, {} AS value, "createdAt" AS made_at, "lastSession" AS seen_at', name(property_name))
    made_at = Sql("coalesce(b.created_at, l.made_at)")
    return sql(
        "SELECT l.profile_key, {} AS value, {} AS made_at, l.seen_at FROM (SELECT {} FROM {} UNION ALL {}) l "
        "LEFT JOIN ({}) b USING (profile_key) ANTI JOIN ({}) USING (profile_key)",
        made_at if property_name == "createdAt" else Sql("l.value"),
        made_at,
        columns,
        here,
        gone,
        _before_merges(at),
        _absent(at),
    )


def _before_merges(at: datetime) -> Sql:
    """When those merged since had been made, as it was known before the first of these merges: profile_key, created_at."""
    return sql(
        "SELECT profile_key, arg_min(created_at, write_id) AS created_at FROM before_merges WHERE changed_at > {} GROUP BY profile_key",
        stored(at),
    )


def _absent(at: datetime) -> Sql:
    """Who was merged into another at that instant, and came back since."""
    return sql("SELECT profile_key FROM absences WHERE gone_at <= {} AND back_at > {}", stored(at), stored(at))


def _unchanged(property_name: str, at: datetime) -> Sql:
    """The value of a profile where nobody set it since; when it was updated last follows from the writes until then."""
    if property_name == "updatedAt":
        return sql("CASE WHEN p.value > {} THEN greatest(p.made_at, f.written) ELSE p.value END", stored(at))
    return Sql("p.value")


def _beside(property_name: str, at: datetime) -> Sql:
    """What `_unchanged` looks up beside the value."""
    if property_name == "updatedAt":
        return sql(
            " LEFT JOIN (SELECT profile_key, max(written_at) AS written FROM (SELECT profile_key, written_at FROM changes "
            "JOIN writes USING (write_id) UNION ALL SELECT profile_key, changed_at FROM before_merges) "
            "WHERE written_at <= {} GROUP BY profile_key) f USING (profile_key)",
            stored(at),
        )
    return NOTHING


def _kept(property_name: str, datatype: str) -> Sql:
    """A value of the document a deleted profile is kept as."""
    if property_name == "tags":
        return Sql("(snapshot::JSON->'tags')::VARCHAR[]")
    return sessions.as_value(sql("snapshot::JSON->'values'->{}", property_name), datatype)
