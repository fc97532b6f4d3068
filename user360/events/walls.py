"""The time on the wall of an event: what the clocks of a zone showed when it happened.

Days are cut by it. Without this room what is kept of days and what is asked of them could be cut by different clocks.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from user360 import clock
from user360.sql import Sql, joined, sql

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo


def local(zone: ZoneInfo, start: datetime, end: datetime) -> Sql:
    """The time on the wall of an event of that span: the offset added, which measured many times as fast as asking the zone.

    The span is cut where the zone's clocks change. Microseconds are added: adding an interval took five times as long.
    """
    cases, before, here = [], shift(zone, start), start
    while here < end:
        following = min(here + timedelta(days=1), end)
        if shift(zone, following) != before:
            change = _change(zone, here, following)
            cases.append(sql("WHEN occurred_at < {} THEN {}", clock.stored(change), ahead(before)))
            before = shift(zone, following)
        here = following
    last = ahead(before)
    return sql("CASE {} ELSE {} END", joined(" ", cases), last) if cases else last


def shift(zone: ZoneInfo, instant: datetime) -> timedelta:
    """How far the clocks of a zone are ahead."""
    return instant.astimezone(zone).utcoffset() or timedelta()


def ahead(by: timedelta) -> Sql:
    """The instant of an event so much later."""
    if not by:
        return Sql("occurred_at")
    return sql("make_timestamp(epoch_us(occurred_at) + {})", by // timedelta(microseconds=1))


def _change(zone: ZoneInfo, low: datetime, high: datetime) -> datetime:
    """The minute between the two at which the zone's offset changes."""
    before = shift(zone, low)
    while high - low > timedelta(minutes=1):
        middle = low + (high - low) / 2
        middle = middle.replace(second=0, microsecond=0, tzinfo=UTC)
        if middle <= low:
            break
        low, high = (middle, high) if shift(zone, middle) == before else (low, middle)
    return high
