"""Taking users in: each value parsed by its type, each row to its profile, in the order of the rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from user360 import datatypes, identities, profiles, properties, workspace
from user360.clock import stored
from user360.errors import InvalidProperty, Unknown, shorten
from user360.ingest import deriving
from user360.ingest.batches import (
    CHANGED,
    NEW,
    REFUSED,
    UNCHANGED,
    Also,
    Mode,
    OnRefusal,
    Receipt,
    Rejected,
    Users,
    barred,
    flags,
    nullable,
    placeholder,
    plain,
    refused_whole,
    unfit,
)
from user360.ingest.weighing import weighed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from user360.datatype import DataType, Refused
    from user360.properties import Property
    from user360.store import Store, Transaction


def receive_users(
    store: Store,
    batch: Users,
    source: str,
    by: str,
    at: datetime,
    mode: Mode,
    merge_tags: bool,  # noqa: FBT001 - passed on as it came
    on_refusal: OnRefusal,
    import_id: int | None,
    also: Also | None,
    derive: bool,  # noqa: FBT001 - the same
) -> Receipt:
    """Create and change the users of a batch."""
    known = {each.name: each for each in properties.find(store)}
    settings = workspace.get(store)
    parsed, rejected = _parse(batch, known, settings.zone)
    user_ids, nobody = _user_ids(batch)
    rejected += nobody
    rows = _Rows(batch, user_ids, parsed, known, mode, merge_tags, at)
    keys = np.full(len(user_ids), -1, dtype=np.int64)
    writes, outcomes = keys.copy(), np.full(len(user_ids), REFUSED, dtype=np.int8)
    created = updated = unchanged = 0
    with store.transaction() as tx:
        erased = barred(tx, batch.positions, user_ids)
        rejected += erased
        wrong = flags(batch.positions, nobody + erased if on_refusal == "value" else rejected)
        if on_refusal == "all" and rejected:
            return refused_whole(rejected, len(user_ids))
        who = _whom(tx, user_ids) if batch.profile_keys is None else batch.profile_keys
        for chosen in _rounds(who, np.flatnonzero(~wrong)):
            incoming = rows.incoming(tx, chosen)
            written = profiles.write(tx, incoming, source=source, by=by, import_id=import_id, at=at)
            profiles.note_written(tx, written.keys, incoming, at, import_id)
            keys[chosen] = written.keys.to_numpy(zero_copy_only=False)
            writes[chosen] = -1 if written.write_id is None else written.write_id
            outcomes[chosen] = _outcomes(written)
            created, updated, unchanged = created + written.created, updated + written.updated, unchanged + written.unchanged
        if derive:
            deriving.fill(tx, _telling(parsed, keys), settings, by=by, at=at, import_id=import_id)
        receipt = Receipt(
            created,
            updated,
            unchanged,
            rejected=tuple(rejected),
            profile_keys=nullable(keys),
            outcomes=pa.array(outcomes),
            writes=nullable(writes),
        )
        if also:
            also(tx, receipt)
    return receipt


def _telling(parsed: Mapping[str, pa.Array], keys: np.ndarray[Any, np.dtype[np.int64]]) -> pa.Array:
    """The profiles to which something was given that others follow from."""
    given = [pc.is_valid(parsed[each]).to_numpy(zero_copy_only=False) for each in deriving.TELLING if each in parsed]
    told = np.logical_or.reduce(given) & (keys >= 0) if given else np.zeros(len(keys), dtype=np.bool_)
    return pa.array(keys[told].astype(np.uint32))


def _outcomes(written: profiles.Written) -> np.ndarray[Any, np.dtype[np.int8]]:
    """What became of each row of a write."""
    keys = written.keys.to_numpy(zero_copy_only=False)
    changed = np.isin(keys, written.changed.to_numpy(zero_copy_only=False))
    first_made = int(keys.max(initial=0)) - written.created + 1
    made = keys >= first_made if written.created else np.zeros(len(keys), dtype=np.bool_)
    return np.select([made, changed], [NEW, CHANGED], UNCHANGED).astype(np.int8)


@dataclass(frozen=True, slots=True)
class _Rows:
    """A parsed batch, from which rows are picked round by round."""

    batch: Users
    user_ids: pa.Array
    parsed: Mapping[str, pa.Array]
    known: Mapping[str, Property]
    mode: Mode
    merge_tags: bool
    at: datetime

    def incoming(self, tx: Transaction, chosen: np.ndarray[Any, np.dtype[np.int64]]) -> profiles.Incoming:
        picked = pa.array(chosen)
        columns = {each: column.take(picked) for each, column in self.parsed.items() if each != "tags"}
        meant = {each: self._meant(each, column, picked) for each, column in columns.items()}
        if self.mode == "replace":
            for each in self._emptied(columns):
                columns[each] = pa.nulls(len(picked), self.known[each].datatype.arrow)
                meant[each] = pa.array(np.ones(len(picked), dtype=np.bool_))
        user_ids = self.user_ids.take(picked)
        given = self.batch.profile_keys
        keys = identities.look_up(tx, user_ids) if given is None else given.take(picked)
        if self.batch.rules and self.mode == "update":
            columns, meant = weighed(tx, self.batch.rules, keys, columns, meant)
        times = self.batch.at.take(picked) if self.batch.at is not None else self._now(len(picked))
        return profiles.Incoming(keys, user_ids, columns, meant, self._tags(picked), self._unite(), times)

    def _meant(self, each: str, column: pa.Array, picked: pa.Array) -> pa.Array:
        if self.mode == "replace":
            return pa.array(np.ones(len(picked), dtype=np.bool_))
        clears = self.batch.clears.get(each)
        return pc.is_valid(column) if clears is None else pc.or_(pc.is_valid(column), clears.take(picked))

    def _emptied(self, columns: Mapping[str, pa.Array]) -> list[str]:
        kept = {*properties.KEPT_BY_STORE, *profiles.FOLLOWING, *columns}
        return [each.name for each in self.known.values() if each.name not in kept and each.writable and not each.aside]

    def _tags(self, picked: pa.Array) -> pa.Array | None:
        if "tags" not in self.parsed:
            return None
        tags, clears = self.parsed["tags"].take(picked), self.batch.clears.get("tags")
        return tags if clears is None else pc.if_else(clears.take(picked), pa.array([[]], tags.type)[0], tags)

    def _unite(self) -> bool:
        return self.merge_tags and "tags" not in self.batch.clears

    def _now(self, count: int) -> pa.Array:
        return pa.array(np.full(count, np.datetime64(stored(self.at), "us")))


def _parse(batch: Users, known: Mapping[str, Property], zone: ZoneInfo) -> tuple[dict[str, pa.Array], list[Rejected]]:
    """Each writable column as values of its type, and what was refused."""
    parsed: dict[str, pa.Array] = {}
    rejected: list[Rejected] = []
    for each, column in batch.columns.items():
        if each not in known:
            missing = Unknown.named("property", each, known)
            raise InvalidProperty(missing.message, missing.hint or "Make the property first, or leave the column out.")
        if not known[each].writable:
            continue
        result = known[each].datatype.parse_column(plain(column), zone)
        parsed[each] = result.values
        rejected += [_unread(batch, each, known[each].datatype, column, refused) for refused in result.refused]
    return parsed, rejected


def _unread(batch: Users, name: str, datatype: DataType, column: pa.Array, refused: Refused) -> Rejected:
    position, value = batch.positions[refused.position].as_py(), shorten(column[refused.position].as_py())
    return Rejected(
        position, "invalidDataType", name, value, f"{name} ({datatype.name}): “{value}” {refused.reason}.", refused.hint
    )


def _user_ids(batch: Users) -> tuple[pa.Array, list[Rejected]]:
    datatype = datatypes.get("string")
    parsed = datatype.parse_column(plain(batch.user_ids))
    user_ids = parsed.values
    if batch.profile_keys is not None:
        return user_ids, []
    unread = [_unread(batch, "userId", datatype, batch.user_ids, each) for each in parsed.refused]
    given = {each.position for each in parsed.refused}
    nobody = [_unnamed(batch, each) for each in pc.indices_nonzero(pc.is_null(user_ids)).to_pylist() if each not in given]
    odd = [placeholder(batch.positions[index].as_py(), user_ids[index].as_py()) for index in unfit(user_ids)]
    return user_ids, unread + ([] if batch.unidentified else nobody) + odd


def _unnamed(batch: Users, index: int) -> Rejected:
    return Rejected(
        batch.positions[index].as_py(), "propertiesRequired", "userId", "", "userId is missing.", "Every user needs an id."
    )


def _whom(tx: Transaction, user_ids: pa.Array) -> pa.Array:
    """Something by which rows of one user are told: two ids of one profile count as the same."""
    if not identities.any_former(tx):
        return user_ids
    keys = identities.look_up(tx, user_ids)
    texts = pc.if_else(pc.is_valid(keys), pc.cast(keys, pa.string()), pc.binary_join_element_wise("id", user_ids, " "))
    return pc.if_else(pc.is_valid(user_ids), texts, pa.scalar(None, pa.string()))


def _rounds(whom: pa.Array, chosen: Any) -> list[Any]:
    """Rows grouped so that each user stands once in a round and later rows of a user in later rounds."""
    who = whom.take(pa.array(chosen))
    named = pc.is_valid(who).to_numpy(zero_copy_only=False)
    codes = who.dictionary_encode().indices.to_numpy(zero_copy_only=False)
    codes = np.where(named, np.nan_to_num(codes), -1).astype(np.int64)
    order = np.argsort(codes, kind="stable")
    ordered = codes[order]
    starts = np.r_[0, np.flatnonzero(np.diff(ordered)) + 1] if ordered.size else np.zeros(0, dtype=np.int64)
    lengths = np.diff(np.r_[starts, ordered.size])
    turn = np.empty(ordered.size, dtype=np.int64)
    turn[order] = np.arange(ordered.size) - np.repeat(starts, lengths)
    turn[~named] = 0
    return [np.sort(chosen[turn == each]) for each in range(int(turn.max()) + 1)] if turn.size else []
