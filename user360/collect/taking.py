"""Many requests, one commit: whose they are, what they say, and what each is answered.

Runs beside the event loop, in one thread. What is wrong with one request is answered to that one; what
one message breaks is found by halving, and kept as a failed message, so that it neither stops the
others nor comes back for ever.
"""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from user360 import clock, condition, doors, failed, ingest, sources, tracking
from user360.errors import Interrupted, StoreUnavailable, TooLarge, UnreadableRequest, User360Error
from user360.failed import Failure
from user360.ingest import Message

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from user360.store import Store, Transaction

MOST_MESSAGES: Final = 2_500
TOGETHER: Final = 5_000
BY: Final = "Tracking API"

_log = logging.getLogger("user360.collect")


@dataclass(frozen=True, slots=True)
class Parcel:
    """A request as it came. `kind` is None where it holds many messages; `secret` is "" where only the body names a key."""

    kind: str | None
    body: bytes
    received: datetime
    secret: str = ""
    bearer: str = ""
    encoding: str = ""
    address: str | None = None


@dataclass(slots=True)
class _Group:
    """What is committed together: whose places it holds, and what is in it."""

    places: list[int] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Opened:
    """Parcels that were read: what each is answered so far, and what is to be stored."""

    answers: list[Exception | None] = field(default_factory=list)
    groups: list[_Group] = field(default_factory=lambda: [_Group()])
    store: Store | None = None


class Taking:
    """Takes parcels. Knows the keys between two changes of them."""

    def __init__(self) -> None:
        self._senders = sources.Senders()
        self._uses = sources.Uses()

    def open(self, parcels: Sequence[Parcel], before: Opened | None = None) -> Opened:
        """What the parcels hold, and what those are answered that cannot be taken; together with those opened `before`."""
        opened = before or Opened()
        first = len(opened.answers)
        opened.answers += [None] * len(parcels)
        try:
            opened.store = doors.current_store()
        except User360Error as refusal:
            opened.answers[first:] = [refusal] * len(parcels)
            return opened
        for place, parcel in enumerate(parcels, first):
            group = opened.groups[-1]
            try:
                self._open(opened.store, parcel, group)
            except Exception as fault:  # noqa: BLE001 - the fault of one request is answered to that one
                opened.answers[place] = _answer_to(fault)
                continue
            group.places.append(place)
            if len(group.messages) + len(group.failures) >= TOGETHER:
                opened.groups.append(_Group())
        return opened

    def store(self, opened: Opened) -> list[Exception | None]:
        """Store what was opened; for each parcel None once all of it is stored, or why nothing of it is."""
        for group in opened.groups:
            if group.places and opened.store is not None:
                self._commit(opened.store, group, opened.answers)
        return opened.answers

    def _open(self, store: Store, parcel: Parcel, group: _Group) -> None:
        """Read all of a parcel, then put all of it into the group."""
        if parcel.secret:
            key, sender = self._senders.of(store, parcel.secret)
        body = _read(parcel)
        if not parcel.secret:
            key, sender = self._senders.of(store, _key_in(body.value) or parcel.bearer)
        found, shared = (body.value, {}) if parcel.kind else _batch(body.value)
        items = [found] if parcel.kind else found
        if parcel.kind and not isinstance(found, dict):
            raise UnreadableRequest("$", "is no object.", "Send one object with names and values.")
        request = tracking.Request(sender, parcel.received, shared.pop("sentAt", None), parcel.address, shared)
        read = [tracking.read_message(each, request, kind=parcel.kind, sound=body.sound) for each in items]
        if parcel.kind:
            for each in read:
                if isinstance(each, Failure) and each.code == "tooLarge":
                    raise TooLarge(each.message, each.hint)
        group.messages += [each for each in read if isinstance(each, Message)]
        group.failures += [each for each in read if isinstance(each, Failure)]
        group.keys.add(key)

    def _commit(self, store: Store, group: _Group, answers: list[Exception | None]) -> None:
        try:
            condition.require_room(store)
            self._receive(store, group.messages, group.failures, group.keys)
        except Exception as fault:  # noqa: BLE001 - whoever waits has to be answered
            answer = _answer_to(fault)
            for place in group.places:
                answers[place] = answer

    def _receive(self, store: Store, messages: list[Message], failures: list[Failure], keys: set[str]) -> None:
        at = clock.now()
        also = partial(self._note, failures, keys, at)
        try:
            ingest.receive_messages(store, messages, by=BY, at=at, also=also)
        except (StoreUnavailable, Interrupted):
            raise
        except Exception as fault:
            if not messages:
                raise
            if len(messages) == 1:
                self._receive(store, [], [*failures, _broken(messages[0], fault)], keys)
                return
            half = len(messages) // 2
            self._receive(store, messages[:half], failures, keys)
            self._receive(store, messages[half:], [], keys)

    def _note(self, failures: Sequence[Failure], keys: set[str], at: datetime, tx: Transaction) -> None:
        failed.keep(tx, failures, at=at)
        sources.note_used(tx, self._uses.of(keys, at), at=at)


def _read(parcel: Parcel) -> tracking.Body:
    body = tracking.read_body(parcel.body, parcel.encoding)
    if not isinstance(body.value, dict | list):
        raise UnreadableRequest("$", "is no object.", "Send one object with names and values.")
    return body


def _key_in(value: Any) -> str:
    """The write key that stands in a body, or in its first message."""
    found = value[0] if isinstance(value, list) and value else value
    if not isinstance(found, dict):
        return ""
    key = found.get("writeKey")
    batch = found.get("batch")
    return key if isinstance(key, str) else _key_in(batch) if isinstance(batch, list) else ""


def _batch(value: Any) -> tuple[list[Any], dict[str, Any]]:
    """The messages of a batch, and what it says for all of them."""
    items = value if isinstance(value, list) else value.get("batch")
    if not isinstance(items, list):
        raise UnreadableRequest("$.batch", "is no list.", "Send {“batch”: [ … ]}.")
    if len(items) > MOST_MESSAGES:
        raise TooLarge(f"A batch has at most {MOST_MESSAGES:,} messages.", "Send it in parts.")
    if isinstance(value, list):
        return items, {}
    return items, {each: said for each, said in value.items() if each in {"context", "integrations", "sentAt"}}


def _broken(message: Message, fault: Exception) -> Failure:
    """A message that breaks something of ours, or that is refused by itself."""
    if isinstance(fault, User360Error):
        code, reason, hint = fault.code, fault.message, fault.hint
    else:
        bug = secrets.token_hex(4)
        _log.error("bug %s: a message could not be taken", bug, exc_info=fault)
        code, reason, hint = (
            "bug",
            f"Something broke: error {bug}.",
            "It was logged under that id. Send it again after an update.",
        )
    return Failure(message.message_id, message.kind, code, reason, hint, message.source, message.raw, message.user_id)


def _answer_to(fault: Exception) -> Exception:
    """What is answered: a refusal as it is, a bug as trouble of ours that passes."""
    if isinstance(fault, User360Error):
        return fault
    bug = secrets.token_hex(4)
    _log.error("bug %s", bug, exc_info=fault)
    return StoreUnavailable(f"Something broke: error {bug}.", "It was logged under that id. Send it again.")
