"""The drawer in which a watched folder is made or changed: where it lies, what opens it, when it is looked at, what holds for its files.

Nothing is kept before it was looked at once: a wrong password is told while it can still be mended. What a look does
does not live here (`user360/watching`), nor how the page shows folders (`pages/folders.py`).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from pages.ui import address, dialogs, scheduling, session, states, words
from user360 import folders, places, schedules, watching
from user360.errors import Invalid, User360Error
from user360.schedules import Schedule

if TYPE_CHECKING:
    from user360.folders import Folder

DRAWER: Final = "folder"
WIDTH: Final = 520
KINDS: Final = {
    "local": "A directory of this machine",
    "sftp": "An SFTP server",
    "s3": "S3",
    "gs": "Google Cloud Storage",
    "az": "Azure",
}
EXAMPLES: Final = {"local": "/srv/drop", "s3": "s3://bucket/folder", "gs": "gs://bucket/folder", "az": "az://container/folder"}
OPENS: Final = {
    "s3": '{"key": "…", "secret": "…", "endpoint_url": "https://…"}',
    "gs": '{"token": "/path/of/service-account.json"}',
    "az": '{"account_name": "…", "account_key": "…"}',
}
PASSWORD, KEY = "Password", "Private key"


def draw() -> None:
    """Draw the drawer while it is open; `dialogs.open_(watched.DRAWER, of=id)` changes one."""
    opened = dialogs.given(DRAWER)
    if opened is None:
        return
    of = folders.get(session.store(), opened["of"]) if opened.get("of") else None

    @st.dialog("Change folder" if of else "Watch a folder", width=WIDTH, position="right", on_dismiss=dialogs.close)
    def body() -> None:
        dialogs.leave_unless_open(DRAWER)
        key = f"{DRAWER}.{opened['turn']}"
        faults = opened.get("faults", {})
        st.text_input("Name", of.name if of else "", key=f"{key}.name", max_chars=folders.LONGEST_NAME, autocomplete="off")
        states.fault_under(faults, "name")
        place = places.parse(of.place) if of else None
        kind = st.selectbox(
            "Where", list(KINDS), list(KINDS).index(place.kind) if place else 0, format_func=KINDS.__getitem__, key=f"{key}.kind"
        )
        _address(key, str(kind), place)
        states.fault_under(faults, "place")
        _opens(key, str(kind), changing=of is not None and place is not None and place.kind == kind)
        _found(opened)
        st.markdown("**Its files**")
        st.caption(f"{words.escape_md(watching.PATTERNS)}; each once, by its content. The files stay where they are.")
        _rules(key, dict(of.plan) if of else {})
        when = None
        if of is None:
            st.markdown("**When**")
            when = scheduling.fields(f"{key}.when", Schedule("hour", "00:00", zone=session.settings().zone_name))
        _buttons(key, opened, of, when)

    body()


def _address(key: str, kind: str, place: places.Place | None) -> None:
    start = place if place is not None and place.kind == kind else None
    if kind == "sftp":
        with st.container(horizontal=True, gap="small"):
            st.text_input("Host", start.host if start else "", key=f"{key}.host", autocomplete="off")
            st.number_input("Port", 1, 65_535, start.port if start else places.SSH_PORT, key=f"{key}.port", width=110)
        st.text_input("User", start.user if start else "", key=f"{key}.user", autocomplete="off")
        st.text_input("Folder", start.path if start else "/", key=f"{key}.path", autocomplete="off")
        return
    shown = str(start) if start else ""
    st.text_input("Folder", shown, key=f"{key}.path.{kind}", placeholder=EXAMPLES[kind], autocomplete="off")


def _opens(key: str, kind: str, *, changing: bool) -> None:
    """What opens it; it is never shown again, and stays as it is where nothing is written."""
    kept = "kept, not shown" if changing else ""
    if kind == "sftp":
        way = st.segmented_control("Opened by", [PASSWORD, KEY], default=PASSWORD, key=f"{key}.way", required=True)
        if way == KEY:
            st.text_area("Private key", key=f"{key}.key", height=90, placeholder=kept or "-----BEGIN OPENSSH PRIVATE KEY-----")
            st.text_input("Passphrase", key=f"{key}.passphrase", type="password", placeholder=kept, autocomplete="new-password")
        else:
            st.text_input("Password", key=f"{key}.password", type="password", placeholder=kept, autocomplete="new-password")
    elif kind in OPENS:
        st.text_area("What opens it, as JSON", key=f"{key}.options.{kind}", height=70, placeholder=kept or OPENS[kind])


def _rules(key: str, plan: dict[str, Any]) -> None:
    with st.container(horizontal=True, gap="small"):
        st.segmented_control(
            "Where the user is known already",
            ["update", "replace"],
            default=plan.get("mode", "update"),
            format_func=str.capitalize,
            key=f"{key}.mode",
            required=True,
            help="Update: given values change, others stay · Replace: the row becomes the whole record",
        )
    st.multiselect(
        "Tags for everyone in the files", plan.get("tags", []), plan.get("tags", []), key=f"{key}.tags", accept_new_options=True
    )
    st.text_input(
        "Put them on the list", plan.get("segment", ""), key=f"{key}.segment", placeholder="Name of a list", autocomplete="off"
    )


def _found(opened: dict[str, Any]) -> None:
    """What the last look of this drawer found: the server's key to be trusted, and the files."""
    shown = opened.get("shown")
    if shown is None:
        return
    if shown["key"]:
        st.markdown(f":material/key: The server shows the key `{shown['key']}`. From now on only this one is trusted.")
    found = shown["files"]
    new = words.count(len(found), "file")
    st.markdown(f":green[:material/check_circle: It opens.] {new} of ours there now.")
    if found:
        st.caption(words.escape_md(" · ".join(found[:6]) + (" …" if len(found) > 6 else ""), 400))  # noqa: PLR2004 - as many as fit


