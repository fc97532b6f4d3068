"""Takes the figures and prints them as a table: `python -m tests.benchmarks [--users N] [--events N]`.

Every figure is a median of several runs after a warm-up; beside it stands plain hand-written DuckDB
on a bare table of the same rows, in the same run, and the ratio, which is what may be compared.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.benchmarks import worlds
from user360 import events, imports, jobs, profiles, properties, segments
from user360.segments import asking
from user360.sql import Sql

if TYPE_CHECKING:
    from collections.abc import Callable

    import duckdb
    import pyarrow as pa

    from user360.store import Store

AT: Final = datetime(2026, 11, 23, 12, 50, tzinfo=UTC)
RUNS: Final = 7
PAGE: Final = (
    "userId",
    "firstName",
    "lastName",
    "email",
    "phone",
    "country",
    "city",
    "lastChannel",
    "lastSession",
    "createdAt",
    "loyaltyTier",
    "orders",
    "spent",
    "emailOptin",
    "tags",
)

RULE: Final = {
    "version": 1,
    "match": "all",
    "conditions": [
        {"property": "language", "operator": "is", "values": ["de", "hi"]},
        {"property": "orders", "operator": "at_least", "values": [1]},
        {"property": "loyaltyTier", "operator": "is_not", "values": ["platinum"]},
        {"property": "plusMember", "operator": "is_not_true"},
        {"property": "emailOptin", "operator": "is_not_false"},
        {"property": "lastSession", "operator": "in_the_last", "values": [150, "day"]},
        {"property": "dob", "operator": "before", "values": ["2004-01-01"]},
        {"property": "city", "operator": "is_known"},
    ],
}
BARE_RULE: Final = (
    "SELECT count(*) FROM profiles WHERE language IN ('de', 'hi') AND orders >= 1 "
    'AND coalesce("loyaltyTier" <> \'platinum\', true) AND coalesce(NOT "plusMember", true) AND coalesce("emailOptin", true) '
    "AND \"lastSession\" > TIMESTAMP '2026-06-26 11:50:00' AND \"lastSession\" <= TIMESTAMP '2026-11-23 12:50:00' "
    "AND dob < DATE '2004-01-01' AND city IS NOT NULL"
)


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table, in milliseconds or seconds."""

    name: str
    ours: float
    bare: float | None
    goal: str
    unit: str = "ms"


def _median(ask: Callable[[], Any], runs: int = RUNS) -> float:
    ask()
    taken = []
    for _ in range(runs):
        begun = time.perf_counter()
        ask()
        taken.append((time.perf_counter() - begun) * 1000)
    return statistics.median(taken)


