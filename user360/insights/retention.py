"""Retention: of those who began in a period, how many came back 1, 2, 3 … periods later.

A cohort are those whose *first ever* start event lies in the period (searched over all history), or, recurring, all who have
one in it. `R_on(c,k) = |{p in c : return event in period k after entry}| / |c|`; on or after,
`R_after(c,k) = |{p in c : return event in period k or any later}| / |c|`, which never rises with k within a cohort
(research/features.md 5.3). Period k is the k-th calendar period after that of the start, or, by own clock, the k-th stretch of
that length (day 24 h, week 7 days, month 30 days) after the person's own start. Period 0 is the whole cohort.

A cell is finished when the period is over for everyone in the cohort. The pooled row takes finished cells alone,
`R(k) = sum r_ck / sum n_c`, so each member of a cohort counts the same; 95 % intervals are Wilson's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

import pyarrow as pa

from user360 import clock, insight, likeness, marks
from user360.errors import InvalidInsight
from user360.insight import Insight, Plan, Role, check_scope
from user360.segments import event_leaves, windows
from user360.segments.frames import Frame
from user360.segments.rules import During, EventMoment, Events, Group
from user360.sql import NOTHING, Sql, joined, sql

if TYPE_CHECKING:
    from collections.abc import Mapping

    from user360.insight import Asked
    from user360.segments import Catalog, Node, Rule

BACK, AWAY = "back", "away"
UNITS: Final = ("day", "week", "month")
MOST_AGES: Final = 120
LENGTHS: Final = {"day": timedelta(days=1), "week": timedelta(days=7), "month": timedelta(days=30)}
_EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ORDER: Final = Sql("{'at': occurred_at, 'id': message_id}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention(Insight):
    """Who comes back, by the period they began in. `ages` is how many periods are looked at, the first being period 0."""

    kind: ClassVar[str] = "retention"
    label: ClassVar[str] = "Retention"
    definition: ClassVar[str] = (
        "Of the people who began in a period, the share that came back so many periods later. "
        "Unfinished cells are shown apart and left out of the row of all."
    )
    roles: ClassVar[dict[str, Role]] = {
        "cohort": Role("time", "Began"),
        "age": Role("dimension", "Periods later"),
        "state": Role("dimension", "State"),
        "breakdown": Role("dimension", "Breakdown"),
        "users": Role("measure", "Users", "users", people=True),
        "members": Role("measure", "Members of a cohort in that state"),
        "size": Role("measure", "Size of the cohorts"),
        "share": Role("measure", "Share"),
        "low": Role("measure", "Share, low"),
        "high": Role("measure", "Share, high"),
        "finished": Role("measure", "Finished"),
    }

    start: Events
    back: Events = field(default=Events(None), metadata={"key": "return"})
    entry: Literal["first", "every"] = "first"
    when: Literal["on", "after"] = "on"
    clock: Literal["calendar", "own"] = "calendar"
    ages: int = 12

    def check(self, catalog: Catalog) -> None:
        """Refuse events there are not, hours, and too many periods."""
        check_scope(self, catalog)
        marks.checked(self.start, catalog, "$.start")
        marks.checked(self.back, catalog, "$.return")
        if self.granularity not in UNITS:
            raise InvalidInsight("$.granularity", "is not day, week or month.", "Choose one of them.")
        if not 2 <= self.ages <= MOST_AGES:  # noqa: PLR2004 - period 0 and one more
            raise InvalidInsight("$.ages", f"is not from 2 to {MOST_AGES}.")

    def compile(self, asked: Asked) -> Plan:
        """A row for each member of a cohort and each age, back or away; the cohort of the pooled row is null."""
        beside = sql("WITH {}", joined(", ", _tables(self, asked)))
        everyone = Sql(", NULL AS breakdown" if self.breakdown else "")
        parts = [
            sql("SELECT profile_key, cohort::VARCHAR AS cohort, age, state{} FROM members", everyone),
            sql("SELECT profile_key, NULL AS cohort, age, state{} FROM members WHERE finished", everyone),
        ]
        if self.breakdown:
            parts.append(
                Sql(
                    "SELECT profile_key, NULL AS cohort, age, state, breakdown FROM members JOIN grouped USING (profile_key, cohort) "
                    "WHERE finished"
                )
            )
        relation = sql("{} {}", beside, joined(" UNION ALL ", parts))
        return Plan(relation, _answer(self, beside))

    def like(self, cell: Mapping[str, Any], asked: Asked, *, moving: bool) -> Rule | None:
        """Who began in the period of the cohort and did, or did not, come back in the period of the cell; its dates are fixed."""
        found = _edges(self, asked)
        place = next((place for place, each in enumerate(found.cohorts) if each.isoformat() == cell.get("cohort")), None)
        age = cell.get("age")
        if moving or place is None or not isinstance(age, int) or self.clock != "calendar" or cell.get("breakdown") is not None:
            return None
        began = _between(max(found.edges[place], found.first), min(found.edges[place + 1], found.end))
        start = likeness.happened(self, self.start, {}, began)
        conditions: tuple[Node, ...] = (start,)
        if self.entry == "first":
            ever = likeness.happened(self, self.start, {})
            conditions = (EventMoment(ever.of, "first", "between", began.values),)
        if age > 0:
            until = found.edges[place + age + 1] if self.when == "on" else asked.at + timedelta(microseconds=1)
            came = likeness.happened(self, self.back, {}, _between(found.edges[place + age], until))
            conditions += (came if cell.get("state") == BACK else Group("none", (came,)),)
        return likeness.rule(self, cell, asked, conditions)


# -- time ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Edges:
    """The days cohorts are called by, where their periods and all later ones begin, and the ends of the question's period."""

    cohorts: tuple[date, ...]
    edges: tuple[datetime, ...]
    first: datetime
    end: datetime


