"""A list of ids against a rule, as a table: a line a person, a column a condition; and the condition that keeps most out.

Which ids are nobody's is told first. What the answers are does not live here (`user360/segments`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import streamlit as st

from pages.ui import dialogs, layout, session, words
from pages.ui.why import tree
from user360 import profiles, segments
from user360.people import People
from user360.segments import lists

if TYPE_CHECKING:
    from user360.segments import Grid, Rule

MOST_LINES: Final = 1_000
MOST_COLUMNS: Final = 12
MOST_NAMED: Final = 12
_TRUTH: Final = {True: "✓", False: "✗", None: "?"}


def draw(rule: Rule, key: str) -> None:
    """The field for the ids, and below it the table."""
    text = st.text_area(
        "User ids", key=f"{key}.ids", height=96, placeholder="One user id to a line", label_visibility="collapsed"
    )
    if not text.strip():
        return
    pasted = session.cached(lists.paste, text, topics=("profiles",))
    found: Grid = session.cached(segments.grid, rule, pasted.found, at=session.at(), topics=session.OF_PEOPLE)
    parts = [f"**{words.number(len(found.holds))}** of {words.number(len(found.people))} are in"]
    parts += [f"{words.number(len(pasted.strangers))} unknown"] if pasted.strangers else []
    parts += [f"{words.number(len(pasted.duplicates))} more than once"] if pasted.duplicates else []
    st.markdown(" · ".join(parts))
    if pasted.strangers:
        few = ", ".join(each.id for each in pasted.strangers[:MOST_NAMED])
        st.caption(f"Nobody has {words.escape_md(few, 300)}{' …' if len(pasted.strangers) > MOST_NAMED else ''}")
    hardest = found.hardest
    if hardest is not None:
        alone = f", {words.number(len(hardest.alone_out))} are out for it alone" if hardest.alone_out else ""
        met = f"{words.number(len(hardest.holds))} of {words.number(len(found.people))} meet it"
        st.markdown(f":material/straighten: **What keeps most out** · {words.escape_md(tree.bare(hardest.words))}: {met}{alone}.")
    if found.people:
        _table(found, key)


def _table(found: Grid, key: str) -> None:
    shown = People.of(found.people.keys()[:MOST_LINES])
    columns = ("userId", "firstName", "lastName")
    rows = session.cached(profiles.find, within=shown, columns=columns, sort=(("userId", False),), limit=MOST_LINES).to_pylist()
    keys = [row["profile_key"] for row in rows]
    named = {"User": [_name(row) for row in rows], "In": [_TRUTH[each in found.holds] for each in keys]}
    heads = {f"{place}": each for place, each in enumerate(found.columns[:MOST_COLUMNS], start=1)}
    cells = {
        place: [_TRUTH[None if key_ in each.unknown else key_ in each.holds] for key_ in keys] for place, each in heads.items()
    }
    config: dict[str, Any] = {
        "User": st.column_config.TextColumn(width=150, pinned=True),
        "In": st.column_config.TextColumn(width=44, pinned=True),
        **{
            place: st.column_config.TextColumn(tree.bare(each.words)[:80], width=96, help=words.escape_md(each.words, 600))
            for place, each in heads.items()
        },
    }
    table = f"{key}.grid.{len(rows)}"
    layout.table(
        pa.table(named | cells),
        key=table,
        column_config=config,
        on_select=lambda: _chosen(keys, table),
        selection_mode="single-cell",
        alt="Each person's truth of each condition. A cell explains that user.",
        most=14,
    )
    of_all = (
        f"The first {words.number(len(rows))} of {words.number(len(found.people))} · " if len(found.people) > len(rows) else ""
    )
    st.caption(f"{of_all}✓ holds · ✗ does not · ? has no value")


def _name(row: dict[str, Any]) -> str:
    return words.full_name(row["firstName"], row["lastName"]) or row["userId"] or words.NO_VALUE


def _chosen(keys: list[int], table: str) -> None:
    cells = st.session_state[table]["selection"]["cells"]
    opened = dialogs.given("why")
    if cells and opened is not None:
        opened["profile"] = keys[cells[0][0]]
