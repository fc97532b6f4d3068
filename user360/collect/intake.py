"""Where requests wait for the next commit, a few milliseconds, and where there is an end of waiting.

One commit takes about as long for a thousand messages as for one; so whoever comes while one is being
written joins the next, and so does whoever was answered by it and sends at once: the next begins when as many have
come, or a few milliseconds later, which halves the commits of many clients that wait for their answers. What waits is bounded:
beyond that a client is told to come back, instead of the server running out of memory and everybody out of time.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter, deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

from user360.errors import Busy, StoreUnavailable, TooMany

if TYPE_CHECKING:
    from collections.abc import Sequence

    from user360.collect.taking import Answer, Outcome, Parcel

GATHER_SECONDS: Final = 0.005
MOST_WAITING: Final = 32 * 2**20
MOST_OF_ONE: Final = MOST_WAITING // 2
LONGEST_WAIT_SECONDS: Final = 5.0
TOGETHER: Final = 2**20
"""How much is stored together at most: half of what 32 clients with batches of 100 wait for, so that one half is read while the other is stored."""
AHEAD: Final = 2**16
PARCELS: Final = 256
# What a parcel weighs beside its bytes, so that many small ones are an end of waiting, too.
WRAPPING: Final = 1_000

_Waiting: TypeAlias = "tuple[Parcel, asyncio.Future[Answer], float]"


class Opening(Protocol):
    """Reads parcels and stores what they held; the two may run beside each other for different parcels."""

    def open(self, parcels: Sequence[Parcel], before: Any = None) -> Any:
        """What the parcels hold, together with those opened before."""

    def store(self, opened: Any) -> list[Answer]:
        """Store it, and answer for each parcel None, its outcome, or why it was refused."""


class Intake:
    """A queue of parcels. While some are written to the disk the next ones gather, and are read once they are many."""

    def __init__(self, opening: Opening) -> None:
        self._opening = opening
        self._waiting: deque[_Waiting] = deque()
        self._weight = 0
        self._gathered = 0
        self._expected = 1
        self._news = asyncio.Event()
        self._weights: Counter[str] = Counter()
        self._reading: asyncio.Task[None] | None = None
        self._storing: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        self._threads = ThreadPoolExecutor(2, "user360-collect")
        self._shut = False

    async def put(self, parcel: Parcel) -> Outcome | None:
        """Wait until the parcel is stored; a strict one is told its outcome. Raises what it is refused with, TooMany or Busy where too much waits."""
        self._admit(parcel)
        stored = asyncio.get_running_loop().create_future()
        self._waiting.append((parcel, stored, time.monotonic()))
        self._gathered += _weight(parcel)
        if self._gathered >= AHEAD or self._is_enough():
            self._news.set()
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read())
        answer: Answer = await stored
        if isinstance(answer, Exception):
            raise answer
        return answer

    def begin(self) -> None:
        """Let parcels in."""
        self._turn = asyncio.Lock()
        self._news = asyncio.Event()
        self._shut = False

    async def drain(self) -> None:
        """Let no parcel in any more, and store those that wait."""
        self._shut = True
        if self._reading is not None and not self._reading.done():
            await asyncio.wait([self._reading])
        if self._storing is not None and not self._storing.done():
            await asyncio.wait([self._storing])

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

    async def _read(self) -> None:
        """Read what waits, group by group, until nothing waits; each group is stored when the one before it is."""
        loop = asyncio.get_running_loop()
        while self._waiting:
            group: list[_Waiting] = []
            opened = None
            while not group or (self._turn.locked() and _weigh(group) < TOGETHER and len(group) < PARCELS):
                await self._gather()
                more = self._next(group)
                opened = await loop.run_in_executor(self._threads, self._opening.open, [parcel for parcel, _, _ in more], opened)
                group += more
            await self._turn.acquire()
            self._storing = asyncio.create_task(self._store(group, opened))

    async def _gather(self) -> None:
        """Wait until there is enough to read ahead, or until what is being stored is stored and whoever it answered could send again."""
        while self._turn.locked() and self._gathered < AHEAD:
            self._news.clear()
            await self._news.wait()
        if self._turn.locked() or self._is_enough():
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GATHER_SECONDS):
                while not self._is_enough():
                    self._news.clear()
                    await self._news.wait()

    def _is_enough(self) -> bool:
        """Whether nobody more is to be waited for before the next commit begins."""
        return len(self._waiting) >= self._expected or self._gathered >= TOGETHER

    async def _store(self, group: list[_Waiting], opened: Any) -> None:
        loop = asyncio.get_running_loop()
        try:
            answers = await loop.run_in_executor(self._threads, self._opening.store, opened)
        finally:
            self._turn.release()
            self._news.set()
        self._expected = len(self._waiting) + len(group)  # whoever waits, and whoever is answered now and sends at once
        for (parcel, stored, _), answer in zip(group, answers, strict=True):
            self._let_go(parcel)
            if not stored.done():
                stored.set_result(answer)

    def _next(self, group: list[_Waiting]) -> list[_Waiting]:
        """Those that go into the group beside who is in it."""
        more: list[_Waiting] = []
        weight = _weigh(group)
        while self._waiting and len(group) + len(more) < PARCELS and (not (group or more) or weight < TOGETHER):
            more.append(self._waiting.popleft())
            weight += _weight(more[-1][0])
        self._gathered -= _weigh(more)
        return more

    def _let_go(self, parcel: Parcel) -> None:
        weight = _weight(parcel)
        self._weight -= weight
        self._weights[parcel.secret] -= weight
        if not self._weights[parcel.secret]:
            del self._weights[parcel.secret]


def _weight(parcel: Parcel) -> int:
    return len(parcel.body) + WRAPPING


def _weigh(group: Sequence[_Waiting]) -> int:
    return sum(_weight(parcel) for parcel, _, _ in group)
