"""A merged record comes back: what was filled becomes blank again, and what came later stays.

A value that somebody changed after the merge is theirs and stays; of a list only the items go that
the merge added. Where another merge, not undone, would have filled the same blank, it fills it now.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from user360 import identities
from user360.clock import stored
from user360.errors import Conflict, Unknown
from user360.profiles import uniting, writing
from user360.schema import COLUMNS
from user360.sql import Sql, joined, name, sql

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from user360.profiles.uniting import Row
    from user360.properties import Property
    from user360.store import Transaction


def came_back(tx: Transaction, gone: int, *, user_id: str | None, known: Sequence[Property], at: datetime) -> Row:
    """Put a record that was merged away back as it was; answer it. Its user id, if it had one, is attached again."""
    found = aside(tx, gone, known)
    if found is None:
        raise Unknown("What the merged user was is not kept any more.", "They were erased for good.")
    writable = [each for each in known if not each.aside]
    columns: dict[str, pa.Array] = {"profile_key": pa.array([gone], pa.uint32())}
    columns |= {each.name: pa.array([found.get(each.name)], each.datatype.arrow) for each in writable}
    tx.execute(sql("INSERT INTO profiles BY NAME SELECT * FROM returned", returned=pa.table(columns)))
    writing.give_tags(tx, pa.array([gone], pa.uint32()), pa.array([found.get("tags")], pa.list_(pa.string())))
    if user_id is not None:
        identities.attach(tx, pa.array([user_id], pa.string()), pa.array([gone], pa.uint32()))
    tx.execute(
        sql(
            "INSERT INTO absences SELECT profile_key, deleted_at, {} FROM deleted_profiles WHERE profile_key = {}",
            stored(at),
            gone,
        )
    )
    tx.execute(sql("DELETE FROM deleted_profiles WHERE profile_key = {}", gone))
    tx.touch("profiles")
    return found


def aside(tx: Transaction, gone: int, known: Sequence[Property]) -> Row | None:
    """A record that was merged away, as it was then."""
    columns = [sql("({})::{} AS {}", _document(each), Sql(COLUMNS[each.datatype.name]), name(each.name)) for each in known]
    rows = tx.read(
        sql("SELECT profile_key, {} FROM deleted_profiles WHERE profile_key = {}", joined(", ", columns), gone)
    ).to_pylist()
    return rows[0] if rows else None


def _document(each: Property) -> Sql:
    if each.aside:
        return Sql("snapshot::JSON->'tags'")
    if each.datatype.name == "list":
        return sql("snapshot::JSON->'values'->{}", each.name)
    return sql("snapshot::JSON->'values'->>{}", each.name)


def without(
    tx: Transaction,
    kept: int,
    taken: uniting.Filled,
    others: Sequence[Row],
    known: Sequence[Property],
    *,
    since: int,
    apart: Collection[int],
) -> tuple[Row, Row, list[uniting.Filled]]:
    """A record as it is, and as it is without what it took over by the merge of write `since`; and what `others` fill instead.

    `others` are still merged into it, `apart` the writes of merges, whose changes are nobody's own. createdAt
    becomes that of the oldest of those who remain; sessions are for the caller to follow.
    """
    before = uniting.rows(tx, [kept]).get(kept)
    if before is None:
        raise Conflict("The user was deleted or merged into another since.", "Undo the later merge first.")
    after = dict(before)
    changed = changed_since(tx, kept, since, apart)
    for each, value in taken.values.items():
        if each not in changed and before.get(each) == value:
            after[each] = None
    for each, added in taken.added.items():
        after[each] = [item for item in before.get(each) or [] if item not in added] or None
    own = tx.rows(
        sql("SELECT arg_min(created_at, write_id) FROM before_merges WHERE profile_key = {}", kept),
    )[0][0]
    after["createdAt"] = own or before["createdAt"]
    instead = []
    for other in others:
        again = uniting.taken_over(after, other, known)
        again.session = None
        again.values = {each: value for each, value in again.values.items() if each in taken.values and each not in changed}
        again.added = {each: items for each, items in again.added.items() if each in taken.added}
        uniting.take_over(after, again)
        instead.append(again)
    return before, after, instead


def changed_since(tx: Transaction, kept: int, since: int, apart: Collection[int]) -> set[str]:
    """The properties of a record that somebody changed after that write; `apart` are writes that do not count."""
    apart_from = pa.table({"write_id": pa.array(sorted(apart), pa.uint32())})
    rows = tx.rows(
        sql(
            "SELECT DISTINCT property FROM changes ANTI JOIN apart_from USING (write_id) WHERE profile_key = {} AND write_id > {}",
            kept,
            since,
            apart_from=apart_from,
        )
    )
    return {each for (each,) in rows}


def session_before(tx: Transaction, kept: int, write_id: int) -> tuple[datetime | None, str | None]:
    """LastSession and lastChannel as they were before the merge of that write."""
    found: Any = tx.rows(
        sql("SELECT last_session, last_channel FROM before_merges WHERE profile_key = {} AND write_id = {}", kept, write_id)
    )
    return found[0] if found else (None, None)


__all__ = ["aside", "came_back", "changed_since", "session_before", "without"]
