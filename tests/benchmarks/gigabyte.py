"""A file of a gigabyte through the browser: `python -m tests.benchmarks.gigabyte [FOLDER] [--events N]`.

Chromium uploads it to an empty database, tries it, imports it and takes it back, as an analyst does. Told is how
long each step took, and the most memory the server held meanwhile: its own, without the pages of files that the
system keeps in memory for it and takes back when it needs them.
"""

from __future__ import annotations

import argparse
import re
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests import browsing
from tests.benchmarks import worlds
from tests.benchmarks.__main__ import AT
from tests.browsing import settle
from tests.serving import serve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

EVENTS: Final = 6_500_000
USERS: Final = 1_000_000
MOST_MILLISECONDS: Final = 600_000
EVERY_SECONDS: Final = 0.25
GOAL_MEGABYTES: Final = 1_500


def main() -> None:
    """Make the file where it is not there yet, take it through the browser, print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.gigabyte", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--events", type=int, default=EVENTS)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="user360-gigabyte-") as made:
        folder = asked.folder or Path(made)
        file = folder / "events.csv"
        if not file.exists():
            worlds.events_file(USERS, asked.events, file, at=AT)
        print(f"A file of {file.stat().st_size / 1e6:,.0f} MB.\n")
        print(f"| step | wall | most memory (goal {GOAL_MEGABYTES:,} MB) |\n|---|--:|--:|", flush=True)
        with serve(Path(made) / "users.duckdb", Path(made) / "log") as server, browsing.chromium() as chromium:
            page = chromium.new_page(viewport={"width": 1440, "height": 1100})
            page.set_default_timeout(MOST_MILLISECONDS)
            page.goto(f"{server.address}/import")
            settle(page)
            _journey(page, file, server.process.pid)


def _journey(page: Page, file: Path, process: int) -> None:
    importing = page.get_by_role("button", name=re.compile(r"^Import [\d,]+"))
    with _told("upload, looked at", process):
        page.locator("input[type=file]").set_input_files(file)
        page.get_by_role("button", name="Dry run").last.wait_for()
    settle(page)
    with _told("dry run", process):
        page.get_by_role("button", name="Dry run").last.click()
        importing.wait_for()
    settle(page)
    with _told("import", process):
        importing.click()
        page.get_by_role("button", name="Undo", exact=True).wait_for()
    settle(page)
    with _told("undo", process):
        page.get_by_role("button", name="Undo", exact=True).click()
        page.get_by_placeholder("undo import").fill("undo import")
        page.get_by_role("button", name="Undo the import").click()
        page.get_by_text("Undone by").wait_for()


@contextmanager
def _told(step: str, process: int) -> Iterator[None]:
    """Look at the memory of the process until the step is done, and print its line."""
    done, most, began = threading.Event(), [0], time.perf_counter()

    def look() -> None:
        while not done.wait(EVERY_SECONDS):
            most.append(_memory(process))

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield
    finally:
        done.set()
        looking.join()
    print(f"| {step} | {time.perf_counter() - began:.1f} s | {max(most) / 1024:,.0f} MB |", flush=True)


def _memory(process: int) -> int:
    """Kilobytes of its own that a process holds now."""
    said = dict(line.split(":", 1) for line in Path(f"/proc/{process}/status").read_text("utf-8").splitlines())
    return int(said["RssAnon"].split()[0])


if __name__ == "__main__":
    main()
