"""Frequency: how many people did an event once, twice, three times … in the period, or on how many days.

`S(k) = |{p : p did it exactly k times}|` (of days it is Amplitude's stickiness, k of n); the last place holds `most` times and
more, 0 those who did not do it. Days are those of the workspace's calendar.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from user360 import clock, insight, likeness, marks, scoring
from user360.errors import InvalidInsight
from user360.insight import Insight, Plan, Role, check_scope
from user360.segments import event_leaves
from user360.segments.frames import Frame
from user360.segments.rules import EventCondition, Events, Group, Times
from user360.sql import Sql, sql

if TYPE_CHECKING:
    from collections.abc import Mapping

    from user360.insight import Asked
    from user360.segments import Catalog, Rule

MOST: Final = 100
_BITS: Final = 120  # days that fit into one number


@dataclass(frozen=True, slots=True, kw_only=True)
class Frequency(Insight):
    """Which events, whether times or days are counted, and where counting ends."""

    kind: ClassVar[str] = "frequency"
    label: ClassVar[str] = "Frequency"
    definition: ClassVar[str] = "How many people did it how often in the period. Who did not do it counts at 0."
    roles: ClassVar[dict[str, Role]] = {
        "times": Role("dimension", "Times"),
        "users": Role("measure", "Users", "users", people=True),
    }

    of: Events
    counted: Literal["times", "days"] = "times"
    most: int = 15

    def check(self, catalog: Catalog) -> None:
        """Refuse events there are not, and an end that is none."""
        check_scope(self, catalog)
        marks.checked(self.of, catalog, "$.of")
        marks.no_breakdown(self)
        if not 1 <= self.most <= MOST:
            raise InvalidInsight("$.most", f"is not from 1 to {MOST}.")

    def compile(self, asked: Asked) -> Plan:
        """A row for everyone."""
        start, end = insight.span(self.period, asked.catalog, asked.at)
        where = sql(
            "{} AND {}",
            event_leaves.matching(marks.checked(self.of, asked.catalog, "$.of"), Frame(asked.catalog, asked.at)),
            marks.within(self, asked),
        )
        people = sql(
            "SELECT profile_key, least(count(*), {})::INTEGER AS times FROM {} GROUP BY profile_key",
            self.most,
            sql("events WHERE {}", where)
            if self.counted == "times"
            else sql("(SELECT DISTINCT profile_key, ({})::DATE FROM events WHERE {})", marks.local(asked, start, end), where),
        )
        days = (end - start).days + 1
        if self.counted == "days" and days < _BITS:
            first = clock.calendar_day(start, asked.catalog.zone)
            people = sql(
                "SELECT profile_key, least(bit_count(bit_or(1::HUGEINT << (({})::DATE - {})::INTEGER)), {})::INTEGER AS times "
                "FROM events WHERE {} GROUP BY profile_key",
                marks.local(asked, start, end),
                first,
                self.most,
                where,
            )
        return scoring.spread(people, "times", Sql("0"), asked)

    def like(self, cell: Mapping[str, Any], asked: Asked, *, moving: bool) -> Rule | None:
        """Who did it as often; days are asked by a rule only where they end now."""
        times = cell.get("times")
        if not isinstance(times, int) or (self.counted == "days" and times):
            return None
        during = likeness.window(self, {}, asked, moving=moving)
        happened = likeness.happened(self, self.of, {}, during)
        if not times:
            return likeness.rule(self, {}, asked, (Group("none", (happened,)),))
        often = Times("at_least" if times >= self.most else "exactly", (times,))
        return likeness.rule(self, {}, asked, (EventCondition(happened.of, often),))


INSIGHT = Frequency
