"""From a mark of a chart to the rule of people like those behind it: its time, its event, its channel, its group.

Only what insights share stands here; which marks a kind has does not (`insights`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from user360 import insight
from user360.insight import NONE, OTHER, VALUE
from user360.segments.rules import AT_LEAST_ONCE, During, EventCondition, Events, Group, PropertyCondition, Times

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from user360.insight import Asked, Insight
    from user360.segments import Node, Rule


def window(question: Insight, cell: Mapping[str, Any], asked: Asked, *, moving: bool) -> During:
    """The time of a mark: its place on the axis or the whole period; moving, a stretch as long that ends now."""
    start, end = insight.span(question.period, asked.catalog, asked.at)
    amount, unit = question.period.last or max((end - start).days, 1), question.period.unit if question.period.last else "day"
    if "time" in cell:
        place = next((each for each in insight.buckets(question, asked) if each.name == cell["time"]), None)
        amount, unit = 1, question.granularity
        start, end = (place.start, place.end) if place is not None else (start, end)
    if moving:
        return During("last", (amount, unit))
    return During("between", (start.isoformat(timespec="seconds"), end.isoformat(timespec="seconds")))


def rule(question: Insight, cell: Mapping[str, Any], asked: Asked, conditions: Sequence[Node]) -> Rule | None:
    """These conditions, those of the question's people and of the mark's group; None where no condition says that."""
    group = _of_group(question, cell, asked)
    if group is None:
        return None
    people = (question.people,) if question.people is not None and question.people.conditions else ()
    return Group("all", (*people, *conditions, *group))


def _of_group(question: Insight, cell: Mapping[str, Any], asked: Asked) -> tuple[Node, ...] | None:
    """The condition of a group of people; none where the group is one of events, None where no condition says it."""
    broken, value = question.breakdown, cell.get("breakdown")
    if broken is None or broken.by != "property" or value is None:
        return ()
    if value == NONE:
        return (PropertyCondition(broken.name, "is_not_known"),)
    datatype = asked.catalog.properties[broken.name].datatype.name
    if value == OTHER:
        if datatype in {"list", "datetime", "time"} or not asked.groups:
            return None
        said_of = [each.removeprefix(VALUE) for each in asked.groups]
        others = tuple(float(each) for each in said_of) if datatype == "number" else tuple(said_of)
        return (PropertyCondition(broken.name, "is_not", others, leave_out=True),)
    said = value.removeprefix(VALUE)
    match datatype:
        case "list":
            return (PropertyCondition(broken.name, "contains_any", (said,)),)
        case "boolean":
            return (PropertyCondition(broken.name, "is_true" if said == "true" else "is_false"),)
        case "number":
            return (PropertyCondition(broken.name, "is", (float(said),)),)
        case "datetime" | "time":
            return None
    return (PropertyCondition(broken.name, "is", (said,)),)


def happened(
    question: Insight, of: Events, cell: Mapping[str, Any], during: During | None = None, groups: tuple[str, ...] = ()
) -> EventCondition:
    """That such an event happened then or ever, on the channels of the question and in the group of the mark.

    Other are those of known groups that are none of `groups`.
    """
    conditions: list[Node] = [of.where] if of.where is not None else []
    if question.channels:
        conditions.append(PropertyCondition("channel", "is", question.channels))
    broken, value = question.breakdown, cell.get("breakdown")
    if broken is not None and broken.by != "property" and value is not None:
        named = "channel" if broken.by == "channel" else broken.name
        conditions.append(of_events(named, value, groups))
    return EventCondition(Events(of.event, Group("all", tuple(conditions)) if conditions else None, during))


def of_events(named: str, value: str, groups: tuple[str, ...]) -> PropertyCondition:
    """That an event is in a group: of that channel, or with that value of a property."""
    if value == NONE:
        return PropertyCondition(named, "is_not_known")
    if value == OTHER:
        return PropertyCondition(named, "is_not", tuple(each.removeprefix(VALUE) for each in groups), leave_out=True)
    return PropertyCondition(named, "is", (value.removeprefix(VALUE),))


def often(of: Events, least: int) -> EventCondition:
    """That such events happened at least so often."""
    return EventCondition(of, AT_LEAST_ONCE if least == 1 else Times("at_least", (least,)))
