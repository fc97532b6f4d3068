"""Trends: one to five series of events over time, as a total, as users, per user, or as a figure of one of their properties.

`total(b)` counts events in bucket b, `users(b)` distinct people, `per user = total ÷ users`; sum, average, median,
percentiles and distinct are of the property's values read as numbers (distinct: as text). Percentile p of n values in order
lies at place `(n - 1) * p / 100` from 0, between two values in proportion. A breakdown shows its largest groups by people,
then Other and (no value). Every mark opens the people whose events it counts.

The rolling mean of n places is `m(k) = (v(k-n+1) + … + v(k)) ÷ n`, where all n are whole: over, and not cut by the period. A
place without events counts 0 where events are counted or summed; a figure that has no value there is left out of the mean.

A formula is reckoned of the values of its series at one place and in one group, where a series without events counts as said
above: `(A / B)(b, g) = A(b, g) / B(b, g)`; divided by 0 it is unknown. It stands as a further series after the others, and its
people are those of any series it names. Over the period as a whole it is reckoned of the figures of the whole: a share of
users is not the mean of the shares of days.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

import pyarrow as pa

from user360 import events, formulas, insight, likeness, marks
from user360.errors import InvalidInsight
from user360.formulas import Formula  # noqa: TC001 - the reader of questions looks at it
from user360.insight import Insight, Plan, Role, check_scope
from user360.segments import event_leaves, event_values
from user360.segments.frames import Frame
from user360.segments.rules import Events, Group
from user360.sql import NOTHING, Sql, joined, sql

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from user360.insight import Asked, Bucket
    from user360.marks import Told
    from user360.segments import Catalog, Rule

MOST_SERIES: Final = 5
Figure = Literal["total", "users", "per_user", "sum", "average", "median", "p25", "p75", "p90", "p95", "p99", "distinct"]
OF_PROPERTY: Final = ("sum", "average", "median", "p25", "p75", "p90", "p95", "p99", "distinct")
FROM_NOTHING: Final = ("total", "users", "sum", "distinct")
"""The figures that are 0 where nothing happened; the others have no value there."""
MEANS: Final = (3, 7, 28)
"""Of how many places a rolling mean can be."""
_USERS: Final = "users"
_FIGURES: Final = {
    "total": "count(*)",
    "users": _USERS,
    "per_user": f"count(*) / {_USERS}",
    "sum": "coalesce(sum(number), 0)",
    "average": "avg(number)",
    "median": "median(number)",
    "p25": "quantile_cont(number, 0.25)",
    "p75": "quantile_cont(number, 0.75)",
    "p90": "quantile_cont(number, 0.9)",
    "p95": "quantile_cont(number, 0.95)",
    "p99": "quantile_cont(number, 0.99)",
    "distinct": "count(DISTINCT word)",
}
_ADDED: Final = {"total": "n", "users": "users", "per_user": "n / users", "sum": "coalesce(s, 0)", "average": "s / nullif(c, 0)"}
"""The figures that come of sums over channels."""
_ROW: Final = Sql("profile_key, number, word")  # what is kept of an event
_TOLD: Final = {"total": "events", "users": "users", "per_user": "events / users"}
"""The figures that what is kept of days tells."""


@dataclass(frozen=True, slots=True)
class Series:
    """Which events, and which figure of them."""

    of: Events
    figure: Figure = "users"
    property: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend(Insight):
    """Series of events over time, or over the period as a whole; with a formula over them, `alone` drawn or beside them.

    `unit` is written behind what the formula comes to.
    """

    kind: ClassVar[str] = "trend"
    label: ClassVar[str] = "Trend"
    definition: ClassVar[str] = "How often an event happens, to how many users, or what its properties come to, over time."
    roles: ClassVar[dict[str, Role]] = {
        "series": Role("dimension", "Series"),
        "time": Role("time", "Time"),
        "breakdown": Role("dimension", "Breakdown"),
        "value": Role("measure", "Value"),
        "users": Role("measure", "Users", "users", people=True),
        "mean": Role("measure", "Rolling mean"),
    }

    series: tuple[Series, ...]
    mean: int = 0
    formula: Formula | None = None
    unit: Literal["", "%"] = ""
    alone: bool = True
    over: Literal["time", "period"] = "time"

    def check(self, catalog: Catalog) -> None:
        """Refuse events there are not, and figures without a property."""
        check_scope(self, catalog)
        if not 1 <= len(self.series) <= MOST_SERIES:
            raise InvalidInsight("$.series", f"are not 1 to {MOST_SERIES}.", "Take some out.")
        if self.mean not in {0, *MEANS}:
            raise InvalidInsight("$.mean", f"is not 0, {', '.join(map(str, MEANS))}.", "Choose one of them.")
        for place, each in enumerate(self.series):
            path = f"$.series[{place}]"
            if each.figure in OF_PROPERTY and not each.property:
                raise InvalidInsight(f"{path}.property", "is missing.", "Say which property of the event it is of.")
            marks.checked(each.of, catalog, f"{path}.of")
        if self.formula is not None:
            formulas.check(self.formula, len(self.series))

    def compile(self, asked: Asked) -> Plan:
        """Rows of events, one relation for all series; counted apart where bitmaps say it."""
        rows = marks.broken(joined(" UNION ALL ", self._parts(asked, _ROW)), self.breakdown)
        time = sql(", {} AS time", marks.called(self, Sql("spot"))) if self.over == "time" else NOTHING
        relation = sql("SELECT * EXCLUDE spot{} FROM ({})", time, rows)
        return Plan(relation, self._named(self._counted(asked, rows)))

    def _places(self, asked: Asked) -> int:
        """How many places of the time axis are asked for."""
        return len(insight.buckets(self, asked)) if self.over == "time" else 1

    def _drawn(self) -> tuple[int, ...]:
        """The places of the series, and that of the formula after them."""
        return tuple(range(len(self.series) + (self.formula is not None)))

    def of(self, place: int) -> tuple[Series, ...]:
        """The series whose events a place counts: itself, or all that the formula names; nothing past these."""
        if place == len(self.series) and self.formula is not None:
            return tuple(self.series[each] for each in formulas.named(self.formula))
        return self.series[place : place + 1]

    def _counted(self, asked: Asked, rows: Sql) -> Sql:
        """Series, spot, group, value and users, in the shape that is quickest for what is asked."""
        places = self._places(asked) * len(self._drawn())
        by = self.breakdown.by if self.breakdown else None
        figures = {each.figure for each in self.series}
        if by is None:
            told = marks.told(self, asked) if self.over == "time" else None
            return joined(" UNION ALL ", [self._whole(place, asked, told) for place in self._drawn()])
        if by == "channel" and figures <= set(_ADDED) and marks.fits(asked, places * marks.channels_of(asked)):
            return self._by_channel(asked)
        if by == "property" and figures == {"users"} and marks.fits(asked, places):
            assert self.breakdown is not None  # noqa: S101 - as it is by property
            found = joined(" UNION ALL ", self._parts(asked, sql("{} AS heads", marks.crowd(asked)), grouped=True))
            return sql("SELECT *, users AS value FROM ({})", marks.crossed(asked, self.breakdown, found))
        cases = [
            Sql(f"WHEN {place} THEN {_FIGURES[each.figure].replace(_USERS, 'count(DISTINCT profile_key)')}")
            for place, each in enumerate(self.series)
        ]
        return sql(
            "SELECT series, spot, breakdown, CASE series {} END AS value, count(DISTINCT profile_key) AS users FROM ({}) "
            "GROUP BY series, spot, breakdown",
            joined(" ", cases),
            rows,
        )

    def _whole(self, place: int, asked: Asked, told: Told | None) -> Sql:
        """A series as a whole: series, spot, value and users. What is kept of days tells the users of a figure of a property too."""

        def asking(asked: Asked, *, left: int) -> Sql:
            return self._part(place, asked, self._figure(place, left, asked), grouped=True)

        each = self.of(place)[0]
        plain = each.of.where is None and each.of.during is None
        if told is None or not plain or place == len(self.series):
            return asking(asked, left=self._places(asked))
        kind, such = events.WHOLE, NOTHING
        if each.of.event is not None:
            kind, such = events.EVENT, sql("number = {}", asked.catalog.events[each.of.event])
        columns = sql("{} AS series, day AS spot, {} AS value, users", place, Sql(_TOLD.get(each.figure, "NULL")))
        counted = told.beside(kind, columns, lambda others: asking(others, left=told.left), such)
        if each.figure in _TOLD:
            return counted
        figures = self._part(place, asked, sql("{} AS figure", Sql(_FIGURES[each.figure])), grouped=True)
        return sql("SELECT series, spot, figure AS value, users FROM ({}) JOIN ({}) USING (series, spot)", figures, counted)

    def _figure(self, place: int, places: int, asked: Asked) -> Sql:
        """What is kept of a place: the figure, and the users as they are counted soonest; of a formula the users only."""
        of, rows = self.of(place), None
        numbers = [asked.catalog.events[each.of.event] for each in of if each.of.event is not None]
        if len(numbers) == len(of):
            rows = sql("event_id IN ({}) AND {}", joined(", ", [sql("{}", each) for each in numbers]), marks.within(self, asked))
        users = marks.counted(asked, places, rows, of=len(self._drawn()))
        if place == len(self.series):
            return sql("NULL::DOUBLE AS value, {} AS users", users)
        figure = joined("", [users if part == _USERS else Sql(part) for part in _FIGURES[of[0].figure].partition(_USERS)])
        return sql("{} AS value, {} AS users", figure, users)

    def _by_channel(self, asked: Asked) -> Sql:
        """One bitmap a place and channel, with what can be added up; then the channels with their groups."""
        assert self.breakdown is not None  # noqa: S101 - as it is by channel

        def cells(people: Sql) -> Sql:
            added = sql("channel_id, count(*) AS n, sum(number) AS s, count(number) AS c, {}", people)
            return joined(" UNION ALL ", self._parts(asked, added, grouped=True))

        cases = [Sql(f"WHEN {place} THEN {_ADDED[each.figure]}") for place, each in enumerate(self.series)]
        return sql(
            "SELECT series, spot, breakdown, CASE series {} END AS value, users FROM ({})",
            joined(" ", cases),
            marks.by_channel(asked, self.breakdown.most, cells, "series, spot", ("n", "s", "c")),
        )

    def _parts(self, asked: Asked, wanted: Sql, *, grouped: bool = False) -> list[Sql]:
        """The events of each series, and of the formula after them."""
        return [self._part(place, asked, wanted, grouped=grouped) for place in self._drawn()]

    def _part(self, place: int, asked: Asked, wanted: Sql, *, grouped: bool = False) -> Sql:
        """The events of a series: series, spot and what is wanted of them, event by event or place by place."""
        raw, beside = marks.raw(self.breakdown, asked) if not grouped else (NOTHING, NOTHING)
        of = self.of(place)
        each = of[0]
        alone = place < len(self.series) and bool(each.property)
        such = [event_leaves.matching(marks.checked(one.of, asked.catalog, "$"), Frame(asked.catalog, asked.at)) for one in of]
        return sql(
            "SELECT {} AS series, spot, {} FROM (SELECT *, {} AS spot, {} AS number, {} AS word FROM events) AS events{} "
            "WHERE ({}) AND {} AND {}{}",
            place,
            sql("{}{}", wanted, raw),
            marks.spot(self, asked) if self.over == "time" else Sql("0"),
            event_values.number(each.property, each.of.event, asked.catalog) if alone else Sql("NULL::DOUBLE"),
            sql("({})::VARCHAR", event_values.plain(each.property))
            if alone and each.figure == "distinct"
            else Sql("NULL::VARCHAR"),
            beside,
            joined(" OR ", such),
            marks.within(self, asked),
            marks.known(asked) if grouped else Sql("true"),
            Sql(" GROUP BY ALL" if grouped else ""),
        )

    def _named(self, counted: Sql) -> Sql:
        """Places by their names: naming few instead of all events."""
        timed = self.over == "time"
        return sql(
            "SELECT series{}{}, value::DOUBLE AS value, users FROM ({}) ORDER BY series{}{}",
            sql(", {} AS time", marks.called(self, Sql("spot"))) if timed else NOTHING,
            Sql(", breakdown" if self.breakdown else ""),
            sql("SELECT * FROM ({}) WHERE users > 0", counted) if not timed else counted,
            Sql(", time" if timed else ""),
            Sql(", breakdown" if self.breakdown else ""),
        )

    def nothing(self, place: int) -> float | None:
        """The value of a series, or of the formula after them, where nothing happened."""
        if place == len(self.series) and self.formula is not None:
            return formulas.value(self.formula, [self.nothing(each) for each in range(place)])
        return 0.0 if self.series[place].figure in FROM_NOTHING else None

    def finished(self, table: pa.Table, places: tuple[Bucket, ...]) -> pa.Table:
        """The answer with what the formula comes to, and with the rolling mean beside each value, if they are wanted."""
        table = self._reckoned(table) if self.formula is not None else table
        return self._smoothed(table, places) if self.mean and self.over == "time" else table

    def _reckoned(self, table: pa.Table) -> pa.Table:
        """The answer with the values of the formula, place by place and group by group."""
        assert self.formula is not None  # noqa: S101 - as it is asked for
        rows, last = table.to_pylist(), len(self.series)
        nothing = [self.nothing(each) for each in range(last)]
        figures: dict[tuple[str | None, str | None], list[float | None]] = {}
        for row in rows:
            if row["series"] < last:
                figures.setdefault((row.get("time"), row.get("breakdown")), [*nothing])[row["series"]] = row["value"]
        made = [
            formulas.value(self.formula, figures.get((row.get("time"), row.get("breakdown")), nothing))
            if row["series"] == last
            else row["value"]
            for row in rows
        ]
        return table.set_column(table.column_names.index("value"), "value", pa.array(made, pa.float64()))

    def _smoothed(self, table: pa.Table, places: tuple[Bucket, ...]) -> pa.Table:
        """The answer with the rolling mean beside each value."""
        rows = table.to_pylist()
        lines: dict[tuple[int, str | None], dict[str, float | None]] = {}
        for row in rows:
            lines.setdefault((row["series"], row.get("breakdown")), {})[row["time"]] = row["value"]
        found = {}
        for line, values in lines.items():
            smooth = means([values.get(each.name, self.nothing(line[0])) for each in places], places, self.mean)
            found[line] = dict(zip((each.name for each in places), smooth, strict=True))
        made = [found[row["series"], row.get("breakdown")][row["time"]] for row in rows]
        return table.append_column("mean", pa.array(made, pa.float64()))

    def like(self, cell: Mapping[str, Any], asked: Asked, *, moving: bool) -> Rule | None:
        """Who had such an event in the time of the mark."""
        of = self.of(cell.get("series", 0))
        if not of:
            return None
        during = likeness.window(self, cell, asked, moving=moving)
        such = tuple(dict.fromkeys(likeness.happened(self, each.of, cell, during, asked.groups) for each in of))
        return likeness.rule(self, cell, asked, such if len(such) == 1 else (Group("any", such),))


def means(values: Sequence[float | None], places: Sequence[Bucket], width: int) -> list[float | None]:
    """The rolling mean of so many places at each place; None where fewer lie before it, or one of them is not whole."""
    found: list[float | None] = []
    whole = 0
    for last, place in enumerate(places):
        whole = whole + 1 if place.whole else 0
        stretch = values[last - width + 1 : last + 1] if whole >= width else ()
        known = [each for each in stretch if each is not None]
        found.append(sum(known) / len(known) if known else None)
    return found


INSIGHT = Trend
