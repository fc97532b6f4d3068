"""What every insight is made of: a frozen question with JSON in and out, a period, its people, a result with roles.

An insight is data, as a rule is. It yields one relation of people and marks (`Plan.relation`); the number drawn for a mark
is the distinct count of it, and the people behind the mark are its rows: so the two cannot disagree. Which insights there
are does not live here (`insights`), nor what a condition means (`segments`).
"""

from __future__ import annotations

import json
import types
import typing
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache, cached_property, lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from user360 import clock, formulas, segments
from user360.errors import InvalidInsight, InvalidRule, nearest, shorten
from user360.formulas import Formula
from user360.segments import windows
from user360.segments.rules import Events, Group
from user360.sql import NOTHING, Sql, joined, name, sql

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pyarrow as pa

    from user360.events import Tallies
    from user360.segments import Catalog, Rule

VERSION: Final = 1
UNITS: Final = ("hour", "day", "week", "month")
MOST_UNITS: Final = {"hour": 24 * 366, "day": 3_700, "week": 600, "month": 240}
TOP: Final = 7
VALUE, NONE, OTHER = "=", "none", "other"

Unit = Literal["hour", "day", "week", "month"]


@dataclass(frozen=True, slots=True)
class Period:
    """So many units up to and with the present one, or the days from `first` to `to`, both included."""

    last: int | None = None
    unit: Unit = "day"
    first: date | None = field(default=None, metadata={"key": "from"})
    to: date | None = None


@dataclass(frozen=True, slots=True)
class Breakdown:
    """By channel, by a property of people as it is now, or by a property of the events: the `most` largest, then Other."""

    by: Literal["channel", "property", "event_property"]
    name: str = ""
    most: int = TOP


@dataclass(frozen=True, slots=True)
class Bucket:
    """One place of the time axis: its name in cells, its instants, whether it is over, and whether nothing is cut off it too."""

    name: str
    start: datetime
    end: datetime
    over: bool
    whole: bool


@dataclass(frozen=True, slots=True)
class Role:
    """What a column is: `time`, `dimension` or `measure`; a measure's unit, and whether it counts people."""

    kind: Literal["time", "dimension", "measure"]
    label: str
    unit: str = ""
    people: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """An answer in long form: a row a mark. `sql` is what was asked, `instant` of when the data are; a kind without time has no `buckets`."""

    table: pa.Table
    roles: Mapping[str, Role]
    sql: tuple[str, ...]
    instant: datetime
    milliseconds: float
    buckets: tuple[Bucket, ...] = ()

    def marks(self) -> tuple[str, ...]:
        """The columns that tell one mark from another: the keys of a cell."""
        return tuple(each for each, role in self.roles.items() if role.kind != "measure")


class Plan:
    """A compiled question. What has to ask the data for that is given as what makes it, and made once it is wanted."""

    def __init__(self, relation: Sql | Callable[[], Sql], answer: Sql | Callable[[], Sql | pa.Table]) -> None:
        self._made = relation, answer

    @cached_property
    def relation(self) -> Sql:
        """profile_key and the marks' columns, a row or more for each person of a mark."""
        return made() if callable(made := self._made[0]) else made

    def answered(self, read: Callable[[Sql], pa.Table]) -> pa.Table:
        """The marks' columns and the measures: counted already, or a query read by that."""
        found = made() if callable(made := self._made[1]) else made
        return read(found) if isinstance(found, Sql) else found


