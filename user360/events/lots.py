"""Work cut into lots that fit into memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

T = TypeVar("T")


def lots(
    of: Iterable[tuple[T, int]], most: int, *, may_join: Callable[[T, T], bool] = lambda _one, _next: True
) -> Iterator[list[T]]:
    """What there is to do, in its order: each lot holds at `most` so many events, or one thing alone.

    Things come with how many events each has; `may_join` says of two that follow each other whether they may be one lot.
    """
    lot: list[T] = []
    held = 0
    for each, events in of:
        if lot and (held + events > most or not may_join(lot[-1], each)):
            yield lot
            lot, held = [], 0
        lot.append(each)
        held += events
    if lot:
        yield lot
