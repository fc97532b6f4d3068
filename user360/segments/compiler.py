"""From a rule to people: a tree over leaves, each leaf one query of profile keys.

A leaf is positive: it holds for nobody whose value is unknown. A negative operator is everybody but
the leaf, or, where unknown values are left out, all who have a value but the leaf. That is the one
place where the meaning of an unknown value stands. The tree is put together as bitmaps, always within
all living profiles; each leaf's bitmap is kept as long as no profile changed.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from user360 import clock, operators
from user360.people import NOBODY, People
from user360.segments import windows
from user360.segments.checking import check, operator_of, typed
from user360.segments.rules import Group
from user360.sql import NOTHING, Sql, joined, name, sql

if TYPE_CHECKING:
    from user360.operators import Operator
    from user360.properties import Property
    from user360.segments.catalog import Catalog
    from user360.segments.rules import Node, PropertyCondition, Rule
    from user360.segments.windows import Span
    from user360.store import Store

KEPT: Final = 512
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Leaf:
    """The people a query names. `where` is its condition, where it asks the wide table of profiles."""

    sql: Sql
    where: Sql = NOTHING


@dataclass(frozen=True, slots=True)
class Both:
    """The people in all of the parts; of no parts everyone."""

    parts: tuple[Compiled, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """The people in any of the parts."""

    parts: tuple[Compiled, ...]


@dataclass(frozen=True, slots=True)
class Others:
    """Everybody who is not in the part."""

    part: Compiled


Compiled: TypeAlias = "Leaf | Both | Either | Others"


def compile(rule: Rule, catalog: Catalog, *, at: datetime) -> Compiled:  # noqa: A001 - the house's word
    """The rule as a tree over leaves. Pure: the same rule, catalog and instant give the same queries."""
    return _compiled(check(rule, catalog), catalog, at)


def people(store: Store, compiled: Compiled, *, whole: bool = True) -> People:
    """Who is in the tree, among all living profiles.

    Conditions on properties are asked in one reading of the profiles, which measured five times as
    fast as a bitmap each; `whole=False` asks each leaf alone, for who wants to know about each.
    """
    tree = fused(compiled) if whole else compiled
    return _combined(store, tree, _kept(store, Leaf(Sql("SELECT profile_key FROM profiles"))))


def fused(compiled: Compiled) -> Compiled:
    """The same people by fewer queries: all that asks the wide table of profiles becomes one condition."""
    where = _where(compiled)
    if where:
        return _wide(where)
    match compiled:
        case Both(parts) | Either(parts):
            wide = tuple(each for each in parts if _where(each))
            rest = tuple(fused(each) for each in parts if not _where(each))
            return type(compiled)((*([fused(type(compiled)(wide))] if wide else []), *rest))
        case Others(part):
            return Others(fused(part))
    return compiled


def leaf(condition: PropertyCondition, catalog: Catalog, *, at: datetime) -> Leaf:
    """The query of the condition's positive: of a negative, that of its complement."""
    operator = operator_of(condition, catalog)
    positive = operators.get(operator.complement, [operator.family]) if operator.negative else operator
    found = catalog.properties[condition.property]
    exact = (condition.case or operator.cased or "exact") == "exact"
    values = _operands(condition, positive, found, catalog, at)
    return _rows(found, positive, values, exact, catalog)


def known(condition: PropertyCondition, catalog: Catalog) -> Leaf:
    """Who has any value of the condition's property."""
    return _rows(catalog.properties[condition.property], operators.get("is_known"), (), True, catalog)


def _compiled(node: Node, catalog: Catalog, at: datetime) -> Compiled:
    if isinstance(node, Group):
        parts = tuple(_compiled(each, catalog, at) for each in node.conditions)
        return Both(parts) if node.match == "all" else Either(parts) if node.match == "any" else Others(Either(parts))
    positive = leaf(node, catalog, at=at)
    if not operator_of(node, catalog).negative:
        return positive
    return Both((known(node, catalog), Others(positive))) if node.leave_out else Others(positive)


