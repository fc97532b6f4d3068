"""Sixteen questions asked of every contender: `python -m tests.benchmarks.questions [--users N] [--events N] [--folder DIR] [--beside DIR] [--more N]`.

Each is a rule for us, and the same question by hand: in the fastest shapes of DuckDB on our own
file, in ClickHouse's SQL and in polars. They are asked in turn in one run, the least time of each after a warm-up,
our kept leaves let go before each, and all must find the same number of people.

Each is asked twice, like for like. How many they are, as lists of segments and the HTTP interface do, beside the counts by hand and
of the other engines. And who they are, as a bitmap of their profile keys in Python, as every page about people does, beside the
quickest of the same shapes by hand that end with the profile keys in Python as well, as the bytes of a bitmap or an array (`handing`).

With `--beside` ours alone are asked, of a
folder with more events too, made where it is empty, and it is told how much longer that takes: a hundred million events take some
25 minutes to make, 4.2 GB of disk and 1.8 GB of memory.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.benchmarks import contenders, glances, handing, load
from tests.benchmarks.timing import in_turn
from user360 import segments
from user360.segments import asking
from user360.sql import Sql

if TYPE_CHECKING:
    from collections.abc import Callable

    from user360.people import People
    from user360.segments import Compiled
    from user360.store import Store

RUNS: Final = 7
FIRST: Final = contenders.FIRST_EVENT
NUMBER: Final = {name: place for place, name in enumerate(load.EVENTS)}
NOW: Final = "TIMESTAMP '2026-11-23'"


def _did(event: str, **parts: Any) -> dict[str, Any]:
    return {"event": event, **parts}


def _last(days: int) -> dict[str, Any]:
    return {"last": days, "unit": "day"}


def _times(count: int) -> dict[str, Any]:
    return {"operator": "at_least", "values": [count]}


def _is(name: str, operator: str, *values: Any) -> dict[str, Any]:
    return (
        {"property": name, "operator": operator, "values": list(values)} if values else {"property": name, "operator": operator}
    )


NEVER: Final = {"operator": "exactly", "values": [0]}
ABOVE_100: Final = {
    "match": "all",
    "conditions": [{"property": "amount", "type": "number", "operator": "greater_than", "values": [100]}],
}
SUM: Final = {"function": "sum", "property": "amount"}


@dataclass(frozen=True, slots=True)
class Question:
    """`rule` are the conditions of ours; `shapes` the same in DuckDB by hand; `clickhouse` its texts; `polars` of the two frames."""

    key: str
    title: str
    rule: list[dict[str, Any]]
    shapes: tuple[str, ...]
    clickhouse: tuple[str, ...]
    polars: Callable[[Any, Any], int]
    match: str = "all"


def _bits(inner: str) -> str:
    return f"((SELECT bitstring_agg(profile_key, 0, {{last}}) FROM ({inner})))"


def _count(inner: str) -> str:
    return f"SELECT count(*) FROM ({inner})"


def _e(event: str, days: int | None = None, more: str = "") -> str:
    """Our rows of an event, by hand."""
    span = f" AND occurred_at > {NOW} - to_days({days}) AND occurred_at <= {NOW}" if days else f" AND occurred_at <= {NOW}"
    return f"FROM events WHERE event_id = {NUMBER[event] + FIRST}{span}{more}"


def _c(event: str, days: int | None = None, more: str = "") -> str:
    """ClickHouse's rows of an event."""
    span = f" AND ts > toDateTime64('2026-11-23', 6, 'UTC') - toIntervalDay({days})" if days else ""
    return f"FROM u.ev WHERE event_id = {NUMBER[event]}{span}{more}"


def _since(days: int) -> Any:
    import polars as pl  # noqa: PLC0415 - only where it is compared

    return pl.lit(load.NOW).cast(pl.Datetime("us")) - pl.duration(days=days)


def _p(happened: Any, event: str, days: int | None = None) -> Any:
    """Polars' rows of an event."""
    import polars as pl  # noqa: PLC0415 - only where it is compared

    rows = happened.lazy().filter(pl.col("event_id") == NUMBER[event])
    return rows.filter(pl.col("ts") > _since(days)) if days else rows


