"""The fields under an operator: values with suggestions, a window, whether case matters, what unknown means.

Each field is a projection of the condition's JSON and writes back into it; without this room the
editor would have to know every kind of operand. Which operators a type has does not live here
(`user360/operators`), nor where the fields stand (`condition`, `builder`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, assert_never

import streamlit as st

from pages.ui import fields, session, words
from user360 import operators, segments
from user360.errors import InvalidValue

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pages.ui.fields import Edit
    from user360.datatype import DataType
    from user360.operators import Operator
    from user360.properties import Property

SUGGESTED: Final = 50
MOST_CHIPS: Final = 40
FIRST_WINDOW: Final = (30, "day")
WIDTHS: Final = {"number": 80, "date": 124, "time": 100, "datetime": 168}
TEXT_WIDTH: Final = 190
_WHOLE_VALUES: Final = frozenset({"is", "is_not", "contains_any", "contains_none", "contains_all", "does_not_contain_all"})


@dataclass(frozen=True, slots=True)
class Subject:
    """What a condition asks about: a property of people, or of an event. `suggest` answers its values with their counts.

    `unknown` answers how many people have no value; None where that is no question.
    """

    name: str
    datatype: DataType
    suggest: Callable[[], Mapping[str, int]]
    unknown: Callable[[], int] | None = None


def of_property(prop: Property) -> Subject:
    """A property of people as the subject of a condition."""

    def suggest() -> Mapping[str, int]:
        found = session.cached(segments.values, prop.name, limit=SUGGESTED, topics=("profiles", "properties"))
        return {said(value): people for value, people in found}

    def unknown() -> int:
        return int(session.cached(segments.unknown, prop.name, topics=("profiles", "properties")))

    return Subject(prop.name, prop.datatype, suggest, unknown)


def at_first(operator: Operator) -> list[Any]:
    """The values an operator starts with, where it has a natural start."""
    return list(FIRST_WINDOW) if operator.operand == "window" else [1] if operator.operand == "count" else []


# -- values -------------------------------------------------------------------------------------


def values(edit: Edit, subject: Subject, operator: Operator) -> None:
    """Draw what the operator needs, beside or below each other."""
    given = edit.condition.get("values", [])
    first = given[0] if given else None
    match operator.operand:
        case "none":
            return
        case "many":
            _many(edit, subject, operator, given)
        case "one":
            _text(edit, "value", subject, given, 0)
        case "two":
            _beside(edit, lambda: _two(edit, subject, given))
        case "window":
            _beside(edit, lambda: _window(edit, given))
        case "period":
            fields.choice(
                edit, "period", operators.PERIODS, first, _one(edit), say=spaced, width=124, placeholder="Choose a period"
            )
        case "count":
            fields.whole(edit, "count", int(first) if isinstance(first, int | float) else 1, _one(edit), least=0)
            if operator.key == "anniversary_in_the_next":
                fields.word("days")
        case _:
            assert_never(operator.operand)


def _beside(edit: Edit, draw: Callable[[], None]) -> None:
    if edit.in_row:
        draw()
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        draw()


def _one(edit: Edit) -> Callable[[Any], None]:
    def take(value: Any) -> None:
        edit.condition["values"] = [value]

    return take


def _many(edit: Edit, subject: Subject, operator: Operator, given: list[Any]) -> None:
    """Any of these values: suggested from the data with how many have each, or written."""
    if len(given) > MOST_CHIPS:
        _pasted(edit, subject, given)
        return
    counts = subject.suggest() if operator.key in _WHOLE_VALUES else {}
    chosen = [said(each) for each in given]
    key = edit.key("many")
    fields.project(key, chosen, chosen=True)
    st.multiselect(
        edit.label("Values"),
        list(dict.fromkeys([*chosen, *counts])),
        key=key,
        format_func=lambda each: _told(subject, each, {} if each in chosen else counts),
        accept_new_options=True,
        placeholder="Choose or write values" if counts else "Write values",
        label_visibility="collapsed",
        width=edit.room(_room(chosen)),
        on_change=_read_many,
        args=(edit, subject),
    )


def _room(chosen: list[str]) -> int:
    """As much room as the chosen values take, within reason."""
    return min(max(170, 76 + sum(34 + 7 * len(each) for each in chosen)), 380)


def _told(subject: Subject, value: str, counts: Mapping[str, int]) -> str:
    shown = words.channel(value) if subject.name in {"lastChannel", "channel"} else value
    return f"{shown} ({words.number(counts[value])})" if counts.get(value) else shown


def _read_many(edit: Edit, subject: Subject) -> None:
    edit.condition["values"] = [_read(each, subject) for each in st.session_state[edit.key("many")]]
    edit.change()


def _pasted(edit: Edit, subject: Subject, given: list[Any]) -> None:
    """So many values that they are lines of a text, not chips."""
    opened = st.popover(
        words.count(len(given), "value"), key=edit.key("pasted"), icon=":material/list_alt:", on_change="rerun", width=190
    )
    if not opened.open:
        return
    with opened, st.container(width=320, gap="xsmall"):
        key = edit.key("lines")
        fields.project(key, "\n".join(said(each) for each in given))
        st.text_area("One value a line", key=key, height=280, on_change=_read_lines, args=(edit, subject))


def _read_lines(edit: Edit, subject: Subject) -> None:
    lines = dict.fromkeys(each.strip() for each in st.session_state[edit.key("lines")].splitlines())
    edit.condition["values"] = [_read(each, subject) for each in lines if each]
    edit.change()


def _text(edit: Edit, name: str, subject: Subject, given: list[Any], place: int) -> None:
    def take(entered: str) -> None:
        kept = [*given, "", ""][:2] if name != "value" else [""]
        kept[place] = _read(entered, subject) if entered else ""
        edit.condition["values"] = kept if any(each != "" for each in kept) else []

    now = said(given[place]) if len(given) > place else ""
    kind = subject.datatype.name
    fields.text(edit, name, now, take, placeholder=subject.datatype.control.placeholder, width=WIDTHS.get(kind, TEXT_WIDTH))


def _two(edit: Edit, subject: Subject, given: list[Any]) -> None:
    _text(edit, "from", subject, given, 0)
    fields.word("and")
    _text(edit, "to", subject, given, 1)


def _window(edit: Edit, given: list[Any]) -> None:
    amount, unit = given if len(given) == 2 else FIRST_WINDOW  # noqa: PLR2004 - so many, and of what

    def take(place: int) -> Callable[[Any], None]:
        def taken(value: Any) -> None:
            now = list(edit.condition.get("values") or FIRST_WINDOW)
            now[place] = value
            edit.condition["values"] = now

        return taken

    fields.whole(edit, "amount", int(amount), take(0))
    fields.unit(edit, "unit", operators.UNITS, unit, amount, take(1))


def _read(entered: Any, subject: Subject) -> Any:
    """What was entered as a value of the JSON; what is no number yet stays text, and is refused in words."""
    if subject.datatype.name != "number":
        return entered
    try:
        return subject.datatype.parse(entered)
    except InvalidValue:
        return entered


# -- what is not said by values -----------------------------------------------------------------


def case(edit: Edit, operator: Operator) -> None:
    """Whether letters' case matters: always shown, because operators differ in it."""
    if not operator.cased:
        return
    if edit.in_row:
        exact = (edit.condition.get("case") or operator.cased) == "exact"
        st.button(
            "exact case" if exact else "any case",
            key=edit.key("case"),
            type="tertiary",
            help="Upper and lower case matter. Click to ignore them." if exact else "Case is ignored. Click to make it matter.",
            on_click=_set_case,
            args=(edit, operator, "ignored" if exact else "exact"),
        )
        return
    fields.project(edit.key("case"), (edit.condition.get("case") or operator.cased) == "exact")
    st.checkbox("Upper and lower case matter", key=edit.key("case"), on_change=_read_case, args=(edit, operator))


