"""Who was erased for good: a receipt of each erasure, and the ids nobody is made of again.

A receipt says when, by whom and how much went, and nothing of the person. The ids are kept as salted fingerprints, so
that the next import does not bring somebody back and still nobody can be read from the list. Without this room an
erasure would last until the next night's file. What is erased does not live here (`erasure`).
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from user360 import activity
from user360.clock import aware, stored
from user360.errors import Unknown
from user360.sql import Sql, sql

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from user360.store import Store, Transaction

TOPIC: Final = "erasures"
EMAIL, PHONE = "email", "phone"
CODE: Final = "erased"
HINT: Final = "If they are back of their own will, let the id in again under Settings."


@dataclass(frozen=True, slots=True)
class Erasure:
    """One erasure, without a word about the person. `counts` says how many of each thing went, `ids` how many stay barred."""

    id: int
    at: datetime
    by: str
    counts: Mapping[str, int]
    ids: int


def find(store: Store) -> list[Erasure]:
    """Every erasure, newest first."""
    rows = store.rows(
        Sql(
            "SELECT erasure_id, erased_at, by_whom, counts, (SELECT count(*) FROM barred_ids b WHERE b.erasure_id = e.erasure_id) "
            "FROM erasures e ORDER BY erasure_id DESC"
        )
    )
    return [Erasure(number, aware(at), by, json.loads(counts), barred) for number, at, by, counts, barred in rows]


def note(tx: Transaction, counts: Mapping[str, int], ids: Collection[tuple[str, str]], *, by: str, at: datetime) -> int:
    """Write a receipt, and bar these ids (kind and id) from now on; answer its number."""
    number = tx.take("erasures")
    tx.execute(sql("INSERT INTO erasures VALUES ({}, {}, {}, {})", number, stored(at), by, json.dumps(dict(counts))))
    salts = tx.rows(Sql("SELECT any_value(salt) FROM barred_ids"))
    salt = salts[0][0] or secrets.token_hex(16)
    barred = _table([(kind, text) for kind, text in ids if text])
    tx.execute(
        sql(
            "INSERT INTO barred_ids SELECT DISTINCT sha256({} || kind || ':' || id), {}, {} FROM barred",
            salt,
            salt,
            number,
            barred=barred,
        )
    )
    tx.touch(TOPIC)
    return number


def barred(tx: Transaction, kind: str, ids: pa.Array | pa.ChunkedArray) -> list[int]:
    """Where in `ids` (texts, some null) stands one that is barred."""
    if not any_barred(tx):
        return []
    asked = pa.table({"place": pa.array(range(len(ids)), pa.int64()), "id": ids.cast(pa.string())})
    found = tx.read(
        sql(
            "SELECT place FROM asked WHERE id IS NOT NULL AND sha256((SELECT any_value(salt) FROM barred_ids) || {} || ':' || id) "
            "IN (SELECT print FROM barred_ids) ORDER BY place",
            kind,
            asked=asked,
        )
    )
    return [int(each) for each in found["place"].to_pylist()]


def barred_among(tx: Transaction, ids: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
    """Those of these ids (kind and id) that are barred."""
    listed = list(ids)
    if not listed or not any_barred(tx):
        return set()
    found = tx.rows(
        sql(
            "SELECT DISTINCT kind, id FROM asked WHERE sha256((SELECT any_value(salt) FROM barred_ids) || kind || ':' || id) "
            "IN (SELECT print FROM barred_ids)",
            asked=_table(listed),
        )
    )
    return {(kind, text) for kind, text in found}


def let_in(store: Store, text: str, *, by: str, at: datetime) -> int:
    """Let an id in again, whatever kind it is of: the whole person of it, for one may come back with another id. Answers how many ids that were."""
    kinds = pa.table({"kind": pa.array(_KINDS, pa.string())})
    with store.transaction() as tx:
        of = tx.rows(
            sql(
                "SELECT DISTINCT erasure_id FROM barred_ids SEMI JOIN (SELECT sha256((SELECT any_value(salt) FROM barred_ids) || kind || ':' || {}) "
                "AS print FROM kinds) USING (print)",
                text.strip(),
                kinds=kinds,
            )
        )
        if not of:
            raise Unknown("Nobody of that id was erased.", "Write it exactly as it was: a user id, an email or a phone number.")
        gone = sum(tx.execute(sql("DELETE FROM barred_ids WHERE erasure_id = {}", number)) for (number,) in of)
        activity.record(tx, "let in again", "an erased person", {"erasures": [number for (number,) in of]}, by=by, at=at)
        tx.touch(TOPIC)
    return gone


def any_barred(tx: Transaction) -> bool:
    """Whether anybody was ever erased."""
    return bool(tx.kept(Sql("SELECT 1 FROM barred_ids LIMIT 1"), TOPIC).num_rows)


def _table(ids: Collection[tuple[str, str]]) -> Any:
    kinds, texts = [kind for kind, _ in ids], [text for _, text in ids]
    return pa.table({"kind": pa.array(kinds, pa.string()), "id": pa.array(texts, pa.string())})


_KINDS: Final = ("userId", "anonymousId", "deviceId", "externalId", EMAIL, PHONE)
