"""How long an answer takes: medians after a warm-up."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def timed(ask: Callable[[], int]) -> tuple[float, int]:
    begun = time.perf_counter()
    found = ask()
    return (time.perf_counter() - begun) * 1000, found


def best(shapes: Iterable[Callable[[], int]], runs: int) -> tuple[float, set[int]]:
    """The median of the fastest of these ways, and what they found."""
    medians, found = [], set()
    for shape in shapes:
        times = [timed(shape) for _ in range(runs + 1)]
        medians.append(statistics.median(each for each, _ in times[1:]))
        found |= {each for _, each in times}
    return min(medians), found
