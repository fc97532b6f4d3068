"""Taking messages in: who each is about, what it says of them, what they did; each message once.

Every channel ends here: the tracking API, a bot, a mended failed message. A batch is one transaction
and costs a few statements, whatever its size, so that many small requests can be committed together.
A value that cannot be taken is left out with a warning, a message that cannot be taken is kept as a
failed message; neither costs its neighbours. How requests become messages does not live here
(`collect`), nor the rules of who is who (`meeting`).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from user360 import datatypes, enrichment, erased, events, failed, identities, properties, resolution, workspace
from user360.errors import InvalidValue, shorten
from user360.failed import Failure
from user360.identities import ANONYMOUS, DEVICE, EXTERNAL, USER
from user360.ingest import adopting, repeating
from user360.ingest import traits as trait_columns
from user360.ingest.events import LONGEST_EVENT_NAME, LONGEST_MESSAGE_ID
from user360.ingest.meeting import SILENT, Meeting, Said
from user360.ingest.message import LeftOut, Message
from user360.ingest.writing import Writer
from user360.schema import SYSTEM_EVENTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from user360.identities import Id
    from user360.properties import Property
    from user360.store import Store, Transaction
    from user360.workspace import Workspace

__all__ = ["LeftOut", "Message", "Taken", "get_ready", "receive_messages"]

NO_PROPERTY: Final = "Its value is kept with the event. Make it a property, and the next is kept with the user."


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a batch: messages stored, known before, failed; and how many came with a warning.

    `failures` and `warnings` say which, by their places in the batch.
    """

    stored: int = 0
    known: int = 0
    failed: int = 0
    warned: int = 0
    failures: Mapping[int, Failure] = field(default_factory=dict)
    warnings: tuple[tuple[int, Failure], ...] = ()


def receive_messages(
    store: Store, messages: Sequence[Message], *, by: str, at: datetime, also: Callable[[Transaction], None] | None = None
) -> Taken:
    """Take a batch of messages in, in one transaction; in the order they stand in, as if they had come one by one.

    `also` is done in the same transaction.
    """
    faults = [_fault(each) for each in messages]
    sound = [each.traits for each, fault in zip(messages, faults, strict=True) if fault is None]
    if _ground(store, store.revision("workspace", "properties"))[0].automatic_properties:
        adopting.make_room(store, sound, by=by, at=at)
    with store.transaction() as tx:
        for place in _of_erased(tx, messages):
            faults[place] = _erased(messages[place])
        fit = [place for place, fault in enumerate(faults) if fault is None]
        fresh = events.novel(tx, pa.array([messages[each].message_id for each in fit], pa.string())).to_pylist()
        other = repeating.others(tx, messages, fit, fresh) if len(fresh) < len(fit) else []
        for place in other:
            faults[place] = repeating.failure(messages[place])
        batch = _Batch(store, [messages[fit[each]] for each in fresh], by, at)
        batch.take(tx)
        failed.keep(tx, [fault for fault in faults if fault is not None], at=at)
        failed.warn(tx, [warning for _, warning in batch.warnings], at=at)
        if also:
            also(tx)
    known = len(fit) - len(fresh) - len(other)
    failures = {place: fault for place, fault in enumerate(faults) if fault is not None}
    warnings = tuple((fit[fresh[place]], warning) for place, warning in batch.warnings)
    return Taken(len(fresh), known, len(failures), len({place for place, _ in warnings}), failures, warnings)


def get_ready(store: Store) -> None:
    """Have in memory what the first message would have to wait for: which ids were there before, and what reads a table."""
    with store.transaction() as tx:
        events.novel(tx, pa.array([""], pa.string()))
        identities.whom(tx, {(ANONYMOUS, "")})


def _fault(message: Message) -> Failure | None:
    """What keeps a message from being taken at all."""
    if not message.message_id or len(message.message_id) > LONGEST_MESSAGE_ID:
        return _failure(
            message,
            "invalidProperty",
            f"The message id “{shorten(message.message_id)}” cannot be one.",
            f"It has one character at least and {LONGEST_MESSAGE_ID} at most.",
            ("messageId", message.message_id),
        )
    if message.event is None:
        return None
    about = ("event", message.event)
    if not message.event.strip():
        return _failure(message, "propertiesRequired", "The event has no name.", "Every event needs a name.", about)
    if message.event.strip() in SYSTEM_EVENTS:
        return _failure(
            message, "invalidProperty", f"“{message.event}” is an event of User 360 itself.", "Choose another name.", about
        )
    if len(message.event) > LONGEST_EVENT_NAME:
        hint = f"At most {LONGEST_EVENT_NAME} characters."
        return _failure(message, "invalidProperty", f"The name “{shorten(message.event)}” is too long.", hint, about)
    return None


def _of_erased(tx: Transaction, messages: Sequence[Message]) -> list[int]:
    """Which messages are about somebody who was erased."""
    if not erased.any_barred(tx):
        return []
    named = [_named(each) for each in messages]
    gone = erased.barred_among(tx, {one for each in named for one in each})
    return [place for place, each in enumerate(named) if each & gone] if gone else []


def _named(message: Message) -> set[Id]:
    said = {
        (USER, message.user_id),
        (EXTERNAL, message.user_id),
        (ANONYMOUS, message.anonymous_id),
        (ANONYMOUS, message.previous_id),
    }
    return {(kind, text.strip()) for kind, text in said if text}


def _erased(message: Message) -> Failure:
    """That the message was not taken, without a word of what it said."""
    return Failure(
        message.message_id, message.kind, erased.CODE, "The person was erased.", erased.HINT, message.source, "", None, "", ""
    )


