"""Small worlds for tests: a few lines put users and events into a real store, through the one way in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from user360 import ingest, steps
from user360.clock import stored
from user360.store import opening

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from user360.ingest import Receipt
    from user360.sql import Sql
    from user360.store import Store

AT = datetime(2026, 11, 23, 12, 50, tzinfo=UTC)


def users(rows: Sequence[Mapping[str, object]]) -> ingest.Users:
    """Rows of raw text under property names; `userId` addresses the row. A missing or None cell is not given."""
    names = list(dict.fromkeys(each for row in rows for each in row if each != "userId"))
    columns = {each: pa.array([_text(row.get(each)) for row in rows], pa.string()) for each in names}
    user_ids = pa.array([row.get("userId") for row in rows], pa.string())
    return ingest.Users(user_ids, columns, pa.array(range(1, len(rows) + 1), pa.int64()))


def events(rows: Sequence[tuple[str | None, str | None, datetime | None]], **columns: list[str | None]) -> ingest.Events:
    """Rows of user id, name and instant; further columns (channels, message_ids, properties) by keyword."""
    who, names, times = zip(*rows, strict=True)
    return ingest.Events(
        pa.array(who, pa.string()),
        pa.array(names, pa.string()),
        pa.array([None if each is None else stored(each) for each in times], pa.timestamp("us")),
        pa.array(range(1, len(rows) + 1), pa.int64()),
        **{each: pa.array(values, pa.string()) for each, values in columns.items()},
    )


def take(store: Store, batch: ingest.Users | ingest.Events, *, at: datetime = AT, **how: object) -> Receipt:
    """Receive a batch as a test does."""
    return ingest.receive(store, batch, source="test", by="tester", at=at, **how)  # type: ignore[arg-type]  # keywords as given


def made_before(path: Path, step: Callable[[], list[Sql]]) -> duckdb.DuckDBPyConnection:
    """A file as it was left before a step of `steps` was written, open."""
    connection = duckdb.connect(str(path))
    connection.execute("CREATE TABLE schema_steps (step INTEGER NOT NULL)")
    opening.advance(connection, 0, steps.STEPS.index(step))
    return connection


def _text(value: object) -> str | None:
    return None if value is None else str(value)
