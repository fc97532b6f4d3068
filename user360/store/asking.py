"""What a call does with the database: a question on a cursor, a change, and what writers remember between two of them.

Made by the store, which alone begins and ends a transaction.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final, TypeVar

import duckdb
import pyarrow as pa

from user360.sql import Sql, joined, name, sql

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

T = TypeVar("T")
PART: Final = 61_440
FEW: Final = 64
"""So many rows are told as values: to name a table of them took longer than the statement itself."""
_TYPES: Final = {
    pa.bool_(): "BOOLEAN",
    pa.uint16(): "USMALLINT",
    pa.uint32(): "UINTEGER",
    pa.uint64(): "UBIGINT",
    pa.int64(): "BIGINT",
    pa.float64(): "DOUBLE",
    pa.string(): "VARCHAR",
}
_INSTANT: Final = pa.timestamp("us")
_VERBS: Final = ("SELECT", "INSERT", "UPDATE", "DELETE")
COUNTERS: Final = "counters"

_log = logging.getLogger("user360.store")


class Memory:
    """What writers know of a file from one transaction to the next. There is one writer at a time; a file opened anew begins without."""

    def __init__(self, revision: Callable[[str], int]) -> None:
        self.revision = revision
        self.answers: dict[Sql, tuple[int, pa.Table]] = {}
        self.made: dict[str, Any] = {}
        self.exact: dict[str, Any] = {}
        self.counters: dict[str, int] | None = None


class Transaction:
    """Reads and changes that become true together. Made by `Store.transaction`."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, memory: Memory | None = None) -> None:
        self._cursor = cursor
        self._memory = memory
        self._waiting: dict[tuple[str, Callable[[Transaction, pa.Table], None]], list[pa.Table]] = {}
        self._counters: dict[str, int] | None = None
        self._taken: dict[str, int] = {}
        self._unwritten: set[str] = set()
        self.topics: set[str] = set()

    def execute(self, statement: Sql) -> int:
        """Run a change and answer how many rows it touched."""
        self._catch_up(statement)
        told = run(self._cursor, spelled(statement)).fetchall()
        return int(told[0][0]) if told and isinstance(told[0][0], int) else 0

    def later(self, table: str, rows: pa.Table, insert: Callable[[Transaction, pa.Table], None]) -> None:
        """Let `insert` put these rows into a table before any statement names it, or at the end, together with others that wait for the same.

        What a transaction writes in many small parts costs one statement so.
        """
        self._waiting.setdefault((table, insert), []).append(rows)

    def read(self, query: Sql) -> pa.Table:
        """The answer as an Arrow table, with this transaction's own changes."""
        self._catch_up(query)
        return answer(self._cursor, spelled(query))

    def stream(self, query: Sql, rows: int = 500_000) -> Iterator[pa.RecordBatch]:
        """The answer in batches, with this transaction's own changes; read it to its end before anything else."""
        self._catch_up(query)
        yield from relation(self._cursor, query).to_arrow_reader(rows)

    def rows(self, query: Sql) -> list[tuple[Any, ...]]:
        """The answer as Python tuples, with this transaction's own changes."""
        self._catch_up(query)
        return run(self._cursor, spelled(query)).fetchall()

    def kept(self, query: Sql, topic: str) -> pa.Table:
        """The answer, asked again only once a commit has touched the topic: for what every message needs and hardly any changes."""
        if self._memory is None or topic in self.topics:
            return self.read(query)
        revision = self._memory.revision(topic)
        known = self._memory.answers.get(query)
        if known is None or known[0] != revision:
            known = self._memory.answers[query] = (revision, self.read(query))
        return known[1]

    def recall(self, what: str, make: Callable[[], T], *, exact: bool = False) -> T | None:
        """Something made of the file once, which whoever changes the file keeps up; None in a trial, where nothing is remembered.

        What a transaction adds to it stays there though the transaction may be rolled back, unless it is to be `exact`:
        then it is made anew after that.
        """
        if self._memory is None:
            return None
        kept = self._memory.exact if exact else self._memory.made
        if what not in kept:
            kept[what] = make()
        found: T = kept[what]
        return found

    def recalls(self, what: str) -> bool:
        """Whether it was made already."""
        return self._memory is not None and (what in self._memory.made or what in self._memory.exact)

    def touch(self, *topics: str) -> None:
        """Say what this transaction changes, so that kept answers about it end with the commit."""
        self.topics.update(topics)

    def take(self, counter: str, count: int = 1) -> int:
        """The first of `count` numbers nobody had before."""
        first = self._taken[counter] if counter in self._taken else self._standing().get(counter, 0)
        if count:
            self.remember(counter, first + count)
        return first

    def remember(self, counter: str, number: int) -> None:
        """Set a counter."""
        self._taken[counter] = number
        self._unwritten.add(counter)

    def settle(self) -> None:
        """Write all that waits: the last thing before the commit."""
        while self._waiting:
            self._insert(next(iter(self._waiting)))
        self._write_counters()

    def keep(self) -> None:
        """Remember how the counters stand, once all of it is committed."""
        if self._memory is not None and self._memory.counters is not None:
            self._memory.counters.update(self._taken)

    def _catch_up(self, query: Sql) -> None:
        """Write what waits of the tables a statement names."""
        for key in [each for each in self._waiting if each[0] in query.text] if self._waiting else ():
            self._insert(key)
        if self._unwritten and COUNTERS in query.text:
            self._write_counters()

    def _insert(self, key: tuple[str, Callable[[Transaction, pa.Table], None]]) -> None:
        rows = self._waiting.pop(key)
        key[1](self, rows[0] if len(rows) == 1 else pa.concat_tables(rows))

    def _standing(self) -> Mapping[str, int]:
        """How the counters stand in the file."""
        if self._counters is None:
            kept = self._memory.counters if self._memory is not None else None
            if kept is None:
                kept = dict(run(self._cursor, sql("SELECT name, next FROM counters")).fetchall())
                if self._memory is not None:
                    self._memory.counters = kept
            self._counters = kept
        return self._counters

    def _write_counters(self) -> None:
        changed, self._unwritten = sorted(self._unwritten), set()
        known = [each for each in changed if each in self._standing()]
        fresh = [each for each in changed if each not in self._standing()]
        if len(known) == 1:  # the ledger's alone, after most commits
            self.execute(sql("UPDATE counters SET next = {} WHERE name = {}", self._taken[known[0]], known[0]))
        elif known:
            cases = joined(" ", [sql("WHEN {} THEN {}", each, self._taken[each]) for each in known])
            self.execute(sql("UPDATE counters SET next = CASE name {} END WHERE name IN ({})", cases, joined(", ", known)))
        if fresh:
            self.execute(sql("DELETE FROM counters WHERE name IN ({})", joined(", ", fresh)))
            self.execute(
                sql("INSERT INTO counters VALUES {}", joined(", ", [sql("({}, {})", each, self._taken[each]) for each in fresh]))
            )


def spelled(query: Sql) -> Sql:
    """The same statement, with those of its tables that have few rows as values in front of it."""
    few = {each: table for each, table in query.relations.items() if _is_few(table)}
    if not few or not query.text.startswith(_VERBS):
        return query
    parts = [sql("{} AS (SELECT {})", name(each), joined(", ", _columns(table))) for each, table in few.items()]
    whole = sql("WITH {} {}", joined(", ", parts), query)
    return Sql(whole.text, whole.params, {each: table for each, table in query.relations.items() if each not in few})


def _is_few(table: pa.Table) -> bool:
    return table.num_rows <= FEW and all(each in _TYPES or each == _INSTANT for each in table.schema.types)


def _columns(table: pa.Table) -> Iterator[Sql]:
    for each, column in zip(table.column_names, table.columns, strict=True):
        if column.type == _INSTANT:  # as a number, for not every instant is one of Python's
            yield sql("make_timestamp(unnest({}::BIGINT[])) AS {}", column.cast(pa.int64()).to_pylist(), name(each))
        else:
            yield sql("unnest({}::{}[]) AS {}", column.to_pylist(), Sql(_TYPES[column.type]), name(each))


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
