"""The calls about failed messages: what could not be taken and why, sent again, or deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from user360 import failed, resending
from user360.api import shapes
from user360.api.calls import Answer, page_of, route
from user360.api.fields import PAGE, TEXT, Field, page, ref

if TYPE_CHECKING:
    from user360.api.calls import Asked, CallRoute
    from user360.failed import Failed
    from user360.resending import Resent

_WHICH: Final = (
    Field("code", TEXT, "Those that failed for this reason."),
    Field("source", TEXT, "Those of this source."),
)
_RAW: Final = Field("raw", TEXT, "The message as JSON, mended. Without it as it came.")


def routes() -> list[CallRoute]:
    """The calls, each with who may make it and what it takes."""
    return [
        route(
            "GET",
            "/failed-messages",
            "read",
            _find,
            says="List failed messages, those that failed last first",
            takes=(*_WHICH, *PAGE),
            answers=page("FailedMessage"),
        ),
        route("GET", "/failed-messages/{id}", "read", _get, says="One failed message", answers=ref("FailedMessage")),
        route(
            "POST",
            "/failed-messages/{id}/retry",
            "write",
            _retry,
            says="Send a failed message again, mended or as it came",
            takes=(_RAW,),
            answers=ref("Resent"),
        ),
        route(
            "POST",
            "/failed-messages/retry",
            "write",
            _retry_all,
            says="Send failed messages again: all, or those of a reason and a source",
            takes=_WHICH,
            answers=ref("Resent"),
        ),
        route(
            "DELETE",
            "/failed-messages/{id}",
            "write",
            _delete,
            says="Delete a failed message for good",
            answers=ref("FailedMessage"),
        ),
    ]


def _which(asked: Asked) -> dict[str, str | None]:
    return {each.name: asked.text(each.name) if each.name in asked.given else None for each in _WHICH}


def _find(asked: Asked) -> Answer:
    limit, offset = asked.page()
    which = _which(asked)
    found = failed.find(asked.store, **which, limit=limit, offset=offset)
    return page_of([_shape(each) for each in found], failed.count(asked.store, **which), limit=limit, offset=offset)


def _get(asked: Asked) -> Answer:
    return Answer(_shape(_one(asked)))


def _retry(asked: Asked) -> Answer:
    number = _one(asked).id
    if "raw" in asked.given:
        return _became(resending.mend(asked.store, number, asked.text("raw"), by=asked.by, at=asked.at))
    return _became(resending.send(asked.store, ids=[number], by=asked.by, at=asked.at))


def _retry_all(asked: Asked) -> Answer:
    which = _which(asked)
    return _became(resending.send(asked.store, code=which["code"], source=which["source"], by=asked.by, at=asked.at))


def _became(found: Resent) -> Answer:
    return Answer({"stored": found.stored, "known": found.known, "failed": found.failed})


def _delete(asked: Asked) -> Answer:
    found = _one(asked)
    failed.delete(asked.store, ids=[found.id], by=asked.by, at=asked.at)
    return Answer(_shape(found))


def _one(asked: Asked) -> Failed:
    return failed.get(asked.store, shapes.number(asked, "failed message"))


def _shape(found: Failed) -> dict[str, Any]:
    told = found.failure
    return {
        "id": str(found.id),
        "messageId": told.message_id,
        "type": told.kind,
        "code": told.code,
        "message": told.message,
        "hint": told.hint,
        "property": told.property,
        "value": told.value,
        "source": told.source,
        "userId": told.user_id,
        "raw": told.raw,
        "firstAt": shapes.instant(found.first_at),
        "lastAt": shapes.instant(found.last_at),
        "times": found.times,
    }
