"""Channels in a real browser: a column of the UpSet chart and a link of the flow are clicked, and their people saved."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests import browsing, worlds
from tests.browsing import go
from tests.conftest import AT
from tests.serving import serve
from user360 import clock, ingest, segments
from user360.segments import saved
from user360.store import open_store

pytestmark = pytest.mark.browser

# How many people go through which channels, one a day.
JOURNEYS = {("web",): 7, ("web", "whatsapp"): 5, ("email", "web"): 2}


@pytest.fixture
def shop(tmp_path):
    """The file of a database where JOURNEYS happened lately."""
    store, now = open_store(tmp_path / "shop.duckdb"), clock.now()  # noqa: TID251 - the served program lives in the present
    rows: list[tuple[str | None, str | None, datetime | None]] = []
    channels: list[str | None] = []
    for journey, how_many in JOURNEYS.items():
        for number in range(how_many):
            for place, channel in enumerate(journey):
                rows.append((f"{'-'.join(journey)} {number}", "Page Viewed", now - timedelta(days=5 - place)))
                channels.append(channel)
    ingest.receive(store, worlds.events(rows, channels=channels), source="test", by="Ana", at=now)
    store.close()
    return tmp_path / "shop.duckdb"


@contextmanager
def opened(shop):
    """A tab on the program that serves this database."""
    with serve(shop, shop.with_name("server.log")) as running, browsing.chromium() as chromium:
        yield browsing.tab(chromium, base_url=running.address)


def by_column(tab):
    go(tab, "/channels?view=together")
    browsing.point(tab.locator(".js-plotly-plot .barlayer .point path").nth(1))
    expect(browsing.behind(tab).get_by_text("5 drawn = 5 listed")).to_be_visible()
    browsing.save_as_segment(tab, "Web and WhatsApp")


def by_link(tab):
    go(tab, "/channels?view=switching")
    browsing.point_in_flow(tab, "Web to WhatsApp")
    expect(browsing.behind(tab).get_by_text("5 drawn = 5 listed")).to_be_visible()
    browsing.save_as_segment(tab, "From web to WhatsApp")


def test_a_column_and_a_link_open_their_people_who_become_segments(shop):
    with opened(shop) as tab:
        by_column(tab)
        by_link(tab)

    store = open_store(shop)
    assert {each.name: len(segments.people(store, saved.rule_of(each), at=AT)) for each in saved.find(store)} == {
        "Web and WhatsApp": 5,
        "From web to WhatsApp": 5,
    }
    store.close()
