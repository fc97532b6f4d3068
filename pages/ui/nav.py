"""Every page of the workplace, in one table, and the way from one to another.

A later screen adds one line here. Without the table, addresses and icons would be spelled in many
places and a renamed page would leave dead links. What a page draws does not live here.
"""

from __future__ import annotations

import copy
import functools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

import streamlit as st

from pages.ui import address

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamlit.navigation.page import Page

_FOLDER: Final = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Screen:
    """One page: its key is its address and its file, its section where the sidebar shows it ("" hides it, `TOP` stands above them)."""

    key: str
    file: str
    title: str
    icon: str
    section: str
    help: str = ""


TOP: Final = "-"  # above the sections
SECTIONS: Final = ("People", "Insights", "Data", "Reach", "Workspace")
SCREENS: Final = (
    Screen("welcome", "welcome.py", "Welcome", "waving_hand", ""),
    Screen("overview", "overview.py", "Overview", "space_dashboard", TOP, "How many there are, who is active, and what happens."),
    Screen("users", "users.py", "Users", "group", "People", "Everyone in the database: filter, search, tag, delete, download."),
    Screen("user", "user.py", "User", "person", ""),
    Screen(
        "segments", "segments.py", "Segments", "filter_alt", "People", "Groups of people that follow your rules, and fixed lists."
    ),
    Screen("segment", "segment.py", "Segment", "filter_alt", ""),
    Screen("compare", "compare.py", "Compare", "join_inner", ""),
    Screen("duplicates", "duplicates.py", "Duplicates", "call_merge", "People", "Pairs of users who may be one person."),
    Screen("boards", "boards.py", "Boards", "dashboard_customize", "Insights", "Your charts side by side, kept under a name."),
    Screen("trends", "trends.py", "Trends", "show_chart", "Insights", "What happens how often, and who is active, over time."),
    Screen("funnels", "funnels.py", "Funnels", "filter_list", "Insights", "How many people take one step after the other."),
    Screen("retention", "retention.py", "Retention", "grid_on", "Insights", "How many come back after they began."),
    Screen(
        "channels",
        "channels.py",
        "Channels",
        "hub",
        "Insights",
        "Where people are, between which they switch, where they are reached.",
    ),
    Screen("paths", "paths.py", "Paths", "route", "Insights", "What people do next after an event, or did before it."),
    Screen(
        "value_groups",
        "value_groups.py",
        "Value groups",
        "workspaces",
        "Insights",
        "Who is how lately, how often and for how much here, and which values people have.",
    ),
    Screen(
        "reconcile", "reconcile.py", "Reconcile", "difference", "Insights", "Two numbers that should agree, and why they do not."
    ),
    Screen("events", "events.py", "Events", "bolt", "Data", "What users do: the catalogue of events and the stream itself."),
    Screen(
        "properties",
        "properties.py",
        "Properties",
        "data_object",
        "Data",
        "What is known about users, and how well it is filled.",
    ),
    Screen("import", "imports.py", "Import", "upload_file", "Data", "Users or events from a CSV, JSON Lines or Parquet file."),
    Screen("folders", "folders.py", "Folders", "folder_open", "Data", "Files that come in by themselves, on a schedule."),
    Screen(
        "sources", "sources.py", "Sources", "sensors", "Data", "Where messages come from: write keys, volume, and what arrives."
    ),
    Screen(
        "failed",
        "failed.py",
        "Failed messages",
        "sms_failed",
        "Data",
        "What could not be taken in, and why; mend it and send it again.",
    ),
    Screen("downloads", "downloads.py", "Downloads", "download", "Reach", "Files that were made here, ready to be fetched."),
    Screen("settings", "settings.py", "Settings", "settings", "Workspace", "Zone and week, who is who, places, and API keys."),
    Screen("backups", "backups.py", "Backups", "backup", "Workspace", "The whole database of a moment, to go back to."),
    Screen(
        "activity",
        "activity.py",
        "Activity log",
        "history",
        "Workspace",
        "Who imported, exported, deleted or changed what, and when.",
    ),
)
_BY_KEY: Final = {screen.key: screen for screen in SCREENS}


def title(key: str) -> str:
    """What a screen is called."""
    return _BY_KEY[key].title


def page(key: str) -> Page:
    """The Streamlit page of a screen, for links: `st.page_link(nav.page("users"))`. A copy of its own for each run, which marks it."""
    return copy.copy(_made(key))


@functools.cache
def _made(key: str) -> Page:
    """Made once: looking for 25 files at each run was a sixth of the time of a page."""
    screen = _BY_KEY[key]
    return st.Page(
        _FOLDER / screen.file,
        title=screen.title,
        icon=f":material/{screen.icon}:",
        url_path=screen.key,
        visibility="visible" if screen.section else "hidden",
        help=screen.help or None,
    )


def menu(first: Callable[[], str]) -> dict[str, list[Page]]:
    """The pages by section, in the order of the sidebar; hidden ones are reachable by address only.

    The bare address leads on to the screen whose key `first` answers, so that every screen keeps its own address.
    """

    def home() -> None:
        go(first(), **st.query_params.to_dict())

    sections: dict[str, list[Page]] = {"": [st.Page(home, title="User 360", default=True, visibility="hidden")]}
    sections[""] += [page(screen.key) for screen in SCREENS if screen.section == TOP]
    for section in ("", *SECTIONS):
        pages = [page(screen.key) for screen in SCREENS if screen.section == section]
        if pages:
            sections[section] = sections.get(section, []) + pages
    return sections


def go(key: str, **parameters: object) -> NoReturn:
    """Open a screen: `nav.go("user", id=key)`. Parameters that are None are left out."""
    given = {name: str(value) for name, value in parameters.items() if value is not None}
    left = _BY_KEY.get(address.here())
    address.leave(key, given, bare=left is not None and not left.section)
    st.switch_page(page(key), query_params=given)
