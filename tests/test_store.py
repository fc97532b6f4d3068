"""The store: transactions, revisions, interruption, lock-down, and plain words when it cannot open."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any
from unittest import mock

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.serving import PATIENCE_SECONDS, until
from tests.worlds import made_before
from user360 import people, steps
from user360.errors import Interrupted, StoreUnavailable
from user360.people import People
from user360.sql import Sql, name, sql
from user360.store import Store, Transaction, open_store
from user360.store.opening import LOG

ROOT = Path(__file__).parent.parent
SLOW = Sql("SELECT count(*) FROM range(100000) a, range(1000000) b WHERE a.range * b.range % 7 = 3")


def _count(store: Store) -> int:
    return store.rows(Sql("SELECT count(*) FROM tags"))[0][0]


def _add(store: Store, number: int) -> None:
    with store.transaction() as tx:
        tx.execute(sql("INSERT INTO tags VALUES ({}, {})", number, f"tag {number}"))
        tx.touch("profiles")


def _run(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False
    )


def test_a_transaction_that_fails_leaves_nothing(store: Store) -> None:
    with pytest.raises(RuntimeError), store.transaction() as tx:
        tx.execute(sql("INSERT INTO tags VALUES ({}, {})", 1, "half"))
        raise RuntimeError

    assert _count(store) == 0
    assert store.revision() == 0


def test_a_commit_raises_the_revision_of_its_topics_only(store: Store) -> None:
    _add(store, 1)

    assert (store.revision("profiles"), store.revision("events"), store.revision()) == (1, 0, 1)


def test_a_number_taken_is_never_given_again(store: Store) -> None:
    with store.transaction() as tx:
        first = tx.take("profile_key", 10)
    with store.transaction() as tx:
        second = tx.take("profile_key")

    assert (first, second) == (0, 10)


def test_rows_that_wait_are_there_for_whoever_names_their_table_and_at_the_end_in_one_statement(store: Store) -> None:
    inserted: list[int] = []

    def insert(tx: Transaction, rows: pa.Table) -> None:
        inserted.append(rows.num_rows)
        tx.execute(sql("INSERT INTO tags SELECT tag_id, name FROM rows", rows=rows))

    def later(tx: Transaction, *names: str) -> None:
        tx.later("tags", pa.table({"tag_id": pa.array(range(len(names)), pa.uint32()), "name": [*names]}), insert)

    with store.transaction() as tx:
        later(tx, "a")
        later(tx, "b", "c")
        assert tx.rows(sql("SELECT count(*) FROM channels")) == [(0,)]
        assert inserted == []
        assert tx.rows(sql("SELECT count(*) FROM tags")) == [(3,)]
        later(tx, "d")
    with contextlib.suppress(ZeroDivisionError), store.transaction() as tx:
        later(tx, "e")
        raise ZeroDivisionError

    assert inserted == [3, 1]
    assert store.rows(sql("SELECT name FROM tags ORDER BY 1")) == [("a",), ("b",), ("c",), ("d",)]


INSTANT = st.integers(-(10**17), 10**17)
TEXT = st.text(st.characters(codec="utf-8"), max_size=5)
KINDS = {
    "number": (pa.uint64(), st.integers(0, 2**64 - 1)),
    "key": (pa.uint32(), st.integers(0, 2**32 - 1)),
    "code": (pa.uint16(), st.integers(0, 2**16 - 1)),
    "count": (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    "share": (pa.float64(), st.floats(allow_nan=False)),
    "said": (pa.bool_(), st.booleans()),
    "at time": (pa.timestamp("us"), INSTANT),
    'the "name"': (pa.string(), TEXT),
    "names": (pa.list_(pa.string()), st.lists(TEXT, max_size=3)),
}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=st.data(), columns=st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=4, unique=True))
def test_rows_come_in_as_they_are_whether_they_are_few_or_many(store: Store, drawn: st.DataObject, columns: list[str]) -> None:
    rows = drawn.draw(st.integers(0, 5))
    cells = [drawn.draw(st.lists(st.none() | KINDS[each][1], min_size=rows, max_size=rows)) for each in columns]
    few = pa.table([pa.array(column, KINDS[each][0]) for each, column in zip(columns, cells, strict=True)], names=columns)
    many = pa.concat_tables([few] * 100).combine_chunks()

    with store.transaction() as tx:
        found = [tx.read(sql("SELECT * FROM rows", rows=each)) for each in (few, many)]
        told = [
            tx.rows(sql("SELECT a.*, b.* FROM rows a POSITIONAL JOIN (SELECT * FROM rows) b", rows=each)) for each in (few, many)
        ]

    assert found == [few, many]
    assert told[0] * 100 == told[1]


def test_a_number_of_a_transaction_that_failed_is_given_to_the_next(store: Store) -> None:
    with store.transaction() as tx:
        assert (tx.take("a", 2), tx.take("b")) == (0, 0)
    with contextlib.suppress(ZeroDivisionError), store.transaction() as tx:
        assert (tx.take("a"), tx.take("c")) == (2, 0)
        raise ZeroDivisionError
    with store.transaction() as tx:
        assert (tx.take("a"), tx.take("a", 0), tx.take("c")) == (2, 3, 0)
        assert tx.rows(sql("SELECT next FROM counters WHERE name = 'a'")) == [(3,)]
        tx.remember("a", 9)

    assert store.rows(sql("SELECT name, next FROM counters WHERE name IN ('a', 'b', 'c') ORDER BY 1")) == [
        ("a", 9),
        ("b", 1),
        ("c", 1),
    ]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sets(st.integers(0, 99)), st.sets(st.integers(0, 99)), st.sampled_from([0, people.FEW, 10**9]))
def test_the_condition_of_people_holds_for_exactly_them_as_a_list_and_as_a_bitmap(
    store: Store, one: set[int], other: set[int], few: int
) -> None:
    with mock.patch.object(people, "FEW", few):
        conditions = People.of(one).met(), People.of(other).met()
    found = store.rows(
        sql("SELECT profile_key, {}, {} FROM (SELECT range::UINTEGER AS profile_key FROM range(130))", *conditions)
    )

    assert {key for key, first, _ in found if first} == one
    assert {key for key, _, second in found if second} == other


@given(st.lists(st.integers(0, 99)), st.sampled_from([0, 64, 4_000, 100_000]))
def test_a_bitmap_holds_exactly_the_keys_it_is_made_of_whether_they_are_few_or_many(keys: list[int], room: int) -> None:
    found = People.of(keys, room)

    assert found.keys().tolist() == sorted(set(keys))
    assert (len(found), found.room >= room, found.room % 8) == (len(set(keys)), True, 0)


@pytest.mark.parametrize("most", [0, 3, 900])
def test_a_few_people_are_the_same_by_their_keys_as_by_the_bits_the_database_makes(store: Store, most: int) -> None:
    with store.transaction() as tx:
        tx.execute(
            Sql("INSERT INTO profiles BY NAME SELECT range::UINTEGER AS profile_key, 'u' || range AS \"userId\" FROM range(1000)")
        )
        tx.remember("profile_key", 1000)
        tx.touch("profiles")
    query = sql("SELECT profile_key FROM profiles WHERE profile_key < {}", most)

    assert store.people(query, once=True) == store.people(query)
    assert store.people(query, once=True).keys().tolist() == list(range(most))


def test_a_value_can_never_become_text(store: Store) -> None:
    hostile = "'; DROP TABLE tags; --"
    with store.transaction() as tx:
        tx.execute(sql("INSERT INTO tags VALUES ({}, {})", 1, hostile))

    assert store.rows(sql("SELECT {} FROM tags WHERE name = {}", name("name"), hostile)) == [(hostile,)]


def test_an_identifier_can_never_become_a_statement(store: Store) -> None:
    with store.transaction() as tx:
        tx.execute(sql("CREATE TABLE {} (x INTEGER)", name('a"; DROP TABLE tags; --')))

    assert _count(store) == 0


@pytest.mark.parametrize(
    "reach",
    [
        "SELECT * FROM read_text('/etc/hostname')",
        "SELECT * FROM '/etc/passwd'",
        "COPY (SELECT 1) TO '/tmp/leak.csv'",
        "ATTACH '/tmp/other.duckdb'",
        "INSTALL httpfs",
        "SELECT getenv('HOME')",
        "SET enable_external_access = true",
        "SELECT * FROM hostile_variable",
    ],
)
def test_a_query_reaches_nothing_outside_the_database(store_file: Store, reach: str) -> None:
    hostile_variable = {"x": [1]}

    with pytest.raises(Exception, match=r"disabled|locked|not exist|cannot|Cannot"):
        store_file.rows(Sql(reach))
    assert hostile_variable


def test_readers_see_what_was_committed_and_go_on_while_somebody_writes(store_file: Store) -> None:
    with store_file.transaction() as tx:
        tx.execute(sql("INSERT INTO tags VALUES ({}, {})", 1, "not yet"))
        seen = []
        thread = threading.Thread(target=lambda: seen.append(_count(store_file)))
        thread.start()
        thread.join(PATIENCE_SECONDS)

    assert (seen, _count(store_file)) == ([0], 1)


def test_writers_wait_for_each_other_and_none_is_lost(store_file: Store) -> None:
    threads = [
        threading.Thread(target=lambda start: [_add(store_file, start * 100 + each) for each in range(10)], args=(number,))
        for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)

    assert _count(store_file) == 80


def test_an_abandoned_question_ends_and_others_go_on(store: Store) -> None:
    ended: list[BaseException] = []

    def ask() -> None:
        with store.reader("a tab"):
            try:
                store.rows(SLOW)
            except Interrupted as interrupted:
                ended.append(interrupted)

    thread = threading.Thread(target=ask)
    thread.start()

    def abandoned() -> bool:
        """Again and again, for it may not have begun to ask."""
        store.abandon("a tab")
        return not thread.is_alive()

    until(abandoned, "it goes on")

    assert len(ended) == 1
    assert _count(store) == 0


def test_a_second_process_is_told_which_one_has_the_file(store_file: Store) -> None:
    other = _run("import sys; from user360.store import open_store; open_store(sys.argv[1])", store_file.path)

    assert f"in use by process {os.getpid()}" in other.stderr
    assert _count(store_file) == 0


def test_a_file_that_is_no_database_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "photo.duckdb"
    path.write_bytes(b"not a database " * 1000)

    with pytest.raises(StoreUnavailable, match="damaged or is no database"):
        open_store(path)
    assert path.read_bytes() == b"not a database " * 1000


def test_a_database_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "newer.duckdb"
    store = open_store(path)
    with store.transaction() as tx:
        tx.execute(sql("INSERT INTO schema_steps VALUES ({})", len(steps.STEPS)))
    store.close()

    with pytest.raises(StoreUnavailable, match="newer User 360"):
        open_store(path)


def test_an_earlier_file_comes_to_what_a_new_one_is_made_of(tmp_path: Path, store_file: Store) -> None:
    path = tmp_path / "earlier.duckdb"
    made_before(path, steps.STEPS[1]).close()

    earlier = open_store(path)

    assert _made_of(earlier) == _made_of(store_file)
    assert _held(earlier) == _held(store_file)
    earlier.close()


def _made_of(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """Tables with their columns in order, types, defaults, constraints, compression and indexes; and whatever else there is."""
    parts = {
        "tables": "table_name, has_primary_key, index_count, column_count, check_constraint_count, sql",
        "columns": "table_name, column_index, column_name, data_type, is_nullable, column_default, is_generated",
        "constraints": "table_name, constraint_index, constraint_type, constraint_text, constraint_column_names",
        "indexes": "table_name, index_name, is_unique, is_primary, expressions",
        "sequences": "sequence_name, sql",
        "types": "type_name, logical_type, labels",
        "views": "view_name, sql",
    }
    return {
        kind: store.rows(
            sql("SELECT {} FROM {}() WHERE database_name = current_database() ORDER BY ALL", Sql(told), name(f"duckdb_{kind}"))
        )
        for kind, told in parts.items()
    }


def _held(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of every table, but for the name a file is told by, which is another for each."""
    tables = [each for (each,) in store.rows(Sql("SELECT table_name FROM duckdb_tables()"))]
    rows = {each: store.rows(sql("SELECT * FROM {} ORDER BY ALL", name(each))) for each in tables}
    return rows | {"counters": [row for row in rows["counters"] if row[0] != "database"]}


