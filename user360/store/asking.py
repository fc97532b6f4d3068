"""What a call does with the database: a question on a cursor, a change, and what writers remember between two of them.

Made by the store, which alone begins and ends a transaction.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final, TypeVar

import duckdb
import pyarrow as pa

from user360.sql import Sql, sql

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")
PART: Final = 61_440

_log = logging.getLogger("user360.store")


class Memory:
    """What writers know of a file from one transaction to the next. There is one writer at a time; a file opened anew begins without."""

    def __init__(self, revision: Callable[[str], int]) -> None:
        self.revision = revision
        self.answers: dict[Sql, tuple[int, pa.Table]] = {}
        self.made: dict[str, Any] = {}


class Transaction:
    """Reads and changes that become true together. Made by `Store.transaction`."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, memory: Memory | None = None) -> None:
        self._cursor = cursor
        self._memory = memory
        self.topics: set[str] = set()

    def execute(self, statement: Sql) -> int:
        """Run a change and answer how many rows it touched."""
        told = run(self._cursor, statement).fetchall()
        return int(told[0][0]) if told and isinstance(told[0][0], int) else 0

    def read(self, query: Sql) -> pa.Table:
        """The answer as an Arrow table, with this transaction's own changes."""
        return answer(self._cursor, query)

    def stream(self, query: Sql, rows: int = 500_000) -> Iterator[pa.RecordBatch]:
        """The answer in batches, with this transaction's own changes; read it to its end before anything else."""
        yield from relation(self._cursor, query).to_arrow_reader(rows)

    def rows(self, query: Sql) -> list[tuple[Any, ...]]:
        """The answer as Python tuples, with this transaction's own changes."""
        return run(self._cursor, query).fetchall()

    def kept(self, query: Sql, topic: str) -> pa.Table:
        """The answer, asked again only once a commit has touched the topic: for what every message needs and hardly any changes."""
        if self._memory is None or topic in self.topics:
            return self.read(query)
        revision = self._memory.revision(topic)
        known = self._memory.answers.get(query)
        if known is None or known[0] != revision:
            known = self._memory.answers[query] = (revision, self.read(query))
        return known[1]

    def recall(self, what: str, make: Callable[[], T]) -> T | None:
        """Something made of the file once, which whoever changes the file keeps up; None in a trial, where nothing is remembered.

        What a transaction adds to it stays there though the transaction may be rolled back.
        """
        if self._memory is None:
            return None
        if what not in self._memory.made:
            self._memory.made[what] = make()
        found: T = self._memory.made[what]
        return found

    def touch(self, *topics: str) -> None:
        """Say what this transaction changes, so that kept answers about it end with the commit."""
        self.topics.update(topics)

    def take(self, counter: str, count: int = 1) -> int:
        """The first of `count` numbers nobody had before."""
        first = counted(self._cursor, counter)
        self.remember(counter, first + count)
        return first

    def remember(self, counter: str, number: int) -> None:
        """Set a counter."""
        self.execute(sql("DELETE FROM counters WHERE name = {}", counter))
        self.execute(sql("INSERT INTO counters VALUES ({}, {})", counter, number))


def run(cursor: duckdb.DuckDBPyConnection, query: Sql) -> duckdb.DuckDBPyConnection:
    """Run a statement with its values and tables."""
    _register(cursor, query)
    return cursor.execute(query.text, list(query.params))


def _register(cursor: duckdb.DuckDBPyConnection, query: Sql) -> None:
    """Name the tables a query brings along; a long one in parts, for each part is read by one processor."""
    for each, table in query.relations.items():
        parts = table if table.num_rows <= PART else pa.Table.from_batches(table.to_batches(max_chunksize=PART), table.schema)
        cursor.register(each, parts)


def relation(cursor: duckdb.DuckDBPyConnection, query: Sql) -> duckdb.DuckDBPyRelation:
    """The answer before it is fetched."""
    _register(cursor, query)
    return cursor.sql(query.text, params=list(query.params))


def answer(cursor: duckdb.DuckDBPyConnection, query: Sql) -> pa.Table:
    """The answer as an Arrow table."""
    return relation(cursor, query).to_arrow_table()


def counted(cursor: duckdb.DuckDBPyConnection, counter: str) -> int:
    """The number a counter stands at."""
    found = cursor.execute("SELECT next FROM counters WHERE name = ?", [counter]).fetchall()
    return int(found[0][0]) if found else 0


def roll_back(cursor: duckdb.DuckDBPyConnection) -> None:
    """End a transaction without any of its changes."""
    try:
        cursor.rollback()
    except duckdb.Error:
        _log.warning("nothing was left to roll back")
