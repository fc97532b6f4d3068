"""One condition on events: what was done, how often, how much, when first and last, how regularly; and sequences.

The first field says what is asked of the events; the event, its `where` and its time stay when it
changes. Which events there are does not live here (`user360/events`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from pages.ui import fields, operands, session, states
from pages.ui.builder import attributes, details, draft, spans
from user360 import datatypes, events, operators

if TYPE_CHECKING:
    from collections.abc import Callable

    from pages.ui.fields import Edit

EVENT_WIDTH: Final = 130
ANY: Final = "any event"
DID, DID_NOT, REGULARLY = "did", "did not", "regularly"
WHERE, WHEN = "Where …", "When …"
MEASURES: Final = {
    "sum": "total of",
    "average": "average of",
    "min": "smallest",
    "max": "largest",
    "distinct": "different",
}
MOMENTS: Final = {"first time": "first", "last time": "last"}
OCCASIONS: Final = {"the first was": "first", "the last was": "last"}
ASKED: Final = (DID, DID_NOT, *MEASURES.values(), *MOMENTS, *OCCASIONS, REGULARLY)
UNITS: Final = ("day", "week", "month")
LEAST_STEPS, MOST_STEPS = 2, 8
_OF_EVENTS: Final = ("event", "during")


# -- a row of events ----------------------------------------------------------------------------


def row(edit: Edit) -> None:
    """The fields of the row, beside each other."""
    asked = asks(edit.condition)
    choosing = lambda chosen: ask(edit, chosen)  # noqa: E731 - what the choice does
    fields.choice(edit, "asked", ASKED, asked, choosing, label="Asked of events", width=fields.room_for(asked, 66))
    if asked in MEASURES.values():
        measured(edit)
        fields.word("in")
    event(edit)
    if "event" not in edit.condition:
        return
    if asked == DID:
        spans.times(edit)
    elif asked == REGULARLY:
        _regularity(edit)
    elif asked in MOMENTS:
        _compared(edit, "datetime")
    elif asked in MEASURES.values():
        _compared(edit, "number")
    if asked in {DID, DID_NOT} or "during" in edit.condition:
        spans.during(edit)
    if not edit.in_row:
        add_where(edit)


def has_no(edit: Edit) -> list[str]:
    """What the row does not say yet and could: about which events, and when."""
    if edit.node["kind"] not in {"event", "rank"} or "event" not in edit.condition:
        return []
    said = [WHERE] if not edit.node.get("where", {}).get("conditions") else []
    timed = "during" in edit.condition or (edit.node["kind"] == "event" and asks(edit.condition) in {DID, DID_NOT})
    return said if timed else [*said, WHEN]


def say_also(edit: Edit, what: str) -> None:
    """Begin to say it."""
    if what == WHERE:
        details.begin(edit.node, "where")
    else:
        edit.condition["during"] = dict(spans.AT_FIRST)


def add_where(edit: Edit) -> None:
    """The button for the first row about the events' own properties."""
    if "event" in edit.condition and not edit.node.get("where", {}).get("conditions"):
        details.add(edit, "where", "Where")


def below(edit: Edit, *, indent: int = details.INDENT) -> None:
    """The rows about one event's own properties, under it."""
    name = edit.condition.get("event")
    for key, word in (("where", "where"), ("having", "was such that")):
        if edit.node.get(key, {}).get("conditions"):
            details.rows(edit, name, key, word, indent=indent)


def asks(condition: dict[str, Any]) -> str:
    """Which choice of the first field shows the condition."""
    if "measure" in condition:
        return MEASURES[condition["measure"]["function"]]
    if "regularity" in condition:
        return REGULARLY
    if "occurrence" in condition:
        named = MOMENTS if "operator" in condition else OCCASIONS
        return next(each for each, of in named.items() if of == condition["occurrence"])
    return DID_NOT if condition.get("times") == {"operator": "exactly", "values": [0]} else DID


def ask(edit: Edit, chosen: str) -> None:
    """Ask something else of the same events."""
    kept = {key: each for key, each in edit.condition.items() if key in _OF_EVENTS}
    edit.node.pop("having", None)
    edit.turn(kept | begun(chosen, edit.condition))
    if chosen in OCCASIONS:
        edit.node["having"] = draft.group("all", [draft.node("property")])


