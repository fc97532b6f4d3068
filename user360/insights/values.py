"""Values: how many people have which value of a property, and of two properties against each other.

Everyone counts once at each value they have; a list is taken apart, who has no value stands at (no value). Values are places
on an axis as `binning` says: numbers in even steps, days by period, the commonest texts and Other. It is of the profiles as
they are now; the period does not matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

from user360 import binning, likeness, marks
from user360.errors import InvalidInsight, nearest, shorten
from user360.insight import Insight, Plan, Role, check_scope
from user360.sql import Sql, sql

if TYPE_CHECKING:
    from collections.abc import Mapping

    from user360.insight import Asked
    from user360.segments import Catalog, Rule

MOST: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Values(Insight):
    """Of which property, against which other, and how many places each may have."""

    kind: ClassVar[str] = "values"
    label: ClassVar[str] = "Values"
    definition: ClassVar[str] = "How many people have which value of a property now. A person counts at each value of a list."
    roles: ClassVar[dict[str, Role]] = {
        "value": Role("dimension", "Value"),
        "across": Role("dimension", "Other property"),
        "place": Role("measure", "Place"),
        "across_place": Role("measure", "Place of the other"),
        "users": Role("measure", "Users", "users", people=True),
    }

    property: str
    across: str = ""
    most: int = 15

    def check(self, catalog: Catalog) -> None:
        """Refuse properties there are not."""
        check_scope(self, catalog)
        marks.no_breakdown(self)
        for field, value in (("property", self.property), ("across", self.across)):
            if value not in catalog.properties and (value or field == "property"):
                near = nearest(value, catalog.properties)
                hint = f"Did you mean “{near}”?" if near else ""
                raise InvalidInsight(f"$.{field}", f"there is no property “{shorten(value)}”.", hint)
        if self.across == self.property:
            raise InvalidInsight("$.across", "is the same property.", "Choose another.")
        if not 1 <= self.most <= MOST:
            raise InvalidInsight("$.most", f"is not from 1 to {MOST}.")

    def compile(self, asked: Asked) -> Plan:
        """A row for each value of a person, or for each pair."""
        known = asked.catalog.properties
        relation = sql(
            "SELECT profile_key, mark AS value, place FROM ({})", binning.placed(known[self.property], self.most, asked)
        )
        columns, places = Sql("value"), Sql("min(place) AS place")
        if not self.across and known[self.property].datatype.name != "list":
            counted = binning.counted(known[self.property], self.most, asked)
            return Plan(relation, sql("SELECT mark AS value, place, users FROM ({}) ORDER BY place, value", counted))
        if self.across:
            relation = sql(
                "SELECT profile_key, value, a.place, mark AS across, b.place AS across_place FROM ({}) a JOIN ({}) b USING (profile_key)",
                relation,
                binning.placed(known[self.across], self.most, asked),
            )
            columns, places = Sql("value, across"), Sql("min(place) AS place, min(across_place) AS across_place")
            if "list" not in {known[each].datatype.name for each in (self.property, self.across)}:
                pairs = binning.pairs(known[self.property], known[self.across], self.most, asked)
                return Plan(relation, sql("SELECT * FROM ({}) ORDER BY place, value, across", pairs))
        answer = sql(
            "SELECT {}, {}, count(DISTINCT profile_key) AS users FROM ({}) GROUP BY {} ORDER BY place, {}",
            columns,
            places,
            relation,
            columns,
            columns,
        )
        return Plan(relation, answer)

    def like(self, cell: Mapping[str, Any], asked: Asked, *, moving: bool) -> Rule | None:  # noqa: ARG002 - values have no window
        """Who has that value, and the other."""
        found = []
        for named, mark in ((self.property, cell.get("value")), (self.across, cell.get("across"))):
            if named and mark is not None:
                node = binning.like(asked.catalog.properties[named], mark)
                if node is None:
                    return None
                found.append(node)
        return likeness.rule(self, {}, asked, found)


INSIGHT = Values
