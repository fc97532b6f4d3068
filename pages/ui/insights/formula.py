"""The formula over the series of a trend: its field, what is refused of it, and its figures in words.

What a formula means does not live here (`user360/formulas`), nor how its line is drawn (`over_time`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from pages.ui import states, words
from pages.ui.insights import asking, controls
from user360 import formulas
from user360.errors import InvalidInsight

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from user360.formulas import Formula
    from user360.insights.trend import Trend

UNITS: Final = {"": "as a number", "%": "in %"}
SHOWN: Final = {True: "alone", False: "beside its series"}
NONE: Final[dict[str, Any]] = {"formula": None, "unit": None, "alone": None}
_KEY: Final = "trend.formula"
_OPEN: Final = "trend.formula.opened"
_REFUSED: Final = "trend.formula.refused"
_MARKED: Final = 100  # from here on one decimal is enough


def opener(document: Mapping[str, Any]) -> None:
    """The button that opens the field, while there is none."""
    if not document.get("formula") and not st.session_state.get(_OPEN):
        st.button("Formula", key=f"{_KEY}.open", icon=":material/function:", type="tertiary", on_click=_open)


def _open() -> None:
    st.session_state[_OPEN] = True


def editor(begin: Callable[[], dict[str, Any]], document: Mapping[str, Any]) -> None:
    """The field of the formula, how it is written and whether its series stand beside it; what is refused of it under it."""
    now = document.get("formula", "")
    if not now and not st.session_state.get(_OPEN):
        return
    refused = st.session_state.get(_REFUSED, {})
    if refused.get("of") != now:
        refused = {}
    st.session_state[_KEY] = refused.get("text", now)
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.text_input(
            "Formula",
            key=_KEY,
            placeholder=formulas.EXAMPLE,
            icon=":material/function:",
            label_visibility="collapsed",
            width=318,
            autocomplete="off",
            max_chars=formulas.LONGEST,
            on_change=_set,
            args=(begin,),
            help="The letters of the series with + - * / and parentheses. Divided by 0 there is no value.",
        )
        if now:
            controls.choice(begin(), document, "unit", "How it is written", UNITS, width=126)
            controls.choice(begin(), document, "alone", "What is drawn", SHOWN, width=164)
        st.button(
            "", key=f"{_KEY}.less", icon=":material/close:", type="tertiary", help="Take out", on_click=_less, args=(begin,)
        )
    states.fault_under(refused, "fault")


def _set(begin: Callable[[], dict[str, Any]]) -> None:
    """Take the formula, or keep what was typed with the reason why it is none."""
    typed, document = st.session_state[_KEY].strip(), asking.document(begin())
    st.session_state.pop(_REFUSED, None)
    if not typed:
        _less(begin)
        return
    try:
        found = formulas.parse(typed)
        formulas.check(found, len(document["series"]))
    except InvalidInsight as refusal:
        told = f"This formula {refusal.reason} {refusal.hint}".strip()
        st.session_state[_REFUSED] = {"of": document.get("formula", ""), "text": typed, "fault": told}
        return
    asking.change(begin(), formula=formulas.text(found))


def _less(begin: Callable[[], dict[str, Any]]) -> None:
    st.session_state.pop(_OPEN, None)
    st.session_state.pop(_REFUSED, None)
    asking.change(begin(), **NONE)


def without(document: Mapping[str, Any], place: int) -> dict[str, Any]:
    """What becomes of the formula when a series is taken out: letters move up, and it goes where it named that series."""
    if not document.get("formula"):
        return {}
    found = formulas.without(formulas.parse(document["formula"]), place)
    return {"formula": formulas.text(found)} if found is not None else NONE


# -- in words -----------------------------------------------------------------------------------


def text(question: Trend) -> str:
    """The formula as it is written, plain text."""
    return formulas.text(_of(question))


def title(question: Trend, names: Sequence[str]) -> str:
    """The formula with what its letters are: `A / B · A Order Completed, users · B Product Viewed, users`."""
    return " · ".join([text(question), *_letters(question, names)])


def figure(question: Trend, value: float) -> str:
    """What it comes to, with three digits at least: `0.0123`, `12.35%`, `1,234.5`."""
    rounded = round(value, 1) if abs(value) >= _MARKED else round(value, 2) if abs(value) >= 1 else float(f"{value:.3g}")
    return f"{words.number(rounded)}{question.unit}"


def people(question: Trend) -> str:
    """Whose people are behind its marks: `A or B`."""
    return " or ".join(formulas.LETTERS[each] for each in formulas.named(_of(question)))


def whose(question: Trend) -> dict[int, str]:
    """Whose people can be behind its marks, by the place they are asked for: of any series it names, or of one of them."""
    named = formulas.named(_of(question))
    if len(named) == 1:
        return {}
    return {len(question.series): people(question), **{each: formulas.LETTERS[each] for each in named}}


def footnotes(question: Trend, names: Sequence[str]) -> list[str]:
    """What is said of it below the chart."""
    return [
        words.escape_md(f"{text(question)}: {letters(question, names)}", 600),
        f"where it divides by 0 there is no value; behind a mark are the people of {people(question)}",
    ]


def letters(question: Trend, names: Sequence[str]) -> str:
    """What the letters of the formula are, plain text."""
    return "; ".join(_letters(question, names))


def _letters(question: Trend, names: Sequence[str]) -> list[str]:
    return [f"{formulas.LETTERS[each]} {names[each]}" for each in formulas.named(_of(question))]


def _of(question: Trend) -> Formula:
    assert question.formula is not None  # noqa: S101 - asked of questions that have one
    return question.formula
