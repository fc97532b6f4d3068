"""Every insight beside the same question by hand: `python -m tests.benchmarks.insights [--users N] [--events N] [--folder DIR]`.

A million people and twenty million events are asked of 90 days (some of a month or a year), in turn in one run: ours from
the question to the table, nothing kept from before but what the file holds (days are counted beforehand) and when its
newest event was; the fastest shape written by hand in DuckDB on our own file; ClickHouse and polars where they have the
question. Medians after a warm-up; all must come to the same number (`answers`).
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.benchmarks import answers, contenders
from tests.benchmarks.timing import in_turn
from user360 import events, insights
from user360.segments import asking
from user360.sql import Sql

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.benchmarks.answers import Asked
    from user360.store import Store

RUNS: Final = 5
BY_HAND: Final = 1.2
LONGEST: Final = 1000.0


def _ours(store: Store, each: Asked) -> int:
    asking.forget_leaves()
    events.forget_days()
    result = insights.run(store, insights.parse(each.question), at=contenders.AT)
    return round(each.number(result.table.to_pylist()))


def _by_hand(store: Store, text: str) -> int:
    return round(sum(each or 0 for each in store.read(Sql(text))["n"].to_pylist()))


def _in_clickhouse(clickhouse: Any, text: str) -> int:
    return round(float(str(clickhouse.query(text)).strip()))


def compare(store: Store, clickhouse: Any, frames: tuple[Any, Any] | None, runs: int, keys: list[str]) -> list[str]:
    """Print the table; answer which goals are missed."""
    last = store.people(Sql("SELECT profile_key FROM profiles")).room - 1
    missed = []
    print("| | question | ours, ms | by hand | ours / by hand | chDB | chDB / ours | polars | polars / ours |")
    print("|---|---|--:|--:|--:|--:|--:|--:|--:|")
    for each in answers.asked():
        if keys and each.key not in keys:
            continue
        hand = [partial(_by_hand, store, text.replace("{last}", str(last))) for text in each.shapes]
        chdb = [partial(_in_clickhouse, clickhouse, text) for text in each.clickhouse] if clickhouse else []
        polars = [lambda asked=each.polars: round(asked(*frames))] if each.polars and frames else []
        mine = [partial(_ours, store, each)]
        (took, by_hand, theirs, frame), numbers = in_turn((mine, hand, chdb, polars), runs, told=statistics.median)
        found = set.union(*numbers)
        if len(found) > 1:
            missed.append(f"{each.key}: the contenders do not agree: {[sorted(some) for some in numbers]}")
        print(
            f"| {each.key} | {each.title} ({max(found, default=0):,}) | {took:.1f} | {by_hand:.1f} | {took / (by_hand or took or 1):.2f} | "
            f"{_beside(theirs, took)} | {_beside(frame, took)} |",
            flush=True,
        )
        missed += _missed(each, took, by_hand, theirs)
    return missed


def _beside(theirs: float, mine: float) -> str:
    return f"{theirs:.1f} | {theirs / mine:.2f}" if theirs else "– | –"


def _missed(each: Asked, mine: float, by_hand: float, theirs: float) -> Iterable[str]:
    if mine > BY_HAND * by_hand:
        yield f"{each.key}: {mine / by_hand:.2f} times as long as by hand, not {BY_HAND}"
    if mine > LONGEST:
        yield f"{each.key}: {mine:.0f} ms, not {LONGEST:.0f}"
    if theirs and each.faster and theirs < each.faster * mine:
        yield f"{each.key}: chDB takes {theirs / mine:.2f} of it, not at least {each.faster:.2f}"


def main() -> None:
    """Make the load where it is not there yet, ask, print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.insights", description=__doc__)
    parser.add_argument("--users", type=int, default=1_000_000)
    parser.add_argument("--events", type=int, default=20_000_000)
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--only", nargs="*", default=[], metavar="KEY", help="these questions alone")
    parser.add_argument("--alone", action="store_true", help="ours beside DuckDB by hand, without the other engines")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="user360-insights-") as made:
        folder = asked.folder or Path(made)
        contenders.written(folder, asked.users, asked.events)
        store = contenders.ours(folder)
        clickhouse = None if asked.alone else contenders.clickhouse(folder)
        frames = None if asked.alone else contenders.frames(folder)
        missed = compare(store, clickhouse, frames, asked.runs, asked.only)
        store.close()
    print("\n" + ("\n".join(missed) if missed else "All goals are met."))


if __name__ == "__main__":
    main()
