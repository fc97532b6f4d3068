"""Which ids lead to which profile.

A user id leads to exactly one profile; the index on it is the only one in the file, because the
wide table must have none. `user_ids` holds the one user id of each profile that has one, `other_ids`
every further id that leads to it: of a browser, a device, a conversation, or the user id of somebody
merged into it. `links` remembers how each came to lead there. How two profiles become one does not
live here (`resolution`), nor the rules by which an id is tied to somebody (`ingest.meeting`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from user360.sql import Sql, sql

if TYPE_CHECKING:
    from collections.abc import Collection

    from user360.people import People
    from user360.store import Store, Transaction

Id = tuple[str, str]
"""A kind and an id of that kind."""

USER: Final = "userId"
ANONYMOUS: Final = "anonymousId"
DEVICE: Final = "deviceId"
EXTERNAL: Final = "externalId"
KINDS: Final = {
    USER: "User id",
    ANONYMOUS: "Anonymous id",
    DEVICE: "Device id",
    EXTERNAL: "Id at the sender",
}
"""Each kind of id, in words. An external id is what a sender calls a user where another property feeds the user id."""

LONGEST_ID: Final = 400
NO_IDS: Final = frozenset(
    {
        *("", "null", "undefined", "nil", "none", "nan", "n/a", "na", "void", "true", "false", "0", "-1", "[object object]"),
        *("anonymous", "anon", "guest", "unknown", "not_authenticated", "user", "userid", "user_id", "distinctid", "distinct_id"),
        *("id", "email", "phone", "test"),
    }
)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_BLANKS: Final = "\"' \t\r\n\v\f\u00a0\ufeff\u200b"


def identifies(user_id: str) -> bool:
    """Whether this can be anybody's id: placeholders such as `null`, `guest` or all zeroes never are."""
    bare = user_id.strip(_BLANKS).lower()
    return (
        bare not in NO_IDS
        and bool(bare.strip("0-"))
        and len(user_id) <= LONGEST_ID
        and (user_id.isprintable() or not _CONTROL.search(user_id))
    )


def key_of(store: Store | Transaction, user_id: str) -> int | None:
    """The profile this user id leads to, its own or that of whom it was merged into."""
    found = store.rows(
        sql(
            "SELECT profile_key FROM user_ids WHERE user_id = {} UNION ALL SELECT profile_key FROM other_ids WHERE kind = {} AND id = {}",
            user_id,
            USER,
            user_id,
        )
    )
    return int(found[0][0]) if found else None


def look_up(tx: Transaction, user_ids: pa.Array) -> pa.Array:
    """For each user id its profile key, in order; null where it leads nowhere."""
    wanted = pa.table({"position": pa.array(range(len(user_ids)), pa.int64()), "user_id": user_ids})
    found = tx.read(
        sql(
            "SELECT wanted.position, coalesce(user_ids.profile_key, former.profile_key) AS profile_key FROM wanted "
            "LEFT JOIN user_ids USING (user_id) LEFT JOIN (SELECT id AS user_id, profile_key FROM other_ids WHERE kind = {}) former "
            "USING (user_id) ORDER BY 1",
            USER,
            wanted=wanted,
        )
    )
    return found["profile_key"].combine_chunks()


def whom(tx: Transaction, ids: Collection[Id]) -> tuple[dict[Id, int], set[int]]:
    """Those of these ids that lead to somebody, with the profile; and which of these profiles have a user id."""
    kinds, texts = [each[0] for each in ids], [each[1] for each in ids]
    asked = pa.table({"kind": pa.array(kinds, pa.string()), "id": pa.array(texts, pa.string())})
    found = tx.read(
        sql(
            "SELECT kind, id, profile_key FROM other_ids SEMI JOIN asked USING (kind, id) UNION ALL "
            "SELECT {}, user_id, profile_key FROM user_ids SEMI JOIN (SELECT id AS user_id FROM asked WHERE kind = {}) USING (user_id)",
            USER,
            USER,
            asked=asked,
        )
    )
    named = tx.read(
        sql("SELECT DISTINCT profile_key FROM user_ids SEMI JOIN found USING (profile_key)", found=found.select(["profile_key"]))
    )
    columns = [found[each].to_pylist() for each in ("kind", "id", "profile_key")]
    known = {(kind, text): key for kind, text, key in zip(*columns, strict=True)}
    return known, set(named["profile_key"].to_pylist())


def tie(tx: Transaction, ties: pa.Table) -> None:
    """Let ids lead to profiles from now on, and remember how: kind, id, via_kind, via_id, profile_key, linked_at, source, message_id.

    Each id once. An id that led to somebody else is let go of there. A user id becomes a profile's own.
    """
    tx.execute(sql("DELETE FROM other_ids USING ties WHERE other_ids.kind = ties.kind AND other_ids.id = ties.id", ties=ties))
    tx.execute(
        sql("INSERT INTO other_ids SELECT kind, id, profile_key FROM ties WHERE kind <> {}", USER, ties=ties),
    )
    tx.execute(
        sql(
            "INSERT INTO user_ids SELECT id, profile_key FROM ties WHERE kind = {} AND id NOT IN (SELECT user_id FROM user_ids "
            "SEMI JOIN (SELECT id AS user_id FROM ties) USING (user_id))",
            USER,
            ties=ties,
        )
    )
    tx.execute(
        sql(
            "INSERT INTO links SELECT kind, id, via_kind, via_id, profile_key, linked_at, source, message_id FROM ties",
            ties=ties,
        )
    )


def attach(tx: Transaction, user_ids: pa.Array, profile_keys: pa.Array) -> None:
    """Let these user ids lead to these profiles from now on. Rows with a null id are left out."""
    fresh = pa.table({"user_id": user_ids, "profile_key": profile_keys})
    tx.execute(sql("INSERT INTO user_ids SELECT user_id, profile_key FROM fresh WHERE user_id IS NOT NULL", fresh=fresh))


def detach(tx: Transaction, people: Sql) -> None:
    """Let no id lead to these profiles any more. `people` is a query of profile keys."""
    tx.execute(sql("DELETE FROM user_ids WHERE profile_key IN ({})", people))
    tx.execute(sql("DELETE FROM other_ids WHERE profile_key IN ({})", people))


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


def user_ids(store: Store, people: People) -> pa.Table:
    """The user ids of these people: profile_key, user_id."""
    members = pa.table({"profile_key": people.keys()})
    return store.read(sql("SELECT profile_key, user_id FROM user_ids SEMI JOIN members USING (profile_key)", members=members))
