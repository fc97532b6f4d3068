"""Fixed lists: made of pasted ids or of people chosen on a page, and added to.

Every id that found nobody, came twice or was blank is told with its line. Who is on a list does not
live here (`user360/segments`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import streamlit as st

from pages.ui import dialogs, layout, nav, session, states, words
from user360.errors import User360Error
from user360.segments import lists, saved

if TYPE_CHECKING:
    from user360.people import People
    from user360.segments.lists import Line, Pasted
    from user360.segments.saved import Segment

PASTE: Final = "list.paste"
ADD: Final = "list.add"
WIDTH: Final = 560
MOST_LINES: Final = 1_000
NEW: Final = "A new list"
_PASTED: Final = "pasted ids"
_SELECTED: Final = "selection"


# -- pasted ids ---------------------------------------------------------------------------------


def draw_paste(of: Segment | None = None) -> None:
    """Draw the dialog for pasted ids while `dialogs.open_(lists.PASTE)` is open: a new list, or a list's people.

    `dialogs.open_(lists.PASTE, off=True)` takes them off the list.
    """
    opened = dialogs.given(PASTE)
    if opened is None:
        return
    key, off = f"{PASTE}.{opened['turn']}", bool(opened.get("off"))
    name = words.escape_md(of.name, 60) if of is not None else ""
    title = f"Take people off {name}" if off else f"Put people on {name}" if of else "A list of pasted ids"

    @st.dialog(title, width=WIDTH, icon=":material/content_paste:", on_dismiss=dialogs.close)
    def body() -> None:
        dialogs.leave_unless_open(PASTE)
        st.text_area("User ids, one to a line", key=f"{key}.text", height=180, placeholder="C-104233\nC-104234")
        text = st.session_state.get(f"{key}.text", "")
        found = _look_up(text) if text.strip() else None
        if found is not None:
            _told(found, key)
        if of is None:
            st.text_input("Name of the list", key=f"{key}.name", autocomplete="off")
            states.fault_under(opened.get("faults", {}), "name")
        people = len(found.found) if found is not None else 0
        with st.container(horizontal=True, horizontal_alignment="right", gap="small"):
            st.button("Cancel", key=f"{key}.cancel", on_click=dialogs.close)
            label = f"{'Take off' if off else 'Put on' if of else 'Save'} {words.count(people, 'person', 'people')}"
            act = states.acting(_pasted)
            st.button(label, key=f"{key}.act", type="primary", disabled=not people, on_click=act, args=(key, of))

    body()


def _look_up(text: str) -> Pasted | None:
    try:
        found: Pasted = session.cached(lists.paste, text, topics=("profiles",))
    except User360Error as refusal:
        states.refused(refusal)
        return None
    return found


def _told(found: Pasted, key: str) -> None:
    """How many were found, and every line that brought no one new."""
    parts = [f"**{words.number(len(found.found))}** found"]
    parts += [f"{words.number(len(found.strangers))} unknown"] if found.strangers else []
    parts += [f"{words.number(len(found.duplicates))} more than once"] if found.duplicates else []
    parts += [f"{words.number(len(found.blanks))} blank"] if found.blanks else []
    st.markdown(" · ".join(parts))
    lines = sorted((*_lines(found.strangers, "nobody has it"), *_lines(found.duplicates, ""), *_lines(found.blanks, "blank")))
    if not lines:
        return
    positions, ids, why = zip(*lines[:MOST_LINES], strict=True)
    layout.table(
        pa.table({"Line": pa.array(positions), "Id": pa.array(ids, pa.string()), "Why": pa.array(why, pa.string())}),
        key=f"{key}.lines.{len(lines)}",
        column_config={"Line": st.column_config.NumberColumn(width=60), "Id": st.column_config.TextColumn(width=220)},
        alt="The lines that brought no one new",
        most=6,
    )
    if len(lines) > MOST_LINES:
        st.caption(f"The first {words.number(MOST_LINES)} of {words.number(len(lines))}.")


def _lines(lines: tuple[Line, ...], why: str) -> list[tuple[int, str | None, str]]:
    return [(each.position, each.id or None, why or f"also on line {each.first}") for each in lines]


def _pasted(key: str, of: Segment | None) -> None:
    opened = dialogs.given(PASTE)
    if opened is None:
        return
    people = session.cached(lists.paste, st.session_state[f"{key}.text"], topics=("profiles",)).found
    if of is not None:
        (_take_off if opened.get("off") else _put_on)(of, people)
        dialogs.close()
        return
    made = _made(opened, st.session_state[f"{key}.name"], people, _PASTED)
    if made is not None:
        nav.go("segment", id=made.id)


# -- people chosen on a page --------------------------------------------------------------------


def draw_add(people: People) -> None:
    """Draw the dialog that puts these people on a list, while `dialogs.open_(lists.ADD)` is open."""
    opened = dialogs.given(ADD)
    if opened is None:
        return
    key = f"{ADD}.{opened['turn']}"
    every = {each.id: each for each in session.cached(saved.find, topics=("segments",)) if each.kind == "static"}

    @st.dialog(
        f"Add {words.count(len(people), 'user')} to a segment", width=480, icon=":material/filter_alt:", on_dismiss=dialogs.close
    )
    def body() -> None:
        dialogs.leave_unless_open(ADD)
        chosen = st.selectbox(
            "List",
            ["", *every],
            key=f"{key}.list",
            format_func=lambda each: every[each].name if each else NEW,
            help="A segment of a rule takes in who meets the rule; only lists can be added to.",
        )
        if not chosen:
            st.text_input("Name of the list", key=f"{key}.name", autocomplete="off")
            states.fault_under(opened.get("faults", {}), "name")
        with st.container(horizontal=True, horizontal_alignment="right", gap="small"):
            st.button("Cancel", key=f"{key}.cancel", on_click=dialogs.close)
            st.button("Add", key=f"{key}.act", type="primary", on_click=states.acting(_added), args=(key, people, every))

    body()


def _added(key: str, people: People, every: dict[str, Segment]) -> None:
    opened = dialogs.given(ADD)
    if opened is None:
        return
    chosen = st.session_state[f"{key}.list"]
    if chosen:
        _put_on(every[chosen], people)
        dialogs.close()
        return
    made = _made(opened, st.session_state[f"{key}.name"], people, _SELECTED)
    if made is not None:
        session.notice(f"List “{words.escape_md(made.name)}” made of {words.count(len(people), 'user')}")


# -- writing ------------------------------------------------------------------------------------


def _made(opened: dict[str, Any], name: str, people: People, source: str) -> Segment | None:
    """The new list, and the dialog closed; or the fault told beside the name."""
    try:
        made = lists.save(session.store(), name, people, source=source, by=session.analyst(), at=session.moment())
    except User360Error as refusal:
        opened["faults"] = {"name": states.sentence(refusal)}
        return None
    dialogs.close()
    return made


def _put_on(of: Segment, people: People) -> None:
    source = _PASTED if dialogs.given(PASTE) else _SELECTED
    added = lists.add(session.store(), of.id, people, source=source, by=session.analyst(), at=session.moment())
    there = len(people) - added
    rest = f", {words.number(there)} were on it" if there else ""
    session.notice(f"{words.count(added, 'user')} added to “{words.escape_md(of.name)}”{rest}")


def _take_off(of: Segment, people: People) -> None:
    gone = lists.remove(session.store(), of.id, people, by=session.analyst(), at=session.moment())
    session.notice(f"{words.count(gone, 'user')} taken off “{words.escape_md(of.name)}”")
