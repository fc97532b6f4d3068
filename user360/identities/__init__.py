"""Which ids lead to which profile.

A user id leads to exactly one profile; the index on it is the only one in the file, because the
wide table must have none. `user_ids` holds the one user id of each profile that has one, `other_ids`
every further id that leads to it: of a browser, a device, a conversation, or the user id of somebody
merged into it. `links` remembers how each came to lead there. How two profiles become one does not
live here (`resolution`), nor the rules by which an id is tied to somebody (`ingest.meeting`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from user360 import hashes
from user360.clock import aware
from user360.identities import remembered
from user360.identities.kinds import ANONYMOUS, DEVICE, EXTERNAL, IN_CONTEXT, KINDS, LONGEST_ID, USER, Id, identifies
from user360.schema import USER_IDS
from user360.sql import Sql, sql

__all__ = [
    "ANONYMOUS",
    "DEVICE",
    "EXTERNAL",
    "IN_CONTEXT",
    "KINDS",
    "LONGEST_ID",
    "USER",
    "Id",
    "any_former",
    "attach",
    "detach",
    "erase",
    "ever",
    "hand_back",
    "hand_over",
    "identifies",
    "key_of",
    "known_otherwise",
    "link",
    "links",
    "links_so_far",
    "look_up",
    "named",
    "of",
    "once_of",
    "point",
    "user_ids",
    "whom",
]

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from datetime import datetime

    from user360.people import People
    from user360.store import Store, Transaction

FEW: Final = 500
MANY: Final = 20_000
TIMES_AS_LONG: Final = 50
_OTHER_IDS: Final = pa.schema({"id_hash": pa.uint64(), "kind": pa.string(), "id": pa.string(), "profile_key": pa.uint32()})
_HASH: Final = Sql("md5_number_lower(kind || ':' || id)")


def key_of(store: Store | Transaction, user_id: str) -> int | None:
    """The profile this user id leads to, its own or that of whom it was merged into."""
    found = store.rows(
        sql(
            "SELECT profile_key FROM user_ids WHERE user_id = {} UNION ALL SELECT profile_key FROM other_ids "
            "WHERE id_hash = md5_number_lower({}) AND kind = {} AND id = {}",
            user_id,
            f"{USER}:{user_id}",
            USER,
            user_id,
        )
    )
    return int(found[0][0]) if found else None


def look_up(tx: Transaction, user_ids: pa.Array) -> pa.Array:
    """For each user id its profile key, in order; null where it leads nowhere."""
    coded = user_ids.dictionary_encode()
    wanted = pa.table({"position": pa.array(np.arange(len(coded.dictionary))), "user_id": coded.dictionary})
    found = tx.read(
        sql(
            "SELECT wanted.position, coalesce(user_ids.profile_key, former.profile_key) AS profile_key FROM wanted "
            "LEFT JOIN user_ids USING (user_id) LEFT JOIN (SELECT id AS user_id, profile_key FROM other_ids WHERE kind = {}) former "
            "USING (user_id) ORDER BY 1",
            USER,
            wanted=wanted,
        )
    )
    return found["profile_key"].combine_chunks().take(coded.indices)


def any_former(tx: Transaction) -> bool:
    """Whether any profile has more than one user id, because another was merged into it."""
    return bool(tx.rows(sql("SELECT 1 FROM other_ids WHERE kind = {} LIMIT 1", USER)))


def whom(tx: Transaction, ids: AbstractSet[Id]) -> tuple[dict[Id, int], set[int]]:
    """Those of these ids that lead to somebody, with the profile; and which of these profiles have a user id."""
    kept = remembered.of(tx)
    if kept is None:
        known, by_own = _look(tx, ids)
        return known, by_own | named(tx, by_own.symmetric_difference(known.values()))
    known = kept.leading(ids)
    asked = kept.unsure(ids - known.keys())
    if asked:
        found, by_own = _look(tx, set(asked))
        kept.lead(found)
        kept.call(by_own, by_own)
        known |= found
    called, unsure = kept.named(known.values())
    if unsure:
        also = named(tx, unsure)
        kept.call(unsure, also)
        called |= also
    return known, called


def _look(tx: Transaction, ids: AbstractSet[Id]) -> tuple[dict[Id, int], set[int]]:
    """Those of these ids that lead to somebody, with the profile; and the profiles one of them is the own user id of."""
    if len(ids) <= FEW:
        users, hashed = [text for kind, text in ids if kind == USER], [str(hashes.of(f"{kind}:{text}")) for kind, text in ids]
        own = tx.rows(sql("SELECT user_id, profile_key FROM user_ids WHERE user_id IN (SELECT unnest({}))", users))
        others = tx.rows(sql("SELECT kind, id, profile_key FROM other_ids WHERE id_hash IN (SELECT unnest({})::UBIGINT)", hashed))
    else:
        # every id is asked for, for of more than 2,000 the table is read at once instead of probing the index for each
        texts = sql("SELECT id AS user_id FROM asked", asked=_listed(ids))
        found = _tuples(tx.read(sql("SELECT user_id, profile_key FROM user_ids SEMI JOIN ({}) USING (user_id)", texts)))
        own = [(text, key) for text, key in found if (USER, text) in ids]
        of_each = sql("SELECT {} AS id_hash FROM asked", _HASH, asked=_listed(ids))
        others = _tuples(tx.read(sql("SELECT kind, id, profile_key FROM other_ids SEMI JOIN ({}) USING (id_hash)", of_each)))
    known = {(kind, text): key for kind, text, key in others if (kind, text) in ids} | {(USER, text): key for text, key in own}
    return known, {key for _, key in own}


def _listed(ids: Collection[Id]) -> pa.Table:
    return pa.table({each: pa.array([one[place] for one in ids], pa.string()) for place, each in enumerate(("kind", "id"))})


def _tuples(found: pa.Table) -> list[Any]:
    return list(zip(*(column.to_pylist() for column in found.columns), strict=True))


def named(tx: Transaction, profile_keys: Iterable[int]) -> set[int]:
    """Which of these profiles have a user id."""
    asked = sorted(set(profile_keys))
    if not asked:
        return set()
    keys = pa.table({"profile_key": pa.array(asked, pa.uint32())})
    found = tx.read(sql("SELECT profile_key FROM user_ids SEMI JOIN keys USING (profile_key)", keys=keys))
    return set(found["profile_key"].to_pylist())


def link(tx: Transaction, ties: pa.Table) -> None:
    """Remember how ids came to lead where they lead: kind, id, via_kind, via_id, profile_key, linked_at, source, message_id."""
    if not ties.num_rows:
        return
    first = tx.take("link", ties.num_rows)
    numbered = ties.add_column(0, "link_id", pa.array(range(first, first + ties.num_rows), pa.uint32()))
    tx.later("links", numbered, _insert_links)


def _insert_links(tx: Transaction, numbered: pa.Table) -> None:
    tx.execute(sql("INSERT INTO links BY NAME SELECT * FROM numbered", numbered=numbered))


def point(tx: Transaction, ids: pa.Table) -> None:
    """Let ids that are nobody's own user id lead to these profiles and to no other: kind, id, profile_key."""
    if not ids.num_rows:
        return
    kept = remembered.of(tx)
    leads = dict(
        zip(zip(ids["kind"].to_pylist(), ids["id"].to_pylist(), strict=True), ids["profile_key"].to_pylist(), strict=True)
    )
    hashed = hashes.each(f"{kind}:{text}" for kind, text in leads)
    columns = [pa.array(hashed), *([one[place] for one in leads] for place in (0, 1)), list(leads.values())]
    led = pa.table(columns, schema=_OTHER_IDS)
    if kept is None or kept.unsure(leads):
        tx.execute(
            sql(
                "DELETE FROM other_ids USING led WHERE other_ids.id_hash = led.id_hash AND other_ids.kind = led.kind AND other_ids.id = led.id",
                led=led,
            )
        )
    tx.execute(sql("INSERT INTO other_ids SELECT id_hash, kind, id, profile_key FROM led", led=led))
    if kept is not None:
        kept.see_hashes(hashed)
        kept.lead(leads)


