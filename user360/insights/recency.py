"""Recency: how many people did an event last today, yesterday, within a week … at the end of the period, or now.

`R = day of the end − day of the last such event in the period`, in days of the workspace's calendar, the R of RFM
(Bult and Wansbeek 1995), in the stretches of `scoring.EDGES`. Who did not do it in the period has no place among them: (no value).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from user360 import clock, insight, likeness, marks, scoring
from user360.insight import Insight, Plan, Role, check_scope
from user360.segments.rules import During, Events, Group
from user360.sql import Sql, joined, sql

if TYPE_CHECKING:
    from collections.abc import Mapping

    from user360.insight import Asked
    from user360.segments import Catalog, Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Recency(Insight):
    """Which events."""

    kind: ClassVar[str] = "recency"
    label: ClassVar[str] = "Recency"
    definition: ClassVar[str] = "How many days ago everyone did it last, at the end of the period or now."
    roles: ClassVar[dict[str, Role]] = {
        "days": Role("dimension", "Days since, from"),
        "users": Role("measure", "Users", "users", people=True),
    }

    of: Events

    def check(self, catalog: Catalog) -> None:
        """Refuse events there are not."""
        check_scope(self, catalog)
        marks.checked(self.of, catalog, "$.of")
        marks.no_breakdown(self)

    def compile(self, asked: Asked) -> Plan:
        """A row for everyone."""
        cases = joined(" ", [sql("WHEN days >= {} THEN {}", edge, edge) for edge in reversed(scoring.EDGES)])
        people = sql(
            "SELECT profile_key, (CASE {} END)::INTEGER AS days FROM ({})", cases, scoring.of_people(self, self.of, "", asked)
        )
        return scoring.spread(people, "days", Sql("NULL"), asked)

    def like(self, cell: Mapping[str, Any], asked: Asked, *, moving: bool) -> Rule | None:
        """Who did it in that stretch and not since; a period that begins within a day has no such days."""
        low = cell.get("days")
        if low is None:
            during = likeness.window(self, {}, asked, moving=moving)
            return likeness.rule(self, {}, asked, (Group("none", (likeness.happened(self, self.of, {}, during),)),))
        if low not in scoring.EDGES or (self.period.last is not None and self.period.unit == "hour"):
            return None
        parts = [likeness.happened(self, self.of, {}, _stretch(self, asked, low, moving=moving))]
        if low:
            since = During("last", (low, "day")) if moving else _days(self, asked, 0, low - 1)
            return likeness.rule(self, {}, asked, (*parts, Group("none", (likeness.happened(self, self.of, {}, since),))))
        return likeness.rule(self, {}, asked, parts)


def _stretch(question: Recency, asked: Asked, low: int, *, moving: bool) -> During:
    """The days of a stretch, cut where the period begins."""
    start, _ = insight.span(question.period, asked.catalog, asked.at)
    most = (scoring.last_day(question, asked) - clock.calendar_day(start, asked.catalog.zone)).days
    high = max(min(next((edge - 1 for edge in scoring.EDGES if edge > low), most), most), low)
    return During("last", (high + 1, "day")) if moving else _days(question, asked, low, high)


def _days(question: Recency, asked: Asked, low: int, high: int) -> During:
    last = scoring.last_day(question, asked)
    return During("between", ((last - timedelta(days=high)).isoformat(), (last - timedelta(days=low)).isoformat()))


INSIGHT = Recency
