"""The user card, headless: what one person did, the segments they are in, their ids, and every change of them."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from user360 import clock, events, identities, profiles, properties
from user360.api import shapes
from user360.api.calls import Answer, no_cursor, page_of, route
from user360.api.fields import INSTANT, PAGE, TEXTS, Field, page
from user360.people import People
from user360.segments import membership

if TYPE_CHECKING:
    from collections.abc import Mapping

    from user360.api.calls import Asked, CallRoute
    from user360.datatype import DataType
    from user360.profiles import Change

_EVENTS: Final = (
    Field("events", TEXTS, "Events of these names."),
    Field("channels", TEXTS, "Events on these channels."),
    Field("from", INSTANT, "Events from this instant on."),
    Field("to", INSTANT, "Events before this instant."),
)


def routes() -> list[CallRoute]:
    """The calls, each with who may make it and what it takes."""
    return [
        route(
            "GET",
            "/users/{userId}/events",
            "read",
            _events,
            says="What a user did, newest first",
            takes=(*_EVENTS, *PAGE),
            answers=page("Event"),
        ),
        route(
            "GET",
            "/users/{userId}/segments",
            "read",
            _segments,
            says="The segments a user is in",
            takes=PAGE,
            answers=page("Segment"),
        ),
        route(
            "GET",
            "/users/{userId}/identities",
            "read",
            _identities,
            says="The ids that lead to a user",
            takes=PAGE,
            answers=page("Identity"),
        ),
        route(
            "GET",
            "/users/{userId}/history",
            "read",
            _history,
            says="Every change of a user's properties, newest first",
            takes=PAGE,
            answers=page("Change"),
        ),
    ]


def _events(asked: Asked) -> Answer:
    """Pages go on from the last event of the page before, so that what happens meanwhile moves nothing."""
    key, store = shapes.person(asked), asked.store
    cursor = asked.given.get("cursor")
    before = _place(cursor) if cursor is not None else None
    limit, offset = asked.page() if cursor is None else (asked.limit(), 0)
    wanted: dict[str, Any] = {
        "names": tuple(asked.texts("events") or ()),
        "channels": tuple(asked.texts("channels") or ()),
        "since": asked.instant("from", asked.at) if "from" in asked.given else None,
        "until": asked.instant("to", asked.at) if "to" in asked.given else None,
    }
    rows = events.timeline(store, key, **wanted, limit=limit + 1, offset=offset, before=before).to_pylist()
    total = events.count(store, within=People.of([key]), **wanted)
    following = _cursor(rows[limit - 1]) if len(rows) > limit else None
    return Answer({"items": [_event(each) for each in rows[:limit]], "total": total, "cursor": following})


def _event(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "messageId": row["messageId"],
        "event": row["event"],
        "timestamp": shapes.instant(row["at"]),
        "channel": row["channel"],
        "source": row["source"],
        "properties": json.loads(row["properties"]) if row["properties"] else {},
        "context": json.loads(row["context"]) if row["context"] else {},
        "system": row["system"],
    }


def _cursor(row: Mapping[str, Any]) -> str:
    place = json.dumps([row["at"].isoformat(), row["messageId"]])
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def _place(cursor: object) -> tuple[datetime, str]:
    """The instant and message id of the last event of the page before."""
    try:
        at, message = json.loads(base64.urlsafe_b64decode(f"{cursor}=="))
        return clock.aware(datetime.fromisoformat(at)), str(message)
    except (ValueError, TypeError):
        raise no_cursor() from None


def _segments(asked: Asked) -> Answer:
    return _sliced(asked, [shapes.segment(each) for each in membership.of(asked.store, shapes.person(asked), at=asked.at)])


def _identities(asked: Asked) -> Answer:
    rows = identities.of(asked.store, shapes.person(asked)).to_pylist()
    return _sliced(asked, [each | {"since": shapes.instant(each["since"])} for each in rows])


def _history(asked: Asked) -> Answer:
    types = {each.name: each.datatype for each in properties.find(asked.store)}
    found = profiles.history(asked.store, shapes.person(asked))
    return _sliced(asked, [_change(each, types[each.property]) for each in found])


def _change(found: Change, datatype: DataType) -> dict[str, Any]:
    return {
        "property": found.property,
        "from": shapes.value(datatype.parse(found.old)),
        "to": shapes.value(datatype.parse(found.new)),
        "at": shapes.instant(found.at),
        "by": found.by,
        "source": found.source,
    }


def _sliced(asked: Asked, found: list[dict[str, Any]]) -> Answer:
    limit, offset = asked.page()
    return page_of(found[offset : offset + limit], len(found), limit=limit, offset=offset)
