"""Import: a file is looked at, its columns mapped, a sample judged, and then taken in by a job that goes on by itself.

Nothing is written before Import is pressed. How files are read and rows judged does not live here
(`user360/imports`, `user360/ingest`), nor how the mapping is drawn (`pages/ui/mapping`).
"""

from __future__ import annotations

import json
import shutil
import uuid
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import streamlit as st

from pages.ui import address, layout, mapping, nav, progress, session, states, words
from user360 import imports, jobs, records, segments, web
from user360.errors import User360Error

if TYPE_CHECKING:
    from collections.abc import Mapping

WATCHED = "import"
MODES = {"update": "Given values change, others stay", "replace": "The row becomes the whole record"}
STATES = {
    "completed": "done",
    "running": "running",
    "failed": "failed",
    "stopped": "stopped",
    "paused": "paused",
    "undoing": "half undone",
    "interrupted": "interrupted",
    "undone": "undone",
}
_FILE = "import.file"
_PLAN = "import.plan"


def page() -> None:
    """The page, top to bottom."""
    with layout.header("Import", "users or events from a CSV, JSON Lines or Parquet file"):
        if _FILE in st.session_state:
            st.button("Another file", key="import.another", icon=":material/close:", type="tertiary", on_click=_forget)
    progress.strip(WATCHED, on_done=_told, leave="You can leave this page. The report waits under Import.")
    chosen = address.number("import", -1, least=0) if address.text("import") else None
    if _FILE in st.session_state:
        _wizard(st.session_state[_FILE])
    elif not progress.is_running(WATCHED):
        _upload()
    if chosen is not None:
        _report(chosen)
    _history()
    layout.footnote("nothing is written before you press Import", "a row that fails never stops the rest")


# -- the file -----------------------------------------------------------------------------------


def _upload() -> None:
    turn = st.session_state.setdefault("import.turn", 0)
    kinds = ["csv", "tsv", "txt", "jsonl", "ndjson", "parquet"]
    given = st.file_uploader("A file of users or events", kinds, key=f"import.upload.{turn}", label_visibility="collapsed")
    if given is None:
        st.caption("Any delimiter and encoding. The first line names the columns. A million users take about half a minute.")
        return
    path = session.store().folder("uploads") / f"{uuid.uuid4().hex}{Path(given.name).suffix.lower()}"
    with path.open("wb") as file:
        shutil.copyfileobj(given, file)
    path.chmod(0o600)
    st.session_state[_FILE] = {"path": str(path), "name": given.name}
    st.session_state["import.turn"] = turn + 1
    address.put(**{"import": None})
    st.rerun()


def _forget() -> None:
    given = st.session_state.pop(_FILE, None)
    st.session_state.pop(_PLAN, None)
    if given:
        Path(given["path"]).unlink(missing_ok=True)


# -- the wizard ---------------------------------------------------------------------------------


def _wizard(given: dict[str, str]) -> None:
    path = Path(given["path"])
    try:
        inspection = session.cached(_inspected, given["path"])
    except User360Error as refusal:
        states.refused(refusal)
        return
    if _PLAN not in st.session_state:
        st.session_state[_PLAN] = imports.suggest(session.store(), inspection, zone=session.settings().zone_name)
    _summary(given["name"], inspection)
    plan = mapping.columns(inspection, st.session_state[_PLAN])
    plan = _options(plan)
    st.session_state[_PLAN] = plan
    faults = mapping.faults(session.store(), plan, inspection.shape.columns)
    for each in faults:
        st.markdown(f":red[:material/block: {words.escape_md(each, 300)}]")
    if not faults:
        _check(path, plan)
    noun = "event" if plan.kind == "events" else "row"
    st.button(
        f"Import {words.count(max(inspection.lines - 1, 0), noun)}",
        key="import.go",
        type="primary",
        disabled=bool(faults) or progress.is_running(WATCHED),
        on_click=states.acting(_begin),
        args=(given, plan),
    )


def _inspected(_store: Any, path: str) -> imports.Inspection:
    return imports.inspect(Path(path))


def _summary(name: str, inspection: imports.Inspection) -> None:
    of = inspection.shape
    how = {"csv": f"{_delimiter(of.delimiter)}, {of.encoding}", "jsonl": "JSON Lines", "parquet": "Parquet"}[of.format]
    lines = words.count(inspection.lines, "line")
    columns = words.count(len(of.columns), "column")
    st.markdown(
        f"**{words.escape_md(name)}** · {words.size(inspection.size)} · about {lines} · {columns} · {words.escape_md(how)}"
    )


def _delimiter(text: str) -> str:
    return {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}.get(text, text) + " between cells"


def _options(plan: imports.Plan) -> imports.Plan:
    """Conflicts and tags, for users; events know neither. Both may put their users on a list."""
    if plan.kind == "events":
        return replace(plan, segment=_segment(plan))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        mode = st.segmented_control(
            "Where the user is known already",
            list(MODES),
            default=plan.mode,
            key="import.mode",
            format_func=str.capitalize,
            required=True,
            help=" · ".join(f"{each.capitalize()}: {text.lower()}" for each, text in MODES.items()),
        )
        offered = list(dict.fromkeys([imports.default_tag(session.store(), session.at()), *plan.tags]))
        tags = st.multiselect(
            "Tags for everyone in this file",
            offered,
            default=offered[:1],
            key="import.tags",
            accept_new_options=True,
            width=420,
        )
        merge = st.toggle("Keep the tags they have", value=plan.merge_tags, key="import.merge")
        segment = _segment(plan)
    return replace(plan, mode=str(mode), tags=tuple(tags), merge_tags=bool(merge), segment=segment)


