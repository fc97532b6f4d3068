"""How a call makes and changes one user: whole or not at all, a refusal naming the property and its value."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from user360 import ingest, profiles
from user360.api import shapes
from user360.errors import IdentityConflict, Immutable, InvalidProperty, InvalidRequest, shorten

if TYPE_CHECKING:
    from collections.abc import Mapping

    from user360.api.calls import Asked
    from user360.ingest import Receipt
    from user360.store import Transaction

PROPERTIES: Final = "$.properties"


def create(asked: Asked, user_id: str | None, given: Mapping[str, Any], *, under: str = PROPERTIES) -> int:
    """Make a user; answers the profile. `under` is where in the body the values stand."""
    if user_id is not None and not user_id.strip():
        raise InvalidRequest("$.userId", "is blank.", "Give the person's own id, or none.")
    return _take(asked, ingest.user(_values(given, user_id), user_id=user_id), under, partial(_must_be_new, user_id))


def change(asked: Asked, key: int, given: Mapping[str, Any], *, user_id: object = None, under: str = PROPERTIES) -> None:
    """Change the given values of a user. A `user_id` that comes along must be theirs."""
    theirs = profiles.get(asked.store, key).user_id
    if user_id not in (None, theirs):
        raise Immutable(f"The id of “{shorten(theirs)}” cannot be changed.", "A userId never changes once it is known.")
    _take(asked, ingest.user(_values(given, theirs), profile_key=key), under)


def _must_be_new(user_id: str | None, _tx: Transaction, receipt: Receipt) -> None:
    """Refuse inside the transaction, so that of two calls at once one is refused and changes nothing."""
    if not receipt.created and not receipt.rejected:
        raise IdentityConflict(f"There is a user “{shorten(user_id)}” already.", "Change them with PUT.")


def _values(given: Mapping[str, Any], user_id: str | None) -> dict[str, object]:
    """The values as a form would give them; the user id may stand among them where it says the same."""
    return {each: _plain(value) for each, value in given.items() if not (each == "userId" and value == user_id)}


def _plain(value: Any) -> object:
    """A value of JSON as its type reads it: whole numbers without a point, nested values as the JSON they are."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) or (isinstance(value, list) and value) else value


def _take(asked: Asked, batch: ingest.Users, under: str, also: ingest.Also | None = None) -> int:
    for each in batch.columns:
        if not shapes.known_property(asked.store, each, under).writable:
            refusal = InvalidRequest(f"{under}.{each}", "cannot be set.", "User 360 keeps it itself. Leave it out.")
            refusal.code = InvalidProperty.code
            raise refusal
    receipt = ingest.receive(asked.store, batch, source=shapes.SOURCE, by=asked.by, at=asked.at, on_refusal="all", also=also)
    if receipt.rejected:
        first, *others = receipt.rejected
        path = "$.userId" if first.property == "userId" else f"{under}.{first.property}"
        more = f" Refused as well: {', '.join(each.property for each in others)}." if others else ""
        refusal = InvalidRequest(path, first.message, f"{first.hint}{more}")
        refusal.code = first.code
        raise refusal
    return int(receipt.profile_keys[0].as_py())
