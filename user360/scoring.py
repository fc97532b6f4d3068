"""Recency, frequency and worth as scores from 1 to 5, and the names of groups of them.

The score of a value is the fifth in which the middle of those who have it stands: `ceil(5 × (worse + equal / 2) / all)`. Equal
values have equal scores, whatever their order; `NTILE` would part them. Different values fall into fifths as `NTILE` has them.
`ceil(5 × cume_dist)`, which keeps ties together too, would call who bought once a frequent buyer
wherever most people bought once. The ten groups divide the 25 cells of recency and the second score, as RFM
(Bult and Wansbeek 1995) is commonly told. Who is scored by which events does not live here
(`insights`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from user360 import clock, insight, likeness, marks
from user360.errors import InvalidInsight
from user360.insight import Plan
from user360.segments import event_leaves, event_values
from user360.segments.frames import Frame
from user360.segments.rules import During, EventCondition, EventValue, Group, Measure, Times
from user360.sql import Sql, joined, name, sql

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    from user360.insight import Asked, Insight
    from user360.segments import Node
    from user360.segments.rules import Events

BEST: Final = 5
EDGES: Final = (0, 1, 2, 3, 7, 14, 30, 60, 90, 180, 365)
"""The first day of each stretch of recency; the last has no end."""
NOT_SCORED: Final = "Not scored"
GROUPS: Final = {
    "Champions": ((5, 5), (4, 5)),
    "Loyal": ((3, 4), (4, 5)),
    "Potential loyalists": ((4, 5), (2, 3)),
    "New": ((5, 5), (1, 1)),
    "Promising": ((4, 4), (1, 1)),
    "Need attention": ((3, 3), (3, 3)),
    "About to sleep": ((3, 3), (1, 2)),
    "Cannot lose them": ((1, 2), (5, 5)),
    "At risk": ((1, 2), (3, 4)),
    "Hibernating": ((1, 2), (1, 2)),
}
"""Each group's first and last score of recency, and of the second score."""

_OF: Final = {"f": "frequency", "m": "amount"}
_SECOND: Final = {"frequency": Sql("f"), "amount": Sql("m"), "both": Sql("ceil((f + m) / 2)::INTEGER")}


def group_of(recency: int, second: int) -> str:
    """The group of a cell."""
    return next(name for name, (r, s) in GROUPS.items() if r[0] <= recency <= r[1] and s[0] <= second <= s[1])


def check(second: str, amount: str) -> None:
    """Refuse a score by amount where no property is."""
    if second != "frequency" and not amount:
        raise InvalidInsight("$.amount", "is missing.", "Say which property of the event is the amount.")


def as_of(question: Insight, asked: Asked) -> datetime:
    """The instant recency is counted to: the end of the period, or now if that is earlier."""
    return min(insight.span(question.period, asked.catalog, asked.at)[1] - timedelta(microseconds=1), asked.at)


def last_day(question: Insight, asked: Asked) -> date:
    """The day of that instant, by the calendar of the workspace."""
    return clock.calendar_day(as_of(question, asked), asked.catalog.zone)


def of_people(question: Insight, of: Events, amount: str, asked: Asked, *, back: timedelta = timedelta()) -> Sql:
    """Of everyone with such an event in the period, or in the one so much earlier: profile_key, days, times, amount.

    `days` are calendar days since the last one.
    """
    frame = Frame(asked.catalog, asked.at)
    start, end = (each - back for each in insight.span(question.period, asked.catalog, asked.at))
    day = clock.calendar_day(min(end - timedelta(microseconds=1), asked.at - back), asked.catalog.zone)
    return sql(
        "SELECT profile_key, ({} - ({})::DATE)::INTEGER AS days, times, amount FROM (SELECT profile_key, "
        "max(occurred_at) AS occurred_at, count(*) AS times, {}::DOUBLE AS amount FROM {} WHERE {} GROUP BY profile_key)",
        day,
        marks.local(asked, start, end),
        sql("coalesce(sum({}), 0)", event_values.number(amount, of.event, asked.catalog)) if amount else Sql("0"),
        frame.events(),
        joined(
            " AND ",
            [
                event_leaves.matching(marks.checked(of, asked.catalog, "$.of"), frame),
                marks.within(question, asked, start, min(end, asked.at - back + timedelta(microseconds=1))),
            ],
        ),
    )


def scored(people: Sql, second: str) -> Sql:
    """The rows of `of_people` with their scores and group: recency, score, group."""
    return sql('SELECT *, {} AS "group" FROM ({})', group(Sql("recency"), Sql("score")), rated(people, second))