def _who(rows: Any) -> Any:
    return rows.select("profile_key").unique()


def _often(rows: Any, count: int) -> Any:
    import polars as pl  # noqa: PLC0415 - only where it is compared

    return rows.group_by("profile_key").agg(pl.len().alias("n")).filter(pl.col("n") >= count).select("profile_key")


def _size(rows: Any) -> int:
    import polars as pl  # noqa: PLC0415 - only where it is compared

    return int(rows.select(pl.len()).collect().item())


def _of(people: Any, *conditions: Any) -> int:
    return _size(people.lazy().filter(*conditions))


def questions() -> tuple[Question, ...]:
    """S1 to S9 about events, P1 to Pl about properties."""
    import polars as pl  # noqa: PLC0415 - only where it is compared

    purchases = "SELECT DISTINCT profile_key " + _e("purchase", None, " AND TRY_CAST(properties.amount AS DOUBLE) > 100")
    beside = "SELECT DISTINCT profile_key " + _e("purchase", None, " AND figure1 > 100")
    s4 = (
        f"SELECT profile_key {_e('page_view', 30)} GROUP BY 1 HAVING count(*) >= 2",
        f"SELECT profile_key {_e('purchase', 90)}",
        f"SELECT profile_key {_e('email_opened', 30)}",
        f"SELECT profile_key {_e('unsubscribe')}",
    )
    c4 = (
        f"SELECT profile_key {_c('page_view', 30)} GROUP BY profile_key HAVING count(*) >= 2",
        f"SELECT profile_key {_c('purchase', 90)}",
        f"SELECT profile_key {_c('email_opened', 30)}",
        f"SELECT profile_key {_c('unsubscribe')}",
    )
    eight = (
        "country = 'US' AND figure1 > 10 AND figure2 BETWEEN 50 AND 400 AND flag3 AND text1 = 'value 3 of 1' AND "
        f'"createdAt" > {NOW} - to_days(400) AND "createdAt" <= {NOW} AND day1 < DATE \'2024-06-01\' AND email IS NOT NULL'
    )
    five = ("firstName", "lastName", "email", "city", "text5")
    any_of_five = " OR ".join(f"\"{each}\" ILIKE '%ame12%'" for each in five)
    return (
        Question(
            "S1",
            "purchase at least 3 times in 30 days",
            [_did("purchase", times=_times(3), during=_last(30))],
            (
                _count(f"SELECT profile_key {_e('purchase', 30)} GROUP BY 1 HAVING count(*) >= 3"),
                f"SELECT bit_count{_bits('SELECT profile_key ' + _e('purchase', 30) + ' GROUP BY 1 HAVING count(*) >= 3')}",
            ),
            (_count(f"SELECT profile_key {_c('purchase', 30)} GROUP BY profile_key HAVING count(*) >= 3"),),
            lambda _, e: _size(_often(_p(e, "purchase", 30), 3)),
        ),
        Question(
            "S2",
            "product view and no purchase in 7 days",
            [_did("product_view", during=_last(7)), _did("purchase", times=NEVER, during=_last(7))],
            (
                f"SELECT bit_count({_bits('SELECT profile_key ' + _e('product_view', 7))} & "
                f"~{_bits('SELECT profile_key ' + _e('purchase', 7))})",
                _count(f"SELECT profile_key {_e('product_view', 7)} EXCEPT SELECT profile_key {_e('purchase', 7)}"),
            ),
            (
                f"SELECT count(*) FROM (SELECT DISTINCT profile_key {_c('product_view', 7)}) "
                f"WHERE profile_key NOT IN (SELECT profile_key {_c('purchase', 7)})",
                f"SELECT bitmapAndnotCardinality((SELECT groupBitmapState(profile_key) {_c('product_view', 7)}), "
                f"(SELECT groupBitmapState(profile_key) {_c('purchase', 7)}))",
            ),
            lambda _, e: _size(_who(_p(e, "product_view", 7)).join(_who(_p(e, "purchase", 7)), on="profile_key", how="anti")),
        ),
        Question(
            "S3",
            "purchase with amount over 100, ever",
            [_did("purchase", where=ABOVE_100)],
            tuple(
                shape
                for each in (purchases, beside)
                for shape in (_count(each), f"SELECT bit_count{_bits(each.replace('DISTINCT ', ''))}")
            ),
            (
                f"SELECT uniqExact(profile_key) {_c('purchase', None, ' AND amount > 100')}",
                f"SELECT groupBitmap(profile_key) {_c('purchase', None, ' AND amount > 100')}",
            ),
            lambda _, e: _size(_who(_p(e, "purchase").filter(pl.col("amount") > 100))),
        ),
        Question(
            "S4",
            "four events, one of them never",
            [
                _did("page_view", times=_times(2), during=_last(30)),
                _did("purchase", during=_last(90)),
                _did("email_opened", during=_last(30)),
                _did("unsubscribe", times=NEVER),
            ],
            (
                f"SELECT bit_count({_bits(s4[0])} & {_bits(s4[1])} & {_bits(s4[2])} & ~{_bits(s4[3])})",
                _count(f"({s4[0]}) INTERSECT ({s4[1]}) INTERSECT ({s4[2]}) EXCEPT ({s4[3]})"),
            ),
            (
                f"SELECT count(*) FROM u.p WHERE profile_key IN ({c4[0]}) AND profile_key IN ({c4[1]}) "
                f"AND profile_key IN ({c4[2]}) AND profile_key NOT IN ({c4[3]})",
                "SELECT bitmapCardinality(bitmapAndnot(bitmapAnd(bitmapAnd("
                + ", ".join(f"(SELECT groupBitmapState(profile_key) FROM ({each}))" for each in c4[:2])
                + f"), (SELECT groupBitmapState(profile_key) FROM ({c4[2]}))), (SELECT groupBitmapState(profile_key) FROM ({c4[3]}))))",
            ),
            lambda _, e: _size(
                _often(_p(e, "page_view", 30), 2)
                .join(_who(_p(e, "purchase", 90)), on="profile_key", how="semi")
                .join(_who(_p(e, "email_opened", 30)), on="profile_key", how="semi")
                .join(_who(_p(e, "unsubscribe")), on="profile_key", how="anti")
            ),
        ),
        Question(
            "S5",
            "purchase at least twice in 90 days and three properties",
            [
                _did("purchase", times=_times(2), during=_last(90)),
                _is("country", "is", "US", "DE"),
                _is("figure1", "greater_than", 10),
                _is("tags", "contains_any", "vip"),
            ],
            (
                "SELECT count(*) FROM profiles WHERE country IN ('US', 'DE') AND figure1 > 10 AND profile_key IN "
                "(SELECT profile_key FROM profile_tags JOIN tags USING (tag_id) WHERE name = 'vip') AND profile_key IN "
                f"(SELECT profile_key {_e('purchase', 90)} GROUP BY 1 HAVING count(*) >= 2)",
            ),
            (
                "SELECT count(*) FROM u.p WHERE country IN ('US', 'DE') AND figure1 > 10 AND has(tags, 'vip') AND profile_key IN "
                f"(SELECT profile_key {_c('purchase', 90)} GROUP BY profile_key HAVING count(*) >= 2)",
            ),
            lambda p, e: _size(
                p.lazy()
                .filter(pl.col("country").is_in(["US", "DE"]), pl.col("figure1") > 10, pl.col("tags").list.contains("vip"))
                .join(_often(_p(e, "purchase", 90), 2), on="profile_key", how="semi")
            ),
        ),
        Question(
            "S6",
            "never purchased",
            [_did("purchase", times=NEVER)],
            (
                f"SELECT (SELECT count(*) FROM profiles) - bit_count{_bits('SELECT profile_key ' + _e('purchase'))}",
                f"SELECT count(*) FROM profiles ANTI JOIN (SELECT profile_key {_e('purchase')}) USING (profile_key)",
            ),
            (
                f"SELECT count(*) FROM u.p WHERE profile_key NOT IN (SELECT profile_key {_c('purchase')})",
                f"SELECT (SELECT count(*) FROM u.p) - groupBitmap(profile_key) {_c('purchase')}",
            ),
            lambda p, e: _size(p.lazy().join(_who(_p(e, "purchase")), on="profile_key", how="anti")),
        ),
        Question(
            "S7",
            "purchases of over 500 in 180 days",
            [_did("purchase", measure=SUM, operator="greater_than", values=[500], during=_last(180))],
            (
                _count(
                    f"SELECT profile_key {_e('purchase', 180)} GROUP BY 1 HAVING sum(TRY_CAST(properties.amount AS DOUBLE)) > 500"
                ),
                _count(f"SELECT profile_key {_e('purchase', 180)} GROUP BY 1 HAVING sum(figure1) > 500"),
            ),
            (_count(f"SELECT profile_key {_c('purchase', 180)} GROUP BY profile_key HAVING sum(amount) > 500"),),
            lambda _, e: _size(
                _p(e, "purchase", 180).group_by("profile_key").agg(pl.col("amount").sum()).filter(pl.col("amount") > 500)
            ),
        ),
        Question(
            "S8",
            "first purchase in the last 30 days",
            [_did("purchase", occurrence="first", operator="in_the_last", values=[30, "day"])],
            (
                f"SELECT bit_count({_bits('SELECT profile_key ' + _e('purchase', 30))} & "
                f"~{_bits('SELECT profile_key ' + _e('purchase') + f' AND occurred_at <= {NOW} - to_days(30)')})",
                _count(f"SELECT profile_key {_e('purchase')} GROUP BY 1 HAVING min(occurred_at) > {NOW} - to_days(30)"),
            ),
            (
                _count(
                    f"SELECT profile_key {_c('purchase')} GROUP BY profile_key "
                    "HAVING min(ts) > toDateTime64('2026-11-23', 6, 'UTC') - toIntervalDay(30)"
                ),
            ),
            lambda _, e: _size(
                _p(e, "purchase").group_by("profile_key").agg(pl.col("ts").min()).filter(pl.col("ts") > _since(30))
            ),
        ),
        Question(
            "S8b",
            "page view ever",
            [_did("page_view")],
            (
                f"SELECT bit_count{_bits('SELECT profile_key ' + _e('page_view'))}",
                f"SELECT count(DISTINCT profile_key) {_e('page_view')}",
            ),
            (f"SELECT uniqExact(profile_key) {_c('page_view')}", f"SELECT groupBitmap(profile_key) {_c('page_view')}"),
            lambda _, e: _size(_who(_p(e, "page_view"))),
        ),
        Question(
            "S9",
            "view, then purchase within one day, in 30 days",
            [
                {
                    "sequence": [{"event": "product_view"}, {"event": "purchase"}],
                    "within": {"value": 1, "unit": "day"},
                    "during": _last(30),
                }
            ],
            (
                f"SELECT count(DISTINCT profile_key) FROM (SELECT profile_key, occurred_at {_e('product_view', 30)}) v WHERE EXISTS "
                f"(SELECT 1 FROM (SELECT profile_key, occurred_at {_e('purchase', 30)}) b WHERE b.profile_key = v.profile_key "
                "AND b.occurred_at > v.occurred_at AND b.occurred_at <= v.occurred_at + to_days(1))",
                f"SELECT count(DISTINCT v.profile_key) FROM (SELECT profile_key, occurred_at {_e('product_view', 30)}) v ASOF JOIN "
                f"(SELECT profile_key, occurred_at {_e('purchase', 30)}) b ON b.profile_key = v.profile_key "
                "AND v.occurred_at < b.occurred_at WHERE b.occurred_at <= v.occurred_at + to_days(1)",
            ),
            (
                f"SELECT uniqExact(v.profile_key) FROM (SELECT profile_key, ts {_c('product_view', 30)}) v ASOF JOIN "
                f"(SELECT profile_key, ts {_c('purchase', 30)}) b ON b.profile_key = v.profile_key AND v.ts < b.ts "
                "WHERE b.ts <= v.ts + toIntervalDay(1)",
            ),
            lambda _, e: _size(
                _who(
                    _p(e, "product_view", 30)
                    .select("profile_key", "ts")
                    .join(_p(e, "purchase", 30).select("profile_key", pl.col("ts").alias("bought")), on="profile_key")
                    .filter(pl.col("bought") > pl.col("ts"), pl.col("bought") <= pl.col("ts") + pl.duration(days=1))
                )
            ),
        ),
        _wide(
            "P1", "one property", [_is("country", "is", "US")], "country = 'US'", lambda p, _: _of(p, pl.col("country") == "US")
        ),
        _wide(
            "P3",
            "three properties",
            [_is("country", "is", "US"), _is("figure1", "greater_than", 10), _is("figure2", "between", 50, 400)],
            "country = 'US' AND figure1 > 10 AND figure2 BETWEEN 50 AND 400",
            lambda p, _: _of(p, pl.col("country") == "US", pl.col("figure1") > 10, pl.col("figure2").is_between(50, 400)),
        ),
        _wide(
            "P8",
            "eight properties",
            [
                _is("country", "is", "US"),
                _is("figure1", "greater_than", 10),
                _is("figure2", "between", 50, 400),
                _is("flag3", "is_true"),
                _is("text1", "is", "value 3 of 1"),
                _is("createdAt", "in_the_last", 400, "day"),
                _is("day1", "before", "2024-06-01"),
                _is("email", "is_known"),
            ],
            eight,
            lambda p, _: _of(
                p,
                pl.col("country") == "US",
                pl.col("figure1") > 10,
                pl.col("figure2").is_between(50, 400),
                pl.col("flag3"),
                pl.col("text1") == "value 3 of 1",
                pl.col("createdAt") > _since(400),
                pl.col("createdAt") <= _since(0),
                pl.col("day1") < pl.date(2024, 6, 1),
                pl.col("email").is_not_null(),
            ),
        ),
        _wide(
            "Pc",
            "email contains",
            [_is("email", "contains", "acme")],
            "email LIKE '%acme%'",
            lambda p, _: _of(p, pl.col("email").str.contains("acme", literal=True)),
        ),
        _wide(
            "Pci",
            "any of five texts contains, case ignored",
            [_is(each, "contains", "ame12") for each in five],
            any_of_five,
            lambda p, _: _of(
                p,
                pl.any_horizontal(
                    [pl.col(each).str.to_lowercase().str.contains("ame12", literal=True).fill_null(False) for each in five]
                ),
            ),
            match="any",
        ),
        Question(
            "Pl",
            "a list contains",
            [_is("tags", "contains_any", "vip")],
            (
                "SELECT count(*) FROM profiles SEMI JOIN (SELECT profile_key FROM profile_tags JOIN tags USING (tag_id) WHERE name = 'vip') "
                "USING (profile_key)",
            ),
            ("SELECT count(*) FROM u.p WHERE has(tags, 'vip')",),
            lambda p, _: _of(p, pl.col("tags").list.contains("vip")),
        ),
    )