def _edges(question: Retention, asked: Asked) -> _Edges:
    first, end = insight.span(question.period, asked.catalog, asked.at)
    unit = question.granularity
    edges: list[datetime] = []
    here, following = windows.unit_around(first, 0, unit, asked.catalog)
    cohorts = 0
    while here < end or len(edges) <= cohorts + question.ages:
        cohorts += here < end
        edges.append(here)
        here, following = following, windows.unit_around(following, 0, unit, asked.catalog)[1]
    days = tuple(clock.calendar_day(each, asked.catalog.zone) for each in edges[:cohorts])
    return _Edges(days, tuple(edges), first, end)


def _cells(question: Retention, asked: Asked) -> pa.Table:
    """The cells that have begun: cohort, age, whether they are finished for everyone in it."""
    found, length, at = _edges(question, asked), LENGTHS[question.granularity], asked.at
    rows = []
    for place, cohort in enumerate(found.cohorts):
        start, end = max(found.edges[place], found.first), min(found.edges[place + 1], found.end)
        for age in range(question.ages):
            if question.clock == "own":
                begins, ends = start + age * length, end + (age + 1) * length
            else:
                begins, ends = found.edges[place + age], found.edges[place + age + 1]
            if begins > at:
                break
            rows.append((cohort, age, age == 0 or ends <= at))
    columns = list(zip(*rows, strict=True)) or [(), (), ()]
    kinds = (pa.date32(), pa.int64(), pa.bool_())
    return pa.table([pa.array(each, kind) for each, kind in zip(columns, kinds, strict=True)], ["cohort", "age", "finished"])


def _between(first: datetime, last: datetime) -> During:
    return During("between", (first.isoformat(), last.isoformat()))


def _apart(question: Retention, one: Sql, other: Sql) -> Sql:
    """How many calendar periods from the one day to the other."""
    if question.granularity == "month":
        return sql("date_diff('month', {}, {})", one, other)
    return sql("date_diff('day', {}, {}) // {}", one, other, LENGTHS[question.granularity].days)


# -- people -------------------------------------------------------------------------------------


