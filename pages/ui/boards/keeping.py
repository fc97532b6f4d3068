"""What is done to a whole board: made, called otherwise, copied, shared, archived and put back.

What a board is does not live here (`user360/boards`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from pages.ui import address, dialogs, nav, session, states, words
from pages.ui.insights import pictures
from user360 import boards
from user360.errors import User360Error

if TYPE_CHECKING:
    from user360.boards import Board

NAME: Final = "boards.name"
SHARE: Final = "boards.share"


def new(kind: str = "secondary") -> None:
    """The button that asks for the name of a new board."""
    st.button("New board", key="boards.new", icon=":material/add:", type=kind, on_click=dialogs.open_, args=(NAME,))  # type: ignore[arg-type]


def add() -> None:
    """The button that leads to the pages where charts are made and pinned."""
    screens = list(dict.fromkeys(each.screen for each in pictures.KINDS.values() if each.screen))
    help_ = "Ask on a page, then pin the chart from its menu"
    st.menu_button(
        "Add a chart",
        screens,
        key="boards.add",
        icon=":material/add_chart:",
        format_func=nav.title,
        help=help_,
        on_click=_to_page,
    )


def _to_page() -> None:
    screen = st.session_state["boards.add"]
    if screen:
        nav.go(screen)


def menu(board: Board) -> None:
    """What can be done with the board."""
    opener = st.popover("", key=f"boards.menu.{dialogs.turn()}", icon=":material/more_horiz:", help="More", on_change="rerun")
    if not opener.open:
        return
    with opener, st.container(width=220, gap="xsmall"):
        of_board: dict[str, Any] = {"board": board.id, "name": board.name, "description": board.description}
        _entry("Rename", "edit", dialogs.open_, NAME, **of_board)
        _entry("Duplicate", "content_copy", states.acting(_duplicate), board.id)
        _entry("Share", "link", dialogs.open_, SHARE)
        if board.archived_at is None:
            _entry("Archive", "archive", states.acting(_archive), board.id)
        else:
            _entry("Put back", "unarchive", states.acting(restore), board.id)


def _entry(label: str, icon: str, act: Any, *given: Any, **named: Any) -> None:
    key = f"boards.menu.{label}"
    st.button(label, key=key, icon=f":material/{icon}:", type="tertiary", on_click=act, args=given, kwargs=named)


def draw() -> None:
    """Draw whichever dialog is open."""
    _draw_name()
    _draw_share()


def _draw_name() -> None:
    opened = dialogs.given(NAME)
    if opened is None:
        return
    key, board_id = f"{NAME}.{opened['turn']}", opened.get("board")

    @st.dialog(
        "Rename the board" if board_id else "New board",
        width=480,
        icon=":material/dashboard_customize:",
        on_dismiss=dialogs.close,
    )
    def body() -> None:
        dialogs.leave_unless_open(NAME)
        st.session_state.setdefault(f"{key}.name", opened.get("name", ""))
        st.session_state.setdefault(f"{key}.description", opened.get("description", ""))
        st.text_input("Name", key=f"{key}.name", max_chars=boards.LONGEST_NAME, autocomplete="off")
        states.fault_under(opened.get("faults", {}), "name")
        st.text_area("What it is for", key=f"{key}.description", max_chars=boards.LONGEST_TEXT, height=80)
        with st.container(horizontal=True, horizontal_alignment="right", gap="small"):
            st.button("Cancel", key=f"{key}.cancel", on_click=dialogs.close)
            label = "Rename" if board_id else "Make it"
            st.button(label, key=f"{key}.act", type="primary", on_click=states.acting(_named), args=(key, board_id))

    body()


def _named(key: str, board_id: str | None) -> None:
    opened = dialogs.given(NAME)
    if opened is None:
        return
    store, by, at = session.store(), session.analyst(), session.moment()
    name, description = st.session_state[f"{key}.name"], st.session_state[f"{key}.description"]
    try:
        if board_id is not None:
            boards.rename(store, board_id, name, description=description, by=by, at=at)
        else:
            board_id = boards.make(store, name, description=description, by=by, at=at).id
            address.put(id=board_id)
    except User360Error as refusal:
        opened["faults"] = {"name": states.sentence(refusal)}
        return
    dialogs.close()


def _draw_share() -> None:
    opened = dialogs.given(SHARE)
    if opened is None:
        return

    @st.dialog("Share this board", width=560, icon=":material/link:", on_dismiss=dialogs.close)
    def body() -> None:
        dialogs.leave_unless_open(SHARE)
        st.markdown("Whoever can open this workspace sees the same board at this address, with the same period and people:")
        st.code(st.context.url or "", language=None, wrap_lines=True)
        st.caption("For somebody who cannot, download the board as one file.")

    body()


# -- acts ---------------------------------------------------------------------------------------


def _duplicate(board_id: str) -> None:
    made = boards.duplicate(session.store(), board_id, by=session.analyst(), at=session.moment())
    session.notice(f"This is “{words.escape_md(made.name)}”", icon=":material/content_copy:")
    nav.go("boards", id=made.id)


def _archive(board_id: str) -> None:
    gone = boards.archive(session.store(), board_id, by=session.analyst(), at=session.moment())
    session.notice(f"“{words.escape_md(gone.name)}” archived. It can be put back.", icon=":material/archive:")


def restore(board_id: str) -> None:
    """Put an archived board back."""
    back = boards.restore(session.store(), board_id, by=session.analyst(), at=session.moment())
    session.notice(f"“{words.escape_md(back.name)}” is back", icon=":material/unarchive:")