@dataclass(frozen=True, slots=True)
class Asked:
    """Of whom and of when a question is asked. `among` is the condition for the keys of its people, if not everyone.

    `room` is how many keys a bitmap must hold, 0 where it is not known: people are then counted without bitmaps.
    `channels` is how many there are: where all of them stand apart nothing has to be ranked.
    `groups` are those that stand apart in an answer, for the rule of who is in Other; only `like` is given them.
    `tallies` are what is kept of days, and `others` the condition of events that are not of such days, while these are asked for.
    `cut` keeps the places of the time axis while a question is answered. `read` asks the data: for rules whose edges are found in them, and for what is computed of events one after the other.
    """

    catalog: Catalog
    at: datetime
    among: Sql = NOTHING
    room: int = 0
    channels: int = 0
    read: Callable[[Sql], pa.Table] | None = None
    tallies: Tallies | None = None
    others: Sql = NOTHING
    groups: tuple[str, ...] = ()
    cut: dict[tuple[Period, Unit], tuple[Bucket, ...]] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Insight:
    """One kind of question. Subclasses are frozen and keyword-only; every field is part of the question."""

    kind: ClassVar[str]
    label: ClassVar[str]
    definition: ClassVar[str]
    roles: ClassVar[dict[str, Role]]

    people: Group | None = None
    period: Period = Period(30)
    granularity: Unit = "day"
    channels: tuple[str, ...] = ()
    breakdown: Breakdown | None = None

    def check(self, catalog: Catalog) -> None:
        """Refuse what cannot be asked of this workspace."""
        check_scope(self, catalog)

    def compile(self, asked: Asked) -> Plan:
        """The question as queries."""
        raise NotImplementedError

    def finished(self, table: pa.Table, places: tuple[Bucket, ...]) -> pa.Table:  # noqa: ARG002 - what kinds make of it
        """The answer with what is computed of it over the places of the time axis."""
        return table

    def like(self, cell: Mapping[str, Any], asked: Asked, *, moving: bool) -> Rule | None:  # noqa: ARG002 - what kinds answer
        """The rule of people like those of a cell, its window moving with time or fixed; None where no rule says it."""
        return None


# -- time ---------------------------------------------------------------------------------------


def span(period: Period, catalog: Catalog, at: datetime) -> tuple[datetime, datetime]:
    """First instant of the period, and first instant after it."""
    if period.last is not None:
        start, _ = windows.unit_around(at, 1 - period.last, period.unit, catalog)
        return start, windows.unit_around(at, 0, period.unit, catalog)[1]
    assert period.first is not None and period.to is not None  # noqa: S101, PT018 - as it was checked
    return clock.start_of_day(period.first, catalog.zone), clock.start_of_day(period.to + timedelta(days=1), catalog.zone)


def buckets(question: Insight, asked: Asked) -> tuple[Bucket, ...]:
    """The places of the time axis, the first and the last cut to the period."""
    key = (question.period, question.granularity)
    if key not in asked.cut:
        asked.cut[key] = _cut(question, asked)
    return asked.cut[key]


def _cut(question: Insight, asked: Asked) -> tuple[Bucket, ...]:
    start, end = span(question.period, asked.catalog, asked.at)
    found = []
    for called, begin, until in _units(start, end, question.granularity, asked.catalog):
        over, cut = until <= asked.at, begin < start or until > end
        found.append(Bucket(called, max(begin, start), min(until, end), over, over and not cut))
    return tuple(found)


