"""What only a browser can show of identity: two cards become one, and two again."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests import browsing, worlds
from tests.browsing import go, press, settle
from tests.conftest import AT
from tests.serving import serve
from user360 import ingest
from user360.store import open_store

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    store = open_store(folder / "users.duckdb")
    rows = [
        {"userId": "C-1", "firstName": "Priya", "lastName": "Nair"},
        {"userId": "C-2", "firstName": "P.", "lastName": "Nair", "city": "Kochi"},
    ]
    ingest.receive(store, worlds.users(rows), source="test", by="Ana", at=AT)
    ingest.receive(store, worlds.events([("C-2", "Order Completed", AT)]), source="test", by="Ana", at=AT)
    store.close()
    with serve(folder / "users.duckdb", folder / "server.log") as running:
        yield running


def test_two_users_are_merged_looked_at_and_parted_again(server):
    with browsing.chromium() as chromium:
        tab = browsing.tab(chromium)
        dialog = tab.get_by_role("dialog")
        go(tab, f"{server.address}/user?userId=C-1")
        tab.get_by_role("button", name="More", exact=True).click()
        press(tab, "Merge with another user…")
        dialog.get_by_label("Find the other user").fill("C-2")
        expect(dialog.get_by_text("1 event moves, 1 blank is filled, nothing is overwritten.")).to_be_visible()
        dialog.get_by_role("button", name="Merge", exact=True).click()

        said = tab.get_by_test_id("stToast")
        expect(said.get_by_text("P. Nair is part of Priya Nair now; 1 event moved")).to_be_visible()  # first: it is soon gone
        expect(tab.get_by_text("1 other user became part of this one · 1 event moved")).to_be_visible()
        settle(tab)
        press(tab, "Why one person?")
        expect(dialog.get_by_text("User id C-1 and User id C-2: merged by analyst")).to_be_visible()
        tab.keyboard.press("Escape")
        expect(dialog).to_have_count(0)

        go(tab, f"{server.address}/user?userId=C-2")
        expect(tab.get_by_role("heading", name="Priya Nair", exact=True)).to_be_visible()
        press(tab, "1 merge")
        dialog.get_by_role("button", name="Undo", exact=True).click()
        expect(said.get_by_text("is a user again")).to_be_visible()
        go(tab, f"{server.address}/user?userId=C-2")
        expect(tab.get_by_role("heading", name="P. Nair", exact=True)).to_be_visible()
