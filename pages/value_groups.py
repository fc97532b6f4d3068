"""Value groups: who is how lately, how often and for how much here; movements between groups; values of properties.

The address carries the view, the question and what was chosen. What is counted does not live here (`user360/insights`).
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import streamlit as st

from pages.ui import address, layout, nav, session, states, words
from pages.ui.insights import asking, controls, frame, pictures, pinning, readings, standing
from pages.ui.insights.picture import Wanted
from user360 import beginning, events, profiles, properties

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pages.ui.insights.asking import Asked
    from pages.ui.insights.frame import Framed
    from user360.insight import Result

VIEWS: Final = {
    "rfm": "Groups",
    "transitions": "Movements",
    "frequency": "How often",
    "recency": "How long ago",
    "values": "Values",
}
HEIGHT: Final = 400
AMOUNTS: Final = ("total", "revenue", "amount", "value", "price")
SECONDS: Final = {"frequency": "by how often", "amount": "by how much", "both": "by both"}
DAYS: Final = {7: "in 7 days", 14: "in 14 days", 30: "in 30 days", 60: "in 60 days", 90: "in 90 days"}
COUNTED: Final = {"times": "how many times", "days": "on how many days"}
NOTES: Final = {
    "rfm": ("a score is the share who are as good or worse, in fifths", "ties are never parted", "who had none is not scored"),
    "transitions": ("both times scored over a period of the same length",),
    "frequency": ("days are those of the workspace's zone",),
    "recency": ("days are those of the workspace's zone",),
    "values": ("of the users as they are now", "a step begins with its first number and ends before its last"),
}


def page() -> None:
    """The page, top to bottom."""
    view = address.text("view") if address.text("view") in VIEWS else "rfm"
    with layout.header("Value groups"):
        pass
    if not session.cached(profiles.count, topics=("profiles",)):
        _nothing("No users yet", "Value groups show who is worth what to you. Import users and their events.")
        return
    of_events = view != "values"
    if of_events and not session.cached(events.names, system=False, topics=("events",)):
        _views(view)
        _nothing("No events yet", "Value groups are made of what people do. Import events, or send them over HTTP.")
        return
    begin = _begin(view)
    found = asking.document(begin)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        _views(view)
        if of_events:
            controls.period(begin, found)
        rule = controls.people()
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        _of_events(view, begin, found) if of_events else _of_properties(begin, found)
    asked = asking.read(begin, rule)
    if asked is not None:
        _chart(view, asked)
    pinning.draw()


def _nothing(title: str, text: str) -> None:
    states.empty(title, text, icon="workspaces", action="Import a file", on_click=lambda: nav.go("import"))


# -- the question -------------------------------------------------------------------------------


def _begin(view: str) -> dict[str, Any]:
    """What a view begins with: purchases, or the commonest event; of values the country."""
    if view == "values":
        return {"kind": "values", "property": "country"}
    event = beginning.bought(session.catalog()) or _commonest()
    begin: dict[str, Any] = {"kind": view, "of": {"event": event}, "period": controls.PERIODS["90 days"]}
    amount = next((each for each in _numbers(event) if each in AMOUNTS), None)
    return {**begin, "amount": amount} if amount and view in {"rfm", "transitions"} else begin


def _commonest() -> str | None:
    rows = session.cached(events.catalogue, topics=("events",)).to_pylist()
    return next((row["event"] for row in rows if not row["system"]), None)


def _numbers(event: str | None) -> list[str]:
    """The properties of an event that are numbers."""
    if event not in session.cached(events.names, topics=("events",)):
        return []
    return [each.name for each in session.cached(events.schema, event, topics=("events",)) if "number" in each.types]


def _views(view: str) -> None:
    st.session_state["groups.view"] = view
    st.segmented_control(
        "View",
        list(VIEWS),
        key="groups.view",
        format_func=VIEWS.__getitem__,
        required=True,
        label_visibility="collapsed",
        on_change=_to,
    )


def _to() -> None:
    """Another view of the same event, period and people."""
    view = st.session_state["groups.view"]
    found = asking.given()
    kept = ("period", "channels", "of", *(("amount", "second") if view in {"rfm", "transitions"} else ()))
    question = {**_begin(view), **{each: found[each] for each in kept if each in found and view != "values"}}
    address.put(view=view, **{asking.QUESTION: asking.written(question) if found else None, asking.CELLS: None})


def _of_events(view: str, begin: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    event = found["of"].get("event") if isinstance(found.get("of"), dict) else None
    names = session.cached(events.names, system=False, topics=("events",))
    st.session_state["groups.event"] = event or ""
    st.selectbox(
        "Event",
        ["", *dict.fromkeys([*([event] if event else []), *names])],
        key="groups.event",
        format_func=lambda each: each or "Any event",
        label_visibility="collapsed",
        icon=":material/bolt:",
        width=220,
        on_change=_set_event,
        args=(dict(begin),),
    )
    if view in {"rfm", "transitions"}:
        _amount(begin, found, event)
        options = SECONDS if found.get("amount") else {"frequency": SECONDS["frequency"]}
        controls.choice(begin, found, "second", "Beside recency", options, width=150)
    if view == "transitions":
        controls.choice(begin, {"apart": 30, **found}, "apart", "Between", DAYS, width=120)
    if view == "frequency":
        controls.choice(begin, found, "counted", "Counted", COUNTED, width=170)
    controls.channels(begin, found)


def _set_event(begin: dict[str, Any]) -> None:
    event = st.session_state["groups.event"] or None
    amount = next((each for each in _numbers(event) if each in AMOUNTS), None)
    change: dict[str, Any] = {"of": {"event": event}}
    if begin["kind"] in {"rfm", "transitions"}:
        change |= {"amount": amount} if amount else {"amount": None, "second": None}
    asking.change(begin, **change)


def _amount(begin: Mapping[str, Any], found: Mapping[str, Any], event: str | None) -> None:
    now = str(found.get("amount", ""))
    st.session_state["groups.amount"] = now
    st.selectbox(
        "Amount",
        ["", *dict.fromkeys([*([now] if now else []), *_numbers(event)])],
        key="groups.amount",
        format_func=lambda each: f"worth {each}" if each else "no amount",
        label_visibility="collapsed",
        icon=":material/payments:",
        width=180,
        on_change=_set_amount,
        args=(dict(begin),),
    )


def _set_amount(begin: dict[str, Any]) -> None:
    amount = st.session_state["groups.amount"]
    asking.change(begin, **({"amount": amount} if amount else {"amount": "", "second": None}))


def _of_properties(begin: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    every = [each.name for each in session.cached(properties.find, topics=("properties",)) if each.visible]
    now, across = str(found.get("property", "")), str(found.get("across", ""))
    _property("property", "Property", list(dict.fromkeys([*every, now])), now, begin)
    _property(
        "across",
        "Against",
        ["", *[each for each in dict.fromkeys([*every, *([across] if across else [])]) if each != now]],
        across,
        begin,
    )


def _property(field: str, label: str, options: list[str], now: str, begin: Mapping[str, Any]) -> None:
    key = f"groups.{field}"
    st.session_state[key] = now
    st.selectbox(
        label,
        options,
        key=key,
        format_func=lambda each: words.heading(each) if each else "against no other",
        label_visibility="collapsed",
        icon=":material/data_object:",
        width=220,
        on_change=_set_property,
        args=(dict(begin), field),
    )


def _set_property(begin: dict[str, Any], field: str) -> None:
    value = st.session_state[f"groups.{field}"]
    change = {field: value or None}
    if field == "property" and asking.document(begin).get("across") == value:
        change["across"] = None
    asking.change(begin, **change)


# -- the chart ----------------------------------------------------------------------------------


def _chart(view: str, asked: Asked) -> None:
    question = asked.question
    with states.boundary("This chart", key=f"groups.{view}"):
        result = asking.result(question)
        drawn = pictures.draw(question, result, Wanted(chosen=asking.chosen(question), height=HEIGHT))
        of = frame.Framed(f"groups.{view}", pictures.title(question), question, result, asking.whole(asked))
        period = f" · {controls.said(question.period)}" if view != "values" else ""
        with frame.card(
            of, f"{drawn.quiet}{period} · click to see them" if not drawn.empty else "", box=view in {"frequency", "recency"}
        ):
            frame.picture(of, drawn)
            _beside(view, of, result)
        frame.people(of)
        if view == "rfm":
            _groups(of, result)
        layout.footnote(*NOTES[view])


def _beside(view: str, of: Framed, result: Result) -> None:
    """Whom the bars leave out, as a button that opens them."""
    column = {"frequency": ("times", 0), "recency": ("days", None)}.get(view)
    if column is None:
        return
    row = next((each for each in result.table.to_pylist() if each[column[0]] == column[1]), None)
    if row is not None:
        cell = readings.cell({column[0]: column[1]})
        st.button(
            f"{words.count(row['users'], 'person', 'people')} did not do it in this period",
            key=f"{of.key}.others",
            type="tertiary",
            icon=":material/person_off:",
            on_click=asking.choose,
            args=(of.question, [cell]),
        )


def _groups(of: Framed, result: Result) -> None:
    """The groups as a table; a row opens its people."""
    order = list(standing.GROUPS)
    rows = sorted((row for row in result.table.to_pylist() if row["recency"] is None), key=lambda row: order.index(row["group"]))
    if not rows:
        return
    total = sum(row["users"] for row in rows)
    table = {
        "Group": pa.array([row["group"] for row in rows], pa.string()),
        "People": pa.array([row["users"] for row in rows], pa.int64()),
        "Share": pa.array([100 * row["users"] / total for row in rows], pa.float64()),
        "Days since": _rounded(row["days"] for row in rows),
        "Times": _rounded(row["times"] for row in rows),
    }
    amount = getattr(of.question, "amount", "")
    if amount:
        table[f"{amount} each"] = _rounded(row["amount"] for row in rows)
        table[f"{amount} of all"] = _rounded(row["users"] * row["amount"] if row["times"] else None for row in rows)
    config: dict[str, Any] = {each: st.column_config.NumberColumn(width=110, format="localized") for each in table}
    config["Group"] = st.column_config.TextColumn(width=190)
    config["People"] = st.column_config.NumberColumn(width=90, format="localized")
    config["Share"] = st.column_config.ProgressColumn(width=112, format="%.1f%%", min_value=0, max_value=100)
    key = f"{of.key}.groups.{hash(tuple(row['users'] for row in rows))}"
    with layout.card("Groups", "averages · click a row to see them"):
        layout.table(
            pa.table(table),
            key=key,
            column_config=config,
            alt="The groups, best first. A cell opens the people of its group.",
            on_select=states.acting(functools.partial(_choose, of, key, rows)),
            selection_mode="single-cell",
        )


def _rounded(values: Iterable[float | None]) -> pa.Array:
    return pa.array([None if each is None else round(each, 1) for each in values], pa.float64())


def _choose(of: Framed, key: str, rows: list[dict[str, Any]]) -> None:
    cells = st.session_state[key]["selection"]["cells"]
    if cells:
        asking.choose(of.question, [readings.cell({each: rows[cells[0][0]][each] for each in ("group", "recency", "score")})])


page()
