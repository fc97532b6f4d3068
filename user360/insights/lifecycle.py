"""Lifecycle: who is new, returning, resurrected or dormant in each day, week or month.

Of whole calendar periods i, the states PostHog and Amplitude tell apart: *new* has the first qualifying event ever in i, searched over all
history; *returning* has one in i and in i-1; *resurrected* has one in i, none in i-1, and one before that; *dormant* has one in
i-1 and none in i. So active(i) = new + returning + resurrected, dormant(i) = active(i-1) - returning(i), and
quick ratio = (new + resurrected) / dormant. The first and last period are taken whole; the present one is unfinished.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
import pyarrow as pa

from user360 import clock, crowds, insight, likeness, marks, ordering
from user360.errors import InvalidInsight
from user360.insight import Insight, Plan, Role, check_scope
from user360.segments import event_leaves, windows
from user360.segments.frames import Frame
from user360.segments.rules import During, EventMoment, Events, Group
from user360.sql import Sql, sql

if TYPE_CHECKING:
    from collections.abc import Mapping

    from user360.insight import Asked
    from user360.ordering import Array
    from user360.segments import Catalog, Node, Rule

NEW, RETURNING, RESURRECTED, DORMANT = "new", "returning", "resurrected", "dormant"
STATES: Final = (NEW, RETURNING, RESURRECTED, DORMANT)
UNITS: Final = ("day", "week", "month")
_EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LONG_AGO: Final = date(1900, 1, 1)
_TICK: Final = timedelta(microseconds=1)
_COUNTED: Final = pa.schema({"time": pa.string(), "state": pa.string(), "users": pa.int64()})
_THIS: Final = {"day": "today", "week": "this_week", "month": "this_month"}
_LAST: Final = {"day": "yesterday", "week": "last_week", "month": "last_month"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifecycle(Insight):
    """Where people stand, period by period."""

    kind: ClassVar[str] = "lifecycle"
    label: ClassVar[str] = "Lifecycle"
    definition: ClassVar[str] = (
        "New: the first event ever. Returning: also in the period before. Resurrected: not in the period before, but earlier. "
        "Dormant: in the period before and not in this one."
    )
    roles: ClassVar[dict[str, Role]] = {
        "time": Role("time", "Time"),
        "state": Role("dimension", "State"),
        "users": Role("measure", "Users", "users", people=True),
    }

    of: Events = marks.ANYTHING

    def check(self, catalog: Catalog) -> None:
        """Refuse events there are not, hours, and a breakdown beside the one it is."""
        check_scope(self, catalog)
        marks.checked(self.of, catalog, "$.of")
        if self.granularity not in UNITS:
            raise InvalidInsight("$.granularity", "is not day, week or month.", "Choose one of them.")
        if self.breakdown is not None:
            raise InvalidInsight("$.breakdown", "cannot be asked: a lifecycle is one already.", "Filter people instead.")

    def compile(self, asked: Asked) -> Plan:
        """The periods of each person in order, each with the one before and after; counted by a bitmap a period."""
        relation = self._relation(asked)
        if not marks.fits(asked, len(self._places(asked))):
            return Plan(relation, sql("SELECT time, state, count(*) AS users FROM ({}) GROUP BY ALL ORDER BY ALL", relation))
        return Plan(relation, lambda: self._counted(asked))

    def _such(self, asked: Asked) -> Sql:
        """The condition that an event counts."""
        such = event_leaves.matching(marks.checked(self.of, asked.catalog, "$"), Frame(asked.catalog, asked.at))
        return sql("{} AND {}", such, marks.within(self, asked, _EVER, self._edges(asked)[2]))

    def _places(self, asked: Asked) -> list[datetime]:
        """Where the period before the first begins, and those that have begun."""
        here, _, end = self._edges(asked)
        found = [here]
        while (here := windows.unit_around(here, 0, self.granularity, asked.catalog)[1]) < end and here <= asked.at:
            found.append(here)
        return found

    def _counted(self, asked: Asked) -> pa.Table:
        """A period is one bitmap, its states what that shares with the one before and with all before."""
        places, (early, _, end) = self._places(asked), self._edges(asked)
        names = [clock.calendar_day(each, asked.catalog.zone).isoformat() for each in places]
        rows, spot = sql("events WHERE {} AND {}", self._such(asked), marks.known(asked)), marks.spot(self, asked, early, end)
        size = min(crowds.most_at_once(asked), (len(places) + 1) // 2)

        def bitmaps(first: int | None) -> Array:
            if first is None:
                before = sql("{} AND occurred_at < {}", rows, clock.stored(early))
                return crowds.bitmaps(asked, before, Sql("0"), 1)
            some, until = places[first : first + size], [*places, end][min(first + size, len(places))]
            there = sql("{} AND occurred_at >= {} AND occurred_at < {}", rows, *map(clock.stored, (some[0], until)))
            return crowds.bitmaps(asked, there, marks.nth(self, spot, names[first]), len(some))

        ever, *found = ordering.at_once(bitmaps, [None, *range(0, len(places), size)])
        users = [each for some in found for each in some]
        drawn: list[tuple[str, str, int]] = []
        for named, last, here in zip(names[1:], users[:-1], users[1:], strict=True):
            ever[0] |= last
            heads, before, returning, known = (
                int(np.bitwise_count(each).sum()) for each in (here, last, here & last, here & ever[0])
            )
            told = ((DORMANT, before - returning), (NEW, heads - known), (RESURRECTED, known - returning), (RETURNING, returning))
            drawn += [(named, state, each) for state, each in told if each]
        columns = list(zip(*drawn, strict=True)) or [(), (), ()]
        return pa.Table.from_arrays(
            [pa.array(each, of) for each, of in zip(columns, _COUNTED.types, strict=True)], schema=_COUNTED
        )

    def _relation(self, asked: Asked) -> Sql:
        early, first, end = self._edges(asked)
        before = clock.calendar_day(early, asked.catalog.zone)
        begin, today = (clock.calendar_day(each, asked.catalog.zone) for each in (first, min(asked.at, end - _TICK)))
        spot = marks.spot(self, asked, early, end)
        seen = sql(
            "SELECT DISTINCT profile_key, CASE WHEN occurred_at < {} THEN {} ELSE {} END AS seen FROM events WHERE {}",
            clock.stored(early),
            _LONG_AGO,
            spot,
            self._such(asked),
        )
        return sql(
            "WITH seen AS MATERIALIZED (SELECT *, lag(seen) OVER ways AS before, lead(seen) OVER ways AS after FROM ({}) "
            "WINDOW ways AS (PARTITION BY profile_key ORDER BY seen)) "
            "SELECT profile_key, seen::VARCHAR AS time, CASE WHEN before IS NULL THEN {} WHEN before = {} THEN {} ELSE {} END AS state "
            "FROM seen WHERE seen >= {} UNION ALL "
            "SELECT profile_key, ({})::VARCHAR AS time, {} AS state FROM seen WHERE seen >= {} AND {} BETWEEN {} AND {} "
            "AND (after IS NULL OR after > {})",
            seen,
            NEW,
            self._moved(back=True),
            RETURNING,
            RESURRECTED,
            begin,
            self._moved(),
            DORMANT,
            before,
            self._moved(),
            begin,
            today,
            self._moved(),
        )

    def like(self, cell: Mapping[str, Any], asked: Asked, *, moving: bool) -> Rule | None:
        """Who did it in the period, in the one before, or ever before; moving, of the present period and the last."""
        state, named = cell.get("state"), cell.get("time")
        if state not in STATES or (named is None and not moving):
            return None
        if moving:
            now, last = (During("calendar", (each[self.granularity],)) for each in (_THIS, _LAST))
            first = EventMoment(self._of(), "first", "in_period", now.values)
        else:
            here = clock.start_of_day(date.fromisoformat(str(named)), asked.catalog.zone)
            begin, end = windows.unit_around(here, 0, self.granularity, asked.catalog)
            earlier, _ = windows.unit_around(here, -1, self.granularity, asked.catalog)
            now, last = _between(begin, end), _between(earlier, begin)
            first = EventMoment(self._of(), "first", "between", now.values)
        did, before = likeness.happened(self, self.of, {}, now), likeness.happened(self, self.of, {}, last)
        said: dict[str, tuple[Node, ...]] = {
            NEW: (first,),
            RETURNING: (did, before),
            RESURRECTED: (did, Group("none", (before,)), Group("none", (first,))),
            DORMANT: (before, Group("none", (did,))),
        }
        return likeness.rule(self, cell, asked, said[str(state)])

    def _of(self) -> Events:
        return likeness.happened(self, self.of, {}).of

    def _edges(self, asked: Asked) -> tuple[datetime, datetime, datetime]:
        """Where the period before the first begins, where the first does, and where the last ends."""
        start, end = insight.span(self.period, asked.catalog, asked.at)
        first, _ = windows.unit_around(start, 0, self.granularity, asked.catalog)
        early, _ = windows.unit_around(start, -1, self.granularity, asked.catalog)
        found = insight.buckets(self, asked)
        _, until = windows.unit_around(found[-1].start, 0, self.granularity, asked.catalog)
        return early, first, max(until, end)

    def _moved(self, *, back: bool = False) -> Sql:
        """The period after that of `seen`, or before it."""
        sign = Sql("-" if back else "+")
        if self.granularity == "month":
            return sql("(seen {} INTERVAL 1 MONTH)::DATE", sign)
        return sql("(seen {} {})", sign, 7 if self.granularity == "week" else 1)


def _between(first: datetime, last: datetime) -> During:
    return During("between", (first.isoformat(), last.isoformat()))


INSIGHT = Lifecycle
