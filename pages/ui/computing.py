"""Making a computed property, changing its calculation and taking it away: the drawer, its preview, its sentence.

What a calculation means and what it comes to does not live here (`user360/segments/computed`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import streamlit as st

from pages.ui import address, charts, dialogs, layout, session, states, words
from user360 import datatypes, events, segments
from user360.errors import InvalidRule, InvalidSentence, User360Error
from user360.segments import EventCondition, computed
from user360.segments.calculation import OF_ANY_TYPE, TYPES, WITH_PROPERTY
from user360.segments.rules import Events

if TYPE_CHECKING:
    from collections.abc import Mapping

    from user360.properties import Property
    from user360.segments import Calculation

DRAWER: Final = "computed.drawer"
OF_VALUES: Final = ("properties", "events", "segments", "profiles", "workspace")
UNITS: Final = ("day", "week", "month", "hour", "minute")
FIGURES: Final = {
    "count": "Count of events",
    "sum": "Sum",
    "average": "Average",
    "min": "Least",
    "max": "Greatest",
    "distinct": "Number of distinct",
    "first": "First",
    "last": "Last",
    "most_frequent": "Most frequent",
    "days_since": "Days since the last",
}
TIME: Final = "(its time)"


def open_new() -> None:
    """Open the drawer for a new one."""
    dialogs.open_(DRAWER)


def told(of: Property) -> None:
    """Of a computed property its sentence, the instant its column is of, and what can be done to it."""
    if of.calculation is None:
        return
    calculation = segments.read_calculation(of.calculation)
    st.markdown(f":material/function: {words.escape_md(computed.sentence(calculation, session.catalog()), 400)}")
    if of.computed_at is not None:
        instant = words.instant(of.computed_at, session.zone(), at=session.at())
        st.caption(f"Worked out {instant}. Rules always work it out anew.")
    with st.container(horizontal=True, gap="xsmall"):
        st.button(
            "Change the calculation",
            key="computed.change",
            icon=":material/edit:",
            on_click=dialogs.open_,
            args=(DRAWER,),
            kwargs={"of": of.name},
        )
        st.button("Delete", key="computed.remove", type="tertiary", on_click=states.acting(_remove), args=(of.name,))


def origins(known: Mapping[str, Property]) -> None:
    """Under a user's properties, how those that are computed come about."""
    made = {each.name: each for each in known.values() if each.calculation is not None}
    if not made:
        return
    with st.expander(f"{words.count(len(made), 'property', 'properties')} computed", icon=":material/function:"):
        for name, each in made.items():
            said = computed.sentence(segments.read_calculation(str(each.calculation)), session.catalog())
            instant = words.instant(each.computed_at, session.zone(), at=session.at()) if each.computed_at else ""
            st.caption(f"**{words.escape_md(name)}**: {words.escape_md(said, 300)} {instant}")


def _remove(name: str) -> None:
    computed.remove(session.store(), name, by=session.analyst(), at=session.moment())
    address.put(name=None)
    session.notice(f"“{words.escape_md(name)}” deleted.", icon=":material/delete:")


def draw() -> None:
    """Draw the drawer if it is open."""
    opened = dialogs.given(DRAWER)
    if opened is None:
        return
    name = opened.get("of")
    title = f"Calculation of {words.escape_md(name)}" if name else "New computed property"

    @st.dialog(title, width=600, position="right", icon=":material/function:", on_dismiss=dialogs.close)
    def body() -> None:
        dialogs.leave_unless_open(DRAWER)
        key = f"{DRAWER}.{opened['turn']}"
        of = next((each for each in session.catalog().properties.values() if each.name == name), None)
        _begin(key, of)
        if of is None:
            st.text_input("Name", key=f"{key}.name", placeholder="ordersTotal", max_chars=200)
            states.fault_under(opened.get("faults", {}), "name")
        _fields(key)
        if of is None:
            st.text_area("Description", key=f"{key}.description", placeholder="What it means, in a sentence", height=70)
        calculation = _calculation(key)
        if calculation is not None:
            with states.boundary("The preview", key="computed.preview"):
                _preview(calculation)
            if of is not None:
                _impact(of, calculation)
        _buttons(key, opened, calculation, of)

    body()


def _buttons(key: str, opened: dict[str, Any], calculation: Calculation | None, of: Property | None) -> None:
    with st.container(horizontal=True, gap="xsmall"):
        st.button(
            "Make it" if of is None else "Change it",
            key=f"{key}.act",
            type="primary",
            disabled=calculation is None,
            on_click=states.acting(_act),
            args=(opened, key, calculation, of.name if of else None),
        )
        st.button("Cancel", key=f"{key}.cancel", on_click=dialogs.close)


def _begin(key: str, of: Property | None) -> None:
    """The fields of a calculation that is changed begin as it is."""
    if of is None or of.calculation is None or f"{key}.figure" in st.session_state:
        return
    kept = segments.read_calculation(of.calculation)
    given: dict[str, Any] = {"figure": kept.figure, "event": kept.of.event or "", "segment": kept.segment or ""}
    given |= {"property": kept.about or TIME, "type": kept.type or "string"}
    if kept.of.during is not None and kept.of.during.kind == "last":
        given["amount"], given["unit"] = kept.of.during.values
    if kept.of.where is not None:
        said = segments.phrase(EventCondition(Events(kept.of.event, kept.of.where)), session.catalog())
        given["where"] = said.partition(" where ")[2]
    for name, value in given.items():
        st.session_state[f"{key}.{name}"] = value


def _event(name: str) -> str:
    return words.event(name) if name else "Any event"