def hand_over(tx: Transaction, pairs: pa.Table) -> dict[int, list[Id]]:
    """Let every id of the one lead to the other: gone, kept, each gone once. Answers the ids that changed hands, by gone.

    A user id becomes one more id of whom it leads to now.
    """
    moving = tx.read(
        sql(
            "SELECT kind, id, gone, kept FROM other_ids JOIN pairs ON profile_key = gone UNION ALL "
            "SELECT {}, user_id, gone, kept FROM user_ids JOIN pairs ON profile_key = gone",
            USER,
            pairs=pairs,
        )
    )
    _delete(tx, sql("SELECT gone FROM pairs", pairs=pairs))
    if (kept := remembered.of(tx)) is not None:
        kept.call(pairs["gone"].to_pylist(), set())
    point(tx, moving.select(["kind", "id", "kept"]).rename_columns(["kind", "id", "profile_key"]))
    found: dict[int, list[Id]] = {}
    for row in moving.to_pylist():
        found.setdefault(row["gone"], []).append((row["kind"], row["id"]))
    return found


def once_of(tx: Transaction, pairs: pa.Table, moved: Mapping[int, Sequence[Id]]) -> list[tuple[int, int, Id]]:
    """Of the ids `hand_over` moved those that had led to the same profile before: merge_id, kept, id."""
    rows = tx.rows(
        sql(
            "SELECT DISTINCT merge_id, gone, kept, kind, id FROM links JOIN pairs ON links.profile_key = pairs.kept ORDER BY ALL",
            pairs=pairs,
        )
    )
    return [(number, kept, (kind, text)) for number, gone, kept, kind, text in rows if (kind, text) in moved.get(gone, ())]


