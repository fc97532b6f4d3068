"""Fixed lists: segments whose members were put in by somebody, not found by a rule.

A list comes from a selection, an import, pasted ids, or a rule frozen at one instant. Who was taken
out stays on record with the time, so that a list too can be asked how it stood. Without this room
each way in would have its own idea of who is on a list already.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from user360 import activity, identities, workspace
from user360.clock import stored
from user360.errors import Conflict, Invalid
from user360.people import People
from user360.segments import asking, saved
from user360.sql import sql

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from user360.segments.saved import Segment
    from user360.store import Store, Transaction

MOST_PASTED: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Line:
    """One pasted line, counted from 1. `first` is the line that named the same user before, 0 where none did."""

    position: int
    id: str
    first: int = 0


@dataclass(frozen=True, slots=True)
class Pasted:
    """What became of pasted ids: whom they found, and line by line the ids nobody has, repetitions, and empty lines."""

    found: People
    strangers: tuple[Line, ...]
    duplicates: tuple[Line, ...]
    blanks: tuple[Line, ...]


def save(store: Store, name: str, people: People, *, source: str, description: str = "", by: str, at: datetime) -> Segment:
    """Save these people as a new list. `source` says where they come from: `selection`, `pasted ids`, a file's name."""
    with store.transaction() as tx:
        segment_id = saved.make(tx, store, name, "static", description, by=by, at=at)
        put(tx, segment_id, pa.array(people.keys()), source=source, by=by, at=at)
    return saved.get(store, segment_id)


def add(store: Store, segment_id: str, people: People, *, source: str, by: str, at: datetime) -> int:
    """Put people on a list, and answer how many were not on it before."""
    with store.transaction() as tx:
        found = _list(store, segment_id)
        added = put(tx, segment_id, pa.array(people.keys()), source=source, by=by, at=at)
        activity.record(tx, "add members", found.name, {"segment": segment_id, "users": added, "source": source}, by=by, at=at)
    return added


def remove(store: Store, segment_id: str, people: People, *, by: str, at: datetime) -> int:
    """Take people off a list, and answer how many were on it."""
    members = pa.table({"profile_key": people.keys()})
    with store.transaction() as tx:
        found = _list(store, segment_id)
        removed = tx.execute(
            sql(
                "UPDATE segment_members SET removed_at = {} WHERE segment_id = {} AND removed_at IS NULL "
                "AND profile_key IN (SELECT profile_key FROM members)",
                stored(at),
                segment_id,
                members=members,
            )
        )
        saved.stamp(tx, segment_id, by=by, at=at)
        activity.record(tx, "remove members", found.name, {"segment": segment_id, "users": removed}, by=by, at=at)
    return removed


def check_name(store: Store, name: str) -> None:
    """Refuse a name under which people cannot be put on a list: of a rule, of an archived list, or none at all."""
    found = saved.named(store, name)
    if found is None:
        saved.check_name(store, name)
    elif found.kind != "static":
        raise Conflict(f"“{found.name}” is a rule: who is in it follows from the rule.", "Choose another name.")
    elif found.archived_at is not None:
        raise Conflict(f"“{found.name}” is archived.", "Restore it first, or choose another name.")


def put_under(tx: Transaction, store: Store, name: str, keys: pa.Array, *, source: str, by: str, at: datetime) -> int:
    """Put these profiles on the list of that name within a transaction, making it where there is none."""
    check_name(store, name)
    found = saved.named(store, name)
    segment_id = found.id if found is not None else saved.make(tx, store, name, "static", "", by=by, at=at)
    return put(tx, segment_id, keys, source=source, by=by, at=at)


def members_under(tx: Transaction, store: Store, name: str) -> pa.Array:
    """The profiles on the list of that name, within a transaction; none where there is no such list yet."""
    found = saved.named(store, name)
    asked = sql("SELECT profile_key FROM segment_members WHERE segment_id = {} AND removed_at IS NULL", found.id if found else "")
    return tx.read(asked)["profile_key"].combine_chunks()


def put(tx: Transaction, segment_id: str, keys: pa.Array, *, source: str, by: str, at: datetime) -> int:
    """Put these profiles on a list within a transaction; who is on it stays as they are."""
    added = tx.execute(
        sql(
            "INSERT INTO segment_members SELECT {}, profile_key, {}, NULL, {} FROM (SELECT DISTINCT profile_key FROM incoming) "
            "ANTI JOIN (SELECT profile_key FROM segment_members WHERE segment_id = {} AND removed_at IS NULL) USING (profile_key)",
            segment_id,
            stored(at),
            source,
            segment_id,
            incoming=pa.table({"profile_key": keys.cast(pa.uint32()).drop_null()}),
        )
    )
    saved.stamp(tx, segment_id, by=by, at=at)
    return added


def take_off(tx: Transaction, *, source: str, at: datetime) -> int:
    """Take everyone off whom this source put on a list, whichever, within a transaction; answer how many were."""
    left = tx.execute(
        sql("UPDATE segment_members SET removed_at = {} WHERE source = {} AND removed_at IS NULL", stored(at), source)
    )
    tx.touch("segments")
    return left


