"""A rule as one exact English sentence, its windows with the instants they come to, in the workspace's zone."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from user360 import operators
from user360.segments import windows
from user360.segments.checking import check, operator_of, typed
from user360.segments.rules import Group

if TYPE_CHECKING:
    from user360.operators import Operator
    from user360.segments.catalog import Catalog
    from user360.segments.rules import Node, PropertyCondition, Rule

MOST_SHOWN: Final = 5
_JOINTS: Final = {"all": " and ", "any": " or ", "none": " or "}


def describe(rule: Rule, catalog: Catalog, *, at: datetime) -> str:
    """The sentence."""
    checked = check(rule, catalog)
    if not checked.conditions:
        return "Everyone."
    return f"People {_group(checked, catalog, at, outer=True)}."


def _group(group: Group, catalog: Catalog, at: datetime, *, outer: bool = False) -> str:
    parts = [_node(each, catalog, at) for each in group.conditions]
    joint = _JOINTS[group.match]
    said = joint.join(parts)
    if group.match == "none":
        return f"of whom none of this holds: {said}" if outer else f"(none of this holds: {said})"
    return f"whose {said}" if outer else f"({said})" if len(parts) > 1 else said


def _node(node: Node, catalog: Catalog, at: datetime) -> str:
    return _group(node, catalog, at) if isinstance(node, Group) else _condition(node, catalog, at)


def _condition(condition: PropertyCondition, catalog: Catalog, at: datetime) -> str:
    operator = operator_of(condition, catalog)
    said = operator.english.replace("{}", _values(condition, operator))
    parts = [f"{condition.property} {said}", *_asides(condition, operator, catalog, at)]
    return " ".join(parts)


def _values(condition: PropertyCondition, operator: Operator) -> str:
    match operator.operand:
        case "none":
            return ""
        case "window":
            amount, unit = condition.values
            return f"{amount:,} {unit}{'' if amount == 1 else 's'}"
        case "period":
            return str(condition.values[0]).replace("_", " ")
        case "two":
            return " and ".join(_value(each) for each in condition.values)
    shown = [_value(each) for each in condition.values[:MOST_SHOWN]]
    if len(condition.values) > MOST_SHOWN:
        shown.append(f"{len(condition.values) - MOST_SHOWN:,} more")
    joint = " and " if operator.key in {"contains_all", "does_not_contain_all"} else " or "
    return shown[0] if len(shown) == 1 else ", ".join(shown[:-1]) + joint + shown[-1]


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:,}" if isinstance(value, int) else f"{value!r}" if isinstance(value, float) else f"“{value}”"


def _asides(condition: PropertyCondition, operator: Operator, catalog: Catalog, at: datetime) -> list[str]:
    found = []
    if condition.case:
        found.append("(in exactly this case)" if condition.case == "exact" else "(in any case)")
    if operator.family == "calendar":
        span = _resolved(condition, operator, catalog, at)
        found += [f"({span})"] if span else []
    if operator.negative and operator.key != "is_not_known":
        found.append("(unknown left out)" if condition.leave_out else "(or is not known)")
    return found


def _resolved(condition: PropertyCondition, operator: Operator, catalog: Catalog, at: datetime) -> str:
    """The ends a moving window comes to at this instant."""
    key = operators.get(operator.complement, [operator.family]).key if operator.negative else operator.key
    match key:
        case "in_the_last" | "in_the_next":
            amount, unit = int(condition.values[0]), str(condition.values[1])
            other = windows.shifted(at, amount if key == "in_the_next" else -amount, unit, catalog)
            first, last = sorted((at, other))
        case "is_today" | "in_period":
            first, last = windows.period("today" if key == "is_today" else str(condition.values[0]), at, catalog)
        case "was_exactly" | "will_be_exactly":
            amount = int(condition.values[0]) * (1 if key == "will_be_exactly" else -1)
            first, last = windows.unit_around(at, amount, str(condition.values[1]), catalog)
        case "anniversary_in_the_next":
            return f"from {_day(at, catalog)}"
        case _:
            moving = any(
                isinstance(typed(each, catalog.properties[condition.property].datatype, catalog), datetime)
                for each in condition.values
            )
            return catalog.zone_name if moving else ""
    return f"{_instant(first, catalog)} → {_instant(last, catalog)}, {catalog.zone_name}"


def _day(at: datetime, catalog: Catalog) -> str:
    local = at.astimezone(catalog.zone)
    return f"{local.day} {local:%b %Y}"


def _instant(at: datetime, catalog: Catalog) -> str:
    return f"{_day(at, catalog)}, {at.astimezone(catalog.zone):%H:%M}"
