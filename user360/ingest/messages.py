"""Taking messages in: who each is about, what it says of them, what they did; each message once.

Every channel ends here: the tracking API, a bot, a mended failed message. A batch is one transaction
and costs a few statements, whatever its size, so that many small requests can be committed together.
A value that cannot be taken is left out with a warning, a message that cannot be taken is kept as a
failed message; neither costs its neighbours. How requests become messages does not live here
(`collect`), nor the rules of who is who (`meeting`).
"""

from __future__ import annotations

import functools
import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import orjson
import pyarrow as pa

from user360 import datatypes, enrichment, erased, events, failed, identities, profiles, properties, workspace
from user360.clock import stored
from user360.errors import InvalidValue, shorten
from user360.failed import Failure
from user360.identities import ANONYMOUS, DEVICE, EXTERNAL, USER
from user360.ingest import adopting, deriving
from user360.ingest import traits as trait_columns
from user360.ingest.events import LONGEST_EVENT_NAME, LONGEST_MESSAGE_ID
from user360.ingest.meeting import Said, Wave, meeting
from user360.schema import SYSTEM_EVENTS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from user360.identities import Id
    from user360.ingest.meeting import Tie
    from user360.properties import Property
    from user360.store import Store, Transaction
    from user360.workspace import Workspace

UNKNOWN_TRAITS: Final = "traits"
"""Where an event keeps the traits no property has the name of."""
NO_PROPERTY: Final = "Its value is kept with the event. Make it a property, and the next is kept with the user."


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something of a message that could not be taken when it was read, and why; the rest of it was."""

    code: str
    property: str
    value: str
    reason: str
    hint: str


@dataclass(frozen=True, slots=True)
class Message:
    """One inbound unit: who, what, when, from where. Its shape is checked, its values are not parsed yet.

    `at` is an aware instant, corrected for the client's clock. `event` is the name of the event to store,
    None stores none. `raw` is the JSON as it came, for a failed message. What was `left_out` when it was read
    becomes a warning.
    """

    kind: Literal["identify", "track", "page", "screen", "group", "alias", "conversation"]
    message_id: str
    at: datetime
    source: str
    user_id: str | None = None
    anonymous_id: str | None = None
    previous_id: str | None = None
    event: str | None = None
    channel: str | None = None
    traits: Mapping[str, object] = field(default_factory=dict)
    properties: Mapping[str, object] = field(default_factory=dict)
    context: Mapping[str, object] = field(default_factory=dict)
    raw: str = ""
    left_out: tuple[LeftOut, ...] = ()


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a batch: messages stored, known before, failed; and how many came with a warning."""

    stored: int = 0
    known: int = 0
    failed: int = 0
    warned: int = 0


def receive_messages(
    store: Store, messages: Sequence[Message], *, by: str, at: datetime, also: Callable[[Transaction], None] | None = None
) -> Taken:
    """Take a batch of messages in, in one transaction; in the order they stand in, as if they had come one by one.

    `also` is done in the same transaction.
    """
    faults = [_fault(each) for each in messages]
    sound = [each.traits for each, fault in zip(messages, faults, strict=True) if fault is None]
    adopting.make_room(store, sound, by=by, at=at)
    with store.transaction() as tx:
        for place in _of_erased(tx, messages):
            faults[place] = _erased(messages[place])
        fit = [place for place, fault in enumerate(faults) if fault is None]
        fresh = events.novel(tx, pa.array([messages[each].message_id for each in fit], pa.string())).to_pylist()
        batch = _Batch(store, [messages[fit[each]] for each in fresh], by, at)
        batch.take(tx)
        failed.keep(tx, [fault for fault in faults if fault is not None], at=at)
        failed.warn(tx, [warning for _, warning in batch.warnings], at=at)
        if also:
            also(tx)
    return Taken(len(fresh), len(fit) - len(fresh), len(messages) - len(fit), len({place for place, _ in batch.warnings}))


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


