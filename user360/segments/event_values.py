"""The properties of an event as columns of a type, and what a condition says of them.

An event's properties are whatever the sender wrote: a number may stand as text, a list where a name
should be. Read as its type, a value that does not fit is unknown, never an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from user360.segments import predicates
from user360.segments.checking import COLUMNS_OF_EVENTS, datatype_of
from user360.segments.rules import Group, PropertyCondition
from user360.sql import Sql, joined, name, sql

if TYPE_CHECKING:
    from user360.segments.frames import Frame
    from user360.segments.rules import Node

_JOINTS: Final = {"all": " AND ", "any": " OR ", "none": " OR "}
_DICTIONARIES: Final = {"channel": "channels", "source": "sources"}
_DAY: Final = r"^\d{4}-\d\d-\d\d$"
_TIME: Final = r"^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?$"
_INSTANT: Final = r"^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?)?$"
_ZONED: Final = r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?\s?(Z|[+-]\d\d(:?\d\d)?)$"


def where(node: Node, frame: Frame) -> Sql:
    """A group of conditions on an event's own properties, where null counts as false."""
    if isinstance(node, Group):
        inside = sql("({})", joined(_JOINTS[node.match], [where(each, frame) for each in node.conditions]))
        return sql("{} IS NOT TRUE", inside) if node.match == "none" else inside
    assert isinstance(node, PropertyCondition)  # noqa: S101 - as it was checked
    return _condition(node, frame)


def number(property_name: str) -> Sql:
    """The property as a number. Where a value is written as one, a number kept as text is that number; true and false are none."""
    value = _value(property_name)
    read = sql("TRY_CAST({} AS DOUBLE)", value)
    return sql(
        "CASE WHEN {} IN (0, 1) THEN CASE WHEN starts_with(variant_typeof({}), 'BOOL') THEN NULL ELSE {} END "
        "WHEN isfinite({}) THEN {} END",
        read,
        value,
        read,
        read,
        read,
    )


def plain(property_name: str) -> Sql:
    """The property as text, of whatever kind it is; what tells two values apart."""
    if property_name in _DICTIONARIES:
        return name(f"{property_name}_id")
    return sql("nullif(TRY_CAST({} AS VARCHAR), '')", _value(property_name))


def _condition(condition: PropertyCondition, frame: Frame) -> Sql:
    datatype = datatype_of(condition, frame.catalog, of_event=True)
    if condition.property in COLUMNS_OF_EVENTS:
        column, dictionary = name(f"{condition.property}_id"), name(_DICTIONARIES[condition.property])
        named = predicates.positive(Sql("name"), condition, datatype, frame.catalog, frame.at)
        said = sql("{} IN (SELECT {} FROM {} WHERE {})", column, column, dictionary, named)
        return predicates.signed(said, predicates.known(column), condition, datatype)
    column = _typed(condition.property, datatype.name, frame)
    return predicates.holds(column, condition, datatype, frame.catalog, frame.at)


def _value(property_name: str) -> Sql:
    return sql("variant_extract(properties, {})", property_name)


def _typed(property_name: str, datatype: str, frame: Frame) -> Sql:
    text = sql("TRY_CAST({} AS VARCHAR)", _value(property_name))
    match datatype:
        case "number":
            return number(property_name)
        case "boolean":
            return sql("CASE lower({}) WHEN 'true' THEN true WHEN 'false' THEN false END", text)
        case "list":
            return sql("nullif(TRY_CAST({} AS VARCHAR[]), [])", _value(property_name))
        case "date":
            return sql("TRY_CAST(regexp_extract({}, {}) AS DATE)", text, _DAY)
        case "time":
            return sql("TRY_CAST(regexp_extract({}, {}) AS TIME)", text, _TIME)
        case "datetime":
            return _instant(text, frame)
    return sql("nullif({}, '')", text)


def _instant(text: Sql, frame: Frame) -> Sql:
    """An instant with its offset, or of the workspace's zone where it has none."""
    return sql(
        "CASE WHEN regexp_matches({}, {}) THEN TRY_CAST({} AS TIMESTAMPTZ) AT TIME ZONE 'UTC' "
        "WHEN regexp_matches({}, {}) THEN (TRY_CAST({} AS TIMESTAMP) AT TIME ZONE {}) AT TIME ZONE 'UTC' END",
        text,
        _ZONED,
        text,
        text,
        _INSTANT,
        text,
        frame.catalog.zone_name,
    )
