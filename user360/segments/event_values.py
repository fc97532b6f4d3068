"""The properties of an event as columns of a type, and what a condition says of them.

An event's properties are whatever the sender wrote: a number may stand as text, a list where a name
should be. Read as its type, a value that does not fit is unknown, never an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from user360.events import figures
from user360.segments import predicates
from user360.segments.checking import COLUMNS_OF_EVENTS, datatype_of
from user360.segments.rules import Group, PropertyCondition
from user360.sql import Sql, joined, name, sql

if TYPE_CHECKING:
    from user360.segments.catalog import Catalog
    from user360.segments.frames import Frame
    from user360.segments.rules import Node

_JOINTS: Final = {"all": " AND ", "any": " OR ", "none": " OR "}
DICTIONARIES: Final = {"channel": "channels", "source": "sources"}
_DAY: Final = r"^\d{4}-\d\d-\d\d$"
_TIME: Final = r"^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?$"
_INSTANT: Final = r"^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?)?$"
_ZONED: Final = r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?\s?(Z|[+-]\d\d(:?\d\d)?)$"
_MILLISECONDS: Final = r"^\d{12,14}$"


def where(node: Node, of: str | None, frame: Frame) -> Sql:
    """A group of conditions on the own properties of an event (of any, where it is None); null counts as false."""
    if isinstance(node, Group):
        inside = sql("({})", joined(_JOINTS[node.match], [where(each, of, frame) for each in node.conditions]))
        return sql("{} IS NOT TRUE", inside) if node.match == "none" else inside
    assert isinstance(node, PropertyCondition)  # noqa: S101 - as it was checked
    return _condition(node, of, frame)


def number(property_name: str, of: str | None, catalog: Catalog) -> Sql:
    """The property of an event (of any, where it is None) as a number; what is none is unknown.

    Where the numbers of a property are kept in a column beside the document, that is read.
    """
    column = catalog.figures.get((of, property_name)) if of is not None else None
    return Sql(column) if column else figures.number(Sql("properties"), property_name)


def plain(property_name: str) -> Sql:
    """The property as text, of whatever kind it is; what tells two values apart. The number 5.0 is 5."""
    if property_name in DICTIONARIES:
        return name(f"{property_name}_id")
    value = _value(property_name)
    text = sql("TRY_CAST({} AS VARCHAR)", value)
    return sql(
        "CASE WHEN {} IN ('', '[]') THEN NULL WHEN ends_with({}, '.0') AND variant_typeof({}) = 'DOUBLE' "
        "THEN replace({}, '.0', '') ELSE {} END",
        text,
        text,
        value,
        text,
        text,
    )


def on_the_wall(local: Sql, zone_name: str) -> Sql:
    """The instant of a time on the wall of a zone; of one that comes twice the first, as everywhere."""
    return sql(
        "least({} AT TIME ZONE {}, ({} - to_hours(1)) AT TIME ZONE {} + to_hours(1)) AT TIME ZONE 'UTC'",
        local,
        zone_name,
        local,
        zone_name,
    )


def _condition(condition: PropertyCondition, of: str | None, frame: Frame) -> Sql:
    datatype = datatype_of(condition, frame.catalog, of_event=True)
    if condition.property in COLUMNS_OF_EVENTS:
        column, dictionary = name(f"{condition.property}_id"), name(DICTIONARIES[condition.property])
        named = predicates.positive(Sql("name"), condition, datatype, frame.catalog, frame.at)
        said = sql("{} IN (SELECT {} FROM {} WHERE {})", column, column, dictionary, named)
        return predicates.signed(said, predicates.known(column), condition, datatype)
    column = typed(condition.property, datatype.name, of, frame)
    return predicates.holds(column, condition, datatype, frame.catalog, frame.at)


def _value(property_name: str) -> Sql:
    return sql("variant_extract(properties, {})", property_name)


def typed(property_name: str, datatype: str, of: str | None, frame: Frame) -> Sql:
    """The property of an event (of any, where it is None) as a value of that type; what does not parse is unknown."""
    text = sql("TRY_CAST({} AS VARCHAR)", _value(property_name))
    match datatype:
        case "number":
            return number(property_name, of, frame.catalog)
        case "boolean":
            return sql("CASE lower({}) WHEN 'true' THEN true WHEN 'false' THEN false END", text)
        case "list":
            return sql("nullif(list_distinct(TRY_CAST({} AS VARCHAR[])), [])", _value(property_name))
        case "date":
            return sql("TRY_CAST(regexp_extract({}, {}) AS DATE)", text, _DAY)
        case "time":
            return sql("TRY_CAST(regexp_extract({}, {}) AS TIME)", text, _TIME)
        case "datetime":
            return _instant(text, frame)
    return plain(property_name)


def _instant(text: Sql, frame: Frame) -> Sql:
    """An instant with its offset, of the workspace's zone where it has none, or as milliseconds since 1970."""
    return sql(
        "CASE WHEN regexp_matches({}, {}) THEN TRY_CAST({} AS TIMESTAMPTZ) AT TIME ZONE 'UTC' "
        "WHEN regexp_matches({}, {}) THEN {} WHEN regexp_matches({}, {}) THEN make_timestamp_ms(TRY_CAST({} AS BIGINT)) END",
        text,
        _ZONED,
        text,
        text,
        _INSTANT,
        on_the_wall(sql("TRY_CAST({} AS TIMESTAMP)", text), frame.catalog.zone_name),
        text,
        _MILLISECONDS,
        text,
    )
