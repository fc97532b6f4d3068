"""Sources: where messages come from, how much each sends, which one fell silent, its keys, and what arrives right now.

The address carries which source is chosen. What a source is does not live here (`user360/sources`), nor how one sends
(`user360/events/sending`).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import streamlit as st

from pages.ui import address, charts, dialogs, layout, nav, session, states, words, writekeys
from pages.ui.insights import over_time
from user360 import events, failed, sources
from user360.errors import User360Error

if TYPE_CHECKING:
    from user360.events import Pulse
    from user360.sources import Source

NEW: Final = "new source"
CHANGE: Final = "change source"
TOPICS: Final = ("sources",)
NAMED: Final = "Named by events alone"
MOST_COLOURS: Final = 6
TAIL: Final = 12
TAIL_EVERY: Final = "2s"
ICONS: Final = {
    "web": "language",
    "app": "smartphone",
    "server": "dns",
    "bot": "smart_toy",
    "CRM": "contacts",
    "other": "sensors",
}


def page() -> None:
    """The page, top to bottom."""
    every = session.cached(sources.find, topics=TOPICS)
    made = {each.name for each in every}
    named = [each for each in session.cached(events.senders, topics=("events",)) if each not in made]
    chosen = next((each for each in every if each.name == address.text("source")), None)
    writekeys.forget(except_of=chosen.name if chosen else "")
    count = len(every) + len(named)
    with layout.header("Sources", words.count(count, "source") if count else ""):
        if count:
            make: dict[str, Any] = {"on_click": dialogs.open_, "args": (NEW,)}
            st.button("New source", key="sources.new", type="primary", icon=":material/add:", **make)
    if not count:
        states.empty(
            "No sources yet",
            "A source is a place messages come from: a web page, an app, a bot, a CRM. It gets a write key of its own, "
            "and its events carry its name.",
            icon="sensors",
            action="Make a source",
            key="sources.first",
            on_click=lambda: dialogs.open_(NEW),
        )
    else:
        with states.boundary("What the sources sent", key="sources.volume"):
            sent = session.cached(events.pulses, zone=session.zone(), at=session.at(), topics=("events", "workspace"))
            _silent(sent, every)
            _volume(sent)
            _table(every, named, {each.source: each for each in sent})
        if chosen is not None:
            _panel(chosen)
        elif address.text("source") in named:
            _panel_of_named(address.text("source"))
        else:
            st.caption("Choose a source for its keys, what to paste, and what arrives.")
    _new()
    layout.footnote(
        f"events of the last {events.sending.DAYS} days by their own time", "silent = half as long again as it ever was in them"
    )


# -- all of them --------------------------------------------------------------------------------


def _silent(sent: tuple[Pulse, ...], every: tuple[Source, ...]) -> None:
    """A line for each source that fell silent."""
    known = {each.name for each in every}
    for each in sent:
        if each.source in known and each.silent(session.at()):
            when = words.instant(each.last_at, session.zone(), at=session.at())
            pause = words.duration(each.pause + timedelta(hours=1)) if each.pause is not None else ""
            st.warning(
                f"Events from **{words.escape_md(each.source)}** stopped at {when}. It was never silent for more than {pause} before.",
                icon=":material/sensors_off:",
            )


def _volume(sent: tuple[Pulse, ...]) -> None:
    with layout.card("Events by source", f"per day, the last {events.sending.DAYS} days"):
        if not sent:
            states.nothing_to_show("Nothing arrived in these days. What arrives shows up here as soon as it does.")
            return
        shown, others = sent[:MOST_COLOURS], sent[MOST_COLOURS:]
        days = [day for day, _ in sent[0].days]
        series = [_series(each.source, [total for _, total in each.days], place) for place, each in enumerate(shown)]
        if others:
            rest = [sum(each.days[place][1] for each in others) for place in range(len(days))]
            series.append(_series(words.count(len(others), "other source"), rest, 7))
        axis = over_time.Axis([words.day(each, this_year=days[-1].year) for each in days], unfinished=[len(days) - 1])
        figure = over_time.draw(series, axis, "bars", height=190)
        charts.draw(figure, key="sources.chart", alt="Events per day, stacked by the source that sent them")


def _series(name: str, values: list[int], place: int) -> over_time.Series:
    return over_time.Series(name, values, [None] * len(values), charts.colour(place), [words.number(each) for each in values])


def _table(every: tuple[Source, ...], named: list[str], sent: dict[str, Pulse]) -> None:
    """Those that were made here, then those that events only name."""
    names = [*(each.name for each in every), *named]
    key = "sources.table." + ".".join(names)
    kept: dict[str, int] = {}
    for reason in session.cached(failed.reasons, topics=(failed.TOPIC,)):
        kept[reason.source] = kept.get(reason.source, 0) + reason.messages
    config: dict[str, Any] = {
        "Source": st.column_config.TextColumn(width=180),
        "Kind": st.column_config.TextColumn(width=80),
        "Events": st.column_config.NumberColumn(format="localized", width=90, help=f"In the last {events.sending.DAYS} days"),
        "Trend": st.column_config.BarChartColumn(width=150, y_min=0),
        "Last event": st.column_config.TextColumn(width=120),
        "Keys": st.column_config.NumberColumn(width=60, help="Good write keys"),
        "Key last used": st.column_config.TextColumn(width=120, help="Right to the hour"),
        "Failed": st.column_config.NumberColumn(format="localized", width=70, help="Failed messages that are kept"),
        "Description": st.column_config.TextColumn(width=220),
    }
    rows = pa.Table.from_pylist(
        [_line(each, sent.get(each.name), kept.get(each.name, 0)) for each in every]
        + [_sent_by(each, sent.get(each), kept.get(each, 0)) | {"Description": NAMED} for each in named],
        _ROWS,
    )
    layout.table(
        rows,
        key=key,
        column_config=config,
        most=10,
        alt="Sources by name, with how much each sent and when it last did",
        on_select=lambda: _choose(names, key),
        selection_mode="single-row",
    )


_ROWS: Final = pa.schema(
    {
        "Source": pa.string(),
        "Kind": pa.string(),
        "Events": pa.int64(),
        "Trend": pa.list_(pa.int64()),
        "Last event": pa.string(),
        "Keys": pa.int64(),
        "Key last used": pa.string(),
        "Failed": pa.int64(),
        "Description": pa.string(),
    }
)


def _line(each: Source, sent: Pulse | None, kept: int) -> dict[str, object]:
    return _sent_by(each.name, sent, kept) | {
        "Kind": each.kind,
        "Keys": each.keys,
        "Key last used": words.instant(each.used_at, session.zone(), at=session.at()) if each.used_at else None,
        "Description": each.description or None,
    }


def _sent_by(name: str, sent: Pulse | None, kept: int) -> dict[str, object]:
    return {
        "Source": name,
        "Events": sent.total if sent else 0,
        "Trend": [total for _, total in sent.days] if sent else [],
        "Last event": words.instant(sent.last_at, session.zone(), at=session.at()) if sent else None,
        "Failed": kept,
    }


def _choose(names: list[str], key: str) -> None:
    rows = st.session_state[key]["selection"]["rows"]
    address.put(source=names[rows[0]] if rows else None)


# -- one of them --------------------------------------------------------------------------------


def _panel(of: Source) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader(f":material/{ICONS[of.kind]}: {words.escape_md(of.name)}", anchor=False, width="content")
        st.caption(words.escape_md(of.description, 300) or of.kind, width="content")
        st.space("stretch")
        change: dict[str, Any] = {"on_click": dialogs.open_, "args": (CHANGE,)}
        st.button("Change", key="sources.change", type="tertiary", icon=":material/edit:", **change)
        to_failed: dict[str, Any] = {"on_click": nav.go, "args": ("failed",), "kwargs": {"source": of.name}}
        st.button("Failed messages", key="sources.failed", type="tertiary", icon=":material/sms_failed:", **to_failed)
        st.button("Close", key="sources.close", type="tertiary", on_click=address.put, kwargs={"source": None})
    left, right = st.columns(2, gap="small")
    with left:
        writekeys.card(of)
        _tail(of.name)
    with right:
        writekeys.paste(of)
    _changing(of)


def _panel_of_named(name: str) -> None:
    """A source that events name and nobody made: how it becomes one that can send, and what arrived."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader(f":material/{ICONS['other']}: {words.escape_md(name)}", anchor=False, width="content")
        st.space("stretch")
        st.button("Close", key="sources.close", type="tertiary", on_click=address.put, kwargs={"source": None})
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(
            f"{NAMED}, of a file or sample data. Made a source, it gets a write key, and messages can come by it from then on.",
            width="content",
        )
        make: dict[str, Any] = {"on_click": dialogs.open_, "args": (NEW,), "kwargs": {"called": name[: sources.LONGEST_NAME]}}
        st.button("Make it a source", key="sources.adopt", icon=":material/add:", **make)
    _tail(name)


