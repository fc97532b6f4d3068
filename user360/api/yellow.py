"""The calls of yellow.ai's user API, for those who come from there: the same addresses, names and shapes.

Properties stand flat in the body; what is answered is `{"message", "data"}`, each value with the type of its property.
A workspace has no bots: `bot` is taken and means nothing. Keys come as `x-api-key`, or as everywhere else.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from user360 import profiles, properties
from user360.api import shapes, taking
from user360.api.calls import Answer, route
from user360.api.fields import FLAG, FURTHEST, LIMIT, OBJECT, OFFSET, PROPERTIES, TEXT, Field, ref
from user360.errors import InvalidRequest
from user360.people import People

if TYPE_CHECKING:
    from collections.abc import Mapping

    from user360.api.calls import Asked, CallRoute

UNDER: Final = "/cdp"
_USER: Final = "/api/v1/user"
_BOT: Final = Field("bot", TEXT, "Taken, and without a meaning here.")
_BY_USER_ID: Final = Field("userId", FLAG | {"default": True}, "Whether the address holds a userId; else the stable id.")

_FREE: Final = OBJECT | {
    "description": "The body holds userId, and properties by their names. Null makes one unknown.",
    "examples": [{"userId": "1", "firstName": "Asha"}],
}


def routes() -> list[CallRoute]:
    """The calls, each with who may make it and what it takes."""
    one, conflict = ref("YellowUser"), (HTTPStatus.CONFLICT,)
    return [
        route(
            "GET",
            _USER,
            "read",
            _find,
            says="List users",
            takes=(_BOT, PROPERTIES, LIMIT, OFFSET),
            answers=ref("YellowUsers"),
            under=UNDER,
        ),
        route(
            "POST",
            _USER,
            "write",
            _create,
            says="Make a user",
            takes=(_BOT,),
            free=_FREE,
            answers=one,
            refuses=conflict,
            under=UNDER,
        ),
        route(
            "GET",
            f"{_USER}/{{userId}}",
            "read",
            _get,
            says="One user",
            takes=(_BOT, PROPERTIES, _BY_USER_ID),
            answers=one,
            under=UNDER,
        ),
        route(
            "PUT",
            f"{_USER}/{{userId}}",
            "write",
            _change,
            says="Change a user",
            takes=(_BOT,),
            free=_FREE,
            answers=one,
            refuses=conflict,
            under=UNDER,
        ),
        route(
            "DELETE",
            f"{_USER}/{{userId}}",
            "write",
            _delete,
            says="Delete a user",
            takes=(_BOT, LIMIT, OFFSET),
            answers=one,
            under=UNDER,
        ),
    ]


def _find(asked: Asked) -> Answer:
    limit = asked.limit()
    offset = asked.number("offset", 0, least=0, most=FURTHEST)
    found = _told(asked, None, limit=limit, offset=offset)
    return Answer({"message": "", "data": found, "total": profiles.count(asked.store)})


def _get(asked: Asked) -> Answer:
    return _one(asked, _key(asked))


def _create(asked: Asked) -> Answer:
    user_id = asked.free.get("userId")
    if user_id is not None and not isinstance(user_id, str):
        raise InvalidRequest("$.userId", "is not text.", "Give a text.")
    values = {name: each for name, each in asked.free.items() if name != "userId"}
    return _one(asked, taking.create(asked, user_id, values, under="$"))


def _change(asked: Asked) -> Answer:
    key = _key(asked)
    values = {name: each for name, each in asked.free.items() if name != "userId"}
    taking.change(asked, key, values, user_id=asked.free.get("userId"), under="$")
    return _one(asked, key)


def _delete(asked: Asked) -> Answer:
    key = _key(asked)
    told = _one(asked, key)
    profiles.delete(asked.store, People.of([key]), by=asked.by, source=shapes.SOURCE, at=asked.at)
    return told


def _key(asked: Asked) -> int:
    given = asked.place["userId"]
    return shapes.profile_of(asked.store, given if asked.flag("userId", otherwise=True) else f"{shapes.BY_ID}{given}")


def _one(asked: Asked, key: int) -> Answer:
    return Answer({"message": "", "data": _told(asked, People.of([key]), limit=1, offset=0)[0]})


def _told(asked: Asked, people: People | None, *, limit: int, offset: int) -> list[dict[str, Any]]:
    """Users as yellow.ai has them: `{"firstName": {"value": "Asha", "propertyType": "string"}, …, "id": {"value": "7"}}`."""
    types = {each.name: each.datatype.name for each in properties.find(asked.store)}
    columns = shapes.chosen(asked) or list(types)
    users = shapes.users(asked.store, people, columns=columns, sort=(), limit=limit, offset=offset, at=asked.at)
    return [_typed(each, types) for each in users]


def _typed(user: Mapping[str, Any], types: Mapping[str, str]) -> dict[str, Any]:
    known = {"userId": user["userId"], **user["properties"]}
    typed = {name: {"value": value, "propertyType": types[name]} for name, value in known.items() if value is not None}
    return {**typed, "id": {"value": user["id"]}}