def erase(tx: Transaction, keys: pa.Table) -> int:
    """Take people (profile_key) off every list as if they had never been on one; answer how many places that were."""
    gone = tx.execute(
        sql("DELETE FROM segment_members USING keys WHERE segment_members.profile_key = keys.profile_key", keys=keys)
    )
    tx.touch("segments")
    return gone


def hand_over(tx: Transaction, pairs: pa.Table, *, at: datetime) -> dict[int, list[str]]:
    """Put who is kept on every list of whom was merged into them: merge_id, gone, kept. Who went is on none from then on.

    Answers on which lists those who went were, by merge.
    """
    stood = tx.rows(
        sql(
            "SELECT merge_id, list(segment_id ORDER BY segment_id) FROM segment_members JOIN pairs ON profile_key = gone "
            "WHERE removed_at IS NULL GROUP BY merge_id",
            pairs=pairs,
        )
    )
    tx.execute(
        sql(
            "INSERT INTO segment_members SELECT segment_id, kept, {}, NULL, 'merge ' || min(merge_id) FROM segment_members "
            "JOIN pairs ON profile_key = gone WHERE removed_at IS NULL AND (segment_id, kept) NOT IN "
            "(SELECT (segment_id, profile_key) FROM segment_members WHERE removed_at IS NULL) GROUP BY segment_id, kept",
            stored(at),
            pairs=pairs,
        )
    )
    tx.execute(
        sql(
            "UPDATE segment_members SET removed_at = {} WHERE removed_at IS NULL AND profile_key IN (SELECT gone FROM pairs)",
            stored(at),
            pairs=pairs,
        )
    )
    tx.touch("segments")
    return dict(stood)


def hand_back(
    tx: Transaction, merge_id: int, kept: int, gone: int, *, stood: Collection[str], merged_at: datetime, at: datetime
) -> None:
    """Put who comes back from a merge on the lists on which they stood, and take who was kept off those they were put on by it."""
    tx.execute(
        sql(
            "INSERT INTO segment_members SELECT segment_id, profile_key, {}, NULL, any_value(source) FROM segment_members "
            "WHERE profile_key = {} AND removed_at = {} AND list_contains({}, segment_id) GROUP BY ALL",
            stored(at),
            gone,
            stored(merged_at),
            list(stood),
        )
    )
    tx.execute(
        sql(
            "UPDATE segment_members SET removed_at = {} WHERE profile_key = {} AND removed_at IS NULL AND source = {}",
            stored(at),
            kept,
            f"merge {merge_id}",
        )
    )
    tx.touch("segments")


def freeze(store: Store, segment_id: str, *, name: str = "", by: str, at: datetime) -> Segment:
    """A new list of those who are in the segment at that instant."""
    found = saved.get(store, segment_id)
    day = at.astimezone(workspace.get(store).zone)
    called = name or saved.free_name(store, f"{found.name} on {day.day} {day:%b %Y}")
    frozen = asking.holding(store, saved.rule_of(found), at=at)
    return save(store, called, frozen, source=f"“{found.name}” as it stood", description=found.description, by=by, at=at)


def paste(store: Store, text: str) -> Pasted:
    """Look up user ids, one to a line; all on one line they may be separated by commas, semicolons or tabs."""
    lines = re.split(r"\r\n|\n|\r", text.rstrip("\r\n"))
    if len(lines) == 1:
        lines = re.split(r"[,;\t]", lines[0])
    if len(lines) > MOST_PASTED:
        raise Invalid(f"There are more than {MOST_PASTED:,} lines.", "Import them as a file.")
    return look_up(store, [_bare(each) for each in lines])


def look_up(store: Store, ids: Sequence[str]) -> Pasted:
    """Look up user ids, each in its line."""
    with store.snapshot() as seen:
        keys = identities.look_up(seen, pa.array([each or None for each in ids], pa.string())).to_pylist()
    return _sorted_out(ids, keys)


def _sorted_out(ids: Sequence[str], keys: list[int | None]) -> Pasted:
    first: dict[str, int] = {}
    strangers, duplicates, blanks = [], [], []
    for position, (each, key) in enumerate(zip(ids, keys, strict=True), start=1):
        if not each:
            blanks.append(Line(position, ""))
        elif each in first:
            duplicates.append(Line(position, each, first[each]))
        else:
            first[each] = position
            if key is None:
                strangers.append(Line(position, each))
    found = np.array(sorted({key for key in keys if key is not None}), dtype=np.uint32)
    return Pasted(People.of(found), tuple(strangers), tuple(duplicates), tuple(blanks))


def _bare(line: str) -> str:
    """The id without blanks and the quotes a spreadsheet puts around it."""
    bare = line.strip()
    return bare[1:-1].replace('""', '"').strip() if len(bare) > 1 and bare[0] == bare[-1] == '"' else bare


def _list(store: Store, segment_id: str) -> Segment:
    found = saved.get(store, segment_id)
    if found.kind != "static":
        raise Conflict(f"“{found.name}” is a rule: who is in it follows from the rule.", "Freeze it into a list first.")
    return found
