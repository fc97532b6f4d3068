"""The one way in.

A form, a file, an HTTP call and a bot all end here: values are parsed by their types, ids looked
up, profiles and events written in one transaction, and what could not be taken is answered as
values, never lost and never at the cost of its neighbours. Without this room each way in would
have its own idea of a valid row. Reading files does not live here (`imports`), nor merging
(`resolution`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from user360 import datatypes, events, identities, profiles, properties, workspace
from user360.clock import stored
from user360.errors import InvalidProperty, Unknown, shorten
from user360.schema import SYSTEM_EVENTS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from user360.properties import Property
    from user360.store import Store, Transaction

Mode: TypeAlias = Literal["update", "replace"]
OnRefusal: TypeAlias = Literal["row", "value", "all"]
Also: TypeAlias = "Callable[[Transaction, Receipt], None]"

FOLLOWED: Final = ("lastSession", "lastChannel")
LONGEST_EVENT_NAME: Final = 200
LONGEST_MESSAGE_ID: Final = 400


@dataclass(frozen=True, slots=True)
class Users:
    """Users to create or change, a row each, in the order they are to apply.

    `columns` holds text or values of the property's own Arrow type; null means not given. `clears`
    marks cells that are to become unknown. A row is addressed by `profile_keys` or else by user id;
    with neither it is a new unidentified user where `unidentified` allows it. `positions` are what a
    refusal points at (line numbers). `at` becomes createdAt of who is new (naive UTC).
    """

    user_ids: pa.Array
    columns: Mapping[str, pa.Array]
    positions: pa.Array
    profile_keys: pa.Array | None = None
    clears: Mapping[str, pa.Array] = field(default_factory=dict)
    at: pa.Array | None = None
    unidentified: bool = False


@dataclass(frozen=True, slots=True)
class Events:
    """Events to append, a row each; only who, name and time are needed. Times are naive UTC.

    `properties` and `context` are JSON objects as text. A user id nobody has becomes a new user.
    """

    user_ids: pa.Array
    names: pa.Array
    at: pa.Array
    positions: pa.Array
    channels: pa.Array | None = None
    message_ids: pa.Array | None = None
    properties: pa.Array | None = None
    context: pa.Array | None = None
    profile_keys: pa.Array | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """One thing that was not taken: where, which property and value, why, and how to mend it."""

    position: int
    code: str
    property: str
    value: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a batch. `stored` events are new, `known` ones had come before.

    `profile_keys` stands in the order of the batch, null where a row was not taken.
    """

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    stored: int = 0
    known: int = 0
    rejected: tuple[Rejected, ...] = ()
    profile_keys: pa.Array = field(default_factory=lambda: pa.array([], pa.uint32()))


def receive(
    store: Store,
    batch: Users | Events,
    *,
    source: str,
    by: str,
    at: datetime,
    mode: Mode = "update",
    merge_tags: bool = True,
    on_refusal: OnRefusal = "row",
    also: Also | None = None,
) -> Receipt:
    """Take a batch in, in one transaction, and say what became of each part of it.

    A refused value costs its row, only itself, or the whole batch, as `on_refusal` says. `also` is
    done in the same transaction, so that a caller's own count can neither run ahead nor lag behind.
    """
    if isinstance(batch, Users):
        return _receive_users(store, batch, source, by, at, mode, merge_tags, on_refusal, also)
    return _receive_events(store, batch, source, by, at, on_refusal, also)


def user(values: Mapping[str, object], *, user_id: str | None = None, profile_key: int | None = None) -> Users:
    """One user as a form gives it: None makes a property unknown."""
    columns = {each: pa.array([_raw(value)], _raw_type(value)) for each, value in values.items()}
    return Users(
        pa.array([user_id], pa.string()),
        columns,
        pa.array([1], pa.int64()),
        profile_keys=None if profile_key is None else pa.array([profile_key], pa.uint32()),
        clears={each: pa.array([_empty(value)]) for each, value in values.items()},
        unidentified=True,
    )


def _raw_type(value: object) -> pa.DataType | None:
    return pa.list_(pa.string()) if isinstance(value, list | tuple) else pa.string()


