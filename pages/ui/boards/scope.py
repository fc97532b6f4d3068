"""What holds for the whole board: one period instead of each chart's own, and people every chart is narrowed to.

Both stand in the address (`period`, `rule`), so a link shows the same; they can be kept for everyone. What a period is
does not live here (`user360/insight`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from pages.ui import address, rules, session, states
from pages.ui.insights import asking, controls
from user360 import boards, insight, insights, segments
from user360.errors import User360Error

if TYPE_CHECKING:
    from user360.boards import Board

PERIOD: Final = "period"
OWN: Final = "As pinned"
_TAKEN: Final = "boards.taken"


@dataclass(frozen=True, slots=True)
class Scope:
    """The period and the people of the whole board, as JSON; None leaves each chart its own."""

    period: Any = None
    people: Any = None


def draw(board: Board) -> Scope:
    """The controls in a row, and what they say."""
    take(board)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        said = _period()
        rule = controls.people()
        scope = Scope(said, None if rule is None else segments.dump(rule))
        if scope != Scope(board.period, board.people):
            keep: dict[str, Any] = {"icon": ":material/keep:", "type": "tertiary", "help": "For everyone who opens this board"}
            st.button("Keep these filters", key="boards.keep", on_click=states.acting(_keep), args=(board.id, scope), **keep)
    return scope


def told(scope: Scope) -> str:
    """What holds for the whole board, in words."""
    said = []
    if scope.period is not None:
        said.append(controls.said(insights.parse({"kind": "active", "period": scope.period}).period))
    if scope.people is not None:
        said.append(segments.describe(segments.parse(scope.people), session.catalog(), at=session.at()))
    return " · ".join(said)


def take(board: Board) -> None:
    """A board that was just opened without filters in the address begins with those that are kept."""
    mark = (board.id, board.period is not None, board.people is not None)
    if st.session_state.get(_TAKEN) == mark:
        return
    st.session_state[_TAKEN] = mark
    if not address.text(PERIOD) and not address.text(rules.PARAMETER):
        period = None if board.period is None else asking.written(board.period)
        people = None if board.people is None else asking.written(board.people)
        address.put(**{PERIOD: period, rules.PARAMETER: people})


def _keep(board_id: str, scope: Scope) -> None:
    by, at = session.analyst(), session.moment()
    boards.override(session.store(), board_id, period=scope.period, people=scope.people, by=by, at=at)
    session.notice("The board opens with these filters now", icon=":material/keep:")


# -- the period ---------------------------------------------------------------------------------


def _period() -> dict[str, Any] | None:
    said = _said()
    label = OWN if said is None else next((name for name, each in controls.PERIODS.items() if each == said), controls.CHOOSE)
    st.session_state["boards.period"] = label
    st.segmented_control(
        "Period",
        [OWN, *controls.PERIODS, controls.CHOOSE],
        key="boards.period",
        required=True,
        label_visibility="collapsed",
        on_change=_to_period,
    )
    if said is not None and label == controls.CHOOSE:
        controls.days("boards.days", said, _to_days)
    return said


def _said() -> dict[str, Any] | None:
    """The period of the address; what is none that could be asked counts as none."""
    try:
        found = json.loads(address.text(PERIOD) or "null")
        if found is None:
            return None
        question = insights.parse({"kind": "active", "period": found})
        insight.check_scope(question, session.catalog())
    except (ValueError, User360Error):
        return None
    return dict(found)


def _to_period() -> None:
    label = st.session_state["boards.period"]
    if label == OWN:
        _put(None)
    elif label == controls.CHOOSE:
        first, last = controls.ends(_said() or {"last": 30, "unit": "day"})
        _put({"from": first.isoformat(), "to": last.isoformat()})
    else:
        _put(controls.PERIODS[label])


def _to_days() -> None:
    chosen = st.session_state["boards.days"]
    if len(chosen) == 2:  # noqa: PLR2004 - the second click is still to come otherwise
        _put({"from": chosen[0].isoformat(), "to": chosen[1].isoformat()})


def _put(said: dict[str, Any] | None) -> None:
    address.put(**{PERIOD: None if said is None else asking.written(said), asking.CELLS: None})
