"""Reconcile: two numbers that should agree, who is only in one of them, and why.

The address carries both numbers, a pasted list as long as it fits; a longer one lives in this tab. What a difference is
does not live here (`user360/reconciling`).
"""

from __future__ import annotations

import functools
import io
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.csv as pa_csv
import streamlit as st

from pages.ui import address, layout, nav, session, states, words
from pages.ui.insights import asking, behind, pictures, reconciled
from user360 import profiles, reconciling, segments
from user360.errors import User360Error
from user360.segments import saved

if TYPE_CHECKING:
    from pages.ui.insights.behind import Chosen
    from user360.people import People
    from user360.reconciling import Difference, Side

KINDS: Final = {
    "segment": "a segment",
    "text": "a sentence",
    "ids": "pasted ids",
    "question": "a chart",
}
CHOSEN: Final = "why"
MOST_REASONS: Final = 40
MOST_LINES: Final = 200


def page() -> None:
    """The page, top to bottom."""
    with layout.header("Reconcile"):
        pass
    st.caption("Two numbers that should agree: who is only in one of them, and the first reason why not in the other.")
    if not session.cached(profiles.count, topics=("profiles",)):
        states.empty(
            "No users yet", "Import users first.", icon="difference", action="Import a file", on_click=lambda: nav.go("import")
        )
        return
    grid = st.grid(2, min_column_width=310)
    sides: list[Side | None] = []
    for place in reconciled.PLACES:
        with grid.cell(), layout.card(f"{'One' if place == 'a' else 'The other'} number", height="stretch"):
            sides.append(_side(place))
    one, other = sides
    if one is None or other is None:
        states.nothing_to_show(
            "Choose both numbers. One of a chart comes from *Reconcile* in the panel of the people behind a mark."
        )
        return
    with states.boundary("The difference", key="reconcile"):
        _difference(one, other)
    layout.footnote("both of this moment", "everyone has one reason: the first condition that tells them apart")


# -- a number -----------------------------------------------------------------------------------


def _side(place: str) -> Side | None:
    """The controls of one number, and what they say; None where it is not chosen or is refused, which is told."""
    document = reconciled.document(place)
    kind = next((each for each in KINDS if each in document), "segment")
    st.session_state[f"reconcile.{place}.kind"] = kind
    st.segmented_control(
        "Kind",
        [each for each in KINDS if each != "question" or kind == "question"],
        key=f"reconcile.{place}.kind",
        format_func=KINDS.__getitem__,
        required=True,
        label_visibility="collapsed",
        on_change=_to_kind,
        args=(place,),
    )
    {"segment": _segment, "text": _text, "ids": _ids, "question": _question}[kind](place, document)
    try:
        side = _read(document)
        if side is None:
            return None
        found = session.cached(reconciling.people_of, side, at=session.at(), topics=asking.TOPICS)
    except User360Error as refusal:
        states.refused(refusal)
        return None
    st.metric("Number", words.count(len(found), "person", "people"), label_visibility="collapsed")
    return side


def _read(document: dict[str, Any]) -> Side | None:
    if "text" in document:
        if not str(document["text"]).strip():
            return None
        return reconciling.Side(rule=segments.read_text(str(document["text"]), session.catalog()))
    if not document or not any(document.values()):
        return None
    return reconciling.parse(document)


def _to_kind(place: str) -> None:
    kind = st.session_state[f"reconcile.{place}.kind"]
    reconciled.put(place, {kind: ""})


def _segment(place: str, document: dict[str, Any]) -> None:
    every = {each.id: each.name for each in session.cached(saved.find, topics=("segments",))}
    now = document.get("segment") or ""
    key = f"reconcile.{place}.segment"
    st.session_state[key] = now
    st.selectbox(
        "Segment",
        ["", *dict.fromkeys([*every, *([now] if now else [])])],
        key=key,
        format_func=lambda each: every.get(each, each) if each else "Choose a segment",
        label_visibility="collapsed",
        icon=":material/filter_alt:",
        on_change=lambda: reconciled.put(place, {"segment": st.session_state[key]}),
    )


def _text(place: str, document: dict[str, Any]) -> None:
    key = f"reconcile.{place}.text"
    st.session_state[key] = document.get("text", "")
    st.text_area(
        "Rule",
        key=key,
        height=90,
        placeholder="People whose country is “Germany” and who did “Order Completed” in the last 30 days.",
        label_visibility="collapsed",
        on_change=lambda: reconciled.put(place, {"text": st.session_state[key]}),
    )


