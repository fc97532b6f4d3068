"""A rule over time: how large it was, who came and went, and why.

The past is asked with the rule of now, so a segment made a minute ago has a history. What moved
somebody does not live here (`user360/segments`).
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import streamlit as st

from pages.ui import charts, dialogs, layout, nav, session, states, words
from user360 import clock, profiles, segments
from user360.segments import membership

if TYPE_CHECKING:
    from datetime import datetime

    from user360.people import People
    from user360.segments import Cause, Moved, Rule, Turnover
    from user360.segments.saved import Segment

MOVED: Final = "segment.moved"
DAYS: Final = 84
POINTS: Final = 13
SPANS: Final = {1: "since yesterday", 7: "7 days", 30: "30 days", 90: "90 days"}
MOST_PEOPLE: Final = 50
_ASKED: Final = "segment.trend"


# -- size over time -----------------------------------------------------------------------------


def trend(rule: Rule, now: int) -> None:
    """Draw the size over twelve weeks."""
    _drawn(rule, now)


def is_asked(rule: Rule) -> bool:
    """Whether the size over time of this draft was asked for: the past is slower than the present, so it is not drawn unasked."""
    return bool(st.session_state.get(_ASKED) == rule)


def ask(rule: Rule) -> None:
    """The button that asks for it."""
    st.button("Over time", key="segment.trend.ask", icon=":material/show_chart:", type="tertiary", on_click=_ask, args=(rule,))


def _ask(rule: Rule) -> None:
    st.session_state[_ASKED] = rule


@st.fragment(parallel=True)
def _drawn(rule: Rule, now: int) -> None:
    with states.boundary("This chart", key="segment.trend"):
        at = session.at()
        *earlier, _ = membership.moments(session.settings(), days=DAYS, points=POINTS, at=at)
        with st.container(height="content").skeleton(height=64):
            found = session.cached(
                membership.size_over_time, rule, moments=tuple(earlier), at=at.replace(minute=0), topics=session.OF_PEOPLE
            )
        sizes = [*(each.people for each in found), now]
        days = [words.day(clock.calendar_day(each, session.zone())) for each in (*earlier, at)]
        hover = [f"{day}: {words.count(size, 'person', 'people')}" for day, size in zip(days, sizes, strict=True)]
        figure = charts.area(sizes, hover=hover, height=64)
        charts.draw(figure, key="segment.trend.chart", alt=f"Size over {DAYS} days, now {words.number(now)}")
        st.caption(f"{days[0]} to now")


# -- who came and went --------------------------------------------------------------------------


def draw(of: Segment) -> None:
    """Draw the drawer with who entered and left, while `dialogs.open_(moving.MOVED)` is open."""
    opened = dialogs.given(MOVED)
    if opened is None:
        return
    key = f"{MOVED}.{opened['turn']}"

    @st.dialog(f"Who came and went · {words.escape_md(of.name, 60)}", width=680, position="right", on_dismiss=dialogs.close)
    def body() -> None:
        dialogs.leave_unless_open(MOVED)
        chosen = st.segmented_control(
            "Since",
            list(SPANS),
            key=f"{key}.days",
            default=7,
            format_func=SPANS.__getitem__,
            required=True,
            label_visibility="collapsed",
        )
        with states.boundary("This comparison", key="segment.moved"):
            _compared(of, int(chosen), key)

    body()


def _compared(of: Segment, days: int, key: str) -> None:
    at = session.at()
    start = clock.start_of_day(clock.calendar_day(at, session.zone()) - dt.timedelta(days=days), session.zone())
    found = session.cached(segments.turnover_of, of.id, start=start, end=at, topics=session.OF_PEOPLE)
    st.caption(f"{words.moment(start, session.zone())} → {words.moment(at, session.zone())}")
    for label, people, causes in (("Entered", found.entered, found.came), ("Left", found.left, found.went)):
        st.markdown(f"**{label}** {words.number(len(people))}")
        if causes:
            _causes(causes, f"{key}.{label}.{days}")
    st.caption(f"{words.number(len(found.stayed))} stayed. Who was moved by several changes together stands under each of them.")
    _people(found, f"{key}.{days}")


def _causes(causes: tuple[Cause, ...], key: str) -> None:
    layout.table(
        pa.table(
            {
                "People": pa.array([len(each.people) for each in causes], pa.int64()),
                "Because": pa.array([each.kind for each in causes], pa.string()),
                "Condition": pa.array([each.words or None for each in causes], pa.string()),
            }
        ),
        key=key,
        column_config={
            "People": st.column_config.NumberColumn(width=70, format="localized"),
            "Because": st.column_config.TextColumn(width=150),
            "Condition": st.column_config.TextColumn(),
        },
        alt="Why people came or went, most people first",
        most=6,
    )


def _people(found: Turnover, key: str) -> None:
    """The first of those who moved, each with what happened to them."""
    moved = found.entered | found.left
    if not moved:
        return
    first = _first(moved)
    told = session.cached(segments.evidence, found, first, topics=session.OF_PEOPLE)
    named = _named(first)
    rows = [_line(each, named) for each in told]
    keys = [each.profile_key for each in told]
    config: dict[str, Any] = {
        "User": st.column_config.TextColumn(width=116),
        "": st.column_config.TextColumn(width=62),
        "What happened": st.column_config.TextColumn(width=210),
        "When": st.column_config.TextColumn(width=96),
    }
    table = f"{key}.people"
    layout.table(
        rows,
        key=table,
        column_config=config,
        on_select=lambda: _open(keys, table),
        selection_mode="single-cell",
        alt="Who moved, and what happened to them. A cell opens the user.",
        most=12,
    )
    if len(moved) > len(first):
        st.caption(f"The first {len(first)} of {words.count(len(moved), 'person', 'people')}.")


def _first(moved: People) -> People:
    return type(moved).of(moved.keys()[:MOST_PEOPLE])


def _named(people: People) -> dict[int, str]:
    found = session.cached(profiles.find, within=people, columns=("firstName", "lastName", "userId"), limit=MOST_PEOPLE)
    return {
        row["profile_key"]: words.full_name(row["firstName"], row["lastName"]) or row["userId"] or words.NO_VALUE
        for row in found.to_pylist()
    }


def _line(each: Moved, named: dict[int, str]) -> dict[str, str | None]:
    happened = f"{each.old or words.NO_VALUE} → {each.new or words.NO_VALUE}" if each.kind == "property changed" else each.new
    return {
        "User": named.get(each.profile_key, words.NO_VALUE),
        "": "entered" if each.entered else "left",
        "What happened": ": ".join(part for part in (each.kind, happened) if part),
        "When": _when(each.at),
        "Condition": each.words or None,
    }


def _when(at: datetime | None) -> str | None:
    return words.instant(at, session.zone(), at=session.at()) if at else None


def _open(keys: list[int], table: str) -> None:
    cells = st.session_state[table]["selection"]["cells"]
    if cells:
        dialogs.close()
        nav.go("user", id=keys[cells[0][0]])