def rated(people: Sql, second: str) -> Sql:
    """The rows of `of_people` with their scores: recency, score.

    Scores are those of the few different values, by how many people have them: sorting people instead took five times as long.
    """
    return _rated(people, second, Sql("count(*)"))


def celled(people: Sql, second: str) -> Sql:
    """The cells of the rows of `of_people`: recency, score, users, and their days, times and amounts in sum. Who has the same figures is scored at once."""
    figures = Sql("days, times, amount" if _OF["m"] in _scored_by(second) else "days, times")
    held = sql("SELECT {}, count(*) AS heads, sum(amount) AS amounts FROM ({}) GROUP BY {}", figures, people, figures)
    return sql(
        "SELECT recency, score, sum(heads)::BIGINT AS users, sum(days * heads) AS days, sum(times * heads) AS times, sum(amounts) AS amount "
        "FROM ({}) GROUP BY recency, score",
        _rated(held, second, Sql("sum(heads)::BIGINT")),
    )


def _scored_by(second: str) -> list[str]:
    """The figures of the second score."""
    return [figure for figure in _OF.values() if second in {figure, "both"}]


def _rated(held: Sql, second: str, size: Sql) -> Sql:
    """Rows of figures with their scores; `size` is how many people a group of them is."""
    figures = {"recency": Sql("days"), "f": Sql("times"), "m": Sql("amount")}
    needed = [figure for figure in figures if figure == "recency" or _OF[figure] in _scored_by(second)]
    tables = [_fifths(figure, figures[figure], size, worst_first=figure != "recency") for figure in needed]
    return sql(
        "WITH scored_ AS MATERIALIZED ({}), {} SELECT scored_.*, {}.recency, {} AS score FROM scored_{}",
        held,
        joined(", ", tables),
        name("of recency"),
        _SECOND[second],
        joined("", [sql(" JOIN {} USING ({})", name(f"of {each}"), figures[each]) for each in needed]),
    )


def group(recency: Sql, score: Sql) -> Sql:
    """The name of the group of two scores, none of those that are unknown; named last, for cells are few and people many."""
    cases = [
        sql("WHEN {} BETWEEN {} AND {} AND {} BETWEEN {} AND {} THEN {}", recency, *r, score, *s, called)
        for called, (r, s) in GROUPS.items()
    ]
    return sql("CASE {} END", joined(" ", cases))


# -- people like them ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Scored:
    """What people are scored by: the events of a question's period, or of one so much earlier."""

    question: Insight
    of: Events
    amount: str
    second: str
    back: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class _Edges:
    """The stretches of days and of the second figure, and whether each ends at the best or the worst there is."""

    first_day: int
    last_day: int
    low: float
    high: float
    newest: bool
    oldest: bool
    best: bool
    worst: bool


def alike(by: Scored, cell: Mapping[str, Any], asked: Asked, *, moving: bool) -> list[Node] | None:
    """The conditions of those of a group, or with these scores: the stretches of days and figures they have, as they are now.

    A score by both is no stretch of either, so no rule says it. Who is not scored had no such event.
    """
    happened = likeness.happened(by.question, by.of, {}, _during(by, asked, moving=moving))
    if cell.get("group") == NOT_SCORED:
        return [Group("none", (happened,))]
    edges = _edges(by, cell, asked) if by.second != "both" else None
    if edges is None:
        return None
    return [*_lately(by, edges, asked, moving=moving), *_enough(by, edges, happened)]


def _during(by: Scored, asked: Asked, *, moving: bool) -> During:
    """The time people are scored over."""
    if not by.back:
        return likeness.window(by.question, {}, asked, moving=moving)
    start, until = _earlier(by, asked)
    return During("between", (start.isoformat(), until.isoformat()))


def _earlier(by: Scored, asked: Asked) -> tuple[datetime, datetime]:
    """First instant of the earlier period, and first instant after it."""
    start, end = (each - by.back for each in insight.span(by.question.period, asked.catalog, asked.at))
    return start, min(end, asked.at - by.back + timedelta(microseconds=1))


def _edges(by: Scored, cell: Mapping[str, Any], asked: Asked) -> _Edges | None:
    """The least and greatest of what those of a cell have; a score is a stretch of values, as ties are never parted."""
    if asked.read is None:
        return None
    those = [sql("{} = {}", name(each), value) for each, value in cell.items() if value is not None]
    figure = Sql("times" if by.second == "frequency" else "amount")
    (found,) = asked.read(
        sql(
            "SELECT min(days) AS first_day, max(days) AS last_day, min({}) AS low, max({}) AS high, max(recency) = {} AS newest, "
            "min(recency) = 1 AS oldest, max(score) = {} AS best, min(score) = 1 AS worst FROM ({}) WHERE {}",
            figure,
            figure,
            BEST,
            BEST,
            scored(of_people(by.question, by.of, by.amount, asked, back=by.back), by.second),
            joined(" AND ", those) if those else Sql("true"),
        )
    ).to_pylist()
    return _Edges(**found) if found["first_day"] is not None else None