def _tables(question: Retention, asked: Asked) -> list[Sql]:
    """`starts`: profile_key, cohort, started. `came`: profile_key, cohort, age. `members`: with state and finished."""
    raw, beside = NOTHING, NOTHING
    of_events = question.breakdown is not None and question.breakdown.by != "property"
    if of_events:
        raw, beside = marks.raw(question.breakdown, asked)
    tables = [
        sql("cells AS MATERIALIZED (SELECT * FROM cohort_cells)", cohort_cells=_cells(question, asked)),
        sql("starts AS MATERIALIZED ({})", _starts(question, asked, raw, beside)),
        sql("came AS MATERIALIZED ({})", _came(question, asked)),
        Sql("back AS (SELECT profile_key, cohort, age, finished FROM came JOIN cells USING (cohort, age))"),
        sql(
            "members AS (SELECT profile_key, cohort, age, finished, {} AS state FROM back UNION ALL "
            "SELECT profile_key, cohort, age, finished, {} AS state FROM (SELECT * FROM starts JOIN cells USING (cohort)) "
            "ANTI JOIN came USING (profile_key, cohort, age))",
            BACK,
            AWAY,
        ),
    ]
    if question.breakdown is not None:
        rows = Sql("SELECT profile_key, cohort, raw FROM starts")
        if not of_events:
            held, joins = marks.raw(question.breakdown, asked)
            rows = sql("SELECT profile_key, cohort{} FROM starts{}", held, joins)
        tables.append(sql("grouped AS MATERIALIZED (SELECT DISTINCT * FROM ({}))", marks.broken(rows, question.breakdown)))
    return tables


def _starts(question: Retention, asked: Asked, raw: Sql, beside: Sql) -> Sql:
    """Who is in which cohort since when."""
    start, end = insight.span(question.period, asked.catalog, asked.at)
    such = event_leaves.matching(marks.checked(question.start, asked.catalog, "$"), Frame(asked.catalog, asked.at))
    kept = sql(", arg_min({{'raw': raw}}, {}).raw AS raw", _ORDER) if raw else NOTHING
    cohort = marks.spot(question, asked)
    if question.entry == "every":
        rows = sql(
            "SELECT profile_key, occurred_at, message_id, {} AS cohort{} FROM events{} WHERE {} AND {}",
            cohort,
            raw,
            beside,
            such,
            marks.within(question, asked),
        )
        return sql("SELECT profile_key, cohort, min(occurred_at) AS started{} FROM ({}) GROUP BY ALL", kept, rows)
    rows = sql(
        "SELECT profile_key, occurred_at, message_id{} FROM events{} WHERE {} AND {}",
        raw,
        beside,
        such,
        marks.within(question, asked, _EVER, end),
    )
    firsts = sql("SELECT profile_key, min(occurred_at) AS started{} FROM ({}) GROUP BY profile_key", kept, rows)
    return sql(
        "SELECT * RENAME (occurred_at AS started), {} AS cohort FROM (SELECT * RENAME (started AS occurred_at) FROM ({}) "
        "WHERE started >= {})",
        cohort,
        firsts,
        clock.stored(start),
    )


