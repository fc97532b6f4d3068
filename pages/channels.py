"""Channels: how they do over time, which are used together, between which people switch, and on which they are reached.

The address carries the view, the question and what was chosen. What is counted does not live here (`user360/insights`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from pages.ui import address, layout, nav, session, states, words
from pages.ui.insights import asking, by_channel, controls, frame, moving, notes, pictures, pinning, reaching, tiles
from pages.ui.insights.picture import Wanted
from user360 import events, insight, insights

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pages.ui.insights.asking import Asked
    from user360.insight import Result

VIEWS: Final = {"time": "Over time", "together": "Used together", "switching": "Switching", "reach": "Reach"}
BEGIN: Final[dict[str, dict[str, Any]]] = {
    "time": {"kind": "channels"},
    "together": {"kind": "overlap"},
    "switching": {"kind": "switching"},
    "reach": {"kind": "reachability"},
}
MEASURES: Final = {"users": "Users", "events": "Events", "sessions": "Sessions"}
TOUCHES: Final = {"any": "on any event", "first": "by first channel", "last": "by last channel"}
FORMS: Final = {"": "Stacked", by_channel.SHARES: "Shares", by_channel.LINES: "Lines"}
LEAST: Final = {
    1: "at least 1 event",
    2: "at least 2 events",
    3: "at least 3 events",
    5: "at least 5 events",
    10: "at least 10 events",
}
HOURS: Final = {0: "any time apart", 1: "within an hour", 24: "within a day", 168: "within a week"}
FORM: Final = "form"
HEIGHT: Final = 330


def page() -> None:
    """The page, top to bottom."""
    view = address.text("view") if address.text("view") in VIEWS else "time"
    with layout.header("Channels"):
        notes.button()
    if not session.cached(events.names, system=False, topics=("events",)):
        _nothing()
        return
    begin = BEGIN[view]
    found = asking.document(begin)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        _views(view)
        if view != "reach":
            controls.period(begin, found)
        rule = controls.people()
    if view != "reach":
        _how(view, begin, found)
    asked = asking.read(begin, rule)
    if asked is not None:
        {"time": _over_time, "together": _together, "switching": _switching, "reach": _reach}[view](asked)
    pinning.draw()
    notes.draw()


def _nothing() -> None:
    states.empty(
        "No events yet",
        "Channels show where people are and between which they switch. Import events, or send them over HTTP.",
        icon="hub",
        action="Import a file",
        on_click=lambda: nav.go("import"),
    )


# -- controls -----------------------------------------------------------------------------------


def _views(view: str) -> None:
    st.session_state["channels.view"] = view
    st.segmented_control(
        "View",
        list(VIEWS),
        key="channels.view",
        format_func=VIEWS.__getitem__,
        required=True,
        label_visibility="collapsed",
        on_change=_to,
    )


def _to() -> None:
    kept = asking.shared(asking.document({"kind": ""}))
    kept = {each: kept[each] for each in ("period", "granularity", "channels") if each in kept}
    view = st.session_state["channels.view"]
    address.put(view=view, **{asking.QUESTION: asking.written({**BEGIN[view], **kept}) if kept else None, asking.CELLS: None})


def _how(view: str, begin: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        if view == "time":
            touched = found.get("touch", "any") != "any"
            if not touched:
                controls.choice(begin, found, "measure", "What", MEASURES, width=120)
            if found.get("measure", "users") == "users":
                controls.choice(begin, found, "touch", "Which channel", TOUCHES, width=165)
            controls.unit(begin, found)
            _form()
        elif view == "together":
            controls.choice(begin, found, "least", "How often", LEAST, width=170)
        else:
            controls.choice(begin, found, "hours", "How far apart", HOURS, width=165)
        controls.channels(begin, found)


def _form() -> None:
    st.session_state["channels.form"] = address.text(FORM) if address.text(FORM) in FORMS else ""
    st.selectbox(
        "Drawn as",
        list(FORMS),
        key="channels.form",
        format_func=FORMS.__getitem__,
        label_visibility="collapsed",
        width=120,
        on_change=lambda: address.put(**{FORM: st.session_state["channels.form"] or None}),
    )


# -- views --------------------------------------------------------------------------------------


def _card(
    asked: Asked,
    key: str,
    title: str,
    *,
    view: str = "",
    height: int = HEIGHT,
    box: bool = False,
    hint: str = " · click to see them",
) -> frame.Framed:
    """One chart in its card."""
    result = asking.result(asked.question)
    of = frame.Framed(f"channels.{key}", title, asked.question, result, asking.whole(asked), view)
    drawn = pictures.draw(asked.question, result, Wanted(view, asking.chosen(asked.question), height))
    with frame.card(of, f"{drawn.quiet}{hint}" if drawn.quiet else "", box=box):
        frame.picture(of, drawn)
    return of


def _beside(asked: Asked, kind: str, **more: Any) -> Asked:
    """Another question of the same people, period and channels."""
    document = {
        "kind": kind,
        **{key: value for key, value in asking.shared(asked.document).items() if key in {"period", "channels"}},
        **more,
    }
    return replace(asked, document=document, question=replace(insights.parse(document), people=asked.question.people))


def _over_time(asked: Asked) -> None:
    view = address.text(FORM) if address.text(FORM) in FORMS else ""
    whole = _beside(asked, "channels", over="period", measure=asked.question.measure, touch=asked.question.touch)  # type: ignore[attr-defined]
    engaged = _beside(asked, "engagement")
    shown: list[frame.Framed] = []
    with states.boundary("This chart", key="channels.time"), st.grid(3, min_column_width=345) as grid:
        with grid.cell(column_span=2):
            shown.append(_card(asked, "time", pictures.title(asked.question), view=view, height=300, box=True))
        with grid.cell():
            shown.append(_card(whole, "whole", "As a whole", height=300, hint=""))
    for each in shown:
        frame.people(each)
    with states.boundary("Engagement", key="channels.engaged"):
        frame.people(_card(engaged, "engaged", "Engagement with messages", height=280))
    _foot(asked, _unfinished(asking.result(asked.question)))


def _together(asked: Asked) -> None:
    question = asked.question
    with states.boundary("This chart", key="channels.together"):
        of = _card(asked, "together", "Which channels people use together")
        earlier = replace(question, period=insight.before(question.period, session.catalog(), session.at()))
        tiles.draw(question, _numbers(of.result, asking.result(earlier)), key="channels.number", compared=True)
        frame.people(of)
        _foot(asked, "of more than 10 channels the smaller ones are one set")


def _numbers(result: Result, earlier: Result) -> list[tiles.Tile]:
    """How many use one channel, two, three or more; and how many channels a person."""
    labels = {1: "Use one channel", 2: "Use two", 3: "Use three or more"}
    now, before = _by_size(result), _by_size(earlier)
    whole, whole_before = now.get(None, 0), before.get(None, 0)
    found = []
    for size, label in labels.items():
        points = (
            round(100 * now.get(size, 0) / whole - 100 * before.get(size, 0) / whole_before, 1)
            if whole and whole_before
            else None
        )
        found.append(
            tiles.Tile(
                label=label,
                told="Of the people on at least one channel; before: in the period before.",
                value=words.share(now.get(size, 0), whole),
                change=None if points is None else f"{points:+.1f} pt" if points else "0.0 pt",
                before=f"before {words.share(before.get(size, 0), whole_before)}",
                line=(),
                cell=asking.written({"combination": None, "channel": None, "size": size}),
                neutral=size < len(labels),
            )
        )
    each, each_before = _per_person(result, whole), _per_person(earlier, whole_before)
    found.append(
        tiles.Tile(
            label="Channels per person",
            told="The channels each person uses, on average; before: in the period before.",
            value=words.NO_VALUE if each is None else f"{each:.2f}",
            change=None if each is None or each_before is None else f"{each - each_before:+.2f}",
            before="before " + (words.NO_VALUE if each_before is None else f"{each_before:.2f}"),
            line=(),
            cell=asking.written({"combination": None, "channel": None, "size": None}),
        )
    )
    return found


def _by_size(result: Result) -> dict[int | None, int]:
    return {
        row["size"]: row["users"] for row in result.table.to_pylist() if row["combination"] is None and row["channel"] is None
    }


def _per_person(result: Result, whole: int) -> float | None:
    return sum(row["users"] for row in result.table.to_pylist() if row["channel"] is not None) / whole if whole else None


def _switching(asked: Asked) -> None:
    with states.boundary("This chart", key="channels.switching"):
        of = _card(asked, "switching", "From channel to next channel")
        frame.people(of)
        moving.table(of.key, asked.question, of.result)
        _foot(asked)


def _reach(asked: Asked) -> None:
    shown: list[frame.Framed] = []
    with states.boundary("This chart", key="channels.reach"):
        shown.append(_card(asked, "reach", "Whom a message reaches", view=reaching.STEPS, height=230))
        frame.people(shown[0])
        reaching.table("channels.steps", asked.question, shown[0].result)
        again = frame.Framed(
            "channels.ways",
            "By which channels people are reached",
            asked.question,
            shown[0].result,
            asking.whole(asked),
            reaching.TOGETHER,
        )
        drawn = pictures.draw(asked.question, again.result, Wanted(reaching.TOGETHER, asking.chosen(asked.question)))
        with frame.card(again, f"{drawn.quiet} · click a column to see them" if drawn.quiet else ""):
            frame.picture(again, drawn)
            st.markdown(words.escape_md(reaching.fewest(shown[0].result), 300))
        layout.footnote(words.escape_md(asked.question.definition.rstrip("."), 400), "as known now")


def _unfinished(result: Result) -> str:
    return "the last period is unfinished (hatched)" if any(not each.over for each in result.buckets) else ""


def _foot(asked: Asked, *parts: str) -> None:
    told = [words.escape_md(asked.question.definition.rstrip("."), 400), controls.said(asked.question.period)]
    layout.footnote(*told, *(each for each in parts if each))


page()
