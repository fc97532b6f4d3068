"""Who is in a segment over time: its size at earlier moments, whom a new definition would move, one person's segments.

Nothing is recorded for this: the past is asked with the rule of today, so a segment made a minute ago
has a history too. Why somebody came or went does not live here (`turnover`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from user360 import clock
from user360.segments import asking, compiler, saved
from user360.segments.catalog import load_catalog
from user360.segments.checking import check
from user360.segments.frames import Frame
from user360.segments.needing import MINE, OWN, events_of_person, flattened, needs, row_of
from user360.segments.tree import Both, Leaf, as_query
from user360.sql import joined, sql

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from user360.people import People
    from user360.segments.rules import Rule
    from user360.segments.saved import Segment
    from user360.store import Store
    from user360.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Size:
    """How many were in, of all there were, at a moment."""

    at: datetime
    people: int
    total: int


@dataclass(frozen=True, slots=True)
class Impact:
    """Whom a change of the definition would move."""

    entered: People
    left: People
    stayed: People


def size_over_time(store: Store, rule: Rule, *, moments: Sequence[datetime], at: datetime) -> tuple[Size, ...]:
    """The size at each moment, as things stood then; moments from `at` on are the present."""
    return tuple(_size(store, rule, min(each, at), past=each < at) for each in moments)


def moments(settings: Workspace, *, days: int, points: int, at: datetime) -> tuple[datetime, ...]:
    """Evenly spread moments of the last days, oldest first: the first instants of days, and at the end `at` itself."""
    today = clock.calendar_day(at, settings.zone)
    steps = [round(days * place / (points - 1)) for place in range(1, points)]
    earlier = [clock.start_of_day(today - timedelta(days=back - 1), settings.zone) for back in reversed(steps)]
    return (*(each for each in dict.fromkeys(earlier) if each < at), at)


def impact(store: Store, segment_id: str, rule: Rule, *, at: datetime) -> Impact:
    """Who would enter, leave and stay if the segment had this definition from now on."""
    before = asking.holding(store, saved.rule_of(saved.get(store, segment_id)), at=at)
    after = asking.holding(store, rule, at=at)
    return Impact(after - before, before - after, before & after)


def of(store: Store, profile_key: int, *, at: datetime) -> tuple[Segment, ...]:
    """The segments in use that a person is in, by name. One question: the person's events are read once for all of them."""
    every = saved.find(store)
    if not every:
        return ()
    catalog = load_catalog(store)
    rules = [check(saved.rule_of(each), catalog) for each in every]
    frame = Frame(catalog, at, person=profile_key, own=OWN, mine=MINE)
    parts = []
    for each, rule in zip(every, rules, strict=True):
        tree = compiler.compiled(rule, frame)
        query = as_query(Both((Leaf(frame.everyone()), tree)), frame.everyone())
        parts.append(sql("SELECT {} AS segment_id WHERE EXISTS ({})", each.id, query))
    wanted = needs([node for rule in rules for _, node in flattened(rule, catalog, "$")], frame)
    read = events_of_person(wanted, frame), row_of(wanted, frame)
    own = sql("WITH own AS MATERIALIZED ({}), mine AS MATERIALIZED ({}) ", *read)
    found = {segment_id for (segment_id,) in store.rows(sql("{}{}", own, joined(" UNION ALL ", parts)))}
    return tuple(sorted((each for each in every if each.id in found), key=lambda each: each.name.casefold()))


def of_many(store: Store, profile_keys: Sequence[int], *, at: datetime) -> dict[int, tuple[Segment, ...]]:
    """For each of these people the segments in use they are in. Asked of everybody, which is kept for the next page of people."""
    every = sorted(saved.find(store), key=lambda each: each.name.casefold()) if profile_keys else []
    people = [(each, asking.holding(store, saved.rule_of(each), at=at)) for each in every]
    return {key: tuple(each for each, members in people if key in members) for key in profile_keys}


def _size(store: Store, rule: Rule, at: datetime, *, past: bool) -> Size:
    found = asking.holding(store, rule, at=at, past=past)
    return Size(at, len(found), len(asking.living(store, at=at, past=past)))