def _wide(where: Sql) -> Leaf:
    return Leaf(sql("SELECT profile_key FROM profiles WHERE {}", where), where)


def _where(compiled: Compiled) -> Sql:
    """The condition that says the same, or nothing where not all of it asks the wide table.

    An unknown value makes a comparison NULL, which all, any and WHERE take for false; only a
    negation has to say so, and a plain comparison lets the database skip what cannot match.
    """
    match compiled:
        case Leaf(_, where):
            return where
        case Others(part):
            inner = _where(part)
            return sql("({}) IS NOT TRUE", inner) if inner else NOTHING
        case Both(parts) | Either(parts):
            inner_parts = [_where(each) for each in parts]
            if not parts or not all(inner_parts):
                return NOTHING
            return sql("({})", joined(" AND " if isinstance(compiled, Both) else " OR ", inner_parts))


def _combined(store: Store, compiled: Compiled, everyone: People) -> People:
    match compiled:
        case Leaf():
            return _kept(store, compiled) & everyone
        case Both(parts):
            found = everyone
            for part in parts:
                found &= _combined(store, part, everyone)
            return found
        case Either(parts):
            found = NOBODY
            for part in parts:
                found |= _combined(store, part, everyone)
            return found
        case Others(part):
            return everyone - _combined(store, part, everyone)


# -- leaves -------------------------------------------------------------------------------------

_leaves: OrderedDict[tuple[int, int, Sql], People] = OrderedDict()
_guard = Lock()


def forget_leaves() -> None:
    """Let every kept answer go, so that the next question is asked anew; for who measures."""
    with _guard:
        _leaves.clear()


def _kept(store: Store, leaf: Leaf) -> People:
    """The leaf's people, asked once per revision of the profiles."""
    key = (id(store), store.revision("profiles"), leaf.sql)
    with _guard:
        if key in _leaves:
            _leaves.move_to_end(key)
            return _leaves[key]
    found = store.people(leaf.sql)
    with _guard:
        _leaves[key] = found
        while len(_leaves) > KEPT:
            _leaves.popitem(last=False)
    return found


def _rows(found: Property, operator: Operator, values: Any, exact: bool, catalog: Catalog) -> Leaf:  # noqa: FBT001 - handed to the row
    if operator.build is None:
        raise AssertionError("a leaf is positive")
    if found.aside:
        return Leaf(_tagged(operator, values, exact))
    column = name(found.name)
    if operator.key == "anniversary_in_the_next" and found.datatype.name == "datetime":
        column = sql("({} AT TIME ZONE 'UTC' AT TIME ZONE {})", column, catalog.zone_name)
    return _wide(operator.build(column, values, exact))


def _tagged(operator: Operator, values: Any, exact: bool) -> Sql:  # noqa: FBT001 - handed to the row
    """The same rows of the table over tags, which stand beside the profiles: gathered to a list per person."""
    assert operator.build is not None  # noqa: S101 - a leaf is positive
    gathered = Sql("SELECT profile_key, list(name) AS tags FROM profile_tags JOIN tags USING (tag_id) GROUP BY profile_key")
    if operator.key == "contains_any":
        single = operators.get("is", ["text"])
        assert single.build is not None  # noqa: S101 - `is` is positive
        return sql(
            "SELECT DISTINCT profile_key FROM profile_tags JOIN tags USING (tag_id) WHERE {}",
            single.build(Sql("name"), values, True),
        )
    return sql("SELECT profile_key FROM ({}) WHERE {}", gathered, operator.build(Sql("tags"), values, exact))


def _operands(
    condition: PropertyCondition, operator: Operator, found: Property, catalog: Catalog, at: datetime
) -> tuple[Any, ...]:
    if operator.family == "calendar":
        return _spans(condition, operator, found, catalog, at)
    if (
        operator.operand == "count"
        or operator.family in {"email", "phone", "url"}
        or operator.key in {"contains", "starts_with", "ends_with", "matches"}
    ):
        return condition.values
    return tuple(typed(each, found.datatype, catalog) for each in condition.values)


