"""What profiles were: the wide table as it stood at an earlier instant, and the values a property had.

The past is read by walking back from the present: the value of then is what the first change since
replaced, and who was deleted since is still there. Without this room "as of" would be answered
with today's values. What a rule makes of it does not live here (`segments`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pyarrow as pa

from user360 import events
from user360.clock import stored
from user360.schema import COLUMNS
from user360.sql import NOTHING, Sql, name, sql

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from user360.store import Store

_FOLLOWED: Final = {"lastSession": "seen_at", "lastChannel": "channel"}
_LATER: Final = Sql("coalesce(f.seen_at > coalesce(p.seen_at, '-infinity'), false)")
_BEFORE: Final = {"createdAt": "created_at", "lastSession": "last_session", "lastChannel": "last_channel"}


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
    return _then(property_name, datatype, at, _unchanged(property_name, at), _beside(property_name, at))


def sessions_kept(at: datetime) -> Sql:
    """LastSession of those who were there at that instant and whom no event moved since: profile_key, and the value."""
    return _then("lastSession", "datetime", at, Sql("p.value"), _late(at), sql(" AND ({}) IS NOT TRUE", _moved(at)))


def sessions_moved(at: datetime) -> Sql:
    """The keys of the others: their last session was that of the newest event they had then."""
    kept = _then("lastSession", "datetime", at, Sql("p.value"), _late(at), sql(" AND {}", _moved(at)))
    return sql("SELECT profile_key FROM ({})", kept)


def _then(property_name: str, datatype: str, at: datetime, unchanged: Sql, beside: Sql = NOTHING, further: Sql = NOTHING) -> Sql:
    """The rows of `values_then`: what the first change since replaced, and `unchanged` where there was none."""
    return sql(
        "SELECT p.profile_key, CASE WHEN {} THEN {} ELSE {} END AS {} FROM ({}) p "
        "LEFT JOIN (SELECT profile_key, arg_min_null(old, write_id) AS old, min(write_id) AS first_write FROM changes "
        "JOIN writes USING (write_id) WHERE written_at > {} AND property = {} GROUP BY profile_key) c USING (profile_key){} "
        "WHERE p.made_at <= {}{}",
        _untold(property_name),
        unchanged,
        _replaced(property_name, datatype, at),
        name(property_name),
        _latest(property_name, datatype, at),
        stored(at),
        property_name,
        beside,
        stored(at),
        further,
    )


def _moved(at: datetime) -> Sql:
    """Whether lastSession followed a later event, until now or until somebody set it, or is older than one that came late."""
    return sql(
        "CASE WHEN {} THEN p.seen_at > {} OR {} ELSE {} > {} END",
        _untold("lastSession"),
        stored(at),
        _LATER,
        as_value(Sql("c.old::JSON"), "datetime"),
        stored(at),
    )


def _late(at: datetime) -> Sql:
    """The newest events then of those merged since: what a merge remembers aside knows none that came after it."""
    merged = sql("SELECT profile_key FROM before_merges WHERE changed_at > {}", stored(at))
    return sql(" LEFT JOIN ({}) f USING (profile_key)", events.newest_then(deleted_since(at), at, merged))


def _untold(property_name: str) -> Sql:
    """Whether nobody set a value since; of what merges remember aside, whether nobody did before the first merge since."""
    if property_name in _BEFORE:
        return Sql("(c.profile_key IS NULL OR coalesce(c.first_write > p.merged, false))")
    return Sql("c.profile_key IS NULL")


def _replaced(property_name: str, datatype: str, at: datetime) -> Sql:
    """What the first change since replaced: a session of later than that instant had followed an event by then."""
    old = as_value(Sql("c.old::JSON"), datatype)
    return sql("CASE WHEN {} > {} THEN f.seen_at ELSE {} END", old, stored(at), old) if property_name == "lastSession" else old


def values_before(property_name: str, datatype: str, *, since: datetime | None, at: datetime) -> Sql:
    """The earlier values of a property: profile_key, and the value under its own name.

    Those that another replaced after `since` (None: ever) and not after `at`.
    """
    return sql(
        "SELECT profile_key, {} AS {} FROM changes JOIN writes USING (write_id) WHERE property = {} AND written_at <= {}{}",
        as_value(Sql("old::JSON"), datatype),
        name(property_name),
        property_name,
        stored(at),
        sql(" AND written_at > {}", stored(since)) if since is not None else NOTHING,
    )


def _latest(property_name: str, datatype: str, at: datetime) -> Sql:
    """The last value of each profile, of those gone since too: profile_key, value, made_at, seen_at, merged (the first write of a merge since)."""
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
    before = Sql("l.value")
    if property_name in _BEFORE:
        before = sql("CASE WHEN b.profile_key IS NULL THEN l.value ELSE b.{} END", name(_BEFORE[property_name]))
    return sql(
        "SELECT l.profile_key, {} AS value, coalesce(b.created_at, l.made_at) AS made_at, "
        "CASE WHEN b.profile_key IS NULL THEN l.seen_at ELSE b.last_session END AS seen_at, b.write_id AS merged "
        "FROM (SELECT {} FROM {} UNION ALL {}) l LEFT JOIN ({}) b USING (profile_key) ANTI JOIN ({}) USING (profile_key)",
        before,
        columns,
        here,
        gone,
        _before_merges(at),
        _absent(at),
    )


def _before_merges(at: datetime) -> Sql:
    """What the store keeps by itself of those merged since, as it was before the first of these merges."""
    return sql(
        "SELECT profile_key, min(write_id) AS write_id, arg_min(created_at, write_id) AS created_at, "
        "arg_min_null(last_session, write_id) AS last_session, arg_min_null(last_channel, write_id) AS last_channel "
        "FROM before_merges WHERE changed_at > {} GROUP BY profile_key",
        stored(at),
    )


def _absent(at: datetime) -> Sql:
    """Who was merged into another at that instant, and came back since."""
    return sql("SELECT profile_key FROM absences WHERE gone_at <= {} AND back_at > {}", stored(at), stored(at))


def _unchanged(property_name: str, at: datetime) -> Sql:
    """The value of a profile where nobody set it since; what follows from events or writes is what followed then."""
    if property_name in _FOLLOWED:
        followed = Sql(f"f.{_FOLLOWED[property_name]}")
        late = sql("p.merged IS NOT NULL AND {}", _LATER)
        return sql(
            "CASE WHEN p.seen_at > {} THEN {} WHEN {} THEN coalesce({}, p.value) ELSE p.value END",
            stored(at),
            followed,
            late,
            followed,
        )
    if property_name == "updatedAt":
        return sql("CASE WHEN p.value > {} THEN greatest(p.made_at, f.written) ELSE p.value END", stored(at))
    return Sql("p.value")


def _beside(property_name: str, at: datetime) -> Sql:
    """What `_unchanged` looks up beside the value."""
    if property_name in _FOLLOWED:
        return sql(" LEFT JOIN ({}) f USING (profile_key)", events.newest_then(deleted_since(at), at))
    if property_name == "updatedAt":
        return sql(
            " LEFT JOIN (SELECT profile_key, max(written_at) AS written FROM changes JOIN writes USING (write_id) "
            "WHERE written_at <= {} GROUP BY profile_key) f USING (profile_key)",
            stored(at),
        )
    return NOTHING


def _kept(property_name: str, datatype: str) -> Sql:
    """A value of the document a deleted profile is kept as."""
    if property_name == "tags":
        return Sql("(snapshot::JSON->'tags')::VARCHAR[]")
    return as_value(sql("snapshot::JSON->'values'->{}", property_name), datatype)


def as_value(document: Sql, datatype: str) -> Sql:
    """A value kept as JSON, as a value of its type."""
    if datatype == "list":
        return sql("({})::VARCHAR[]", document)
    return sql("(({})->>'$')::{}", document, Sql(COLUMNS[datatype]))
