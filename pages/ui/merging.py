"""Merging a user with another, and taking merges back: the dialogs of the user card.

Find the other one, see what would happen, then do it; every merge stays in the list and can be undone.
What a merge moves and fills does not live here (`user360/resolution`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pyarrow as pa
import streamlit as st

from pages.ui import dialogs, layout, nav, session, states, words
from user360 import profiles, resolution
from user360.errors import User360Error

if TYPE_CHECKING:
    from user360.resolution import Merge, Preview

MERGE: Final = "merge"
HISTORY: Final = "merges"
WIDTH: Final = 640
MOST_FOUND: Final = 8
MOST_ROWS: Final = 8
PAGE: Final = 10
INBOX: Final = 3
TOPICS: Final = ("profiles", "events", "properties", "workspace")
_SHOWN: Final = ("userId", "firstName", "lastName", "email", "phone")


def draw(profile_key: int, name: str) -> None:
    """Draw whichever of the two dialogs is open; `name` is plain text."""
    if dialogs.given(MERGE) is not None:
        _merge(profile_key, name)
    if dialogs.given(HISTORY) is not None:
        _history(profile_key)


# -- a new merge --------------------------------------------------------------------------------


def _merge(profile_key: int, name: str) -> None:
    opened = dialogs.given(MERGE) or {}
    key = f"merge.{opened['turn']}"

    @st.dialog(
        f"Merge {words.escape_md(name, 40)} with another user",
        width=WIDTH,
        icon=":material/call_merge:",
        on_dismiss=dialogs.close,
    )
    def body() -> None:
        dialogs.leave_unless_open(MERGE)
        wanted = st.text_input(
            "Find the other user",
            key=f"{key}.find",
            placeholder="Name, user id, email or phone",
            icon=":material/search:",
            live="300ms",
            autocomplete="off",
        )
        other = _other(profile_key, wanted, key) if wanted.strip() else None
        if not wanted.strip():
            st.caption("Both become one: nothing the user who stays has is overwritten, and every merge can be undone.")
        keep, absorb = profile_key, other
        if other is not None:
            stays = st.segmented_control(
                "Who stays", ["This user", "The other one"], default="This user", required=True, key=f"{key}.stays"
            )
            keep, absorb = (profile_key, other) if stays == "This user" else (other, profile_key)
        possible = absorb is not None and _previewed(keep, absorb)
        with st.container(horizontal=True, horizontal_alignment="right", gap="small"):
            st.button("Cancel", key=f"{key}.cancel", on_click=dialogs.close)
            st.button(
                "Merge",
                key=f"{key}.act",
                type="primary",
                icon=":material/call_merge:",
                disabled=not possible,
                on_click=states.acting(_do),
                args=(keep, absorb),
            )

    body()


def _other(profile_key: int, wanted: str, key: str) -> int | None:
    """The other user, as picked from those who match."""
    found = session.cached(
        profiles.find, search=wanted, columns=_SHOWN, limit=MOST_FOUND + 1, topics=("profiles", "properties")
    ).to_pylist()
    people = {row["profile_key"]: _called(row) for row in found if row["profile_key"] != profile_key}
    if not people:
        states.nothing_to_show("Nobody else has that in a name, id, email or phone.")
        return None
    keys = list(people)[:MOST_FOUND]
    if len(keys) == 1:
        st.markdown(people[keys[0]])
        return int(keys[0])
    picked = st.radio("Which one", keys, index=None, key=f"{key}.who", format_func=lambda each: people[each])
    if len(people) > MOST_FOUND:
        st.caption("There are more. Write more of the name or id.")
    return None if picked is None else int(picked)


def _called(row: dict[str, str | None]) -> str:
    """Somebody in one line of Markdown, by everything they are known by."""
    name = words.full_name(row["firstName"], row["lastName"])
    parts = [each for each in (name, row["userId"], row["phone"]) if each] or [each for each in (row["email"],) if each]
    return " · ".join(words.escape_md(each, 60) for each in parts) or f"Unidentified {row['profile_key']}"


def _previewed(keep: int, absorb: int) -> bool:
    """Say what the merge would do; answer whether it can be done."""
    try:
        found = session.cached(resolution.preview, keep, absorb, topics=TOPICS)
    except User360Error as refusal:
        states.refused(refusal)
        return False
    st.markdown(
        f"**{words.escape_md(found.gone_name, 60)}** goes into **{words.escape_md(found.kept_name, 60)}**: {found.sentence}"
    )
    if found.both_identified:
        st.caption("Both have a user id. Afterwards both ids lead to the user who stays.")
    rows = _rows(found)
    if rows.num_rows:
        layout.table(
            rows,
            column_config={
                "property": st.column_config.TextColumn("Property", width=130),
                "becomes": st.column_config.TextColumn("Afterwards"),
                "why": st.column_config.TextColumn("Because"),
            },
            key=f"merge.preview.{keep}.{absorb}",
            alt="What the merge would do to each property",
            most=MOST_ROWS,
        )
    return True


def _rows(found: Preview) -> pa.Table:
    told = [(each, value, "was blank") for each, value in found.fills.items()]
    told += [(each, f"+ {', '.join(items)}", "lists are united") for each, items in found.adds.items()]
    told += [(each, mine, f"stays; {other} is left") for each, (mine, other) in found.stays.items()]
    columns = [pa.array([row[place] for row in told], pa.string()) for place in range(3)]
    return pa.table(columns, ["property", "becomes", "why"])


def _do(keep: int, absorb: int) -> None:
    done = resolution.merge(session.store(), keep, absorb, by=session.analyst(), at=session.moment())
    dialogs.close()
    session.notice(
        f"{words.escape_md(done.gone_name, 60)} is part of {words.escape_md(done.kept_name, 60)} now; "
        f"{words.count(done.events, 'event')} moved",
        icon=":material/call_merge:",
    )
    nav.go("user", id=keep)


# -- merges that wait ---------------------------------------------------------------------------


def inbox() -> None:
    """The card of all merges that messages proposed and nobody decided yet; nothing where there are none."""
    waiting = session.cached(resolution.count, status="held", topics=("profiles",))
    if not waiting:
        return
    with layout.card("Merges held for review", f"{words.count(waiting, 'merge')} proposed by messages"):
        shown = int(st.session_state.get("merges.inbox", INBOX))
        for each in session.cached(resolution.find, status="held", limit=shown, topics=("profiles",)):
            with st.container(border=True, gap="xsmall"):
                _one(each, each.kept)
        if waiting > shown:
            st.button("Show more", key="merges.inbox.more", type="tertiary", on_click=_more, args=(shown + PAGE,))


def _more(shown: int) -> None:
    st.session_state["merges.inbox"] = shown


# -- merges there were --------------------------------------------------------------------------


def _history(profile_key: int) -> None:
    @st.dialog("Merges", width=WIDTH, icon=":material/call_merge:", on_dismiss=dialogs.close)
    def body() -> None:
        dialogs.leave_unless_open(HISTORY)
        shown = int(st.session_state.get(f"merges.shown.{profile_key}", PAGE))
        found = session.cached(resolution.find, profile_key=profile_key, limit=shown + 1, topics=("profiles",))
        if not found:
            states.nothing_to_show("This user was never merged with another.")
        for each in found[:shown]:
            with st.container(border=True, gap="xsmall"):
                _one(each, profile_key)
        if len(found) > shown:
            st.button("Show earlier", key="merges.earlier", type="tertiary", on_click=_earlier, args=(profile_key, shown + PAGE))

    body()


def _earlier(profile_key: int, shown: int) -> None:
    st.session_state[f"merges.shown.{profile_key}"] = shown


def _one(merge: Merge, profile_key: int) -> None:
    kept, gone = (words.escape_md(each, 60) for each in (merge.kept_name, merge.gone_name))
    verb = {"held": "may be", "dismissed": "is not", "undone": "was part of", "accepted": "may be"}.get(merge.status, "is")
    part = "" if merge.status == "undone" else " part of"
    st.markdown(f"**{gone}** {verb}{part} **{kept}**")
    st.caption(_told(merge))
    with st.container(horizontal=True, gap="small"):
        if merge.status == "done" and merge.kept == profile_key:
            st.button(
                "Undo", key=f"merges.undo.{merge.id}", icon=":material/undo:", on_click=states.acting(_undo), args=(merge.id,)
            )
        if merge.status == "held":
            st.button("Merge", key=f"merges.accept.{merge.id}", type="primary", on_click=states.acting(_accept), args=(merge.id,))
            st.button("They are two people", key=f"merges.dismiss.{merge.id}", on_click=states.acting(_dismiss), args=(merge.id,))


def _told(merge: Merge) -> str:
    """When, by whom or by which message, what moved, and what became of it, in Markdown."""
    zone, at = session.zone(), session.at()
    by = {"analyst": f"by {merge.by}", "alias": f"by an alias from {merge.source}"}.get(
        merge.cause, f"by a message from {merge.source}"
    )
    parts = [words.instant(merge.at, zone, at=at), by]
    if merge.message_id:
        parts.append(f"message {merge.message_id}")
    if merge.write_id is not None:
        parts.append(f"{words.count(merge.events, 'event')} moved")
        parts += [f"filled {', '.join(merge.filled)}"] if merge.filled else []
    if merge.reason:
        parts.append(merge.reason)
    told = " · ".join(words.escape_md(each, 200) for each in parts)
    if merge.settled_at is None:
        return told
    verb = {"undone": "Undone", "dismissed": "Dismissed", "accepted": "Accepted"}[merge.status]
    return f"{told}  \n{verb} {words.instant(merge.settled_at, zone, at=at)} by {words.escape_md(merge.settled_by, 80)}"


def _undo(merge_id: int) -> None:
    done = resolution.undo(session.store(), merge_id, by=session.analyst(), at=session.moment())
    dialogs.close()
    session.notice(
        f"{words.escape_md(done.gone_name, 60)} is a user again; what came later stayed where it belongs", icon=":material/undo:"
    )


def _accept(merge_id: int) -> None:
    done = resolution.accept(session.store(), merge_id, by=session.analyst(), at=session.moment())
    dialogs.close()
    session.notice(f"{words.escape_md(done.gone_name, 60)} is part of {words.escape_md(done.kept_name, 60)} now")
    nav.go("user", id=done.kept)


def _dismiss(merge_id: int) -> None:
    resolution.dismiss(session.store(), merge_id, by=session.analyst(), at=session.moment())
    dialogs.close()
    session.notice("They stay two people; the same is not proposed again")