def _segment(plan: imports.Plan) -> str:
    """The fixed list these users are put on, if any: one there is, or the name of a new one."""
    lists = [each.name for each in session.cached(segments.saved.find, topics=("segments",)) if each.kind == "static"]
    chosen = st.selectbox(
        "Segment of these users",
        list(dict.fromkeys([*lists, plan.segment])) if plan.segment else lists,
        index=None,
        key="import.segment",
        placeholder="None",
        accept_new_options=True,
        width=240,
        help="A fixed list. Choose one, or type the name of a new one.",
    )
    return str(chosen or "")


def _check(path: Path, plan: imports.Plan) -> None:
    """What the import would do: how many rows would be taken, and what the types refuse."""
    with states.boundary("This dry run", key="import.preview"):
        told = session.cached(_tried, str(path), json.dumps(plan.to_json()), session.analyst(), session.at())
        counts, faults = told
        with layout.card("What the import would do", words.count(counts.total, "row")):
            st.markdown(
                f"**{words.number(counts.created)}** new · **{words.number(counts.updated)}** changed · "
                f"**{words.number(counts.unchanged)}** unchanged · **{words.number(counts.failed)}** refused"
            )
            if faults:
                table = pa.Table.from_pylist([_fault(each) for each in faults])
                st.dataframe(table, hide_index=True, alt="Values that would be refused")


def _tried(store: Any, path: str, plan: str, by: str, at: Any) -> tuple[records.Counts, tuple[imports.Fault, ...]]:
    with imports.dry_run(store, Path(path), imports.Plan.from_json(json.loads(plan)), by=by, at=at) as found:
        return found.counts, found.faults


def _fault(each: imports.Fault) -> dict[str, object]:
    return {
        "Column": each.column,
        "Value": each.values[0][0],
        "Times": each.times,
        "Why": each.reason,
        "How to mend it": each.hint,
    }


def _begin(given: dict[str, str], plan: imports.Plan) -> None:
    number, job = jobs.start_import(session.store(), Path(given["path"]), plan, file_name=given["name"], by=session.analyst())
    progress.watch(WATCHED, job)
    st.session_state["import.number"] = number
    _forget()


def _told() -> None:
    number = st.session_state.pop("import.number", None)
    if number is not None:
        address.put(**{"import": number})


# -- the report ---------------------------------------------------------------------------------


def _report(number: int) -> None:
    record = session.cached(imports.get, number, topics=("imports",))
    counts = record.counts
    when = words.instant(record.started_at, session.zone(), at=session.at())
    title = f"{record.file_name}"
    with layout.card(
        words.escape_md(title), f"{STATES.get(record.status, record.status)} · {when} · {words.escape_md(record.by)}"
    ):
        if record.message:
            st.markdown(f":orange[{words.escape_md(record.message, 300)}]")
        with st.grid(6, min_column_width=110):
            for label, value in (
                ("Rows", counts.total),
                ("New", counts.created),
                ("Updated", counts.updated),
                ("Unchanged", counts.unchanged),
                ("Failed", counts.failed),
                ("Empty", counts.empty),
            ):
                st.metric(label, words.number(value), border=True)
        with st.container(horizontal=True, gap="xsmall"):
            failed = imports.failed_rows(session.store(), number)
            if counts.failed and failed.exists():
                label = f"Download {words.count(counts.failed, 'failed row')}"
                url = web.offer(failed, f"failed-{record.file_name}.csv")
                st.link_button(label, url, key="import.failed", icon=":material/download:")
            condition = _those_of(record.plan)
            if condition:
                rule = json.dumps({"version": 1, "match": "all", "conditions": [condition]})
                st.button("Show these users", key="import.show", icon=":material/group:", on_click=_show, args=(rule,))


def _those_of(plan: Mapping[str, Any]) -> dict[str, Any] | None:
    """The condition that finds the users of an import: its list, or its first tag."""
    found = segments.saved.named(session.store(), plan["segment"]) if plan.get("segment") else None
    if found is not None:
        return {"segment": found.id}
    tags = plan.get("tags", [])
    return {"property": "tags", "operator": "contains_any", "values": tags[:1]} if tags else None


def _show(rule: str) -> None:
    nav.go("users", rule=rule)


def _history() -> None:
    found = session.cached(imports.find, topics=("imports",))
    if not found:
        return
    with layout.card("Earlier imports", words.count(len(found), "import")):
        st.dataframe(
            pa.Table.from_pylist([_line(each) for each in found]),
            hide_index=True,
            height=layout.table_height(len(found), layout.CARD_ROW, most=10),
            row_height=layout.CARD_ROW,
            key="import.history",
            on_select=_open,
            selection_mode="single-row",
            alt="Earlier imports, newest first",
        )


def _open() -> None:
    rows = st.session_state["import.history"]["selection"]["rows"]
    found = session.cached(imports.find, topics=("imports",))
    address.put(**{"import": found[rows[0]].id if rows and rows[0] < len(found) else None})


def _line(each: imports.Import) -> dict[str, object]:
    return {
        "When": words.instant(each.started_at, session.zone(), at=session.at()),
        "File": each.file_name,
        "State": STATES.get(each.status, each.status),
        "Rows": each.counts.total,
        "New": each.counts.created,
        "Updated": each.counts.updated,
        "Failed": each.counts.failed,
        "By": each.by,
    }


page()
