"""Retention: of those who began, how many come back, by the period they began in.

The address carries the question and what was chosen. What retention is does not live here (`user360/insights/retention`).
"""

from __future__ import annotations

import calendar
import functools
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from pages.ui import address, layout, nav, session, states, words
from pages.ui.insights import asking, controls, frame, happening, pictures, pinning, readings, returning
from pages.ui.insights.picture import Wanted
from user360 import events
from user360.insights import retention

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamlit.delta_generator import DeltaGenerator

    from pages.ui.insights.asking import Asked
    from user360.insight import Result

BOUGHT: Final = "Order Completed"
UNITS: Final = {"day": "Day", "week": "Week", "month": "Month"}
WHEN: Final = {"on": "On", "after": "On or after"}
ENTRIES: Final = {"first": "First did", "every": "Each time did"}
CLOCKS: Final = {"calendar": "calendar periods", "own": "counted from each start"}
AGES: Final = {"day": (8, 15, 31), "week": (5, 9, 13, 27), "month": (4, 7, 13)}
PERIODS: Final = {
    "day": {"last": 14, "unit": "day"},
    "week": {"last": 12, "unit": "week"},
    "month": {"last": 12, "unit": "month"},
}
EVERYONE: Final = ""
STATES: Final = {retention.BACK: "Back", retention.AWAY: "Not back"}
CURVE_HEIGHT: Final = 290
LATER: Final = 4
HALF: Final = 0.5


def page() -> None:
    """The page, top to bottom."""
    with layout.header("Retention"):
        pass
    if not session.cached(events.names, system=False, topics=("events",)):
        states.empty(
            "No events yet",
            "Retention shows who comes back after a first time. Import events, or send them over HTTP.",
            icon="grid_on",
            action="Import a file",
            on_click=lambda: nav.go("import"),
        )
        return
    begin = _begin()
    found = asking.document(begin)
    rule = _first_row(begin, found)
    row = st.container(horizontal=True, vertical_alignment="center", gap="xsmall")
    with row:
        controls.period(begin, found)
        _ages(begin, found)
        controls.choice(begin, found, "clock", "Counting", CLOCKS, width=200)
        controls.channels(begin, found)
        start = found["start"].get("event")
        controls.breakdown(begin, found, start)
    asked = asking.read(begin, rule)
    if asked is not None:
        _answer(asked, row)
    pinning.draw()


def _begin() -> dict[str, Any]:
    """What a page begins with: weeks of the first order and any event after, or of any event."""
    bought = BOUGHT in session.cached(events.names, system=False, topics=("events",))
    start = {"event": BOUGHT if bought else None}
    return {"kind": "retention", "start": start, "granularity": "week", "period": PERIODS["week"], "ages": 12}


# -- controls -----------------------------------------------------------------------------------


def _first_row(begin: dict[str, Any], found: Mapping[str, Any]) -> Any:
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        controls.choice(begin, found, "entry", "Entry", ENTRIES, width=140)
        happening.chip("retention.start", found["start"], lambda of: asking.change(begin, start=of))
        st.caption("came back with", width="content")
        back = found.get("return", {"event": None})
        happening.chip("retention.return", back, lambda of: asking.change(begin, **{"return": of}))
        _unit(begin, found)
        _when(begin, found)
        return controls.people()


def _unit(begin: dict[str, Any], found: Mapping[str, Any]) -> None:
    st.session_state["retention.unit"] = found.get("granularity", "day")
    st.segmented_control(
        "Periods",
        list(UNITS),
        key="retention.unit",
        format_func=UNITS.__getitem__,
        required=True,
        label_visibility="collapsed",
        on_change=_to_unit,
        args=(begin,),
    )


def _to_unit(begin: dict[str, Any]) -> None:
    """Another length of periods, with the dates and the number of periods that suit it."""
    unit = st.session_state["retention.unit"]
    asking.change(begin, granularity=unit, period=PERIODS[unit], ages=PERIODS[unit]["last"])


def _when(begin: dict[str, Any], found: Mapping[str, Any]) -> None:
    st.session_state["retention.when"] = found.get("when", "on")
    st.segmented_control(
        "Back",
        list(WHEN),
        key="retention.when",
        format_func=WHEN.__getitem__,
        required=True,
        label_visibility="collapsed",
        help="On: in exactly that period. On or after: in that period or any later one.",
        on_change=lambda: asking.change(begin, when=st.session_state["retention.when"]),
    )


