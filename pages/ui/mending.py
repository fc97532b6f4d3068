"""One failed message in its JSON, to be mended and sent again; and warnings, with traits that become properties in one click.

Without this room a wrong message could be seen and not helped. Which of them are shown does not live here
(`pages/failed`), nor what is wrong with one (`user360/resending`).
"""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from pages.ui import address, confirm, dialogs, layout, session, states, words
from user360 import datatypes, failed, ingest, properties, resending
from user360.errors import Unknown, User360Error

if TYPE_CHECKING:
    from collections.abc import Sequence

    from user360.failed import Failed, Warned

DELETE: Final = "delete failed message"
REASONS: Final = {
    "propertiesRequired": "Something is missing",
    "invalidMessage": "No message",
    "invalidProperty": "A name that cannot be",
    "tooLarge": "Too large",
    ingest.OTHER_CONTENT: "Id of another message",
    "unreadable": "No JSON",
    "bug": "Something broke here",
    "invalidDataType": "Value of another type",
    "invalidValue": "Value that cannot be kept",
    "blockedId": "Id that identifies nobody",
    "badTime": "Odd time stamp",
    ingest.UNKNOWN_PROPERTY: "Trait without a property",
}
MOST_OFFERS: Final = 6


def reason(code: str) -> str:
    """What a code means, in a few words; the code itself where nobody wrote any."""
    return REASONS.get(code, code)


# -- one failed message -------------------------------------------------------------------------


def panel(failure_id: int) -> None:
    """One message: what was wrong, its JSON, and what can be done."""
    try:
        kept = session.cached(failed.get, failure_id, topics=(failed.TOPIC,))
    except Unknown as refusal:
        states.refused(refusal)
        return
    key = f"mending.{kept.id}.{kept.times}"
    st.session_state.setdefault(f"{key}.text", _pretty(kept.failure.raw))
    with st.container(border=True, gap="xsmall"):
        layout.title_row(words.escape_md(kept.failure.message, 300), _when(kept))
        if kept.failure.hint:
            st.markdown(words.escape_md(kept.failure.hint, 300))
        st.text_area("The message, in JSON", key=f"{key}.text", height=260)
        states.fault_under(st.session_state.get(f"{key}.faults", {}), "text")
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            send: dict[str, Any] = {"on_click": states.acting(_mend), "args": (kept.id, key)}
            st.button("Send it again", key="mending.send", type="primary", icon=":material/send:", **send)
            back: dict[str, Any] = {"on_click": _as_it_came, "args": (kept, key)}
            st.button("As it came", key="mending.back", type="tertiary", icon=":material/undo:", **back)
            ask: dict[str, Any] = {"on_click": dialogs.open_, "args": (DELETE,)}
            st.button("Delete…", key="mending.delete", type="tertiary", icon=":material/delete:", **ask)
            st.button("Close", key="mending.close", type="tertiary", on_click=address.put, kwargs={"message": None})
    confirm.ask(
        DELETE,
        "Delete this failed message?",
        "It goes for good. Users and events stay as they are.",
        phrase="delete this message",
        act="Delete it",
        keep="Keep it",
        on_confirm=functools.partial(_delete, kept.id),
    )


def _when(kept: Failed) -> str:
    zone, at = session.zone(), session.at()
    last = words.instant(kept.last_at, zone, at=at)
    if kept.times == 1:
        return last
    return f"{words.count(kept.times, 'time')} since {words.instant(kept.first_at, zone, at=at)}, last {last}"


def _pretty(raw: str) -> str:
    """JSON with a line for each name; as it came where it is none."""
    try:
        return json.dumps(json.loads(raw), ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):
        return raw


def _as_it_came(kept: Failed, key: str) -> None:
    st.session_state[f"{key}.text"] = _pretty(kept.failure.raw)
    st.session_state.pop(f"{key}.faults", None)


def _mend(failure_id: int, key: str) -> None:
    try:
        became = resending.mend(
            session.store(), failure_id, st.session_state[f"{key}.text"], by=session.analyst(), at=session.moment()
        )
    except User360Error as refusal:
        st.session_state[f"{key}.faults"] = {"text": states.sentence(refusal)}
        return
    address.put(message=None)
    session.notice("The message was taken" if became.stored else "The message had been taken before")


def _delete(failure_id: int) -> None:
    failed.delete(session.store(), ids=[failure_id], by=session.analyst(), at=session.moment())
    address.put(message=None)
    session.notice("The failed message is deleted", icon=":material/delete:")


# -- warnings -----------------------------------------------------------------------------------


def warnings(found: Sequence[Warned]) -> None:
    """The warnings, what traits could become properties, and the one that is chosen."""
    if not found:
        states.nothing_matches("No warnings of this source", "Everything it sent was taken whole.")
        return
    _offers(found)
    _table(found)
    chosen = next((each for each in found if str(each.id) == address.text("warning")), None)
    if chosen is None:
        st.caption("Choose a warning to see the values it is about.")
    else:
        _warning(chosen)


