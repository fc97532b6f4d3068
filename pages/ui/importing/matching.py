"""Which column feeds what, drawn: a row per column with some of its values and the property it goes to.

How the first mapping is found does not live here (`user360/imports`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final
from zoneinfo import available_timezones

import streamlit as st

from pages.ui import session, states, words
from pages.ui.importing import draft, ruling
from user360 import datatypes, imports, properties
from user360.errors import User360Error

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from user360.store import Store

FIRST: Final = 40
NOT_IMPORTED: Final = ""
KINDS: Final = {"users": "Users", "events": "Events", "members": "Members of a list"}
ENCODINGS: Final = (
    "utf-8",
    "utf-8-sig",
    "utf-16",
    "cp1252",
    "latin-1",
    "iso8859-15",
    "cp1250",
    "cp1251",
    "mac-roman",
    "shift_jis",
    "gb18030",
)
DELIMITERS: Final = {",": "Comma", ";": "Semicolon", "\t": "Tab", "|": "Bar"}
_TYPED: Final = {"number": "a number", "boolean": "true or false"}
_ENCODED: Final = {"utf-8": "UTF-8", "utf-8-sig": "UTF-8 with BOM", "utf-16": "UTF-16", "cp1252": "Windows-1252"}


def columns(inspection: imports.Inspection, plan: imports.Plan) -> imports.Plan:
    """Draw what the file holds and where each column goes; answer the plan as it is chosen."""
    turn = draft.turn()
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        kind = st.segmented_control(
            "The file holds",
            list(KINDS),
            default=plan.kind,
            key=f"import.kind.{turn}",
            format_func=KINDS.__getitem__,
            required=True,
        )
        _reading(inspection)
    if kind != plan.kind:
        plan = draft.suggested(replace(inspection, kind=str(kind)))
    if plan.kind == "events":
        plan = _events(inspection, plan)
    else:
        plan = _users(inspection, plan) if plan.kind == "users" else _members(inspection, plan)
    plan = _asked(inspection, plan)
    _detected(plan)
    return plan


def _asked(inspection: imports.Inspection, plan: imports.Plan) -> imports.Plan:
    """Where values can be read in two ways, 03/04/2026 say, the question which; unanswered they are refused."""
    known = {each.name: each.datatype for each in session.cached(properties.find, topics=("properties",))}
    mapping = dict(plan.mapping) if plan.kind == "users" else {plan.time_column: "timestamp"} if plan.kind == "events" else {}
    types = {**known, "timestamp": datatypes.get("datetime")}
    looks = {each.name: each.distinct for each in inspection.columns}
    open_ = {
        each: some
        for each, some in session.cached(_ways, inspection, tuple(mapping.items()), topics=("properties", "workspace")).items()
        if len(some) > 1
    }
    repairs = dict(plan.repairs)
    for column, some in open_.items():
        value, _ = imports.example(looks[column], some[0], types[mapping[column]], session.zone())
        told = {each: imports.example(looks[column], each, types[mapping[column]], session.zone())[1] for each in some}
        chosen = st.segmented_control(
            f"{words.escape_md(value, 40)} in {words.escape_md(column, 40)} is",
            list(some),
            default=next((each for each in repairs.get(column, ()) if each in some), None),
            key=f"import.asked.{draft.turn()}.{list(looks).index(column)}",
            format_func=told.__getitem__,
        )
        kept = tuple(each for each in repairs.get(column, ()) if each not in some)
        repairs[column] = (*([chosen] if chosen else []), *kept)
    return replace(plan, repairs={each: some for each, some in repairs.items() if some}) if open_ else plan


def _ways(
    store: Store, inspection: imports.Inspection, mapping: tuple[tuple[str, str], ...]
) -> dict[str, tuple[imports.Repair, ...]]:
    return imports.ways(store, inspection, dict(mapping))


def shape(inspection: imports.Inspection) -> str:
    """How the file is written, in words: `semicolon, UTF-8 with BOM, values in quotes`."""
    of = inspection.shape
    if of.format != "csv":
        return {"jsonl": "JSON Lines", "parquet": "Parquet"}[of.format]
    parts = [DELIMITERS.get(of.delimiter, of.delimiter).lower(), encoding(of.encoding)]
    return ", ".join([*parts, *(["values in quotes"] if inspection.quoted else [])])


def encoding(name: str) -> str:
    """An encoding as people know it."""
    return _ENCODED.get(name, name.upper())


def _reading(inspection: imports.Inspection) -> None:
    """How the file is read, and a way to say it is written another way."""
    of = inspection.shape
    if of.format != "csv":
        return
    with st.popover("Read it another way", icon=":material/text_snippet:", type="tertiary"):
        encodings = list(dict.fromkeys([of.encoding, *ENCODINGS]))
        st.selectbox("Encoding", encodings, key="import.encoding", format_func=encoding)
        delimiters = list(dict.fromkeys([of.delimiter, *DELIMITERS]))
        st.selectbox("Between cells", delimiters, key="import.delimiter", format_func=lambda each: DELIMITERS.get(each, each))
        st.button("Read it so", key="import.reread", on_click=_reread)


def _reread() -> None:
    draft.read_as(encoding=st.session_state["import.encoding"], delimiter=st.session_state["import.delimiter"])


def _detected(plan: imports.Plan) -> None:
    """What was found out about values by looking, said so that it can be doubted."""
    told = [
        f"{words.escape_md(column, 40)}: {words.escape_md(said(repair), 80)}"
        for column, repairs in plan.repairs.items()
        for repair in repairs
    ]
    if told:
        st.caption(f":material/auto_fix_high: How values are read: {' · '.join(told)}. Each can be taken back in the dry run.")


def said(repair: imports.Repair) -> str:
    """What a repair does, in words."""
    match repair.kind:
        case "decimal":
            return "a comma is the decimal mark" if repair.value == "," else "commas are left out of numbers"
        case "dates":
            return f"dates are {imports.ORDERS[repair.value]}"
        case "serial":
            return "a spreadsheet's day numbers are days"
        case "country":
            return f"numbers without a country code are of {repair.value} (+{imports.calling_code(repair.value)})"
        case "map":
            return f"{repair.value} → {repair.to or 'empty'}"
    return "what is refused is left empty"


def faults(store: Store, plan: imports.Plan, names: Sequence[str]) -> list[str]:
    """Why the plan cannot work, if it cannot."""
    try:
        imports.check(store, plan, names)
    except User360Error as refusal:
        return [states.sentence(refusal)]
    return []


# -- users --------------------------------------------------------------------------------------


def _members(inspection: imports.Inspection, plan: imports.Plan) -> imports.Plan:
    names = list(inspection.shape.columns)
    with st.container(border=True, gap="xsmall"), st.grid(2, min_column_width=240):
        user = _column("Who: the user id", names, plan.user_column, "import.user")
        segment = ruling.segment(plan, draft.turn())
    return replace(plan, user_column=user, segment=segment)


def _users(inspection: imports.Inspection, plan: imports.Plan) -> imports.Plan:
    known = [each for each in session.cached(properties.find, topics=("properties",)) if each.writable or each.name == "userId"]
    names = [each.name for each in known]
    shown = inspection.columns if st.session_state.get("import.all") else _first(inspection, plan)
    mapping = dict(plan.mapping)
    with st.container(border=True, gap="xsmall"):
        for place, column in enumerate(inspection.columns):
            if column in shown:
                target = _row(place, column, mapping.get(column.name, NOT_IMPORTED), names)
                mapping = {each: name for each, name in mapping.items() if each != column.name}
                if target:
                    mapping[column.name] = target
        left = len(inspection.columns) - len(shown)
        if left:
            st.button(f"Show {words.count(left, 'more column')}", key="import.more", type="tertiary", on_click=_show_all)
    return _kept(inspection, replace(plan, mapping=mapping), plan.mapping)


def _kept(inspection: imports.Inspection, plan: imports.Plan, before: Mapping[str, str]) -> imports.Plan:
    """Rules and repairs of columns that go where they went; a column that goes elsewhere begins anew."""
    mapping = plan.mapping
    same = {each for each, target in mapping.items() if before.get(each) == target}
    if same == set(mapping) == set(before):
        return plan
    fresh = imports.certain(session.store(), inspection, {each: target for each, target in mapping.items() if each not in same})
    repairs = {each: some for each, some in plan.repairs.items() if each in same}
    rules = {each: rule for each, rule in plan.rules.items() if each in same}
    return replace(plan, rules=rules, repairs={**repairs, **fresh})


def _first(inspection: imports.Inspection, plan: imports.Plan) -> list[imports.Column]:
    mapped = [each for each in inspection.columns if each.name in plan.mapping]
    others = [each for each in inspection.columns if each.name not in plan.mapping]
    return mapped + others[: max(FIRST - len(mapped), 0)]


def _show_all() -> None:
    st.session_state["import.all"] = True


def _row(place: int, column: imports.Column, target: str, names: list[str]) -> str:
    """One column; answer the property it feeds, or nothing."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", wrap=False):
        with st.container(gap=None, width=232):
            st.markdown(f"**{words.escape_md(column.name, 60)}**")
            st.caption(words.escape_md(" · ".join(column.samples[:3]) or "no values", 60))
        st.markdown(":material/arrow_forward:", width="content")
        key = f"import.to.{draft.turn()}.{place}"
        chosen = st.selectbox(
            f"Property for {column.name}",
            [NOT_IMPORTED, *names],
            index=[NOT_IMPORTED, *names].index(target) if target in names else 0,
            key=key,
            format_func=lambda each: words.heading(each) if each else "Not imported",
            label_visibility="collapsed",
            width=232,
        )
        if not chosen:
            kind = datatypes.get(column.datatype).label.lower()
            st.button(
                "New property",
                key=f"import.new.{draft.turn()}.{place}",
                type="tertiary",
                icon=":material/add:",
                help=f"A property of this column's name, for its kind of value: {kind}.",
                on_click=states.acting(_define),
                args=(column, key),
            )
    return str(chosen or "")


