"""How one person engaged: by channel, by event, by week. Three cards from one reading of their events.

Without it the card of a user would hold the counting of weeks beside the drawing of a form. The
figures come from `events.engagement`; system events count in none of them but the list of events.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from pages.ui import charts, layout, session, states, words
from user360 import clock

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from user360.events.reading import Engagement

WEEKS: Final = 26
MOST_TILES: Final = 4
MOST_TOTALS: Final = 8
ALL_TOTALS: Final = "user.totals.all"


def channels(engagement: Engagement) -> None:
    """A tile for each of the commonest channels."""
    rows = engagement.channels.to_pylist()[:MOST_TILES]
    if not rows:
        return
    with st.grid(len(rows), min_column_width=90, gap="xsmall"):
        for row in rows:
            with st.container(border=True, gap=None):
                st.markdown(f"{words.channel_icon(row['channel'])} {words.escape_md(words.channel(row['channel']))}")
                st.markdown(f"**{words.number(row['total'])}** {'event' if row['total'] == 1 else 'events'}")
                st.caption(words.ago(row["last_at"], session.zone(), at=session.at()))


def totals(engagement: Engagement) -> None:
    """Each event with its first time, last time and total."""
    with layout.card("Events", "first, last, total"), states.boundary("This card", key="totals"):
        rows = engagement.totals.to_pylist()
        whole = bool(st.session_state.get(ALL_TOTALS)) or len(rows) <= MOST_TOTALS + 1
        with st.container(gap="xsmall"):
            for row in rows if whole else rows[:MOST_TOTALS]:
                _total(row)
        if not whole:
            st.button(
                f"All {words.count(len(rows), 'event')}",
                key="user.totals",
                type="tertiary",
                icon=":material/keyboard_arrow_down:",
                on_click=_show_all,
            )


def _show_all() -> None:
    st.session_state[ALL_TOTALS] = True


def _total(row: Mapping[str, Any]) -> None:
    """One event: its name and number, under it the first and the last time."""
    zone, at = session.zone(), session.at()
    first, last = (words.instant(row[each], zone, at=at) for each in ("first_at", "last_at"))
    with st.container(gap=None):
        with st.container(horizontal=True, wrap=False, gap="xsmall"):
            st.markdown(words.escape_md(words.event(row["event"]), 80), width="content")
            st.space("stretch")
            st.markdown(f"**{words.number(row['total'])}**", width="content")
        st.caption(first if row["total"] == 1 else f"{first} → {last}")


def weeks(engagement: Engagement) -> None:
    """Events per week, the running week hatched."""
    with layout.card("Events per week", f"{WEEKS} weeks"), states.boundary("This chart", key="weeks"):
        at, zone = session.at(), session.zone()
        starts = session.settings().week_starts
        this = clock.start_of_week(at.astimezone(zone).date(), starts)
        firsts = [this - timedelta(weeks=WEEKS - 1 - each) for each in range(WEEKS)]
        counts: Counter[date] = Counter()
        for row in engagement.days.to_pylist():
            counts[clock.start_of_week(row["day"], starts)] += row["total"]
        sums = [counts[each] for each in firsts]
        names = [words.day(each, this_year=this.year) for each in firsts]
        hover = [f"Week of {name}: {words.count(total, 'event')}" for name, total in zip(names, sums, strict=True)]
        hover[-1] += ", not over yet"
        drawn = charts.bars(names, sums, hover=hover, unfinished=True, ticks=(0, WEEKS - 1), height=150)
        charts.draw(
            drawn,
            key="user.weeks",
            alt=f"Events per week over {WEEKS} weeks, {words.number(sum(sums))} in all; the last is unfinished",
        )
