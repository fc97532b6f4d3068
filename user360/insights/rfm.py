"""RFM: people by how lately, how often and for how much they did an event, each scored from 1 to 5, in ten named groups.

At the end of the period (or now): `R` by calendar days since the last such event, `F` by their number in the period, `M` by
the sum of a property of theirs (Bult and Wansbeek 1995); `score = ceil(5 × (worse + equal / 2) / all)`, best 5, so ties
share a score (`scoring` says why, and holds the groups). The grid is R by F, by M, or by their mean rounded up. Who had no such event in the period is
not scored: a group of its own, never R = 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from user360 import likeness, marks, scoring
from user360.insight import Insight, Plan, Role, check_scope
from user360.segments.rules import During, EventCondition, Events, EventValue, Group, Measure, Times
from user360.sql import Sql, joined, name, sql

if TYPE_CHECKING:
    from collections.abc import Mapping

    from user360.insight import Asked
    from user360.segments import Catalog, Node, Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Rfm(Insight):
    """By which events, which property of theirs is the amount, and what stands beside recency."""

    kind: ClassVar[str] = "rfm"
    label: ClassVar[str] = "Value groups"
    definition: ClassVar[str] = (
        "Everyone with such an event in the period, in fifths by how lately and by how often or for how much. "
        "Equal values are never parted. Who had none is not scored."
    )
    roles: ClassVar[dict[str, Role]] = {
        "group": Role("dimension", "Group"),
        "recency": Role("dimension", "Recency score"),
        "score": Role("dimension", "Second score"),
        "users": Role("measure", "Users", "users", people=True),
        "days": Role("measure", "Days since, average", "days"),
        "times": Role("measure", "Times, average"),
        "amount": Role("measure", "Amount, average"),
    }

    of: Events
    amount: str = ""
    second: Literal["frequency", "amount", "both"] = "frequency"

    def check(self, catalog: Catalog) -> None:
        """Refuse events there are not, and an amount that is not said."""
        check_scope(self, catalog)
        marks.checked(self.of, catalog, "$.of")
        scoring.check(self.second, self.amount)
        marks.no_breakdown(self)

    def compile(self, asked: Asked) -> Plan:
        """A row for the cell of each person, one for their group."""
        scored = scoring.scored(scoring.of_people(self, self.of, self.amount, asked), self.second)
        relation = sql(
            'WITH scored AS MATERIALIZED ({}) SELECT profile_key, "group", recency, score FROM scored UNION ALL '
            'SELECT profile_key, "group", NULL, NULL FROM scored UNION ALL SELECT profile_key, {}, NULL, NULL FROM ({})',
            scored,
            scoring.NOT_SCORED,
            scoring.unscored(Sql("SELECT * FROM scored"), asked),
        )
        figures = Sql("count(*) AS users, avg(days) AS days, avg(times) AS times, avg(amount) AS amount")
        answer = sql(
            'WITH scored AS MATERIALIZED ({}), counted AS (SELECT "group", recency, score, {} FROM scored GROUP BY ALL UNION ALL '
            'SELECT "group", NULL, NULL, {} FROM scored GROUP BY ALL UNION ALL SELECT {}, NULL, NULL, {}, NULL, NULL, NULL) '
            'SELECT * FROM counted WHERE users > 0 ORDER BY recency IS NOT NULL, recency DESC, score DESC, "group"',
            scored,
            figures,
            figures,
            scoring.NOT_SCORED,
            scoring.others(asked, Sql("(SELECT count(*) FROM scored)")),
        )
        return Plan(relation, answer)

    def like(self, cell: Mapping[str, Any], asked: Asked, *, moving: bool) -> Rule | None:
        """Who is as lately, as often and for as much as these: the edges of their scores, as they are now.

        A score by both is no stretch of either, so no rule says it. Who is not scored had no such event.
        """
        during = likeness.window(self, {}, asked, moving=moving)
        happened = likeness.happened(self, self.of, {}, during)
        if cell.get("group") == scoring.NOT_SCORED:
            return likeness.rule(self, cell, asked, (Group("none", (happened,)),))
        edges = self._edges(cell, asked) if self.second != "both" else None
        if edges is None:
            return None
        return likeness.rule(self, cell, asked, (*self._lately(edges, asked, moving=moving), *self._enough(edges, happened)))

    def _edges(self, cell: Mapping[str, Any], asked: Asked) -> _Edges | None:
        """The least and greatest of what those of a cell have; a score is a stretch of values, as ties are never parted."""
        if asked.read is None:
            return None
        scored = scoring.scored(scoring.of_people(self, self.of, self.amount, asked), self.second)
        named = {"group": cell.get("group"), "recency": cell.get("recency"), "score": cell.get("score")}
        those = [sql("{} = {}", name(each), value) for each, value in named.items() if value is not None]
        figure = Sql("times" if self.second == "frequency" else "amount")
        (found,) = asked.read(
            sql(
                "SELECT min(days) AS first_day, max(days) AS last_day, min({}) AS low, max({}) AS high, max(recency) = {} AS newest, "
                "min(recency) = 1 AS oldest, max(score) = {} AS best, min(score) = 1 AS worst "
                "FROM ({}) WHERE {}",
                figure,
                figure,
                scoring.BEST,
                scoring.BEST,
                scored,
                joined(" AND ", those) if those else Sql("true"),
            )
        ).to_pylist()
        return _Edges(**found) if found["first_day"] is not None else None

    def _lately(self, edges: _Edges, asked: Asked, *, moving: bool) -> list[Node]:
        """The last such event in that stretch of days: one in it, none since."""
        last = scoring.last_day(self, asked)

        def days(low: int, high: int) -> During:
            if moving:
                return During("last", (high + 1, "day"))
            return During("between", ((last - timedelta(days=high)).isoformat(), (last - timedelta(days=low)).isoformat()))

        found: list[Node] = []
        if not edges.oldest:
            found.append(likeness.happened(self, self.of, {}, days(edges.days[0], edges.days[1])))
        if not edges.newest and edges.days[0]:
            found.append(Group("none", (likeness.happened(self, self.of, {}, days(0, edges.days[0] - 1)),)))
        return found

    def _enough(self, edges: _Edges, happened: EventCondition) -> list[Node]:
        """As often in the period, or for as much."""
        low, high = edges.figures
        if self.second == "frequency":
            least, most = int(low), int(high)
            if edges.best:
                return [EventCondition(happened.of, Times("at_least", (least,)))]
            return [EventCondition(happened.of, Times("between", (1 if edges.worst else least, most)))]
        amount = Measure("sum", self.amount)
        parts: list[Node] = [happened]
        if not edges.worst:
            parts.append(EventValue(happened.of, amount, "at_least", (low,)))
        if not edges.best:
            parts.append(EventValue(happened.of, amount, "at_most", (high,)))
        return parts


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

    @property
    def days(self) -> tuple[int, int]:
        """The least and greatest days since."""
        return self.first_day, self.last_day

    @property
    def figures(self) -> tuple[float, float]:
        """The least and greatest number of times, or amount."""
        return self.low, self.high


INSIGHT = Rfm