def _tail(name: str) -> None:
    """What arrives, while somebody looks."""
    with layout.card("What arrives", "the newest events of the last day"):
        st.toggle("Go on looking, every 2 seconds", value=True, key="sources.live")

        @st.fragment(run_every=TAIL_EVERY if st.session_state["sources.live"] else None)
        def rows() -> None:
            since = session.moment() - timedelta(days=1)
            with session.reading() as opened:
                found = events.stream(opened, sources=[name], since=since, limit=TAIL)
            if not found.num_rows:
                states.nothing_to_show("Nothing yet. Send a message with a write key, and it shows up here.")
                return
            _stream(found)

        rows()


def _stream(found: pa.Table) -> None:
    zone = session.settings().zone_name
    config: dict[str, Any] = {
        "at": st.column_config.DatetimeColumn("When", format="HH:mm:ss", timezone=zone, width=74),
        "event": st.column_config.TextColumn("Event", width=130),
        "userId": st.column_config.TextColumn("User id", width=90),
        "channel": st.column_config.TextColumn("Channel", width=72),
        "properties": st.column_config.TextColumn("Properties", width=260),
        "context": st.column_config.TextColumn("Context", width=240),
    }
    st.dataframe(
        found.select([*config]),
        key="sources.stream",
        hide_index=True,
        height=layout.table_height(TAIL, layout.CARD_ROW, most=TAIL),
        row_height=layout.CARD_ROW,
        column_config=config,
        placeholder=words.NO_VALUE,
        alt="The newest events of this source",
    )


