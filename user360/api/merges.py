"""The calls about merges: two users become one, looked at before, and two again."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from user360 import profiles, resolution
from user360.api import shapes
from user360.api.calls import Answer, page_of, route
from user360.api.fields import DRY_RUN, PAGE, TEXT, Field, page, ref

if TYPE_CHECKING:
    from user360.api.calls import Asked, CallRoute
    from user360.resolution import Merge, Preview
    from user360.store import Store

_KEEP: Final = Field("keep", TEXT, "Who stays: a userId, or `id:` and the stable id of one who has none.", needed=True)
_ABSORB: Final = Field("absorb", TEXT, "Who becomes part of the one who stays, named in the same way.", needed=True)


def routes() -> list[CallRoute]:
    """The calls, each with who may make it and what it takes."""
    conflict = (HTTPStatus.CONFLICT,)
    return [
        route(
            "POST",
            "/users/merge",
            "write",
            _merge,
            says="Merge one user into another",
            takes=(_KEEP, _ABSORB, DRY_RUN),
            answers=ref("Merge"),
            refuses=(*conflict, HTTPStatus.NOT_FOUND),
        ),
        route("GET", "/merges", "read", _find, says="List merges, newest first", takes=PAGE, answers=page("Merge")),
        route("GET", "/merges/{id}", "read", _get, says="One merge", answers=ref("Merge")),
        route(
            "POST",
            "/merges/{id}/undo",
            "write",
            _undo,
            says="Make two users of one again; what came since stays",
            takes=(DRY_RUN,),
            answers=ref("Merge"),
            refuses=conflict,
        ),
    ]


def _merge(asked: Asked) -> Answer:
    keep, absorb = (shapes.profile_of(asked.store, asked.text(each.name)) for each in (_KEEP, _ABSORB))
    if asked.flag("dry_run", otherwise=False):
        return Answer(_foreseen(asked.store, resolution.preview(asked.store, keep, absorb)))
    return Answer(_shape(resolution.merge(asked.store, keep, absorb, by=asked.by, at=asked.at)))


def _find(asked: Asked) -> Answer:
    limit, offset = asked.page()
    found = resolution.find(asked.store, limit=limit, offset=offset)
    return page_of([_shape(each) for each in found], resolution.count(asked.store), limit=limit, offset=offset)


def _get(asked: Asked) -> Answer:
    return Answer(_shape(_one(asked)))


def _undo(asked: Asked) -> Answer:
    found = _one(asked)
    if asked.flag("dry_run", otherwise=False):
        return Answer(_shape(resolution.check_undo(asked.store, found.id)) | {"status": "undone", "dryRun": True})
    return Answer(_shape(resolution.undo(asked.store, found.id, by=asked.by, at=asked.at)))


def _one(asked: Asked) -> Merge:
    return resolution.get(asked.store, shapes.number(asked, "merge"))


def _shape(found: Merge) -> dict[str, Any]:
    """A merge; both are named as a call names users."""
    return {
        "id": str(found.id),
        "status": found.status,
        "kept": shapes.called(found.kept_user_id, found.kept),
        "absorbed": shapes.called(found.gone_user_id, found.gone),
        "keptId": str(found.kept),
        "absorbedId": str(found.gone),
        "keptName": found.kept_name,
        "absorbedName": found.gone_name,
        "cause": found.cause,
        "reason": found.reason,
        "source": found.source,
        "messageId": found.message_id,
        "at": shapes.instant(found.at),
        "by": found.by,
        "events": found.events,
        "identities": [{"kind": kind, "id": text} for kind, text in found.ids],
        "filled": list(found.filled),
        "added": {name: list(each) for name, each in found.added.items()},
        "settledAt": shapes.instant(found.settled_at),
        "settledBy": found.settled_by,
        "dryRun": False,
    }


def _foreseen(store: Store, found: Preview) -> dict[str, Any]:
    """What a merge would be; it has no number yet."""
    return {
        "id": None,
        "status": "done",
        "kept": shapes.called(profiles.get(store, found.kept).user_id, found.kept),
        "absorbed": shapes.called(profiles.get(store, found.gone).user_id, found.gone),
        "keptId": str(found.kept),
        "absorbedId": str(found.gone),
        "keptName": found.kept_name,
        "absorbedName": found.gone_name,
        "events": found.events,
        "identities": [{"kind": kind, "id": text} for kind, text in found.ids],
        "filled": sorted(found.fills),
        "added": {name: list(each) for name, each in found.adds.items()},
        "fills": dict(found.fills),
        "stays": {name: {"stays": stays, "left": left} for name, (stays, left) in found.stays.items()},
        "sentence": found.sentence,
        "dryRun": True,
    }
