"""Conversations: what was said with one person in each session of a bot, and what was captured of it.

A message of a conversation is an event whose context names its session, so that the timeline and every
chart see it; here the messages of a session come together again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from user360.clock import aware
from user360.sql import joined, sql

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from user360.store import Store

SESSION: Final = "conversation"
"""The name in an event's context under which a message of a conversation says its session."""
OWN: Final = frozenset({"session", "direction", "text"})
"""Properties of a message itself; all others were captured."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """One session: `received` messages came from the person, `sent` went to them; `captured` are the last values by name."""

    session: str
    channel: str | None
    first: datetime
    last: datetime
    received: int
    sent: int
    captured: Mapping[str, object]


def conversations(store: Store, profile_key: int, *, limit: int = 50, offset: int = 0) -> tuple[Conversation, ...]:
    """The conversations of one person, the newest first."""
    rows = store.rows(
        sql(
            "SELECT session, arg_max(name, occurred_at) FILTER (name IS NOT NULL), min(occurred_at), max(occurred_at) AS newest, "
            "count(*) FILTER (direction = 'in'), count(*) FILTER (direction = 'out') FROM (SELECT occurred_at, channel_id, "
            "json_extract_string(context::JSON, {}) AS session, json_extract_string(properties::JSON, '$.direction') AS direction "
            "FROM events WHERE profile_key = {}) LEFT JOIN channels USING (channel_id) WHERE session IS NOT NULL GROUP BY session "
            "ORDER BY newest DESC, session LIMIT {} OFFSET {}",
            f"$.{SESSION}",
            profile_key,
            limit,
            offset,
        )
    )
    captured = _captured(store, profile_key, [row[0] for row in rows])
    return tuple(
        Conversation(session, channel, aware(first), aware(last), received, sent, captured.get(session, {}))
        for session, channel, first, last, received, sent in rows
    )


def count_conversations(store: Store, profile_key: int) -> int:
    """How many sessions there are."""
    return int(
        store.rows(
            sql(
                "SELECT count(DISTINCT json_extract_string(context::JSON, {})) FROM events WHERE profile_key = {}",
                f"$.{SESSION}",
                profile_key,
            )
        )[0][0]
    )


def _captured(store: Store, profile_key: int, sessions: Sequence[str]) -> dict[str, dict[str, Any]]:
    """What was captured in each of these sessions; a later value stands for an earlier one."""
    if not sessions:
        return {}
    rows = store.rows(
        sql(
            "SELECT session, properties FROM (SELECT occurred_at, message_id, json_extract_string(context::JSON, {}) AS session, "
            "properties::JSON::VARCHAR AS properties FROM events WHERE profile_key = {}) WHERE session IN ({}) AND properties IS NOT NULL "
            "ORDER BY occurred_at, message_id",
            f"$.{SESSION}",
            profile_key,
            joined(", ", sessions),
        )
    )
    found: dict[str, dict[str, Any]] = {}
    for session, properties in rows:
        said = json.loads(properties)
        unknown = said.pop("traits", {})
        told = {**said, **unknown} if isinstance(unknown, dict) else said
        found.setdefault(session, {}).update({each: value for each, value in told.items() if each not in OWN})
    return found
