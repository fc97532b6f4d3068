"""Properties: what is known about users, how well it is filled, and the making of new ones.

Name and type stay as made; the store refuses anything else. What a type accepts does not live here
(`user360/datatypes`), nor the statistics (`user360/properties`).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.ui import address, charts, computing, dialogs, layout, nav, session, states, words
from user360 import datatypes, profiles, properties, segments
from user360.errors import User360Error

if TYPE_CHECKING:
    from user360.properties import Property

NEW = "properties.new"
COMMONEST = 8
MOST_USES = 12
LONGEST_LINE = 62  # of a description in the table; it stands whole beside it once the property is chosen
ALL = "all"
KINDS = ("system", "custom", "computed")


def page() -> None:
    """The page, top to bottom."""
    segments.computed.refresh(session.store(), at=session.moment())
    found = session.cached(properties.find, topics=("properties",))
    custom = sum(not each.system for each in found)
    quiet = f"{len(found) - custom} of the system, {words.number(custom)} of {properties.MOST_CUSTOM} custom"
    with layout.header("Properties", quiet):
        st.button("New computed property", key="properties.compute", icon=":material/function:", on_click=computing.open_new)
        st.button(
            "New property", key="properties.make", type="primary", icon=":material/add:", on_click=dialogs.open_, args=(NEW,)
        )
    shown = _narrowed(found)
    name = address.text("name")
    chosen = next((each for each in found if each.name == name), None)
    if not shown:
        states.nothing_matches("No such property", "Make it, look for another word, or look among all.")
    elif chosen is None:
        _table(shown)
    else:
        left, right = st.columns([3, 2], gap="small")
        with left:
            _table(shown, chosen)
        with right:
            _panel(chosen, found)
    if not custom:
        st.caption("No custom property yet. Make one for what your business knows about people: a tier, a balance, a favourite.")
    layout.footnote("filled = share of users who have a value")
    _new()
    computing.draw()


def _narrowed(found: tuple[Property, ...]) -> list[Property]:
    """Those of the kind and with the text in name or description that the analyst looks for; the kind stands in the address."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        search = st.text_input(
            "Find a property",
            key="properties.search",
            placeholder="Find a property",
            icon=":material/search:",
            label_visibility="collapsed",
            live="300ms",
            width=260,
        )
        st.session_state["properties.kind"] = address.text("kind") if address.text("kind") in KINDS else ALL
        kind = st.segmented_control(
            "Kind",
            [ALL, *KINDS],
            key="properties.kind",
            format_func=lambda each: each.capitalize(),
            required=True,
            label_visibility="collapsed",
            on_change=_of_kind,
        )
    wanted = (search or "").strip().lower()
    return [
        each
        for each in found
        if kind in (ALL, _kind(each)) and (wanted in each.name.lower() or wanted in each.description.lower())
    ]


def _of_kind() -> None:
    chosen = st.session_state["properties.kind"]
    address.put(kind=None if chosen == ALL else chosen, name=None)


def _kind(of: Property) -> str:
    return "system" if of.system else "custom" if of.calculation is None else "computed"


# -- the table ----------------------------------------------------------------------------------


def _table(shown: list[Property], chosen: Property | None = None) -> None:
    """The properties; beside a chosen one, which is ticked, with the narrow columns alone."""
    filled = session.cached(properties.fill, topics=("properties", "profiles"))
    total = session.cached(profiles.count, topics=("profiles",))
    used = session.cached(segments.usage.of_properties, topics=("segments",))
    rows = [_line(each, filled.get(each.name, 0), total, len(used.get(each.name, ()))) for each in shown]
    config: dict[str, Any] = {
        "Property": st.column_config.TextColumn(width=132),
        "Type": st.column_config.TextColumn(width=98),
        "Filled": st.column_config.ProgressColumn(format="%.1f%%", min_value=0, max_value=100, width=108),
        "Users": st.column_config.NumberColumn(format="localized", width=78),
        "Used in": st.column_config.NumberColumn(width=62, help="Segments whose definition asks it"),
        "Kind": st.column_config.TextColumn(width=64),
        "Shown": st.column_config.CheckboxColumn(width=62),
        "Searched": st.column_config.CheckboxColumn(width=72),
        "Description": st.column_config.TextColumn(width=374),
    }
    layout.table(
        rows,
        column_config=config,
        column_order=[*config][:5] if chosen else None,
        key=f"properties.table.{len(rows)}.{rows[0]['Property']}",
        on_select=lambda: _choose(shown, f"properties.table.{len(rows)}.{rows[0]['Property']}"),
        selection_mode="single-row",
        selection_default={"selection": {"rows": [place for place, each in enumerate(shown) if each == chosen]}},
        alt="Properties in the order of the users table",
        most=22,
    )


