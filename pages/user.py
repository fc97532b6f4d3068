"""User: one person on a page. Properties, ids, tags, what they did, by channel, and what changed.

Reads the id from the address, asks one question per card, draws. What a merge (`merging`) or a segment does
to a person does not live here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pyarrow as pa
import streamlit as st

from pages.ui import (
    address,
    bulk,
    computing,
    controls,
    conversing,
    dialogs,
    downloads,
    engaged,
    erasing,
    forms,
    layout,
    linked,
    merging,
    nav,
    session,
    states,
    timeline,
    words,
)
from pages.ui.why import drawer
from user360 import enrichment, events, profiles, properties, resolution, segments
from user360.errors import Unknown
from user360.people import People

if TYPE_CHECKING:
    from collections.abc import Mapping

    from user360.events.reading import Engagement
    from user360.profiles import Change, Profile
    from user360.profiles.origins import Origin
    from user360.properties import Property
    from user360.segments.saved import Segment

TOPICS: Final = ("profiles", "events", "properties", "workspace")
PAGE: Final = 50
MOST_TAGS: Final = 4
MOST_SEGMENTS: Final = 8
MOST_PROPERTIES: Final = 16
TIMELINE, CONVERSATIONS = "Timeline", "Conversations"
ALONE, BESIDE = 138, 108


def page() -> None:
    """The page, top to bottom."""
    segments.computed.refresh(session.store(), at=session.moment())
    try:
        profile = session.cached(profiles.get, _key(), topics=TOPICS)
    except Unknown as refusal:
        with layout.header("User", back=("users", "Users")):
            pass
        states.refused(refusal)
        return
    known = {each.name: each for each in session.cached(properties.find, topics=("properties",))}
    engagement = session.cached(events.engagement, profile.key, topics=TOPICS)
    _header(profile)
    st.caption(_facts(profile))
    grid = st.grid(4, min_column_width=250, dense=True)  # two columns at 1024: the sides beside each other, the middle below
    with grid.cell():
        _properties(profile, known)
        linked.card(profile.key)
    with grid.cell(column_span=2):
        engaged.channels(engagement)
        _happened(profile, engagement)
    with grid.cell():
        _segments(profile)
        engaged.totals(engagement)
        engaged.weeks(engagement)
    layout.footnote("instants in the workspace's zone", "system events count in no engagement figure")
    forms.draw()
    drawer.draw()
    people = People.of([profile.key])
    bulk.draw_tags(people)
    bulk.draw_deletion(people, after=_after_deletion)
    erasing.draw(profile.key, _name(profile))
    linked.draw(profile.key)
    merging.draw(profile.key, _name(profile))


def _key() -> int:
    """The profile of the address: `id` is its key; `userId` is looked up, so that a link can be written by hand.

    A link to somebody who was merged leads to whom they are part of.
    """
    given = address.text("userId")
    found = session.cached(profiles.key_of, given, topics=("profiles",)) if given else address.number("id", -1)
    if found is None or found < 0:
        raise Unknown("There is no such user.", "They may have been deleted, or merged into another.")
    return session.cached(resolution.leads_to, int(found), topics=("profiles",))


def _after_deletion() -> None:
    nav.go("users")


# -- the head -----------------------------------------------------------------------------------


def _header(profile: Profile) -> None:
    name = _name(profile)
    with st.container(horizontal=True, wrap=False, vertical_alignment="center", gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            layout.leave("users", "Users")
            st.header(words.escape_md(name, 60), anchor=False, width="content")
            _badges(profile)
        with st.container(horizontal=True, wrap=False, width="content", vertical_alignment="center", gap="small"):
            forms.way_back(profile.key)
            st.button("Edit", key="user.edit", icon=":material/edit:", on_click=forms.open_for, args=(profile.key,))
            with st.popover("More", icon=":material/more_horiz:", key=f"user.more.{dialogs.turn()}"):
                downloads.everything("user.everything", profile)
                merge: dict[str, Any] = {"type": "tertiary", "icon": ":material/call_merge:", "args": (merging.MERGE,)}
                st.button("Merge with another user…", key="user.merge", on_click=dialogs.open_, **merge)
                delete: dict[str, Any] = {
                    "type": "tertiary",
                    "icon": ":material/delete:",
                    "on_click": dialogs.open_,
                    "args": (bulk.DELETE,),
                }
                st.button("Delete…", key="user.delete", **delete)
                erase: dict[str, Any] = {"type": "tertiary", "icon": ":material/person_off:", "args": (erasing.ERASE,)}
                st.button("Erase for good…", key="user.erase", on_click=dialogs.open_, **erase)


def _name(profile: Profile) -> str:
    first, last = profile.values.get("firstName"), profile.values.get("lastName")
    return words.full_name(str(first or ""), str(last or "")) or profile.user_id or "No name yet"


def _badges(profile: Profile) -> None:
    if profile.user_id:
        st.badge("Identified", icon=":material/verified_user:", color="green")
    else:
        st.badge("Unidentified", icon=":material/help:", color="gray")
    for tag in profile.tags[:MOST_TAGS]:
        st.badge(words.escape_md(tag, 24), color="blue")
    if len(profile.tags) > MOST_TAGS:
        rest = words.escape_md(", ".join(profile.tags[MOST_TAGS:]), 600)
        st.caption(f"+{len(profile.tags) - MOST_TAGS}", width="content", help=rest)
    tag_it: dict[str, Any] = {"type": "tertiary", "help": "Tag and untag", "on_click": dialogs.open_, "args": (bulk.TAG,)}
    st.button("", key="user.tag", icon=":material/new_label:", **tag_it)


def _facts(profile: Profile) -> str:
    zone, at, values = session.zone(), session.at(), profile.values
    facts = [f"userId **{words.escape_md(profile.user_id, 80)}**" if profile.user_id else "no user id yet"]
    if "createdAt" in values:
        facts.append(f"made {words.instant(values['createdAt'], zone, at=at)}")  # type: ignore[arg-type]
    if "lastSession" in values:
        channel = f" on {words.escape_md(words.channel(str(values['lastChannel'])))}" if "lastChannel" in values else ""
        facts.append(f"last session {words.instant(values['lastSession'], zone, at=at)}{channel}")  # type: ignore[arg-type]
    place = ", ".join(str(values[each]) for each in ("city", "country") if each in values)
    there = _time_there(str(values.get("timezone", "")))
    if place or there:
        facts.append(", ".join(each for each in (words.escape_md(place), there) if each))
    return " · ".join(facts)


def _time_there(zone_name: str) -> str:
    try:
        return f"{session.at().astimezone(ZoneInfo(zone_name)):%H:%M} there now" if zone_name else ""
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ""


# -- left: who they are -------------------------------------------------------------------------


def _properties(profile: Profile, known: Mapping[str, Property]) -> None:
    with (
        layout.card("Properties", f"{len(profile.values)} of {len(known)} known"),
        states.boundary("This card", key="properties"),
    ):
        wanted = (
            st.text_input(
                "Find a property or value",
                key="user.find",
                placeholder="Find a property or value",
                icon=":material/search:",
                label_visibility="collapsed",
                live="200ms",
                autocomplete="off",
            )
            .strip()
            .lower()
        )
        zone = session.zone()
        order = sorted(known.values(), key=lambda each: (each.name not in profile.values, each.position))
        rows = [(each.name, controls.shown(profile.values.get(each.name), each.datatype, zone)) for each in order if each.visible]
        rows = [row for row in rows if wanted in f"{row[0]} {row[1]}".lower()]
        if not rows:
            states.nothing_to_show("No property or value has that in it.")
            return
        chosen = layout.table(
            pa.table({"property": [name for name, _ in rows], "value": [value for _, value in rows]}),
            key=f"user.properties.{wanted}",
            column_config={
                "property": st.column_config.TextColumn("Property", width=92),
                "value": st.column_config.TextColumn("Value", width=140),
            },
            alt="The user's properties and their values; one that is chosen is told whole, with where it came from",
            on_select="rerun",
            selection_mode="single-cell",
            most=MOST_PROPERTIES,
        )
        _origins(profile, rows, chosen["selection"]["cells"])
        computing.origins(known)


def _origins(profile: Profile, rows: list[tuple[str, str]], cells: list[tuple[int, str]]) -> None:
    """Under the properties: the chosen one whole and where it came from, and what was derived."""
    names = tuple(name for name, _ in rows if name in profile.values)
    came = session.cached(profiles.origins, profile.key, names, at=session.at(), topics=TOPICS)
    if cells and cells[0][0] < len(rows):
        name, value = rows[cells[0][0]]
        st.markdown(f"**{words.escape_md(name)}**")
        st.code(value, language=None, wrap_lines=True)
        st.caption(_came(came[name]) if name in came else "Kept by User 360" if name in profile.values else "Never given")
    else:
        st.caption("Choose a value to see it whole and where it came from.")
    derived = frozenset(enrichment.DERIVED.values())
    told = [f"{words.escape_md(name)} {came[name].source}" for name in names if name in came and came[name].source in derived]
    if told:
        st.caption(" · ".join(told))


def _came(origin: Origin) -> str:
    """Where a value came from, in Markdown: `from CRM import · by ann · 17 Dec 2023, 10:51`."""
    source = origin.source if origin.source in enrichment.DERIVED.values() else f"from {origin.source}"
    when = words.instant(origin.at, session.zone(), at=session.at())
    return f"{words.escape_md(source, 80)} · by {words.escape_md(origin.by, 60)} · {when}"


# -- middle: what they did ----------------------------------------------------------------------


def _happened(profile: Profile, engagement: Engagement) -> None:
    """What they did: the timeline, or where a bot talks to them its conversations by session."""
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            sessions = conversing.count(profile.key)
            if sessions:
                ways = (TIMELINE, CONVERSATIONS)
                way = st.segmented_control(
                    "What they did", ways, default=TIMELINE, required=True, key="user.way", label_visibility="collapsed"
                )
            else:
                way = TIMELINE
                st.markdown("**Timeline**", width="content")
            st.space("stretch")
            if way == CONVERSATIONS:
                st.caption(words.count(sessions, "session"), width="content")
                name = channel = ""
            else:
                name, channel = _narrowed(engagement, BESIDE if sessions else ALONE)
        if way == CONVERSATIONS:
            with states.boundary("The conversations", key="conversations"):
                conversing.draw(profile.key)
        else:
            with states.boundary("The timeline", key="timeline"):
                _events(profile, tuple(filter(None, [name])), tuple(filter(None, [channel])))


def _narrowed(engagement: Engagement, width: int) -> tuple[str, str]:
    """The event and the channel the timeline is narrowed to; empty for all."""
    names, channels = engagement.totals["event"].to_pylist(), engagement.channels["channel"].to_pylist()
    name = st.selectbox(
        "Event",
        ["", *names],
        key="user.event",
        format_func=lambda each: words.event(each) if each else "All events",
        width=width,
        label_visibility="collapsed",
    )
    channel = st.selectbox(
        "Channel",
        ["", *channels],
        key="user.channel",
        format_func=lambda each: words.channel(each) if each else "All channels",
        width=width,
        label_visibility="collapsed",
    )
    return name, channel


def _found(profile: Profile, names: tuple[str, ...], channels: tuple[str, ...], limit: int) -> pa.Table:
    """The events to show; the first page of all of them came with the card's own figures."""
    if not names and not channels and limit <= events.LATEST:
        return session.cached(events.engagement, profile.key, topics=TOPICS).latest.slice(0, limit)
    return session.cached(events.timeline, profile.key, names=names, channels=channels, limit=limit, topics=TOPICS)