def _offers(found: Sequence[Warned]) -> None:
    """Traits that could be properties, each made by one click."""
    offers: dict[str, tuple[str, ...]] = {}
    for each in found:
        if each.code == ingest.UNKNOWN_PROPERTY and properties.is_name(each.property):
            offers[each.property] = (*offers.get(each.property, ()), *each.values)
    if not offers:
        return
    with layout.card("Traits that are no property yet", words.count(len(offers), "trait")):
        with st.container(horizontal=True, gap="xsmall"):
            for trait, values in list(offers.items())[:MOST_OFFERS]:
                kind = ingest.type_of(values)
                st.button(
                    f"{words.escape_md(trait, 40)} · {kind.label.lower()}",
                    key=f"mending.offer.{trait}",
                    icon=":material/add:",
                    help=f"Seen: {words.escape_md(', '.join(values[:5]), 200)}",
                    on_click=states.acting(_adopt),
                    args=(trait, kind.name),
                )
        more = f" {words.count(len(offers) - MOST_OFFERS, 'more')} in the table." if len(offers) > MOST_OFFERS else ""
        st.caption(f"A click makes the property, with the type its values have; it stays as made.{more}")


def _table(found: Sequence[Warned]) -> None:
    key = f"mending.warnings.{len(found)}.{found[0].id}"
    config: dict[str, Any] = {
        "What": st.column_config.TextColumn(width=180),
        "Of": st.column_config.TextColumn(width=130),
        "Source": st.column_config.TextColumn(width=130),
        "Times": st.column_config.NumberColumn(format="localized", width=70),
        "Newest says": st.column_config.TextColumn(width=280),
        "Seen": st.column_config.ListColumn(width=130),
        "Last": st.column_config.TextColumn(width=110),
    }
    layout.table(
        [_line(each) for each in found],
        key=key,
        column_config=config,
        alt="Warnings, the newest first",
        on_select=lambda: _pick(found, key),
        selection_mode="single-row",
        most=12,
    )


def _line(each: Warned) -> dict[str, object]:
    return {
        "What": reason(each.code),
        "Of": each.property or None,
        "Source": each.source,
        "Times": each.times,
        "Newest says": each.message,
        "Seen": list(each.values[:5]),
        "Last": words.instant(each.last_at, session.zone(), at=session.at()),
    }


def _pick(found: Sequence[Warned], key: str) -> None:
    rows = st.session_state[key]["selection"]["rows"]
    address.put(warning=found[rows[0]].id if rows else None)


def _warning(of: Warned) -> None:
    with layout.card(f"{reason(of.code)} · {words.escape_md(of.property)}", words.escape_md(of.source)):
        st.markdown(words.escape_md(f"{of.message} {of.hint}", 400))
        if of.values:
            st.markdown(" · ".join(f"{words.escape_md(each, 80)}" for each in of.values))
        since = words.instant(of.first_at, session.zone(), at=session.at())
        told = f" · last in message {words.escape_md(of.message_id, 60)}" if of.message_id else ""
        st.caption(f"{words.count(of.times, 'time')} since {since}{told}")
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            if of.code == ingest.UNKNOWN_PROPERTY and properties.is_name(of.property):
                _make(of)
            dismiss: dict[str, Any] = {"on_click": states.acting(_dismiss), "args": (of.id,)}
            help_ = "It comes back when the same happens again."
            st.button(
                "Take it off the list", key="mending.dismiss", type="tertiary", icon=":material/done:", help=help_, **dismiss
            )


def _make(of: Warned) -> None:
    names = [each.name for each in datatypes.every()]
    key = f"mending.type.{of.property}"
    st.session_state.setdefault(key, ingest.type_of(of.values).name)
    st.selectbox(
        "Type", names, key=key, format_func=lambda each: datatypes.get(each).label, label_visibility="collapsed", width=160
    )
    make: dict[str, Any] = {"on_click": states.acting(_adopt), "args": (of.property, st.session_state[key])}
    st.button("Make it a property", key="mending.make", type="primary", icon=":material/add:", **make)


def _adopt(trait: str, datatype: str) -> None:
    made = ingest.adopt(session.store(), trait, datatype, by=session.analyst(), at=session.moment())
    _dismiss_all(trait)
    address.put(warning=None)
    session.notice(f"Property “{words.escape_md(made.name)}” made: what is sent from now on is kept with the user.")


def _dismiss_all(trait: str) -> None:
    """A trait that is a property now needs no warning any more, whoever sent it."""
    told = failed.warnings(session.store(), code=ingest.UNKNOWN_PROPERTY)
    failed.dismiss(session.store(), [each.id for each in told if each.property == trait])


def _dismiss(warning_id: int) -> None:
    failed.dismiss(session.store(), [warning_id])
    address.put(warning=None)
    session.notice("The warning is off the list")
