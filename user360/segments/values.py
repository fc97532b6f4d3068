"""Whether an operator and its values fit a type, and their canonical form.

Every value is parsed by the type's own reading and written back in its canonical form, so that two
conditions of one meaning are one text. What a condition is about does not live here (`checking`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from user360 import datatypes, operators
from user360.errors import InvalidRule, InvalidValue, Unknown, shorten

if TYPE_CHECKING:
    from user360.datatype import DataType, Value
    from user360.operators import Operator
    from user360.segments.catalog import Catalog
    from user360.segments.rules import Case, Scalar

MOST_VALUES: Final = 10_000
ALIASES: Final = {"is_empty": "is_not_known"}


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of a value: an operator, its values, whether case matters, what unknown means."""

    operator: str
    values: tuple[Scalar, ...] = ()
    case: Case | None = None
    leave_out: bool = False


def checked(asked: Asked, datatype: DataType, catalog: Catalog, path: str) -> Asked:
    """The same in canonical form, or InvalidRule under this path."""
    operator = operator_of(asked.operator, datatype, path)
    if asked.case and not operator.cased:
        raise InvalidRule(f"{path}.case", f"{operator.label} knows no case.", "Take it out.")
    if asked.leave_out and not operator.negative:
        raise InvalidRule(f"{path}.unknown", f"“{operator.label}” leaves unknown values out already.", "Take it out.")
    values = _values(asked.values, operator, datatype, catalog, f"{path}.values")
    return Asked(operator.key, values, None if asked.case == operator.cased else asked.case, asked.leave_out)


def operator_of(key: str, datatype: DataType, path: str) -> Operator:
    """The operator of that type, or InvalidRule with the nearest."""
    key = ALIASES.get(key, key)
    if not operators.has(key, datatype.families):
        missing = Unknown.named("operator", key, [each.key for each in operators.of(datatype)])
        reason = f"“{shorten(key)}” is no operator of a {datatype.name}."
        raise InvalidRule(f"{path}.operator", reason, missing.hint)
    return operators.get(key, datatype.families)


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


def count(value: Scalar, path: str, *, least: int = 0, most: int = 100_000) -> int:
    """A whole number within these bounds."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value) or not least <= value <= most:
        raise InvalidRule(path, f"{shorten(value)} is not a whole number from {least} to {most:,}.", "Give such a number.")
    return int(value)


def one_of(value: Scalar, known: tuple[str, ...], path: str) -> str:
    """One of these words."""
    if value not in known:
        raise InvalidRule(path, f"“{shorten(value)}” is none of {', '.join(known)}.", "Choose one of them.")
    return str(value)


def window(given: tuple[Scalar, ...], path: str) -> tuple[int, str]:
    """An amount and a unit of time."""
    return count(given[0], f"{path}[0]", least=1), one_of(given[1], operators.UNITS, f"{path}[1]")


def edge(value: Scalar, catalog: Catalog, path: str) -> str:
    """A day or an instant, in its canonical form."""
    return str(_canonical(value, operators.get("before", ["calendar"]), datatypes.get("datetime"), catalog, path))


def _values(given: tuple[Scalar, ...], operator: Operator, datatype: DataType, catalog: Catalog, path: str) -> tuple[Scalar, ...]:
    wanted = {"none": "no", "one": "1", "two": "2", "window": "2", "period": "1", "count": "1"}.get(operator.operand)
    if wanted is None and not 1 <= len(given) <= MOST_VALUES:
        raise InvalidRule(path, f"“{operator.label}” takes 1 to {MOST_VALUES:,} values, not {len(given)}.", "Give at least one.")
    if wanted is not None and len(given) != int(wanted.replace("no", "0")):
        raise InvalidRule(path, f"“{operator.label}” takes {wanted} value{'' if wanted == '1' else 's'}, not {len(given)}.")
    match operator.operand:
        case "window":
            return window(given, path)
        case "period":
            return (one_of(given[0], operators.PERIODS, f"{path}[0]"),)
        case "count":
            return (count(given[0], f"{path}[0]"),)
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


def _item(value: Scalar) -> str | None:
    found = datatypes.get("string").parse(value)
    return found if isinstance(found, str) else None


def _as_date(value: Scalar) -> date | None:
    try:
        found = datatypes.get("date").parse(value) if isinstance(value, str) else None
    except InvalidValue:
        return None
    return found if isinstance(found, date) else None
