"""One filter chip and the editor it opens: property, operator of its type, values with suggestions, what unknown means.

The editor changes plain JSON in session state and asks the rules' own parser whether it is finished;
widgets are projections of that JSON, never the truth. Which conditions together make the filter does
not live here (`rules`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, assert_never

import streamlit as st

from pages.ui import session, words
from user360 import operators, profiles, properties, segments
from user360.errors import InvalidRule, InvalidValue

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from user360.operators import Operator
    from user360.properties import Property
    from user360.segments import Catalog

WIDTH: Final = 320
SUGGESTED: Final = 50
MOST_SAID: Final = 3
FIRST_WINDOW: Final = (30, "day")
_WHOLE_VALUES: Final = frozenset({"is", "is_not", "contains_any", "contains_none", "contains_all", "does_not_contain_all"})


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
    said = [_said(each) for each in values]
    if operator.operand == "window" and len(said) == 2:  # noqa: PLR2004 - so many, and of what
        return words.escape_md(f"{said[0]} {said[1]}{'' if said[0] == '1' else 's'}")
    if prop.name == "lastChannel":
        said = [words.channel(each) for each in said]
    elif operator.operand == "period":
        said = [_spaced(each) for each in said]
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
        format_func=lambda each: _operator(prop, each).label,
        label_visibility="collapsed",
        on_change=_choose_operator,
        args=(item, prop, on_change),
    )
    _values(item, prop, _operator(prop, of["operator"]), on_change)
    _case(item, _operator(prop, of["operator"]), on_change)
    _unknown(item, prop, _operator(prop, of["operator"]), on_change)
    wrong = fault(of, catalog)
    if wrong and of.get("values"):
        st.markdown(f":red[:material/block: {words.escape_md(wrong, 400)}]")


def _operator(prop: Property, key: str) -> Operator:
    return operators.get(key, prop.datatype.families)


def _first_values(operator: Operator) -> list[Any]:
    """What an operator starts with, where it has a natural start."""
    return list(FIRST_WINDOW) if operator.operand == "window" else [1] if operator.operand == "count" else []


def _key(item: dict[str, Any], name: str) -> str:
    return f"rule.{item['id']}.{name}.{item.get('turn', 0)}"


def _projected(item: dict[str, Any], name: str, value: object) -> None:
    """Show the condition's own value in the widget: the condition is the truth."""
    st.session_state[_key(item, name)] = value


def _choose_property(item: dict[str, Any], catalog: Catalog, on_change: Callable[[], None]) -> None:
    chosen = st.session_state[_key(item, "property")]
    item["turn"] = item.get("turn", 0) + 1
    if chosen:
        first = operators.of(catalog.properties[chosen].datatype)[0]
        item["condition"] = {"property": chosen, "operator": first.key, "values": _first_values(first)}
    else:
        item["condition"] = {}
    on_change()


def _choose_operator(item: dict[str, Any], prop: Property, on_change: Callable[[], None]) -> None:
    """Another operator keeps the values where it takes the same kind."""
    of, chosen = item["condition"], st.session_state[_key(item, "operator")]
    before, after = _operator(prop, of["operator"]), _operator(prop, chosen)
    item["turn"] = item.get("turn", 0) + 1
    item["condition"] = {"property": of["property"], "operator": chosen, "values": _first_values(after)}
    if before.operand == after.operand:
        item["condition"]["values"] = of.get("values", [])
    on_change()


# -- values -------------------------------------------------------------------------------------


def _values(item: dict[str, Any], prop: Property, operator: Operator, on_change: Callable[[], None]) -> None:
    values = item["condition"].get("values", [])
    bound: dict[str, Any] = {"on_change": _read_values, "args": (item, prop, operator.operand, on_change)}
    match operator.operand:
        case "none":
            return
        case "many":
            _many(item, prop, operator, values, bound)
        case "one":
            _text(item, "value", prop, values[:1], bound)
        case "two":
            with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
                _text(item, "from", prop, values[:1], bound)
                st.markdown("and", width="content")
                _text(item, "to", prop, values[1:2], bound)
        case "window":
            _window(item, values, bound)
        case "period":
            _projected(item, "period", values[0] if values else None)
            shown = {"index": None, "placeholder": "Choose a period", "label_visibility": "collapsed"}
            st.selectbox("Period", operators.PERIODS, key=_key(item, "period"), format_func=_spaced, **shown, **bound)
        case "count":
            _projected(item, "count", int(values[0]) if values else 1)
            st.number_input("How many", 0, 100_000, key=_key(item, "count"), step=1, label_visibility="collapsed", **bound)
        case _:
            assert_never(operator.operand)


