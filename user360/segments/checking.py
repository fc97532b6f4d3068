"""Whether a rule holds against a catalog, and its canonical form.

Every value is parsed by the property's own type and written back in its canonical form, so that two
rules of one meaning are one text. A refusal carries the path of its fault.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from user360 import datatypes, operators
from user360.errors import InvalidRule, InvalidValue, Unknown, shorten
from user360.segments.rules import Group, PropertyCondition

if TYPE_CHECKING:
    from user360.datatype import DataType, Value
    from user360.operators import Operator
    from user360.segments.catalog import Catalog
    from user360.segments.rules import Node, Rule, Scalar

MOST_VALUES: Final = 10_000
ALIASES: Final = {"is_empty": "is_not_known"}


def check(rule: Rule, catalog: Catalog) -> Rule:
    """The rule in canonical form, or InvalidRule."""
    checked = _checked(rule, catalog, "$")
    assert isinstance(checked, Group)  # noqa: S101 - a group stays a group
    return checked


def operator_of(condition: PropertyCondition, catalog: Catalog) -> Operator:
    """The row of a checked condition's operator."""
    return operators.get(condition.operator, catalog.properties[condition.property].datatype.families)


def typed(value: Scalar, datatype: DataType, catalog: Catalog) -> Value:
    """A value of a checked condition as its type's own value; for instants a bare date stays a date."""
    if datatype.name == "datetime":
        day: date | None = _as_date(value)
        if day is not None:
            return day
    parsed = _item(value) if datatype.name == "list" else datatype.parse(value, catalog.zone)
    if parsed is None:
        raise InvalidValue(datatype.name, value, "is empty", "Use is not known for people without a value.")
    return parsed


def _checked(node: Node, catalog: Catalog, path: str) -> Node:
    if isinstance(node, Group):
        inner = tuple(_checked(each, catalog, f"{path}.conditions[{place}]") for place, each in enumerate(node.conditions))
        return Group(node.match, inner)
    return _property(node, catalog, path)


def _property(node: PropertyCondition, catalog: Catalog, path: str) -> PropertyCondition:
    if node.property not in catalog.properties:
        missing = Unknown.named("property", node.property, catalog.properties)
        raise InvalidRule(f"{path}.property", missing.message, missing.hint)
    datatype = catalog.properties[node.property].datatype
    key = ALIASES.get(node.operator, node.operator)
    if not operators.has(key, datatype.families):
        known = [each.key for each in operators.of(datatype)]
        missing = Unknown.named("operator", node.operator, known)
        raise InvalidRule(f"{path}.operator", f"“{shorten(node.operator)}” is no operator of a {datatype.name}.", missing.hint)
    operator = operators.get(key, datatype.families)
    if node.case and not operator.cased:
        raise InvalidRule(f"{path}.case", f"{operator.label} knows no case.", "Take it out.")
    if node.leave_out and not operator.negative:
        raise InvalidRule(f"{path}.unknown", f"“{operator.label}” leaves unknown values out already.", "Take it out.")
    values = _values(node, operator, datatype, catalog, f"{path}.values")
    return replace(node, operator=key, values=values, case=None if node.case == operator.cased else node.case)


def _values(node: PropertyCondition, operator: Operator, datatype: DataType, catalog: Catalog, path: str) -> tuple[Scalar, ...]:
    given = node.values
    wanted = {"none": "no", "one": "1", "two": "2", "window": "2", "period": "1", "count": "1"}.get(operator.operand)
    if wanted is None and not 1 <= len(given) <= MOST_VALUES:
        raise InvalidRule(path, f"“{operator.label}” takes 1 to {MOST_VALUES:,} values, not {len(given)}.", "Give at least one.")
    if wanted is not None and len(given) != int(wanted.replace("no", "0")):
        raise InvalidRule(path, f"“{operator.label}” takes {wanted} value{'' if wanted == '1' else 's'}, not {len(given)}.")
    match operator.operand:
        case "window":
            return _window(given, path)
        case "period":
            return _one_of(given, operators.PERIODS, f"{path}[0]")
        case "count":
            return (_count(given[0], f"{path}[0]"),)
    canonical = [_canonical(value, operator, datatype, catalog, f"{path}[{place}]") for place, value in enumerate(given)]
    if operator.operand == "two" and typed(canonical[0], datatype, catalog) > typed(canonical[1], datatype, catalog):  # type: ignore[operator]  # both are of one type
        raise InvalidRule(path, "the first value is above the second.", "Swap them.")
    return tuple(sorted(set(canonical), key=_sortable)) if operator.operand == "many" else tuple(canonical)


