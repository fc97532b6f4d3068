"""A message id that comes again: the same message once more, which is known, or another one under its id.

Clients send again what was not answered in time, and that must change nothing. But a sender that counts its
messages from one, or two that share a counter, would lose every message whose number was there before, without
a word. So where an id comes again what is said is held against what was said; what differs is kept as a failed
message, and the first stays.
"""

from __future__ import annotations

import hashlib
import json
import math
from typing import TYPE_CHECKING, Any, Final

import orjson

from user360 import events
from user360.failed import Failure

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from user360.events import Content
    from user360.ingest.message import Message
    from user360.store import Transaction

CODE: Final = "otherContent"
ADDED: Final = "traits"
"""Where an event keeps the traits no property had the name of when it came."""
_CLOSE: Final = 1e-12


def digest(message: Message) -> int:
    """64 bits of what a message says, whatever the order of its fields; not when it was sent, or by which library."""
    said = [message.kind, message.event, message.user_id, message.anonymous_id, message.previous_id]
    whole = [*said, message.traits, message.properties]
    try:
        packed = orjson.dumps(whole, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # a whole number of more digits than it knows
        packed = json.dumps(whole, sort_keys=True).encode()
    return int.from_bytes(hashlib.blake2b(packed, digest_size=8).digest())


def others(tx: Transaction, messages: Sequence[Message], fit: Sequence[int], fresh: Collection[int]) -> list[int]:
    """Of the places in `fit` those whose id came before with something else; `fresh` are the places among them that are new."""
    first = {messages[fit[place]].message_id: messages[fit[place]] for place in fresh}
    again = [fit[place] for place in range(len(fit)) if place not in set(fresh)]
    before = events.contents(tx, {messages[each].message_id for each in again} - first.keys())
    return [each for each in again if not _same(messages[each], first, before)]


def failure(message: Message) -> Failure:
    """That another message came under this id."""
    reason = "A message with this id came before, and said something else. The first was kept."
    hint = "Give every message an id of its own, and send this one again under another."
    about = ("messageId", message.message_id)
    return Failure(message.message_id, message.kind, CODE, reason, hint, message.source, message.raw, message.user_id, *about)


def _same(message: Message, first: Mapping[str, Message], before: Mapping[str, Content]) -> bool:
    if message.message_id in first:
        return digest(first[message.message_id]) == digest(message)
    kept = before.get(message.message_id)
    if kept is None:
        return True
    if kept.event is None:
        return kept.digest is None or kept.digest == digest(message)
    if message.event is None:
        return (
            kept.event == message.kind
        )  # what it said of the person went into the profile, and what had no property into an event
    if (kept.event, kept.user_id, kept.anonymous_id) != (message.event.strip(), message.user_id, message.anonymous_id):
        return False
    told, said = dict(kept.properties or {}), dict(message.properties)
    if message.traits:
        told.pop(ADDED, None)
        said.pop(ADDED, None)
    return _alike(told, said)


def _alike(one: Any, other: Any) -> bool:
    """Whether two documents say the same; a number is the same however it is written."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_alike(value, other[each]) for each, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(_alike(*pair) for pair in zip(one, other, strict=True))
    if isinstance(one, bool) or isinstance(other, bool) or not (isinstance(one, int | float) and isinstance(other, int | float)):
        return type(one) is type(other) and one == other
    return one == other or math.isclose(one, other, rel_tol=_CLOSE)
