"""RFM: people by how lately, how often and for how much they did an event, each scored from 1 to 5, in ten named groups.

At the end of the period (or now): `R` by calendar days since the last such event, `F` by their number in the period, `M` by
the sum of a property of theirs (Bult and Wansbeek 1995); `score = ceil(5 × (worse + equal / 2) / all)`, best 5, so ties
share a score (`scoring` says why, and holds the groups). The grid is R by F, by M, or by their mean rounded up. Who had no such event in the period is
not scored: a group of its own, never R = 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from user360 import likeness, marks, scoring
from user360.insight import Insight, Plan, Role, check_scope
from user360.scoring import Scored
from user360.segments.rules import Events  # noqa: TC001 - the reader of questions looks at it
from user360.sql import Sql, sql

if TYPE_CHECKING:
    from collections.abc import Mapping

    from user360.insight import Asked
    from user360.segments import Catalog, Rule


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
        people = scoring.of_people(self, self.of, self.amount, asked)
        relation = sql(
            'WITH scored AS MATERIALIZED ({}) SELECT profile_key, "group", recency, score FROM scored UNION ALL '
            'SELECT profile_key, "group", NULL, NULL FROM scored UNION ALL SELECT profile_key, {}, NULL, NULL FROM ({})',
            scoring.scored(people, self.second),
            scoring.NOT_SCORED,
            scoring.unscored(Sql("SELECT * FROM scored"), asked),
        )
        answer = sql(
            "WITH cells AS MATERIALIZED ({}), "
            'named AS (SELECT {} AS "group", * FROM cells), counted AS (SELECT * FROM named UNION ALL '
            'SELECT "group", NULL, NULL, sum(users), sum(days), sum(times), sum(amount) FROM named GROUP BY "group" '
            "UNION ALL SELECT {}, NULL, NULL, {}, NULL, NULL, NULL) "
            'SELECT "group", recency, score, users::BIGINT AS users, days / users AS days, times / users AS times, amount / users AS amount '
            'FROM counted WHERE users > 0 ORDER BY recency IS NOT NULL, recency DESC, score DESC, "group"',
            scoring.celled(people, self.second),
            scoring.group(Sql("recency"), Sql("score")),
            scoring.NOT_SCORED,
            scoring.others(asked, Sql("(SELECT coalesce(sum(users), 0) FROM cells)")),
        )
        return Plan(relation, answer)

    def like(self, cell: Mapping[str, Any], asked: Asked, *, moving: bool) -> Rule | None:
        """Who is as lately, as often and for as much as these: the edges of their scores, as they are now."""
        marks_of = {each: cell.get(each) for each in ("group", "recency", "score")}
        found = scoring.alike(Scored(self, self.of, self.amount, self.second), marks_of, asked, moving=moving)
        return None if found is None else likeness.rule(self, cell, asked, found)


INSIGHT = Rfm
