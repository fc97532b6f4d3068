"""Backups: make one, put one back, and when they are made by themselves. What a backup is does not live here (`user360/backup`)."""

from __future__ import annotations

from typing import Any, Final

import streamlit as st

from pages.ui import confirm, dialogs, layout, progress, scheduling, session, states, words
from user360 import backup, jobs, uploads, web

RESTORE: Final = "restore backup"
DELETE: Final = "delete backup"
SCHEDULE: Final = "backup schedule"
BRING: Final = "bring backup"


def page() -> None:
    """The page, top to bottom."""
    found = backup.find(session.store())
    with layout.header("Backups", words.count(len(found), "backup")):
        st.button(
            "Bring one in", key="backups.bring", type="tertiary", icon=":material/upload:", on_click=dialogs.open_, args=(BRING,)
        )
        making: dict[str, Any] = {"on_click": states.acting(_make), "disabled": progress.is_running(jobs.BACKUP)}
        st.button("Back up now", key="backups.make", type="primary", icon=":material/backup:", **making)
    progress.strip(jobs.BACKUP, on_done=lambda: session.notice("The backup is made, and could be opened and read"))
    scheduling.line(jobs.BACKUP, "", SCHEDULE, "Schedule")
    if found:
        _table(found)
    else:
        states.empty(
            "No backups yet",
            "A backup holds everything of one moment: users, events, segments, settings. It is made while everything else goes on.",
            icon="backup",
        )
    _bring()
    layout.footnote(
        "a backup is opened and read before it counts", f"the last {backup.KEPT} of each kind are kept",
        "files of exports and of failed rows are not in it", "an erased person is in every backup made before",
    )  # fmt: skip


def _make() -> None:
    progress.watch(jobs.BACKUP, jobs.start_backup(session.store(), by=session.analyst()))


def _table(found: list[backup.Backup]) -> None:
    config: dict[str, Any] = {
        "Made": st.column_config.TextColumn(width=150),
        "Why": st.column_config.TextColumn(width=130),
        "Users": st.column_config.NumberColumn(format="localized", width=100),
        "Events": st.column_config.NumberColumn(format="localized", width=110),
        "Size": st.column_config.TextColumn(width=90),
        "Version": st.column_config.TextColumn(width=80),
        "By": st.column_config.TextColumn(width=300),
    }
    shown = layout.table(
        [_line(each) for each in found],
        column_config=config,
        alt="Backups, newest first",
        key=f"backups.table.{found[0].id}",
        on_select="rerun",
        selection_mode="single-row",
        most=21,
    )
    rows = shown["selection"]["rows"]
    if rows and rows[0] < len(found):
        _panel(found[rows[0]])
    else:
        st.caption("Choose a backup to fetch it, restore it or delete it.")


def _line(each: backup.Backup) -> dict[str, Any]:
    return {
        "Made": _made(each),
        "Why": each.why,
        "Users": each.users,
        "Events": each.events,
        "Size": words.size(each.bytes),
        "Version": each.version,
        "By": each.by,
    }


def _made(each: backup.Backup) -> str:
    return words.instant(each.made_at, session.zone(), at=session.at())


def _panel(each: backup.Backup) -> None:
    with layout.card(f"Backup of {_made(each)}", words.escape_md(each.why)), st.container(horizontal=True, gap="small"):
        file = backup.file_of(session.store(), each)
        url = web.offer(file, f"user360-{each.id}.duckdb", web.holder(st.context.cookies))
        st.link_button(f"Fetch · {words.size(each.bytes)}", url, key="backups.file", icon=":material/download:", on_click="rerun")
        ask: dict[str, Any] = {"on_click": dialogs.open_}
        st.button("Restore…", key="backups.restore", icon=":material/settings_backup_restore:", args=(RESTORE,), **ask)
        st.button("Delete…", key="backups.delete", type="tertiary", icon=":material/delete:", args=(DELETE,), **ask)
    held = f"{words.count(each.users, 'user')} and {words.count(each.events, 'event')}"
    confirm.ask(
        RESTORE,
        "Restore this backup?",
        f"Everything becomes as it was on **{_made(each)}**: {held}. What is there now is kept as one more backup. "
        "Whoever works here at this moment is interrupted.",
        phrase="restore this backup",
        act="Restore it",
        keep="Keep what is there",
        on_confirm=lambda: _restore(each),
        icon="settings_backup_restore",
    )
    confirm.ask(
        DELETE,
        "Delete this backup?",
        f"The backup of **{_made(each)}** with {held} goes for good.",
        phrase="delete this backup",
        act="Delete it",
        keep="Keep it",
        on_confirm=lambda: _delete(each),
    )


def _restore(each: backup.Backup) -> None:
    jobs.restore(session.store(), each.id, by=session.analyst(), at=session.moment())
    session.notice(f"Everything is as it was on {_made(each)}")


def _delete(each: backup.Backup) -> None:
    backup.delete(session.store(), each.id, by=session.analyst(), at=session.moment())
    session.notice("The backup is deleted")


# -- from outside -------------------------------------------------------------------------------


def _bring() -> None:
    opened = dialogs.given(BRING)
    if opened is None:
        return

    @st.dialog("Bring a backup in", width=confirm.WIDTH, icon=":material/upload:", on_dismiss=dialogs.close)
    def body() -> None:
        dialogs.leave_unless_open(BRING)
        key = f"bring.{opened['turn']}"
        st.markdown(
            "A file that was fetched here before, or from another User 360. It is opened and read, and then stands in the list."
        )
        st.file_uploader("Backup", type="duckdb", key=key, label_visibility="collapsed")
        with st.container(horizontal=True, horizontal_alignment="right", gap="small"):
            st.button("Cancel", key=f"{key}.cancel", on_click=dialogs.close)
            given = st.session_state.get(key) is not None
            act: dict[str, Any] = {"on_click": states.acting(_take_in), "args": (key,), "disabled": not given}
            st.button("Bring it in", key=f"{key}.act", type="primary", **act)

    body()


def _take_in(key: str) -> None:
    uploaded = st.session_state[key]
    dialogs.close()
    file = uploads.keep(session.store(), uploaded.name, uploaded)
    try:
        backup.bring(session.store(), file, by=session.analyst(), at=session.moment())
    finally:
        file.unlink(missing_ok=True)
    session.notice("The backup could be read and stands in the list")


page()
