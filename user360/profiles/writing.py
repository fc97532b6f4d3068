"""Taking values into profiles: new people in one bulk insert, changes of known ones with their history.

Values arrive parsed, one row per profile, a column per property, with a mask that says which cells
are meant. A cell that is meant and null makes the property unknown; a cell that is not meant
leaves it. Only what differs is written, and only what differs is remembered.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from user360 import events, identities, properties
from user360.clock import stored
from user360.profiles import sessions
from user360.sql import Sql, joined, name, sql

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from user360.store import Transaction


_WRITE: Final = pa.schema(
    {
        "write_id": pa.uint32(),
        "written_at": pa.timestamp("us"),
        "by_whom": pa.string(),
        "source": pa.string(),
        "import_id": pa.uint32(),
    }
)


@dataclass(frozen=True, slots=True)
class Incoming:
    """One row per profile, each profile once.

    `keys` is null for who is new. `meant` says per property which cells count. `tags` is a list per
    row, null where none were given; `unite` keeps the tags a profile had. `made_at` is createdAt of
    who is new, naive UTC; `only_new` are values of further properties for those alone, of which nothing is remembered.
    """

    keys: pa.Array
    user_ids: pa.Array
    columns: Mapping[str, pa.Array]
    meant: Mapping[str, pa.Array]
    tags: pa.Array | None
    unite: bool
    made_at: pa.Array
    only_new: Mapping[str, pa.Array] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Written:
    """`keys` of all rows in their order; how many were created, changed (and their keys), and left as they were.

    `write_id` is the number by which the history knows the write; None where there was nothing to write.
    """

    keys: pa.Array
    created: int
    updated: int
    unchanged: int
    changed: pa.Array
    write_id: int | None


def write(tx: Transaction, incoming: Incoming, *, source: str, by: str, import_id: int | None = None, at: datetime) -> Written:
    """Write the rows; a profile that is new gets a key, the record of its creation, and its ids."""
    fresh = pc.is_null(incoming.keys)
    created = int(pc.sum(fresh).as_py() or 0)
    if not created and not incoming.columns and incoming.tags is None:
        return Written(incoming.keys.cast(pa.uint32()), 0, 0, len(incoming.keys), pa.array([], pa.uint32()), None)
    keys = _with_new_keys(tx, incoming.keys, fresh, created)
    write_id = start_change(tx, source, by, at, import_id=import_id)
    if created:
        _create(tx, incoming, keys, fresh, write_id)
    known = pc.invert(fresh)
    changed = _change(tx, incoming, keys, known, write_id, at) if created < len(keys) else pa.array([], pa.uint32())
    _note_written(tx, incoming, at)
    tx.touch("profiles")
    updated = len(changed)
    return Written(keys, created, updated, len(keys) - created - updated, changed, write_id)


def values_of(tx: Transaction, keys: pa.Array, names: Sequence[str]) -> pa.Table:
    """What these profiles have, a row for each key in their order and a column per property; null where a key is."""
    wanted = pa.table({"position": pa.array(range(len(keys)), pa.int64()), "profile_key": keys})
    return tx.read(
        sql(
            "SELECT {} FROM wanted LEFT JOIN profiles USING (profile_key) ORDER BY position",
            joined(", ", [name(each) for each in names]),
            wanted=wanted,
        )
    )


def start_change(tx: Transaction, source: str, by: str, at: datetime, *, import_id: int | None = None) -> int:
    """Begin a write; answer its number, which its changes and system events carry."""
    write_id = tx.take("write")
    row = {"write_id": write_id, "written_at": stored(at), "by_whom": by, "source": source, "import_id": import_id}
    tx.later("writes", pa.Table.from_pylist([row], _WRITE), _insert_writes)
    return write_id


def _insert_writes(tx: Transaction, begun: pa.Table) -> None:
    """There are few, so that they are told as values: a table takes twice as long."""
    rows = [sql("({}, {}, {}, {}, {})", *row.values()) for row in begun.to_pylist()]
    tx.execute(sql("INSERT INTO writes VALUES {}", joined(", ", rows)))


def record_tags(tx: Transaction, wanted: pa.Table, *, unite: bool, write_id: int) -> pa.Array:
    """Give each profile (profile_key, names) these tags; answer the keys of those whose tags changed."""
    _number_tags(tx, pc.unique(pc.list_flatten(wanted["names"])))
    asked = tx.read(
        sql(
            "SELECT DISTINCT profile_key, tag_id FROM (SELECT profile_key, unnest(names) AS name FROM wanted) JOIN tags USING (name)",
            wanted=wanted,
        )
    )
    missing = tx.read(sql("SELECT * FROM asked ANTI JOIN profile_tags USING (profile_key, tag_id)", asked=asked))
    extra = _no_pairs() if unite else _pairs_beyond(tx, wanted, asked)
    return swap_tags(tx, missing, extra, write_id=write_id)


def swap_tags(tx: Transaction, missing: pa.Table, extra: pa.Table, *, write_id: int) -> pa.Array:
    """Add and take these (profile_key, tag_id) pairs, and remember the change per profile."""
    keys = pa.table({"profile_key": pc.unique(pa.concat_tables([missing, extra])["profile_key"])})
    before = _tag_lists(tx, keys)
    tx.execute(sql("INSERT INTO profile_tags SELECT profile_key, tag_id FROM missing", missing=missing))
    tx.execute(
        sql(
            "DELETE FROM profile_tags USING extra WHERE profile_tags.profile_key = extra.profile_key "
            "AND profile_tags.tag_id = extra.tag_id",
            extra=extra,
        )
    )
    after = _tag_lists(tx, keys)
    tx.execute(
        sql(
            "INSERT INTO changes SELECT {}, profile_key, 'tags', to_json(before.names), to_json(after.names) FROM keys "
            "LEFT JOIN before USING (profile_key) LEFT JOIN after USING (profile_key)",
            write_id,
            keys=keys,
            before=before,
            after=after,
        )
    )
    return keys["profile_key"].combine_chunks()


def _with_new_keys(tx: Transaction, keys: pa.Array, fresh: pa.Array, created: int) -> pa.Array:
    if not created:
        return keys.cast(pa.uint32())
    first = tx.take("profile_key", created)
    new = pa.array(range(first, first + created), pa.uint32())
    return pc.replace_with_mask(keys.cast(pa.uint32()), fresh, new)


def _create(tx: Transaction, incoming: Incoming, keys: pa.Array, fresh: pa.Array, write_id: int) -> None:
    made_at = incoming.made_at.filter(fresh)
    new_keys, user_ids = keys.filter(fresh), incoming.user_ids.filter(fresh)
    columns = {
        "profile_key": new_keys,
        "userId": user_ids,
        "createdAt": made_at,
        "updatedAt": made_at,
        **{each: column.filter(fresh) for each, column in (*incoming.only_new.items(), *incoming.columns.items())},
    }
    tx.execute(sql("INSERT INTO profiles BY NAME SELECT * FROM created", created=pa.table(columns)))
    identities.attach(tx, user_ids, new_keys)
    if incoming.tags is not None:
        give_tags(tx, new_keys, incoming.tags.filter(fresh))
    sessions.note_created(tx, new_keys, {each: column.filter(fresh) for each, column in incoming.columns.items()}, write_id)
    events.append_system(tx, "USER_CREATE", new_keys, write=write_id, at=made_at)


def give_tags(tx: Transaction, keys: pa.Array, names: pa.Array) -> None:
    """Give profiles that have none their tags; nothing is remembered of it."""
    wanted = pa.table({"profile_key": keys, "names": names})
    _number_tags(tx, pc.unique(pc.list_flatten(names)))
    tx.execute(
        sql(
            "INSERT INTO profile_tags SELECT DISTINCT profile_key, tag_id FROM (SELECT profile_key, unnest(names) AS name FROM wanted) "
            "JOIN tags USING (name)",
            wanted=wanted,
        )
    )


def _change(tx: Transaction, incoming: Incoming, keys: pa.Array, known: pa.Array, write_id: int, at: datetime) -> pa.Array:
    """Change the profiles that were there; answer the keys of those where anything differed."""
    alter(tx, incoming, keys, known, write_id)
    return close_change(tx, write_id, at)


def alter(tx: Transaction, incoming: Incoming, keys: pa.Array, known: pa.Array, write_id: int) -> None:
    """Change the profiles that were there and remember what differed; the change stays open."""
    change_values(tx, _known_rows(incoming, keys, known), write_id)
    if incoming.tags is not None:
        wanted = pa.table({"profile_key": keys, "names": incoming.tags}).filter(pc.and_(known, pc.is_valid(incoming.tags)))
        record_tags(tx, wanted, unite=incoming.unite, write_id=write_id)


def change_values(tx: Transaction, rows: pa.Table, write_id: int) -> None:
    """Change known profiles where a value that is meant differs, and remember it.

    `rows` has profile_key, then for each property its values under its name and, beside them, which are meant.
    """
    names = rows.column_names[1::2]
    if not names:
        return
    remembered = joined(" UNION ALL ", [_remembered(each, rows, write_id) for each in names])
    tx.execute(sql("INSERT INTO changes {}", remembered))
    changed = tx.rows(sql("SELECT DISTINCT property FROM changes WHERE write_id = {}", write_id))
    _update(tx, rows, [each for (each,) in changed if each in names], write_id)
    if any(each in sessions.FOLLOWING for (each,) in changed):
        sessions.learn_changed(tx, write_id)


def close_change(tx: Transaction, write_id: int, at: datetime) -> pa.Array:
    """Stamp updatedAt of all whom this write changed and let the timeline tell of it; answer their keys."""
    touched = tx.read(
        sql(
            'SELECT profile_key, to_json({{"changes": list({{"property": property, "from": old::JSON, "to": new::JSON}} ORDER BY property)}})'
            "::VARCHAR AS document FROM changes WHERE write_id = {} GROUP BY profile_key",
            write_id,
        )
    )
    keys = touched["profile_key"].combine_chunks()
    if not len(keys):
        return keys
    tx.execute(
        sql(
            'UPDATE profiles SET "updatedAt" = {} FROM touched WHERE profiles.profile_key = touched.profile_key',
            stored(at),
            touched=touched.select(["profile_key"]),
        )
    )
    documents = touched["document"].combine_chunks()
    events.append_system(tx, "USER_UPDATE", keys, write=write_id, at=at, properties=documents)
    return keys


def _known_rows(incoming: Incoming, keys: pa.Array, known: pa.Array) -> pa.Table:
    columns = {"profile_key": keys.filter(known)}
    for number, (each, column) in enumerate(incoming.columns.items()):
        columns[each] = column.filter(known)
        columns[f"meant {number}"] = incoming.meant[each].filter(known)
    return pa.table(columns)


def _meant(rows: pa.Table, property_name: str) -> Sql:
    return name(rows.column_names[rows.column_names.index(property_name) + 1])


def _remembered(property_name: str, rows: pa.Table, write_id: int) -> Sql:
    column = name(property_name)
    return sql(
        "SELECT {}, profile_key, {}, to_json(p.{}), to_json(i.{}) FROM profiles p JOIN rows i USING (profile_key) "
        "WHERE i.{} AND p.{} IS DISTINCT FROM i.{}",
        write_id,
        property_name,
        column,
        column,
        _meant(rows, property_name),
        column,
        column,
        rows=rows,
    )


def _update(tx: Transaction, rows: pa.Table, changed: list[str], write_id: int) -> None:
    if not changed:
        return
    parts = [
        sql("{} = CASE WHEN i.{} THEN i.{} ELSE profiles.{} END", name(each), _meant(rows, each), name(each), name(each))
        for each in changed
    ]
    tx.execute(
        sql(
            "UPDATE profiles SET {} FROM (SELECT * FROM rows SEMI JOIN (SELECT profile_key FROM changes WHERE write_id = {}) "
            "USING (profile_key)) i WHERE profiles.profile_key = i.profile_key",
            joined(", ", parts),
            write_id,
            rows=rows,
        )
    )


def _note_written(tx: Transaction, incoming: Incoming, at: datetime) -> None:
    given = [each for each, column in incoming.columns.items() if column.null_count < len(column)]
    properties.written(tx, given + (["tags"] if incoming.tags is not None else []), at)


def _number_tags(tx: Transaction, names: pa.Array) -> None:
    wanted = pa.table({"name": names})
    new = tx.read(sql("SELECT name FROM wanted ANTI JOIN tags USING (name) WHERE name IS NOT NULL", wanted=wanted))["name"]
    if len(new):
        first = tx.take("tag", len(new))
        numbered = pa.table({"tag_id": pa.array(range(first, first + len(new)), pa.uint32()), "name": new})
        tx.execute(sql("INSERT INTO tags SELECT tag_id, name FROM numbered", numbered=numbered))


def _pairs_beyond(tx: Transaction, wanted: pa.Table, asked: pa.Table) -> pa.Table:
    return tx.read(
        sql(
            "SELECT profile_key, tag_id FROM profile_tags SEMI JOIN wanted USING (profile_key) ANTI JOIN asked USING (profile_key, tag_id)",
            wanted=wanted.select(["profile_key"]),
            asked=asked,
        )
    )


def _no_pairs() -> pa.Table:
    return pa.table({"profile_key": pa.array([], pa.uint32()), "tag_id": pa.array([], pa.uint32())})


def _tag_lists(tx: Transaction, keys: pa.Table) -> pa.Table:
    return tx.read(
        sql(
            "SELECT profile_key, list(name ORDER BY name) AS names FROM profile_tags SEMI JOIN keys USING (profile_key) "
            "JOIN tags USING (tag_id) GROUP BY profile_key",
            keys=keys,
        )
    )
