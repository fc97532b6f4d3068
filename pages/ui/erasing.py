"""The dialog that erases one person for good, and the field that lets somebody in again.

What an erasure takes does not live here (`user360/erasure`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st

from pages.ui import confirm, layout, nav, session, states, words
from user360 import backup, erased, erasure

if TYPE_CHECKING:
    from user360.erasure import Receipt

ERASE: Final = "erase"
PHRASE: Final = "erase for good"


def draw(profile_key: int, name: str) -> None:
    """Draw the typed confirmation while `dialogs.open_(erasing.ERASE)` is open; `name` is plain text."""
    held = len(backup.find(session.store()))
    told = f" {words.count(held, 'backup')} made before still {'holds' if held == 1 else 'hold'} this person." if held else ""
    confirm.ask(
        ERASE,
        f"Erase {words.escape_md(name, 60)} for good?",
        "Properties, events, history, identities, places on lists, failed messages, rows of failed imports and every file of "
        f"Downloads that holds this person go. No import brings them back.{told} Nothing of this can be undone.",
        phrase=PHRASE,
        act="Erase for good",
        keep="Keep the user",
        on_confirm=lambda: _erase(profile_key),
        icon="person_off",
    )


def _erase(profile_key: int) -> None:
    receipt = erasure.forget(session.store(), profile_key, by=session.analyst(), at=session.moment())
    session.notice(_told(receipt), icon=":material/person_off:")
    nav.go("users")


def _told(receipt: Receipt) -> str:
    gone = words.count(receipt.counts["events"], "event")
    return f"Erasure {receipt.id + 1}: one person, {gone} and {words.count(receipt.counts['ids'], 'id')} are gone"


def barred() -> None:
    """The card of Settings that counts erasures and lets an id in again."""
    found = session.cached(erased.find, topics=(erased.TOPIC,))
    ids = sum(each.ids for each in found)
    with layout.card("Erased people", f"{words.count(len(found), 'erasure')} · {words.count(ids, 'id')} barred"):
        st.caption("Who was erased for good is not brought back: no import, message or form makes anyone of a barred id.")
        if ids:
            _letting_in()


def _letting_in() -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.text_input(
            "Let in again", key="erasing.id", placeholder="User id, email or phone, exactly as it was", autocomplete="off"
        )
        st.button("Let in", key="erasing.let_in", icon=":material/person_add:", on_click=states.acting(_let_in))


def _let_in() -> None:
    gone = erased.let_in(session.store(), st.session_state["erasing.id"], by=session.analyst(), at=session.moment())
    st.session_state["erasing.id"] = ""
    session.notice(f"{words.count(gone, 'id')} of that person may come in again", icon=":material/person_add:")
