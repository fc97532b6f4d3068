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
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, TypeAlias

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
    strict: bool = False


Placed: TypeAlias = "tuple[int, Failure]"
"""What was wrong with a message, and where it stands in its request."""


@dataclass(slots=True)
class Outcome:
    """What became of a strict request: how many of its messages were taken, which were not, and what was left out of others."""

    accepted: int
    failed: list[Placed]
    warned: list[Placed]


Answer: TypeAlias = "Exception | Outcome | None"


@dataclass(slots=True)
class _Group:
    """What is committed together: whose places it holds, and what is in it.

    A strict request is a group of its own; `at` says where in it each message stands, and `failed` each of the failures.
    """

    strict: bool = False
    places: list[int] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    at: list[int] = field(default_factory=list)
    failed: list[Placed] = field(default_factory=list)


@dataclass(slots=True)
class Opened:
    """Parcels that were read: what each is answered so far, and what is to be stored."""

    answers: list[Answer] = field(default_factory=list)
    groups: list[_Group] = field(default_factory=lambda: [_Group()])
    store: Store | None = None


def get_ready() -> None:
    """Read beforehand what the first message would wait for, while nobody waits yet. Where that cannot be, the first will say why."""
    try:
        ingest.get_ready(doors.current_store())
    except User360Error as refusal:
        _log.warning("nothing could be read beforehand: %s", refusal)


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
            if parcel.strict:
                opened.groups.append(_Group(strict=True))
            group = opened.groups[-1]
            try:
                self._open(opened.store, parcel, group)
                group.places.append(place)
            except Exception as fault:  # noqa: BLE001 - the fault of one request is answered to that one
                opened.answers[place] = _answer_to(fault)
            if group.strict or len(group.messages) + len(group.failures) >= TOGETHER:
                opened.groups.append(_Group())
        return opened

    def store(self, opened: Opened) -> list[Answer]:
        """Store what was opened; for each parcel None or its outcome once all of it is stored, or why nothing of it is."""
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
        if group.strict:
            group.at += [place for place, each in enumerate(read) if isinstance(each, Message)]
            group.failed += [(place, each) for place, each in enumerate(read) if isinstance(each, Failure)]
        group.keys.add(key)

    def _commit(self, store: Store, group: _Group, answers: list[Answer]) -> None:
        try:
            condition.require_room(store)
            taken = self._receive(store, group.messages, group.failures, group.keys)
            if group.strict:
                failed = sorted(group.failed + [(group.at[place], each) for place, each in taken.failed], key=itemgetter(0))
                warned = [(group.at[place], each) for place, each in taken.warned]
                answers[group.places[0]] = Outcome(taken.accepted, failed, warned)
        except Exception as fault:  # noqa: BLE001 - whoever waits has to be answered
            answer = _answer_to(fault)
            for place in group.places:
                answers[place] = answer

    def _receive(self, store: Store, messages: list[Message], failures: list[Failure], keys: set[str], first: int = 0) -> Outcome:
        """Store messages of which the first has this place; one that breaks something is found by halving."""
        at = clock.now()
        also = partial(self._note, failures, keys, at)
        try:
            taken = ingest.receive_messages(store, messages, by=BY, at=at, also=also)
        except (StoreUnavailable, Interrupted):
            raise
        except Exception as fault:
            if not messages:
                raise
            if len(messages) == 1:
                broken = _broken(messages[0], fault)
                self._receive(store, [], [*failures, broken], keys)
                return Outcome(0, [(first, broken)], [])
            half = len(messages) // 2
            one = self._receive(store, messages[:half], failures, keys, first)
            other = self._receive(store, messages[half:], [], keys, first + half)
            return Outcome(one.accepted + other.accepted, one.failed + other.failed, one.warned + other.warned)
        failed = [(first + place, each) for place, each in taken.failures.items()]
        return Outcome(taken.stored + taken.known, failed, [(first + place, each) for place, each in taken.warnings])

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
