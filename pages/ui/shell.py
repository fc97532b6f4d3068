"""What stands around every page: the frame, the gate, the sidebar, the notices.

Without it each page would set its own title and its own idea of a missing database. Which pages
there are does not live here (`nav`), nor what they draw.
"""

from __future__ import annotations

from typing import Final

import streamlit as st

from pages.ui import nav, session, states
from user360 import profiles
from user360.errors import StoreUnavailable

SIDEBAR_WIDTH: Final = 216
_INKS: Final = {"light": ("#2457A6", "#1B2430"), "dark": ("#8DB4F2", "#E6EAF0")}


def render() -> None:
    """Draw the frame and run the page of the address."""
    st.set_page_config(page_title="User 360", page_icon="🧭", layout="wide", initial_sidebar_state=SIDEBAR_WIDTH)
    st.logo(_logo(), size="medium")
    try:
        _draw()
    except StoreUnavailable as refusal:
        states.unavailable(refusal)


def _draw() -> None:
    session.begin()
    nav.choose_home("users" if session.cached(profiles.count, topics=("profiles",)) else "welcome")
    page = st.navigation(nav.menu(), expanded=True)
    session.show_notices()
    states.show_later()
    with states.boundary(key=page.url_path):
        page.run()


def _logo() -> str:
    """The mark and the name, in the ink that reads on the present background."""
    mark, ink = _INKS[st.context.theme.type or "light"]
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="112" height="24" viewBox="0 0 112 24">'
        f'<path d="M 6.2 6.4 A 8 8 0 1 0 12 4" fill="none" stroke="{mark}" stroke-width="2.6" stroke-linecap="round"/>'
        f'<circle cx="12" cy="12" r="3.2" fill="{mark}"/>'
        f"<text x=\"30\" y=\"17.5\" font-family=\"'Source Sans 3', 'Source Sans Pro', 'Segoe UI', Helvetica, Arial, sans-serif\" "
        f'font-size="16" font-weight="600" fill="{ink}">User 360</text></svg>'
    )
