"""The calls about exports: begin one, see how far it is, fetch its file, stop it, delete it."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, TypeVar

from user360 import exports, jobs, properties, records, segments
from user360.api import shapes
from user360.api.calls import Answer, Handed, page_of, route
from user360.api.fields import (
    AS_OF,
    COLUMNS,
    DEFINITION,
    FILE,
    FLAG,
    INSTANT,
    PAGE,
    SORT,
    TEXT,
    TEXTS,
    Field,
    choice,
    page,
    ref,
)
from user360.errors import Conflict, InvalidRequest, Unknown
from user360.segments import saved

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from user360.api.calls import Asked, CallRoute
    from user360.exports import Export, Layout, Wanted
    from user360.segments import Rule

T = TypeVar("T")
_FLAG_OFF: Final = FLAG | {"default": False}
_LOOK: Final = (
    Field("format", choice(*exports.FORMATS) | {"default": "csv"}, "The kind of file."),
    Field("gzip", _FLAG_OFF, "Pack the file."),
    Field("zone", TEXT | {"default": "UTC"}, "The time zone instants are written in."),
    Field("headers", {"type": "object", "additionalProperties": TEXT}, "Other names for columns."),
    Field("delimiter", TEXT | {"default": ","}, "What stands between the values of a csv."),
    Field("bom", _FLAG_OFF, "Begin a csv with a byte order mark, for old spreadsheets."),
    Field("manifest", _FLAG_OFF, "Put a manifest beside the file."),
    Field("name", TEXT, "What the file is called, without its ending."),
)
_EVENTS: Final = (
    Field("events", TEXTS, "Events of these names. For events alone."),
    Field("channels", TEXTS, "Events on these channels. For events alone."),
    Field("from", INSTANT, "Events from this instant on. For events alone."),
    Field("to", INSTANT, "Events before this instant. For events alone."),
)
_OF: Final = (
    Field("of", choice("users", "events") | {"default": "users"}, "What goes into the file."),
    DEFINITION,
    Field("segment", TEXT, "The id of a saved segment, in the place of a definition."),
    COLUMNS,
    SORT,
    Field("search", TEXT, "Words that must be found in it."),
    AS_OF,
)


def routes() -> list[CallRoute]:
    """The calls, each with who may make it and what it takes."""
    export, conflict = ref("Export"), (HTTPStatus.CONFLICT,)
    return [
        route("GET", "/exports", "read", _find, says="List exports, newest first", takes=PAGE, answers=page("Export")),
        route(
            "POST",
            "/exports",
            "read",
            _begin,
            says="Begin to write users or events into a file",
            takes=(*_OF, *_EVENTS, *_LOOK),
            answers=export,
            status=HTTPStatus.CREATED,
            refuses=(HTTPStatus.NOT_FOUND,),
        ),
        route("GET", "/exports/{id}", "read", _get, says="How far an export is", answers=export),
        route("GET", "/exports/{id}/file", "read", _file, says="The file of an export", answers=FILE, refuses=conflict),
        route("GET", "/exports/{id}/manifest", "read", _manifest, says="Its manifest", answers=FILE, refuses=conflict),
        route("POST", "/exports/{id}/stop", "read", _stop, says="Stop an export", answers=export, refuses=conflict),
        route("DELETE", "/exports/{id}", "write", _delete, says="Delete the file of an export", answers=export, refuses=conflict),
    ]


def _find(asked: Asked) -> Answer:
    limit, offset = asked.page()
    found = exports.find(asked.store, limit=limit, offset=offset)
    return page_of([_shape(each) for each in found], records.count_exports(asked.store), limit=limit, offset=offset)


def _begin(asked: Asked) -> Answer:
    layout = _layout(asked)
    wanted = _wanted(asked)
    name = asked.text("name", "") or f"{wanted.unit}s"
    number, _ = jobs.start_export(asked.store, wanted, layout, file_name=f"{name}{layout.ending}", by=asked.by)
    headers = {"Location": f"/api/exports/{number}"}
    return Answer(_shape(exports.get(asked.store, number)), headers)


def _get(asked: Asked) -> Answer:
    return Answer(_shape(_one(asked)))


def _file(asked: Asked) -> Handed:
    found = _one(asked)
    return Handed(_there(found, exports.file_of(asked.store, found)), found.file_name)


def _manifest(asked: Asked) -> Handed:
    found = _one(asked)
    return Handed(_there(found, exports.manifest_of(asked.store, found)), f"{found.file_name}.manifest.json")


def _there(found: Export, path: Path) -> Path:
    if found.status == records.RUNNING:
        raise Conflict(f"The export {found.id} is still being made.", "Ask for it again until it is completed.")
    if not path.is_file():
        raise Unknown(f"The export {found.id} has no such file.", found.message or "Begin it again.")
    return path


def _stop(asked: Asked) -> Answer:
    found = _one(asked)
    running = next((each for each in jobs.running() if each.subject == f"export {found.id}"), None)
    if running is None:
        raise Conflict(f"The export {found.id} is not being made.", "It has come to its end.")
    jobs.stop(running.id)
    jobs.wait(running.id, 1)
    return Answer(_shape(exports.get(asked.store, found.id)))


def _delete(asked: Asked) -> Answer:
    found = _one(asked)
    exports.delete(asked.store, found.id, by=asked.by, at=asked.at)
    return Answer(_shape(exports.get(asked.store, found.id)))


def _one(asked: Asked) -> Export:
    return exports.get(asked.store, shapes.number(asked, "export"))


def _shape(found: Export) -> dict[str, Any]:
    return {
        "id": str(found.id),
        "status": found.status,
        "file": found.file_name,
        "format": found.format,
        "rows": found.rows,
        "bytes": found.bytes,
        "definition": found.definition,
        "message": found.message,
        "startedAt": shapes.instant(found.started_at),
        "finishedAt": shapes.instant(found.finished_at),
        "by": found.by,
    }


# -- what is asked for --------------------------------------------------------------------------


def _layout(asked: Asked) -> Layout:
    return exports.Layout(
        asked.text("format", "csv"),
        gzip=_of(asked, "gzip", bool, default=False),
        zone=asked.text("zone", "UTC"),
        headers=_headers(asked),
        delimiter=asked.text("delimiter", ","),
        bom=_of(asked, "bom", bool, default=False),
        manifest=_of(asked, "manifest", bool, default=False),
    ).check()


def _headers(asked: Asked) -> Mapping[str, str]:
    found = _of(asked, "headers", dict, default={})
    if not all(isinstance(each, str) for each in found.values()):
        raise InvalidRequest("$.headers", "is no object of texts.", 'Write it as {"column": "header"}.')
    return found


def _of(asked: Asked, name: str, kind: type[T], *, default: T) -> T:
    found = asked.given.get(name, default)
    if not isinstance(found, kind):
        raise InvalidRequest(f"$.{name}", "is not true or false." if kind is bool else "is no object.")
    return found


def _wanted(asked: Asked) -> Wanted:
    match asked.text("of", "users"):
        case "users":
            return _users(asked)
        case "events":
            return _events(asked)
    raise InvalidRequest("$.of", "is not users or events.", "Choose one of the two.")


def _users(asked: Asked) -> Wanted:
    for each in _EVENTS:
        if each.name in asked.given:
            raise InvalidRequest(f"$.{each.name}", "is for events.", 'Ask with "of": "events", or write it into the definition.')
    visible = [each.name for each in properties.find(asked.store) if each.visible]
    sort = tuple((each.removeprefix("-"), each.startswith("-")) for each in asked.texts("sort") or ())
    at, past = asked.as_of()
    rule, columns = _rule(asked), tuple(asked.texts("columns") or visible)
    within = segments.people(asked.store, rule, at=at, past=True) if rule is not None and past else None
    return exports.Users(columns, rule, within, search=asked.text("search", ""), sort=sort)


def _events(asked: Asked) -> Wanted:
    for each in ("sort", "as_of"):
        if each in asked.given:
            raise InvalidRequest(f"$.{each}", "is for users.", "Events come oldest first.")
    return exports.Events(
        tuple(asked.texts("columns") or exports.EVENT_COLUMNS),
        names=tuple(asked.texts("events") or ()),
        channels=tuple(asked.texts("channels") or ()),
        rule=_rule(asked),
        since=_instant(asked, "from"),
        until=_instant(asked, "to"),
        text=asked.text("search", ""),
    )


def _instant(asked: Asked, name: str) -> datetime | None:
    return asked.instant(name, asked.at) if name in asked.given else None


def _rule(asked: Asked) -> Rule | None:
    if "segment" in asked.given and "definition" in asked.given:
        raise InvalidRequest("$", "takes either a definition or a segment.", "Give one of the two.")
    if "segment" in asked.given:
        return saved.rule_of(saved.get(asked.store, asked.text("segment")))
    if asked.given.get("definition") is None:
        return None
    return segments.check(shapes.definition(asked), segments.load_catalog(asked.store))
