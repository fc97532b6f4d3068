"""The drawer in which a file is made to measure: which columns, in which order, under which names, in which zone.

Without it every download would be the table as it happens to stand. How a file is written does not
live here (`user360/exports`), nor the quick menu (`downloads`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import streamlit as st

from pages.ui import dialogs, nav, progress, session, states, words
from user360 import exports, jobs, properties, segments
from user360.segments import saved

if TYPE_CHECKING:
    from user360.exports import Events, Users, Wanted

MAKE: Final = "make"
WIDTH: Final = 480
FORMATS: Final = {"csv": "CSV", "xlsx": "Excel", "parquet": "Parquet", "jsonl": "JSON Lines"}
DELIMITERS: Final = {",": "Comma", ";": "Semicolon", "\t": "Tab"}
EVERYONE: Final = ""
_KINDS: Final = {"users": "Users", "events": "Events"}


def open_for(wanted: Wanted | None = None, name: str = "") -> None:
    """Open the drawer, for what a page shows or for a choice of one's own."""
    dialogs.open_(MAKE, wanted=wanted, file=name)


def draw() -> None:
    """Draw the drawer while it is open."""
    opened = dialogs.given(MAKE)
    if opened is None:
        return

    @st.dialog("Make a file", width=WIDTH, position="right", on_dismiss=dialogs.close)
    def body() -> None:
        dialogs.leave_unless_open(MAKE)
        key = f"make.{opened['turn']}"
        wanted, name = _subject(opened, key)
        if isinstance(wanted, exports.Rows):
            st.markdown(words.escape_md(wanted.title, 300))
        else:
            wanted = replace(wanted, columns=_columns(wanted, key))
        headers = _headers(wanted.columns, key)
        layout = _layout(headers, key)
        with st.container(horizontal=True, horizontal_alignment="right", gap="small"):
            st.button("Cancel", key=f"{key}.cancel", on_click=dialogs.close)
            made: dict[str, Any] = {"on_click": states.acting(_make), "args": (wanted, layout, name)}
            st.button("Make the file", key=f"{key}.make", type="primary", disabled=not wanted.columns, **made)

    body()


def _make(wanted: Wanted, layout: exports.Layout, name: str) -> None:
    _, job = jobs.start_export(session.store(), wanted, layout, file_name=f"{name}{layout.ending}", by=session.analyst())
    dialogs.close()
    progress.watch(progress.EXPORT, job)
    session.notice("The file is being made. It waits under Downloads.", icon=":material/download:")
    nav.go("downloads")


# -- what ---------------------------------------------------------------------------------------


def _subject(opened: dict[str, Any], key: str) -> tuple[Wanted, str]:
    """What the page handed over, or a choice of users or events of a segment."""
    if opened["wanted"] is not None:
        return opened["wanted"], opened["file"]
    kind = st.segmented_control(
        "What", list(_KINDS), format_func=_KINDS.__getitem__, default="users", required=True, key=f"{key}.what"
    )
    found = session.cached(saved.find, topics=("segments",))
    names = {EVERYONE: "Everyone"} | {each.id: each.name for each in found}
    chosen = st.selectbox("Whose" if kind == "events" else "Who", list(names), format_func=names.__getitem__, key=f"{key}.who")
    rule = saved.rule_of(next(each for each in found if each.id == chosen)) if chosen else None
    return (_events(rule, key), "events") if kind == "events" else (_users(rule), "users")


def _users(rule: segments.Rule | None) -> Users:
    visible = tuple(each.name for each in session.cached(properties.find, topics=("properties",)) if each.visible)
    return exports.Users(visible, rule)


def _events(rule: segments.Rule | None, key: str) -> Events:
    known = list(session.catalog().events)
    names = st.multiselect("Which events", known, key=f"{key}.events", placeholder="All events")
    return exports.Events(names=tuple(names), rule=rule)


# -- how ----------------------------------------------------------------------------------------


def _columns(wanted: Users | Events, key: str) -> tuple[str, ...]:
    """The columns in the order they were chosen."""
    known = [each.name for each in session.cached(properties.find, topics=("properties",))]
    options = known if wanted.unit == "user" else list(exports.EVENT_COLUMNS)
    start = [each for each in wanted.columns if each in options]
    chosen = st.multiselect(
        "Columns, in this order", options, default=start, key=f"{key}.columns.{wanted.unit}", accept_new_options=wanted.unit == "event",
        help="For a property of the events write properties. and its name, such as properties.amount" if wanted.unit == "event" else None,
    )  # fmt: skip
    return tuple(chosen)


def _headers(columns: tuple[str, ...], key: str) -> dict[str, str]:
    """Other names for columns, where somebody wrote some."""
    with st.expander("Names of the columns in the file"):
        table = pa.table({"Column": list(columns), "In the file": list(columns)})
        edited = st.data_editor(
            table,
            hide_index=True,
            disabled=["Column"],
            key=f"{key}.headers.{'|'.join(columns)}",
            width="stretch",
            height="content",
        )
        rows = edited.to_pylist()
    return {row["Column"]: row["In the file"] or "" for row in rows if row["In the file"] != row["Column"]}


def _layout(headers: dict[str, str], key: str) -> exports.Layout:
    form = st.segmented_control(
        "Format", list(FORMATS), format_func=FORMATS.__getitem__, default="csv", required=True, key=f"{key}.format"
    )
    zones = list(dict.fromkeys((session.settings().zone_name, "UTC")))
    zone = st.segmented_control("Times are told in", zones, default=zones[0], required=True, key=f"{key}.zone")
    delimiter, bom = ",", False
    if form == "csv":
        delimiter = st.segmented_control(
            "Between columns",
            list(DELIMITERS),
            format_func=DELIMITERS.__getitem__,
            default=",",
            required=True,
            key=f"{key}.delimiter",
        )
        bom = st.toggle("Mark as UTF-8 for spreadsheets", key=f"{key}.bom")
    packed = st.toggle("Compress with gzip", key=f"{key}.gzip")
    manifest = st.toggle(
        "With a manifest", key=f"{key}.manifest", help="A second file: what was asked, of which instant, rows, checksum"
    )
    return exports.Layout(form, gzip=packed, zone=zone, headers=headers, delimiter=delimiter, bom=bom, manifest=manifest)
