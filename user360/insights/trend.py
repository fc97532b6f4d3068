"""Trends: one to five series of events over time, as a total, as users, per user, or as a figure of one of their properties.

`total(b)` counts events in bucket b, `users(b)` distinct people, `per user = total ÷ users`; sum, average, median,
percentiles and distinct are of the property's values read as numbers (distinct: as text). Percentile p of n values in order
lies at place `(n - 1) * p / 100` from 0, between two values in proportion. A breakdown shows its largest groups by people,
then Other and (no value). Every mark opens the people whose events it counts.

The rolling mean of n places is `m(k) = (v(k-n+1) + … + v(k)) ÷ n`, where all n are whole: over, and not cut by the period. A
place without events counts 0 where events are counted or summed; a figure that has no value there is left out of the mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

import pyarrow as pa

from user360 import events, insight, likeness, marks
from user360.errors import InvalidInsight
from user360.insight import Insight, Plan, Role, check_scope
from user360.segments import event_leaves, event_values
from user360.segments.frames import Frame
from user360.segments.rules import Events  # noqa: TC001 - the reader of questions looks at it
from user360.sql import NOTHING, Sql, joined, sql

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

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
    """Series of events over time."""

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

    def compile(self, asked: Asked) -> Plan:
        """Rows of events, one relation for all series; counted apart where bitmaps say it."""
        rows = marks.broken(joined(" UNION ALL ", self._parts(asked, _row)), self.breakdown)
        relation = sql("SELECT * EXCLUDE spot, {} AS time FROM ({})", marks.called(self, Sql("spot")), rows)
        return Plan(relation, self._named(self._counted(asked, rows)))

    def _counted(self, asked: Asked, rows: Sql) -> Sql:
        """Series, spot, group, value and users, in the shape that is quickest for what is asked."""
        places = len(insight.buckets(self, asked)) * len(self.series)
        by = self.breakdown.by if self.breakdown else None
        figures = {each.figure for each in self.series}
        if by is None:
            told = marks.told(self, asked)
            return joined(" UNION ALL ", [self._whole(place, each, asked, told) for place, each in enumerate(self.series)])
        if by == "channel" and figures <= set(_ADDED) and marks.fits(asked, places * marks.channels_of(asked)):
            return self._by_channel(asked)
        if by == "property" and figures == {"users"} and marks.fits(asked, places):
            assert self.breakdown is not None  # noqa: S101 - as it is by property
            found = joined(" UNION ALL ", self._parts(asked, lambda _: sql("{} AS heads", marks.crowd(asked)), grouped=True))
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

    def _whole(self, place: int, each: Series, asked: Asked, told: Told | None) -> Sql:
        """A series as a whole: series, spot, value and users."""

        def asking(of: Asked) -> Sql:
            return self._part(
                place, of, self._figure(each, told.left if plain and told else len(insight.buckets(self, of)), of), grouped=True
            )

        plain = each.figure in _TOLD and each.of.where is None and each.of.during is None
        if told is None or not plain:
            return asking(asked)
        kind, such = events.WHOLE, NOTHING
        if each.of.event is not None:
            kind, such = events.EVENT, sql("number = {}", asked.catalog.events[each.of.event])
        columns = sql("{} AS series, day AS spot, {} AS value, users", place, Sql(_TOLD[each.figure]))
        return told.beside(kind, columns, asking, such)

    def _figure(self, each: Series, places: int, asked: Asked) -> Sql:
        """What is kept of a place: the figure, and the users as they are counted soonest."""
        rows = None
        if each.of.event is not None:
            rows = sql("event_id = {} AND {}", asked.catalog.events[each.of.event], marks.within(self, asked))
        users = marks.counted(asked, places, rows, of=len(self.series))
        figure = joined("", [users if part == _USERS else Sql(part) for part in _FIGURES[each.figure].partition(_USERS)])
        return sql("{} AS value, {} AS users", figure, users)

    def _by_channel(self, asked: Asked) -> Sql:
        """One bitmap a place and channel, with what can be added up; then the channels with their groups."""
        assert self.breakdown is not None  # noqa: S101 - as it is by channel

        def cells(people: Sql) -> Sql:
            added = sql("channel_id, count(*) AS n, sum(number) AS s, count(number) AS c, {}", people)
            return joined(" UNION ALL ", self._parts(asked, lambda _: added, grouped=True))

        cases = [Sql(f"WHEN {place} THEN {_ADDED[each.figure]}") for place, each in enumerate(self.series)]
        return sql(
            "SELECT series, spot, breakdown, CASE series {} END AS value, users FROM ({})",
            joined(" ", cases),
            marks.by_channel(asked, self.breakdown.most, cells, "series, spot", ("n", "s", "c")),
        )

    def _parts(self, asked: Asked, of: Callable[[Series], Sql], *, grouped: bool = False) -> list[Sql]:
        """The events of each series."""
        return [self._part(place, asked, of(each), grouped=grouped) for place, each in enumerate(self.series)]

    def _part(self, place: int, asked: Asked, wanted: Sql, *, grouped: bool = False) -> Sql:
        """The events of a series: series, spot and what is wanted of them, event by event or place by place."""
        raw, beside = marks.raw(self.breakdown, asked) if not grouped else (NOTHING, NOTHING)
        each = self.series[place]
        return sql(
            "SELECT {} AS series, spot, {} FROM (SELECT *, {} AS spot, {} AS number, {} AS word FROM events) AS events{} "
            "WHERE {} AND {} AND {}{}",
            place,
            sql("{}{}", wanted, raw),
            marks.spot(self, asked),
            event_values.number(each.property, each.of.event, asked.catalog) if each.property else Sql("NULL::DOUBLE"),
            sql("({})::VARCHAR", event_values.plain(each.property)) if each.property else Sql("NULL::VARCHAR"),
            beside,
            event_leaves.matching(marks.checked(each.of, asked.catalog, "$"), Frame(asked.catalog, asked.at)),
            marks.within(self, asked),
            marks.known(asked) if grouped else Sql("true"),
            Sql(" GROUP BY ALL" if grouped else ""),
        )

    def _named(self, counted: Sql) -> Sql:
        """Places by their names: naming few instead of all events."""
        return sql(
            "SELECT series, {} AS time{}, value::DOUBLE AS value, users FROM ({}) ORDER BY series, time{}",
            marks.called(self, Sql("spot")),
            Sql(", breakdown" if self.breakdown else ""),
            counted,
            Sql(", breakdown" if self.breakdown else ""),
        )

    def nothing(self, place: int) -> float | None:
        """The value of a series where nothing happened."""
        return 0.0 if self.series[place].figure in FROM_NOTHING else None

    def finished(self, table: pa.Table, places: tuple[Bucket, ...]) -> pa.Table:
        """The answer with the rolling mean beside each value, if it is wanted."""
        if not self.mean:
            return table
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
        place = cell.get("series", 0)
        if place >= len(self.series):
            return None
        during = likeness.window(self, cell, asked, moving=moving)
        return likeness.rule(self, cell, asked, (likeness.happened(self, self.series[place].of, cell, during, asked.groups),))


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


def _row(_: Series) -> Sql:
    """What is kept of an event."""
    return Sql("profile_key, number, word")


INSIGHT = Trend
