"""Which ids lead to which profile.

A user id leads to exactly one profile; the index on it is the only one in the file, because the
wide table must have none. How two profiles become one does not live here (`resolution`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pyarrow as pa

from user360.sql import Sql, sql

if TYPE_CHECKING:
    from user360.people import People
    from user360.store import Store, Transaction

LONGEST_ID: Final = 400
NO_IDS: Final = frozenset(
    {"", "null", "undefined", "anonymous", "guest", "0", "nan", "none", "nil", "[object object]", "true", "false", "unknown"}
)


def identifies(user_id: str) -> bool:
    """Whether this can be anybody's id: placeholders such as `null`, `guest` or all zeroes never are."""
    bare = user_id.strip().strip("\"'").strip().lower()
    return bare not in NO_IDS and bool(bare.strip("0-")) and len(user_id) <= LONGEST_ID


def key_of(store: Store | Transaction, user_id: str) -> int | None:
    """The profile this user id leads to."""
    found = store.rows(sql("SELECT profile_key FROM user_ids WHERE user_id = {}", user_id))
    return int(found[0][0]) if found else None


def look_up(tx: Transaction, user_ids: pa.Array) -> pa.Array:
    """For each user id its profile key, in order; null where it leads nowhere."""
    wanted = pa.table({"position": pa.array(range(len(user_ids)), pa.int64()), "user_id": user_ids})
    found = tx.read(
        sql(
            "SELECT wanted.position, user_ids.profile_key FROM wanted LEFT JOIN user_ids USING (user_id) ORDER BY 1",
            wanted=wanted,
        )
    )
    return found["profile_key"].combine_chunks()


def attach(tx: Transaction, user_ids: pa.Array, profile_keys: pa.Array) -> None:
    """Let these user ids lead to these profiles from now on. Rows with a null id are left out."""
    fresh = pa.table({"user_id": user_ids, "profile_key": profile_keys})
    tx.execute(sql("INSERT INTO user_ids SELECT user_id, profile_key FROM fresh WHERE user_id IS NOT NULL", fresh=fresh))


def detach(tx: Transaction, people: Sql) -> None:
    """Let no id lead to these profiles any more. `people` is a query of profile keys."""
    tx.execute(sql("DELETE FROM user_ids WHERE profile_key IN ({})", people))


def of(store: Store, profile_key: int) -> pa.Table:
    """The ids of one profile: via, id, since (null: since the profile was made)."""
    return store.read(
        sql(
            "SELECT 'User id' AS via, user_id AS id, NULL::TIMESTAMP AS since FROM user_ids WHERE profile_key = {}",
            profile_key,
        )
    )


def user_ids(store: Store, people: People) -> pa.Table:
    """The user ids of these people: profile_key, user_id."""
    members = pa.table({"profile_key": people.keys()})
    return store.read(sql("SELECT profile_key, user_id FROM user_ids SEMI JOIN members USING (profile_key)", members=members))
