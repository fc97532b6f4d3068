"""The sample brought into a store, through the one way in.

It is brought in steps, and the store remembers how far it got and for which instant: begun again
after a crash it goes on, begun again when it is done it changes nothing. How the sample is made
does not live here (`making`).
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from user360 import beginning, ingest, profiles, properties, segments, workspace
from user360.demo.changing import Change, later
from user360.demo.making import SEED, batches, people
from user360.errors import NameTaken

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from user360.demo.calendar import Numbers
    from user360.store import Store

BY: Final = "sample data"
CUSTOM: Final = (
    (
        "loyaltyTier",
        "string",
        "Tier of the loyalty programme: bronze, silver, gold or platinum. Renewed on the first of a month.",
    ),
    ("loyaltyPoints", "number", "Points not yet spent; one for each EUR."),
    ("favouriteStore", "string", "The store they visit or collect from most."),
    ("favouriteCategory", "string", "The category they look at most."),
    ("interests", "list", "Categories ticked in the profile."),
    ("cartValue", "number", "Worth of the basket they left, in EUR. Unknown: the basket is empty."),
    ("orders", "number", "Orders so far, those before the sample's 180 days included."),
    ("spent", "number", "What those orders came to, in EUR."),
    ("lastOrderOn", "date", "Day of the latest order."),
    ("memberSince", "date", "Day they joined the loyalty programme."),
    ("npsScore", "number", "Latest answer to “Would you recommend us?”, 0 to 10."),
    ("npsAnsweredAt", "datetime", "When they gave it."),
    ("referredBy", "string", "User id of who brought them."),
    ("acquisitionSource", "string", "What first led them to the shop."),
    ("plusMember", "boolean", "Whether they pay for free delivery."),
    ("preferredTime", "time", "When they like to be written to, in their own zone."),
    ("profileUrl", "url", "Their public profile, as they gave it."),
    ("billingEmail", "email", "Where invoices go, if elsewhere."),
    ("whatsAppNumber", "phone", "The number they write from."),
)
SEGMENTS: Final = ("active", "slipping", "big-spenders", "cart-abandoned", "reachable-whatsapp")
"""Which of the usual segments are saved with the sample."""
_KEPT: Final = "sample data"
_AT_ONCE: Final = 200_000
_FIRST_USERS: Final = 2  # steps done once the first source's users are there; properties come before


@dataclass
class _Sent:
    """How far the sample got: the instant it was made for, steps done, and the keys of those without an id, by row."""

    at: datetime
    users: int
    events: int
    done: int = 0
    finished: bool = False
    nameless: dict[int, int] = field(default_factory=dict)


def load(
    store: Store,
    *,
    users: int = 5_000,
    events: int = 150_000,
    at: datetime,
    by: str = BY,
    progress: Callable[[int, int, str], None] | None = None,
) -> None:
    """Bring the sample into a store, its 180 days ending at `at`; done before, nothing more happens.

    `progress` is told what is done, of how much, and what is being done: users, events and later changes.
    """
    sent = _sent(store) or _Sent(at, users, events)
    if sent.finished:
        return
    table = people(sent.users, sent.events, at=sent.at, seed=SEED)
    told = later(table, at=sent.at)
    keys = _known(store, table, sent, by)
    whole = sent.users + sent.events + sum(len(each.rows) for each in told)
    over = 0
    for number, (doing, size, step) in enumerate(_steps(store, table, told, keys, sent, by)):
        if progress is not None:
            progress(over, whole, doing)
        if number >= sent.done:
            step()
            sent.done = number + 1
            _remember(store, sent)
        over += size
    beginning.board(store, by=by, at=at)
    _save_segments(store, by, at)
    sent.finished = True
    _remember(store, sent)
    if progress is not None:
        progress(whole, whole, "done")


def _steps(
    store: Store, table: pa.Table, told: list[Change], keys: Numbers, sent: _Sent, by: str
) -> Iterator[tuple[str, int, Callable[[], None]]]:
    """What is to be done, in order: its name, how many rows, and the doing."""
    yield "properties", 0, partial(_define, store, sent.at, by)
    for source in table["source"].unique().to_pylist():
        rows = pc.indices_nonzero(pc.equal(table["source"], source))
        yield "users", len(rows), partial(_users, store, table, rows, keys, sent, source=source, by=by)
    for batch in _gathered(batches(sent.users, sent.events, at=sent.at, seed=SEED)):
        yield "events", len(batch), partial(_events, store, batch, keys, by, sent.at)
    for change in told:
        yield "changes", len(change.rows), partial(_change, store, change, keys, by)


def _define(store: Store, at: datetime, by: str) -> None:
    there = {each.name: each.datatype.name for each in properties.find(store)}
    for name, datatype, description in CUSTOM:
        if there.get(name) != datatype:
            properties.define(store, name, datatype, description, by=by, at=at)


def _save_segments(store: Store, by: str, at: datetime) -> None:
    """Without any, half of the pages would have nothing to show; a name that is taken stays as it is."""
    for each in segments.templates.find(store):
        if each.key in SEGMENTS and each.rule is not None:
            with suppress(NameTaken):
                segments.saved.save(store, each.name, each.rule, description=each.text, by=by, at=at)


def _users(store: Store, table: pa.Table, rows: pa.Array, keys: Numbers, sent: _Sent, *, source: str, by: str) -> None:
    chosen = table.take(rows).combine_chunks()
    columns = {each: _array(chosen[each]) for each in chosen.column_names if each not in {"userId", "createdAt", "source"}}
    ids = _array(chosen["userId"])
    incoming = ingest.Users(ids, columns, _positions(rows), at=_array(chosen["createdAt"]), unidentified=True)
    receipt = ingest.receive(store, incoming, source=source, by=by, at=sent.at, on_refusal="all", derive=False)
    places = rows.to_numpy()
    keys[places] = receipt.profile_keys.to_numpy(zero_copy_only=False)
    for place in places[pc.is_null(ids).to_numpy(zero_copy_only=False)].tolist():
        sent.nameless[place] = int(keys[place])


def _events(store: Store, batch: pa.Table, keys: Numbers, by: str, at: datetime) -> None:
    for source in batch["source"].unique().to_pylist():
        rows = batch.filter(pc.equal(batch["source"], source)).combine_chunks()
        incoming = ingest.Events(
            _array(rows["userId"]),
            _array(rows["event"]),
            _array(rows["timestamp"]),
            _positions(rows),
            channels=_array(rows["channel"]),
            message_ids=_array(rows["messageId"]),
            properties=_array(rows["properties"]),
            profile_keys=_keys_of(keys, rows["person"]),
        )
        ingest.receive(store, incoming, source=source, by=by, at=at, on_refusal="all")


def _change(store: Store, change: Change, keys: Numbers, by: str) -> None:
    columns = {each: _array(change.rows[each]) for each in change.rows.column_names if each != "person"}
    nobody = pa.nulls(len(change.rows), pa.string())
    incoming = ingest.Users(nobody, columns, _positions(change.rows), profile_keys=_keys_of(keys, change.rows["person"]))
    ingest.receive(store, incoming, source=change.source, by=by, at=change.at, on_refusal="all", derive=False)


def _known(store: Store, table: pa.Table, sent: _Sent, by: str) -> Numbers:
    """The profile key of each row, so far as its user is there already; 0 for the others."""
    keys = np.zeros(len(table), dtype=np.int64)
    sources = table["source"].unique()
    if sent.done < _FIRST_USERS:
        return keys
    rows = pc.indices_nonzero(
        pc.and_(pc.is_valid(table["userId"]), pc.is_in(table["source"], sources.slice(0, sent.done - _FIRST_USERS + 1)))
    )
    there = ingest.Users(_array(table["userId"].take(rows)), {}, _positions(rows))
    receipt = ingest.receive(store, there, source=BY, by=by, at=sent.at)
    keys[rows.to_numpy()] = receipt.profile_keys.to_numpy(zero_copy_only=False)
    keys[list(sent.nameless)] = list(sent.nameless.values())
    return keys


def _keys_of(keys: Numbers, persons: pa.ChunkedArray) -> pa.Array:
    return pa.array(keys[persons.to_numpy()].astype(np.uint32))


def _positions(rows: Any) -> pa.Array:
    return pa.array(np.arange(1, len(rows) + 1))


def _array(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks()


def _gathered(days: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """The days in batches worth a transaction."""
    waiting: list[pa.Table] = []
    for day in days:
        waiting.append(day)
        if sum(map(len, waiting)) >= _AT_ONCE:
            yield pa.concat_tables(waiting)
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting)


def _sent(store: Store) -> _Sent | None:
    """How far it got, unless everybody has been deleted since: then it may begin anew."""
    kept = workspace.preference(store, BY, _KEPT)
    if not isinstance(kept, dict) or not profiles.count(store):
        return None
    nameless = {int(row): int(key) for row, key in kept["nameless"].items()}
    return _Sent(**kept | {"at": datetime.fromisoformat(kept["at"]), "nameless": nameless})


def _remember(store: Store, sent: _Sent) -> None:
    workspace.keep(store, BY, _KEPT, asdict(sent) | {"at": sent.at.isoformat()})
