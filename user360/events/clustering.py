"""Keeping the events table quick: sorted by week, event and time.

DuckDB has no table that sorts itself. New events stand unsorted at the end of their week until the
week is written anew, in one transaction, while readers go on with what they see. The order means
that a question about one event or one stretch of time reads little else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from user360.sql import Sql, sql

if TYPE_CHECKING:
    from collections.abc import Callable

    from user360.store import Store

WEEK: Final = timedelta(days=7)
WORTH_IT: Final = 20_000
SHARE_WORTH_IT: Final = 0.2


@dataclass(frozen=True, slots=True)
class Bucket:
    """One week (its Monday, 0 o'clock UTC): how many events it holds, and how many of them came since it was sorted."""

    week: datetime
    total: int
    tail: int


def buckets(store: Store) -> list[Bucket]:
    """All weeks that hold events, oldest first."""
    rows = store.rows(
        Sql(
            "SELECT week, count(*), count(*) - coalesce(any_value(sorted), 0) FROM "
            "(SELECT date_trunc('week', occurred_at)::TIMESTAMP AS week FROM events) LEFT JOIN "
            "(SELECT name, next AS sorted FROM counters) ON name = 'sorted:' || strftime(week, '%Y-%m-%d') GROUP BY week ORDER BY week"
        )
    )
    return [Bucket(*row) for row in rows]


def recluster(store: Store, week: datetime) -> int:
    """Sort one week; answer how many events it holds."""
    end = week + WEEK
    with store.transaction() as tx:
        tx.execute(
            sql(
                "CREATE OR REPLACE TEMP TABLE sorted_week AS SELECT * FROM events WHERE occurred_at >= {} AND occurred_at < {} "
                "ORDER BY event_id, occurred_at",
                week,
                end,
            )
        )
        tx.execute(sql("DELETE FROM events WHERE occurred_at >= {} AND occurred_at < {}", week, end))
        moved = tx.execute(Sql("INSERT INTO events SELECT * FROM sorted_week"))
        tx.execute(Sql("DROP TABLE sorted_week"))
        tx.remember(f"sorted:{week:%Y-%m-%d}", moved)
    return moved


def tidy(store: Store, tell: Callable[[int, int], None] | None = None) -> int:
    """Sort every week whose unsorted tail is worth it; answer how many weeks were.

    `tell` hears (done, of all) after each week, and may raise `Interrupted`.
    """
    due = [each for each in buckets(store) if each.tail >= WORTH_IT or each.tail < 0 or _long_tail(each)]
    for done, each in enumerate(due, start=1):
        recluster(store, each.week)
        if tell:
            tell(done, len(due))
    return len(due)


def _long_tail(bucket: Bucket) -> bool:
    return bucket.total >= WORTH_IT and bucket.tail > SHARE_WORTH_IT * bucket.total
