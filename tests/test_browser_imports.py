"""The journey of a messy file in a real browser: matched, tried, mended, imported, reported and taken back."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests import browsing, worlds
from tests.browsing import asking, go, press, settle
from tests.conftest import AT
from tests.serving import serve
from user360 import ingest, profiles, properties
from user360.store import open_store

pytestmark = pytest.mark.browser

MESSY = (
    "\ufeffID;Vorname;Mobil;dob;emailOptin;points\r\n"
    "C-001;Lukas;+49 341 550 0142;31.12.1990;yes;538\r\n"
    "C-002;Dewi;0341 550 0143;01.02.1991;true;40\r\n"
    'C-003;"Ana;Maria";;;no;1,204\r\n'
    ";Nobody;;;;1\r\n"
    "C-new;Hana;9.19E+11;;yes;12\r\n"
)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    store = open_store(folder / "users.duckdb")
    properties.define(store, "points", "number", by="Ana", at=AT)
    rows = [{"userId": f"C-{number:03d}", "firstName": "Ana", "points": 412, "phone": "+493415500000"} for number in range(20)]
    ingest.receive(store, worlds.users(rows), source="test", by="Ana", at=AT)
    store.close()
    with serve(folder / "users.duckdb", folder / "server.log") as running:
        yield running
    store = open_store(folder / "users.duckdb")
    assert {profiles.get(store, key).values["points"] for key in range(20)} == {412}
    assert profiles.count(store) == 20
    store.close()


def test_a_messy_file_is_mended_tried_imported_reported_and_undone(server, tmp_path):
    file = tmp_path / "loyalty-nov.csv"
    file.write_text(MESSY, "utf-8", newline="")
    with browsing.chromium() as chromium:
        page = browsing.tab(chromium, height=1100)
        go(page, f"{server.address}/import")
        with asking(page):
            page.locator("input[type=file]").set_input_files(file)
        expect(page.get_by_text("semicolon, UTF-8 with BOM, values in quotes")).to_be_visible()

        with asking(page):
            page.locator(".st-key-import-next button").click()
        expect(page.get_by_text("Values we cannot take")).to_be_visible()
        settle(page)
        press(page, "Add +49")
        press(page, "Read as 1204")
        press(page, "yes → true")
        press(page, "no → false")
        press(page, "Leave empty")
        expect(page.get_by_role("button", name="Import 4 rows")).to_be_visible()
        expect(page.get_by_text("Values that were mended")).to_be_visible()
        settle(page)

        press(page, "Import 4 rows")
        expect(page.get_by_text("Earlier imports")).to_be_visible()
        expect(
            page.get_by_role("button", name="Download 1 failed row").or_(page.get_by_role("link", name="Download 1 failed row"))
        ).to_be_visible()
        settle(page)
        press(page, "Undo")
        dialog = page.get_by_role("dialog")
        dialog.get_by_placeholder("undo import").fill("undo import")
        press(dialog, "Undo the import")
        expect(page.get_by_text("Undone by")).to_be_visible()
