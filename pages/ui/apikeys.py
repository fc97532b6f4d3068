"""API keys: made with a scope, shown once, revoked.

Without this room a key could only be made in a terminal, while no server runs. What a scope allows does not live here
(`user360/keys`).
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from pages.ui import confirm, dialogs, layout, session, states, words
from user360 import keys
from user360.errors import User360Error

if TYPE_CHECKING:
    from user360.keys import Key

NEW: Final = "new API key"
REVOKE: Final = "revoke API key"
TOPICS: Final = ("sources",)
SCOPES: Final = {
    "read": "read: asks, and changes nothing",
    "write": "write: sends, creates and changes, too",
    "admin": "admin: deletes, merges and manages, too",
}
_SHOWN: Final = "apikeys.shown"


def card() -> None:
    """The keys, and how to make one."""
    good = session.cached(keys.find, topics=TOPICS)
    gone = session.cached(keys.find, revoked=True, topics=TOPICS)
    with layout.card("API keys", words.count(len(good), "good key")), states.boundary("The keys", key="apikeys"):
        st.caption("A program that reads or changes what is here sends one with every call. It is not the write key of a source.")
        shown = st.session_state.get(_SHOWN)
        if shown:
            st.success(f"This is the key “{words.escape_md(shown[0])}”. It is shown now and never again.", icon=":material/key:")
            st.code(shown[1], language=None, wrap_lines=True)
            st.button("I have copied it", key="apikeys.copied", type="tertiary", icon=":material/done:", on_click=_copied)
        if good or gone:
            _table((*good, *gone))
        else:
            states.nothing_to_show("No key yet.")
        st.button("New API key", key="apikeys.new", icon=":material/add:", on_click=dialogs.open_, args=(NEW,))
    _new()


def _copied() -> None:
    st.session_state.pop(_SHOWN, None)


def _table(found: tuple[Key, ...]) -> None:
    key = "apikeys.table." + ".".join(f"{each.name}{each.revoked_at is None}" for each in found)
    config: dict[str, Any] = {
        "Name": st.column_config.TextColumn(width=120),
        "Scope": st.column_config.TextColumn(width=64),
        "State": st.column_config.TextColumn(width=96),
        "Last used": st.column_config.TextColumn(width=92, help="Right to the hour"),
        "Made": st.column_config.TextColumn(width=92),
        "By": st.column_config.TextColumn(width=90),
    }
    place = layout.pick([_line(each) for each in found], config, key=key, alt="The API keys, good ones first", most=8)
    chosen = found[place] if place is not None else None
    if chosen is not None and chosen.revoked_at is None:
        _revoking(chosen)


def _line(each: Key) -> dict[str, str | None]:
    zone, at = session.zone(), session.at()
    return {
        "Name": each.name,
        "Scope": each.scope,
        "State": f"revoked {words.narrow(each.revoked_at, zone, at=at)}" if each.revoked_at else "good",
        "Last used": words.instant(each.used_at, zone, at=at) if each.used_at else None,
        "Made": words.instant(each.made_at, zone, at=at),
        "By": each.made_by,
    }


def _revoking(each: Key) -> None:
    ask: dict[str, Any] = {"on_click": dialogs.open_, "args": (REVOKE,)}
    st.button(f"Revoke “{words.escape_md(each.name)}”", key="apikeys.revoke", type="tertiary", icon=":material/block:", **ask)
    confirm.ask(
        REVOKE,
        f"Revoke “{words.escape_md(each.name)}”?",
        "Whatever calls with it is refused from now on, and that cannot be taken back.",
        phrase="revoke this key",
        act="Revoke it",
        keep="Keep it",
        on_confirm=functools.partial(_revoke, each.name),
        icon="block",
    )


def _revoke(name: str) -> None:
    keys.revoke(session.store(), name, by=session.analyst(), at=session.moment())
    session.notice("The key is revoked", icon=":material/block:")


def _new() -> None:
    opened = dialogs.given(NEW)
    if opened is None:
        return

    @st.dialog("New API key", width=440, icon=":material/key:", on_dismiss=dialogs.close)
    def body() -> None:
        dialogs.leave_unless_open(NEW)
        key = f"{NEW}.{opened['turn']}"
        st.text_input("Name", key=f"{key}.name", placeholder="Nightly report", max_chars=keys.LONGEST_NAME)
        states.fault_under(opened.get("faults", {}), "name")
        st.radio("Scope", keys.SCOPES, key=f"{key}.scope", format_func=lambda each: SCOPES[each])
        with st.container(horizontal=True, horizontal_alignment="right", gap="small"):
            st.button("Cancel", key=f"{key}.cancel", on_click=dialogs.close)
            st.button("Make it", key=f"{key}.make", type="primary", on_click=states.acting(_make), args=(opened, key))

    body()


def _make(opened: dict[str, Any], key: str) -> None:
    given = st.session_state
    name = " ".join(given[f"{key}.name"].split())
    try:
        secret = keys.create(session.store(), given[f"{key}.scope"], name, by=session.analyst(), at=session.moment())
    except User360Error as refusal:
        opened["faults"] = {"name": states.sentence(refusal)}
        return
    dialogs.close()
    given[_SHOWN] = (name, secret)
