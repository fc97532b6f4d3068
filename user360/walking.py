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
    from collections.abc import Sequence

    from user360.ordering import Array, Slice

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


def walked(slices: Sequence[Slice], way: Way) -> pa.Table:
    """A row for each level of each path: profile_key, session, level, step and the next one; `OUTSIDE` is beyond the session.

    Beside the events stands twice their number, and one more where they are anchors.
    """
    return pa.concat_tables(ordering.at_once(lambda each: _walked(each, way), slices))


def _walked(events: Slice, way: Way) -> pa.Table:
    whole = way.of_each == "all" or way.join
    happened = (_of_those_with_anchors(events) if whole else _in_reach(events, way)).in_order()
    key, instant, beside = happened.who(), happened.when(), happened.beside()
    comes = np.ones(key.size, dtype=np.bool_)  # another person
    comes[1:] = key[1:] != key[:-1]
    begins = comes.copy()
    begins[1:] |= instant[1:] - instant[:-1] > way.pause
    if way.join:
        kept = begins.copy()
        kept[1:] |= beside[1:] != beside[:-1]
        key, beside, begins, comes = key[kept], beside[kept], begins[kept], comes[kept]
    session = np.cumsum(begins, dtype=np.int32)
    place = np.flatnonzero(beside & 1)
    place = place[_ends(session[place], last=way.last)]  # one of each session
    if way.of_each != "all":
        place = place[_ends(key[place], last=way.of_each == "last")]
    starts = np.append(np.flatnonzero(begins), key.size)
    earlier = np.maximum.accumulate(np.where(comes, session, 0))  # the first session of each one's person
    here = session[place]
    steps = _steps((beside >> 1).astype(np.int32), place, starts[here - 1], starts[here], way)
    return _rows(key[place], here - earlier[place] + 1, steps)


def _of_those_with_anchors(events: Slice) -> Slice:
    """Who has no anchor has no path: the database took four times as long to find them."""
    anchor = events.number & 1 != 0
    if anchor.all():
        return events
    key = events.who()
    having = np.zeros(int(key.max()) + 1, dtype=np.bool_)
    having[key[anchor]] = True
    return events.among(having[key])


def _in_reach(events: Slice, way: Way) -> Slice:
    """What the one path of everyone may reach from their first or last anchor: sorting the others too took half as long again."""
    if not events.number.size:
        return events
    key, instant, anchor = events.who(), events.when(), events.number & 1 != 0
    key -= key.min()
    origin = np.full(int(key.max()) + 1, -1 if way.last else ordering.NEVER)
    (np.maximum if way.last else np.minimum).at(origin, key[anchor], instant[anchor])
    away = instant - origin[key] if way.forward else origin[key] - instant
    return events.among((away >= 0) & (away <= (way.depth - 1) * way.pause))


def _ends(run: Array, *, last: bool) -> Array:
    """Which of the numbers in a row that are equal stands first, or last."""
    changes = run[1:] != run[:-1]
    return np.append(changes, True)[: run.size] if last else np.append(True, changes)[: run.size]


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
