"""A first segment in a real browser: built by pointing, saved, counted, downloaded, asked why, compared, and gone back over."""

from __future__ import annotations

import csv
import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from tests import browsing, worlds
from tests.browsing import asking, enter, go, press
from tests.serving import serve
from user360 import clock, ingest, segments
from user360.segments import saved
from user360.store import open_store

pytestmark = pytest.mark.browser

OPENED, BOUGHT = "WhatsApp Opened", "Order Completed"

# User id, country, phone, how often opened in the last days, whether ever bought; the first two are wanted.
PEOPLE = [
    ("C-1", "India", None, 3, False),
    ("C-2", "Germany", "+919447055012", 5, False),
    ("C-3", "India", None, 2, False),
    ("C-4", "India", None, 4, True),
    ("C-5", "Germany", "+4930901820", 4, False),
    ("C-6", None, None, 9, False),
]

SAVED = {
    "Openers": [{"event": OPENED, "times": {"operator": "at_least", "values": [3]}, "during": {"last": 30, "unit": "day"}}],
    "In India": [{"property": "country", "operator": "is", "values": ["India"]}],
}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    store, now = open_store(folder / "segments.duckdb"), clock.now()  # noqa: TID251 - the served program lives in the present
    rows = [{"userId": user, "country": country, "phone": phone} for user, country, phone, _, _ in PEOPLE]
    ingest.receive(store, worlds.users(rows), source="test", by="Ana", at=now)
    opens = [(user, OPENED, now - timedelta(days=day + 1)) for user, _, _, often, _ in PEOPLE for day in range(often)]
    orders = [(user, BOUGHT, now - timedelta(days=200)) for user, *_, bought in PEOPLE if bought]
    ingest.receive(store, worlds.events(opens + orders), source="test", by="Ana", at=now)
    for name, conditions in SAVED.items():
        saved.save(store, name, segments.parse({"match": "all", "conditions": conditions}), by="Ana", at=now)
    store.close()
    with serve(folder / "segments.duckdb", folder / "server.log") as running:
        yield running


@pytest.fixture
def tab(server):
    with browsing.chromium() as chromium:
        page = browsing.tab(chromium, height=900)
        go(page, f"{server.address}/segments")
        yield page


def of_a_row(label):
    """The label, with what the row is called behind it."""
    return re.compile(rf"^{re.escape(label)}(, .*)?$")


def choose(page, label, text):
    """Choose in the last field of that label what is called so, whatever is told behind it; or add it where it can be."""
    page.get_by_role("combobox", name=of_a_row(label)).last.click()
    page.keyboard.type(text)
    option = page.get_by_role("option", name=re.compile(rf"^(Add: )?{re.escape(text)}( \(\d+\))?$"))
    with asking(page):
        option.first.click()


def asked(page, *parts):
    """See that the rule in the address says all of that."""
    expect(page).to_have_url(re.compile(".*".join(map(re.escape, parts))))


def people_now(page):
    return page.get_by_test_id("stMetricValue").first


def test_a_first_segment_is_built_saved_counted_and_downloaded(tab, tmp_path):
    press(tab, "New segment")
    expect(people_now(tab)).to_have_text("6")

    press(tab, "Event")
    choose(tab, "Event", OPENED)
    enter(tab.get_by_label(of_a_row("Count")).last, "3")
    expect(people_now(tab)).to_have_text("5")
    choose(tab, "During", "in the last 30 days")
    asked(tab, "during", "last", "30", "unit", "day")
    expect(people_now(tab)).to_have_text("5")

    press(tab, "Event")
    choose(tab, "Event", BOUGHT)
    choose(tab, "Asked of events", "did not")
    expect(people_now(tab)).to_have_text("4")

    press(tab, "Group")
    press(tab, "Property", place=1)
    choose(tab, "Property", "country")
    choose(tab, "Values", "India")
    tab.keyboard.press("Escape")
    press(tab, "Property", place=1)
    choose(tab, "Property", "phone")
    choose(tab, "Operator", "country is")
    choose(tab, "Values", "IN")
    tab.keyboard.press("Escape")
    expect(people_now(tab)).to_have_text("2")
    expect(tab.get_by_text("whose country is “India”")).to_be_visible()

    press(tab, "Save")
    dialog = tab.get_by_role("dialog")
    enter(dialog.get_by_label("Name", exact=True), "Warm on WhatsApp")
    press(dialog, "Save")
    expect(tab.get_by_role("heading", name="Warm on WhatsApp")).to_be_visible()
    expect(tab).to_have_url(re.compile(r"/segment\?id=s3$"))
    expect(people_now(tab)).to_have_text("2")

    tab.get_by_role("button", name="Download").click()
    with tab.expect_download() as coming:
        tab.get_by_role("button", name="CSV", exact=True).click()
    assert coming.value.suggested_filename == "warm-on-whatsapp.csv"
    coming.value.save_as(tmp_path / "file.csv")
    with (tmp_path / "file.csv").open(encoding="utf-8-sig", newline="") as lines:
        assert sorted(row["userId"] for row in csv.DictReader(lines)) == ["C-1", "C-2"]


def test_why_a_user_is_out_is_asked_on_the_segment_and_answered_with_what_is_missing(tab, server):
    go(tab, f"{server.address}/segment?id=s1")
    press(tab, "Why")
    panel = tab.get_by_role("dialog")
    with asking(tab):
        panel.get_by_label("Name, email, phone or user id").fill("C-3")
    with asking(tab):
        panel.get_by_role("button", name="C-3").click()

    expect(panel.get_by_text(re.compile("Why is C-3 not in “?Openers”?"))).to_be_visible()
    expect(panel.get_by_text("Not in the segment")).to_be_visible()
    expect(panel.get_by_text("One condition short")).to_be_visible()
    expect(panel.get_by_text(re.compile(r"1 more “WhatsApp Opened”"))).to_be_visible()

    press(panel, "Open the user")
    expect(tab).to_have_url(re.compile(r"/user\?id=\d+"))
    expect(tab.get_by_role("heading", name="C-3", exact=True)).to_be_visible()


def test_two_segments_are_compared_and_what_one_alone_holds_becomes_a_segment(tab, server):
    go(tab, f"{server.address}/compare?ids=s1,s2")
    expect(tab.get_by_text("Who is in which")).to_be_visible()
    browsing.point(tab.locator(".js-plotly-plot .bars path").first)
    expect(tab.get_by_text("and no other")).to_be_visible()
    press(tab, "Save as segment")
    expect(tab).to_have_url(re.compile(r"/segment\?rule="))
    expect(people_now(tab)).to_have_text("3")


def test_going_back_undoes_and_a_link_shows_the_same(tab, server):
    press(tab, "New segment")
    press(tab, "Event")
    choose(tab, "Event", BOUGHT)
    expect(people_now(tab)).to_have_text("1")
    link = tab.url
    choose(tab, "Asked of events", "did not")
    expect(people_now(tab)).to_have_text("5")

    with asking(tab):
        tab.go_back()
    expect(people_now(tab)).to_have_text("1")
    with asking(tab):
        tab.go_forward()
    expect(people_now(tab)).to_have_text("5")

    go(tab, link)
    expect(people_now(tab)).to_have_text("1")
    expect(tab.get_by_text("People who did “Order Completed”.")).to_be_visible()
