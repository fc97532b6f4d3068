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
from user360.segments import windows

if TYPE_CHECKING:
    from user360.insight import Asked, Insight

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
