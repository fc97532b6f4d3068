"""The questions of `insights`, each also by hand: in DuckDB on our own file, in ClickHouse's SQL and in polars.

Every shape answers a table with a column `n`, whose sum is the number all must agree on; where states or scores are told
apart they are weighed, so that people in the wrong one are noticed. Full days alone are asked of, to the midnight before.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from tests.benchmarks import load
from tests.benchmarks.contenders import FIRST_EVENT as FIRST

if TYPE_CHECKING:
    from collections.abc import Callable

NUMBER: Final = {name: place for place, name in enumerate(load.EVENTS)}
BITS: Final = "bitstring_agg(profile_key, 0, {last})"
END: Final = "TIMESTAMP '2026-11-23'"
PERIOD: Final = {"from": "2026-08-25", "to": "2026-11-22"}
MONTH: Final = {"from": "2026-10-24", "to": "2026-11-22"}
YEAR: Final = {"from": "2025-11-24", "to": "2026-11-22"}


@dataclass(frozen=True, slots=True)
class Asked:
    """`question` is ours, `number` what its rows come to; `shapes`, `clickhouse` and `polars` the same by hand."""

    key: str
    title: str
    question: dict[str, Any]
    number: Callable[[list[dict[str, Any]]], float]
    shapes: tuple[str, ...]
    clickhouse: tuple[str, ...] = ()
    polars: Callable[[Any, Any], float] | None = None
    faster: float = 0.0
    """How many times as fast as chDB ours has to be; 0 where nothing is promised."""


def users(rows: list[dict[str, Any]]) -> float:
    """All users drawn."""
    return sum(row["users"] for row in rows)


def only(measure: str = "users", **marks: Any) -> Callable[[list[dict[str, Any]]], float]:
    """A measure of the rows with these marks."""
    return lambda rows: sum(row[measure] for row in rows if all(row[each] == value for each, value in marks.items()))


def ours(first: str, *events: str, until: str = END) -> str:
    """Our rows from a day on, of any event or of these."""
    named = ", ".join(str(NUMBER[each] + FIRST) for each in events)
    such = f"event_id IN ({named})" if len(events) > 1 else f"event_id = {named}" if events else f"event_id >= {FIRST}"
    return f"FROM events WHERE {such} AND occurred_at >= TIMESTAMP '{first}' AND occurred_at < {until}"


def theirs(first: str, *events: str) -> str:
    """ClickHouse's rows from a day on."""
    named = ", ".join(str(NUMBER[each]) for each in events)
    return f"FROM u.ev WHERE ts >= toDateTime64('{first}', 6, 'UTC')" + (f" AND event_id IN ({named})" if events else "")


def frame(happened: Any, first: str, *events: str) -> Any:
    """Polars' rows from a day on."""
    import polars as pl  # noqa: PLC0415 - only where it is compared

    rows = happened.lazy().filter(pl.col("ts") >= pl.lit(first).str.to_datetime(time_unit="us"))
    return rows.filter(pl.col("event_id").is_in([NUMBER[each] for each in events])) if events else rows


def summed(rows: Any, column: str = "n") -> float:
    """The number of a lazy frame."""
    import polars as pl  # noqa: PLC0415 - only where it is compared

    return float(rows.select(pl.col(column).cast(pl.Int64).sum()).collect().item())


DAY90, DAY30, DAY365 = "2026-08-25", "2026-10-24", "2025-11-24"
STEPS: Final = ("product_view", "add_to_cart", "purchase")


def _of(event: str | None) -> dict[str, Any]:
    return {"event": event}


def asked() -> tuple[Asked, ...]:
    """All of them."""
    return (*activity(), *by_channel(), *coming_back(), *habits(), *on_the_way(), *present())


