"""The calls of the tracking API as the document describes them, so that one document tells of everything that is heard here.

What they mean and how they are answered does not live here (`collect`, `tracking`).
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from user360.api.fields import INSTANT, OBJECT, SENDING, TEXT, Card, Field, Schema

_ID: Final[Schema] = {"type": "string", "maxLength": 400}
_SAID: Final[dict[str, Schema]] = {
    "messageId": {
        "type": "string",
        "maxLength": 400,
        "description": "By which the message is taken once, whenever it comes again.",
    },
    "userId": _ID | {"description": "Whose it is. Without it an anonymousId is needed."},
    "anonymousId": _ID | {"description": "Of the browser, the device or the conversation."},
    "timestamp": INSTANT | {"description": "When it happened. Corrected by sentAt for the clock of the sender."},
    "sentAt": INSTANT | {"description": "When it was sent, by the same clock."},
    "context": OBJECT | {"description": "ip, userAgent, channel, library, device, campaign, page and more; kept with the event."},
}
_PROPERTIES: Final = {"properties": OBJECT | {"description": "Kept with the event."}}
_TRAITS: Final = {"traits": OBJECT | {"description": "Values of properties; those without a property are kept with the event."}}
_NAMED: Final = {"name": TEXT, "category": TEXT}

_KINDS: Final[dict[str, tuple[str, dict[str, Schema], tuple[str, ...]]]] = {
    "identify": ("Say what is known of a person", _TRAITS, ()),
    "track": ("Say what a person did", {"event": TEXT | {"minLength": 1}} | _PROPERTIES, ("event",)),
    "page": ("Say which page a person saw", _NAMED | _PROPERTIES, ()),
    "screen": ("Say which screen of an app a person saw", _NAMED | _PROPERTIES, ()),
    "group": ("Say to which group a person belongs", {"groupId": TEXT} | _TRAITS, ("groupId",)),
    "alias": ("Say that two ids are of one person", {"previousId": _ID}, ("previousId",)),
    "conversation": (
        "Hand over a message of a bot's conversation, or what was captured in it",
        {"session": _ID, "direction": {"type": "string", "enum": ["in", "out"]}, "text": TEXT, "channel": TEXT} | _PROPERTIES,
        ("session",),
    ),
}
_MANY: Final[Schema] = {
    "type": "object",
    "required": ["batch"],
    "properties": {
        "batch": {
            "type": "array",
            "maxItems": 2_500,
            "items": {
                "type": "object",
                "required": ["type"],
                "properties": {"type": {"type": "string", "enum": [*_KINDS]}} | _SAID,
            },
        },
        "sentAt": _SAID["sentAt"],
        "context": OBJECT | {"description": "What holds for each of the messages."},
    },
}
_STRICT: Final = Field(
    "strict",
    {"type": "string", "enum": ["1"]},
    "Answer 400 and say which messages were not taken, instead of keeping them as failed messages in silence.",
)
_TAKEN: Final[Schema] = {
    "type": "object",
    "required": ["success"],
    "properties": {
        "success": {"type": "boolean", "enum": [True]},
        "accepted": {"type": "integer", "minimum": 0, "description": "How many were taken, where `strict` asked."},
        "warnings": {
            "type": "array",
            "items": OBJECT,
            "description": "What was left out, and of which message, where `strict` asked.",
        },
    },
}
_MORE: Final = (
    "Answered 200 once it is stored, known already, or kept as a failed message with its reason. A value that cannot be kept "
    "is left out, and the rest is kept. At most 32 KB a message, 500 KB a request, gzip or not."
)
_REFUSES: Final = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.TOO_MANY_REQUESTS,
)


def cards() -> list[Card]:
    """Every call of the tracking API; its short forms and the addresses of other vendors are the same calls."""
    single = [_card(kind, says, _one(fields, needed)) for kind, (says, fields, needed) in _KINDS.items()]
    return [*single, _card("batch", "Send many messages at once", _MANY)]


def _one(fields: dict[str, Schema], needed: tuple[str, ...]) -> Schema:
    return {"type": "object", "properties": {**_SAID, **fields}, "required": [*needed]}


def _card(name: str, says: str, body: dict[str, Any]) -> Card:
    ways = ("writeKey", "writeKeyHeader", "key")
    return Card(
        "POST",
        f"/{name}",
        "write",
        says,
        (_STRICT,),
        _TAKEN,
        refuses=_REFUSES,
        free=body,
        under=SENDING,
        secured=ways,
        more=_MORE,
    )
