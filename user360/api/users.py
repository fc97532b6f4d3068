"""The calls about users: make, change, read, list and delete them, and who matches a definition."""

from __future__ import annotations

import json
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from user360 import ingest, profiles
from user360.api import shapes
from user360.api.calls import Answer, page_of, route
from user360.api.fields import AS_OF, DEFINITION, LISTED, OBJECT, PAGE, PROPERTIES, SORT, TEXT, Field, page, ref
from user360.errors import IdentityConflict, Immutable, InvalidProperty, InvalidRequest, shorten
from user360.people import People

if TYPE_CHECKING:
    from collections.abc import Mapping

    from user360.api.calls import Asked, CallRoute
    from user360.ingest import Receipt
    from user360.store import Transaction

_USER_ID: Final = Field("userId", TEXT, "The id by which your own systems know the person. It never changes.")
_VALUES: Final = Field("properties", OBJECT, "Properties and their values. Null makes one unknown.")
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
        route("DELETE", "/users/{userId}", "write", _delete, says="Delete a user and their events", answers=ref("Deleted")),
    ]


def _query(asked: Asked) -> Answer:
    return shapes.matching(asked, shapes.definition(asked))


def _find(asked: Asked) -> Answer:
    limit, offset = asked.page()
    search = asked.text("search", "")
    people = profiles.matching(asked.store, search=search) if search.strip() else None
    total = len(people) if people is not None else profiles.count(asked.store)
    columns, sort = asked.texts("properties"), asked.texts("sort") or ()
    items = shapes.users(asked.store, people, columns=columns, sort=sort, limit=limit, offset=offset, at=asked.at)
    return page_of(items, total, limit=limit, offset=offset)


def _get(asked: Asked) -> Answer:
    return _one(asked, shapes.person(asked), columns=asked.texts("properties"))


def _one(asked: Asked, profile_key: int, *, columns: list[str] | None = None) -> Answer:
    return Answer(shapes.user(asked.store, profile_key, columns=columns, at=asked.at))


def _create(asked: Asked) -> Answer:
    user_id = asked.text("userId") if asked.given.get("userId") is not None else None
    if user_id is not None and not user_id.strip():
        raise InvalidRequest("$.userId", "is blank.", "Give the person's own id, or none.")
    batch = ingest.user(values(asked, user_id), user_id=user_id)
    key = _take(asked, batch, partial(_must_be_new, user_id))
    made = _one(asked, key)
    return Answer(made.body, {"Location": f"/api/users/{shapes.address(made.body)}"})


def _must_be_new(user_id: str | None, _tx: Transaction, receipt: Receipt) -> None:
    """Refuse inside the transaction, so that of two calls at once one is refused and changes nothing."""
    if not receipt.created and not receipt.rejected:
        raise IdentityConflict(f"There is a user “{shorten(user_id)}” already.", "Change them with PUT.")


def _change(asked: Asked) -> Answer:
    key = shapes.person(asked)
    user_id = profiles.get(asked.store, key).user_id
    if asked.given.get("userId", user_id) != user_id:
        raise Immutable(f"The id of “{asked.place['userId']}” cannot be changed.", "A userId never changes once it is known.")
    _take(asked, ingest.user(values(asked, user_id), profile_key=key))
    return _one(asked, key)


def _delete(asked: Asked) -> Answer:
    key = shapes.person(asked)
    gone = profiles.get(asked.store, key)
    deleted = profiles.delete(asked.store, People.of([key]), by=asked.by, source=shapes.SOURCE, at=asked.at)
    return Answer({"userId": gone.user_id, "id": str(key), "events": deleted.events})


# -- values in ----------------------------------------------------------------------------------


def values(asked: Asked, user_id: str | None) -> dict[str, object]:
    """The properties of a call as a form would give them; the user id may stand among them where it says the same."""
    given = asked.given.get("properties", {})
    if not isinstance(given, dict):
        raise InvalidRequest("$.properties", "is no object.", "Give names and values.")
    return {each: _plain(value) for each, value in given.items() if not (each == "userId" and value == user_id)}


def _plain(value: Any) -> object:
    """A value of JSON as its type reads it: whole numbers without a point, nested values as the JSON they are."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) or (isinstance(value, list) and value) else value


def _take(asked: Asked, batch: ingest.Users, also: ingest.Also | None = None) -> int:
    """Take one user in, whole or not at all; a refusal names the property and its value. Answers the profile."""
    _refuse_kept(asked, batch.columns)
    receipt = ingest.receive(asked.store, batch, source=shapes.SOURCE, by=asked.by, at=asked.at, on_refusal="all", also=also)
    if receipt.rejected:
        first, *others = receipt.rejected
        path = "$.userId" if first.property == "userId" else f"$.properties.{first.property}"
        more = f" Refused as well: {', '.join(each.property for each in others)}." if others else ""
        refusal = InvalidRequest(path, first.message, f"{first.hint}{more}")
        refusal.code = first.code
        raise refusal
    return int(receipt.profile_keys[0].as_py())


def _refuse_kept(asked: Asked, columns: Mapping[str, object]) -> None:
    """Refuse what cannot be set by hand, and names nobody made, before anything is written."""
    for each in columns:
        found = shapes.known_property(asked.store, each, "$.properties")
        if not found.writable:
            refusal = InvalidRequest(f"$.properties.{each}", "cannot be set.", "User 360 keeps it itself. Leave it out.")
            refusal.code = InvalidProperty.code
            raise refusal