def _raw(value: object) -> object:
    if value is None or isinstance(value, list | tuple):
        return list(value) if value is not None else None
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, float) else str(value)


def _empty(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip()) or (isinstance(value, list | tuple) and not value)


# -- users --------------------------------------------------------------------------------------


def _receive_users(
    store: Store,
    batch: Users,
    source: str,
    by: str,
    at: datetime,
    mode: Mode,
    merge_tags: bool,  # noqa: FBT001 - passed on as it came
    on_refusal: OnRefusal,
    also: Also | None,
) -> Receipt:
    known = {each.name: each for each in properties.find(store)}
    zone = workspace.get(store).zone
    parsed, rejected = _parse(batch, known, zone)
    user_ids, nobody = _user_ids(batch)
    rejected += nobody
    wrong = _flags(batch.positions, nobody if on_refusal == "value" else rejected)
    if on_refusal == "all" and rejected:
        return Receipt(rejected=tuple(rejected), profile_keys=pa.nulls(len(user_ids), pa.uint32()))
    rows = _Rows(batch, user_ids, parsed, known, mode, merge_tags, at)
    keys = np.full(len(user_ids), -1, dtype=np.int64)
    created = updated = unchanged = 0
    with store.transaction() as tx:
        for chosen in _rounds(user_ids, batch.profile_keys, np.flatnonzero(~wrong)):
            written = profiles.write(tx, rows.incoming(tx, chosen), source=source, by=by, at=at)
            keys[chosen] = written.keys.to_numpy(zero_copy_only=False)
            created, updated, unchanged = created + written.created, updated + written.updated, unchanged + written.unchanged
        receipt = Receipt(created, updated, unchanged, rejected=tuple(rejected), profile_keys=_nullable(keys))
        if also:
            also(tx, receipt)
    return receipt


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
        times = self.batch.at.take(picked) if self.batch.at is not None else self._now(len(picked))
        return profiles.Incoming(keys, user_ids, columns, meant, self._tags(picked), self._unite(), times)

    def _meant(self, each: str, column: pa.Array, picked: pa.Array) -> pa.Array:
        if self.mode == "replace":
            return pa.array(np.ones(len(picked), dtype=np.bool_))
        clears = self.batch.clears.get(each)
        return pc.is_valid(column) if clears is None else pc.or_(pc.is_valid(column), clears.take(picked))

    def _emptied(self, columns: Mapping[str, pa.Array]) -> list[str]:
        kept = {*properties.KEPT_BY_STORE, *FOLLOWED, *columns}
        return [each.name for each in self.known.values() if each.name not in kept and not each.aside]

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
        result = known[each].datatype.parse_column(_plain(column), zone)
        parsed[each] = result.values
        for refused in result.refused:
            value = shorten(column[refused.position].as_py())
            rejected.append(
                Rejected(
                    batch.positions[refused.position].as_py(),
                    "invalidDataType",
                    each,
                    value,
                    f"{each} ({known[each].datatype.name}): “{value}” {refused.reason}.",
                    refused.hint,
                )
            )
    return parsed, rejected


def _user_ids(batch: Users) -> tuple[pa.Array, list[Rejected]]:
    user_ids = datatypes.get("string").parse_column(_plain(batch.user_ids)).values
    if batch.profile_keys is not None:
        return user_ids, []
    nobody = [_unnamed(batch, index) for index in pc.indices_nonzero(pc.is_null(user_ids)).to_pylist()]
    unfit = [_placeholder(batch.positions[index].as_py(), user_ids[index].as_py()) for index in _unfit(user_ids)]
    return user_ids, ([] if batch.unidentified else nobody) + unfit


def _unfit(user_ids: pa.Array) -> list[int]:
    """Where an id is given that can be nobody's. Looked at once per distinct short or odd id."""
    suspects = pc.or_(
        pc.match_substring_regex(user_ids, r"^[\s\"'\[]|^[A-Za-z]{1,16}$|^[0\-]+$|[\s\"'\]]$"),
        pc.greater(pc.utf8_length(user_ids), identities.LONGEST_ID),
    )
    return [
        each
        for each in pc.indices_nonzero(pc.fill_null(suspects, False)).to_pylist()
        if not identities.identifies(user_ids[each].as_py())
    ]


