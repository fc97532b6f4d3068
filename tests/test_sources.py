"""Sources and their write keys: they let messages in and nothing out, and are shown once."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.worlds import AT
from user360 import keys, sources
from user360.errors import Invalid, KeyNeeded, NameTaken, Unknown
from user360.sql import Sql, name, sql

if TYPE_CHECKING:
    from user360.store import Store


@pytest.fixture
def shop(store: Store) -> Store:
    sources.define(store, "Shop", "web", by="ann", at=AT)
    return store


def test_a_write_key_says_which_source_sends_and_on_which_channel(shop: Store) -> None:
    secret = sources.create_key(shop, "Shop", "live", by="ann", at=AT)

    assert sources.Senders().of(shop, secret)[1] == sources.Sender("Shop", "web")


def test_a_source_has_several_keys_and_each_is_revoked_alone(shop: Store) -> None:
    senders = sources.Senders()
    first, second = (sources.create_key(shop, "Shop", by="ann", at=AT + timedelta(hours=each)) for each in range(2))
    assert [each.ending for each in sources.keys_of(shop, "Shop")] == [second[-4:], first[-4:]]
    assert senders.of(shop, first)[1] == senders.of(shop, second)[1]

    sources.revoke_key(shop, 0, by="bob", at=AT)

    with pytest.raises(KeyNeeded, match="not known"):
        senders.of(shop, first)
    assert senders.of(shop, second)[1].source == "Shop"
    assert [(each.ending, each.revoked_at is None) for each in sources.keys_of(shop, "Shop")] == [
        (second[-4:], True),
        (first[-4:], False),
    ]
    assert sources.get(shop, "Shop").keys == 1
    with pytest.raises(Unknown):
        sources.revoke_key(shop, 0, by="bob", at=AT)


def test_a_write_key_never_reads(shop: Store) -> None:
    secret = sources.create_key(shop, "Shop", by="ann", at=AT)

    with pytest.raises(KeyNeeded):
        keys.check(shop, secret, "read", at=AT)


def test_an_api_key_sends_in_its_own_name_if_it_may_write(store: Store) -> None:
    writing, reading = (keys.create(store, scope, f"{scope} sync", by="ann", at=AT) for scope in ("write", "read"))

    assert sources.Senders().of(store, writing)[1].source == "write sync"
    with pytest.raises(KeyNeeded):
        sources.Senders().of(store, reading)


def test_the_secret_stands_nowhere_in_the_database(shop: Store) -> None:
    secret = sources.create_key(shop, "Shop", by="ann", at=AT)
    tables = shop.rows(Sql("SELECT table_name FROM duckdb_tables()"))
    kept = "".join(str(shop.rows(sql("SELECT * FROM {}", name(table)))) for (table,) in tables)

    assert secret.removeprefix(sources.PREFIX)[:-4] not in kept


def test_a_use_is_noted_at_most_once_an_hour(shop: Store) -> None:
    secret = sources.create_key(shop, "Shop", by="ann", at=AT)
    uses, (hashed, _) = sources.Uses(), sources.Senders().of(shop, secret)
    for minutes in (0, 59, 60):
        moment = AT + timedelta(minutes=minutes)
        with shop.transaction() as tx:
            sources.note_used(tx, uses.of([hashed], moment), at=moment)

    assert sources.get(shop, "Shop").used_at == AT + timedelta(minutes=60)
    assert uses.of([hashed], AT + timedelta(minutes=119)) == ()


def test_a_name_is_taken_once_and_a_kind_has_to_be_known(shop: Store) -> None:
    with pytest.raises(NameTaken):
        sources.define(shop, "shop ", "app", by="ann", at=AT)
    with pytest.raises(Unknown, match="kind"):
        sources.define(shop, "Pager", "fax", by="ann", at=AT)
    with pytest.raises(Invalid):
        sources.define(shop, "\n", "web", by="ann", at=AT)
    with pytest.raises(Unknown):
        sources.create_key(shop, "Shopp", by="ann", at=AT)


def test_a_source_can_be_described_anew(shop: Store) -> None:
    changed = sources.change(shop, "Shop", kind="app", description="The phone", by="bob", at=AT)

    assert (changed.kind, changed.description, changed.channel) == ("app", "The phone", "app")
