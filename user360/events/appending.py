"""Taking events in: each message once, in one bulk insert, whatever their number."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from user360 import hashes
from user360.clock import stored
from user360.errors import InvalidMessage
from user360.events import figures, tallying
from user360.events.summing import REMOVALS
from user360.hashes import Seen
from user360.schema import SYSTEM_EVENTS
from user360.sql import Sql, joined, name, sql

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from user360.store import Transaction

MOST_NAMES: Final = 10_000
FEW: Final = 10_000
UNSORTED: Final = 64
"""So few rows are stored as they come: to sort them took a third of storing them, and nobody reads so few the quicker."""
PIECE: Final = 50_000
"""So many events of one week, sorted, read as quickly as a week that is sorted as a whole."""
SHARE_IN_ORDER: Final = 0.8
ROWS: Final = pa.schema(
    {
        "profile_key": pa.uint32(),
        "event": pa.string(),
        "channel": pa.string(),
        "source": pa.string(),
        "at": pa.timestamp("us"),
        "message_id": pa.string(),
        "properties": pa.string(),
        "context": pa.string(),
    }
)

_STORING: Final = pa.schema(
    {
        "profile_key": pa.uint32(),
        "event_id": pa.uint16(),
        "channel_id": pa.uint16(),
        "source_id": pa.uint16(),
        "at_time": pa.timestamp("us"),
        "message_id": pa.string(),
        "message_hash": pa.uint64(),
        "properties": pa.string(),
        "context": pa.string(),
        "import_id": pa.uint32(),
    }
)

_STORED: Final = Sql("SELECT message_hash, message_id FROM events UNION ALL SELECT message_hash, message_id FROM deleted_events")
_EVENTLESS: Final = sql("{} UNION ALL SELECT message_hash, message_id FROM taken_messages", _STORED)

_WORDS: Final = Sql(
    "SELECT 'event_names' AS dictionary, name, event_id AS number, figures FROM event_names UNION ALL "
    "SELECT 'channels', name, channel_id, NULL FROM channels UNION ALL SELECT 'sources', name, source_id, NULL FROM sources ORDER BY number"
)


@dataclass(frozen=True, slots=True)
class Appended:
    """`stored` new events; `known` whose message id was there already; `fresh` are the places of the new ones among the rows."""

    stored: int
    known: int
    fresh: pa.Array
    rows: pa.Table

    @property
    def newest(self) -> pa.Table:
        """The newest per profile: profile_key, at_time, channel."""
        return newest_among(self.rows)


def append(
    tx: Transaction, rows: pa.Table, *, import_id: int | None = None, novel: bool = False, in_order: bool = False
) -> Appended:
    """Store those of `rows` (schema `ROWS`; only profile_key, event and at are needed) not stored before.

    `import_id` is the import they came by, if any. `novel` are rows all of which `novel` has answered. With `in_order`
    they are sorted by week first, and weeks of which there are enough need no sorting any more.
    """
    rows = rows.cast(ROWS)
    fresh = _named(tx, _placed(rows)) if novel else _unknown(tx, rows)
    if fresh.num_rows:
        numbered = _numbered(tx, fresh, import_id)
        if in_order:
            _insert(tx, numbered, in_order=True)
        else:
            tx.later("events", numbered, _insert)
        _see(tx, fresh["message_hash"])
        for week, count in _weeks(fresh["at"]).items() if in_order else ():
            if count >= PIECE:
                tx.take(f"sorted:{week:%Y-%m-%d}", count)
                tx.take(f"whole:{week:%Y-%m-%d}", count)
        tx.touch("events")
    places = fresh["position"].combine_chunks()
    return Appended(fresh.num_rows, rows.num_rows - fresh.num_rows, places, fresh)


def come_in_order(times: pa.Array) -> bool:
    """Whether most of these events stand in weeks of which there are enough to be stored in order at once."""
    weeks = _weeks(times)
    return sum(each for each in weeks.values() if each >= PIECE) >= SHARE_IN_ORDER * sum(weeks.values()) > 0


def _weeks(times: pa.Array | pa.ChunkedArray) -> dict[datetime, int]:
    """How many of these instants (naive UTC) each week has, by its Monday."""
    found = pc.value_counts(pc.floor_temporal(times.drop_null(), unit="week"))
    return dict(zip(found.field("values").to_pylist(), found.field("counts").to_pylist(), strict=True))


def append_system(
    tx: Transaction,
    event: str,
    profile_keys: pa.Array,
    *,
    write: int,
    at: pa.Array | datetime,
    properties: pa.Array | None = None,
) -> None:
    """Store one system event for each of these profiles; `write` makes its message id."""
    count = len(profile_keys)
    if not count:
        return
    message_ids = [f"{event}:{write}:{key}" for key in profile_keys.to_pylist()]
    hashed = hashes_of(tx, pa.chunked_array([pa.array(message_ids, pa.string())]))
    nothing = pa.nulls(count)
    columns = {
        "profile_key": profile_keys,
        "event_id": pa.array([SYSTEM_EVENTS.index(event)] * count),
        "channel_id": nothing,
        "source_id": nothing,
        "at_time": at if isinstance(at, pa.Array) else pa.array([stored(at)] * count, pa.timestamp("us")),
        "message_id": pa.array(message_ids, pa.string()),
        "message_hash": hashed,
        "properties": nothing if properties is None else properties,
        "context": nothing,
        "import_id": nothing,
    }
    tx.later("events", pa.table(columns).cast(_STORING), _insert)
    _see(tx, hashed)
    tx.touch("events")


def _insert(tx: Transaction, numbered: pa.Table, *, in_order: bool = False) -> None:
    """Put these rows (`_STORING`) into the table, and beside them the numbers that are asked for often."""
    chosen = _words(tx).figures
    beside = {each: chosen[each] for each in sorted(pc.unique(numbered["event_id"]).to_pylist()) if each in chosen}
    tx.execute(
        sql(
            "INSERT INTO events SELECT *, {} FROM (SELECT profile_key, event_id, channel_id, source_id, at_time, message_id, "
            "message_hash, properties::JSON::VARIANT AS properties, context::JSON::VARIANT, import_id FROM numbered){}",
            figures.columns(beside),
            Sql(_order(numbered.num_rows, in_order=in_order)),
            numbered=numbered,
        )
    )


def _order(rows: int, *, in_order: bool) -> str:
    if in_order:
        return " ORDER BY date_trunc('week', at_time), event_id, at_time"
    return " ORDER BY event_id, at_time" if rows > UNSORTED else ""


def move_out(tx: Transaction, people: Sql) -> int:
    """Take the events of these profiles out of sight, kept aside for questions about the past."""
    tx.execute(sql("INSERT INTO deleted_events SELECT * FROM events WHERE profile_key IN ({})", people))
    return forget_people(tx, people)


def forget_people(tx: Transaction, people: Sql) -> int:
    """Remove the events of these profiles; answer how many went."""
    tx.touch("events", REMOVALS)
    return tallying.removing(tx, sql("profile_key IN ({})", people))


def erase(tx: Transaction, people: Sql, words: Sequence[str]) -> int:
    """Delete every event of these profiles, those of deleted ones too, and every note of a message id that holds a word of theirs."""
    told = pa.table({"word": pa.array(words, pa.string())})
    tx.execute(
        sql(
            "DELETE FROM taken_messages WHERE message_hash IN (SELECT message_hash FROM taken_messages, told WHERE contains(message_id, word))",
            told=told,
        )
    )
    tx.execute(sql("DELETE FROM event_moves WHERE from_key IN ({}) OR to_key IN ({})", people, people))
    tx.touch("events", REMOVALS)
    gone = tallying.removing(tx, sql("profile_key IN ({})", people))
    return gone + tx.execute(sql("DELETE FROM deleted_events WHERE profile_key IN ({})", people))


def novel(tx: Transaction, message_ids: pa.Array) -> pa.Array:
    """The places of the first message of each id that was never taken before, with an event or without."""
    incoming = _unknown(tx, pa.table({"message_id": message_ids}), _EVENTLESS)
    return incoming["position"].combine_chunks()


def take_note(tx: Transaction, message_ids: pa.Array, contents: pa.Array | None = None) -> None:
    """Remember messages that leave no event, so that they too are taken once; and 64 bits of what each said."""
    said = pa.nulls(len(message_ids), pa.uint64()) if contents is None else contents
    taken = pa.table({"message_id": message_ids, "content": said})
    taken = taken.append_column("message_hash", hashes_of(tx, taken["message_id"]))
    tx.later("taken_messages", taken, _insert_taken)
    _see(tx, taken["message_hash"])


def _insert_taken(tx: Transaction, taken: pa.Table) -> None:
    tx.execute(sql("INSERT INTO taken_messages BY NAME SELECT * FROM taken", taken=taken))


def twins(rows: pa.Table) -> Sql:
    """The stored events one of which a row (profile_key, at, message_id) could be, come again; as rows of the table.

    A row with a message id is told by that alone, one without by whose it is and when it was.
    """
    named = rows.filter(pc.is_valid(rows["message_id"])).select(["message_id"])
    others = rows.filter(pc.is_null(rows["message_id"])).select(["profile_key", "at"])
    asked = []
    if named.num_rows:
        asked.append(sql("message_hash IN (SELECT md5_number_lower(message_id) FROM named)", named=named))
    if others.num_rows:
        asked.append(sql('(profile_key, occurred_at) IN (SELECT profile_key, "at" FROM others)', others=others))
    return sql("SELECT * FROM events WHERE {}", joined(" OR ", asked) if asked else Sql("false"))


def _placed(rows: pa.Table) -> pa.Table:
    return rows.append_column("position", pa.array(np.arange(rows.num_rows)))


def _unknown(tx: Transaction, rows: pa.Table, among: Sql = _STORED) -> pa.Table:
    """The first row of each message id that is not stored yet. Hashes find candidates, the ids themselves decide."""
    incoming = _named(tx, _placed(rows))
    candidates = _candidates(tx, incoming.select(["message_hash"]), among)
    known = (
        tx.read(
            sql("SELECT DISTINCT message_id FROM ({}) SEMI JOIN candidates USING (message_hash)", among, candidates=candidates)
        )["message_id"].combine_chunks()
        if candidates.num_rows
        else pa.array([], pa.string())
    )
    if not candidates.num_rows and len(np.unique(incoming["message_hash"].to_numpy())) == incoming.num_rows:
        return incoming
    first = incoming.group_by("message_id", use_threads=False).aggregate([("position", "min")])
    wanted = first.filter(pc.invert(pc.is_in(first["message_id"], known)))
    return incoming.take(wanted.sort_by("position_min")["position_min"])


def _candidates(tx: Transaction, incoming: pa.Table, among: Sql) -> pa.Table:
    """Those of these hashes that stand in the file."""
    seen = _seen(tx)
    if seen is not None:
        incoming = incoming.filter(pa.array(seen.may_hold(incoming["message_hash"].to_numpy())))
        if not incoming.num_rows:
            return incoming
    return tx.read(
        sql("SELECT DISTINCT message_hash FROM ({}) SEMI JOIN incoming USING (message_hash)", among, incoming=incoming)
    )


def _seen(tx: Transaction) -> Seen | None:
    """The hashes of every message ever taken; None in a trial."""
    return tx.recall("messages seen", partial(_see_all, tx))


def _see_all(tx: Transaction) -> Seen:
    ((count,),) = tx.rows(sql("SELECT count(*) FROM ({})", _EVENTLESS))
    parts = tx.stream(sql("SELECT message_hash FROM ({})", _EVENTLESS))
    return Seen((each.column(0).to_numpy(zero_copy_only=False) for each in parts), count)


def _see(tx: Transaction, fresh: pa.ChunkedArray) -> None:
    seen = _seen(tx)
    if seen is not None:
        seen.add(fresh.to_numpy())


def _named(tx: Transaction, rows: pa.Table) -> pa.Table:
    """The rows with a message id each, and its hash.

    An id that was not given follows from the content, so that the same file read twice stores its events once;
    equal rows of one batch are told apart by their number.
    """
    if rows["message_id"].null_count:
        rows = tx.read(
            sql(
                "SELECT * EXCLUDE (content) REPLACE (coalesce(message_id, 'content:' || content || ':' || row_number() OVER "
                "(PARTITION BY content ORDER BY position)) AS message_id) FROM "
                '(SELECT *, md5(concat_ws(chr(31), profile_key, event, "at", channel, properties)) AS content FROM rows) ORDER BY position',
                rows=rows,
            )
        )
    return rows.append_column("message_hash", hashes_of(tx, rows["message_id"]))


def hashes_of(tx: Transaction, message_ids: pa.ChunkedArray) -> pa.ChunkedArray:
    """The hash of each message id."""
    if len(message_ids) <= FEW:
        return pa.chunked_array([pa.array(hashes.each(message_ids.to_pylist()))])
    rows = pa.table({"position": pa.array(np.arange(len(message_ids))), "message_id": message_ids})
    return tx.read(sql("SELECT md5_number_lower(message_id) AS message_hash FROM rows ORDER BY position", rows=rows))[
        "message_hash"
    ]


def _numbered(tx: Transaction, rows: pa.Table, import_id: int | None) -> pa.Table:
    """The rows as they are stored, words as numbers."""
    columns = {
        "profile_key": rows["profile_key"],
        "event_id": _number(tx, "event_names", rows["event"]),
        "channel_id": _number(tx, "channels", rows["channel"]),
        "source_id": _number(tx, "sources", rows["source"]),
        "at_time": rows["at"],
        **{each: rows[each] for each in ("message_id", "message_hash", "properties", "context")},
        "import_id": pa.array([import_id] * rows.num_rows, pa.uint32()),
    }
    return pa.table(columns, schema=_STORING)


@dataclass(frozen=True, slots=True)
class _Words:
    """The number of each word, by dictionary; and by event the properties whose numbers stand beside it."""

    numbers: Mapping[str, Mapping[str, int]]
    figures: Mapping[int, Sequence[str]]


def _words(tx: Transaction) -> _Words:
    """The words as they stand, read once per change of them."""
    table = tx.kept(_WORDS, "words")
    held: list[tuple[pa.Table, _Words]] | None = tx.recall("words", list)
    if held and held[0][0] is table:
        return held[0][1]
    words = _read_words(table)
    if held is not None:
        held[:] = [(table, words)]
    return words


def _read_words(table: pa.Table) -> _Words:
    numbers: dict[str, dict[str, int]] = {"event_names": {}, "channels": {}, "sources": {}}
    figures_of = {}
    for dictionary, word, number, beside in zip(*(each.to_pylist() for each in table.columns), strict=True):
        numbers[dictionary][word] = number
        if beside is not None:
            figures_of[number] = beside
    return _Words(numbers, figures_of)


def _number(tx: Transaction, dictionary: str, words: pa.ChunkedArray) -> pa.Array:
    """Each word's number in a dictionary table; new words get the next ones."""
    coded = words.combine_chunks().dictionary_encode()
    known, asked = _words(tx).numbers[dictionary], coded.dictionary.to_pylist()
    new = [each for each in asked if each not in known]
    if new:
        if len(known) + len(new) > MOST_NAMES:
            raise InvalidMessage(f"More than {MOST_NAMES:,} names of events.", "Put what varies into a property of the event.")
        fresh = dict(zip(new, range(len(known), len(known) + len(new)), strict=True))
        told = pa.table({"number": pa.array(fresh.values(), pa.uint16()), "name": pa.array(new, pa.string())})
        flag = ", false, NULL" if dictionary == "event_names" else ""
        tx.execute(sql("INSERT INTO {} SELECT number, name{} FROM told", name(dictionary), Sql(flag), told=told))
        tx.touch("words")
        known = {**known, **fresh}
    return pa.array([known[each] for each in asked], pa.uint16()).take(coded.indices)


