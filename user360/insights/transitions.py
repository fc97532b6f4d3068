"""Movements between the groups of RFM: where everybody stood at the end of the period, and so many days earlier.

Both times the groups are those of `rfm`, scored anew over a period of the same length (after CleverTap's RFM
transitions). Who was scored neither time is no row; who was once not scored comes from there or went there.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from user360 import likeness, marks, scoring
from user360.errors import InvalidInsight
from user360.insight import Insight, Plan, Role, check_scope
from user360.scoring import Scored
from user360.segments.rules import Events  # noqa: TC001 - the reader of questions looks at it
from user360.sql import Sql, sql

if TYPE_CHECKING:
    from collections.abc import Mapping

    from user360.insight import Asked
    from user360.segments import Catalog, Node, Rule

FARTHEST: Final = 366


@dataclass(frozen=True, slots=True, kw_only=True)
class Transitions(Insight):
    """As `rfm`, and how many days earlier it is held against."""

    kind: ClassVar[str] = "transitions"
    label: ClassVar[str] = "Movements"
    definition: ClassVar[str] = (
        "From which value group to which everybody moved in the days said: both times scored over a period of the same length."
    )
    roles: ClassVar[dict[str, Role]] = {
        "earlier": Role("dimension", "Group before"),
        "group": Role("dimension", "Group now"),
        "users": Role("measure", "Users", "users", people=True),
    }

    of: Events
    amount: str = ""
    second: Literal["frequency", "amount", "both"] = "frequency"
    apart: int = 30

    def check(self, catalog: Catalog) -> None:
        """Refuse events there are not, and a distance that is none."""
        check_scope(self, catalog)
        marks.checked(self.of, catalog, "$.of")
        scoring.check(self.second, self.amount)
        marks.no_breakdown(self)
        if not 1 <= self.apart <= FARTHEST:
            raise InvalidInsight("$.apart", f"is not from 1 to {FARTHEST}.")

    def compile(self, asked: Asked) -> Plan:
        """A row for everyone who was scored at least once."""
        now, then = (
            scoring.rated(scoring.of_people(self, self.of, self.amount, asked, back=back), self.second)
            for back in (timedelta(), timedelta(days=self.apart))
        )
        both = sql(
            "SELECT profile_key, a.recency AS r, a.score AS s, b.recency AS earlier_r, b.score AS earlier_s FROM "
            "(SELECT profile_key, recency, score FROM ({})) a FULL JOIN (SELECT profile_key, recency, score FROM ({})) b USING (profile_key)",
            now,
            then,
        )
        missing = scoring.NOT_SCORED
        earlier, group = scoring.group(Sql("earlier_r"), Sql("earlier_s")), scoring.group(Sql("r"), Sql("s"))
        named = sql('coalesce({}, {}) AS earlier, coalesce({}, {}) AS "group"', earlier, missing, group, missing)
        relation = sql("SELECT profile_key, {} FROM ({})", named, both)
        answer = sql(
            'SELECT earlier, "group", sum(heads)::BIGINT AS users FROM (SELECT {}, heads FROM (SELECT r, s, earlier_r, earlier_s, '
            'count(*) AS heads FROM ({}) GROUP BY ALL)) GROUP BY earlier, "group" ORDER BY earlier, "group"',
            named,
            both,
        )
        return Plan(relation, answer)

    def like(self, cell: Mapping[str, Any], asked: Asked, *, moving: bool) -> Rule | None:
        """Who is as those of the group now and was as those of the group before; no window that moves ends days ago."""
        if moving or "group" not in cell or "earlier" not in cell:
            return None
        found: list[Node] = []
        for group, back in ((cell["group"], timedelta()), (cell["earlier"], timedelta(days=self.apart))):
            by = Scored(self, self.of, self.amount, self.second, back)
            side = scoring.alike(by, {"group": group}, asked, moving=False)
            if side is None:
                return None
            found += side
        return likeness.rule(self, cell, asked, found)


INSIGHT = Transitions
