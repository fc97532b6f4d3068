"""The drawer in which one user is added or edited, each fault beside its field.

Only what was changed is written, and only if nobody else changed the same value since the drawer
was opened: without that, two windows would silently undo each other. What a property accepts does
not live here (`user360/datatypes`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from pages.ui import controls, dialogs, nav, session, states, words
from user360 import identities, ingest, profiles, properties
from user360.errors import Conflict, InvalidValue, Unknown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from user360.datatype import Value
    from user360.properties import Property

WIDTH: Final = 480
DRAWER: Final = "user"
SOURCE: Final = "form"
_LAST: Final = "forms.last"
Text = str | tuple[str, ...]


def open_new() -> None:
    """Open the empty drawer; for a button's `on_click`."""
    dialogs.open_(DRAWER, user=None, start={}, faults={}, conflicts={})


def open_for(profile_key: int) -> None:
    """Open the drawer on one user as they are now; for a button's `on_click`."""
    dialogs.open_(DRAWER, user=profile_key, start=_texts(profiles.get(session.store(), profile_key)), faults={}, conflicts={})


def draw() -> None:
    """Draw the drawer while it is open. Every page that can open it calls this once, at its end."""
    opened = dialogs.given(DRAWER)
    if opened is None:
        return
    title = "Add user" if opened["user"] is None else "Edit user"

    @st.dialog(title, width=WIDTH, position="right", on_dismiss=dialogs.close)
    def body() -> None:
        dialogs.leave_unless_open(DRAWER)
        _fields(opened)

    body()


def _fields(opened: dict[str, Any]) -> None:
    faults = opened["faults"]
    if opened["user"] is None:
        st.text_input("userId", key=_key(opened, "userId"), autocomplete="off")
        states.fault_under(faults, "userId")
    tags = [each for each, _ in session.cached(profiles.tags, topics=("profiles",))]
    for prop in _writable():
        controls.field(
            prop.name,
            prop.datatype,
            key=_key(opened, prop.name),
            start=opened["start"].get(prop.name, () if prop.datatype.control.kind == "tags" else ""),
            choices=tags if prop.aside else (),
            help=words.escape_md(prop.description, 300) or None,
        )
        states.fault_under(faults, prop.name)
    _conflicts(opened)
    if faults:
        st.markdown(f":red[:material/block: {words.count(len(faults), 'field')} to mend. Nothing was saved.]")
    with st.container(horizontal=True, horizontal_alignment="right", gap="small"):
        st.button("Cancel", key=_key(opened, "-cancel"), on_click=dialogs.close)
        st.button("Save", key=_key(opened, "-save"), type="primary", on_click=states.acting(_save))


def _conflicts(opened: dict[str, Any]) -> None:
    if not opened["conflicts"]:
        return
    lines = [
        f"- {words.escape_md(each)} is now **{words.escape_md(_said(now))}**, it was {words.escape_md(_said(opened['start'].get(each, '')))}"
        for each, now in opened["conflicts"].items()
    ]
    st.warning("Somebody changed this user since you opened them:\n" + "\n".join(lines), icon=":material/edit_note:")
    with st.container(horizontal=True, gap="small"):
        st.button("Take theirs", key=_key(opened, "-theirs"), on_click=_take_theirs)
        st.button("Write mine", key=_key(opened, "-mine"), on_click=states.acting(_write_mine))


def _said(text: Text) -> str:
    return (text if isinstance(text, str) else ", ".join(text)) or words.NO_VALUE


# -- saving -------------------------------------------------------------------------------------


def _save() -> None:
    opened = dialogs.given(DRAWER)
    if opened is None:
        return
    changed, faults = _read(opened)
    if opened["user"] is None:
        faults |= _fault_of_id(_entered(opened, "userId"))
    else:
        opened["conflicts"] = _changed_elsewhere(opened, changed)
    opened["faults"] = faults
    if not faults and not opened["conflicts"]:
        _write(opened, changed)


def _take_theirs() -> None:
    """Show what the others wrote, and keep my other changes."""
    opened = dialogs.given(DRAWER)
    if opened is not None:
        for each, now in opened["conflicts"].items():
            st.session_state[_key(opened, each)] = list(now) if isinstance(now, tuple) else now
            opened["start"][each] = now
        opened["conflicts"] = {}


def _write_mine() -> None:
    """Write over what the others wrote, knowingly."""
    opened = dialogs.given(DRAWER)
    if opened is not None:
        opened["start"] |= opened["conflicts"]
        _save()


def _read(opened: dict[str, Any]) -> tuple[dict[str, Value | None], dict[str, str]]:
    """The values that differ from what the drawer was opened with, and what was refused, by property."""
    changed: dict[str, Value | None] = {}
    faults: dict[str, str] = {}
    for prop in _writable():
        entered = _entered(opened, prop.name)
        if entered == opened["start"].get(prop.name, () if isinstance(entered, tuple) else ""):
            continue
        try:
            changed[prop.name] = _parsed(prop, entered)
        except InvalidValue as refusal:
            faults[prop.name] = states.sentence(refusal)
    return changed, faults