def activity() -> tuple[Asked, ...]:
    """Active users, trends, the overview and the top events."""
    import polars as pl  # noqa: PLC0415 - only where it is compared

    day = pl.col("ts").dt.date().alias("day")
    e90, c90 = ours(DAY90), theirs(DAY90)
    bought, c_bought = ours(DAY90, "purchase"), theirs(DAY90, "purchase")
    return (
        Asked(
            "A1",
            "active users by day",
            {"kind": "active", "period": PERIOD},
            users,
            (
                f"SELECT occurred_at::DATE AS day, bit_count({BITS}) AS n {e90} GROUP BY 1",
                f"SELECT day, count(*) AS n FROM (SELECT DISTINCT occurred_at::DATE AS day, profile_key {e90}) GROUP BY 1",
            ),
            (
                f"SELECT sum(n) FROM (SELECT toDate(ts) AS d, uniqExact(profile_key) AS n {c90} GROUP BY d)",
                f"SELECT sum(n) FROM (SELECT toDate(ts) AS d, groupBitmap(profile_key) AS n {c90} GROUP BY d)",
            ),
            lambda _, e: summed(frame(e, DAY90).group_by(day).agg(pl.col("profile_key").n_unique().alias("n"))),
            faster=1.0,
        ),
        Asked(
            "D1",
            "active users by day and channel",
            {"kind": "active", "period": PERIOD, "breakdown": {"by": "channel"}},
            users,
            (
                f"SELECT occurred_at::DATE AS day, channel_id, bit_count({BITS}) AS n {e90} GROUP BY ALL",
                f"SELECT day, channel_id, count(*) AS n FROM (SELECT DISTINCT occurred_at::DATE AS day, channel_id, profile_key {e90}) "
                "GROUP BY ALL",
            ),
            (
                f"SELECT sum(n) FROM (SELECT toDate(ts) AS d, channel_id, uniqExact(profile_key) AS n {c90} GROUP BY d, channel_id)",
                f"SELECT sum(n) FROM (SELECT toDate(ts) AS d, channel_id, groupBitmap(profile_key) AS n {c90} GROUP BY d, channel_id)",
            ),
            lambda _, e: summed(frame(e, DAY90).group_by(day, "channel_id").agg(pl.col("profile_key").n_unique().alias("n"))),
            faster=1.0,
        ),
        Asked(
            "A2",
            "active users by week and country",
            {
                "kind": "active",
                "period": PERIOD,
                "granularity": "week",
                "breakdown": {"by": "property", "name": "country"},
            },
            users,
            (
                f"WITH e AS (SELECT date_trunc('week', occurred_at)::DATE AS week, profile_key {e90}), w AS MATERIALIZED "
                f"(SELECT week, {BITS} AS b FROM e GROUP BY week), every AS (SELECT bit_or(b) AS b FROM w), "
                f"sized AS MATERIALIZED (SELECT country, {BITS} AS c FROM profiles GROUP BY country), ranked AS (SELECT country, c, "
                "row_number() OVER (ORDER BY country IS NULL, bit_count(c & b) DESC) AS place FROM sized, every), grouped AS MATERIALIZED "
                "(SELECT CASE WHEN country IS NULL THEN 'none' WHEN place <= 7 THEN '=' || country ELSE 'other' END AS g, bit_or(c) AS c "
                "FROM ranked GROUP BY 1) SELECT week, g, bit_count(b & c) AS n FROM w, grouped",
                f"WITH e AS MATERIALIZED (SELECT DISTINCT date_trunc('week', occurred_at)::DATE AS week, profile_key {e90}), "
                "rows AS MATERIALIZED (SELECT * FROM e LEFT JOIN (SELECT profile_key, country FROM profiles) USING (profile_key)), most AS (SELECT country "
                "FROM rows WHERE country IS NOT NULL GROUP BY 1 ORDER BY count(DISTINCT profile_key) DESC LIMIT 7) SELECT week, CASE WHEN country IS NULL "
                "THEN 'none' WHEN country IN (FROM most) THEN country ELSE 'other' END AS g, count(*) AS n FROM rows GROUP BY ALL",
            ),
        ),
        Asked(
            "W1",
            "users of the last 1, 7 and 30 days, day by day",
            {"kind": "active", "rolling": True, "period": PERIOD},
            users,
            (_rolling(),),
            (_rolling_bitmaps(), _rolling_steps()),
            _rolling_polars,
            faster=1.0,
        ),
        Asked(
            "T1",
            "buyers by day",
            {"kind": "trend", "period": PERIOD, "series": [{"of": _of("purchase")}]},
            users,
            (
                f"SELECT occurred_at::DATE AS day, count(DISTINCT profile_key) AS n {bought} GROUP BY 1",
                f"SELECT occurred_at::DATE AS day, bit_count({BITS}) AS n {bought} GROUP BY 1",
                f"SELECT day, count(*) AS n FROM (SELECT DISTINCT occurred_at::DATE AS day, profile_key {bought}) GROUP BY 1",
            ),
            (
                f"SELECT sum(n) FROM (SELECT toDate(ts) AS d, uniqExact(profile_key) AS n {c_bought} GROUP BY d)",
                f"SELECT sum(n) FROM (SELECT toDate(ts) AS d, groupBitmap(profile_key) AS n {c_bought} GROUP BY d)",
            ),
            lambda _, e: summed(frame(e, DAY90, "purchase").group_by(day).agg(pl.col("profile_key").n_unique().alias("n"))),
            faster=1.0,
        ),
        Asked(
            "T2",
            "five events by day: users, and how often",
            {"kind": "trend", "period": PERIOD, "series": [{"of": _of(each), "figure": "total"} for each in FIVE]},
            lambda rows: sum(row["users"] + row["value"] for row in rows),
            (
                f"SELECT day, event_id, n + times AS n FROM (SELECT occurred_at::DATE AS day, event_id, bit_count({BITS}) AS n, "
                f"count(*) AS times {ours(DAY90, *FIVE)} GROUP BY ALL)",
                f"SELECT occurred_at::DATE AS day, event_id, count(DISTINCT profile_key) + count(*) AS n {ours(DAY90, *FIVE)} GROUP BY ALL",
            ),
            (
                f"SELECT sum(n) FROM (SELECT toDate(ts) AS d, event_id, uniqExact(profile_key) + count() AS n {theirs(DAY90, *FIVE)} "
                "GROUP BY d, event_id)",
                f"SELECT sum(n) FROM (SELECT toDate(ts) AS d, event_id, groupBitmap(profile_key) + count() AS n {theirs(DAY90, *FIVE)} "
                "GROUP BY d, event_id)",
            ),
            lambda _, e: summed(
                frame(e, DAY90, *FIVE).group_by(day, "event_id").agg((pl.col("profile_key").n_unique() + pl.len()).alias("n"))
            ),
            faster=1.0,
        ),
        Asked(
            "T3",
            "amount bought by day, and by whom",
            {
                "kind": "trend",
                "period": PERIOD,
                "series": [{"of": _of("purchase"), "figure": "sum", "property": "amount"}],
            },
            lambda rows: sum(row["users"] + round(row["value"]) for row in rows),
            (
                f"SELECT occurred_at::DATE AS day, round(sum(TRY_CAST(properties.amount AS DOUBLE))) + count(DISTINCT profile_key) AS n {bought} "
                "GROUP BY 1",
                f"SELECT occurred_at::DATE AS day, round(sum(TRY_CAST(properties.amount AS DOUBLE))) + bit_count({BITS}) AS n {bought} GROUP BY 1",
            ),
            (
                f"SELECT sum(n) FROM (SELECT toDate(ts) AS d, round(sum(amount)) + uniqExact(profile_key) AS n {c_bought} GROUP BY d)",
            ),
            lambda _, e: summed(
                frame(e, DAY90, "purchase")
                .group_by(day)
                .agg((pl.col("amount").sum().round() + pl.col("profile_key").n_unique()).alias("n"))
            ),
            faster=1.0,
        ),
        Asked(
            "T4",
            "users of any event by day and country",
            {
                "kind": "trend",
                "period": PERIOD,
                "series": [{"of": _of(None)}],
                "breakdown": {"by": "property", "name": "country"},
            },
            users,
            (
                f"WITH w AS MATERIALIZED (SELECT occurred_at::DATE AS day, {BITS} AS b {e90} GROUP BY 1), every AS (SELECT bit_or(b) AS b FROM w), "
                f"sized AS MATERIALIZED (SELECT country, {BITS} AS c FROM profiles GROUP BY country), ranked AS (SELECT country, c, "
                "row_number() OVER (ORDER BY country IS NULL, bit_count(c & b) DESC) AS place FROM sized, every), grouped AS MATERIALIZED "
                "(SELECT CASE WHEN country IS NULL THEN 'none' WHEN place <= 7 THEN '=' || country ELSE 'other' END AS g, bit_or(c) AS c "
                "FROM ranked GROUP BY 1) SELECT day, g, bit_count(b & c) AS n FROM w, grouped",
            ),
        ),
        Asked(
            "OV",
            "the overview",
            {"kind": "overview", "period": PERIOD},
            lambda rows: sum(row["users"] for row in rows if row["figure"].startswith("active")),
            (_overview(),),
        ),
        Asked(
            "TE",
            "the five events of most users and all others, by day and before",
            {"kind": "top_events", "period": PERIOD},
            users,
            (
                _top("CASE WHEN event_id IN (FROM five) THEN event_id END"),
                _top("CASE WHEN list_contains((SELECT list(event_id) FROM five), event_id) THEN event_id END"),
            ),
        ),
    )


FIVE: Final = ("page_view", "product_view", "session_start", "add_to_cart", "purchase")


def _rolling() -> str:
    return (
        f"WITH days AS MATERIALIZED (SELECT occurred_at::DATE AS day, {BITS} AS b {ours('2026-07-27')} GROUP BY 1), "
        "windows AS (SELECT day, bit_count(b) AS one, bit_count(bit_or(b) OVER (ORDER BY day ROWS 6 PRECEDING)) AS seven, "
        "bit_count(bit_or(b) OVER (ORDER BY day ROWS 29 PRECEDING)) AS thirty FROM days) "
        f"SELECT day, one + seven + thirty AS n FROM windows WHERE day >= DATE '{DAY90}'"
    )


def _rolling_bitmaps() -> str:
    return (
        "SELECT sum(one + seven + thirty) FROM (SELECT d, bitmapCardinality(any(b)) AS one, "
        "groupBitmapMerge(any(b)) OVER (ORDER BY d ROWS BETWEEN 6 PRECEDING AND CURRENT ROW) AS seven, "
        "groupBitmapMerge(any(b)) OVER (ORDER BY d ROWS BETWEEN 29 PRECEDING AND CURRENT ROW) AS thirty FROM "
        f"(SELECT toDate(ts) AS d, groupBitmapState(profile_key) AS b {theirs('2026-07-27')} GROUP BY d) GROUP BY d) WHERE d >= '{DAY90}'"
    )


def _rolling_steps() -> str:
    """Everyone comes in on a day and goes out when the window is over, unless they are there again before."""
    per = f"SELECT profile_key, toDate(ts) AS d {theirs('2026-07-27')} GROUP BY profile_key, d"
    ahead = (
        f"SELECT d, leadInFrame(toNullable(d)) OVER (PARTITION BY profile_key ORDER BY d ROWS BETWEEN UNBOUNDED PRECEDING "
        f"AND UNBOUNDED FOLLOWING) AS nx FROM ({per})"
    )
    moved = ", ".join(f"(d + least({days}, toInt32(ifNull(nx - d, {days}))), {days}, -1), (d, {days}, 1)" for days in (1, 7, 30))
    return (
        "SELECT sum(c) FROM (SELECT dd, w, sum(sum(step)) OVER (PARTITION BY w ORDER BY dd) AS c FROM (SELECT m.1 AS dd, m.2 AS w, m.3 AS step "
        f"FROM (SELECT arrayJoin([{moved}]) AS m FROM ({ahead}))) GROUP BY dd, w) WHERE dd >= '{DAY90}' AND dd < '2026-11-23'"
    )


def _rolling_polars(_: Any, happened: Any) -> float:
    import polars as pl  # noqa: PLC0415 - only where it is compared

    days = (
        frame(happened, "2026-07-27").select("profile_key", pl.col("ts").dt.date().alias("d")).unique().sort("profile_key", "d")
    )
    gap = (pl.col("d").shift(-1) - pl.col("d")).dt.total_days()
    days = (
        days.with_columns(pl.when(pl.col("profile_key").shift(-1) == pl.col("profile_key")).then(gap).alias("gap"))
        .collect()
        .lazy()
    )
    found = 0.0
    for window in (1, 7, 30):
        out = pl.col("d") + pl.duration(days=1) * pl.min_horizontal(pl.lit(window), pl.col("gap").fill_null(window))
        coming = days.select(pl.col("d"), pl.lit(1).alias("step"))
        going = days.select(out.cast(pl.Date).alias("d"), pl.lit(-1).alias("step"))
        steps = (
            pl.concat([coming, going])
            .group_by("d")
            .agg(pl.col("step").sum())
            .sort("d")
            .with_columns(pl.col("step").cum_sum().alias("n"))
        )
        found += summed(steps.filter(pl.col("d") >= pl.date(2026, 8, 25), pl.col("d") < pl.date(2026, 11, 23)))
    return found


