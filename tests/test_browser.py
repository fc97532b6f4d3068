"""Every page in a real browser, as the first address of a visit."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from pages.ui import nav
from tests import browsing
from tests.conftest import AT
from tests.serving import serve
from user360 import demo
from user360.store import open_store

if TYPE_CHECKING:
    from playwright.sync_api import ConsoleMessage, Page

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The program on a small sample shop."""
    folder = tmp_path_factory.mktemp("served")
    store = open_store(folder / "shop.duckdb")
    demo.load(store, users=200, events=2_000, at=AT)
    store.close()
    with serve(folder / "shop.duckdb", folder / "server.log") as running:
        yield running


@pytest.fixture(scope="module")
def chromium():
    with browsing.chromium() as started:
        yield started


@dataclass
class Visit:
    """A fresh tab, whom it asked, and what its console complained of."""

    tab: Page
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def complain(self, said: ConsoleMessage) -> None:
        if said.type == "error":
            self.complaints.append(said.text)


@pytest.fixture(params=["light", "dark"])
def visit(request, chromium):
    found = Visit(browsing.tab(chromium, height=900, color_scheme=request.param))
    found.tab.on("request", lambda asked: found.asked.append(asked.url))
    found.tab.on("console", found.complain)
    yield found
    found.tab.close()


@pytest.mark.parametrize("screen", [screen for screen in nav.SCREENS if screen.key != "user"], ids=lambda screen: screen.key)
def test_a_page_opens_by_its_address_without_a_fault_and_asks_nobody_outside(screen, server, visit):
    browsing.go(visit.tab, f"{server.address}/{screen.key}")

    expect(visit.tab.get_by_role("heading").first).to_be_visible()
    expect(visit.tab.get_by_test_id("stException")).to_have_count(0)
    expect(visit.tab.get_by_test_id("stAlertContentError")).to_have_count(0)
    outside = {url for url in visit.asked if re.match(r"https?:", url) and not url.startswith(server.address)}
    assert (outside, [each for each in visit.complaints if "Content Security Policy" in each]) == (set(), [])