def _buttons(key: str, opened: dict[str, Any], of: Folder | None, when: Schedule | None) -> None:
    with st.container(horizontal=True, horizontal_alignment="right", gap="small"):
        st.button("Cancel", key=f"{key}.cancel", on_click=dialogs.close)
        st.button("Look", key=f"{key}.look", icon=":material/visibility:", on_click=states.acting(_look), args=(key, opened, of))
        save: dict[str, Any] = {"type": "primary", "on_click": states.acting(_save), "args": (key, opened, of, when)}
        st.button("Save" if of else "Watch it", key=f"{key}.save", **save)
    if opened.get("refused"):
        st.markdown(f":red[:material/block: {words.escape_md(opened['refused'], 600)}]")


# -- what was said ------------------------------------------------------------------------------


def _place(key: str) -> places.Place:
    kind = st.session_state[f"{key}.kind"]
    if kind == "sftp":
        said = {each: st.session_state[f"{key}.{each}"] for each in ("host", "port", "user", "path")}
        host, user = str(said["host"]).strip(), str(said["user"]).strip()
        if not host or not user:
            raise Invalid("An SFTP server needs a host and a user.", "Fill in both.")
        return places.Place("sftp", f"/{str(said['path']).strip().lstrip('/')}", host, int(said["port"]), user)
    place = places.parse(str(st.session_state[f"{key}.path.{kind}"]))
    if place.kind != kind:
        raise Invalid(f"“{place}” is another kind of place.", f"Write it as {EXAMPLES[kind]}.")
    return place


def _secret(key: str, of: Folder | None) -> dict[str, str]:
    """What was typed, or else what is kept."""
    kind = st.session_state[f"{key}.kind"]
    given: dict[str, str] = {}
    if kind == "sftp":
        given = {each: str(st.session_state.get(f"{key}.{each}") or "") for each in ("password", "key", "passphrase")}
    elif kind in OPENS:
        given = _options(str(st.session_state.get(f"{key}.options.{kind}") or ""))
    if not any(given.values()) and of is not None:
        return folders.secret_of(session.store(), of.id)
    return {each: value for each, value in given.items() if value}


def _options(text: str) -> dict[str, str]:
    if not text.strip():
        return {}
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Invalid("What opens it is no JSON object.", 'Write it as {"key": "…", "secret": "…"}.')
    return found


def _look(key: str, opened: dict[str, Any], of: Folder | None) -> None:
    _opens_up(key, opened, of)


def _opens_up(key: str, opened: dict[str, Any], of: Folder | None) -> bool:
    """Look at the place as it was described; answers whether it opened."""
    opened["faults"], opened["refused"], opened["shown"] = {}, "", None
    try:
        place = _place(key)
    except User360Error as refusal:
        opened["faults"] = {"place": states.sentence(refusal)}
        return False
    try:
        shown = places.fingerprint(place)
        found = watching.look(str(place), _secret(key, of), shown)
    except User360Error as refusal:
        opened["refused"] = states.sentence(refusal)
        return False
    opened["shown"] = {"key": shown, "files": [each.file.name for each in found]}
    return True


def _save(key: str, opened: dict[str, Any], of: Folder | None, when: Schedule | None) -> None:
    before = (opened.get("shown") or {}).get("key")
    if not _opens_up(key, opened, of):
        return
    shown = opened["shown"]["key"]
    if of is not None and of.host_key and shown not in {of.host_key, before}:
        opened["refused"] = "The server shows another key than before. If it really has a new one, save once more."
        return
    given, store = st.session_state, session.store()
    said: dict[str, Any] = {
        "name": given[f"{key}.name"],
        "place": str(_place(key)),
        "host_key": shown,
        "plan": watching.plan_of(
            {"mode": given[f"{key}.mode"], "tags": list(given[f"{key}.tags"]), "segment": given[f"{key}.segment"].strip()}
        ),
        "by": session.analyst(),
        "at": session.moment(),
    }
    secret = _secret(key, of)
    try:
        if of is None:
            made = folders.make(store, schedule=when or Schedule("never"), **said)
        else:
            made = folders.change(store, of.id, **said)
    except User360Error as refusal:
        opened["faults"] = {"name": states.sentence(refusal)}
        return
    folders.keep_secret(store, made.id, secret)
    dialogs.close()
    address.put(folder=made.id)
    _, following = schedules.get(store, folders.KIND, made.id)
    told = f", looked at {words.instant(following, session.zone(), at=session.at())}" if following else ""
    session.notice(f"“{words.escape_md(made.name)}” is watched{told}")
