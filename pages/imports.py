"""Import: a file is looked at, its columns matched, tried without writing, and then taken in by a job that goes on by itself.

Nothing is written before Import is pressed. How files are read and rows judged does not live here
(`user360/imports`, `user360/ingest`); the steps stand in `pages/ui/importing`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.ui import address, confirm, dialogs, layout, progress, session, states, words
from pages.ui.importing import draft, matching, reporting, ruling, trial
from user360 import imports, jobs
from user360.errors import User360Error

if TYPE_CHECKING:
    from user360.imports import DryRun, Inspection, Plan
    from user360.jobs import Job

HELD = "held import"
TRYING = "import.trying"


def page() -> None:
    """The page, top to bottom."""
    given = draft.file()
    if given is not None:
        _wizard(given)
        return
    with layout.header("Import", "users, events or members of a list, from a CSV, JSON Lines or Parquet file"):
        pass
    progress.strip(
        reporting.WATCHED, on_done=_told, leave="You can leave this page. The report waits under Import.", can_pause=True
    )
    chosen = address.number("import", -1, least=0) if address.text("import") else None
    if not progress.is_running(reporting.WATCHED):
        _upload()
    if chosen is not None:
        with states.boundary("This report", key="import.report"):
            reporting.report(chosen)
    reporting.history()
    layout.footnote("nothing is written before you press Import", "a row that fails never stops the rest")


def _upload() -> None:
    kinds = ["csv", "tsv", "txt", "jsonl", "ndjson", "parquet"]
    given = st.file_uploader("A file to import", kinds, key=f"import.upload.{draft.turn()}", label_visibility="collapsed")
    if given is None:
        st.caption(
            "Any delimiter and encoding. The first line names the columns. A million users take about half a minute. "
            "A file larger than this takes comes in through a watched folder or the command line."
        )
        return
    draft.take(given)
    st.rerun()


# -- the wizard ---------------------------------------------------------------------------------


def _wizard(given: dict[str, Any]) -> None:
    try:
        inspection = draft.inspection()
        plan = draft.plan()
    except User360Error as refusal:
        with layout.header("Import", words.escape_md(given["name"], 80)):
            st.button("Another file", key="import.another", icon=":material/close:", type="tertiary", on_click=draft.forget)
        states.refused(refusal)
        return
    step = draft.step()
    what = {"users": "users", "events": "events", "members": "members"}[plan.kind]
    with layout.header(f"Import {what}", _quiet(given["name"], inspection)):
        actions = st.container(horizontal=True, wrap=False, width="content", vertical_alignment="center", gap="small")
    steps = st.container()
    if step == draft.MATCH:
        plan = matching.columns(inspection, plan)
    elif step == draft.CONFLICTS:
        plan = ruling.conflicts(plan, draft.turn())
    elif step == draft.TAGS:
        plan = ruling.tags(plan, draft.turn())
    draft.put(plan)
    faults = matching.faults(session.store(), plan, inspection.shape.columns)
    for each in faults:
        st.markdown(f":red[:material/block: {words.escape_md(each, 300)}]")
    with steps:
        _steps(plan, step, blocked=bool(faults))
    found = None
    if step != draft.MATCH and not faults:
        found = _tried(draft.dry_job(), inspection, step)
    with actions:
        _actions(given, plan, step, found, blocked=bool(faults))
    _hold(given, plan, found)
    layout.footnote(trial.told(found) if found is not None else "nothing is written before you press Import")


def _quiet(name: str, inspection: Inspection) -> str:
    rows = words.count(max(inspection.lines - (inspection.shape.format == "csv"), 0), "row")
    return words.escape_md(f"{name} · {rows} · {words.size(inspection.size)} · {matching.shape(inspection)}", 200)


def _steps(plan: Plan, step: str, *, blocked: bool) -> None:
    """Where the analyst stands: what is done, what is shown, what is to come."""
    names = {"": "Upload", **draft.steps(plan.kind), "end": "Import"}
    order = list(names)
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        for place, (key, label) in enumerate(names.items()):
            if place:
                st.markdown(":gray[:material/chevron_right:]", width="content")
            if key == step:
                st.markdown(f":small[:primary[:material/radio_button_checked: **{label}**]]", width="content")
            elif key in ("", "end"):
                icon = "check_circle" if key == "" else "radio_button_unchecked"
                st.markdown(f":small[:material/{icon}: {label}]", width="content")
            else:
                icon = "check_circle" if place < order.index(step) else "radio_button_unchecked"
                st.button(
                    label,
                    key=f"import.step.{key}",
                    icon=f":material/{icon}:",
                    type="tertiary",
                    disabled=blocked and key != draft.MATCH,
                    on_click=draft.go,
                    args=(key,),
                )
        st.space("stretch")
        st.caption("Nothing is written before you press Import", width="content")


def _tried(job: Job, inspection: Inspection, step: str) -> DryRun | None:
    """The dry run that fits the plan, drawn on its step; while it is made, how far it is."""
    progress.watch(TRYING, job.id)
    if job.status != "done" or not isinstance(job.result, imports.DryRun):
        progress.strip(TRYING, leave="Nothing is written.")
        return None
    found = job.result
    _warn(found)
    if step == draft.DRY:
        with states.boundary("This dry run", key="import.dry"):
            trial.draw(found, inspection)
    elif found.counts.total:
        counts = found.counts
        st.caption(
            f"With these choices: **{words.number(counts.created)}** new · **{words.number(counts.updated)}** changed · "
            f"**{words.number(counts.unchanged)}** unchanged · **{words.number(counts.failed)}** refused"
        )
    return found


def _warn(found: DryRun) -> None:
    """What has to be known before Import is pressed: that values would be lost, that the file was imported before."""
    if found.held:
        st.warning(
            f"**{words.number(found.losing)}** of {words.count(found.people, 'user')} would lose a value. "
            "You will be asked to confirm it in words.",
            icon=":material/warning:",
        )
    before = session.cached(imports.imports_of, found.content, topics=("imports",))
    if before:
        last = before[0]
        when = words.instant(last.started_at, session.zone(), at=session.at())
        st.info(
            f"The same file was imported {when} by {words.escape_md(last.by)}, as {words.escape_md(last.file_name, 80)}.",
            icon=":material/history:",
        )


def _actions(given: dict[str, Any], plan: Plan, step: str, found: DryRun | None, *, blocked: bool) -> None:
    st.button("Cancel", key="import.another", type="tertiary", on_click=draft.forget)
    order = list(draft.steps(plan.kind))
    if step != draft.MATCH:
        back = order[order.index(step) - 1]
        st.button("Back", key="import.back", icon=":material/arrow_back:", on_click=draft.go, args=(back,))
    if step == draft.MATCH:
        st.button(
            "Dry run",
            key="import.next",
            icon=":material/science:",
            type="primary",
            disabled=blocked,
            on_click=draft.go,
            args=(draft.DRY,),
        )
        return
    following = order[order.index(step) + 1] if order.index(step) + 1 < len(order) else ""
    if following:
        label = draft.steps(plan.kind)[following]
        st.button(label, key="import.next", icon=":material/arrow_forward:", on_click=draft.go, args=(following,))
    taken = found.taken if found is not None else 0
    st.button(
        f"Import {words.count(taken, 'row')}" if found is not None else "Import",
        key="import.go",
        icon=":material/play_arrow:",
        type="primary",
        disabled=found is None or not taken or progress.is_running(reporting.WATCHED),
        on_click=states.acting(_begin),
        args=(given, plan, found),
    )


# -- importing ----------------------------------------------------------------------------------


def _phrase(found: DryRun) -> str:
    return f"lose values of {found.losing} users"


def _begin(given: dict[str, Any], plan: Plan, found: DryRun) -> None:
    if found.held:
        dialogs.open_(HELD)
    else:
        _import(given, plan, found)


def _hold(given: dict[str, Any], plan: Plan, found: DryRun | None) -> None:
    """An import by which half of all people or more would lose a value waits until that is said in words."""
    if dialogs.given(HELD) is None or found is None:
        return
    confirm.ask(
        HELD,
        "Import although values are lost?",
        f"**{words.number(found.losing)}** of {words.count(found.people, 'user')} would lose at least one value. "
        "The import can be undone afterwards.",
        phrase=_phrase(found),
        act=f"Import {words.count(found.taken, 'row')}",
        keep="Do not import",
        on_confirm=lambda: _import(given, plan, found),
        icon="warning",
    )


def _import(given: dict[str, Any], plan: Plan, found: DryRun) -> None:
    number, job = jobs.start_import(
        session.store(), Path(given["path"]), plan, file_name=given["name"], expected=found.content, by=session.analyst()
    )
    found.close()  # its world would lie in memory beside the import
    progress.watch(reporting.WATCHED, job)
    st.session_state["import.number"] = number
    draft.forget()


def _told() -> None:
    number = st.session_state.pop("import.number", None)
    if number is not None:
        address.put(**{"import": number})


page()
