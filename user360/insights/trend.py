"""Trends: one to five series of events over time, as a total, as users, per user, or as a figure of one of their properties.

`total(b)` counts events in bucket b, `users(b)` distinct people, `per user = total ÷ users`; sum, average, median, 90th
percentile and distinct are of the property's values read as numbers (distinct: as text). A breakdown shows its largest
groups by people, then Other and (no value). Every mark opens the people whose events it counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from user360 import likeness, marks
from user360.errors import InvalidInsight
from user360.insight import Insight, Plan, Role, check_scope
from user360.segments import event_leaves, event_values
from user360.segments.frames import Frame
from user360.segments.rules import Events  # noqa: TC001 - the reader of questions looks at it
from user360.sql import Sql, joined, sql

if TYPE_CHECKING:
    from collections.abc import Mapping

    from user360.insight import Asked
    from user360.segments import Catalog, Rule

MOST_SERIES: Final = 5
Figure = Literal["total", "users", "per_user", "sum", "average", "median", "p90", "distinct"]
OF_PROPERTY: Final = ("sum", "average", "median", "p90", "distinct")
_FIGURES: Final = {
    "total": "count(*)",
    "users": "count(DISTINCT profile_key)",
    "per_user": "count(*) / count(DISTINCT profile_key)",
    "sum": "coalesce(sum(number), 0)",
    "average": "avg(number)",
    "median": "median(number)",
    "p90": "quantile_cont(number, 0.9)",
    "distinct": "count(DISTINCT word)",
}


@dataclass(frozen=True, slots=True)
class Series:
    """Which events, and which figure of them."""

    of: Events
    figure: Figure = "users"
    property: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend(Insight):
    """Series of events over time."""

    kind: ClassVar[str] = "trend"
    label: ClassVar[str] = "Trend"
    definition: ClassVar[str] = "How often an event happens, to how many users, or what its properties come to, over time."
    roles: ClassVar[dict[str, Role]] = {
        "series": Role("dimension", "Series"),
        "time": Role("time", "Time"),
        "breakdown": Role("dimension", "Breakdown"),
        "value": Role("measure", "Value"),
        "users": Role("measure", "Users", "users", people=True),
    }

    series: tuple[Series, ...]

    def check(self, catalog: Catalog) -> None:
        """Refuse events there are not, and figures without a property."""
        check_scope(self, catalog)
        if not 1 <= len(self.series) <= MOST_SERIES:
            raise InvalidInsight("$.series", f"are not 1 to {MOST_SERIES}.", "Take some out.")
        for place, each in enumerate(self.series):
            path = f"$.series[{place}]"
            if each.figure in OF_PROPERTY and not each.property:
                raise InvalidInsight(f"{path}.property", "is missing.", "Say which property of the event it is of.")
            marks.checked(each.of, catalog, f"{path}.of")

    def compile(self, asked: Asked) -> Plan:
        """Rows of events, one relation for all series."""
        raw, beside = marks.raw(self.breakdown, asked)
        frame = Frame(asked.catalog, asked.at)
        parts = [
            sql(
                "SELECT profile_key, {} AS series, {} AS time, {} AS number, {} AS word{} FROM events{} WHERE {} AND {}",
                place,
                marks.bucket(self, asked),
                event_values.number(each.property, each.of.event, asked.catalog) if each.property else Sql("NULL::DOUBLE"),
                sql("({})::VARCHAR", event_values.plain(each.property)) if each.property else Sql("NULL::VARCHAR"),
                raw,
                beside,
                event_leaves.matching(marks.checked(each.of, asked.catalog, "$"), frame),
                marks.within(self, asked),
            )
            for place, each in enumerate(self.series)
        ]
        relation = marks.broken(joined(" UNION ALL ", parts), self.breakdown)
        columns = Sql("series, time, breakdown" if self.breakdown else "series, time")
        figures = [Sql(f"WHEN {place} THEN {_FIGURES[each.figure]}") for place, each in enumerate(self.series)]
        answer = sql(
            "SELECT {}, (CASE series {} END)::DOUBLE AS value, count(DISTINCT profile_key) AS users FROM ({}) GROUP BY {} ORDER BY {}",
            columns,
            joined(" ", figures),
            relation,
            columns,
            columns,
        )
        return Plan(relation, answer)

    def like(self, cell: Mapping[str, Any], asked: Asked, *, moving: bool) -> Rule | None:
        """Who had such an event in the time of the mark."""
        place = cell.get("series", 0)
        if cell.get("breakdown") == "other" or place >= len(self.series):
            return None
        during = likeness.window(self, cell, asked, moving=moving)
        return likeness.rule(self, cell, asked, (likeness.happened(self, self.series[place].of, cell, during),))


INSIGHT = Trend
