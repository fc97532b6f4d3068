"""One filter chip and the editor it opens: property, operator of its type, values with suggestions, what unknown means.

The editor changes plain JSON in session state and asks the rules' own parser whether it is finished;
widgets are projections of that JSON, never the truth. Which conditions together make the filter does
not live here (`rules`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from pages.ui import session, words
from user360 import operators, segments
from user360.errors import InvalidRule, InvalidValue, Unknown

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from user360.operators import Operator
    from user360.properties import Property
    from user360.segments import Catalog

WIDTH: Final = 320
SUGGESTED: Final = 50
UNITS: Final = ("minute", "hour", "day", "week", "month")


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
    operator = operators.get(of["operator"])
    values = ", ".join(words.escape_md(_said(each), 30) for each in of.get("values", [])[:3])
    more = f" +{len(of['values']) - 3}" if len(of.get("values", [])) > 3 else ""  # noqa: PLR2004 - as many as a chip can hold
    missing = " …" if fault(of, catalog) else ""
    return f"{words.escape_md(words.heading(prop.name))} **{words.escape_md(operator.label)}** {values}{more}{missing}".strip()


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
    _projected(item, "property", of.get("property"))
    st.selectbox(
        "Property",
        names,
        index=None,
        key=_key(item, "property"),
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
    _projected(item, "operator", of["operator"])
    st.selectbox(
        "Operator",
        offered,
        key=_key(item, "operator"),
        format_func=lambda each: operators.get(each).label,
        label_visibility="collapsed",
        on_change=_choose_operator,
        args=(item, on_change),
    )
    _values(item, prop, operators.get(of["operator"]), on_change)
    _unknown(item, prop, operators.get(of["operator"]), on_change)
    wrong = fault(of, catalog)
    if wrong and of.get("values"):
        st.markdown(f":red[:material/block: {words.escape_md(wrong, 400)}]")


def _key(item: dict[str, Any], name: str) -> str:
    return f"rule.{item['id']}.{name}.{item.get('turn', 0)}"


def _projected(item: dict[str, Any], name: str, value: object) -> None:
    """Show the condition's own value in the widget: the condition is the truth."""
    st.session_state[_key(item, name)] = value


def _choose_property(item: dict[str, Any], catalog: Catalog, on_change: Callable[[], None]) -> None:
    chosen = st.session_state[_key(item, "property")]
    item["turn"] = item.get("turn", 0) + 1
    if chosen:
        first = next(each for each in operators.of(catalog.properties[chosen].datatype) if each.family != "known")
        item["condition"] = {"property": chosen, "operator": first.key, "values": []}
    else:
        item["condition"] = {}
    on_change()


def _choose_operator(item: dict[str, Any], on_change: Callable[[], None]) -> None:
    """Another operator keeps the values where it takes the same kind."""
    of, chosen = item["condition"], st.session_state[_key(item, "operator")]
    same = operators.get(of["operator"]).operand == operators.get(chosen).operand
    item["turn"] = item.get("turn", 0) + 1
    item["condition"] = {"property": of["property"], "operator": chosen, "values": of.get("values", []) if same else []}
    on_change()


# -- values -------------------------------------------------------------------------------------


def _values(item: dict[str, Any], prop: Property, operator: Operator, on_change: Callable[[], None]) -> None:
    bound: dict[str, Any] = {"on_change": _read_values, "args": (item, prop, on_change)}
    values = item["condition"].get("values", [])
    match operator.operand:
        case "none":
            return
        case "many":
            _many(item, prop, values, bound)
        case "one":
            _text(item, "value", prop, values[:1], bound)
        case "two":
            with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
                _text(item, "from", prop, values[:1], bound)
                st.markdown("and", width="content")
                _text(item, "to", prop, values[1:2], bound)
        case "window":
            _window(item, values, bound)


def _many(item: dict[str, Any], prop: Property, values: list[Any], bound: dict[str, Any]) -> None:
    """Any of these values: suggested from the data with how many have each, or written."""
    counts = dict(session.cached(segments.values, prop.name, limit=SUGGESTED, topics=("profiles", "properties")))
    chosen = [_said(each) for each in values]
    _projected(item, "many", chosen)
    st.multiselect(
        "Values",
        list(dict.fromkeys([*chosen, *counts])),
        key=_key(item, "many"),
        format_func=lambda each: f"{each} ({words.number(counts[each])})" if each in counts else each,
        accept_new_options=True,
        placeholder="Choose or write values",
        label_visibility="collapsed",
        **bound,
    )


def _text(item: dict[str, Any], name: str, prop: Property, values: list[Any], bound: dict[str, Any]) -> None:
    _projected(item, name, _said(values[0]) if values else "")
    shown = prop.datatype.control.placeholder
    st.text_input(name, key=_key(item, name), placeholder=shown, label_visibility="collapsed", autocomplete="off", **bound)


def _window(item: dict[str, Any], values: list[Any], bound: dict[str, Any]) -> None:
    amount, unit = values if len(values) == 2 else (30, "day")  # noqa: PLR2004 - so many, and of what
    with st.container(horizontal=True, gap="xsmall"):
        _projected(item, "amount", int(amount))
        st.number_input(
            "How many", 1, 100_000, key=_key(item, "amount"), step=1, label_visibility="collapsed", width=120, **bound
        )
        _projected(item, "unit", unit)
        st.selectbox(
            "Unit", UNITS, key=_key(item, "unit"), format_func="{}s".format, label_visibility="collapsed", width=120, **bound
        )


def _said(value: object) -> str:
    """A value of the JSON as text in a field."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.15g}" if isinstance(value, int | float) else str(value)
