"""The worlds the figures are taken in: the product's own database, and a bare one with the same rows."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from user360 import demo, events, ingest, properties
from user360.demo.loading import CUSTOM
from user360.sql import sql
from user360.store import Store, open_store

if TYPE_CHECKING:
    from pathlib import Path

FILE_COLUMNS: Final = (
    "userId",
    "firstName",
    "lastName",
    "email",
    "phone",
    "country",
    "city",
    "dob",
    "emailOptin",
    "loyaltyTier",
    "spent",
    "language",
)
BATCH: Final = 50_000


def people(users: int, events_: int, *, at: datetime) -> pa.Table:
    """The users of the sample business who have an id."""
    found = demo.people(users, events_, at=at)
    return found.filter(pc.is_valid(found["userId"]))


def users_file(found: pa.Table, path: Path) -> None:
    """A CSV of twelve columns."""
    pa_csv.write_csv(found.select(FILE_COLUMNS), path)


def events_file(users: int, events_: int, path: Path, *, at: datetime) -> int:
    """A CSV of events: userId, event, timestamp, channel, messageId, properties. Answers how many rows."""
    names = ["userId", "event", "timestamp", "channel", "messageId", "properties"]
    rows = 0
    with pa_csv.CSVWriter(path, pa.schema([(each, pa.string()) for each in names])) as writer:
        for batch in demo.batches(users, events_, at=at):
            known = batch.filter(pc.is_valid(batch["userId"])).select(names)
            stamps = pc.strftime(known["timestamp"].cast(pa.timestamp("s"), safe=False), "%Y-%m-%dT%H:%M:%SZ")
            writer.write_table(known.set_column(2, "timestamp", stamps))
            rows += known.num_rows
    return rows


def fresh(path: Path, *, at: datetime) -> Store:
    """An empty database that has the sample business's properties."""
    store = open_store(path)
    for name, datatype, description in CUSTOM:
        properties.define(store, name, datatype, description, by="benchmark", at=at)
    return store


def fill(store: Store, found: pa.Table, users: int, events_: int, *, at: datetime) -> int:
    """Put the users and the events through the one way in, and sort the events. Answers how many events are stored."""
    left = {"userId", "createdAt", "source"}
    for start in range(0, found.num_rows, BATCH):
        part = found.slice(start, BATCH).combine_chunks()
        columns = {each: _plain(part[each]) for each in part.column_names if each not in left}
        batch = ingest.Users(_plain(part["userId"]), columns, pa.array(np.arange(part.num_rows)))
        ingest.receive(store, batch, source="benchmark", by="benchmark", at=at)
    stored = 0
    for day in demo.batches(users, events_, at=at):
        part = day.filter(pc.is_valid(day["userId"]))
        batch_ = ingest.Events(
            _plain(part["userId"]),
            _plain(part["event"]),
            _plain(part["timestamp"]).cast(pa.timestamp("us")),
            pa.array(np.arange(part.num_rows)),
            channels=_plain(part["channel"]),
            message_ids=_plain(part["messageId"]),
            properties=_plain(part["properties"]),
        )
        stored += ingest.receive(store, batch_, source="benchmark", by="benchmark", at=at).stored
    events.tidy(store)
    store.checkpoint()
    return stored


def come_again(store: Store, week: datetime, count: int, *, at: datetime) -> None:
    """Events like some of that week come once more, in no order and under new ids, as messages do."""
    found = store.read(
        sql(
            "SELECT user_id, n.name, occurred_at, c.name AS channel, message_id || {} AS message_id, properties::JSON::VARCHAR AS document "
            "FROM events JOIN event_names n USING (event_id) JOIN user_ids USING (profile_key) LEFT JOIN channels c USING (channel_id) "
            "WHERE NOT n.system AND occurred_at >= {} AND occurred_at < {} ORDER BY hash(message_id) LIMIT {}",
            ":again",
            week,
            week + timedelta(days=7),
            count,
        )
    )
    for start in range(0, found.num_rows, BATCH):
        part = found.slice(start, BATCH).combine_chunks()
        batch = ingest.Events(
            _plain(part["user_id"]),
            _plain(part["name"]),
            _plain(part["occurred_at"]),
            pa.array(np.arange(part.num_rows)),
            channels=_plain(part["channel"]),
            message_ids=_plain(part["message_id"]),
            properties=_plain(part["document"]),
        )
        ingest.receive(store, batch, source="benchmark", by="benchmark", at=at)


def bare(path: Path, found: pa.Table, users: int, events_: int, *, at: datetime) -> duckdb.DuckDBPyConnection:
    """The same rows as anybody would put them into DuckDB: two plain tables, text for names, JSON for properties."""
    connection = duckdb.connect(str(path), config={"memory_limit": "1200MB"})
    connection.register("found", found)
    connection.execute("CREATE TABLE profiles AS SELECT * FROM found")
    connection.execute(
        'CREATE TABLE events (user_id VARCHAR, event VARCHAR, channel VARCHAR, "at" TIMESTAMP, message_id VARCHAR, properties JSON)'
    )
    for day in demo.batches(users, events_, at=at):
        connection.register("day", day)
        connection.execute(
            'INSERT INTO events SELECT "userId", event, channel, timestamp, "messageId", properties FROM day WHERE "userId" IS NOT NULL'
        )
    connection.execute(
        'UPDATE profiles SET "lastSession" = newest FROM (SELECT user_id, max("at") AS newest FROM events GROUP BY 1) '
        'WHERE "userId" = user_id AND ("lastSession" IS NULL OR "lastSession" < newest)'
    )
    connection.execute("CHECKPOINT")
    return connection


def _plain(column: Any) -> pa.Array:
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return whole.cast(whole.type.value_type) if pa.types.is_dictionary(whole.type) else whole
