"""The one way in.

A form, a file, an HTTP call and a bot all end here: values are parsed by their types, ids looked
up, profiles and events written in one transaction, and what could not be taken is answered as
values, never lost and never at the cost of its neighbours. Without this room each way in would
have its own idea of a valid row. Reading files does not live here (`imports`), nor merging
(`resolution`).

`batches` holds what goes in and comes back, `users` and `events` take them in; `messages` takes in what comes one by one,
`meeting` works out who each message is about, `traits` what it says of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from user360.ingest.adopting import UNKNOWN as UNKNOWN_PROPERTY
from user360.ingest.adopting import adopt, type_of
from user360.ingest.batches import CHANGED, NEW, REFUSED, UNCHANGED, Also, Events, Mode, OnRefusal, Receipt, Rejected, Rule, Users
from user360.ingest.events import receive_events
from user360.ingest.messages import LeftOut, Message, Taken, get_ready, receive_messages
from user360.ingest.repeating import CODE as OTHER_CONTENT
from user360.ingest.users import receive_users

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from user360.store import Store

__all__ = [
    "CHANGED",
    "NEW",
    "OTHER_CONTENT",
    "REFUSED",
    "UNCHANGED",
    "UNKNOWN_PROPERTY",
    "Also",
    "Events",
    "LeftOut",
    "Message",
    "Mode",
    "OnRefusal",
    "Receipt",
    "Rejected",
    "Rule",
    "Taken",
    "Users",
    "adopt",
    "get_ready",
    "receive",
    "receive_messages",
    "type_of",
    "user",
]


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
    import_id: int | None = None,
    also: Also | None = None,
    derive: bool = True,
    in_order: bool = False,
) -> Receipt:
    """Take a batch in, in one transaction, and say what became of each part of it.

    A refused value costs its row, only itself, or the whole batch, as `on_refusal` says. What is written
    carries `import_id`, by which it can be taken back. `also` is done in the same transaction, so that a
    caller's own count can neither run ahead nor lag behind. Blanks are filled from the ip address and the phone
    number of a user, unless `derive` says no.
    """
    if isinstance(batch, Users):
        return receive_users(store, batch, source, by, at, mode, merge_tags, on_refusal, import_id, also, derive)
    return receive_events(store, batch, source, by, at, on_refusal, import_id, also, in_order)


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