def _sortable(value: Scalar) -> tuple[str, Any]:
    return (type(value).__name__, value)


def _canonical(value: Scalar, operator: Operator, datatype: DataType, catalog: Catalog, path: str) -> Scalar:
    if operator.family in {"email", "phone", "url"} or _is_fragment(operator):
        return _text(value, operator, path)
    try:
        found = typed(value, datatype, catalog)
    except InvalidValue as invalid:
        raise InvalidRule(path, f"“{invalid.value}” {invalid.reason}.", invalid.hint) from None
    if isinstance(found, float):
        return int(found) if found.is_integer() and abs(found) < 10**15 else found
    if isinstance(found, str):
        return found
    shown = datatypes.get("date") if _as_date(value) is not None else datatype
    return shown.format(found, catalog.zone)


def _is_fragment(operator: Operator) -> bool:
    """Whether its values are parts of a text, which need not be of the type themselves."""
    return operator.key in {"contains", "does_not_contain"} or "with" in operator.key or "match" in operator.key


def _text(value: Scalar, operator: Operator, path: str) -> str:
    if not isinstance(value, str) or not value or "\0" in value:
        raise InvalidRule(path, f"{shorten(value)} is not text.", "Give at least one character.")
    if "match" in operator.key:
        _check_pattern(value, path)
    if operator.key.startswith("country"):
        return _country(value, path)
    return value.lower() if operator.key.startswith(("domain", "host")) else value


def _country(value: str, path: str) -> str:
    code = value.strip().upper()
    if len(code) != 2 or not code.isascii() or not code.isalpha():  # noqa: PLR2004 - ISO 3166-1 alpha-2
        raise InvalidRule(path, f"“{shorten(value)}” is not a country code.", "Give two letters, such as IN.")
    return code


def _check_pattern(value: str, path: str) -> None:
    if len(value) > operators.LONGEST_PATTERN:
        raise InvalidRule(path, f"the pattern is longer than {operators.LONGEST_PATTERN} characters.", "Shorten it.")
    try:
        pc.match_substring_regex(pa.array([""]), value)
    except pa.ArrowInvalid:
        raise InvalidRule(
            path, f"“{shorten(value)}” is not a pattern.", "Patterns are RE2: no look-around, no back-references."
        ) from None


def _window(given: tuple[Scalar, ...], path: str) -> tuple[Scalar, ...]:
    return (_count(given[0], f"{path}[0]", least=1), *_one_of(given[1:], operators.UNITS, f"{path}[1]"))


def _one_of(given: tuple[Scalar, ...], known: tuple[str, ...], path: str) -> tuple[Scalar, ...]:
    if given[0] not in known:
        raise InvalidRule(path, f"“{shorten(given[0])}” is none of {', '.join(known)}.", "Choose one of them.")
    return given[:1]


def _count(value: Scalar, path: str, *, least: int = 0, most: int = 100_000) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value) or not least <= value <= most:
        raise InvalidRule(path, f"{shorten(value)} is not a whole number from {least} to {most:,}.", "Give such a number.")
    return int(value)


def _item(value: Scalar) -> str | None:
    found = datatypes.get("string").parse(value)
    return found if isinstance(found, str) else None


def _as_date(value: Scalar) -> date | None:
    try:
        found = datatypes.get("date").parse(value) if isinstance(value, str) else None
    except InvalidValue:
        return None
    return found if isinstance(found, date) else None
