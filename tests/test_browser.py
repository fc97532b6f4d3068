"""Every page in a real browser, as the first address of a visit."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from pages.ui import nav
from tests import browsing
from tests.conftest import AT
from tests.serving import serve
from user360 import demo
from user360.store import open_store

pytestmark = pytest.mark.browser

PATIENCE_MILLISECONDS = 30_000


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


@pytest.fixture(params=["light", "dark"])
def tab(request, chromium):
    """A fresh tab that remembers whom it asked and what its console complained of."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, color_scheme=request.param)
    context.set_default_timeout(PATIENCE_MILLISECONDS)
    page = context.new_page()
    page.asked = []
    page.complaints = []
    page.on("request", lambda asked: page.asked.append(asked.url))
    page.on("console", lambda said: page.complaints.append(said.text) if said.type == "error" else None)
    yield page
    context.close()


@pytest.mark.parametrize("screen", [screen for screen in nav.SCREENS if screen.key != "user"], ids=lambda screen: screen.key)
def test_a_page_opens_by_its_address_without_a_fault_and_asks_nobody_outside(screen, server, tab):
    tab.goto(f"{server.address}/{screen.key}")
    tab.wait_for_selector(browsing.SETTLED)

    expect(tab.get_by_role("heading").first).to_be_visible()
    expect(tab.get_by_test_id("stException")).to_have_count(0)
    expect(tab.get_by_test_id("stAlertContentError")).to_have_count(0)
    outside = {url for url in tab.asked if re.match(r"https?:", url) and not url.startswith(server.address)}
    assert (outside, [each for each in tab.complaints if "Content Security Policy" in each]) == (set(), [])