def _line(each: Property, known: int, total: int, used: int) -> dict[str, object]:
    return {
        "Property": each.name,
        "Type": each.datatype.label,
        "Filled": 100 * known / total if total else 0.0,
        "Users": known,
        "Used in": used,
        "Kind": _kind(each),
        "Shown": each.visible,
        "Searched": each.searchable,
        "Description": words.cut(each.description, LONGEST_LINE),
    }


def _choose(shown: list[Property], key: str) -> None:
    rows = st.session_state[key]["selection"]["rows"]
    address.put(name=shown[rows[0]].name if rows else None)


# -- one property -------------------------------------------------------------------------------


def _panel(chosen: Property, found: tuple[Property, ...]) -> None:
    with layout.card(words.escape_md(chosen.name), chosen.datatype.label):
        with states.boundary("This property", key="properties.panel"):
            computing.told(chosen)
            _statistics(chosen)
            _used_in(chosen)
        _settings(chosen, found)
        st.button("Close", key="properties.close", type="tertiary", on_click=address.put, kwargs={"name": None})


def _statistics(chosen: Property) -> None:
    known = session.cached(properties.statistics, chosen.name, limit=COMMONEST, topics=("properties", "profiles"))
    share = words.share(known.known, known.total) if known.total else words.NO_VALUE
    st.markdown(
        f"**{words.number(known.known)}** of {words.count(known.total, 'user')} have it · {share} · {words.count(known.distinct, 'value')}"
    )
    if known.commonest:
        st.caption("Commonest values")
        names = [value for value, _ in known.commonest]
        figure = charts.ranked(
            names, [people for _, people in known.commonest], labels=[words.number(people) for _, people in known.commonest]
        )
        charts.draw(figure, key=f"properties.chart.{chosen.name}", alt=f"Commonest values of {chosen.name}")
        if chosen.datatype.name in {"string", "email", "phone", "url", "list"}:
            _open_users(chosen, names)
    if known.known:
        question = json.dumps({"kind": "values", "property": chosen.name})
        spread: dict[str, Any] = {"args": ("value_groups",), "kwargs": {"view": "values", "q": question}}
        help_ = "All values as a chart, against another property if you like"
        st.button(
            "See how it is spread",
            key="properties.spread",
            icon=":material/bar_chart:",
            type="tertiary",
            help=help_,
            on_click=nav.go,
            **spread,
        )
    if known.first_written and known.last_written:
        first, last = (words.instant(each, session.zone(), at=session.at()) for each in (known.first_written, known.last_written))
        st.caption(f"first written {first} · last written {last}")


def _used_in(chosen: Property) -> None:
    """The segments whose definition asks this property; each leads on to its page."""
    used = session.cached(segments.usage.of_properties, topics=("segments",)).get(chosen.name, ())
    if not used:
        st.caption("Used in no segment")
        return
    st.markdown(f"**Used in** {words.count(len(used), 'segment')}")
    with st.container(horizontal=True, gap="xsmall"):
        for each in used[:MOST_USES]:
            key = f"properties.used.{each.id}"
            label = words.escape_md(each.name, 40)
            st.button(label, key=key, type="tertiary", on_click=nav.go, args=("segment",), kwargs={"id": each.id})
        if len(used) > MOST_USES:
            st.caption(f"and {words.number(len(used) - MOST_USES)} more")


