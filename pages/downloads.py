"""Downloads: files that were made in the background, ready to be fetched. How they are written does not live here (`user360/exports`)."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import streamlit as st

from pages.ui import layout, nav, progress, session, states, words
from user360 import exports, jobs, web

FORMATS = {"csv": "CSV", "xlsx": "Excel", "parquet": "Parquet", "jsonl": "JSON Lines"}
STATES = {"completed": "ready", "running": "being made", "failed": "failed", "stopped": "stopped", "interrupted": "interrupted"}


def page() -> None:
    """The page, top to bottom."""
    found = session.cached(exports.find, topics=("exports",))
    with layout.header("Downloads", words.count(len(found), "file")):
        pass
    running = [each for each in jobs.running() if each.kind == "export"]
    if running:
        progress.watch("downloads", running[0].id)
    progress.strip("downloads")  # noqa: B005 - a line of the page, no text
    if not found:
        states.empty(
            "No files yet",
            "Small downloads come at once. A large one is made in the background and waits here.",
            icon="download",
            action="Go to users",
            on_click=lambda: nav.go("users"),
        )
    else:
        _ready(found)
        _table(found)
    layout.footnote("text that a spreadsheet could take for a formula carries a quote in front", "a link is good for 15 minutes")


def _ready(found: list[exports.Export]) -> None:
    """The newest files that lie ready, each with its link."""
    ready = [each for each in found if each.status == "completed" and exports.file_of(session.store(), each).exists()][:6]
    if not ready:
        return
    with layout.card("Ready", "the newest first"), st.container(horizontal=True, gap="xsmall"):
        for each in ready:
            url = web.offer(exports.file_of(session.store(), each), each.file_name)
            label = f"{words.escape_md(each.file_name)} · {words.count(each.rows, 'user')} · {words.size(each.bytes)}"
            st.link_button(label, url, key=f"downloads.{each.id}", icon=":material/download:")


def _table(found: list[exports.Export]) -> None:
    config: dict[str, Any] = {
        "Made": st.column_config.TextColumn(width=150),
        "File": st.column_config.TextColumn(width=200),
        "Format": st.column_config.TextColumn(width=90),
        "State": st.column_config.TextColumn(width=100),
        "Users": st.column_config.NumberColumn(format="localized", width=90),
        "Size": st.column_config.TextColumn(width=90),
        "By": st.column_config.TextColumn(width=120),
    }
    st.dataframe(
        pa.Table.from_pylist([_line(each) for each in found]),
        hide_index=True,
        height=layout.table_height(len(found), layout.CARD_ROW),
        row_height=layout.CARD_ROW,
        column_config=config,
        placeholder=words.NO_VALUE,
        alt="Files made in the background, newest first",
    )


def _line(each: exports.Export) -> dict[str, object]:
    done = each.status == "completed"
    return {
        "Made": words.instant(each.started_at, session.zone(), at=session.at()),
        "File": each.file_name,
        "Format": FORMATS.get(each.format, each.format),
        "State": STATES.get(each.status, each.status),
        "Users": each.rows if done else None,
        "Size": words.size(each.bytes) if done else None,
        "By": each.by,
        "Columns": each.message or ", ".join(each.definition.get("columns", [])),
    }


page()
