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
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from user360 import insight, likeness, marks, moments
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
_EVENT_BITS: Final = 16
_TICKS: Final = 2**45  # what stands above the bits of the event, and of whether the path begins there, in a moment
_COARSE: Final = 64  # microseconds of a tick where a longer period would not fit


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
            "100 * size >= {} * (SELECT count(*) FROM walked WHERE level = {})), "
            "called AS (SELECT w.profile_key, w.session, w.level, {} AS step, {} AS onward, w.onward IS NOT NULL AS goes FROM walked w "
            "LEFT JOIN kept k ON k.level = w.level AND k.step = w.step LEFT JOIN named n ON n.event_id = k.step "
            "LEFT JOIN kept l ON l.level = w.level + 1 AND l.step = w.onward LEFT JOIN named m ON m.event_id = l.step) "
            "SELECT profile_key, session, level, step, NULL::VARCHAR AS onward FROM called UNION ALL "
            "SELECT profile_key, session, level, step, onward FROM called WHERE goes",
            self._walked(asked),
            self.most,
            self.least,
            self._anchored(),
            _called(Sql("w.step"), Sql("n.name")),
            _called(Sql("w.onward"), Sql("m.name")),
            named=_names(asked.catalog),
        )
        answer = sql(
            "SELECT level, step, onward, count(*) AS paths, {} AS users "
            "FROM ({}) GROUP BY level, step, onward ORDER BY level, onward IS NOT NULL, paths DESC, step, onward",
            Sql("count(*)" if self.count == "users" else "count(DISTINCT profile_key)"),  # a path is once at a mark
            relation,
        )
        return Plan(relation, answer)

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
        """A row for each level of each path: profile_key, session, level, step and the next one; -1 is outside of the session."""
        outside = sql("CASE WHEN len(path) < {} THEN [{}] ELSE [] END", self.depth, _OUTSIDE)
        if self.direction == "from":
            whole, shift = sql("list_concat(path, {})", outside), Sql("0")
        else:
            whole, shift = sql("list_concat({}, path)", outside), sql("{} - len(whole)", self.depth)
        paths = self._by_session(asked) if self.join or self.count == "sessions" else self._by_person(asked)
        return sql(
            "WITH paths AS ({}), whole AS (SELECT profile_key, session, {} AS whole FROM paths) "
            "SELECT profile_key, session, ({} + nth)::INTEGER AS level, whole[nth + 1] AS step, whole[nth + 2] AS onward "
            "FROM whole, unnest(range(len(whole))) AS places(nth)",
            paths,
            whole,
            shift,
        )

    def _by_person(self, asked: Asked) -> Sql:
        """Of everyone the one path that counts: profile_key, session, path. No sorting: the few nearest moments of each person."""
        nearest, side = (Sql("min"), Sql(">=")) if self.direction == "from" else (Sql("max"), Sql("<="))
        if self.of is None:
            near = sql(
                "SELECT profile_key, {}(moment, {}) AS near FROM ({}) GROUP BY profile_key",
                nearest,
                self.depth,
                self._moments(asked),
            )
        else:
            near = sql(
                "WITH origins AS MATERIALIZED (SELECT profile_key, min(moment) AS origin FROM ({}) GROUP BY profile_key) "
                "SELECT profile_key, {}(moment, {}) AS near FROM ({}) JOIN origins USING (profile_key) WHERE moment {} origin GROUP BY profile_key",
                self._moments(asked, such=self._such(asked)),
                nearest,
                self.depth,
                self._moments(asked),
                side,
            )
        instant = Sql("list_transform(near, lambda each: each >> 16)")
        unbroken = sql(
            "coalesce(list_filter(range(2, len(near) + 1), lambda each: abs(instants[each] - instants[each - 1]) > {})[1] - 1, len(near))",
            self._pause(asked),
        )
        path = _numbers(sql("near[1 : {}]", unbroken))
        if self.direction == "to":
            path = sql("list_reverse({})", path)
        return sql("SELECT profile_key, 0 AS session, {} AS path FROM (SELECT *, {} AS instants FROM ({}))", path, instant, near)

    def _by_session(self, asked: Asked) -> Sql:
        """Of every session its path, or of everyone that of one session: profile_key, session, path.

        Everybody's moments are one sorted list, which pauses part into sessions; windows over all of them took three times as long.
        """
        marked = sql("SELECT profile_key, moment * 2 + anchor::INTEGER AS moment FROM ({})", self._beside(asked))
        begun = sql(
            "SELECT profile_key, moments, list_filter(range(1, len(moments) + 1), lambda each: each = 1 OR "
            "(moments[each] >> {}) - (moments[each - 1] >> {}) > {}) AS starts FROM "
            "(SELECT profile_key, list_sort(list(moment)) AS moments FROM ({}) GROUP BY profile_key)",
            _EVENT_BITS + 1,
            _EVENT_BITS + 1,
            self._pause(asked),
            marked,
        )
        runs = sql(
            "SELECT profile_key, session, moments[starts[session] : coalesce(starts[session + 1] - 1, len(moments))] AS run FROM "
            "(SELECT *, unnest(range(1, len(starts) + 1)) AS session FROM ({}))",
            begun,
        )
        run, last = Sql("run"), self.of is None and self.direction == "to"
        if self.join:  # an event like the one right before it is the same level
            run = sql("list_filter(run, lambda each, nth: nth = 1 OR each & {} <> run[nth - 1] & {})", 2**17 - 1, 2**17 - 1)
        place = Sql("len(run)") if last else Sql("list_position(list_transform(run, lambda each: each & 1), 1)")
        near = sql("run[place : place + {} - 1]", self.depth)
        if self.direction == "to":
            near = sql("run[greatest(1, place - {} + 1) : place]", self.depth)
        path = sql("list_transform({}, lambda each: (each >> 1 & 65535)::INTEGER)", near)
        one = Sql(f" QUALIFY row_number() OVER (PARTITION BY profile_key ORDER BY session {'DESC' if last else ''}) = 1")
        return sql(
            "SELECT profile_key, session::INTEGER AS session, {} AS path FROM (SELECT *, {} AS place FROM "
            "(SELECT profile_key, session, {} AS run FROM ({}))) WHERE place > 0{}",
            path,
            place,
            run,
            runs,
            one if self.count == "users" else NOTHING,
        )

    def _beside(self, asked: Asked) -> Sql:
        """The events that count, without those that are a session of their own and begin no path: what is left is sorted twice."""
        if self.of is None:
            return self._rows(asked)
        start, end = insight.span(self.period, asked.catalog, asked.at)
        pause = timedelta(minutes=self.gap)
        found = moments.between(asked, start, max(end, start), pause)
        near = sql("<= {} + 1", found.length(pause))  # of long periods the steps are coarse
        return sql(
            "SELECT profile_key, moment, anchor FROM (SELECT *, place - lag(place) OVER own {} OR lead(place) OVER own - place {} AS beside "
            "FROM ({}) WINDOW own AS (ORDER BY place)) WHERE beside OR anchor",
            near,
            near,
            self._rows(asked, sql(", {} AS place", found.packed())),
        )

    def _rows(self, asked: Asked, more: Sql = NOTHING) -> Sql:
        """The events that count, of those who have the event: profile_key, moment, anchor, and more."""
        if self.of is None:
            return self._moments(asked, more=sql(", true AS anchor{}", more))
        such = self._such(asked)
        whose = sql("profile_key IN (SELECT profile_key FROM events WHERE {} AND {})", such, marks.within(self, asked))
        return self._moments(asked, such=whose, more=sql(", ({}) IS TRUE AS anchor{}", such, more))

    def _such(self, asked: Asked) -> Sql:
        """The condition that an event is the one paths are of."""
        assert self.of is not None  # noqa: S101 - asked of a path from or to an event
        return event_leaves.matching(marks.checked(self.of, asked.catalog, "$.of"), Frame(asked.catalog, asked.at))

    def _moments(self, asked: Asked, *, such: Sql = NOTHING, more: Sql = NOTHING) -> Sql:
        """The events that count, or such of them: profile_key, moment, and more.

        A moment is one number for instant and event, in that order: numbers are compared several times as fast as three columns.
        """
        parts = [marks.ANY, marks.within(self, asked), *([such] if such else [])]
        if self.leave_out:
            ids = joined(", ", [asked.catalog.events[each] for each in self.leave_out])
            parts.append(sql("event_id NOT IN ({})", ids))
        return sql(
            "SELECT profile_key, ((epoch_us(occurred_at) - {}) // {}) * 65536 + event_id AS moment{} FROM events WHERE {}",
            int(insight.span(self.period, asked.catalog, asked.at)[0].timestamp()) * 1_000_000,
            self._tick(asked),
            more,
            joined(" AND ", parts),
        )

    def _tick(self, asked: Asked) -> int:
        """The microseconds of a tick: 1, but in a period of more than a year 64."""
        start, end = insight.span(self.period, asked.catalog, asked.at)
        return 1 if (end - start).total_seconds() * 1_000_000 < _TICKS else _COARSE

    def _pause(self, asked: Asked) -> int:
        """The longest pause within a session, in ticks."""
        return self.gap * 60_000_000 // self._tick(asked)


def _numbers(moments: Sql) -> Sql:
    """The numbers of the events of a list of moments."""
    return sql("list_transform({}, lambda each: (each & 65535)::INTEGER)", moments)


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
