"""Answers about events: the catalogue, the stream, and one person's timeline and totals."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from user360.clock import aware, stored
from user360.errors import Unknown
from user360.events import wording
from user360.events.summing import sums
from user360.sql import NOTHING, Sql, joined, name, sql

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from user360.people import People
    from user360.store import Store

TYPE_NAMES: Final = {str: "text", bool: "boolean", int: "number", float: "number", list: "list", dict: "object"}
LATEST: Final = 51
NEWEST_FIRST: Final = [("at", "descending"), ("messageId", "descending")]
BESIDE: Final = {"source_id": pa.uint16(), "messageId": pa.string(), "properties": pa.string()}
CATALOGUE: Final = pa.schema(
    {
        "event": pa.string(),
        "system": pa.bool_(),
        "users": pa.int64(),
        "total": pa.int64(),
        "first_at": pa.timestamp("us"),
        "last_at": pa.timestamp("us"),
    }
)


@dataclass(frozen=True, slots=True)
class EventProperty:
    """One property of an event: its types, the share of the events that have it, and its commonest values with counts."""

    name: str
    types: tuple[str, ...]
    known_share: float
    commonest: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Engagement:
    """One person's events, counted three ways from one reading of them.

    `totals`: event, system, first_at, last_at, total. `channels`: channel, total, last_at.
    `days`: day (UTC), total, without system events. `latest`: the newest of them, as `timeline` answers
    them, without whose they are and the context.
    """

    totals: pa.Table
    channels: pa.Table
    days: pa.Table
    latest: pa.Table


def names(store: Store, *, system: bool = True) -> list[str]:
    """Names of events, the system's last."""
    found = store.rows(Sql("SELECT name, system FROM event_names ORDER BY system, name"))
    return [each for each, of_system in found if system or not of_system]


def numbers(store: Store) -> dict[str, int]:
    """Every event's number by its name; the system's come first."""
    return dict(store.rows(Sql("SELECT name, event_id FROM event_names ORDER BY event_id")))


def channels(store: Store) -> list[str]:
    """Names of channels seen so far."""
    return [each for (each,) in store.rows(Sql("SELECT name FROM channels ORDER BY name"))]


def newest(store: Store, *, about: datetime) -> datetime | None:
    """The time of the newest event of all, looked for once a revision, where it is likely to be first: not long before that instant or later."""
    told = store.kept(_untold, "events")
    if not told:
        told.append(_newest(store, about))
    return told[0]


def _untold(_: Store) -> list[datetime | None]:
    """Nothing yet of what is asked once a revision."""
    return []


def _newest(store: Store, about: datetime) -> datetime | None:
    for days in (1, 31, None):
        since = stored(about - timedelta(days=days)) if days else None
        where = sql(" WHERE occurred_at >= {}", since) if since else NOTHING
        found = store.rows(sql("SELECT max(occurred_at) FROM events{}", where))[0][0]
        if found:
            return aware(found)
    return None


def stretches(store: Store) -> dict[str, tuple[datetime, datetime]]:
    """Of every event that happened the first and the last time."""
    found = sums(store)
    return {
        event: (aware(found[number].first_at), aware(found[number].last_at))
        for event, number in numbers(store).items()
        if number in found
    }


def catalogue(store: Store) -> pa.Table:
    """Every event there is: event, system, users, total, first_at, last_at; commonest first, the system's last."""
    found = sums(store)
    rows = [
        (event, system, found.get(number))
        for event, system, number in store.rows(Sql("SELECT name, system, event_id FROM event_names"))
    ]
    rows.sort(key=lambda row: (row[1], -(row[2].total if row[2] else 0), row[0]))
    told = [
        {"event": event, "system": system, "users": 0, "total": 0}
        if each is None
        else {
            "event": event,
            "system": system,
            "users": each.users,
            "total": each.total,
            "first_at": each.first_at,
            "last_at": each.last_at,
        }
        for event, system, each in rows
    ]
    return pa.Table.from_pylist(told, schema=CATALOGUE)


def daily(store: Store, *, since: datetime, zone: str = "UTC") -> pa.Table:
    """Events per day of a zone: event, day, total.

    Counted by quarters of an hour first, of which every zone's days are made: asking the zone for each event takes six times as long.
    """
    quarters = sql(
        "SELECT event_id, time_bucket(INTERVAL 15 minutes, occurred_at) AS quarter, count(*) AS total FROM events "
        "WHERE occurred_at >= {} GROUP BY ALL",
        stored(since),
    )
    days = sql(
        "SELECT event_id, (quarter AT TIME ZONE 'UTC' AT TIME ZONE {})::DATE AS day, sum(total)::BIGINT AS total FROM ({}) GROUP BY ALL",
        zone,
        quarters,
    )
    return store.read(sql("SELECT name AS event, day, total FROM ({}) JOIN event_names USING (event_id) ORDER BY day", days))


