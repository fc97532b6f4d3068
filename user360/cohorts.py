"""The cohorts of retention: the periods people begin in, and the cells of the periods after.

Without this room bitmaps and rows of people would be cut at different edges. Who is in a cohort does not live here
(`insights/retention`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from user360 import clock, insight
from user360.people import NOBODY
from user360.segments import windows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from user360.insight import Asked, Insight
    from user360.people import People

LENGTHS: Final = {"day": timedelta(days=1), "week": timedelta(days=7), "month": timedelta(days=30)}
"""Of a period on a person's own clock."""


@dataclass(frozen=True, slots=True)
class Edges:
    """The days cohorts are called by, where their periods and all later ones begin, and the ends of the question's period."""

    days: tuple[date, ...]
    edges: tuple[datetime, ...]
    first: datetime
    end: datetime

    @property
    def whole(self) -> bool:
        """Whether the question's period cuts no cohort short."""
        return self.first == self.edges[0] and self.end == self.edges[len(self.days)]


def edges(question: Insight, ages: int, asked: Asked) -> Edges:
    """Where the periods begin in which people are looked for, so many of them for each cohort."""
    first, end = insight.span(question.period, asked.catalog, asked.at)
    unit = question.granularity
    found: list[datetime] = []
    here, following = windows.unit_around(first, 0, unit, asked.catalog)
    cohorts = 0
    while here < end or len(found) <= cohorts + ages:
        cohorts += here < end
        found.append(here)
        here, following = following, windows.unit_around(following, 0, unit, asked.catalog)[1]
    days = tuple(clock.calendar_day(each, asked.catalog.zone) for each in found[:cohorts])
    return Edges(days, tuple(found), first, end)


def cells(question: Insight, ages: int, asked: Asked, *, own: bool) -> pa.Table:
    """The cells that have begun: cohort, age, whether they are finished for everyone in it, and the period they look at."""
    found, length, at = edges(question, ages, asked), LENGTHS[question.granularity], asked.at
    days = [clock.calendar_day(each, asked.catalog.zone) for each in found.edges]
    rows = []
    for place, cohort in enumerate(found.days):
        start, end = max(found.edges[place], found.first), min(found.edges[place + 1], found.end)
        for age in range(ages):
            if own:
                begins, ends = start + age * length, end + (age + 1) * length
            else:
                begins, ends = found.edges[place + age], found.edges[place + age + 1]
            if begins > at:
                break
            rows.append((cohort, age, age == 0 or ends <= at, days[place + age]))
    columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
    kinds = (pa.date32(), pa.int64(), pa.bool_(), pa.date32())
    return pa.table(
        [pa.array(each, kind) for each, kind in zip(columns, kinds, strict=True)], ["cohort", "age", "finished", "target"]
    )


def new(there: Mapping[date, People], days: tuple[date, ...], before: People) -> dict[date, People]:
    """Who is there for the first time in each of these periods, of which all were in none `before`."""
    found = {}
    for each in days:
        here = there.get(each, NOBODY)
        found[each] = here - before
        before |= here
    return found


def met(
    cells: pa.Table, begun: Mapping[date, People], seen: Mapping[date, People], *, after: bool, once: bool
) -> tuple[pa.Table, pa.Table]:
    """What cohorts and periods share: cohort, age, size, members and finished of each cell, and age and users of the pooled row.

    `seen` has who was there in a period; `after`: or in any later one. `once`: nobody is in two cohorts. Bitmaps put together
    here took a tenth of the time of joining them in the database.
    """
    reached, later = dict(seen), NOBODY
    if after:
        for each in sorted({*seen, *cells["target"].to_pylist()}, reverse=True):
            later = reached[each] = later | seen.get(each, NOBODY)
    counted: list[tuple[date, int, int, int, bool]] = []
    pooled: dict[int, People] = {}
    users: dict[int, int] = {}
    for cell in cells.to_pylist():
        cohort, age, finished = cell["cohort"], cell["age"], cell["finished"]
        if not (start := begun.get(cohort, NOBODY)):
            continue
        back = start & reached.get(cell["target"], NOBODY) if age else start
        members = len(back)
        counted.append((cohort, age, len(start), members, finished))
        if finished and once:
            users[age] = users.get(age, 0) + members
        elif finished:
            pooled[age] = pooled.get(age, NOBODY) | back
    users |= {age: len(each) for age, each in pooled.items()}
    columns = list(zip(*counted, strict=True)) or [()] * 5
    kinds = (pa.date32(), pa.int64(), pa.int64(), pa.int64(), pa.bool_())
    parts = [pa.array(each, kind) for each, kind in zip(columns, kinds, strict=True)]
    return (
        pa.table(parts, ["cohort", "age", "size", "members", "finished"]),
        pa.table({"age": pa.array(list(users), pa.int64()), "users": pa.array(list(users.values()), pa.int64())}),
    )
