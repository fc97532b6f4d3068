"""Downloads: files that were made in the background, ready to be fetched. How they are written does not live here (`user360/exports`)."""

from __future__ import annotations

import json
from typing import Any, Final

import streamlit as st

from pages.ui import confirm, dialogs, layout, making, progress, session, states, tables, words
from pages.ui.address import number
from user360 import exports, jobs, records, web

DELETE: Final = "delete export"
STATES: Final = {
    "completed": "ready",
    "running": "being made",
    "failed": "failed",
    "stopped": "stopped",
    "interrupted": "interrupted",
    "deleted": "deleted",
}
MOST_LINKS: Final = 6


def page() -> None:
    """The page, top to bottom."""
    total = session.cached(records.count_exports, topics=("exports",))
    with layout.header("Downloads", words.count(total, "file")):
        if total:
            st.button("Make a file", key="downloads.make", type="primary", icon=":material/add:", on_click=making.open_for)
    running = [each for each in jobs.running() if each.kind == progress.EXPORT]
    if running:
        progress.watch(progress.EXPORT, running[0].id)
    progress.strip(progress.EXPORT)
    if not total:
        states.empty(
            "No files yet",
            "Small downloads come at once. A large one is made in the background and waits here.",
            icon="download",
            action="Make a file",
            on_click=making.open_for,
        )
    else:
        _files(total)
    making.draw()
    layout.footnote(
        "text that a spreadsheet could take for a formula carries a quote in front, which an import takes away",
        "a link is good once, for 15 minutes, in this browser",
    )


def _files(total: int) -> None:
    rows, place = number("rows", 50, among=tables.PAGE_SIZES), number("page", 1, least=1)
    found = session.cached(exports.find, limit=rows, offset=(place - 1) * rows, topics=("exports",))
    ready = [each for each in found if each.status == "completed" and exports.file_of(session.store(), each).exists()]
    if ready:
        with layout.card("Ready", "the newest first"), st.container(horizontal=True, gap="xsmall"):
            for each in ready[:MOST_LINKS]:
                _link(each)
    _table(found)
    tables.pager(total, place, rows, key="downloads")


def _link(each: exports.Export, *, kind: Any = "secondary") -> None:
    """The link to a file. It is good once, so that a click draws the next one."""
    url = web.offer(exports.file_of(session.store(), each), each.file_name, web.holder(st.context.cookies))
    unit = str(each.definition.get("unit", "row"))
    label = f"{words.escape_md(each.file_name)} · {words.count(each.rows, unit)} · {words.size(each.bytes)}"
    st.link_button(label, url, key=f"downloads.{each.id}", icon=":material/download:", on_click="rerun", type=kind)


def _table(found: list[exports.Export]) -> None:
    config: dict[str, Any] = {
        "Made": st.column_config.TextColumn(width=120),
        "File": st.column_config.TextColumn(width=180),
        "State": st.column_config.TextColumn(width=90),
        "Rows": st.column_config.NumberColumn(format="localized", width=90),
        "Size": st.column_config.TextColumn(width=80),
        "By": st.column_config.TextColumn(width=110),
        "What": st.column_config.TextColumn(width=400),
    }
    shown = layout.table(
        [_line(each) for each in found],
        column_config=config,
        alt="Files made in the background, newest first",
        key="downloads.table",
        on_select="rerun",
        selection_mode="single-row",
    )
    rows = shown["selection"]["rows"]
    if rows and rows[0] < len(found):
        _panel(found[rows[0]])
    else:
        st.caption("Choose a file to see what is in it.")


def _line(each: exports.Export) -> dict[str, object]:
    done = each.status == "completed"
    return {
        "Made": words.instant(each.started_at, session.zone(), at=session.at()),
        "File": each.file_name,
        "State": STATES.get(each.status, each.status),
        "Rows": each.rows if done else None,
        "Size": words.size(each.bytes) if done else None,
        "By": each.by,
        "What": each.message or each.definition.get("sentence") or ", ".join(each.definition.get("columns", [])),
    }


# -- one file -----------------------------------------------------------------------------------


def _panel(each: exports.Export) -> None:
    """What the chosen file is, its manifest, and the way to delete it."""
    lying = exports.file_of(session.store(), each).exists()
    with layout.card(words.escape_md(each.file_name), words.instant(each.started_at, session.zone(), at=session.at())):
        st.markdown(words.escape_md(str(each.definition.get("sentence", "")), 600))
        columns = [str(column) for column in each.definition.get("columns", [])]
        st.caption(words.escape_md(f"{words.count(len(columns), 'column')}: {', '.join(columns)}", 1_000))
        if each.message:
            st.warning(words.escape_md(each.message, 400), icon=":material/block:")
        with st.container(horizontal=True, gap="small"):
            manifest = exports.manifest_of(session.store(), each)
            if manifest.exists():
                url = web.offer(manifest, f"{each.file_name}.manifest.json", web.holder(st.context.cookies))
                st.link_button("Manifest", url, key="downloads.manifest", icon=":material/fact_check:", on_click="rerun")
            if lying:
                asked: dict[str, Any] = {"on_click": dialogs.open_, "args": (DELETE,), "icon": ":material/delete:"}
                st.button("Delete the file…", key="downloads.delete", type="tertiary", **asked)
        _technical(each)
    name = each.file_name
    confirm.ask(
        DELETE,
        "Delete this file?",
        f"**{words.escape_md(name)}** goes from the disk. Its line stays in this list.",
        phrase="delete the file",
        act="Delete the file",
        keep="Keep it",
        on_confirm=lambda: _delete(each.id),
    )


def _technical(each: exports.Export) -> None:
    with st.expander("Definition as JSON"):
        st.code(json.dumps(dict(each.definition), ensure_ascii=False, indent=1), language="json")


def _delete(export: int) -> None:
    exports.delete(session.store(), export, by=session.analyst(), at=session.moment())
    session.notice("The file is deleted")


page()
