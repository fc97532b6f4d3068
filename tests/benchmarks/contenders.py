"""The same rows in every engine: our own file, ClickHouse inside the process, and polars."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.benchmarks import load
from user360 import events, properties, workspace
from user360.store import Store, open_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

AT = datetime(2026, 11, 23, tzinfo=UTC)
FIRST_EVENT = events.FIRST_OF_OTHERS


def written(folder: Path, users: int, count: int) -> None:
    """The load as Parquet, once."""
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / "people.parquet").exists():
        return
    (folder / "events").mkdir(exist_ok=True)
    for number, chunk in enumerate(load.events(users, count)):
        pq.write_table(chunk, folder / "events" / f"{number:04d}.parquet")
    pq.write_table(load.people(users), folder / "people.parquet")


def _chunks(folder: Path) -> Iterator[pa.Table]:
    for each in sorted((folder / "events").glob("*.parquet")):
        yield pq.read_table(each)


def ours(folder: Path) -> Store:
    """Our own file of the load, made once: the tables as the product keeps them, sorted by the product."""
    path = folder / "ours.duckdb"
    made = path.exists()
    store = open_store(path)
    if made:
        events.tally(store)  # a file of an earlier version
        return store
    workspace.change(store, zone_name="UTC")
    for name, kind in load.custom().items():
        properties.define(store, name, kind, by="benchmark", at=AT)
    _fill_people(store, pq.read_table(folder / "people.parquet"))
    for number, chunk in enumerate(_chunks(folder)):
        _fill_events(store, chunk, number)
    events.tidy(store)
    store.checkpoint()
    return store


def _fill_people(store: Store, people: pa.Table) -> None:
    from user360.sql import Sql, sql  # noqa: PLC0415 - for filling alone

    keyed = people.add_column(0, "profile_key", pa.array(range(people.num_rows), pa.uint32()))
    wide = keyed.drop_columns(["tags"])
    tags = keyed.select(["profile_key", "tags"])
    names = pa.table({"tag_id": pa.array(range(len(load.TAGS)), pa.uint32()), "name": list(load.TAGS)})
    happened = pa.table(
        {"event_id": pa.array(range(FIRST_EVENT, FIRST_EVENT + len(load.EVENTS)), pa.uint16()), "name": list(load.EVENTS)}
    )
    channels = pa.table({"channel_id": pa.array(range(len(load.CHANNELS)), pa.uint16()), "name": list(load.CHANNELS)})
    with store.transaction() as tx:
        tx.execute(sql("INSERT INTO profiles BY NAME SELECT * FROM wide", wide=wide))
        tx.execute(sql('INSERT INTO user_ids SELECT "userId", profile_key FROM wide', wide=wide))
        tx.execute(sql("INSERT INTO tags SELECT * FROM names", names=names))
        tx.execute(
            sql(
                "INSERT INTO profile_tags SELECT DISTINCT profile_key, tag_id FROM (SELECT profile_key, unnest(tags) AS name FROM lists) "
                "JOIN tags USING (name)",
                lists=tags,
            )
        )
        tx.execute(sql("INSERT INTO event_names SELECT event_id, name, false, NULL FROM happened", happened=happened))
        tx.execute(sql("INSERT INTO channels SELECT * FROM numbered", numbered=channels))
        tx.execute(Sql("INSERT INTO counters SELECT 'profile_key', count(*) FROM profiles"))
        tx.touch("profiles", "events", "properties")


def _fill_events(store: Store, chunk: pa.Table, number: int) -> None:
    from user360.sql import sql  # noqa: PLC0415 - for filling alone

    with store.transaction() as tx:
        tx.execute(
            sql(
                "INSERT INTO events SELECT profile_key, event_id + {}, channel_id, NULL, ts, id, md5_number_lower(id), "
                "CASE WHEN amount IS NOT NULL THEN {}::VARIANT END, NULL, NULL, NULL, NULL, NULL FROM (SELECT *, {} || row_number() OVER () AS id FROM chunk)",
                FIRST_EVENT,
                _document(),
                f"m-{number:04d}-",
                chunk=chunk,
            )
        )
        tx.touch("events")


def _document() -> Any:
    from user360.sql import Sql  # noqa: PLC0415 - for filling alone

    return Sql("{'amount': amount, 'product': product}")


def clickhouse(folder: Path) -> Any:
    """The rows in ClickHouse's own tables, events in the order its answers are quickest in."""
    from chdb import session  # noqa: PLC0415 - only where it is compared

    opened = session.Session(str(folder / "chdb"))
    opened.query("CREATE DATABASE IF NOT EXISTS u")
    opened.query("USE u")
    if "ev" in str(opened.query("SHOW TABLES FROM u")):
        return opened
    opened.query(
        "CREATE TABLE u.ev (profile_key UInt32, event_id UInt16, channel_id UInt16, ts DateTime64(6, 'UTC'), amount Nullable(Float64), "
        "product Nullable(UInt16)) ENGINE = MergeTree ORDER BY (event_id, ts)"
    )
    opened.query(f"INSERT INTO u.ev SELECT * FROM file('{folder}/events/*.parquet', Parquet)")
    opened.query(
        f"CREATE TABLE u.p ENGINE = MergeTree ORDER BY profile_key AS SELECT toUInt32(rowNumberInAllBlocks()) AS profile_key, * "
        f"FROM file('{folder}/people.parquet', Parquet) SETTINGS max_threads = 1"
    )
    opened.query("OPTIMIZE TABLE u.ev FINAL")
    return opened


def frames(folder: Path) -> tuple[Any, Any]:
    """People and events as polars frames, in memory, events sorted by name and time."""
    import polars as pl  # noqa: PLC0415 - only where it is compared

    people = pl.read_parquet(folder / "people.parquet").with_row_index("profile_key")
    happened = pl.read_parquet(folder / "events" / "*.parquet").sort("event_id", "ts")
    return people, happened
