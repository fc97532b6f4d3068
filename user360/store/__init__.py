"""The one room that speaks to DuckDB.

It opens the file (or says plainly why it cannot), answers a `Sql`, and makes every change a transaction: one connection to
the process, a cursor to the call, one writer at a time. It counts a revision per topic, so that an answer can be kept just
as long as it is true. When DuckDB declares itself broken the file is opened anew. What tables mean does not live here.
"""

from __future__ import annotations

import contextlib
import logging
import tempfile
import threading
import time
from collections import Counter, defaultdict
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import duckdb

from user360.errors import Interrupted, StoreUnavailable
from user360.people import NOBODY, People, room_for
from user360.sql import Sql, joined, name, sql
from user360.store import copies, opening
from user360.store.asking import Memory, Transaction, answer, counted, relation, roll_back, run
from user360.store.ledger import Ledger, Log
from user360.store.opening import ASIDE, BACKUPS, IN_MEMORY, LOG, MERGED, NEVER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import pyarrow as pa

__all__ = ["BACKUPS", "IN_MEMORY", "TOPICS", "Store", "Transaction", "open_store"]

T = TypeVar("T")
BULK_LOG: Final = "256MB"
SHREDDED_FROM: Final = 30_000
PATIENCE_SECONDS: Final = 10
WORTH_MERGING: Final = 1_000
LONGEST_UNMERGED_SECONDS: Final = 24 * 60 * 60
TOPICS: Final = (
    "profiles", "events", "properties", "workspace", "imports", "exports", "activity", "segments", "boards", "annotations",
    "sources", "failed", "duplicates", "words", "removals",
)  # fmt: skip

_log = logging.getLogger("user360.store")
_reader: ContextVar[str] = ContextVar("reader", default="")
_BROKEN = (duckdb.FatalException, duckdb.InternalException)


def open_store(path: str | Path = IN_MEMORY, *, read_only: bool = False) -> Store:
    """Open the database file, making it where there is none, and bring its tables up to date."""
    return Store(str(path), read_only=read_only)


