"""The rule as it is edited: groups as cards, each with its head, its conditions and what can be done with them.

A row is its icon, its fields, the number of people who meet it alone, and a menu. Of a long rule the
rows are sentences until one is opened. What a kind of condition asks does not live here (`attributes`,
`happenings`, `others`), nor who is counted (`user360/segments`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from pages.ui import address, fields, session, states, words
from pages.ui.builder import details, draft, editing, happenings, kinds
from user360.segments.rules import MOST_CONDITIONS, MOST_LEVELS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

LONG: Final = 24
SIX_FIGURES: Final = 100_000
COUNT_WIDTH: Final = (44, 58)
MATCHES: Final = {"all": "All", "any": "Any", "none": "None"}
_ACTS: Final[Mapping[str, Callable[[dict[str, Any], int], None]]] = {
    "Duplicate": draft.duplicate,
    "Switch off": draft.switch,
    "Switch on": draft.switch,
    "Move up": lambda root, row: draft.move(root, row, -1),
    "Move down": lambda root, row: draft.move(root, row, 1),
    "Move out of the group": draft.move_out,
    "Put into a group": draft.wrap,
    "Take the group apart": draft.unwrap,
    "Take out": draft.take_out,
}


@dataclass(frozen=True, slots=True)
class Drawn:
    """What every row of one drawing needs: the judgement of the draft, who meets each path alone, and what each node is called, by id."""

    judged: draft.Judged
    alone: Mapping[str, int]
    called: Mapping[int, str]
    folded: bool
    full: bool
    count_width: int


def draw(judged: draft.Judged, alone: Mapping[str, int]) -> None:
    """Draw the whole draft. `alone` answers how many meet a path of the rule by themselves."""
    root = editing.current().root
    rows = sum(1 for _ in draft.walk(root))
    width = COUNT_WIDTH[max(alone.values(), default=0) >= SIX_FIGURES]
    drawn = Drawn(judged, alone, _called(root), folded=rows > LONG, full=rows >= MOST_CONDITIONS, count_width=width)
    with st.container(border=True, gap="xsmall", key="builder.root"):
        _group(root, drawn, level=1)
    if editing.is_too_long():
        st.caption(address.TOO_LONG)


def _called(root: dict[str, Any]) -> dict[int, str]:
    """Every group and every condition by its place among all of them, as they stand from top to bottom."""
    found, counts = {root["id"]: ""}, {"group": 0, "condition": 0}
    waiting = list(root["conditions"])
    while waiting:
        one = waiting.pop(0)
        kind = "group" if one["kind"] == "group" else "condition"
        counts[kind] += 1
        found[one["id"]] = f"{kind} {counts[kind]}"
        if kind == "group":
            waiting = [*one["conditions"], *waiting]
    return found


# -- groups -------------------------------------------------------------------------------------


def _group(group: dict[str, Any], drawn: Drawn, *, level: int) -> None:
    _head(group, drawn, level)
    if not group["conditions"]:
        said = "Everyone, until there is a condition." if level == 1 else "Nothing here yet: this group does not count."
        states.nothing_to_show(said)
    for each in group["conditions"]:
        if each["kind"] == "group":
            with st.container(border=True, gap="xsmall", key=f"builder.group.{each['id']}"):
                _group(each, drawn, level=level + 1)
        else:
            _row(each, drawn)


def _head(group: dict[str, Any], drawn: Drawn, level: int) -> None:
    edit = fields.Edit(group, session.catalog(), editing.changed, row=drawn.called[group["id"]])
    with st.container(horizontal=True, wrap=True, vertical_alignment="center", gap="xsmall"):
        fields.project(edit.key("match"), group["match"])
        st.segmented_control(
            edit.label("Match"),
            list(MATCHES),
            key=edit.key("match"),
            format_func=MATCHES.__getitem__,
            required=True,
            label_visibility="collapsed",
            on_change=_match,
            args=(edit,),
        )
        st.caption("of these hold" + (" · switched off" if group["off"] else ""), width="content")
        st.space("stretch")
        add = states.acting(_add)
        for label, kind in (("Property", "property"), ("Event", "event"), ("Group", "group")):
            st.button(
                label,
                key=edit.key(f"add.{kind}"),
                icon=":material/add:",
                type="tertiary",
                on_click=add,
                args=(group["id"], kind),
                disabled=drawn.full or (kind == "group" and level >= MOST_LEVELS),
            )
        more = edit.key("more")
        st.menu_button(
            "More",
            list(kinds.MORE),
            key=more,
            icon=":material/add:",
            type="tertiary",
            on_click=states.acting(_add_more),
            args=(group["id"], more),
            disabled=drawn.full,
        )
        if level > 1:
            _menu(group, drawn)


def _match(edit: fields.Edit) -> None:
    edit.node["match"] = st.session_state[edit.key("match")]
    edit.change()


def _add_more(group_id: int, key: str) -> None:
    _add(group_id, kinds.MORE[st.session_state[key]])


def _add(group_id: int, kind: str) -> None:
    made = editing.current()
    group = next((each for each in draft.walk(made.root) if each["id"] == group_id), None)
    if group is not None:
        one = kinds.new(kind)
        group["conditions"].append(one)
        made.opened.add(one["id"])
        editing.changed()


# -- rows ---------------------------------------------------------------------------------------


def _row(row: dict[str, Any], drawn: Drawn) -> None:
    edit = fields.Edit(row, session.catalog(), editing.changed, row=drawn.called[row["id"]])
    fault = drawn.judged.faults.get(row["id"], "")
    folded = drawn.folded and row["id"] not in editing.current().opened
    with st.container(horizontal=True, wrap=False, vertical_alignment="center", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            st.markdown(kinds.ink(row), width="content")
            if folded or row["off"]:
                _sentence(edit)
            else:
                kinds.fields_of(edit)
        st.caption(_counted(row, drawn, fault), width=drawn.count_width, text_alignment="right")
        _menu(row, drawn)
    if not (folded or row["off"]):
        kinds.under(edit)
    if fault and fault != draft.NOT_YET:
        with st.container(horizontal=True, gap="xsmall"):
            st.space(details.INDENT)
            st.markdown(f":red[:material/block: {words.escape_md(fault, 400)}]")


def _sentence(edit: fields.Edit) -> None:
    """A row of a long rule, or one that is switched off: its words, opened by a click."""
    said = words.escape_md(kinds.words_of(edit.node), 160)
    if edit.node["off"]:
        st.markdown(f":gray[~~{said}~~]", width="content")
    else:
        st.button(said, key=edit.key("unfold"), type="tertiary", on_click=_unfold, args=(edit.node["id"],))


def _unfold(row_id: int) -> None:
    editing.current().opened.add(row_id)


def _counted(row: dict[str, Any], drawn: Drawn, fault: str) -> str:
    if row["off"]:
        return "off"
    if fault:
        return "…"
    found = drawn.alone.get(drawn.judged.paths.get(row["id"], ""))
    return words.number(found) if found is not None else ""


# -- what can be done with a row or a group -----------------------------------------------------


def _menu(row: dict[str, Any], drawn: Drawn) -> None:
    found = draft.holder(editing.current().root, row["id"])
    if found is None:
        return
    above, siblings, place = found
    of_group = row["kind"] == "group"
    also = happenings.has_no(fields.Edit(row, session.catalog(), editing.changed))
    offered = [*also, "Duplicate", "Switch on" if row["off"] else "Switch off"]
    offered += ["Move up"] if place else []
    offered += ["Move down"] if place < len(siblings) - 1 else []
    offered += [] if above is editing.current().root else ["Move out of the group"]
    offered += ["Take the group apart" if of_group else "Put into a group", "Take out"]
    key = f"rule.{row['id']}.menu"
    st.menu_button(
        "",
        offered,
        key=key,
        icon=":material/more_vert:",
        type="tertiary",
        help=f"More for {drawn.called[row['id']]}",
        on_click=states.acting(_act),
        args=(row["id"], key),
    )


def _act(row_id: int, key: str) -> None:
    root, chosen = editing.current().root, st.session_state[key]
    row = next((each for each in draft.walk(root) if each["id"] == row_id), None)
    if chosen in _ACTS:
        _ACTS[chosen](root, row_id)
    elif row is not None:
        happenings.say_also(fields.Edit(row, session.catalog(), editing.changed), chosen)
    editing.changed()
