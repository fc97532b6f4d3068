"""The dry run, drawn: its figures, each row before and after, how full columns become, which segments change.

Everything is of `user360/imports.DryRun`. What it refuses and how that is mended stands in `mending`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pandas as pd
import pyarrow as pa
import streamlit as st

from pages.ui import address, layout, session, tables, words
from pages.ui.importing import matching, mending
from user360 import imports, ingest, properties

if TYPE_CHECKING:
    from collections.abc import Sequence

    from user360.imports import Cell, DryRun

OUTCOMES: Final = {"all": None, "new": ingest.NEW, "changed": ingest.CHANGED, "refused": ingest.REFUSED}
OUTCOMES_OF_EVENTS: Final = {"all": None, "new": ingest.NEW, "known": ingest.UNCHANGED, "refused": ingest.REFUSED}
NAMES: Final = {ingest.NEW: "new", ingest.CHANGED: "changed", ingest.UNCHANGED: "unchanged", ingest.REFUSED: "refused"}
OF_EVENTS: Final = {**NAMES, ingest.UNCHANGED: "known"}
_TINTS: Final = {
    "changed": "background-color: rgba(232, 163, 61, 0.22)",
    "new": "background-color: rgba(46, 160, 110, 0.14)",
    "refused": "background-color: rgba(214, 69, 65, 0.14)",
}
_ANY: Final = "Any column"
MOST_SHOWN: Final = 12


def draw(found: DryRun, inspection: imports.Inspection) -> None:
    """The step, top to bottom."""
    _figures(found)
    with st.grid(4, min_column_width=240) as grid:
        with grid.cell(column_span=3, row_span=2):  # where there is room for two columns only, both cells of the rail stand below
            _rows(found)
        with st.container(gap="small"):
            mending.draw(found)
            _columns(found, inspection)
        with st.container(gap="small"):
            _fills(found)
            _effects(found)


# -- figures ------------------------------------------------------------------------------------


def _figures(found: DryRun) -> None:
    counts = found.counts
    for_events = {
        "New events": (counts.created, words.share(counts.created, max(counts.total, 1))),
        "New users": (found.people_after - found.people, "nobody had their id"),
        "Known already": (counts.unchanged, "taken once"),
    }
    for_users = {
        "New users": (counts.created, f"{words.share(counts.created, max(counts.total, 1))} of rows"),
        "Changed": (counts.updated, words.count(sum(found.cells.values()), "cell")),
        "Unchanged": (counts.unchanged, "left as they are"),
    }
    for_members = {
        "Put on the list": (counts.created, words.escape_md(found.plan.segment, 30)),
        "On it already": (counts.unchanged, "or named twice"),
    }
    figures: dict[str, tuple[int, str]] = {"users": for_users, "events": for_events, "members": for_members}[found.plan.kind]
    refused = counts.failed - found.without_id
    figures |= {
        "Refused rows": (refused, words.count(len(found.faults), "kind of fault", "kinds of fault") if refused else "none"),
        "No user id": (found.without_id, "left out"),
    }
    if found.plan.kind == "users":
        figures["Repeated in file"] = (found.repeated, "applied in order")
    layout.figures([(label, words.number(value), quiet) for label, (value, quiet) in figures.items()])


# -- rows ---------------------------------------------------------------------------------------


def _rows(found: DryRun) -> None:
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown("**What will change**", width="content")
            kinds = OUTCOMES_OF_EVENTS if found.plan.kind == "events" else OUTCOMES
            kind = st.segmented_control(
                "Rows",
                list(kinds),
                default="all",
                key="import.rows",
                format_func=str.capitalize,
                label_visibility="collapsed",
                required=True,
                on_change=_first_page,
            )
            st.space("stretch")
            column = _changing(found)
        outcome = kinds[str(kind)]
        total = imports.count_rows(found, outcome=outcome, changing=column)
        if not total:
            st.caption("No row of the file is like that.")
            return
        size = address.number("rows", 50, among=tables.PAGE_SIZES)
        page = min(address.number("page", 1, least=1), max(-(-total // size), 1))
        rows = imports.look(found, outcome=outcome, changing=column, limit=size, offset=(page - 1) * size)
        _table(found, rows, why=outcome == ingest.REFUSED)
        tables.pager(total, page, size, key="import.pager")
        st.markdown(":small[:orange[old → new] · :green[new] · :red[refused]]")


def _changing(found: DryRun) -> str:
    if found.plan.kind != "users" or not found.cells:
        return ""
    chosen = st.selectbox(
        "Column that changes",
        [_ANY, *sorted(found.cells)],
        key="import.changing",
        label_visibility="collapsed",
        format_func=lambda each: each if each == _ANY else f"{words.heading(each)} · {words.number(found.cells[each])}",
        width=200,
        on_change=_first_page,
    )
    return "" if chosen in (None, _ANY) else str(chosen)


def _first_page() -> None:
    address.put(page=None)


def _table(found: DryRun, rows: Sequence[imports.Row], *, why: bool) -> None:
    """The rows as a table whose tinted cells say in words too what they are; with `why`, for refused ones, the reasons."""
    names = OF_EVENTS if found.plan.kind == "events" else NAMES
    values = _said(rows) if found.plan.kind == "events" else _values(found, rows)
    if why:
        values = [{"Why": " ".join(each.reasons), **(said if each.said else {})} for each, said in zip(rows, values, strict=True)]
    lines = [
        {"Line": each.line, "User id": each.user_id or words.NO_VALUE, "Row": names[each.outcome], **said}
        for each, said in zip(rows, values, strict=True)
    ]
    shown = found.columns[:MOST_SHOWN]
    tints = [_tints(each, names[each.outcome], len(line), () if why else shown) for each, line in zip(rows, lines, strict=True)]
    frame = pd.DataFrame(lines)
    styled = frame.style.apply(lambda _: pd.DataFrame(tints, columns=frame.columns), axis=None)
    st.dataframe(
        styled,
        hide_index=True,
        height=layout.table_height(len(lines), layout.CARD_ROW, most=18),
        row_height=layout.CARD_ROW,
        column_config={
            "Line": st.column_config.NumberColumn(width=56, pinned=True),
            "User id": st.column_config.TextColumn(width=96, pinned=True),
            "Row": st.column_config.TextColumn(width=78),
            "Why": st.column_config.TextColumn(width="large"),
            "When": st.column_config.TextColumn(width=150),
            "Properties": st.column_config.TextColumn(width="large"),
        },
        alt="Rows of the file, each value as it would be; where it changes, what it is now stands before an arrow",
    )
    if not why and len(found.columns) > MOST_SHOWN:
        left = words.count(len(found.columns) - MOST_SHOWN, "more column")
        st.caption(f"The first {MOST_SHOWN} columns are shown; {left} are imported too.")


def _values(found: DryRun, rows: Sequence[imports.Row]) -> list[dict[str, str]]:
    """What each row says of a user, by heading."""
    lists = {each.name for each in session.cached(properties.find, topics=("properties",)) if each.datatype.name == "list"}
    shown = found.columns[:MOST_SHOWN]
    return [{words.heading(each): _cell(row.cells.get(each), is_list=each in lists) for each in shown} for row in rows]


def _said(rows: Sequence[imports.Row]) -> list[dict[str, str]]:
    """What each row says of an event, by heading; when it was in the workspace's zone."""
    zone = session.zone()
    return [
        {
            "When": words.moment(each.said["at"], zone) if each.said["at"] else words.NO_VALUE,
            "Event": each.said["event"] or words.NO_VALUE,
            "Channel": words.channel(each.said["channel"]),
            "Properties": each.said["properties"] or "",
        }
        for each in rows
    ]


