"""What is done to a group of people at once: tag them, delete them. Used for three ticked, all that match, and one.

Without it the card and the table would each have their own idea of a careful deletion. Who the
people are comes from the page; what deleting means does not live here (`profiles.delete`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import streamlit as st

from pages.ui import confirm, dialogs, session, states, tables, words
from user360 import events, profiles

if TYPE_CHECKING:
    from collections.abc import Callable

    from user360.people import People

TAG: Final = "tag"
DELETE: Final = "delete"
WIDTH: Final = 480
FIRST_ROWS: Final = 5
SOURCE: Final = "users page"


def draw_tags(people: People) -> None:
    """Draw the dialog that tags and untags these people, while `dialogs.open_(bulk.TAG)` is open."""
    opened = dialogs.given(TAG)
    if opened is None:
        return

    @st.dialog(f"Tag {words.count(len(people), 'user')}", width=WIDTH, icon=":material/label:", on_dismiss=dialogs.close)
    def body() -> None:
        dialogs.leave_unless_open(TAG)
        known = [each for each, _ in session.cached(profiles.tags, topics=("profiles",))]
        keys = (f"tag.{opened['turn']}.add", f"tag.{opened['turn']}.take")
        st.multiselect("Add", known, key=keys[0], accept_new_options=True, placeholder="Choose a tag or write a new one")
        st.multiselect("Take away", known, key=keys[1], placeholder="Choose a tag")
        chosen = bool(st.session_state[keys[0]] or st.session_state[keys[1]])
        with st.container(horizontal=True, horizontal_alignment="right", gap="small"):
            st.button("Cancel", key=f"tag.{opened['turn']}.cancel", on_click=dialogs.close)
            label = f"Tag {words.count(len(people), 'user')}"
            act = states.acting(_tag)
            st.button(
                label, key=f"tag.{opened['turn']}.act", type="primary", disabled=not chosen, on_click=act, args=(people, *keys)
            )

    body()


def _tag(people: People, add: str, take: str) -> None:
    added, taken = list(st.session_state[add]), list(st.session_state[take])
    dialogs.close()
    changed = profiles.tag(
        session.store(), people, add=added, remove=taken, by=session.analyst(), source=SOURCE, at=session.moment()
    )
    session.notice(_told("added to", added, "taken from", taken, changed))


def _told(added_to: str, added: list[str], taken_from: str, taken: list[str], changed: int) -> str:
    if not changed:
        return "Nothing was changed: the tags were like that already"
    quoted = [
        (", ".join(f"“{words.escape_md(each)}”" for each in names), verb)
        for names, verb in ((added, added_to), (taken, taken_from))
        if names
    ]
    parts = [f"{names} {verb}" for names, verb in quoted]
    noun = "Tag" if len(added) + len(taken) == 1 else "Tags"
    return f"{noun} {' and '.join(parts)} {words.count(changed, 'user')}"


def draw_deletion(people: People, after: Callable[[], Any]) -> None:
    """Draw the typed confirmation while `dialogs.open_(bulk.DELETE)` is open; `after` runs once they are gone."""
    if dialogs.given(DELETE) is None:
        return
    users = words.count(len(people), "user")
    first = session.cached(_first, people, topics=("profiles", "events"))
    mine = "Keep them" if len(people) > 1 else "Keep the user"

    def delete() -> None:
        gone = profiles.delete(session.store(), people, by=session.analyst(), source=SOURCE, at=session.moment())
        session.notice(
            f"{words.count(gone.profiles, 'user')} and {words.count(gone.events, 'event')} deleted", icon=":material/delete:"
        )
        after()

    confirm.ask(
        DELETE,
        f"Delete {users}?",
        f"Their properties, {_events(first, len(people))} and identities go too. This cannot be undone; a deleted user id can be added again.",
        phrase=f"delete {users}",
        act=f"Delete {users}",
        keep=mine,
        on_confirm=delete,
        rows=first,
        columns={
            "userId": st.column_config.TextColumn("User id"),
            "name": st.column_config.TextColumn("Name"),
            "events": st.column_config.NumberColumn("Events", format="localized"),
        },
    )


def _events(first: pa.Table, people: int) -> str:
    total = sum(first["events"].to_pylist())
    return f"{words.number(total)} events" if people <= FIRST_ROWS else "all their events"


def _first(store: Any, people: People) -> pa.Table:
    """The first few of the people, with how many events each has."""
    found = profiles.find(store, within=people, columns=tables.stored_columns(["userId", tables.NAME]), limit=FIRST_ROWS)
    totals = [sum(events.totals(store, key)["total"].to_pylist()) for key in found["profile_key"].to_pylist()]
    pairs = zip(found["firstName"].to_pylist(), found["lastName"].to_pylist(), strict=True)
    names = [words.full_name(*pair) or None for pair in pairs]
    return pa.table({"userId": found["userId"], "name": pa.array(names, pa.string()), "events": pa.array(totals, pa.int64())})
