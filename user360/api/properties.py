"""The calls about properties: list, make and describe them. Name and type stay as made, and none can be deleted."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from user360 import datatypes, properties
from user360.api import shapes
from user360.api.calls import Answer, page_of, route
from user360.api.fields import DESCRIPTION, FLAG, PAGE, TEXT, Field, choice, number, page, ref

if TYPE_CHECKING:
    from user360.api.calls import Asked, CallRoute
    from user360.properties import Property

_NAME: Final = Field("name", TEXT, "A letter first, then letters, digits and _.")
_TYPE: Final = Field("type", choice(*(each.name for each in datatypes.every())), "What it holds.")
_PATCHED: Final = (
    DESCRIPTION,
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
            says="Make a custom property; it is there for good",
            takes=(_NAME.must(), _TYPE.must(), DESCRIPTION),
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
            says="Change the description, visibility, search or place of a property",
            takes=(*_PATCHED, *_FIXED),
            answers=ref("Property"),
            refuses=conflict,
        ),
        route(
            "DELETE",
            "/properties/{name}",
            "write",
            _delete,
            says="Refused: a property is there for good",
            answers=ref("Property"),
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
    name, of_type, description = asked.text("name"), asked.text("type"), asked.text("description", "")
    made = properties.define(asked.store, name, of_type, description, by=asked.by, at=asked.at)
    return Answer(_shape(made), {"Location": f"/api/properties/{made.name}"})


def _describe(asked: Asked) -> Answer:
    name = asked.place["name"]
    for each in _FIXED:
        if each.name in asked.given:
            properties.refuse_change(asked.store, name, f"Another {each.name}")
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
    properties.refuse_change(asked.store, asked.place["name"], "Deletion")


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
        "createdAt": shapes.instant(found.made_at),
        "createdBy": found.made_by,
        "firstSeen": shapes.instant(found.first_written),
        "lastSeen": shapes.instant(found.last_written),
    }
