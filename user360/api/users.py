"""The calls about users: make, change, read, list and delete them, and who matches a definition."""

from __future__ import annotations

import json
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from user360 import clock, erasure, profiles
from user360.api import shapes, taking
from user360.api.calls import Answer, page_of, route
from user360.api.fields import AS_OF, DEFINITION, LISTED, OBJECT, PAGE, PROPERTIES, SORT, TEXT, Field, page, ref
from user360.errors import InvalidRequest
from user360.people import People

if TYPE_CHECKING:
    from collections.abc import Mapping

    from user360.api.calls import Asked, CallRoute

_USER_ID: Final = Field("userId", TEXT, "The id by which your own systems know the person. It never changes.")
_VALUES: Final = Field("properties", OBJECT, "Properties and their values. Null makes one unknown.")
_CONFIRM: Final = Field("confirm", TEXT, "The user id once more.")
_SEARCH: Final = Field("search", TEXT, "Words that must each be found in a searchable property.")


def routes() -> list[CallRoute]:
    """The calls, each with who may make it and what it takes."""
    user, conflict = ref("User"), (HTTPStatus.CONFLICT,)
    return [
        route("GET", "/users", "read", _find, says="List users", takes=(_SEARCH, PROPERTIES, SORT, *PAGE), answers=page("User")),
        route(
            "POST",
            "/users",
            "write",
            _create,
            says="Make a user; without a userId they are unidentified",
            takes=(_USER_ID, _VALUES),
            answers=user,
            status=HTTPStatus.CREATED,
            refuses=conflict,
        ),
        route(
            "POST",
            "/users/query",
            "read",
            _query,
            says="The users a definition matches",
            takes=(DEFINITION.must(), *LISTED, AS_OF),
            answers=page("User"),
        ),
        route("GET", "/users/{userId}", "read", _get, says="One user", takes=(PROPERTIES,), answers=user),
        route(
            "PUT",
            "/users/{userId}",
            "write",
            _change,
            says="Change a user: given values change, null makes unknown, all others stay",
            takes=(_USER_ID, _VALUES),
            answers=user,
            refuses=conflict,
        ),
        route("GET", "/users/{userId}/everything", "read", _everything, says="All that is held on a user", answers=OBJECT),
        route(
            "POST",
            "/users/{userId}/erase",
            "admin",
            _erase,
            says="Erase a user everywhere, for good; no import brings them back",
            takes=(_CONFIRM.must(),),
            answers=ref("Erased"),
        ),
        route("DELETE", "/users/{userId}", "write", _delete, says="Delete a user and their events", answers=ref("Deleted")),
    ]


def _query(asked: Asked) -> Answer:
    return shapes.matching(asked, shapes.definition(asked))


def _find(asked: Asked) -> Answer:
    limit, offset = asked.page()
    search = asked.text("search", "")
    people = profiles.matching(asked.store, search=search) if search.strip() else None
    total = len(people) if people is not None else profiles.count(asked.store)
    columns, sort = shapes.chosen(asked), asked.texts("sort") or ()
    items = shapes.users(asked.store, people, columns=columns, sort=sort, limit=limit, offset=offset, at=asked.at)
    return page_of(items, total, limit=limit, offset=offset)


def _get(asked: Asked) -> Answer:
    return _one(asked, shapes.person(asked), columns=shapes.chosen(asked))


def _one(asked: Asked, profile_key: int, *, columns: list[str] | None = None) -> Answer:
    return Answer(shapes.user(asked.store, profile_key, columns=columns, at=asked.at))


def _create(asked: Asked) -> Answer:
    user_id = asked.text("userId") if "userId" in asked.given else None
    key = taking.create(asked, user_id, _values(asked))
    made = _one(asked, key)
    return Answer(made.body, {"Location": f"/api/users/{shapes.address(made.body)}"})


def _change(asked: Asked) -> Answer:
    key = shapes.person(asked)
    taking.change(asked, key, _values(asked), user_id=asked.given.get("userId"))
    return _one(asked, key)


def _values(asked: Asked) -> Mapping[str, Any]:
    given = asked.given.get("properties", {})
    if not isinstance(given, dict):
        raise InvalidRequest("$.properties", "is no object.", "Give names and values.")
    return given


def _everything(asked: Asked) -> Answer:
    held = erasure.everything_about(asked.store, shapes.person(asked), at=asked.at)
    return Answer(json.loads(json.dumps(held, ensure_ascii=False, default=_plain)))


def _plain(value: object) -> str:
    return clock.aware(value).isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else str(value)


def _erase(asked: Asked) -> Answer:
    if asked.text("confirm") != asked.place["userId"]:
        raise InvalidRequest("$.confirm", "is not the user id of the address.", "Repeat it: this cannot be undone.")
    receipt = erasure.forget(asked.store, shapes.person(asked), by=asked.by, at=asked.at)
    return Answer(
        {"id": str(receipt.id), "at": shapes.instant(receipt.at), "counts": dict(receipt.counts), "backups": receipt.backups}
    )


def _delete(asked: Asked) -> Answer:
    key = shapes.person(asked)
    gone = profiles.get(asked.store, key)
    deleted = profiles.delete(asked.store, People.of([key]), by=asked.by, source=shapes.SOURCE, at=asked.at)
    return Answer({"userId": gone.user_id, "id": str(key), "events": deleted.events})
