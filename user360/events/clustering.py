"""Keeping the events table quick: sorted by week, event and time.

DuckDB has no table that sorts itself. New events stand unsorted at the end of their week until they are
written anew in order, in one transaction, while readers go on with what they see. The order means
that a question about one event or one stretch of time reads little else. A week is written whole again
once it has doubled; in between what came since is sorted by itself and stands behind the rest.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from user360.events import figures, tallying
from user360.events.lots import lots
from user360.sql import Sql, joined, sql

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from user360.store import Store, Transaction

WEEK: Final = timedelta(days=7)
WORTH_IT: Final = 20_000
SHARE_WORTH_IT: Final = 0.2
DOUBLED: Final = 2
AT_ONCE: Final = 1_000_000
TIDIED: Final = "tidied"


@dataclass(frozen=True, slots=True)
class Bucket:
    """One week (its Monday, 0 o'clock UTC): how many events it holds, how many of them came since it was sorted, and how many were sorted as a whole."""

    week: datetime
    total: int
    tail: int
    whole: int


def buckets(store: Store) -> list[Bucket]:
    """All weeks that hold events, oldest first."""
    rows = store.rows(
        Sql(
            "SELECT week, total, total - coalesce(s.next, 0), coalesce(w.next, s.next, 0) FROM "
            "(SELECT date_trunc('week', occurred_at)::TIMESTAMP AS week, count(*) AS total FROM events GROUP BY week) "
            "LEFT JOIN counters s ON s.name = 'sorted:' || strftime(week, '%Y-%m-%d') "
            "LEFT JOIN counters w ON w.name = 'whole:' || strftime(week, '%Y-%m-%d') ORDER BY week"
        )
    )
    return [Bucket(*row) for row in rows]


def recluster(store: Store, *weeks: datetime) -> int:
    """Sort these weeks whole, in one transaction; answer how many events they hold."""
    found = [each for each in buckets(store) if each.week in weeks]
    _sort(store, found, whole=True)
    return sum(each.total for each in found)


def tidy(store: Store, tell: Callable[[int, int], None] | None = None) -> int:
    """Sort what is worth it, then count the days that changed; answer how many weeks were sorted. `tell` as in `put_in_order`."""
    weeks = put_in_order(store, tell)
    tallying.tally(store)
    return weeks


def put_in_order(store: Store, tell: Callable[[int, int], None] | None = None) -> int:
    """Sort every week whose unsorted tail is worth it, and choose the numbers kept beside; answer how many weeks were sorted.

    `tell` hears (done, of all) after each lot of weeks, and may raise `Interrupted`.
    """
    figures.choose(store)
    found = buckets(store)
    due = [each for each in found if each.tail < 0 or each.tail >= max(WORTH_IT, SHARE_WORTH_IT * each.total)]
    done = 0
    for whole in (True, False):
        for lot in lots([(each, each.total if whole else each.tail) for each in due if _is_whole(each) == whole], AT_ONCE):
            _sort(store, lot, whole=whole)
            done += len(lot)
            if tell:
                tell(done, len(due))
    with store.transaction() as tx:
        tx.remember(TIDIED, sum(each.total for each in found))
    return len(due)


def untidy(store: Store) -> int:
    """How many events came since the table was last looked through for what is worth sorting."""
    ((held, tidied),) = store.rows(
        sql("SELECT (SELECT count(*) FROM events), coalesce((SELECT next FROM counters WHERE name = {}), 0)", TIDIED)
    )
    return max(int(held) - int(tidied), 0)


def _is_whole(bucket: Bucket) -> bool:
    """Whether a week that is due is to be written whole again."""
    return bucket.tail < 0 or bucket.total >= DOUBLED * bucket.whole


def _sort(store: Store, lot: Sequence[Bucket], *, whole: bool) -> None:
    """Sort these weeks or their tails, in one transaction.

    The sorted rows are written first and the others deleted after: that copies each event once, and
    measured five times as fast as a week a time through a table aside.
    """
    if not lot:
        return
    with store.shredding() if whole else nullcontext(), store.transaction() as tx:
        ((newest,),) = tx.rows(Sql("SELECT coalesce(max(rowid), -1) FROM events"))
        rows = joined(" OR ", [sql("({})", _rows(tx, each, whole=whole)) for each in lot])
        tx.execute(
            sql(
                "INSERT INTO events SELECT * FROM events WHERE {} ORDER BY date_trunc('week', occurred_at), event_id, occurred_at",
                rows,
            )
        )
        tx.execute(sql("DELETE FROM events WHERE rowid <= {} AND ({})", newest, rows))
        tallying.moved(tx)
        for each in lot:
            tx.remember(f"sorted:{each.week:%Y-%m-%d}", each.total)
            tx.remember(f"whole:{each.week:%Y-%m-%d}", each.total if whole else each.whole)


def _rows(tx: Transaction, bucket: Bucket, *, whole: bool) -> Sql:
    """The rows of a week, or of its tail: those that stand last."""
    within = sql("occurred_at >= {} AND occurred_at < {}", bucket.week, bucket.week + WEEK)
    if whole:
        return within
    first = tx.rows(sql("SELECT rowid FROM events WHERE {} ORDER BY rowid DESC LIMIT 1 OFFSET {}", within, bucket.tail - 1))
    return sql("{} AND rowid >= {}", within, first[0][0]) if first else within
