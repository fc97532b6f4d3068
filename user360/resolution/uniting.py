"""Doing merges: many at once for messages, one at a time for an analyst; and holding those nobody decided yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from user360 import activity, events, identities, profiles, properties
from user360.errors import Conflict, Unknown
from user360.resolution import records
from user360.resolution.records import Proposed, absorbed
from user360.segments import lists

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from user360.properties import Property
    from user360.resolution.records import Merge
    from user360.store import Store, Transaction


TOLD: Final = ("events", "filled")
"""What the timeline of who was kept tells of a merge; names and ids of the other one would stay there after it is undone."""


def merge(store: Store, keep: int, absorb: int, *, by: str, at: datetime) -> Merge:
    """Merge one profile into another because an analyst says so; either may have a user id, both lead to `keep` from then on."""
    known = properties.find(store)
    with store.transaction() as tx:
        check(tx, keep, absorb)
        (merge_id,) = unite(tx, [Proposed(keep, absorb, "analyst", "merge")], known, by=by, at=at)
        done = records.get(tx, merge_id)
        _log(tx, "merge users", done, by=by, at=at)
    return done


def accept(store: Store, merge_id: int, *, by: str, at: datetime) -> Merge:
    """Do a merge that was held for review."""
    held = _held(store, merge_id)
    known = properties.find(store)
    with store.transaction() as tx:
        keep, absorb = records.leads_to(tx, held.kept), records.leads_to(tx, held.gone)
        check(tx, keep, absorb)
        records.settle(tx, merge_id, "accepted", by=by, at=at)
        (done_id,) = unite(tx, [Proposed(keep, absorb, held.cause, held.source, held.message_id)], known, by=by, at=at)
        done = records.get(tx, done_id)
        _log(tx, "merge users", done, by=by, at=at)
    return done


def dismiss(store: Store, merge_id: int, *, by: str, at: datetime) -> Merge:
    """Decide that a merge that was held does not happen; the same is not proposed again."""
    held = _held(store, merge_id)
    with store.transaction() as tx:
        records.settle(tx, merge_id, "dismissed", by=by, at=at)
        _log(tx, "dismiss merge", held, by=by, at=at)
    return records.get(store, merge_id)


def check(asked: Store | Transaction, keep: int, absorb: int) -> None:
    """Refuse a merge of somebody with themselves, or of somebody who is not there."""
    if keep == absorb:
        raise Conflict("Both are the same user.", "Choose another user to merge with.")
    if len(profiles.rows(asked, (keep, absorb))) < 2:  # noqa: PLR2004 - the two of a merge
        raise Unknown("One of the two users is not there.", "They may have been deleted, or merged into another.")


def unite(tx: Transaction, proposed: Sequence[Proposed], known: Sequence[Property], *, by: str, at: datetime) -> list[int]:
    """Do these merges in their order within a transaction; nobody who is kept is gone in another. Answers their numbers."""
    if not proposed:
        return []
    first = tx.take("merge", len(proposed))
    numbers = list(range(first, first + len(proposed)))
    write_id = profiles.start_change(tx, proposed[0].source, by, at)
    names = profiles.rows(tx, [key for each in proposed for key in (each.kept, each.gone)])
    taken = profiles.unite(tx, [(each.kept, each.gone) for each in proposed], known, write_id=write_id, at=at)
    pairs = pa.table(
        {
            "merge_id": pa.array(numbers, pa.uint32()),
            "gone": pa.array([each.gone for each in proposed], pa.uint32()),
            "kept": pa.array([each.kept for each in proposed], pa.uint32()),
        }
    )
    ids = identities.hand_over(tx, pairs)
    for number, kept, (kind, text) in identities.once_of(tx, pairs, ids):
        if kind in identities.IN_CONTEXT:
            events.mark_own(tx, number, kept, identities.IN_CONTEXT[kind], text, at=at)
    moved = events.move(tx, pairs, at=at)
    profiles.settle(tx, pairs.select(["kept"]).rename_columns(["profile_key"]), write_id, at)
    stood = lists.hand_over(tx, pairs, at=at)
    first_link = identities.links_so_far(tx)
    documents: list[dict[str, object]] = [
        {
            **_called(names, each),
            "events": moved.get(number, 0),
            "ids": ids.get(each.gone, []),
            "filled": sorted(filled.values),
            "added": filled.added,
            "first link": first_link,
            "lists": stood.get(number, []),
        }
        for number, each, filled in zip(numbers, proposed, taken, strict=True)
    ]
    records.record(tx, list(zip(numbers, proposed, documents, strict=True)), "done", write_id=write_id, by=by, at=at)
    told: dict[int, dict[str, list[Any]]] = {}
    for number, each, document in zip(numbers, proposed, documents, strict=True):
        told.setdefault(each.kept, {"merged": []})["merged"].append({"merge": number, **{each: document[each] for each in TOLD}})
    profiles.tell_merges(tx, told, write_id=write_id, at=at)
    return numbers


def hold(tx: Transaction, proposed: Sequence[Proposed], *, by: str, at: datetime) -> None:
    """Keep merges that must be looked at first; each pair once."""
    if not proposed:
        return
    names = profiles.rows(tx, [key for each in proposed for key in (each.kept, each.gone)])
    decided = records.decided(tx)
    fresh = {
        (each.kept, each.gone): each
        for each in proposed
        if (each.kept, each.gone) not in decided and names.keys() >= {each.kept, each.gone}
    }
    if fresh:
        first = tx.take("merge", len(fresh))
        merges = [(first + place, each, _called(names, each)) for place, each in enumerate(fresh.values())]
        records.record(tx, merges, "held", by=by, at=at)


def _called(names: Mapping[int, dict[str, Any]], each: Proposed) -> dict[str, object]:
    """How both were called, and the user ids they have."""
    kept, gone = names[each.kept], names[each.gone]
    return {
        "kept name": name_of(kept),
        "gone name": name_of(gone),
        "kept user id": kept["userId"],
        "gone user id": gone["userId"],
    }


def name_of(record: dict[str, Any]) -> str:
    """How a record is called: name, else user id, else what else is known of it."""
    whole = " ".join(each for each in (record["firstName"], record["lastName"]) if each)
    return whole or record["userId"] or record["email"] or record["phone"] or f"Unidentified {record['profile_key']}"


def _held(store: Store, merge_id: int) -> Merge:
    found = records.get(store, merge_id)
    if found.status != "held":
        raise Conflict("This merge does not wait for a decision any more.", "Look at the merges of the user it is about.")
    return found


def _log(tx: Transaction, kind: str, found: Merge, *, by: str, at: datetime) -> None:
    """Names stay out of the log: only ids, in the detail, can be found there again when somebody is erased."""
    detail = {"merge": found.id, "kept": found.kept_user_id, "merged": found.gone_user_id, "events": found.events}
    activity.record(tx, kind, "one user into another", detail, by=by, at=at)


__all__ = ["Proposed", "absorbed", "accept", "check", "dismiss", "hold", "merge", "name_of", "unite"]
