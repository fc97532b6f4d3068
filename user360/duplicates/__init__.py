"""Duplicates: pairs of users who may be one person though no id they share says so.

Names, email, phone, date of birth and city are compared by probabilistic record linkage; what speaks for a
pair is told field by field, and nothing is merged by itself. Without this room somebody who came once by
email and once by phone would stay two people for ever. How two become one does not live here (`resolution`).

`linking` weighs pairs, `pairs` keeps them and what was decided of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from user360 import profiles
from user360.duplicates import linking
from user360.duplicates.linking import MOST_ALIKE, PARTS, PRIOR, probability, weight
from user360.duplicates.pairs import TOPIC, Pair, Search, count, dismiss, erase, find, get, keep, last_search, reopen

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from user360.store import Store

__all__ = [
    "MOST_ALIKE",
    "MOST_KEPT",
    "PARTS",
    "PRIOR",
    "TOPIC",
    "Pair",
    "Search",
    "count",
    "dismiss",
    "erase",
    "find",
    "get",
    "last_search",
    "probability",
    "reopen",
    "run",
    "weight",
]

MOST_KEPT: Final = 10_000


def run(store: Store, *, by: str, at: datetime, tell: Callable[[int, int, str], Any] | None = None) -> Search:
    """Search all users for duplicates, as they are now; the likeliest 10,000 pairs are kept.

    `tell` is told how far it is, and may end the search by raising; what was found before then stays as it was.
    """
    told = tell or (lambda _done, _total, _doing: None)
    told(0, 0, "Reading users")
    batches = list(profiles.stream(store, columns=linking.FIELDS))
    people = pa.Table.from_batches(batches) if batches else None
    if people is None:
        search = Search(at, by, 0, 0, 0, 0)
        keep(store, linking.nobody(), search)
        return search
    found, crowded = linking.link(people, scratch=store.folder("duplicates"), tell=told)
    search = Search(at, by, people.num_rows, found.num_rows, min(found.num_rows, MOST_KEPT), crowded)
    keep(store, found.slice(0, MOST_KEPT), search)
    return search