def _overview() -> str:
    """One bitmap a day for the windows, the events of each day, and the people by the day they were made on."""
    spans = ", ".join(
        f"('{figure} {time}', DATE '{first}', DATE '{last}')"
        for figure, time, first, last in (
            ("1", "now", "2026-11-22", "2026-11-22"),
            ("1", "before", "2026-11-21", "2026-11-21"),
            ("7", "now", "2026-11-16", "2026-11-22"),
            ("7", "before", "2026-11-09", "2026-11-15"),
            ("30", "now", "2026-10-24", "2026-11-22"),
            ("30", "before", "2026-09-24", "2026-10-23"),
        )
    )
    reached = '("emailOptin" IS TRUE AND email IS NOT NULL) OR ("whatsappOptin" IS TRUE AND phone IS NOT NULL) OR ("smsOptin" IS TRUE AND phone IS NOT NULL)'
    return (
        f"WITH days AS MATERIALIZED (SELECT occurred_at::DATE AS day, count(*) AS events, {BITS} AS b {ours('2026-07-27')} GROUP BY 1), "
        f"earlier AS (SELECT occurred_at::DATE AS day, count(*) AS events {ours('2026-05-27', until=chr(39).join(['TIMESTAMP ', DAY90, '']))} GROUP BY 1), "
        'made AS (SELECT "createdAt"::DATE AS day, count(*) AS users, count("userId") AS identified, '
        f"count(*) FILTER (WHERE {reached}) AS reachable FROM profiles GROUP BY 1), "
        "windows AS (SELECT day, bit_count(b) AS one, bit_count(bit_or(b) OVER (ORDER BY day ROWS 6 PRECEDING)) AS seven, "
        "bit_count(bit_or(b) OVER (ORDER BY day ROWS 29 PRECEDING)) AS thirty FROM days), "
        f"spans(named, first, last) AS (VALUES {spans}) "
        f"SELECT day::VARCHAR AS named, one + seven + thirty AS n FROM windows WHERE day >= DATE '{DAY90}' UNION ALL "
        "SELECT named, bit_count(bit_or(b)) AS n FROM spans JOIN days ON day BETWEEN first AND last GROUP BY named UNION ALL "
        "SELECT 'made ' || day || ':' || sum(users) OVER g || ',' || sum(identified) OVER g || ',' || sum(reachable) OVER g, 0 FROM made WINDOW g AS (ORDER BY day) "
        "UNION ALL SELECT 'events ' || day || ':' || events, 0 FROM days UNION ALL SELECT 'events ' || day || ':' || events, 0 FROM earlier"
    )


def _top(kind: str) -> str:
    """The five first; then their days and all others' together, what was before, and the period as a whole. `kind` tells an event's group."""
    return (
        f"WITH five AS MATERIALIZED (SELECT event_id FROM (SELECT event_id, bit_count({BITS}) AS heads {ours(DAY90)} GROUP BY 1) "
        "JOIN event_names USING (event_id) ORDER BY heads DESC, name LIMIT 5), cells AS MATERIALIZED "
        f"(SELECT {kind} AS event, CASE WHEN occurred_at >= TIMESTAMP '{DAY90}' THEN occurred_at::DATE END AS day, count(*) AS events, {BITS} AS b "
        f"{ours('2026-05-27')} GROUP BY ALL) SELECT event, day, events, bit_count(b) AS n FROM cells UNION ALL "
        "SELECT event, DATE '2000-01-01', sum(events), bit_count(bit_or(b)) FROM cells WHERE day IS NOT NULL GROUP BY 1"
    )


