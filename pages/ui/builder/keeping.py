"""What is done to a saved segment besides editing its rule: versions, name, copies, the archive.

What is kept and refused does not live here (`user360/segments`), nor the saving of a draft (`saving`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st

from pages.ui import dialogs, nav, session, states, words
from pages.ui.builder import editing, splitting
from user360 import segments
from user360.errors import User360Error
from user360.segments import lists, saved

if TYPE_CHECKING:
    from user360.segments.saved import Segment, Version

MENU: Final = "segment.more"
SAVE_AS: Final = "segment.save_as"
RENAME: Final = "segment.rename"
VERSIONS: Final = "segment.versions"
WIDTH: Final = 480


def menu(of: Segment) -> None:
    """The menu of everything else."""
    own = [
        "Name and description",
        *(["Versions", "Freeze to a list"] if of.kind == "dynamic" else []),
        "Sample or split",
        "Duplicate",
        "Archive",
    ]
    if of.kind == "dynamic":
        own.insert(0, "Save as …")
    st.menu_button(
        "More",
        ["Restore"] if of.archived_at is not None else own,
        key=MENU,
        icon=":material/more_horiz:",
        type="tertiary",
        on_click=states.acting(_act),
        args=(of.id,),
    )


def _act(segment_id: str) -> None:
    match st.session_state[MENU]:
        case "Save as …":
            dialogs.open_(SAVE_AS)
        case "Name and description":
            dialogs.open_(RENAME)
        case "Versions":
            dialogs.open_(VERSIONS)
        case "Freeze to a list":
            _freeze(segment_id)
        case "Sample or split":
            dialogs.open_(splitting.SPLIT)
        case "Duplicate":
            _duplicate(segment_id)
        case "Archive":
            _archive(segment_id)
        case "Restore":
            _restore(segment_id)


def draw(of: Segment) -> None:
    """Draw whichever of the dialogs is open."""
    if dialogs.given(RENAME) is not None:
        _rename(of)
    if dialogs.given(VERSIONS) is not None:
        _versions(of)
    splitting.draw(of)


# -- at once ------------------------------------------------------------------------------------


def _duplicate(segment_id: str) -> None:
    made = saved.duplicate(session.store(), segment_id, by=session.analyst(), at=session.moment())
    _go_to(made, "made")


def _freeze(segment_id: str) -> None:
    made = lists.freeze(session.store(), segment_id, by=session.analyst(), at=session.moment())
    _go_to(made, "made: it keeps those who are in now")


def _go_to(made: Segment, what: str) -> None:
    session.notice(f"“{words.escape_md(made.name)}” {what}")
    editing.forget()
    nav.go("segment", id=made.id)


def _archive(segment_id: str) -> None:
    gone = saved.archive(session.store(), segment_id, by=session.analyst(), at=session.moment())
    session.notice(f"“{words.escape_md(gone.name)}” archived", icon=":material/archive:")
    nav.go("segments")


def _restore(segment_id: str) -> None:
    back = saved.restore(session.store(), segment_id, by=session.analyst(), at=session.moment())
    session.notice(f"“{words.escape_md(back.name)}” restored")


# -- name and description -----------------------------------------------------------------------


def _rename(of: Segment) -> None:
    opened = dialogs.given(RENAME) or {}
    key = f"{RENAME}.{opened['turn']}"

    @st.dialog("Name and description", width=WIDTH, icon=":material/edit:", on_dismiss=dialogs.close)
    def body() -> None:
        dialogs.leave_unless_open(RENAME)
        st.session_state.setdefault(f"{key}.name", of.name)
        st.session_state.setdefault(f"{key}.description", of.description)
        st.text_input("Name", key=f"{key}.name", autocomplete="off")
        states.fault_under(opened.get("faults", {}), "name")
        st.text_area("Description", key=f"{key}.description", height=80)
        states.fault_under(opened.get("faults", {}), "description")
        with st.container(horizontal=True, horizontal_alignment="right", gap="small"):
            st.button("Cancel", key=f"{key}.cancel", on_click=dialogs.close)
            st.button("Save", key=f"{key}.act", type="primary", on_click=states.acting(_renamed), args=(of.id, key))

    body()


def _renamed(segment_id: str, key: str) -> None:
    opened = dialogs.given(RENAME)
    if opened is None:
        return
    opened["faults"] = {}
    for field, write in (("name", saved.rename), ("description", saved.describe)):
        try:
            write(session.store(), segment_id, st.session_state[f"{key}.{field}"], by=session.analyst(), at=session.moment())
        except User360Error as refusal:
            opened["faults"][field] = states.sentence(refusal)
    if not opened["faults"]:
        dialogs.close()


# -- versions -----------------------------------------------------------------------------------


def _versions(of: Segment) -> None:
    every = session.cached(saved.versions, of.id, topics=("segments",))

    @st.dialog(f"Versions of {words.escape_md(of.name, 60)}", width=560, position="right", on_dismiss=dialogs.close)
    def body() -> None:
        dialogs.leave_unless_open(VERSIONS)
        for place, each in enumerate(every):
            _version(of, each, every[place + 1] if place + 1 < len(every) else None)

    body()


def _version(of: Segment, each: Version, before: Version | None) -> None:
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            st.markdown(f"**Version {each.number}**", width="content")
            st.caption(f"{words.instant(each.at, session.zone(), at=session.at())} · {words.escape_md(each.by)}", width="content")
            st.space("stretch")
            if each.number != of.version:
                roll = states.acting(_roll_back)
                st.button(
                    "Roll back to it",
                    key=f"segment.roll.{each.number}",
                    icon=":material/undo:",
                    on_click=roll,
                    args=(of, each.number),
                )
        if each.note:
            st.markdown(words.escape_md(each.note, 400))
        if before is None:
            st.caption(words.escape_md(_said(each), 1_000))
        else:
            changes([str(change) for change in segments.difference(before.rule, each.rule, session.catalog())])


def _said(version: Version) -> str:
    return segments.describe(version.rule, session.catalog(), at=session.at())


def changes(said: list[str]) -> None:
    """What is different between two versions, a line each."""
    for each in said or ["Nothing is different."]:
        st.markdown(f"- {words.escape_md(each, 600)}")


def _roll_back(of: Segment, version: int) -> None:
    saved.roll_back(session.store(), of.id, version, expected_version=of.version, by=session.analyst(), at=session.moment())
    dialogs.close()
    editing.forget()
    session.notice(f"Version {version} holds again, as version {of.version + 1}")
