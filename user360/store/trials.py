"""A world aside: the same tables, shadowed, in which anything can be tried while nobody else sees it or waits.

A trial is a database in memory beside the real one. Whoever asks it finds a table of its own there
first and every other table in the real database, so that the same code runs in it unchanged: what an
import would do is found by doing it. Its tables of people hold only those it is about, brought over
before they are written. Without this room a dry run would need a second idea of what a row does.
"""

from __future__ import annotations

import re
import threading
import uuid
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from user360.errors import StoreUnavailable
from user360.people import NOBODY, People
from user360.sql import Sql, joined, name, sql
from user360.store import Store, Transaction
from user360.store.asking import roll_back, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import duckdb

_CHANGE: Final = re.compile(r"(?:INSERT INTO|UPDATE|DELETE FROM) \"?(\w+)")
_OWN: Final = "main"
_WHOLE: Final = "whole"


TRIED_BY_PROFILE: Final = ("profiles", "profile_tags", "user_ids", "other_ids", "segment_members")
"""Tables of which a trial has the rows of the people it is about."""

TRIED_WHOLE: Final = ("counters", "properties", "tags", "event_names", "channels", "sources", "segments", "segment_versions")
"""Tables of which a trial has all rows."""

TRIED_EMPTY: Final = (
    "writes", "changes", "value_times", "given_at_once", "events", "sessions_set", "links", "failed_messages", "warnings", "activity",
    "tally_changes",
)  # fmt: skip
"""Tables a trial begins without."""


class _Guarded(Transaction):
    """A transaction in which only these tables can be changed: a trial must never write through to the real ones."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, own: tuple[str, ...]) -> None:
        super().__init__(cursor)
        self._tables = own

    def execute(self, statement: Sql) -> int:
        """Run a change of one of the tables."""
        changed = _CHANGE.match(statement.text)
        if changed is None or changed[1] not in self._tables:
            raise RuntimeError(f"a trial has no table of its own for {statement.text[:60]!r}")
        return super().execute(statement)


class Beside(Store):
    """A store that looks for each table in these schemas of the connection of another, in their order.

    Only tables of `own` can be changed in it.
    """

    def __init__(self, of: Store, places: tuple[str, ...], own: tuple[str, ...] = ()) -> None:
        self.path = of.path
        self.missing = 0
        self._of = of
        self._places = sql("SET search_path = {}", ",".join(places)).shown()
        self._own_tables = own
        self._writing = threading.RLock()
        self._revisions = Counter()
        self._rooms = {}
        self._kept = {}
        self._ledger = None

    def folder(self, purpose: str) -> Path:
        """The private folder of the real database."""
        return self._of.folder(purpose)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """All of it or nothing of it, in this world alone."""
        with self._writing, self._cursor() as cursor:
            cursor.begin()
            transaction = _Guarded(cursor, self._own_tables)
            try:
                yield transaction
                transaction.settle()
                cursor.commit()
            except BaseException:
                roll_back(cursor)
                raise
            self._revisions.update(transaction.topics)

    @contextmanager
    def _cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with self._of._cursor() as cursor:  # noqa: SLF001 - a store beside another shares its connection
            cursor.execute(self._places)
            yield cursor


class Trial(Beside):
    """A world aside, until it is closed."""

    def __init__(self, of: Store) -> None:
        self._alias = f"trial_{uuid.uuid4().hex}"
        ((self._base,),) = of.rows(Sql("SELECT current_database()"))
        tables = (*TRIED_BY_PROFILE, *TRIED_WHOLE, *TRIED_EMPTY)
        super().__init__(of, (f"{self._alias}.{_OWN}", f"{self._base}.main"), tables)
        self._brought: People = NOBODY
        self._real = Beside(of, (f"{self._base}.main",))
        self._do(sql("ATTACH ':memory:' AS {} (COMPRESS)", name(self._alias)))
        for table in tables:
            rows = Sql("" if table in TRIED_WHOLE else " LIMIT 0")
            self._do(sql("CREATE TABLE {} AS SELECT * FROM {}{}", self._own(table), self._theirs(table), rows))

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """All of it or nothing of it; what it wrote is packed afterwards, as a file of the same rows would be."""
        with super().transaction() as transaction:
            yield transaction
        self._do(sql("CHECKPOINT {}", name(self._alias)))

    def bring(self, keys: pa.Array) -> None:
        """Have these people here as they are; who was brought before stays as they have become."""
        wanted = People.of(keys.drop_null().to_numpy(zero_copy_only=False)) - self._brought
        fresh = pa.table({"profile_key": wanted.keys()})
        self._brought |= wanted
        for table in TRIED_BY_PROFILE if fresh.num_rows else ():
            self.bring_rows(table, sql("SELECT * FROM {} SEMI JOIN fresh USING (profile_key)", self._theirs(table), fresh=fresh))

    def bring_rows(self, table: str, rows: Sql) -> None:
        """Have these rows of a table here; the query reads the real tables."""
        self._do(sql("INSERT INTO {} {}", self._own(table), rows))

    @property
    def brought(self) -> People:
        """Who was brought."""
        return self._brought

    def outcome(self) -> Store:
        """Everybody as they would be: the people of the trial, and all others as they are."""
        self._do(sql("CREATE SCHEMA IF NOT EXISTS {}.{}", name(self._alias), name(_WHOLE)))
        for table in TRIED_BY_PROFILE:
            columns = joined(", ", [name(each) for each in self._columns(table)])
            self._view(
                table,
                sql(
                    "SELECT {} FROM {} UNION ALL SELECT {} FROM {} ANTI JOIN {} USING (profile_key)",
                    columns,
                    self._own(table),
                    columns,
                    self._theirs(table),
                    self._own("profiles"),
                ),
            )
        self._view(
            "events",
            sql(
                "SELECT * FROM {} UNION ALL SELECT * FROM {} ANTI JOIN {} USING (message_hash, message_id)",
                self._theirs("events"),
                self._own("events"),
                self._theirs("events"),
            ),
        )
        return Beside(self._of, (f"{self._alias}.{_WHOLE}", f"{self._alias}.{_OWN}", f"{self._base}.main"))

    @property
    def store_is_open(self) -> bool:
        """Whether the real database is still the one this world lies beside."""
        try:
            return bool(self._real.rows(sql("SELECT 1 FROM duckdb_databases() WHERE database_name = {}", self._alias)))
        except StoreUnavailable:
            return False

    def close(self) -> None:
        """Let everything that was tried go."""
        self._do(sql("DETACH DATABASE IF EXISTS {}", name(self._alias)))

    def _view(self, table: str, query: Sql) -> None:
        self._do(sql("CREATE OR REPLACE VIEW {}.{}.{} AS {}", name(self._alias), name(_WHOLE), name(table), query))

    def _columns(self, table: str) -> list[str]:
        return list(self.read(sql("SELECT * FROM {} LIMIT 0", self._own(table))).column_names)

    def _do(self, statement: Sql) -> None:
        """Run a statement of the trial's own, which reads the real tables where it names one plainly."""
        with self._real._cursor() as cursor:  # noqa: SLF001 - the same
            run(cursor, statement)

    def _own(self, table: str) -> Sql:
        return sql("{}.{}.{}", name(self._alias), name(_OWN), name(table))

    def _theirs(self, table: str) -> Sql:
        return sql("{}.{}.{}", name(self._base), name("main"), name(table))
