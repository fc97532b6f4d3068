"""The OpenAPI 3.1 document: every call there is, from the cards of the calls themselves.

Nothing is written here about any one call, so the document follows the code by itself. How it looks
on a page does not live here (`reading`), nor what the shapes hold (`schemas`).
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import user360
from user360.api.fields import DRY_RUN, SENDING, TEXT, UNDER, ref
from user360.api.schemas import SCHEMAS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from user360.api.fields import Card, Field

INTRODUCTION: Final = (
    "Reading and managing users, events and segments. Send a key as `Authorization: Bearer …`; its scope says how far it "
    "reaches: read, write, admin. Instants are ISO 8601 in UTC, ids are texts. Lists take `limit` (50, at most 1,000) and "
    "`offset` or `cursor`, and answer `items`, `total` and the next `cursor`. Whatever is refused is answered with a fitting "
    "status and `code`, `message`, `hint` and `path`; a refused call changes nothing. A user is addressed by their userId, "
    "encoded where it holds a slash or a blank; who has none yet by `id:` and their stable id. SDKs send to `/v1`, with a write key of a source."
)
_WAYS: Final = {
    "key": {"type": "http", "scheme": "bearer", "description": "An API key."},
    "writeKey": {"type": "http", "scheme": "basic", "description": "A write key of a source as the user name, and no password."},
    "writeKeyHeader": {"type": "apiKey", "in": "header", "name": "X-Write-Key", "description": "A write key of a source."},
}
_PLACE: Final = re.compile(r"\{(\w+)\}")
_ALWAYS: Final = (HTTPStatus.SERVICE_UNAVAILABLE,)
_WITH_KEY: Final = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.UNPROCESSABLE_ENTITY)
_WITH_BODY: Final = (HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)


def describe(cards: Iterable[Card]) -> dict[str, Any]:
    """The document of these calls."""
    paths: dict[str, dict[str, Any]] = {}
    for card in cards:
        paths.setdefault(card.under + card.path, {})[card.method.lower()] = _call(card)
    return {
        "openapi": "3.1.0",
        "info": {"title": "User 360", "version": user360.__version__, "description": INTRODUCTION},
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": _WAYS,
        },
    }


def _call(card: Card) -> dict[str, Any]:
    places = [
        {"name": each, "in": "path", "required": True, "schema": TEXT | {"minLength": 1}} for each in _PLACE.findall(card.path)
    ]
    told: dict[str, Any] = {
        "operationId": _name(card),
        "tags": [card.path.split("/")[1] if card.under == UNDER else card.under.strip("/")],
        "summary": card.says,
        "description": card.more or (f"Needs a key of the scope {card.scope}." if card.scope else "Needs no key."),
        "security": [{each: []} for each in card.secured] if card.scope else [],
        "parameters": places + ([] if card.in_body else [_parameter(each) for each in card.takes]),
        "responses": dict(_answers(card)),
    }
    return told | ({"requestBody": _body(card)} if card.free or (card.in_body and card.takes) else {})


def _name(card: Card) -> str:
    """`get_users_userId_events`."""
    path = card.path if card.under == UNDER else card.under + card.path
    return "_".join([card.method.lower(), *(each.strip("{}") for each in path.split("/") if each)]).replace(".", "_")


def _parameter(field: Field) -> dict[str, Any]:
    told = {"name": field.name, "in": "query", "description": field.says, "required": field.needed, "schema": field.schema}
    return told | ({"style": "form", "explode": False} if field.schema.get("type") == "array" else {})


def _body(card: Card) -> dict[str, Any]:
    schema = card.free or {
        "type": "object",
        "properties": {each.name: _value(each, card) for each in card.takes},
        "required": [each.name for each in card.takes if each.needed],
        "additionalProperties": False,
    }
    media = "multipart/form-data" if card.form else "application/json"
    return {"required": any(each.needed for each in card.takes), "content": {media: {"schema": schema}}}


def _value(field: Field, card: Card) -> dict[str, Any]:
    """One value of a body; null is the same as not given."""
    open_ = field.schema if field.needed or card.form else {"anyOf": [field.schema, {"type": "null"}]}
    return {"description": field.says, **open_}


def _answers(card: Card) -> Iterator[tuple[str, dict[str, Any]]]:
    answered = {card.answers: {}} if isinstance(card.answers, str) else {"application/json": {"schema": card.answers}}
    yield str(card.status.value), {"description": card.status.phrase, "content": answered}
    if DRY_RUN in card.takes and card.status != HTTPStatus.OK:
        yield str(HTTPStatus.OK.value), {"description": "What would happen; nothing was made", "content": answered}
    refused = {*_ALWAYS, *card.refuses}
    refused |= {*_WITH_KEY} if card.scope and card.under != SENDING else set()
    refused |= {*_WITH_BODY} if card.has_body else set()
    refused |= {HTTPStatus.NOT_FOUND} if "{" in card.path else set()
    for status in sorted(refused):
        yield str(status.value), {"description": status.phrase, "content": {"application/json": {"schema": ref("Fault")}}}
