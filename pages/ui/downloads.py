"""The download menu: CSV, Excel, Parquet, JSON Lines, of exactly the people and columns on the page.

A small file comes at once, a large one is made in the background and waits under Downloads, so that
no page stands still. Without this room each page would export its own idea of a table. How a file is
written does not live here (`user360/exports`).
"""

from __future__ import annotations

import functools
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from pages.ui import making, nav, progress, session, states, words
from user360 import erasure, exports, jobs

if TYPE_CHECKING:
    from user360.exports import Wanted
    from user360.profiles import Profile

AT_ONCE_BYTES: Final = 50_000_000
BYTES_OF_A_CELL: Final = 14


def menu(key: str, wanted: Wanted, *, rows: int, kind: str = "tertiary", name: str = "users") -> None:
    """The menu. `rows` is how many there are, and decides whether the file comes at once; `name` is that of the file."""
    at_once = rows * max(len(wanted.columns), 1) * BYTES_OF_A_CELL <= AT_ONCE_BYTES
    with st.popover("Download", key=f"{key}.download", icon=":material/download:", type=kind, disabled=not rows):  # type: ignore[arg-type]
        st.caption(f"{words.count(rows, wanted.unit)}, {words.count(len(wanted.columns), 'column')}")
        for format_, label in making.FORMATS.items():
            if at_once:
                st.download_button(
                    label,
                    functools.partial(_file, wanted, format_, name, session.analyst()),
                    file_name=f"{name}.{format_}",
                    key=f"{key}.download.{format_}",
                    type="tertiary",
                    on_click="ignore",
                )
            else:
                start = states.acting(_start)
                st.button(label, key=f"{key}.download.{format_}", type="tertiary", on_click=start, args=(wanted, format_, name))
        more: dict[str, Any] = {"on_click": making.open_for, "args": (wanted, name)}
        st.button("More choices…", key=f"{key}.download.more", type="tertiary", icon=":material/tune:", **more)
        if not at_once:
            st.caption("A large file: it is made in the background and waits under Downloads.")


def _file(wanted: Wanted, format_: str, name: str, by: str) -> bytes:
    """The file, whole. Called when the button is pressed, outside the page's run."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / f"{name}.{format_}"
        exports.write(
            session.store(),
            target,
            wanted,
            exports.Layout(format_),
            by=by,
            at=session.moment(),
        )
        return target.read_bytes()


def _start(wanted: Wanted, format_: str, name: str) -> None:
    _, job_id = jobs.start_export(
        session.store(), wanted, exports.Layout(format_), file_name=f"{name}.{format_}", by=session.analyst()
    )
    progress.watch(progress.EXPORT, job_id)
    session.notice("The file is being made. It waits under Downloads.", icon=":material/download:")
    nav.go("downloads")


# -- one person ---------------------------------------------------------------------------------


def everything(key: str, profile: Profile) -> None:
    """The button that hands out all we hold on one person, as JSON."""
    st.download_button(
        "Download all we hold",
        functools.partial(_everything, profile.key),
        file_name="user.json",
        mime="application/json",
        key=key,
        type="tertiary",
        icon=":material/download:",
        on_click="ignore",
    )


def _everything(profile_key: int) -> str:
    held = erasure.everything_about(session.store(), profile_key, at=session.moment())
    return json.dumps(held, ensure_ascii=False, indent=1, default=str)
