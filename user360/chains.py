"""From the events of people in order to their attempts at steps: in order, with nothing between, or in any order.

Arrays alone, as a set of people is (`people`): from step to step the place of each attempt is looked up in the sorted events
of the next one, which took half as long as joining tables by time. Which events there are does not live here (`attempts`),
nor what becomes of attempts (`insights/funnel`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from user360.ordering import NEVER, Events, spots

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from user360.ordering import Array, Slice

_PIECE: Final = 1 << 18
_RARE: Final = 4


@dataclass(frozen=True, slots=True)
class Attempts:
    """Attempts sorted by person and beginning: how many steps each reached, 0 where it is void; `row` of the event it began with.

    `moments` answers the microseconds of the steps of some of them: a row a step, NEVER where it was not reached.
    """

    who: Array
    begun: Array
    level: Array
    row: Array | None
    moments: Callable[[Array], Array]


@dataclass(frozen=True, slots=True)
class Best:
    """The attempt that counts for each person, or for each person and place of the time axis; `newest` when the last one began."""

    who: Array
    place: Array | None
    level: Array
    newest: Array
    moments: Array
    row: Array | None


@dataclass(frozen=True, slots=True)
class Bar:
    """What makes an attempt void: an event of that bit after the one step and before the other, both from 1."""

    bit: int
    after: int
    before: int


# -- attempts -----------------------------------------------------------------------------------


def ordered(events: Events, steps: int, end: int, within: int, bars: Sequence[Bar] = ()) -> Attempts:
    """Each following step is the nearest later event that matches it and holds the same values."""
    line, back = (events, None) if events.held is None else _by_held(events)
    firsts = line.of(0)
    firsts = firsts[line.when[firsts] < end]

    def soon(one: Array, other: Array) -> Array:
        found: Array = (line.who[one] == line.who[other]) & (line.when[other] - line.when[one] <= within)
        return found if line.held is None else found & (line.held[one] >= 0) & (line.held[one] == line.held[other])

    def after(step: int) -> Callable[[Array], Array]:
        before = line.before(step)

        def following(here: Array) -> Array:
            found: Array = before[here + 1]
            return found

        return following

    later = [np.append(line.of(each), line.end) for each in range(1, steps)]
    found = _followed(later, firsts, [after(each) for each in range(1, steps)], soon)
    level, places = _levels(firsts.size, found), [_of(each, firsts.size, -1) for each in found]
    if back is not None:
        places = [np.where(each < 0, -1, back[each]) for each in places]
        again = np.argsort(places[0])
        level, places = level[again], [each[again] for each in places]
    return _made(events, np.stack(places), level, bars, within)


def adjacent(events: Events, within: int) -> Array:
    """The people of whom an event of step 1 is followed by one of step 2 with none of these events between, each once."""
    first = events.of(0)
    met = (events.mask[first + 1] & 2 != 0) & (events.who[first + 1] == events.who[first])
    met &= events.when[first + 1] - events.when[first] <= within
    return np.unique(events.who[first[met]])


def strict(events: Events, steps: int, end: int, within: int, bars: Sequence[Bar] = ()) -> Attempts:
    """Each following step is the very next event of the person."""
    first = events.of(0)
    first = first[events.when[first] < end]
    places, going = [first], np.ones(first.size, dtype=np.bool_)
    for step in range(1, steps):
        here = np.minimum(first + step, events.end)
        going = going & (events.who[here] == events.who[first]) & (events.mask[here] & (1 << step) != 0)
        going &= events.when[here] - events.when[first] <= within
        if events.held is not None:
            going &= (events.held[first] >= 0) & (events.held[here] == events.held[first])
        places.append(np.where(going, here, -1))
    level = sum((each >= 0).astype(np.int8) for each in places)
    return _made(events, np.stack(places), np.asarray(level), bars, within)


def unordered(events: Events, steps: Sequence[tuple[int, int]], end: int, within: int, bars: Sequence[Bar] = ()) -> Attempts:
    """So many different steps within the time, whichever came first. `steps` are bits and how many events each of them needs."""
    line, back = (events, None) if events.held is None else _by_held(events)
    mask = sum(1 << bit for bit, _ in steps)
    firsts = np.flatnonzero((line.mask & mask != 0) & (line.when < end))
    begun = firsts
    if back is not None:
        again = np.argsort(back[firsts])
        firsts = firsts[again]
        begun = back[firsts]

    def places(chosen: Array) -> Array:
        found = np.stack(list(_met(line, firsts[chosen], steps, within)))
        if back is not None:
            found = np.where(found == NEVER, NEVER, back[np.minimum(found, line.end)])
        return np.sort(found, axis=0)

    if bars:
        found = places(np.arange(firsts.size))
        return _made(events, np.where(found == NEVER, -1, found), (found < NEVER).sum(axis=0), bars, within, begun)
    level = np.zeros(firsts.size, dtype=np.int8)
    for each in _met(line, firsts, steps, within):
        level += each < NEVER

    def moments(chosen: Array) -> Array:
        found = np.full((sum(times for _, times in steps), chosen.size), NEVER)
        found[0] = events.when[begun[chosen]]
        further = np.flatnonzero(level[chosen] > 1)
        met = places(chosen[further])
        found[:, further] = np.where(met == NEVER, NEVER, events.when[np.minimum(met, events.end)])
        return found

    return Attempts(events.who[begun], events.when[begun], level, _row(events, begun), moments)


def _met(line: Events, ones: Array, steps: Sequence[tuple[int, int]], within: int) -> Iterator[Array]:
    """The places of the first events of each step within the time of these; who does not know what is held meets itself alone."""
    changes = (line.who[1:] != line.who[:-1]) | (line.when[1:] != line.when[:-1])
    if line.held is not None:
        changes |= line.held[1:] != line.held[:-1]
    heres = np.maximum.accumulate(np.where(np.append(True, changes), np.arange(line.who.size), 0))[ones]
    alone = None if line.held is None else line.held[ones] < 0
    for turn, (bit, times) in enumerate(steps):
        numbers, places = np.append(line.of(bit), np.full(times, line.end)), line.before(bit)[heres]
        for nth in range(times):
            found = numbers[places + nth]
            met = (line.who[found] == line.who[ones]) & (line.when[found] - line.when[ones] <= within)
            if line.held is not None:
                met &= line.held[found] == line.held[ones]
            found = np.where(met, found, NEVER)
            if alone is not None:
                found = np.where(alone, ones if turn == nth == 0 else NEVER, found)
            yield found


# -- the one that counts ------------------------------------------------------------------------


def best(attempts: Attempts, edges: Array | None) -> Best:
    """The furthest attempt of each person, of several the earliest; apart for each place between the edges, if there are any."""
    who, place = attempts.who, None
    if not who.size:
        return Best(who, None if edges is None else who, attempts.level, who, attempts.moments(who), attempts.row)
    changes = who[1:] != who[:-1]
    if edges is not None:
        place = spots(edges, attempts.begun)
        changes |= place[1:] != place[:-1]
    starts = np.flatnonzero(np.append(True, changes))
    sizes = np.diff(np.append(starts, who.size))
    highest = np.maximum.reduceat(attempts.level, starts)
    newest = np.maximum.reduceat(np.where(attempts.level > 0, attempts.begun, -NEVER), starts)
    reached = attempts.level == np.repeat(highest, sizes)
    first = np.flatnonzero(reached)[(np.cumsum(reached) - reached)[starts]]
    return Best(
        who[first],
        None if place is None else place[first],
        highest,
        newest,
        attempts.moments(first),
        None if attempts.row is None else attempts.row[first],
    )


def together(found: Sequence[Best]) -> Best:
    """Those of several slices of people, one after the other."""
    if len(found) == 1:
        return found[0]

    def column(values: Sequence[Array | None]) -> Array | None:
        return np.concatenate([each for each in values if each is not None]) if values[0] is not None else None

    return Best(
        np.concatenate([each.who for each in found]),
        column([each.place for each in found]),
        np.concatenate([each.level for each in found]),
        np.concatenate([each.newest for each in found]),
        np.concatenate([each.moments for each in found], axis=1),
        None,  # a row of what was read of each slice by itself
    )


# -- of events that are one number each ----------------------------------------------------------


def packed(events: Slice, steps: int, end: int, within: int, edges: Array | None, *, in_order: bool) -> Best:
    """The same of events each of which matches one step, which stands beside it, from 0: followed in pieces that stay in the processor's memory.

    The numbers of two people lie further apart than `within`. An attempt begins before the instant `end`.
    """
    follow = _nearest if in_order else _within
    parts = ((_of_who_begins(each) if in_order else each).in_order() for each in events.apart())
    return together([follow(some, steps, end, within, edges) for each in parts for some in each.pieces(_PIECE)])


def _of_who_begins(events: Slice) -> Slice:
    """Without what others did, where few did the first step."""
    begins = events.beside() == 0
    if np.count_nonzero(begins) * _RARE > begins.size:
        return events
    who = events.number >> events.packing.bits
    began = np.zeros(int(who.max(initial=0)) + 1, dtype=np.bool_)
    began[who[begins]] = True
    return events.among(began[who])


@dataclass(frozen=True, slots=True)
class _Groups:
    """Attempts by person, or by person and place: of which group each is, where each group starts, its place, when its last one began."""

    nth: Array
    starts: Array
    place: Array | None
    newest: Array


def _groups(events: Slice, rows: Array, begun: Array, edges: Array | None) -> _Groups:
    who, place = events.number[rows] >> events.packing.bits, None
    changes = who[1:] != who[:-1]
    if edges is not None:
        place = spots(edges, begun)
        changes |= place[1:] != place[:-1]
    starts = np.flatnonzero(np.append(True, changes)[: who.size])
    nth = np.cumsum(np.append(False, changes)[: who.size], dtype=np.int32)
    newest = begun[np.append(starts[1:], who.size)[: starts.size] - 1]
    return _Groups(nth, starts, None if place is None else place[starts], newest)


def _furthest(groups: _Groups, reached: Sequence[Array]) -> tuple[Array, Array]:
    """The highest level of each group, and the place of its first attempt there among those that reached it. `reached` are the groups of these, level by level."""
    level, place = np.zeros(groups.starts.size, dtype=np.int8), groups.starts.copy()
    for depth, nth in enumerate(reached, 1):
        first = np.flatnonzero(np.append(True, nth[1:] != nth[:-1])[: nth.size])
        level[nth[first]], place[nth[first]] = depth, first
    return level, place


def _nearest(events: Slice, steps: int, end: int, within: int, edges: Array | None) -> Best:
    """Each following step is the nearest later event that matches it."""
    number, step = events.number, events.beside()
    here = np.flatnonzero(step == 0)
    begun = events.when(here)
    here, begun = here[begun < end], begun[begun < end]
    groups = _groups(events, here, begun, edges)
    nth, first, over = groups.nth, number[here], (within + 1) << events.packing.less
    reached: list[tuple[Array, Array, Array | None]] = [(here, nth, None)]
    for each in range(1, steps):
        such = step == each
        places = np.append(np.flatnonzero(such), number.size)
        there = places.take(np.cumsum(such, dtype=np.int32).take(here))
        met = np.flatnonzero((there < number.size) & (number.take(there, mode="clip") - first < over))
        here, nth, first = there[met], nth[met], first[met]
        reached.append((here, nth, met))
    level, place = _furthest(groups, [each for _, each, _ in reached])
    moments = np.full((steps, level.size), NEVER)
    for depth in reversed(range(steps)):  # back from the last one reached, by the place of each among those before
        rows, (here, _, before) = np.flatnonzero(level > depth), reached[depth]
        moments[depth, rows] = events.when(here[place[rows]])
        if before is not None:
            place[rows] = before[place[rows]]
    return Best(events.who(reached[0][0][groups.starts]), groups.place, level, groups.newest, moments, None)


def _within(events: Slice, steps: int, end: int, within: int, edges: Array | None) -> Best:
    """So many different steps within the time, whichever came first."""
    packing, instant, step = events.packing, events.number >> events.packing.less, events.beside()
    level, ahead = np.zeros(instant.size, dtype=np.int8), []
    for each in range(steps):
        ahead.append(_ahead(instant, step == each))
        level += ahead[-1] - instant <= within
    begun = events.when()
    rows = np.flatnonzero(begun < end)
    groups = _groups(events, rows, begun[rows], edges)
    further = [np.flatnonzero(level[rows] >= depth) for depth in range(1, steps + 1)]
    level, place = _furthest(groups, [groups.nth[each] for each in further])
    chosen = np.zeros_like(place)
    for depth, those in enumerate(further, 1):
        here = level == depth
        chosen[here] = rows[those[place[here]]]
    found = np.stack([each[chosen] for each in ahead])
    never = found - instant[chosen] > within
    found &= (1 << (packing.bits - packing.less)) - 1
    moments = found.view(np.int64) + packing.first
    moments[never] = NEVER
    return Best(events.who(chosen), groups.place, level, groups.newest, np.sort(moments, axis=0), None)


def _ahead(instant: Array, such: Array) -> Array:
    """When the next of these happened, at each event or at the same instant as it; after the last one no event is so late."""
    found = np.minimum.accumulate(np.where(such, instant, np.iinfo(np.uint64).max)[::-1])[::-1]
    same = instant[1:] == instant[:-1]
    if same.any():  # what stands before it at its instant counts too
        found = found[np.maximum.accumulate(np.where(np.append(False, same), 0, np.arange(instant.size)))]
    return found


# -- parts --------------------------------------------------------------------------------------


def _followed(
    steps: Sequence[Array], firsts: Array, nexts: Sequence[Callable[[Array], Array]], soon: Callable[[Array, Array], Array]
) -> list[tuple[Array, Array]]:
    """For each step which attempts reached it, and by which event; those that did not are not looked at further.

    `steps` are the events of each later step and one of nobody, `nexts` find in them the one after an event.
    """
    going, here = np.arange(firsts.size), firsts
    found = [(going, here)]
    for each, following in zip(steps, nexts, strict=True):
        there = each[following(here)]
        met = soon(firsts[going], there)
        going, here = going[met], there[met]
        found.append((going, here))
    return found


def _levels(attempts: int, found: Sequence[tuple[Array, Array]]) -> Array:
    level = np.zeros(attempts, dtype=np.int8)
    for going, _ in found:
        level[going] += 1
    return level


def _of(found: tuple[Array, Array], attempts: int, missing: int) -> Array:
    """What was reached as a column of all attempts."""
    column = np.full(attempts, missing, dtype=np.int64)
    column[found[0]] = found[1]
    return column


def _by_held(events: Events) -> tuple[Events, Array]:
    """The events by person and what is held, and the place of each among all."""
    assert events.held is not None  # noqa: S101 - as it is asked for
    order = np.append(np.lexsort((events.held[:-1], events.who[:-1])), events.end)
    row = None if events.row is None else events.row[order]
    return Events(events.who[order], events.when[order], events.mask[order], row, events.held[order]), order


def _row(events: Events, places: Array) -> Array | None:
    """Where events stood before they were put in order."""
    return None if events.row is None else events.row[places]


def _made(events: Events, places: Array, level: Array, bars: Sequence[Bar], within: int, begun: Array | None = None) -> Attempts:
    """Attempts from the places of their steps, a row a step and -1 where it was not reached; void ones reached nothing."""
    first = places[0] if begun is None else begun
    for bar in bars:
        after, until = places[bar.after - 1], places[bar.before - 1]
        found = np.append(events.of(bar.bit), events.end)[events.before(bar.bit)[after + 1]]
        met = (events.who[found] == events.who[first]) & (events.when[found] - events.when[first] <= within)
        level = np.where((after >= 0) & met & ((until < 0) | (found < until)), 0, level)

    def moments(chosen: Array) -> Array:
        some = places[:, chosen]
        return np.where(some < 0, NEVER, events.when[some])

    return Attempts(events.who[first], events.when[first], level, _row(events, first), moments)
