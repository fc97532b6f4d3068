"""A rule as one exact English sentence, which can be read back.

Each part of a rule has one way to be said, so that two sentences are equal where two rules are. In
square brackets stand notes that follow from the rest: the instants a window comes to, and what an
unknown value means. How a sentence is read does not live here (`sentences`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

from user360 import clock, datatypes, operators
from user360.errors import InvalidRule
from user360.segments import predicates, values, windows
from user360.segments.checking import check, datatype_of, of_event
from user360.segments.rules import (
    During,
    EventCondition,
    EventMoment,
    EventOccasion,
    EventRegularity,
    EventValue,
    Group,
    PropertyCondition,
    Rank,
    SegmentCondition,
    Sequence,
)

if TYPE_CHECKING:
    from user360.datatype import DataType
    from user360.operators import Operator
    from user360.segments.catalog import Catalog
    from user360.segments.rules import Events, Function, Held, Measure, Node, Rule, Scalar, Times
    from user360.segments.windows import Span

MOST_SHOWN: Final = 5
EVERYONE: Final = "Everyone."
JOINTS: Final = {"all": " and ", "any": " or ", "none": " or "}
MEASURES: Final[dict[Function, str]] = {
    "sum": "sum",
    "average": "average",
    "min": "least",
    "max": "greatest",
    "distinct": "number of distinct",
}
_CLAUSES: Final = {"whose ": "", "who did": "they did", "in the ": "they are in the "}
PLAIN_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
RESERVED: Final = frozenset({"all", "any", "none", "where", "whose", "who", "as", "the", "and", "or", "not"})


@dataclass(frozen=True, slots=True)
class _Manner:
    """`at` is the instant notes are made for; without it there are none and nothing is cut short."""

    catalog: Catalog
    at: datetime | None


def describe(rule: Rule, catalog: Catalog, *, at: datetime) -> str:
    """The sentence with its notes; of many values the first few."""
    return _sentence(check(rule, catalog), _Manner(catalog, at))


def write(rule: Rule, catalog: Catalog) -> str:
    """The sentence whole and without notes: `sentences.read` makes the same rule of it."""
    return _sentence(check(rule, catalog), _Manner(catalog, None))


def phrase(node: Node, catalog: Catalog, *, at: datetime | None = None) -> str:
    """One condition of a checked rule, as it stands in its sentence; without an instant whole and without notes."""
    return _node(node, _Manner(catalog, at))


def clause(node: Node, catalog: Catalog, *, holds: bool = True) -> str:
    """The same as a clause of its own, or what would stand where it does not hold: `country is not “DE”`."""
    turned = node if holds else _complement(node, catalog)
    said = phrase(turned or node, catalog)
    for begins, instead in _CLAUSES.items():
        if said.startswith(begins):
            said = instead + said.removeprefix(begins)
            break
    return said if turned is not None else f"it no longer holds that {said}"


def which_events(of: Events, catalog: Catalog, *, during: bool = True) -> str:
    """Such events, with or without the time that counts."""
    return _events(of if during else replace(of, during=None), _Manner(catalog, None))


def of_instant(at: datetime, catalog: Catalog) -> str:
    """`28 Nov 2026, 21:04` in the workspace's zone."""
    return _edge(clock.stored(at), catalog)


def _complement(node: Node, catalog: Catalog) -> Node | None:
    """The condition that holds where this one does not, if one operator says it."""
    match node:
        case PropertyCondition(held=None):
            families = datatype_of(node, catalog, of_event=False).families
        case EventValue():
            families = datatypes.get("number").families
        case EventMoment():
            families = datatypes.get("datetime").families
        case _:
            return None
    other = operators.get(node.operator, families).complement
    return replace(node, operator=other, leave_out=False) if other and not node.leave_out else None


def _sentence(rule: Rule, manner: _Manner) -> str:
    if not rule.conditions:
        return EVERYONE
    only = rule.conditions[0]
    if rule.match == "all" and len(rule.conditions) == 1 and not isinstance(only, Group):
        return f"People {_node(only, manner)}."
    said = _group(rule, manner)
    return f"People {said[1:-1] if said.startswith('(') else said}."


def _group(group: Group, manner: _Manner) -> str:
    parts = [_node(each, manner) for each in group.conditions]
    return _grouped(group, parts)


def _grouped(group: Group, parts: list[str]) -> str:
    said = JOINTS[group.match].join(parts)
    return f"({said})" if len(parts) > 1 and group.match != "none" else f"{group.match} of ({said})"


