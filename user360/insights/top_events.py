"""Top events: which events most users had in the period, how often, against the period before, and place by place.

`users(e) = |{p : p has an event e in the period}|`, `events(e)` counts them; the `most` with the most users, then Other.
`before` is the period before, only as far into it as now. System events never count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
import pyarrow as pa

from user360 import clock, crowds, events, insight, likeness, marks, ordering
from user360.errors import InvalidInsight
from user360.events import FIRST_OF_OTHERS
from user360.insight import OTHER, VALUE, Insight, Plan, Role, check_scope
from user360.segments.rules import During, Events
from user360.sql import Sql, joined, sql

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from user360.crowds import Crowds
    from user360.insight import Asked, Bucket
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
        wide = sql("{} AND {} AND {}", marks.ANY, marks.known(asked), marks.within(self, asked, clock.aware(earlier)))
        named, totals = self._ranked(asked, {BEFORE: sql("{} AND {}", wide, before), NOW: sql("{} AND {}", wide, now)})
        event = _event(named)

        def answer() -> pa.Table:
            return pa.concat_tables([totals, *self._places(asked, named, now)]).sort_by(
                [("event", "ascending"), ("time", "ascending")]
            )

        rows = sql("{} AND ({} OR {})", wide, now, before)
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

    def _ranked(self, asked: Asked, times: Mapping[str, Sql]) -> tuple[dict[int, str], pa.Table]:
        """The events that stand apart, by number, and the totals: event, time, users, events. `times` are the rows of both."""
        names = {number: name for name, number in asked.catalog.events.items() if number >= FIRST_OF_OTHERS}
        kinds = max(names, default=FIRST_OF_OTHERS) + 1 - FIRST_OF_OTHERS

        def counted(rows: Sql) -> Crowds:
            such = sql("events WHERE {} AND event_id < {}", rows, FIRST_OF_OTHERS + kinds)
            return crowds.counted(asked, such, sql("event_id - {}", FIRST_OF_OTHERS), kinds)

        found = dict(zip(times, ordering.at_once(counted, times.values()), strict=True))
        ranked = sorted(names, key=lambda each: (-found[NOW].users[each - FIRST_OF_OTHERS], names[each]))
        groups = {VALUE + names[each]: [each - FIRST_OF_OTHERS] for each in ranked[: self.most]}
        groups[OTHER] = [each - FIRST_OF_OTHERS for each in ranked[self.most :]]
        totals = [
            {"event": event, "time": time, "users": of.together(numbers), "events": happened}
            for time, of in found.items()
            for event, numbers in groups.items()
            if (happened := int(of.events[numbers].sum()))
        ]
        return {each: VALUE + names[each] for each in ranked[: self.most]}, pa.Table.from_pylist(totals, _COUNTED)

    def _places(self, asked: Asked, named: Mapping[int, str], now: Sql) -> Iterator[pa.Table]:
        """The same of each place; of those that stand apart by what was counted before, where it was."""
        told = marks.told(self, asked)
        if told is None or not named:
            yield from self._counted(asked, named, now)
            return
        assert asked.read is not None  # noqa: S101 - whoever compiles this gives it
        numbers = joined(", ", list(named))
        columns = sql("{} AS event, {} AS time, users, events", _event(named, Sql("number")), marks.called(self, Sql("day")))
        days = sql("SELECT {} FROM ({}) WHERE number IN ({})", columns, told.days(events.EVENT), numbers)
        yield asked.read(days).cast(_COUNTED)
        if told.left:
            yield from self._counted(told.others, named, sql("{} AND event_id IN ({})", now, numbers))
        yield from self._counted(asked, {}, sql("{} AND event_id NOT IN ({})", now, numbers))

    def _counted(self, asked: Asked, named: Mapping[int, str], such: Sql) -> list[pa.Table]:
        """The same of such events, counted: of the one half of the places beside the other."""
        places = insight.buckets(self, asked)
        middle = (len(places) + 1) // 2
        where = sql("{} AND {} AND {} AND {}", marks.ANY, marks.known(asked), marks.within(self, asked), such)

        def counted(half: tuple[Bucket, ...]) -> pa.Table:
            marked = [(event, each.name) for event in (*named.values(), OTHER) for each in half]
            group = marks.nth(self, marks.spot(self, asked), half[0].name)
            if named:
                cases = [sql("WHEN {} THEN {}", each, Sql(str(nth * len(half)))) for nth, each in enumerate(named)]
                group = sql("CASE event_id {} ELSE {} END + {}", joined(" ", cases), Sql(str(len(named) * len(half))), group)
            edges = (clock.stored(half[0].start), clock.stored(half[-1].end))
            rows = sql("events WHERE {} AND occurred_at >= {} AND occurred_at < {}", where, *edges)
            found = crowds.counted(asked, rows, group, len(marked))
            there = np.flatnonzero(found.events)
            event, time = list(zip(*(marked[each] for each in there), strict=True)) or ((), ())
            columns = (event, time, found.users[there], found.events[there])
            return pa.Table.from_arrays([pa.array(each) for each in columns], schema=_COUNTED)

        return ordering.at_once(counted, [each for each in (places[:middle], places[middle:]) if each])

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


def _event(named: Mapping[int, str], number: Sql = _NUMBER) -> Sql:
    """The name of an event as marks spell it, by its number."""
    cases = [sql("WHEN {} THEN {}", each, event) for each, event in named.items()]
    return sql("CASE {} {} ELSE {} END", number, joined(" ", cases), OTHER) if cases else sql("{}", OTHER)


INSIGHT = TopEvents
