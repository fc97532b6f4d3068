"""The row of controls every insight has: the period, how fine, whose, which channels, by what.

Each shows what the address says and writes back into it. Without this room every chart page would ask for a period in its
own way. What a page asks beside that does not live here.
"""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from pages.ui import address, rules, session, words
from pages.ui.insights import asking
from user360 import clock, events, insight, properties
from user360.insight import Period
from user360.segments import saved

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from user360.segments import Rule

PERIODS: Final = {
    "7 days": {"last": 7, "unit": "day"},
    "30 days": {"last": 30, "unit": "day"},
    "90 days": {"last": 90, "unit": "day"},
    "12 months": {"last": 12, "unit": "month"},
}
CHOOSE: Final = "Choose…"
UNITS: Final = {"hour": "per hour", "day": "per day", "week": "per week", "month": "per month"}
NO_BREAKDOWN: Final = ""
MOST_HOURS: Final = 31
_TEXTS: Final = ("string", "boolean", "list")


def period(begin: Mapping[str, Any], document: Mapping[str, Any]) -> None:
    """The period: four usual ones, or days to choose."""
    said = document.get("period", {"last": 30, "unit": "day"})
    label = next((name for name, each in PERIODS.items() if each == said), CHOOSE)
    st.session_state["insight.period"] = label
    st.segmented_control(
        "Period",
        [*PERIODS, CHOOSE],
        key="insight.period",
        required=True,
        label_visibility="collapsed",
        on_change=_to_period,
        args=(dict(begin),),
    )
    if label == CHOOSE:
        days("insight.days", said, _to_days, dict(begin))


def days(key: str, said: Mapping[str, Any], on_change: Callable[..., None], *args: Any) -> None:
    """The field of the first and the last day of a period."""
    st.session_state[key] = ends(said)
    st.date_input(
        "Days",
        key=key,
        format="YYYY-MM-DD",
        min_value=date(2000, 1, 1),
        max_value=date(2100, 12, 31),
        label_visibility="collapsed",
        width=220,
        on_change=on_change,
        args=args,
    )


def ends(said: Mapping[str, Any]) -> tuple[date, date]:
    """First and last day of a period as it is said; of one that is none, the last 30 days."""
    try:
        if "from" in said:
            return date.fromisoformat(said["from"]), date.fromisoformat(said["to"])
        begin, until = insight.span(Period(**said), session.catalog(), session.at())
    except (TypeError, ValueError, KeyError, AttributeError):
        today = clock.calendar_day(session.at(), session.zone())
        return today - timedelta(days=29), today
    zone = session.zone()
    return clock.calendar_day(begin, zone), clock.calendar_day(until - timedelta(microseconds=1), zone)


def _to_period(begin: dict[str, Any]) -> None:
    label = st.session_state["insight.period"]
    found = asking.document(begin)
    if label == CHOOSE:
        first, last = ends(found.get("period", {"last": 30, "unit": "day"}))
        asking.change(begin, period={"from": first.isoformat(), "to": last.isoformat()})
        return
    said = PERIODS[label]
    asking.change(begin, period=said, granularity=fitting(found.get("granularity", "day"), said))


def _to_days(begin: dict[str, Any]) -> None:
    chosen = st.session_state["insight.days"]
    if len(chosen) == 2:  # noqa: PLR2004 - the second click is still to come otherwise
        said = {"from": chosen[0].isoformat(), "to": chosen[1].isoformat()}
        asking.change(begin, period=said, granularity=fitting(asking.document(begin).get("granularity", "day"), said))


def fitting(unit: str, said: Mapping[str, Any]) -> str:
    """The unit that suits the period: not more places than can be read, not fewer than two."""
    first, last = ends(said)
    days = (last - first).days + 1
    if said.get("unit") == "month" or (unit == "day" and days > 400):  # noqa: PLR2004 - a year and some
        return "month" if unit != "week" else "week"
    if (unit == "hour" and days > MOST_HOURS) or (unit == "month" and days <= 62) or (unit == "week" and days <= 14):  # noqa: PLR2004
        return "day"
    return unit


def unit(begin: Mapping[str, Any], document: Mapping[str, Any], *, among: Sequence[str] = tuple(UNITS)) -> None:
    """How fine the axis is."""
    _choice(begin, "granularity", "How fine", {each: UNITS[each] for each in among}, document.get("granularity", "day"), 118)


def people() -> Rule | None:
    """Whose: everyone, a segment, or whoever the chips say."""
    if not address.text(rules.PARAMETER):
        every = {each.id: each.name for each in session.cached(saved.find, topics=("segments",))}
        st.session_state["insight.people"] = ""
        st.selectbox(
            "Whose",
            ["", *every],
            key="insight.people",
            format_func=lambda each: every[each] if each else "Everyone",
            label_visibility="collapsed",
            width=180,
            on_change=_to_people,
            icon=":material/filter_alt:",
        )
    return rules.chips()