def _lately(by: Scored, edges: _Edges, asked: Asked, *, moving: bool) -> list[Node]:
    """The last such event in that stretch of days: one in it, none since."""

    def days(low: int, high: int) -> During:
        if moving:
            return During("last", (high + 1, "day"))
        if not by.back:
            last = last_day(by.question, asked)
            return During("between", ((last - timedelta(days=high)).isoformat(), (last - timedelta(days=low)).isoformat()))
        start, until = _earlier(by, asked)
        last, zone = clock.calendar_day(until - timedelta(microseconds=1), asked.catalog.zone), asked.catalog.zone
        first, after = (clock.start_of_day(last - timedelta(days=each), zone) for each in (high, low - 1))
        return During("between", (max(first, start).isoformat(), min(after, until).isoformat()))

    found: list[Node] = []
    if not edges.oldest:
        found.append(likeness.happened(by.question, by.of, {}, days(edges.first_day, edges.last_day)))
    if not edges.newest and edges.first_day:
        found.append(Group("none", (likeness.happened(by.question, by.of, {}, days(0, edges.first_day - 1)),)))
    return found


def _enough(by: Scored, edges: _Edges, happened: EventCondition) -> list[Node]:
    """As often in the period, or for as much."""
    if by.second == "frequency":
        least, most = int(edges.low), int(edges.high)
        if edges.best:
            return [EventCondition(happened.of, Times("at_least", (least,)))]
        return [EventCondition(happened.of, Times("between", (1 if edges.worst else least, most)))]
    amount = Measure("sum", by.amount)
    parts: list[Node] = [happened]
    if not edges.worst:
        parts.append(EventValue(happened.of, amount, "at_least", (edges.low,)))
    if not edges.best:
        parts.append(EventValue(happened.of, amount, "at_most", (edges.high,)))
    return parts


# -- scores --------------------------------------------------------------------------------------


def _fifths(figure: str, column: Sql, size: Sql, *, worst_first: bool) -> Sql:
    """The score of each value, in whole numbers: `5 (worse + worse and equal) / 2 all`, rounded up."""
    return sql(
        "{} AS (SELECT {}, ((5 * (2 * sum(heads) OVER (ORDER BY {}{}) - heads) + 2 * sum(heads) OVER () - 1) "
        "// (2 * sum(heads) OVER ()))::INTEGER AS {} FROM (SELECT {}, {} AS heads FROM scored_ GROUP BY {}))",
        name(f"of {figure}"),
        column,
        column,
        Sql("" if worst_first else " DESC"),
        Sql(figure),
        column,
        size,
        column,
    )


def spread(people: Sql, figure: str, none: Sql, asked: Asked) -> Plan:
    """How many have each figure, of people by that figure (profile_key and the figure); all others asked of have `none`."""
    column = Sql(figure)
    relation = sql(
        "WITH people AS MATERIALIZED ({}) SELECT profile_key, {} FROM people UNION ALL SELECT profile_key, {} AS {} FROM ({})",
        people,
        column,
        none,
        column,
        unscored(Sql("SELECT * FROM people"), asked),
    )
    answer = sql(
        "WITH counted AS MATERIALIZED (SELECT {}, count(*) AS users FROM ({}) GROUP BY {}) "
        "SELECT {}, users FROM (FROM counted UNION ALL SELECT {}, {} FROM counted) WHERE users > 0 ORDER BY {} NULLS LAST",
        column,
        people,
        column,
        column,
        none,
        others(asked, Sql("coalesce(sum(users), 0)")),
        column,
    )
    return Plan(relation, answer)


def others(asked: Asked, scored_: Sql) -> Sql:
    """How many of those asked of are not among so many."""
    among = asked.among or Sql("true")
    return sql("((SELECT count(*) FROM ({}) WHERE {}) - {})::BIGINT", Frame(asked.catalog, asked.at).everyone(), among, scored_)


def unscored(people: Sql, asked: Asked) -> Sql:
    """The keys of everyone else among those who are asked of."""
    among = asked.among or Sql("true")
    everyone = Frame(asked.catalog, asked.at).everyone()
    return sql(
        "SELECT profile_key FROM ({}) WHERE {} AND profile_key NOT IN (SELECT profile_key FROM ({}))", everyone, among, people
    )
