"""Sources: where messages come from, and the write keys each of them sends with.

A source has a name that its events carry, a kind, and any number of write keys: one for the page
that is live, one for the test. A write key is shown once, when it is made; only its hash is kept. It
lets messages in and nothing out: whoever reads one in a web page can send, never read. Without this
room nobody could tell a shop's events from a bot's, or shut one of them out. How a request brings
its key does not live here (`collect`), nor what an API key may do (`keys`).
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from user360 import activity, keys
from user360.clock import aware, stored
from user360.errors import Invalid, KeyNeeded, NameTaken, Unknown
from user360.sql import sql

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from user360.store import Store, Transaction

PREFIX: Final = "u360w_"
LONGEST_NAME: Final = 80
SHOWN: Final = 4
# Each kind, and the channel its messages are on where they do not say.
KINDS: Final[Mapping[str, str]] = {
    "web": "web",
    "app": "app",
    "server": "server",
    "bot": "bot",
    "CRM": "crm",
    "other": "server",
}


@dataclass(frozen=True, slots=True)
class Source:
    """One place messages come from. `used_at` is right to the hour; `keys` are those that are good."""

    name: str
    kind: str
    description: str
    made_at: datetime
    made_by: str
    keys: int
    used_at: datetime | None

    @property
    def channel(self) -> str:
        """The channel of a message that does not say which it is on."""
        return KINDS[self.kind]


@dataclass(frozen=True, slots=True)
class WriteKey:
    """One write key, without its secret: `ending` are its last characters."""

    number: int
    source: str
    label: str
    ending: str
    made_at: datetime
    made_by: str
    used_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Sender:
    """Whose key it is: the name its messages carry, and the channel they are on where they do not say."""

    source: str
    channel: str


def define(store: Store, name: str, kind: str, description: str = "", *, by: str, at: datetime) -> Source:
    """Make a source. Its name never changes: the events that came by it carry it."""
    called = _name(name, "source")
    if kind not in KINDS:
        raise Unknown.named("kind of source", kind, KINDS)
    with store.transaction() as tx:
        if any(each.name.casefold() == called.casefold() for each in find(store)):
            raise NameTaken(f"A source is called “{called}” already.", "Choose another name, or make it another key.")
        row = sql("VALUES ({}, {}, {}, {}, {})", called, kind, description.strip(), stored(at), by)
        tx.execute(sql("INSERT INTO known_sources {}", row))
        activity.record(tx, "create source", called, {"kind": kind}, by=by, at=at)
        tx.touch("sources")
    return get(store, called)


def find(store: Store) -> tuple[Source, ...]:
    """Every source, by name."""
    rows = store.rows(
        sql(
            "SELECT s.name, s.kind, s.description, s.made_at, s.made_by, "
            "count(k.hash) FILTER (k.revoked_at IS NULL), max(k.used_at) "
            "FROM known_sources AS s LEFT JOIN write_keys AS k ON k.source = s.name GROUP BY ALL ORDER BY 1 COLLATE NOCASE"
        )
    )
    return tuple(_source(*row) for row in rows)


def get(store: Store, name: str) -> Source:
    """The source of that name."""
    found = {each.name: each for each in find(store)}
    if name not in found:
        raise Unknown.named("source", name, found)
    return found[name]


def change(store: Store, name: str, *, kind: str | None = None, description: str | None = None, by: str, at: datetime) -> Source:
    """Give a source another kind or description."""
    known = get(store, name)
    if kind is not None and kind not in KINDS:
        raise Unknown.named("kind of source", kind, KINDS)
    wanted = {"kind": kind or known.kind, "description": known.description if description is None else description.strip()}
    with store.transaction() as tx:
        tx.execute(
            sql(
                "UPDATE known_sources SET kind = {}, description = {} WHERE name = {}",
                wanted["kind"],
                wanted["description"],
                name,
            )
        )
        activity.record(tx, "change source", name, wanted, by=by, at=at)
        tx.touch("sources")
    return get(store, name)


# -- write keys ---------------------------------------------------------------------------------


def create_key(store: Store, source: str, label: str = "", *, by: str, at: datetime) -> str:
    """Make a write key of a source and answer its secret, which is never shown again."""
    get(store, source)
    called = _name(label, "key") if label.strip() else ""
    secret = PREFIX + secrets.token_urlsafe(24)
    with store.transaction() as tx:
        number = tx.take("write_keys")
        row = sql(
            "VALUES ({}, {}, {}, {}, {}, {}, {}, NULL, NULL)",
            number,
            keys.fingerprint(secret),
            source,
            called,
            secret[-SHOWN:],
            stored(at),
            by,
        )
        tx.execute(sql("INSERT INTO write_keys {}", row))
        activity.record(tx, "create write key", source, {"ending": secret[-SHOWN:], "label": called}, by=by, at=at)
        tx.touch("sources")
    return secret


def keys_of(store: Store, source: str) -> tuple[WriteKey, ...]:
    """The write keys of a source, the good ones first, then by age, newest first."""
    get(store, source)
    rows = store.rows(
        sql(
            "SELECT * EXCLUDE (hash) FROM write_keys WHERE source = {} "
            "ORDER BY revoked_at IS NOT NULL, made_at DESC, key_number DESC",
            source,
        )
    )
    return tuple(_write_key(*row) for row in rows)


def revoke_key(store: Store, number: int, *, by: str, at: datetime) -> None:
    """Let a write key be good for nothing from now on."""
    with store.transaction() as tx:
        found = tx.rows(sql("SELECT source, ending FROM write_keys WHERE key_number = {} AND revoked_at IS NULL", number))
        if not found:
            raise Unknown("There is no such write key.", "It may have been revoked before.")
        tx.execute(sql("UPDATE write_keys SET revoked_at = {} WHERE key_number = {}", stored(at), number))
        activity.record(tx, "revoke write key", found[0][0], {"ending": found[0][1]}, by=by, at=at)
        tx.touch("sources")


# -- who sends ----------------------------------------------------------------------------------


class Senders:
    """Whose key it is that a request brings: read once per change of the keys, so that it costs no query per request."""

    def __init__(self) -> None:
        self._revision: tuple[int, int] | None = None
        self._by_hash: dict[str, Sender] = {}

    def of(self, store: Store, secret: str) -> tuple[str, Sender]:
        """The hash of the key and its sender, or KeyNeeded. An API key that may write may send, too."""
        revision = (id(store), store.revision("sources"))
        if revision != self._revision:
            self._by_hash, self._revision = _senders(store), revision
        if not secret:
            raise KeyNeeded("This call needs a write key.", "Send it as the user name of Basic, as writeKey or as X-Write-Key.")
        fingerprint = keys.fingerprint(secret)
        if fingerprint not in self._by_hash:
            raise KeyNeeded("This write key is not known.", "It may have been revoked. Make a new one.")
        return fingerprint, self._by_hash[fingerprint]


def _senders(store: Store) -> dict[str, Sender]:
    rows = store.rows(
        sql(
            "SELECT k.hash, s.name, s.kind FROM write_keys AS k JOIN known_sources AS s ON k.source = s.name "
            "WHERE k.revoked_at IS NULL"
        )
    )
    by_api_key = {fingerprint: Sender(name, KINDS["server"]) for fingerprint, name in keys.writing(store).items()}
    return by_api_key | {fingerprint: Sender(name, KINDS[kind]) for fingerprint, name, kind in rows}


class Uses:
    """When keys were used, remembered until the next commit, and each at most once an hour."""

    every: Final = timedelta(hours=1)

    def __init__(self) -> None:
        self._noted: dict[str, datetime] = {}

    def of(self, fingerprints: Iterable[str], at: datetime) -> tuple[str, ...]:
        """Those that are to be noted now."""
        due = {each for each in fingerprints if each not in self._noted or at - self._noted[each] >= self.every}
        self._noted |= dict.fromkeys(due, at)
        return tuple(sorted(due))


def note_used(tx: Transaction, fingerprints: Iterable[str], *, at: datetime) -> None:
    """Note that these keys were used."""
    for each in fingerprints:
        tx.execute(sql("UPDATE write_keys SET used_at = {} WHERE hash = {}", stored(at), each))
        keys.note_used(tx, each, at=at)


def _name(name: str, what: str) -> str:
    called = " ".join(name.split())
    if not called or len(called) > LONGEST_NAME or not called.isprintable():
        raise Invalid(f"A {what} needs a name.", f"Say in up to {LONGEST_NAME} characters what it is.")
    return called


def _source(
    name: str, kind: str, description: str, made_at: datetime, made_by: str, good: int, used_at: datetime | None
) -> Source:
    return Source(name, kind, description, aware(made_at), made_by, good, None if used_at is None else aware(used_at))


def _write_key(
    number: int, source: str, label: str, ending: str, made_at: datetime, made_by: str, used_at: Any, revoked_at: Any
) -> WriteKey:
    used, revoked = (None if each is None else aware(each) for each in (used_at, revoked_at))
    return WriteKey(number, source, label, ending, aware(made_at), made_by, used, revoked)