def _once(work: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _import(store: Store, file: Path) -> None:
    plan = imports.suggest(store, imports.inspect(file), zone="UTC")
    number = imports.start(store, file, plan, by="benchmark", at=AT)
    done = imports.run(store, number, now=lambda: AT)
    if done.counts.failed or not done.counts.created:
        raise SystemExit(f"the import of {file.name} went wrong: {done.counts}")


def imported(folder: Path, found: pa.Table, users: int, events_: int) -> list[Figure]:
    """Imports of users and of events, from CSV files, each into an empty database."""
    import duckdb  # noqa: PLC0415 - the bare side

    people_file, events_file = folder / "people.csv", folder / "events.csv"
    worlds.users_file(found, people_file)
    count = worlds.events_file(users, events_, events_file, at=AT)
    store = worlds.fresh(folder / "imports.duckdb", at=AT)
    plain = duckdb.connect(str(folder / "plain.duckdb"), config={"memory_limit": "1200MB"})
    of_users = _once(lambda: _import(store, people_file))
    bare_users = _once(lambda: plain.execute(f"CREATE TABLE p AS SELECT * FROM read_csv('{people_file}', all_varchar=true)"))
    of_events = _once(lambda: _import(store, events_file))
    bare_events = _once(lambda: plain.execute(f"CREATE TABLE e AS SELECT * FROM read_csv('{events_file}', all_varchar=true)"))
    plain.close()
    store.close()
    return [
        Figure(f"import of {found.num_rows:,} users, 12 columns", of_users, bare_users, "60", "s"),
        Figure(f"import of {count:,} events", of_events, bare_events, "60", "s"),
    ]


def pages(store: Store, bare: duckdb.DuckDBPyConnection) -> list[Figure]:
    """The users page: any sort, the first page, page 1,000 and the last."""
    total = profiles.count(store)
    columns = ", ".join(f'"{each}"' for each in PAGE)
    figures = []
    places = [("first page", 0, "60"), ("page 1,000", 50 * 999, "150"), ("last page", max(total - 50, 0), "150")]
    for name, offset, goal in places:
        if offset >= total:
            continue
        for sort in ("lastSession", "email", "spent"):
            ours = _median(lambda o=offset, s=sort: profiles.find(store, columns=PAGE, sort=[(s, True)], offset=o))  # type: ignore[misc]  # bound now
            text = f'SELECT {columns} FROM profiles ORDER BY "{sort}" DESC NULLS LAST LIMIT 50 OFFSET {offset}'
            theirs = _median(lambda t=text: bare.execute(t).fetchall())  # type: ignore[misc]  # bound now
            figures.append(Figure(f"users page of 50 × 15, {name}, by {sort}", ours, theirs, goal))
    return figures


def asked(store: Store, bare: duckdb.DuckDBPyConnection) -> list[Figure]:
    """A filter of eight properties, and the card of one user with their events."""
    rule = segments.parse(RULE)

    def filtered() -> int:
        asking.forget_leaves()
        return len(segments.people(store, rule, at=AT))

    bare_count = bare.execute(BARE_RULE).fetchall()[0][0]
    if filtered() != bare_count:
        raise SystemExit(f"the filter finds {filtered():,} people, the bare query {bare_count:,}")
    busiest = store.people(Sql("SELECT profile_key FROM profiles")).keys()[profiles.count(store) // 2]
    key = int(busiest)
    user_id = profiles.get(store, key).user_id

    def card() -> None:
        profiles.get(store, key)
        profiles.history(store, key)
        events.engagement(store, key)

    def bare_card() -> None:
        bare.execute('SELECT * FROM profiles WHERE "userId" = ?', [user_id]).fetchall()
        bare.execute(
            'SELECT event, min("at"), max("at"), count(*) FROM events WHERE user_id = ? GROUP BY 1', [user_id]
        ).fetchall()
        bare.execute("SELECT channel, count(*) FROM events WHERE user_id = ? GROUP BY 1", [user_id]).fetchall()
        bare.execute('SELECT * FROM events WHERE user_id = ? ORDER BY "at" DESC LIMIT 50', [user_id]).fetchall()

    return [
        Figure("filter of 8 properties", _median(filtered), _median(lambda: bare.execute(BARE_RULE).fetchall()), "40"),
        Figure("user card", _median(card), _median(bare_card), "40"),
        Figure("catalogue of events", _median(lambda: events.catalogue(store), 3), None, "–"),
    ]


def sorted_beside_readers(store: Store) -> list[Figure]:
    """Sorting a week's events after a third of them came again, sorting a week whole, and what a reader beside it waits."""
    weeks = events.buckets(store)[-4:-1]
    waits: list[float] = []

    def read() -> None:
        profiles.find(store, columns=PAGE[:8])

    def beside_a_reader(work: Callable[[], object]) -> float:
        stop = threading.Event()

        def keep_reading() -> None:
            while not stop.is_set():
                waits.append(_once(read) * 1000)

        reader = threading.Thread(target=keep_reading)
        reader.start()
        with ThreadPoolExecutor(1, initializer=jobs.step_back) as pool:  # as jobs do it
            took = pool.submit(_once, work).result()
        stop.set()
        reader.join()
        return took

    idle = _median(read)
    tails = []
    for each in weeks:
        worlds.come_again(store, each.week, each.total // 3, at=AT)
        tails.append(beside_a_reader(lambda: events.put_in_order(store)))
    if any(each.tail for each in events.buckets(store)[-4:-1]):
        raise SystemExit("a week that was to be sorted was not")
    counted = beside_a_reader(lambda: events.tally(store))
    whole = beside_a_reader(lambda: events.recluster(store, weeks[-1].week))
    events_ = sum(each.total for each in weeks) // len(weeks)
    return [
        Figure(f"sorting a week of {events_:,} events after a third more came", statistics.median(tails), None, "2", "s"),
        Figure("counting the days of three such weeks anew", counted, None, "–", "s"),
        Figure(f"sorting a week of {weeks[-1].total * 4 // 3:,} events whole", whole, None, "–", "s"),
        Figure("a reader beside it (bare: the same reader, idle)", statistics.median(waits), idle, f"{2 * idle:.0f}"),
    ]


def shown(figures: list[Figure]) -> str:
    """The table in Markdown."""
    lines = ["| figure | ours | goal | bare DuckDB | ratio |", "|---|--:|--:|--:|--:|"]
    for each in figures:
        bare = f"{each.bare:,.1f} {each.unit}" if each.bare is not None else "–"
        ratio = f"{each.ours / each.bare:.2f}" if each.bare else "–"
        lines.append(f"| {each.name} | {each.ours:,.1f} {each.unit} | {each.goal} | {bare} | {ratio} |")
    return "\n".join(lines)


def main() -> None:
    """Make the worlds, take the figures, print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--users", type=int, default=1_000_000)
    parser.add_argument("--events", type=int, default=20_000_000)
    parser.add_argument("--imported-events", type=int, default=5_000_000)
    asked_for = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="user360-benchmark-") as named:
        folder = Path(named)
        found = worlds.people(asked_for.users, asked_for.events, at=AT)
        figures = imported(folder, found, asked_for.users, asked_for.imported_events)
        after_imports = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(shown(figures), file=sys.stderr, flush=True)
        store = worlds.fresh(folder / "ours.duckdb", at=AT)
        stored = worlds.fill(store, found, asked_for.users, asked_for.events, at=AT)
        bare = worlds.bare(folder / "bare.duckdb", found, asked_for.users, asked_for.events, at=AT)
        print(f"{profiles.count(store):,} users × {len(properties.find(store))} properties, {stored:,} events")
        figures += pages(store, bare) + asked(store, bare) + sorted_beside_readers(store)
        bare.close()
        store.close()
    print(shown(figures))
    print(f"\nmemory of the process after the imports: {after_imports:,.0f} MB (goal under 2,000)")


if __name__ == "__main__":
    main()
