"""Taking a merge back: the profile that went returns as it was, with its events and ids; what came later stays.

Events that came since by an id of the one that returns go with it, and so do ids that were tied to it
since. Values said since stay with whom they were said of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from user360 import activity, events, identities, profiles, properties
from user360.errors import Conflict
from user360.profiles import Filled
from user360.resolution import records
from user360.segments import lists
from user360.sql import sql

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from user360.properties import Property
    from user360.resolution.records import Merge
    from user360.store import Store, Transaction


def undo(store: Store, merge_id: int, *, by: str, at: datetime) -> Merge:
    """Take a merge back, or refuse where a later one has to be taken back first."""
    known = properties.find(store)
    with store.transaction() as tx:
        found = records.get(tx, merge_id)
        _check(tx, found)
        write_id = profiles.start_change(tx, "undo of merge", by, at)
        back = profiles.came_back(tx, found.gone, user_id=found.gone_user_id, known=known, at=at)
        ids = identities.hand_back(tx, found.ids, kept=found.kept, gone=found.gone, since=found.first_link)
        came_by = [(identities.IN_CONTEXT[kind], text) for kind, text in ids if kind in identities.IN_CONTEXT]
        events.move_back(tx, merge_id, kept=found.kept, gone=found.gone, ids=came_by, at=at)
        _take_from(tx, found, back, known, write_id, at)
        newest = tx.read(profiles.counting(events.newest_of(tx, [found.gone])))
        profiles.follow(tx, newest, source="undo of merge", by=by, at=at)
        profiles.settle(tx, pa.table({"profile_key": pa.array([found.kept, found.gone], pa.uint32())}), write_id, at)
        lists.hand_back(tx, merge_id, found.kept, found.gone, stood=found.lists, merged_at=found.at, at=at)
        records.settle(tx, merge_id, "undone", by=by, at=at)
        records.amend(tx, merge_id, {"undone by write": write_id})
        detail = {"merge": merge_id, "kept": found.kept_user_id, "merged": found.gone_user_id}
        activity.record(tx, "undo merge", "one user out of another", detail, by=by, at=at)
        return records.get(tx, merge_id)


def check_undo(store: Store, merge_id: int) -> Merge:
    """The merge, or the refusal its undoing would meet."""
    found = records.get(store, merge_id)
    _check(store, found)
    return found


def _check(tx: Store | Transaction, found: Merge) -> None:
    if found.status != "done":
        raise Conflict("This merge is not in force.", "Only a merge that was done can be undone, and once.")
    if records.leads_to(tx, found.kept) != found.kept:
        raise Conflict(f"“{found.kept_name}” was merged into another user since.", "Undo the later merge first.")
    if not profiles.rows(tx, [found.kept]):
        raise Conflict(f"“{found.kept_name}” was deleted since.", "A merge into a user who is gone cannot be undone.")


def _take_from(tx: Transaction, found: Merge, back: profiles.Row, known: Sequence[Property], write_id: int, at: datetime) -> None:
    """Take what the merge filled from who was kept; other merges into the same one fill what is blank then."""
    write = found.write_id or 0
    taken = Filled({each: back.get(each) for each in found.filled}, {each: list(items) for each, items in found.added.items()})
    rest = [each for each in records.into(tx, found.kept) if each.id != found.id]
    asides = [(each, profiles.aside(tx, each.gone, known)) for each in rest]
    others = [(each, row) for each, row in asides if row is not None]
    apart = records.writes_of(tx, found.kept)
    before, after, instead = profiles.without(tx, found.kept, taken, [row for _, row in others], known, since=write, apart=apart)
    for (other, _), filled in zip(others, instead, strict=True):
        if filled.values or filled.added:
            added = {each: [*other.added.get(each, ()), *items] for each, items in filled.added.items()}
            records.amend(tx, other.id, {"filled": sorted({*other.filled, *filled.values}), "added": {**other.added, **added}})
    after |= _session(tx, found, others, apart)
    profiles.write_records(tx, {found.kept: before}, {found.kept: after}, known, write_id=write_id, at=at)
    profiles.close_change(tx, write_id, at)


def _session(tx: Transaction, found: Merge, others: Sequence[tuple[Merge, profiles.Row]], apart: Collection[int]) -> profiles.Row:
    """LastSession and lastChannel of who was kept, unless somebody set it since: as before the merge, or newer by an event or another merge.

    What stood before the merge is not asked where it may be that of somebody who has left since.
    """
    write = found.write_id or 0
    if "lastSession" in profiles.changed_since(tx, found.kept, write, apart):
        return {}
    newer = [
        (each["at_time"], each["channel"])
        for each in tx.read(profiles.counting(events.newest_of(tx, [found.kept]), write)).to_pylist()
    ]
    for other, row in others:
        if "lastSession" not in profiles.changed_since(tx, found.kept, other.write_id or 0, apart):
            newer.append((row["lastSession"], row["lastChannel"]))
    session, channel = profiles.session_before(tx, found.kept, write)
    if records.left_since(tx, found):
        people = pa.table({"profile_key": pa.array([found.kept], pa.uint32())})
        merges = sql("SELECT write_id FROM merges", merges=pa.table({"write_id": pa.array(sorted(apart), pa.uint32())}))
        own = [sql("SELECT value FROM ({})", profiles.followed(each, people, merges)) for each in profiles.FOLLOWING]
        session, channel = (tx.rows(each)[0][0] for each in own)
    for at, by in newer:
        if at is not None and (session is None or session < at):
            session, channel = at, by or channel
    return {"lastSession": session, "lastChannel": channel}
