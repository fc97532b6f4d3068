"""Active users: people with at least one event that is not a system event, per hour, day, week or month, or rolling.

`active(b) = |{p : p has an event of the channels in bucket b}|`. With `rolling`, for each day d of the period
`DAU(d) = |A(d)|`, `WAU(d) = |A(d−6) ∪ … ∪ A(d)|`, `MAU(d) = |A(d−29) ∪ … ∪ A(d)|` as Mixpanel counts them: rolling windows
that end with d. A window that reaches beyond now is unfinished. Stickiness is DAU ÷ MAU, of the same rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final

import pyarrow as pa

from user360 import clock, events, insight, likeness, marks
from user360.days import by_day, rolled
from user360.insight import Insight, Plan, Role
from user360.segments.rules import During, Events
from user360.sql import Sql, sql

if TYPE_CHECKING:
    from collections.abc import Mapping

    from user360.insight import Asked
    from user360.segments import Rule

WINDOWS: Final = (1, 7, 30)
_ROLLING: Final = pa.schema({"time": pa.string(), "window": pa.int32(), "users": pa.int64()})
_ON_CHANNELS: Final = Sql("day AS spot, number AS channel_id, users")


@dataclass(frozen=True, slots=True, kw_only=True)
class Active(Insight):
    """Who was there, over time. `rolling` asks of each day the 1, 7 and 30 days up to and with it; it takes no breakdown."""

    kind: ClassVar[str] = "active"
    label: ClassVar[str] = "Active users"
    definition: ClassVar[str] = "A user is active in a period with at least one event in it that is not a system event."
    roles: ClassVar[dict[str, Role]] = {
        "time": Role("time", "Time"),
        "window": Role("dimension", "Days"),
        "breakdown": Role("dimension", "Breakdown"),
        "users": Role("measure", "Users", "users", people=True),
    }

    rolling: bool = False

    def compile(self, asked: Asked) -> Plan:
        """Rows of people and buckets."""
        if self.rolling:
            relation = self._rolling(asked)
            return Plan(
                relation, partial(self._by_days, asked) if self._fits(asked) else _counted(relation, Sql('time, "window"'))
            )
        return Plan(self._calendar(asked), self._by_places(asked))

    def like(self, cell: Mapping[str, Any], asked: Asked, *, moving: bool) -> Rule | None:
        """Who was active in the time of the mark; of a rolling day in the days up to it."""
        during = likeness.window(self, cell, asked, moving=moving)
        if "window" in cell:
            during = _days(cell, moving=moving)
        return likeness.rule(self, cell, asked, (likeness.happened(self, Events(None), cell, during, asked.groups),))

    def _calendar(self, asked: Asked) -> Sql:
        return sql("SELECT * EXCLUDE spot, {} AS time FROM ({})", marks.called(self, Sql("spot")), self._placed(asked))

    def _placed(self, asked: Asked) -> Sql:
        """Everybody once in each place they were in, by the group: profile_key, spot, breakdown."""
        raw, beside = marks.raw(self.breakdown, asked)
        rows = sql(
            "SELECT DISTINCT profile_key, {} AS spot{} FROM events{} WHERE {} AND {}",
            marks.spot(self, asked),
            raw,
            beside,
            marks.ANY,
            marks.within(self, asked),
        )
        return marks.broken(rows, self.breakdown)

    def _by_places(self, asked: Asked) -> Sql:
        """What was counted before; of the rest one bitmap a place, or a place and channel; where they do not fit, everybody once in each."""
        by = self.breakdown.by if self.breakdown else None
        most = self.breakdown.most if self.breakdown else 0
        apart = by == "channel" and marks.stand_apart(asked, most)
        told = marks.told(self, asked) if by is None or apart else None
        places = told.left if told else len(insight.buckets(self, asked))
        if by == "event_property" or not marks.fits(asked, places * (marks.channels_of(asked) if by == "channel" else 1)):
            return self._spotted(_counted(self._placed(asked), Sql("spot, breakdown" if by else "spot")))
        if self.breakdown is None:
            users = sql("bit_count({}) AS users", marks.crowd(asked))
            if told is None:
                return self._spotted(self._each(asked, users))
            return self._spotted(told.beside(events.WHOLE, Sql("day AS spot, users"), lambda each: self._each(each, users)))
        if by == "property":
            heads = sql("{} AS heads", marks.crowd(asked))
            return self._spotted(marks.crossed(asked, self.breakdown, self._each(asked, heads)))

        def cells(people: Sql) -> Sql:
            def asking(each: Asked) -> Sql:
                return self._each(each, sql("channel_id, {}", people))

            return told.beside(events.CHANNEL, _ON_CHANNELS, asking) if told else asking(asked)

        return self._spotted(marks.by_channel(asked, most, cells, "spot"))

    def _each(self, asked: Asked, found: Sql) -> Sql:
        """What is found of each place."""
        return sql(
            "SELECT {} AS spot, {} FROM events WHERE {} AND {} AND {} GROUP BY ALL",
            marks.spot(self, asked),
            found,
            marks.ANY,
            marks.known(asked),
            marks.within(self, asked),
        )

    def _spotted(self, counted: Sql) -> Sql:
        """Places by their names: naming few instead of all events."""
        column = Sql("breakdown, " if self.breakdown else "")
        return sql("SELECT {} AS time, {}users FROM ({}) ORDER BY ALL", marks.called(self, Sql("spot")), column, counted)

    def _days(self, asked: Asked) -> tuple[date, date, datetime, datetime]:
        """First and last day of the period, and the instants between which events count for them."""
        start, end = insight.span(self.period, asked.catalog, asked.at)
        first = clock.calendar_day(start, asked.catalog.zone)
        last = clock.calendar_day(end - timedelta(microseconds=1), asked.catalog.zone)
        return first, last, clock.start_of_day(first - timedelta(days=max(WINDOWS) - 1), asked.catalog.zone), end

    def _fits(self, asked: Asked) -> bool:
        first, last, _, _ = self._days(asked)
        return marks.fits(asked, (last - first).days + max(WINDOWS))

    def _by_days(self, asked: Asked) -> pa.Table:
        """One bitmap a day, and those of a window together: repeating each person in every window took thirty times as long."""
        first, last, early, end = self._days(asked)
        days = by_day(self, asked, early, end)
        rows = rolled(days, asked.room, clock.calendar_day(early, asked.catalog.zone), last, WINDOWS)
        found = sorted((day.isoformat(), length, users) for day, length, users in rows if day >= first and users)
        return pa.Table.from_pylist([dict(zip(_ROLLING.names, each, strict=True)) for each in found], _ROLLING)

    def _rolling(self, asked: Asked) -> Sql:
        first, last, early, end = self._days(asked)
        days = sql(
            "SELECT DISTINCT profile_key, ({})::DATE AS active FROM events WHERE {} AND {}",
            marks.local(asked, early, end),
            marks.ANY,
            marks.within(self, asked, early),
        )
        return sql(
            'SELECT DISTINCT profile_key, unnest(generate_series(greatest(active, {}), least(active + "window" - 1, {}), '
            'INTERVAL 1 DAY))::DATE::VARCHAR AS time, "window" FROM ({}), (SELECT unnest([1, 7, 30]) AS "window")',
            first,
            last,
            days,
        )


def _counted(relation: Sql, columns: Sql) -> Sql:
    """Everybody once in each group, then the rows: counting distinct people took four times as long."""
    return sql(
        "SELECT {}, count(*) AS users FROM (SELECT DISTINCT {}, profile_key FROM ({})) GROUP BY ALL ORDER BY ALL",
        columns,
        columns,
        relation,
    )


def _days(cell: Mapping[str, Any], *, moving: bool) -> During:
    if moving:
        return During("last", (cell["window"], "day"))
    last = date.fromisoformat(cell["time"])
    return During("between", ((last - timedelta(days=cell["window"] - 1)).isoformat(), last.isoformat()))


INSIGHT = Active