def _cell(cell: Cell | None, *, is_list: bool) -> str:
    if cell is None:
        return ""
    old, new = (_shown(each, is_list=is_list) for each in (cell.old, cell.new))
    return f"{old or words.NO_VALUE} → {new or words.NO_VALUE}" if cell.changed else new


def _shown(text: str | None, *, is_list: bool) -> str:
    return ", ".join(json.loads(text)) if is_list and text else text or ""


def _tints(row: imports.Row, name: str, wide: int, shown: Sequence[str]) -> list[str]:
    """How each cell of a line is tinted: all of a new or refused row, of a changed one those that change."""
    if name in ("new", "refused"):
        return [_TINTS[name]] * wide
    changed = [each in row.cells and row.cells[each].changed for each in shown]
    return [""] * (wide - len(shown)) + [_TINTS["changed"] if each else "" for each in changed]


# -- beside -------------------------------------------------------------------------------------


def _columns(found: DryRun, inspection: imports.Inspection) -> None:
    mapping = found.plan.mapping
    if found.plan.kind != "users":
        return
    left = len(inspection.columns) - len(mapping)
    with layout.card("Columns", f"{len(mapping)} matched, {left} left out"):
        lines = [
            {"In the file": column, "Property": words.heading(target), "Rule": _rule(found.plan, column, target)}
            for column, target in mapping.items()
        ]
        _small(pa.Table.from_pylist(lines), "Columns of the file, the property each feeds, and by which rule")


def _rule(plan: imports.Plan, column: str, target: str) -> str:
    if target == "userId":
        return "key"
    if plan.mode == "replace":
        return "replace"
    kind, _, by = plan.rules.get(column, "overwrite").partition(":")
    return f"{imports.RULES[kind].lower()} by {by}" if by else imports.RULES[kind].lower()


def _fills(found: DryRun) -> None:
    if not found.fills:
        return
    with layout.card("How full columns become", f"of {words.count(found.people_after, 'user')}"):
        lines = [
            {
                "Property": words.heading(each.property),
                "Now": 100 * each.before / max(found.people, 1),
                "Then": 100 * each.after / max(found.people_after, 1),
            }
            for each in found.fills
        ]
        bar: dict[str, Any] = {"format": "%.1f%%", "min_value": 0, "max_value": 100, "width": 76}
        config: dict[str, Any] = {each: st.column_config.ProgressColumn(**bar) for each in ("Now", "Then")}
        _small(pa.Table.from_pylist(lines), "Share of users with a value, now and after the import", config)


def _effects(found: DryRun) -> None:
    if not found.effects:
        return
    with layout.card("Segments that change", words.count(len(found.effects), "segment")):
        lines = [{"Segment": each.name, "Now": each.before, "Come": each.gained, "Go": each.lost} for each in found.effects]
        number = {each: st.column_config.NumberColumn(format="localized", width=64) for each in ("Now", "Come", "Go")}
        _small(pa.Table.from_pylist(lines), "Segments, how many are in now, and how many would come and go", number)


def _small(table: pa.Table, alt: str, config: dict[str, Any] | None = None) -> None:
    layout.table(table, row_height=layout.RAIL_ROW, column_config=config, alt=alt, most=10)


def told(found: DryRun) -> str:
    """When the dry run was and what it rests on, for the footnote."""
    rows, when = words.count(found.counts.total, "row"), found.at.astimezone(session.zone())
    rule = "the row becomes the whole record" if found.plan.mode == "replace" else "empty cells change nothing"
    repaired = sum(len(each) for each in found.plan.repairs.values())
    mended = f", {words.count(repaired, 'repair')}" if repaired else ""
    return f"dry run of {when:%H:%M:%S}, {rows} in {found.seconds:.1f} s{mended} · conflict rule: {found.plan.mode}, {rule}"


__all__ = ["draw", "matching", "told"]
