"""Switching: from which channel people go on to which, and how long it takes them.

The events of a person on known channels, in order of time (at one instant by the number of the channel), without system
events; a switch is an event on another channel than the one before, at most `hours` later if that is asked. Of a pair of
channels `users = |{p : p made such a switch in the period}|`, `switches` counts them, `seconds` is the median time between the
two events. The channels of most people stand apart, the smaller ones are Other, among which nobody switches. With an
empty target or origin: all switches from or to a channel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from user360 import insight, marks, moments
from user360.errors import InvalidInsight
from user360.insight import TOP, Asked, Insight, Plan, Role, check_scope
from user360.sql import NOTHING, Sql, sql


@dataclass(frozen=True, slots=True, kw_only=True)
class Switching(Insight):
    """From channel to next channel. No rule says “the very next event”, so people like those of a mark are not offered."""

    kind: ClassVar[str] = "switching"
    label: ClassVar[str] = "Switching channels"
    definition: ClassVar[str] = (
        "A switch is an event on another channel than the event before it of the same user. Events without a channel and system "
        "events are left out."
    )
    roles: ClassVar[dict[str, Role]] = {
        "origin": Role("dimension", "From"),
        "target": Role("dimension", "To"),
        "users": Role("measure", "Users", "users", people=True),
        "switches": Role("measure", "Switches"),
        "seconds": Role("measure", "Median time between", "seconds"),
    }

    hours: int = 0
    most: int = TOP

    def check(self, catalog: Any) -> None:
        """Refuse a breakdown, and numbers out of range."""
        check_scope(self, catalog)
        if self.breakdown is not None:
            raise InvalidInsight("$.breakdown", "is not asked here.", "Leave it out.")
        if not 0 <= self.hours <= 24 * 366:
            raise InvalidInsight("$.hours", "is not from 0 (any time) to 8784.")
        if not 1 <= self.most <= 50:  # noqa: PLR2004 - as many as can be told apart
            raise InvalidInsight("$.most", "is not from 1 to 50.")

    def compile(self, asked: Asked) -> Plan:
        """The moves of those on two channels or more: only their events have to be sorted, which takes most of the time."""
        where = sql("{} AND {} AND {} AND channel_id IS NOT NULL", marks.ANY, marks.known(asked), marks.within(self, asked))
        named = sql(
            "SELECT channel_id, {} AS channel FROM (SELECT channel_id, name, row_number() OVER (ORDER BY people DESC, name) AS rank "
            "FROM (SELECT channel_id, {} AS people FROM (SELECT channel_id, {} FROM events WHERE {} GROUP BY ALL) GROUP BY channel_id) "
            "JOIN channels USING (channel_id))",
            marks.group(Sql("rank"), self.most, Sql("name")),
            marks.heads(asked, self.most).counted,
            marks.heads(asked, self.most).kept,
            where,
        )
        start, end = insight.span(self.period, asked.catalog, asked.at)
        found = moments.between(asked, start, max(end, start))
        several = sql(
            "SELECT profile_key FROM events WHERE {} GROUP BY profile_key HAVING min(channel_id) < max(channel_id)", where
        )
        ordered = sql(
            "SELECT *, {} AS profile_key, CASE WHEN {} = {} THEN origin_id END AS own, {} AS seconds FROM "
            "(SELECT moment, channel_id, lag(channel_id) OVER one AS origin_id, lag(moment) OVER one AS earlier FROM "
            "(SELECT {} AS moment, channel_id FROM events WHERE {} AND profile_key IN ({})) WINDOW one AS (ORDER BY moment, channel_id)) "
            "WHERE origin_id <> channel_id",
            found.person(Sql("moment")),
            found.person(Sql("moment")),
            found.person(Sql("earlier")),
            found.seconds(Sql("moment - earlier")),
            found.packed(),
            where,
            several,
        )
        near = sql(" AND seconds <= {}", 3600 * self.hours) if self.hours else NOTHING
        moves = sql(
            "SELECT profile_key, a.channel AS origin, b.channel AS target, seconds FROM ({}) AS moved JOIN named AS a ON a.channel_id = own "
            "JOIN named AS b ON b.channel_id = moved.channel_id WHERE a.channel <> b.channel{}",
            ordered,
            near,
        )
        relation = sql(
            "WITH named AS MATERIALIZED ({}) SELECT profile_key, unnest([origin, origin, NULL, NULL]) AS origin, "
            "unnest([target, NULL, target, NULL]) AS target FROM ({})",
            named,
            moves,
        )
        answer = sql(
            "WITH named AS MATERIALIZED ({}) SELECT origin, target, {} AS users, count(*) AS switches, "
            "median(seconds) AS seconds FROM ({}) GROUP BY GROUPING SETS ((origin, target), (origin), (target), ()) "
            "HAVING count(*) > 0 ORDER BY users DESC, origin, target",
            named,
            marks.counted(asked, (self.most + 2) ** 2),
            moves,
        )
        return Plan(relation, answer)


INSIGHT = Switching
