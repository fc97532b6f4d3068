"""The question of a page: its JSON in the address (`q`), its people as the filter chips (`rule`), what was chosen (`cells`).

So a link shows the same and Back goes back. A question somebody edited into nonsense is refused on the page, with a way to
begin again. What a question means does not live here (`user360/insights`).
"""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from pages.ui import address, session, states
from user360 import insights, segments
from user360.errors import User360Error
from user360.people import NOBODY
from user360.segments.rules import Group, SegmentCondition

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from user360.insight import Insight, Result
    from user360.people import People
    from user360.segments import Rule

QUESTION: Final = "q"
CELLS: Final = "cells"
MOST_CELLS: Final = 400
_SEGMENT: Final = "of segment"  # the key of a cell whose mark is of a segment's people; no column is called so
TOPICS: Final = ("profiles", "events", "properties", "segments", "workspace")


@dataclass(frozen=True, slots=True)
class Asked:
    """The document of the address, and the question it is, of the people the chips say."""

    document: dict[str, Any]
    question: Insight


def document(begin: Mapping[str, Any]) -> dict[str, Any]:
    """The question's JSON as the address has it; what the page begins with where it has none that can be read."""
    try:
        return _given(begin)
    except User360Error:
        return dict(begin)


def read(begin: Mapping[str, Any], people: Rule | None) -> Asked | None:
    """The question of the address; None where it is none, which is then told on the page."""
    try:
        found = _given(begin)
        question = replace(insights.parse(found), people=people)
        question.check(session.catalog())
    except User360Error as refusal:
        states.refused(refusal)
        st.button(
            "Begin again", key="insight.again", icon=":material/restart_alt:", on_click=address.put, kwargs={QUESTION: None}
        )
        return None
    return Asked(found, question)


def _given(begin: Mapping[str, Any]) -> dict[str, Any]:
    """What the address has, which can be read; of another kind only what every kind has is taken over."""
    text = address.text(QUESTION)
    if not text:
        return dict(begin)
    question = insights.parse(text)
    found: dict[str, Any] = json.loads(text)
    return found if question.kind == begin["kind"] else {**begin, **shared(found)}


def given() -> dict[str, Any]:
    """What the address asks, of whatever kind; nothing where it cannot be read."""
    try:
        insights.parse(address.text(QUESTION))
    except User360Error:
        return {}
    return dict(json.loads(address.text(QUESTION)))


def shared(found: Mapping[str, Any]) -> dict[str, Any]:
    """What of a question every kind has: kept when another view of the subject is chosen."""
    return {each: found[each] for each in ("period", "granularity", "channels", "breakdown") if each in found}


def put(found: Mapping[str, Any]) -> None:
    """Ask this from now on; what was chosen in the chart before is let go."""
    address.put(**{QUESTION: written(found), CELLS: None})


def change(begin: Mapping[str, Any], **values: Any) -> None:
    """Change parts of the question; None takes one out."""
    found = {**document(begin), **values}
    put({key: value for key, value in found.items() if value is not None})


def written(found: Any) -> str:
    """JSON as it stands in an address."""
    return json.dumps(found, ensure_ascii=False, separators=(",", ":"))


def result(question: Insight) -> Result:
    """The answer, kept as long as nothing changes."""
    return session.cached(insights.run, question, at=session.at(), topics=TOPICS)


def whole(asked: Asked, **more: Any) -> dict[str, Any]:
    """The question's JSON with its people, as a board keeps it."""
    people = asked.question.people
    return {**asked.document, **more, **({"people": segments.dump(people)} if people is not None else {})}


# -- what was chosen ----------------------------------------------------------------------------


def chosen(question: Insight) -> tuple[str, ...]:
    """The cells chosen in a chart of this question, as text; of another question none."""
    try:
        kept = json.loads(address.text(CELLS) or "{}")
        cells = kept["cells"] if kept.get("of") == _mark(question) else []
        return tuple(each for each in cells if isinstance(each, str))[:MOST_CELLS]
    except (ValueError, TypeError, KeyError, AttributeError):
        return ()


def choose(question: Insight, cells: list[str]) -> None:
    """Choose these cells, or none."""
    unique = list(dict.fromkeys(cells))[:MOST_CELLS]
    address.put(**{CELLS: written({"of": _mark(question), "cells": unique}) if unique else None})


def picked(question: Insight, key: str, only: Callable[[str], bool] = bool) -> None:
    """For `on_select` of a plotly chart: choose the cells that were clicked, boxed or lassoed."""
    points = st.session_state[key]["selection"]["points"]
    cells = [each["customdata"] for each in points if isinstance(each.get("customdata"), str) and only(each["customdata"])]
    if cells:
        choose(question, cells)


def cell(text: str) -> dict[str, Any] | None:
    """A cell from its text, or None where it is none."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    plain = isinstance(found, dict) and all(isinstance(each, str | int | float | None) for each in found.values())
    return found if plain else None


def among(question: Insight, segment_id: str) -> Insight:
    """The same question of the people of a segment."""
    return replace(question, people=Group("all", (SegmentCondition(segment_id),)))


def of_segment(text: str, segment_id: str) -> str:
    """A cell of the same question of the people of a segment."""
    return written({**(cell(text) or {}), _SEGMENT: segment_id})


def segment_of(text: str) -> str:
    """The segment whose people a chosen cell is of; nothing where it is of the question's own."""
    return str((cell(text) or {}).get(_SEGMENT, ""))


def meant(question: Insight, text: str) -> tuple[Insight, dict[str, Any]] | None:
    """The question a chosen cell is of, this one or the same of a segment, and the cell; None where the text is none."""
    found = cell(text)
    if found is None:
        return None
    plain = {key: value for key, value in found.items() if key != _SEGMENT}
    return (among(question, segment_of(text)) if plain != found else question), plain


def people(question: Insight, cells: tuple[str, ...]) -> People:
    """Everyone behind the cells, each once."""
    found: People | None = None
    for each in cells:
        of = meant(question, each)
        if of is not None:
            one = session.cached(_who, of[0], written(of[1]), at=session.at(), topics=TOPICS)
            found = one if found is None else found | one
    return found if found is not None else NOBODY


def _who(store: Any, question: Insight, text: str, *, at: Any) -> People:
    return insights.who(store, question, json.loads(text), at=at)


def _mark(question: Insight) -> str:
    """What tells one question from another, short enough for an address."""
    return f"{zlib.crc32(repr(question).encode()):08x}"


def clear() -> None:
    """Close the panel."""
    address.put(**{CELLS: None})
