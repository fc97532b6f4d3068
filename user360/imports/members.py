"""A file of people for a fixed list: each id is looked up and put on it; nobody is made and nothing else is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from user360 import datatypes, identities, ingest
from user360.errors import shorten
from user360.imports.preparing import fit
from user360.segments import lists

if TYPE_CHECKING:
    from datetime import datetime

    from user360.imports.gathering import Batch
    from user360.imports.mapping import Plan
    from user360.store import Store


def receive(
    store: Store, plan: Plan, batch: Batch, *, source: str, by: str, at: datetime, also: ingest.Also | None = None
) -> ingest.Receipt:
    """Put whom the rows name on the list of the plan, in one transaction; answer what became of each row."""
    ids = datatypes.get("string").parse_column(fit(batch.columns[plan.user_column], pa.string())).values
    with store.transaction() as tx:
        keys = identities.look_up(tx, ids)
        before = lists.members_under(tx, store, plan.segment)
        lists.put_under(tx, store, plan.segment, keys, source=source, by=by, at=at)
        found = _receipt(batch, ids, keys, before)
        if also:
            also(tx, found)
    return found


def _receipt(batch: Batch, ids: pa.Array, keys: pa.Array, before: pa.Array) -> ingest.Receipt:
    """Who is put on the list is new, once; who is on it already, or stands there again, is as they were."""
    places = pa.array(np.arange(len(keys)))
    first = pa.table({"key": keys, "place": places}).group_by("key", use_threads=False).aggregate([("place", "min")])
    outcomes = np.full(len(keys), ingest.UNCHANGED, dtype=np.int8)
    outcomes[first["place_min"].to_numpy()] = ingest.NEW
    outcomes[pc.is_in(keys, before).to_numpy(zero_copy_only=False)] = ingest.UNCHANGED
    unknown = pc.is_null(keys).to_numpy(zero_copy_only=False)
    outcomes[unknown] = ingest.REFUSED
    rejected = tuple(_stranger(batch.lines[place].as_py(), ids[place].as_py()) for place in np.flatnonzero(unknown).tolist())
    added = int((outcomes == ingest.NEW).sum())
    return ingest.Receipt(
        created=added,
        unchanged=len(keys) - added - len(rejected),
        rejected=rejected,
        profile_keys=keys,
        outcomes=pa.array(outcomes),
        writes=pa.nulls(len(keys), pa.uint32()),
    )


def _stranger(line: int, user_id: str | None) -> ingest.Rejected:
    if user_id is None:
        return ingest.Rejected(line, "propertiesRequired", "userId", "", "userId is missing.", "Every row needs an id.")
    value = shorten(user_id)
    return ingest.Rejected(line, "unknownUser", "userId", value, f"Nobody has the id “{value}”.", "Import them as users first.")
