"""API keys: shown once, kept as a hash, each scope includes those below it, good until revoked."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.worlds import AT
from user360 import activity, keys
from user360.errors import Forbidden, Invalid, KeyNeeded, NameTaken, Unknown
from user360.sql import Sql, name, sql

if TYPE_CHECKING:
    from user360.keys import Scope
    from user360.store import Store


def test_a_key_is_good_for_its_scope_and_those_below(store: Store) -> None:
    secret = keys.create(store, "write", "sync", by="ann", at=AT)

    assert keys.check(store, secret, "read", at=AT).name == "sync"
    assert keys.check(store, secret, "write", at=AT).scope == "write"
    with pytest.raises(Forbidden, match="may write, not admin"):
        keys.check(store, secret, "admin", at=AT)


def test_the_secret_stands_nowhere_in_the_database(store: Store) -> None:
    secret = keys.create(store, "read", "sync", by="ann", at=AT)
    tables = store.rows(Sql("SELECT table_name FROM duckdb_tables()"))
    kept = "".join(str(store.rows(sql("SELECT * FROM {}", name(table)))) for (table,) in tables)

    assert secret not in kept
    assert secret.removeprefix(keys.PREFIX) not in kept
    assert "sync" in kept


def test_no_two_secrets_are_alike(store: Store) -> None:
    made = {keys.create(store, "read", f"key {each}", by="ann", at=AT) for each in range(20)}

    assert len(made) == 20
    assert min(len(each) for each in made) >= 40


@pytest.mark.parametrize("secret", ["", "u360_nonsense", "\udc80", "' OR 1=1 --"])
def test_who_has_no_good_key_is_refused(store: Store, secret: str) -> None:
    keys.create(store, "read", "sync", by="ann", at=AT)

    with pytest.raises(KeyNeeded):
        keys.check(store, secret, "read", at=AT)


def test_a_revoked_key_is_good_for_nothing_and_its_name_is_free(store: Store) -> None:
    secret = keys.create(store, "read", "sync", by="ann", at=AT)
    keys.revoke(store, "Sync", by="bob", at=AT)

    with pytest.raises(KeyNeeded, match="not known"):
        keys.check(store, secret, "read", at=AT)
    assert keys.check(store, keys.create(store, "read", "sync", by="ann", at=AT), "read", at=AT).name == "sync"
    assert [(each.name, each.revoked_at) for each in keys.find(store, revoked=True)] == [("sync", AT)]


def test_a_key_tells_when_it_was_used_last_to_the_hour(store: Store) -> None:
    secret = keys.create(store, "read", "sync", by="ann", at=AT)
    assert keys.find(store)[0].used_at is None

    for minutes in (0, 30, 59):
        keys.check(store, secret, "read", at=AT + timedelta(minutes=minutes))
    assert keys.find(store)[0].used_at == AT

    keys.check(store, secret, "read", at=AT + timedelta(minutes=60))
    assert keys.find(store)[0].used_at == AT + timedelta(minutes=60)


def test_a_refused_use_is_no_use(store: Store) -> None:
    secret = keys.create(store, "read", "sync", by="ann", at=AT)
    with pytest.raises(Forbidden):
        keys.check(store, secret, "write", at=AT)

    assert keys.find(store)[0].used_at is None


@pytest.mark.parametrize("called", ["", "  ", "x" * 81, "a\x00b"])
def test_a_key_needs_a_name_that_can_be_read(store: Store, called: str) -> None:
    with pytest.raises(Invalid):
        keys.create(store, "read", called, by="ann", at=AT)


def test_a_name_is_taken_once_and_a_scope_must_be_one_of_three(store: Store) -> None:
    keys.create(store, "read", "sync", by="ann", at=AT)

    with pytest.raises(NameTaken):
        keys.create(store, "admin", "SYNC", by="ann", at=AT)
    with pytest.raises(Unknown, match="no scope “wirte”"):
        keys.create(store, "wirte", "other", by="ann", at=AT)


@pytest.mark.parametrize("scope", keys.SCOPES)
def test_making_and_revoking_a_key_is_told_in_the_activity_log(store: Store, scope: Scope) -> None:
    keys.create(store, scope, "sync", by="ann", at=AT)
    keys.revoke(store, "sync", by="bob", at=AT)

    told = activity.find(store).select(["kind", "subject", "by"]).to_pylist()

    assert [tuple(each.values()) for each in told] == [("revoke key", "sync", "bob"), ("create key", "sync", "ann")]