def _ids(place: str, document: dict[str, Any]) -> None:
    key = f"reconcile.{place}.ids"
    st.session_state[key] = document.get("ids", "")
    st.text_area(
        "User ids",
        key=key,
        height=140,
        placeholder="One user id a line, as the other tool exported them",
        label_visibility="collapsed",
        on_change=lambda: reconciled.put(place, {"ids": st.session_state[key]}),
    )


def _question(place: str, document: dict[str, Any]) -> None:
    try:
        side = reconciling.parse(document)
    except User360Error:
        return
    if side.question is not None:
        result = asking.result(side.question)
        told = pictures.told(side.question, result, [asking.written(dict(side.cell))])
        st.markdown(f":material/insights: **{words.escape_md(pictures.title(side.question), 120)}**")
        st.caption(words.escape_md(told, 200))
        st.button(
            "Open the chart",
            key=f"reconcile.{place}.open",
            type="tertiary",
            icon=":material/open_in_new:",
            on_click=pictures.open_,
            args=(document["question"],),
        )


# -- the difference -----------------------------------------------------------------------------


def _difference(one: Side, other: Side) -> None:
    found = session.cached(reconciling.reconcile, one, other, at=session.at(), topics=asking.TOPICS)
    with st.grid(3, min_column_width=160):
        st.metric("Only in the one", words.number(len(found.one.alone)), border=True)
        st.metric("In both", words.number(len(found.both)), border=True)
        st.metric("Only in the other", words.number(len(found.other.alone)), border=True)
    if not found.one.alone and not found.other.alone:
        st.success("Both numbers hold the same people.", icon=":material/done_all:")
    grid = st.grid(2, min_column_width=310)
    for place, side, title in (
        ("a", found.one, "Only in the one, and why not in the other"),
        ("b", found.other, "Only in the other, and why not in the one"),
    ):
        with grid.cell(), layout.card(title, "click to see them", height="stretch"):
            _reasons(place, side)
    _people(found)


def _reasons(place: str, side: Difference) -> None:
    if not side.reasons:
        states.nothing_to_show("Nobody.")
    else:
        shown = side.reasons[:MOST_REASONS]
        key = f"reconcile.{place}.reasons.{hash(tuple((each.words, len(each.people)) for each in shown))}"
        layout.table(
            pa.table({"People": [len(each.people) for each in shown], "Why": [each.words for each in shown]}),
            key=key,
            column_config={
                "People": st.column_config.NumberColumn(width=74, format="localized"),
                "Why": st.column_config.TextColumn(),
            },
            alt="Reasons, the commonest first. A cell opens the people it concerns.",
            on_select=states.acting(functools.partial(_choose, place, key)),
            selection_mode="single-cell",
            most=12,
        )
        if len(side.reasons) > len(shown):
            st.caption(f"The first {len(shown)} of {len(side.reasons)}; the file has all.")
    if side.lost:
        with st.expander(f"{words.count(len(side.lost), 'id')} of the list bring nobody, or nobody new"):
            for each in side.lost[:MOST_LINES]:
                st.caption(f"Line {each.position}: {words.escape_md(each.id or '(blank)', 80)} · {each.words}")
            if len(side.lost) > MOST_LINES:
                st.caption(f"The first {MOST_LINES} of {words.number(len(side.lost))}; the file has all.")
    if side.reasons or side.lost:
        st.download_button(
            "Download with the reasons",
            functools.partial(_file, session.store(), side),
            file_name=f"only-in-{'one' if place == 'a' else 'the-other'}.csv",
            mime="text/csv",
            key=f"reconcile.{place}.download",
            type="tertiary",
            icon=":material/download:",
            on_click="ignore",
        )


def _file(store: Any, side: Difference) -> bytes:
    target = io.BytesIO()
    pa_csv.write_csv(reconciling.table(store, side), target)
    return target.getvalue()


def _choose(place: str, key: str) -> None:
    cells = st.session_state[key]["selection"]["cells"]
    if cells:
        address.put(**{CHOSEN: f"{place}{cells[0][0]}"})


def _people(found: reconciling.Reconciled) -> None:
    """The people of the reason that was chosen."""
    chosen = address.text(CHOSEN)
    side = {"a": found.one, "b": found.other}.get(chosen[:1])
    if side is None or not chosen[1:].isdecimal() or int(chosen[1:]) >= len(side.reasons):
        return
    reason = side.reasons[int(chosen[1:])]
    behind.panel("reconcile", _shown(reason.words, reason.people), lambda: address.put(**{CHOSEN: None}))


def _shown(title: str, people: People) -> Chosen:
    return behind.Chosen(title=title, people=people, drawn=len(people), like=lambda _: None)


page()
