"""From one object of the tracking API to a message, or to a failed one with its reason.

The shapes are those of Segment's HTTP specification; what its fields mean to User 360 stands here once,
for requests and for a failed message that is sent again. Every field that has no place of its own is
kept in the event's context.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import orjson

from user360.errors import shorten
from user360.failed import Failure
from user360.ingest import LeftOut, Message
from user360.tracking import bodies, channels, cleaning, times

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from user360.sources import Sender

MOST_MESSAGE_BYTES: Final = 32 * 1024
LONGEST_MESSAGE_ID: Final = 400
KINDS: Final = ("identify", "track", "page", "screen", "group", "alias", "conversation")
CONVERSATION: Final = {"in": "Message received", "out": "Message sent", "": "Properties captured"}
# What a message says of itself and has a place of its own; everything else goes along in the context.
PLACED: Final = frozenset(
    {"type", "userId", "anonymousId", "previousId", "messageId", "event", "timestamp", "context", "properties", "traits"}
    | {"channel", "session", "direction", "text"}
)
_FEW_INNER: Final = 20


@dataclass(frozen=True)
class Request:
    """What holds for every message of a request: who sent it, when it came, when it says it was sent, from which address.

    `shared` are fields of a batch that each of its messages has where it does not say otherwise.
    """

    sender: Sender
    received: datetime
    sent: object = None
    address: str | None = None
    shared: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def came(self) -> str:
        """When it came, as text."""
        return self.received.isoformat()


def read(found: object, request: Request, *, kind: str | None = None, sound: bool = False) -> Message | Failure:
    """One message. `kind` is what the address says it is; `sound` is true where no value of it can be `Bad`."""
    if not isinstance(found, dict):
        raw = json.dumps(found, default=_as_written)
        return _failure(
            "", "message", "invalidMessage", "A message is an object.", "Send { } with names and values.", request, raw
        )
    whole = _whole(found, request, kind)
    raw, size = _raw(whole)
    left_out: list[LeftOut] = []
    told = whole
    if not sound or size < 0 or (raw.count("{") + raw.count("[") > _FEW_INNER and cleaning.is_deep(whole)):
        told = cleaning.clean(whole, left_out)
        size = len(_raw(told)[0].encode()) if size < 0 else size
    message_id = _message_id(told, left_out)
    named = kind or told.get("type")
    if size > MOST_MESSAGE_BYTES and (size := _size(found, size)) > MOST_MESSAGE_BYTES:
        reason, hint = f"The message has {size:,} bytes.", f"A message has at most {MOST_MESSAGE_BYTES:,}."
        return _failure(message_id, str(named), "tooLarge", reason, hint, request, raw)
    if named not in KINDS:
        reason = f"“{shorten(named)}” is no kind of message." if named else "The message does not say what it is."
        return _failure(message_id, "message", "invalidMessage", reason, f"Its type is one of {', '.join(KINDS)}.", request, raw)
    return _message(named, message_id, told, request, raw, left_out)


def again(raw: str, sender: Sender, *, at: datetime) -> Message | Failure:
    """A message that failed before, from what was kept of it; it still came when it came."""
    body = bodies.read(raw.encode("utf-8", "surrogatepass"))
    came = times.instant(body.value.get("receivedAt")) if isinstance(body.value, dict) else None
    return read(body.value, Request(sender, came or at), sound=body.sound)


def _message(
    kind: Any, message_id: str, told: dict[str, Any], request: Request, raw: str, left_out: list[LeftOut]
) -> Message | Failure:
    context = _object(told, "context", left_out)
    given = _object(told, "properties", left_out)
    traits = _object(told, "traits", left_out)
    user = _id(told, "userId", left_out)
    anonymous = _id(told, "session" if kind == "conversation" else "anonymousId", left_out)
    if user is None and anonymous is None and not _device(context):
        reason, hint = "The message says of nobody.", "Send userId or anonymousId."
        return _failure(message_id, kind, "propertiesRequired", reason, hint, request, raw, user)
    event, properties = _event(kind, told, given, traits)
    if kind == "track" and event is None:
        return _failure(message_id, kind, "propertiesRequired", "The event has no name.", "Send event.", request, raw, user)
    at = times.happened(told, request.sent, request.received, left_out)
    return Message(
        kind=kind,
        message_id=message_id,
        at=at,
        source=request.sender.source,
        user_id=user,
        anonymous_id=anonymous,
        previous_id=_id(told, "previousId", left_out) if kind == "alias" else None,
        event=event,
        channel=channels.channel_of(told, context, request.sender.channel),
        traits=_of_the_person(kind, context, given, traits),
        properties=properties,
        context=_context(told, context, request),
        raw=raw,
        left_out=tuple(left_out),
    )


def _event(
    kind: str, told: Mapping[str, Any], given: Mapping[str, Any], traits: Mapping[str, Any]
) -> tuple[str | None, Mapping[str, Any]]:
    """Under which name the message is kept as an event, and with which properties. None stores none."""
    if kind == "track":
        return _text(told.get("event")), given
    if kind in {"page", "screen"}:
        said = {each: told[each] for each in ("name", "category") if told.get(each) is not None}
        return _text(told.get("name")) or _text(given.get("name")) or kind.capitalize(), {**said, **given}
    if kind == "group":
        group = {"groupId": told["groupId"]} if told.get("groupId") is not None else {}
        return kind.capitalize(), {**given, **traits, **group}
    if kind == "conversation":
        direction = {"in": "in", "inbound": "in", "out": "out", "outbound": "out"}.get(str(told.get("direction")).lower(), "")
        direction = "in" if not direction and told.get("text") is not None else direction
        said = {each: told[each] for each in ("session", "direction", "text") if told.get(each) is not None}
        return CONVERSATION[direction], {**said, **given}
    return None, given


def _of_the_person(
    kind: str, context: Mapping[str, Any], given: Mapping[str, Any], traits: Mapping[str, Any]
) -> Mapping[str, Any]:
    """What the message says of the person. Some libraries tell traits in the context alone."""
    if kind == "identify":
        inner = context.get("traits")
        return {**inner, **traits} if isinstance(inner, dict) else traits
    return {**traits, **given} if kind == "conversation" else {}


def _context(told: Mapping[str, Any], context: Mapping[str, Any], request: Request) -> Mapping[str, Any]:
    """The context with everything that has no place of its own, and the address a browser or a phone called from."""
    rest = {each: value for each, value in told.items() if each not in PLACED and value is not None and each not in context}
    if told.get("timestamp") is not None:
        rest.setdefault("originalTimestamp", told["timestamp"])
    if request.address and not context.get("ip") and _from_the_person(context, request.sender):
        rest["ip"] = request.address
    return {**context, **rest}


def _from_the_person(context: Mapping[str, Any], sender: Sender) -> bool:
    """Whether who called is the person's own device, and no server in between."""
    if context.get("direct") is True or channels.by_library(context):
        return True
    return "library" not in context and sender.channel in {channels.WEB, channels.APP}


