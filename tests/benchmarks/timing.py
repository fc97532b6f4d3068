"""How long an answer takes, after a warm-up; who is compared is asked in turn, so that what else the machine does falls on all."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from typing import TypeAlias, TypeVar

from user360.errors import StoreUnavailable

N = TypeVar("N", int, float)
Shapes: TypeAlias = Sequence[Callable[[], N]]


def timed(ask: Callable[[], N]) -> tuple[float, N]:
    """How many ms the answer takes, and the answer."""
    begun = time.perf_counter()
    found = ask()
    return (time.perf_counter() - begun) * 1000, found


def in_turn(
    sides: Sequence[Shapes[N]], runs: int, *, told: Callable[[list[float]], float] = min
) -> tuple[list[float], list[set[N]]]:
    """Of each side what its times come to by its fastest way (0 of none), and what its ways found.

    The least time is told, since what else the machine does only adds; or what `told` makes of them. Every way is asked in each round,
    so that it falls on all of them; before it counts it is asked once, since what others asked in between is out of the caches by then.
    One that needs too much memory is none.
    """
    times: dict[tuple[int, int], list[float]] = {(side, way): [] for side, ways in enumerate(sides) for way in range(len(ways))}
    found: list[set[N]] = [set() for _ in sides]
    for _ in range(runs + 1):
        for side, way in list(times):
            try:
                sides[side][way]()
                took, answer = timed(sides[side][way])
            except StoreUnavailable:
                del times[side, way]
            else:
                times[side, way].append(took)
                found[side].add(answer)
    each = [[told(took[1:]) for (of, _), took in times.items() if of == side] for side in range(len(sides))]
    return [min(ways, default=0.0) for ways in each], found


def median(ask: Callable[[], int], runs: int) -> float:
    """The median of one way."""
    return statistics.median(timed(ask)[0] for _ in range(runs + 1))