def schema(store: Store, event: str, *, sample: int = 10_000) -> list[EventProperty]:
    """The properties of one event, read from a sample of it, commonest first."""
    if event not in names(store):
        raise Unknown.named("event", event, names(store))
    texts = store.rows(
        sql(
            "SELECT properties::JSON::VARCHAR FROM events JOIN event_names USING (event_id) WHERE name = {} LIMIT {}",
            event,
            sample,
        )
    )
    documents = [json.loads(text) if text else {} for (text,) in texts]
    return sorted(_described(documents), key=lambda each: (-each.known_share, each.name))


def stream(
    store: Store,
    *,
    names: Sequence[str] = (),
    channels: Sequence[str] = (),
    sources: Sequence[str] = (),
    within: People | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    text: str = "",
    limit: int = 50,
    before: tuple[datetime, str] | None = None,
) -> pa.Table:
    """Events, newest first: profile_key, userId, event, system, at, channel, source, messageId, properties and context (JSON text).

    `before` is the (at, messageId) of the last row of the page before.
    """
    conditions = _conditions(names, channels, since, until, before)
    if sources:
        conditions.append(sql("source_id IN (SELECT source_id FROM sources WHERE name IN ({}))", joined(", ", sources)))
    if within is not None:
        conditions.append(within.met())
    if text:
        conditions.append(sql("contains(lower(properties::JSON::VARCHAR), lower({}))", text))
    return store.read(_page(conditions, limit))


def count(
    store: Store,
    *,
    names: Sequence[str] = (),
    channels: Sequence[str] = (),
    within: People | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    text: str = "",
    system: bool = True,
) -> int:
    """How many events meet all of this."""
    where = _met(names, channels, since, until, within, text, system=system)
    return int(store.rows(sql("SELECT count(*) FROM events {}", where))[0][0])


def through(
    store: Store,
    *,
    names: Sequence[str] = (),
    channels: Sequence[str] = (),
    within: People | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    text: str = "",
    system: bool = True,
    own: Sequence[str] = (),
) -> Iterator[pa.RecordBatch]:
    """All that `count` counts, the oldest first, never all in memory.

    Columns: userId, event, timestamp, channel, source, messageId, properties (JSON text), and for each
    name in `own` that property of the event as text, as `properties.` and its name.
    """
    values = [
        sql(", json_extract_string(e.properties::JSON, {}) AS {}", _pointer(each), name(f"properties.{each}")) for each in own
    ]
    yield from store.stream(
        sql(
            'SELECT u.user_id AS "userId", n.name AS event, e.occurred_at AS "timestamp", c.name AS channel, s.name AS source, '
            'e.message_id AS "messageId", e.properties::JSON::VARCHAR AS properties{} '
            "FROM (SELECT * FROM events {}) e JOIN event_names n USING (event_id) LEFT JOIN channels c USING (channel_id) "
            "LEFT JOIN sources s USING (source_id) LEFT JOIN user_ids u USING (profile_key) ORDER BY e.occurred_at, e.message_id",
            joined("", values),
            _met(names, channels, since, until, within, text, system=system),
        )
    )


def timeline(
    store: Store,
    profile_key: int,
    *,
    names: Sequence[str] = (),
    channels: Sequence[str] = (),
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int = 50,
    offset: int = 0,
    before: tuple[datetime, str] | None = None,
) -> pa.Table:
    """One person's events, as `stream` answers them."""
    conditions = _conditions(names, channels, since, until, before)
    conditions.append(sql("profile_key = {}", profile_key))
    return store.read(_page(conditions, limit, _ids_of(profile_key), offset=offset))


def engagement(store: Store, profile_key: int, *, latest: int = LATEST) -> Engagement:
    """One person's events by name, by channel and by day, and the latest of them, from one reading."""
    own_rows = sql(
        "SELECT rowid AS place, event_id, channel_id, occurred_at AS at_time FROM events WHERE profile_key = {}", profile_key
    )
    with store.snapshot() as seen:
        mine = seen.read(own_rows).sort_by([("at_time", "descending")])
        last = mine["at_time"][min(latest, mine.num_rows) - 1] if mine.num_rows else None
        newest = mine.filter(pc.greater_equal(mine["at_time"], last)) if last is not None else mine
        beside = seen.rows(
            sql(
                "SELECT rowid, source_id, message_id, properties::JSON::VARCHAR FROM events e JOIN newest ON e.rowid = newest.place",
                newest=newest.select(["place"]),
            )
        )
    mine, newest = wording.worded(store, mine), wording.worded(store, _beside(newest, beside))
    own = mine.filter(pc.invert(mine["system"]))
    on_channel = own.filter(pc.is_valid(own["channel"]))
    spans = [("at_time", "min"), ("at_time", "max"), ("at_time", "count")]
    by_event = mine.group_by(["event", "system"]).aggregate(spans)
    by_event = by_event.rename_columns(["event", "system", "first_at", "last_at", "total"])
    by_channel = on_channel.group_by("channel").aggregate(spans[2:] + spans[1:2]).rename_columns(["channel", "total", "last_at"])
    days = own.append_column("day", pc.cast(own["at_time"], pa.date32(), safe=False)).group_by("day").aggregate(spans[2:])
    return Engagement(
        by_event.sort_by([("system", "ascending"), ("total", "descending"), ("event", "ascending")]),
        by_channel.sort_by([("total", "descending"), ("channel", "ascending")]),
        days.rename_columns(["day", "total"]).sort_by("day"),
        newest.rename_columns({"at_time": "at"}).select(wording.LATEST).sort_by(NEWEST_FIRST).slice(0, latest),
    )


