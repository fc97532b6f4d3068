"""The instant at which time alone changes whether a rule holds for one person.

All data stand still and only the clock goes on. Every instant that could matter is asked in order,
by the same queries that count everybody, up to the first that answers differently. A place among
all people is taken to stay as it is. Which instants could matter does not live here (`breaks`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from user360 import clock, datatypes, profiles
from user360.clock import aware, stored
from user360.segments import breaks, event_leaves, event_values, facts, windows
from user360.segments.calculation import read_calculation
from user360.segments.catalog import load_catalog
from user360.segments.checking import check
from user360.segments.explaining import part_of
from user360.segments.looking import looking
from user360.segments.needing import SPARE
from user360.segments.rules import (
    EventCondition,
    EventMoment,
    EventRegularity,
    Group,
    PropertyCondition,
    Rank,
    SegmentCondition,
    Sequence,
    events_of,
    walk,
)
from user360.segments.wording import amount_of, clause, of_day, of_instant
from user360.sql import NOTHING, Sql, sql

if TYPE_CHECKING:
    from collections.abc import Iterator

    from user360.segments.calculation import Calculation
    from user360.segments.looking import Look
    from user360.segments.rules import During, Node, Rule
    from user360.store import Store

MOST_ASKED: Final = 1_000
MOST_EVENTS: Final = 1_000
_DAYS_SINCE: Final = 400
_STEPS: Final = (1, 4, 16)


@dataclass(frozen=True, slots=True)
class Forecast:
    """When the answer changes and to what; `at` None where it never does.

    `sentence` says what happens then. `looked_to` is the last instant looked at where there were too many to ask all.
    """

    at: datetime | None
    holds: bool
    sentence: str
    looked_to: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Moment:
    """An instant that may change one condition; of an event, when it happened."""

    at: datetime
    path: str
    event: datetime | None = None


def forecast(store: Store, rule: Rule, profile_key: int, *, at: datetime, past: bool = False) -> Forecast:
    """The first instant after `at` when the answer for this person is another, if nothing but time goes by."""
    catalog = load_catalog(store)
    checked = check(rule, catalog)
    with looking(store, checked, catalog, profile_key, at=at, past=past) as look:
        moments = sorted(set(_moments(look)), key=lambda each: (each.at, each.path))
        truth = dict(zip(look.conditions, look.holding([(each, look.frame) for each in look.conditions.values()]), strict=True))
        first = part_of(checked, catalog, truth).holds
        steps = [(when, list(group)) for when, group in groupby(moments, key=lambda each: each.at)]
        asked = 0
        for when, group, answers in _asked(look, steps):
            asked += len(group)
            turned = [each for each in group if answers[each.path] != truth[each.path]]
            truth |= answers
            if part_of(checked, catalog, truth).holds != first:
                return Forecast(when, not first, _sentence(when, turned, truth, look), None)
            if asked >= MOST_ASKED:
                return Forecast(None, first, "", when)
    return Forecast(None, first, "", None)


def _asked(look: Look, steps: list[tuple[datetime, list[_Moment]]]) -> Iterator[tuple[datetime, list[_Moment], dict[str, bool]]]:
    """The truths of the conditions each instant may change; asked for several instants at once, more the longer it goes on."""
    start = turn = 0
    while start < len(steps):
        part = steps[start : start + _STEPS[min(turn, len(_STEPS) - 1)]]
        pairs = [(when, path) for when, group in part for path in dict.fromkeys(each.path for each in group)]
        truth = dict(zip(pairs, look.holding([(look.conditions[path], look.later(when)) for when, path in pairs]), strict=True))
        for when, group in part:
            yield when, group, {each.path: truth[when, each.path] for each in group}
        start, turn = start + len(part), turn + 1


def _sentence(when: datetime, turned: list[_Moment], truth: dict[str, bool], look: Look) -> str:
    """What happens then, as `On 28 Nov 2026, 21:04 the “Order” of 30 Aug 2026 leaves the last 90 days.` says it."""
    catalog = look.frame.catalog
    said: dict[str, str] = {}
    for each in turned:
        node = look.conditions[each.path]
        span = next((of.during for of in events_of(node) if of.during is not None and of.during.kind == "last"), None)
        if each.event is not None and span is not None and each.event <= look.frame.at:
            name = f"“{events_of(node)[0].event}”" if events_of(node)[0].event else "event"
            window = amount_of(int(span.values[0]), str(span.values[1]))
            said.setdefault(each.path, f"the {name} of {of_day(each.event, catalog)} leaves the last {window}")
        elif truth[each.path]:
            said.setdefault(each.path, f"it begins to hold that {clause(node, catalog)}")
        else:
            said.setdefault(each.path, f"it no longer holds that {clause(node, catalog)}")
    return f"On {of_instant(when, catalog)} {', and '.join(said.values())}."


# -- the instants that could matter -------------------------------------------------------------


def _moments(look: Look) -> Iterator[_Moment]:
    values = facts.property_values(look)
    for path, node in look.conditions.items():
        match node:
            case PropertyCondition() if (computed := look.frame.catalog.properties[node.property].calculation) is not None:
                yield from _of_calculation(path, read_calculation(computed), look)
            case PropertyCondition():
                yield from (_Moment(each, path) for each in _of_property(node, values[node.property], look))
            case Rank() | SegmentCondition() | Group():
                continue
            case _:
                yield from _of_events(path, node, look)


def _of_calculation(path: str, calculation: Calculation, look: Look) -> Iterator[_Moment]:
    """When events leave the window of a computed property; the days since rise with each midnight."""
    if calculation.figure == "days_since":
        midnights = breaks.of_units(_DAYS_SINCE, "day", look.frame.catalog, after=look.frame.at)
        yield from (_Moment(each, path) for each in midnights)
    if calculation.of.during is not None:
        yield from _of_events(path, EventCondition(calculation.of), look)


def _of_property(node: PropertyCondition, value: Any, look: Look) -> Iterator[datetime]:
    catalog, at = look.frame.catalog, look.frame.at
    if node.held is not None:
        if node.held.kind != "ever":
            for since in _held_since(node, look):
                yield from breaks.of_age(since, node.held.amount, node.held.unit, catalog, after=at)
    elif isinstance(value, date):
        yield from breaks.of_value(value, node, catalog.properties[node.property].datatype, catalog, after=at)


def _held_since(node: PropertyCondition, look: Look) -> Iterator[datetime]:
    """When the value changed, and when the person was there first."""
    created = look.frame.property(look.frame.catalog.properties["createdAt"])
    yield from (aware(made) for _, made in look.seen.rows(created) if made is not None)
    yield from (each.at for each in profiles.history(look.store, look.key) if each.property == node.property)


def _of_events(path: str, node: Node, look: Look) -> Iterator[_Moment]:
    """When events come and go; and when what is asked of their times, or of dates among their properties, changes."""
    catalog, at = look.frame.catalog, look.frame.at
    spans = [each.during for each in events_of(node)]
    if isinstance(node, Sequence):
        spans = [*spans, node.during]
    given = [each for each in spans if each is not None]
    for moment in _times(node, given, look):
        ways = [breaks.of_window(each, moment, catalog, after=at) for each in given] or [[moment] if moment > at else []]
        for each in {each for way in ways for each in way} | ({moment} if moment > at else set()):
            yield _Moment(each, path, moment)
        if isinstance(node, EventMoment):
            for each in breaks.of_value(moment, node, datatypes.get("datetime"), catalog, after=at):
                yield _Moment(each, path)
        if isinstance(node, EventRegularity):
            yield from (_Moment(each, path) for each in breaks.of_unit(moment, node.span, node.unit, catalog, after=at))
    for inner in walk(node):
        if isinstance(inner, PropertyCondition):
            yield from (_Moment(each, path) for each in _of_own(inner, look))


def _times(node: Node, spans: list[During], look: Look) -> list[datetime]:
    """The times of the events that may still come or go, the earliest first; of a first or last time, of all."""
    at, catalog = look.frame.at, look.frame.catalog
    since = [windows.during(each, at, catalog)[0] for each in spans if each.kind in {"last", "calendar"}]
    if isinstance(node, EventRegularity):
        since.append(stored(event_leaves.starts_of(node, look.frame)[0]))
    earliest = min((each for each in since if isinstance(each, datetime)), default=stored(at))
    first = stored(clock.later(aware(earliest), -SPARE))
    last = isinstance(node, EventMoment) and node.occurrence == "last"
    rows = look.seen.rows(
        sql(
            "SELECT DISTINCT occurred_at FROM own WHERE ({}){} ORDER BY occurred_at {} LIMIT {}",
            event_leaves.named(node, look.frame),  # type: ignore[arg-type]  # a condition on events
            NOTHING if isinstance(node, EventMoment) else sql(" AND occurred_at >= {}", first),
            Sql("DESC" if last else "ASC"),
            MOST_EVENTS,
        )
    )
    return [aware(when) for (when,) in rows]


def _of_own(node: PropertyCondition, look: Look) -> Iterator[datetime]:
    """When a date among an event's own properties comes into a window that moves, or leaves it."""
    catalog, at = look.frame.catalog, look.frame.at
    datatype = datatypes.get(node.type or "string")
    if datatype.name not in {"date", "datetime"}:
        return
    column = event_values.typed(node.property, datatype.name, None, look.frame)
    for (value,) in look.seen.rows(sql("SELECT DISTINCT {} AS value FROM own LIMIT {}", column, MOST_EVENTS)):
        if value is not None:
            asked = aware(value) if isinstance(value, datetime) else value
            yield from breaks.of_value(asked, node, datatype, catalog, after=at)
