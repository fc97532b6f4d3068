"""One field of a condition: a widget that shows a value of the draft and writes it back.

The draft is the truth and widgets are projections of it, so a row that moves, a condition that was
undone and a page that was reloaded all show what is kept. Which fields a condition has does not live
here (`operands`, `builder`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from user360.segments import Catalog


@dataclass(frozen=True, slots=True)
class Edit:
    """A node of a draft while it is edited. `change` is called after each edit.

    `in_row`: the fields stand beside each other with given widths; else below each other, as wide as there is room.
    `row` is what the node is called among the others, so that who hears the labels can tell its fields from theirs.
    """

    node: dict[str, Any]
    catalog: Catalog
    change: Callable[[], None]
    in_row: bool = True
    row: str = ""

    @property
    def condition(self) -> dict[str, Any]:
        """The node's own JSON."""
        own: dict[str, Any] = self.node["condition"]
        return own

    def key(self, name: str) -> str:
        """The widget key of a field; it changes with the node's turn, so that no value crosses over."""
        return f"rule.{self.node['id']}.{name}.{self.node['turn']}"

    def label(self, said: str) -> str:
        """What a field is called."""
        return f"{said}, {self.row}" if self.row else said

    def room(self, pixels: int) -> Any:
        """The width of a field."""
        return pixels if self.in_row else "stretch"

    def turn(self, condition: dict[str, Any]) -> None:
        """Replace the condition; its fields begin anew."""
        self.node["turn"] += 1
        self.node["condition"] = condition


def project(key: str, value: object, *, chosen: bool = False) -> None:
    """Show the draft's value in the widget, unless it does already: what is being typed stays.

    A choice is told anew every time. The browser answers with the words it was shown, so words that
    change with the data, such as counts, would otherwise come back as values nobody has.
    """
    if chosen or key not in st.session_state or st.session_state[key] != value:
        st.session_state[key] = value


def choice(
    edit: Edit,
    name: str,
    options: Sequence[Any],
    now: Any,
    take: Callable[[Any], None],
    *,
    say: Callable[[Any], str] = str,
    width: int = 120,
    placeholder: str = "",
    free: bool = False,
    label: str = "",
) -> None:
    """A choice among options. `take` writes it into the node; `free` lets a new one be written."""
    offered = list(options) if now is None or now in options else [now, *options]
    project(edit.key(name), now, chosen=True)
    st.selectbox(
        edit.label(label or name.capitalize()),
        offered,
        index=None,
        key=edit.key(name),
        format_func=say,
        placeholder=placeholder or None,
        label_visibility="collapsed",
        width=edit.room(width),
        accept_new_options=free,
        required=True,
        on_change=_take,
        args=(edit, name, take),
    )


def whole(
    edit: Edit, name: str, now: int, take: Callable[[Any], None], *, least: int = 1, most: int = 100_000, width: int | None = None
) -> None:
    """A whole number, typed; as wide as it is long, where no width is given."""
    project(edit.key(name), int(now))
    st.number_input(
        edit.label(name.capitalize()),
        least,
        most,
        step=1,
        key=edit.key(name),
        required=True,
        label_visibility="collapsed",
        width=edit.room(width or max(44, 26 + 8 * len(str(now)))),
        on_change=_take,
        args=(edit, name, take),
    )


def unit(edit: Edit, name: str, units: Sequence[str], now: str, amount: object, take: Callable[[Any], None]) -> None:
    """The unit of time of an amount that stands before it, one or many."""
    choice(edit, name, units, now, take, say=lambda each: plural(each, amount), width=room_for(plural(now, amount), 74))


def plural(of: str, amount: object) -> str:
    """`day` or `days`."""
    return of if amount == 1 else f"{of}s"


def text(edit: Edit, name: str, now: str, take: Callable[[Any], None], *, placeholder: str = "", width: int = 150) -> None:
    """A line of text."""
    project(edit.key(name), now)
    st.text_input(
        edit.label(name.capitalize()),
        key=edit.key(name),
        placeholder=placeholder,
        label_visibility="collapsed",
        autocomplete="off",
        width=edit.room(width),
        on_change=_take,
        args=(edit, name, take),
    )


def word(said: str) -> None:
    """A quiet word between two fields."""
    st.caption(said, width="content")


def room_for(said: str, least: int, most: int = 210) -> int:
    """The width of a choice that shows this text."""
    return min(max(round(44 + 6.5 * len(said)), least), most)


def _take(edit: Edit, name: str, take: Callable[[Any], None]) -> None:
    take(st.session_state[edit.key(name)])
    edit.change()
