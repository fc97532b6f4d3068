"""Conditions that cannot hold together, or of which one always holds, whatever the data: read from the rule alone.

Only what is certain is told; two conditions it does not understand are taken to go together. What the
data say of a rule does not live here (`linting`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from user360 import operators
from user360.segments import predicates, values
from user360.segments.checking import datatype_of
from user360.segments.rules import EventCondition, Group, PropertyCondition

if TYPE_CHECKING:
    from collections.abc import Iterator

    from user360.segments.catalog import Catalog
    from user360.segments.rules import Node, Times

Clash: TypeAlias = tuple[Literal["never", "always"], str, str]
_INFINITE: Final = float("inf")


def clashes(group: Group, catalog: Catalog, *, at: datetime, path: str = "$") -> Iterator[Clash]:
    """The paths of any two conditions of a checked rule of which never both hold, or always one does."""
    if group.match == "all":
        together = list(_together(group, path))
        for (first, one), (second, other) in combinations(together, 2):
            if excludes(one, other, catalog, at):
                yield "never", first, second
        for first, one in together:
            yield from (("never", first, second) for second, other in _ruled_out(group, path) if one == other)
    elif group.match == "any":
        for (first, one), (second, other) in combinations(_direct(group, path), 2):
            if _are_complements(one, other, catalog) and not _leaves_out(one, other):
                yield "always", first, second
    inner = _together(group, path) if group.match == "all" else _direct(group, path)
    for here, each in inner:
        if isinstance(each, Group):
            yield from clashes(each, catalog, at=at, path=here)


def excludes(one: Node, other: Node, catalog: Catalog, at: datetime) -> bool:
    """Whether it is certain that nobody meets both."""
    match one, other:
        case EventCondition(), EventCondition():
            return one.of == other.of and _apart([_counts(one.times)], [_counts(other.times)])
        case PropertyCondition(), PropertyCondition() if (
            one.property == other.property and one.held is None and other.held is None
        ):
            return (
                _are_complements(one, other, catalog)
                or _unknown_and_known(one, other, catalog)
                or _unknown_and_known(other, one, catalog)
                or _values_apart(one, other, catalog, at)
            )
    return False


def _together(group: Group, path: str) -> Iterator[tuple[str, Node]]:
    """The conditions that must all hold, those of groups of the same kind among them."""
    for place, each in enumerate(group.conditions):
        here = f"{path}.conditions[{place}]"
        if isinstance(each, Group) and each.match == "all":
            yield from _together(each, here)
        else:
            yield here, each


def _direct(group: Group, path: str) -> Iterator[tuple[str, Node]]:
    yield from ((f"{path}.conditions[{place}]", each) for place, each in enumerate(group.conditions))


def _ruled_out(group: Group, path: str) -> Iterator[tuple[str, Node]]:
    """The conditions none of which may hold."""
    for here, each in _together(group, path):
        if isinstance(each, Group) and each.match == "none":
            yield from _direct(each, here)


# -- two conditions -----------------------------------------------------------------------------


def _are_complements(one: Node, other: Node, catalog: Catalog) -> bool:
    if not isinstance(one, PropertyCondition) or not isinstance(other, PropertyCondition) or one.held or other.held:
        return False
    if one.property != other.property:
        return False
    operator = operators.get(one.operator, datatype_of(one, catalog, of_event=False).families)
    return replace(other, leave_out=False) == replace(one, operator=operator.complement, leave_out=False)


def _leaves_out(one: Node, other: Node) -> bool:
    return bool(getattr(one, "leave_out", False) or getattr(other, "leave_out", False))


def _unknown_and_known(one: PropertyCondition, other: PropertyCondition, catalog: Catalog) -> bool:
    """No value, and an operator that needs one."""
    if one.operator != "is_not_known" or other.operator == "is_not_known":
        return False
    datatype = datatype_of(other, catalog, of_event=False)
    return not predicates.is_negative(other, datatype) or other.leave_out


def _values_apart(one: PropertyCondition, other: PropertyCondition, catalog: Catalog, at: datetime) -> bool:
    datatype = datatype_of(one, catalog, of_event=False)
    if datatype.name == "list" or any(predicates.is_negative(each, datatype) for each in (one, other)):
        return False
    if datatype.name in {"date", "datetime"}:
        spans = [_spans(each, catalog, at) for each in (one, other)]
        return bool(spans[0] and spans[1]) and _apart(*spans)
    if datatype.name == "number":
        ranges = [_ranges(each) for each in (one, other)]
        return bool(ranges[0] and ranges[1]) and _apart(*ranges)
    if one.operator == other.operator == "is" and one.case is other.case is None:
        return not {values.typed(each, datatype, catalog) for each in one.values} & {
            values.typed(each, datatype, catalog) for each in other.values
        }
    return {one.operator, other.operator} == {"is_true", "is_false"}


# -- stretches ----------------------------------------------------------------------------------


def _counts(times: Times) -> tuple[float, float, str]:
    first, last = times.values[0], times.values[-1]
    least = 0 if times.operator == "at_most" else first
    return least, _INFINITE if times.operator == "at_least" else last, "[]"


def _ranges(node: PropertyCondition) -> list[tuple[float, float, str]]:
    """The numbers a condition takes."""
    given = [float(each) for each in node.values]
    match node.operator:
        case "is":
            return [(each, each, "[]") for each in given]
        case "greater_than":
            return [(given[0], _INFINITE, "()")]
        case "at_least":
            return [(given[0], _INFINITE, "[)")]
        case "less_than":
            return [(-_INFINITE, given[0], "()")]
        case "at_most":
            return [(-_INFINITE, given[0], "(]")]
        case "between":
            return [(given[0], given[1], "[]")]
    return []


def _spans(node: PropertyCondition, catalog: Catalog, at: datetime) -> list[tuple[Any, Any, str]]:
    """The days or instants a condition takes, as they are at that instant."""
    datatype = catalog.properties[node.property].datatype
    operator = predicates.positive_of(node, datatype)
    if operator.family != "calendar" or operator.operand == "count":
        return []
    lowest, highest = (date.min, date.max) if datatype.name == "date" else (datetime.min, datetime.max)  # noqa: DTZ901 - as the database keeps them
    return [
        (lowest if first is None else first, highest if last is None else last, closed)
        for first, last, closed in predicates.spans(node, datatype, catalog, at)
    ]


def _apart(ones: list[Any], others: list[Any]) -> bool:
    """Whether no stretch of the one touches any of the other."""
    return not any(_touch(one, other) for one in ones for other in others)


def _touch(one: tuple[Any, Any, str], other: tuple[Any, Any, str]) -> bool:
    first = max(one[0], other[0])
    last = min(one[1], other[1])
    if first != last:
        return bool(first < last)
    begins = all(each[2][0] == "[" for each in (one, other) if each[0] == first)
    ends = all(each[2][1] == "]" for each in (one, other) if each[1] == last)
    return begins and ends