def _open_users(chosen: Property, names: list[str]) -> None:
    with st.container(horizontal=True, gap="xsmall"):
        picked = st.selectbox("Value", names, key=f"properties.value.{chosen.name}", label_visibility="collapsed", width=180)
        operator = "contains_any" if chosen.datatype.name == "list" else "is"
        value = _item(picked) if chosen.datatype.name == "list" else picked
        rule = {"version": 1, "match": "all", "conditions": [{"property": chosen.name, "operator": operator, "values": [value]}]}
        st.button("Show the users", key="properties.users", icon=":material/group:", on_click=_go, args=(json.dumps(rule),))


def _item(text: str) -> str:
    """A commonest value of a list is a list of one."""
    found = json.loads(text)
    return str(found[0])


def _go(rule: str) -> None:
    nav.go("users", rule=rule)


def _settings(chosen: Property, found: tuple[Property, ...]) -> None:
    key = f"properties.edit.{chosen.name}"
    st.text_area("Description", chosen.description, key=f"{key}.description", max_chars=properties.LONGEST_DESCRIPTION, height=80)
    with st.container(horizontal=True, gap="small"):
        st.toggle("Shown", chosen.visible, key=f"{key}.visible")
        text = chosen.datatype.column == "VARCHAR"
        st.toggle(
            "Searched",
            chosen.searchable,
            key=f"{key}.searchable",
            disabled=not text,
            help=None if text else "Only text can be searched.",
        )
    st.number_input("Place in tables and forms", 1, len(found), chosen.position + 1, key=f"{key}.position")
    st.button("Save", key=f"{key}.save", on_click=states.acting(_save), args=(chosen.name, key, chosen.position + 1))
    if chosen.calculation is None:
        st.caption("Name and type stay as made. Description, order and visibility can change.")


def _save(name: str, key: str, before: int) -> None:
    given = st.session_state
    properties.describe(
        session.store(),
        name,
        description=given[f"{key}.description"],
        visible=given[f"{key}.visible"],
        searchable=given[f"{key}.searchable"],
        position=given[f"{key}.position"] - 1 if given[f"{key}.position"] != before else None,
    )
    session.notice(f"“{words.escape_md(name)}” saved.")


# -- a new one ----------------------------------------------------------------------------------


def _new() -> None:
    opened = dialogs.given(NEW)
    if opened is None:
        return

    @st.dialog("New property", width=480, position="right", on_dismiss=dialogs.close)
    def body() -> None:
        dialogs.leave_unless_open(NEW)
        faults: dict[str, str] = opened.get("faults", {})
        key = f"properties.new.{opened['turn']}"
        st.text_input("Name", key=f"{key}.name", placeholder="loyaltyTier", max_chars=200)
        states.fault_under(faults, "name")
        names = [each.name for each in datatypes.every()]
        kind = st.selectbox("Type", names, key=f"{key}.type", format_func=lambda each: datatypes.get(each).label)
        chosen = datatypes.get(str(kind))
        examples = " · ".join(words.escape_md(text, 40) for _, text in chosen.examples[:3])
        st.caption(f"Takes {chosen.accepts}: {examples}")
        st.text_area("Description", key=f"{key}.description", placeholder="What it means, in a sentence", height=80)
        st.caption("Name and type stay as made, and a property cannot be deleted.")
        with st.container(horizontal=True, gap="xsmall"):
            st.button("Make it", key=f"{key}.make", type="primary", on_click=states.acting(_make), args=(opened, key))
            st.button("Cancel", key=f"{key}.cancel", on_click=dialogs.close)

    body()


def _make(opened: dict[str, Any], key: str) -> None:
    given = st.session_state
    name = given[f"{key}.name"].strip()
    try:
        made = properties.define(
            session.store(), name, given[f"{key}.type"], given[f"{key}.description"], by=session.analyst(), at=session.moment()
        )
    except User360Error as refusal:
        opened["faults"] = {"name": states.sentence(refusal)}
        return
    dialogs.close()
    address.put(name=made.name, kind="custom")
    session.notice(f"Property “{words.escape_md(made.name)}” made.")


page()