def test_email_addresses_of_an_earlier_file_are_there_and_unpacked_from_then_on(tmp_path: Path) -> None:
    path = tmp_path / "earlier.duckdb"
    with made_before(path, steps._unpacked) as earlier:
        earlier.execute("INSERT INTO profiles BY NAME SELECT 3 AS profile_key, 'a@b.example' AS email, '+4915112345678' AS phone")

    store = open_store(path)
    table = store.rows(Sql("SELECT sql FROM duckdb_tables() WHERE table_name = 'profiles'"))[0][0].casefold()

    assert store.rows(Sql("SELECT profile_key, email, phone, city FROM profiles")) == [(3, "a@b.example", "+4915112345678", None)]
    assert [f"{each} varchar using compression uncompressed" in table for each in ("email", "phone", "city")] == [
        True,
        True,
        False,
    ]
    store.close()


def test_the_file_and_its_folders_are_private(store_file: Store) -> None:
    modes = {path: path.stat().st_mode & 0o077 for path in (Path(store_file.path), store_file.folder("exports"))}

    assert set(modes.values()) == {0}


def test_a_database_opens_again_with_what_it_held(tmp_path: Path) -> None:
    store = open_store(tmp_path / "again.duckdb")
    _add(store, 1)
    store.close()
    again = open_store(tmp_path / "again.duckdb")

    assert _count(again) == 1
    again.close()


