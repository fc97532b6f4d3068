"""Sessions: how many there are, how long they last and how many events they hold, over time and as a spread.

A session is a run of a person's events with no gap of more than 30 minutes, of any channel (the rule of Google Analytics: exactly
30:00 is the same session, midnight cuts nothing). It lasts from its first event to its last, a single event 0 seconds; it
belongs to the place of the time axis, the channel and the group of its first event. Sessions that begin in the period count;
one that goes on after it is followed for a day. System events never count.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar, Final, Literal

from user360 import clock, insight, marks, moments
from user360.insight import Insight, Plan, Role
from user360.moments import GAP
from user360.sql import NOTHING, Sql, joined, sql

if TYPE_CHECKING:
    from user360.insight import Asked

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
        relation = self._relation(asked)
        name = {"over_time": Sql("time"), "lengths": Sql("length"), "sizes": Sql("size")}[self.shows]
        places = len(insight.buckets(self, asked)) if self.shows == "over_time" else len(LENGTHS)
        counted = marks.counted(asked, places) if self.breakdown is None else Sql("count(DISTINCT profile_key)")
        columns, over = (Sql(", breakdown"), Sql("PARTITION BY breakdown")) if self.breakdown else (NOTHING, NOTHING)
        answer = sql(
            "SELECT {} AS {}{}, users, sessions, sessions / sum(sessions) OVER ({}) AS share, median, events FROM "
            "(SELECT mark{}, {} AS users, count(*) AS sessions, median(seconds) AS median, avg(happened) AS events "
            "FROM ({}) WHERE {} GROUP BY ALL) ORDER BY ALL",
            marks.called(self, Sql("mark")) if self.shows == "over_time" else Sql("mark"),
            name,
            columns,
            over,
            columns,
            counted,
            relation,
            marks.known(asked),
        )
        called = marks.called(self, Sql("mark")) if self.shows == "over_time" else Sql("mark")
        return Plan(sql("SELECT profile_key, {} AS {}{} FROM ({})", called, name, columns, relation), answer)

    def _relation(self, asked: Asked) -> Sql:
        """profile_key, mark, seconds, happened and breakdown of each session."""
        mark = {
            "over_time": marks.spot(self, asked),
            "lengths": _from(Sql("seconds"), LENGTHS),
            "sizes": _from(Sql("happened"), SIZES),
        }[self.shows]
        of_people = self.breakdown is not None and self.breakdown.by == "property"
        raw, beside = marks.raw(self.breakdown, asked)
        held = NOTHING if self.breakdown is None else raw if of_people else Sql(", raw")
        rows = sql(
            "SELECT profile_key, nth, {} AS mark, seconds, happened{} FROM ({}){}",
            mark,
            held,
            self._sessions(asked, NOTHING if of_people else raw, NOTHING if of_people else beside),
            beside if of_people else NOTHING,
        )
        # somebody with two values of a list is in two groups, but a session is once in Other
        return sql("SELECT DISTINCT * FROM ({})", marks.broken(rows, self.breakdown)) if self.breakdown else rows

    def _sessions(self, asked: Asked, raw: Sql, beside: Sql) -> Sql:
        """The first event of each session with how long it lasts and how many it holds."""
        start, end = insight.span(self.period, asked.catalog, asked.at)
        looked = sql(
            "{} AND occurred_at >= {} AND occurred_at < {} AND occurred_at <= {}{}",
            marks.ANY,
            clock.stored(start - GAP),
            clock.stored(end + FOLLOWED),
            clock.stored(asked.at),
            sql(" AND {}", asked.among) if asked.among else NOTHING,
        )
        found = moments.between(asked, start - GAP, max(end + FOLLOWED, start))
        kept = sql("{}{}", Sql(", channel_id" if self.channels or raw else ""), Sql(", raw" if raw else ""))
        rows = sql(
            "SELECT {} AS moment{}{} FROM events{} WHERE {}",
            found.packed(),
            Sql(", channel_id" if self.channels or raw else ""),
            raw,
            beside,
            looked,
        )
        order = Sql("moment, channel_id, raw" if raw else "moment, channel_id" if self.channels else "moment")
        return sql(
            "SELECT * FROM (SELECT * EXCLUDE moment, {} AS profile_key, {} AS occurred_at FROM ({})) "
            "WHERE occurred_at >= {} AND occurred_at < {}{}",
            found.person(Sql("moment")),
            found.instant(Sql("moment")),
            moments.runs(found, rows, order=order, beside=kept),
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
