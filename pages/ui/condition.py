"""One filter chip: a condition that reads as a sentence and opens its editor.

The fields are those of the builder's rows, one below the other. Which conditions together make the
filter does not live here (`rules`), nor the fields themselves (`builder`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from pages.ui import fields, operands, words
from pages.ui.builder import draft, kinds
from user360 import operators

if TYPE_CHECKING:
    from collections.abc import Callable

    from user360.operators import Operator
    from user360.properties import Property
    from user360.segments import Catalog

WIDTH: Final = 320
MOST_SAID: Final = 3


def opener(item_id: int) -> str:
    """The widget key under which the chip's popover is open or not."""
    return f"rule.{item_id}.open"


def chip(item: dict[str, Any], catalog: Catalog, *, on_change: Callable[[], None], on_take_out: Callable[[int], None]) -> None:
    """Draw one chip; its editor runs only while it is open. `on_change` is called after each edit."""
    popover = st.popover(label(item, catalog), key=opener(item["id"]), icon=kinds.icon(item), on_change="rerun")
    if not popover.open:
        return
    with popover, st.container(width=WIDTH, gap="xsmall"):
        if item["kind"] == "group":
            st.caption("This part of the filter came with the address. It can be taken out, not changed here.")
        else:
            _editor(fields.Edit(item, catalog, on_change, in_row=False))
        key = f"rule.{item['id']}.out"
        st.button(
            "Take out", key=key, type="tertiary", icon=":material/filter_alt_off:", on_click=on_take_out, args=(item["id"],)
        )


def _editor(edit: fields.Edit) -> None:
    kinds.fields_of(edit)
    kinds.under(edit)
    _, wrong = draft.one(edit.node, edit.catalog)
    if wrong and wrong != draft.NOT_YET and edit.condition.get("values"):
        st.markdown(f":red[:material/block: {words.escape_md(wrong, 400)}]")


# -- the chip's words ---------------------------------------------------------------------------


def label(item: dict[str, Any], catalog: Catalog) -> str:
    """The condition as a short sentence in Markdown, its operator bold, its data escaped."""
    of = item["condition"]
    prop = catalog.properties.get(str(of.get("property")))
    if item["kind"] == "property" and prop is not None and "operator" in of and "held" not in of:
        return _of_property(of, prop, wrong=bool(draft.one(item, catalog)[1]))
    return words.escape_md(kinds.words_of(item), 80)


def _of_property(of: dict[str, Any], prop: Property, *, wrong: bool) -> str:
    operator = operators.get(of["operator"], prop.datatype.families)
    before, _, after = operator.english.partition("{}")
    parts = [words.escape_md(words.heading(prop.name)), f"**{words.escape_md(before.strip())}**"]
    parts += [_listed(of.get("values", []), operator, prop), words.escape_md(after.strip())]
    return " ".join(each for each in parts if each) + (" …" if wrong else "")


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
