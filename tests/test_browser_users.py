"""What only a browser can show of the users table: ticks, header clicks, cells that open, files that come."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests import browsing, worlds
from tests.browsing import asking, go, press
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
        page = browsing.tab(chromium, height=900)
        go(page, f"{server.address}/users?sort=userId")
        drawn(page, "C-000")
        yield page


def drawn(page, first):
    """Wait until the table has drawn itself, which is a little later than the page, with this id in its first row."""
    expect(page.locator("[data-testid=stDataFrame] [role=gridcell]").first).to_have_text(first)


def click(page, row, x):
    """Click into the table: row 0 is the header."""
    left, top, _, _ = browsing.stand(page.get_by_test_id("stDataFrame").first)
    with asking(page):
        page.mouse.click(left + x, top + (HEADER / 2 if row == 0 else HEADER + ROW * (row - 0.5)))


def back(page):
    with asking(page):
        page.go_back()


def test_a_tick_stays_with_the_person_when_the_page_turns(tab):
    click(tab, 2, TICK)
    expect(tab.get_by_text("1 selected")).to_be_visible()
    press(tab, "Next page")
    expect(tab.get_by_text("51–100 of 120")).to_be_visible()
    drawn(tab, "C-050")
    expect(tab.get_by_text("1 selected")).to_be_visible()
    click(tab, 2, TICK)
    expect(tab.get_by_text("2 selected")).to_be_visible()


def test_a_header_sorts_on_the_server_and_the_address_says_so(tab):
    click(tab, 0, TICK + 50)
    expect(tab).to_have_url(re.compile("sort=-userId"))
    drawn(tab, "C-119")


def test_an_id_opens_the_card(tab):
    click(tab, 1, TICK + 50)
    expect(tab).to_have_url(re.compile(r"/user\?id=0"))
    expect(tab.get_by_role("heading", name="Ana000")).to_be_visible()


def test_back_leads_to_the_card_that_was_left(tab):
    click(tab, 1, TICK + 50)
    press(tab, "Users")
    expect(tab).to_have_url(re.compile(r"/users$"))
    expect(tab.get_by_text("1–50 of 120")).to_be_visible()

    back(tab)
    expect(tab).to_have_url(re.compile(r"/user$"))
    expect(tab.get_by_role("heading", name="Ana000")).to_be_visible()
    back(tab)
    expect(tab).to_have_url(re.compile(r"/user\?id=0$"))
    expect(tab.get_by_role("heading", name="Ana000")).to_be_visible()
    back(tab)
    expect(tab).to_have_url(re.compile(r"/users"))
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
