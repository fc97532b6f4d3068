"""Paths: what people do next after an event, or did before it, level by level within a session.

A session is a run of a person's events of the period with no gap of more than 30 minutes (the rule of Google Analytics; exactly
30:00 is the same session, midnight cuts nothing). A path from an event begins with the first such event of a session and
holds the next `depth - 1`; a path to an event ends with the first such event of a session and holds those before it; without
an event it begins with the session, or ends with it. The order is that of time, at one instant that of the events' numbers. Equal events in a row are levels
of their own, so loops show; with `join` they are one.

Of a person's sessions with a path the first counts, of paths to the end of a session the last, so that everyone goes one way
and what goes into a node is what comes out of it; with `count` sessions every session counts, and the people of a mark are
those of its sessions. An event that fewer
than `least` percent of all paths have on a level, or that is not among its `most` commonest there, is Other on that level.
A path that is over before the last level goes to *end*; one to an event that begins later than the first level comes from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from user360 import likeness, marks, ordering, walking
from user360.errors import InvalidInsight, nearest, shorten
from user360.insight import OTHER, VALUE, Insight, Plan, Role, check_scope
from user360.segments import event_leaves
from user360.segments.frames import Frame
from user360.segments.rules import Events  # noqa: TC001 - the reader of questions looks at it
from user360.sql import Sql, joined, sql

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from user360.insight import Asked
    from user360.segments import Catalog, Rule

DEEPEST: Final = 5
MOST: Final = 20
LONGEST_GAP: Final = 24 * 60
END: Final = "end"
_MINUTE: Final = 60_000_000
_OTHER: Final = -2  # stands for what is not told apart among the numbers of events


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
        """Nodes and links as rows of people: a node has no `onward`. Steps are named last, as they are few.

        Where everyone has one path, like steps are counted before anything else is made of them.
        """
        taken, whose = self._walked(asked), Sql("profile_key, session, paths")
        each = sql("SELECT *, 1 AS paths FROM ({})", taken)
        coded = self._drawn(each, whose)
        if self.count == "users":
            like = sql("SELECT level, step, onward, count(*) AS paths FROM ({}) GROUP BY level, step, onward", taken)
            measures, counted = Sql("sum(paths)::BIGINT AS paths, sum(paths)::BIGINT AS users"), self._drawn(like, Sql("paths"))
        else:
            measures, counted = Sql("count(*) AS paths, count(DISTINCT profile_key) AS users"), coded
        figures = sql("SELECT level, step, onward, {} FROM ({}) GROUP BY level, step, onward", measures, counted)
        return Plan(
            _named(Sql("profile_key, session, level"), coded, asked),
            sql(
                "SELECT level, step, onward, paths, users FROM ({}) ORDER BY level, onward IS NOT NULL, paths DESC, step, onward",
                _named(Sql("level, paths, users"), figures, asked),
            ),
        )

    def _drawn(self, walked: Sql, others: Sql) -> Sql:
        """Nodes and links of the levels of paths, so many of each row as its `paths`: level, step, onward, and other columns of theirs."""
        return sql(
            "WITH walked AS MATERIALIZED ({}), sized AS (SELECT level, step, sum(paths) AS size, "
            "row_number() OVER (PARTITION BY level ORDER BY sum(paths) DESC, step) AS rank FROM walked WHERE step >= 0 GROUP BY level, step), "
            "kept AS MATERIALIZED (SELECT level, step FROM sized WHERE rank <= {} AND "
            "100 * size >= {} * (SELECT sum(paths) FROM walked WHERE level = {})), "
            "coded AS MATERIALIZED (SELECT {}, w.level, {} AS step, {} AS onward FROM walked w "
            "LEFT JOIN kept k ON k.level = w.level AND k.step = w.step LEFT JOIN kept l ON l.level = w.level + 1 AND l.step = w.onward) "
            "SELECT {}, level, step, NULL::INTEGER AS onward FROM coded UNION ALL "
            "SELECT {}, level, step, onward FROM coded WHERE onward IS NOT NULL",
            walked,
            self.most,
            self.least,
            self._anchored(),
            others,
            _coded(Sql("w.step"), Sql("k.step")),
            _coded(Sql("w.onward"), Sql("l.step")),
            others,
            others,
        )

    def like(self, cell: Mapping[str, Any], asked: Asked, *, moving: bool) -> Rule | None:
        """Of everyone on a path: who had the event. No rule says what stood directly before or after it."""
        if self.of is None or self.of.event is None or cell.get("level") != self._anchored() or cell.get("onward") is not None:
            return None
        during = likeness.window(self, {}, asked, moving=moving)
        return likeness.rule(self, cell, asked, (likeness.happened(self, self.of, cell, during),))

    # -- within ---------------------------------------------------------------------------------

    def _anchored(self) -> int:
        """The level every path is on: that of the event, or of the session's start or end."""
        return 0 if self.direction == "from" else self.depth - 1

    def _walked(self, asked: Asked) -> Sql:
        """A row for each level of each path: profile_key, session, level, step and the next one."""
        assert asked.read is not None  # noqa: S101 - whoever compiles paths gives it
        last = self.of is None and self.direction == "to"
        way = walking.Way(
            forward=self.direction == "from",
            last=last,
            depth=self.depth,
            pause=self.gap * _MINUTE,
            join=self.join,
            of_each="all" if self.count == "sessions" else "last" if last else "first",
        )
        such = self._such(asked) if self.of is not None else Sql("true")
        most = max(asked.catalog.events.values(), default=0)
        packing = ordering.packing(self, asked, 2 * most + 1)
        columns = packing.columns(sql("2 * event_id::UINTEGER + (({}) IS TRUE)::UTINYINT", such))
        known = sql(" AND event_id <= {}", most)  # an event that is new while this is asked has no room yet
        rows = asked.read(sql("SELECT {} FROM events{}{}", columns, self._looked_at(asked, such, way), known))
        slices = packing.parted(rows["part"].to_numpy(), rows["number"].to_numpy())
        return sql("SELECT profile_key, session, level, step, onward FROM taken", taken=walking.walked(slices, way))

    def _looked_at(self, asked: Asked, such: Sql, way: walking.Way) -> Sql:
        """Which events are looked at: for the one path from or to an event of everyone those alone it may reach, which are few."""
        counting = self._counting(asked)
        if self.of is not None and way.of_each != "all" and not way.join:
            return sql(
                " JOIN (SELECT profile_key, epoch_us({}(occurred_at)) AS origin FROM events WHERE {} AND {} GROUP BY profile_key) "
                "USING (profile_key) WHERE {} AND {} BETWEEN 0 AND {}",
                Sql("max" if way.last else "min"),
                such,
                counting,
                counting,
                Sql("epoch_us(occurred_at) - origin" if way.forward else "origin - epoch_us(occurred_at)"),
                (self.depth - 1) * way.pause,
            )
        return sql(" WHERE {}", counting)

    def _such(self, asked: Asked) -> Sql:
        """The condition that an event is the one paths are of."""
        assert self.of is not None  # noqa: S101 - asked of a path from or to an event
        return event_leaves.matching(marks.checked(self.of, asked.catalog, "$.of"), Frame(asked.catalog, asked.at))

    def _counting(self, asked: Asked) -> Sql:
        """The condition of the events that count."""
        parts = [marks.ANY, marks.within(self, asked)]
        if self.leave_out:
            ids = joined(", ", [asked.catalog.events[each] for each in self.leave_out])
            parts.append(sql("event_id NOT IN ({})", ids))
        return joined(" AND ", parts)