def links_so_far(tx: Transaction) -> int:
    """The number the next link will have."""
    return tx.take("link", 0)


def hand_back(tx: Transaction, ids: Sequence[Id], *, kept: int, gone: int, since: int) -> list[Id]:
    """Let these ids lead to the one they came from again, and those tied by one of them from link `since` on; answers all that do.

    An id that leads elsewhere by now stays there.
    """
    back = dict.fromkeys(ids)
    tied = tx.rows(
        sql(
            "SELECT kind, id, via_kind, via_id FROM links WHERE profile_key = {} AND link_id >= {} AND via_id IS NOT NULL ORDER BY link_id",
            kept,
            since,
        )
    )
    for kind, text, via_kind, via_id in tied:
        if (via_kind, via_id) in back:
            back[kind, text] = None
    held = {(kind, text) for kind, text in tx.rows(sql("SELECT kind, id FROM other_ids WHERE profile_key = {}", kept))}
    returning = [each for each in back if each in held]
    remembered.let_go(tx)
    own = tx.rows(sql("SELECT user_id FROM user_ids WHERE profile_key = {}", gone))
    point(tx, _table([each for each in returning if each != (USER, own[0][0] if own else None)], gone))
    for user in own:
        tx.execute(
            sql(
                "DELETE FROM other_ids WHERE id_hash = md5_number_lower({}) AND kind = {} AND id = {}",
                f"{USER}:{user[0]}",
                USER,
                user[0],
            )
        )
    return returning


def _table(ids: Sequence[Id], profile_key: int) -> pa.Table:
    return pa.table(
        {
            "kind": pa.array([each[0] for each in ids], pa.string()),
            "id": pa.array([each[1] for each in ids], pa.string()),
            "profile_key": pa.array([profile_key] * len(ids), pa.uint32()),
        }
    )


def attach(tx: Transaction, user_ids: pa.Array, profile_keys: pa.Array) -> None:
    """Let these user ids lead to these profiles from now on. Rows with a null id are left out."""
    given = pa.table({"user_id": user_ids, "profile_key": profile_keys})
    fresh = given.filter(pc.is_valid(user_ids)) if user_ids.null_count else given
    if not fresh.num_rows:
        return
    tx.execute(sql("INSERT INTO user_ids SELECT user_id, profile_key FROM fresh", fresh=fresh))
    remembered.attached(tx, fresh)


