"""What one message is, whichever channel it came by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


_NOTHING: Final[Mapping[str, object]] = {}


class LeftOut(NamedTuple):
    """Something of a message that could not be taken when it was read, and why; the rest of it was."""

    code: str
    property: str
    value: str
    reason: str
    hint: str


class Message(NamedTuple):
    """One inbound unit: who, what, when, from where. Its shape is checked, its values are not parsed yet.

    `at` is an aware instant, corrected for the client's clock. `event` is the name of the event to store,
    None stores none. `raw` is the JSON as it came, for a failed message. What was `left_out` when it was read
    becomes a warning. A tuple, because it is made in a third of the time of a frozen class, for each message.
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
    traits: Mapping[str, object] = _NOTHING
    properties: Mapping[str, object] = _NOTHING
    context: Mapping[str, object] = _NOTHING
    raw: str = ""
    left_out: tuple[LeftOut, ...] = ()