def _wide(
    key: str, title: str, rule: list[dict[str, Any]], where: str, polars: Callable[[Any, Any], int], match: str = "all"
) -> Question:
    """A question to the wide table alone, which reads nearly the same everywhere."""
    theirs = where.replace(f"{NOW} - to_days(400)", "toDateTime64('2026-11-23', 6, 'UTC') - toIntervalDay(400)")
    theirs = theirs.replace(NOW, "toDateTime64('2026-11-23', 6, 'UTC')").replace("DATE '2024-06-01'", "toDate('2024-06-01')")
    return Question(
        key,
        title,
        rule,
        (f"SELECT count(*) FROM profiles WHERE {where}",),
        (f"SELECT count(*) FROM u.p WHERE {theirs}",),
        polars,
        match,
    )


# -- asking -------------------------------------------------------------------------------------


def _by_hand(store: Store, text: str) -> int:
    return int(store.rows(Sql(text))[0][0])


def _in_clickhouse(clickhouse: Any, text: str) -> int:
    return int(str(clickhouse.query(text)).strip())


def _by_us(store: Store, asked: Question, how: Callable[[Store, Compiled], People | int]) -> Callable[[], int]:
    """Our way to find the people of a question, or how many they are, no leaf kept from before."""
    rule = segments.parse({"match": asked.match, "conditions": asked.rule})
    catalog = segments.load_catalog(store)

    def ask() -> int:
        asking.forget_leaves()
        found = how(store, segments.compile(rule, catalog, at=contenders.AT))
        return found if isinstance(found, int) else len(found)

    return ask


