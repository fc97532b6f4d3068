"""Funnels: how many people do 2 to 10 steps, where they stop, how long they need, and who can still go on.

An attempt begins with a step-1 event in the period and ends W later; W is a fixed length, a day being 24 hours
(Mixpanel's window from the first step on). In *ordered* attempts each following step is the nearest later event that matches it, other
events may lie between; in *strict* ones no other event of the person does; in *any* order an attempt reaches step i with i
different steps inside W, whichever came first. An event is one step of an attempt, so equal steps need as many events.
Events of one instant count in the order of the steps they match, so two steps at one instant convert.

A person counts once, by the attempt that got furthest, of several the earliest (as Amplitude chooses). `n_i` are those who reached step i,
`share = n_i / n_1`, `step_share = n_i / n_(i-1)`, with the Wilson interval of the share (z = 1.96). Who did not reach the
last step while an attempt of theirs is younger than W is *open*, everyone else *dropped*. With excluded events an attempt
is void if one lies between the steps named, in any order between as many steps, or after the first of the two and within
the time if the other is not reached; who has void attempts alone is *left out*, of step 1 too.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import permutations
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from user360 import attempts, clock, insight, likeness, marks, ordering
from user360.attempts import ONE_WEEK, Excluded, Way, Within
from user360.errors import InvalidInsight
from user360.insight import Insight, Plan, Role, check_scope
from user360.segments.rules import During, EventCondition, Events, Group, Sequence
from user360.sql import NOTHING, Sql, joined, sql

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from numpy.typing import NDArray

    from user360.chains import Best
    from user360.insight import Asked, Bucket
    from user360.ordering import Array
    from user360.segments import Catalog, Node, Rule

FEWEST_STEPS: Final = 2
MOST_STEPS: Final = 10
MOST_EXCLUDED: Final = 5
MOST_SAME: Final = 3
LONGEST: Final = timedelta(days=366)
_MOST_IN_ANY_ORDER: Final = 4
STATES = REACHED, DROPPED, OPEN, LEFT_OUT = ["reached", "dropped", "open", "left out"]
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

    def _sayable(self) -> bool:
        """Whether a rule says the steps in any order: each order of them is a sequence of events no two of which are one."""
        names = [each.event for each in self.steps]
        return len(names) <= _MOST_IN_ANY_ORDER and None not in names and len(set(names)) == len(names)

    def _check_excluded(self, catalog: Catalog) -> None:
        if len(self.excluded) > MOST_EXCLUDED:
            raise InvalidInsight("$.excluded", f"are more than {MOST_EXCLUDED}.", "Take some out.")
        for place, each in enumerate(self.excluded):
            marks.checked(each.of, catalog, f"$.excluded[{place}].of")
            if not 1 <= each.after < (each.before or len(self.steps)) <= len(self.steps):
                raise InvalidInsight(f"$.excluded[{place}].after", "and before are no steps of which one follows the other.")

    def compile(self, asked: Asked) -> Plan:
        """The best attempt of each person, once for each step it reached and the one it did not."""
        way = Way(self, self.steps, self.order, self.within, self.excluded, self.same, by_time=self.shows == "over_time")
        best, raw = attempts.best(way, asked)
        groups = _groups(best, raw, self, asked) if self.breakdown is not None else None
        if self.shows == "times":
            return _times(_with_groups(_took(best, self), groups), self)
        parts = _reached(best, self, asked)
        relation = _with_groups(pa.concat_tables(parts), groups)
        return Plan(relation, _counted(parts) if groups is None else _grouped(relation, self))

    def finished(self, table: pa.Table, places: tuple[Bucket, ...]) -> pa.Table:  # noqa: ARG002 - those nobody was at are not drawn
        """The people of each step and state with shares, intervals and medians; a step nobody reached counts 0."""
        if self.shows == "times":
            return table
        rows, first, before = _filled(table, len(self.steps))
        users = rows["users"].to_numpy()
        shares = {"share": pa.array(users / first, from_pandas=True), **marks.wilson(users / first, first)}
        shares["step_share"] = pa.array(users / before, from_pandas=True)
        marked = rows.column_names[: rows.column_names.index("users")]
        columns = {each: rows[each] for each in (*marked, "users")} | shares
        columns |= {each: rows[each] for each in ("median", "step_median")}
        return pa.table(columns).sort_by([(each, "ascending") for each in marked])

    def like(self, cell: Mapping[str, Any], asked: Asked, *, moving: bool) -> Rule | None:
        """Who did the steps so far in that order and, of those who dropped or are open, not the next one.

        A sequence of a rule wants each step later than the one before; only here two of one instant may be in order.
        """
        grouped = self.breakdown is not None and self.breakdown.by != "property" and cell.get("breakdown") is not None
        step = cell.get("step")
        plain = self.order != "strict" and not (self.excluded or self.same or grouped) and self.shows != "times"
        if self.order == "any" and not self._sayable():
            return None
        if not plain or not isinstance(step, int) or not 1 <= step <= len(self.steps):
            return None
        during = likeness.window(self, cell, asked, moving=moving)
        if cell.get("state") == REACHED:
            return likeness.rule(self, cell, asked, (_did(self, step, during),))
        if cell.get("state") not in {DROPPED, OPEN} or step == 1:
            return None
        stopped: tuple[Node, ...] = (_did(self, step - 1, during), Group("none", (_did(self, step, during),)))
        young = _young(self, cell, asked, moving=moving)
        if young is not None:
            begun = _did(self, 1, young)
            stopped += (begun if cell["state"] == OPEN else Group("none", (begun,)),)
        elif cell["state"] == OPEN:
            return None
        return likeness.rule(self, cell, asked, stopped)


_COUNTED: Final = pa.schema(
    {
        "time": pa.string(),
        "step": pa.int64(),
        "state": pa.string(),
        "users": pa.int64(),
        "median": pa.float64(),
        "step_median": pa.float64(),
    }
)


# -- marks --------------------------------------------------------------------------------------


def _reached(best: Best, question: Funnel, asked: Asked) -> list[pa.Table]:
    """Of each attempt the steps it reached, with seconds from the first step and the one before, and the one it did not: by step and state."""
    last = len(question.steps)
    young = best.newest + question.within.length // timedelta(microseconds=1) > clock.microseconds(asked.at)
    names = [each.name for each in insight.buckets(question, asked)]
    parts = [_part(best, best.level == 0, 1, LEFT_OUT, names)]
    for step in range(1, last + 1):
        parts.append(_part(best, best.level >= step, step, REACHED, names))
        if step > 1:
            stopped = best.level == step - 1
            parts += [_part(best, stopped & young, step, OPEN, names), _part(best, stopped & ~young, step, DROPPED, names)]
    return parts


def _part(best: Best, those: NDArray[np.bool_], step: int, state: str, names: list[str]) -> pa.Table:
    """The rows of these attempts for a step that is reached, or not."""
    rows = np.flatnonzero(those)
    columns: dict[str, Any] = {"attempt": rows, "profile_key": best.who[rows].astype(np.uint32)}
    if best.place is not None:
        columns["time"] = pa.DictionaryArray.from_arrays(best.place[rows].astype(np.int32), names)
    columns["step"] = pa.repeat(pa.scalar(step, pa.int64()), rows.size)
    columns["state"] = pa.DictionaryArray.from_arrays(np.full(rows.size, STATES.index(state), np.int8), STATES)
    nothing = pa.nulls(rows.size, pa.float64())
    columns["seconds"] = _apart(best, rows, step, 1) if state == REACHED else nothing
    columns["step_seconds"] = _apart(best, rows, step, step - 1) if state == REACHED and step > 1 else nothing
    return pa.table(columns)


def _apart(best: Best, rows: NDArray[np.int64], step: int, other: int) -> NDArray[np.float64]:
    """The seconds from the one step to the other, from 1."""
    seconds: NDArray[np.float64] = (best.moments[step - 1][rows] - best.moments[other - 1][rows]) / 1e6
    return seconds


def _took(best: Best, question: Funnel) -> pa.Table:
    """Who did all steps, by how long it took them."""
    last = len(question.steps)
    rows = np.flatnonzero(best.level == last)
    took = np.array(TIMES, np.int32)[np.searchsorted(TIMES, _apart(best, rows, last, 1), side="right") - 1]
    return pa.table({"attempt": rows, "profile_key": best.who[rows].astype(np.uint32), "took": took})


def _groups(best: Best, raw: pa.ChunkedArray | None, question: Funnel, asked: Asked) -> Sql:
    """Attempts with their groups: attempt, breakdown. One of several groups is in each of them."""
    assert question.breakdown is not None  # noqa: S101 - as it is asked for
    counted = pa.table({"attempt": np.arange(best.who.size), "profile_key": best.who.astype(np.uint32)})
    held, beside = Sql(""), NOTHING
    if question.breakdown.by == "property":
        held, beside = marks.raw(question.breakdown, asked)
    elif raw is not None:
        counted = counted.append_column("raw", raw)
    rows = sql("SELECT attempts.*{} FROM attempts{}", held, beside, attempts=counted)
    return sql("SELECT DISTINCT attempt, breakdown FROM ({})", marks.broken(rows, question.breakdown))


def _with_groups(rows: pa.Table, groups: Sql | None) -> Sql:
    """The rows with their groups; beside the groups everyone, whose group is null."""
    if groups is None:
        return sql("SELECT * FROM funnel_rows", funnel_rows=rows.drop_columns(["attempt"]))
    return sql(
        "SELECT * EXCLUDE attempt FROM funnel_rows JOIN ({}) USING (attempt) "
        "UNION ALL SELECT * EXCLUDE attempt, NULL AS breakdown FROM funnel_rows",
        groups,
        funnel_rows=rows,
    )


def _counted(parts: list[pa.Table]) -> Sql:
    """The people of each place, step and state, and their medians: counted from the arrays, which took a third of the time of asking the database."""
    found = []
    for each in parts:
        names, place = _places(each)
        counts = np.bincount(place, minlength=len(names))
        medians = [_medians(each[column], place, counts) for column in ("seconds", "step_seconds")]
        step, state = (each[column][:1].to_pylist() * len(names) or [None] * len(names) for column in ("step", "state"))
        whole = pa.Table.from_arrays([pa.array(of) for of in (names, step, state, counts)] + medians, names=_COUNTED.names)
        found.append(whole.cast(_COUNTED).filter(pa.array(counts > 0)))
    counted = pa.concat_tables(found)
    by_time = "time" in parts[0].column_names
    return sql("SELECT * FROM counted_steps", counted_steps=counted if by_time else counted.drop_columns(["time"]))


def _places(part: pa.Table) -> tuple[list[str | None], NDArray[np.int64]]:
    """The names of the places of the time axis, and at which of them each row is; all at one where there is no axis."""
    if "time" not in part.column_names:
        return [None], np.zeros(part.num_rows, dtype=np.int64)
    places = part["time"].combine_chunks()
    return places.dictionary.to_pylist(), places.indices.to_numpy().astype(np.int64)


def _medians(column: pa.ChunkedArray, place: NDArray[np.int64], counts: NDArray[np.int64]) -> pa.Array:
    """The median of each place, if this is a time at all."""
    if column.null_count or not len(column):
        return pa.nulls(counts.size, pa.float64())
    return pa.array(ordering.medians(place, np.rint(column.to_numpy() * 1e6).astype(np.int64), counts) / 1e6)


def _grouped(relation: Sql, question: Funnel) -> Sql:
    """The same of each group, asked of the database."""
    of = joined("", [sql("{}, ", each) for each in _beside(question)])
    return sql(
        "SELECT {}step, state, count(*) AS users, median(seconds) AS median, median(step_seconds) AS step_median FROM ({}) GROUP BY ALL",
        of,
        relation,
    )


def _beside(question: Funnel) -> list[Sql]:
    """The columns steps are told apart by."""
    return [Sql("time")] * (question.shows == "over_time") + [Sql("breakdown")] * (question.breakdown is not None)


def _filled(counted: pa.Table, last: int) -> tuple[pa.Table, Array, Array]:
    """The counted rows and, with nobody, the steps nobody reached; and of each row the users of the first step of its group and of the step before."""
    beside = [each for each in ("time", "breakdown") if each in counted.column_names]
    group = np.zeros(counted.num_rows, dtype=np.int64)
    for each in beside:
        codes = counted[each].combine_chunks().dictionary_encode(null_encoding="encode")
        group = group * len(codes.dictionary) + codes.indices.to_numpy()
    _, one, group = np.unique(group, return_index=True, return_inverse=True)
    step = counted["step"].to_numpy()
    reached = pc.equal(counted["state"], REACHED).to_numpy()
    heads = np.full((one.size, last + 1), -1, dtype=np.int64)  # of each group by step, from 1
    heads[group[reached], step[reached]] = counted["users"].to_numpy()[reached]
    missing, at = np.nonzero(heads[:, 1:] < 0)
    columns = {each: counted[each].take(pa.array(one[missing])) for each in beside}
    columns |= {"step": at + 1, "state": pa.repeat(pa.scalar(REACHED), at.size), "users": np.zeros(at.size, dtype=np.int64)}
    nothing = {each: pa.nulls(at.size, pa.float64()) for each in ("median", "step_median")}
    group, step = np.append(group, missing), np.append(step, at + 1)
    rows = pa.concat_tables([counted, pa.table(columns | nothing).select(counted.column_names).cast(counted.schema)])
    heads = np.where(heads > 0, heads, np.nan)  # a share of nobody is none
    return rows, heads[group, 1], heads[group, step - 1]


def _times(relation: Sql, question: Funnel) -> Plan:
    """How many needed how long."""
    column = Sql(", breakdown" if question.breakdown else "")
    whole = Sql("PARTITION BY breakdown" if question.breakdown else "")
    answer = sql(
        "SELECT *, users / sum(users) OVER ({}) AS share FROM (SELECT took{}, count(*) AS users FROM ({}) GROUP BY ALL) ORDER BY ALL",
        whole,
        column,
        relation,
    )
    return Plan(relation, answer)


# -- rules --------------------------------------------------------------------------------------


def _did(question: Funnel, step: int, during: During) -> Node:
    """That so many steps were done, in order or in any, the first in that time."""
    ways = [question.steps[:step]] if question.order == "ordered" else permutations(question.steps, step)
    found = [_in_order(question, each, during) for each in ways]
    return found[0] if len(found) == 1 else Group("any", tuple(found))


def _in_order(question: Funnel, steps: tuple[Events, ...], during: During) -> EventCondition | Sequence:
    """That these were done one after the other, the first in that time."""
    first = likeness.happened(question, steps[0], {}, during)
    if len(steps) == 1:
        return first
    later = (likeness.happened(question, each, {}).of for each in steps[1:])
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
