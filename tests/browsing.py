"""A real Chromium for the tests that need one, and when a page has answered.

Without this room every such test would start it with other flags and wait in another way.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

from tests.conftest import browser

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

SETTLED = "[data-testid='stApp'][data-test-connection-state='CONNECTED'][data-test-script-state='notRunning']"
_BEGINS, _DRAWN = 350, 300  # ms until a click has begun a run; until what came is drawn


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser, ended with the test."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=browser(), args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield running
        running.close()


def settle(page: Page) -> None:
    """Wait until the page has answered what was just done, and is drawn."""
    page.wait_for_timeout(_BEGINS)
    page.wait_for_selector(SETTLED)
    page.wait_for_timeout(_DRAWN)


def press(page: Page, name: str, place: int = 0) -> None:
    """Press the button of that name, the first or the one at that place."""
    page.get_by_role("button", name=name, exact=True).nth(place).click()
    settle(page)