def test_what_was_acknowledged_survives_kill_minus_nine(tmp_path: Path) -> None:
    path = tmp_path / "killed.duckdb"
    code = (
        "import sys; from user360.store import open_store; from user360.sql import sql\n"
        "store = open_store(sys.argv[1])\n"
        "for number in range(100000):\n"
        "    with store.transaction() as tx: tx.execute(sql('INSERT INTO tags VALUES ({}, {})', number, 'x'))\n"
        "    print(number, flush=True)\n"
    )
    for wait in (0.3, 0.5):
        child = subprocess.Popen([sys.executable, "-c", code, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(wait)
        child.send_signal(signal.SIGKILL)
        acknowledged = 1 + len(child.stdout.read().split())
        child.wait()
        child.stdout.close()
        store = open_store(path)
        assert store.rows(Sql("SELECT count(*) FROM tags"))[0][0] >= acknowledged
        with store.transaction() as tx:
            tx.execute(Sql("DELETE FROM tags"))
        store.close()


def test_a_full_disk_is_said_plainly_and_loses_nothing(tmp_path: Path) -> None:
    code = (
        "import resource, signal, sys; from user360.store import open_store; from user360.sql import Sql, sql\n"
        "from user360.errors import StoreUnavailable\n"
        "store = open_store(sys.argv[1])\n"
        "with store.transaction() as tx: tx.execute(sql('INSERT INTO tags VALUES ({}, {})', 1, 'kept'))\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, resource.RLIM_INFINITY))\n"
        "try:\n"
        "    with store.transaction() as tx:\n"
        '        tx.execute(Sql("INSERT INTO tags SELECT range, md5(range::VARCHAR) FROM range(3000000)"))\n'
        "except StoreUnavailable as refused: print('refused:', refused)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))\n"
        "with store.transaction() as tx: tx.execute(sql('INSERT INTO tags VALUES ({}, {})', 2, 'after'))\n"
        "print(store.rows(Sql('SELECT name FROM tags ORDER BY tag_id')))\n"
    )
    child = _run(code, str(tmp_path / "full.duckdb"))
    store = open_store(tmp_path / "full.duckdb")

    assert "refused:" in child.stdout
    assert "[('kept',), ('after',)]" in child.stdout
    assert store.rows(Sql("SELECT name FROM tags ORDER BY tag_id")) == [("kept",), ("after",)]
    store.close()


def _parts(store: Store) -> int:
    """In how many parts the tags lie in the file."""
    ((count,),) = store.rows(Sql("SELECT count(DISTINCT row_group_id) FROM pragma_storage_info('tags')"))
    return count


def _commit_in_parts(store: Store, monkeypatch: pytest.MonkeyPatch, commits: int) -> None:
    """Commit several times, each but the last into the file at once."""
    for left in reversed(range(commits)):
        store._set("checkpoint_threshold", "1KB" if left else LOG)
        with store.transaction() as tx:
            tx.execute(Sql("INSERT INTO tags SELECT range, 'tag ' || range FROM range(3000)"))
    monkeypatch.setattr("user360.store.WORTH_MERGING", 5)


def test_what_many_commits_left_in_parts_is_merged_once_nobody_writes(store_file: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    _commit_in_parts(store_file, monkeypatch, 6)
    store_file.rest()
    assert _parts(store_file) > 1

    store_file.rest()

    assert _parts(store_file) == 1
    assert _count(store_file) == 18_000


def test_few_commits_are_merged_after_a_day(store_file: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    _commit_in_parts(store_file, monkeypatch, 3)
    store_file.rest()
    store_file.rest()
    assert _parts(store_file) > 1
    monkeypatch.setattr("user360.store.LONGEST_UNMERGED_SECONDS", -1)

    store_file.rest()

    assert _parts(store_file) == 1


@pytest.mark.parametrize("way", ["bulk", "shredding"])
def test_settings_of_large_work_end_with_it_even_where_it_fails(store: Store, way: str) -> None:
    settings = Sql(
        "SELECT name, value FROM duckdb_settings() "
        "WHERE name IN ('checkpoint_threshold', 'max_vacuum_tasks', 'variant_minimum_shredding_size') ORDER BY name"
    )
    before = store.rows(settings)
    with pytest.raises(ZeroDivisionError), getattr(store, way)():
        within = store.rows(settings)
        raise ZeroDivisionError
    assert within != before
    assert before == store.rows(settings)


@pytest.mark.parametrize(
    ("setting", "value"), [("TimeZone", "UTC"), ("asof_loop_join_threshold", 0), ("dynamic_or_filter_threshold", 2000)]
)
def test_what_the_database_is_told_holds_for_every_question(store, setting, value):
    assert store.rows(sql("SELECT current_setting({})", setting)) == [(value,)]
