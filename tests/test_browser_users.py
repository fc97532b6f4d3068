"""What only a browser can show of the users table: ticks, header clicks, cells that open, files that come."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests import browsing, worlds
from tests.conftest import AT
from tests.serving import serve
from user360 import ingest
from user360.store import open_store

pytestmark = pytest.mark.browser

HEADER, ROW, TICK = 33, 34, 17


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    store = open_store(folder / "users.duckdb")
    rows = [{"userId": f"C-{number:03d}", "firstName": f"Ana{number:03d}", "country": "India"} for number in range(120)]
    ingest.receive(store, worlds.users(rows), source="test", by="Ana", at=AT)
    store.close()
    with serve(folder / "users.duckdb", folder / "server.log") as running:
        yield running


@pytest.fixture
def tab(server):
    with browsing.chromium() as chromium:
        page = chromium.new_page(viewport={"width": 1440, "height": 900}, accept_downloads=True)
        page.goto(f"{server.address}/users?sort=userId")
        settle(page)
        yield page


def settle(page):
    browsing.settle(page)
    page.get_by_test_id("stDataFrame").first.wait_for()
    page.wait_for_timeout(200)  # the table draws itself a little later than the rest


def click(page, row, x):
    """Click into the table: row 0 is the header."""
    box = page.get_by_test_id("stDataFrame").first.bounding_box()
    page.mouse.click(box["x"] + x, box["y"] + (HEADER / 2 if row == 0 else HEADER + ROW * (row - 0.5)))
    settle(page)


def test_a_tick_stays_with_the_person_when_the_page_turns(tab):
    click(tab, 2, TICK)
    expect(tab.get_by_text("1 selected")).to_be_visible()
    tab.get_by_role("button", name="Next page").click()
    settle(tab)
    expect(tab.get_by_text("51–100 of 120")).to_be_visible()
    expect(tab.get_by_text("1 selected")).to_be_visible()
    click(tab, 2, TICK)
    expect(tab.get_by_text("2 selected")).to_be_visible()


def test_a_header_sorts_on_the_server_and_the_address_says_so(tab):
    click(tab, 0, TICK + 50)
    expect(tab).to_have_url(re.compile("sort=-userId"))


def test_an_id_opens_the_card(tab):
    click(tab, 1, TICK + 50)
    expect(tab).to_have_url(re.compile(r"/user\?id=0"))
    expect(tab.get_by_role("heading", name="Ana000")).to_be_visible()


def test_back_leads_to_the_card_that_was_left(tab):
    click(tab, 1, TICK + 50)
    tab.get_by_role("button", name="Users", exact=True).click()
    expect(tab).to_have_url(re.compile(r"/users$"))
    settle(tab)

    tab.go_back()
    settle(tab)
    expect(tab.get_by_role("heading", name="Ana000")).to_be_visible()
    tab.go_back()
    settle(tab)
    expect(tab.get_by_role("heading", name="Ana000")).to_be_visible()
    tab.go_back()
    settle(tab)
    expect(tab.get_by_text("1–50 of 120")).to_be_visible()


@pytest.mark.parametrize(
    ("label", "ending"), [("CSV", "csv"), ("Excel", "xlsx"), ("Parquet", "parquet"), ("JSON Lines", "jsonl")]
)
def test_a_small_download_comes_at_once(tab, tmp_path, label, ending):
    tab.get_by_role("button", name="Download").click()
    with tab.expect_download() as coming:
        tab.get_by_role("button", name=label, exact=True).click()
    assert coming.value.suggested_filename == f"users.{ending}"
    coming.value.save_as(tmp_path / "file")
    assert (tmp_path / "file").stat().st_size > 1_000
