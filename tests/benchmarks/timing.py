"""How long an answer takes, after a warm-up; who is compared is asked in turn, so that what else the machine does falls on all."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Shapes = Sequence[Callable[[], int]]


def timed(ask: Callable[[], int]) -> tuple[float, int]:
    """How many ms the answer takes, and the answer."""
    begun = time.perf_counter()
    found = ask()
    return (time.perf_counter() - begun) * 1000, found


def in_turn(sides: Sequence[Shapes], runs: int) -> tuple[list[float], set[int]]:
    """Of each side the least time of all its ways, since what else the machine does only adds; and all that was found."""
    times: list[list[list[float]]] = [[[] for _ in shapes] for shapes in sides]
    found = set()
    for _ in range(runs + 1):
        for side, shapes in zip(times, sides, strict=True):
            for taken, shape in zip(side, shapes, strict=True):
                shape()  # what others asked in between is out of the caches by then
                took, answer = timed(shape)
                taken.append(took)
                found.add(answer)
    return [min(min(taken[1:]) for taken in side) for side in times], found


def median(ask: Callable[[], int], runs: int) -> float:
    """The median of one way."""
    return statistics.median(timed(ask)[0] for _ in range(runs + 1))
