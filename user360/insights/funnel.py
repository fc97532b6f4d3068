"""Funnels: how many people do 2 to 10 steps, where they stop, how long they need, and who can still go on.

An attempt begins with a step-1 event in the period and ends W later; W is a fixed length, a day being 24 hours
(research/features.md 5.4). In *ordered* attempts each following step is the nearest later event that matches it, other
events may lie between; in *strict* ones no other event of the person does; in *any* order an attempt reaches step i with i
different steps inside W, whichever came first. An event is one step of an attempt, so equal steps need as many events.
Events of one instant count in the order of the steps they match, so two steps at one instant convert.

A person counts once, by the attempt that got furthest, of several the earliest. `n_i` are those who reached step i,
`share = n_i / n_1`, `step_share = n_i / n_(i-1)`, with the Wilson interval of the share (z = 1.96). Who did not reach the
last step while an attempt of theirs is younger than W is *open*, everyone else *dropped*. With excluded events an attempt
is void if one lies between the steps named; who has void attempts alone is *left out*, of step 1 too.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from user360 import attempts, insight, likeness, marks
from user360.attempts import ONE_WEEK, Excluded, Way, Within
from user360.errors import InvalidInsight
from user360.insight import Insight, Plan, Role, check_scope
from user360.segments.rules import During, EventCondition, Events, Group, Sequence
from user360.sql import NOTHING, Sql, joined, sql

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from user360.insight import Asked
    from user360.segments import Catalog, Node, Rule

FEWEST_STEPS: Final = 2
MOST_STEPS: Final = 10
MOST_EXCLUDED: Final = 5
MOST_SAME: Final = 3
LONGEST: Final = timedelta(days=366)
REACHED, DROPPED, OPEN, LEFT_OUT = "reached", "dropped", "open", "left out"
TIMES: Final = (0, 60, 300, 900, 1_800, 3_600, 7_200, 21_600, 43_200, 86_400, 172_800, 259_200, 604_800, 1_209_600, 2_592_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Funnel(Insight):
    """Steps on the way to something. `same` names properties of the events whose values must not change on the way."""

    kind: ClassVar[str] = "funnel"
    label: ClassVar[str] = "Funnel"
    definition: ClassVar[str] = (
        "A person counts once, by the attempt that got furthest, of several the earliest. An attempt begins with the first "
        "step in the period and has the time given from there; who can still go on is shown apart."
    )
    roles: ClassVar[dict[str, Role]] = {
        "time": Role("time", "Time"),
        "step": Role("dimension", "Step"),
        "state": Role("dimension", "State"),
        "took": Role("dimension", "Time to convert, from seconds"),
        "breakdown": Role("dimension", "Breakdown"),
        "users": Role("measure", "Users", "users", people=True),
        "share": Role("measure", "Share of the first step"),
        "low": Role("measure", "Share, low"),
        "high": Role("measure", "Share, high"),
        "step_share": Role("measure", "Share of the step before"),
        "median": Role("measure", "Median from the first step", "seconds"),
        "step_median": Role("measure", "Median from the step before", "seconds"),
    }

    steps: tuple[Events, ...]
    order: Literal["ordered", "strict", "any"] = "ordered"
    within: Within = ONE_WEEK
    excluded: tuple[Excluded, ...] = ()
    same: tuple[str, ...] = ()
    shows: Literal["steps", "over_time", "times"] = "steps"

    def check(self, catalog: Catalog) -> None:
        """Refuse too few or many steps, events there are not, and exclusions where the order says none."""
        check_scope(self, catalog)
        if not FEWEST_STEPS <= len(self.steps) <= MOST_STEPS:
            raise InvalidInsight("$.steps", f"are not {FEWEST_STEPS} to {MOST_STEPS}.", "Add or take out steps.")
        for place, each in enumerate(self.steps):
            marks.checked(each, catalog, f"$.steps[{place}]")
        if self.within.amount < 1 or self.within.amount > LONGEST / timedelta(minutes=1) or self.within.length > LONGEST:
            raise InvalidInsight("$.within.value", f"is not from 1 to {LONGEST.days} days.")
        self._check_excluded(catalog)
        if len(self.same) > MOST_SAME or "" in self.same:
            raise InvalidInsight("$.same", f"is not up to {MOST_SAME} names of properties.")

    def _check_excluded(self, catalog: Catalog) -> None:
        if self.excluded and self.order != "ordered":
            hint = "In strict order nothing lies between the steps." if self.order == "strict" else "Give the steps an order."
            raise InvalidInsight("$.excluded", "needs steps in order.", hint)
        if len(self.excluded) > MOST_EXCLUDED:
            raise InvalidInsight("$.excluded", f"are more than {MOST_EXCLUDED}.", "Take some out.")
        for place, each in enumerate(self.excluded):
            marks.checked(each.of, catalog, f"$.excluded[{place}].of")
            if not 1 <= each.after < (each.before or len(self.steps)) <= len(self.steps):
                raise InvalidInsight(f"$.excluded[{place}].after", "and before are no steps of which one follows the other.")

    def compile(self, asked: Asked) -> Plan:
        """The best attempt of each person, once for each step it reached and the one it did not."""
        way = Way(self, self.steps, self.order, self.within, self.excluded, self.same, by_time=self.shows == "over_time")
        best = _grouped(attempts.best(way, asked), self, asked)
        if self.shows == "times":
            return _times(best, self)
        last = len(self.steps)
        relation = sql(
            "SELECT profile_key, {}step, CASE WHEN level = 0 THEN {} WHEN step <= level THEN {} WHEN open THEN {} ELSE {} END AS state"
            "{}, CASE WHEN step <= level THEN epoch(moments[step] - moments[1]) END AS seconds, "
            "CASE WHEN step <= level THEN epoch(moments[step] - moments[step - 1]) END AS step_seconds FROM ({}), (SELECT unnest(range(1, {})) AS step) WHERE step <= level + 1",
            Sql("time, " if self.shows == "over_time" else ""),
            LEFT_OUT,
            REACHED,
            OPEN,
            DROPPED,
            Sql(", breakdown" if self.breakdown else ""),
            best,
            last + 1,
        )
        return Plan(relation, _steps(relation, self))

    def like(self, cell: Mapping[str, Any], asked: Asked, *, moving: bool) -> Rule | None:
        """Who did the steps so far in that order and, of those who dropped or are open, not the next one.

        A sequence of a rule wants each step later than the one before; only here two of one instant may be in order.
        """
        grouped = self.breakdown is not None and self.breakdown.by != "property" and cell.get("breakdown") is not None
        step = cell.get("step")
        plain = self.order == "ordered" and not (self.excluded or self.same or grouped) and self.shows != "times"
        if not plain or not isinstance(step, int) or not 1 <= step <= len(self.steps):
            return None
        during = likeness.window(self, cell, asked, moving=moving)
        if cell.get("state") == REACHED:
            return likeness.rule(self, cell, asked, (_reached(self, step, during),))
        if cell.get("state") not in {DROPPED, OPEN} or step == 1:
            return None
        stopped: tuple[Node, ...] = (_reached(self, step - 1, during), Group("none", (_reached(self, step, during),)))
        young = _young(self, cell, asked, moving=moving)
        if young is not None:
            begun = _reached(self, 1, young)
            stopped += (begun if cell["state"] == OPEN else Group("none", (begun,)),)
        elif cell["state"] == OPEN:
            return None
        return likeness.rule(self, cell, asked, stopped)


# -- marks --------------------------------------------------------------------------------------


def _grouped(best: Sql, question: Funnel, asked: Asked) -> Sql:
    """The people with their groups; beside the groups everyone, whose group is null."""
    if question.breakdown is None:
        return best
    found = best
    if question.breakdown.by == "property":
        raw, beside = marks.raw(question.breakdown, asked)
        found = sql("SELECT best.*{} FROM ({}) AS best{}", raw, best, beside)
    everyone = best if question.breakdown.by == "property" else sql("SELECT * EXCLUDE raw FROM ({})", best)
    groups = marks.broken(found, question.breakdown)
    return sql("SELECT DISTINCT * FROM ({}) UNION ALL SELECT *, NULL AS breakdown FROM ({})", groups, everyone)


def _steps(relation: Sql, question: Funnel) -> Sql:
    """The people of each step and state, with shares, intervals and medians; a step nobody reached counts 0."""
    of = [Sql("time")] if question.shows == "over_time" else []
    of += [Sql("breakdown")] if question.breakdown else []
    columns = joined("", [sql("{}, ", each) for each in of])
    alike = joined("", [sql(" AND every.{} IS NOT DISTINCT FROM counted.{}", each, each) for each in of])
    chosen = joined("", [sql("every.{}, ", each) for each in of])
    partition = sql("PARTITION BY {}", joined(", ", of)) if of else NOTHING
    return sql(
        "WITH counted AS MATERIALIZED (SELECT {}step, state, count(*) AS users, median(seconds) AS median, "
        "median(step_seconds) AS step_median FROM ({}) GROUP BY ALL), "
        "every AS (SELECT {}step, {} AS state FROM (SELECT DISTINCT {}1 AS one FROM counted), (SELECT unnest(range(1, {})) AS step) "
        "UNION SELECT {}step, state FROM counted), "
        "filled AS (SELECT {}every.step, every.state, coalesce(users, 0) AS users, median, step_median FROM every LEFT JOIN counted "
        "ON every.step = counted.step AND every.state = counted.state{}), "
        "shared AS (SELECT *, max(users) FILTER (WHERE step = 1 AND state = {}) OVER ({}) AS first, "
        "max(users) FILTER (WHERE state = {}) OVER ({} ORDER BY step RANGE BETWEEN 1 PRECEDING AND 1 PRECEDING) AS before FROM filled) "
        "SELECT {}step, state, users, share, {} AS low, {} AS high, users / nullif(before, 0) AS step_share, median, step_median "
        "FROM (SELECT *, users / nullif(first, 0) AS share FROM shared) ORDER BY ALL",
        columns,
        relation,
        columns,
        REACHED,
        columns,
        len(question.steps) + 1,
        columns,
        chosen,
        alike,
        REACHED,
        partition,
        REACHED,
        partition,
        columns,
        *marks.wilson(Sql("share"), Sql("first")),
    )


def _times(best: Sql, question: Funnel) -> Plan:
    """Who did all steps, by how long it took them."""
    last = len(question.steps)
    took = sql("epoch(moments[{}] - moments[1])", last)
    bins = [sql("WHEN {} < {} THEN {}", took, edge, low) for low, edge in pairwise(TIMES)]
    column = Sql(", breakdown" if question.breakdown else "")
    relation = sql(
        "SELECT profile_key, (CASE {} ELSE {} END)::INTEGER AS took{} FROM ({}) WHERE level = {}",
        joined(" ", bins),
        TIMES[-1],
        column,
        best,
        last,
    )
    whole = Sql("PARTITION BY breakdown" if question.breakdown else "")
    answer = sql(
        "SELECT *, users / sum(users) OVER ({}) AS share FROM (SELECT took{}, count(*) AS users FROM ({}) GROUP BY ALL) ORDER BY ALL",
        whole,
        column,
        relation,
    )
    return Plan(relation, answer)


# -- rules --------------------------------------------------------------------------------------


def _reached(question: Funnel, step: int, during: During) -> EventCondition | Sequence:
    """That the steps up to this one were done in that order, the first in that time."""
    first = likeness.happened(question, question.steps[0], {}, during)
    if step == 1:
        return first
    later = (likeness.happened(question, each, {}).of for each in question.steps[1:step])
    return Sequence((first.of, *later), _ticks(question))


def _ticks(question: Funnel) -> tuple[int, str]:
    """The time an attempt may take as a rule says it: in hours, because a day of a rule is one of the calendar."""
    hours = {"day": 24, "week": 7 * 24}.get(question.within.unit)
    return (question.within.amount * hours, "hour") if hours else (question.within.amount, question.within.unit)


def _young(question: Funnel, cell: Mapping[str, Any], asked: Asked, *, moving: bool) -> During | None:
    """The part of the mark's time from which an attempt can still go on; None where all is over."""
    if moving:
        return During("last", _ticks(question))
    start, end = _time_of(question, cell, asked)
    young = max(start, asked.at - question.within.length + timedelta(microseconds=1))
    return During("between", (young.isoformat(), end.isoformat())) if young < end else None


def _time_of(question: Funnel, cell: Mapping[str, Any], asked: Asked) -> tuple[datetime, datetime]:
    found = next((each for each in insight.buckets(question, asked) if each.name == cell.get("time")), None)
    return (found.start, found.end) if found is not None else insight.span(question.period, asked.catalog, asked.at)


INSIGHT = Funnel
