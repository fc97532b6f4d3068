"""The calls about duplicates: search for them, list them with what speaks for each, dismiss one and take that back."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from user360 import duplicates, jobs, profiles
from user360.api import shapes
from user360.api.calls import Answer, page_of, route
from user360.api.fields import PAGE, Field, choice, page, ref
from user360.errors import Conflict, InvalidRequest
from user360.people import People

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from user360.api.calls import Asked, CallRoute
    from user360.duplicates import Pair
    from user360.store import Store

_STATUS: Final = Field("status", choice("open", "dismissed") | {"default": "open"}, "Those to decide on, or those dismissed.")
_LEAST: Final = Field(
    "least",
    {"type": "integer", "minimum": 50, "maximum": 99, "default": 50},
    "How likely they are one person at least, in per cent.",
)


def routes() -> list[CallRoute]:
    """The calls, each with who may make it and what it takes."""
    pair = ref("Duplicate")
    return [
        route(
            "GET",
            "/duplicates",
            "read",
            _find,
            says="Pairs of users who may be one person, the likeliest first",
            takes=(_STATUS, _LEAST, *PAGE),
            answers=page("Duplicate"),
        ),
        route(
            "POST",
            "/duplicates/search",
            "write",
            _search,
            says="Begin to search for duplicates in the background",
            answers=ref("DuplicateSearch"),
            status=HTTPStatus.ACCEPTED,
            refuses=(HTTPStatus.CONFLICT,),
        ),
        route("GET", "/duplicates/search", "read", _searched, says="The newest search", answers=ref("DuplicateSearch")),
        route("GET", "/duplicates/{id}", "read", _get, says="One pair", answers=pair),
        route("POST", "/duplicates/{id}/dismiss", "write", _dismiss, says="Say that they are two people, for good", answers=pair),
        route("POST", "/duplicates/{id}/reopen", "write", _reopen, says="Take a dismissal back", answers=pair),
    ]


def _find(asked: Asked) -> Answer:
    limit, offset = asked.page()
    status: Any = asked.text("status", "open")
    if status not in ("open", "dismissed"):
        raise InvalidRequest("$.status", "is not open or dismissed.", "Choose one of the two.")
    least = duplicates.weight(asked.number("least", 50, least=50, most=99) / 100)
    found = duplicates.find(asked.store, status=status, least=least, limit=limit, offset=offset)
    total = duplicates.count(asked.store, status=status, least=least)
    return page_of(_shapes(asked.store, found), total, limit=limit, offset=offset)


def _get(asked: Asked) -> Answer:
    return _told(asked, _one(asked))


def _dismiss(asked: Asked) -> Answer:
    return _told(asked, duplicates.dismiss(asked.store, _one(asked).id, by=asked.by, at=asked.at))


def _reopen(asked: Asked) -> Answer:
    return _told(asked, duplicates.reopen(asked.store, _one(asked).id, by=asked.by, at=asked.at))


def _one(asked: Asked) -> Pair:
    return duplicates.get(asked.store, shapes.number(asked, "pair"))


def _told(asked: Asked, pair: Pair) -> Answer:
    return Answer(_shapes(asked.store, [pair])[0])


def _shapes(store: Store, pairs: Sequence[Pair]) -> list[dict[str, Any]]:
    """Pairs; both users are named as a call names them, so that they can be merged by it."""
    keys = sorted({key for pair in pairs for key in (pair.left, pair.right)})
    found = profiles.find(store, within=People.of(keys), columns=["userId"], limit=len(keys)).to_pylist() if keys else []
    user_ids = {row["profile_key"]: row["userId"] for row in found}
    return [_shape(each, user_ids) for each in pairs]


def _shape(pair: Pair, user_ids: Mapping[int, str | None]) -> dict[str, Any]:
    return {
        "id": str(pair.id),
        "users": [shapes.called(user_ids.get(each), each) for each in (pair.left, pair.right)],
        "ids": [str(pair.left), str(pair.right)],
        "probability": round(pair.probability, 6),
        "bits": round(pair.weight, 3),
        "parts": {each: round(bits, 3) for each, bits in pair.parts.items()},
        "status": pair.status,
        "decidedAt": shapes.instant(pair.decided_at),
        "decidedBy": pair.decided_by,
    }


# -- searching ----------------------------------------------------------------------------------


def _search(asked: Asked) -> Answer:
    """Begins, and answers what is known so far: the search before, until this one is done."""
    if any(each.kind == jobs.DUPLICATES for each in jobs.running()):
        raise Conflict("A search for duplicates is running.", "Ask for its result.")
    jobs.start_duplicates(asked.store, by=asked.by)
    return _searched(asked)


def _searched(asked: Asked) -> Answer:
    found = duplicates.last_search(asked.store)
    running = any(each.kind == jobs.DUPLICATES for each in jobs.running())
    told = {"running": running, "at": None, "by": "", "users": 0, "found": 0, "kept": 0, "tooCommon": 0}
    if found is None:
        return Answer(told)
    counts = {"users": found.people, "found": found.found, "kept": found.kept, "tooCommon": found.crowded}
    return Answer(told | counts | {"at": shapes.instant(found.at), "by": found.by})