def _many(item: dict[str, Any], prop: Property, operator: Operator, values: list[Any], bound: dict[str, Any]) -> None:
    """Any of these values: suggested from the data with how many have each, or written."""
    whole = operator.key in _WHOLE_VALUES
    counts = {}
    if whole:
        found = session.cached(segments.values, prop.name, limit=SUGGESTED, topics=("profiles", "properties"))
        counts = {_said(value): people for value, people in found}
    chosen = [_said(each) for each in values]
    _projected(item, "many", chosen)
    st.multiselect(
        "Values",
        list(dict.fromkeys([*chosen, *counts])),
        key=_key(item, "many"),
        format_func=lambda each: f"{each} ({words.number(counts[each])})" if each in counts else each,
        accept_new_options=True,
        placeholder="Choose or write values" if whole else "Write values",
        label_visibility="collapsed",
        **bound,
    )


def _text(item: dict[str, Any], name: str, prop: Property, values: list[Any], bound: dict[str, Any]) -> None:
    _projected(item, name, _said(values[0]) if values else "")
    shown = prop.datatype.control.placeholder
    st.text_input(name, key=_key(item, name), placeholder=shown, label_visibility="collapsed", autocomplete="off", **bound)


def _window(item: dict[str, Any], values: list[Any], bound: dict[str, Any]) -> None:
    amount, unit = values if len(values) == 2 else FIRST_WINDOW  # noqa: PLR2004 - so many, and of what
    with st.container(horizontal=True, gap="xsmall"):
        _projected(item, "amount", int(amount))
        st.number_input(
            "How many", 1, 100_000, key=_key(item, "amount"), step=1, label_visibility="collapsed", width=150, **bound
        )
        _projected(item, "unit", unit)
        shown = {"format_func": "{}s".format, "label_visibility": "collapsed", "width": 150}
        st.selectbox("Unit", operators.UNITS, key=_key(item, "unit"), **shown, **bound)


def _read_values(item: dict[str, Any], prop: Property, operand: str, on_change: Callable[[], None]) -> None:
    """Take the widgets' values into the condition; what is not a number yet stays text, and is refused in words."""
    fields = {
        "many": ("many",),
        "one": ("value",),
        "two": ("from", "to"),
        "window": ("amount", "unit"),
        "period": ("period",),
        "count": ("count",),
    }
    entered = [st.session_state[_key(item, each)] for each in fields[operand]]
    values = entered[0] if operand == "many" else entered
    if prop.datatype.name == "number" and operand in {"many", "one", "two"}:
        values = [_as_number(each, prop) for each in values]
    item["condition"]["values"] = [each for each in values if each not in ("", None)]
    on_change()


def _as_number(text: str, prop: Property) -> Any:
    try:
        return prop.datatype.parse(text)
    except InvalidValue:
        return text


# -- what is not said by values -----------------------------------------------------------------


def _case(item: dict[str, Any], operator: Operator, on_change: Callable[[], None]) -> None:
    """Whether letters' case matters: always shown, because operators differ in it."""
    if operator.cased:
        _projected(item, "case", (item["condition"].get("case") or operator.cased) == "exact")
        bound: dict[str, Any] = {"on_change": _read_case, "args": (item, operator, on_change)}
        st.checkbox("Upper and lower case matter", key=_key(item, "case"), **bound)


def _read_case(item: dict[str, Any], operator: Operator, on_change: Callable[[], None]) -> None:
    chosen = "exact" if st.session_state[_key(item, "case")] else "ignored"
    item["condition"].pop("case", None)
    if chosen != operator.cased:
        item["condition"]["case"] = chosen
    on_change()


def _unknown(item: dict[str, Any], prop: Property, operator: Operator, on_change: Callable[[], None]) -> None:
    """A negative condition takes in who has no value; the switch leaves them out, and says how many they are."""
    if not operator.negative or operator.family == "known":
        return
    known = session.cached(properties.fill, topics=("profiles", "properties"))[prop.name]
    unknown = session.cached(profiles.count, topics=("profiles",)) - known
    if unknown or item["condition"].get("unknown"):
        _projected(item, "unknown", "unknown" in item["condition"])
        bound: dict[str, Any] = {"on_change": _read_unknown, "args": (item, on_change)}
        st.toggle(f"Leave out {words.count(unknown, 'person', 'people')} with no value", key=_key(item, "unknown"), **bound)


def _read_unknown(item: dict[str, Any], on_change: Callable[[], None]) -> None:
    item["condition"].pop("unknown", None)
    if st.session_state[_key(item, "unknown")]:
        item["condition"]["unknown"] = "leave_out"
    on_change()


def _said(value: object) -> str:
    """A value of the JSON as text in a field."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.15g}" if isinstance(value, int | float) else str(value)


def _spaced(word: str) -> str:
    return word.replace("_", " ")
