"""Events: the catalogue of what users do, one event looked at closely, and the stream itself.

What an event's numbers mean does not live here (`user360/events`).
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import streamlit as st

from pages.ui import address, charts, downloads, layout, making, nav, session, states, words
from user360 import clock, events, exports, identities
from user360.people import People

VIEWS = {"catalogue": "Catalogue", "stream": "Stream"}
DAYS = 30
MOST = 50


def page() -> None:
    """The page, top to bottom."""
    found = session.cached(events.catalogue, topics=("events",)).to_pylist()
    own = [row for row in found if not row["system"] and row["total"]]
    with layout.header("Events", f"{words.count(len(own), 'name')}, {words.count(sum(row['total'] for row in own), 'event')}"):
        pass
    if not any(row["total"] for row in found):
        states.empty(
            "No events yet",
            "An event is something a user did, with its time and channel. Import a file of events to see them here.",
            icon="bolt",
            action="Import events",
            on_click=lambda: nav.go("import"),
        )
        return
    view = _view()
    if view == "stream":
        _stream(found)
    else:
        _catalogue(found)
    making.draw()
    layout.footnote("a user counts once per event, whatever the number of times", "system events are written by User 360 itself")


def _view() -> str:
    now = address.text("view", "catalogue")
    st.session_state.setdefault("events.view", now if now in VIEWS else "catalogue")
    chosen = st.segmented_control(
        "View",
        list(VIEWS),
        key="events.view",
        format_func=VIEWS.__getitem__,
        required=True,
        label_visibility="collapsed",
        on_change=lambda: address.put(view=st.session_state["events.view"], before=None),
    )
    return str(chosen)


# -- the catalogue ------------------------------------------------------------------------------


def _since() -> datetime:
    today = clock.calendar_day(session.at(), session.zone())
    return clock.start_of_day(today - timedelta(days=DAYS - 1), session.zone())


def _daily() -> dict[str, dict[Any, int]]:
    zone = session.settings().zone_name
    table = session.cached(events.daily, since=_since(), zone=zone, topics=("events", "workspace"))
    by_event: dict[str, dict[Any, int]] = {}
    for row in table.to_pylist():
        by_event.setdefault(row["event"], {})[row["day"]] = row["total"]
    return by_event


def _days() -> list[Any]:
    today = clock.calendar_day(session.at(), session.zone())
    return [today - timedelta(days=each) for each in reversed(range(DAYS))]


def _catalogue(found: list[dict[str, Any]]) -> None:
    shown = [row for row in found if row["total"]]
    name = address.text("event")
    chosen = next((row for row in shown if row["event"] == name), None)
    daily, days = _daily(), _days()
    rows = [_line(row, daily, days) for row in shown]
    config: dict[str, Any] = {
        "Event": st.column_config.TextColumn(width=140),
        "Kind": st.column_config.TextColumn(width=56),
        "Users": st.column_config.NumberColumn(format="localized", width=78),
        "Events": st.column_config.NumberColumn(format="localized", width=86),
        "First": st.column_config.TextColumn(width=92),
        "Last": st.column_config.TextColumn(width=92),
        "Last 30 days": st.column_config.AreaChartColumn(y_min=0, width=88),
    }
    layout.table(
        rows,
        column_config=config,
        key="events.table",
        on_select=lambda: _choose(shown),
        selection_mode="single-row",
        alt="Events, commonest first",
        most=12 if chosen else 20,
    )
    if chosen:
        _panel(chosen, daily.get(name, {}), days)
    else:
        st.caption("Choose an event to see its properties, its days and who did it.")


def _line(row: dict[str, Any], daily: dict[str, dict[Any, int]], days: list[Any]) -> dict[str, Any]:
    counts = daily.get(row["event"], {})
    return {
        "Event": words.event(row["event"]),
        "Kind": "system" if row["system"] else "own",
        "Users": row["users"],
        "Events": row["total"],
        "First": _told(row["first_at"]),
        "Last": _told(row["last_at"]),
        "Last 30 days": [counts.get(day, 0) for day in days],
    }


def _told(at: datetime) -> str:
    return words.instant(at.replace(tzinfo=UTC), session.zone(), at=session.at())


def _choose(shown: list[dict[str, Any]]) -> None:
    rows = st.session_state["events.table"]["selection"]["rows"]
    address.put(event=shown[rows[0]]["event"] if rows else None)


def _panel(chosen: dict[str, Any], counts: dict[Any, int], days: list[Any]) -> None:
    name = chosen["event"]
    left, right = st.columns([3, 2], gap="small")
    with (
        left,
        layout.card(words.escape_md(words.event(name)), f"{_stored(chosen)}events a day, {session.settings().zone_name}"),
        states.boundary("This chart", key="events.chart"),
    ):
        labels = [words.day(day) for day in days]
        totals = [counts.get(day, 0) for day in days]
        hover = [f"{label}: {words.count(total, 'event')}" for label, total in zip(labels, totals, strict=True)]
        figure = charts.bars(labels, totals, hover=hover, unfinished=True, ticks=[0, 7, 14, 21, 29])
        charts.draw(figure, key="events.days", alt=f"{name}: events a day over {DAYS} days; today is unfinished")
        st.caption("today is unfinished (hatched)")
    with right, layout.card("Properties", "from a sample of 10,000"), states.boundary("These properties", key="events.schema"):
        known = session.cached(events.schema, name, topics=("events",))
        if known:
            layout.table([_property(each) for each in known], row_height=layout.RAIL_ROW, alt=f"Properties of {name}", most=10)
        else:
            states.nothing_to_show("This event has no properties.")
    with st.container(horizontal=True, gap="xsmall"):
        st.button("Show in the stream", key="events.show", icon=":material/list:", on_click=_to_stream, args=(name,))
        st.button("Close", key="events.close", type="tertiary", on_click=address.put, kwargs={"event": None})


def _stored(row: dict[str, Any]) -> str:
    """How a system event is called in rules, files and over HTTP."""
    return f"stored as {words.escape_md(row['event'])} · " if row["system"] else ""


def _property(each: events.EventProperty) -> dict[str, str]:
    commonest = ", ".join(f"{value} ({words.number(count)})" for value, count in each.commonest[:3])
    return {
        "Property": each.name,
        "Type": " or ".join(each.types),
        "In": words.share(round(each.known_share * 1000), 1000),
        "Commonest": commonest,
    }


def _to_stream(name: str) -> None:
    st.session_state["events.view"] = "stream"
    st.session_state["events.names"] = [name]
    address.put(view="stream", event=None, before=None)


# -- the stream ---------------------------------------------------------------------------------


def _stream(found: list[dict[str, Any]]) -> None:
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        names = st.multiselect(
            "Events",
            [row["event"] for row in found],
            key="events.names",
            format_func=words.event,
            placeholder="All events",
            label_visibility="collapsed",
            width=300,
        )
        channels = st.multiselect(
            "Channels",
            session.cached(events.channels, topics=("events",)),
            key="events.channels",
            format_func=words.channel,
            placeholder="All channels",
            label_visibility="collapsed",
            width=220,
        )
        text = st.text_input(
            "Text in properties",
            key="events.text",
            placeholder="Text in properties",
            icon=":material/search:",
            label_visibility="collapsed",
            width=200,
        )
        user = st.text_input(
            "User id", key="events.user", placeholder="User id", icon=":material/person:", label_visibility="collapsed", width=160
        )
    within = _within(user or "")
    rows = _page(tuple(names), tuple(channels), text or "", within)
    if not rows:
        states.nothing_matches("No event is like that", "Take a filter out, or look at another user.")
        return
    _rows(rows)
    with st.container(horizontal=True, gap="xsmall"):
        _download(tuple(names), tuple(channels), text or "", within)
        last = rows[-1]
        older = f"{last['at'].isoformat()}|{last['messageId']}"
        if address.text("before"):
            st.button("Newest", key="events.newest", on_click=address.put, kwargs={"before": None})
        st.button(
            "Older",
            key="events.older",
            icon=":material/arrow_forward:",
            disabled=len(rows) < MOST,
            on_click=address.put,
            kwargs={"before": older},
        )


def _download(names: tuple[str, ...], channels: tuple[str, ...], text: str, profile_key: int | None) -> None:
    """The menu of all the events that meet the filters, whatever page is shown."""
    people = None if profile_key is None else People.of([profile_key])
    total = session.cached(events.count, names=names, channels=channels, text=text, within=people, topics=("events",))
    downloads.menu("events", exports.Events(names=names, channels=channels, text=text, within=people), rows=total, name="events")


def _within(user: str) -> int | None:
    return session.cached(identities.key_of, user.strip(), topics=("profiles",)) if user.strip() else None


def _page(names: tuple[str, ...], channels: tuple[str, ...], text: str, profile_key: int | None) -> list[dict[str, Any]]:
    user = st.session_state.get("events.user", "").strip()
    if user and profile_key is None:
        return []
    before = _before()
    if profile_key is not None:
        found = session.cached(
            events.timeline, profile_key, names=names, channels=channels, limit=MOST, before=before, topics=("events",)
        )
    else:
        found = session.cached(
            events.stream, names=names, channels=channels, text=text, limit=MOST, before=before, topics=("events",)
        )
    rows: list[dict[str, Any]] = found.to_pylist()
    return rows


def _before() -> tuple[datetime, str] | None:
    instant, _, message = address.text("before").partition("|")
    try:
        return (datetime.fromisoformat(instant).replace(tzinfo=UTC), message) if instant else None
    except ValueError:
        return None


def _rows(rows: list[dict[str, Any]]) -> None:
    config: dict[str, Any] = {
        "Time": st.column_config.TextColumn(width=150),
        "Event": st.column_config.TextColumn(width=170),
        "User": st.column_config.TextColumn(width=110),
        "Channel": st.column_config.TextColumn(width=90),
        "Source": st.column_config.TextColumn(width=130),
        "Properties": st.column_config.JsonColumn(width=420),
    }
    layout.table(
        [_event(row) for row in rows],
        column_config=config,
        key=f"events.stream.{rows[0]['messageId']}.{len(rows)}",
        on_select=lambda: _open(rows, f"events.stream.{rows[0]['messageId']}.{len(rows)}"),
        selection_mode="single-row",
        alt="Events, newest first",
        most=18,
    )
    st.caption("Choose an event to open its user.")


def _event(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "Time": words.moment(row["at"].replace(tzinfo=UTC), session.zone()),
        "Event": words.event(row["event"]),
        "User": row["userId"] or f"no id, {row['profile_key']}",
        "Channel": words.channel(row["channel"]) if row["channel"] else None,
        "Source": row["source"],
        "Properties": json.dumps(json.loads(row["properties"]), ensure_ascii=False) if row["properties"] else None,
    }


def _open(rows: list[dict[str, Any]], key: str) -> None:
    picked = st.session_state[key]["selection"]["rows"]
    if picked:
        nav.go("user", id=rows[picked[0]]["profile_key"])


page()
