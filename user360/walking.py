"""From the events of people to the paths they took within their sessions, as arrays.

Everybody's events are sorted at once and cut into sessions where they pause; of each session the few steps beside the one its
path begins or ends with are looked up. Lists of each person's moments in the database took three times as long. Which events
count and what paths are drawn of does not live here (`insights/paths`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import pyarrow as pa

from user360 import ordering

if TYPE_CHECKING:
    from user360.ordering import Array

OUTSIDE: Final = -1
"""Stands for what is before or after a session among the numbers of events."""
_NOTHING: Final = -2


@dataclass(frozen=True, slots=True)
class Way:
    """How paths run: `forward` from an event or back from it, so many levels deep, with pauses of so many microseconds at most.

    `last`: the event is the last anchor of a session instead of the first. `join`: like events in a row are one step.
    `of_each`: the path of the first session of everyone, or of the last, or of all of them.
    """

    forward: bool
    last: bool
    depth: int
    pause: int
    join: bool
    of_each: Literal["first", "last", "all"]


def walked(who: Array, when: Array, event: Array, anchor: Array, way: Way) -> pa.Table:
    """A row for each level of each path: profile_key, session, level, step and the next one; `OUTSIDE` is beyond the session."""
    if who.size and not anchor.all():  # who has no anchor has no path: the database took four times as long to find them
        having = np.zeros(int(who.max()) + 1, dtype=np.bool_)
        having[who[anchor != 0]] = True
        kept = having[who]
        who, when, event, anchor = who[kept], when[kept], event[kept], anchor[kept]
    key, instant, beside = ordering.in_order(who, when, event.astype(np.uint32) << 1 | anchor)
    begins = np.ones(key.size, dtype=np.bool_)
    begins[1:] = (key[1:] != key[:-1]) | (instant[1:] - instant[:-1] > way.pause)
    del instant
    if way.join:
        kept = begins.copy()
        kept[1:] |= beside[1:] != beside[:-1]
        key, beside, begins = key[kept], beside[kept], begins[kept]
    starts = np.flatnonzero(begins)
    ends = np.append(starts[1:], key.size)[: starts.size]
    place = _places(beside & 1 != 0, starts, ends, last=way.last)
    nth = _nth(key[starts])
    there = place >= 0
    if way.of_each != "all":
        there[there] = _only(key[starts[there]], last=way.of_each == "last")
    place, starts, ends, nth = place[there], starts[there], ends[there], nth[there]
    return _rows(key[place], nth, _steps((beside >> 1).astype(np.int32), place, starts, ends, way))


def _places(anchor: Array, starts: Array, ends: Array, *, last: bool) -> Array:
    """Where the anchor of each session stands, -1 where it has none."""
    found = np.append(np.flatnonzero(anchor), -1)  # after all others stands none
    before = np.cumsum(anchor)  # how many anchors there are up to each event
    count = before[ends - 1] - before[starts] + anchor[starts]
    place = found[before[ends - 1] - 1 if last else before[starts] - anchor[starts]]
    return np.where(count > 0, place, -1)


def _nth(key: Array) -> Array:
    """The number of each session among those of its person, from 1."""
    if not key.size:
        return key.astype(np.int32)
    firsts = np.flatnonzero(np.append(True, key[1:] != key[:-1]))
    sizes = np.diff(np.append(firsts, key.size))
    return (np.arange(key.size) - np.repeat(firsts, sizes) + 1).astype(np.int32)


def _only(key: Array, *, last: bool) -> Array:
    """Whether a session is the first or the last of its person."""
    changes = key[1:] != key[:-1]
    return np.append(changes, True)[: key.size] if last else np.append(True, changes)[: key.size]


def _steps(event: Array, place: Array, starts: Array, ends: Array, way: Way) -> list[Array]:
    """The step of each path on each level."""
    steps = []
    for level in range(way.depth):
        here = place + level if way.forward else place - (way.depth - 1 - level)
        inside = (here >= starts) & (here < ends)
        step = np.where(inside, event[np.where(inside, here, 0)], _NOTHING) if place.size else place.astype(np.int32)
        step[here == (ends if way.forward else starts - 1)] = OUTSIDE
        steps.append(step)
    return steps


def _rows(key: Array, session: Array, steps: list[Array]) -> pa.Table:
    """The levels of all paths beneath each other."""
    parts = []
    for level, step in enumerate(steps):
        onward = steps[level + 1] if level + 1 < len(steps) else np.full(step.size, _NOTHING)
        there = step != _NOTHING
        further = onward[there].astype(np.int32)
        parts.append(
            pa.table(
                {
                    "profile_key": pa.array(key[there], pa.uint32()),
                    "session": pa.array(session[there], pa.int32()),
                    "level": pa.array(np.full(further.size, level, dtype=np.int32)),
                    "step": pa.array(step[there].astype(np.int32)),
                    "onward": pa.array(further, mask=further == _NOTHING),
                }
            )
        )
    return pa.concat_tables(parts)