class _Batch:
    """Messages that are new and fit, on their way in."""

    def __init__(self, store: Store, messages: Sequence[Message], by: str, at: datetime) -> None:
        self.messages, self.by, self.at = messages, by, at
        self.warnings: list[tuple[int, Failure]] = []
        settings, known = _ground(store, store.revision("workspace", "properties"))
        self.settings = settings
        self.said = trait_columns.read([_with_address(each) for each in messages], known.values(), settings.zone)
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
        wanted = {one for each in said for one in (each.user, each.session, each.former) if one is not None}
        met = meeting(*identities.whom(tx, wanted))
        for each in said:
            met.meet(each)
        keys: dict[int, int] = {}
        for wave in met.waves:
            self._write(tx, wave, keys)
        deriving.fill(tx, self._telling(met.waves, keys), self.settings, by=self.by, at=self.at)

    # -- who ------------------------------------------------------------------------------------

    def _said(self, place: int, message: Message) -> Said:
        user = self._usable(place, USER if self.feeds == USER else EXTERNAL, message.user_id)
        session = self._usable(place, ANONYMOUS, message.anonymous_id)
        if self.feeds != USER:
            fed = self._fed(message)
            session, user = session or user, self._usable(place, USER, fed)
        if session is None and user is None:
            session = self._usable(place, DEVICE, _device(message.context))
        former = self._former(place, message) if message.kind == "alias" else None
        return Said(place, message.source, user, session, former)

    def _fed(self, message: Message) -> str | None:
        """The user id as the property the workspace chose for it says it."""
        found = next((value for each, value in message.traits.items() if each.lower() == self.feeds.lower()), None)
        try:
            value = self.type.parse(trait_columns.text_of(found), self.zone)
        except InvalidValue:
            return None
        return None if value is None else self.type.format(value)

    def _former(self, place: int, message: Message) -> Id | None:
        return self._usable(place, ANONYMOUS, message.previous_id)

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

    # -- writing --------------------------------------------------------------------------------

    def _write(self, tx: Transaction, wave: Wave, keys: dict[int, int]) -> None:
        """Write a wave; `keys` learns the keys of who is made."""
        by_source: dict[str, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
        for step in wave.steps:
            by_source[self.messages[step.position].source][step.who].append(step.position)
        own = {tie.who: tie for tie in wave.ties if tie.id[0] == USER}
        for source, people in by_source.items():
            written = profiles.write(tx, self._incoming(people, own, keys), source=source, by=self.by, at=self.at)
            keys.update(zip(people, written.keys.to_pylist(), strict=True))
        self._tie(tx, wave, keys)
        self._append(tx, wave, keys)

    def _incoming(
        self, people: Mapping[int, Sequence[int]], own: Mapping[int, Tie], keys: Mapping[int, int]
    ) -> profiles.Incoming:
        """One row per profile: of each property the last value said in this wave."""
        who = list(people)
        known = [each if each >= 0 else keys.get(each) for each in who]
        ids = [own[each].id[1] if each in own else None for each in who]
        places = np.array([place for each in who for place in people[each]], dtype=np.int64)
        rows = np.array([row for row, each in enumerate(who) for _ in people[each]], dtype=np.int64)
        first = [min(stored(self.at), *(stored(self.messages[place].at) for place in people[each])) for each in who]
        columns, meant = {}, {}
        for each, cells in self.said.columns.items():
            counts = self.said.meant[each][places]
            if not counts.any():
                continue
            last = np.full(len(who), -1, dtype=np.int64)
            last[rows[counts]] = places[counts]
            columns[each] = cells.take(pa.array(last, mask=last < 0))
            meant[each] = pa.array(last >= 0)
        tags = columns.pop("tags", None)
        meant.pop("tags", None)
        if any(ids):
            columns["userId"] = pa.array(ids, pa.string())
            meant["userId"] = pa.array([each is not None for each in ids])
        return profiles.Incoming(
            pa.array(known, pa.uint32()),
            pa.array(ids, pa.string()),
            columns,
            meant,
            tags,
            unite=True,
            made_at=pa.array(first, pa.timestamp("us")),
        )

    def _telling(self, waves: Sequence[Wave], keys: Mapping[int, int]) -> pa.Array:
        """Of whom something was said that others follow from."""
        given = [self.said.meant[each] for each in deriving.TELLING if each in self.said.meant]
        steps = [step for wave in waves for step in wave.steps if any(each[step.position] for each in given)]
        return pa.array(list({keys.get(step.who, step.who) for step in steps}), pa.uint32())

    def _tie(self, tx: Transaction, wave: Wave, keys: Mapping[int, int]) -> None:
        last = {tie.id: tie for tie in wave.ties}
        rows = [
            {
                "kind": one[0],
                "id": one[1],
                "via_kind": tie.via[0] if tie.via else None,
                "via_id": tie.via[1] if tie.via else None,
                "profile_key": keys.get(tie.who, tie.who),
                "linked_at": stored(self.messages[tie.position].at),
                "source": self.messages[tie.position].source,
                "message_id": self.messages[tie.position].message_id,
            }
            for one, tie in last.items()
        ]
        if rows:
            identities.tie(tx, pa.Table.from_pylist(rows, _TIES))

    def _append(self, tx: Transaction, wave: Wave, keys: Mapping[int, int]) -> None:
        rows, silent = [], []
        for step in wave.steps:
            message = self.messages[step.position]
            unknown = self.said.unknown.get(step.position)
            name = message.event or (message.kind if unknown else None)
            if name is None:
                silent.append(message.message_id)
                continue
            said = {**message.properties, UNKNOWN_TRAITS: unknown} if unknown else message.properties
            rows.append(
                {
                    "profile_key": keys.get(step.who, step.who),
                    "event": name.strip(),
                    "channel": message.channel,
                    "source": message.source,
                    "at": stored(message.at),
                    "message_id": message.message_id,
                    "properties": _json(said),
                    "context": _json(_with_ids(message)),
                }
            )
        if silent:
            events.take_note(tx, pa.array(silent, pa.string()))
        if rows:
            appended = events.append(tx, pa.Table.from_pylist(rows, events.ROWS), novel=True)
            profiles.follow(tx, appended.newest)


_TIES: Final = pa.schema(
    {
        "kind": pa.string(),
        "id": pa.string(),
        "via_kind": pa.string(),
        "via_id": pa.string(),
        "profile_key": pa.uint32(),
        "linked_at": pa.timestamp("us"),
        "source": pa.string(),
        "message_id": pa.string(),
    }
)


def _with_address(message: Message) -> Mapping[str, object]:
    """What a message says of the person, the address it came from among it."""
    found = message.context.get("ip")
    plain = enrichment.address(found) if isinstance(found, str) else None
    return message.traits if plain is None else {"ip": plain, **message.traits}


def _device(context: Mapping[str, object]) -> str | None:
    device = context.get("device")
    found: Any = device.get("id") if isinstance(device, dict) else None
    return found if isinstance(found, str) else None


def _with_ids(message: Message) -> Mapping[str, object]:
    """The context with the ids the message came by, so that an event can say whose it was, and what its user agent says."""
    ids = {"userId": message.user_id, "anonymousId": message.anonymous_id}
    return {**enrichment.in_context(message.context), **{each: value for each, value in ids.items() if value}}


def _json(document: Mapping[str, object]) -> str | None:
    if not document:
        return None
    try:
        return orjson.dumps(document).decode()
    except TypeError:  # a whole number of more digits than it knows
        return json.dumps(document, ensure_ascii=False, separators=(",", ":"))
