"""Where requests wait for the next commit, a few milliseconds, and where there is an end of waiting.

One commit takes about as long for a thousand messages as for one; so whoever comes while one is being
written joins the next. What waits is bounded: beyond that a client is told to come back, instead of the
server running out of memory and everybody out of time.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from user360.errors import Busy, StoreUnavailable, TooMany

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from user360.collect.taking import Parcel

GATHER_SECONDS: Final = 0.003
MOST_WAITING: Final = 32 * 2**20
MOST_OF_ONE: Final = MOST_WAITING // 2
LONGEST_WAIT_SECONDS: Final = 6.0
TOGETHER: Final = 2**21
PARCELS: Final = 256
# What a parcel weighs beside its bytes, so that many small ones are an end of waiting, too.
WRAPPING: Final = 1_000


class Intake:
    """A queue of parcels. `take` stores some of them and answers for each None, or why it was refused."""

    def __init__(self, take: Callable[[Sequence[Parcel]], list[Exception | None]]) -> None:
        self._take = take
        self._waiting: deque[tuple[Parcel, asyncio.Future[Exception | None], float]] = deque()
        self._weight = 0
        self._weights: Counter[str] = Counter()
        self._writing: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, "user360-collect")
        self._shut = False

    async def put(self, parcel: Parcel) -> None:
        """Wait until the parcel is stored. Raises what it is refused with, TooMany or Busy where too much waits."""
        self._admit(parcel)
        stored = asyncio.get_running_loop().create_future()
        self._waiting.append((parcel, stored, time.monotonic()))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        refusal = await stored
        if refusal is not None:
            raise refusal

    def begin(self) -> None:
        """Let parcels in."""
        self._shut = False

    async def drain(self) -> None:
        """Let no parcel in any more, and store those that wait."""
        self._shut = True
        if self._writing is not None and not self._writing.done():
            await self._writing

    def _admit(self, parcel: Parcel) -> None:
        weight = _weight(parcel)
        if self._shut:
            raise StoreUnavailable("User 360 is shutting down.", "Try again in a moment.")
        if self._weights[parcel.secret] + weight > MOST_OF_ONE:
            raise TooMany("Too much of this key is waiting.", "Send more slowly; it is written as fast as can be.")
        waited = time.monotonic() - self._waiting[0][2] if self._waiting else 0.0
        if self._weight + weight > MOST_WAITING or waited > LONGEST_WAIT_SECONDS:
            raise Busy("More is waiting than can be written now.", "Send it again in a moment.")
        self._weight += weight
        self._weights[parcel.secret] += weight

    async def _write(self) -> None:
        """Store what waits, group by group, until nothing waits."""
        loop = asyncio.get_running_loop()
        while self._waiting:
            await asyncio.sleep(GATHER_SECONDS)
            group = self._next()
            parcels = [parcel for parcel, _, _ in group]
            try:
                answers = await loop.run_in_executor(self._thread, self._take, parcels)
            except BaseException:
                for _, stored, _ in group:
                    stored.cancel()
                raise
            for (parcel, stored, _), answer in zip(group, answers, strict=True):
                self._let_go(parcel)
                if not stored.done():
                    stored.set_result(answer)

    def _next(self) -> list[tuple[Parcel, asyncio.Future[Exception | None], float]]:
        group: list[tuple[Parcel, asyncio.Future[Exception | None], float]] = []
        weight = 0
        while self._waiting and len(group) < PARCELS and (not group or weight < TOGETHER):
            group.append(self._waiting.popleft())
            weight += _weight(group[-1][0])
        return group

    def _let_go(self, parcel: Parcel) -> None:
        weight = _weight(parcel)
        self._weight -= weight
        self._weights[parcel.secret] -= weight
        if not self._weights[parcel.secret]:
            del self._weights[parcel.secret]


def _weight(parcel: Parcel) -> int:
    return len(parcel.body) + WRAPPING
