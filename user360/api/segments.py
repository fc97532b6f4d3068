"""The calls about segments: saved ones and their members, versions and history; and a preview of any definition."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from user360 import profiles, segments, workspace
from user360.api import shapes
from user360.api.calls import Answer, Asked, page_of, route
from user360.api.fields import (
    AS_OF,
    DEFINITION,
    DESCRIPTION,
    INSTANT,
    LISTED,
    PAGE,
    TEXT,
    TEXTS,
    Field,
    choice,
    number,
    page,
    ref,
)
from user360.api.schemas import NUMBER, many, shape
from user360.errors import InvalidRequest
from user360.segments import lists, membership, saved, splitting

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from user360.api.calls import CallRoute
    from user360.segments import Cause
    from user360.segments.saved import Segment, Version

SAMPLE: Final = 10
_ARCHIVED: Final = {"false": False, "true": True, "all": None}
_NAME: Final = Field("name", TEXT, "What it is called; no two in use have the same name.")
_SHARES: Final = Field(
    "shares",
    many(shape("One part.", name=TEXT, percent=NUMBER)) | {"minItems": 1, "maxItems": splitting.MOST_PARTS},
    "The parts: the name of each list, and how many per cent of the users it gets, together at most 100.",
)
_SEED: Final = Field("seed", TEXT, "Any word; the same word deals the same again.")
_NOTE: Final = Field("note", TEXT, "Why the definition changes.")


def routes() -> list[CallRoute]:
    """The calls, each with who may make it and what it takes."""
    return [*_saved(), *_asked()]


def _saved() -> list[CallRoute]:
    segment = ref("Segment")
    text = Field("text", TEXT, "Words to be found in name or description.")
    archived = Field("archived", choice(*_ARCHIVED) | {"default": "false"}, "Those in use, the archived ones, or all.")
    ids = Field("userIds", TEXTS, "The people of a fixed list, in the place of a definition.")
    version = Field("version", number(0, 2**31), "The version the change rests on; refused where another has been saved since.")
    return [
        route("GET", "/segments", "read", _find, says="List segments", takes=(text, archived, *PAGE), answers=page("Segment")),
        route(
            "POST",
            "/segments",
            "write",
            _save,
            says="Save a segment: a definition, or a fixed list of user ids",
            takes=(_NAME.must(), DEFINITION, ids, DESCRIPTION, _NOTE),
            answers=ref("SegmentMade"),
            status=HTTPStatus.CREATED,
            refuses=(HTTPStatus.CONFLICT, HTTPStatus.NOT_FOUND),
        ),
        route(
            "GET",
            "/segments/{id}",
            "read",
            _get,
            says="One segment, with its count",
            takes=(AS_OF,),
            answers=ref("SegmentDetail"),
        ),
        route(
            "PUT",
            "/segments/{id}",
            "write",
            _change,
            says="Change what is given of a segment; a definition makes a version",
            takes=(_NAME, DEFINITION, DESCRIPTION, _NOTE, version),
            answers=segment,
            refuses=(HTTPStatus.CONFLICT,),
        ),
        route(
            "POST",
            "/segments/{id}/archive",
            "write",
            _archive,
            says="Archive a segment; refused while another rests on it",
            answers=segment,
            refuses=(HTTPStatus.CONFLICT,),
        ),
        route(
            "POST",
            "/segments/{id}/restore",
            "write",
            _restore,
            says="Take a segment out of the archive",
            answers=segment,
            refuses=(HTTPStatus.CONFLICT,),
        ),
    ]


def _asked() -> list[CallRoute]:
    days = Field("days", number(1, 3_650) | {"default": 90}, "Over how many days.")
    points = Field("points", number(2, 366) | {"default": 30}, "At how many moments.")
    start = Field("from", INSTANT, "Who moved from this instant on.")
    end = Field("to", INSTANT, "Who moved up to this instant.")
    return [
        route(
            "POST",
            "/segments/preview",
            "read",
            _preview,
            says="What a definition finds, without saving it",
            takes=(DEFINITION.must(), AS_OF),
            answers=ref("Preview"),
        ),
        route(
            "POST",
            "/segments/{id}/split",
            "write",
            _split,
            says="Deal the users of a segment out into fixed lists; of less than 100 per cent in all it is a sample",
            takes=(_SHARES.must(), _SEED.must()),
            answers=page("SegmentMade"),
            status=HTTPStatus.CREATED,
            refuses=(HTTPStatus.CONFLICT,),
        ),
        route(
            "GET",
            "/segments/{id}/users",
            "read",
            _users,
            says="The users of a segment",
            takes=(*LISTED, AS_OF),
            answers=page("User"),
        ),
        route(
            "GET",
            "/segments/{id}/versions",
            "read",
            _versions,
            says="The definitions a segment had",
            takes=PAGE,
            answers=page("SegmentVersion"),
        ),
        route(
            "GET",
            "/segments/{id}/history",
            "read",
            _history,
            says="The size of a segment over time, and who came and went",
            takes=(days, points, start, end),
            answers=ref("SegmentHistory"),
        ),
    ]


# -- saved ones ---------------------------------------------------------------------------------


def _find(asked: Asked) -> Answer:
    limit, offset = asked.page()
    archived = asked.text("archived", "false")
    if archived not in _ARCHIVED:
        raise InvalidRequest("$.archived", "is not false, true or all.", "Choose one of the three.")
    found = saved.find(asked.store, text=asked.text("text", ""), archived=_ARCHIVED[archived])
    items = [shapes.segment(each) for each in found[offset : offset + limit]]
    return page_of(items, len(found), limit=limit, offset=offset)


def _get(asked: Asked) -> Answer:
    found = saved.get(asked.store, asked.place["id"])
    return Answer(shapes.segment(found) | _answered(asked, found))


def _answered(asked: Asked, found: Segment) -> dict[str, Any]:
    at, past = asked.as_of()
    rule = saved.rule_of(found)
    return {
        "count": segments.count(asked.store, rule, at=at, past=past),
        "sentence": segments.describe(rule, segments.load_catalog(asked.store), at=at),
    }


def _save(asked: Asked) -> Answer:
    """A new segment: of a definition, or a fixed list of user ids; ids nobody has are answered as `unknown`."""
    name, description = asked.text("name"), asked.text("description", "")
    ids = asked.texts("userIds")
    if (ids is None) == ("definition" not in asked.given):
        raise InvalidRequest("$", "takes either a definition or userIds.", "Give one of the two.")
    more: dict[str, Any] = {}
    if ids is None:
        rule = shapes.definition(asked)
        note = asked.text("note", "")
        made = saved.save(asked.store, name, rule, description=description, note=note, by=asked.by, at=asked.at)
    else:
        pasted = lists.look_up(asked.store, ids)
        source = shapes.SOURCE
        made = lists.save(asked.store, name, pasted.found, source=source, description=description, by=asked.by, at=asked.at)
        more = {"count": len(pasted.found), "unknown": [each.id for each in pasted.strangers]}
    return Answer(shapes.segment(made) | more, {"Location": f"/api/segments/{made.id}"})


def _change(asked: Asked) -> Answer:
    """Name, description and definition, as far as they are given; a definition makes a version."""
    version = asked.number("version", 0, least=0, most=2**31) if "version" in asked.given else None
    changed = saved.change(
        asked.store,
        asked.place["id"],
        name=asked.text("name") if "name" in asked.given else None,
        description=asked.text("description") if "description" in asked.given else None,
        rule=shapes.definition(asked) if "definition" in asked.given else None,
        expected_version=version,
        note=asked.text("note", ""),
        by=asked.by,
        at=asked.at,
    )
    return Answer(shapes.segment(changed))


def _archive(asked: Asked) -> Answer:
    return Answer(shapes.segment(saved.archive(asked.store, asked.place["id"], by=asked.by, at=asked.at)))


def _restore(asked: Asked) -> Answer:
    return Answer(shapes.segment(saved.restore(asked.store, asked.place["id"], by=asked.by, at=asked.at)))


# -- who is in ----------------------------------------------------------------------------------


def _users(asked: Asked) -> Answer:
    found = saved.get(asked.store, asked.place["id"])
    return shapes.matching(asked, saved.rule_of(found))


def _split(asked: Asked) -> Answer:
    """Each part as a fixed list; the same seed deals the same users the same way again."""
    found = saved.get(asked.store, asked.place["id"])
    shares = [_share(each, place) for place, each in enumerate(asked.objects("shares"))]
    rule, seed = saved.rule_of(found), asked.text("seed")
    made = splitting.save(asked.store, rule, shares, seed=seed, of=f"“{found.name}”", by=asked.by, at=asked.at)
    items = [shapes.segment(each) | {"count": segments.count(asked.store, saved.rule_of(each), at=asked.at)} for each in made]
    return page_of(items, len(items), limit=len(items), offset=0)


def _share(given: Mapping[str, Any], place: int) -> splitting.Share:
    name, percent = given.get("name"), given.get("percent")
    if not isinstance(name, str) or not name.strip():
        raise InvalidRequest(f"$.shares[{place}].name", "is no name.", "Give the list a name.")
    if isinstance(percent, bool) or not isinstance(percent, int | float):
        raise InvalidRequest(f"$.shares[{place}].percent", "is no number.", "Say how many per cent of the users it gets.")
    return splitting.Share(name, float(percent))


def _preview(asked: Asked) -> Answer:
    rule, (at, past) = shapes.definition(asked), asked.as_of()
    found = segments.preview(asked.store, rule, at=at, past=past)
    living = found.people & profiles.everyone(asked.store)
    return Answer(
        {
            "count": found.count,
            "total": found.total,
            "sentence": segments.describe(rule, segments.load_catalog(asked.store), at=at),
            "sql": found.sql.shown(),
            "sample": shapes.users(asked.store, living, columns=None, sort=(), limit=SAMPLE, offset=0, at=asked.at),
            "steps": [
                {
                    "path": each.path,
                    "alone": each.alone,
                    "after": each.after,
                    "without": each.without,
                    "unknown": each.unknown,
                }
                for each in found.steps
            ],
        }
    )


# -- how it was ---------------------------------------------------------------------------------


def _versions(asked: Asked) -> Answer:
    limit, offset = asked.page()
    found = saved.versions(asked.store, asked.place["id"])
    catalog = segments.load_catalog(asked.store)
    items = [
        _version(each)
        | {"changes": [str(change) for change in segments.difference(before.rule, each.rule, catalog)] if before else []}
        for each, before in list(zip(found, (*found[1:], None), strict=True))[offset : offset + limit]
    ]
    return page_of(items, len(found), limit=limit, offset=offset)


def _version(found: Version) -> dict[str, Any]:
    return {
        "version": found.number,
        "definition": segments.dump(found.rule),
        "note": found.note,
        "savedAt": shapes.instant(found.at),
        "savedBy": found.by,
    }


def _history(asked: Asked) -> Answer:
    """The size at moments of the last days; with `from` and `to` who entered and left between these two, and why."""
    store = asked.store
    found = saved.get(store, asked.place["id"])
    days, points = asked.number("days", 90, least=1, most=3_650), asked.number("points", 30, least=2, most=366)
    moments = membership.moments(workspace.get(store), days=days, points=points, at=asked.at)
    sizes = membership.size_over_time(store, saved.rule_of(found), moments=moments, at=asked.at)
    items = [{"at": shapes.instant(each.at), "count": each.people, "total": each.total} for each in sizes]
    start, end = asked.instant("from", moments[0]), asked.instant("to", asked.at)
    if start > end:
        raise InvalidRequest("$.from", "lies after “to”.", "Swap them.")
    moved = segments.turnover_of(store, found.id, start=start, end=end)
    return Answer(
        {
            "items": items,
            "total": len(items),
            "from": shapes.instant(moved.start),
            "to": shapes.instant(moved.end),
            "entered": {"count": len(moved.entered), "causes": _causes(moved.came)},
            "left": {"count": len(moved.left), "causes": _causes(moved.went)},
            "stayed": {"count": len(moved.stayed)},
        }
    )


def _causes(found: Iterable[Cause]) -> list[dict[str, Any]]:
    return [{"cause": each.kind, "condition": each.words, "count": len(each.people)} for each in found]