def _ages(begin: dict[str, Any], found: Mapping[str, Any]) -> None:
    unit = found.get("granularity", "day")
    now = found.get("ages", 12)
    options = sorted({now, 12, *AGES.get(unit, ())})
    st.session_state["retention.ages"] = now
    st.selectbox(
        "How many periods",
        options,
        key="retention.ages",
        format_func=lambda each: f"to {unit} {each - 1}",
        label_visibility="collapsed",
        width=130,
        on_change=lambda: asking.change(begin, ages=st.session_state["retention.ages"]),
    )


# -- the answer ---------------------------------------------------------------------------------


def _answer(asked: Asked, row: DeltaGenerator) -> None:
    """The answer; whose cells are looked at is chosen in the row of controls, once it is known which groups there are."""
    question: Any = asked.question
    with states.boundary("Retention", key="retention"):
        result = asking.result(question)
        chosen = asking.chosen(question)
        with row:
            view = _of_group(question, result)
        drawn = pictures.draw(question, result, Wanted(view, chosen))
        of = frame.Framed("retention", returning.title(question), question, result, asking.whole(asked), view)
        with frame.card(of, frame.hint(drawn)):
            frame.picture(of, drawn)
        frame.people(of, functools.partial(frame.turned, of, "state", STATES))
        if not drawn.empty:
            grid = st.grid(2, min_column_width=440, gap="small")  # below each other at 1024
            curve = pictures.draw(question, result, Wanted(returning.CURVE, chosen, CURVE_HEIGHT))
            beside = frame.Framed(
                "retention.curve", "All cohorts together", question, result, asking.whole(asked), returning.CURVE
            )
            with grid.cell(), frame.card(beside, curve.quiet):
                frame.picture(beside, curve)
            with grid.cell(), layout.card("In short", "of the row of all", key="retention.short"):
                _in_short(question, result)
        _foot(question, result)


def _of_group(question: Any, result: Result) -> str:
    """The way of drawing for the group whose cells are looked at, which the address keeps; nothing for everyone."""
    groups = [each for each in returning.groups(question, result) if each is not None]
    if not groups:
        return ""
    given = address.text(returning.GROUP)
    st.session_state["retention.group"] = given if given in groups else EVERYONE
    chosen = st.selectbox(
        "Cells of",
        [EVERYONE, *groups],
        key="retention.group",
        format_func=lambda each: "Cells of everyone" if each == EVERYONE else f"Cells of {readings.group_name(question, each)}",
        label_visibility="collapsed",
        width=220,
        on_change=_to_group,
    )
    return "" if chosen == EVERYONE else returning.OF_GROUP + chosen


def _to_group() -> None:
    chosen = st.session_state["retention.group"]
    address.put(**{returning.GROUP: None if chosen == EVERYONE else chosen, asking.CELLS: None})


def _in_short(question: Any, result: Result) -> None:
    """A few figures of the pooled row."""
    shares = {row["age"]: row["share"] for row in returning.pooled(result) if row["age"]}
    if not shares:
        st.caption(f"No {question.granularity} is finished yet.")
        return
    last = max(shares)
    gone = next((age for age, share in shares.items() if share < HALF), None)
    when = f" {question.granularity}"
    rows = [(f"Back in{when} 1", _percent(shares.get(1)))]
    rows.append((f"Back in{when} {min(LATER, last)}", _percent(shares[min(LATER, last)])))
    rows.append(("Half are gone after", words.count(gone, question.granularity) if gone else "not yet"))
    rows.append((f"Back in{when} {last}", _percent(shares[last])))
    with st.grid(2, min_column_width=120, gap="small"):
        for label, value in rows:
            st.metric(label, value)


def _percent(share: float | None) -> str:
    return words.NO_VALUE if share is None else f"{100 * share:.1f}%"


def _foot(question: Any, result: Result) -> None:
    unit = question.granularity
    back = happening.called({"event": question.back.event}).lower() if question.back.event is None else question.back.event
    later = " or any later one" if question.when == "after" else ""
    how = f"the n-th {unit} after that of the start" if question.clock == "calendar" else f"the n-th {unit} after each start"
    parts = [f"back in {unit} n = {words.escape_md(back, 60)} in {how}{later}", f"{unit} 0 is everyone who began"]
    if unit == "week" and question.clock == "calendar":
        parts.append(f"weeks begin on {calendar.day_name[session.settings().week_starts]}")
    whole = returning.pooled(result)
    if whole:
        parts.append(words.count(whole[0]["users"], "person", "people"))
    layout.footnote(*parts, "dashed cells are unfinished and left out of the row of all")


page()
