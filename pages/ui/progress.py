"""A job that goes on by itself, shown while it runs: what it does, how far, about how long.

The work runs in the background, so the tab may be closed; this room only watches. Without it a
click elsewhere would end an import half way. What a job does, and its report, do not live here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from pages.ui import session, words
from user360 import jobs
from user360.errors import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from user360.jobs import Job, Progress

EVERY: Final = "2s"
RUNNING: Final = "running"
SAMPLE: Final = "sample"
EXPORT: Final = "export"


def start(name: str, work: Callable[[Progress], None]) -> None:
    """Begin a job and watch it under a name of the page's own; for a button's `on_click`."""
    st.session_state[_key(name)] = jobs.submit(session.store(), name, work)


def watch(name: str, job_id: str) -> None:
    """Watch a job that something else began, an import say."""
    st.session_state[_key(name)] = job_id


def is_running(name: str) -> bool:
    """Whether the watched job still runs."""
    job = _job(name)
    return job is not None and job.status == RUNNING


def strip(
    name: str, *, on_done: Callable[[], None] | None = None, leave: str = "You can leave this page.", can_pause: bool = False
) -> None:
    """The line of the watched job, redrawn every two seconds while it runs; then its end, told once."""
    job = _job(name)
    if job is None:
        return

    @st.fragment(run_every=EVERY if job.status == RUNNING else None)
    def line() -> None:
        now = _job(name)
        if now is None:
            return
        if now.status == RUNNING:
            _draw(now, leave, can_pause=can_pause)
        else:
            _ended(name, now, on_done)

    line()


def _draw(job: Job, leave: str, *, can_pause: bool) -> None:
    st.progress(_share(job), text=text(job, at=session.moment()))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(leave, width="content")
        if can_pause:
            pause: dict[str, Any] = {
                "type": "tertiary",
                "icon": ":material/pause_circle:",
                "on_click": jobs.pause,
                "args": (job.id,),
            }
            st.button("Pause", key=f"progress.pause.{job.id}", **pause)
        stop: dict[str, Any] = {"type": "tertiary", "icon": ":material/stop_circle:", "on_click": jobs.stop, "args": (job.id,)}
        st.button("Stop", key=f"progress.stop.{job.id}", **stop)


def _ended(name: str, job: Job, on_done: Callable[[], None] | None) -> None:
    """A job ended between two looks: the whole page is drawn again, for its figures are new."""
    seen = f"{_key(name)}.seen"
    if st.session_state.get(seen) != job.id:
        st.session_state[seen] = job.id
        if job.status == "done" and on_done is not None:
            on_done()
        st.rerun()
    if job.status == "failed":
        st.error(words.escape_md(job.message, 400), icon=":material/error:")
    elif job.status == "stopped":
        st.warning(words.escape_md(job.message, 400), icon=":material/stop_circle:")


def text(job: Job, *, at: datetime) -> str:
    """`Importing · 114,300 of 184,220 rows · about 40 s left`, escaped."""
    parts = [words.escape_md(_capital(job.progress.doing) or "Working", 80)]
    done, total = job.progress.done, job.progress.total
    if total:
        parts.append(f"{words.number(done)} of {words.number(total)}")
        passed = at - job.started_at
        if 0 < done < total:
            parts.append(f"about {words.duration(passed * ((total - done) / done))} left")
    return " · ".join(parts)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _share(job: Job) -> float:
    return min(max(job.progress.done / job.progress.total, 0.0), 1.0) if job.progress.total else 0.0


def _job(name: str) -> Job | None:
    """The watched job; a tab opened meanwhile finds the one that runs."""
    job_id = st.session_state.get(_key(name))
    if job_id is None:
        job_id = next((job.id for job in jobs.running() if job.kind == name), None)
        st.session_state[_key(name)] = job_id
    try:
        return jobs.get(job_id) if job_id is not None else None
    except Unknown:
        return None


def _key(name: str) -> str:
    return f"progress.{name}"
