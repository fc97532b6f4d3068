"""Funnels and retention in a real browser: a bar and a cell are clicked, and their people become a segment."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from tests import browsing, worlds
from tests.browsing import settle
from tests.serving import serve
from tests.test_browser_segments import people_now
from user360 import clock, ingest
from user360.store import open_store

pytestmark = pytest.mark.browser

SAW, BOUGHT = "Product Viewed", "Order Completed"
PEOPLE, BUYERS = 9, 4


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Nine people looked two weeks ago, four of them bought a week later."""
    folder = tmp_path_factory.mktemp("served")
    store, now = open_store(folder / "flows.duckdb"), clock.now()  # noqa: TID251 - the served program lives in the present
    rows = [(f"u{each}", SAW, now - timedelta(days=14)) for each in range(PEOPLE)]
    rows += [(f"u{each}", BOUGHT, now - timedelta(days=9)) for each in range(BUYERS)]
    ingest.receive(store, worlds.events(rows), source="test", by="Ana", at=now)
    store.close()
    with serve(folder / "flows.duckdb", folder / "server.log") as running:
        yield running


@pytest.fixture
def tab():
    with browsing.chromium() as chromium:
        yield chromium.new_page(viewport={"width": 1440, "height": 1000})


def opened(page, address):
    page.goto(address)
    settle(page)
    page.wait_for_selector(".js-plotly-plot .main-svg")
    settle(page)


def click(page, marks, place):
    """Click the middle of a mark, as a pointer does: plotly answers to the pointer, not to the element."""
    box = page.locator(marks).nth(place).bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x - 2, y)
    page.mouse.move(x, y)
    page.mouse.click(x, y)
    settle(page)


def saved(page, name):
    """Save the listed people as a rule, and see it opened with as many."""
    page.get_by_role("button", name="Save as segment").click()
    settle(page)
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("People like these", exact=True).click()
    settle(page)
    dialog.get_by_label("Name", exact=True).fill(name)
    dialog.get_by_label("Name", exact=True).press("Enter")
    settle(page)
    dialog.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    expect(page).to_have_url(re.compile(r"/segment\?id=s\d+$"))
    settle(page)


def test_who_dropped_out_of_a_funnel_becomes_a_segment(tab, server):
    opened(tab, f"{server.address}/funnels")

    click(tab, ".js-plotly-plot .barlayer .trace .point", 1)
    expect(tab.get_by_text(f"{BUYERS} drawn = {BUYERS} listed")).to_be_visible()

    tab.get_by_role("button", name="Dropped", exact=True).or_(tab.get_by_role("radio", name="Dropped", exact=True)).first.click()
    settle(tab)
    dropped = PEOPLE - BUYERS
    expect(tab.get_by_text(f"{dropped} drawn = {dropped} listed")).to_be_visible()

    saved(tab, "Looked, never bought")
    expect(people_now(tab)).to_have_text(str(dropped))


def test_who_came_back_in_a_week_becomes_a_segment(tab, server):
    question = (
        '{"kind":"retention","start":{"event":"Product Viewed"},"granularity":"day","ages":8,"period":{"last":20,"unit":"day"}}'
    )
    opened(tab, f"{server.address}/retention?q={question}")

    cells = ".js-plotly-plot .scatterlayer .trace .points path.point"
    row_of_all = 8
    click(tab, cells, row_of_all + 5)  # the cohort, five days later
    expect(tab.get_by_text(f"{BUYERS} drawn = {BUYERS} listed")).to_be_visible()

    saved(tab, "Back after five days")
    expect(people_now(tab)).to_have_text(str(BUYERS))


def kept(page, name):
    """Save the listed people as they are, and see the list opened with as many."""
    page.get_by_role("button", name="Save as segment").click()
    settle(page)
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill(name)
    dialog.get_by_label("Name", exact=True).press("Enter")
    settle(page)
    dialog.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    settle(page)


def drag(page, begin, end):
    """Draw from one place of the chart to another, both in parts of its width, over all of its height."""
    box = page.locator(".js-plotly-plot .nsewdrag").first.bounding_box()
    page.mouse.move(box["x"] + begin * box["width"], box["y"] + 4)
    page.mouse.down()
    page.mouse.move(box["x"] + end * box["width"], box["y"] + box["height"] - 4, steps=6)
    page.mouse.up()
    settle(page)


@pytest.mark.parametrize(
    ("view", "question"), [("active", '{"kind":"active"}'), ("trends", '{"kind":"trend","series":[{"of":{"event":null}}]}')]
)
def test_a_box_around_several_days_lists_everyone_of_them_once_who_become_a_segment(tab, server, view, question):
    opened(tab, f"{server.address}/trends?view={view}&q={question}")

    tab.locator(f".st-key-trends-{view}-box-turn button").first.click()
    settle(tab)
    drag(tab, 0.02, 0.98)
    expect(tab.get_by_text("each person once")).to_be_visible()
    expect(tab.get_by_text(f"{PEOPLE} people", exact=True)).to_be_visible()

    kept(tab, f"Boxed in {view}")
    expect(people_now(tab)).to_have_text(str(PEOPLE))


def test_a_cell_of_hours_and_weekdays_is_clicked_through_to_a_saved_segment(tab, server):
    opened(tab, f"{server.address}/trends?view=rhythm")

    told = tab.evaluate(
        """() => {
            const drawn = document.querySelector('.js-plotly-plot');
            const squares = drawn.data.findIndex(each => each.mode === 'markers');
            const texts = drawn.data[squares].hovertext;
            return [texts.findIndex(each => each.includes('>9 people')), texts.length];
        }"""
    )
    assert told[1] == 7 * 24
    click(tab, ".js-plotly-plot .scatterlayer .trace .points path.point", told[0])
    expect(tab.get_by_text(f"{PEOPLE} drawn = {PEOPLE} listed")).to_be_visible()

    kept(tab, "That hour of the week")
    expect(people_now(tab)).to_have_text(str(PEOPLE))
