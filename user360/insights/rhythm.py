"""Rhythm: how many people do something at each hour of each weekday, on the workspace's clock or on each user's own.

`users(w, h) = |{p : p has a qualifying event on weekday w in hour h}|`, Monday being 0, and how many such events there are; on
the clock of the stated zone, its changes included (the heat map of Countly). With each user's own clock it is the zone of the
property `timezone`; who has none there that is known lives by the workspace's.
"""

from __future__ import annotations

import zoneinfo
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar, Final, Literal

import numpy as np
import pyarrow as pa

from user360 import clock, crowds, insight, marks
from user360.errors import InvalidInsight
from user360.insight import Insight, Plan, Role, check_scope
from user360.segments import event_leaves
from user360.segments.frames import Frame
from user360.segments.rules import Events  # noqa: TC001 - the reader of questions asks for the types of fields
from user360.sql import NOTHING, Sql, sql

if TYPE_CHECKING:
    from user360.insight import Asked
    from user360.segments import Catalog

OWN: Final = "timezone"
HOURS: Final = 7 * 24
_FIRST: Final = 3 * 24  # of the week in which 1970 began, on a Thursday
_STEP: Final = timedelta(days=5)  # no zone changes its clock there and back in less


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm(Insight):
    """When in the week people do something."""

    kind: ClassVar[str] = "rhythm"
    label: ClassVar[str] = "Hour and weekday"
    definition: ClassVar[str] = "How many people do it in an hour of a weekday. Somebody counts once in each of these hours."
    roles: ClassVar[dict[str, Role]] = {
        "weekday": Role("dimension", "Weekday, Monday 0"),
        "hour": Role("dimension", "Hour"),
        "users": Role("measure", "Users", "users", people=True),
        "events": Role("measure", "Events"),
    }

    of: Events = marks.ANYTHING
    clock: Literal["workspace", "own"] = "workspace"

    def check(self, catalog: Catalog) -> None:
        """Refuse events there are not, and a breakdown beside weekday and hour."""
        check_scope(self, catalog)
        marks.checked(self.of, catalog, "$.of")
        if self.breakdown is not None:
            raise InvalidInsight("$.breakdown", "cannot be asked beside weekday and hour.", "Filter people or channels instead.")

    def compile(self, asked: Asked) -> Plan:
        """Rows of people and hours, with how many events each has there."""
        start, end = insight.span(self.period, asked.catalog, asked.at)
        such = event_leaves.matching(marks.checked(self.of, asked.catalog, "$"), Frame(asked.catalog, asked.at))
        local, beside = marks.local(asked, start, end), NOTHING
        if self.clock == "own":
            local = sql(
                "CASE WHEN shift IS NULL THEN {} ELSE make_timestamp(epoch_us(occurred_at) + 60000000 * shift) END", local
            )
            beside = sql(
                " LEFT JOIN (SELECT profile_key, lower(trim({})) AS zone FROM profiles WHERE {} IS NOT NULL) AS own USING (profile_key)"
                " LEFT JOIN zones ON zones.zone = own.zone AND occurred_at >= zones.since AND occurred_at < zones.until",
                Sql(OWN),
                Sql(OWN),
                zones=_zones(start, end),
            )
        where = sql("{} AND {}", such, marks.within(self, asked))
        rows = sql("SELECT profile_key, {} AS local FROM events{} WHERE {}", local, beside, where)
        relation = sql(
            "SELECT DISTINCT profile_key, (isodow(local) - 1)::INTEGER AS weekday, hour(local)::INTEGER AS hour FROM ({})", rows
        )
        return Plan(relation, lambda: _counted(asked, rows))


def _counted(asked: Asked, rows: Sql) -> pa.Table:
    """weekday, hour, users and events of each hour in which anything happened."""
    hour = sql("(epoch_us(local) // 3600000000 + {}) % {}", _FIRST, HOURS)
    found = crowds.counted(asked, sql("({}) WHERE {}", rows, marks.known(asked)), hour, HOURS)
    there = np.flatnonzero(found.events)
    weekday, hour_of = np.divmod(there.astype(np.int32), 24)
    return pa.table({"weekday": weekday, "hour": hour_of, "users": found.users[there], "events": found.events[there]})


@lru_cache(maxsize=8)
def _zones(start: datetime, end: datetime) -> pa.Table:
    """All zones there are, in small letters: how many minutes their clocks are ahead, from when until when."""
    rows: list[tuple[str, datetime, datetime, int]] = []
    for named in sorted(zoneinfo.available_timezones()):
        zone, here = zoneinfo.ZoneInfo(named), start
        while here < end:
            until = _same_until(zone, here, end)
            rows.append((named.lower(), clock.stored(here), clock.stored(until), _minutes(zone, here)))
            here = until
    columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
    kinds = (pa.string(), pa.timestamp("us"), pa.timestamp("us"), pa.int64())
    names = ["zone", "since", "until", "shift"]
    return pa.table([pa.array(each, kind) for each, kind in zip(columns, kinds, strict=True)], names)


def _same_until(zone: zoneinfo.ZoneInfo, start: datetime, end: datetime) -> datetime:
    """The instant up to which the clock of a zone goes as it does at the start."""
    shift, low = _minutes(zone, start), start
    while low < end:
        high = min(low + _STEP, end)
        if _minutes(zone, high) != shift:
            break
        low = high
    else:
        return end
    while high - low > timedelta(minutes=1):
        middle = (low + (high - low) / 2).replace(second=0, microsecond=0)
        if middle <= low:
            break
        low, high = (middle, high) if _minutes(zone, middle) == shift else (low, middle)
    return high


def _minutes(zone: zoneinfo.ZoneInfo, at: datetime) -> int:
    return int((at.astimezone(UTC).astimezone(zone).utcoffset() or timedelta()).total_seconds() // 60)


INSIGHT = Rhythm
