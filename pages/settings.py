"""Settings: where days begin, who is who, where addresses are, and API keys. Every change leaves a line in the activity log.

What a setting means does not live here (`user360/workspace`).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import available_timezones

import streamlit as st

from pages.ui import apikeys, erasing, layout, nav, session, states, words
from user360 import enrichment, properties, workspace

if TYPE_CHECKING:
    from user360.enrichment import Database
    from user360.workspace import Workspace

WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def page() -> None:
    """The page, top to bottom."""
    known = session.settings()
    with layout.header("Settings", "of this workspace, for everybody"):
        log: dict[str, Any] = {"on_click": nav.go, "args": ("activity",), "kwargs": {"kind": "change setting"}}
        st.button("Who changed what", key="settings.log", type="tertiary", icon=":material/history:", **log)
    left, right = st.columns(2, gap="small")
    with left:
        _days(known)
        _identity(known)
    with right:
        _places(known)
        apikeys.card()
        erasing.barred()
    layout.footnote("a change counts from now on, and is in the activity log")


# -- days and weeks -----------------------------------------------------------------------------


def _days(known: Workspace) -> None:
    with layout.card("Days and weeks", "every day, week and hour on every page"):
        zones = sorted(available_timezones())
        _fresh("settings.zone", known.zone_name)
        st.selectbox("Time zone", zones, key="settings.zone", help="Type a city to find its zone")
        _fresh("settings.week", known.week_starts)
        st.selectbox("A week begins on", range(7), key="settings.week", format_func=lambda each: WEEKDAYS[each])
        now = session.at().astimezone(session.zone())
        st.caption(
            f"Now it is {now:%H:%M} on {WEEKDAYS[now.weekday()]}, {words.day(now)}. Instants are kept in UTC and stay as they are."
        )
        st.button("Save", key="settings.days", on_click=states.acting(_save_days))


def _save_days() -> None:
    given = st.session_state
    _choose(session.settings(), zone_name=given["settings.zone"], week_starts=given["settings.week"])


# -- who is who ---------------------------------------------------------------------------------


def _identity(known: Workspace) -> None:
    with layout.card("Who is who", "user ids and new properties"):
        names = [each.name for each in session.cached(properties.identifying, topics=("properties",))]
        _fresh("settings.feeds", known.user_id_property if known.user_id_property in names else "userId")
        st.selectbox(
            "The user id comes from",
            names,
            key="settings.feeds",
            format_func=lambda each: "userId, as it is sent" if each == "userId" else each,
        )
        st.caption(
            "For everybody who gets a user id from now on; one that is known never changes. "
            "What is sent as userId is then one more id of the person."
        )
        _fresh("settings.automatic", known.automatic_properties)
        st.toggle("Make a property of every trait that has none", key="settings.automatic")
        st.caption(
            f"Its type is told from the first values and stays as made, and there are at most {properties.MOST_CUSTOM}. "
            "Without it new traits are offered on the page of failed messages."
        )
        st.button("Save", key="settings.identity", on_click=states.acting(_save_identity))


def _save_identity() -> None:
    given, before = st.session_state, session.settings()
    properties.feed_user_id(session.store(), given["settings.feeds"], by=session.analyst(), at=session.moment())
    _choose(before, automatic_properties=given["settings.automatic"])


# -- places -------------------------------------------------------------------------------------


def _places(known: Workspace) -> None:
    with layout.card("Places", "country and city from an ip address"):
        named = os.environ.get(enrichment.GEOIP, "").strip()
        in_use = enrichment.database_file(known.geoip_file)
        _fresh("settings.geoip", known.geoip_file)
        st.text_input(
            "City database",
            key="settings.geoip",
            placeholder="/data/GeoLite2-City.mmdb",
            disabled=bool(named),
            help="The path of a file in MaxMind's format on the server: GeoLite2 City, DB-IP City Lite, IPinfo …",
        )
        if named:
            st.caption(f"`{enrichment.GEOIP}` names the file, so it cannot be changed here.")
        if in_use:
            _described(enrichment.described(in_use))
        else:
            st.caption(
                "Without one the country is told in which an address is registered, from a list that comes with User 360. "
                "Only blanks are filled, and each says that it was derived."
            )
        st.button("Save", key="settings.places", disabled=bool(named), on_click=states.acting(_save_places))


def _described(found: Database) -> None:
    if found.fault:
        st.error(f"{words.escape_md(found.path)}: {found.fault} The country is told all the same.", icon=":material/error:")
        return
    made = f" of {words.day(found.built_at)}" if found.built_at else ""
    told = "knows cities" if found.cities else "knows no cities"
    st.markdown(f":material/check_circle: **{words.escape_md(found.kind)}**{made} is in use and {told}.")


def _save_places() -> None:
    _choose(session.settings(), geoip_file=st.session_state["settings.geoip"])


# -- all of them --------------------------------------------------------------------------------


def _fresh(key: str, value: object) -> None:
    """Show what is set, until somebody chooses something else; and again once it was changed elsewhere."""
    if st.session_state.get(f"{key}.was") != value or key not in st.session_state:
        st.session_state[key] = st.session_state[f"{key}.was"] = value


def _choose(before: Workspace, **wanted: object) -> None:
    after = workspace.choose(session.store(), by=session.analyst(), at=session.moment(), **wanted)
    session.notice("Saved" if after != before else "Nothing was changed")


page()