def _spans(condition: PropertyCondition, operator: Operator, found: Property, catalog: Catalog, at: datetime) -> tuple[Any, ...]:
    """What a calendar operator compares with: spans of instants, or of days where the column holds days."""
    days = found.datatype.name == "date"
    values: list[Any] = (
        [typed(each, found.datatype, catalog) for each in condition.values] if operator.operand in {"one", "two", "many"} else []
    )
    match operator.key:
        case "is":
            return tuple(_on(each, days, catalog) for each in values)
        case "before":
            return ((None, _first(values[0], days, catalog), "[)"),)
        case "after":
            return (_after(values[0], days, catalog),)
        case "between":
            return (_between(values[0], values[1], days, catalog),)
        case "anniversary_in_the_next":
            return _birthdays(int(condition.values[0]), catalog, at)
    return (_window(condition, operator, days, catalog, at),)


def _window(condition: PropertyCondition, operator: Operator, days: bool, catalog: Catalog, at: datetime) -> Span:  # noqa: FBT001 - of the column
    if operator.key in {"in_the_last", "in_the_next"}:
        amount, unit = int(condition.values[0]), str(condition.values[1])
        ahead = operator.key == "in_the_next"
        other = windows.shifted(at, amount if ahead else -amount, unit, catalog)
        first, last = (at, other) if ahead else (other, at)
        return (
            (clock.calendar_day(first, catalog.zone), clock.calendar_day(last, catalog.zone), "(]")
            if days
            else (clock.stored(first), clock.stored(last), "(]")
        )
    if operator.key in {"is_today", "in_period"}:
        first, end = windows.period("today" if operator.key == "is_today" else str(condition.values[0]), at, catalog)
    else:
        amount = int(condition.values[0])
        first, end = windows.unit_around(
            at, amount if operator.key == "will_be_exactly" else -amount, str(condition.values[1]), catalog
        )
    return (*windows.as_days(first, end, catalog), "[]") if days else (clock.stored(first), clock.stored(end), "[)")


def _on(value: Any, days: bool, catalog: Catalog) -> Span:  # noqa: FBT001 - of the column
    if days or isinstance(value, datetime):
        edge = value if days else clock.stored(value)
        return edge, edge, "[]"
    return _first(value, days, catalog), _first(value + _DAY, days, catalog), "[)"


def _after(value: Any, days: bool, catalog: Catalog) -> Span:  # noqa: FBT001 - of the column
    if days:
        return value, None, "(]"
    if isinstance(value, datetime):
        return clock.stored(value), None, "(]"
    return _first(value + _DAY, days, catalog), None, "[]"


def _between(first: Any, last: Any, days: bool, catalog: Catalog) -> Span:  # noqa: FBT001 - of the column
    if days:
        return first, last, "[]"
    end = clock.stored(last) if isinstance(last, datetime) else _first(last + _DAY, days, catalog)
    return _first(first, days, catalog), end, "[)"


def _first(value: Any, days: bool, catalog: Catalog) -> Any:  # noqa: FBT001 - of the column
    """The first instant of a day, an instant as it is stored, or a day for a column of days."""
    if days:
        return value
    return clock.stored(value if isinstance(value, datetime) else clock.start_of_day(value, catalog.zone))


def _birthdays(ahead: int, catalog: Catalog, at: datetime) -> tuple[int, ...]:
    """The month and day (as 100 * month + day) of today and so many days on; 29 February counts on the 28th of a common year."""
    today = clock.calendar_day(at, catalog.zone)
    found: dict[int, None] = {}
    for offset in range(min(ahead, 366) + 1):
        day = today + offset * _DAY
        found[day.month * 100 + day.day] = None
        if (day.month, day.day) == (2, 28) and (day + _DAY) == date(day.year, 3, 1):
            found[229] = None
    return tuple(found)
