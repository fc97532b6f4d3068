"""A rule as JSON: read with the path of every fault, and written in one order of keys.

Reading refuses what is not of the format's shape, so that no other room meets half a rule. Whether
a property or an event exists and a value fits it is `checking`'s to say.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Final

from user360.errors import InvalidRule, nearest, shorten
from user360.segments.rules import (
    AT_LEAST_ONCE,
    FUNCTIONS,
    MATCHES,
    MOST_CONDITIONS,
    MOST_LEVELS,
    OCCURRENCES,
    SIDES,
    VERSION,
    During,
    EventCondition,
    EventMoment,
    EventOccasion,
    EventRegularity,
    Events,
    EventValue,
    Group,
    Held,
    Measure,
    PropertyCondition,
    Rank,
    SegmentCondition,
    Sequence,
    Times,
    walk,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from user360.segments.rules import Condition, Node, Rule, Scalar

_EVENTS: Final = ("event", "where", "during")
_SPAN: Final = (("last", "unit"), ("calendar",), ("on",), ("after",), ("before",), ("from", "to"))


def parse(source: str | Mapping[str, Any]) -> Rule:
    """Read a rule from JSON text or from the objects it stands for."""
    if isinstance(source, str):
        try:
            source = json.loads(source)
        except (ValueError, RecursionError):
            raise InvalidRule("$", "this is not JSON.", "A rule is an object with match and conditions.") from None
    if not isinstance(source, dict):
        raise InvalidRule("$", "a rule is an object.", "Give match and conditions.")
    if source.get("version", VERSION) != VERSION:
        raise InvalidRule("$.version", f"version {shorten(source['version'])} is not known.", f"This is version {VERSION}.")
    rule = _group(source, "$", 1)
    if sum(1 for _ in walk(rule)) - 1 > MOST_CONDITIONS:
        raise InvalidRule("$", f"there are more than {MOST_CONDITIONS} conditions.", "Split the rule.")
    return rule


def dump(rule: Rule) -> dict[str, Any]:
    """The rule as the objects of its JSON, in canonical order of keys."""
    return {"version": VERSION, **dump_node(rule)}


def dump_node(node: Node) -> dict[str, Any]:  # noqa: C901 - a case per kind of node
    """One node of a rule as the objects of its JSON; what is as by default is left out."""
    match node:
        case Group():
            return {"match": node.match, "conditions": [dump_node(each) for each in node.conditions]}
        case PropertyCondition():
            return {"property": node.property, **_given(type=node.type), **_asked(node), **_held_written(node.held)}
        case EventCondition():
            times = None if node.times == AT_LEAST_ONCE else _times_written(node.times)
            return _events_written(node.of, times=times)
        case EventValue():
            return _events_written(node.of, measure=_measure_written(node.measure)) | _asked(node)
        case EventMoment():
            return _events_written(node.of, occurrence=node.occurrence) | _asked(node)
        case EventOccasion():
            return _events_written(node.of, occurrence=node.occurrence, having=dump_node(node.having))
        case EventRegularity():
            return _events_written(node.of, regularity={"periods": node.periods, "of": node.span, "unit": node.unit})
        case Sequence():
            within = {"value": node.within[0], "unit": node.within[1]} if node.within else None
            steps = [_events_written(each) for each in node.steps]
            return {"sequence": steps, **_given(within=within, during=_during_written(node.during))}
        case SegmentCondition():
            return {"segment": node.segment}
        case Rank():
            part: dict[str, Any] = {"rank": node.side, **_given(percent=node.percent, count=node.count, property=node.property)}
            return part | (_events_written(node.of, measure=_measure_written(node.measure)) if node.of is not None else {})


# -- writing ------------------------------------------------------------------------------------


def _given(**parts: Any) -> dict[str, Any]:
    return {key: value for key, value in parts.items() if value is not None}


def _asked(node: PropertyCondition | EventValue | EventMoment) -> dict[str, Any]:
    case = node.case if isinstance(node, PropertyCondition) else None
    return _given(
        operator=node.operator or None,
        values=list(node.values) or None,
        case=case,
        unknown="leave_out" if node.leave_out else None,
    )


def _events_written(of: Events, **parts: Any) -> dict[str, Any]:
    where = dump_node(of.where) if of.where is not None else None
    during = _during_written(of.during)
    last = {key: parts.pop(key) for key in ("times", "measure", "occurrence") if key in parts}
    return {"event": of.event, **_given(where=where, **last, during=during, **parts)}


def _during_written(during: During | None) -> dict[str, Any] | None:
    if during is None:
        return None
    keys = {"last": ("last", "unit"), "between": ("from", "to")}.get(during.kind, (during.kind,))
    return dict(zip(keys, during.values, strict=True))


def _times_written(times: Times) -> dict[str, Any]:
    return {"operator": times.operator, "values": list(times.values)}


def _measure_written(measure: Measure | None) -> dict[str, Any] | None:
    return {"function": measure.function, "property": measure.property} if measure is not None else None


def _held_written(held: Held | None) -> dict[str, Any]:
    if held is None:
        return {}
    return {"held": {"ever": True} if held.kind == "ever" else {held.kind: held.amount, "unit": held.unit}}


# -- reading nodes ------------------------------------------------------------------------------


def _node(source: Any, path: str, level: int, *, of_event: bool = False) -> Node:
    if not isinstance(source, dict):
        raise InvalidRule(path, "a condition is an object.", "Give property, operator and values, or match and conditions.")
    if "match" in source or "conditions" in source:
        return _group(source, path, level, of_event=of_event)
    if of_event:
        return _property(source, path, {"property", "type", "operator", "values", "case", "unknown"})
    return _condition(source, path, level)


def _condition(source: Mapping[str, Any], path: str, level: int) -> Condition:
    if "rank" in source:
        return _rank(source, path, level)
    if "sequence" in source:
        return _sequence(source, path, level)
    if "segment" in source:
        _only(source, {"segment"}, path)
        return SegmentCondition(_text(source, "segment", path, "the id of a segment"))
    if "event" in source:
        return _of_events(source, path, level)
    return _property(source, path, {"property", "operator", "values", "case", "unknown", "held"})


def _group(source: Any, path: str, level: int, *, of_event: bool = False) -> Group:
    if not isinstance(source, dict):
        raise InvalidRule(path, "a group is an object.", "Give match and conditions.")
    _only(source, {"version", "match", "conditions"} if path == "$" else {"match", "conditions"}, path)
    if level > MOST_LEVELS:
        raise InvalidRule(path, f"groups are nested more than {MOST_LEVELS} deep.", "Bring inner groups further out.")
    match, conditions = source.get("match"), source.get("conditions")
    if match not in MATCHES:
        raise InvalidRule(f"{path}.match", f"{shorten(match)} is not all, any or none.", "Choose one of the three.")
    if not isinstance(conditions, list):
        raise InvalidRule(f"{path}.conditions", "conditions is a list.", "Give a list, even of one.")
    if not conditions and (level > 1 or match != "all"):
        raise InvalidRule(f"{path}.conditions", "this group is empty.", "Give it a condition or take it out.")
    inner = (_node(each, f"{path}.conditions[{place}]", level + 1, of_event=of_event) for place, each in enumerate(conditions))
    return Group(match, tuple(inner))


def _property(source: Mapping[str, Any], path: str, known: set[str]) -> PropertyCondition:
    _only(source, known, path)
    held = _held(source["held"], f"{path}.held") if "held" in source else None
    changed = held is not None and held.kind == "changed_in_the_last"
    if changed:
        _only(source, {"property", "held"}, path)
    return PropertyCondition(
        _text(source, "property", path, "the name of a property"),
        "" if changed else _text(source, "operator", path, "the name of an operator"),
        _values(source, path),
        _among(source, "case", ("exact", "ignored"), path) if "case" in source else None,
        _leave_out(source, path),
        _text(source, "type", path, "the name of a type") if "type" in source else None,
        held,
    )


def _of_events(source: Mapping[str, Any], path: str, level: int) -> Condition:
    if "measure" in source:
        _only(source, {*_EVENTS, "measure", "operator", "values", "unknown"}, path)
        asked = _text(source, "operator", path, "the name of an operator"), _values(source, path), _leave_out(source, path)
        return EventValue(_events(source, path, level), _measure(source["measure"], f"{path}.measure"), *asked)
    if "regularity" in source:
        _only(source, {*_EVENTS, "regularity"}, path)
        return _regularity(source, path, level)
    if "occurrence" not in source:
        _only(source, {*_EVENTS, "times", "measure", "occurrence", "regularity"}, path)
        times = _times(source["times"], f"{path}.times") if "times" in source else AT_LEAST_ONCE
        return EventCondition(_events(source, path, level), times)
    occurrence = _among(source, "occurrence", OCCURRENCES, path)
    if "having" in source:
        _only(source, {*_EVENTS, "occurrence", "having"}, path)
        having = _group(source["having"], f"{path}.having", level + 1, of_event=True)
        return EventOccasion(_events(source, path, level), occurrence, having)
    _only(source, {*_EVENTS, "occurrence", "operator", "values", "unknown", "having"}, path)
    asked = _text(source, "operator", path, "the name of an operator"), _values(source, path), _leave_out(source, path)
    return EventMoment(_events(source, path, level), occurrence, *asked)


def _regularity(source: Mapping[str, Any], path: str, level: int) -> EventRegularity:
    where = f"{path}.regularity"
    said = _object(source["regularity"], {"periods", "of", "unit"}, where)
    periods, span = _whole(said, "periods", where), _whole(said, "of", where)
    return EventRegularity(_events(source, path, level), periods, span, _text(said, "unit", where, "a unit of time"))


def _sequence(source: Mapping[str, Any], path: str, level: int) -> Sequence:
    _only(source, {"sequence", "within", "during"}, path)
    steps = source["sequence"]
    if not isinstance(steps, list):
        raise InvalidRule(f"{path}.sequence", "a sequence is a list of events.", "Give at least two.")
    read = []
    for place, each in enumerate(steps):
        here = f"{path}.sequence[{place}]"
        read.append(_events(_object(each, set(_EVENTS), here), here, level))
    within = None
    if "within" in source:
        said = _object(source["within"], {"value", "unit"}, f"{path}.within")
        within = (_whole(said, "value", f"{path}.within"), _text(said, "unit", f"{path}.within", "a unit of time"))
    return Sequence(tuple(read), within, _during(source["during"], f"{path}.during") if "during" in source else None)


def _rank(source: Mapping[str, Any], path: str, level: int) -> Rank:
    of_events = "event" in source
    _only(source, {"rank", "percent", "count", "property", "measure", *_EVENTS}, path)
    if of_events == ("property" in source):
        raise InvalidRule(path, "a rank is of a property or of events.", "Give property, or event with a measure.")
    if ("percent" in source) == ("count" in source):
        raise InvalidRule(path, "a rank has a percent or a count.", "Give one of the two.")
    if not of_events:
        _only(source, {"rank", "percent", "count", "property"}, path)
    return Rank(
        _among(source, "rank", SIDES, path),
        _number(source, "percent", path) if "percent" in source else None,
        _whole(source, "count", path) if "count" in source else None,
        None if of_events else _text(source, "property", path, "the name of a property"),
        _events(source, path, level) if of_events else None,
        _measure(source["measure"], f"{path}.measure") if "measure" in source else None,
    )


# -- reading parts ------------------------------------------------------------------------------


def _events(source: Mapping[str, Any], path: str, level: int) -> Events:
    event = source.get("event")
    if "event" not in source or not (event is None or (isinstance(event, str) and event)):
        raise InvalidRule(f"{path}.event", "event is a name, or null for any event.", "Give the name of an event.")
    where = _group(source["where"], f"{path}.where", level + 1, of_event=True) if source.get("where") is not None else None
    return Events(event, where, _during(source["during"], f"{path}.during") if source.get("during") is not None else None)


def _during(source: Any, path: str) -> During:
    said = _object(source, {key for keys in _SPAN for key in keys}, path)
    keys = next((keys for keys in _SPAN if set(keys) == set(said)), None)
    if keys is None:
        raise InvalidRule(path, "this is no stretch of time.", "Give last and unit, calendar, on, after, before, or from and to.")
    values = tuple(_scalar(said[key], f"{path}.{key}") for key in keys)
    return During("between" if keys[0] == "from" else keys[0], values)  # type: ignore[arg-type]  # one of its kinds


def _times(source: Any, path: str) -> Times:
    said = _object(source, {"operator", "values"}, path)
    values = _values(said, path)
    for place, value in enumerate(values):
        if isinstance(value, bool | str) or value != int(value):
            raise InvalidRule(f"{path}.values[{place}]", f"{shorten(value)} is not a whole number.", "Give how many times.")
    return Times(_text(said, "operator", path, "the name of an operator"), tuple(int(each) for each in values))


def _measure(source: Any, path: str) -> Measure:
    said = _object(source, {"function", "property"}, path)
    return Measure(_among(said, "function", FUNCTIONS, path), _text(said, "property", path, "a property of the event"))


def _held(source: Any, path: str) -> Held:
    said = _object(source, {"for", "ever", "changed_in_the_last", "unit"}, path)
    if set(said) == {"ever"}:
        if said["ever"] is not True:
            raise InvalidRule(f"{path}.ever", "ever is true.", "Give true, or say for how long.")
        return Held("ever")
    kind = next((key for key in ("for", "changed_in_the_last") if set(said) == {key, "unit"}), None)
    if kind is None:
        raise InvalidRule(path, "this does not say how long.", "Give for and unit, ever, or changed_in_the_last and unit.")
    return Held(kind, _whole(said, kind, path), _text(said, "unit", path, "a unit of time"))  # type: ignore[arg-type]  # one of its kinds


def _values(source: Mapping[str, Any], path: str) -> tuple[Scalar, ...]:
    values = source.get("values", [])
    if not isinstance(values, list):
        raise InvalidRule(f"{path}.values", "values is a list.", "Give a list, even of one.")
    return tuple(_scalar(value, f"{path}.values[{place}]") for place, value in enumerate(values))


def _scalar(value: Any, path: str) -> Scalar:
    if not isinstance(value, str | int | float) or (isinstance(value, float) and not math.isfinite(value)):
        raise InvalidRule(path, f"{shorten(value)} is not a value.", "Give text, a number, true or false.")
    return value


def _leave_out(source: Mapping[str, Any], path: str) -> bool:
    if source.get("unknown", "leave_out") != "leave_out":
        raise InvalidRule(f"{path}.unknown", f"{shorten(source['unknown'])} is not leave_out.", "Leave it out or give leave_out.")
    return "unknown" in source


def _object(source: Any, known: set[str], path: str) -> Mapping[str, Any]:
    if not isinstance(source, dict):
        raise InvalidRule(path, "this is no object.", f"Give {' and '.join(sorted(known))}.")
    _only(source, known, path)
    return source


def _text(source: Mapping[str, Any], key: str, path: str, what: str) -> str:
    found = source.get(key)
    if not isinstance(found, str) or not found:
        raise InvalidRule(f"{path}.{key}", f"{key} is missing." if key not in source else f"{key} is no name.", f"Give {what}.")
    return found


def _among(source: Mapping[str, Any], key: str, known: tuple[str, ...], path: str) -> Any:
    found = source.get(key)
    if found not in known:
        raise InvalidRule(f"{path}.{key}", f"{shorten(found)} is not {_or(known)}.", "Choose one of them.")
    return found


def _whole(source: Mapping[str, Any], key: str, path: str) -> int:
    found = _number(source, key, path)
    if found != int(found):
        raise InvalidRule(f"{path}.{key}", f"{shorten(found)} is not a whole number.", "Give a whole number.")
    return int(found)


def _number(source: Mapping[str, Any], key: str, path: str) -> float | int:
    found = source.get(key)
    if isinstance(found, bool) or not isinstance(found, int | float) or not math.isfinite(found):
        raise InvalidRule(f"{path}.{key}", f"{shorten(found)} is not a number.", "Give a number.")
    return int(found) if found == int(found) else found


def _or(known: Iterable[str]) -> str:
    *first, last = known
    return f"{', '.join(first)} or {last}"


def _only(source: Mapping[str, Any], known: set[str], path: str) -> None:
    for key in source:
        if key not in known:
            near = nearest(str(key), known)
            raise InvalidRule(
                f"{path}.{key}", f"“{shorten(key)}” is not known here.", f"Did you mean “{near}”?" if near else "Take it out."
            )