def by_channel() -> tuple[Asked, ...]:
    """Channels over time, used together, one after the other, and what became of messages."""
    import polars as pl  # noqa: PLC0415 - only where it is compared

    e90, c90, e365, c365 = ours(DAY90), theirs(DAY90), ours(DAY365), theirs(DAY365)
    ever = ours("2000-01-01")
    day = pl.col("ts").dt.date().alias("day")
    return (
        Asked(
            "D2",
            "events and users by day and channel, a year",
            {"kind": "channels", "measure": "events", "period": YEAR},
            lambda rows: sum(row["value"] + row["users"] for row in rows),
            (
                f"SELECT day, channel_id, sum(c) + count(*) AS n FROM (SELECT occurred_at::DATE AS day, channel_id, profile_key, count(*) AS c {e365} GROUP BY ALL) GROUP BY ALL",
                f"SELECT occurred_at::DATE AS day, channel_id, count(*) + bit_count({BITS}) AS n {e365} GROUP BY ALL",
            ),
            (
                f"SELECT sum(n) FROM (SELECT toDate(ts) AS d, channel_id, count() + uniqExact(profile_key) AS n {c365} GROUP BY d, channel_id)",
                f"SELECT sum(n) FROM (SELECT toDate(ts) AS d, channel_id, count() + groupBitmap(profile_key) AS n {c365} GROUP BY d, channel_id)",
            ),
            lambda _, e: summed(
                frame(e, DAY365).group_by(day, "channel_id").agg((pl.len() + pl.col("profile_key").n_unique()).alias("n"))
            ),
            faster=1.0,
        ),
        Asked(
            "C2",
            "sessions by day and the channel they begin on",
            {"kind": "channels", "measure": "sessions", "period": PERIOD},
            lambda rows: sum(row["value"] for row in rows),
            (
                "SELECT occurred_at::DATE AS day, channel_id, count(*) AS n, count(DISTINCT profile_key) AS users FROM (SELECT profile_key, occurred_at, "
                f"channel_id, lag(occurred_at) OVER (PARTITION BY profile_key ORDER BY occurred_at) AS earlier {ours('2026-08-24')}) "
                f"WHERE occurred_at >= TIMESTAMP '{DAY90}' AND (earlier IS NULL OR occurred_at - earlier > INTERVAL 30 MINUTE) GROUP BY ALL",
                "SELECT day, channel_id, sum(n) AS n, count(*) AS users FROM (SELECT profile_key, occurred_at::DATE AS day, channel_id, count(*) AS n FROM (SELECT "
                f"profile_key, occurred_at, channel_id, lag(occurred_at) OVER (PARTITION BY profile_key ORDER BY occurred_at) AS earlier {ours('2026-08-24')}) "
                f"WHERE occurred_at >= TIMESTAMP '{DAY90}' AND (earlier IS NULL OR occurred_at - earlier > INTERVAL 30 MINUTE) GROUP BY ALL) GROUP BY ALL",
            ),
            (
                "SELECT sum(n) FROM (SELECT toDate(t) AS d, c, count() AS n, uniqExact(k) FROM (SELECT profile_key AS k, ts AS t, channel_id AS c, "
                "lagInFrame(toNullable(ts)) OVER (PARTITION BY profile_key ORDER BY ts ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS b "
                f"{theirs('2026-08-24')}) WHERE t >= toDateTime64('{DAY90}', 6, 'UTC') AND (b IS NULL OR t > b + toIntervalMinute(30)) GROUP BY d, c)",
            ),
        ),
        Asked(
            "C3",
            "people by the day and channel of their last event",
            {"kind": "channels", "touch": "last", "period": PERIOD},
            users,
            (
                "SELECT moved::DATE AS day, channel_id, count(*) AS n FROM (SELECT profile_key, max(occurred_at) AS moved, arg_max(channel_id, occurred_at) AS channel_id "
                f"{e90} GROUP BY profile_key) GROUP BY ALL",
            ),
            (
                "SELECT sum(n) FROM (SELECT toDate(moved) AS d, c, count() AS n FROM (SELECT profile_key, max(ts) AS moved, argMax(channel_id, ts) AS c "
                f"{c90} GROUP BY profile_key) GROUP BY d, c)",
            ),
        ),
        Asked(
            "C4",
            "people by the day and channel of their first event ever",
            {"kind": "channels", "touch": "first", "period": PERIOD},
            users,
            (
                "SELECT moved::DATE AS day, channel_id, count(*) AS n FROM (SELECT profile_key, min(occurred_at) AS moved, arg_min(channel_id, occurred_at) AS channel_id "
                f"{ever} GROUP BY profile_key) WHERE moved >= TIMESTAMP '{DAY90}' GROUP BY ALL",
                f"WITH known AS (SELECT DISTINCT profile_key {ours('2000-01-01', until=chr(39).join(['TIMESTAMP ', DAY90, '']))}) "
                "SELECT moved::DATE AS day, channel_id, count(*) AS n FROM (SELECT profile_key, min(occurred_at) AS moved, arg_min(channel_id, occurred_at) AS channel_id "
                f"{e90} AND profile_key NOT IN (FROM known) GROUP BY profile_key) GROUP BY ALL",
            ),
            (
                "SELECT sum(n) FROM (SELECT toDate(moved) AS d, c, count() AS n FROM (SELECT profile_key, min(ts) AS moved, argMin(channel_id, ts) AS c "
                f"FROM u.ev GROUP BY profile_key) WHERE moved >= toDateTime64('{DAY90}', 6, 'UTC') GROUP BY d, c)",
            ),
        ),
        *(
            Asked(
                key,
                f"channels used together, {length}",
                {"kind": "overlap", "period": period},
                lambda rows: sum(row["users"] for row in rows if row["combination"] not in (None, "other")),
                (
                    f"SELECT mask, count(*) AS n FROM (SELECT profile_key, bit_or(1::UTINYINT << channel_id::UTINYINT) AS mask {mine} GROUP BY profile_key) "
                    "GROUP BY mask ORDER BY n DESC LIMIT 16",
                    f"WITH RECURSIVE c AS MATERIALIZED (SELECT channel_id, {BITS} AS b {mine} GROUP BY channel_id), s AS (SELECT 0 AS level, 0 AS mask, "
                    "bit_or(b) AS b FROM c UNION ALL SELECT level + 1, CASE WHEN inside THEN mask + (1 << level) ELSE mask END, "
                    "CASE WHEN inside THEN s.b & c.b ELSE s.b & ~c.b END FROM s JOIN c ON channel_id = level, (VALUES (true), (false)) AS t(inside)) "
                    "SELECT mask, bit_count(b) AS n FROM s WHERE level = 6 AND mask > 0 ORDER BY n DESC LIMIT 16",
                ),
                (
                    "SELECT sum(n) FROM (SELECT m, count() AS n FROM (SELECT profile_key, groupBitOr(bitShiftLeft(toUInt8(1), channel_id)) AS m "
                    f"{other} GROUP BY profile_key) GROUP BY m ORDER BY n DESC LIMIT 16)",
                ),
                partial(_overlap_polars, first),
                faster=1.0,
            )
            for key, length, period, first, mine, other in (
                ("O1", "90 days", PERIOD, DAY90, e90, c90),
                ("O2", "a year", YEAR, DAY365, e365, c365),
            )
        ),
        Asked(
            "SW",
            "from which channel to which next",
            {"kind": "switching", "period": PERIOD},
            lambda rows: sum(row["users"] for row in rows if row["origin"] and row["target"]),
            (
                "SELECT origin, channel_id, count(DISTINCT profile_key) AS n, count(*) AS switches, median(epoch(occurred_at - earlier)) AS seconds FROM "
                "(SELECT profile_key, channel_id, occurred_at, lag(channel_id) OVER ways AS origin, lag(occurred_at) OVER ways AS earlier "
                f"{e90} WINDOW ways AS (PARTITION BY profile_key ORDER BY occurred_at)) WHERE origin <> channel_id GROUP BY ALL",
                "SELECT origin, target, count(DISTINCT profile_key) AS n, count(*) AS switches, median(seconds) AS seconds FROM (SELECT profile_key, "
                "(moment & 7) AS target, (lag(moment) OVER ways & 7) AS origin, ((moment >> 3) - (lag(moment) OVER ways >> 3)) / 1e6 AS seconds "
                f"FROM (SELECT profile_key, epoch_us(occurred_at) * 8 + channel_id AS moment {e90}) WINDOW ways AS (PARTITION BY profile_key ORDER BY moment)) "
                "WHERE origin <> target GROUP BY ALL",
            ),
            (
                "SELECT sum(n) FROM (SELECT o, c, uniqExact(k) AS n, count() AS s, quantileExact(0.5)(dateDiff('microsecond', b, t)) AS m FROM (SELECT profile_key AS k, ts AS t, "
                "toNullable(channel_id) AS c, lagInFrame(toNullable(channel_id)) OVER w AS o, lagInFrame(toNullable(ts)) OVER w AS b "
                f"{c90} WINDOW w AS (PARTITION BY profile_key ORDER BY ts ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)) WHERE o != c GROUP BY o, c)",
            ),
            _switching_polars,
        ),
        Asked(
            "EN",
            "what became of messages, by channel",
            {
                "kind": "engagement",
                "period": PERIOD,
                "sent": ["push_sent"],
                "delivered": ["email_delivered"],
                "read": ["email_opened"],
            },
            users,
            (
                "WITH e AS MATERIALIZED (SELECT profile_key, channel_id, event_id, occurred_at "
                f"{ours(DAY90, 'push_sent', 'email_delivered', 'email_opened')}), sent AS (SELECT profile_key, channel_id, min(occurred_at) AS began FROM e "
                f"WHERE event_id = {NUMBER['push_sent'] + FIRST} GROUP BY ALL) SELECT channel_id, event_id, count(DISTINCT profile_key) AS n, count(*) AS events "
                f"FROM e JOIN sent USING (profile_key, channel_id) WHERE event_id = {NUMBER['push_sent'] + FIRST} OR occurred_at > began GROUP BY ALL",
            ),
        ),
    )


def _overlap_polars(first: str, _: Any, happened: Any) -> float:
    import polars as pl  # noqa: PLC0415 - only where it is compared

    mask = pl.lit(2).pow(pl.col("channel_id").unique()).sum().alias("mask")
    used = frame(happened, first).group_by("profile_key").agg(mask)
    return summed(used.group_by("mask").agg(pl.len().alias("n")).sort("n", descending=True).head(16))


def _switching_polars(_: Any, happened: Any) -> float:
    import polars as pl  # noqa: PLC0415 - only where it is compared

    rows = frame(happened, DAY90).select("profile_key", "ts", "channel_id").sort("profile_key", "ts")
    before = rows.with_columns(
        pl.col("channel_id").shift(1).alias("origin"),
        (pl.col("ts") - pl.col("ts").shift(1)).alias("took"),
        (pl.col("profile_key") == pl.col("profile_key").shift(1)).alias("same"),
    )
    moves = before.filter(pl.col("same"), pl.col("origin") != pl.col("channel_id"))
    return summed(
        moves.group_by("origin", "channel_id").agg(
            pl.col("profile_key").n_unique().alias("n"), pl.col("took").median(), pl.len().alias("s")
        )
    )


