"""Folders: where files come in by themselves, what became of each, and when the next look is.

The address carries which folder is chosen. What a look does does not live here (`user360/watching`), nor the drawer
that makes one (`pages/ui/watched`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from pages.ui import address, confirm, dialogs, layout, nav, progress, scheduling, session, states, watched, words
from user360 import folders, jobs, schedules, watching

if TYPE_CHECKING:
    from user360.folders import Folder, Run, Seen

DELETE: Final = "delete folder"
SCHEDULE: Final = "folder schedule"
TOPICS: Final = (folders.TOPIC, "schedules")
STATUS: Final = {
    "importing": "being imported",
    "imported": "imported",
    "same": "same as another",
    "refused": "refused",
    "unreachable": "waits",
}
ENDS: Final = {
    "running": "running",
    "completed": "done",
    "failed": "with faults",
    "stopped": "stopped",
    "interrupted": "interrupted",
    "unreachable": "not reached",
}


def page() -> None:
    """The page, top to bottom."""
    every = session.cached(folders.find, topics=TOPICS)
    with layout.header("Folders", words.count(len(every), "folder") if every else ""):
        if every:
            plain: dict[str, Any] = {"on_click": dialogs.open_, "args": (watched.DRAWER,)}
            st.button("Watch a folder", key="folders.make", type="primary", icon=":material/create_new_folder:", **plain)
    progress.strip(folders.KIND, on_done=lambda: session.notice("The folder was looked at"), leave="You can leave this page.")
    if not every:
        states.empty(
            "No folders yet",
            "A watched folder takes in what other systems leave there: "
            f"{words.escape_md(watching.PATTERNS)}. Each file is imported once, on a schedule you choose.",
            icon="folder_open",
            action="Watch a folder",
            key="folders.first",
            on_click=lambda: dialogs.open_(watched.DRAWER),
        )
    else:
        _table(every)
        chosen = next((each for each in every if each.id == address.text("folder")), None)
        if chosen is None:
            st.caption("Choose a folder to see its files, look at it now, or change it.")
        else:
            _panel(chosen)
    watched.draw()
    layout.footnote("a file is known by its content", "one that is still being written waits for the next look")


# -- every folder -------------------------------------------------------------------------------


def _table(every: list[Folder]) -> None:
    key = f"folders.table.{'.'.join(each.id for each in every)}"
    config: dict[str, Any] = {
        "Folder": st.column_config.TextColumn(width=110),
        "Where": st.column_config.TextColumn(width=150),
        "When": st.column_config.TextColumn(width=140),
        "Next look": st.column_config.TextColumn(width=92),
        "Last look": st.column_config.TextColumn(width=92),
        "It ended": st.column_config.TextColumn(width=110),
    }
    layout.table(
        [_line(each) for each in every],
        key=key,
        column_config=config,
        alt="Watched folders by name, with when each is looked at and how the last look ended",
        on_select=lambda: _choose(every, key),
        selection_mode="single-row",
        most=8,
    )


def _choose(every: list[Folder], key: str) -> None:
    rows = st.session_state[key]["selection"]["rows"]
    address.put(folder=every[rows[0]].id if rows else None)


def _line(each: Folder) -> dict[str, str | None]:
    schedule, following = session.cached(schedules.get, folders.KIND, each.id, topics=TOPICS)
    last = next(iter(session.cached(folders.runs, each.id, limit=1, topics=TOPICS)), None)
    return {
        "Folder": each.name,
        "Where": each.place,
        "When": schedule.sentence(),
        "Next look": words.instant(following, session.zone(), at=session.at()) if following else None,
        "Last look": words.instant(last.started_at, session.zone(), at=session.at()) if last else None,
        "It ended": _ended(last) if last else None,
    }


def _ended(run: Run) -> str:
    if run.message and not run.found:
        return "not opened" if run.status == "failed" else ENDS[run.status]
    parts = [ENDS.get(run.status, run.status)]
    if run.status != "running":
        parts.append(f"{words.number(run.imported)} imported")
    if run.failed:
        parts.append(f"{words.number(run.failed)} not")
    return " · ".join(parts)


# -- one folder ---------------------------------------------------------------------------------


def _panel(of: Folder) -> None:
    with layout.card(words.escape_md(of.name), words.escape_md(of.place, 120)):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            look: dict[str, Any] = {
                "on_click": states.acting(_look),
                "args": (of.id,),
                "disabled": progress.is_running(folders.KIND),
            }
            st.button("Look now", key="folders.look", icon=":material/refresh:", **look)
            change: dict[str, Any] = {"on_click": dialogs.open_, "args": (watched.DRAWER,), "kwargs": {"of": of.id}}
            st.button("Change", key="folders.change", type="tertiary", icon=":material/edit:", **change)
            st.button(
                "Delete…", key="folders.delete", type="tertiary", icon=":material/delete:", on_click=dialogs.open_, args=(DELETE,)
            )
            st.space("stretch")
            if of.host_key:
                st.caption(f"the server's key: {words.escape_md(of.host_key)}", width="content")
        scheduling.line(folders.KIND, of.id, SCHEDULE, "Looked at")
        last = session.cached(folders.runs, of.id, topics=TOPICS)
        if last and last[0].message:
            st.warning(words.escape_md(last[0].message, 400), icon=":material/folder_off:")
        _files(of)
        _runs(last)
    confirm.ask(
        DELETE,
        "Watch this folder no more?",
        f"**{words.escape_md(of.name)}** is no longer looked at, and what opens it is forgotten. What was imported from it stays, "
        "and so do the files in it.",
        phrase="delete this folder",
        act="Delete it",
        keep="Keep it",
        on_confirm=lambda: _delete(of),
    )


def _look(folder_id: str) -> None:
    progress.watch(folders.KIND, jobs.start_folder(session.store(), folder_id, by=session.analyst()))


def _delete(of: Folder) -> None:
    folders.delete(session.store(), of.id, by=session.analyst(), at=session.moment())
    address.put(folder=None)
    session.notice(f"“{words.escape_md(of.name)}” is no longer watched", icon=":material/delete:")


def _files(of: Folder) -> None:
    found = list(session.cached(folders.seen, of.id, topics=TOPICS).values())
    layout.title_row("Files", f"{words.count(len(found), 'file')}, newest first · click one for more")
    if not found:
        states.nothing_to_show("None was seen yet.")
        return
    key = f"folders.files.{of.id}.{len(found)}"
    config: dict[str, Any] = {
        "File": st.column_config.TextColumn(width=240),
        "Size": st.column_config.TextColumn(width=80),
        "What became of it": st.column_config.TextColumn(width=130),
        "Seen": st.column_config.TextColumn(width=120),
        "Why": st.column_config.TextColumn(width=460),
    }
    table = [
        {
            "File": each.name,
            "Size": words.size(each.size),
            "What became of it": STATUS[each.status],
            "Seen": words.instant(each.at, session.zone(), at=session.at()),
            "Why": each.message or None,
        }
        for each in found
    ]
    place = layout.pick(table, config, key=key, alt="Files of the folder and what became of each", most=10)
    if place is not None:
        _file(of, found[place])


def _file(of: Folder, each: Seen) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{words.escape_md(each.name)}**", width="content")
        if each.import_id is not None:
            see: dict[str, Any] = {"on_click": nav.go, "args": ("import",), "kwargs": {"import": each.import_id}}
            st.button("See the report", key="folders.report", icon=":material/summarize:", **see)
        if each.status in {"refused", "unreachable"}:
            again: dict[str, Any] = {"on_click": states.acting(_again), "args": (of.id, each.name)}
            st.button("Try again", key="folders.again", icon=":material/replay:", **again)


def _again(folder_id: str, name: str) -> None:
    folders.look_again(session.store(), folder_id, name)
    _look(folder_id)


def _runs(every: list[Run]) -> None:
    if not every:
        return
    layout.title_row("Looks", "newest first")
    config: dict[str, Any] = {
        "When": st.column_config.TextColumn(width=130),
        "It ended": st.column_config.TextColumn(width=200),
        "Files of ours": st.column_config.NumberColumn(width=100),
        "By": st.column_config.TextColumn(width=140),
        "Why": st.column_config.TextColumn(width=460),
    }
    table = [
        {
            "When": words.instant(each.started_at, session.zone(), at=session.at()),
            "It ended": _ended(each),
            "Files of ours": each.found,
            "By": each.by,
            "Why": each.message or None,
        }
        for each in every
    ]
    layout.table(table, column_config=config, alt="Looks at the folder, newest first", most=6)


page()