def _events(profile: Profile, names: tuple[str, ...], channels: tuple[str, ...]) -> None:
    shown = int(st.session_state.get(f"user.shown.{profile.key}", PAGE))
    found = _found(profile, names, channels, shown + 1)
    if not found.num_rows:
        states.nothing_to_show(
            "Nothing like that happened yet." if names or channels else "No events yet. They show up as they arrive."
        )
        return
    history = session.cached(profiles.history, profile.key, topics=TOPICS)
    writers = {(change.at, change.property): _writer(change) for change in history}
    timeline.draw(found.slice(0, shown), zone=session.zone(), at=session.at(), more=found.num_rows > shown, writers=writers)
    if found.num_rows > shown:
        st.button(
            "Show earlier",
            key="user.earlier",
            type="tertiary",
            icon=":material/keyboard_arrow_down:",
            on_click=_earlier,
            args=(f"user.shown.{profile.key}", shown + PAGE),
        )


def _writer(change: Change) -> str:
    return change.source if change.source in enrichment.DERIVED.values() else f"by {change.by} · {change.source}"


def _earlier(key: str, shown: int) -> None:
    st.session_state[key] = shown


# -- right: what it adds up to --------------------------------------------------------------------


def _segments(profile: Profile) -> None:
    """The segments they are in, by name; each leads on to its page."""
    every = session.cached(segments.saved.find, topics=("segments",))
    with states.boundary("The segments", key="user.segments"):
        found = session.cached(segments.membership.of, profile.key, at=session.at(), topics=session.OF_PEOPLE)
        with layout.card("Segments", f"in {words.number(len(found))} of {words.number(len(every))}" if every else ""):
            if not every:
                states.nothing_to_show("No segments yet. A segment is a group of people that follows your rules.")
            elif not found:
                states.nothing_to_show("In none of the segments.")
            with st.container(gap=None):
                for each in found[:MOST_SEGMENTS]:
                    _segment(each)
            if len(found) > MOST_SEGMENTS:
                with st.popover(f"{words.number(len(found) - MOST_SEGMENTS)} more"):
                    st.markdown("\n".join(f"- {words.escape_md(each.name, 80)}" for each in found[MOST_SEGMENTS:]))
            if every:
                drawer.pick_segment(profile.key, every)


def _segment(each: Segment) -> None:
    st.button(
        words.escape_md(each.name, 40),
        key=f"user.segment.{each.id}",
        icon=":material/check_circle:" if each.kind == "dynamic" else ":material/playlist_add_check:",
        type="tertiary",
        help=words.escape_md(each.description, 300) or None,
        on_click=nav.go,
        args=("segment",),
        kwargs={"id": each.id},
    )


page()
