"""Paths: what people do next after an event, or did before it, level by level within a session.

A session is a run of a person's events of the period with no gap of more than 30 minutes (research/features.md 5.5; exactly
30:00 is the same session, midnight cuts nothing). A path from an event begins with the first such event of a session and
holds the next `depth - 1`; a path to an event ends with the last such event of a session and holds those before it; without
an event it begins with the session, or ends with it. The order is that of (time, message). Equal events in a row are levels
of their own, so loops show; with `join` they are one.

Of a person's sessions with a path the first counts, so that everyone goes one way and what goes into a node is what comes
out of it; with `count` sessions every session counts, and the people of a mark are those of its sessions. An event that fewer
than `least` percent of all paths have on a level, or that is not among its `most` commonest there, is Other on that level.
A path that is over before the last level goes to *end*; one to an event that begins later than the first level comes from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from user360 import likeness, marks
from user360.errors import InvalidInsight, nearest, shorten
from user360.insight import OTHER, VALUE, Insight, Plan, Role, check_scope
from user360.segments import event_leaves
from user360.segments.frames import Frame
from user360.segments.rules import Events  # noqa: TC001 - the reader of questions looks at it
from user360.sql import NOTHING, Sql, joined, sql

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from user360.insight import Asked
    from user360.segments import Catalog, Rule

DEEPEST: Final = 5
MOST: Final = 20
LONGEST_GAP: Final = 24 * 60
END: Final = "end"
_OUTSIDE: Final = -1  # stands for the end of a session among the numbers of events
_ORDER: Final = Sql("occurred_at, message_hash, message_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths(Insight):
    """From or to which event, how deep, what is too thin to be told apart, and whether people or sessions are counted."""

    kind: ClassVar[str] = "paths"
    label: ClassVar[str] = "Paths"
    definition: ClassVar[str] = (
        "What people did next in the same session, level by level. A session ends with a pause of more than 30 minutes. "
        "Everyone counts once, by their first session with such a path, unless sessions are counted."
    )
    roles: ClassVar[dict[str, Role]] = {
        "level": Role("dimension", "Level"),
        "step": Role("dimension", "Event"),
        "onward": Role("dimension", "Next event"),
        "paths": Role("measure", "Sessions", "sessions"),
        "users": Role("measure", "Users", "users", people=True),
    }

    of: Events | None = None
    direction: Literal["from", "to"] = "from"
    depth: int = DEEPEST
    least: float = 1.0
    most: int = 8
    gap: int = 30
    join: bool = False
    leave_out: tuple[str, ...] = ()
    count: Literal["users", "sessions"] = "users"

    def check(self, catalog: Catalog) -> None:
        """Refuse events there are not, and levels and limits that cannot be drawn."""
        check_scope(self, catalog)
        if self.of is not None:
            marks.checked(self.of, catalog, "$.of")
        for field, value, low, high in (
            ("depth", self.depth, 2, DEEPEST),
            ("least", self.least, 0, 50),
            ("most", self.most, 1, MOST),
            ("gap", self.gap, 1, LONGEST_GAP),
        ):
            if not low <= value <= high:
                raise InvalidInsight(f"$.{field}", f"is not from {low} to {high:,}.")
        for place, each in enumerate(self.leave_out):
            if each not in catalog.events:
                near = nearest(each, catalog.events)
                hint = f"Did you mean “{near}”?" if near else ""
                raise InvalidInsight(f"$.leave_out[{place}]", f"there is no event “{shorten(each)}”.", hint)
        if self.of is not None and self.of.event in self.leave_out:
            raise InvalidInsight("$.leave_out", "holds the event the paths are of.", "Take it out of there.")
        marks.no_breakdown(self)

    def compile(self, asked: Asked) -> Plan:
        """Nodes and links as rows of people: a node has no `onward`."""
        relation = sql(
            "WITH walked AS MATERIALIZED ({}), sized AS (SELECT level, step, count(*) AS size, "
            "row_number() OVER (PARTITION BY level ORDER BY count(*) DESC, step) AS rank FROM walked WHERE step >= 0 GROUP BY level, step), "
            "kept AS (SELECT level, step FROM sized WHERE rank <= {} AND "
            "100 * size >= {} * (SELECT count(DISTINCT (profile_key, session)) FROM walked)), "
            "called AS (SELECT w.profile_key, w.session, w.level, {} AS step, {} AS onward, w.onward IS NOT NULL AS goes FROM walked w "
            "LEFT JOIN kept k ON k.level = w.level AND k.step = w.step LEFT JOIN named n ON n.event_id = k.step "
            "LEFT JOIN kept l ON l.level = w.level + 1 AND l.step = w.onward LEFT JOIN named m ON m.event_id = l.step) "
            "SELECT profile_key, session, level, step, NULL::VARCHAR AS onward FROM called UNION ALL "
            "SELECT profile_key, session, level, step, onward FROM called WHERE goes",
            self._walked(asked),
            self.most,
            self.least,
            _called(Sql("w.step"), Sql("n.name")),
            _called(Sql("w.onward"), Sql("m.name")),
            named=_names(asked.catalog),
        )
        answer = sql(
            "SELECT level, step, onward, count(DISTINCT (profile_key, session)) AS paths, count(DISTINCT profile_key) AS users "
            "FROM ({}) GROUP BY level, step, onward ORDER BY level, onward IS NOT NULL, paths DESC, step, onward",
            relation,
        )
        return Plan(relation, answer)

    def like(self, cell: Mapping[str, Any], asked: Asked, *, moving: bool) -> Rule | None:
        """Of everyone on a path: who had the event. No rule says what stood directly before or after it."""
        anchor = 0 if self.direction == "from" else self.depth - 1
        if self.of is None or self.of.event is None or cell.get("level") != anchor or cell.get("onward") is not None:
            return None
        during = likeness.window(self, {}, asked, moving=moving)
        return likeness.rule(self, cell, asked, (likeness.happened(self, self.of, cell, during),))

    # -- within ---------------------------------------------------------------------------------

    def _walked(self, asked: Asked) -> Sql:
        """A row for each level of each path: profile_key, session, level, step and the next one; -1 is outside of the session."""
        short = sql("CASE WHEN len(path) < {} THEN [{}] ELSE [] END", self.depth, _OUTSIDE)
        if self.direction == "from":
            cut = sql("steps[place : place + {}]", self.depth - 1)
            whole, shift = sql("list_concat(path, {})", short), Sql("0")
        else:
            cut = sql("steps[greatest(place - {}, 1) : place]", self.depth - 1)
            whole, shift = sql("list_concat({}, path)", short), sql("{} - len(whole)", self.depth)
        return sql(
            "WITH paths AS (SELECT profile_key, session, {} AS path FROM ({})), whole AS (SELECT profile_key, session, {} AS whole FROM paths) "
            "SELECT profile_key, session, ({} + nth)::INTEGER AS level, whole[nth + 1] AS step, whole[nth + 2] AS onward "
            "FROM whole, unnest(range(len(whole))) AS places(nth)",
            cut,
            self._placed(asked),
            whole,
            shift,
        )

    def _placed(self, asked: Asked) -> Sql:
        """The sessions that have a path: profile_key, session, steps in order, and the place of the event in them."""
        place = Sql("list_position(anchors, true)")
        if self.direction == "to":
            place = Sql("len(anchors) + 1 - list_position(list_reverse(anchors), true)")
        first = Sql(" QUALIFY row_number() OVER (PARTITION BY profile_key ORDER BY session) = 1")
        return sql(
            "SELECT profile_key, session, steps, {} AS place FROM (SELECT profile_key, session, "
            "list(event_id::INTEGER ORDER BY {}) AS steps, list(anchor ORDER BY {}) AS anchors FROM ({}) GROUP BY profile_key, session) "
            "WHERE list_contains(anchors, true){}",
            place,
            _ORDER,
            _ORDER,
            self._sessions(asked),
            first if self.count == "users" else NOTHING,
        )

    def _sessions(self, asked: Asked) -> Sql:
        """Rows of events with the number of their session."""
        parts = [marks.ANY, marks.within(self, asked)]
        if self.leave_out:
            ids = joined(", ", [asked.catalog.events[each] for each in self.leave_out])
            parts.append(sql("event_id NOT IN ({})", ids))
        anchor = Sql("true")
        if self.of is not None:
            such = event_leaves.matching(marks.checked(self.of, asked.catalog, "$.of"), Frame(asked.catalog, asked.at))
            anchor = sql("({}) IS TRUE", such)
        rows = sql(
            "SELECT profile_key, event_id, occurred_at, message_hash, message_id, {} AS anchor FROM events WHERE {}",
            anchor,
            joined(" AND ", parts),
        )
        if self.of is not None:
            rows = sql(
                "WITH rows AS MATERIALIZED ({}) SELECT * FROM rows WHERE profile_key IN (SELECT profile_key FROM rows WHERE anchor)",
                rows,
            )
        begun = sql(
            "SELECT *, coalesce(occurred_at - lag(occurred_at) OVER own > to_minutes({}), true) AS begins, "
            "event_id IS NOT DISTINCT FROM lag(event_id) OVER own AND anchor IS NOT DISTINCT FROM lag(anchor) OVER own AS again "
            "FROM ({}) WINDOW own AS (PARTITION BY profile_key ORDER BY {})",
            self.gap,
            rows,
            _ORDER,
        )
        numbered = sql(
            "SELECT *, sum(begins::INTEGER) OVER (PARTITION BY profile_key ORDER BY {} ROWS UNBOUNDED PRECEDING)::INTEGER AS session FROM ({})",
            _ORDER,
            begun,
        )
        return sql("SELECT * FROM ({}) WHERE begins OR NOT again", numbered) if self.join else numbered


def _called(number: Sql, called: Sql) -> Sql:
    """What a step is called: `=name`, `other`, or `end`; none where there is none."""
    return sql(
        "CASE WHEN {} IS NULL THEN NULL WHEN {} < 0 THEN {} WHEN {} IS NULL THEN {} ELSE {} || {} END",
        number,
        number,
        END,
        called,
        OTHER,
        VALUE,
        called,
    )


def _names(catalog: Catalog) -> pa.Table:
    import pyarrow as pa  # noqa: PLC0415 - built only here

    names = list(catalog.events)
    return pa.table(
        {"event_id": pa.array([catalog.events[each] for each in names], pa.int32()), "name": pa.array(names, pa.string())}
    )


INSIGHT = Paths
