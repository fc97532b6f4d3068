"""Values a dry run refuses, and the one click that mends all of them; what was mended can be taken back.

What a repair does does not live here (`user360/imports`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import phonenumbers
import pyarrow as pa
import streamlit as st

from pages.ui import layout, words
from pages.ui.importing import draft, matching
from user360 import imports, web

if TYPE_CHECKING:
    from user360.imports import DryRun, Fault, Offer, Repair

MOST: Final = 8
OFFERED: Final = 2
NARROW: Final = "\u202f"


def draw(found: DryRun) -> None:
    """The card: each kind of fault with an example, how often it stands there, and what would mend it."""
    repairs = [(column, each) for column, some in found.plan.repairs.items() for each in some]
    if not found.faults and not repairs:
        return
    with layout.card("Values we cannot take" if found.faults else "Values that were mended"):
        if found.failed_file.exists():
            label = f"Download {words.count(found.counts.failed, 'row')}"
            url = web.offer(found.failed_file, "refused-rows.csv")
            st.link_button(label, url, key="import.refused", icon=":material/download:", type="tertiary")
        everything = bool(st.session_state.get("import.faults.all"))
        for place, each in enumerate(found.faults if everything else found.faults[:MOST]):
            _fault(place, each)
        if len(found.faults) > MOST and not everything:
            left = words.count(len(found.faults) - MOST, "more kind", "more kinds")
            st.button(f"Show {left}", key="import.faults.more", type="tertiary", on_click=_show_all)
        for place, (column, repair) in enumerate(repairs):
            _mended(place, column, repair)


def _show_all() -> None:
    st.session_state["import.faults.all"] = True


def _fault(place: int, fault: Fault) -> None:
    value = fault.example
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        with st.container(gap=None):
            shown = f" `{value.replace('`', '’')}`" if value else ""
            column = words.escape_md(fault.column or fault.property or "row", 40)
            st.markdown(f"**{column}** ×{NARROW}{words.number(fault.times)}{shown}")
            st.caption(words.escape_md(f"{_sentence(fault.reason)} {fault.hint}", 240))
        if not fault.offers:
            return
        best = [each for each in fault.offers if each.repair.kind != "empty"][:OFFERED] or list(fault.offers[-1:])
        with st.container(horizontal=True, gap="xsmall", width="content"):
            for number, each in enumerate(best):
                st.button(
                    _label(each, value),
                    key=f"import.mend.{place}.{number}",
                    on_click=draft.repair,
                    args=(fault.column, each.repair),
                )
            with st.popover("", icon=":material/more_vert:", type="tertiary", help="All its values, and other ways to mend them"):
                _others(place, fault)


def _sentence(reason: str) -> str:
    return f"{reason[:1].upper()}{reason[1:]}." if reason and not reason.endswith(".") else reason


def _label(offer: Offer, value: str) -> str:
    match offer.repair.kind:
        case "country":
            return f"Add +{imports.calling_code(offer.repair.value)}"
        case "map":
            return f"{words.escape_md(value, 20)} → {words.escape_md(offer.became, 20)}"
        case "empty":
            return "Leave empty"
    return f"Read as {words.escape_md(offer.became, 24)}"


def _others(place: int, fault: Fault) -> None:
    """All values refused for this reason, and what else could be done."""
    st.markdown(f"**{words.count(fault.distinct, 'different value')}** in {words.escape_md(fault.column, 40)}")
    table = pa.table({"Value": [each for each, _ in fault.values], "Times": [times for _, times in fault.values]})
    layout.table(table, row_height=layout.RAIL_ROW, alt="The values and how often each stands in the file", most=8)
    if fault.distinct > len(fault.values):
        st.caption(f"The commonest {words.number(len(fault.values))} are shown.")
    key = f"import.other.{place}"
    if "country code" in fault.reason:
        countries = sorted(phonenumbers.SUPPORTED_REGIONS)
        country = st.selectbox("They are numbers of", countries, None, key=f"{key}.country", placeholder="Choose a country")
        if country:
            label = f"Add +{imports.calling_code(country)}"
            st.button(label, key=f"{key}.add", on_click=draft.repair, args=(fault.column, imports.Repair("country", country)))
    chosen = st.selectbox("Replace", [each for each, _ in fault.values], key=f"{key}.value")
    text = st.text_input("with", key=f"{key}.text", placeholder="empty", autocomplete="off")
    replaced = imports.Repair("map", str(chosen).strip(), text.strip())
    st.button("Replace it", key=f"{key}.replace", on_click=draft.repair, args=(fault.column, replaced))
    st.button("Leave all of them empty", key=f"{key}.empty", on_click=draft.repair, args=(fault.column, imports.Repair("empty")))


def _mended(place: int, column: str, repair: Repair) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        told = f"**{words.escape_md(column, 40)}** {words.escape_md(matching.said(repair), 90)}"
        st.markdown(f":green[:material/check_circle:] {told}")
        st.space("stretch")
        st.button("Undo", key=f"import.unmend.{place}", type="tertiary", on_click=draft.take_out, args=(column, repair))
