"""The conversations of one person as a table: session, channel, when, how many messages, what was captured."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import streamlit as st

from pages.ui import layout, session, states, words
from user360 import events

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGE: Final = 50


def count(profile_key: int) -> int:
    """How many conversations there are."""
    return session.cached(events.count_conversations, profile_key, topics=("events",))


def draw(profile_key: int) -> None:
    """The table, the newest first; all of them a page at a time."""
    shown = int(st.session_state.get(f"conversing.shown.{profile_key}", PAGE))
    found = session.cached(events.conversations, profile_key, limit=shown + 1, topics=("events",))
    if not found:
        states.nothing_to_show("No conversations yet. A bot's messages show up here by session.")
        return
    rows = found[:shown]
    table = pa.table(
        {
            "session": [each.session for each in rows],
            "channel": [words.channel(each.channel) for each in rows],
            "first": [each.first for each in rows],
            "last": [each.last for each in rows],
            "received": [each.received for each in rows],
            "sent": [each.sent for each in rows],
            "captured": pa.array([_captured(each.captured) or None for each in rows], pa.string()),
        }
    )
    zone = session.settings().zone_name
    layout.table(
        table,
        column_config={
            "session": st.column_config.TextColumn("Session", width=84),
            "channel": st.column_config.TextColumn("Channel", width=66),
            "first": st.column_config.DatetimeColumn("First", format="D MMM HH:mm", timezone=zone, width=82),
            "last": st.column_config.DatetimeColumn("Last", format="D MMM HH:mm", timezone=zone, width=82),
            "received": st.column_config.NumberColumn("In", format="localized", width=34, help="Messages from this user"),
            "sent": st.column_config.NumberColumn("Out", format="localized", width=36, help="Messages to this user"),
            "captured": st.column_config.TextColumn("Captured"),
        },
        key="user.conversations",
        alt="The user's conversations with a bot",
        most=18,
    )
    if len(found) > shown:
        st.button(
            "Show earlier",
            key="user.conversations.earlier",
            type="tertiary",
            icon=":material/keyboard_arrow_down:",
            on_click=_earlier,
            args=(profile_key, shown + PAGE),
        )


def _earlier(profile_key: int, shown: int) -> None:
    st.session_state[f"conversing.shown.{profile_key}"] = shown


def _captured(captured: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {value if isinstance(value, str) else json.dumps(value)}" for name, value in captured.items())