@lru_cache(maxsize=16)
def _units(start: datetime, end: datetime, unit: Unit, catalog: Catalog) -> tuple[tuple[str, datetime, datetime], ...]:
    """The whole units between two instants by name: they are the calendar's, and to go through it took longer than asking where few people live."""
    found = windows.units(start, end, unit, catalog)
    if unit == "hour":
        return tuple((begin.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ"), begin, until) for begin, until in found)
    return tuple((clock.calendar_day(begin, catalog.zone).isoformat(), begin, until) for begin, until in found)


# -- reading ------------------------------------------------------------------------------------


def read(cls: type[Insight], source: Mapping[str, Any]) -> Insight:
    """A question of that kind from the objects of its JSON; every fault is told with its path."""
    found = _object(cls, {key: value for key, value in source.items() if key not in {"kind", "version"}}, "$")
    assert isinstance(found, Insight)  # noqa: S101 - as asked for
    return found


def dump(question: Insight) -> dict[str, Any]:
    """The objects of its JSON; what is as by default is left out."""
    return {"kind": question.kind, "version": VERSION, **_written(question)}


@cache
def _hints(cls: type[Any]) -> dict[str, Any]:
    """The types of the fields: to ask for them took half of reading a question."""
    return typing.get_type_hints(cls)


def _object(cls: type[Any], source: Any, path: str) -> Any:
    if not isinstance(source, dict):
        raise InvalidInsight(path, "is not an object.", "Give names and values.")
    hints = _hints(cls)  # type: ignore[arg-type]  # a class
    known = {each.metadata.get("key", each.name): each for each in fields(cls)}
    for key in source:
        if key not in known:
            near = nearest(str(key), known)
            raise InvalidInsight(
                f"{path}.{shorten(key)}", "is not known here.", f"Did you mean “{near}”?" if near else "Take it out."
            )
    values = {}
    for key, each in known.items():
        if key in source:
            values[each.name] = _value(hints[each.name], source[key], f"{path}.{key}")
        elif each.default is MISSING and each.default_factory is MISSING:
            raise InvalidInsight(f"{path}.{key}", "is missing.")
    return cls(**values)


def _value(hint: Any, source: Any, path: str) -> Any:  # noqa: C901 - a case per shape
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin in {types.UnionType, typing.Union}:
        if source is None and type(None) in parts:
            return None
        return _value(next(each for each in parts if each is not type(None)), source, path)
    if origin is Literal:
        if source not in parts or isinstance(source, bool):
            raise InvalidInsight(path, f"{shorten(source)} is not {', '.join(map(str, parts))}.", "Choose one of them.")
        return source
    if origin is tuple:
        if not isinstance(source, list):
            raise InvalidInsight(path, "is not a list.")
        return tuple(_value(parts[0], each, f"{path}[{place}]") for place, each in enumerate(source))
    if hint is Group:
        return _rule(source, path)
    if hint is Events:
        return _events(source, path)
    if hint is Formula:
        return formulas.parse(source, path)
    if hint is date:
        return _day(source, path)
    if is_dataclass(hint):
        return _object(hint, source, path)  # type: ignore[arg-type]  # a class
    return _plain(hint, source, path)


def _plain(hint: Any, source: Any, path: str) -> Any:
    if hint is float and isinstance(source, int) and not isinstance(source, bool):
        return float(source)
    if not isinstance(source, hint) or (isinstance(source, bool) and hint is not bool):
        names = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}
        raise InvalidInsight(path, f"{shorten(source)} is not {names[hint]}.")
    return source


def _day(source: Any, path: str) -> date:
    try:
        return date.fromisoformat(source)
    except (TypeError, ValueError):
        raise InvalidInsight(path, f"{shorten(source)} is not a day.", "Write 2026-11-23.") from None


def _rule(source: Any, path: str) -> Rule:
    try:
        return segments.parse(source)
    except InvalidRule as fault:
        raise InvalidInsight(f"{path}{fault.path.removeprefix('$')}", fault.reason, fault.hint) from None


def _events(source: Any, path: str) -> Events:
    if not isinstance(source, dict) or not set(source) <= {"event", "where"}:
        raise InvalidInsight(path, "is not an event.", "Give event, and where if only some of them count.")
    rule = _rule({"match": "all", "conditions": [source]}, path)
    (condition,) = rule.conditions
    assert isinstance(condition, segments.EventCondition)  # noqa: S101 - as it was written
    return condition.of


def _written(value: Any) -> Any:
    if isinstance(value, Group):
        return segments.dump(value)
    if isinstance(value, Events):
        return segments.dump(Group("all", (segments.EventCondition(value),)))["conditions"][0]
    if isinstance(value, Formula):
        return formulas.text(value)
    if is_dataclass(value) and not isinstance(value, type):
        said = {}
        for each in fields(value):
            found = getattr(value, each.name)
            default = each.default if each.default is not MISSING else None
            if found != default or each.default is MISSING:
                said[each.metadata.get("key", each.name)] = _written(found)
        return said
    if isinstance(value, tuple):
        return [_written(each) for each in value]
    return value.isoformat() if isinstance(value, date) else value


# -- checking -----------------------------------------------------------------------------------


def check_scope(question: Insight, catalog: Catalog) -> None:
    """Refuse a period, people or a breakdown that cannot be asked."""
    period = question.period
    if (period.last is None) == (period.first is None or period.to is None):
        raise InvalidInsight("$.period", "has either last and unit, or from and to.", "Give one of the two.")
    if period.last is not None and not 1 <= period.last <= MOST_UNITS[period.unit]:
        raise InvalidInsight("$.period.last", f"is not from 1 to {MOST_UNITS[period.unit]:,}.")
    if period.first is not None and period.to is not None and not period.first <= period.to:
        raise InvalidInsight("$.period.from", "lies after “to”.", "Swap them.")
    if period.first is not None and not 2000 <= period.first.year <= 2100:  # noqa: PLR2004 - the years of the product
        raise InvalidInsight("$.period.from", "lies too far away.", "Choose a day between 2000 and 2100.")
    if question.people is not None:
        try:
            segments.check(question.people, catalog)
        except InvalidRule as fault:
            raise InvalidInsight(f"$.people{fault.path.removeprefix('$')}", fault.reason, fault.hint) from None
    broken = question.breakdown
    if broken is not None and broken.by == "property" and broken.name not in catalog.properties:
        near = nearest(broken.name, catalog.properties)
        raise InvalidInsight("$.breakdown.name", f"there is no property “{shorten(broken.name)}”.", f"Did you mean “{near}”?")
    if broken is not None and not 1 <= broken.most <= 50:  # noqa: PLR2004 - as many as can be told apart in a table
        raise InvalidInsight("$.breakdown.most", "is not from 1 to 50.")


def parse(source: str | Mapping[str, Any], kinds: Mapping[str, type[Insight]]) -> Insight:
    """A question from JSON text or objects, of one of the kinds there are."""
    if isinstance(source, str):
        try:
            source = json.loads(source)
        except (ValueError, RecursionError):
            raise InvalidInsight("$", "is not JSON.", "A question is an object with a kind.") from None
    if not isinstance(source, dict):
        raise InvalidInsight("$", "is not an object.", "Give a kind.")
    if source.get("version", VERSION) != VERSION:
        raise InvalidInsight("$.version", f"{shorten(source['version'])} is not known.", f"This is version {VERSION}.")
    kind = source.get("kind")
    if not isinstance(kind, str) or kind not in kinds:
        near = nearest(str(kind), kinds)
        raise InvalidInsight(
            "$.kind",
            f"{shorten(kind)} is no kind of insight.",
            f"Did you mean “{near}”?" if near else f"There are {', '.join(kinds)}.",
        )
    return read(kinds[kind], source)


def behind(plan: Plan, marks: Mapping[str, Any]) -> Sql:
    """The keys behind one mark: the rows of the relation that have its values."""
    parts = [sql("{} IS NOT DISTINCT FROM {}", name(each), value) for each, value in marks.items()]
    return sql("SELECT profile_key FROM ({}){}", plan.relation, sql(" WHERE {}", joined(" AND ", parts)) if parts else NOTHING)


def before(period: Period, catalog: Catalog, at: datetime) -> Period:
    """The period of the same length that ends where this one begins."""
    start, end = span(period, catalog, at)
    last = clock.calendar_day(start - timedelta(microseconds=1), catalog.zone)
    if period.last is not None and period.unit in {"week", "month"}:
        begin, _ = windows.unit_around(start, -period.last, period.unit, catalog)
        return Period(first=clock.calendar_day(begin, catalog.zone), to=last)
    days = max(1, round((end - start) / timedelta(days=1)))
    return Period(first=last - timedelta(days=days - 1), to=last)


def against(period: Period, catalog: Catalog, at: datetime) -> tuple[datetime, datetime, datetime, datetime]:
    """The period so far and the one before as far into it: first instant, first after it, and both of the one before."""
    start, end = span(period, catalog, at)
    stop = min(end, at + timedelta(microseconds=1))
    earlier, close = span(before(period, catalog, at), catalog, at)
    return start, stop, earlier, close if end <= stop else max(earlier, min(close, earlier + (stop - start)))
