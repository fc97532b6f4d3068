"""What is being prepared: the file that was uploaded, the plan for it, the step, and the dry run that fits the plan.

The plan is the truth and widgets are projections of it. A dry run is made in the background as soon
as the plan is another than the last one's. How files are read does not live here (`user360/imports`).
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from pages.ui import address, progress, session
from user360 import imports, jobs, uploads
from user360.errors import Unknown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamlit.runtime.uploaded_file_manager import UploadedFile

    from user360.jobs import Job

MATCH, DRY, CONFLICTS, TAGS = "match", "dry", "conflicts", "tags"
SHORT_WAIT: Final = 2.0
_FILE, _PLAN, _TRIED = "import.file", "import.plan", "import.tried"
_TURN = "import.turn"


def turn() -> int:
    """A number that is another for every file, for the keys of widgets."""
    return int(st.session_state.setdefault(_TURN, 0))


def take(given: UploadedFile) -> None:
    """Keep an uploaded file, and begin with it."""
    path = uploads.keep(session.store(), given.name, given)
    st.session_state[_FILE] = {"path": str(path), "name": given.name, "delimiter": None, "encoding": None}
    st.session_state[_TURN] = turn() + 1
    address.put(**{"import": None, "step": None})


def forget() -> None:
    """Let the file and all that was chosen for it go."""
    given = st.session_state.pop(_FILE, None)
    for each in (_PLAN, _TRIED):
        st.session_state.pop(each, None)
    address.put(step=None)
    if given:
        Path(given["path"]).unlink(missing_ok=True)


def file() -> dict[str, Any] | None:
    """The file at hand: its path, its name, and how it is to be read where that was overruled."""
    found: dict[str, Any] | None = st.session_state.get(_FILE)
    if found is not None and not Path(found["path"]).exists():
        forget()
        return None
    return found


def read_as(**overruled: str | None) -> None:
    """Read the file another way; what was chosen for its columns begins anew."""
    st.session_state[_FILE] = {**st.session_state[_FILE], **overruled}
    for each in (_PLAN, _TRIED):
        st.session_state.pop(each, None)
    st.session_state[_TURN] = turn() + 1


def inspection() -> imports.Inspection:
    """What a look at the file shows."""
    given = st.session_state[_FILE]
    return session.cached(_inspected, given["path"], given["delimiter"], given["encoding"])


def _inspected(_store: Any, path: str, delimiter: str | None, encoding: str | None) -> imports.Inspection:
    return imports.inspect(Path(path), delimiter=delimiter, encoding=encoding)


# -- the plan -----------------------------------------------------------------------------------


def plan() -> imports.Plan:
    """The plan as it stands; at first the one that suits the file best."""
    if _PLAN not in st.session_state:
        put(suggested(inspection()))
    found: imports.Plan = st.session_state[_PLAN]
    return found


def suggested(looked_at: imports.Inspection) -> imports.Plan:
    """The plan that suits the file best, with the tag every import gives."""
    found = imports.suggest(session.store(), looked_at, zone=session.settings().zone_name)
    given = st.session_state[_FILE]
    tags = (imports.default_tag(session.store(), session.at()),) if found.kind == "users" else ()
    return replace(found, tags=tags, delimiter=given["delimiter"], encoding=given["encoding"])


def put(changed: imports.Plan) -> None:
    """Have another plan."""
    st.session_state[_PLAN] = changed


def repair(column: str, *repairs: imports.Repair) -> None:
    """Add repairs to a column; the one that leaves out what is refused stays last."""
    now = plan()
    kept = [each for each in now.repairs.get(column, ()) if each not in repairs]
    both = sorted([*kept, *repairs], key=lambda each: each.kind == "empty")
    put(replace(now, repairs={**now.repairs, column: tuple(both)}))


def take_out(column: str, one: imports.Repair) -> None:
    """Take a repair out of a column."""
    now = plan()
    left = tuple(each for each in now.repairs.get(column, ()) if each != one)
    put(
        replace(
            now,
            repairs={**{each: some for each, some in now.repairs.items() if each != column}, **({column: left} if left else {})},
        )
    )


# -- steps --------------------------------------------------------------------------------------


def steps(kind: str) -> Mapping[str, str]:
    """The steps of a file of this kind, after its upload."""
    found = {MATCH: "Match columns", DRY: "Dry run"}
    if kind == "users":
        return {**found, CONFLICTS: "Conflicts", TAGS: "Tags and segment"}
    return {**found, TAGS: "Segment"} if kind == "events" else found


def step() -> str:
    """The step that is shown."""
    asked = address.text("step", MATCH)
    return asked if asked in steps(plan().kind) else MATCH


def go(to: str) -> None:
    """Show another step."""
    address.put(step=to if to != MATCH else None, page=None)


# -- the dry run --------------------------------------------------------------------------------


def dry_job() -> Job:
    """The job of the dry run that fits the plan; begun where there is none."""
    given, told = st.session_state[_FILE], json.dumps(plan().to_json(), sort_keys=True)
    tried = st.session_state.get(_TRIED)
    job = _job(tried["job"]) if tried and tried["plan"] == told else None
    if job is None or (isinstance(job.result, imports.DryRun) and not job.result.can_be_looked_at):
        if tried and (before := _job(tried["job"])) is not None and before.status == progress.RUNNING:
            jobs.stop(before.id)
        number = jobs.start_dry_run(session.store(), Path(given["path"]), plan(), by=session.analyst())
        st.session_state[_TRIED] = {"plan": told, "job": number}
        job = jobs.wait(number, SHORT_WAIT)
    return job


def _job(number: str) -> Job | None:
    try:
        return jobs.get(number)
    except Unknown:
        return None
