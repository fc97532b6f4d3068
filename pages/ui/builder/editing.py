"""The draft of the page: kept in this tab, shared by its address, undone and done again.

The address carries the finished rule (`rule`) and, of a saved segment, its id; what is not finished
or switched off lives in this tab alone. Going back in the browser is undoing. How the draft is drawn
does not live here (`tree`), nor how it is saved (`saving`).
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from pages.ui import address, session
from pages.ui.builder import draft
from user360 import segments
from user360.errors import InvalidRule

if TYPE_CHECKING:
    from datetime import datetime

    from user360.segments import Rule

PARAMETER: Final = "rule"
AS_OF: Final = "as_of"
KEPT: Final = 100
_STATE: Final = "builder"


@dataclass(slots=True)
class Editing:
    """One draft. `past` and `future` are snapshots; `published` tells which snapshot an address stands for."""

    of: str
    read: str
    saved: str
    root: dict[str, Any]
    fault: str = ""
    past: list[str] = field(default_factory=list)
    future: list[str] = field(default_factory=list)
    published: dict[str, str] = field(default_factory=dict)
    now: str = ""
    opened: set[int] = field(default_factory=set)


def begin(of: str = "", saved: Rule | None = None) -> Editing:
    """The draft the address asks for: `of` is a saved segment's id, `saved` its rule."""
    given = address.text(PARAMETER)
    base = _plain(segments.dump(saved)) if saved is not None else ""
    kept: Editing | None = st.session_state.get(_STATE)
    if kept is not None and kept.of == of and kept.saved == base:
        if kept.read == given:
            return kept
        if given in kept.published:
            _show(kept, kept.published[given])
            kept.read = given
            return kept
    return _begun(of, base, given)


def _begun(of: str, base: str, given: str) -> Editing:
    fault = ""
    try:
        root = _root(given or base)
    except InvalidRule as refusal:
        fault, root = f"The rule in the address cannot be used. {refusal}", _root(base)
    made = Editing(of, given, base, root, fault)
    made.now = _snapshot(root)
    made.published[given] = made.now
    st.session_state[_STATE] = made
    return made


def _root(text: str) -> dict[str, Any]:
    """The draft of a rule's text; what does not hold against the catalog becomes a row with a fault."""
    root = draft.read(segments.dump(segments.parse(text)) if text else draft.NOTHING)
    return root if root["kind"] == "group" else draft.group("all", [root])


def current() -> Editing:
    """The draft that `begin` found."""
    made: Editing = st.session_state[_STATE]
    return made


def rule() -> Rule:
    """The rule of what is finished and switched on."""
    return segments.parse(judged().rule)


def judged() -> draft.Judged:
    """What of the draft counts."""
    return draft.judge(current().root, session.catalog())


def is_changed() -> bool:
    """Whether the draft differs from what is saved, or is anything at all where nothing is."""
    made = current()
    return _published(made) != ""


def is_too_long() -> bool:
    """Whether the draft is too long for an address."""
    published = _published(current())
    return address.carried(published) != published


def as_of() -> datetime | None:
    """The instant in the past that the address asks for; None for now."""
    try:
        given = dt.datetime.fromisoformat(address.text(AS_OF))
    except ValueError:
        return None
    then = given.replace(tzinfo=session.zone()) if given.tzinfo is None else given
    return then.astimezone(dt.UTC) if then < session.at() else None


# -- every edit ends here -----------------------------------------------------------------------


def changed() -> None:
    """Keep what was, so that it can be undone, and put the new rule into the address."""
    made = current()
    now = _snapshot(made.root)
    if now == made.now:
        return
    made.past = [*made.past[-KEPT:], made.now]
    made.future, made.now, made.fault = [], now, ""
    _publish(made)


def undo() -> None:
    """One edit back."""
    made = current()
    if made.past:
        made.future.append(made.now)
        _show(made, made.past.pop())
        _publish(made)


def redo() -> None:
    """One edit forward again."""
    made = current()
    if made.future:
        made.past.append(made.now)
        _show(made, made.future.pop())
        _publish(made)


def replace(source: dict[str, Any]) -> None:
    """Another rule in the place of this one: it can be undone."""
    made = current()
    made.root = _root(_plain(source))
    changed()


def forget() -> None:
    """Drop the draft: what is saved is shown again."""
    st.session_state.pop(_STATE, None)
    address.put(**{PARAMETER: None})


def _show(made: Editing, snapshot: str) -> None:
    made.root, made.now, made.fault = json.loads(snapshot), snapshot, ""


def _publish(made: Editing) -> None:
    """Write the rule into the address, unless it is the saved one, or too long for an address."""
    text = _published(made)
    made.read = address.carried(text)
    made.published[made.read] = made.now
    address.put(**{PARAMETER: made.read})


def _published(made: Editing) -> str:
    judged_rule = segments.parse(judged().rule)
    text = _plain(segments.dump(segments.check(judged_rule, session.catalog())))
    return "" if text == (made.saved or _plain(draft.NOTHING)) else text


def _plain(rule_json: dict[str, Any]) -> str:
    return json.dumps(rule_json, ensure_ascii=False, separators=(",", ":"))


def _snapshot(root: dict[str, Any]) -> str:
    return json.dumps(root, ensure_ascii=False)