# -- parts --------------------------------------------------------------------------------------


def _whole(found: dict[str, Any], request: Request, kind: str | None) -> dict[str, Any]:
    """The message with all that its request says for it, so that it can be sent again by itself."""
    whole = {**request.shared, **found} if request.shared else dict(found)
    if "context" in request.shared and isinstance(found.get("context"), dict):
        whole["context"] = {**request.shared["context"], **found["context"]}
    whole.pop("writeKey", None)
    if kind:
        whole["type"] = kind
    if request.sent is not None and whole.get("sentAt") is None:
        whole["sentAt"] = request.sent
    whole["receivedAt"] = request.came
    return whole


def _raw(whole: dict[str, Any]) -> tuple[str, int]:
    """The message as text, and its bytes; below zero where it is no sound JSON."""
    try:
        packed = orjson.dumps(whole)
        return packed.decode(), len(packed)
    except TypeError:
        readable = cleaning.clean(whole, []) if cleaning.is_deep(whole, bodies.READ_TO) else whole
        return json.dumps(readable, default=_as_written), -1


def _size(found: dict[str, Any], whole: int) -> int:
    """How many bytes the message has as it came, of so many with what was added to it."""
    try:
        return len(orjson.dumps(found))
    except TypeError:
        return whole


def _as_written(bad: object) -> str:
    return getattr(bad, "text", str(bad))


def _message_id(told: Mapping[str, Any], left_out: list[LeftOut]) -> str:
    """The id by which the message is taken once; one of our own where it has none."""
    given = told.get("messageId")
    text = str(given) if isinstance(given, int) and not isinstance(given, bool) else given
    if isinstance(text, str) and text.strip():
        if len(text) <= LONGEST_MESSAGE_ID:
            return text.strip()
        reason = f"is longer than {LONGEST_MESSAGE_ID} characters, and was shortened"
        left_out.append(LeftOut("invalidValue", "messageId", shorten(text), reason, "Send a UUID."))
        return "sha256:" + hashlib.sha256(text.encode()).hexdigest()
    if given is not None and given != "":
        left_out.append(LeftOut("invalidValue", "messageId", shorten(given), "is no text", "Send a UUID."))
    return "u360-" + secrets.token_hex(16)


def _id(told: Mapping[str, Any], name: str, left_out: list[LeftOut]) -> str | None:
    given = told.get(name)
    if given is None or isinstance(given, str):
        return given or None
    if isinstance(given, int) and not isinstance(given, bool):
        return str(given)
    left_out.append(LeftOut("invalidValue", name, shorten(given), "is no id", "Send a text."))
    return None


def _object(told: Mapping[str, Any], name: str, left_out: list[LeftOut]) -> Mapping[str, Any]:
    given = told.get(name)
    if isinstance(given, dict):
        return given
    if given is not None:
        left_out.append(LeftOut("invalidValue", name, shorten(given), "is no object", "Send { } with names and values."))
    return {}


def _text(value: object) -> str | None:
    """A name: text, or a number written as one; None where there is none."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    return value.strip() or None if isinstance(value, str) else None


def _device(context: Mapping[str, Any]) -> bool:
    device = context.get("device")
    return isinstance(device, dict) and isinstance(device.get("id"), str) and bool(device["id"].strip())


def _failure(
    message_id: str, kind: str, code: str, reason: str, hint: str, request: Request, raw: str, user: str | None = None
) -> Failure:
    return Failure(message_id, kind, code, reason, hint, request.sender.source, raw, user)
