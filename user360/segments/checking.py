"""Whether a rule holds against a catalog, and its canonical form: two rules of one meaning are one text.

A refusal carries the path of its fault. What an operator takes does not live here (`values`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from user360 import datatypes, operators
from user360.errors import InvalidRule, Unknown, shorten
from user360.properties import WITHOUT_HISTORY
from user360.segments import values
from user360.segments.calculation import read_calculation
from user360.segments.rules import (
    During,
    EventCondition,
    EventMoment,
    EventOccasion,
    EventRegularity,
    Events,
    EventValue,
    Group,
    Held,
    PropertyCondition,
    Rank,
    SegmentCondition,
    Sequence,
    Times,
)
from user360.segments.values import Asked

if TYPE_CHECKING:
    from user360.datatype import DataType
    from user360.properties import Property
    from user360.segments.catalog import Catalog
    from user360.segments.rules import Measure, Node, Rule

LEAST_PERCENT: Final = 0.000001
COLUMNS_OF_EVENTS: Final = ("channel", "source")
TIMES: Final = ("exactly", "at_least", "at_most", "greater_than", "less_than", "between")
CALENDAR_UNITS: Final = ("day", "week", "month")
MOST_STEPS: Final = 8
RANKED: Final = ("number", "date", "datetime", "time")
_GUESSED: Final = ("string", "number", "boolean", "datetime", "list", "time")
_MOVING: Final = frozenset({"window", "period", "none", "count"})


def check(rule: Rule, catalog: Catalog) -> Rule:
    """The rule in canonical form, or InvalidRule."""
    checked = _checked(rule, catalog, "$", ())
    assert isinstance(checked, Group)  # noqa: S101 - a group stays a group
    return checked


def datatype_of(condition: PropertyCondition, catalog: Catalog, *, of_event: bool) -> DataType:
    """The type of what a checked condition asks."""
    if of_event:
        return datatypes.get(condition.type or "string")
    return catalog.properties[condition.property].datatype


def _checked(node: Node, catalog: Catalog, path: str, within: tuple[str, ...]) -> Node:  # noqa: C901 - a case per kind of node
    """`within` are the segments on the way here, so that a circle is seen."""
    match node:
        case Group():
            inner = [_checked(each, catalog, f"{path}.conditions[{place}]", within) for place, each in enumerate(node.conditions)]
            return Group(node.match, tuple(inner))
        case PropertyCondition():
            return _property(node, catalog, path, within)
        case EventCondition():
            return EventCondition(_events(node.of, catalog, path), _times(node.times, f"{path}.times"))
        case EventValue():
            _measure(node.measure, f"{path}.measure")
            return _asking(replace(node, of=_events(node.of, catalog, path)), "number", catalog, path)
        case EventMoment():
            return _asking(replace(node, of=_events(node.of, catalog, path)), "datetime", catalog, path)
        case EventOccasion():
            return replace(node, of=_events(node.of, catalog, path), having=_where(node.having, catalog, f"{path}.having"))
        case EventRegularity():
            return _regularity(node, catalog, path)
        case Sequence():
            return _sequence(node, catalog, path)
        case SegmentCondition():
            return _segment(node, catalog, path, within)
        case Rank():
            return _rank(node, catalog, path, within)


# -- properties ---------------------------------------------------------------------------------


def _property(node: PropertyCondition, catalog: Catalog, path: str, within: tuple[str, ...]) -> PropertyCondition:
    if node.property not in catalog.properties:
        missing = Unknown.named("property", node.property, catalog.properties)
        raise InvalidRule(f"{path}.property", missing.message, missing.hint)
    datatype = catalog.properties[node.property].datatype
    computed = _computed(catalog.properties[node.property], catalog, path, within)
    held = _held(node.held, f"{path}.held") if node.held is not None else None
    if held is not None and (computed or node.property in WITHOUT_HISTORY):
        reason = f"{node.property} follows from what happens, and keeps no history of its own."
        raise InvalidRule(f"{path}.held", reason, "Ask for events instead.")
    if held is not None and held.kind == "changed_in_the_last":
        return replace(node, held=held)
    found = _fitting(node, datatype, catalog, path)
    if held is not None and _moves(found.operator, datatype):
        raise InvalidRule(f"{path}.held", "what this operator means moves with time itself.", "Take one of the two out.")
    return replace(found, held=held)


def _computed(found: Property, catalog: Catalog, path: str, within: tuple[str, ...]) -> bool:
    """Whether the property is computed; the segment it is for must hold as one named here would."""
    if found.calculation is None:
        return False
    segment = read_calculation(found.calculation).segment
    if segment is not None:
        _segment(SegmentCondition(segment), catalog, path, within)
    return True


def _fitting(node: PropertyCondition, datatype: DataType, catalog: Catalog, path: str) -> PropertyCondition:
    asked = values.checked(Asked(node.operator, node.values, node.case, node.leave_out), datatype, catalog, path)
    return replace(node, operator=asked.operator, values=asked.values, case=asked.case)


def _moves(key: str, datatype: DataType) -> bool:
    operator = operators.get(key, datatype.families)
    return operator.family == "calendar" and operator.operand in _MOVING


def _held(held: Held, path: str) -> Held:
    if held.kind == "ever":
        return held
    amount, unit = values.count(held.amount, f"{path}.{held.kind}", least=1), held.unit
    return Held(held.kind, amount, values.one_of(unit, operators.UNITS, f"{path}.unit"))


# -- events -------------------------------------------------------------------------------------


def _events(of: Events, catalog: Catalog, path: str) -> Events:
    if of.event is not None and of.event not in catalog.events:
        missing = Unknown.named("event", of.event, catalog.events)
        raise InvalidRule(f"{path}.event", missing.message, missing.hint)
    where = _where(of.where, catalog, f"{path}.where") if of.where is not None else None
    return Events(of.event, where, during(of.during, catalog, f"{path}.during") if of.during is not None else None)


def _where(group: Group, catalog: Catalog, path: str) -> Group:
    found: list[Node] = []
    for place, each in enumerate(group.conditions):
        here = f"{path}.conditions[{place}]"
        if isinstance(each, Group):
            found.append(_where(each, catalog, here))
        else:
            assert isinstance(each, PropertyCondition)  # noqa: S101 - as it was read
            found.append(of_event(each, catalog, here))
    return Group(group.match, tuple(found))


def of_event(node: PropertyCondition, catalog: Catalog, path: str = "$") -> PropertyCondition:
    """A condition on a property of an event in canonical form: its type is that of the values and the operator, unless it says so."""
    if node.property in COLUMNS_OF_EVENTS:
        if node.type not in {None, "string"}:
            raise InvalidRule(f"{path}.type", f"{node.property} is text.", "Take the type out.")
        return _fitting(replace(node, type=None), datatypes.get("string"), catalog, path)
    kind = node.type or _guessed(node)
    if kind not in datatypes.names():
        missing = Unknown.named("type", kind, datatypes.names())
        raise InvalidRule(f"{path}.type", missing.message, missing.hint)
    return _fitting(replace(node, type=kind), datatypes.get(kind), catalog, path)


def _guessed(node: PropertyCondition) -> str:
    """The type of a value that does not say it: that of the values given, else the first that knows the operator."""
    if any(isinstance(each, int | float) and not isinstance(each, bool) for each in node.values):
        numeric = operators.has(node.operator, datatypes.get("number").families)
        return "number" if numeric else _knowing(node.operator)
    return _knowing(node.operator)


def _knowing(key: str) -> str:
    return next((each for each in _GUESSED if operators.has(key, datatypes.get(each).families)), "string")


def during(span: During, catalog: Catalog, path: str) -> During:
    """The stretch of time in canonical form."""
    match span.kind:
        case "last":
            amount = values.count(span.values[0], f"{path}.last", least=1)
            return During("last", (amount, values.one_of(span.values[1], operators.UNITS, f"{path}.unit")))
        case "calendar":
            return During("calendar", (values.one_of(span.values[0], operators.PERIODS, f"{path}.calendar"),))
        case "between":
            first, last = (
                values.edge(each, catalog, f"{path}.{key}") for each, key in zip(span.values, ("from", "to"), strict=True)
            )
            if first[:10] > last[:10] or (len(first) == len(last) and first > last):
                raise InvalidRule(path, "it ends before it begins.", "Swap the two.")
            return During("between", (first, last))
    return During(span.kind, (values.edge(span.values[0], catalog, f"{path}.{span.kind}"),))


def _times(times: Times, path: str) -> Times:
    key = {"is": "exactly"}.get(times.operator, times.operator)
    if key not in TIMES:
        missing = Unknown.named("operator", key, TIMES)
        raise InvalidRule(f"{path}.operator", f"“{shorten(key)}” is none of {', '.join(TIMES)}.", missing.hint)
    wanted = 2 if key == "between" else 1
    if len(times.values) != wanted:
        raise InvalidRule(f"{path}.values", f"“{key}” takes {wanted} value{'s' * (wanted - 1)}, not {len(times.values)}.")
    counts = tuple(values.count(each, f"{path}.values[{place}]") for place, each in enumerate(times.values))
    match key:
        case "greater_than":
            return Times("at_least", (counts[0] + 1,))
        case "less_than" if counts[0] == 0:
            raise InvalidRule(f"{path}.values[0]", "nothing happens less than 0 times.", "Give 1 or more.")
        case "less_than":
            return _times(Times("at_most", (counts[0] - 1,)), path)
        case "at_most" if counts[0] == 0:
            return Times("exactly", (0,))
        case "between":
            return _between(counts, path)
    return Times(key, counts)


def _between(counts: tuple[int, ...], path: str) -> Times:
    least, most = counts
    if least > most:
        raise InvalidRule(f"{path}.values", "the first value is above the second.", "Swap them.")
    if least == most:
        return Times("exactly", (least,))
    return Times("at_most", (most,)) if least == 0 else Times("between", counts)


def _measure(measure: Measure, path: str) -> None:
    if measure.property in COLUMNS_OF_EVENTS and measure.function != "distinct":
        raise InvalidRule(f"{path}.function", f"{measure.property} is text.", "Count its distinct values.")


def _asking(node: EventValue | EventMoment, kind: str, catalog: Catalog, path: str) -> EventValue | EventMoment:
    asked = values.checked(Asked(node.operator, node.values, None, node.leave_out), datatypes.get(kind), catalog, path)
    return replace(node, operator=asked.operator, values=asked.values)


def _regularity(node: EventRegularity, catalog: Catalog, path: str) -> EventRegularity:
    here = f"{path}.regularity"
    unit = values.one_of(node.unit, CALENDAR_UNITS, f"{here}.unit")
    span = values.count(node.span, f"{here}.of", least=1, most=1_000)
    periods = values.count(node.periods, f"{here}.periods", least=1, most=span)
    return EventRegularity(_events(node.of, catalog, path), periods, span, unit)


def _sequence(node: Sequence, catalog: Catalog, path: str) -> Sequence:
    if not 2 <= len(node.steps) <= MOST_STEPS:  # noqa: PLR2004 - one step is no order
        raise InvalidRule(f"{path}.sequence", f"a sequence has 2 to {MOST_STEPS} steps, not {len(node.steps)}.")
    steps = tuple(_events(each, catalog, f"{path}.sequence[{place}]") for place, each in enumerate(node.steps))
    within = node.within
    if within is not None:
        amount = values.count(within[0], f"{path}.within.value", least=1)
        within = (amount, values.one_of(within[1], operators.UNITS, f"{path}.within.unit"))
    return Sequence(steps, within, during(node.during, catalog, f"{path}.during") if node.during is not None else None)


# -- segments and ranks -------------------------------------------------------------------------


def _segment(node: SegmentCondition, catalog: Catalog, path: str, within: tuple[str, ...]) -> SegmentCondition:
    found = catalog.segments.get(node.segment)
    if found is None:
        missing = Unknown.named("segment", node.segment, catalog.segments)
        raise InvalidRule(f"{path}.segment", missing.message, missing.hint)
    if node.segment in within:
        raise InvalidRule(f"{path}.segment", f"“{shorten(found.name)}” refers back to itself.", "Break the circle.")
    if found.rule is not None:
        try:
            _checked(found.rule, catalog, "$", (*within, node.segment))
        except InvalidRule as fault:
            reason = fault.reason if "refers back" in fault.reason else f"“{shorten(found.name)}” has a fault: {fault.reason}"
            raise InvalidRule(f"{path}.segment", reason, fault.hint) from None
    return node


def _rank(node: Rank, catalog: Catalog, path: str, within: tuple[str, ...]) -> Rank:
    if node.percent is not None and not LEAST_PERCENT <= node.percent <= 100:  # noqa: PLR2004 - per cent
        raise InvalidRule(f"{path}.percent", f"{node.percent:g} is not from {LEAST_PERCENT:f} to 100.", "Give such a share.")
    if node.count is not None:
        values.count(node.count, f"{path}.count", least=1, most=1_000_000_000)
    if node.of is not None:
        if node.measure is not None:
            _measure(node.measure, f"{path}.measure")
        return replace(node, of=_events(node.of, catalog, path))
    return _ranked_property(node, catalog, path, within)


def _ranked_property(node: Rank, catalog: Catalog, path: str, within: tuple[str, ...]) -> Rank:
    found = catalog.properties.get(str(node.property))
    if found is None:
        missing = Unknown.named("property", str(node.property), catalog.properties)
        raise InvalidRule(f"{path}.property", missing.message, missing.hint)
    _computed(found, catalog, f"{path}.property", within)
    if found.datatype.name not in RANKED:
        reason = f"“{found.name}” is a {found.datatype.name}, which has no top or bottom."
        raise InvalidRule(f"{path}.property", reason, "Choose a number, a date or a time.")
    return node
