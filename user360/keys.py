"""API keys: who may call from outside, and how far.

A key is shown once, when it is made; only its hash is kept, so that nobody who reads the database
can call in its name. A scope includes those below it: `write` may read, `admin` may both. Without
this room the calls that answer with people's data could not be opened at all. How a request brings
its key does not live here (`api`).
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, get_args

from user360 import activity
from user360.clock import aware, stored
from user360.errors import Forbidden, Invalid, KeyNeeded, NameTaken, Unknown
from user360.sql import sql

if TYPE_CHECKING:
    from datetime import datetime

    from user360.store import Store, Transaction

Scope: TypeAlias = Literal["read", "write", "admin"]

SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)
PREFIX: Final = "u360_"
LONGEST_NAME: Final = 80
NOTED_EVERY: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Key:
    """One key, without its secret. `used_at` is right to the hour."""

    name: str
    scope: Scope
    made_at: datetime
    made_by: str
    used_at: datetime | None
    revoked_at: datetime | None


def create(store: Store, scope: str, name: str, *, by: str, at: datetime) -> str:
    """Make a key under a name and answer its secret, which is never shown again."""
    called = " ".join(name.split())
    if scope not in SCOPES:
        raise Unknown.named("scope", scope, SCOPES)
    if not called or len(called) > LONGEST_NAME or not called.isprintable():
        raise Invalid("A key needs a name.", f"Say in up to {LONGEST_NAME} characters what uses it.")
    secret = PREFIX + secrets.token_urlsafe(32)
    with store.transaction() as tx:
        if any(each.name.casefold() == called.casefold() for each in find(store)):
            raise NameTaken(f"A key is called “{called}” already.", "Choose another name, or revoke that one.")
        row = sql("VALUES ({}, {}, {}, {}, {}, NULL, NULL)", fingerprint(secret), called, scope, stored(at), by)
        tx.execute(sql("INSERT INTO api_keys {}", row))
        tx.touch("sources")
        activity.record(tx, "create key", called, {"scope": scope}, by=by, at=at)
    return secret


def find(store: Store, *, revoked: bool = False) -> tuple[Key, ...]:
    """The keys that are good, or those that were revoked, by name."""
    rows = store.rows(
        sql("SELECT * EXCLUDE (hash) FROM api_keys WHERE (revoked_at IS NOT NULL) = {} ORDER BY lower(name)", revoked)
    )
    return tuple(_key(*row) for row in rows)


def revoke(store: Store, name: str, *, by: str, at: datetime) -> None:
    """Let a key be good for nothing from now on."""
    with store.transaction() as tx:
        found = {each.name.casefold(): each.name for each in find(store)}
        if name.strip().casefold() not in found:
            raise Unknown.named("key", name, found.values())
        called = found[name.strip().casefold()]
        tx.execute(sql("UPDATE api_keys SET revoked_at = {} WHERE name = {} AND revoked_at IS NULL", stored(at), called))
        tx.touch("sources")
        activity.record(tx, "revoke key", called, {}, by=by, at=at)


def check(store: Store, secret: str, scope: Scope, *, at: datetime) -> Key:
    """The key of this secret, if it reaches so far; else KeyNeeded or Forbidden. Notes, once an hour, that it is used."""
    if not secret:
        raise KeyNeeded("This call needs a key.", "Send it as “Authorization: Bearer …”.")
    rows = store.rows(sql("SELECT * EXCLUDE (hash) FROM api_keys WHERE hash = {} AND revoked_at IS NULL", fingerprint(secret)))
    if not rows:
        raise KeyNeeded("This key is not known.", "It may have been revoked. Make a new one.")
    found = _key(*rows[0])
    if SCOPES.index(found.scope) < SCOPES.index(scope):
        raise Forbidden(f"The key “{found.name}” may {found.scope}, not {scope}.", f"Use a key of the scope {scope}.")
    if found.used_at is None or at - found.used_at >= NOTED_EVERY:
        with store.transaction() as tx:
            note_used(tx, fingerprint(secret), at=at)
    return found


def writing(store: Store) -> dict[str, str]:
    """The keys that may write: their fingerprints, and their names."""
    rows = store.rows(sql("SELECT hash, name FROM api_keys WHERE revoked_at IS NULL AND scope IN ('write', 'admin')"))
    return dict(rows)


def note_used(tx: Transaction, hashed: str, *, at: datetime) -> None:
    """Note that the key of this fingerprint was used."""
    tx.execute(sql("UPDATE api_keys SET used_at = {} WHERE hash = {}", stored(at), hashed))


def fingerprint(secret: str) -> str:
    """By what a secret is known again. One of 256 random bits needs no salt and no slow hash."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _key(name: str, scope: Any, made_at: datetime, made_by: str, used_at: datetime | None, revoked_at: datetime | None) -> Key:
    used, revoked = (None if each is None else aware(each) for each in (used_at, revoked_at))
    return Key(name, scope, aware(made_at), made_by, used, revoked)
