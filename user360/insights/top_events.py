"""Top events: which events most users had in the period, how often, against the period before, and place by place.

`users(e) = |{p : p has an event e in the period}|`, `events(e)` counts them; the `most` with the most users, then Other.
`before` is the period before, only as far into it as now. System events never count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from user360 import clock, insight, likeness, marks
from user360.errors import InvalidInsight
from user360.insight import OTHER, VALUE, Insight, Plan, Role, check_scope
from user360.segments.rules import During, Events
from user360.sql import Sql, sql

if TYPE_CHECKING:
    from collections.abc import Mapping

    from user360.insight import Asked
    from user360.segments import Rule

NOW, BEFORE = "now", "before"


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
        """The events are ranked first, so that only the few that are named are cut into places."""
        start, stop, earlier, until = (clock.stored(each) for each in insight.against(self.period, asked.catalog, asked.at))
        one = marks.heads(asked, len(asked.catalog.events))
        now = sql("occurred_at >= {} AND occurred_at < {}", start, stop)
        rows = sql("{} AND {} AND {}", marks.ANY, marks.known(asked), marks.within(self, asked, clock.aware(earlier)))
        sizes = sql("SELECT event_id, {} FROM events WHERE {} AND {} GROUP BY ALL", one.kept, rows, now)
        named = sql(
            "SELECT event_id, CASE WHEN place <= {} THEN {} || name ELSE {} END AS event FROM (SELECT event_id, name, "
            "row_number() OVER (ORDER BY coalesce(users, 0) DESC, name) AS place FROM event_names LEFT JOIN "
            "(SELECT event_id, {} AS users FROM ({}) GROUP BY event_id) USING (event_id) WHERE NOT system)",
            self.most,
            VALUE,
            OTHER,
            one.counted,
            sizes,
        )
        found = sql(
            "SELECT profile_key, event, occurred_at, {} AS during FROM events JOIN named USING (event_id) WHERE {} AND ({} OR occurred_at < {})",
            now,
            rows,
            now,
            until,
        )
        heads = marks.heads(asked, (self.most + 1) * (len(insight.buckets(self, asked)) + 2))
        cells = sql(
            "SELECT event, CASE WHEN during THEN {} END AS spot, count(*) AS events, {} FROM found GROUP BY ALL",
            marks.spot(self, asked),
            heads.kept,
        )
        answer = sql(
            "WITH named AS MATERIALIZED ({}), found AS ({}), cells AS MATERIALIZED ({}) SELECT event, time, users, events FROM ("
            "SELECT event, coalesce({}, {}) AS time, {} AS users, sum(events)::BIGINT AS events FROM cells GROUP BY ALL UNION ALL "
            "SELECT event, {}, {}, sum(events)::BIGINT FROM cells WHERE spot IS NOT NULL GROUP BY ALL) "
            "ORDER BY event, time",
            named,
            found,
            cells,
            marks.called(self, Sql("spot")),
            BEFORE,
            heads.counted,
            NOW,
            heads.counted,
        )
        relation = sql(
            "WITH named AS MATERIALIZED ({}), found AS ({}) SELECT profile_key, event, CASE WHEN during THEN {} ELSE {} END AS time "
            "FROM found UNION ALL SELECT profile_key, event, {} FROM found WHERE during",
            named,
            found,
            marks.bucket(self, asked),
            BEFORE,
            NOW,
        )
        return Plan(relation, answer)

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


INSIGHT = TopEvents
