"""A board in a real browser: made, filled, arranged, taken along as a file that opens without a network."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from tests import browsing, worlds
from tests.browsing import asking, enter, go, press
from tests.serving import serve
from user360 import clock, ingest
from user360.store import open_store

pytestmark = pytest.mark.browser

ACTS = ("Session Started", "Product Viewed", "Order Completed")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    store, now = open_store(folder / "boards.duckdb"), clock.now()  # noqa: TID251 - the served program lives in the present
    start = now - timedelta(days=3)
    rows = [
        (f"C-{user}", name, start + timedelta(hours=user, minutes=step))
        for user in range(8)
        for step, name in enumerate(ACTS[: 3 if user < 3 else 2])
    ]
    ingest.receive(store, worlds.events(rows), source="test", by="Ana", at=now)
    store.close()
    with serve(folder / "boards.duckdb", folder / "server.log") as running:
        yield running


@pytest.fixture
def chromium():
    with browsing.chromium() as running:
        yield running


def pin(page, title, *, new=""):
    """Pin the chart of the page to the board there is, or to a `new` one that is made on the way."""
    page.locator("[class*=st-key-trends][class*=-menu] button").first.click()
    press(page, "Pin to a board")
    dialog = page.get_by_role("dialog")
    enter(dialog.get_by_label("Title", exact=True), title)
    if new:
        enter(dialog.get_by_label("Name of the board", exact=True), new)
    press(dialog, "Pin")
    expect(dialog).to_have_count(0)


def titles(page):
    return page.locator("[class*=st-key-boards-b1-t][class*=-card] strong")


def test_a_board_is_made_arranged_and_opened_without_a_network(chromium, server, tmp_path):
    page = browsing.tab(chromium, height=900)
    go(page, f"{server.address}/trends?view=active")
    pin(page, "Who came", new="Monday")
    go(page, f"{server.address}/trends")
    pin(page, "What happened")
    go(page, f"{server.address}/boards?id=b1")
    expect(page.get_by_role("heading", name="Monday")).to_be_visible()
    expect(titles(page)).to_have_text(["Who came", "What happened"])

    press(page, "Arrange")
    with asking(page):
        page.locator(".st-key-boards-t2-earlier button").first.click()
    expect(titles(page)).to_have_text(["What happened", "Who came"])
    press(page, "Done")
    expect(page.get_by_role("button", name="Arrange", exact=True)).to_be_visible()

    with page.expect_download() as coming:
        page.get_by_role("button", name="Download", exact=True).click()
    assert coming.value.suggested_filename == "monday.html"
    coming.value.save_as(tmp_path / "monday.html")

    away = browsing.tab(chromium, offline=True)
    asked, faults = [], []
    away.on("request", lambda request: asked.append(request.url))
    away.on("pageerror", lambda fault: faults.append(str(fault)))
    away.on("console", lambda told: faults.append(told.text) if told.type == "error" else None)
    away.goto(f"file://{tmp_path / 'monday.html'}")
    expect(away.get_by_role("heading", name="Monday")).to_be_visible()
    expect(away.locator("section h2")).to_have_text(["What happened", "Who came"])
    expect(away.locator("section .plotly")).to_have_count(2)
    expect(away.locator("section .plotly .main-svg:first-child")).to_have_count(2)
    assert [each for each in asked if not each.startswith(("file:", "data:", "blob:"))] == []
    assert faults == []


def test_a_link_of_the_flow_is_clicked_through_to_a_saved_segment(chromium, server):
    question = '{"kind":"paths","of":{"event":"Product Viewed"}}'
    page = browsing.tab(chromium)
    go(page, f"{server.address}/paths?q={quote(question)}")
    browsing.point_in_flow(page, "Product Viewed → Session ends")
    expect(browsing.behind(page).get_by_text("5 drawn = 5 listed")).to_be_visible()

    browsing.save_as_segment(page, "Looked and left")
    expect(page).to_have_url(re.compile(r"/segment\?id=s1$"))
