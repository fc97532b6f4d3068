"""The calls about properties: list, make and describe them. Name and type stay as made, and none but a computed one can be deleted."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from user360 import datatypes, properties, segments
from user360.api import shapes
from user360.api.calls import Answer, page_of, route
from user360.api.fields import DESCRIPTION, FLAG, OBJECT, PAGE, TEXT, Field, Schema, choice, number, page, ref
from user360.api.schemas import maybe, shape
from user360.errors import InvalidRequest
from user360.segments import computed
from user360.segments.calculation import FIGURES, TYPES

if TYPE_CHECKING:
    from user360.api.calls import Asked, CallRoute
    from user360.properties import Property

_NAME: Final = Field("name", TEXT, "A letter first, then letters, digits and _.")
_TYPE: Final = Field("type", choice(*(each.name for each in datatypes.every())), "What it holds.")
_FIGURE: Final[Schema] = {
    "type": "object",
    "required": ["function", "event"],
    "properties": {
        "function": choice(*FIGURES),
        "event": maybe(TEXT),
        "where": OBJECT,
        "during": OBJECT,
        "property": TEXT,
        "type": choice(*TYPES),
        "segment": TEXT,
    },
    "examples": [{"function": "sum", "property": "total", "event": "Order Completed", "during": {"last": 90, "unit": "day"}}],
}
_CALCULATION: Final = Field(
    "calculation",
    _FIGURE,
    "A figure over the events of each user: which events, as a condition of a segment says it, the property of them it is of, "
    "what that is read as where values themselves are answered, and the segment it is for. The property is computed, its type follows.",
)
_GONE: Final = shape("The computed property that was deleted.", name=TEXT, deleted=FLAG)
_PATCHED: Final = (
    DESCRIPTION,
    _CALCULATION,
    Field("visibility", FLAG, "Whether tables show it."),
    Field("searchable", FLAG, "Whether a search looks at it."),
    Field("order", number(0, 10_000), "Its place in tables and forms, from 0."),
)
_FIXED: Final = (
    Field("name", TEXT, "Refused: a name never changes."),
    Field("type", TEXT, "Refused: a type never changes."),
)


def routes() -> list[CallRoute]:
    """The calls, each with who may make it and what it takes."""
    conflict = (HTTPStatus.CONFLICT,)
    return [
        route("GET", "/properties", "read", _find, says="List properties, in table order", takes=PAGE, answers=page("Property")),
        route(
            "POST",
            "/properties",
            "write",
            _define,
            says="Make a custom property of a type, which is there for good, or a computed one of a calculation",
            takes=(_NAME.must(), _TYPE, _CALCULATION, DESCRIPTION),
            answers=ref("Property"),
            status=HTTPStatus.CREATED,
            refuses=(*conflict, HTTPStatus.NOT_FOUND),
        ),
        route(
            "GET", "/properties/{name}", "read", _get, says="One property, and what stands in it", answers=ref("PropertyDetail")
        ),
        route(
            "PATCH",
            "/properties/{name}",
            "write",
            _describe,
            says="Change the description, visibility, search or place of a property, or the calculation of a computed one",
            takes=(*_PATCHED, *_FIXED),
            answers=ref("Property"),
            refuses=conflict,
        ),
        route(
            "DELETE",
            "/properties/{name}",
            "write",
            _delete,
            says="Delete a computed property no segment asks; refused for every other, which is there for good",
            answers=_GONE,
            refuses=conflict,
        ),
    ]


def _find(asked: Asked) -> Answer:
    limit, offset = asked.page()
    found = properties.find(asked.store)
    return page_of([_shape(each) for each in found[offset : offset + limit]], len(found), limit=limit, offset=offset)


def _get(asked: Asked) -> Answer:
    found = properties.get(asked.store, asked.place["name"])
    counted = properties.statistics(asked.store, found.name)
    commonest = [{"value": value, "users": users} for value, users in counted.commonest]
    counts = {"total": counted.total, "known": counted.known, "distinct": counted.distinct, "commonest": commonest}
    return Answer(_shape(found) | counts)


def _define(asked: Asked) -> Answer:
    name, description = asked.text("name"), asked.text("description", "")
    if ("type" in asked.given) == ("calculation" in asked.given):
        raise InvalidRequest("$", "takes either a type or a calculation.", "Give one of the two.")
    if "calculation" in asked.given:
        calculation = segments.parse_calculation(asked.given["calculation"])
        made = computed.define(asked.store, name, calculation, description, by=asked.by, at=asked.at)
    else:
        made = properties.define(asked.store, name, asked.text("type"), description, by=asked.by, at=asked.at)
    return Answer(_shape(made), {"Location": f"/api/properties/{made.name}"})


def _describe(asked: Asked) -> Answer:
    name = asked.place["name"]
    for each in _FIXED:
        if each.name in asked.given:
            properties.refuse_change(asked.store, name, f"Another {each.name}")
    if "calculation" in asked.given:
        computed.revise(asked.store, name, segments.parse_calculation(asked.given["calculation"]), by=asked.by, at=asked.at)
    order = asked.number("order", 0, least=0, most=10_000) if "order" in asked.given else None
    changed = properties.describe(
        asked.store,
        name,
        description=asked.text("description") if "description" in asked.given else None,
        visible=asked.flag("visibility") if "visibility" in asked.given else None,
        searchable=asked.flag("searchable") if "searchable" in asked.given else None,
        position=order,
    )
    return Answer(_shape(changed))


def _delete(asked: Asked) -> Answer:
    found = properties.get(asked.store, asked.place["name"])
    if found.calculation is None:
        properties.refuse_change(asked.store, found.name, "Deletion")
    computed.remove(asked.store, found.name, by=asked.by, at=asked.at)
    return Answer({"name": found.name, "deleted": True})


def _shape(found: Property) -> dict[str, Any]:
    return {
        "name": found.name,
        "type": found.datatype.name,
        "description": found.description,
        "system": found.system,
        "visibility": found.visible,
        "searchable": found.searchable,
        "order": found.position,
        "computed": found.calculation is not None,
        "calculation": None if found.calculation is None else json.loads(found.calculation),
        "computedAt": shapes.instant(found.computed_at),
        "createdAt": shapes.instant(found.made_at),
        "createdBy": found.made_by,
        "firstSeen": shapes.instant(found.first_written),
        "lastSeen": shapes.instant(found.last_written),
    }
