"""Keeping the events table quick: sorted by week, event and time.

DuckDB has no table that sorts itself. New events stand unsorted at the end of their week until the
week is written anew, in one transaction, while readers go on with what they see. The order means
that a question about one event or one stretch of time reads little else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from user360.events import figures, tallying
from user360.sql import Sql, joined, sql

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from user360.store import Store

WEEK: Final = timedelta(days=7)
WORTH_IT: Final = 20_000
SHARE_WORTH_IT: Final = 0.2
AT_ONCE: Final = 2_000_000


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


def recluster(store: Store, *weeks: datetime) -> int:
    """Sort these weeks, in one transaction; answer how many events they hold.

    The sorted rows are written first and the others deleted after: that copies each event once, and
    measured five times as fast as a week a time through a table aside.
    """
    within = sql(
        "occurred_at >= {} AND occurred_at < {} AND date_trunc('week', occurred_at) IN ({})",
        min(weeks),
        max(weeks) + WEEK,
        joined(", ", weeks),
    )
    with store.shredding(), store.transaction() as tx:
        ((newest,),) = tx.rows(Sql("SELECT coalesce(max(rowid), -1) FROM events"))
        tx.execute(
            sql(
                "INSERT INTO events SELECT * FROM events WHERE {} ORDER BY date_trunc('week', occurred_at), event_id, occurred_at",
                within,
            )
        )
        held = dict(
            tx.rows(
                sql(
                    "SELECT date_trunc('week', occurred_at)::TIMESTAMP AS week, count(*) FROM events WHERE rowid <= {} AND {} GROUP BY week",
                    newest,
                    within,
                )
            )
        )
        tx.execute(sql("DELETE FROM events WHERE rowid <= {} AND {}", newest, within))
        tallying.moved(tx)
        for week in weeks:
            tx.remember(f"sorted:{week:%Y-%m-%d}", held.get(week, 0))
    return sum(held.values())


def tidy(store: Store, tell: Callable[[int, int], None] | None = None) -> int:
    """Sort every week whose unsorted tail is worth it, choose the numbers kept beside, count the days that changed; answer how many weeks were sorted.

    `tell` hears (done, of all) after each lot of weeks, and may raise `Interrupted`.
    """
    due = [each for each in buckets(store) if each.tail >= WORTH_IT or each.tail < 0 or _long_tail(each)]
    figures.choose(store)
    done = 0
    for lot in _lots(due):
        recluster(store, *(each.week for each in lot))
        done += len(lot)
        if tell:
            tell(done, len(due))
    tallying.tally(store)
    return len(due)


def _lots(due: list[Bucket]) -> Iterator[list[Bucket]]:
    """The weeks in lots that fit into memory: each at least one week."""
    lot: list[Bucket] = []
    for each in due:
        if lot and sum(one.total for one in lot) + each.total > AT_ONCE:
            yield lot
            lot = []
        lot.append(each)
    if lot:
        yield lot


def _long_tail(bucket: Bucket) -> bool:
    return bucket.total >= WORTH_IT and bucket.tail > SHARE_WORTH_IT * bucket.total