def _node(node: Node, manner: _Manner) -> str:  # noqa: C901 - a case per kind of node
    match node:
        case Group():
            return _group(node, manner)
        case PropertyCondition():
            return f"whose {_property(node, manner)}"
        case EventCondition():
            return _happened(node, manner)
        case EventValue():
            said = _asked(node, datatypes.get("number"), manner)
            return f"whose {_figure(node.measure, node.of, manner)} {said}"
        case EventMoment():
            said = _asked(node, datatypes.get("datetime"), manner)
            return f"whose {node.occurrence} {_events(node.of, manner)} {said}"
        case EventOccasion():
            return f"whose {node.occurrence} {_events(node.of, manner)} has {_where(node.having, manner)}"
        case EventRegularity():
            span = f"on at least {node.periods} of the last {amount_of(node.span, node.unit)}"
            return f"who did {_events(node.of, manner)} {span}"
        case Sequence():
            return _sequence(node, manner)
        case SegmentCondition():
            return f"in the segment {_quoted(manner.catalog.segments[node.segment].name)}"
        case Rank():
            return _rank(node, manner)


# -- conditions ---------------------------------------------------------------------------------


def _property(node: PropertyCondition, manner: _Manner) -> str:
    held = node.held
    if held is not None and held.kind == "changed_in_the_last":
        return f"{node.property} changed in the last {amount_of(held.amount, held.unit)}"
    said = _asked(node, datatype_of(node, manner.catalog, of_event=False), manner)
    return f"{node.property} {said}{_held(held)}"


def _held(held: Held | None) -> str:
    if held is None:
        return ""
    return ", held at any time so far" if held.kind == "ever" else f", held for {amount_of(held.amount, held.unit)}"


def _happened(node: EventCondition, manner: _Manner) -> str:
    if (node.times.operator, node.times.values) == ("exactly", (0,)):
        return f"who did not do {_events(node.of, manner)}"
    return f"who did {_events(node.of, manner, _times(node.times))}"


def _times(times: Times) -> str:
    least, *most = times.values
    match times.operator:
        case "at_least" if least == 1:
            return ""
        case "at_most":
            return f"at most {_so_often(least)}, or never"
        case "between":
            return f"between {least} and {_so_often(most[0])}"
    return f"{times.operator.replace('_', ' ')} {_so_often(least)}"


def _so_often(count: int) -> str:
    return f"{count} time{'' if count == 1 else 's'}"


def _events(of: Events, manner: _Manner, times: str = "") -> str:
    parts = [_quoted(of.event) if of.event is not None else "any event"]
    if of.where is not None:
        parts.append(f"where {_where(of.where, manner)}")
    parts += [times, _during(of.during, manner)]
    return " ".join(each for each in parts if each)


def _where(group: Group, manner: _Manner) -> str:
    parts = [_own(each, manner) for each in group.conditions]
    alone = len(parts) == 1 and group.match == "all" and not isinstance(group.conditions[0], Group)
    return parts[0] if alone else _grouped(group, parts)


def _own(node: Node, manner: _Manner) -> str:
    """Conditions on an event's own properties; a type is said where it does not follow from the rest."""
    if isinstance(node, Group):
        return _grouped(node, [_own(each, manner) for each in node.conditions])
    assert isinstance(node, PropertyCondition)  # noqa: S101 - as it was checked
    typed = "" if _follows(node, manner.catalog) else f" as {node.type}"
    own = _name(node.property)
    # After the values of the condition before, a name in quotes would be one value more.
    said = f"property {own}" if own.startswith("“") else own
    return f"{said}{typed} {_asked(node, datatype_of(node, manner.catalog, of_event=True), manner)}"


def _follows(node: PropertyCondition, catalog: Catalog) -> bool:
    """Whether the condition would be taken for the same without its type."""
    try:
        return of_event(replace(node, type=None), catalog) == node
    except InvalidRule:
        return False


def _during(during: During | None, manner: _Manner) -> str:
    if during is None:
        return ""
    first, *rest = during.values
    match during.kind:
        case "last":
            said = f"in the last {amount_of(int(first), str(rest[0]))}"
        case "calendar":
            said = str(first).replace("_", " ")
        case "between":
            said = f"from {first} to {rest[0]}"
        case _:
            said = f"{during.kind} {first}"
    if manner.at is None:
        return said
    return f"{said}{_note(_span(windows.during(during, manner.at, manner.catalog), manner))}"


def _figure(measure: Measure | None, of: Events, manner: _Manner) -> str:
    if measure is None:
        return f"number of {_events(of, manner)}"
    return f"{MEASURES[measure.function]} {_name(measure.property)} over {_events(of, manner)}"


