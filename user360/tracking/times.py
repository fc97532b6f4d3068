"""When it happened, by a clock that can be trusted.

A phone's clock may be years off. How long before sending something happened is measured on that one
clock, and taken off the time the server received it: `receivedAt − (sentAt − originalTimestamp)`
(Segment's specification, "common fields"). A time that cannot be read or cannot be costs only itself:
the message is taken as of its arrival, with a warning.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from user360 import datatypes
from user360.clock import aware
from user360.errors import InvalidValue, shorten
from user360.ingest import LeftOut

if TYPE_CHECKING:
    from collections.abc import Mapping

FIRST: Final = datetime(1971, 1, 1, tzinfo=UTC)
AHEAD: Final = timedelta(minutes=5)
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_HINT: Final = "Send it as 2026-11-23T18:00:00.000Z, or leave it out."


def happened(message: Mapping[str, Any], sent: object, received: datetime, left_out: list[LeftOut]) -> datetime:
    """The instant of a message; `left_out` learns which of its times could not be taken.

    `sent` is when its request was sent, by the clock of the sender, for messages that do not say so themselves.
    """
    told = _read(message, "originalTimestamp", left_out) or _read(message, "timestamp", left_out)
    if told is None:
        return received
    own = message.get("sentAt")
    sending = instant(own if own is not None else sent)
    if sending is None and own is not None:
        left_out.append(_unread("sentAt", own))
    at = _moved(told, received - sending) if sending else told
    if at is not None and FIRST <= at <= received + AHEAD:
        return at
    reason = "cannot be" if at is None else "lies in the future" if at > received else f"lies before {FIRST.year}"
    name = "originalTimestamp" if message.get("originalTimestamp") is not None else "timestamp"
    left_out.append(
        LeftOut("badTime", name, shorten(message.get(name)), reason, "Set the clock of the sender, or send sentAt, too.")
    )
    return received


def instant(value: object) -> datetime | None:
    """A time as clients write it, in UTC where it names no offset; None where there is none or it is none."""
    text = f"{value}T00:00:00Z" if isinstance(value, str) and _DAY.fullmatch(value) else value
    try:
        found: Any = datatypes.get("datetime").parse(text)
    except InvalidValue:
        return None
    return None if found is None else aware(found)


def _read(message: Mapping[str, Any], name: str, left_out: list[LeftOut]) -> datetime | None:
    value = message.get(name)
    found = None if value is None else instant(value)
    if found is None and value is not None and value != "":
        left_out.append(_unread(name, value))
    return found


def _unread(name: str, value: object) -> LeftOut:
    return LeftOut("badTime", name, shorten(value), "is no time", _HINT)


def _moved(told: datetime, by: timedelta) -> datetime | None:
    try:
        return told + by
    except OverflowError:
        return None
