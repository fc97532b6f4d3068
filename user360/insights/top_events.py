"""Top events: which events most users had in the period, how often, against the period before, and place by place.

`users(e) = |{p : p has an event e in the period}|`, `events(e)` counts them; the `most` with the most users, then Other.
`before` is the period before, only as far into it as now. System events never count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

import pyarrow.compute as pc

from user360 import clock, events, insight, likeness, marks
from user360.errors import InvalidInsight
from user360.insight import OTHER, VALUE, Insight, Plan, Role, check_scope
from user360.segments.rules import During, Events
from user360.sql import Sql, joined, sql

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from user360.insight import Asked
    from user360.segments import Rule

NOW, BEFORE = "now", "before"
_NUMBER: Final = Sql("event_id")


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
        answer = sql(
            "SELECT event, time, users, events FROM totals UNION ALL SELECT event, {} AS time, users, events FROM ({}) ORDER BY event, time",
            marks.called(self, Sql("spot")),
            self._places(asked, named, now),
            totals=totals,
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
        assert asked.read is not None  # noqa: S101 - whoever compiles this gives it
        one = marks.heads(asked, 2 * len(asked.catalog.events))
        found = asked.read(
            sql(
                "WITH cells AS MATERIALIZED (SELECT event_id, {} AS during, count(*) AS events, {} FROM events WHERE {} GROUP BY ALL), "
                "named AS MATERIALIZED (SELECT event_id, CASE WHEN place <= {} THEN {} || name ELSE {} END AS event FROM (SELECT event_id, name, "
                "row_number() OVER (ORDER BY coalesce(users, 0) DESC, name) AS place FROM event_names LEFT JOIN "
                "(SELECT event_id, {} AS users FROM cells WHERE during GROUP BY event_id) USING (event_id) WHERE NOT system)) "
                "SELECT NULL::INTEGER AS number, event, CASE WHEN during THEN {} ELSE {} END AS time, {} AS users, sum(events)::BIGINT AS events "
                "FROM cells JOIN named USING (event_id) GROUP BY ALL UNION ALL "
                "SELECT event_id, event, NULL, NULL, NULL FROM named WHERE event <> {}",
                now,
                one.kept,
                rows,
                self.most,
                VALUE,
                OTHER,
                one.counted,
                NOW,
                BEFORE,
                one.counted,
                OTHER,
            )
        )
        apart = pc.is_valid(found["number"])
        named = found.filter(apart)
        totals = found.filter(pc.invert(apart)).drop_columns(["number"])
        return dict(zip(named["number"].to_pylist(), named["event"].to_pylist(), strict=True)), totals

    def _places(self, asked: Asked, named: Mapping[int, str], now: Sql) -> Sql:
        """event, spot, users and events of each place; of those that stand apart by what was counted before, where it was."""
        told = marks.told(self, asked)
        if told is None or not named:
            return self._counted(asked, named, now, Sql("true"))
        numbers = joined(", ", list(named))
        columns = sql("{} AS event, day AS spot, users, events", _event(named, Sql("number")))
        apart, others = sql("event_id IN ({})", numbers), sql("event_id NOT IN ({})", numbers)
        return sql(
            "{} UNION ALL {}",
            told.beside(
                events.EVENT, columns, lambda each: self._counted(each, named, now, apart), sql("number IN ({})", numbers)
            ),
            self._counted(asked, named, now, others),
        )

    def _counted(self, asked: Asked, named: Mapping[int, str], now: Sql, such: Sql) -> Sql:
        """The same of such events."""
        return sql(
            "SELECT {} AS event, {} AS spot, {} AS users, count(*) AS events FROM events WHERE {} AND {} AND {} AND {} AND {} GROUP BY ALL",
            _event(named),
            marks.spot(self, asked),
            marks.counted(asked, (self.most + 1) * len(insight.buckets(self, asked))),
            marks.ANY,
            marks.known(asked),
            marks.within(self, asked),
            now,
            such,
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


def _event(named: Mapping[int, str], number: Sql = _NUMBER) -> Sql:
    """The name of an event as marks spell it, by its number."""
    cases = [sql("WHEN {} THEN {}", each, event) for each, event in named.items()]
    return sql("CASE {} {} ELSE {} END", number, joined(" ", cases), OTHER) if cases else sql("{}", OTHER)


INSIGHT = TopEvents
