"""The fields of one condition under its operator: values with suggestions, a window, whether case matters, what unknown means.

Each field is a projection of the condition's JSON and writes back into it; without this room the
editor would have to know every kind of operand. Which operators a type has does not live here
(`user360/operators`), nor the chip around the fields (`condition`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, assert_never

import streamlit as st

from pages.ui import session, words
from user360 import operators, segments
from user360.errors import InvalidValue

if TYPE_CHECKING:
    from collections.abc import Callable

    from user360.operators import Operator
    from user360.properties import Property

SUGGESTED: Final = 50
FIRST_WINDOW: Final = (30, "day")
_WHOLE_VALUES: Final = frozenset({"is", "is_not", "contains_any", "contains_none", "contains_all", "does_not_contain_all"})


def draw(item: dict[str, Any], prop: Property, operator: Operator, on_change: Callable[[], None]) -> None:
    """Draw what the operator needs. `item` holds the condition; `on_change` is called after each edit."""
    _values(item, prop, operator, on_change)
    _case(item, operator, on_change)
    _unknown(item, prop, operator, on_change)


def at_first(operator: Operator) -> list[Any]:
    """The values an operator starts with, where it has a natural start."""
    return list(FIRST_WINDOW) if operator.operand == "window" else [1] if operator.operand == "count" else []


def key(item: dict[str, Any], name: str) -> str:
    """The widget key of a field; it changes with the property and the operator, so that no value crosses over."""
    return f"rule.{item['id']}.{name}.{item.get('turn', 0)}"


def project(item: dict[str, Any], name: str, value: object) -> None:
    """Show the condition's own value in the widget: the condition is the truth."""
    st.session_state[key(item, name)] = value


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
            project(item, "period", values[0] if values else None)
            shown: dict[str, Any] = {"index": None, "placeholder": "Choose a period", "label_visibility": "collapsed"}
            st.selectbox("Period", operators.PERIODS, key=key(item, "period"), format_func=spaced, **shown, **bound)
        case "count":
            project(item, "count", int(values[0]) if values else 1)
            st.number_input("How many", 0, 100_000, key=key(item, "count"), step=1, label_visibility="collapsed", **bound)
        case _:
            assert_never(operator.operand)


def _many(item: dict[str, Any], prop: Property, operator: Operator, values: list[Any], bound: dict[str, Any]) -> None:
    """Any of these values: suggested from the data with how many have each, or written."""
    whole = operator.key in _WHOLE_VALUES
    counts = {}
    if whole:
        found = session.cached(segments.values, prop.name, limit=SUGGESTED, topics=("profiles", "properties"))
        counts = {said(value): people for value, people in found}
    chosen = [said(each) for each in values]
    project(item, "many", chosen)
    st.multiselect(
        "Values",
        list(dict.fromkeys([*chosen, *counts])),
        key=key(item, "many"),
        format_func=lambda each: f"{each} ({words.number(counts[each])})" if each in counts else each,
        accept_new_options=True,
        placeholder="Choose or write values" if whole else "Write values",
        label_visibility="collapsed",
        **bound,
    )


def _text(item: dict[str, Any], name: str, prop: Property, values: list[Any], bound: dict[str, Any]) -> None:
    project(item, name, said(values[0]) if values else "")
    shown = prop.datatype.control.placeholder
    st.text_input(name, key=key(item, name), placeholder=shown, label_visibility="collapsed", autocomplete="off", **bound)


def _window(item: dict[str, Any], values: list[Any], bound: dict[str, Any]) -> None:
    amount, unit = values if len(values) == 2 else FIRST_WINDOW  # noqa: PLR2004 - so many, and of what
    with st.container(horizontal=True, gap="xsmall"):
        project(item, "amount", int(amount))
        st.number_input("How many", 1, 100_000, key=key(item, "amount"), step=1, label_visibility="collapsed", width=150, **bound)
        project(item, "unit", unit)
        shown: dict[str, Any] = {"format_func": "{}s".format, "label_visibility": "collapsed", "width": 150}
        st.selectbox("Unit", operators.UNITS, key=key(item, "unit"), **shown, **bound)


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
    entered = [st.session_state[key(item, each)] for each in fields[operand]]
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
        project(item, "case", (item["condition"].get("case") or operator.cased) == "exact")
        bound: dict[str, Any] = {"on_change": _read_case, "args": (item, operator, on_change)}
        st.checkbox("Upper and lower case matter", key=key(item, "case"), **bound)


def _read_case(item: dict[str, Any], operator: Operator, on_change: Callable[[], None]) -> None:
    chosen = "exact" if st.session_state[key(item, "case")] else "ignored"
    item["condition"].pop("case", None)
    if chosen != operator.cased:
        item["condition"]["case"] = chosen
    on_change()


def _unknown(item: dict[str, Any], prop: Property, operator: Operator, on_change: Callable[[], None]) -> None:
    """A negative condition takes in who has no value; the switch leaves them out, and says how many they are."""
    if not operator.negative or operator.family == "known":
        return
    unknown = session.cached(segments.unknown, prop.name, topics=("profiles", "properties"))
    if unknown or item["condition"].get("unknown"):
        project(item, "unknown", "unknown" in item["condition"])
        bound: dict[str, Any] = {"on_change": _read_unknown, "args": (item, on_change)}
        st.toggle(f"Leave out {words.count(unknown, 'person', 'people')} with no value", key=key(item, "unknown"), **bound)


def _read_unknown(item: dict[str, Any], on_change: Callable[[], None]) -> None:
    item["condition"].pop("unknown", None)
    if st.session_state[key(item, "unknown")]:
        item["condition"]["unknown"] = "leave_out"
    on_change()


def said(value: object) -> str:
    """A value of the JSON as text in a field."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.15g}" if isinstance(value, int | float) else str(value)


def spaced(word: str) -> str:
    """A calendar word as people write it, `this week`."""
    return word.replace("_", " ")
