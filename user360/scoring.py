"""Recency, frequency and worth as scores from 1 to 5, and the names of groups of them.

The score of a value is the fifth in which the middle of those who have it stands: `ceil(5 × (worse + equal / 2) / all)`. Equal
values have equal scores, whatever their order; `NTILE` would part them. Different values fall into fifths as `NTILE` has them.
`ceil(5 × cume_dist)`, which keeps ties together too, would call who bought once a frequent buyer
wherever most people bought once. The ten groups divide the 25 cells of recency and the second score, as RFM
(Bult and Wansbeek 1995) is commonly told. Who is scored by which events does not live here
(`insights`).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from user360 import clock, insight, marks
from user360.errors import InvalidInsight
from user360.segments import event_leaves, event_values
from user360.segments.frames import Frame
from user360.sql import Sql, joined, name, sql

if TYPE_CHECKING:
    from datetime import date, datetime

    from user360.insight import Asked, Insight
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
        "max(occurred_at) AS occurred_at, count(*) AS times, coalesce(sum({}), 0)::DOUBLE AS amount FROM {} WHERE {} GROUP BY profile_key)",
        day,
        marks.local(asked, start, end),
        event_values.number(amount, of.event, asked.catalog) if amount else Sql("0"),
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
    """The rows of `of_people` with their scores and group: recency, score, group.

    Scores are those of the few different values, by how many people have them: sorting people instead took five times as long.
    """
    figures = {"recency": Sql("days"), "f": Sql("times"), "m": Sql("amount")}
    needed = [figure for figure in figures if figure == "recency" or second in {_OF[figure], "both"}]
    tables = [_fifths(figure, figures[figure], worst_first=figure != "recency") for figure in needed]
    both = sql(
        "SELECT scored_.*, {}.recency, {} AS score FROM scored_{}",
        name("of recency"),
        _SECOND[second],
        joined("", [sql(" JOIN {} USING ({})", name(f"of {each}"), figures[each]) for each in needed]),
    )
    cases = [
        sql("WHEN recency BETWEEN {} AND {} AND score BETWEEN {} AND {} THEN {}", *r, *s, called)
        for called, (r, s) in GROUPS.items()
    ]
    return sql(
        'WITH scored_ AS MATERIALIZED ({}), {} SELECT *, CASE {} END AS "group" FROM ({})',
        people,
        joined(", ", tables),
        joined(" ", cases),
        both,
    )


def _fifths(figure: str, column: Sql, *, worst_first: bool) -> Sql:
    """The score of each value, in whole numbers: `5 (worse + worse and equal) / 2 all`, rounded up."""
    return sql(
        "{} AS (SELECT {}, ((5 * (2 * sum(heads) OVER (ORDER BY {}{}) - heads) + 2 * sum(heads) OVER () - 1) "
        "// (2 * sum(heads) OVER ()))::INTEGER AS {} FROM (SELECT {}, count(*) AS heads FROM scored_ GROUP BY {}))",
        name(f"of {figure}"),
        column,
        column,
        Sql("" if worst_first else " DESC"),
        Sql(figure),
        column,
        column,
    )


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