def coming_back() -> tuple[Asked, ...]:
    """Retention and lifecycle."""
    return (
        Asked(
            "R1",
            "who comes back, 30 days by 30 days",
            {"kind": "retention", "period": MONTH, "start": _of(None), "entry": "every", "granularity": "day", "ages": 30},
            lambda rows: sum(row["users"] for row in rows if row["state"] == "back" and row["cohort"]),
            (
                f"WITH days AS MATERIALIZED (SELECT occurred_at::DATE AS day, {BITS} AS b {ours(DAY30)} GROUP BY 1) SELECT a.day AS cohort, "
                "c.day - a.day AS age, bit_count(a.b & c.b) AS n FROM days a JOIN days c ON c.day >= a.day",
                f"WITH seen AS MATERIALIZED (SELECT DISTINCT profile_key, occurred_at::DATE AS day {ours(DAY30)}) SELECT a.day AS cohort, c.day - a.day AS age, "
                "count(*) AS n FROM seen a JOIN seen c ON a.profile_key = c.profile_key AND c.day >= a.day GROUP BY ALL",
            ),
            (
                f"WITH d AS (SELECT toDate(ts) AS d, groupBitmapState(profile_key) AS b {theirs(DAY30)} GROUP BY d) SELECT sum(n) FROM (SELECT x.d AS d1, y.d AS d2, "
                "bitmapAndCardinality(x.b, y.b) AS n FROM d AS x CROSS JOIN d AS y WHERE y.d >= x.d)",
                "SELECT sum(n) FROM (SELECT c, k, sum(bitAnd(bitShiftRight(m, c), bitShiftRight(m, k)) % 2) AS n FROM (SELECT profile_key, "
                f"groupBitOr(bitShiftLeft(toUInt64(1), toUInt8(dateDiff('day', toDate('{DAY30}'), ts)))) AS m {theirs(DAY30)} GROUP BY profile_key) "
                "ARRAY JOIN range(30) AS c ARRAY JOIN range(30) AS k WHERE k >= c GROUP BY c, k)",
                "SELECT sum(n) FROM (SELECT c, k, sum(w * (bitAnd(bitShiftRight(m, c), bitShiftRight(m, k)) % 2)) AS n FROM (SELECT m, count() AS w FROM (SELECT profile_key, "
                f"groupBitOr(bitShiftLeft(toUInt64(1), toUInt8(dateDiff('day', toDate('{DAY30}'), ts)))) AS m {theirs(DAY30)} GROUP BY profile_key) GROUP BY m) "
                "ARRAY JOIN range(30) AS c ARRAY JOIN range(30) AS k WHERE k >= c GROUP BY c, k)",
            ),
            _retention_polars,
            faster=1 / 1.5,
        ),
        Asked(
            "R2",
            "who comes back after a first page view, week by week",
            {"kind": "retention", "period": PERIOD, "start": _of("page_view"), "granularity": "week", "ages": 12},
            lambda rows: sum(row["users"] for row in rows if row["state"] == "back" and row["cohort"]),
            (
                f"WITH s AS MATERIALIZED (SELECT profile_key, date_trunc('week', first)::DATE AS cohort FROM (SELECT profile_key, min(occurred_at) AS first {ours('2000-01-01', 'page_view')} "
                f"GROUP BY profile_key) WHERE first >= TIMESTAMP '{DAY90}'), c AS MATERIALIZED (SELECT cohort, {BITS} AS b FROM s GROUP BY cohort), "
                f"w AS MATERIALIZED (SELECT date_trunc('week', occurred_at)::DATE AS week, {BITS} AS b {ours(DAY90)} GROUP BY 1) SELECT cohort, (week - cohort) // 7 AS age, "
                "CASE WHEN week = cohort THEN bit_count(c.b) ELSE bit_count(c.b & w.b) END AS n FROM c JOIN w ON week BETWEEN cohort AND cohort + 77",
                f"WITH s AS MATERIALIZED (SELECT profile_key, date_trunc('week', first)::DATE AS cohort FROM (SELECT profile_key, min(occurred_at) AS first {ours('2000-01-01', 'page_view')} "
                f"GROUP BY profile_key) WHERE first >= TIMESTAMP '{DAY90}') SELECT cohort, (week - cohort) // 7 AS age, count(*) AS n FROM s JOIN "
                f"(SELECT DISTINCT profile_key, date_trunc('week', occurred_at)::DATE AS week {ours(DAY90)}) USING (profile_key) WHERE week BETWEEN cohort AND cohort + 77 GROUP BY ALL",
            ),
            (
                "SELECT sum(n) FROM (SELECT c, w, count() AS n FROM (SELECT profile_key, toMonday(min(ts)) AS c FROM u.ev WHERE event_id = 0 GROUP BY profile_key "
                f"HAVING min(ts) >= toDateTime64('{DAY90}', 6, 'UTC')) AS s INNER JOIN (SELECT DISTINCT profile_key, toMonday(ts) AS w {theirs(DAY90)}) AS v "
                "USING (profile_key) WHERE w BETWEEN c AND c + 77 GROUP BY c, w)",
            ),
            faster=1 / 1.5,
        ),
        Asked(
            "L1",
            "new, returning, resurrected and dormant by day",
            {"kind": "lifecycle", "period": PERIOD},
            _staged,
            (_lifecycle(),),
            (_lifecycle_bitmaps(), _lifecycle_windows()),
            _lifecycle_polars,
            faster=1.0,
        ),
        Asked(
            "L2",
            "new, returning, resurrected and dormant by week",
            {"kind": "lifecycle", "granularity": "week", "period": {"from": "2026-08-24", "to": "2026-11-22"}},
            _staged,
            (_lifecycle("week"),),
        ),
    )


WEIGHT: Final = {"new": 1, "returning": 10, "resurrected": 100, "dormant": 1000}


def _staged(rows: list[dict[str, Any]]) -> float:
    return sum(WEIGHT[row["state"]] * row["users"] for row in rows)


def _lifecycle(unit: str = "day") -> str:
    first = {"day": DAY90, "week": "2026-08-24"}[unit]
    place = {"day": "occurred_at::DATE", "week": "date_trunc('week', occurred_at)::DATE"}[unit]
    before = {"day": "2026-08-24", "week": "2026-08-17"}[unit]
    return (
        f"WITH d AS MATERIALIZED (SELECT CASE WHEN occurred_at < TIMESTAMP '{before}' THEN DATE '2000-01-01' ELSE {place} END AS day, {BITS} AS b "
        f"{ours('2000-01-01')} GROUP BY 1), e AS (SELECT day, b, lag(b) OVER (ORDER BY day) AS y, "
        "bit_or(b) OVER (ORDER BY day ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS ever FROM d) "
        "SELECT day, bit_count(b & ~ever) + 10 * bit_count(b & y) + 100 * bit_count((b & ever) & ~y) + 1000 * bit_count(y & ~b) AS n "
        f"FROM e WHERE day >= DATE '{first}'"
    )


def _lifecycle_bitmaps() -> str:
    return (
        f"WITH d AS (SELECT if(ts < toDateTime64('2026-08-24', 6, 'UTC'), toDate('2000-01-01'), toDate(ts)) AS d, groupBitmapState(profile_key) AS st FROM u.ev GROUP BY d), "
        "e AS (SELECT d, any(st) AS b, groupBitmapMergeState(any(st)) OVER (ORDER BY d ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS ever, "
        "groupBitmapMergeState(any(st)) OVER (ORDER BY d ROWS BETWEEN 1 PRECEDING AND 1 PRECEDING) AS y FROM d GROUP BY d) "
        "SELECT sum(bitmapAndnotCardinality(b, ever) + 10 * bitmapAndCardinality(b, y) + 100 * bitmapAndnotCardinality(bitmapAnd(b, ever), y) "
        f"+ 1000 * bitmapAndnotCardinality(y, b)) FROM e WHERE d >= '{DAY90}'"
    )


def _lifecycle_windows() -> str:
    return (
        "SELECT sum(n) FROM (SELECT d, sum(multiIf(p IS NULL, 1, p = d - 1, 10, 100)) AS n FROM (SELECT d, lagInFrame(toNullable(d)) OVER w AS p FROM (SELECT profile_key, "
        "if(ts < toDateTime64('2026-08-24', 6, 'UTC'), toDate('2000-01-01'), toDate(ts)) AS d FROM u.ev GROUP BY profile_key, d) "
        "WINDOW w AS (PARTITION BY profile_key ORDER BY d ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)) "
        f"WHERE d >= '{DAY90}' GROUP BY d UNION ALL SELECT d + 1, 1000 * count() FROM (SELECT d, leadInFrame(toNullable(d)) OVER v AS q FROM (SELECT profile_key, "
        "toDate(ts) AS d FROM u.ev WHERE ts >= toDateTime64('2026-08-24', 6, 'UTC') GROUP BY profile_key, d) WINDOW v AS (PARTITION BY profile_key ORDER BY d "
        "ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)) WHERE d < '2026-11-22' AND (q IS NULL OR q > d + 1) GROUP BY d)"
    )


def _lifecycle_polars(_: Any, happened: Any) -> float:
    import polars as pl  # noqa: PLC0415 - only where it is compared

    early = pl.date(2026, 8, 24)
    day = pl.when(pl.col("ts").dt.date() < early).then(pl.date(2000, 1, 1)).otherwise(pl.col("ts").dt.date()).alias("d")
    rows = happened.lazy().select("profile_key", day).unique().sort("profile_key", "d")
    same, last = pl.col("profile_key") == pl.col("profile_key").shift(1), pl.col("profile_key") == pl.col("profile_key").shift(-1)
    rows = (
        rows.with_columns(
            pl.when(same).then(pl.col("d").shift(1)).alias("p"), pl.when(last).then(pl.col("d").shift(-1)).alias("q")
        )
        .collect()
        .lazy()
    )
    weight = pl.when(pl.col("p").is_null()).then(1).when(pl.col("p") == pl.col("d") - pl.duration(days=1)).then(10).otherwise(100)
    here = rows.filter(pl.col("d") > early).group_by("d").agg(weight.sum().alias("n"))
    gone = rows.filter(pl.col("d") >= early, pl.col("d") < pl.date(2026, 11, 22)).filter(
        pl.col("q").is_null() | (pl.col("q") > pl.col("d") + pl.duration(days=1))
    )
    return summed(here) + summed(gone.group_by("d").agg((1000 * pl.len()).alias("n")))


