"""Taking events in: each to its profile, which is made where nobody has the id yet."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from user360 import datatypes, events, identities, profiles
from user360.clock import stored
from user360.errors import shorten
from user360.ingest.batches import (
    NEW,
    REFUSED,
    UNCHANGED,
    Also,
    Events,
    OnRefusal,
    Receipt,
    Rejected,
    barred,
    flags,
    nullable,
    placeholder,
    plain,
    refused_whole,
    unfit,
)
from user360.schema import SYSTEM_EVENTS

if TYPE_CHECKING:
    from datetime import datetime

    from user360.store import Store, Transaction

LONGEST_EVENT_NAME: Final = 200
LONGEST_MESSAGE_ID: Final = 400


def receive_events(
    store: Store,
    batch: Events,
    source: str,
    by: str,
    at: datetime,
    on_refusal: OnRefusal,
    import_id: int | None,
    also: Also | None,
    in_order: bool,  # noqa: FBT001 - passed on as it came
) -> Receipt:
    """Append the events whose user, name and time are fit."""
    user_ids = datatypes.get("string").parse_column(plain(batch.user_ids)).values
    names = datatypes.get("string").parse_column(plain(batch.names)).values
    rejected = _faulty_events(batch, user_ids, names)
    keys = np.full(len(names), -1, dtype=np.int64)
    in_order = in_order and events.come_in_order(batch.at)
    with store.shredding() if in_order else nullcontext(), store.transaction() as tx:
        rejected += barred(tx, batch.positions, user_ids)
        if on_refusal == "all" and rejected:
            return refused_whole(rejected, len(names))
        picked = pa.array(np.flatnonzero(~flags(batch.positions, rejected)))
        found, created = _profiles_of(tx, batch, user_ids, picked, source, by, import_id, at)
        keys[picked.to_numpy(zero_copy_only=False)] = found.to_numpy(zero_copy_only=False)
        appended = events.append(tx, _event_rows(batch, names, picked, found, source), import_id=import_id, in_order=in_order)
        profiles.follow(tx, appended.newest, source=source, by=by, at=at, import_id=import_id)
        outcomes = np.full(len(names), REFUSED, dtype=np.int8)
        outcomes[picked.to_numpy()] = UNCHANGED
        outcomes[picked.take(appended.fresh).to_numpy()] = NEW
        receipt = Receipt(created, 0, 0, appended.stored, appended.known, tuple(rejected), nullable(keys), pa.array(outcomes))
        if also:
            also(tx, receipt)
    return receipt


def _event_rows(batch: Events, names: pa.Array, picked: pa.Array, keys: pa.Array, source: str) -> pa.Table:
    def column(values: pa.Array | None) -> pa.Array:
        return pa.nulls(len(picked), pa.string()) if values is None else values.take(picked)

    return pa.table(
        {
            "profile_key": keys,
            "event": names.take(picked),
            "channel": column(batch.channels),
            "source": pa.array([source], pa.string()).take(pa.array(np.zeros(len(picked), dtype=np.int64))),
            "at": batch.at.take(picked),
            "message_id": column(batch.message_ids),
            "properties": column(batch.properties),
            "context": column(batch.context),
        }
    )


def _profiles_of(
    tx: Transaction,
    batch: Events,
    user_ids: pa.Array,
    picked: pa.Array,
    source: str,
    by: str,
    import_id: int | None,
    at: datetime,
) -> tuple[pa.Array, int]:
    """The profile of each event; who is not known yet is made, as of their first event here, though not of one still to come."""
    if batch.profile_keys is not None:
        return batch.profile_keys.take(picked), 0
    ids = user_ids.take(picked)
    keys = identities.look_up(tx, ids)
    strangers = ids.filter(pc.is_null(keys))
    if not len(strangers):
        return keys, 0
    first = (
        pa.table({"id": strangers, "at": batch.at.take(picked).filter(pc.is_null(keys))})
        .group_by("id")
        .aggregate([("at", "min")])
    )
    fresh = first["id"].combine_chunks()
    nobody = pa.nulls(len(fresh), pa.uint32())
    made_at = pc.min_element_wise(first["at_min"].combine_chunks(), pa.scalar(stored(at), first["at_min"].type))
    made = profiles.Incoming(nobody, fresh, {}, {}, None, unite=True, made_at=made_at)
    written = profiles.write(tx, made, source=source, by=by, import_id=import_id, at=at)
    return identities.look_up(tx, ids), written.created


def _faulty_events(batch: Events, user_ids: pa.Array, names: pa.Array) -> list[Rejected]:
    found = list(batch.refused)
    told = pa.array([each.position for each in found], pa.int64())

    def reject(mask: pa.Array, code: str, what: str, values: pa.Array, message: str, hint: str) -> None:
        for index in pc.indices_nonzero(pc.fill_null(mask, False)).to_pylist():
            value = shorten(values[index].as_py() or "")
            found.append(Rejected(batch.positions[index].as_py(), code, what, value, message.format(value), hint))

    reject(pc.is_null(names), "propertiesRequired", "event", names, "The event has no name.", "Every event needs a name.")
    reject(
        pc.and_(pc.is_null(batch.at), pc.invert(pc.is_in(batch.positions, told))),
        "propertiesRequired",
        "timestamp",
        names,
        "The event “{}” has no time.",
        "Every event needs a time.",
    )
    reject(
        pc.is_in(names, pa.array(SYSTEM_EVENTS)),
        "invalidProperty",
        "event",
        names,
        "“{}” is an event of User 360 itself.",
        "Choose another name.",
    )
    reject(
        pc.greater(pc.utf8_length(names), LONGEST_EVENT_NAME),
        "invalidProperty",
        "event",
        names,
        "The name “{}” is too long.",
        f"At most {LONGEST_EVENT_NAME} characters.",
    )
    if batch.message_ids is not None:
        long = pc.greater(pc.utf8_length(batch.message_ids), LONGEST_MESSAGE_ID)
        reject(
            long,
            "invalidProperty",
            "messageId",
            batch.message_ids,
            "The message id “{}” is too long.",
            f"At most {LONGEST_MESSAGE_ID} characters.",
        )
    if batch.profile_keys is None:
        reject(
            pc.is_null(user_ids),
            "propertiesRequired",
            "userId",
            names,
            "The event “{}” has no user.",
            "Every event needs a userId.",
        )
        found += [placeholder(batch.positions[index].as_py(), user_ids[index].as_py()) for index in unfit(user_ids)]
    return found