def _to_people() -> None:
    chosen = st.session_state["insight.people"]
    rule = {"version": 1, "match": "all", "conditions": [{"segment": chosen}]}
    address.put(**{rules.PARAMETER: asking.written(rule) if chosen else None, asking.CELLS: None})


def channels(begin: Mapping[str, Any], document: Mapping[str, Any]) -> None:
    """Which channels count; none chosen is all."""
    every = session.cached(events.channels, topics=("events",))
    given = document.get("channels", [])
    st.session_state["insight.channels"] = [each for each in given if each in every] if isinstance(given, list) else []
    st.multiselect(
        "Channels",
        every,
        key="insight.channels",
        format_func=words.channel,
        placeholder="All channels",
        label_visibility="collapsed",
        width=180,
        on_change=_to_channels,
        args=(dict(begin),),
    )


def _to_channels(begin: dict[str, Any]) -> None:
    asking.change(begin, channels=list(st.session_state["insight.channels"]) or None)


def breakdown(begin: Mapping[str, Any], document: Mapping[str, Any], event: str | None = None) -> None:
    """By channel, by a property of people, by a property of the event if it is one."""
    options = {NO_BREAKDOWN: "no breakdown", asking.written({"by": "channel"}): "by channel"}
    for each in session.cached(properties.find, topics=("properties",)):
        if each.visible and each.datatype.name in _TEXTS:
            options[asking.written({"by": "property", "name": each.name})] = f"by {words.heading(each.name)}"
    if event in session.cached(events.names, topics=("events",)):
        for found in session.cached(events.schema, event, topics=("events",)):
            options[asking.written({"by": "event_property", "name": found.name})] = f"by {found.name} of the event"
    given = document.get("breakdown")
    now = asking.written(given) if given else NO_BREAKDOWN
    if now not in options:
        options[now] = f"by {given.get('name', '?')}" if isinstance(given, dict) else "by ?"
    st.session_state["insight.breakdown"] = now
    st.selectbox(
        "Breakdown",
        list(options),
        key="insight.breakdown",
        icon=":material/call_split:",
        format_func=options.__getitem__,
        label_visibility="collapsed",
        width=180,
        on_change=_to_breakdown,
        args=(dict(begin),),
    )


def _to_breakdown(begin: dict[str, Any]) -> None:
    chosen = st.session_state["insight.breakdown"]
    asking.change(begin, breakdown=json.loads(chosen) if chosen else None)


def _choice(begin: Mapping[str, Any], field: str, label: str, options: Mapping[Any, str], now: Any, width: int) -> None:
    key = f"insight.{field}"
    st.session_state[key] = now if now in options else next(iter(options))
    st.selectbox(
        label,
        list(options),
        key=key,
        format_func=options.__getitem__,
        label_visibility="collapsed",
        width=width,
        on_change=_to_choice,
        args=(dict(begin), field, key),
    )


def _to_choice(begin: dict[str, Any], field: str, key: str) -> None:
    asking.change(begin, **{field: st.session_state[key]})


def choice(
    begin: Mapping[str, Any], document: Mapping[str, Any], field: str, label: str, options: Mapping[Any, str], *, width: int
) -> None:
    """One field of the question with a few values, the first by default."""
    _choice(begin, field, label, options, document.get(field), width)


def said(given: Period) -> str:
    """The period as days: `25 Oct – 23 Nov 2026`."""
    begin, until = insight.span(given, session.catalog(), session.at())
    zone = session.zone()
    first, last = clock.calendar_day(begin, zone), clock.calendar_day(until - timedelta(microseconds=1), zone)
    return words.day(first) if first == last else f"{words.day(first, this_year=last.year)} – {words.day(last)}"


def rolling(begin: Mapping[str, Any], document: Mapping[str, Any]) -> None:
    """Whether each place counts for itself, or each day the 1, 7 and 30 days up to it."""
    st.session_state["insight.rolling"] = bool(document.get("rolling"))
    st.segmented_control(
        "Windows",
        [False, True],
        key="insight.rolling",
        format_func={False: "Calendar", True: "Rolling 1, 7, 30 days"}.__getitem__,
        required=True,
        label_visibility="collapsed",
        on_change=_to_rolling,
        args=(dict(begin),),
    )


def _to_rolling(begin: dict[str, Any]) -> None:
    wanted = bool(st.session_state["insight.rolling"])
    asking.change(begin, rolling=wanted or None, **({"granularity": None, "breakdown": None} if wanted else {}))