def _fault_of_id(entered: Text) -> dict[str, str]:
    user_id = str(entered).strip()
    if not user_id:
        return {"userId": "Every user needs an id."}
    if not identities.identifies(user_id):
        return {"userId": f"“{user_id[:80]}” never identifies anyone. Give the person's own id."}
    if profiles.key_of(session.store(), user_id) is not None:
        return {"userId": f"There is a user “{user_id[:80]}” already. Open and edit them."}
    return {}


def _changed_elsewhere(opened: dict[str, Any], changed: Mapping[str, Value | None]) -> dict[str, Text]:
    """Of what is about to be written, what somebody else wrote since: property to its text now."""
    try:
        now = _texts(profiles.get(session.store(), opened["user"]))
    except Unknown:
        dialogs.close()
        raise
    blank: dict[str, Text] = {prop.name: () if prop.datatype.control.kind == "tags" else "" for prop in _writable()}
    present, before = blank | now, blank | opened["start"]
    return {each: present[each] for each in changed if present[each] != before[each]}


def _write(opened: dict[str, Any], changed: Mapping[str, Value | None]) -> None:
    new = opened["user"] is None
    user_id = str(_entered(opened, "userId")).strip() if new else None
    if changed or new:
        receipt = _receive(ingest.user(changed, user_id=user_id, profile_key=opened["user"]))
        if receipt.rejected:
            opened["faults"] = {each.property: f"{each.message} {each.hint}".strip() for each in receipt.rejected}
            return
    if changed and not new:
        st.session_state[_LAST] = {
            "user": opened["user"],
            "before": {each: opened["start"].get(each, "") for each in changed},
            "after": _texts(profiles.get(session.store(), opened["user"])),
        }
    dialogs.close()
    if new:
        session.notice(f"{words.escape_md(user_id)} added")
        nav.go("user", id=receipt.profile_keys[0].as_py())
    session.notice(f"{words.count(len(changed), 'value')} saved" if changed else "Nothing was changed")


def _receive(batch: ingest.Users) -> ingest.Receipt:
    """All of the values or, where one is refused, none."""
    return ingest.receive(
        session.store(), batch, source=SOURCE, by=session.analyst(), at=session.moment(), merge_tags=False, on_refusal="all"
    )


def _parsed(prop: Property, entered: Text) -> Value | None:
    return prop.datatype.parse(list(entered) if isinstance(entered, tuple) else entered, session.zone())


# -- the way back -------------------------------------------------------------------------------


def way_back(profile_key: int) -> None:
    """One click to have the last thing this analyst saved on the user as it was; nothing where there is none."""
    last = st.session_state.get(_LAST)
    if last is None or last["user"] != profile_key:
        return
    told = ", ".join(words.escape_md(each, 40) for each in last["before"])
    doing: dict[str, Any] = {
        "icon": ":material/undo:",
        "help": f"As before your change of {told}",
        "on_click": states.acting(_go_back),
    }
    st.button("Undo", key="user.undo", type="tertiary", **doing)


def _go_back() -> None:
    """Write what stood there, where nobody wrote something else meanwhile."""
    last = st.session_state.pop(_LAST)
    now = _texts(profiles.get(session.store(), last["user"]))
    same = [each for each in last["before"] if now.get(each) == last["after"].get(each)]
    values = {each.name: _parsed(each, last["before"][each.name]) for each in _writable() if each.name in same}
    receipt = _receive(ingest.user(values, profile_key=last["user"])) if values else None
    if receipt is not None and receipt.rejected:
        raise Conflict(receipt.rejected[0].message, "Open the user and mend it there.")
    left = [words.escape_md(each, 40) for each in last["before"] if each not in values]
    kept = f"; {', '.join(left)} was changed since and stays" if left else ""
    session.notice(f"{words.count(len(values), 'value')} as before{kept}")


# -- what stands in the fields --------------------------------------------------------------------


def _writable() -> list[Property]:
    return [each for each in session.cached(properties.find, topics=("properties",)) if each.writable and each.visible]


def _texts(profile: profiles.Profile) -> dict[str, Text]:
    known = {each.name: each.datatype for each in session.cached(properties.find, topics=("properties",))}
    return {each: controls.text_of(value, known[each], session.zone()) for each, value in profile.values.items()}


def _key(opened: Mapping[str, Any], name: str) -> str:
    return f"form.{opened['turn']}.{name}"


def _entered(opened: Mapping[str, Any], name: str) -> Text:
    entered = st.session_state.get(_key(opened, name), opened["start"].get(name, ""))
    return tuple(entered) if isinstance(entered, list) else (entered or "")
