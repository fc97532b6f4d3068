"""The ids of one person: the card, and the dialog that says why they are one person.

What ties an id to somebody does not live here (`user360/identities`, `user360/resolution`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pyarrow as pa
import streamlit as st

from pages.ui import dialogs, layout, merging, session, states, words
from user360 import identities, resolution

if TYPE_CHECKING:
    from user360.identities import Id
    from user360.resolution import Link, Why

WHY: Final = "why one person"
WIDTH: Final = 640
MOST: Final = 6
PAGE: Final = 20
TOPICS: Final = ("profiles", "events", "properties", "workspace")


def card(profile_key: int) -> None:
    """The card: each id with its kind, since when and from where, and the ways on."""
    found = session.cached(identities.of, profile_key, topics=TOPICS)
    with layout.card("Identities", f"{found.num_rows} linked"), states.boundary("This card", key="identities"):
        if found.num_rows:
            _table(found)
        else:
            states.nothing_to_show("No id leads here yet. Sessions, devices and a user id show up as they are linked.")
        merges = session.cached(resolution.count, profile_key=profile_key, topics=("profiles",))
        held = session.cached(resolution.count, profile_key=profile_key, status="held", topics=("profiles",))
        with st.container(horizontal=True, gap="small"):
            if found.num_rows > 1:
                st.button(
                    "Why one person?",
                    key="linked.why",
                    type="tertiary",
                    icon=":material/hub:",
                    on_click=dialogs.open_,
                    args=(WHY,),
                )
            if merges:
                label = f"{words.count(held, 'merge')} to review" if held else words.count(merges, "merge")
                icon = ":material/rule:" if held else ":material/call_merge:"
                st.button(label, key="linked.merges", type="tertiary", icon=icon, on_click=dialogs.open_, args=(merging.HISTORY,))


def _table(found: pa.Table) -> None:
    kinds = pa.array([identities.KINDS[each] for each in found["kind"].to_pylist()], pa.string())
    layout.table(
        found.set_column(0, "kind", kinds),
        column_order=("kind", "id", "source"),
        column_config={
            "kind": st.column_config.TextColumn("Kind", width=76),
            "id": st.column_config.TextColumn("Id", width=92),
            "source": st.column_config.TextColumn("From", width=64),
        },
        key="user.identities",
        alt="Ids that lead to this user",
        most=MOST,
    )


def draw(profile_key: int) -> None:
    """Draw the dialog of why they are one person, while it is open."""
    if dialogs.given(WHY) is None:
        return

    @st.dialog("Why one person?", width=WIDTH, icon=":material/hub:", on_dismiss=dialogs.close)
    def body() -> None:
        dialogs.leave_unless_open(WHY)
        found = session.cached(resolution.why, profile_key, topics=("profiles",))
        if found.first is None:
            states.nothing_to_show("No id leads to this user.")
            return
        st.caption(
            "Each id with the shortest chain of links to the first. A link is a message that brought both ids, or a merge."
        )
        st.markdown(f"{_id(found.first)} is where every chain ends.")
        shown = int(st.session_state.get(f"linked.shown.{profile_key}", PAGE))
        for each in found.ids[1 : shown + 1]:
            with st.container(border=True, gap="xsmall"):
                _chain(found, each)
        if len(found.ids) > shown + 1:
            st.button(
                f"Show more of {words.count(len(found.ids), 'id')}",
                key="linked.more",
                type="tertiary",
                on_click=_more,
                args=(profile_key, shown + PAGE),
            )

    body()


def _more(profile_key: int, shown: int) -> None:
    st.session_state[f"linked.shown.{profile_key}"] = shown


def _chain(found: Why, each: Id) -> None:
    st.markdown(_id(each))
    chain = found.chains.get(each)
    if chain is None:
        st.caption("It was there from the start, or how it came is not known.")
        return
    here = found.first
    for link in chain:
        other = link.other if link.one == here else link.one
        st.caption(f"{_id(here)} and {_id(other)}: {_told(link)}")
        here = other


def _id(one: Id | None) -> str:
    """An id in Markdown: `Anonymous id **a-7f31**`."""
    return "" if one is None else f"{identities.KINDS[one[0]]} **{words.escape_md(one[1], 80)}**"


def _told(link: Link) -> str:
    when = words.instant(link.at, session.zone(), at=session.at())
    if link.merge_id is not None:
        return f"merged by {words.escape_md(link.by, 60)} · {when}"
    return f"message {words.escape_md(link.message_id, 60)} · {words.escape_md(link.source, 60)} · {when}"