def _fields(key: str) -> None:
    offered = session.cached(events.names, topics=("events",))
    left, right = st.columns(2, gap="small")
    figure = left.selectbox("Calculation", list(FIGURES), key=f"{key}.figure", format_func=lambda each: FIGURES[each])
    event = right.selectbox("Of the event", ["", *offered], key=f"{key}.event", format_func=_event)
    if figure in WITH_PROPERTY | OF_ANY_TYPE:
        _property(key, str(figure), str(event))
    left, right = st.columns(2, gap="small")
    left.number_input("In the last", 1, 10_000, value=None, key=f"{key}.amount", placeholder="All time")
    right.selectbox("Unit", UNITS, key=f"{key}.unit", format_func=lambda each: f"{each}s")
    st.text_input("Only where", key=f"{key}.where", placeholder="amount is greater than 100 and channel is “web”")
    known = session.catalog().segments
    living = ["", *(each.id for each in known.values() if not each.archived)]
    st.selectbox(
        "Only for users in", living, key=f"{key}.segment", format_func=lambda each: known[each].name if each else "Everyone"
    )


def _property(key: str, figure: str, event: str) -> None:
    schema = session.cached(events.schema, event, topics=("events",)) if event else ()
    own = [each.name for each in schema] + ["channel"]
    offered = own if figure in WITH_PROPERTY else [TIME, *own]
    left, right = st.columns(2, gap="small")
    chosen = left.selectbox("Property of the event", offered, key=f"{key}.property", accept_new_options=True)
    if figure in OF_ANY_TYPE and chosen not in {TIME, "channel"}:
        right.selectbox("Read as", TYPES, key=f"{key}.type", format_func=lambda each: datatypes.get(each).label)


def _calculation(key: str) -> Calculation | None:
    """What the fields say, checked; what is wrong with them stands under them."""
    given = st.session_state
    figure, event = given[f"{key}.figure"], given[f"{key}.event"] or None
    source: dict[str, Any] = {"function": figure, "event": event}
    about = given.get(f"{key}.property")
    if figure in WITH_PROPERTY | OF_ANY_TYPE and about and about != TIME:
        source["property"] = about
        if figure in OF_ANY_TYPE and about != "channel":
            source["type"] = given.get(f"{key}.type") or "string"
    if given[f"{key}.amount"]:
        source["during"] = {"last": given[f"{key}.amount"], "unit": given[f"{key}.unit"]}
    if given[f"{key}.segment"]:
        source["segment"] = given[f"{key}.segment"]
    try:
        if (given[f"{key}.where"] or "").strip():
            source["where"] = _where(event, given[f"{key}.where"].strip())
        return computed.checked(session.catalog(), segments.parse_calculation(source))
    except (InvalidRule, InvalidSentence) as refusal:
        st.markdown(f":red[:material/block: {words.escape_md(states.sentence(refusal), 400)}]")
        return None


def _where(event: str | None, text: str) -> dict[str, Any]:
    """The conditions on the event as they are typed in a rule's sentence."""
    said = f"“{event}”" if event is not None else "any event"
    rule = segments.read_text(f"People who did {said} where {text}.", session.catalog())
    (only,) = segments.dump(rule)["conditions"][:1]
    where: dict[str, Any] = only.get("where", {})
    return where


def _preview(calculation: Calculation) -> None:
    found = session.cached(computed.preview, calculation, at=session.at(), topics=OF_VALUES)
    kind = datatypes.get(calculation.datatype)
    st.markdown(f"**{words.escape_md(computed.sentence(calculation, session.catalog()), 400)}**")
    share = words.share(found.known, found.total) if found.total else words.NO_VALUE
    st.caption(f"{kind.label} · {words.number(found.known)} of {words.count(found.total, 'user')} have a value · {share}")
    if not found.known:
        states.nothing_to_show("Nobody has such an event.")
        return
    labels = [words.number(count) for _, count in found.bars]
    figure = charts.ranked([text for text, _ in found.bars], [count for _, count in found.bars], labels=labels)
    charts.draw(figure, key="computed.spread", alt="How many users have each value")
    shown = [(of or f"#{key}", _shown(value)) for key, of, value in found.sample]
    layout.table(
        pa.table({"User": [who for who, _ in shown], "Value": [value for _, value in shown]}),
        key="computed.sample",
        alt="Ten users and what it comes to for them",
        most=10,
    )


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.10g}"
    return words.instant(value, session.zone(), at=session.at()) if hasattr(value, "tzinfo") and value.tzinfo else str(value)


def _impact(of: Property, calculation: Calculation) -> None:
    try:
        effects = session.cached(computed.impact, of.name, calculation, at=session.at(), topics=OF_VALUES)
    except User360Error as refusal:
        st.markdown(f":red[:material/block: {words.escape_md(states.sentence(refusal), 400)}]")
        return
    if not effects:
        st.caption("No segment asks it.")
    for each in effects[:8]:
        entered, left = words.number(len(each.entered)), words.number(len(each.left))
        st.markdown(f"**{words.escape_md(each.segment.name, 60)}**: {entered} come in, {left} leave")


def _act(opened: dict[str, Any], key: str, calculation: Calculation, name: str | None) -> None:
    given: dict[str, Any] = {"by": session.analyst(), "at": session.moment()}
    if name is not None:
        computed.revise(session.store(), name, calculation, **given)
        dialogs.close()
        session.notice(f"“{words.escape_md(name)}” changed.")
        return
    called = st.session_state[f"{key}.name"].strip()
    try:
        made = computed.define(session.store(), called, calculation, st.session_state[f"{key}.description"] or "", **given)
    except User360Error as refusal:
        opened["faults"] = {"name": states.sentence(refusal)}
        return
    dialogs.close()
    address.put(name=made.name)
    session.notice(f"Computed property “{words.escape_md(made.name)}” made.")