def _define(column: imports.Column, key: str) -> None:
    """Make a property of the column's own name and look, and map the column to it."""
    name = "".join(each for each in column.name.title() if each.isascii() and each.isalnum()).lstrip("0123456789")
    name = name[:1].lower() + name[1:63]
    made = properties.define(
        session.store(), name, column.datatype, f"From the column {column.name}.", by=session.analyst(), at=session.moment()
    )
    st.session_state[key] = made.name
    session.notice(f"Property “{words.escape_md(made.name)}” made. Its name and type stay as made.")


# -- events -------------------------------------------------------------------------------------


def _events(inspection: imports.Inspection, plan: imports.Plan) -> imports.Plan:
    names = list(inspection.shape.columns)
    with st.container(border=True, gap="xsmall"), st.grid(3, min_column_width=240):
        user = _column("Who: the user id", names, plan.user_column, "import.user")
        event = _column("What: the name of the event", names, plan.event_column, "import.event")
        constant = "" if event else st.text_input("or one name for all", plan.event, key="import.constant")
        time = _column("When", names, plan.time_column, "import.time")
        zone = _zone(plan.zone)
        channel = _column("Channel", names, plan.channel_column, "import.channel")
        one = "" if channel else st.text_input("or one channel for all", plan.channel, key="import.one")
        message = _column("Message id, if there is one", names, plan.message_column, "import.message")
        document = _column("Properties as JSON", names, plan.document, "import.document")
        used = {user, event, time, channel, message, document}
        rest = [each for each in names if each not in used]
        kept = st.multiselect(
            "Columns kept as properties", rest, [each for each in plan.properties if each in rest], key="import.kept"
        )
    types = _types(kept, plan.types) if kept else {}
    return replace(
        plan,
        user_column=user,
        event_column=event,
        event=constant,
        time_column=time,
        zone=zone,
        channel_column=channel,
        channel=one,
        message_column=message,
        document=document,
        properties=tuple(kept),
        types=types,
    )


