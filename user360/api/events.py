"""The calls about events: the catalogue of their names, and what one of them holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from user360 import events
from user360.api import shapes
from user360.api.calls import Answer, page_of, route
from user360.api.fields import PAGE, page, ref
from user360.errors import Unknown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from user360.api.calls import Asked, CallRoute


def routes() -> list[CallRoute]:
    """The calls, each with who may make it and what it takes."""
    return [
        route(
            "GET", "/events", "read", _find, says="Every event there is, commonest first", takes=PAGE, answers=page("EventName")
        ),
        route("GET", "/events/{name}", "read", _get, says="One event: its counts and its properties", answers=ref("EventDetail")),
    ]


def _find(asked: Asked) -> Answer:
    limit, offset = asked.page()
    found = events.catalogue(asked.store)
    items = [_shape(each) for each in found.slice(offset, limit).to_pylist()]
    return page_of(items, found.num_rows, limit=limit, offset=offset)


def _get(asked: Asked) -> Answer:
    name, rows = asked.place["name"], events.catalogue(asked.store).to_pylist()
    found = next((each for each in rows if each["event"] == name), None)
    if found is None:
        raise Unknown.named("event", name, [each["event"] for each in rows])
    properties = [
        {
            "name": each.name,
            "types": list(each.types),
            "knownShare": each.known_share,
            "commonest": [{"value": value, "total": total} for value, total in each.commonest],
        }
        for each in events.schema(asked.store, name)
    ]
    return Answer(_shape(found) | {"properties": properties})


def _shape(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "event": row["event"],
        "system": row["system"],
        "users": row["users"],
        "total": row["total"],
        "firstAt": shapes.instant(row["first_at"]),
        "lastAt": shapes.instant(row["last_at"]),
    }