# -- making and changing ------------------------------------------------------------------------


def _new() -> None:
    opened = dialogs.given(NEW)
    if opened is None:
        return

    @st.dialog("New source", width=480, position="right", on_dismiss=dialogs.close)
    def body() -> None:
        dialogs.leave_unless_open(NEW)
        faults: dict[str, str] = opened.get("faults", {})
        key = f"{NEW}.{opened['turn']}"
        st.text_input("Name", opened.get("called", ""), key=f"{key}.name", placeholder="Web shop", max_chars=sources.LONGEST_NAME)
        states.fault_under(faults, "name")
        st.selectbox(
            "Kind", [*sources.KINDS], key=f"{key}.kind", help="Says the channel of messages that do not say it themselves"
        )
        st.text_area("Description", key=f"{key}.description", placeholder="What sends, and who looks after it", height=80)
        st.caption("The name stays as made: the events that come by the source carry it.")
        with st.container(horizontal=True, gap="xsmall"):
            make: dict[str, Any] = {"on_click": states.acting(_make), "args": (opened, key)}
            st.button("Make it, with a write key", key=f"{key}.make", type="primary", **make)
            st.button("Cancel", key=f"{key}.cancel", on_click=dialogs.close)

    body()


def _make(opened: dict[str, Any], key: str) -> None:
    given, at = st.session_state, session.moment()
    try:
        made = sources.define(
            session.store(), given[f"{key}.name"], given[f"{key}.kind"], given[f"{key}.description"], by=session.analyst(), at=at
        )
    except User360Error as refusal:
        opened["faults"] = {"name": states.sentence(refusal)}
        return
    writekeys.make(made.name, "")
    dialogs.close()
    address.put(source=made.name)
    session.notice(f"Source “{words.escape_md(made.name)}” made.")


def _changing(of: Source) -> None:
    opened = dialogs.given(CHANGE)
    if opened is None:
        return

    @st.dialog(f"Change {words.escape_md(of.name, 60)}", width=480, position="right", on_dismiss=dialogs.close)
    def body() -> None:
        dialogs.leave_unless_open(CHANGE)
        key = f"{CHANGE}.{opened['turn']}"
        kinds = [*sources.KINDS]
        st.selectbox("Kind", kinds, index=kinds.index(of.kind), key=f"{key}.kind")
        st.text_area("Description", of.description, key=f"{key}.description", height=80)
        with st.container(horizontal=True, gap="xsmall"):
            st.button("Save", key=f"{key}.save", type="primary", on_click=states.acting(_change), args=(of.name, key))
            st.button("Cancel", key=f"{key}.cancel", on_click=dialogs.close)

    body()


def _change(name: str, key: str) -> None:
    given = st.session_state
    sources.change(
        session.store(),
        name,
        kind=given[f"{key}.kind"],
        description=given[f"{key}.description"],
        by=session.analyst(),
        at=session.moment(),
    )
    dialogs.close()
    session.notice(f"“{words.escape_md(name)}” saved.")


page()
