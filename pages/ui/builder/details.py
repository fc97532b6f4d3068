"""Conditions on the properties of one event: the rows of `where` and `having`.

Which properties an event has is read from the events themselves, with their commonest values. What
the rows mean does not live here (`user360/segments`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from pages.ui import fields, operands, session, states, words
from pages.ui.builder import attributes, draft
from user360 import datatypes, events

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pages.ui.fields import Edit
    from user360.events.reading import EventProperty

INDENT: Final = 26
COLUMNS: Final = ("channel", "source")
JOINING: Final = {"all": "and", "any": "or", "none": "nor"}
READINGS: Final = ("string", "number", "boolean", "date", "datetime", "time", "list", "email", "phone", "url")
_GUESSED: Final = {"text": "string", "number": "number", "boolean": "boolean", "list": "list"}
TAKE_OUT: Final = "Take out"


def known(event: str | None) -> Mapping[str, EventProperty]:
    """The properties of an event, commonest first; of any event none are known."""
    if event is None or event not in session.cached(events.names, topics=("events",)):
        return {}
    return {each.name: each for each in session.cached(events.schema, event, topics=("events",))}


def rows(edit: Edit, event: str | None, key: str, word: str, *, indent: int = INDENT) -> None:
    """The rows of the group under `key`; `word` stands before the first. The last line offers one more."""
    _group(edit, edit.node[key], event, word, indent=indent, more=key)


def add(edit: Edit, key: str, label: str) -> None:
    """The button for one more row."""
    add = states.acting(_add)
    st.button(label, key=edit.key(f"{key}.add"), icon=":material/add:", type="tertiary", on_click=add, args=(edit, key))


def _add(edit: Edit, key: str) -> None:
    begin(edit.node, key)
    edit.change()


def begin(node: dict[str, Any], key: str) -> None:
    """One more row, still empty."""
    node.setdefault(key, draft.group())["conditions"].append(draft.node("property"))


def _group(edit: Edit, group: dict[str, Any], event: str | None, word: str, *, indent: int, more: str = "") -> None:
    for place, row in enumerate(group["conditions"]):
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            st.space(indent)
            _before(edit, group, place, word)
            if row["kind"] == "group":
                st.markdown(f":gray[{'all' if row['match'] == 'all' else row['match']} of:]", width="content")
            else:
                _row(edit, row, group, event, f"{more or 'inner'} {place + 1}")
            if more and place == len(group["conditions"]) - 1:
                add(edit, more, "Where" if more == "where" else "And")
        if row["kind"] == "group":
            _group(edit, row, event, word, indent=indent + INDENT)


def _before(edit: Edit, group: dict[str, Any], place: int, word: str) -> None:
    """`where` before the first row, a choice of and, or, nor before the second, that word before the others."""
    if place == 0:
        fields.word(f"{word} not" if group["match"] == "none" else word)
    elif place == 1:
        of_group = fields.Edit(group, edit.catalog, edit.change, row=edit.row)
        fields.choice(
            of_group,
            "joined",
            list(JOINING),
            group["match"],
            lambda chosen: group.update(match=chosen),
            say=JOINING.__getitem__,
            width=76,
        )
    else:
        fields.word(JOINING[group["match"]])


def _row(edit: Edit, row: dict[str, Any], group: dict[str, Any], event: str | None, called: str) -> None:
    inner = fields.Edit(row, edit.catalog, edit.change, row=edit.label(called))
    seen = known(event)
    fields.choice(
        inner,
        "property",
        [*COLUMNS, *seen],
        row["condition"].get("property"),
        lambda chosen: inner.turn(_begun(chosen, seen)),
        say=_heading,
        width=fields.room_for(str(row["condition"].get("property", "")), 104),
        placeholder="Choose",
        free=True,
    )
    name = row["condition"].get("property")
    if name:
        attributes.asked(inner, _subject(name, row["condition"], seen))
    _menu(inner, group)


def _heading(name: str) -> str:
    return name if len(name) <= words.FEW_PEOPLE else f"{name[: words.FEW_PEOPLE]}…"


def _begun(name: str, seen: Mapping[str, EventProperty]) -> dict[str, Any]:
    if name in COLUMNS:
        return {"property": name} | attributes.begun(datatypes.get("string"))
    kinds = seen[name].types if name in seen else ()
    kind = _GUESSED.get(kinds[0], "string") if kinds else "string"
    return {"property": name, "type": kind} | attributes.begun(datatypes.get(kind))


def _subject(name: str, condition: dict[str, Any], seen: Mapping[str, EventProperty]) -> operands.Subject:
    def suggest() -> Mapping[str, int]:
        if name == "channel":
            return dict.fromkeys(session.cached(events.channels, topics=("events",)), 0)
        return dict(seen[name].commonest) if name in seen else {}

    return operands.Subject(name, datatypes.get(condition.get("type", "string")), suggest)


# -- what else can be done with a row -----------------------------------------------------------


def _menu(edit: Edit, group: dict[str, Any]) -> None:
    kind = edit.condition.get("type")
    offered = [f"Read as {datatypes.get(each).label.lower()}" for each in READINGS if each != kind] if kind else []
    key = edit.key("menu")
    st.menu_button(
        "",
        [TAKE_OUT, *offered],
        key=key,
        icon=":material/more_vert:",
        type="tertiary",
        help=edit.label("Take out, or read the value as another type"),
        on_click=states.acting(_act),
        args=(edit, group, key),
    )


def _act(edit: Edit, group: dict[str, Any], key: str) -> None:
    chosen = st.session_state[key]
    if chosen == TAKE_OUT:
        group["conditions"][:] = [each for each in group["conditions"] if each["id"] != edit.node["id"]]
    else:
        kind = next(each for each in READINGS if chosen == f"Read as {datatypes.get(each).label.lower()}")
        edit.turn({"property": edit.condition["property"], "type": kind} | attributes.begun(datatypes.get(kind)))
    edit.change()
