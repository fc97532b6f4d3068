"""Two records become one: the kept one's blanks are filled, lists are united, the older createdAt stays.

Nothing the kept one knows is overwritten. What it was before is remembered, so that the past is
answered as it was and the merge can be taken back (`parting`). Which events and ids go with the other
one does not live here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from user360 import events
from user360.clock import stored
from user360.profiles import leaving, writing
from user360.sql import joined, name, sql

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from user360.properties import Property
    from user360.store import Store, Transaction

KEPT_ALONE: Final = frozenset({"userId", "createdAt", "updatedAt", "lastSession", "lastChannel"})
Row = dict[str, Any]


@dataclass(slots=True)
class Filled:
    """What one record takes over from another: `values` of properties that were blank, `added` items of lists, `refused` what it has already.

    `older` is the createdAt that it takes over, `session` the newer lastSession and lastChannel, where there are any.
    """

    values: dict[str, Any] = field(default_factory=dict)
    added: dict[str, list[str]] = field(default_factory=dict)
    refused: dict[str, Any] = field(default_factory=dict)
    older: datetime | None = None
    session: tuple[datetime, str | None] | None = None


def taken_over(kept: Mapping[str, Any], gone: Mapping[str, Any], known: Iterable[Property]) -> Filled:
    """What a record takes over from one that is merged into it; both as rows of the wide table with their tags."""
    found = Filled()
    for each in known:
        mine, other = kept.get(each.name), gone.get(each.name)
        if each.name in KEPT_ALONE or each.calculation is not None or other in (None, []):
            continue
        if each.datatype.merge == "unite":
            added = [item for item in other if item not in (mine or [])]
            if added:
                found.added[each.name] = added
        elif mine is None:
            found.values[each.name] = other
        elif mine != other:
            found.refused[each.name] = other
    if gone["createdAt"] < kept["createdAt"]:
        found.older = gone["createdAt"]
    if gone["lastSession"] is not None and (kept["lastSession"] is None or kept["lastSession"] < gone["lastSession"]):
        found.session = (gone["lastSession"], gone["lastChannel"])
    return found


def rows(asked: Store | Transaction, profile_keys: Iterable[int]) -> dict[int, Row]:
    """Whole records with their tags, values as the database keeps them, by key."""
    keys = pa.table({"profile_key": pa.array(sorted(set(profile_keys)), pa.uint32())})
    found = asked.read(
        sql(
            "SELECT * FROM profiles SEMI JOIN keys USING (profile_key) LEFT JOIN (SELECT profile_key, list(name ORDER BY name) AS tags "
            "FROM profile_tags SEMI JOIN keys USING (profile_key) JOIN tags USING (tag_id) GROUP BY profile_key) USING (profile_key)",
            keys=keys,
        )
    )
    return {row["profile_key"]: row for row in found.to_pylist()}


def unite(
    tx: Transaction, pairs: Sequence[tuple[int, int]], known: Sequence[Property], *, write_id: int, at: datetime
) -> list[Filled]:
    """Merge (kept, gone) pairs in their order, no kept one being gone in another; answer what each took over."""
    records = rows(tx, [key for pair in pairs for key in pair])
    before = {kept: dict(records[kept]) for kept, _ in pairs}
    found = []
    for kept, gone in pairs:
        taken = taken_over(records[kept], records[gone], known)
        take_over(records[kept], taken)
        found.append(taken)
    after = {kept: records[kept] for kept in before}
    write_records(tx, before, after, known, write_id=write_id, at=at)
    doomed = pa.table({"profile_key": pa.array([gone for _, gone in pairs], pa.uint32())})
    leaving.keep_aside(tx, sql("SELECT profile_key FROM doomed", doomed=doomed), write_id, at)
    tx.touch("profiles")
    return found


def take_over(record: Row, taken: Filled) -> None:
    """Put what is taken over into a record."""
    record.update(taken.values)
    for each, added in taken.added.items():
        record[each] = [*(record.get(each) or []), *added]
    if taken.older is not None:
        record["createdAt"] = taken.older
    if taken.session is not None:
        at, channel = taken.session
        record |= {"lastSession": at, "lastChannel": channel or record["lastChannel"]}


def write_records(
    tx: Transaction,
    before: Mapping[int, Row],
    after: Mapping[int, Row],
    known: Sequence[Property],
    *,
    write_id: int,
    at: datetime,
) -> None:
    """Turn records into what they are after a merge or its undoing; every change is remembered, by the write it is of."""
    keys = list(before)
    rest = [each for each in known if each.name not in KEPT_ALONE and each.calculation is None]
    columns, meant = {}, {}
    for each in rest:
        differs = [before[key].get(each.name) != after[key].get(each.name) for key in keys]
        if each.name != "tags" and any(differs):
            columns[each.name] = pa.array([after[key].get(each.name) for key in keys], each.datatype.arrow)
            meant[each.name] = pa.array(differs)
    tags = [after[key].get("tags") or [] if before[key].get("tags") != after[key].get("tags") else None for key in keys]
    whole = pa.array(keys, pa.uint32())
    nobody = pa.nulls(len(keys), pa.string())
    incoming = writing.Incoming(
        whole,
        nobody,
        columns,
        meant,
        pa.array(tags, pa.list_(pa.string())) if any(each is not None for each in tags) else None,
        unite=False,
        made_at=pa.nulls(len(keys), pa.timestamp("us")),
    )
    writing.alter(tx, incoming, whole, pa.array([True] * len(keys)), write_id)
    _write_kept_by_store(tx, before, after, write_id, at)


def _write_kept_by_store(
    tx: Transaction, before: Mapping[int, Row], after: Mapping[int, Row], write_id: int, at: datetime
) -> None:
    """CreatedAt, lastSession and lastChannel have no changes; what they were is remembered aside."""
    followed = {"createdAt": "created_at", "lastSession": "last_session", "lastChannel": "last_channel"}
    held = [{"profile_key": key, **{column: row[each] for each, column in followed.items()}} for key, row in before.items()]
    now = [{"profile_key": key, **{column: row[each] for each, column in followed.items()}} for key, row in after.items()]
    shape = pa.schema(
        {
            "profile_key": pa.uint32(),
            "created_at": pa.timestamp("us"),
            "last_session": pa.timestamp("us"),
            "last_channel": pa.string(),
        }
    )
    tx.execute(
        sql(
            "INSERT INTO before_merges SELECT {}, {}, profile_key, created_at, last_session, last_channel FROM held",
            write_id,
            stored(at),
            held=pa.Table.from_pylist(held, shape),
        )
    )
    sets = joined(", ", [sql("{} = now.{}", name(each), name(column)) for each, column in followed.items()])
    tx.execute(
        sql(
            'UPDATE profiles SET {}, "updatedAt" = {} FROM now WHERE profiles.profile_key = now.profile_key',
            sets,
            stored(at),
            now=pa.Table.from_pylist(now, shape),
        )
    )


def tell_merges(tx: Transaction, merged: Mapping[int, Mapping[str, Any]], *, write_id: int, at: datetime) -> None:
    """Let the timeline of each kept one tell of its merge, with the changes: a document by key."""
    texts = [json.dumps(each, ensure_ascii=False) for each in merged.values()]
    documents = tx.read(
        sql(
            "SELECT d.profile_key, json_merge_patch(d.document, coalesce(c.changes, '{{}}'))::VARCHAR AS document FROM documents d LEFT JOIN "
            '(SELECT profile_key, to_json({{"changes": list({{"property": property, "from": old::JSON, "to": new::JSON}} ORDER BY property)}})'
            "::VARCHAR AS changes FROM changes WHERE write_id = {} GROUP BY profile_key) c USING (profile_key)",
            write_id,
            documents=pa.table({"profile_key": pa.array(list(merged), pa.uint32()), "document": pa.array(texts, pa.string())}),
        )
    )
    events.append_system(
        tx,
        "USER_MERGE",
        documents["profile_key"].combine_chunks(),
        write=write_id,
        at=at,
        properties=documents["document"].combine_chunks(),
    )
