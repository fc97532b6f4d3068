"""Activity log: who imported, exported, deleted or changed what, and when. What a profile's own changes were stands on its card."""

from __future__ import annotations

import json
from datetime import UTC
from typing import Any

import streamlit as st

from pages.ui import address, layout, session, states, tables, words
from user360 import activity

LONGEST_DETAILS, MOST_LETTERS = 74, 5_000
WIDTHS = {"When": 104, "Who": 130, "What": 160, "Subject": 230, "Details": 460}


def page() -> None:
    """The page, top to bottom."""
    kinds = tuple(each for each in address.text("kind").split("|") if each)
    known = session.cached(activity.kinds, topics=("activity",))
    total = session.cached(activity.count, kinds=kinds, topics=("activity",))
    with layout.header("Activity log", words.count(total, "line")):
        pass
    if not known:
        states.empty(
            "Nothing has happened yet",
            "Imports, exports, deletions and changes of settings leave a line here.",
            icon="history",
        )
    else:
        _filter(known, kinds)
        _table(kinds, total)
    layout.footnote("lines are never changed or taken out")


def _filter(known: list[str], kinds: tuple[str, ...]) -> None:
    key = "activity.kinds"
    st.session_state.setdefault(key, [each for each in kinds if each in known])
    st.pills(
        "Kinds",
        known,
        selection_mode="multi",
        key=key,
        format_func=_sentence,
        label_visibility="collapsed",
        on_change=_choose,
        args=(key,),
    )


def _choose(key: str) -> None:
    address.put(kind="|".join(st.session_state[key]), page=None)


def _table(kinds: tuple[str, ...], total: int) -> None:
    rows = address.number("rows", 50, among=tables.PAGE_SIZES)
    number = address.number("page", 1, least=1)
    found = session.cached(activity.find, kinds=kinds, limit=rows, offset=(number - 1) * rows, topics=("activity",)).to_pylist()
    lines = [_line(row) for row in found]
    config: dict[str, Any] = {name: st.column_config.TextColumn(width=width) for name, width in WIDTHS.items()}
    chosen = layout.table(
        [line | {"Details": words.cut(line["Details"], LONGEST_DETAILS)} for line in lines],
        key=f"activity.{number}.{rows}.{'|'.join(kinds)}",
        column_config=config,
        alt="The activity log, newest first; a line that is chosen is told whole below",
        on_select="rerun",
        selection_mode="single-cell",
        most=18,
    )
    _whole(lines, [row for row, _ in chosen["selection"]["cells"]])
    tables.pager(total, number, rows, key="activity")


def _whole(lines: list[dict[str, str]], rows: list[int]) -> None:
    """The chosen line in all its length, or how to choose one."""
    if rows and rows[0] < len(lines):
        line = lines[rows[0]]
        st.markdown(words.escape_md(f"{line['What']}: {line['Subject']}", MOST_LETTERS))
        st.caption(words.escape_md(line["Details"] or words.NO_VALUE, MOST_LETTERS))
    elif any(len(line["Details"]) > LONGEST_DETAILS for line in lines):
        st.caption("Choose a line to read it whole.")


def _line(row: dict[str, Any]) -> dict[str, str]:
    when = words.instant(row["at"].replace(tzinfo=UTC), session.zone(), at=session.at())
    detail = json.loads(row["detail"])
    said = " · ".join(f"{name} {_said(value)}" for name, value in detail.items())
    return {"When": when, "Who": row["by"], "What": _sentence(row["kind"]), "Subject": row["subject"], "Details": said}


def _sentence(kind: str) -> str:
    """A kind of line as it begins a sentence: `Delete users`."""
    return kind[:1].upper() + kind[1:]


def _said(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return words.number(value) if isinstance(value, int) and not isinstance(value, bool) else str(value)


page()
