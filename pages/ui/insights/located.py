"""The view of people by country and city: its controls, and what is told beside its chart.

What is counted does not live here (`user360/insights/geography`), nor how it is drawn (`places`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from pages.ui import address, words
from pages.ui.insights import asking, controls, places
from user360 import insights
from user360.insight import VALUE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from user360.insight import Result

BEGIN: Final = {"kind": "geography"}
FORM: Final = "form"
BY: Final = {"country": "by country", "city": "by city"}
WHOSE: Final = {"everyone": "all users", "active": "active in the period"}
FORMS: Final = {"": "Bars", places.MAP: "Map"}
_MOST_MISSING: Final = 6


def chooser(begin: dict[str, Any], found: Mapping[str, Any]) -> None:
    """The second row of controls."""
    controls.choice(begin, found, "by", "By", BY, width=130)
    controls.choice(begin, found, "whose", "Who counts", WHOSE, width=190)
    if found.get("by") == "city":
        _country(found)
    else:
        _form()
    if found.get("whose") == "active":
        controls.channels(begin, found)


def is_timeless(question: Any) -> bool:
    """Whether a question is of the present, whatever the period."""
    return bool(question.kind == "geography" and question.whose == "everyone")


def way() -> str:
    """As bars, or as a map if the address says so."""
    return places.MAP if address.text(FORM) == places.MAP else ""


def _form() -> None:
    st.session_state["trends.form"] = way()
    st.segmented_control(
        "Drawn as",
        list(FORMS),
        key="trends.form",
        format_func=FORMS.__getitem__,
        required=True,
        label_visibility="collapsed",
        on_change=lambda: address.put(**{FORM: st.session_state["trends.form"] or None}),
    )


def _country(found: Mapping[str, Any]) -> None:
    """Cities of one country alone, if it is chosen."""
    every = asking.result(insights.parse(BEGIN)).table["country"].to_pylist()
    known = [each.removeprefix(VALUE) for each in every if each.startswith(VALUE)]
    given = str(found.get("country", ""))
    st.session_state["trends.country"] = given
    st.selectbox(
        "Country",
        ["", *dict.fromkeys([*([given] if given else []), *known])],
        key="trends.country",
        format_func=lambda each: each or "every country",
        label_visibility="collapsed",
        width=180,
        on_change=lambda: asking.change(BEGIN, country=st.session_state["trends.country"] or None),
    )


def beside(question: Any, result: Result) -> None:
    """What the map cannot show."""
    missing = places.missing(question, result) if way() == places.MAP and question.by == "country" else []
    if missing:
        told = ", ".join(f"{words.escape_md(name, 40)} {words.number(users)}" for name, users in missing[:_MOST_MISSING])
        more = f", {len(missing) - _MOST_MISSING} more" if len(missing) > _MOST_MISSING else ""
        st.caption(f"Not on the map: {told}{more}. The bars have them.")


def left_out(question: Any, result: Result) -> list[str]:
    """What the bars cannot show, for the footnote."""
    shown = result.table.num_rows
    if (way() == places.MAP and question.by == "country") or shown <= places.MOST_BARS + 2:
        return []
    return [f"the largest {places.MOST_BARS} of {words.number(shown)} are drawn, the table and the file have all"]
