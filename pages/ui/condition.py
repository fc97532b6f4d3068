"""One filter chip and the editor it opens: a property, an operator of its type, and what the operator needs.

The editor changes plain JSON in session state and asks the rules' own parser whether it is finished;
widgets are projections of that JSON, never the truth. Which conditions together make the filter does
not live here (`rules`), nor the fields under an operator (`operands`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from pages.ui import operands, words
from user360 import operators, segments
from user360.errors import InvalidRule

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from user360.operators import Operator
    from user360.properties import Property
    from user360.segments import Catalog

WIDTH: Final = 320
MOST_SAID: Final = 3


def opener(item_id: int) -> str:
    """The widget key under which the chip's popover is open or not."""
    return f"rule.{item_id}.open"


def chip(
    item: dict[str, Any], catalog: Catalog, *, at: datetime, on_change: Callable[[], None], on_take_out: Callable[[int], None]
) -> None:
    """Draw one chip; its editor runs only while it is open. `on_change` is called after each edit."""
    of = item["condition"]
    icon = ":material/person:" if of.get("property") or not of else ":material/account_tree:"
    popover = st.popover(label(of, catalog, at=at), key=opener(item["id"]), icon=icon, on_change="rerun")
    if not popover.open:
        return
    with popover, st.container(width=WIDTH, gap="xsmall"):
        if of and "property" not in of:
            st.caption("This part of the filter came with the address. It can be taken out, not changed here.")
        else:
            _editor(item, catalog, on_change)
        key = f"rule.{item['id']}.out"
        st.button(
            "Take out", key=key, type="tertiary", icon=":material/filter_alt_off:", on_click=on_take_out, args=(item["id"],)
        )


def label(of: dict[str, Any], catalog: Catalog, *, at: datetime) -> str:
    """The condition as a short sentence in Markdown, its operator bold, its data escaped."""
    if not of:
        return "Choose a property"
    prop = catalog.properties.get(str(of.get("property")))
    if prop is None or "operator" not in of:
        rule = segments.parse({"version": 1, "match": "all", "conditions": [of]})
        return words.escape_md(segments.describe(rule, catalog, at=at), 80)
    operator = _operator(prop, of["operator"])
    before, _, after = operator.english.partition("{}")
    parts = [words.escape_md(words.heading(prop.name)), f"**{words.escape_md(before.strip())}**"]
    parts += [_listed(of.get("values", []), operator, prop), words.escape_md(after.strip())]
    return " ".join(each for each in parts if each) + (" …" if fault(of, catalog) else "")


def _listed(values: list[Any], operator: Operator, prop: Property) -> str:
    """The values of a chip in Markdown, the first few of many."""
    said = [operands.said(each) for each in values]
    if operator.operand == "window" and len(said) == 2:  # noqa: PLR2004 - so many, and of what
        return words.escape_md(f"{said[0]} {said[1]}{'' if said[0] == '1' else 's'}")
    if prop.name == "lastChannel":
        said = [words.channel(each) for each in said]
    elif operator.operand == "period":
        said = [operands.spaced(each) for each in said]
    more = f" +{len(said) - MOST_SAID}" if len(said) > MOST_SAID else ""
    return (" and " if operator.operand == "two" else ", ").join(words.escape_md(each, 30) for each in said[:MOST_SAID]) + more


def fault(of: dict[str, Any], catalog: Catalog) -> str:
    """Why the condition is not finished, or nothing."""
    if not of:
        return "Choose a property."
    try:
        segments.check(segments.parse({"version": 1, "match": "all", "conditions": [of]}), catalog)
    except InvalidRule as refusal:
        return f"{refusal.reason} {refusal.hint}".strip()
    return ""


# -- the editor ---------------------------------------------------------------------------------


def _editor(item: dict[str, Any], catalog: Catalog, on_change: Callable[[], None]) -> None:
    of = item["condition"]
    names = [each.name for each in catalog.properties.values() if each.visible or each.name == of.get("property")]
    operands.project(item, "property", of.get("property"))
    st.selectbox(
        "Property",
        names,
        index=None,
        key=operands.key(item, "property"),
        format_func=words.heading,
        placeholder="Choose a property",
        label_visibility="collapsed",
        on_change=_choose_property,
        args=(item, catalog, on_change),
    )
    prop = catalog.properties.get(str(of.get("property")))
    if prop is None:
        return
    offered = [each.key for each in operators.of(prop.datatype)]
    operands.project(item, "operator", of["operator"])
    st.selectbox(
        "Operator",
        offered,
        key=operands.key(item, "operator"),
        format_func=lambda each: _operator(prop, each).label,
        label_visibility="collapsed",
        on_change=_choose_operator,
        args=(item, prop, on_change),
    )
    operands.draw(item, prop, _operator(prop, of["operator"]), on_change)
    wrong = fault(of, catalog)
    if wrong and of.get("values"):
        st.markdown(f":red[:material/block: {words.escape_md(wrong, 400)}]")


def _operator(prop: Property, key: str) -> Operator:
    return operators.get(key, prop.datatype.families)


def _choose_property(item: dict[str, Any], catalog: Catalog, on_change: Callable[[], None]) -> None:
    chosen = st.session_state[operands.key(item, "property")]
    item["turn"] = item.get("turn", 0) + 1
    if chosen:
        first = operators.of(catalog.properties[chosen].datatype)[0]
        item["condition"] = {"property": chosen, "operator": first.key, "values": operands.at_first(first)}
    else:
        item["condition"] = {}
    on_change()


def _choose_operator(item: dict[str, Any], prop: Property, on_change: Callable[[], None]) -> None:
    """Another operator keeps the values where it takes the same kind."""
    of, chosen = item["condition"], st.session_state[operands.key(item, "operator")]
    before, after = _operator(prop, of["operator"]), _operator(prop, chosen)
    item["turn"] = item.get("turn", 0) + 1
    item["condition"] = {"property": of["property"], "operator": chosen, "values": operands.at_first(after)}
    if before.operand == after.operand:
        item["condition"]["values"] = of.get("values", [])
    on_change()
