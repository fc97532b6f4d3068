"""The write keys of a source: made, shown once, revoked; and what to paste with one.

A key is shown in the run that made it and until its source is left; then nobody can show it any more. Without this
room a key would stand on every screen that speaks of its source. What a key may do does not live here (`user360/sources`).
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from pages.ui import confirm, dialogs, layout, session, snippets, states, words
from user360 import sources

if TYPE_CHECKING:
    from user360.sources import Source, WriteKey

NEW: Final = "new write key"
REVOKE: Final = "revoke write key"
TOPICS: Final = ("sources",)
_SHOWN: Final = "writekeys.shown"


def forget(except_of: str = "") -> None:
    """No longer show the key that was made, unless it is of this source."""
    kept = st.session_state.get(_SHOWN)
    if kept and kept[0] != except_of:
        del st.session_state[_SHOWN]


def make(source: str, label: str) -> None:
    """Make a key and show it once."""
    secret = sources.create_key(session.store(), source, label, by=session.analyst(), at=session.moment())
    st.session_state[_SHOWN] = (source, secret)


def card(of: Source) -> None:
    """The keys of a source."""
    found = session.cached(sources.keys_of, of.name, topics=TOPICS)
    with layout.card("Write keys", words.count(of.keys, "good key")), states.boundary("The keys", key="writekeys"):
        secret = _shown(of.name)
        if secret:
            st.success("This is the key. It is shown now and never again: copy it to where it is needed.", icon=":material/key:")
            st.code(secret, language=None, wrap_lines=True)
        if found:
            _table(found)
        else:
            states.nothing_to_show("No key yet. A source sends with a key; make one, and put it where messages come from.")
        st.button("New write key", key="writekeys.new", icon=":material/add:", on_click=dialogs.open_, args=(NEW,))
    _new(of.name)


def paste(of: Source) -> None:
    """What to paste into a program or a terminal, with the real address and, while it is shown, the key."""
    secret = _shown(of.name)
    host = snippets.origin(st.context.url)
    with layout.card("Send a first message", words.escape_md(host)):
        choices = snippets.every(host, secret)
        for tab, each in zip(st.tabs([each.label for each in choices]), choices, strict=True):
            with tab:
                if each.install:
                    st.code(each.install, language="bash")
                st.code(each.code, language=each.language, wrap_lines=True)
        if not secret:
            st.caption(f"Put a write key where `{snippets.PLACEHOLDER}` stands. A key can be seen only when it is made.")


def _shown(source: str) -> str:
    kept = st.session_state.get(_SHOWN)
    return str(kept[1]) if kept and kept[0] == source else ""


def _table(found: tuple[WriteKey, ...]) -> None:
    key = "writekeys.table." + ".".join(f"{each.number}{each.revoked_at is None}" for each in found)
    config: dict[str, Any] = {
        "Key": st.column_config.TextColumn(width=80, help="How it ends; the rest is known to nobody"),
        "State": st.column_config.TextColumn(width=96),
        "Label": st.column_config.TextColumn(width=100),
        "Last used": st.column_config.TextColumn(width=100, help="Right to the hour"),
        "Made": st.column_config.TextColumn(width=100),
        "By": st.column_config.TextColumn(width=90),
    }
    place = layout.pick(
        [_line(each) for each in found], config, key=key, alt="The write keys of this source, good ones first", most=6
    )
    chosen = found[place] if place is not None else None
    if chosen is not None and chosen.revoked_at is None:
        _revoking(chosen)


def _line(each: WriteKey) -> dict[str, str | None]:
    zone, at = session.zone(), session.at()
    return {
        "Key": f"…{each.ending}",
        "State": f"revoked {words.narrow(each.revoked_at, zone, at=at)}" if each.revoked_at else "good",
        "Label": each.label or None,
        "Last used": words.instant(each.used_at, zone, at=at) if each.used_at else None,
        "Made": words.instant(each.made_at, zone, at=at),
        "By": each.made_by,
    }


def _revoking(each: WriteKey) -> None:
    ask: dict[str, Any] = {"on_click": dialogs.open_, "args": (REVOKE,)}
    st.button(f"Revoke …{words.escape_md(each.ending)}", key="writekeys.revoke", type="tertiary", icon=":material/block:", **ask)
    confirm.ask(
        REVOKE,
        f"Revoke the key …{words.escape_md(each.ending)}?",
        f"Whatever sends with it to **{words.escape_md(each.source)}** is refused from now on, and that cannot be taken back. "
        "What it sent stays.",
        phrase="revoke this key",
        act="Revoke it",
        keep="Keep it",
        on_confirm=functools.partial(_revoke, each.number),
        icon="block",
    )


def _revoke(number: int) -> None:
    sources.revoke_key(session.store(), number, by=session.analyst(), at=session.moment())
    session.notice("The key is revoked", icon=":material/block:")


def _new(source: str) -> None:
    opened = dialogs.given(NEW)
    if opened is None:
        return

    @st.dialog("New write key", width=420, icon=":material/key:", on_dismiss=dialogs.close)
    def body() -> None:
        dialogs.leave_unless_open(NEW)
        key = f"{NEW}.{opened['turn']}"
        st.markdown(f"It lets messages in to **{words.escape_md(source)}** and nothing out, so it may stand in a web page.")
        st.text_input("Label", key=key, placeholder="live", max_chars=sources.LONGEST_NAME, help="What tells it from the others")
        with st.container(horizontal=True, horizontal_alignment="right", gap="small"):
            st.button("Cancel", key=f"{key}.cancel", on_click=dialogs.close)
            st.button("Make it", key=f"{key}.make", type="primary", on_click=states.acting(_make), args=(source, key))

    body()


def _make(source: str, key: str) -> None:
    label = str(st.session_state[key])
    dialogs.close()
    make(source, label)
