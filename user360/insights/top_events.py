"""Top events: which events most users had in the period, how often, against the period before, and place by place.

`users(e) = |{p : p has an event e in the period}|`, `events(e)` counts them; the `most` with the most users, then Other.
`before` is the period before, only as far into it as now. System events never count.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
import pyarrow as pa

from user360 import clock, events, insight, likeness, marks, ordering
from user360.errors import InvalidInsight
from user360.events import FIRST_OF_OTHERS
from user360.insight import OTHER, VALUE, Insight, Plan, Role, check_scope
from user360.segments.rules import During, Events
from user360.sql import NOTHING, Sql, joined, sql

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from user360.insight import Asked
    from user360.segments import Rule

NOW, BEFORE = "now", "before"
_NUMBER: Final = Sql("event_id")
_COUNTED: Final = pa.schema({"event": pa.string(), "time": pa.string(), "users": pa.int64(), "events": pa.int64()})


@dataclass(frozen=True, slots=True, kw_only=True)
class TopEvents(Insight):
    """The events with the most users."""

    kind: ClassVar[str] = "top_events"
    label: ClassVar[str] = "Top events"
    definition: ClassVar[str] = "The events that most users had in the period. System events are left out."
    roles: ClassVar[dict[str, Role]] = {
        "event": Role("dimension", "Event"),
        "time": Role("time", "Time"),
        "users": Role("measure", "Users", "users", people=True),
        "events": Role("measure", "Events"),
    }

    most: int = 5

    def check(self, catalog: Any) -> None:
        """Refuse a breakdown, and more events than can be read."""
        check_scope(self, catalog)
        if self.breakdown is not None:
            raise InvalidInsight("$.breakdown", "is not asked here.", "Leave it out.")
        if not 1 <= self.most <= 50:  # noqa: PLR2004 - as many as can be told apart in a table
            raise InvalidInsight("$.most", "is not from 1 to 50.")

    def compile(self, asked: Asked) -> Plan:
        """Totals are counted event by event, which ranks them too; only then the few that are named are cut into places."""
        start, stop, earlier, until = (clock.stored(each) for each in insight.against(self.period, asked.catalog, asked.at))
        now = sql("occurred_at >= {} AND occurred_at < {}", start, stop)
        before = sql("occurred_at >= {} AND occurred_at < {}", earlier, until)
        wide = marks.within(self, asked, clock.aware(earlier))
        rows = sql("{} AND {} AND {} AND ({} OR {})", marks.ANY, marks.known(asked), wide, now, before)
        named, totals = self._ranked(asked, rows, now)
        event = _event(named)

        def answer() -> pa.Table:
            return pa.concat_tables([totals, *self._places(asked, named, now)]).sort_by(
                [("event", "ascending"), ("time", "ascending")]
            )

        found = sql("SELECT profile_key, {} AS event, occurred_at, {} AS during FROM events WHERE {}", event, now, rows)
        relation = sql(
            "WITH found AS ({}) SELECT profile_key, event, CASE WHEN during THEN {} ELSE {} END AS time FROM found "
            "UNION ALL SELECT profile_key, event, {} FROM found WHERE during",
            found,
            marks.bucket(self, asked),
            BEFORE,
            NOW,
        )
        return Plan(relation, answer)

    def _ranked(self, asked: Asked, rows: Sql, now: Sql) -> tuple[dict[int, str], pa.Table]:
        """The events that stand apart, by number, and the totals: event, time, users, events."""
        names = {number: name for name, number in asked.catalog.events.items() if number >= FIRST_OF_OTHERS}
        last = max(names, default=FIRST_OF_OTHERS)
        group = sql("2 * (event_id - {}) + ({})::INTEGER", FIRST_OF_OTHERS, now)
        such = sql("events WHERE {} AND event_id <= {}", rows, last)
        found = ordering.crowds(asked, such, group, 2 * (last - FIRST_OF_OTHERS + 1))
        place = {each: 2 * (each - FIRST_OF_OTHERS) for each in names}
        ranked = sorted(names, key=lambda each: (-found.users[place[each] + 1], names[each]))
        totals = []
        for nth, time in enumerate((BEFORE, NOW)):
            crowds = {VALUE + names[each]: [place[each] + nth] for each in ranked[: self.most]}
            crowds[OTHER] = [place[each] + nth for each in ranked[self.most :]]
            for event, of in crowds.items():
                if happened := int(found.events[of].sum()):
                    totals.append({"event": event, "time": time, "users": found.together(of), "events": happened})
        return {each: VALUE + names[each] for each in ranked[: self.most]}, pa.Table.from_pylist(totals, _COUNTED)

    def _places(self, asked: Asked, named: Mapping[int, str], now: Sql) -> Iterator[pa.Table]:
        """The same of each place; of those that stand apart by what was counted before, where it was."""
        told = marks.told(self, asked)
        if told is None or not named:
            yield self._counted(asked, named, now)
            return
        assert asked.read is not None  # noqa: S101 - whoever compiles this gives it
        numbers = joined(", ", list(named))
        columns = sql("{} AS event, {} AS time, users, events", _event(named, Sql("number")), marks.called(self, Sql("day")))
        days = sql("SELECT {} FROM ({}) WHERE number IN ({})", columns, told.days(events.EVENT), numbers)
        yield asked.read(days).cast(_COUNTED)
        if told.left:
            yield self._counted(told.others, named, now, sql(" AND event_id IN ({})", numbers))
        yield self._counted(asked, named, now, sql(" AND event_id NOT IN ({})", numbers))

    def _counted(self, asked: Asked, named: Mapping[int, str], now: Sql, such: Sql = NOTHING) -> pa.Table:
        """The same of such events, counted."""
        places = [each.name for each in insight.buckets(self, asked)]
        marked = [(event, place) for event in (*named.values(), OTHER) for place in places]
        cases = [sql("WHEN {} THEN {}", each, Sql(str(nth * len(places)))) for nth, each in enumerate(named)]
        group = sql("CASE event_id {} ELSE {} END", joined(" ", cases), Sql(str(len(named) * len(places)))) if cases else Sql("0")
        where = sql("{} AND {} AND {} AND {}{}", marks.ANY, marks.known(asked), marks.within(self, asked), now, such)
        found = ordering.crowds(asked, sql("events WHERE {}", where), sql("{} + {}", group, _nth(self, asked)), len(marked))
        there = np.flatnonzero(found.events)
        event, time = list(zip(*(marked[each] for each in there), strict=True)) or ((), ())
        return pa.Table.from_arrays(
            [pa.array(each) for each in (event, time, found.users[there], found.events[there])], schema=_COUNTED
        )

    def like(self, cell: Mapping[str, Any], asked: Asked, *, moving: bool) -> Rule | None:
        """Who had the event in the time of the mark."""
        event = str(cell.get("event", OTHER))
        if event == OTHER or event.removeprefix(VALUE) not in asked.catalog.events:
            return None
        place = {"time": cell["time"]} if "time" in cell else {}
        during = likeness.window(self, place, asked, moving=moving)
        if cell.get("time") == BEFORE and not moving:
            _, _, earlier, until = insight.against(self.period, asked.catalog, asked.at)
            if earlier >= until:
                return None
            during = During("between", (earlier.isoformat(), until.isoformat()))
        return likeness.rule(self, cell, asked, (likeness.happened(self, Events(event.removeprefix(VALUE)), {}, during),))


def _nth(question: TopEvents, asked: Asked) -> Sql:
    """Which of the places of the time axis, numbered from 0, an event of the period falls on."""
    first, place = insight.buckets(question, asked)[0].name, marks.spot(question, asked)
    if question.granularity == "hour":
        return sql("date_diff('hour', {}, {})", clock.stored(datetime.fromisoformat(first)), place)
    if question.granularity == "month":
        return sql("date_diff('month', {}, {})", date.fromisoformat(first), place)
    return sql("({} - {}) // {}", place, date.fromisoformat(first), 7 if question.granularity == "week" else 1)


def _event(named: Mapping[int, str], number: Sql = _NUMBER) -> Sql:
    """The name of an event as marks spell it, by its number."""
    cases = [sql("WHEN {} THEN {}", each, event) for each, event in named.items()]
    return sql("CASE {} {} ELSE {} END", number, joined(" ", cases), OTHER) if cases else sql("{}", OTHER)


INSIGHT = TopEvents
