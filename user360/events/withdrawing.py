"""Taking events back that an import brought, as if they had never come.

What an import brought in error was never done by anybody: unlike the events of a person who is
deleted it is kept for no question about the past, and its message ids are free again, so that the
mended file can be imported. Whose lastSession goes back does not live here (`profiles.undoing`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from user360.events import tallying
from user360.events.past import FIRST_OF_OTHERS
from user360.events.summing import REMOVALS
from user360.schema import SYSTEM_EVENTS
from user360.sql import joined, sql

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from user360.sql import Sql
    from user360.store import Transaction


def brought_by(import_id: int) -> Sql:
    """Whom an import brought events for, those deleted since included: profile_key."""
    return sql(
        "SELECT profile_key FROM events WHERE import_id = {} UNION SELECT profile_key FROM deleted_events WHERE import_id = {}",
        import_id,
        import_id,
    )


def made_in(writes: Sql, members: Sql) -> Sql:
    """Those of `members` whom these writes made and no other: profile_key. Both are queries, of write ids and of profile keys."""
    return sql(
        "SELECT profile_key FROM (SELECT profile_key, split_part(message_id, ':', 2)::UINTEGER AS write_id FROM events "
        "WHERE event_id = {} AND profile_key IN ({})) LEFT JOIN (SELECT write_id, true AS theirs FROM ({})) USING (write_id) "
        "GROUP BY profile_key HAVING bool_and(theirs IS NOT NULL)",
        SYSTEM_EVENTS.index("USER_CREATE"),
        members,
        writes,
    )


def withdraw(tx: Transaction, import_id: int, members: pa.Table) -> tuple[int, pa.Table]:
    """Remove what an import brought for these people (profile_key).

    Answers how many events went, and the newest of them per person: profile_key, at_time, channel.
    """
    newest = tx.read(
        sql(
            "SELECT profile_key, max(occurred_at) AS at_time, arg_max(name, occurred_at) FILTER (name IS NOT NULL) AS channel "
            "FROM events SEMI JOIN members USING (profile_key) LEFT JOIN channels USING (channel_id) WHERE import_id = {} "
            "GROUP BY profile_key",
            import_id,
            members=members,
        )
    )
    theirs = sql("import_id = {} AND profile_key IN (SELECT profile_key FROM members)", import_id, members=members)
    gone = tallying.removing(tx, theirs) + tx.execute(sql("DELETE FROM deleted_events WHERE {}", theirs))
    if gone:
        tx.touch("events", REMOVALS)
    return gone, newest


def known_otherwise(import_ids: Sequence[int], members: Sql) -> Sql:
    """Those of `members` who did something no import of these brought, or were merged with somebody: profile_key."""
    return sql(
        "SELECT DISTINCT profile_key FROM events WHERE profile_key IN ({}) AND "
        "(event_id = {} OR (event_id >= {} AND coalesce(import_id NOT IN ({}), true)))",
        members,
        SYSTEM_EVENTS.index("USER_MERGE"),
        FIRST_OF_OTHERS,
        joined(", ", import_ids),
    )


def newest_left(tx: Transaction, members: pa.Table) -> pa.Table:
    """The newest event of these people (profile_key), the system's left out: profile_key, at_time, channel."""
    return tx.read(
        sql(
            "SELECT profile_key, max(occurred_at) AS at_time, arg_max(name, occurred_at) FILTER (name IS NOT NULL) AS channel "
            "FROM events SEMI JOIN members USING (profile_key) LEFT JOIN channels USING (channel_id) WHERE event_id >= {} "
            "GROUP BY profile_key",
            FIRST_OF_OTHERS,
            members=members,
        )
    )
