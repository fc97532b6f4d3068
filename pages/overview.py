"""Overview: how many there are, who is active, on which channels, whom a message reaches, what happens most.

The address carries the period, the people, the channels and what was chosen. Each card asks its own question with
what all of them share. What is counted does not live here (`user360/insights`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from pages.ui import address, layout, nav, session, states, words
from pages.ui.insights import asking, beside, controls, frame, notes, pictures, pinning, tiles, top
from pages.ui.insights.picture import Wanted
from user360 import events, insight, insights, profiles

if TYPE_CHECKING:
    from streamlit.elements.lib.grid_container import GridContainer

    from pages.ui.insights.asking import Asked
    from user360.segments import Rule

BEGIN: Final = {"kind": "overview"}
OFF: Final = "off"
CHART, MIX, REACH = 270, 270, 202


def page() -> None:
    """The page, top to bottom."""
    if not session.cached(profiles.count, topics=("profiles",)):
        _nobody()
        return
    with layout.header("Overview"):
        actions = st.container(horizontal=True, width="content", gap="small")
    rule = _controls()
    asked = asking.read(BEGIN, rule)
    if asked is not None:
        with actions:
            notes.button()
            pinning.button("overview.pin", "Overview", asking.whole(asked))
        _figures(asked)
        _cards(asked)
        _foot(asked)
    pinning.draw()
    notes.draw()


def _nobody() -> None:
    with layout.header("Overview"):
        pass
    states.empty(
        "No users yet",
        "The overview shows how many there are and what they do. Import users or events, or send them over HTTP.",
        icon="space_dashboard",
        action="Import a file",
        on_click=lambda: nav.go("import"),
    )


def _controls() -> Rule | None:
    found = asking.document(BEGIN)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        controls.period(BEGIN, found)
        rule = controls.people()
        controls.channels(BEGIN, found)
        st.session_state["overview.compare"] = _compared()
        st.toggle("Compare with the period before", key="overview.compare", on_change=_compare)
    return rule


def _compared() -> bool:
    return address.text(beside.COMPARE) != OFF


def _compare() -> None:
    address.put(**{beside.COMPARE: None if st.session_state["overview.compare"] else OFF})


# -- figures ------------------------------------------------------------------------------------


def _figures(asked: Asked) -> None:
    question = asked.question
    with states.boundary("The figures", key="overview.tiles"):
        result = asking.result(question)
        of = frame.Framed("overview.tiles", "Overview", question, result, asking.whole(asked))
        _, end = insight.span(question.period, session.catalog(), session.at())
        tiles.draw(question, tiles.read(result, today=end > session.at()), key="overview.tile", compared=_compared())
        frame.people(of)


# -- cards --------------------------------------------------------------------------------------


def _cards(asked: Asked) -> None:
    if not session.cached(events.names, system=False, topics=("events",)):
        _reach(asked)
        states.nothing_to_show("Channels and events stand here once the first event has come.")
        return
    with st.grid(3, min_column_width=300) as grid:
        with grid.cell(column_span=2):
            by_channel = _card(asked, "channels", "Active users by channel", "a person counts once per channel and bar", CHART)
        with grid.cell():
            whole = _card(asked, "channels", "Channel mix", "share of active people", MIX, over="period")
        _behind(grid, by_channel, whole)
        with grid.cell():
            reached = _reach(asked)
        with grid.cell(column_span=2):
            most = _top(asked)
        _behind(grid, reached, most)


def _behind(grid: GridContainer, *cards: frame.Framed | None) -> None:
    """The people behind what was chosen in one of these cards, in a row of their own right under them."""
    for each in cards:
        if each is not None and asking.chosen(each.question):
            with grid.cell(column_span=3):
                frame.people(each)


def _asked(asked: Asked, kind: str, **more: Any) -> Asked:
    """The question of a card, with what all share."""
    document = {"kind": kind, **asking.shared(asked.document), **more}
    return replace(asked, document=document, question=replace(insights.parse(document), people=asked.question.people))


def _card(asked: Asked, kind: str, title: str, quiet: str, height: int, view: str = "", **more: Any) -> frame.Framed | None:
    own = _asked(asked, kind, **more)
    key = "overview." + ".".join((kind, *map(str, more.values())))
    of: frame.Framed | None = None
    with states.boundary("This chart", key=key):
        result = asking.result(own.question)
        of = frame.Framed(key, title, own.question, result, asking.whole(own), view)
        with frame.card(of, quiet):
            frame.picture(of, pictures.draw(own.question, result, Wanted(view, asking.chosen(own.question), height)))
    return of


def _reach(asked: Asked) -> frame.Framed | None:
    of = replace(
        asked, document={each: value for each, value in asked.document.items() if each not in {"channels", "granularity"}}
    )
    return _card(of, "reachability", "Reach by opt-in", "% of all people", REACH)


def _top(asked: Asked) -> frame.Framed | None:
    own = _asked(asked, "top_events")
    of: frame.Framed | None = None
    with states.boundary("This table", key="overview.top"):
        of = frame.Framed("overview.top", "Top events", own.question, asking.result(own.question), asking.whole(own))
        with frame.card(of, controls.said(own.question.period)):
            top.table(of.key, own.question, of.result)
    return of


def _foot(asked: Asked) -> None:
    parts = ["active = at least one event that is not a system event", controls.said(asked.question.period)]
    if insight.span(asked.question.period, session.catalog(), session.at())[1] > session.at():
        parts.append("the last period is unfinished (hatched) and not in the lines")
    layout.footnote(*(words.escape_md(each) for each in parts))


page()
