"""The kinds of conditions: the icon of each, how it begins, which fields it has, and its words.

A row of the builder and a chip of a filter are both drawn from here, so that no kind is known to
only one of them. The fields themselves do not live here (`attributes`, `happenings`, `others`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from pages.ui import session
from pages.ui.builder import attributes, details, draft, happenings, others
from user360 import segments

if TYPE_CHECKING:
    from collections.abc import Callable

    from pages.ui.fields import Edit

ICONS: Final = {
    "property": "person",
    "event": "bolt",
    "measure": "functions",
    "segment": "filter_alt",
    "sequence": "route",
    "rank": "leaderboard",
    "group": "account_tree",
}
COLOURS: Final = {"property": "violet", "rank": "violet", "segment": "blue"}
BEGINS: Final = {
    "property": "Choose a property",
    "event": "Choose an event",
    "sequence": "Choose the events",
    "segment": "Choose a segment",
    "rank": "Choose what to rank by",
    "group": "Group",
}
MORE: Final = {
    "Segment": "segment",
    "Sequence of events": "sequence",
    "Total, average, largest": "total of",
    "First or last time": "last time",
    "First or last such event": "the last was",
    "Regularly": "regularly",
    "Rank": "rank",
    "Property over time": "held",
}


def icon(row: dict[str, Any]) -> str:
    """The icon in Streamlit's notation."""
    return f":material/{ICONS[_look(row)]}:"


def ink(row: dict[str, Any]) -> str:
    """The icon in its colour, as Markdown."""
    return f":{COLOURS.get(_look(row), 'orange')}[{icon(row)}]"


def _look(row: dict[str, Any]) -> str:
    return "measure" if row["kind"] == "event" and "measure" in row["condition"] else str(row["kind"])


def new(kind: str) -> dict[str, Any]:
    """A condition as it begins; a kind is one of a node, or what is asked of events, or `held`."""
    match kind:
        case "group":
            return draft.group("any")
        case "segment":
            return draft.node("segment", {"in": True})
        case "sequence":
            return draft.node("sequence", steps=[draft.node("event"), draft.node("event")])
        case "rank":
            return draft.node("rank", {"rank": "top", "percent": 10})
        case "held":
            return draft.node("property", {"held": {"ever": True}})
        case "property" | "event":
            return draft.node(kind)
    one = draft.node("event", happenings.begun(kind))
    return one | ({"having": draft.group("all", [draft.node("property")])} if kind in happenings.OCCASIONS else {})


# -- fields -------------------------------------------------------------------------------------


def fields_of(edit: Edit) -> None:
    """The fields of the condition's first line."""
    match edit.node["kind"]:
        case "property":
            attributes.of_people(edit)
        case "event":
            happenings.row(edit)
        case "sequence":
            happenings.sequence(edit)
        case "segment":
            others.segment(edit)
        case "rank":
            others.rank(edit)


def under(edit: Edit) -> None:
    """What stands below it: how long it held, the switch, the rows about an event, the steps."""
    match edit.node["kind"]:
        case "sequence":
            happenings.steps(edit)
        case "property":
            _beside(edit, attributes.switch(edit))
            if attributes.is_lasting(edit):
                _beside(edit, lambda: attributes.lasting(edit))
        case _:
            happenings.below(edit)


def _beside(edit: Edit, draw: Callable[[], None] | None) -> None:
    if draw is not None:
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            if edit.in_row:
                st.space(details.INDENT)
            draw()


# -- words --------------------------------------------------------------------------------------


def words_of(row: dict[str, Any]) -> str:
    """The condition as it stands in a sentence, as plain text; what is missing, where it is not finished."""
    whole, _ = draft.one(row | {"off": False}, session.catalog())
    if whole is None:
        own = row["condition"]
        return f"{own.get('event') or own.get('property') or BEGINS[row['kind']]} …"
    rule = segments.check(segments.parse(draft.all_of(whole)), session.catalog())
    said = segments.phrase(rule.conditions[0], session.catalog(), at=session.at())
    return said.removeprefix("whose ").removeprefix("who ")


def short(row: dict[str, Any]) -> str:
    """A few words that tell a condition from the others in a narrow table."""
    own = row["condition"]
    match row["kind"]:
        case "group":
            return f"{row['match']} of {len(row['conditions'])}"
        case "segment":
            found = session.catalog().segments.get(own.get("segment", ""))
            return f"{'in' if own['in'] else 'not in'} {found.name if found else own.get('segment', '')}"
        case "event":
            said = own["event"] or happenings.ANY
            return f"no {said}" if happenings.asks(own) == happenings.DID_NOT else str(said)
        case "sequence":
            return " → ".join(str(each["condition"].get("event") or happenings.ANY) for each in row["steps"])
        case "rank":
            part = f"{own['percent']}%" if "percent" in own else str(own["count"])
            return f"{own['rank']} {part}"
    return str(own["property"])
