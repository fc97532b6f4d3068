"""A plain reading of the whole segment format over plain Python, to judge the compiler by. It shares no code with it.

A question is asked of a world as it stood at an instant: what was told later does not count, and who
was deleted later is still there. At an instant after everything it is the present.

`times` counts on the calendar, `values` is the table of operators, `happenings` reads events, `people` is the world, `uniting`
makes one of two in it.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from tests.oracle.happenings import figure, holds_of_events, in_order, matching
from tests.oracle.people import EVER, Event, Listed, Person, Seen, World, world_of
from tests.oracle.times import Now, moved
from tests.oracle.uniting import Union, parted, united
from tests.oracle.values import satisfies

if TYPE_CHECKING:
    from datetime import datetime

__all__ = [
    "EVER",
    "Event",
    "Listed",
    "Now",
    "Person",
    "Seen",
    "Union",
    "World",
    "holds",
    "parted",
    "people",
    "united",
    "world_of",
]


def people(rule: dict[str, Any], world: World, *, at: datetime) -> list[int]:
    """The keys of all there at that instant for whom the rule holds, ascending."""
    return sorted(each.key for each in world.there(at) if holds(rule, each, world, at=at))


def holds(rule: dict[str, Any], person: Person, world: World, *, at: datetime) -> bool:
    """Whether the rule, or one node of it, holds for a person of a world at that instant."""
    now = world.now(at)
    if "match" in rule:
        parts = [holds(each, person, world, at=at) for each in rule["conditions"]]
        return {"all": all(parts), "any": any(parts), "none": not any(parts)}[rule["match"]]
    if "segment" in rule:
        return _in_segment(world.segments[rule["segment"]], person, world, at)
    if "rank" in rule:
        return person.key in _front(rule, world, at)
    if "sequence" in rule:
        return in_order(rule, person.did(at), now)
    if "event" in rule:
        return holds_of_events(rule, person.did(at), now)
    if "held" in rule:
        return _held(rule, person, now)
    return satisfies(rule, person.value(rule["property"], at), now)


def _held(rule: dict[str, Any], person: Person, now: Now) -> bool:
    past, held = person.past(rule["property"], now.at), rule["held"]
    if "ever" in held:
        return any(satisfies(rule, value, now) for _, value in past)
    amount = held.get("for") or held["changed_in_the_last"]
    since = moved(now.at, -amount, held["unit"], now.zone)
    if "for" not in held:
        return any(since < instant for instant, _ in past[1:])
    if person.made(now.at) > since:
        return False
    before = [value for instant, value in past if instant <= since]
    return all(satisfies(rule, value, now) for value in [before[-1], *(value for instant, value in past if instant > since)])


def _in_segment(segment: dict[str, Any] | list[Listed], person: Person, world: World, at: datetime) -> bool:
    if isinstance(segment, dict):
        return holds(segment, person, world, at=at)
    return any(each.key == person.key and each.added <= at and (each.removed is None or each.removed > at) for each in segment)


def _front(rule: dict[str, Any], world: World, at: datetime) -> set[int]:
    """Who stands in front when all whose value is known line up; of equals the lower key comes first."""
    values = [(_ranked(rule, each, world.now(at)), each.key) for each in world.there(at)]
    known = [each for each in values if each[0] is not None]
    line = sorted(known, key=lambda each: each[1])
    line.sort(key=lambda each: each[0], reverse=rule["rank"] == "top")
    room = rule.get("count") or math.ceil(len(known) * Fraction(str(rule["percent"])) / 100)
    return {key for _, key in line[:room]}


def _ranked(rule: dict[str, Any], person: Person, now: Now) -> Any:
    if "property" in rule:
        return person.value(rule["property"], now.at)
    found = matching(rule, person.did(now.at), now)
    return figure(rule["measure"], found) if "measure" in rule else len(found)
