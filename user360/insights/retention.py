"""Retention: of those who began in a period, how many came back 1, 2, 3 … periods later.

A cohort are those whose *first ever* start event lies in the period (searched over all history), or, recurring, all who have
one in it. `R_on(c,k) = |{p in c : return event in period k after entry}| / |c|`; on or after,
`R_after(c,k) = |{p in c : return event in period k or any later}| / |c|`, which never rises with k within a cohort
(Amplitude's N-day and unbounded retention). Period k is the k-th calendar period after that of the start, or, by own clock, the k-th stretch of
that length (day 24 h, week 7 days, month 30 days) after the person's own start. Period 0 is the whole cohort.

A cell is finished when the period is over for everyone in the cohort. The pooled row takes finished cells alone,
`R(k) = sum r_ck / sum n_c`, so each member of a cohort counts the same; 95 % intervals are Wilson's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

import numpy as np

from user360 import clock, cohorts, crowds, insight, likeness, marks
from user360.errors import InvalidInsight
from user360.insight import Insight, Plan, Role, check_scope
from user360.people import People
from user360.segments import event_leaves
from user360.segments.frames import Frame
from user360.segments.rules import During, EventMoment, Events, Group
from user360.sql import NOTHING, Sql, joined, sql

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from user360.insight import Asked, Bucket
    from user360.segments import Catalog, Node, Rule

BACK, AWAY = "back", "away"
UNITS: Final = ("day", "week", "month")
MOST_AGES: Final = 120
_MOST_WAYS: Final = 60  # cohorts in one rule
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
            of_groups = "age, state, breakdown FROM members JOIN grouped USING (profile_key, cohort)"
            parts.append(Sql(f"SELECT profile_key, NULL AS cohort, {of_groups} WHERE finished"))
            parts.append(Sql(f"SELECT profile_key, cohort::VARCHAR AS cohort, {of_groups}"))
        relation = sql("{} {}", beside, joined(" UNION ALL ", parts))
        return Plan(relation, _answer(self, _bitmaps(self, asked) or sql("{}, {}", beside, _counted(self))))

    def finished(self, table: pa.Table, places: tuple[Bucket, ...]) -> pa.Table:  # noqa: ARG002 - cohorts are no places
        """The answer with the interval of each share after it."""
        share, size = (table[each].to_numpy().astype(np.float64) for each in ("share", "size"))
        for name, column in marks.wilson(share, size).items():
            table = table.add_column(table.column_names.index("finished"), name, column)
        return table

    def like(self, cell: Mapping[str, Any], asked: Asked, *, moving: bool) -> Rule | None:
        """Who began in the period of the cohort and did, or did not, come back in the period of the cell; its dates are fixed."""
        age, by_events = cell.get("age"), self.breakdown is not None and self.breakdown.by != "property"
        if moving or not isinstance(age, int) or self.clock != "calendar" or (by_events and cell.get("breakdown") is not None):
            return None
        ways = [self._alike(place, age, cell, asked) for place in self._places(age, cell, asked)]
        if not 0 < len(ways) <= _MOST_WAYS:
            return None
        return likeness.rule(
            self, cell, asked, ways[0] if len(ways) == 1 else (Group("any", tuple(Group("all", each) for each in ways)),)
        )

    def _places(self, age: int, cell: Mapping[str, Any], asked: Asked) -> list[int]:
        """The cohorts of a cell: its own, or all that are finished."""
        days = [each.isoformat() for each in cohorts.edges(self, self.ages, asked).days]
        if cell.get("cohort") is not None:
            return [days.index(cell["cohort"])] if cell["cohort"] in days else []
        cells = cohorts.cells(self, self.ages, asked, own=False).to_pylist()
        return [days.index(each["cohort"].isoformat()) for each in cells if each["age"] == age and each["finished"]]

    def _alike(self, place: int, age: int, cell: Mapping[str, Any], asked: Asked) -> tuple[Node, ...]:
        """Who began in the period of that cohort, and came back or did not."""
        found = cohorts.edges(self, self.ages, asked)
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
        return conditions


def _between(first: datetime, last: datetime) -> During:
    return During("between", (first.isoformat(), last.isoformat()))


def _apart(question: Retention, one: Sql, other: Sql) -> Sql:
    """How many calendar periods from the one day to the other."""
    if question.granularity == "month":
        return sql("date_diff('month', {}, {})", one, other)
    return sql("date_diff('day', {}, {}) // {}", one, other, cohorts.LENGTHS[question.granularity].days)


# -- people -------------------------------------------------------------------------------------


def _tables(question: Retention, asked: Asked) -> list[Sql]:
    """`starts`: profile_key, cohort, started. `came`: profile_key, cohort, age. `members`: with state and finished."""
    raw, beside = NOTHING, NOTHING
    of_events = question.breakdown is not None and question.breakdown.by != "property"
    if of_events:
        raw, beside = marks.raw(question.breakdown, asked)
    tables = [
        sql(
            "cells AS MATERIALIZED (SELECT * FROM cohort_cells)",
            cohort_cells=cohorts.cells(question, question.ages, asked, own=question.clock == "own"),
        ),
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
    such = _such(question.start, asked)
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
    such = _such(question.back, asked)
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
            cohorts.LENGTHS[question.granularity] // timedelta(microseconds=1),
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


# -- bitmaps ------------------------------------------------------------------------------------


def _bitmaps(question: Retention, asked: Asked) -> Sql | None:
    """`counted`: cohort, age, size, members, finished; `pooled`: age, users. A cell is what two bitmaps share.

    None where they do not say it: by own clocks, in groups, or where there are too many.
    """
    cells = cohorts.cells(question, question.ages, asked, own=question.clock == "own")
    if question.clock == "own" or question.breakdown is not None or not marks.fits(asked, cells.num_rows):
        return None
    found = cohorts.edges(question, question.ages, asked)
    until = asked.at + timedelta(microseconds=1)
    last = min(until, found.edges[len(found.days) + question.ages - 1]) if question.when == "on" else until
    seen = _crowds(_by_place(question, asked, question.back, found.first, last), asked)
    if question.start == question.back and found.whole:
        begun = seen
    else:
        begun = _crowds(_by_place(question, asked, question.start, found.first, found.end), asked)
    if question.entry == "first":
        before = marks.within(question, asked, _EVER, found.first)
        such = sql("events WHERE {} AND {} AND {}", _such(question.start, asked), marks.known(asked), before)
        begun = cohorts.new(begun, found.days, crowds.who(asked, such))
    counted, pooled = cohorts.met(cells, begun, seen, after=question.when == "after", once=question.entry == "first")
    return sql(
        "WITH counted AS MATERIALIZED (SELECT * FROM counted_cells), pooled AS (SELECT * FROM pooled_ages)",
        counted_cells=counted,
        pooled_ages=pooled,
    )


def _by_place(question: Retention, asked: Asked, of: Events, start: datetime, until: datetime) -> Sql:
    """One bitmap of people for each period: of whom such events are."""
    return sql(
        "SELECT {} AS place, {}::BLOB AS heads FROM events WHERE {} AND {} AND {} GROUP BY ALL",
        marks.spot(question, asked, start, until),
        marks.crowd(asked),
        _such(of, asked),
        marks.known(asked),
        marks.within(question, asked, start, until),
    )


def _such(of: Events, asked: Asked) -> Sql:
    """The condition of these events."""
    return event_leaves.matching(marks.checked(of, asked.catalog, "$"), Frame(asked.catalog, asked.at))


def _crowds(bitmaps: Sql, asked: Asked) -> dict[date, People]:
    """The people of each period."""
    assert asked.read is not None  # noqa: S101 - whoever compiles this gives it
    return {row["place"]: People.packed(row["heads"]) for row in asked.read(bitmaps).to_pylist()}


# -- figures ------------------------------------------------------------------------------------


def _counted(question: Retention) -> Sql:
    """From people: the tables `counted` and `pooled` as `_bitmaps` makes them."""
    people = Sql("count(DISTINCT profile_key)" if question.entry == "every" else "count(*)")
    return sql(
        "counted AS MATERIALIZED (SELECT cohort, age, size, finished, coalesce(members, 0) AS members "
        "FROM cells JOIN (SELECT cohort, count(*) AS size FROM starts GROUP BY cohort) USING (cohort) "
        "LEFT JOIN (SELECT cohort, age, count(*) AS members FROM back GROUP BY cohort, age) USING (cohort, age)), "
        "pooled AS (SELECT age, {} AS users FROM back WHERE finished GROUP BY age)",
        people,
    )


def _answer(question: Retention, beside: Sql) -> Sql:
    """The figures of each cell, of the pooled row and of the pooled row of each group. Who is away is who is not back."""
    by_group = question.breakdown is not None
    column = Sql(", NULL AS breakdown" if by_group else "")
    parts = [
        sql("SELECT cohort::VARCHAR AS cohort, age{}, members AS users, members, size, finished FROM counted", column),
        sql(
            "SELECT NULL AS cohort, age{}, coalesce(any_value(users), 0)::BIGINT AS users, sum(members)::BIGINT AS members, "
            "sum(size)::BIGINT AS size, true AS finished FROM counted LEFT JOIN pooled USING (age) WHERE finished GROUP BY age",
            column,
        ),
    ]
    if by_group:
        parts += [_pooled(question), _GROUPED]
    groups = Sql("breakdown, " if by_group else "")
    away = Sql("true" if question.entry == "first" else "cohort IS NOT NULL")
    return sql(
        "{}, told AS MATERIALIZED ({}), states AS (SELECT *, {} AS state FROM told UNION ALL "
        "SELECT * REPLACE (size - users AS users, size - members AS members), {} AS state FROM told WHERE age > 0 AND {}) "
        "SELECT cohort, age, state, {}users, members, size, members / size AS share, finished "
        "FROM states ORDER BY {}cohort NULLS FIRST, age, state DESC",
        beside,
        joined(" UNION ALL ", parts),
        BACK,
        AWAY,
        away,
        groups,
        groups,
    )


_GROUPED: Final = Sql(
    "SELECT cohort::VARCHAR AS cohort, age, breakdown, coalesce(members, 0) AS users, coalesce(members, 0) AS members, size, finished FROM "
    "(SELECT * FROM cells JOIN (SELECT breakdown, cohort, count(*) AS size FROM grouped GROUP BY ALL) USING (cohort)) LEFT JOIN "
    "(SELECT breakdown, cohort, age, count(*) AS members FROM (SELECT * FROM back JOIN grouped USING (profile_key, cohort)) GROUP BY ALL) "
    "USING (breakdown, cohort, age)"
)
"""The cells of each group."""


def _pooled(question: Retention) -> Sql:
    """The rows of all finished cells of each group: who came back over who could."""
    people = Sql("count(DISTINCT profile_key)" if question.entry == "every" else "count(*)")
    return sql(
        "SELECT NULL AS cohort, age, breakdown, coalesce(users, 0) AS users, coalesce(members, 0) AS members, size, true AS finished FROM "
        "(SELECT breakdown, age, sum(size)::BIGINT AS size FROM cells JOIN (SELECT breakdown, cohort, count(*) AS size FROM grouped GROUP BY ALL) "
        "USING (cohort) WHERE finished GROUP BY ALL) LEFT JOIN (SELECT breakdown, age, {} AS users, count(*) AS members FROM "
        "(SELECT * FROM back JOIN grouped USING (profile_key, cohort)) WHERE finished GROUP BY ALL) USING (breakdown, age)",
        people,
    )


INSIGHT = Retention