def _sequence(node: Sequence, manner: _Manner) -> str:
    steps = ", then ".join(_events(each, manner) for each in node.steps)
    within = f", all within {amount_of(*node.within)}" if node.within else ""
    during = f", all {_during(node.during, manner)}" if node.during else ""
    return f"who did {steps}{within}{during}"


def _rank(node: Rank, manner: _Manner) -> str:
    room = f"{node.percent:.15g}%" if node.percent is not None else str(node.count)
    by = node.property if node.of is None else f"the {_figure(node.measure, node.of, manner)}"
    return f"in the {node.side} {room} by {by}"


# -- operators and values -----------------------------------------------------------------------


def _asked(node: PropertyCondition | EventValue | EventMoment, datatype: DataType, manner: _Manner) -> str:
    operator = operators.get(node.operator, datatype.families)
    said = operator.english.replace("{}", _values(node.values, operator, manner))
    case = getattr(node, "case", None)
    if case:
        said += ", in exactly this case" if case == "exact" else ", in any case"
    if node.leave_out:
        said += ", unknown left out"
    if manner.at is None:
        return said
    notes = [_window_note(node, operator, datatype, manner)]
    if operator.negative and operator.key != "is_not_known" and not node.leave_out:
        notes.append("or not known")
    return f"{said}{_note('; '.join(each for each in notes if each))}"


def _values(given: tuple[Scalar, ...], operator: Operator, manner: _Manner) -> str:
    match operator.operand:
        case "none":
            return ""
        case "window":
            return amount_of(int(given[0]), str(given[1]))
        case "period":
            return str(given[0]).replace("_", " ")
        case "two":
            return " and ".join(_value(each) for each in given)
    cut = manner.at is not None and len(given) > MOST_SHOWN
    shown = [_value(each) for each in (given[:MOST_SHOWN] if cut else given)]
    if cut:
        shown.append(f"{len(given) - MOST_SHOWN:,} more")
    joint = " and " if operator.key in {"contains_all", "does_not_contain_all"} else " or "
    return shown[0] if len(shown) == 1 else ", ".join(shown[:-1]) + joint + shown[-1]


def _value(value: Scalar) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.15g}" if isinstance(value, float) else str(value) if isinstance(value, int) else _quoted(value)


def _quoted(text: str) -> str:
    escaped = re.sub(r"[\\”\"]", r"\\\g<0>", text).replace("\n", "\\n")
    return f"“{escaped}”"


def _name(text: str) -> str:
    return text if PLAIN_NAME.fullmatch(text) and text.lower() not in RESERVED else _quoted(text)


def amount_of(amount: int, unit: str) -> str:
    """`30 days`."""
    return f"{amount} {unit}{'' if amount == 1 else 's'}"


# -- notes --------------------------------------------------------------------------------------


def _note(text: str) -> str:
    return f" [{text}]" if text else ""


def _window_note(
    node: PropertyCondition | EventValue | EventMoment, operator: Operator, datatype: DataType, manner: _Manner
) -> str:
    """The ends a window comes to at this instant, or the zone an instant is meant in."""
    if operator.family != "calendar" or manner.at is None:
        return ""
    if operator.operand == "count":
        return f"from {of_day(manner.at, manner.catalog)}"
    if operator.operand in {"window", "period", "none"}:
        span, *_ = predicates.spans(node, datatype, manner.catalog, manner.at)
        return _span(span, manner)
    moments = any(isinstance(values.typed(each, datatype, manner.catalog), datetime) for each in node.values)
    return manner.catalog.zone_name if moments else ""


def _span(span: Span, manner: _Manner) -> str:
    """A span as its ends in the workspace's zone; days are said as days."""
    first, last, _ = span
    ends = [_edge(each, manner.catalog) for each in (first, last)]
    return f"{' → '.join(each or 'open' for each in ends)}, {manner.catalog.zone_name}"


def _edge(edge: object, catalog: Catalog) -> str:
    if edge is None:
        return ""
    if isinstance(edge, datetime):
        local = clock.aware(edge).astimezone(catalog.zone)
        return f"{local.day} {local:%b %Y, %H:%M}"
    return f"{edge.day} {edge:%b %Y}" if hasattr(edge, "day") else str(edge)


def of_day(at: datetime, catalog: Catalog) -> str:
    """`28 Nov 2026` in the workspace's zone."""
    local = at.astimezone(catalog.zone)
    return f"{local.day} {local:%b %Y}"
