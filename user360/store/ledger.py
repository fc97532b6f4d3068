"""A number beside the file, by which missing changes are noticed.

DuckDB writes each change into a log and later into the file. A log that was damaged or deleted is
sometimes read as far as it goes, without a word, and then thrown away: a day would be gone and
nobody would know. So every transaction counts up a number inside the database and, once it is
committed, beside it; if the database counts fewer when it is opened, that many are missing. The log
is copied before it is read and kept where anything is. What was in them does not live here (`collect`).
"""

from __future__ import annotations

import logging
import os
import re
import secrets
import shutil
import struct
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import duckdb

if TYPE_CHECKING:
    from collections.abc import Callable

SUFFIX: Final = ".commits"
_RECORD: Final = struct.Struct("<QQI")
_SLOT: Final = 64
_COMMITS: Final = "commits"
_DATABASE: Final = "database"

_log = logging.getLogger("user360.store")


class Ledger:
    """How many transactions a database has committed, as it says itself and as was noted beside it."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path + SUFFIX, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._database = 0
        self.number = 0

    def open(self, connection: duckdb.DuckDBPyConnection) -> int:
        """Go on from this database; answer how many of its transactions are missing."""
        self._database, self.number = _identity(connection), _counted(connection, _COMMITS)
        noted = max((number for database, number in self._noted() if database == self._database), default=self.number)
        self.note(self.number)
        return max(0, noted - self.number)

    def count(self, remember: Callable[[str, int], None]) -> int:
        """Count one more inside a transaction, which is to `remember` it, and answer the number it will have."""
        number = self.number + 1
        remember(_COMMITS, number)
        return number

    def note(self, number: int) -> None:
        """Note beside the database that it has committed so many. In turns in two places, so that one of them is whole."""
        self.number = number
        packed = _RECORD.pack(self._database, number, 0)
        record = _RECORD.pack(self._database, number, zlib.crc32(packed))
        os.pwrite(self._file, record, (number % 2) * _SLOT)
        if number == 0:
            os.pwrite(self._file, record, _SLOT)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)

    def _noted(self) -> list[tuple[int, int]]:
        found = []
        for slot in (0, _SLOT):
            record = os.pread(self._file, _RECORD.size, slot)
            if len(record) == _RECORD.size:
                database, number, check = _RECORD.unpack(record)
                if check == zlib.crc32(_RECORD.pack(database, number, 0)):
                    found.append((database, number))
        return found


def _identity(connection: duckdb.DuckDBPyConnection) -> int:
    """By what this database is told from another one that lay here before; made once."""
    known = _counted(connection, _DATABASE)
    if known:
        return known
    made = secrets.randbits(62) + 1
    connection.begin()
    connection.execute("INSERT INTO counters VALUES (?, ?), (?, 0)", [_DATABASE, made, _COMMITS])
    connection.commit()
    connection.execute("CHECKPOINT")  # by a name that stood in the log alone, nothing could be missed
    return made


def _counted(connection: duckdb.DuckDBPyConnection, counter: str) -> int:
    found = connection.execute("SELECT next FROM counters WHERE name = ?", [counter]).fetchall()
    return int(found[0][0]) if found else 0


# -- the log --------------------------------------------------------------------------------------


class Log:
    """The log of a database that was not closed, kept until it is certain that all of it was read."""

    def __init__(self, path: str) -> None:
        self.path = Path(path + ".wal")
        self._copy = Path(path + ".wal.before")
        self._there = self.path.exists() and self.path.stat().st_size > 0
        self._written = self.path.stat().st_mtime if self._there else 0
        if self._there:
            shutil.copyfile(self.path, self._copy)

    def read_by(self, connect: Callable[[], duckdb.DuckDBPyConnection]) -> duckdb.DuckDBPyConnection:
        """Open the database with as much of its log as can be read, or without it where nothing can."""
        try:
            return connect()
        except duckdb.Error as fault:
            if not self._there or not _of_the_log(fault):
                self.forget()
                raise
            for length in (_sound(fault), 0):
                os.truncate(self.path, length) if length else self.path.unlink(missing_ok=True)
                try:
                    opened = connect()
                except duckdb.Error:
                    continue
                _log.error("the log %s is damaged: it is kept as %s, and read as far as it goes", self.path, self.keep())
                return opened
            self._copy.replace(self.path)
            raise

    def keep(self) -> Path | None:
        """Keep the log beside the database, under the time it was last written; where there was none, nothing."""
        if not self._copy.exists():
            return None
        stamp = datetime.fromtimestamp(self._written, UTC).strftime("%Y%m%d-%H%M%S-%f")
        return self._copy.replace(self.path.with_name(f"{self.path.name}.damaged-{stamp}"))

    def forget(self) -> None:
        """All of it was read."""
        self._copy.unlink(missing_ok=True)


def _sound(fault: duckdb.Error) -> int:
    """How many bytes of the log come before what is damaged."""
    found = re.search(r"entry at byte position (\d+)", str(fault))
    return int(found[1]) if found else 0


def _of_the_log(fault: duckdb.Error) -> bool:
    text = str(fault).lower()
    return (
        "lock" not in text
        and "permission" not in text
        and any(each in text for each in ("wal", "checksum", "replay", "serializ"))
    )
