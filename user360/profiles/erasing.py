"""Taking people out for good: their record, its history, and what was kept aside of it for questions about the past.

After this nothing here can say that they were ever there; `leaving` only takes them out of the present.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from user360.sql import sql

if TYPE_CHECKING:
    import pyarrow as pa

    from user360.store import Store, Transaction

_KNOWN_BY: Final = ("userId", "email", "phone")


def addresses(asked: Store | Transaction, keys: pa.Table) -> set[tuple[str, str]]:
    """Every email address and phone number these people (profile_key) have or had, and the user ids of deleted ones: property and value."""
    now = asked.rows(
        sql(
            "SELECT 'email', email FROM profiles SEMI JOIN keys USING (profile_key) UNION ALL "
            "SELECT 'phone', phone FROM profiles SEMI JOIN keys USING (profile_key)",
            keys=keys,
        )
    )
    before = asked.rows(
        sql(
            "SELECT property, unnest([old, new]) FROM changes SEMI JOIN keys USING (profile_key) WHERE property IN ('email', 'phone')",
            keys=keys,
        )
    )
    aside = asked.rows(sql("SELECT snapshot FROM deleted_profiles SEMI JOIN keys USING (profile_key)", keys=keys))
    found = {(name, value) for name, value in now if value}
    found |= {(name, told) for name, value in before if value and (told := json.loads(value))}
    for (snapshot,) in aside:
        values = json.loads(snapshot)["values"]
        found |= {(name, values[name]) for name in _KNOWN_BY if values.get(name)}
    return found


def erase(tx: Transaction, keys: pa.Table) -> dict[str, int]:
    """Delete these people (profile_key) and every trace of their values; answer how much went."""
    gone = {
        "profiles": tx.execute(sql("DELETE FROM profiles USING keys WHERE profiles.profile_key = keys.profile_key", keys=keys)),
        "changes": tx.execute(sql("DELETE FROM changes USING keys WHERE changes.profile_key = keys.profile_key", keys=keys)),
    }
    gone["profiles"] += tx.execute(
        sql("DELETE FROM deleted_profiles USING keys WHERE deleted_profiles.profile_key = keys.profile_key", keys=keys)
    )
    tx.execute(sql("DELETE FROM profile_tags USING keys WHERE profile_tags.profile_key = keys.profile_key", keys=keys))
    tx.execute(sql("DELETE FROM sessions_set USING keys WHERE sessions_set.profile_key = keys.profile_key", keys=keys))
    tx.execute(sql("DELETE FROM before_merges USING keys WHERE before_merges.profile_key = keys.profile_key", keys=keys))
    tx.execute(sql("DELETE FROM value_times USING keys WHERE value_times.profile_key = keys.profile_key", keys=keys))
    tx.execute(sql("DELETE FROM absences USING keys WHERE absences.profile_key = keys.profile_key", keys=keys))
    tx.touch("profiles")
    return gone


def gone_by_id(asked: Store | Transaction, user_id: str) -> list[int]:
    """The keys of deleted profiles that had this user id."""
    found = asked.rows(sql("SELECT profile_key FROM deleted_profiles WHERE snapshot::JSON ->> '$.values.userId' = {}", user_id))
    return [int(key) for (key,) in found]
