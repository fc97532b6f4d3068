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

import numpy as np
import pyarrow as pa

from user360 import clock, insight, marks, moments, ordering
from user360.insight import Insight, Plan, Role
from user360.moments import GAP
from user360.sql import NOTHING, Sql, joined, sql

if TYPE_CHECKING:
    from user360.insight import Asked
    from user360.ordering import Array

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
        mark = {"over_time": Sql("time"), "lengths": Sql("length"), "sizes": Sql("size")}[self.shows]
        if self.breakdown is None:
            found = self._found(asked, channels=bool(self.channels))
            place, names = self._places(found, asked)
            drawn = pa.table({"profile_key": found.who, mark.text: pa.DictionaryArray.from_arrays(place.astype(np.int32), names)})
            relation = sql("SELECT * FROM begun_sessions", begun_sessions=drawn)
            counted = _counted(found, place, len(names))
            places = pa.table({"place": np.arange(len(names)), "mark": names})
            answer = sql(
                "SELECT mark AS {}, users, sessions, sessions / sum(sessions) OVER () AS share, median, events "
                "FROM counted_sessions JOIN places USING (place) ORDER BY place",
                mark,
                counted_sessions=counted,
                places=places,
            )
            return Plan(relation, answer)
        relation = self._grouped(asked)
        called = marks.called(self, Sql("mark")) if self.shows == "over_time" else Sql("mark")
        answer = sql(
            "SELECT {} AS {}, breakdown, users, sessions, sessions / sum(sessions) OVER (PARTITION BY breakdown) AS share, median, events FROM "
            "(SELECT mark, breakdown, count(DISTINCT profile_key) AS users, count(*) AS sessions, median(seconds) AS median, avg(happened) AS events "
            "FROM ({}) WHERE {} GROUP BY ALL) ORDER BY ALL",
            called,
            mark,
            relation,
            marks.known(asked),
        )
        return Plan(sql("SELECT profile_key, {} AS {}, breakdown FROM ({})", called, mark, relation), answer)

    def _found(self, asked: Asked, *, channels: bool) -> moments.Sessions:
        """The sessions that count."""
        start, end = insight.span(self.period, asked.catalog, asked.at)
        such = sql("{}{}", marks.ANY, sql(" AND {}", asked.among) if asked.among else NOTHING)
        found = moments.sessions(asked, such, start, end, end + FOLLOWED, channels=channels)
        if not self.channels:
            return found
        assert asked.read is not None  # noqa: S101 - whoever compiles this gives it
        named = sql("SELECT channel_id FROM channels WHERE name IN ({})", joined(", ", self.channels))
        return found.on(asked.read(named)["channel_id"].to_numpy())

    def _places(self, found: moments.Sessions, asked: Asked) -> tuple[Array, list[str] | list[int]]:
        """At which place each session is drawn, and what the places are called."""
        if self.shows == "over_time":
            buckets = insight.buckets(self, asked)
            edges = np.array([clock.microseconds(each.start) for each in buckets])
            return ordering.spots(edges, found.begun), [each.name for each in buckets]
        if self.shows == "lengths":
            edges = np.array(LENGTHS) * 1_000_000
            return np.searchsorted(edges, found.took, side="right") - 1, list(LENGTHS)
        return np.searchsorted(SIZES, found.happened, side="right") - 1, list(SIZES)

    def _grouped(self, asked: Asked) -> Sql:
        """profile_key, mark, seconds, happened and breakdown of each session."""
        assert self.breakdown is not None  # noqa: S101 - as it is asked for
        mark = {
            "over_time": marks.spot(self, asked),
            "lengths": _from(Sql("seconds"), LENGTHS),
            "sizes": _from(Sql("happened"), SIZES),
        }[self.shows]
        raw, beside = marks.raw(self.breakdown, asked)
        if self.breakdown.by == "event_property":
            found, raw, beside = self._with_raw(asked, raw), Sql(", raw"), NOTHING
        else:
            begun = self._found(asked, channels=bool(self.channels) or self.breakdown.by == "channel").table()
            found = sql("SELECT *, row_number() OVER () AS nth FROM begun_sessions", begun_sessions=begun)
        rows = sql("SELECT profile_key, nth, {} AS mark, seconds, happened{} FROM ({}){}", mark, raw, found, beside)
        # somebody with two values of a list is in two groups, but a session is once in Other
        return sql("SELECT DISTINCT * FROM ({})", marks.broken(rows, self.breakdown))

    def _with_raw(self, asked: Asked, raw: Sql) -> Sql:
        """The first event of each session with a property of it, how long the session lasts and how many events it holds."""
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
        rows = sql("SELECT {} AS moment, channel_id{} FROM events WHERE {}", found.packed(), raw, looked)
        return sql(
            "SELECT * FROM (SELECT * EXCLUDE moment, {} AS profile_key, {} AS occurred_at FROM ({})) "
            "WHERE occurred_at >= {} AND occurred_at < {}{}",
            found.person(Sql("moment")),
            found.instant(Sql("moment")),
            moments.runs(found, rows, order=Sql("moment, channel_id, raw"), beside=Sql(", channel_id, raw")),
            clock.stored(start),
            clock.stored(end),
            self._on_channels(),
        )

    def _on_channels(self) -> Sql:
        if not self.channels:
            return NOTHING
        return sql(" AND channel_id IN (SELECT channel_id FROM channels WHERE name IN ({}))", joined(", ", self.channels))


def _counted(found: moments.Sessions, place: Array, places: int) -> pa.Table:
    """Users, sessions, median seconds and mean events of each place that has any."""
    counts = np.bincount(place, minlength=places)
    bits = places.bit_length()
    drawn = (found.who.astype(np.uint64) << bits) | place.astype(np.uint64)
    if np.any(drawn[1:] < drawn[:-1]):  # over time they are in order as they come
        drawn.sort()
    once = np.append(True, drawn[1:] != drawn[:-1])[: drawn.size]
    users = np.bincount((drawn[once] & ((1 << bits) - 1)).astype(np.int64), minlength=places)
    there = np.flatnonzero(counts)
    return pa.table(
        {
            "place": there,
            "users": users[there],
            "sessions": counts[there],
            "median": ordering.medians(place, found.took, counts)[there] / 1e6,
            "events": np.bincount(place, found.happened, minlength=places)[there] / counts[there],
        }
    )


def _from(figure: Sql, edges: tuple[int, ...]) -> Sql:
    """The edge a figure lies above."""
    cases = [sql("WHEN {} < {} THEN {}", figure, high, low) for low, high in pairwise(edges)]
    return sql("(CASE {} ELSE {} END)::INTEGER", joined(" ", cases), edges[-1])


INSIGHT = Sessions
