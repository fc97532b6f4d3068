"""Welcome: what the bare address shows while the database is empty. A first import, or a sample to look around in.

Once the first user is here this page leaves its place to Users. What the sample holds does not live
here (`user360/demo`), nor how a file is read (`pages/imports.py`).
"""

from __future__ import annotations

from typing import Final

import streamlit as st

from pages.ui import forms, layout, nav, progress, session, states, words
from user360 import demo, profiles

SAMPLE_USERS: Final = 5_000
SAMPLE_EVENTS: Final = 150_000


def page() -> None:
    """The page, top to bottom."""
    with layout.header("Welcome to User 360", "everything stays on this machine"):
        pass
    total = session.cached(profiles.count, topics=("profiles",))
    if total:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**{words.number(total)}** {'user is' if total == 1 else 'users are'} here.", width="content")
            st.button("See the overview", key="welcome.on", icon=":material/arrow_forward:", on_click=_filled)
    else:
        st.markdown("No users yet. Bring the first ones in, and every page here fills itself.")
    progress.strip(progress.SAMPLE, on_done=_filled)
    _ways_in(busy=progress.is_running(progress.SAMPLE))
    _what_it_does()
    layout.footnote("no data yet" if not total else words.count(total, "user"), "this page leaves once the first user is here")
    forms.draw()


def _ways_in(*, busy: bool) -> None:
    with st.grid(3, min_column_width=200):
        with _way(
            "upload_file",
            "Import a file",
            "CSV, JSON Lines or Parquet, of any size. You see each column before anything is written.",
        ):
            st.button(
                "Choose a file",
                key="welcome.import",
                type="primary",
                width="stretch",
                on_click=nav.go,
                args=("import",),
                disabled=busy,
            )
            st.caption("About half a minute for a million users")
        with _way(
            "person_add",
            "Add someone by hand",
            "One user, with the properties you know. A property of your own takes one more step.",
        ):
            st.button("Add user", key="welcome.add", width="stretch", on_click=forms.open_new, disabled=busy)
            st.caption("Opens a form")
        text = f"{words.number(SAMPLE_USERS)} made-up people and {words.number(SAMPLE_EVENTS)} events of an online shop with a WhatsApp bot."
        with _way("science", "Look around with a sample shop", text):
            st.button("Load the sample", key="welcome.sample", width="stretch", on_click=states.acting(_load), disabled=busy)
            st.caption("Takes a few seconds. Delete everyone to be rid of it")


def _way(icon: str, title: str, text: str) -> st.delta_generator.DeltaGenerator:
    box = st.container(border=True, gap="small", height="stretch")
    with box:
        st.subheader(f":material/{icon}: {title}", anchor=False)
        st.markdown(text)
    return box


def _load() -> None:
    store, at = session.store(), session.moment()
    progress.start(
        progress.SAMPLE, lambda told: demo.load(store, users=SAMPLE_USERS, events=SAMPLE_EVENTS, at=at, progress=told.tell)
    )


def _filled() -> None:
    nav.go("overview")


def _what_it_does() -> None:
    for icon, title, text in layout.pairs(
        (
            ("group", "Who they are", "One profile per person, from every channel, with what each value was before."),
            ("bolt", "What they do", "A timeline by day and the first, last and total of every event."),
            ("filter_alt", "Which of them", "Filters by pointing and clicking, with an exact count as you go."),
            ("download", "Where they go", "Any group as CSV, Excel, Parquet or JSON Lines, of any size."),
        ),
        200,
    ):
        with st.container(border=True, gap="xsmall", height="stretch"):
            st.markdown(f":material/{icon}: **{title}**")
            st.caption(text)


page()
