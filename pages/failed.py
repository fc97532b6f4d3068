"""Failed messages: what could not be taken in and why, to be mended, sent again or deleted; and warnings of what was left out.

The address carries which of the two is shown, the source, the reason and the message. What is kept does not live here
(`user360/failed`), nor how it is sent again (`user360/resending`).
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from pages.ui import address, confirm, dialogs, layout, mending, progress, session, states, tables, words
from user360 import failed, resending

if TYPE_CHECKING:
    from user360.failed import Failed, Reason
    from user360.jobs import Progress

TOPICS: Final = (failed.TOPIC,)
RESENDING: Final = "resending"
DELETE: Final = "delete failed messages"
SHOWS: Final = ("failed", "warnings")


def page() -> None:
    """The page, top to bottom."""
    total = session.cached(failed.count, topics=TOPICS)
    warned = session.cached(failed.warnings, topics=TOPICS)
    with layout.header("Failed messages", _quiet(total, len(warned))):
        pass
    progress.strip(RESENDING, on_done=lambda: session.notice("All of them were sent again"))
    if not total and not warned:
        states.empty(
            "Nothing failed",
            "A message that cannot be taken is kept here with its reason, to be mended and sent again. "
            "A value that was left out of one leaves a warning.",
            icon="task_alt",
        )
    else:
        show, source = _choose(total, len(warned))
        if show == "failed":
            _failed(source)
        else:
            mending.warnings([each for each in warned if source in ("", each.source)])
    layout.footnote(
        "a message that failed again is counted, not kept twice",
        "a warning is of a message that was taken, without the value it names",
    )


def _quiet(total: int, warned: int) -> str:
    said = [words.count(total, "failed message")] if total else []
    return " · ".join(said + ([words.count(warned, "kind of warning", "kinds of warnings")] if warned else []))


def _choose(total: int, warned: int) -> tuple[str, str]:
    """What is shown, and of which source ("" for all)."""
    shown = address.text("show", "failed" if total else "warnings")
    shown = shown if shown in SHOWS else "failed"
    known = ["", *session.cached(failed.sources, topics=TOPICS)]
    source = address.text("source")
    labels = {"failed": f"Failed · {words.number(total)}", "warnings": f"Warnings · {words.number(warned)}"}
    st.session_state["failed.show"], st.session_state["failed.source"] = shown, source if source in known else ""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.segmented_control(
            "Show",
            SHOWS,
            key="failed.show",
            format_func=lambda each: labels[each],
            label_visibility="collapsed",
            required=True,
            on_change=_turn,
            width="content",
        )
        st.selectbox(
            "Source",
            known,
            key="failed.source",
            format_func=lambda each: each or "All sources",
            label_visibility="collapsed",
            width=200,
            on_change=_turn,
        )
    return shown, source if source in known else ""


def _turn() -> None:
    given = st.session_state
    address.put(show=given["failed.show"], source=given["failed.source"], reason=None, by=None, message=None, page=None)


# -- reasons ------------------------------------------------------------------------------------


def _failed(source: str) -> None:
    reasons = session.cached(failed.reasons, source=source or None, topics=TOPICS)
    if not reasons:
        states.nothing_matches("No message of this source failed", "Its warnings stand beside.")
        return
    chosen = next((each for each in reasons if (each.code, each.source) == (address.text("reason"), address.text("by"))), None)
    _reasons(reasons)
    if chosen is None:
        st.caption("Choose a reason to see its messages.")
    else:
        _messages(chosen)


def _reasons(reasons: tuple[Reason, ...]) -> None:
    key = "failed.reasons." + ".".join(f"{each.code}-{each.source}" for each in reasons)
    config: dict[str, Any] = {
        "Reason": st.column_config.TextColumn(width=190),
        "Source": st.column_config.TextColumn(width=140),
        "Messages": st.column_config.NumberColumn(format="localized", width=86),
        "Times": st.column_config.NumberColumn(format="localized", width=70, help="How often they failed, all together"),
        "Newest says": st.column_config.TextColumn(width=420),
        "Last": st.column_config.TextColumn(width=110),
    }
    layout.table(
        [_reason(each) for each in reasons],
        key=key,
        column_config=config,
        alt="Why messages failed, by reason and source, what failed last first",
        on_select=lambda: _pick(reasons, key),
        selection_mode="single-row",
        most=8,
    )


def _reason(each: Reason) -> dict[str, object]:
    return {
        "Reason": mending.reason(each.code),
        "Source": each.source,
        "Messages": each.messages,
        "Times": each.times,
        "Newest says": each.message,
        "Last": words.instant(each.last_at, session.zone(), at=session.at()),
    }


def _pick(reasons: tuple[Reason, ...], key: str) -> None:
    rows = st.session_state[key]["selection"]["rows"]
    one = reasons[rows[0]] if rows else None
    address.put(reason=one and one.code, by=one and one.source, message=None, page=None)


# -- messages of one reason ---------------------------------------------------------------------


def _messages(of: Reason) -> None:
    title = f"{mending.reason(of.code)} · {words.escape_md(of.source)}"
    with layout.card(title, words.count(of.messages, "message")):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            all_of: dict[str, Any] = {
                "on_click": _send_all,
                "args": (of.code, of.source),
                "disabled": progress.is_running(RESENDING),
            }
            many = "it" if of.messages == 1 else f"all {words.number(of.messages)}"
            st.button(f"Send {many} again", key="failed.all", icon=":material/replay:", **all_of)
            st.button(
                f"Delete {many}…",
                key="failed.delete",
                type="tertiary",
                icon=":material/delete:",
                on_click=dialogs.open_,
                args=(DELETE,),
            )
        rows = address.number("rows", 25, among=tables.PAGE_SIZES)
        pages = max(-(-of.messages // rows), 1)
        number = min(address.number("page", 1, least=1), pages)
        found = session.cached(failed.find, code=of.code, source=of.source, limit=rows, offset=(number - 1) * rows, topics=TOPICS)
        opened = address.text("message")
        left, right = st.columns([2, 3], gap="small") if opened else (st.container(), None)
        with left:
            _table(found, beside=right is not None)
            if pages > 1 and not opened:
                tables.pager(of.messages, number, rows, key="failed")
        if right is not None:
            with right:
                mending.panel(address.number("message", 0))
    _confirm(of)


def _table(found: tuple[Failed, ...], *, beside: bool) -> None:
    key = "failed.messages." + ".".join(str(each.id) for each in found)
    config: dict[str, Any] = {
        "Last": st.column_config.TextColumn(width=110),
        "Kind": st.column_config.TextColumn(width=90),
        "What was wrong": st.column_config.TextColumn(width=250 if beside else 400),
        "User id": st.column_config.TextColumn(width=140),
        "Message id": st.column_config.TextColumn(width=220),
        "Times": st.column_config.NumberColumn(format="localized", width=64),
    }
    layout.table(
        [_line(each) for each in found],
        key=key,
        column_config=config,
        column_order=["Last", "What was wrong"] if beside else None,
        alt="The failed messages of this reason, what failed last first",
        on_select=lambda: _open(found, key),
        selection_mode="single-row",
        most=15 if beside else 8,
    )


def _line(each: Failed) -> dict[str, object]:
    return {
        "Last": words.instant(each.last_at, session.zone(), at=session.at()),
        "Kind": each.failure.kind,
        "What was wrong": each.failure.message,
        "User id": each.failure.user_id,
        "Message id": each.failure.message_id or None,
        "Times": each.times,
    }


def _open(found: tuple[Failed, ...], key: str) -> None:
    rows = st.session_state[key]["selection"]["rows"]
    address.put(message=found[rows[0]].id if rows else None)


def _send_all(code: str, source: str) -> None:
    opened, by, at = session.store(), session.analyst(), session.moment()

    def work(told: Progress) -> None:
        resending.send(opened, code=code, source=source, by=by, at=at, tell=told.tell)

    progress.start(RESENDING, work)
    address.put(message=None)


def _confirm(of: Reason) -> None:
    many = words.count(of.messages, "failed message")
    confirm.ask(
        DELETE,
        f"Delete {many}?",
        f"What **{words.escape_md(of.source)}** sent and could not be taken for this reason goes for good. "
        "Users and events stay as they are.",
        phrase=f"delete {words.count(of.messages, 'message')}",
        act=f"Delete {words.count(of.messages, 'message')}",
        keep="Keep them",
        on_confirm=functools.partial(_delete, of),
    )


def _delete(of: Reason) -> None:
    gone = failed.delete(session.store(), code=of.code, source=of.source, by=session.analyst(), at=session.moment())
    address.put(reason=None, by=None, message=None, page=None)
    session.notice(f"{words.count(gone, 'failed message')} deleted", icon=":material/delete:")


page()
