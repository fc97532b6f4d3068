"""What a page knows before it draws: the store, the present, the zone, who is looking, and kept answers.

The only room with Streamlit's caches. An answer is kept by the question, its values and the
revision of the topics it reads, so a figure is neither stale nor asked twice; and a run that a
newer click has overtaken stops asking. Without it every page would cache its own way and show old
numbers. What is asked does not live here (`user360/`).
"""

from __future__ import annotations

import hashlib
import itertools
import os
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar
from weakref import WeakKeyDictionary

import streamlit as st

from user360 import clock, doors, segments, workspace
from user360.people import People

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from user360.segments import Catalog
    from user360.store import Store
    from user360.workspace import Workspace

R = TypeVar("R")

KEPT_ANSWERS: Final = 512
OF_PEOPLE: Final = ("profiles", "events", "properties", "segments", "workspace")  # what the people of a rule follow from
ANALYST: Final = "USER360_ANALYST"
_NOTICES: Final = "session.notices"
_ANALYST: Final = "session.analyst"


@dataclass(frozen=True, slots=True)
class _Question:
    """One call, told apart from every other by what is asked, of which database, at which revision."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    named: tuple[tuple[str, Any], ...]
    store_number: int
    revision: int

    def key(self) -> str:
        asked = f"{self.function.__module__}.{self.function.__qualname__}"
        given = [_told(each) for each in self.arguments] + [f"{name}={_told(value)}" for name, value in self.named]
        return f"{self.store_number} {self.revision} {asked}({', '.join(given)})"


_numbers: WeakKeyDictionary[Store, int] = WeakKeyDictionary()
_next_number = itertools.count()


def _told(value: object) -> str:
    """An argument as text that differs wherever the argument does; a group of people by its bits."""
    return hashlib.blake2b(value.blob().rstrip(b"\0")).hexdigest() if isinstance(value, People) else repr(value)


def store() -> Store:
    """The open database of this process. Raises `StoreUnavailable`, which the shell turns into a page."""
    return doors.current_store()


def at() -> datetime:
    """Now: one instant for all pages until a minute is over or something is written.

    So kept answers are found again, and what was just written is already there.
    """
    opened, present = store(), clock.now()
    return _instant(_number(opened), opened.revision(), present.replace(second=0, microsecond=0), present)


@st.cache_resource(max_entries=KEPT_ANSWERS, show_spinner=False)
def _instant(store_number: int, revision: int, minute: datetime, _present: datetime) -> datetime:  # noqa: ARG001 - what it is kept by
    return _present


def moment() -> datetime:
    """The exact present, for what is written: changes must not share an instant by rounding."""
    return clock.now()


def settings() -> Workspace:
    """The workspace's settings."""
    return cached(workspace.get, topics=("workspace",))


def zone() -> ZoneInfo:
    """The zone every instant on a page is shown in."""
    return settings().zone


def catalog() -> Catalog:
    """What rules may speak of: properties, events, segments, the zone, the week."""
    return cached(segments.load_catalog, topics=("properties", "events", "segments", "workspace"))


def analyst() -> str:
    """Who is looking: the signed-in name, or the one the environment gives."""
    if _ANALYST not in st.session_state:
        st.session_state[_ANALYST] = _who()
    found: str = st.session_state[_ANALYST]
    return found


def _who() -> str:
    """Found out once a run: Streamlit looks for a file of secrets each time it is asked who has signed in."""
    known = st.user.to_dict()
    signed_in = known.get("email") or known.get("name")
    return str(signed_in or os.environ.get(ANALYST, "").strip() or "analyst")


def cached(function: Callable[..., R], *arguments: Any, topics: tuple[str, ...] = (), **named: Any) -> R:
    """`function(store, *arguments, **named)`, asked once per revision of the topics it reads (none: of all).

    Arguments are told apart by `repr`, so pass values: texts, numbers, tuples, frozen dataclasses, People.
    The answer is shared by all sessions and must not be changed.
    """
    opened = store()
    question = _Question(function, arguments, tuple(sorted(named.items())), _number(opened), opened.revision(*topics))
    answer: R = _answer(question.key(), question, opened)
    return answer


def _number(opened: Store) -> int:
    if opened not in _numbers:
        _numbers[opened] = next(_next_number)
    return _numbers[opened]


@st.cache_resource(max_entries=KEPT_ANSWERS, show_spinner=False)
def _answer(key: str, _question: _Question, _store: Store) -> Any:  # noqa: ARG001 - the key is what the answer is kept by
    with _store.reader(_reader()):
        return _question.function(_store, *_question.arguments, **dict(_question.named))


@contextmanager
def reading() -> Iterator[Store]:
    """The store, for reads that are not kept; they end when a newer run of this session begins."""
    opened = store()
    with opened.reader(_reader()):
        yield opened


def begin() -> None:
    """A new run of this session: whatever the run before still asks is no longer wanted."""
    store().abandon(_reader())
    st.session_state[_ANALYST] = _who()


def _reader() -> str:
    return _session_reader()


def _release(token: str) -> None:
    """The tab was closed: end what it still asks."""
    opened = doors.current_store()
    opened.abandon(token)


@st.cache_resource(scope="session", on_release=_release, show_spinner=False)
def _session_reader() -> str:
    return uuid.uuid4().hex


def preference(name: str, otherwise: Any) -> Any:
    """What this analyst kept under the name, else the default."""
    kept = cached(workspace.preference, analyst(), name, topics=("workspace",))
    return otherwise if kept is None else kept


def keep(name: str, value: Any) -> None:
    """Keep a JSON value for this analyst."""
    workspace.keep(store(), analyst(), name, value)


def notice(text: str, icon: str = ":material/check_circle:") -> None:
    """Say something small after the next redraw, as a toast. `text` is Markdown: escape data."""
    st.session_state.setdefault(_NOTICES, []).append((text, icon))


def show_notices() -> None:
    """Draw what was said since the last run. The shell calls it."""
    for text, icon in st.session_state.pop(_NOTICES, []):
        st.toast(text, icon=icon)
