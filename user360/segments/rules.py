"""A rule as data: groups of conditions, read from JSON and written back.

The JSON is that of the segment format. Reading refuses what is not of its shape, with the path of
the fault; whether a property exists and a value fits it is `checking`'s to say.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from user360.errors import InvalidRule, nearest, shorten

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Scalar: TypeAlias = str | float | int | bool
Match: TypeAlias = Literal["all", "any", "none"]
Case: TypeAlias = Literal["exact", "ignored"]

VERSION: Final = 1
MOST_LEVELS: Final = 8
MOST_CONDITIONS: Final = 200
MATCHES: Final = ("all", "any", "none")
_GROUP_KEYS: Final = {"version", "match", "conditions"}
_PROPERTY_KEYS: Final = {"property", "operator", "values", "case", "unknown"}


@dataclass(frozen=True, slots=True)
class PropertyCondition:
    """The operator holds for the stored value. `leave_out` (of a negative) leaves unknown values out."""

    property: str
    operator: str
    values: tuple[Scalar, ...] = ()
    case: Case | None = None
    leave_out: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """All, any or none of its conditions hold."""

    match: Match
    conditions: tuple[Node, ...] = ()


Node: TypeAlias = "Group | PropertyCondition"
Rule: TypeAlias = Group

EVERYONE: Final = Group("all")


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
    return {"version": VERSION, **_dumped(rule)}


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it."""
    yield node
    if isinstance(node, Group):
        for each in node.conditions:
            yield from walk(each)


def _dumped(node: Node) -> dict[str, Any]:
    if isinstance(node, Group):
        return {"match": node.match, "conditions": [_dumped(each) for each in node.conditions]}
    written: dict[str, Any] = {"property": node.property, "operator": node.operator}
    if node.values:
        written["values"] = list(node.values)
    if node.case:
        written["case"] = node.case
    if node.leave_out:
        written["unknown"] = "leave_out"
    return written


def _node(source: Any, path: str, level: int) -> Node:
    if not isinstance(source, dict):
        raise InvalidRule(path, "a condition is an object.", "Give property, operator and values, or match and conditions.")
    if "property" in source:
        return _property(source, path)
    return _group(source, path, level)


def _group(source: Mapping[str, Any], path: str, level: int) -> Group:
    _only(source, _GROUP_KEYS, path, {"match", "conditions", "property"})
    if level > MOST_LEVELS:
        raise InvalidRule(path, f"groups are nested more than {MOST_LEVELS} deep.", "Bring inner groups further out.")
    if level > 1 and "version" in source:
        raise InvalidRule(f"{path}.version", "version stands at the root only.", "Take it out.")
    match, conditions = source.get("match"), source.get("conditions")
    if match not in MATCHES:
        raise InvalidRule(f"{path}.match", f"{shorten(match)} is not all, any or none.", "Choose one of the three.")
    if not isinstance(conditions, list):
        raise InvalidRule(f"{path}.conditions", "conditions is a list.", "Give a list, even of one.")
    if not conditions and (level > 1 or match != "all"):
        raise InvalidRule(f"{path}.conditions", "this group is empty.", "Give it a condition or take it out.")
    return Group(match, tuple(_node(each, f"{path}.conditions[{place}]", level + 1) for place, each in enumerate(conditions)))


def _property(source: Mapping[str, Any], path: str) -> PropertyCondition:
    _only(source, _PROPERTY_KEYS, path, _PROPERTY_KEYS)
    for key in ("property", "operator"):
        if not isinstance(source.get(key), str):
            raise InvalidRule(f"{path}.{key}", f"{key} is a name.", f"Give the name of the {key}.")
    values = source.get("values", [])
    if not isinstance(values, list):
        raise InvalidRule(f"{path}.values", "values is a list.", "Give a list, even of one.")
    for place, value in enumerate(values):
        if not isinstance(value, str | int | float) or (isinstance(value, float) and not math.isfinite(value)):
            raise InvalidRule(
                f"{path}.values[{place}]", f"{shorten(value)} is not a value.", "Give text, a number, true or false."
            )
    if source.get("case", "exact") not in {"exact", "ignored"}:
        raise InvalidRule(f"{path}.case", f"{shorten(source['case'])} is not exact or ignored.", "Choose one of the two.")
    if source.get("unknown", "leave_out") != "leave_out":
        raise InvalidRule(f"{path}.unknown", f"{shorten(source['unknown'])} is not leave_out.", "Leave it out or give leave_out.")
    return PropertyCondition(source["property"], source["operator"], tuple(values), source.get("case"), "unknown" in source)


def _only(source: Mapping[str, Any], known: set[str], path: str, offered: set[str]) -> None:
    for key in source:
        if key not in known:
            near = nearest(str(key), offered)
            raise InvalidRule(
                f"{path}.{key}", f"“{shorten(key)}” is not known here.", f"Did you mean “{near}”?" if near else "Take it out."
            )
