"""Events that change hands: of somebody merged into another, and back again.

Each move is remembered by message, so that it can be taken back exactly, and so that the past is
answered as it was. The system's own events about a profile stay with it: they step aside while it is
gone, and come back with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from user360.clock import stored
from user360.events import tallying
from user360.events.past import FIRST_OF_OTHERS
from user360.events.summing import REMOVALS
from user360.sql import Sql, joined, sql

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from user360.store import Store, Transaction


def move(tx: Transaction, pairs: pa.Table, *, at: datetime) -> dict[int, int]:
    """Give the events of the one to the other: merge_id, gone, kept, each gone once. Answers how many moved, by merge."""
    number = tx.take("event_move")
    tx.execute(
        sql(
            "INSERT INTO event_moves SELECT {}, merge_id, message_id, message_hash, gone, kept, {} FROM events "
            "JOIN pairs ON profile_key = gone WHERE event_id >= {}",
            number,
            stored(at),
            FIRST_OF_OTHERS,
            pairs=pairs,
        )
    )
    moved = tx.rows(sql("SELECT merge_id, count(*) FROM event_moves WHERE move_id = {} GROUP BY merge_id", number))
    if moved:
        theirs = sql(
            "UPDATE events SET profile_key = pairs.kept FROM pairs WHERE events.profile_key = pairs.gone AND event_id >= {}",
            FIRST_OF_OTHERS,
            pairs=pairs,
        )
        tallying.giving(tx, theirs)
    going = sql("SELECT gone FROM pairs", pairs=pairs)
    tx.execute(sql("INSERT INTO deleted_events SELECT * FROM events WHERE profile_key IN ({})", going))
    tallying.removing(tx, sql("profile_key IN ({})", going))
    tx.touch("events", REMOVALS)
    return dict(moved)


def mark_own(tx: Transaction, merge_id: int, kept: int, name: str, text: str, *, at: datetime) -> None:
    """Note which events are the kept one's own though they came by an id (name in the context, text) that the other one has by now."""
    tx.execute(
        sql(
            "INSERT INTO event_moves SELECT {}, {}, message_id, message_hash, profile_key, profile_key, {} FROM events "
            "WHERE profile_key = {} AND event_id >= {} AND json_extract_string(context::JSON, {}) = {}",
            tx.take("event_move"),
            merge_id,
            stored(at),
            kept,
            FIRST_OF_OTHERS,
            f"$.{name}",
            text,
        )
    )


def move_back(tx: Transaction, merge_id: int, *, kept: int, gone: int, ids: Collection[tuple[str, str]], at: datetime) -> None:
    """Take a merge's move back; events that came since by one of `ids` (name in the context, id) go with them."""
    number = tx.take("event_move")
    came = [sql("json_extract_string(e.context::JSON, {}) = {}", f"$.{each}", text) for each, text in ids]
    tx.execute(
        sql(
            "INSERT INTO event_moves SELECT {}, {}, e.message_id, e.message_hash, {}, {}, {} FROM events e LEFT JOIN (SELECT message_hash, "
            "message_id, bool_or(from_key = {}) AS moved FROM event_moves WHERE merge_id = {} AND to_key = {} GROUP BY ALL) m "
            "USING (message_hash, message_id) WHERE e.profile_key = {} AND e.event_id >= {} AND (m.moved OR m.moved IS NULL AND ({}))",
            number,
            merge_id,
            kept,
            gone,
            stored(at),
            gone,
            merge_id,
            kept,
            kept,
            FIRST_OF_OTHERS,
            joined(" OR ", came) if came else Sql("false"),
        )
    )
    back = sql(
        "UPDATE events SET profile_key = {} WHERE profile_key = {} AND (message_hash, message_id) IN "
        "(SELECT (message_hash, message_id) FROM event_moves WHERE move_id = {})",
        gone,
        kept,
        number,
    )
    tallying.giving(tx, back)
    tx.execute(sql("INSERT INTO events SELECT * FROM deleted_events WHERE profile_key = {}", gone))
    tx.execute(sql("DELETE FROM deleted_events WHERE profile_key = {}", gone))
    tx.touch("events", REMOVALS)


def newest_of(tx: Transaction, profile_keys: Sequence[int]) -> pa.Table:
    """The newest event of each of these profiles, the system's left out: profile_key, at_time, channel of the newest that has one."""
    keys = pa.table({"profile_key": pa.array(profile_keys, pa.uint32())})
    return tx.read(
        sql(
            "SELECT profile_key, max(occurred_at) AS at_time, arg_max(name, occurred_at) FILTER (name IS NOT NULL) AS channel FROM events "
            "LEFT JOIN channels USING (channel_id) SEMI JOIN keys USING (profile_key) WHERE event_id >= {} GROUP BY profile_key",
            FIRST_OF_OTHERS,
            keys=keys,
        )
    )


def count_of(asked: Store | Transaction, profile_key: int) -> int:
    """How many events would move with a profile."""
    return int(
        asked.rows(sql("SELECT count(*) FROM events WHERE profile_key = {} AND event_id >= {}", profile_key, FIRST_OF_OTHERS))[0][
            0
        ]
    )
