"""How long the server takes to draw each page: `python -m tests.benchmarks.pages [--users N] [--events N] [--folder DIR]`.

A page is asked for as a browser asks for it, over a connection of its own. The first visit finds nothing kept of it;
a later one is another analyst's, who opens the same page of unchanged data; again is the page drawn anew for somebody
who has it open, as it is after every click. It is asked once the server has done what it does at its start.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from typing import Final

from pages.ui import nav
from tests import viewing
from tests.benchmarks import contenders
from tests.serving import serve
from user360 import segments
from user360.segments import saved

GOAL: Final = 300
VISITS: Final = 4
RUNS: Final = 5
AT_REST: Final = 5.0  # seconds after the start
SEGMENTS: Final = {
    "Buyers of the last 90 days": [{"event": "purchase", "during": {"last": 90, "unit": "day"}}],
    "Indian mail readers": [
        {"property": "country", "operator": "is", "values": ["IN"]},
        {"event": "email_opened", "during": {"last": 30, "unit": "day"}},
    ],
}


def _addresses(folder: Path, users: int) -> dict[str, str]:
    """The rest of the address of each page that shows one thing, or some: a user in the middle, two segments."""
    store = contenders.ours(folder)
    kept = {each.name: each.id for each in saved.find(store)}
    for name, conditions in SEGMENTS.items():
        if name not in kept:
            rule = segments.parse({"match": "all", "conditions": conditions})
            kept[name] = saved.save(store, name, rule, by="benchmark", at=contenders.AT).id
    store.close()
    ids = [kept[name] for name in SEGMENTS]
    return {"user": f"userId=usr_{users // 2:09d}", "segment": f"id={ids[1]}", "compare": f"ids={','.join(ids)}"}


async def _timed(server: str, key: str, query: str) -> tuple[float, float, float]:
    """Milliseconds of the first visit, of a later one, and of drawing again."""
    first, *later = [await _visited(server, key, query, 0) for _ in range(VISITS)]
    again = await _visited(server, key, query, RUNS)
    return first, statistics.median(later), again


async def _visited(server: str, key: str, query: str, more: int) -> float:
    async with viewing.visit(server) as browser:
        once = await browser.draw(key, query)
        times = [await browser.draw(key, query) for _ in range(more)]
    return statistics.median(times or [once]) * 1000


def main() -> None:
    """Make the load where it is not there yet, start the program on it, ask for every page, print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.pages", description=__doc__)
    parser.add_argument("--users", type=int, default=1_000_000)
    parser.add_argument("--events", type=int, default=20_000_000)
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="user360-pages-") as made:
        folder = asked.folder or Path(made)
        contenders.written(folder, asked.users, asked.events)
        addresses = _addresses(folder, asked.users)
        with serve(folder / "ours.duckdb", Path(made) / "log") as server:
            asyncio.run(_visited(server.address, "welcome", "", 0))  # what the first visit of all loads is no page's own
            time.sleep(AT_REST)
            print(f"| page | first visit, ms | later visit | again (goal {GOAL}) |\n|---|--:|--:|--:|")
            for screen in nav.SCREENS:
                first, later, again = asyncio.run(_timed(server.address, screen.key, addresses.get(screen.key, "")))
                over = " (over)" if again > GOAL else ""
                print(f"| {screen.title} | {first:,.0f} | {later:,.0f} | {again:,.0f}{over} |", flush=True)


if __name__ == "__main__":
    main()
