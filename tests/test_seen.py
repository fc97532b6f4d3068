"""Which message ids were taken before, and whom ids lead to: what is remembered in memory is what stands in the file."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from unittest.mock import patch

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from user360 import events, identities
from user360 import hashes as room
from user360.hashes import Seen
from user360.identities import remembered
from user360.sql import sql
from user360.store import open_store

AT = datetime(2026, 11, 23, 12, 50, tzinfo=UTC)
hashes = st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 2**18), max_size=40)


def array(values):
    return np.array(values, dtype=np.uint64)


def events_of(*message_ids):
    rows = [{"profile_key": 1, "event": "Bought", "at": AT.replace(tzinfo=None), "message_id": each} for each in message_ids]
    return pa.Table.from_pylist(rows, events.ROWS)


@given(hashes, st.lists(hashes, max_size=6), hashes)
def test_it_holds_what_was_put_in_and_little_else(first, later, asked):
    seen = Seen([array(first)], len(first))
    held = set(first)
    for each in later:
        seen.add(array(each))
        held |= set(each)

    told = seen.may_hold(array(asked)).tolist()

    assert told == [(each >> 16) in {one >> 16 for one in held} for each in asked]


@given(hashes, st.lists(hashes, min_size=1, max_size=6), hashes)
def test_it_holds_the_same_once_what_is_recent_is_sorted_in(first, later, asked):
    with patch.object(room, "AT_A_TIME", 8):
        seen = Seen([array(first)], len(first))
        for each in later:
            seen.add(array(each))
    held = {one >> 16 for each in [first, *later] for one in each}

    assert len(seen) == len(first) + sum(map(len, later))
    assert seen.may_hold(array(asked)).tolist() == [(each >> 16) in held for each in asked]


def test_a_message_is_known_whichever_way_it_came(store):
    with store.transaction() as tx:
        events.append(tx, events_of("a", "b"))
        events.take_note(tx, pa.array(["c"], pa.string()))
        events.append_system(tx, "USER_CREATE", pa.array([7], pa.uint32()), write=3, at=AT)
    with store.transaction() as tx:
        fresh = events.novel(tx, pa.array(["a", "c", "d", "USER_CREATE:3:7", "b", "d", "e"], pa.string()))

    assert fresh.to_pylist() == [2, 6]


def test_a_message_that_was_rolled_back_is_taken_when_it_comes_again(store):
    with pytest.raises(duckdb.Error), store.transaction() as tx:
        events.append(tx, events_of("a"))
        tx.execute(sql("SELECT * FROM nowhere"))
    with store.transaction() as tx:
        assert events.append(tx, events_of("a")).stored == 1


def test_a_file_opened_again_knows_its_messages(tmp_path):
    store = open_store(tmp_path / "a.duckdb")
    with store.transaction() as tx:
        events.append(tx, events_of("a"))
    store.close()
    store = open_store(tmp_path / "a.duckdb")
    with store.transaction() as tx:
        assert events.append(tx, events_of("a", "b")).stored == 1
    store.close()


def test_an_answer_is_kept_until_its_topic_is_touched(store):
    query = sql("SELECT count(*) AS n FROM channels")

    def counted():
        with store.transaction() as tx:
            return tx.kept(query, "words")["n"][0].as_py()

    assert counted() == 0
    with store.transaction() as tx:
        tx.execute(sql("INSERT INTO channels VALUES (0, 'web')"))
    assert counted() == 0
    with store.transaction() as tx:
        tx.execute(sql("INSERT INTO channels VALUES (1, 'sms')"))
        tx.touch("words")
        assert tx.kept(query, "words")["n"][0].as_py() == 2
    assert counted() == 2


# -- whom ids lead to -----------------------------------------------------------------------------

IDS = [(kind, text) for kind in (identities.USER, identities.ANONYMOUS) for text in "abc"]


def _tied(kind, text, key):
    return pa.table({"kind": [kind], "id": [text], "profile_key": pa.array([key], pa.uint32())})


def _attach(tx, text, key):
    held = {row[0] for row in tx.rows(sql("SELECT user_id FROM user_ids UNION ALL SELECT profile_key::VARCHAR FROM user_ids"))}
    if not held & {text, str(key)}:
        identities.attach(tx, pa.array([text], pa.string()), pa.array([key], pa.uint32()))


def _change(tx, kind, text, key):
    if kind == "attach":
        _attach(tx, text, key)
    elif kind == "point":
        identities.point(tx, _tied(identities.ANONYMOUS, text, key))
    elif kind == "hand over":
        pairs = pa.table({"merge_id": pa.array([1]), "gone": pa.array([key], pa.uint32()), "kept": pa.array([9], pa.uint32())})
        identities.hand_over(tx, pairs)
    elif kind == "detach":
        identities.detach(tx, sql("SELECT {}::UINTEGER", key))
    else:
        tx.execute(sql("SELECT * FROM nowhere"))


@given(
    st.lists(
        st.lists(
            st.tuples(
                st.sampled_from(["attach", "point", "hand over", "detach", "fail"]), st.sampled_from("abc"), st.integers(1, 3)
            ),
            max_size=3,
        ),
        max_size=6,
    )
)
def test_whom_ids_lead_to_is_remembered_as_it_stands_in_the_file(transactions):
    store = open_store()
    for changes in transactions:
        with contextlib.suppress(duckdb.Error), store.transaction() as tx:
            identities.whom(tx, set(IDS))
            for change in changes:
                _change(tx, *change)
        with store.transaction() as tx:
            told = identities.whom(tx, set(IDS))
        with store.snapshot() as tx:
            assert told == identities.whom(tx, set(IDS))
    store.close()


def test_of_more_ids_than_are_kept_those_longest_known_are_forgotten_and_asked_again(store, monkeypatch):
    monkeypatch.setattr(remembered, "MOST", 4)
    with store.transaction() as tx:
        for number in range(6):
            identities.point(tx, _tied(identities.ANONYMOUS, str(number), number))
    with store.transaction() as tx:
        ids = {(identities.ANONYMOUS, str(number)): number for number in range(6)}
        assert identities.whom(tx, {*ids, (identities.ANONYMOUS, "none")}) == (ids, set())