def _retention_polars(_: Any, happened: Any) -> float:
    import polars as pl  # noqa: PLC0415 - only where it is compared

    seen = frame(happened, DAY30).select("profile_key", pl.col("ts").dt.date().alias("d")).unique()
    pairs = seen.join(seen.rename({"d": "later"}), on="profile_key").filter(pl.col("later") >= pl.col("d"))
    return summed(pairs.group_by("d", "later").agg(pl.len().alias("n")))


def habits() -> tuple[Asked, ...]:
    """How often, how lately, at which hours, and in which sessions."""
    import polars as pl  # noqa: PLC0415 - only where it is compared

    e90, c90 = ours(DAY90), theirs(DAY90)
    everyone = "SELECT count(*) FROM profiles"
    return (
        Asked(
            "FR",
            "on how many days people were there",
            {"kind": "frequency", "of": _of(None), "counted": "days", "period": PERIOD},
            lambda rows: sum(row["times"] * row["users"] for row in rows),
            (
                f"SELECT times, times * count(*) AS n FROM (SELECT profile_key, least(count(DISTINCT occurred_at::DATE), 15) AS times {e90} GROUP BY profile_key) "
                "GROUP BY times",
                f"SELECT times, times * count(*) AS n FROM (SELECT profile_key, least(bit_count(bit_or(1::HUGEINT << (occurred_at::DATE - DATE '{DAY90}'))), 15) AS times "
                f"{e90} GROUP BY profile_key) GROUP BY times",
                "SELECT times, times * count(*) AS n FROM (SELECT profile_key, least(count(*), 15) AS times FROM (SELECT DISTINCT profile_key, occurred_at::DATE AS day "
                f"{e90}) GROUP BY profile_key) GROUP BY times",
            ),
            (
                "SELECT sum(n) FROM (SELECT t, t * count() AS n FROM (SELECT profile_key, least(uniqExact(toDate(ts)), 15) AS t "
                f"{c90} GROUP BY profile_key) GROUP BY t)",
            ),
            lambda _, e: summed(
                frame(e, DAY90)
                .group_by("profile_key")
                .agg(pl.col("ts").dt.date().n_unique().clip(upper_bound=15).cast(pl.Int64).alias("n"))
            ),
        ),
        Asked(
            "RE",
            "how long ago people did anything",
            {"kind": "recency", "of": _of(None), "period": PERIOD},
            lambda rows: sum((row["days"] or 0) * row["users"] for row in rows),
            (
                "SELECT days, days * count(*) AS n FROM (SELECT CASE WHEN d >= 60 THEN 60 WHEN d >= 30 THEN 30 WHEN d >= 14 THEN 14 WHEN d >= 7 THEN 7 WHEN d >= 3 THEN 3 "
                f"ELSE d END AS days FROM (SELECT DATE '2026-11-22' - max(occurred_at)::DATE AS d {e90} GROUP BY profile_key)) GROUP BY days "
                f"UNION ALL SELECT NULL, 0 * (({everyone}))",
            ),
            (
                "SELECT sum(n) FROM (SELECT days, days * count() AS n FROM (SELECT multiIf(d >= 60, 60, d >= 30, 30, d >= 14, 14, d >= 7, 7, d >= 3, 3, d) AS days FROM "
                f"(SELECT profile_key, dateDiff('day', toDate(max(ts)), toDate('2026-11-22')) AS d {c90} GROUP BY profile_key)) GROUP BY days)",
            ),
        ),
        Asked(
            "RF",
            "value groups of page views",
            {"kind": "rfm", "of": _of("page_view"), "period": PERIOD},
            lambda rows: sum(row["users"] * (10 * row["recency"] + row["score"]) for row in rows if row["recency"]),
            (_scored(),),
        ),
        Asked(
            "RT",
            "movements between value groups",
            {"kind": "transitions", "of": _of("page_view"), "period": PERIOD},
            users,
            (_moved(),),
        ),
        Asked(
            "RH",
            "people by hour and weekday",
            {"kind": "rhythm", "period": PERIOD},
            users,
            (
                f"SELECT isodow(occurred_at) AS day, hour(occurred_at) AS hour, bit_count({BITS}) AS n, count(*) AS events {e90} GROUP BY ALL",
                f"SELECT day, hour, count(*) AS n, sum(e) AS events FROM (SELECT profile_key, isodow(occurred_at) AS day, hour(occurred_at) AS hour, count(*) AS e {e90} "
                "GROUP BY ALL) GROUP BY ALL",
            ),
            (
                f"SELECT sum(n) FROM (SELECT toDayOfWeek(ts) AS d, toHour(ts) AS h, uniqExact(profile_key) AS n, count() {c90} GROUP BY d, h)",
                f"SELECT sum(n) FROM (SELECT toDayOfWeek(ts) AS d, toHour(ts) AS h, groupBitmap(profile_key) AS n, count() {c90} GROUP BY d, h)",
            ),
            lambda _, e: summed(
                frame(e, DAY90)
                .group_by(pl.col("ts").dt.weekday().alias("d"), pl.col("ts").dt.hour().alias("h"))
                .agg(pl.col("profile_key").n_unique().alias("n"), pl.len().alias("events"))
            ),
        ),
        Asked(
            "SE",
            "sessions by day: how many, of whom, how long",
            {"kind": "sessions", "period": PERIOD},
            lambda rows: sum(row["sessions"] for row in rows),
            (_sessions(), _sessions_in_lists()),
            (
                "SELECT sum(n) FROM (SELECT toDate(f) AS d, count() AS n, uniqExact(k) AS u, quantileExact(0.5)(dateDiff('microsecond', f, l)) AS m, avg(e) AS a FROM (SELECT k, min(t) AS f, max(t) AS l, count() AS e FROM "
                "(SELECT profile_key AS k, s.1 AS t, s.2 AS nr FROM (SELECT profile_key, arraySort(groupArray(ts)) AS a, arrayCumSum(arrayMap(g -> g > 1800000000, "
                f"arrayDifference(arrayMap(x -> toUnixTimestamp64Micro(x), a)))) AS c, arrayZip(a, c) AS z {theirs('2026-08-24')} GROUP BY profile_key) ARRAY JOIN z AS s) "
                f"GROUP BY k, nr) WHERE f >= toDateTime64('{DAY90}', 6, 'UTC') GROUP BY d)",
            ),
            _sessions_polars,
        ),
    )


def _scored_people(first: str, last: str) -> str:
    """Scores come of the few different values, not of everybody's place in line."""
    until = f"TIMESTAMP '{last}' + INTERVAL 1 DAY"
    return (
        f"(WITH p AS MATERIALIZED (SELECT profile_key, DATE '{last}' - max(occurred_at)::DATE AS days, count(*) AS times {ours(first, 'page_view', until=until)} GROUP BY 1), "
        "r AS (SELECT days, ((10 * (sum(c) OVER (ORDER BY days DESC) - c) + 5 * c + 2 * sum(c) OVER () - 1) // (2 * sum(c) OVER ()))::INTEGER AS recency "
        "FROM (SELECT days, count(*) AS c FROM p GROUP BY days)), f AS (SELECT times, ((10 * (sum(c) OVER (ORDER BY times) - c) + 5 * c + 2 * sum(c) OVER () - 1) "
        "// (2 * sum(c) OVER ()))::INTEGER AS score FROM (SELECT times, count(*) AS c FROM p GROUP BY times)) "
        "SELECT * FROM p JOIN r USING (days) JOIN f USING (times))"
    )


def _scored() -> str:
    return (
        "SELECT recency, score, count(*) * (10 * recency + score) AS n, avg(days) AS days, avg(times) AS times FROM "
        f"{_scored_people(DAY90, '2026-11-22')} GROUP BY recency, score UNION ALL SELECT NULL, NULL, 0 * count(*), NULL, NULL FROM profiles"
    )


def _moved() -> str:
    now, then = _scored_people(DAY90, "2026-11-22"), _scored_people("2026-07-26", "2026-10-23")
    return (
        "SELECT a.recency, a.score, b.recency, b.score, count(*) AS n FROM (SELECT profile_key, recency, score FROM "
        f"{now}) a FULL JOIN (SELECT profile_key, recency, score FROM {then}) b USING (profile_key) GROUP BY ALL"
    )