class Store:
    """One open database. Safe to use from any thread."""

    def __init__(self, path: str, *, read_only: bool) -> None:
        self.path = path
        self._read_only = read_only
        self._writing = threading.RLock()
        self._revisions: Counter[str] = Counter()
        self._rooms: dict[int, int] = {}
        self._kept: dict[Any, tuple[int, Any]] = {}
        self._cursors: defaultdict[str, set[duckdb.DuckDBPyConnection]] = defaultdict(set)
        self._registry = threading.Lock()
        self._shut = ""
        self._scratch: tempfile.TemporaryDirectory[str] | None = None
        self._ledger: Ledger | None = None
        self._memory = Memory(self.revision)
        self.missing = 0
        self._looked_at = 0
        self._merged = 0, time.monotonic()
        self._connection = self._open()

    # -- asking ---------------------------------------------------------------------------------

    def read(self, query: Sql) -> pa.Table:
        """The answer as an Arrow table."""
        with self._cursor() as cursor:
            return answer(cursor, query)

    def rows(self, query: Sql) -> list[tuple[Any, ...]]:
        """The answer as Python tuples; for small answers."""
        with self._cursor() as cursor:
            return run(cursor, query).fetchall()

    def stream(self, query: Sql, rows: int = 50_000) -> Iterator[pa.RecordBatch]:
        """The answer in batches, never all in memory."""
        with self._cursor() as cursor:
            yield from relation(cursor, query).to_arrow_reader(rows)

    def people(self, query: Sql, *, once: bool = False) -> People:
        """The people whose `profile_key` the query names, as a bitmap.

        Where it names each of them `once`, the keys are handed over: a bitmap for each processor measured an eighth slower.
        """
        if not once:
            return self.groups([query])[0]
        room = self.room()
        with self._cursor() as cursor:
            return People.of(run(cursor, query).fetchnumpy()["profile_key"], room)

    def groups(self, queries: Sequence[Sql]) -> list[People]:
        """The people each of the queries names: asked as one, so that no processor waits for the end of the one to begin with the next."""
        if not (room := self.room()):
            return [NOBODY] * len(queries)
        packed = [
            sql(
                "SELECT {} AS place, bitstring_agg(profile_key, 0, {})::BLOB FROM ({})",
                Sql(str(place)),
                Sql(str(room - 1)),
                query,
            )
            for place, query in enumerate(queries)
        ]
        with self._cursor() as cursor:
            try:
                found = dict(run(cursor, joined(" UNION ALL ", packed)).fetchall())
            except duckdb.OutOfRangeException:  # profiles were added since their number was read
                self._rooms.clear()
                return self.groups(queries)
            blobs = [found[place] for place in range(len(queries))]
            return [NOBODY if each is None else People.packed(each) for each in blobs]

    def kept(self, make: Callable[[Store], T], *topics: str) -> T:
        """What `make` answers of this store, made anew only once a commit touched one of the topics: for what everything asks and hardly any changes."""
        revision = self.revision(*topics)  # before it is made: what a commit adds meanwhile is read once more
        made, answer_ = self._kept.get(make, (-1, None))
        if made != revision:
            answer_ = make(self)
            self._kept[make] = (revision, answer_)
        found: T = answer_
        return found

    def room(self) -> int:
        """How many keys a bitmap of people must hold, a multiple of 8; read once per revision of the profiles."""
        revision = self._revisions["profiles"]
        if revision not in self._rooms:
            with self._cursor() as cursor:
                self._rooms = {revision: room_for(counted(cursor, "profile_key"))}
        return self._rooms[revision]

    # -- changing -------------------------------------------------------------------------------

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """All of it or nothing of it. One writer at a time; readers go on meanwhile."""
        with self._writing, self._cursor() as cursor:
            cursor.begin()
            transaction = Transaction(cursor, self._memory)
            try:
                yield transaction
                number = self._ledger.count(transaction.remember) if self._ledger else 0
                transaction.settle()
                cursor.commit()
            except BaseException:
                self._memory.exact.clear()
                roll_back(cursor)
                raise
            transaction.keep()
            if self._ledger:
                self._ledger.note(number)
            self._revisions.update(transaction.topics)

    @property
    def commits(self) -> int:
        """How many transactions were ever committed to this database; 0 for one in memory."""
        return self._ledger.number if self._ledger else 0

    @contextmanager
    def snapshot(self) -> Iterator[Transaction]:
        """Several reads of one moment. Nothing can be changed through it, and nobody waits for it."""
        with self._cursor() as cursor:
            cursor.begin()
            try:
                yield Transaction(cursor)
            finally:
                roll_back(cursor)

    def revision(self, *topics: str) -> int:
        """A number that rises with every commit that touched one of the topics, or any."""
        return sum(self._revisions[topic] for topic in topics or tuple(self._revisions))

    @contextmanager
    def bulk(self) -> Iterator[None]:
        """For many large transactions in a row: the log goes into the file rarely, and once at the end.

        Every checkpoint writes whole columns and indexes anew, so that one after each batch took a third of an
        import. Outside of this the log stays short, so that no single message waits long for a checkpoint.
        """
        self._set("checkpoint_threshold", BULK_LOG)
        self._set("max_vacuum_tasks", MERGED)
        try:
            yield
        finally:
            self._set("checkpoint_threshold", LOG)
            self.checkpoint()

    @contextmanager
    def shredding(self) -> Iterator[None]:
        """Rows written inside have each key of their VARIANT documents as a column of its own.

        That pays where neighbours are alike, in events sorted by name: reading one property is several times
        as fast. Rows as they come are unlike each other, and shredding them tripled the time of writing.
        """
        with self._writing:
            self._set("variant_minimum_shredding_size", SHREDDED_FROM)
            try:
                yield
            finally:
                self._set("variant_minimum_shredding_size", NEVER)

    def _set(self, setting: str, value: str | int) -> None:
        with self._cursor() as cursor:
            cursor.execute(sql("SET GLOBAL {} = {}", name(setting), value).shown())

    def checkpoint(self) -> None:
        """Write the log into the file, merge what lies there in small parts, and let go of the room of what was deleted."""
        with self._writing:
            self._set("max_vacuum_tasks", MERGED)
            try:
                with self._cursor() as cursor:
                    cursor.execute("CHECKPOINT")
            finally:
                self._set("max_vacuum_tasks", ASIDE)
            self._merged = self.commits, time.monotonic()

    def rest(self) -> None:
        """Merge what many commits left in small parts, if nobody has written since this was last called; at least once a day.

        To be called now and then. A table that nothing was written to since the last checkpoint stays as it is.
        """
        merged, at = self._merged
        idle, self._looked_at = self._looked_at == self.commits, self.commits
        many = self.commits - merged >= WORTH_MERGING
        if (idle and many) or (self.commits > merged and time.monotonic() - at > LONGEST_UNMERGED_SECONDS):
            self.checkpoint()

    # -- whole copies ---------------------------------------------------------------------------

    def copy_to(self, target: Path) -> dict[str, copies.Print]:
        """Write all of one moment into a new file of the folder `backups`; readers and writers go on meanwhile.

        Answers what each table held in that moment.
        """
        with self._cursor() as cursor:
            return copies.copy(cursor, target)

    def bytes_on_disk(self) -> int:
        """How many bytes the file and its log take; none in memory."""
        files = [] if self.path == IN_MEMORY else [Path(self.path), Path(f"{self.path}.wal")]
        return sum(each.stat().st_size for each in files if each.exists())

    def prints(self) -> dict[str, copies.Print]:
        """What each table holds: its rows, and a number that every value of them goes into. Reads the whole file."""
        with self._cursor() as cursor:
            return copies.prints(cursor)

    def swap(self, newcomer: Path, aside: Path) -> None:
        """Go on with another file, which must lie beside the present one; that one is moved to `aside`.

        Whoever reads is interrupted. If the other file cannot be opened everything stays as it was.
        """
        mine = Path(self.path)
        with self._writing:
            self._leave_by_force("The database is being restored.")
            try:
                self._connection.close()
                mine.replace(aside)
                newcomer.replace(mine)
                try:
                    self._connection = self._open(another=True)
                except StoreUnavailable:
                    mine.replace(newcomer)
                    aside.replace(mine)
                    self._connection = self._open()
                    raise
                self._rooms.clear()
                self._revisions.update({*TOPICS, *self._revisions})
            finally:
                self._shut = ""

    def _leave_by_force(self, why: str) -> None:
        """Let nobody begin to read, and interrupt whoever does until nobody is left: a file in use cannot be exchanged."""
        self._shut = why
        until = time.monotonic() + PATIENCE_SECONDS
        while reading := self._reading():
            if time.monotonic() > until:
                self._shut = ""
                raise StoreUnavailable("Somebody still reads the database.", "Stop what is running and try again.")
            for cursor in reading:
                cursor.interrupt()
            time.sleep(0.02)

    def _reading(self) -> list[duckdb.DuckDBPyConnection]:
        with self._registry:
            return [cursor for some in self._cursors.values() for cursor in some]

    # -- abandoning -----------------------------------------------------------------------------

    @contextmanager
    def reader(self, token: str) -> Iterator[None]:
        """What is asked inside belongs to `token`, and ends when that reader is abandoned."""
        before = _reader.set(token)
        try:
            yield
        finally:
            _reader.reset(before)

    def abandon(self, token: str) -> None:
        """Interrupt whatever this reader still asks; it gets `Interrupted`."""
        with self._registry:
            for cursor in self._cursors.get(token, ()):
                cursor.interrupt()

    # -- the file -------------------------------------------------------------------------------

    def folder(self, purpose: str) -> Path:
        """A private folder beside the database file; a temporary one for a database in memory."""
        if self.path == IN_MEMORY:
            self._scratch = self._scratch or tempfile.TemporaryDirectory(prefix="user360-")
            folder = Path(self._scratch.name) / purpose
        else:
            folder = Path(self.path).resolve().with_suffix(".files") / purpose
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return folder

    def close(self) -> None:
        """Write what is in the log into the file and let go of it."""
        with self._writing:
            with contextlib.suppress(StoreUnavailable):
                self._leave_by_force("The database is closed.")
            self._shut = "The database is closed."
            self._connection.close()
            if self._ledger:
                self._ledger.close()
                self._ledger = None
            if self._scratch:
                self._scratch.cleanup()

    def _open(self, *, another: bool = False) -> duckdb.DuckDBPyConnection:
        """Open the file. Where it counts fewer commits than were noted beside it, `missing` says how many; not of `another` file."""
        self._memory = Memory(self.revision)
        if self.path == IN_MEMORY or self._read_only:
            return opening.connect(self.path, self.folder, read_only=self._read_only)
        log = Log(self.path)
        connection = opening.connect(self.path, self.folder, log)
        self._ledger = self._ledger or Ledger(self.path)
        missing = self._ledger.open(connection)
        self.missing = 0 if another else missing
        log.keep() if self.missing else log.forget()
        self._looked_at, self._merged = self.commits, (self.commits, time.monotonic())
        return connection

    def _reopen(self) -> None:
        _log.error("the database declared itself broken and is opened anew: %s", self.path)
        with self._writing, self._registry:
            self._connection.close()
            self._connection = self._open()
            self._revisions.update({*TOPICS, *self._revisions})

    @contextmanager
    def _cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        token = _reader.get()
        with self._registry:
            if self._shut:
                raise StoreUnavailable(self._shut, "Try again in a moment.")
            cursor = self._connection.cursor()
            self._cursors[token].add(cursor)
        try:
            yield cursor
        except duckdb.InterruptException as fault:
            raise Interrupted("The question was abandoned.") from fault
        except _BROKEN as fault:
            self._reopen()
            raise StoreUnavailable("The database had to be opened anew.", "Nothing that was saved is lost. Try again.") from fault
        except duckdb.Error as fault:
            raise opening.refusal(fault) from fault
        finally:
            with self._registry:
                self._cursors[token].discard(cursor)
            cursor.close()
