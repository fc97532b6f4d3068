"""What becomes of users who are known already, column by column, and what everybody in the file gets: tags, a list.

What a rule does does not live here (`user360/ingest`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import streamlit as st

from pages.ui import layout, session, words
from user360 import imports, properties, segments

if TYPE_CHECKING:
    from collections.abc import Mapping

    from user360.properties import Property

MODES: Final = {
    "update": "Given values change, the others stay",
    "replace": "The row becomes the whole record: what it does not give becomes empty",
}


def conflicts(plan: imports.Plan, turn: int) -> imports.Plan:
    """Draw how a row and a known user go together; answer the plan as it is chosen."""
    with layout.card("Where the user is known already", "new users get what the row gives"):
        mode = st.segmented_control(
            "Where the user is known already",
            list(MODES),
            default=plan.mode,
            key=f"import.mode.{turn}",
            format_func=str.capitalize,
            required=True,
            label_visibility="collapsed",
        )
        st.caption(MODES[str(mode)])
        plan = replace(plan, mode=str(mode))
        if mode == "update":
            plan = replace(plan, rules=_rules(plan, turn))
    return plan


def _rules(plan: imports.Plan, turn: int) -> dict[str, str]:
    """A rule per column: when its value counts beside the one there is."""
    known = {each.name: each for each in session.cached(properties.find, topics=("properties",))}
    columns = [each for each, target in plan.mapping.items() if target not in ("userId", "tags") and target in known]
    rules: dict[str, str] = {}
    with st.grid(2, min_column_width=420):
        for place, column in enumerate(columns):
            found = _rule(column, plan, known, f"import.rule.{turn}.{place}")
            if found != "overwrite":
                rules[column] = found
    return rules


def _rule(column: str, plan: imports.Plan, known: Mapping[str, Property], key: str) -> str:
    target = plan.mapping[column]
    dates = [each for each in plan.mapping.values() if each in known and known[each].datatype.name in ("date", "datetime")]
    offered = [each for each in imports.rules_for(known[target].datatype.name) if each != "newest" or dates]
    kind, _, by = plan.rules.get(column, "overwrite").partition(":")
    with st.container(horizontal=True, vertical_alignment="center", gap="small", wrap=False):
        st.markdown(f"{words.escape_md(column, 40)} → **{words.escape_md(target, 40)}**", width=210)
        chosen = st.selectbox(
            f"Rule of {column}",
            offered,
            offered.index(kind) if kind in offered else 0,
            key=key,
            format_func=imports.RULES.__getitem__,
            label_visibility="collapsed",
            width=180,
        )
        if chosen != "newest":
            return str(chosen)
        newest = st.selectbox(
            f"{column} is newest by",
            dates,
            dates.index(by) if by in dates else 0,
            key=f"{key}.by",
            format_func=lambda each: f"by {words.heading(each)}",
            label_visibility="collapsed",
            width=150,
        )
        return f"newest:{newest}"


def tags(plan: imports.Plan, turn: int) -> imports.Plan:
    """Draw the tags, for users, and the list everybody in the file is put on."""
    with layout.card("Tags and segment" if plan.kind == "users" else "Segment", "for everyone in this file"):
        if plan.kind == "users":
            offered = list(dict.fromkeys([*plan.tags, imports.default_tag(session.store(), session.at())]))
            given = st.multiselect(
                "Tags", offered, list(plan.tags), key=f"import.tags.{turn}", accept_new_options=True, width=560
            )
            merge = st.toggle("Keep the tags they have", value=plan.merge_tags, key=f"import.merge.{turn}")
            plan = replace(plan, tags=tuple(given), merge_tags=bool(merge))
        return replace(plan, segment=segment(plan, turn))


def segment(plan: imports.Plan, turn: int) -> str:
    """The fixed list these users are put on, if any: one there is, or the name of a new one."""
    lists = [each.name for each in session.cached(segments.saved.find, topics=("segments",)) if each.kind == "static"]
    options = list(dict.fromkeys([*lists, plan.segment])) if plan.segment else lists
    chosen = st.selectbox(
        "Segment of these users",
        options,
        index=options.index(plan.segment) if plan.segment else None,
        key=f"import.segment.{turn}",
        placeholder="None",
        accept_new_options=True,
        width=360,
        help="A fixed list. Choose one, or type the name of a new one.",
    )
    return str(chosen or "")
