"""The line that says when something is done by itself, and the drawer that changes it.

Backups and folders share it, so that a schedule reads and is set the same everywhere. When one is
due next is answered by `user360/schedules`.
"""

from __future__ import annotations

from datetime import datetime, time
from typing import Any, Final

import streamlit as st

from pages.ui import dialogs, session, states, words
from user360 import schedules
from user360.schedules import Schedule

WIDTH: Final = 480
EVERY: Final = {
    "never": "Not by itself",
    "once": "Once",
    "hour": "Every hour",
    "day": "Every day",
    "week": "Every week",
    "month": "Every month",
    "cron": "As cron says",
}


def line(kind: str, subject: str, name: str, what: str) -> None:
    """Say when it is due, with the button that opens the drawer `name`."""
    schedule, following = session.cached(schedules.get, kind, subject, topics=("schedules",))
    with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(":material/schedule:", width="content")
        st.markdown(f"**{what}**", width="content")
        st.markdown(words.escape_md(schedule.sentence(), 200), width="content")
        if following:
            st.caption(f"next {words.instant(following, session.zone(), at=session.at())}", width="content")
        st.space("stretch")
        st.button("Change", key=f"{name}.change", type="tertiary", icon=":material/edit:", on_click=dialogs.open_, args=(name,))
    _drawer(kind, subject, name, schedule)


def fields(key: str, start: Schedule) -> Schedule:
    """The fields of a schedule; what they say now. It is not checked."""
    every = st.selectbox(
        "How often", list(EVERY), index=list(EVERY).index(start.every), format_func=EVERY.__getitem__, key=f"{key}.every"
    )
    given: dict[str, Any] = {"every": every, "zone": start.zone if start.every != "never" else session.settings().zone_name}
    if every == "once":
        given["on"] = _once(key, start)
    elif every == "cron":
        given["cron"] = st.text_input("Minute, hour, day, month, weekday", start.cron or "0 2 * * 1-5", key=f"{key}.cron")
    elif every == "week":
        given["weekday"] = schedules.WEEKDAYS.index(
            st.selectbox("Day", schedules.WEEKDAYS, index=start.weekday, key=f"{key}.weekday")
        )
    elif every == "month":
        given["day"] = int(st.number_input("Day of the month", 1, schedules.LAST_DAY, start.day, key=f"{key}.day"))
    if every in {"hour", "day", "week", "month"}:
        label = "Minutes past" if every == "hour" else "At"
        given["time"] = f"{st.time_input(label, time.fromisoformat(start.time), step=300, key=f'{key}.time'):%H:%M}"
    if every != "never":
        st.caption(f"times are of {words.escape_md(given['zone'])}")
    return Schedule(**given)


def _once(key: str, start: Schedule) -> str:
    zone = session.zone()
    then = datetime.fromisoformat(start.on).astimezone(zone) if start.on else session.at().astimezone(zone)
    with st.container(horizontal=True, gap="small"):
        day = st.date_input("Day", then.date(), key=f"{key}.once.day")
        hour = st.time_input("Time", then.time().replace(second=0, microsecond=0), step=300, key=f"{key}.once.time")
    return datetime.combine(day, hour, tzinfo=zone).isoformat()


def _drawer(kind: str, subject: str, name: str, schedule: Schedule) -> None:
    opened = dialogs.given(name)
    if opened is None:
        return

    @st.dialog("When", width=WIDTH, position="right", on_dismiss=dialogs.close)
    def body() -> None:
        dialogs.leave_unless_open(name)
        key = f"{name}.{opened['turn']}"
        wanted = fields(key, schedule)
        with st.container(horizontal=True, horizontal_alignment="right", gap="small"):
            st.button("Cancel", key=f"{key}.cancel", on_click=dialogs.close)
            save: dict[str, Any] = {"on_click": states.acting(_keep), "args": (kind, subject, wanted)}
            st.button("Save", key=f"{key}.save", type="primary", **save)

    body()


def _keep(kind: str, subject: str, wanted: Schedule) -> None:
    with session.store().transaction() as tx:
        schedules.keep(tx, kind, subject, wanted, at=session.moment())
    dialogs.close()
    session.notice(words.escape_md(wanted.sentence()))
