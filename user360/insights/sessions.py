"""Sessions: how many there are, how long they last and how many events they hold, over time and as a spread.

A session is a run of a person's events with no gap of more than 30 minutes, of any channel (research/features.md 5.5: exactly
30:00 is the same session, midnight cuts nothing). It lasts from its first event to its last, a single event 0 seconds; it
belongs to the place of the time axis, the channel and the group of its first event. Sessions that begin in the period count;
one that goes on after it is followed for a day. System events never count.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar, Final, Literal

from user360 import clock, insight, marks
from user360.insight import Insight, Plan, Role
from user360.sql import NOTHING, Sql, joined, sql

if TYPE_CHECKING:
    from user360.insight import Asked

GAP: Final = timedelta(minutes=30)
FOLLOWED: Final = timedelta(days=1)
LENGTHS: Final = (0, 1, 10, 30, 60, 180, 600, 1_800, 3_600)
SIZES: Final = (1, 2, 3, 4, 6, 11, 21, 51)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sessions(Insight):
    """Sessions over time, by how long they last, or by how many events they hold."""

    kind: ClassVar[str] = "sessions"
    label: ClassVar[str] = "Sessions"
    definition: ClassVar[str] = (
        "A session ends with a pause of more than 30 minutes. It lasts from its first event to its last and counts where it begins."
    )
    roles: ClassVar[dict[str, Role]] = {
        "time": Role("time", "Time"),
        "length": Role("dimension", "Length, from seconds"),
        "size": Role("dimension", "Events, from"),
        "breakdown": Role("dimension", "Breakdown"),
        "users": Role("measure", "Users", "users", people=True),
        "sessions": Role("measure", "Sessions", "sessions"),
        "share": Role("measure", "Share of sessions"),
        "median": Role("measure", "Median length", "seconds"),
        "events": Role("measure", "Events per session"),
    }

    shows: Literal["over_time", "lengths", "sizes"] = "over_time"

    def compile(self, asked: Asked) -> Plan:
        """A row for each session, under the first event it has."""
        mark = {
            "over_time": sql("{} AS time", marks.bucket(self, asked)),
            "lengths": sql("{} AS length", _from(Sql("seconds"), LENGTHS)),
            "sizes": sql("{} AS size", _from(Sql("happened"), SIZES)),
        }[self.shows]
        of_events = self.breakdown is not None and self.breakdown.by == "event_property"
        raw, beside = marks.raw(self.breakdown, asked)
        held = Sql(", raw") if of_events else raw
        rows = sql(
            "SELECT profile_key, nth, {}, seconds, happened{} FROM ({}){}",
            mark,
            held,
            self._sessions(asked, raw if of_events else NOTHING, beside if of_events else NOTHING),
            NOTHING if of_events else beside,
        )
        # somebody with two values of a list is in two groups, but a session is once in Other
        relation = sql("SELECT DISTINCT * FROM ({})", marks.broken(rows, self.breakdown)) if self.breakdown else rows
        name = {"over_time": Sql("time"), "lengths": Sql("length"), "sizes": Sql("size")}[self.shows]
        columns = sql("{}{}", name, Sql(", breakdown" if self.breakdown else ""))
        over = Sql("PARTITION BY breakdown" if self.breakdown else "")
        answer = sql(
            "SELECT {}, users, sessions, sessions / sum(sessions) OVER ({}) AS share, median, events FROM "
            "(SELECT {}, count(DISTINCT profile_key) AS users, count(*) AS sessions, median(seconds) AS median, avg(happened) AS events "
            "FROM ({}) GROUP BY ALL) ORDER BY ALL",
            columns,
            over,
            columns,
            relation,
        )
        return Plan(relation, answer)

    def _sessions(self, asked: Asked, raw: Sql, beside: Sql) -> Sql:
        """The first event of each session with how long it lasts and how many it holds.

        Where sessions begin and end is seen in one reading; only those edges are looked at again.
        """
        start, end = insight.span(self.period, asked.catalog, asked.at)
        looked = sql(
            "{} AND occurred_at >= {} AND occurred_at < {} AND occurred_at <= {}{}",
            marks.ANY,
            clock.stored(start - GAP),
            clock.stored(end + FOLLOWED),
            clock.stored(asked.at),
            sql(" AND {}", asked.among) if asked.among else NOTHING,
        )
        ways = Sql("(PARTITION BY profile_key ORDER BY occurred_at, message_hash)")
        gap = sql("to_seconds({})", int(GAP.total_seconds()))
        edges = sql(
            "SELECT *, coalesce(occurred_at - earlier > {}, true) AS begins, coalesce(later - occurred_at > {}, true) AS ends FROM "
            "(SELECT profile_key, occurred_at, channel_id{}, lag(occurred_at) OVER ways AS earlier, lead(occurred_at) OVER ways AS later, "
            "row_number() OVER ways AS nth FROM events{} WHERE {} WINDOW ways AS {}) WHERE begins OR ends",
            gap,
            gap,
            raw,
            beside,
            looked,
            ways,
        )
        return sql(
            "SELECT *, epoch(CASE WHEN ends THEN occurred_at ELSE over_at END - occurred_at) AS seconds, "
            "CASE WHEN ends THEN 1 ELSE last - nth + 1 END AS happened FROM (SELECT *, lead(occurred_at) OVER ways AS over_at, "
            "lead(nth) OVER ways AS last FROM ({}) WINDOW ways AS (PARTITION BY profile_key ORDER BY nth)) "
            "WHERE begins AND occurred_at >= {} AND occurred_at < {}{}",
            edges,
            clock.stored(start),
            clock.stored(end),
            self._on_channels(),
        )

    def _on_channels(self) -> Sql:
        if not self.channels:
            return NOTHING
        return sql(" AND channel_id IN (SELECT channel_id FROM channels WHERE name IN ({}))", joined(", ", self.channels))


def _from(figure: Sql, edges: tuple[int, ...]) -> Sql:
    """The edge a figure lies above."""
    cases = [sql("WHEN {} < {} THEN {}", figure, high, low) for low, high in pairwise(edges)]
    return sql("(CASE {} ELSE {} END)::INTEGER", joined(" ", cases), edges[-1])


INSIGHT = Sessions
