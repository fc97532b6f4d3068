"""One person, whole: everything held on them, and their erasure for good.

An erasure takes the profile, those merged into it, its events, its history, its ids, its places on lists, its failed messages, the rows of
failed imports and every exported file that holds them. What is left is a receipt
without personal data, and the ids as fingerprints, so that the next import does not bring the person back. Backups made
before still hold them; the receipt says how many. Who was erased does not live here (`erased`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from user360 import activity, backup, duplicates, erased, events, exports, failed, identities, imports, profiles, resolution
from user360.errors import Conflict, Unknown, shorten
from user360.segments import lists, membership
from user360.sql import sql

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from user360.store import Store

PAGE = 50_000


@dataclass(frozen=True, slots=True)
class Receipt:
    """What an erasure took, without a word about the person: its number, when, and how many of each thing."""

    id: int
    at: datetime
    counts: Mapping[str, int]
    backups: int


# -- everything held ----------------------------------------------------------------------------


def everything_about(store: Store, profile_key: int, *, at: datetime) -> dict[str, Any]:
    """All that is held on one person, as the objects of its JSON."""
    profile = profiles.get(store, profile_key)
    ids = identities.of(store, profile_key).to_pylist()
    return {
        "userId": profile.user_id,
        "id": profile_key,
        "heldAt": at.isoformat(),
        "properties": {name: value for name, value in profile.values.items() if name != "userId"},
        "identities": ids,
        "segments": [{"id": each.id, "name": each.name} for each in membership.of(store, profile_key, at=at)],
        "history": [_change(each) for each in profiles.history(store, profile_key)],
        "events": list(_events(store, profile_key)),
        "failedMessages": [_told(each.failure.raw) for each in _failed(store, ids)],
    }


def _events(store: Store, profile_key: int) -> Iterator[dict[str, Any]]:
    """Every event, newest first, page by page."""
    offset = 0
    while True:
        page = events.timeline(store, profile_key, limit=PAGE, offset=offset).to_pylist()
        for row in page:
            yield row | {each: json.loads(row[each]) for each in ("properties", "context") if row.get(each)}
        offset += len(page)
        if len(page) < PAGE:
            return


def _failed(store: Store, ids: list[dict[str, Any]]) -> list[failed.Failed]:
    return [each for one in ids if one["kind"] == identities.USER for each in failed.of_user(store, one["id"])]


def _told(raw: str) -> object:
    try:
        return json.loads(raw)
    except ValueError:
        return raw


def _change(change: profiles.Change) -> dict[str, object]:
    return {
        "property": change.property,
        "from": change.old,
        "to": change.new,
        "at": change.at,
        "by": change.by,
        "source": change.source,
    }


# -- erasure ------------------------------------------------------------------------------------


def keys_of(store: Store, user_id: str) -> list[int]:
    """The profile this user id leads to, or those deleted ones that had it; a refusal where there is none."""
    living = profiles.key_of(store, user_id)
    found = [living] if living is not None else profiles.gone_by_id(store, user_id)
    if not found:
        raise Unknown(f"Nobody has the user id “{shorten(user_id)}”, and nobody deleted had it.", "Write it exactly as it is.")
    return found


def forget(store: Store, profile_key: int, *, by: str, at: datetime) -> Receipt:
    """Erase one person everywhere. It cannot be undone.

    Files go first: if the program ends in between, only what can be made again is missing, and the erasure can be
    asked for again.
    """
    _nothing_unfinished(store)
    keys = pa.table({"profile_key": pa.array(resolution.together(store, profile_key), pa.uint32())})
    people = sql("SELECT profile_key FROM keys", keys=keys)
    ids = identities.ever(store, people) | profiles.addresses(store, keys)
    words = sorted({text for _, text in ids})
    counts = {
        "exports": sum(exports.without(store, each, by=by, at=at) for each in keys["profile_key"].to_pylist()),
        "failedRows": imports.without(store, words),
    }
    for each in store.folder("uploads").iterdir():  # waits in somebody's wizard; it can be chosen again
        each.unlink(missing_ok=True)
    with store.transaction() as tx:
        counts |= profiles.erase(tx, keys)
        counts["events"] = events.erase(tx, people, words)
        identities.erase(tx, people)
        resolution.erase(tx, people)
        duplicates.erase(tx, people)
        counts["lists"] = lists.erase(tx, keys)
        counts["failedMessages"] = failed.forget(tx, words)
        activity.redact(tx, words)
        counts["ids"] = len(ids)
        number = erased.note(tx, counts, ids, by=by, at=at)
        activity.record(tx, "erase user", "one user", {"erasure": number, **counts}, by=by, at=at)
    store.checkpoint()
    return Receipt(number, at, counts, len(backup.find(store)))


def _nothing_unfinished(store: Store) -> None:
    """An import whose file waits to be gone on with may hold the person, and would bring them back."""
    waiting = [each for each in imports.find(store, limit=1_000) if imports.file_of(store, each.id, each.file_name).exists()]
    if waiting:
        named = ", ".join(f"“{shorten(each.file_name, 40)}”" for each in waiting[:3])
        raise Conflict(
            f"An import is unfinished and its file may hold this person: {named}.",
            "Finish it or stop it under Import, then erase.",
        )