def _unnamed(batch: Users, index: int) -> Rejected:
    return Rejected(
        batch.positions[index].as_py(), "propertiesRequired", "userId", "", "userId is missing.", "Every user needs an id."
    )


def _placeholder(position: int, user_id: str) -> Rejected:
    return Rejected(
        position,
        "propertiesRequired",
        "userId",
        shorten(user_id),
        f"“{shorten(user_id)}” never identifies anyone.",
        f"Give the person's own id, of at most {identities.LONGEST_ID} characters.",
    )


def _rounds(user_ids: pa.Array, keys: pa.Array | None, chosen: Any) -> list[Any]:
    """Rows grouped so that each user stands once in a round and later rows of a user in later rounds."""
    picked = pa.array(chosen)
    who = (user_ids if keys is None else keys).take(picked)
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


# -- events -------------------------------------------------------------------------------------


def _receive_events(
    store: Store, batch: Events, source: str, by: str, at: datetime, on_refusal: OnRefusal, also: Also | None
) -> Receipt:
    user_ids = datatypes.get("string").parse_column(_plain(batch.user_ids)).values
    names = datatypes.get("string").parse_column(_plain(batch.names)).values
    rejected = _faulty_events(batch, user_ids, names)
    wrong = _flags(batch.positions, rejected)
    if on_refusal == "all" and rejected:
        return Receipt(rejected=tuple(rejected), profile_keys=pa.nulls(len(names), pa.uint32()))
    picked = pa.array(np.flatnonzero(~wrong))
    keys = np.full(len(names), -1, dtype=np.int64)
    with store.transaction() as tx:
        found, created = _profiles_of(tx, batch, user_ids, picked, source, by, at)
        keys[picked.to_numpy(zero_copy_only=False)] = found.to_numpy(zero_copy_only=False)
        appended = events.append(tx, _event_rows(batch, names, picked, found, source))
        profiles.follow(tx, appended.newest)
        receipt = Receipt(created, 0, 0, appended.stored, appended.known, tuple(rejected), _nullable(keys))
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
    tx: Transaction, batch: Events, user_ids: pa.Array, picked: pa.Array, source: str, by: str, at: datetime
) -> tuple[pa.Array, int]:
    """The profile of each event; who is not known yet is made, as of their first event here."""
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
    made = profiles.Incoming(nobody, fresh, {}, {}, None, unite=True, made_at=first["at_min"].combine_chunks())
    written = profiles.write(tx, made, source=source, by=by, at=at)
    return identities.look_up(tx, ids), written.created


def _faulty_events(batch: Events, user_ids: pa.Array, names: pa.Array) -> list[Rejected]:
    found: list[Rejected] = []

    def reject(mask: pa.Array, code: str, what: str, values: pa.Array, message: str, hint: str) -> None:
        for index in pc.indices_nonzero(pc.fill_null(mask, False)).to_pylist():
            value = shorten(values[index].as_py() or "")
            found.append(Rejected(batch.positions[index].as_py(), code, what, value, message.format(value), hint))

    reject(pc.is_null(names), "propertiesRequired", "event", names, "The event has no name.", "Every event needs a name.")
    reject(
        pc.is_null(batch.at), "propertiesRequired", "timestamp", names, "The event “{}” has no time.", "Every event needs a time."
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
        found += [_placeholder(batch.positions[index].as_py(), user_ids[index].as_py()) for index in _unfit(user_ids)]
    return found


# -- both ---------------------------------------------------------------------------------------


def _flags(positions: pa.Array, rejected: list[Rejected]) -> Any:
    """Which rows are refused, as booleans in the order of the batch."""
    wrong = pa.array({each.position for each in rejected}, pa.int64())
    return pc.is_in(positions, wrong).to_numpy(zero_copy_only=False)


def _plain(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _nullable(keys: Any) -> pa.Array:
    return pa.array(keys, mask=keys < 0).cast(pa.uint32())
