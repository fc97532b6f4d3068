"""What somebody who builds a rule waits for: the preview of ten conditions, and why one person is in or not."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any, Final

from tests.benchmarks import contenders
from tests.benchmarks.timing import median, timed
from user360 import segments
from user360.segments import asking
from user360.sql import Sql

if TYPE_CHECKING:
    from user360.store import Store

LOOKED_AT: Final = 21


def _days(count: int) -> dict[str, Any]:
    return {"last": count, "unit": "day"}


TEN: Final[list[dict[str, Any]]] = [
    {"property": "country", "operator": "is", "values": ["US", "IN", "DE"]},
    {"property": "figure1", "operator": "greater_than", "values": [5]},
    {"property": "flag3", "operator": "is_not_true"},
    {"property": "email", "operator": "is_known"},
    {"property": "tags", "operator": "contains_none", "values": ["churn_risk"]},
    {"event": "page_view", "times": {"operator": "at_least", "values": [2]}, "during": _days(30)},
    {"event": "purchase", "during": _days(90)},
    {"event": "unsubscribe", "times": {"operator": "exactly", "values": [0]}},
    {
        "event": "purchase",
        "measure": {"function": "sum", "property": "amount"},
        "operator": "greater_than",
        "values": [20],
        "during": _days(180),
    },
    {"event": "email_opened", "during": _days(60)},
]


def _ten(days: int) -> segments.Rule:
    return segments.parse({"match": "all", "conditions": [*TEN[:-1], {"event": "email_opened", "during": _days(days)}]})


def previews(store: Store, runs: int) -> None:
    """Print how long a rule of ten conditions with all its figures takes, cold and with one condition edited."""

    def preview(count: int) -> int:
        return segments.preview(store, _ten(count), at=contenders.AT).count

    def cold() -> int:
        asking.forget_leaves()
        return preview(60)

    days = iter(range(20, 20 + 10 * runs))
    print(f"\npreview of ten conditions, cold: {median(cold, runs):.1f} ms (goal 250)")
    print(f"the same with one condition edited: {median(lambda: preview(next(days)), runs):.1f} ms (goal 30)")


def explanations(store: Store) -> None:
    """Print how long it takes to say why one person is in such a rule or not: of people picked evenly, and of who has most events."""
    rule = _ten(60)
    room = store.people(Sql("SELECT profile_key FROM profiles")).room
    keys = [place * (room // LOOKED_AT) for place in range(LOOKED_AT)]
    (busiest, most), *_ = store.rows(
        Sql("SELECT profile_key, count(*) AS n FROM events GROUP BY profile_key ORDER BY n DESC, profile_key LIMIT 1")
    )

    def explain(key: int) -> float:
        return timed(lambda: segments.explain(store, rule, key, at=contenders.AT).profile_key)[0]

    explain(keys[0])
    times = [explain(each) for each in keys]
    longest = statistics.median(explain(busiest) for _ in range(3))
    print(
        f"why one person is in it or not: median {statistics.median(times):.1f} ms, worst of {len(times)} {max(times):.1f} (goal 60)"
    )
    print(f"of who has most events ({most:,}): {longest:.1f} ms")