def detach(tx: Transaction, people: Sql) -> None:
    """Let no id lead to these profiles any more. `people` is a query of profile keys."""
    _delete(tx, people)
    remembered.let_go(tx)


def _delete(tx: Transaction, people: Sql) -> None:
    ((going, known),) = tx.rows(sql("SELECT count(*) FILTER (profile_key IN ({})), count(*) FROM user_ids", people))
    if going < MANY or going * TIMES_AS_LONG < known:
        tx.execute(sql("DELETE FROM user_ids WHERE profile_key IN ({})", people))
    else:
        _write_anew(tx, people)
    tx.execute(sql("DELETE FROM other_ids WHERE profile_key IN ({})", people))


def _write_anew(tx: Transaction, people: Sql) -> None:
    """The table of user ids without these: to take one out of the index measured fifty times as long as to put one into a new one."""
    kept = tx.read(sql("SELECT user_id, profile_key FROM user_ids WHERE profile_key NOT IN ({})", people))
    tx.execute(Sql("DROP TABLE user_ids"))
    tx.execute(Sql(USER_IDS))
    tx.execute(sql("INSERT INTO user_ids SELECT user_id, profile_key FROM kept", kept=kept))


def ever(asked: Store | Transaction, people: Sql) -> set[Id]:
    """Every id that leads or once led to these profiles. `people` is a query of profile keys."""
    found = asked.rows(
        sql(
            "SELECT {}, user_id FROM user_ids WHERE profile_key IN ({}) UNION SELECT kind, id FROM other_ids WHERE profile_key IN ({}) "
            "UNION SELECT kind, id FROM links WHERE profile_key IN ({})",
            USER,
            people,
            people,
            people,
        )
    )
    return {(kind, text) for kind, text in found}


def erase(tx: Transaction, people: Sql) -> None:
    """Forget that any id ever led to these profiles."""
    detach(tx, people)
    tx.execute(sql("DELETE FROM links WHERE profile_key IN ({})", people))


def known_otherwise(people: Sql) -> Sql:
    """Those of `people` to whom more leads than their own user id: profile_key."""
    return sql("SELECT DISTINCT profile_key FROM other_ids WHERE profile_key IN ({})", people)


def of(store: Store, profile_key: int) -> pa.Table:
    """The ids that lead to one profile, its own user id first: kind, id, since and source (null: as the profile was made)."""
    return store.read(
        sql(
            "SELECT kind, id, since, source FROM (SELECT {} AS kind, user_id AS id, 0 AS place FROM user_ids WHERE profile_key = {} "
            "UNION ALL SELECT kind, id, 1 FROM other_ids WHERE profile_key = {}) LEFT JOIN (SELECT kind, id, max(linked_at) AS since, "
            "arg_max(source, linked_at) AS source FROM links WHERE profile_key = {} GROUP BY kind, id) USING (kind, id) "
            "ORDER BY place, since, kind, id",
            USER,
            profile_key,
            profile_key,
            profile_key,
        )
    )


def links(store: Store, ids: Sequence[Id]) -> list[tuple[Id, Id, datetime, str, str | None]]:
    """How these ids were tied to each other: one, the other, when, by which source, by which message; oldest first."""
    asked = pa.table(
        {"kind": pa.array([each[0] for each in ids], pa.string()), "id": pa.array([each[1] for each in ids], pa.string())}
    )
    rows = store.rows(
        sql(
            "SELECT kind, id, via_kind, via_id, linked_at, source, message_id FROM links SEMI JOIN asked USING (kind, id) "
            "SEMI JOIN (SELECT kind AS via_kind, id AS via_id FROM asked) USING (via_kind, via_id) ORDER BY linked_at",
            asked=asked,
        )
    )
    return [((kind, text), (via_kind, via_id), aware(at), *rest) for kind, text, via_kind, via_id, at, *rest in rows]


def user_ids(store: Store, people: People) -> pa.Table:
    """The user ids of these people: profile_key, user_id."""
    members = pa.table({"profile_key": people.keys()})
    return store.read(sql("SELECT profile_key, user_id FROM user_ids SEMI JOIN members USING (profile_key)", members=members))