def _failure(message: Message, code: str, reason: str, hint: str, about: tuple[str, str]) -> Failure:
    """What was wrong with a message, and with which property and value of it."""
    return Failure(message.message_id, message.kind, code, reason, hint, message.source, message.raw, message.user_id, *about)


@functools.lru_cache(maxsize=2)
def _ground(store: Store, revision: int) -> tuple[Workspace, dict[str, Property]]:  # noqa: ARG001 - what is kept ends with it
    """What a batch has to know of the workspace, read once per change of it."""
    return workspace.get(store), {each.name: each for each in properties.find(store)}


def _may_unite(said: Said, ids: Mapping[Id, int]) -> bool:
    """Whether somebody known can become one with another by this message: its ids do not lead to one person already."""
    return said.former is not None or bool(said.session and said.user and ids.get(said.session) != ids.get(said.user))


class _Batch:
    """Messages that are new and fit, on their way in."""

    def __init__(self, store: Store, messages: Sequence[Message], by: str, at: datetime) -> None:
        self.messages, self.by, self.at = messages, by, at
        self.warnings: list[tuple[int, Failure]] = []
        settings, known = _ground(store, store.revision("workspace", "properties"))
        self.settings, self.known = settings, tuple(known.values())
        self.said = trait_columns.read([_with_address(each) for each in messages], known.values(), settings.zone)
        self.weights = self.said.weigh()
        self.feeds = settings.user_id_property
        self.type = known[self.feeds].datatype if self.feeds in known else datatypes.get("string")
        self.zone = settings.zone
        for each in self.said.refused:
            reason = f"{each.property}: “{each.value}” {each.reason}."
            self._warn(each.position, "invalidDataType", reason, each.hint, (each.property, each.value))
        for place, unknown in self.said.unknown.items():
            for trait, value in unknown.items():
                about = (trait, trait_columns.text_of(value) or "")
                self._warn(place, adopting.UNKNOWN, f"No property is called “{shorten(trait)}”.", NO_PROPERTY, about)
        for place, message in enumerate(messages):
            for left in message.left_out:
                reason = f"{left.property}: “{left.value}” {left.reason}."
                self._warn(place, left.code, reason, left.hint, (left.property, left.value))

    def take(self, tx: Transaction) -> None:
        """Work out who is who, then write wave by wave."""
        said = [self._said(place, each) for place, each in enumerate(self.messages)]
        ids, named = identities.whom(tx, {one for each in said for one in _spoken_of(each)})
        held = resolution.absorbed(tx, sorted({*ids.values()})) if any(_may_unite(each, ids) for each in said) else {}
        most = resolution.MOST_BY_MESSAGES
        met = Meeting(ids, named, {key: most - count for key, count in held.items()}, most)
        for one in said:
            met.meet(one)
        Writer(self.messages, self.said, self.known, self.settings, self.by, self.at).write(tx, met)
        for union in met.held:
            hint = "Look at both and decide; until then they stay apart."
            self._warn(union.position, "heldForReview", f"A merge is held for review. {union.reason}", hint, (USER, ""))

    # -- who ------------------------------------------------------------------------------------

    def _said(self, place: int, message: Message) -> Said:
        user = self._usable(place, USER if self.feeds == USER else EXTERNAL, message.user_id)
        session = self._usable(place, ANONYMOUS, message.anonymous_id)
        if self.feeds != USER:
            fed = self._fed(message)
            session, user = session or user, self._usable(place, USER, fed)
        if session is None and user is None:
            session = self._usable(place, DEVICE, _device(message.context))
        former = self._usable(place, ANONYMOUS, message.previous_id) if message.kind == "alias" else None
        return Said(place, message.source, user, session, former[1] if former else None, self.weights.get(place, SILENT))

    def _fed(self, message: Message) -> str | None:
        """The user id as the property the workspace chose for it says it."""
        found = next((value for each, value in message.traits.items() if each.lower() == self.feeds.lower()), None)
        try:
            value = self.type.parse(trait_columns.text_of(found), self.zone)
        except InvalidValue:
            return None
        return None if value is None else self.type.format(value)

    def _usable(self, place: int, kind: str, text: str | None) -> Id | None:
        if text is None or not text.strip():
            return None
        if not identities.identifies(text):
            hint = f"Send the person's own id, of at most {identities.LONGEST_ID} characters, or none."
            self._warn(place, "blockedId", f"“{shorten(text)}” identifies nobody.", hint, (kind, text))
            return None
        return kind, text.strip()

    def _warn(self, place: int, code: str, reason: str, hint: str, about: tuple[str, str]) -> None:
        self.warnings.append((place, _failure(self.messages[place], code, reason, hint, about)))


def _spoken_of(said: Said) -> Iterator[Id]:
    """The ids a message brings; the former one of an alias may be of either kind."""
    yield from (each for each in (said.user, said.session) if each is not None)
    if said.former is not None:
        yield from ((USER, said.former), (ANONYMOUS, said.former))


def _with_address(message: Message) -> Mapping[str, object]:
    """What a message says of the person, the address it came from among it."""
    found = message.context.get("ip")
    plain = enrichment.address(found) if isinstance(found, str) else None
    return message.traits if plain is None else {"ip": plain, **message.traits}


def _device(context: Mapping[str, object]) -> str | None:
    device = context.get("device")
    found: Any = device.get("id") if isinstance(device, dict) else None
    return found if isinstance(found, str) else None
