"""Whole copies of the database, and what each table holds, so that a copy can be held against its original."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, TypeAlias

import duckdb

from user360.sql import name, sql

if TYPE_CHECKING:
    from pathlib import Path

Print: TypeAlias = tuple[int, int]


def copy(cursor: duckdb.DuckDBPyConnection, target: Path) -> dict[str, Print]:
    """Write all of one moment into a new file, and answer what each table held in that moment."""
    there, here = name(f"copy {target.stem}"), name(cursor.execute("SELECT current_database()").fetchall()[0][0])
    cursor.execute(sql("ATTACH {} AS {}", str(target), there).shown())
    try:
        cursor.begin()
        found = prints(cursor)
        cursor.execute(sql("COPY FROM DATABASE {} TO {}", here, there).text)
        cursor.commit()
    except BaseException:
        with contextlib.suppress(duckdb.Error):
            cursor.rollback()
        raise
    finally:
        cursor.execute(sql("DETACH {}", there).text)
    return found


def prints(cursor: duckdb.DuckDBPyConnection) -> dict[str, Print]:
    """What each table holds: its rows, and a number that every value of them goes into. Reads everything."""
    tables = cursor.execute(
        "SELECT table_name FROM duckdb_tables() WHERE database_name = current_database() ORDER BY 1"
    ).fetchall()
    found = {}
    for (table,) in tables:
        counted = cursor.execute(sql("SELECT count(*), bit_xor(hash(held)) FROM {} held", name(table)).text).fetchall()[0]
        found[str(table)] = (int(counted[0]), int(counted[1] or 0))
    return found
