"""The conditions of a rule as one person meets them: truth, value, window, where it came from.

Everything told of a person is their data, so everything is escaped. How far off they are does not
live here (`drawer`).
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from pages.ui import controls, session, timeline, words
from user360 import clock, datatypes
from user360.segments.rules import (
    EventMoment,
    EventRegularity,
    EventValue,
    Group,
    PropertyCondition,
    Rank,
    SegmentCondition,
    Sequence,
    events_of,
)

if TYPE_CHECKING:
    from collections.abc import Collection

    from user360.datatype import DataType
    from user360.segments import Node, Part
    from user360.segments.facts import Edge, Facts, Happened

INDENT: Final = 24
MOST_TOLD: Final = 3
_SIGNS: Final = {
    "true": ":green[:material/check_circle:]",
    "false": ":red[:material/cancel:]",
    "unknown": ":orange[:material/help:]",
}
_HEADS: Final = {
    "all": ("**All** of these must hold", "do", "does"),
    "any": ("**Any** of these must hold", "do", "does"),
    "none": ("**None** of these may hold", "do", "does"),
}
_BEGINNINGS: Final = {"whose ": "", "who ": "", "in the ": "is in the "}


def draw(part: Part, key: str, missing: Collection[str]) -> None:
    """A group in its own border, with all below it. `missing` are the paths of what would have to change."""
    assert isinstance(part.node, Group)  # noqa: S101 - a rule is a group
    with st.container(border=True, gap="xsmall"):
        sign = _SIGNS["true" if part.holds else "false"]
        if not part.parts:
            st.markdown(f"{sign} Everyone")
            return
        head, many, one = _HEADS[part.node.match]
        count = sum(each.holds for each in part.parts)
        st.markdown(f"{sign} {head} · {count} of {len(part.parts)} {one if count == 1 else many}")
        for each in part.parts:
            if isinstance(each.node, Group) and not _is_plain_not(each):
                draw(each, key, missing)
            else:
                _row(each, key, missing)


def text(part: Part, depth: int = 0) -> str:
    """The same as plain text, for a message to somebody."""
    sign = {"true": "yes", "false": "no", "unknown": "unknown"}[part.truth]
    if isinstance(part.node, Group):
        line = f"{part.node.match} of these" if part.parts else "everyone"
    else:
        line = f"{bare(part.words)} ({_plain_value(part)})" if _plain_value(part) else bare(part.words)
    return "\n".join([f"{'  ' * depth}[{sign}] {line}", *(text(each, depth + 1) for each in part.parts)])


def _row(part: Part, key: str, missing: Collection[str]) -> None:
    """One condition; of none of one condition that one, turned."""
    asked = part.parts[0] if _is_plain_not(part) else part
    with st.container(gap=None):
        with st.container(horizontal=True, wrap=False, gap="small"):
            with st.container():
                st.markdown(f"{_SIGNS[_truth(part, asked)]} {_bold(asked, turned=asked is not part)}")
            st.markdown(_value(asked), width="content")
        notes = _notes(asked, holds=part.holds)
        opened = bool(asked.parts) and not any(each.startswith(asked.path) for each in missing)
        if notes or asked.facts.events or opened:
            with st.container(horizontal=True, wrap=False, gap=None, vertical_alignment="center"):
                st.space(INDENT)
                if notes:
                    with st.container():
                        st.caption(" · ".join(notes))
                if asked.facts.events:
                    _events(asked, key)
                if opened:
                    with st.popover("Its rule", type="tertiary", key=f"{key}.rule.{asked.path}"):
                        draw(asked.parts[0], f"{key}.rule", missing)
    if not opened:
        for each in asked.parts:
            draw(each, key, missing)


def _is_plain_not(part: Part) -> bool:
    """None of one condition, which reads better as that condition turned."""
    return (
        isinstance(part.node, Group)
        and part.node.match == "none"
        and len(part.parts) == 1
        and not isinstance(part.parts[0].node, Group)
    )


def _truth(part: Part, asked: Part) -> str:
    return "unknown" if asked.facts.unknown else "true" if part.holds else "false"


# -- the words ----------------------------------------------------------------------------------


def bare(phrase: str) -> str:
    """A condition without the words that make a sentence of it: `country is “DE”`."""
    for begins, instead in _BEGINNINGS.items():
        if phrase.startswith(begins):
            return instead + phrase.removeprefix(begins)
    return phrase


def _bold(part: Part, *, turned: bool) -> str:
    """The condition in Markdown, what it speaks of in bold."""
    said, subject = _turned(bare(part.words)) if turned else bare(part.words), _subject(part.node)
    before, found, after = said.partition(subject)
    if not subject or not found:
        return words.escape_md(said, 600)
    name = subject.strip("“”")
    return f"{_escaped(before)}**{words.escape_md(name)}**{_escaped(after)}"


def _turned(said: str) -> str:
    return f"is not in the {said.removeprefix('is in the ')}" if said.startswith("is in the ") else f"not: {said}"


def _escaped(text: str) -> str:
    """Escaped with the blanks at its ends, which stand beside bold words."""
    inner = words.escape_md(text, 600)
    return f"{' ' if text[:1] == ' ' else ''}{inner}{' ' if text[-1:] == ' ' and inner else ''}"


def _subject(node: Node) -> str:
    match node:
        case PropertyCondition(property=asked) | Rank(property=str(asked)):
            return asked
        case SegmentCondition():
            return f"“{session.catalog().segments[node.segment].name}”"
        case EventValue(measure=measure):
            return measure.property
    named = [each.event for each in events_of(node) if each.event is not None]
    return f"“{named[0]}”" if named else "any event"


# -- the value ----------------------------------------------------------------------------------


def _value(part: Part) -> str:
    """What the condition saw, at the right end of its row, in Markdown."""
    if part.facts.unknown:
        return ":orange[no value]"
    return _figure(part) or words.escape_md(_plain_value(part), 80)


def _figure(part: Part) -> str:
    facts, node = part.facts, part.node
    if facts.found is None or isinstance(node, EventMoment | EventValue | Rank):
        return ""
    unit = {EventRegularity: " units", Sequence: " steps"}.get(type(node), "")
    if isinstance(node, EventRegularity):
        unit = f" {node.unit}s"
    count = f"**{words.number(facts.found)}**"
    match facts.least, facts.most:
        case None, None:
            return ""
        case least, None:
            return f"{count} of {words.number(least or 0)}{unit} needed"
        case None, most:
            return f"{count}, at most {words.number(most or 0)}"
        case least, most if least == most:
            return f"{count}, exactly {words.number(least or 0)} needed"
    return f"{count}, {words.number(facts.least or 0)} to {words.number(facts.most or 0)} needed"


def _plain_value(part: Part) -> str:
    facts, node = part.facts, part.node
    if isinstance(node, SegmentCondition):
        return "in it" if part.holds else "not in it"
    if isinstance(node, PropertyCondition | EventValue | EventMoment | Rank):
        return controls.shown(facts.value, _datatype(node), session.zone()) if facts.value is not None else "no value"
    if facts.found is None or (facts.least is None and facts.most is None):
        return ""
    return _figure(part).replace("*", "")


def _datatype(node: Node) -> DataType:
    match node:
        case PropertyCondition(property=asked) | Rank(property=str(asked)):
            return session.catalog().properties[asked].datatype
        case EventMoment():
            return datatypes.get("datetime")
    return datatypes.get("number")


# -- below it -----------------------------------------------------------------------------------


def _notes(part: Part, *, holds: bool) -> list[str]:
    """The window, what an unknown value counts as, and who wrote the value; Markdown."""
    facts = part.facts
    notes = [_window(facts.window)] if facts.window else []
    if facts.unknown:
        left_out = getattr(part.node, "leave_out", False)
        why = "People with no value are left out, so this" if left_out else "No value"
        notes.append(f"{why} counts as {'yes' if holds else 'no'}")
    elif facts.origin is not None:
        notes.append(_origin(part))
    told = facts.events[:MOST_TOLD]
    if told:
        notes.append(", ".join(_on(each.at) for each in told) + (" …" if (facts.found or 0) > len(told) else ""))
    return notes


def _origin(part: Part) -> str:
    origin = part.facts.origin
    assert origin is not None  # noqa: S101 - asked where there is one
    source = words.escape_md(" · ".join(each for each in (origin.by, origin.source) if each), 120)
    when = _when(origin.at)
    if isinstance(part.node, SegmentCondition):
        return f"Put on the list on {when} from {source}" if part.holds else f"Was put on the list on {when}"
    return f"Since the user was made on {when} by {source}" if origin.created else f"Set on {when} by {source}"


def _window(window: tuple[Edge, Edge]) -> str:
    first, last = (_edge(each) for each in window)
    return f"{first} → {last}" if first and last else f"since {first}" if first else f"until {last}" if last else "all time"


def _edge(edge: Edge) -> str:
    if edge is None:
        return ""
    return _when(edge) if isinstance(edge, datetime) else words.day(edge, this_year=session.at().year)


def _when(at: datetime) -> str:
    return words.instant(clock.aware(at), session.zone(), at=session.at())


def _on(at: datetime) -> str:
    return words.day(clock.calendar_day(at, session.zone()), this_year=session.at().year)


def _events(part: Part, key: str) -> None:
    """The events themselves, a click away."""
    facts = part.facts
    with st.popover(words.count(facts.found or len(facts.events), "event"), type="tertiary", key=f"{key}.events.{part.path}"):
        for each in facts.events:
            st.markdown(_event(each))
        if (facts.found or 0) > len(facts.events):
            st.caption(f"The {_first(facts)} {len(facts.events)} of {words.number(facts.found or 0)}.")


def _first(facts: Facts) -> str:
    return "first" if facts.events[0].at <= facts.events[-1].at else "newest"


def _event(each: Happened) -> str:
    document: Any = json.loads(each.properties) if each.properties else {}
    detail = timeline.detail(document) if isinstance(document, dict) else ""
    parts = [_when(each.at), f"**{words.escape_md(each.event, 80)}**"]
    parts += [words.escape_md(words.channel(each.channel))] if each.channel else []
    return " · ".join(parts) + (f" :gray[{words.escape_md(detail, 160)}]" if detail else "")
