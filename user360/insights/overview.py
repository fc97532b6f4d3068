"""The overview: how many there are, how many are new, known by name, reachable and active, and how many events happened.

Each figure has a value `now` (at the end of the period, or at this moment while it runs), one `before`, and one for each
place of the time axis. With `at` the end of the period or now, and `day` the day of it:

- `users = |{p : p was made by then}|`; before is at the start of the period.
- `identified` and `reachable` are those of `users` whose user id is known, or whom a channel reaches (`reach`), as of now;
  their value is the share of users. Who they were then is not looked up: the past of a share is that of the people of then.
- `new` and `events` are of the period; before is the period before, only as far into it as now.
- `active n days = |A(day−n+1) ∪ … ∪ A(day)|` (`active`); before is n days earlier, to the same time of day.

Only who is still here counts. The channels of the question choose among events, not among people.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final

import pyarrow as pa

from user360 import clock, insight, likeness, marks, reach
from user360.days import Days, rolled
from user360.errors import InvalidInsight
from user360.insight import Insight, Plan, Role, check_scope
from user360.segments import windows
from user360.segments.rules import During, Events, PropertyCondition
from user360.sql import Sql, joined, sql

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from user360.insight import Asked, Bucket
    from user360.segments import Rule
    from user360.segments.rules import Node

NOW, BEFORE = "now", "before"
ACTIVE: Final = {"active 1 day": 1, "active 7 days": 7, "active 30 days": 30}
GROWING: Final = ("users", "identified", "reachable")
FIGURES: Final = ("users", "new", "identified", "reachable", *ACTIVE, "events")
_LENGTHS: Final = {days: figure for figure, days in ACTIVE.items()}
_HAPPENED: Final = pa.schema({"figure": pa.string(), "time": pa.string(), "users": pa.int64(), "value": pa.float64()})
_TICK: Final = timedelta(microseconds=1)
_DAY: Final = timedelta(days=1)
_LONGEST: Final = max(ACTIVE.values())


@dataclass(frozen=True, slots=True)
class _Times:
    """The instants of a question: of the period and of the one before as far as now, and the places that have begun."""

    start: datetime
    stop: datetime
    earlier: datetime
    until: datetime
    buckets: tuple[Bucket, ...]

    def window(self, days: int, asked: Asked, *, before: bool) -> tuple[datetime, datetime]:
        """The days up to and with the last, or as many before them, as far into the day."""
        last = clock.calendar_day(self.stop - _TICK, asked.catalog.zone)
        first = clock.start_of_day(last - timedelta(days=days * (2 if before else 1) - 1), asked.catalog.zone)
        return first, windows.shifted(self.stop, -days, "day", asked.catalog) if before else self.stop


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview(Insight):
    """The figures of the first page."""

    kind: ClassVar[str] = "overview"
    label: ClassVar[str] = "Overview"
    definition: ClassVar[str] = (
        "Users who are here now. Identified: their user id is known. Reachable: a valid address and consent on email, WhatsApp or "
        "SMS. Active: at least one event that is not a system event. What was before of identified and reachable is of those who were "
        "here then, as they are known now."
    )
    roles: ClassVar[dict[str, Role]] = {
        "figure": Role("dimension", "Figure"),
        "time": Role("time", "Time"),
        "users": Role("measure", "Users", "users", people=True),
        "value": Role("measure", "Value"),
    }

    def check(self, catalog: Any) -> None:
        """Refuse hours and a breakdown."""
        check_scope(self, catalog)
        if self.breakdown is not None:
            raise InvalidInsight("$.breakdown", "is not asked here.", "Leave it out.")
        if self.granularity == "hour":
            raise InvalidInsight("$.granularity", "is a day or more here.", "Choose day, week or month.")

    def compile(self, asked: Asked) -> Plan:
        """People grouped by when they were made, events by day, each read once; the relation is a branch for each figure."""
        times = self._times(asked)
        return Plan(partial(self._relation, asked, times), partial(self._answer, asked, times))

    def like(self, cell: Mapping[str, Any], asked: Asked, *, moving: bool) -> Rule | None:
        """Who is known, reachable, new or active like those of a figure, in its time."""
        figure, times = cell.get("figure", "users"), self._times(asked)
        since, until = self._instants(str(figure), str(cell.get("time", NOW)), asked, times)
        if figure not in GROWING and since >= until:  # the period has not begun
            return None
        if figure in ACTIVE or figure == "events":
            during = (
                likeness.window(self, {}, asked, moving=True) if moving else During("between", (_written(since), _written(until)))
            )
            if moving and figure in ACTIVE:
                during = During("last", (ACTIVE[str(figure)], "day"))
            return likeness.rule(self, {}, asked, (likeness.happened(self, Events(None), {}, during),))
        if figure == "new":
            last = likeness.window(self, {}, asked, moving=True).values
            made = ("in_the_last", last) if moving else ("between", (_written(since), _written(until)))
            return likeness.rule(self, {}, asked, (PropertyCondition("createdAt", *made),))
        known: dict[str, tuple[Node, ...]] = {
            "identified": (PropertyCondition("userId", "is_known"),),
            "reachable": (reach.rule_of_any(),),
        }
        then = () if moving or until > asked.at else (PropertyCondition("createdAt", "before", (_written(until),)),)
        return likeness.rule(self, {}, asked, (*known.get(str(figure), ()), *then))

    # -- instants -----------------------------------------------------------------------------------

    def _times(self, asked: Asked) -> _Times:
        start, stop, earlier, until = insight.against(self.period, asked.catalog, asked.at)
        begun = tuple(each for each in insight.buckets(self, asked) if each.start < stop)
        return _Times(start, stop, earlier, until, begun)

    def _instants(self, figure: str, time: str, asked: Asked, times: _Times) -> tuple[datetime, datetime]:
        """First instant of what a mark counts, and first instant after it."""
        before = time == BEFORE
        place = next((each for each in times.buckets if each.name == time), None)
        if figure in ACTIVE and place is not None:
            last = clock.calendar_day(min(place.end, times.stop) - _TICK, asked.catalog.zone)
            return clock.start_of_day(last - timedelta(days=ACTIVE[figure] - 1), asked.catalog.zone), min(place.end, times.stop)
        if figure in ACTIVE:
            return times.window(ACTIVE[figure], asked, before=before)
        if place is not None:
            return place.start, place.end
        if figure in GROWING:
            return times.start, times.start if before else times.stop
        return (times.earlier, times.until) if before else (times.start, times.stop)

    # -- the relation -------------------------------------------------------------------------------

    def _relation(self, asked: Asked, times: _Times) -> Sql:
        spans = [(NOW, times.start, times.stop), (BEFORE, times.start, times.start)]
        ends = [sql("({}, {})", time, clock.stored(until)) for time, _, until in spans]
        ends += [sql("({}, {})", each.name, clock.stored(each.end)) for each in times.buckets]
        grown = sql('people JOIN (VALUES {}) AS ends(time, until) ON "createdAt" < until', joined(", ", ends))
        holds = {"users": Sql("true"), "identified": Sql("identified"), "reachable": Sql("reachable")}
        parts = [sql("SELECT profile_key, {} AS figure, time FROM {} WHERE {}", *each) for each in _each(holds, grown)]
        made = sql('SELECT profile_key, "createdAt" AS occurred_at FROM people')
        parts += self._of("new", lambda _: made, asked, times)
        return sql(
            "WITH people AS ({}) {} UNION ALL {}",
            self._people(asked, times),
            joined(" UNION ALL ", parts),
            self._happened(asked, times),
        )

    def _of(self, figure: str, rows: Callable[[datetime], Sql], asked: Asked, times: _Times) -> list[Sql]:
        """A figure of the period, of the one before, and of each place; `rows` are those from an instant on."""
        inside = sql("occurred_at >= {} AND occurred_at < {}", clock.stored(times.start), clock.stored(times.stop))
        placed = sql(
            "SELECT profile_key, {} AS figure, {} AS time FROM ({}) WHERE {}",
            figure,
            marks.bucket(self, asked),
            rows(times.start),
            inside,
        )
        spans = ((NOW, times.start, times.stop), (BEFORE, times.earlier, times.until))
        return [*(_during(figure, time, rows(since), since, until) for time, since, until in spans), placed]

    def _happened(self, asked: Asked, times: _Times) -> Sql:
        """The rows of what comes of events."""
        parts = self._of("events", lambda since: self._events(asked, since), asked, times)
        for figure, days in ACTIVE.items():
            for time in (NOW, BEFORE):
                since, until = times.window(days, asked, before=time == BEFORE)
                parts.append(_during(figure, time, self._events(asked, since), since, until))
            parts.append(self._rolling(figure, days, asked, times))
        return joined(" UNION ALL ", parts)

    def _people(self, asked: Asked, times: _Times) -> Sql:
        return sql(
            'SELECT profile_key, "createdAt", "userId" IS NOT NULL AS identified, ({}) AS reachable FROM profiles '
            'WHERE "createdAt" < {} AND {}',
            reach.reached_by_any(),
            clock.stored(times.stop),
            asked.among or Sql("true"),
        )

    def _events(self, asked: Asked, since: datetime) -> Sql:
        """The events from an instant on, as they count."""
        return sql(
            "SELECT profile_key, occurred_at FROM events WHERE {} AND {} AND {}",
            marks.ANY,
            marks.known(asked),
            marks.within(self, asked, since),
        )

    def _early(self, asked: Asked, times: _Times) -> datetime:
        first = clock.calendar_day(times.start, asked.catalog.zone)
        return clock.start_of_day(first - timedelta(days=_LONGEST - 1), asked.catalog.zone)

    def _rolling(self, figure: str, days: int, asked: Asked, times: _Times) -> Sql:
        early = self._early(asked, times)
        found = sql(
            "SELECT DISTINCT profile_key, ({})::DATE AS day FROM ({})",
            marks.local(asked, early, times.stop),
            self._events(asked, early),
        )
        return sql(
            "SELECT DISTINCT profile_key, {} AS figure, time FROM ({}) JOIN ({}) ON day > last - {} AND day <= last",
            figure,
            found,
            _points(asked, times),
            days,
        )

    # -- the answer ---------------------------------------------------------------------------------

    def _answer(self, asked: Asked, times: _Times) -> Sql:
        early = self._early(asked, times)
        counted_from = min(early, *(times.window(days, asked, before=True)[0] for days in ACTIVE.values()))
        fits = asked.read is not None and marks.fits(asked, (times.stop - counted_from).days + 2)
        return sql(
            "WITH points AS MATERIALIZED ({}), {} SELECT figure, time, users, value FROM ({} UNION ALL {}) ORDER BY ALL",
            _points(asked, times),
            self._made(asked, times),
            _GROWN,
            self._put_together(asked, times, counted_from) if fits else self._counted(asked, times),
        )

    def _put_together(self, asked: Asked, times: _Times, counted_from: datetime) -> Sql:
        """The figures of events, of what each day comes to: figure, time, users, value."""
        zone = asked.catalog.zone
        days, rows = Days(self, asked, counted_from, times.stop), []
        for figure, time, since, until in self._spans(asked, times):
            found = days.between(since, until)
            rows.append((figure, time, len(found.people), found.events if figure == "events" else len(found.people)))
        ends = {clock.calendar_day(min(each.end, times.stop) - _TICK, zone): each.name for each in times.buckets}
        first = clock.calendar_day(self._early(asked, times), zone)
        windows = rolled(days.whole, asked.room, first, max(ends, default=first), ACTIVE.values())
        rows += [(_LENGTHS[length], ends[day], users, users) for day, length, users in windows if day in ends]
        told = zip(*(row for row in rows if row[2] or row[1] in (NOW, BEFORE)), strict=True)
        return sql(
            "SELECT * FROM happened", happened=pa.table([pa.array(each) for each in told], _HAPPENED.names).cast(_HAPPENED)
        )

    def _counted(self, asked: Asked, times: _Times) -> Sql:
        """The same where bitmaps of days do not fit into memory."""
        always = joined(", ", [sql("(NULL, {}, {})", figure, time) for figure in (*ACTIVE, "events") for time in (NOW, BEFORE)])
        return sql(
            "SELECT figure, time, users, CASE figure WHEN 'events' THEN events ELSE users END::DOUBLE AS value FROM (SELECT figure, time, "
            "count(DISTINCT profile_key) AS users, count(profile_key) AS events FROM ({} UNION ALL VALUES {}) GROUP BY ALL)",
            self._happened(asked, times),
            always,
        )

    def _spans(self, asked: Asked, times: _Times) -> list[tuple[str, str, datetime, datetime]]:
        """The active and the events of now and before, and the events of each place; first instant, and first after it."""
        both = (NOW, BEFORE)
        spans = [
            (each, time, *times.window(days, asked, before=time == BEFORE)) for each, days in ACTIVE.items() for time in both
        ]
        spans += [("events", each.name, each.start, each.end) for each in times.buckets]
        return [*spans, ("events", NOW, times.start, times.stop), ("events", BEFORE, times.earlier, times.until)]

    def _made(self, asked: Asked, times: _Times) -> Sql:
        """The people by the place they were made in, before the period by none; and how they grew from place to place."""
        return sql(
            "made AS MATERIALIZED (SELECT {} AS time, * EXCLUDE spot FROM (SELECT CASE WHEN occurred_at >= {} THEN {} END AS spot, "
            "count(*) AS users, count(nullif(identified, false)) AS identified, count(nullif(reachable, false)) AS reachable, "
            "count(nullif(occurred_at >= {} AND occurred_at < {}, false)) AS earlier "
            'FROM (SELECT "createdAt" AS occurred_at, identified, reachable FROM ({})) GROUP BY ALL)), {}',
            marks.called(self, Sql("spot")),
            clock.stored(times.start),
            marks.spot(self, asked),
            clock.stored(times.earlier),
            clock.stored(times.until),
            self._people(asked, times),
            _GROWING,
        )


_GROWING: Final = Sql(
    "base AS (SELECT coalesce(sum(users), 0) AS users, coalesce(sum(identified), 0) AS identified, "
    "coalesce(sum(reachable), 0) AS reachable, coalesce(sum(earlier), 0) AS earlier FROM made WHERE time IS NULL), "
    "grown AS (SELECT points.time, coalesce(made.users, 0) AS new, "
    "base.users + sum(coalesce(made.users, 0)) OVER growing AS users, "
    "base.identified + sum(coalesce(made.identified, 0)) OVER growing AS identified, "
    "base.reachable + sum(coalesce(made.reachable, 0)) OVER growing AS reachable "
    "FROM base, points LEFT JOIN made USING (time) WINDOW growing AS (ORDER BY points.time) UNION ALL "
    "SELECT 'before', earlier, users, identified, reachable FROM base UNION ALL "
    "SELECT 'now', coalesce(sum(users) FILTER (WHERE time IS NOT NULL), 0), coalesce(sum(users), 0), "
    "coalesce(sum(identified), 0), coalesce(sum(reachable), 0) FROM made)"
)
_GROWN: Final = Sql(
    "SELECT 'users' AS figure, time, users::BIGINT AS users, users::DOUBLE AS value FROM grown UNION ALL "
    "SELECT 'new', time, new::BIGINT, new::DOUBLE FROM grown UNION ALL "
    "SELECT 'identified', time, identified::BIGINT, 100.0 * identified / nullif(users, 0) FROM grown UNION ALL "
    "SELECT 'reachable', time, reachable::BIGINT, 100.0 * reachable / nullif(users, 0) FROM grown"
)


def _points(asked: Asked, times: _Times) -> Sql:
    """The places that have begun: time, and their first and last day."""
    zone = asked.catalog.zone
    rows = [
        sql(
            "({}, {}, {})",
            each.name,
            clock.calendar_day(each.start, zone),
            clock.calendar_day(min(each.end, times.stop) - _TICK, zone),
        )
        for each in times.buckets
    ]
    if not rows:
        return Sql("SELECT NULL::VARCHAR AS time, NULL::DATE AS first, NULL::DATE AS last WHERE false")
    return sql("SELECT * FROM (VALUES {}) AS points(time, first, last)", joined(", ", rows))


def _each(holds: Mapping[str, Sql], rows: Sql) -> list[tuple[str, Sql, Sql]]:
    return [(figure, rows, condition) for figure, condition in holds.items()]


def _during(figure: str, time: str, rows: Sql, since: datetime, until: datetime) -> Sql:
    return sql(
        "SELECT profile_key, {} AS figure, {} AS time FROM ({}) WHERE occurred_at >= {} AND occurred_at < {}",
        figure,
        time,
        rows,
        clock.stored(since),
        clock.stored(until),
    )


def _written(instant: datetime) -> str:
    return instant.isoformat()


INSIGHT = Overview
