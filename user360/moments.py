"""The events of people in order, each as one number: who, and when. Runs of them without a pause are sessions; the first or last is found without an order.

One number sorts in half the time of person, instant and hash, and everybody at once in less than person by person. The
numbers of two people lie further apart than any pause that is asked for. Sessions are cut as arrays, which took a quarter of
the time of the database, and there only where more of an event travels along than fits into its number. What is counted does
not live here (`insights`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from user360 import clock, ordering
from user360.sql import NOTHING, Sql, sql

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from user360.insight import Asked
    from user360.ordering import Array, Slice

GAP: Final = timedelta(minutes=30)
MOMENT: Final = Sql("moment")
_MICROSECOND: Final = timedelta(microseconds=1)
_BITS: Final = 63  # of a BIGINT without its sign
_COARSE: Final = 1_024
_PAUSE: Final = GAP // _MICROSECOND
_SILENT, _NOBODY = -1, -2  # in the place of a channel: of an event without one, of who has no event


@dataclass(frozen=True, slots=True)
class Moments:
    """Numbers of events from `first` on, in steps of `tick` microseconds; `bits` of them are the instant, `kind` is their type."""

    first: int
    tick: int
    bits: int
    kind: Sql

    def packed(self) -> Sql:
        """The number of an event."""
        since = sql("(epoch_us(occurred_at) - {})", Sql(str(self.first)))
        instant = since if self.tick == 1 else sql("{} // {}", since, Sql(str(self.tick)))
        return sql("(profile_key::{} << {}) + {}", self.kind, Sql(str(self.bits)), instant)

    def person(self, moment: Sql) -> Sql:
        """Whose event it is."""
        return sql("({} >> {})::UINTEGER", moment, Sql(str(self.bits)))

    def instant(self, moment: Sql) -> Sql:
        """When it happened."""
        mask = Sql(f"{(1 << self.bits) - 1}::{self.kind.text}")
        return sql("make_timestamp(({} & {})::BIGINT * {} + {})", moment, mask, Sql(str(self.tick)), Sql(str(self.first)))

    def length(self, pause: timedelta) -> Sql:
        """A pause in steps."""
        return Sql(str(pause // _MICROSECOND // self.tick))

    def seconds(self, steps: Sql) -> Sql:
        """Steps in seconds."""
        return sql("({})::DOUBLE * {} / 1000000", steps, Sql(str(self.tick)))


def between(asked: Asked, start: datetime, end: datetime, pause: timedelta = GAP) -> Moments:
    """The numbers of events of that span, those of two people apart by more than a pause; of long spans about in milliseconds."""
    people = asked.room.bit_length() if asked.room else 32
    first = clock.microseconds(start)
    for tick in (1, _COARSE):
        bits = ((end - start + pause) // _MICROSECOND // tick + 1).bit_length()
        if bits + people <= _BITS:
            return Moments(first, tick, bits, Sql("BIGINT"))
    return Moments(first, 1, 64, Sql("HUGEINT"))


def runs(moments: Moments, rows: Sql, *, order: Sql = MOMENT, beside: Sql = NOTHING) -> Sql:
    """The first event of each session: moment, seconds it lasts, how many events happened, nth of all, and what stands `beside`.

    `rows` have moment and that. A session of one event is found in the one reading of all; only the edges of longer ones,
    which come in pairs, are looked at again.
    """
    length = moments.length(GAP)
    edges = sql(
        "SELECT moment, begins, ends, nth{} FROM (SELECT *, coalesce(moment - lag(moment) OVER ways > {}, true) AS begins, "
        "coalesce(lead(moment) OVER ways - moment > {}, true) AS ends, row_number() OVER ways AS nth FROM ({}) "
        "WINDOW ways AS (ORDER BY {})) WHERE begins OR ends",
        beside,
        length,
        length,
        rows,
        order,
    )
    return sql(
        "WITH edges AS MATERIALIZED ({}) SELECT moment, 0::DOUBLE AS seconds, 1 AS happened, nth{} FROM edges WHERE begins AND ends "
        "UNION ALL SELECT moment, {} AS seconds, last - nth + 1 AS happened, nth{} FROM "
        "(SELECT *, lead(moment) OVER way AS until, lead(nth) OVER way AS last FROM edges WHERE begins <> ends WINDOW way AS (ORDER BY nth)) "
        "WHERE begins",
        edges,
        beside,
        moments.seconds(Sql("until - moment")),
        beside,
    )


# -- as arrays ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sessions:
    """Sessions by person and beginning: whose, when they began and how long they went on (microseconds), how many events they hold.

    `channel` is the number of the channel of the first event, `silent` where it has none; 0 where channels were not asked for.
    Of two events at one instant the one on the channel with the lower number is the first.
    """

    silent: int
    who: Array
    begun: Array
    took: Array
    happened: Array
    channel: Array

    def on(self, channels: Array) -> Sessions:
        """Those that begin on one of these channels."""
        kept = np.isin(self.channel, channels)
        columns = (self.who, self.begun, self.took, self.happened, self.channel)
        return Sessions(self.silent, *(each[kept] for each in columns))

    def table(self) -> pa.Table:
        """As profile_key, occurred_at and channel_id of the first event, seconds, happened."""
        return pa.table(
            {
                "profile_key": self.who,
                "occurred_at": pa.array(self.begun).view(pa.timestamp("us")),
                "channel_id": pa.array(self.channel.astype(np.uint16), mask=self.channel == self.silent),
                "seconds": self.took / 1e6,
                "happened": self.happened,
            }
        )


def sessions(asked: Asked, such: Sql, start: datetime, end: datetime, until: datetime, *, channels: bool) -> Sessions:
    """The sessions of such events that begin from `start` on and before `end`, followed before `until`.

    Half an hour before the start is looked at too: what begins there may go on beyond it.
    """
    assert asked.read is not None  # noqa: S101 - whoever compiles an insight gives it
    first, over = (clock.microseconds(each) for each in (start - GAP, max(start, min(until, asked.at + _MICROSECOND))))
    silent, beside = 0, Sql("0")
    if channels:
        silent = asked.read(Sql("SELECT coalesce(max(channel_id), 0)::INTEGER + 1 AS silent FROM channels"))["silent"][0].as_py()
        beside = sql("coalesce(channel_id, {})", silent)
    packing = ordering.packing_of(first, over + _PAUSE, silent)
    read = asked.read(
        sql(
            "SELECT {} FROM events WHERE {} AND {} <= {} AND occurred_at >= {} AND occurred_at < {} AND occurred_at <= {}",
            packing.columns(beside),
            such,
            beside,
            silent,
            *map(clock.stored, (start - GAP, until, asked.at)),
        )
    )
    slices = packing.parted(read["part"].to_numpy(), read["number"].to_numpy())
    edges = clock.microseconds(start), clock.microseconds(end)
    found = ordering.at_once(lambda each: _cut(each, *edges), slices)
    columns = [each[0] if len(each) == 1 else np.concatenate(each) for each in zip(*found, strict=True)]
    return Sessions(silent, *columns)


def _cut(events: Slice, start: int, end: int) -> tuple[Array, ...]:
    """Whose, when, how long, of how many events and beside what: of the sessions that begin between the two instants."""
    events = events.in_order()
    instant = events.number >> events.packing.less
    begins = np.ones(instant.size, dtype=np.bool_)
    np.greater(instant[1:] - instant[:-1], _PAUSE, out=begins[1:])  # the next person lies further ahead than any pause
    begins[(np.cumsum(events.sizes) - events.sizes)[events.sizes > 0]] = True
    first = np.flatnonzero(begins)
    happened = np.diff(first, append=instant.size)
    begun = events.when(first)
    kept = (begun >= start) & (begun < end)
    if not kept.all():
        first, happened, begun = first[kept], happened[kept], begun[kept]
    took = np.zeros(first.size, dtype=np.int64)
    longer = np.flatnonzero(happened > 1)
    took[longer] = events.when(first[longer] + happened[longer] - 1) - begun[longer]
    return events.who(first), begun, took, happened, events.beside(first)


# -- the first or the last one ------------------------------------------------------------------


def edges(asked: Asked, such: Sql, start: datetime, end: datetime, *, first: bool) -> pa.Table:
    """The first or the last of such events of each person from the one instant on and before the other: profile_key, occurred_at, channel_id.

    Of several at one instant the message id decides. A table of everybody's edge took a quarter of the time of grouping the events by
    person in the database. Where there are many they are read stretch by stretch of time: not all of them need memory at once.
    """
    assert asked.read is not None  # noqa: S101 - whoever compiles an insight gives it
    rows = sql("events WHERE {} AND occurred_at >= {} AND occurred_at < {}", such, *map(clock.stored, (start, end)))
    found, tied = _Edges(np.zeros(asked.room, np.int64), np.full(asked.room, _NOBODY, np.int32)), []
    for stretch in ordering.stretches(asked, rows)[:: 1 if first else -1]:
        read = asked.read(sql("SELECT profile_key, occurred_at, channel_id FROM {}", stretch))
        tied.append(found.add(read.to_batches(), first=first))
    several = np.unique(np.concatenate(tied))
    if several.size:
        decided = sql(
            "SELECT profile_key, arg_{}_null(channel_id, message_id) AS channel_id FROM (SELECT profile_key, occurred_at, channel_id, message_id FROM {}) "
            "JOIN tied_edges USING (profile_key, occurred_at) GROUP BY profile_key",
            Sql("min" if first else "max"),
            rows,
            tied_edges=found.table(several).select(["profile_key", "occurred_at"]),
        )
        told = asked.read(decided)
        found.channel[told["profile_key"].to_numpy()] = _numbers(told["channel_id"])
    return found.table(np.flatnonzero(found.channel != _NOBODY))


@dataclass(frozen=True, slots=True)
class _Edges:
    """When the first or last event of each person happened (microseconds), and the number of its channel; by key."""

    instant: Array
    channel: Array

    def add(self, batches: Sequence[pa.RecordBatch], *, first: bool) -> Array:
        """Note those of who had none so far; answer the keys of who has events on several channels at that instant."""
        edge, never = (np.minimum, ordering.NEVER) if first else (np.maximum, -ordering.NEVER)
        best = np.full(self.instant.size, never)
        for each in batches:
            edge.at(best, each["profile_key"].to_numpy(), _instants(each))
        fresh = np.flatnonzero((best != never) & (self.channel == _NOBODY))
        self.instant[fresh] = best[fresh]
        best[self.channel != _NOBODY] = never

        def there(batch: pa.RecordBatch) -> tuple[Array, Array]:
            who = batch["profile_key"].to_numpy()
            rows = np.flatnonzero(best.take(who, mode="wrap") == _instants(batch))
            return who[rows], _numbers(batch["channel_id"].take(pa.array(rows)))

        found = ordering.at_once(there, batches)
        who, channel = (np.concatenate([np.zeros(0, np.uint32), *(each[nth] for each in found)]) for nth in range(2))
        self.channel[who] = channel
        several: Array = who[self.channel[who] != channel]
        return several

    def table(self, who: Array) -> pa.Table:
        """Those of these people."""
        channel = self.channel[who]
        return pa.table(
            {
                "profile_key": who.astype(np.uint32),
                "occurred_at": pa.array(self.instant[who]).view(pa.timestamp("us")),
                "channel_id": pa.array(channel.astype(np.uint16), mask=channel == _SILENT),
            }
        )


def _instants(batch: pa.RecordBatch) -> Array:
    instants: Array = batch["occurred_at"].view(pa.int64()).to_numpy()
    return instants


def _numbers(channels: pa.Array | pa.ChunkedArray) -> Array:
    numbers: Array = pc.fill_null(channels.cast(pa.int32()), _SILENT).to_numpy()
    return numbers
