"""Tagging and deleting many people at once.

A deletion takes the record, its tags, ids and events out of every answer about the present; what
was is kept aside for questions about the past, until the person is erased.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from user360 import activity, events, identities
from user360.clock import stored
from user360.profiles import writing
from user360.sql import Sql, joined, sql

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from user360.people import People
    from user360.store import Store, Transaction


@dataclass(frozen=True, slots=True)
class Deleted:
    """How many profiles went, and how many of their events."""

    profiles: int
    events: int


def tag(
    store: Store, people: People, *, add: Sequence[str] = (), remove: Sequence[str] = (), by: str, source: str, at: datetime
) -> int:
    """Add and take tags; answer how many people's tags changed."""
    keys = pa.table({"profile_key": pa.array(people.keys(), pa.uint32())})
    added = [each.strip() for each in add if each.strip()]
    with store.transaction() as tx:
        living = tx.read(sql("SELECT profile_key FROM profiles SEMI JOIN keys USING (profile_key)", keys=keys))
        write_id = writing.start_change(tx, source, by, at)
        names = pa.array([added], pa.list_(pa.string())).take(pa.array([0] * living.num_rows, pa.int64()))
        if added:
            writing.record_tags(tx, living.append_column("names", names), unite=True, write_id=write_id)
        if remove:
            _untag(tx, living, remove, write_id)
        changed = len(writing.close_change(tx, write_id, at))
        tx.touch("profiles")
    return changed


def delete(store: Store, people: People, *, by: str, source: str, at: datetime) -> Deleted:
    """Delete these people in one transaction, with a line in the activity log."""
    members = pa.table({"profile_key": pa.array(people.keys(), pa.uint32())})
    doomed = sql("SELECT profile_key FROM members", members=members)
    with store.transaction() as tx:
        gone = remove(tx, doomed, writing.start_change(tx, source, by, at), at)
        detail = {"users": gone.profiles, "events": gone.events, "source": source}
        activity.record(tx, "delete users", f"{gone.profiles:,} user{'' if gone.profiles == 1 else 's'}", detail, by=by, at=at)
    return gone


def remove(tx: Transaction, doomed: Sql, write_id: int, at: datetime) -> Deleted:
    """Take these profiles out of the present, as part of a write."""
    gone = tx.read(sql('SELECT profile_key, "userId" FROM profiles WHERE profile_key IN ({})', doomed))
    keep_aside(tx, doomed, write_id, at)
    events_gone = events.move_out(tx, doomed)
    identities.detach(tx, doomed)
    _tell(tx, gone, write_id, at)
    tx.touch("profiles")
    return Deleted(gone.num_rows, events_gone)


def keep_aside(tx: Transaction, doomed: Sql, write_id: int, at: datetime) -> None:
    """Take profiles and their tags out of the present; what they were is kept for questions about the past."""
    tx.execute(
        sql(
            'INSERT INTO deleted_profiles SELECT p.profile_key, {}, {}, to_json({{"values": p, "tags": t.names}})::VARCHAR '
            "FROM profiles p LEFT JOIN (SELECT profile_key, list(name ORDER BY name) AS names FROM profile_tags JOIN tags USING (tag_id) "
            "GROUP BY profile_key) t USING (profile_key) WHERE p.profile_key IN ({})",
            write_id,
            stored(at),
            doomed,
        )
    )
    tx.execute(sql("DELETE FROM profile_tags WHERE profile_key IN ({})", doomed))
    tx.execute(sql("DELETE FROM profiles WHERE profile_key IN ({})", doomed))


def _tell(tx: Transaction, gone: pa.Table, write_id: int, at: datetime) -> None:
    documents = tx.read(sql('SELECT to_json({{"userId": "userId"}})::VARCHAR AS document FROM gone', gone=gone))["document"]
    keys = gone["profile_key"].combine_chunks()
    events.append_system(tx, "USER_DELETE", keys, write=write_id, at=at, properties=documents.combine_chunks())


def _untag(tx: Transaction, living: pa.Table, names: Sequence[str], write_id: int) -> None:
    extra = tx.read(
        sql(
            "SELECT profile_key, tag_id FROM profile_tags SEMI JOIN living USING (profile_key) JOIN tags USING (tag_id) WHERE name IN ({})",
            joined(", ", names),
            living=living,
        )
    )
    none = extra.slice(0, 0)
    writing.swap_tags(tx, none, extra, write_id=write_id)