def _came(question: Retention, asked: Asked) -> Sql:
    """Who came back at which ages; everyone at age 0."""
    start, _ = insight.span(question.period, asked.catalog, asked.at)
    until = asked.at + timedelta(microseconds=1)
    such = event_leaves.matching(marks.checked(question.back, asked.catalog, "$"), Frame(asked.catalog, asked.at))
    within = marks.within(question, asked, start, until)
    if question.clock == "calendar":
        seen = sql(
            "SELECT DISTINCT profile_key, {} AS seen FROM events WHERE {} AND {}",
            marks.spot(question, asked, start, until),
            such,
            within,
        )
        ages = sql(
            "SELECT profile_key, cohort, {} AS age FROM starts JOIN ({}) USING (profile_key) WHERE seen > cohort",
            _apart(question, Sql("cohort"), Sql("seen")),
            seen,
        )
    else:
        ages = sql(
            "SELECT DISTINCT profile_key, cohort, epoch_us(occurred_at - started) // {} AS age FROM starts "
            "JOIN (SELECT profile_key, occurred_at FROM events WHERE {} AND {}) USING (profile_key) WHERE occurred_at > started",
            LENGTHS[question.granularity] // timedelta(microseconds=1),
            such,
            within,
        )
    if question.when == "after":
        ages = sql(
            "SELECT profile_key, cohort, unnest(range(1, least(max(age), {}) + 1)) AS age FROM ({}) GROUP BY profile_key, cohort",
            question.ages - 1,
            ages,
        )
    return sql(
        "SELECT profile_key, cohort, 0 AS age FROM starts UNION ALL SELECT profile_key, cohort, age FROM ({}) WHERE age BETWEEN 1 AND {}",
        ages,
        question.ages - 1,
    )


# -- figures ------------------------------------------------------------------------------------


def _answer(question: Retention, beside: Sql) -> Sql:
    """The figures of each cell, of the pooled row and of the pooled row of each group. Who is away is who is not back."""
    people = Sql("count(DISTINCT profile_key)" if question.entry == "every" else "count(*)")
    by_group = question.breakdown is not None
    column = Sql(", NULL AS breakdown" if by_group else "")
    parts = [
        sql(
            "SELECT cohort::VARCHAR AS cohort, age{}, coalesce(members, 0) AS users, coalesce(members, 0) AS members, size, finished "
            "FROM cells JOIN (SELECT cohort, count(*) AS size FROM starts GROUP BY cohort) USING (cohort) "
            "LEFT JOIN (SELECT cohort, age, count(*) AS members FROM back GROUP BY cohort, age) USING (cohort, age)",
            column,
        ),
        _pooled(Sql("starts"), Sql("back"), people, by_group=False, column=column),
    ]
    if by_group:
        back = Sql("(SELECT * FROM back JOIN grouped USING (profile_key, cohort))")
        parts.append(_pooled(Sql("grouped"), back, people, by_group=True, column=NOTHING))
    groups = Sql("breakdown, " if by_group else "")
    away = Sql("true" if question.entry == "first" else "cohort IS NOT NULL")
    return sql(
        "{}, told AS MATERIALIZED ({}), states AS (SELECT *, {} AS state FROM told UNION ALL "
        "SELECT * REPLACE (size - users AS users, size - members AS members), {} AS state FROM told WHERE age > 0 AND {}) "
        "SELECT cohort, age, state, {}users, members, size, share, {} AS low, {} AS high, finished "
        "FROM (SELECT *, members / size AS share FROM states) ORDER BY {}cohort NULLS FIRST, age, state DESC",
        beside,
        joined(" UNION ALL ", parts),
        BACK,
        AWAY,
        away,
        groups,
        *marks.wilson(Sql("share"), Sql("size")),
        groups,
    )


def _pooled(starts: Sql, back: Sql, people: Sql, *, by_group: bool, column: Sql) -> Sql:
    """The row of all finished cells: who came back over who could."""
    group = Sql("breakdown, " if by_group else "")
    using = Sql("breakdown, age" if by_group else "age")
    return sql(
        "SELECT NULL AS cohort, age{}, coalesce(users, 0) AS users, coalesce(members, 0) AS members, size, true AS finished FROM "
        "(SELECT {}age, sum(size)::BIGINT AS size FROM cells JOIN (SELECT {}cohort, count(*) AS size FROM {} GROUP BY ALL) "
        "USING (cohort) WHERE finished GROUP BY ALL) LEFT JOIN "
        "(SELECT {}age, {} AS users, count(*) AS members FROM {} WHERE finished GROUP BY ALL) USING ({})",
        Sql(", breakdown") if by_group else column,
        group,
        group,
        starts,
        group,
        people,
        back,
        using,
    )


INSIGHT = Retention
