"""The calls about imports: a file goes in as a form, is tried or taken in, watched, its failed rows fetched, and taken back."""

from __future__ import annotations

import json
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from user360 import imports, jobs, records, workspace
from user360.api import shapes
from user360.api.calls import Answer, Handed, page_of, route
from user360.api.fields import DRY_RUN, FLAG, PAGE, TEXT, Field, page, ref
from user360.errors import Conflict, InvalidRequest, Unknown
from user360.imports import Plan

if TYPE_CHECKING:
    from pathlib import Path

    from user360.api.calls import Asked, CallRoute
    from user360.imports import Counts, Import

_FILE: Final = Field("file", {"type": "string", "format": "binary"}, "A CSV, JSON Lines or Parquet file.", needed=True)
_PLAN: Final = Field(
    "plan",
    TEXT,
    "How the file is read, as JSON: kind (users or events), mapping, mode (update or replace), tags, merge_tags, segment. "
    "Without a mapping the one that suits the file.",
)
_PATIENCE_SECONDS: Final = 30
_WORDS: Final = {"kind": ("users", "events"), "mode": ("update", "replace")}
_MEANT: Final = Field("meant", FLAG | {"default": False}, "Say that half of all people or more are to lose a value.")


def routes() -> list[CallRoute]:
    """The calls, each with who may make it and what it takes."""
    import_, conflict = ref("Import"), (HTTPStatus.CONFLICT,)
    return [
        route("GET", "/imports", "read", _find, says="List imports, newest first", takes=PAGE, answers=page("Import")),
        route(
            "POST",
            "/imports",
            "write",
            _begin,
            says="Import users or events from a file, or try it",
            takes=(_FILE, _PLAN, DRY_RUN, _MEANT),
            answers=import_,
            status=HTTPStatus.CREATED,
            refuses=(*conflict, HTTPStatus.NOT_FOUND),
            form=True,
        ),
        route("GET", "/imports/{id}", "read", _get, says="How far an import is", answers=import_),
        route("GET", "/imports/{id}/failed.csv", "read", _failed, says="The rows that could not be taken", answers="text/csv"),
        route("POST", "/imports/{id}/stop", "write", _stop, says="Stop an import", answers=import_, refuses=conflict),
        route("POST", "/imports/{id}/resume", "write", _resume, says="Go on with an import", answers=import_, refuses=conflict),
        route("POST", "/imports/{id}/undo", "write", _undo, says="Take an import back", answers=import_, refuses=conflict),
    ]


def _find(asked: Asked) -> Answer:
    limit, offset = asked.page()
    found = imports.find(asked.store)
    return page_of([_shape(each) for each in found[offset : offset + limit]], len(found), limit=limit, offset=offset)


def _begin(asked: Asked) -> Answer:
    file = asked.file("file")
    plan = _plan(asked, file.path)
    if asked.flag("dry_run", otherwise=False):
        return _tried(asked, file.path, plan)
    if not asked.flag("meant", otherwise=False):
        imports.check_hold(asked.store, file.path, plan, by=asked.by, at=asked.at)
    number, _ = jobs.start_import(asked.store, file.path, plan, file_name=file.name, by=asked.by)
    return Answer(_shape(imports.get(asked.store, number)), {"Location": f"/api/imports/{number}"})


def _plan(asked: Asked, path: Path) -> Plan:
    """The plan as given; what it does not map is mapped as suits the file."""
    try:
        given = json.loads(asked.text("plan", "{}"))
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise InvalidRequest("$.plan", "is no object.", "Give the plan as JSON.")
    for name, value in given.items():
        if name in _WORDS and value not in _WORDS[name]:
            raise InvalidRequest(f"$.plan.{name}", f"is not {' or '.join(_WORDS[name])}.", "Choose one of them.")
        if name in Plan.__slots__ and not _fits(value, getattr(Plan(), name)):
            raise InvalidRequest(f"$.plan.{name}", "is of another type.", "Look at the plan of an import that was made here.")
    plan = Plan.from_json(given)
    if plan.mapping or plan.user_column:
        return plan
    looked = imports.inspect(path, delimiter=plan.delimiter, encoding=plan.encoding)
    kind = plan.kind if "kind" in given else looked.kind
    zone = workspace.get(asked.store).zone_name
    suits = imports.suggest(asked.store, replace(looked, kind=kind), zone=plan.zone or zone)
    return Plan.from_json({**suits.to_json(), **given, "kind": kind})


def _fits(value: Any, usual: object) -> bool:
    """Whether a value of a plan is of the type it usually has: texts, truth, lists of texts, texts by name."""
    if isinstance(usual, bool):
        return isinstance(value, bool)
    if isinstance(usual, tuple):
        return isinstance(value, list) and all(isinstance(each, str) for each in value)
    if isinstance(usual, dict):
        return isinstance(value, dict) and all(isinstance(each, str | list) for each in value.values())
    return isinstance(value, str) or (value is None and usual is None)


def _tried(asked: Asked, path: Path, plan: Plan) -> Answer:
    """The counts a real import would end with; nothing is stored, so it has no number."""
    with imports.dry_run(asked.store, path, plan, by=asked.by, at=asked.at) as found:
        told = {"id": None, "kind": plan.kind, "status": records.COMPLETED, "file": asked.file("file").name, "dryRun": True}
        return Answer(told | _counts(found.counts) | {"plan": plan.to_json(), "losing": found.losing}, tried=True)


def _get(asked: Asked) -> Answer:
    return Answer(_shape(_one(asked)))


def _failed(asked: Asked) -> Handed:
    found = _one(asked)
    path = imports.failed_rows(asked.store, found.id)
    if not path.is_file():
        raise Unknown(f"The import {found.id} has no failed rows.", "None failed, or it has not come that far yet.")
    return Handed(path, f"failed-{found.id}.csv")


def _stop(asked: Asked) -> Answer:
    found = _one(asked)
    running = next((each for each in jobs.running() if each.subject == f"import {found.id}"), None)
    if running is None:
        raise Conflict(f"The import {found.id} is not running.", "It has come to its end, or is paused.")
    jobs.stop(running.id)
    jobs.wait(running.id, _PATIENCE_SECONDS)
    return Answer(_shape(imports.get(asked.store, found.id)))


def _resume(asked: Asked) -> Answer:
    found = _one(asked)
    jobs.resume_import(asked.store, found.id)
    return Answer(_shape(imports.get(asked.store, found.id)))


def _undo(asked: Asked) -> Answer:
    """Answers once it is taken back, or after a while as it then stands: a large one goes on."""
    found = _one(asked)
    jobs.wait(jobs.undo_import(asked.store, found.id, by=asked.by), _PATIENCE_SECONDS)
    return Answer(_shape(imports.get(asked.store, found.id)))


def _one(asked: Asked) -> Import:
    return imports.get(asked.store, shapes.number(asked, "import"))


def _shape(found: Import) -> dict[str, Any]:
    told = {"id": str(found.id), "kind": found.kind, "status": found.status, "file": found.file_name, "dryRun": False}
    return (
        told
        | _counts(found.counts)
        | {
            "plan": dict(found.plan),
            "message": found.message,
            "startedAt": shapes.instant(found.started_at),
            "finishedAt": shapes.instant(found.finished_at),
            "by": found.by,
        }
    )


def _counts(counts: Counts) -> dict[str, int]:
    return {
        "total": counts.total,
        "new": counts.created,
        "updated": counts.updated,
        "unchanged": counts.unchanged,
        "failed": counts.failed,
        "empty": counts.empty,
    }