def _types(kept: list[str], before: Mapping[str, str]) -> dict[str, str]:
    """What the kept columns hold, and a way to say it is something else; a value that is not of it is kept as text."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        with st.popover("What their values are", icon=":material/category:", type="tertiary"):
            chosen = {
                each: st.segmented_control(
                    words.escape_md(each, 40),
                    list(imports.EVENT_TYPES),
                    default=before.get(each, "string"),
                    key=f"import.type.{draft.turn()}.{each}",
                    format_func=imports.EVENT_TYPES.__getitem__,
                    required=True,
                )
                for each in kept
            }
        told = [f"{words.escape_md(each, 40)} is {_TYPED[kind]}" for each, kind in chosen.items() if kind in _TYPED]
        st.caption(" · ".join(told) or "all are text")
    return {each: kind for each, kind in chosen.items() if kind in _TYPED}


def _column(label: str, names: list[str], chosen: str, key: str) -> str:
    options = ["", *names]
    at = options.index(chosen) if chosen in options else 0
    key = f"{key}.{draft.turn()}"
    return str(st.selectbox(label, options, index=at, key=key, format_func=lambda each: each or "None") or "")


def _zone(chosen: str) -> str:
    zones = sorted(available_timezones())
    at = zones.index(chosen) if chosen in zones else zones.index("UTC")
    return str(st.selectbox("Zone of times without an offset", zones, index=at, key="import.zone"))
