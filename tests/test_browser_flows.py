"""Funnels and retention in a real browser: a bar and a cell are clicked, and their people become a segment."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from tests import browsing, worlds
from tests.browsing import asking, go
from tests.serving import serve
from tests.test_browser_segments import people_now
from user360 import clock, ingest
from user360.store import open_store

pytestmark = pytest.mark.browser

SAW, BOUGHT = "Product Viewed", "Order Completed"
PEOPLE, BUYERS = 9, 4
CELLS = ".js-plotly-plot .scatterlayer .trace .points path.point"


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
        yield browsing.tab(chromium)


def opened(page, address):
    go(page, address)
    page.locator(".js-plotly-plot .main-svg").first.wait_for()


def all_listed(page, people):
    """See that the panel lists as many people as the chart drew."""
    expect(browsing.behind(page).get_by_text(f"{people} drawn = {people} listed")).to_be_visible()


def test_who_dropped_out_of_a_funnel_becomes_a_segment(tab, server):
    opened(tab, f"{server.address}/funnels")

    browsing.point(tab.locator(".js-plotly-plot .barlayer .trace .point").nth(1))
    all_listed(tab, BUYERS)

    with asking(tab):
        browsing.behind(tab).get_by_text("Dropped", exact=True).click()
    all_listed(tab, PEOPLE - BUYERS)

    browsing.save_as_segment(tab, "Looked, never bought", like=True)
    expect(people_now(tab)).to_have_text(str(PEOPLE - BUYERS))


def test_who_came_back_in_a_week_becomes_a_segment(tab, server):
    question = (
        '{"kind":"retention","start":{"event":"Product Viewed"},"granularity":"day","ages":8,"period":{"last":20,"unit":"day"}}'
    )
    opened(tab, f"{server.address}/retention?q={question}")

    row_of_all = 8
    browsing.point(tab.locator(CELLS).nth(row_of_all + 5))  # the cohort, five days later
    all_listed(tab, BUYERS)

    browsing.save_as_segment(tab, "Back after five days", like=True)
    expect(people_now(tab)).to_have_text(str(BUYERS))


def drag(page, begin, end):
    """Draw from one place of the chart to another, both in parts of its width, over all of its height."""
    left, top, width, height = browsing.stand(page.locator(".js-plotly-plot .nsewdrag").first)
    page.mouse.move(left + begin * width, top + 4)
    page.mouse.down()
    page.mouse.move(left + end * width, top + height - 4, steps=6)
    with asking(page):
        page.mouse.up()


@pytest.mark.parametrize(
    ("view", "question"), [("active", '{"kind":"active"}'), ("trends", '{"kind":"trend","series":[{"of":{"event":null}}]}')]
)
def test_a_box_around_several_days_lists_everyone_of_them_once_who_become_a_segment(tab, server, view, question):
    opened(tab, f"{server.address}/trends?view={view}&q={question}")

    with asking(tab):
        tab.locator(f".st-key-trends-{view}-box-turn button").first.click()
    drag(tab, 0.02, 0.98)
    expect(browsing.behind(tab).get_by_text("each person once")).to_be_visible()
    expect(browsing.behind(tab).get_by_text(f"{PEOPLE} people", exact=True)).to_be_visible()

    browsing.save_as_segment(tab, f"Boxed in {view}")
    expect(people_now(tab)).to_have_text(str(PEOPLE))


def test_a_lasso_around_several_days_lists_everyone_of_them_once(tab, server):
    opened(tab, f'{server.address}/trends?view=active&q={{"kind":"active"}}')

    with asking(tab):
        tab.locator(".st-key-trends-active-box-turn button").first.click()
    tab.locator(".js-plotly-plot [data-title='Lasso Select']").first.click()
    left, top, width, height = browsing.stand(tab.locator(".js-plotly-plot .nsewdrag").first)
    corners = [(0.02, 0.02), (0.98, 0.02), (0.98, 0.98), (0.02, 0.98), (0.02, 0.05)]
    for nth, (across, down) in enumerate(corners):
        tab.mouse.move(left + across * width, top + down * height, steps=6)
        if nth == 0:
            tab.mouse.down()
    with asking(tab):
        tab.mouse.up()

    expect(browsing.behind(tab).get_by_text("each person once")).to_be_visible()
    expect(browsing.behind(tab).get_by_text(f"{PEOPLE} people", exact=True)).to_be_visible()


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
    browsing.point(tab.locator(CELLS).nth(told[0]))
    all_listed(tab, PEOPLE)

    browsing.save_as_segment(tab, "That hour of the week")
    expect(people_now(tab)).to_have_text(str(PEOPLE))
