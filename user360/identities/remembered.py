"""Whom ids lead to, kept in memory from one commit to the next, as far as it was asked or written lately.

Messages come about the same people again and again, and to ask the file for their ids took a third of a commit.
What stands here is exactly what stands there; of every other id it is known whether it may lead anywhere at all,
so that a person who is new is not looked for. It is forgotten with a transaction that is rolled back.
"""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from user360 import hashes
from user360.hashes import Seen
from user360.identities.kinds import USER
from user360.sql import sql

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from collections.abc import Set as AbstractSet

    import numpy as np
    import pyarrow as pa

    from user360.identities.kinds import Id
    from user360.store import Transaction

MOST: Final = 100_000
FEW: Final = 10_000
_SEEN: Final = "ids seen"
_OF_USERS: Final = sql("SELECT md5_number_lower({} || user_id) AS id_hash", f"{USER}:")


class Remembered:
    """Whom some ids lead to, which of these people have a user id, and which ids may lead to anybody."""

    def __init__(self, seen: Seen) -> None:
        self._seen = seen
        self._leads: dict[Id, int] = {}
        self._named: dict[int, bool] = {}

    def leading(self, ids: Iterable[Id]) -> dict[Id, int]:
        """Those of these ids of which it is remembered whom they lead to, and to whom."""
        leads = self._leads
        return {one: leads[one] for one in ids if one in leads}

    def unsure(self, ids: Collection[Id]) -> list[Id]:
        """Those that may lead to somebody."""
        asked = list(ids)
        may = self._seen.may_hold(hashes.each(f"{kind}:{text}" for kind, text in asked)).tolist() if asked else []
        return [one for one, there in zip(asked, may, strict=True) if there]

    def named(self, profile_keys: Iterable[int]) -> tuple[set[int], set[int]]:
        """Those of these profiles that have a user id, and those of which it is not remembered."""
        named = self._named
        keys = set(profile_keys)
        return {key for key in keys if named.get(key)}, {key for key in keys if key not in named}

    def lead(self, ids: Mapping[Id, int]) -> None:
        """Remember that these ids lead to these profiles from now on."""
        self._leads |= ids
        _shorten(self._leads)

    def call(self, asked: Iterable[int], named: AbstractSet[int]) -> None:
        """Remember which of these profiles have a user id."""
        self._named |= {key: key in named for key in asked}
        _shorten(self._named)

    def see(self, ids: Iterable[Id]) -> None:
        """Remember that these ids may lead to somebody."""
        self.see_hashes(hashes.each(f"{kind}:{text}" for kind, text in ids))

    def see_hashes(self, hashed: np.ndarray[Any, np.dtype[np.uint64]]) -> None:
        """The same, of ids whose hashes are known."""
        self._seen.add(hashed)

    def let_go(self) -> None:
        """Remember nothing of anybody any more."""
        self._leads.clear()
        self._named.clear()


def _shorten(kept: dict[Id, int] | dict[int, bool]) -> None:
    """Forget those longest known once there are too many."""
    if len(kept) > MOST:
        for each in list(islice(kept, len(kept) - MOST // 2)):
            del kept[each]  # type: ignore[arg-type]  # a key of this very dictionary


def of(tx: Transaction) -> Remembered | None:
    """What is remembered from commit to commit; None in a trial."""
    seen = tx.recall(_SEEN, partial(_see_all, tx))
    return None if seen is None else tx.recall("ids that lead", partial(Remembered, seen), exact=True)


def attached(tx: Transaction, given: pa.Table) -> None:
    """Remember that these user ids (user_id, profile_key) lead to somebody, unless nothing is remembered yet."""
    kept = of(tx) if tx.recalls(_SEEN) else None
    if kept is None:
        return
    if given.num_rows > FEW:
        kept.see_hashes(tx.read(sql("{} FROM given", _OF_USERS, given=given))["id_hash"].to_numpy())
        kept.let_go()
        return
    ids = {(USER, text): key for text, key in zip(*(each.to_pylist() for each in given.columns), strict=True)}
    kept.see(ids)
    kept.lead(ids)
    kept.call(ids.values(), {*ids.values()})


def let_go(tx: Transaction) -> None:
    """Forget what is remembered of people, for some of it may not hold any more."""
    if tx.recalls(_SEEN) and (kept := of(tx)) is not None:
        kept.let_go()


def _see_all(tx: Transaction) -> Seen:
    """The hashes of every id that leads to somebody."""
    every = sql("{} FROM user_ids UNION ALL SELECT id_hash FROM other_ids", _OF_USERS)
    ((count,),) = tx.rows(sql("SELECT count(*) FROM ({})", every))
    return Seen((each.column(0).to_numpy(zero_copy_only=False) for each in tx.stream(every)), count)