def newest_among(rows: pa.Table) -> pa.Table:
    """The time of each profile's newest event among these (profile_key, at, channel), and the channel of its newest one that has a channel."""
    ordered = rows.select(["profile_key", "at", "channel"]).sort_by("at")
    if ordered.num_rows <= FEW:  # in groups it took as long for twenty rows as for thousands
        keys, times, channels = (ordered[each].to_pylist() for each in ("profile_key", "at", "channel"))
        newest = dict(zip(keys, times, strict=True))
        heard = {key: channel for key, channel in zip(keys, channels, strict=True) if channel is not None}
        return _told(list(newest), list(newest.values()), [heard.get(key) for key in newest])
    last = ordered.group_by("profile_key", use_threads=False).aggregate([("at", "last")])
    spoken = ordered.filter(pc.is_valid(ordered["channel"]))
    by_channel = spoken.group_by("profile_key", use_threads=False).aggregate([("channel", "last")])
    both = last.join(by_channel, "profile_key", use_threads=False)
    return _told(both["profile_key"], both["at_last"], both["channel_last"])


def _told(keys: Any, times: Any, channels: Any) -> pa.Table:
    schema = {"profile_key": pa.uint32(), "at_time": pa.timestamp("us"), "channel": pa.string()}
    return pa.table([keys, times, channels], schema=pa.schema(schema))