def _sessions() -> str:
    return (
        "WITH e AS (SELECT profile_key, occurred_at, coalesce(occurred_at - lag(occurred_at) OVER w > INTERVAL 30 MINUTE, true) AS begins "
        f"{ours('2026-08-24')} WINDOW w AS (PARTITION BY profile_key ORDER BY occurred_at)), numbered AS (SELECT *, sum(begins::INTEGER) OVER (PARTITION BY profile_key "
        "ORDER BY occurred_at ROWS UNBOUNDED PRECEDING) AS nr FROM e), whole AS (SELECT profile_key, min(occurred_at) AS f, epoch(max(occurred_at) - min(occurred_at)) AS took, "
        "count(*) AS events FROM numbered GROUP BY profile_key, nr) SELECT f::DATE AS day, count(*) AS n, count(DISTINCT profile_key) AS users, median(took) AS m, avg(events) AS e "
        f"FROM whole WHERE f >= TIMESTAMP '{DAY90}' GROUP BY 1"
    )


def _sessions_in_lists() -> str:
    """Everybody's moments in one sorted list, and the places of it where a pause ends."""
    return (
        "WITH p AS (SELECT profile_key, list_sort(list(epoch_us(occurred_at))) AS t "
        f"{ours('2026-08-24')} GROUP BY profile_key), b AS (SELECT profile_key, t, list_filter(range(1, len(t) + 1), lambda i: i = 1 OR t[i] - t[i - 1] > 1800000000) AS s FROM p), "
        "whole AS (SELECT profile_key, make_timestamp(t[s[i]]) AS f, (t[coalesce(s[i + 1] - 1, len(t))] - t[s[i]]) / 1e6 AS took, coalesce(s[i + 1], len(t) + 1) - s[i] AS events "
        "FROM b, unnest(range(1, len(s) + 1)) AS u(i)) SELECT f::DATE AS day, count(*) AS n, count(DISTINCT profile_key) AS users, median(took) AS m, avg(events) AS e FROM whole "
        f"WHERE f >= TIMESTAMP '{DAY90}' GROUP BY 1"
    )


def _sessions_polars(_: Any, happened: Any) -> float:
    import polars as pl  # noqa: PLC0415 - only where it is compared

    rows = frame(happened, "2026-08-24").select("profile_key", "ts").sort("profile_key", "ts")
    begins = (pl.col("profile_key") != pl.col("profile_key").shift(1)) | (
        pl.col("ts") - pl.col("ts").shift(1) > pl.duration(minutes=30)
    )
    whole = (
        rows.with_columns(begins.fill_null(value=True).cum_sum().alias("nr"))
        .group_by("nr")
        .agg(
            pl.col("profile_key").first(),
            pl.col("ts").first().alias("f"),
            (pl.col("ts").last() - pl.col("ts").first()).alias("took"),
            pl.len().alias("e"),
        )
        .filter(pl.col("f") >= pl.lit(DAY90).str.to_datetime(time_unit="us"))
    )
    return summed(
        whole.group_by(pl.col("f").dt.date()).agg(
            pl.len().alias("n"), pl.col("profile_key").n_unique().alias("u"), pl.col("took").median(), pl.col("e").mean()
        )
    )


def on_the_way() -> tuple[Asked, ...]:
    """Funnels and paths."""
    steps = [_of(each) for each in STEPS]
    first, second, third = (NUMBER[each] + FIRST for each in STEPS)
    mine, other = ours(DAY90, *STEPS), theirs(DAY90, *STEPS)
    one, two, three = (NUMBER[each] for each in STEPS)
    reached = lambda rows: sum(row["users"] for row in rows if row["state"] == "reached")  # noqa: E731 - shared by two
    return (
        Asked(
            "F1",
            "view, cart, purchase within a week",
            {"kind": "funnel", "steps": steps, "period": PERIOD},
            reached,
            (
                f"WITH r AS MATERIALIZED (SELECT profile_key, event_id, occurred_at {mine}), a AS MATERIALIZED (SELECT profile_key, occurred_at AS t1 FROM r WHERE event_id = {first}), "
                f"b AS MATERIALIZED (SELECT a.*, n.occurred_at AS t2 FROM a ASOF JOIN (SELECT profile_key, occurred_at FROM r WHERE event_id = {second}) n "
                "ON a.profile_key = n.profile_key AND a.t1 < n.occurred_at WHERE n.occurred_at <= t1 + INTERVAL 7 DAY), "
                f"c AS (SELECT b.*, n.occurred_at AS t3 FROM b ASOF JOIN (SELECT profile_key, occurred_at FROM r WHERE event_id = {third}) n "
                "ON b.profile_key = n.profile_key AND b.t2 < n.occurred_at WHERE n.occurred_at <= t1 + INTERVAL 7 DAY) "
                "SELECT count(DISTINCT profile_key) AS n FROM a UNION ALL SELECT count(DISTINCT profile_key) FROM b UNION ALL SELECT count(DISTINCT profile_key) FROM c",
            ),
            (
                "SELECT countIf(l >= 1) + countIf(l >= 2) + countIf(l >= 3) FROM (SELECT profile_key, windowFunnel(604800000000)(toUInt64(toUnixTimestamp64Micro(ts)), "
                f"event_id = {one}, event_id = {two}, event_id = {three}) AS l {other} GROUP BY profile_key)",
            ),
            _funnel_polars,
            faster=1 / 1.5,
        ),
        Asked(
            "F2",
            "the same steps, nothing between them",
            {"kind": "funnel", "steps": steps, "order": "strict", "period": PERIOD},
            reached,
            (
                f"WITH k AS MATERIALIZED (SELECT DISTINCT profile_key {ours(DAY90, STEPS[0])}), "
                f"r AS (SELECT profile_key, event_id AS e1, occurred_at AS t1, lead(event_id) OVER w AS e2, lead(occurred_at) OVER w AS t2, lead(event_id, 2) OVER w AS e3, "
                f"lead(occurred_at, 2) OVER w AS t3 {ours(DAY90)} AND profile_key IN (FROM k) WINDOW w AS (PARTITION BY profile_key ORDER BY occurred_at)), "
                f"l AS (SELECT profile_key, max(CASE WHEN e2 = {second} AND t2 <= t1 + INTERVAL 7 DAY THEN CASE WHEN e3 = {third} AND t3 <= t1 + INTERVAL 7 DAY THEN 3 ELSE 2 END ELSE 1 END) AS l "
                f"FROM r WHERE e1 = {first} GROUP BY profile_key) SELECT sum(l) AS n FROM l",
                f"WITH k AS MATERIALIZED (SELECT DISTINCT profile_key {ours(DAY90, STEPS[0])}), "
                "p AS (SELECT profile_key, list_sort(list((epoch_us(occurred_at) - 1787616000000000) * 65536 + event_id)) AS t "
                f"{ours(DAY90)} AND profile_key IN (FROM k) GROUP BY profile_key), l AS (SELECT list_max(list_transform(range(1, len(t) + 1), lambda i: CASE WHEN t[i] & 65535 <> {first} THEN 0 "
                f"WHEN coalesce(t[i + 1] & 65535 <> {second} OR (t[i + 1] >> 16) - (t[i] >> 16) > 604800000000, true) THEN 1 "
                f"WHEN coalesce(t[i + 2] & 65535 <> {third} OR (t[i + 2] >> 16) - (t[i] >> 16) > 604800000000, true) THEN 2 ELSE 3 END)) AS l FROM p) SELECT sum(l) AS n FROM l",
            ),
        ),
        Asked(
            "F3",
            "the same steps in any order",
            {"kind": "funnel", "steps": steps, "order": "any", "period": PERIOD},
            reached,
            (
                f"WITH r AS (SELECT profile_key, occurred_at, (CASE event_id WHEN {first} THEN 1 WHEN {second} THEN 2 ELSE 4 END)::UTINYINT AS m {mine}), "
                "a AS (SELECT profile_key, bit_or(m) OVER (PARTITION BY profile_key ORDER BY occurred_at RANGE BETWEEN CURRENT ROW AND INTERVAL 7 DAY FOLLOWING) AS seen FROM r) "
                "SELECT sum(l) AS n FROM (SELECT profile_key, max(bit_count(seen)) AS l FROM a GROUP BY profile_key)",
            ),
        ),
        Asked(
            "F4",
            "view, cart, purchase day by day",
            {"kind": "funnel", "steps": steps, "shows": "over_time", "period": PERIOD},
            reached,
            (
                f"WITH r AS MATERIALIZED (SELECT profile_key, event_id, occurred_at {mine}), a AS MATERIALIZED (SELECT profile_key, occurred_at AS t1 FROM r WHERE event_id = {first}), "
                f"b AS MATERIALIZED (SELECT a.*, n.occurred_at AS t2 FROM a ASOF JOIN (SELECT profile_key, occurred_at FROM r WHERE event_id = {second}) n "
                "ON a.profile_key = n.profile_key AND a.t1 < n.occurred_at WHERE n.occurred_at <= t1 + INTERVAL 7 DAY), "
                f"c AS (SELECT b.*, n.occurred_at AS t3 FROM b ASOF JOIN (SELECT profile_key, occurred_at FROM r WHERE event_id = {third}) n "
                "ON b.profile_key = n.profile_key AND b.t2 < n.occurred_at WHERE n.occurred_at <= t1 + INTERVAL 7 DAY) "
                "SELECT t1::DATE AS day, count(DISTINCT profile_key) AS n FROM a GROUP BY 1 UNION ALL SELECT t1::DATE, count(DISTINCT profile_key) FROM b GROUP BY 1 "
                "UNION ALL SELECT t1::DATE, count(DISTINCT profile_key) FROM c GROUP BY 1",
            ),
        ),
        Asked(
            "P1",
            "what people do after a session starts",
            {"kind": "paths", "of": _of("session_start"), "period": PERIOD},
            lambda rows: sum(row["users"] for row in rows if not row["onward"] and row["step"] != "end"),
            (_paths(),),
        ),
        Asked(
            "P2",
            "the same, session by session",
            {"kind": "paths", "of": _of("session_start"), "count": "sessions", "period": PERIOD},
            lambda rows: sum(row["paths"] for row in rows if not row["onward"] and row["step"] != "end"),
            (_paths_by_session(),),
        ),
    )


