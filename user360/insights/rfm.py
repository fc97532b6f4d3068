"""RFM: people by how lately, how often and for how much they did an event, each scored from 1 to 5, in ten named groups.

At the end of the period (or now): `R` by calendar days since the last such event, `F` by their number in the period, `M` by
the sum of a property of theirs (research/features.md 5.7); `score = ceil(5 × (worse + equal / 2) / all)`, best 5, so ties
share a score (`scoring` says why, and holds the groups). The grid is R by F, by M, or by their mean rounded up. Who had no such event in the period is
not scored: a group of its own, never R = 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from user360 import likeness, marks, scoring
from user360.insight import Insight, Plan, Role, check_scope
from user360.segments.rules import Events, Group
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
            'WITH people AS MATERIALIZED ({}), scored AS MATERIALIZED ({}) SELECT profile_key, "group", recency, score, days, times, amount '
            'FROM scored UNION ALL SELECT profile_key, "group", NULL, NULL, days, times, amount FROM scored UNION ALL '
            "SELECT profile_key, {}, NULL, NULL, NULL, NULL, NULL FROM ({})",
            people,
            scoring.scored(Sql("SELECT * FROM people"), self.second),
            scoring.NOT_SCORED,
            scoring.unscored(Sql("SELECT * FROM people"), asked),
        )
        answer = sql(
            'SELECT "group", recency, score, count(DISTINCT profile_key) AS users, avg(days) AS days, avg(times) AS times, '
            'avg(amount) AS amount FROM ({}) GROUP BY "group", recency, score ORDER BY recency IS NOT NULL, recency DESC, score DESC, "group"',
            relation,
        )
        return Plan(relation, answer)

    def like(self, cell: Mapping[str, Any], asked: Asked, *, moving: bool) -> Rule | None:
        """Of who is not scored: that they had no such event. A score is of all others at one instant, which no rule says."""
        if cell.get("group") != scoring.NOT_SCORED:
            return None
        during = likeness.window(self, {}, asked, moving=moving)
        return likeness.rule(self, cell, asked, (Group("none", (likeness.happened(self, self.of, cell, during),)),))


INSIGHT = Rfm
