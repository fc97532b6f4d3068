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

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final

from user360 import clock, insight, likeness, marks, reach
from user360.errors import InvalidInsight
from user360.insight import Insight, Plan, Role, check_scope
from user360.rolling import rolled
from user360.segments import windows
from user360.segments.rules import During, Events, PropertyCondition
from user360.sql import Sql, joined, sql

if TYPE_CHECKING:
    from collections.abc import Mapping
    from zoneinfo import ZoneInfo

    import pyarrow as pa

    from user360.insight import Asked, Bucket
    from user360.segments import Rule
    from user360.segments.rules import Node

NOW, BEFORE = "now", "before"
ACTIVE: Final = {"active 1 day": 1, "active 7 days": 7, "active 30 days": 30}
GROWING: Final = ("users", "identified", "reachable")
FIGURES: Final = ("users", "new", "identified", "reachable", *ACTIVE, "events")
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
        return Plan(self._relation(asked, times), self._answer(asked, times))

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
        for time, since, until in ((NOW, times.start, times.stop), (BEFORE, times.earlier, times.until)):
            parts.append(_during("new", time, made, since, until))
            parts.append(_during("events", time, self._events(asked, since), since, until))
        placed = marks.bucket(self, asked)
        for figure, rows in (("new", made), ("events", self._events(asked, times.start))):
            inside = sql("occurred_at >= {} AND occurred_at < {}", clock.stored(times.start), clock.stored(times.stop))
            parts.append(sql("SELECT profile_key, {} AS figure, {} AS time FROM ({}) WHERE {}", figure, placed, rows, inside))
        for figure, days in ACTIVE.items():
            for time in (NOW, BEFORE):
                since, until = times.window(days, asked, before=time == BEFORE)
                parts.append(_during(figure, time, self._events(asked, since), since, until))
            parts.append(self._rolling(figure, days, asked, times))
        return sql("WITH people AS ({}) {}", self._people(asked, times), joined(" UNION ALL ", parts))

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
        spans = self._spans(asked, times)
        early = self._early(asked, times)
        counted_from = min(early, *(since for figure, _, since, _ in spans if figure in ACTIVE))
        parts = _Parts(counted_from, times.stop, asked.catalog.zone)
        cut = [(figure, time, *parts.of(since, until)) for figure, time, since, until in spans]
        groups = (times.stop - counted_from).days + 2 + len(parts.found)
        heads = marks.heads(asked, groups)
        days = sql(
            "SELECT ({})::DATE AS day, NULL::INTEGER AS part, count(*) AS events, {} FROM ({}) GROUP BY ALL",
            marks.local(asked, counted_from, times.stop),
            heads.kept,
            self._events(asked, counted_from),
        )
        cells = joined(" UNION ALL ", [days, *(self._part(asked, *each, heads) for each in parts.found.items())])
        if marks.fits(asked, groups) and asked.read is not None:
            read = asked.read(sql("SELECT * REPLACE (heads::BLOB AS heads) FROM ({})", cells))
            last = clock.calendar_day(times.stop - _TICK, asked.catalog.zone)
            rolling = _rolled(rolled(read, asked.room, clock.calendar_day(early, asked.catalog.zone), last, ACTIVE.values()))
            cells = sql("SELECT * REPLACE (heads::BIT AS heads) FROM happened", happened=read)
        else:
            rolling = _joined(heads.counted)
        spanned = sql(
            "SELECT figure, time, users, CASE figure WHEN 'events' THEN events ELSE users END::DOUBLE AS value FROM "
            "(SELECT figure, time, {} AS users, coalesce(sum(events), 0) AS events FROM (VALUES {}) AS spans(figure, time, first, last, head, tail) "
            "LEFT JOIN cells ON (day >= first AND day <= last) OR part = head OR part = tail GROUP BY ALL) WHERE users > 0 OR time IN ({}, {})",
            heads.counted,
            joined(", ", [sql("({}, {}, {}, {}, {}::INTEGER, {}::INTEGER)", *each) for each in cut]),
            NOW,
            BEFORE,
        )
        return sql(
            "WITH points AS MATERIALIZED ({}), cells AS MATERIALIZED ({}), {} SELECT figure, time, users, value FROM ("
            "SELECT figure, time, users, users::DOUBLE AS value FROM ({}) UNION ALL {} UNION ALL {}) ORDER BY ALL",
            _points(asked, times),
            cells,
            self._made(asked, times),
            rolling,
            _GROWN,
            spanned,
        )

    def _part(self, asked: Asked, part: tuple[datetime, datetime], place: int, heads: marks.Heads) -> Sql:
        """What a part of a day comes to."""
        since, until = part
        return sql(
            "SELECT NULL::DATE AS day, {} AS part, count(*) AS events, {} FROM ({}) WHERE occurred_at < {} GROUP BY ALL",
            place,
            heads.kept,
            self._events(asked, since),
            clock.stored(until),
        )

    def _spans(self, asked: Asked, times: _Times) -> list[tuple[str, str, datetime, datetime]]:
        """What may need parts of days: the active and the events of now and before, the events of each place; first instant, and first after it."""
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


@dataclass(slots=True)
class _Parts:
    """Days counted whole, from one on and up to `stop`, and what stretches of time need beside them: parts of days, and what lies before.

    Each such part is counted once, under its number in `found`.
    """

    counted_from: datetime
    stop: datetime
    zone: ZoneInfo
    found: dict[tuple[datetime, datetime], int] = field(default_factory=dict)

    def of(self, since: datetime, until: datetime) -> tuple[date, date, int | None, int | None]:
        """The first and last whole day of a stretch, and the parts before and after them."""
        first = clock.calendar_day(max(since, self.counted_from), self.zone)
        if clock.start_of_day(first, self.zone) < since:
            first += _DAY
        last = clock.calendar_day(until - _TICK, self.zone)
        opens, closes = clock.start_of_day(first, self.zone), clock.start_of_day(last, self.zone)
        head = self._numbered(since, min(opens, until))
        if until >= self.stop or clock.start_of_day(last + _DAY, self.zone) == until:
            return first, last, head, None
        return first, last - _DAY, head, self._numbered(max(opens, closes), until)

    def _numbered(self, since: datetime, until: datetime) -> int | None:
        return self.found.setdefault((since, until), len(self.found)) if since < until else None


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
    "SELECT 'users' AS figure, time, users::BIGINT, users::DOUBLE FROM grown UNION ALL "
    "SELECT 'new', time, new::BIGINT, new::DOUBLE FROM grown UNION ALL "
    "SELECT 'identified', time, identified::BIGINT, 100.0 * identified / nullif(users, 0) FROM grown UNION ALL "
    "SELECT 'reachable', time, reachable::BIGINT, 100.0 * reachable / nullif(users, 0) FROM grown"
)


def _rolled(found: pa.Table) -> Sql:
    """The active of each place: figure, time, users."""
    cases = joined(" ", [sql("WHEN {} THEN {}", days, figure) for figure, days in ACTIVE.items()])
    return sql(
        "SELECT CASE length {} END AS figure, time, users FROM points JOIN rolled ON day = last WHERE users > 0",
        cases,
        rolled=found,
    )


def _joined(counted: Sql) -> Sql:
    """The same where bitmaps do not fit."""
    parts = [
        sql(
            "SELECT {} AS figure, time, {} AS users FROM points JOIN cells ON day > last - {} AND day <= last GROUP BY time",
            figure,
            counted,
            days,
        )
        for figure, days in ACTIVE.items()
    ]
    return joined(" UNION ALL ", parts)


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
