"""The call that says why one user is in a segment or not, and when time alone changes that."""

from __future__ import annotations

import json
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from user360 import segments
from user360.api import shapes
from user360.api.calls import Answer, route
from user360.api.fields import AS_OF, DEFINITION, TEXT, Field, ref
from user360.errors import InvalidRequest
from user360.segments import saved

if TYPE_CHECKING:
    from user360.api.calls import Asked, CallRoute
    from user360.profiles import Origin
    from user360.segments import Explanation, Forecast, Part, Rule
    from user360.segments.facts import Edge, Facts, Happened

_TAKES: Final = (
    DEFINITION,
    Field("segment", TEXT, "The id of a saved segment, in the place of a definition."),
    Field("userId", TEXT, "Whom it is about."),
    Field("id", TEXT, "Whom it is about, by their stable id."),
    AS_OF,
)


def routes() -> list[CallRoute]:
    """The calls, each with who may make it and what it takes."""
    says = "Why a user is in a segment or not, and when time alone changes that"
    refuses = (HTTPStatus.NOT_FOUND,)
    return [
        route("POST", "/segments/explain", "read", _explain, says=says, takes=_TAKES, answers=ref("Explanation"), refuses=refuses)
    ]


def _explain(asked: Asked) -> Answer:
    rule, key, (at, past) = _rule(asked), _key(asked), asked.as_of()
    found = segments.explain(asked.store, rule, key, at=at, past=past)
    coming = segments.forecast(asked.store, rule, key, at=at, past=past)
    return Answer({"userId": asked.given.get("userId"), "id": str(key)} | _verdict(found) | {"forecast": _forecast(coming)})


def _rule(asked: Asked) -> Rule:
    if ("segment" in asked.given) == ("definition" in asked.given):
        raise InvalidRequest("$", "takes either a definition or a segment.", "Give one of the two.")
    if "segment" in asked.given:
        return saved.rule_of(saved.get(asked.store, asked.text("segment")))
    return shapes.definition(asked)


def _key(asked: Asked) -> int:
    """The profile of a user id, or of the stable id of a user who has none."""
    if ("userId" in asked.given) == ("id" in asked.given):
        raise InvalidRequest("$", "takes either a userId or an id.", "Give one of the two.")
    if "id" in asked.given:
        return asked.number("id", 0, least=0, most=2**32 - 1)
    return shapes.profile_of(asked.store, asked.text("userId"))


def _verdict(found: Explanation) -> dict[str, Any]:
    return {
        "at": shapes.instant(found.at),
        "member": found.holds,
        "short": 0 if found.holds else found.whole.short,
        "missing": found.sentence,
        "tree": _part(found.whole),
    }


def _part(part: Part) -> dict[str, Any]:
    """A node with its truth; of a condition what it saw, of a group or a segment what is below it."""
    told = {"path": part.path, "condition": part.words, "truth": part.truth, "holds": part.holds}
    if not part.parts:
        return told | _facts(part.facts)
    return told | {"short": part.short, "conditions": [_part(each) for each in part.parts]}


def _facts(facts: Facts) -> dict[str, Any]:
    return {
        "value": shapes.value(facts.value),
        "origin": _origin(facts.origin),
        "found": facts.found,
        "atLeast": facts.least,
        "atMost": facts.most,
        "window": None if facts.window is None else {"from": _edge(facts.window[0]), "to": _edge(facts.window[1])},
        "events": [_event(each) for each in facts.events],
    }


def _origin(origin: Origin | None) -> dict[str, Any] | None:
    if origin is None:
        return None
    return {"at": shapes.instant(origin.at), "by": origin.by, "source": origin.source, "created": origin.created}


def _edge(edge: Edge) -> str | None:
    return shapes.instant(edge) if isinstance(edge, datetime) else None if edge is None else edge.isoformat()


def _event(event: Happened) -> dict[str, Any]:
    return {
        "messageId": event.message_id,
        "event": event.event,
        "timestamp": shapes.instant(event.at),
        "channel": event.channel,
        "properties": json.loads(event.properties) if event.properties else {},
    }


def _forecast(found: Forecast) -> dict[str, Any]:
    return {
        "at": shapes.instant(found.at),
        "member": found.holds,
        "sentence": found.sentence,
        "lookedTo": shapes.instant(found.looked_to),
    }