def grown(store: Store, more: Store, runs: int) -> None:
    """Print how much longer each question takes where there are more events."""
    print("| | question | ours, ms | with more events | times |")
    print("|---|---|--:|--:|--:|")
    ratios = []
    for each in questions():
        (few, many), _ = in_turn([[_by_us(one, each, asking.people)] for one in (store, more)], runs)
        ratios.append(many / few)
        print(f"| {each.key} | {each.title} | {few:.1f} | {many:.1f} | {many / few:.2f} |", flush=True)
    print(f"\ngeometric mean {statistics.geometric_mean(ratios):.2f}, most {max(ratios):.2f}")


def compare(store: Store, clickhouse: Any, frames: tuple[Any, Any], runs: int) -> None:
    """Print the table."""
    last = (store.people(Sql("SELECT profile_key FROM profiles")).room) - 1
    print(
        "| | question | how many, ms | by hand | ours / by hand | chDB | chDB / ours | polars | polars / ours "
        "| who, ms | by hand | ours / by hand |"
    )
    print("|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
    ratios = []
    for each in questions():
        hand = [partial(_by_hand, store, text.replace("{last}", str(last))) for text in each.shapes]
        theirs = [partial(_in_clickhouse, clickhouse, text) for text in each.clickhouse]
        people = handing.ways(store, each.shapes, last)
        ours = [[_by_us(store, each, how)] for how in (asking.how_many, asking.people)]
        (counted, by_hand, chdb, polars, named, handed), found = in_turn(
            [ours[0], hand, theirs, [partial(each.polars, *frames)], ours[1], people], runs
        )
        numbers = set.union(*found)
        if len(numbers) > 1:
            raise SystemExit(f"{each.key}: the contenders do not agree: {found}")
        ratios.append(chdb / counted)
        print(
            f"| {each.key} | {each.title} ({numbers.pop():,}) | {counted:.1f} | {by_hand:.1f} | {counted / by_hand:.2f} | {chdb:.1f} | "
            f"{chdb / counted:.2f} | {polars:.1f} | {polars / counted:.2f} | {named:.1f} | {handed:.1f} | {named / handed:.2f} |",
            flush=True,
        )
    print(f"\nchDB / ours: geometric mean {statistics.geometric_mean(ratios):.2f}, least {min(ratios):.2f}")


def main() -> None:
    """Make the load where it is not there yet, ask, print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.questions", description=__doc__)
    parser.add_argument("--users", type=int, default=1_000_000)
    parser.add_argument("--events", type=int, default=20_000_000)
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--beside", type=Path)
    parser.add_argument("--more", type=int, default=100_000_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="user360-questions-") as made:
        folder = asked.folder or Path(made)
        contenders.written(folder, asked.users, asked.events)
        store = contenders.ours(folder)
        if asked.beside:
            contenders.written(asked.beside, asked.users, asked.more)
            more = contenders.ours(asked.beside)
            grown(store, more, asked.runs)
            glances.explanations(more)
            return
        clickhouse = contenders.clickhouse(folder)
        compare(store, clickhouse, contenders.frames(folder), asked.runs)
        glances.previews(store, asked.runs)
        glances.explanations(store)
        store.close()


if __name__ == "__main__":
    main()
