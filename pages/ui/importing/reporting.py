"""What became of imports: the report of one, what to do about it, and all there were.

Undoing, going on and pausing are jobs; what they do does not live here (`user360/imports`).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import streamlit as st

from pages.ui import address, confirm, dialogs, layout, nav, progress, session, states, tables, words
from user360 import imports, jobs, records, segments, web

if TYPE_CHECKING:
    from collections.abc import Mapping

WATCHED: Final = jobs.IMPORT
UNDO: Final = "undo import"
STATES: Final = {
    records.COMPLETED: "done",
    records.RUNNING: "running",
    records.FAILED: "failed",
    records.STOPPED: "stopped",
    records.PAUSED: "paused",
    records.INTERRUPTED: "interrupted",
    records.UNDOING: "half undone",
    records.UNDONE: "undone",
}
MOST_LEFT: Final = 50
PAGE: Final = 25
_KINDS: Final = {"users": "users", "events": "events", "members": "members of a list"}


# -- one import ---------------------------------------------------------------------------------


def report(number: int) -> None:
    """The report of one import, with what can be done about it."""
    record = session.cached(imports.get, number, topics=("imports",))
    when = words.instant(record.started_at, session.zone(), at=session.at())
    quiet = f"{STATES.get(record.status, record.status)} · {_KINDS[record.kind]} · {when} · {words.escape_md(record.by)}"
    with layout.card(words.escape_md(record.file_name), quiet, key="import.report"):
        if record.message:
            st.markdown(f":orange[{words.escape_md(record.message, 300)}]")
        _figures(record)
        _about(record)
        _actions(record)
        if record.undone:
            _undone(record)
        elif record.status != records.RUNNING:
            _would_stay(record)
    _confirm(record)


def _figures(record: imports.Import) -> None:
    counts = record.counts
    taken = {"users": ("New", "Updated", "Unchanged"), "events": ("New", "", "Known"), "members": ("Put on", "", "On it already")}
    labels = taken[record.kind]
    figures = [("Rows", counts.total), (labels[0], counts.created), (labels[1], counts.updated), (labels[2], counts.unchanged)]
    figures += [("Failed", counts.failed), ("Empty", counts.empty)]
    layout.figures([(label, words.number(value), "") for label, value in figures if label])


def _about(record: imports.Import) -> None:
    """The tags and the list of the import, and how its rows met known users."""
    plan = record.plan
    told = [f"tags {', '.join(plan['tags'])}"] if plan.get("tags") else []
    told += [f"segment {plan['segment']}"] if plan.get("segment") else []
    told += ["the row became the whole record"] if plan.get("mode") == "replace" else []
    told += [f"{words.count(len(plan['rules']), 'rule')} per column"] if plan.get("rules") else []
    told += [f"{words.count(sum(map(len, plan['repairs'].values())), 'repair')}"] if plan.get("repairs") else []
    if told:
        st.caption(words.escape_md(" · ".join(told), 400))


def _actions(record: imports.Import) -> None:
    busy = progress.is_running(WATCHED)
    with st.container(horizontal=True, gap="xsmall"):
        failed = imports.failed_rows(session.store(), record.id)
        if record.counts.failed and failed.exists():
            label = f"Download {words.count(record.counts.failed, 'failed row')}"
            name = f"failed-{record.file_name.rsplit('.', 1)[0]}.csv"
            st.link_button(label, web.offer(failed, name), key="import.failed", icon=":material/download:")
        condition = _those_of(record.plan)
        if condition and record.status != records.UNDONE:
            rule = json.dumps({"version": 1, "match": "all", "conditions": [condition]})
            st.button("Show these users", key="import.show", icon=":material/group:", on_click=_show, args=(rule,))
        if record.status in (records.PAUSED, records.INTERRUPTED, records.FAILED) and record.counts.position >= 0:
            st.button(
                "Go on with it",
                key="import.resume",
                icon=":material/play_arrow:",
                disabled=busy,
                on_click=states.acting(_resume),
                args=(record.id,),
            )
        if record.status not in (records.RUNNING, records.UNDONE):
            label = "Go on undoing" if record.status == records.UNDOING else "Undo"
            open_: dict[str, Any] = {"on_click": dialogs.open_, "args": (UNDO,), "kwargs": {"number": record.id}}
            st.button(label, key="import.undo", icon=":material/undo:", disabled=busy, **open_)


def _those_of(plan: Mapping[str, Any]) -> dict[str, Any] | None:
    """The condition that finds the users of an import: its list, or its first tag."""
    found = segments.saved.named(session.store(), plan["segment"]) if plan.get("segment") else None
    if found is not None:
        return {"segment": found.id}
    tags = plan.get("tags", [])
    return {"property": "tags", "operator": "contains_any", "values": tags[:1]} if tags else None


def _show(rule: str) -> None:
    nav.go("users", rule=rule)


def _resume(number: int) -> None:
    progress.watch(WATCHED, jobs.resume_import(session.store(), number))


# -- undoing ------------------------------------------------------------------------------------


def _confirm(record: imports.Import) -> None:
    opened = dialogs.given(UNDO)
    if opened is None or opened["number"] != record.id:
        return
    counts = record.counts
    goes = [f"**{words.number(counts.updated)}** changed rows go back to what was there before"] if counts.updated else []
    if record.kind == "users":
        goes.append(f"up to **{words.number(counts.created)}** people the import made go, unless something came of them since")
    elif record.kind == "events":
        goes.append(f"**{words.count(counts.created, 'event')}** go, and whom the file alone made")
    else:
        goes.append(f"**{words.count(counts.created, 'user')}** leave the list")
    left = session.cached(imports.count_left, record.id, topics=("profiles", "imports"))
    stays = f"**{words.count(left, 'value')}** somebody changed since stay as they are." if left else "Nothing was changed since."
    confirm.ask(
        UNDO,
        "Undo this import?",
        "\n".join([*(f"- {each}" for each in goes), f"- {stays}"]),
        phrase="undo import",
        act="Undo the import",
        keep="Keep it",
        on_confirm=lambda: _undo(record.id),
        icon="undo",
    )


def _undo(number: int) -> None:
    progress.watch(WATCHED, jobs.undo_import(session.store(), number, by=session.analyst()))


def _undone(record: imports.Import) -> None:
    told = record.undone
    parts = [
        words.count(told["cells"], "value") + " went back",
        f"{words.count(told['gone'], 'user')} it had made are gone",
        f"{words.number(told['stayed'])} stayed because something came of them",
        f"{words.count(told['events'], 'event')} taken out",
        f"{words.number(told['members'])} off a list",
    ]
    shown = [each for each, key in zip(parts, ("cells", "gone", "stayed", "events", "members"), strict=True) if told[key]]
    st.markdown(
        f":material/undo: **Undone by {words.escape_md(told['by'])}** · {' · '.join(shown) or 'nothing was left to take back'}"
    )
    _would_stay(record)


def _would_stay(record: imports.Import) -> None:
    """Values somebody wrote again since: what an undo leaves."""
    count = session.cached(imports.count_left, record.id, topics=("profiles", "imports"))
    if not count:
        return
    label = f"{words.count(count, 'later edit')} {'stayed' if record.undone else 'would stay'} as {'it is' if count == 1 else 'they are'}"
    with st.expander(label, icon=":material/edit_note:"):
        rows = session.cached(imports.left_as_is, record.id, limit=MOST_LEFT, topics=("profiles", "imports")).to_pylist()
        lines = [
            {
                "User": each["userId"],
                "Property": words.heading(each["property"]),
                "The import wrote": json.loads(each["wrote"] or "null"),
                "Now": json.loads(each["value"] or "null"),
                "By": each["by"],
                "From": each["source"],
            }
            for each in rows
        ]
        table = pa.table({name: [None if each[name] is None else str(each[name]) for each in lines] for name in lines[0]})
        st.dataframe(table, hide_index=True, row_height=layout.CARD_ROW, placeholder=words.NO_VALUE, alt="Later edits")
        if count > len(rows):
            st.caption(f"The first {words.number(len(rows))} of {words.number(count)}.")


# -- all imports --------------------------------------------------------------------------------


def history() -> None:
    """All imports, newest first, page by page."""
    total = session.cached(records.count_imports, topics=("imports",))
    if not total:
        return
    page = min(address.number("page", 1, least=1), -(-total // PAGE))
    found = session.cached(imports.find, limit=PAGE, offset=(page - 1) * PAGE, topics=("imports",))
    with layout.card("Earlier imports", words.count(total, "import")):
        layout.table(
            [_line(each) for each in found],
            key="import.history",
            on_select=_open,
            selection_mode="single-row",
            column_config={
                each: st.column_config.NumberColumn(format="localized", width=84) for each in ("Rows", "New", "Updated", "Failed")
            },
            alt="Earlier imports, newest first. A row opens its report.",
            most=PAGE,
        )
        if total > PAGE:
            tables.pager(total, page, PAGE, key="import.history.pager", sizes=(PAGE,))


def _open() -> None:
    rows = st.session_state["import.history"]["selection"]["rows"]
    page = address.number("page", 1, least=1)
    found = session.cached(imports.find, limit=PAGE, offset=(page - 1) * PAGE, topics=("imports",))
    address.put(**{"import": found[rows[0]].id if rows and rows[0] < len(found) else None})


def _line(each: imports.Import) -> dict[str, object]:
    return {
        "When": words.instant(each.started_at, session.zone(), at=session.at()),
        "File": each.file_name,
        "Holds": _KINDS[each.kind],
        "State": STATES.get(each.status, each.status),
        "Rows": each.counts.total,
        "New": each.counts.created,
        "Updated": each.counts.updated,
        "Failed": each.counts.failed,
        "By": each.by,
    }