def _read_case(edit: Edit, operator: Operator) -> None:
    _set_case(edit, operator, "exact" if st.session_state[edit.key("case")] else "ignored")


def _set_case(edit: Edit, operator: Operator, chosen: str) -> None:
    edit.condition.pop("case", None)
    if chosen != operator.cased:
        edit.condition["case"] = chosen
    edit.change()


def has_switch(edit: Edit, subject: Subject, operator: Operator) -> bool:
    """Whether the condition is negative and someone has no value."""
    if not operator.negative or operator.family == "known" or subject.unknown is None:
        return False
    return bool(edit.condition.get("unknown") or subject.unknown())


def unknown(edit: Edit, subject: Subject) -> None:
    """A negative condition takes in who has no value; the switch leaves them out, and says how many they are."""
    assert subject.unknown is not None  # noqa: S101 - `has_switch` was asked
    fields.project(edit.key("unknown"), "unknown" in edit.condition)
    label = f"Leave out {words.count(subject.unknown(), 'person', 'people')} with no value"
    st.toggle(label, key=edit.key("unknown"), on_change=_read_unknown, args=(edit,))


def _read_unknown(edit: Edit) -> None:
    edit.condition.pop("unknown", None)
    if st.session_state[edit.key("unknown")]:
        edit.condition["unknown"] = "leave_out"
    edit.change()


# -- words --------------------------------------------------------------------------------------


def said(value: object) -> str:
    """A value of the JSON as text in a field."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.15g}" if isinstance(value, int | float) else str(value)


def spaced(word: str) -> str:
    """A calendar word as people write it, `this week`."""
    return word.replace("_", " ")
