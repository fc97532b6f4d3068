"""How one person engaged: by channel, by event, by week. Three cards from one reading of their events.

Without it the card of a user would hold the counting of weeks beside the drawing of a form. The
figures come from `events.engagement`; system events count in none of them but the list of events.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import streamlit as st

from pages.ui import charts, layout, session, states, words
from user360 import clock

if TYPE_CHECKING:
    from datetime import date

    from user360.events.reading import Engagement

WEEKS: Final = 26
MOST_TILES: Final = 4


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
        zone, at = session.zone(), session.at()
        table = pa.table(
            {
                "event": pa.array([row["event"] for row in rows], pa.string()),
                "first": pa.array([words.narrow(row["first_at"], zone, at=at) for row in rows], pa.string()),
                "last": pa.array([words.narrow(row["last_at"], zone, at=at) for row in rows], pa.string()),
                "total": pa.array([row["total"] for row in rows], pa.int64()),
            }
        )
        st.dataframe(
            table,
            hide_index=True,
            height=layout.table_height(len(rows), layout.CARD_ROW, most=8),
            row_height=layout.CARD_ROW,
            key="user.totals",
            column_config={
                "event": st.column_config.TextColumn("Event", width=96),
                "first": st.column_config.TextColumn("First", width=66),
                "last": st.column_config.TextColumn("Last", width=56),
                "total": st.column_config.NumberColumn("Total", width=38, format="localized"),
            },
            alt="Per event its first time, last time and total",
        )


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
