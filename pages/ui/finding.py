"""How a page of a list is narrowed: the search field, and the switch to what was archived; both stand in the address.

What a search looks in does not live here (`profiles`, `segments.saved`, `boards`).
"""

from __future__ import annotations

import streamlit as st

from pages.ui import address


def search(key: str, placeholder: str) -> str:
    """The search field; what it asks for, which stands in the address under the key's last part. A search begins at the first page."""
    of = key.rpartition(".")[2]
    st.session_state.setdefault(key, address.text(of))
    st.text_input(
        "Search",
        key=key,
        placeholder=placeholder,
        icon=":material/search:",
        label_visibility="collapsed",
        live="300ms",
        width=250,
        on_change=lambda: address.put(**{of: st.session_state[key].strip()}, page=None),
        autocomplete="off",
    )
    return address.text(of)


def archived(page: str) -> bool:
    """The switch to what was archived, of a page of that name; whether it is on."""
    key, now = f"{page}.archived", address.text("archived") == "1"
    st.session_state[key] = now
    st.toggle("Archived", key=key, on_change=lambda: address.put(archived="1" if st.session_state[key] else None))
    return now
