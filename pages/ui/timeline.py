"""A person's events by day: time, icon, name, the telling detail, channel, and what each change changed.

Without it a timeline would be a table of JSON. Which events are shown comes from the page; what a
change was comes with its event. Everything drawn here is somebody's data, so everything is escaped.
"""

from __future__ import annotations

import json
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from pages.ui import words
from user360.clock import aware

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    import pyarrow as pa

MOST_DETAILS: Final = 3
MOST_CHANGES: Final = 6
_OF_SYSTEM: Final = {"USER_CREATE": "person_add", "USER_UPDATE": "edit", "USER_DELETE": "delete", "USER_MERGE": "call_merge"}
_ICONS: Final = (
    (("email", "mail"), "mail"),
    (("message", "chat", "reply"), "chat"),
    (("view", "visit", "page", "open"), "visibility"),
    (("order", "purchase", "checkout", "paid"), "shopping_bag"),
    (("cart", "added"), "add_shopping_cart"),
    (("coupon", "discount", "voucher"), "sell"),
    (("login", "signed", "sign"), "login"),
    (("search",), "search"),
    (("return", "refund"), "undo"),
)
_MONEY: Final = ("total", "amount", "revenue", "price", "value")
_SPOKEN: Final = ("text", "message", "subject", "query")
_TELLING: Final = ("product", "name", "title", "text", "message", "subject", "query", "code", "items")
_LEFT_OUT: Final = ("id", "url", "path", "currency", "sku")


def draw(found: pa.Table, *, zone: ZoneInfo, at: datetime, more: bool, writers: Mapping[tuple[datetime, str], str]) -> None:
    """Draw the events, newest first. `more` says that earlier ones follow, `writers` who changed a property at an instant."""
    rows = found.to_pylist()
    today = at.astimezone(zone).date()
    for day, of_day in groupby(rows, key=lambda row: aware(row["at"]).astimezone(zone).date()):
        shown = list(of_day)
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            st.markdown(f"**{words.day_heading(day, today=today)}**", width="content")
            if not (more and shown[-1] is rows[-1]):  # of a day that goes on below, the number is not known yet
                st.caption(words.count(len(shown), "event"), width="content")
        for row in shown:
            _row(row, zone, writers)


def _row(row: Mapping[str, Any], zone: ZoneInfo, writers: Mapping[tuple[datetime, str], str]) -> None:
    at = aware(row["at"])
    document = _document(row["properties"])
    with st.container(horizontal=True, wrap=False, gap="xsmall"):
        st.caption(f"{at.astimezone(zone):%H:%M}", width=40)
        with st.container(width=22):
            st.markdown(f":material/{icon(row['event'], system=row['system'])}:")
        with st.container(gap=None):
            name = words.escape_md(words.event(row["event"]), 80)
            quiet = _writer(at, document, writers) if row["system"] else detail(document)
            st.markdown(f"{name} :gray[{words.escape_md(quiet, 160)}]" if quiet else name)
            for line in (*moved(document), *changes(document)) if row["system"] else ():
                st.caption(line)
        st.caption("System" if row["system"] else words.escape_md(words.channel(row["channel"])), width="content")


def _writer(at: datetime, document: Mapping[str, Any], writers: Mapping[tuple[datetime, str], str]) -> str:
    """Who made a change: of several writes of one instant the one that changed these properties."""
    listed = document.get("changes")
    names = [str(each.get("property")) for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    return next((writers[at, name] for name in names if (at, name) in writers), "")


def icon(event: str, *, system: bool = False) -> str:
    """The Material icon of an event by what its name speaks of."""
    if system and event in _OF_SYSTEM:
        return _OF_SYSTEM[event]
    lower = event.lower()
    return next((each for spoken, each in _ICONS if any(word in lower for word in spoken)), "bolt")


def detail(document: Mapping[str, Any]) -> str:
    """The few values that tell what happened, as plain text: `Teal kurta · 39.00 EUR`."""
    parts: list[str] = []
    money = next(
        (each for each in _MONEY if isinstance(document.get(each), int | float) and not isinstance(document[each], bool)), None
    )
    for key in sorted(document, key=lambda each: _TELLING.index(each) if each in _TELLING else len(_TELLING)):
        value = document[key]
        if key == money or key.lower().endswith(_LEFT_OUT) or not isinstance(value, str | int | float) or isinstance(value, bool):
            continue
        parts.append(f"“{value}”" if key in _SPOKEN else value if isinstance(value, str) else _counted(key, value))
    if money:
        currency = document.get("currency")
        parts.insert(1, f"{document[money]:,.2f} {currency}" if isinstance(currency, str) else words.number(document[money]))
    return " · ".join(parts[:MOST_DETAILS])


def _counted(what: str, number: float) -> str:
    """`3 items`, `1 item`: a property whose name is a plural, and its number."""
    one = number == 1 and what.endswith("s") and not what.endswith("ss")
    return f"{words.number(number)} {what[:-1] if one else what}"


def changes(document: Mapping[str, Any]) -> Sequence[str]:
    """A change's caption lines in Markdown: `loyaltyTier silver → **gold**`."""
    listed = document.get("changes")
    if not isinstance(listed, list):
        return ()
    lines = [
        f"{words.escape_md(each.get('property', ''))} {_side(each.get('from'))} → **{_side(each.get('to'))}**" for each in listed
    ]
    rest = len(lines) - MOST_CHANGES
    return lines if rest <= 1 else [*lines[:MOST_CHANGES], f"and {words.count(rest, 'more value')}"]


def moved(document: Mapping[str, Any]) -> Sequence[str]:
    """The caption line of a merge: `38 events moved`."""
    merged = document.get("merged")
    if not isinstance(merged, list):
        return ()
    events = sum(each.get("events", 0) for each in merged if isinstance(each, dict))
    return (f"{words.count(len(merged), 'other user')} became part of this one · {words.count(events, 'event')} moved",)


def _side(value: object) -> str:
    if value is None or value == []:
        return words.NO_VALUE
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return words.escape_md(", ".join(str(each) for each in value), 80)
    return words.escape_md(words.number(value) if isinstance(value, int | float) else value, 80)


def _document(text: str | None) -> dict[str, Any]:
    read = json.loads(text) if text else {}
    return read if isinstance(read, dict) else {}
