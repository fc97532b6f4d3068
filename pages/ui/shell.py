"""What stands around every page: the frame, the gate, the sidebar, the notices.

Without it each page would set its own title and its own idea of a missing database. Which pages
there are does not live here (`nav`), nor what they draw.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Final

import streamlit as st

from pages.ui import address, nav, progress, session, states
from user360 import condition, profiles
from user360.errors import StoreUnavailable

SIDEBAR_WIDTH: Final = 216
_DRAWING: Final = Path(__file__).with_name("logo.svg")  # the name as outlines: no font has to be fetched for it
_INKS: Final = {"light": ("#2457A6", "#1B2430"), "dark": ("#8DB4F2", "#E6EAF0")}


def render() -> None:
    """Draw the frame and run the page of the address."""
    st.set_page_config(page_title="User 360", page_icon="🧭", layout="wide", initial_sidebar_state=SIDEBAR_WIDTH)
    st.logo(_logo(st.context.theme.type or "light"), size="medium")
    try:
        _draw()
    except StoreUnavailable as refusal:
        states.unavailable(refusal)


def _draw() -> None:
    session.begin()
    page = st.navigation(nav.menu(_first), expanded=True)
    address.arrive(page.url_path)
    for worry in condition.worries(session.store()):
        st.error(f"**{worry.message}** {worry.hint}", icon=":material/database_off:")
    session.show_notices()
    states.show_later()
    with states.boundary(key=page.url_path):
        page.run()


def _first() -> str:
    """The screen of the bare address: a welcome while there is no one, and while the sample comes in."""
    if progress.is_running(progress.SAMPLE) or not session.cached(profiles.count, topics=("profiles",)):
        return "welcome"
    return "overview"


@functools.cache
def _logo(theme: str) -> str:
    """The mark and the name, in the ink that reads on the background of a theme."""
    mark, ink = _INKS[theme]
    return _DRAWING.read_text("utf-8").strip().format(mark=mark, ink=ink)
