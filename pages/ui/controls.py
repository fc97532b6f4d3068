"""From a data type's plain `Control` and `Display` to a field of a form and a column of a table.

A type says what it needs in words of a small closed set; this room alone knows the widget, by an
exhaustive match, so that a new kind cannot be forgotten. What a value means does not live here
(`user360/datatypes`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, assert_never

import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st

from pages.ui import charts, words

if TYPE_CHECKING:
    from collections.abc import Sequence
    from zoneinfo import ZoneInfo

    from user360.datatype import Control, DataType, Display, Value
    from user360.properties import Property

MOST_CHIPS: Final = 2
CHANNELS: Final = ("Web", "WhatsApp", "App", "Email", "SMS", "Instagram")
_ONE_CHIP: Final = frozenset({"lastChannel"})
_TRUTH: Final = ("", "true", "false")


# -- fields -------------------------------------------------------------------------------------


def text_of(value: Value | None, datatype: DataType, zone: ZoneInfo) -> str | tuple[str, ...]:
    """A value as a field shows it: text, or a tuple for a list; empty for no value."""
    if value is None:
        return () if datatype.control.kind == "tags" else ""
    return value if isinstance(value, tuple) else datatype.format(value, zone)


def field(
    label: str,
    datatype: DataType,
    *,
    key: str,
    start: str | tuple[str, ...] = "",
    choices: Sequence[str] = (),
    help: str | None = None,  # noqa: A002 - Streamlit's word
    hidden: bool = False,
) -> str | tuple[str, ...]:
    """One field of a form, as text for the type to parse. `label` is escaped here; `choices` are offered to lists."""
    if key not in st.session_state:
        st.session_state[key] = list(start) if isinstance(start, tuple) else start
    shown: dict[str, Any] = {"label": words.escape_md(label), "key": key, "help": help}
    shown["label_visibility"] = "collapsed" if hidden else "visible"
    return _widget(datatype.control, shown, choices)


def _widget(control: Control, shown: dict[str, Any], choices: Sequence[str]) -> str | tuple[str, ...]:
    match control.kind:
        case "text" | "number" | "time" | "date" | "datetime":
            return st.text_input(**shown, placeholder=control.placeholder, autocomplete="off") or ""
        case "choice":
            return str(st.selectbox(**shown, options=_TRUTH, format_func=lambda each: each or words.NO_VALUE))
        case "tags":
            offered = list(dict.fromkeys([*st.session_state[shown["key"]], *choices]))
            return tuple(
                st.multiselect(**shown, options=offered, accept_new_options=True, placeholder=control.placeholder or "Add")
            )
        case _:
            assert_never(control.kind)


# -- columns ------------------------------------------------------------------------------------


def column(
    prop: Property, *, zone_name: str, label: str = "", pinned: bool | None = None, width: int | None = None, short: bool = False
) -> Any:
    """The column of a table for a property. Pair it with `cells`, which brings the values into the column's form.

    `short` leaves the year out of instants, when all are of this one.
    """
    room = prop.datatype.display.width if width is None else width
    shown: dict[str, Any] = {"label": label or words.heading(prop.name), "width": room, "pinned": pinned}
    shown["help"] = words.escape_md(prop.description, 300) or None
    if prop.name in _ONE_CHIP:
        return st.column_config.MultiselectColumn(**shown, options=CHANNELS, color=[charts.tint(each) for each in CHANNELS])
    return _column(prop.datatype.display, shown, zone_name, short=short)


def _column(display: Display, shown: dict[str, Any], zone_name: str, *, short: bool) -> Any:
    match display.kind:
        case "text" | "check" | "time" | "phone":
            return st.column_config.TextColumn(**shown)
        case "number":
            return st.column_config.NumberColumn(**shown, format="localized")
        case "date":
            return st.column_config.DateColumn(**shown, format="D MMM YYYY")
        case "datetime":
            return st.column_config.DatetimeColumn(
                **shown, format="D MMM, HH:mm" if short else "D MMM YYYY, HH:mm", timezone=zone_name
            )
        case "chips":
            return st.column_config.MultiselectColumn(**shown, color="auto")
        case "link":
            return st.column_config.LinkColumn(**shown, display_text=r"^https?://([^/?#]+)")
        case _:
            assert_never(display.kind)


def cells(prop: Property, values: pa.ChunkedArray) -> pa.ChunkedArray | pa.Array:
    """The values of one column in the form its `column` shows them."""
    if prop.name in _ONE_CHIP:
        return pa.array([[words.channel(each)] if each else None for each in values.to_pylist()], pa.list_(pa.string()))
    match prop.datatype.display.kind:
        case "text" | "number" | "date" | "link":
            return values
        case "check":
            return pc.if_else(values, "true", "false")
        case "time":
            return pa.array([each.isoformat("seconds") if each else None for each in values.to_pylist()], pa.string())
        case "phone":
            return pa.array([words.phone(each) if each else None for each in values.to_pylist()], pa.string())
        case "datetime":
            return values.cast(pa.timestamp("us")).cast(pa.timestamp("us", "UTC"))
        case "chips":
            return pa.array([_few(each) for each in values.to_pylist()], pa.list_(pa.string()))
        case _:
            assert_never(prop.datatype.display.kind)


def shown(value: Value | None, datatype: DataType, zone: ZoneInfo) -> str:
    """One value as plain text on a card: `14 Mar 1994`, `+91 94470 55012`, `—`."""
    if value is None:
        return words.NO_VALUE
    match datatype.display.kind:
        case "number" if isinstance(value, float):
            return words.number(value)
        case "phone":
            return words.phone(str(value))
        case "date":
            return words.day(value)  # type: ignore[arg-type]  # a date displays as one
        case "chips" if isinstance(value, tuple):
            return ", ".join(value)
        case "datetime":
            return words.moment(value, zone)  # type: ignore[arg-type]  # an instant displays as one
        case _:
            return datatype.format(value, zone)


def _few(values: list[str] | None) -> list[str] | None:
    if not values or len(values) <= MOST_CHIPS:
        return values
    return [values[0], f"+{len(values) - 1}"]