def _beside(newest: pa.Table, rows: Sequence[tuple[Any, ...]]) -> pa.Table:
    """The events with what was read of each by its place: source, message and properties."""
    found = {place: rest for place, *rest in rows}
    columns = zip(*(found[each] for each in newest["place"].to_pylist()), strict=True) if found else ((), (), ())
    for (name_, kind), values in zip(BESIDE.items(), columns, strict=True):
        newest = newest.append_column(name_, pa.array(values, kind))
    return newest


def totals(store: Store, profile_key: int) -> pa.Table:
    """Per event of one person: event, system, first_at, last_at, total."""
    return engagement(store, profile_key).totals


def _conditions(
    names: Sequence[str],
    channels: Sequence[str],
    since: datetime | None,
    until: datetime | None,
    before: tuple[datetime, str] | None,
) -> list[Sql]:
    found = []
    if names:
        found.append(sql("event_id IN (SELECT event_id FROM event_names WHERE name IN ({}))", joined(", ", names)))
    if channels:
        found.append(sql("channel_id IN (SELECT channel_id FROM channels WHERE name IN ({}))", joined(", ", channels)))
    if since is not None:
        found.append(sql("occurred_at >= {}", stored(since)))
    if until is not None:
        found.append(sql("occurred_at < {}", stored(until)))
    if before is not None:
        at, message = stored(before[0]), before[1]
        found.append(sql("occurred_at <= {} AND (occurred_at < {} OR message_id < {})", at, at, message))
    return found


def _met(
    names: Sequence[str],
    channels: Sequence[str],
    since: datetime | None,
    until: datetime | None,
    within: People | None,
    text: str,
    *,
    system: bool,
) -> Sql:
    found = _conditions(names, channels, since, until, None)
    if within is not None:
        found.append(within.met())
    if text:
        found.append(sql("contains(lower(properties::JSON::VARCHAR), lower({}))", text))
    if not system:
        found.append(Sql("event_id IN (SELECT event_id FROM event_names WHERE NOT system)"))
    return sql("WHERE {}", joined(" AND ", found)) if found else NOTHING


def _pointer(property_name: str) -> str:
    """The property as a JSON pointer, which no name can leave."""
    return "/" + property_name.replace("~", "~0").replace("/", "~1")


def _page(conditions: list[Sql], limit: int, ids: Sql | None = None, *, offset: int = 0) -> Sql:
    """The newest rows that meet the conditions: found by their places first, so that nothing else of the others is read."""
    where = sql("WHERE {}", joined(" AND ", conditions)) if conditions else NOTHING
    places = sql(
        "page AS MATERIALIZED (SELECT rowid AS place FROM events {} ORDER BY occurred_at DESC, message_id DESC LIMIT {} OFFSET {}), ",
        where,
        limit,
        offset,
    )
    return _shown(ids or Sql("SELECT * FROM user_ids SEMI JOIN found USING (profile_key)"), places)


def _ids_of(profile_key: int) -> Sql:
    return sql("SELECT * FROM user_ids WHERE profile_key = {}", profile_key)


def _shown(ids: Sql, places: Sql = NOTHING) -> Sql:
    """The rows at the places of `page`, in words. `ids` are the user ids they may have: few, for a join with all is slow."""
    return sql(
        "WITH {}found AS MATERIALIZED (SELECT e.* FROM events e JOIN page ON e.rowid = page.place) "
        'SELECT e.profile_key, u.user_id AS "userId", n.name AS event, n.system, e.occurred_at AS "at", c.name AS channel, '
        's.name AS source, e.message_id AS "messageId", e.properties::JSON::VARCHAR AS properties, '
        "e.context::JSON::VARCHAR AS context FROM found e JOIN event_names n USING (event_id) LEFT JOIN channels c USING (channel_id) "
        "LEFT JOIN sources s USING (source_id) LEFT JOIN ({}) u USING (profile_key) ORDER BY e.occurred_at DESC, e.message_id DESC",
        places,
        ids,
    )


def _described(documents: list[dict[str, Any]]) -> Iterable[EventProperty]:
    counts: dict[str, Counter[str]] = {}
    types: dict[str, set[str]] = {}
    for document in documents:
        for key, value in document.items():
            if value is not None:
                shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
                counts.setdefault(key, Counter())[shown[:200]] += 1
                types.setdefault(key, set()).add(TYPE_NAMES.get(type(value), "text"))
    for key, values in counts.items():
        yield EventProperty(key, tuple(sorted(types[key])), values.total() / len(documents), tuple(values.most_common(5)))
