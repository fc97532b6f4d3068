"""Why somebody is one person: the links between their ids, and the shortest chain of them to each."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from user360 import identities, profiles
from user360.resolution import records

if TYPE_CHECKING:
    from datetime import datetime

    from user360.identities import Id
    from user360.store import Store


@dataclass(frozen=True, slots=True)
class Link:
    """Two ids that were said to be of one person: when, by a message of which source, or by whose merge."""

    one: Id
    other: Id
    at: datetime
    source: str
    message_id: str | None = None
    merge_id: int | None = None
    by: str = ""


@dataclass(frozen=True, slots=True)
class Why:
    """All ids of one person. `chains` lead from `first` to each other id over as few links as there are.

    An id without a chain was there from the start, or nothing is known of how it came.
    """

    first: Id | None
    ids: tuple[Id, ...]
    chains: dict[Id, tuple[Link, ...]]

    def chain(self, one: Id, other: Id) -> tuple[Link, ...]:
        """The shortest chain from one id of this person to another; empty where there is none."""
        return _ways(self._links(), one).get(other, ())

    def _links(self) -> list[Link]:
        return list(dict.fromkeys(link for chain in self.chains.values() for link in chain))


def why(store: Store, profile_key: int) -> Why:
    """The ids that lead to a profile, and how each is linked to the first: its user id, or else the oldest."""
    profiles.get(store, profile_key)
    ids = [(row["kind"], row["id"]) for row in identities.of(store, profile_key).to_pylist()]
    links = [Link(*each) for each in identities.links(store, ids)]
    links += _merged(store, profile_key, ids)
    ways = _ways(links, ids[0]) if ids else {}
    return Why(ids[0] if ids else None, tuple(ids), {each: ways[each] for each in ids[1:] if each in ways})


def _merged(store: Store, profile_key: int, ids: list[Id]) -> list[Link]:
    """The links merges made: between an id of the one that went and one of the one that stayed.

    A merge by a message has its own link, that of the ids the message brought.
    """
    here = set(ids)
    found = []
    for each in records.chain(store, profile_key):
        gone = [one for one in each.ids if one in here]
        stayed = [one for one in ids if one not in gone]
        if gone and stayed and each.cause == "analyst":
            found.append(Link(gone[0], stayed[0], each.at, each.source, None, each.id, each.by))
    return found


def _ways(links: list[Link], start: Id) -> dict[Id, tuple[Link, ...]]:
    """The shortest chain from an id to every other that can be reached; of equal ones that of the older links."""
    beside: dict[Id, list[tuple[Id, Link]]] = defaultdict(list)
    for link in sorted(links, key=lambda each: each.at):
        beside[link.one].append((link.other, link))
        beside[link.other].append((link.one, link))
    ways: dict[Id, tuple[Link, ...]] = {start: ()}
    waiting = deque([start])
    while waiting:
        here = waiting.popleft()
        for other, link in beside[here]:
            if other not in ways:
                ways[other] = (*ways[here], link)
                waiting.append(other)
    return ways
