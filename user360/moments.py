"""The events of people in order, each as one number: who, and when. Runs of them without a pause are sessions.

One number sorts in half the time of person, instant and hash, and everybody at once in less than person by person. The
numbers of two people lie further apart than any pause that is asked for. What is counted does not live here (`insights`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from user360 import clock
from user360.sql import NOTHING, Sql, sql

if TYPE_CHECKING:
    from datetime import datetime

    from user360.insight import Asked

GAP: Final = timedelta(minutes=30)
MOMENT: Final = Sql("moment")
_MICROSECOND: Final = timedelta(microseconds=1)
_BITS: Final = 63  # of a BIGINT without its sign
_COARSE: Final = 1_024


@dataclass(frozen=True, slots=True)
class Moments:
    """Numbers of events from `first` on, in steps of `tick` microseconds; `bits` of them are the instant, `kind` is their type."""

    first: int
    tick: int
    bits: int
    kind: Sql

    @property
    def exact(self) -> bool:
        """Whether instants are told apart as the database does, by numbers that fit into 64 bits."""
        return self.tick == 1 and self.bits < _BITS

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