def begun(chosen: str, before: dict[str, Any] | None = None) -> dict[str, Any]:
    """What is asked of events, at first; a measure keeps the property it had."""
    measured = (before or {}).get("measure", {}).get("property", "")
    if chosen in MEASURES.values():
        function = next(key for key, each in MEASURES.items() if each == chosen)
        return {"measure": {"function": function, "property": measured}, "operator": "at_least", "values": []}
    if chosen in MOMENTS:
        return {"occurrence": MOMENTS[chosen], "operator": "in_the_last", "values": list(operands.FIRST_WINDOW)}
    if chosen in OCCASIONS:
        return {"occurrence": OCCASIONS[chosen]}
    if chosen == REGULARLY:
        return {"regularity": {"periods": 3, "of": 5, "unit": "day"}}
    return {"times": {"operator": "exactly", "values": [0]}} if chosen == DID_NOT else {}


def event(edit: Edit) -> None:
    """Which event, commonest first; any is a choice too."""
    found = session.cached(events.catalogue, topics=("events",))["event"].to_pylist()
    names = [each for each in found if each in edit.catalog.events]
    now = ANY if edit.condition.get("event", "") is None else edit.condition.get("event")

    def take(chosen: str) -> None:
        edit.condition["event"] = None if chosen == ANY else chosen

    width = fields.room_for(str(now or ""), EVENT_WIDTH)
    fields.choice(edit, "event", [ANY, *names], now, take, width=width, placeholder="Choose an event")


def measured(edit: Edit) -> None:
    """The property of the events that is measured: numbers, or whatever has different values."""
    measure = edit.condition["measure"]
    seen = details.known(edit.condition.get("event"))
    distinct = measure["function"] == "distinct"
    names = [each.name for each in seen.values() if distinct or "number" in each.types]
    offered = [*details.COLUMNS, *names] if distinct else names
    take = lambda chosen: measure.update(property=chosen)  # noqa: E731 - what the choice does
    fields.choice(edit, "measured", offered, measure["property"] or None, take, width=104, placeholder="Choose", free=True)


def _compared(edit: Edit, kind: str) -> None:
    """The operator over the measure or the moment, and its values."""
    subject = operands.Subject("", datatypes.get(kind), dict)
    attributes.asked(edit, subject)


def _regularity(edit: Edit) -> None:
    of = edit.condition["regularity"]

    def take(key: str) -> Callable[[Any], None]:
        return lambda value: edit.condition["regularity"].update({key: value})

    fields.word("on at least")
    fields.whole(edit, "periods", of["periods"], take("periods"), most=1_000)
    fields.word("of the last")
    fields.whole(edit, "of", of["of"], take("of"), most=1_000)
    fields.unit(edit, "periods of", UNITS, of["unit"], of["of"], take("unit"))


# -- sequences ----------------------------------------------------------------------------------


def sequence(edit: Edit) -> None:
    """The first line of a sequence: within how long, and when."""
    within = edit.condition.get("within")

    def limit(chosen: str) -> None:
        edit.condition.pop("within", None)
        if chosen == "within":
            edit.condition["within"] = {"value": 7, "unit": "day"}

    def take(key: str) -> Callable[[Any], None]:
        return lambda value: edit.condition["within"].update({key: value})

    fields.word("did in this order")
    fields.choice(edit, "limit", ("however long", "within"), "within" if within else "however long", limit, width=126)
    if within:
        fields.whole(edit, "within", within["value"], take("value"))
        fields.unit(edit, "unit of within", operators.UNITS, within["unit"], within["value"], take("unit"))
    spans.during(edit)


def steps(edit: Edit) -> None:
    """The steps, one below the other."""
    for place, step in enumerate(edit.node["steps"]):
        inner = fields.Edit(step, edit.catalog, edit.change, row=edit.label(f"step {place + 1}"))
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            st.space(details.INDENT)
            fields.word(f"{place + 1}.")
            event(inner)
            if "during" in step["condition"]:
                spans.during(inner)
            add_where(inner)
            out: dict[str, Any] = {"type": "tertiary", "icon": ":material/close:", "help": f"Take step {place + 1} out"}
            act = states.acting(_take_step)
            st.button(
                "",
                key=inner.key("out"),
                on_click=act,
                args=(edit, step["id"]),
                disabled=len(edit.node["steps"]) <= LEAST_STEPS,
                **out,
            )
        below(inner, indent=2 * details.INDENT)
    with st.container(horizontal=True, gap="xsmall"):
        st.space(details.INDENT)
        most = len(edit.node["steps"]) >= MOST_STEPS
        st.button(
            "Step",
            key=edit.key("step"),
            icon=":material/add:",
            type="tertiary",
            on_click=states.acting(_add_step),
            args=(edit,),
            disabled=most,
        )


def _take_step(edit: Edit, step_id: int) -> None:
    edit.node["steps"] = [each for each in edit.node["steps"] if each["id"] != step_id]
    edit.change()


def _add_step(edit: Edit) -> None:
    edit.node["steps"].append(draft.node("event"))
    edit.change()