def _funnel_polars(_: Any, happened: Any) -> float:
    import polars as pl  # noqa: PLC0415 - only where it is compared

    def of(event: str, column: str) -> Any:
        return frame(happened, DAY90, event).select("profile_key", pl.col("ts").alias(column)).sort(column)

    within, found = pl.duration(days=7), []
    reached = of(STEPS[0], "t1")
    found.append(reached)
    for step, event in enumerate(STEPS[1:], start=2):
        last, here = f"t{step - 1}", f"t{step}"
        reached = (
            reached.sort(last)
            .join_asof(
                of(event, here).with_columns(pl.col(here).alias("at")),
                left_on=last,
                right_on="at",
                by="profile_key",
                strategy="forward",
                allow_exact_matches=False,
            )
            .filter(pl.col(here).is_not_null(), pl.col(here) <= pl.col("t1") + within)
            .drop("at", strict=False)
        )
        found.append(reached)
    return sum(float(each.select(pl.col("profile_key").n_unique()).collect().item()) for each in found)


def _paths() -> str:
    """The five nearest moments from the first start of a session on, as numbers of moment and event."""
    began = NUMBER["session_start"] + FIRST
    return (
        f"WITH o AS MATERIALIZED (SELECT profile_key, (min(epoch_us(occurred_at)) - 1787616000000000) * 65536 + {began} AS origin {ours(DAY90, 'session_start')} GROUP BY profile_key), "
        f"near AS (SELECT profile_key, min((epoch_us(occurred_at) - 1787616000000000) * 65536 + event_id, 5) AS t FROM events JOIN o USING (profile_key) WHERE event_id >= {FIRST} "
        f"AND occurred_at >= TIMESTAMP '{DAY90}' AND occurred_at < {END} AND (epoch_us(occurred_at) - 1787616000000000) * 65536 + event_id >= origin GROUP BY profile_key), "
        "cut AS (SELECT t, coalesce(list_filter(range(2, len(t) + 1), lambda i: (t[i] >> 16) - (t[i - 1] >> 16) > 1800000000)[1] - 1, len(t)) AS whole FROM near) "
        "SELECT level, t[level] & 65535 AS step, t[level + 1] & 65535 AS onward, count(*) AS n FROM cut, unnest(range(1, whole + 1)) AS u(level) GROUP BY ALL"
    )


def _paths_by_session() -> str:
    began = NUMBER["session_start"] + FIRST
    return (
        f"WITH k AS MATERIALIZED (SELECT DISTINCT profile_key {ours(DAY90, 'session_start')}), p AS (SELECT profile_key, list_sort(list((epoch_us(occurred_at) - 1787616000000000) * 65536 + event_id)) AS t "
        f"{ours(DAY90)} AND profile_key IN (FROM k) GROUP BY profile_key), "
        "b AS (SELECT profile_key, t, list_filter(range(1, len(t) + 1), lambda i: i = 1 OR (t[i] >> 16) - (t[i - 1] >> 16) > 1800000000) AS s FROM p), "
        "whole AS (SELECT profile_key, t[s[i] : coalesce(s[i + 1] - 1, len(t))] AS t FROM b, unnest(range(1, len(s) + 1)) AS u(i)), "
        f"cut AS (SELECT profile_key, t[list_position(list_transform(t, lambda x: x & 65535), {began}) :][1 : 5] AS t FROM whole "
        f"WHERE list_contains(list_transform(t, lambda x: x & 65535), {began})) "
        "SELECT level, t[level] & 65535 AS step, t[level + 1] & 65535 AS onward, count(*) AS n, count(DISTINCT profile_key) AS users FROM cut, unnest(range(1, len(t) + 1)) AS u(level) GROUP BY ALL"
    )


def present() -> tuple[Asked, ...]:
    """What profiles are now."""
    import polars as pl  # noqa: PLC0415 - only where it is compared

    return (
        Asked(
            "GE",
            "people by country",
            {"kind": "geography"},
            users,
            ("SELECT country, count(*) AS n FROM profiles GROUP BY country",),
            ("SELECT sum(n) FROM (SELECT country, count() AS n FROM u.p GROUP BY country)",),
            lambda p, _: summed(p.lazy().group_by("country").agg(pl.len().alias("n"))),
        ),
        Asked(
            "V1",
            "a figure in steps",
            {"kind": "values", "property": "figure1", "most": 15},
            users,
            (
                "WITH e AS (SELECT quantile_cont(figure1, [0.01, 0.99]) AS q, count(DISTINCT figure1) FROM profiles) SELECT least(greatest(floor(figure1 / 5), floor(q[1] / 5)), ceil(q[2] / 5)) AS step, "
                "count(*) AS n FROM profiles, e GROUP BY 1",
            ),
        ),
        Asked(
            "V2",
            "the commonest of 60,000 texts",
            {"kind": "values", "property": "text9", "most": 15},
            users,
            (
                "WITH m AS MATERIALIZED (SELECT text9, count(*) AS c FROM profiles GROUP BY text9), r AS (SELECT *, row_number() OVER (ORDER BY text9 IS NULL, c DESC, text9) AS place FROM m) "
                "SELECT CASE WHEN text9 IS NULL THEN 'none' WHEN place <= 15 THEN '=' || text9 ELSE 'other' END AS value, sum(c) AS n FROM r GROUP BY 1",
            ),
        ),
        Asked(
            "V3",
            "a figure against the country",
            {"kind": "values", "property": "figure1", "across": "country", "most": 15},
            users,
            (
                "WITH e AS (SELECT quantile_cont(figure1, [0.01, 0.99]) AS q, count(DISTINCT figure1) FROM profiles), s AS MATERIALIZED (SELECT least(greatest(floor(figure1 / 5), floor(q[1] / 5)), ceil(q[2] / 5)) AS step, "
                "country, count(*) AS c FROM profiles, e GROUP BY ALL), r AS (SELECT country, row_number() OVER (ORDER BY country IS NULL, sum(c) DESC) AS place FROM s GROUP BY country) "
                "SELECT step, CASE WHEN place <= 15 THEN s.country END AS across, sum(c) AS n FROM s JOIN r ON s.country IS NOT DISTINCT FROM r.country GROUP BY ALL",
            ),
        ),
        Asked(
            "RA",
            "who can be reached, channel by channel",
            {"kind": "reachability"},
            only(channel="any", step="members"),
            (
                "SELECT email IS NOT NULL, contains(email, '@'), \"emailOptin\", phone IS NOT NULL, starts_with(phone, '+') AND "
                'strlen(phone) BETWEEN 8 AND 16, "whatsappOptin", "smsOptin", count(*) AS n FROM profiles GROUP BY ALL',
            ),
        ),
    )
