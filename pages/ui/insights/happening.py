"""One event of a question, with conditions on its own properties: a chip that reads as the event and opens its editor.

A condition that is not finished yet lives in this tab alone and counts for nothing. What an event of a question means
does not live here (`user360/insight`), nor how its conditions are edited (`builder/details`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from pages.ui import fields, session, words
from pages.ui.builder import details, draft
from user360 import events

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ANY: Final = "Any event"
WIDTH: Final = 540
INDENT: Final = 1  # a space of nothing is none


def called(of: Any) -> str:
    """An event of a question's JSON in words, plain text: `Product Viewed, 1 condition`."""
    if not isinstance(of, dict):
        return "?"
    where = of.get("where")
    rows = where.get("conditions", []) if isinstance(where, dict) else []
    more = f", {words.count(len(rows), 'condition')}" if rows else ""
    return f"{of.get('event') or ANY}{more}"


def chip(
    key: str,
    of: Mapping[str, Any],
    take: Callable[[dict[str, Any]], None],
    *,
    before: str = "",
    others: Callable[[], None] | None = None,
) -> None:
    """The chip. `take` is handed the event's JSON after each edit; `others` draws what else can be done, at the end."""
    label = f"{before}{words.escape_md(called(of), 60)}"
    popover = st.popover(label, key=f"{key}.open", icon=None if before else ":material/bolt:", on_change="rerun")
    if not popover.open:
        return
    with popover, st.container(width=WIDTH, gap="xsmall"):
        _editor(key, of, take)
        if others is not None:
            others()


def _editor(key: str, of: Mapping[str, Any], take: Callable[[dict[str, Any]], None]) -> None:
    node = _draft(key, of)

    def change() -> None:
        whole, _ = draft.one(node, session.catalog())
        found = whole if whole is not None else {"event": node["condition"].get("event")}
        st.session_state[f"{key}.draft"] = (found, node)
        take(found)

    edit = fields.Edit(node, session.catalog(), change)
    names = session.cached(events.names, system=False, topics=("events",))

    def choose() -> None:
        node["condition"]["event"] = st.session_state[edit.key("event")]
        node.pop("where", None)
        change()

    now = node["condition"].get("event")
    options = [None, *names] if now in (None, *names) else [None, now, *names]
    st.session_state[edit.key("event")] = now
    st.selectbox(
        "Event",
        options,
        key=edit.key("event"),
        format_func=lambda each: each or ANY,
        label_visibility="collapsed",
        icon=":material/bolt:",
        on_change=choose,
    )
    if node.get("where", {}).get("conditions"):
        details.rows(edit, now, "where", "where", indent=INDENT)
    else:
        details.add(edit, "where", "Where")


def _draft(key: str, of: Mapping[str, Any]) -> dict[str, Any]:
    """The event while it is edited: begun anew when the question says another one than was written last."""
    kept = st.session_state.get(f"{key}.draft")
    if kept is None or kept[0] != of:
        kept = (dict(of), draft.read(dict(of)))
        st.session_state[f"{key}.draft"] = kept
    node: dict[str, Any] = kept[1]
    return node