def _coded(step: Sql, kept: Sql) -> Sql:
    """The number of a step, of one that is not told apart from others; none where there is none."""
    return sql("CASE WHEN {} < 0 OR {} IS NULL THEN {} WHEN {} IS NULL THEN {} ELSE {} END", step, step, step, kept, _OTHER, step)


def _named(others: Sql, rows: Sql, asked: Asked) -> Sql:
    """Steps by what they are called: `=name`, `other`, or `end`; none where there is none."""
    called = [
        sql("CASE {} WHEN {} THEN {} WHEN {} THEN {} ELSE {} || {} END", number, walking.OUTSIDE, END, _OTHER, OTHER, VALUE, each)
        for number, each in ((Sql("r.step"), Sql("n.name")), (Sql("r.onward"), Sql("m.name")))
    ]
    return sql(
        "SELECT {}, {} AS step, {} AS onward FROM ({}) AS r LEFT JOIN named n ON n.event_id = r.step LEFT JOIN named m ON m.event_id = r.onward",
        others,
        *called,
        rows,
        named=_names(asked.catalog),
    )


def _names(catalog: Catalog) -> pa.Table:
    import pyarrow as pa  # noqa: PLC0415 - built only here

    names = list(catalog.events)
    return pa.table(
        {"event_id": pa.array([catalog.events[each] for each in names], pa.int32()), "name": pa.array(names, pa.string())}
    )


INSIGHT = Paths
