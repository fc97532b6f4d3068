"""A board in a real browser: made, filled, arranged, taken along as a file that opens without a network."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from tests import browsing, worlds
from tests.browsing import press, settle
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


def opened(chromium, address):
    page = chromium.new_page(viewport={"width": 1440, "height": 900}, accept_downloads=True)
    page.goto(address)
    settle(page)
    return page


def pin(page, title, board):
    """Pin the chart of the page to a board that is made on the way."""
    page.locator("[class*=st-key-trends][class*=-menu] button").first.click()
    settle(page)
    press(page, "Pin to a board")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Title", exact=True).fill(title)
    dialog.get_by_label("Title", exact=True).press("Enter")
    settle(page)
    if dialog.get_by_label("Name of the board", exact=True).count():
        dialog.get_by_label("Name of the board", exact=True).fill(board)
        dialog.get_by_label("Name of the board", exact=True).press("Enter")
        settle(page)
    dialog.get_by_role("button", name="Pin", exact=True).click()
    settle(page)


def titles(page):
    return page.locator("[class*=st-key-boards-b1-t][class*=-card] strong").all_inner_texts()


def test_a_board_is_made_arranged_and_opened_without_a_network(chromium, server, tmp_path):
    page = opened(chromium, f"{server.address}/trends?view=active")
    pin(page, "Who came", "Monday")
    page.goto(f"{server.address}/trends")
    settle(page)
    pin(page, "What happened", "Monday")
    page.goto(f"{server.address}/boards?id=b1")
    settle(page)
    expect(page.get_by_role("heading", name="Monday")).to_be_visible()
    assert titles(page) == ["Who came", "What happened"]

    press(page, "Arrange")
    page.locator(".st-key-boards-t2-earlier button").first.click()
    settle(page)
    assert titles(page) == ["What happened", "Who came"]
    press(page, "Done")

    with page.expect_download() as coming:
        page.get_by_role("button", name="Download", exact=True).click()
    assert coming.value.suggested_filename == "monday.html"
    coming.value.save_as(tmp_path / "monday.html")

    away = chromium.new_context(offline=True).new_page()
    asked, faults = [], []
    away.on("request", lambda request: asked.append(request.url))
    away.on("pageerror", lambda fault: faults.append(str(fault)))
    away.on("console", lambda told: faults.append(told.text) if told.type == "error" else None)
    away.goto(f"file://{tmp_path / 'monday.html'}")
    expect(away.get_by_role("heading", name="Monday")).to_be_visible()
    expect(away.locator("section .main-svg").first).to_be_visible()
    assert away.locator("section h2").all_inner_texts() == ["What happened", "Who came"]
    assert len(away.locator("section .plotly").all()) == 2
    assert [each for each in asked if not each.startswith(("file:", "data:", "blob:"))] == []
    assert faults == []


def test_a_link_of_the_flow_is_clicked_through_to_a_saved_segment(chromium, server):
    question = '{"kind":"paths","of":{"event":"Product Viewed"}}'
    page = opened(chromium, f"{server.address}/paths?q={quote(question)}")
    canvas = page.locator("canvas").first
    expect(canvas).to_be_visible()
    box = canvas.bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.25, box["y"] + box["height"] * 0.3)
    settle(page)
    expect(page.get_by_text("listed")).to_be_visible()

    press(page, "Save as segment")
    page.get_by_role("dialog").get_by_role("button", name="Save", exact=True).click()
    settle(page)
    expect(page).to_have_url(re.compile(r"/segment\?id=s1$"))
