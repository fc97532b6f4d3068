"""How sources send: how many events each brought per day, when the last one came, and whether one fell silent.

A source that breaks says nothing, which is why it has to be noticed by somebody else. Each is measured by its
own habit: one that sends every night is not silent at noon. Which sources there are does not live here (`sources`).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from user360.clock import aware, calendar_day, stored
from user360.sql import sql

if TYPE_CHECKING:
    from collections.abc import Sequence
    from zoneinfo import ZoneInfo

    from user360.store import Store

DAYS: Final = 14
FEWEST_HOURS: Final = 6
SHORTEST: Final = timedelta(hours=2)
PATIENCE: Final = 1.5
_HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Pulse:
    """What one source brought in the last days. `days` has an entry for each of them, the present one last.

    `pause` is the longest it was ever silent between two hours in which it sent; None where it sent too seldom to have a habit.
    """

    source: str
    total: int
    days: tuple[tuple[date, int], ...]
    last_at: datetime
    pause: timedelta | None

    def silent(self, at: datetime) -> bool:
        """Whether it has been silent for half as long again as it ever was."""
        return self.pause is not None and at - self.last_at > max(SHORTEST, self.pause * PATIENCE)


def pulses(store: Store, *, zone: ZoneInfo, at: datetime, days: int = DAYS) -> tuple[Pulse, ...]:
    """The sources that sent in the last `days` days of the zone, whoever sent most first. System events do not count."""
    today = calendar_day(at, zone)
    spread = [today - timedelta(days=each) for each in reversed(range(days))]
    since = datetime.combine(spread[0], datetime.min.time(), tzinfo=zone)
    quarters = sql(  # of which the days of every zone are made
        "SELECT source_id, time_bucket(INTERVAL 15 minutes, occurred_at) AS quarter, count(*) AS total, max(occurred_at) AS last_at "
        "FROM events SEMI JOIN (SELECT event_id FROM event_names WHERE NOT system) USING (event_id) "
        "WHERE occurred_at >= {} AND occurred_at <= {} GROUP BY ALL",
        stored(since),
        stored(at),
    )
    rows = store.rows(
        sql(
            "SELECT s.name, h.hour, h.day, h.total, h.last_at FROM (SELECT source_id, date_trunc('hour', quarter) AS hour, "
            "(quarter AT TIME ZONE 'UTC' AT TIME ZONE {})::DATE AS day, sum(total)::BIGINT AS total, max(last_at) AS last_at "
            "FROM ({}) GROUP BY ALL) AS h JOIN sources AS s USING (source_id) ORDER BY h.hour",
            zone.key,
            quarters,
        )
    )
    found: defaultdict[str, list[tuple[datetime, date, int, datetime]]] = defaultdict(list)
    for source, *row in rows:
        hour, day, total, last_at = row
        found[source].append((aware(hour), day, total, aware(last_at)))
    pulses_ = [_pulse(source, hours, spread) for source, hours in found.items()]
    return tuple(sorted(pulses_, key=lambda each: (-each.total, each.source)))


def senders(store: Store) -> tuple[str, ...]:
    """The sources any event came by, made here or named by a file, in the order of their first."""
    return tuple(
        name for (name,) in store.rows(sql("SELECT name FROM sources SEMI JOIN events USING (source_id) ORDER BY source_id"))
    )


def _pulse(source: str, hours: Sequence[tuple[datetime, date, int, datetime]], spread: Sequence[date]) -> Pulse:
    per_day: defaultdict[date, int] = defaultdict(int)
    for _, day, total, _ in hours:
        per_day[day] += total
    sent = sorted({hour for hour, *_ in hours})
    pauses = [later - earlier - _HOUR for earlier, later in pairwise(sent)]
    return Pulse(
        source,
        sum(per_day.values()),
        tuple((each, per_day[each]) for each in spread),
        max(last_at for *_, last_at in hours),
        max([*pauses, timedelta()]) if len(sent) >= FEWEST_HOURS else None,
    )
