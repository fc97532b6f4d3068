"""Figures that others published of a public log of purchases come out of our insights: CDNOW, 1997 (see `published/README.md`).

The purchases are asked of twenty years later, day for day: the product knows no year before 2000, and 2017 has the weekdays'
place changed but every day of 1997. Their sources are P. S. Fader, B. G. S. Hardie and K. L. Lee, “Counting your customers” the
easy way, Marketing Science 24 (2005), and the table per customer that Lifetimes 0.11.3 carries.
"""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.worlds import events, take
from user360 import insights, workspace
from user360.store import open_store

LOG = Path(__file__).parent / "published" / "cdnow.csv"
END = datetime(2017, 9, 30, 23, 59, tzinfo=UTC)
CALIBRATION = {"from": "2017-01-01", "to": "2017-09-30"}
BOUGHT = {"event": "Order Completed"}
CUSTOMERS, PURCHASES = 2357, 6919
# how many customers bought again on how many further days within the 39 weeks; 7 and more together
REPEATED = {0: 1411, 1: 439, 2: 214, 3: 100, 4: 62, 5: 38, 6: 29, 7: 64}
# customers by the days between their last purchase and the end, T - t_x of the published table, from each edge on
SINCE = {0: 13, 1: 8, 2: 4, 3: 33, 7: 42, 14: 68, 30: 129, 60: 112, 90: 310, 180: 1638}


@pytest.fixture(scope="module")
def shop():
    store = open_store()
    workspace.change(store, zone_name="UTC")
    with LOG.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    take(
        store,
        events(
            [(row["customer"], "Order Completed", _twenty_years_on(row["day"])) for row in rows],
            message_ids=[f"m{place}" for place in range(len(rows))],
            properties=[f'{{"total": {row["dollars"]}}}' for row in rows],
        ),
        at=datetime(2018, 7, 1, tzinfo=UTC),
    )
    yield store
    store.close()


def _twenty_years_on(day: str) -> datetime:
    year, month, date = map(int, day.split("-"))
    return datetime(year + 20, month, date, 12, tzinfo=UTC)


def told(store, source, at=END):
    return insights.run(store, insights.parse(source), at=at).table.to_pylist()


def test_customers_and_purchases_are_as_many_as_published(shop):
    whole = {"from": "2017-01-01", "to": "2018-06-30"}
    rows = told(
        shop, {"kind": "channels", "measure": "events", "over": "period", "period": whole}, at=datetime(2018, 7, 1, tzinfo=UTC)
    )

    assert [(row["users"], row["value"]) for row in rows] == [(CUSTOMERS, PURCHASES)]


def test_repeat_purchases_are_spread_as_published(shop):
    rows = told(shop, {"kind": "frequency", "of": BOUGHT, "counted": "days", "most": 8, "period": CALIBRATION})

    assert {row["times"] - 1: row["users"] for row in rows} == REPEATED


def test_recency_is_that_of_the_published_table(shop):
    rows = told(shop, {"kind": "recency", "of": BOUGHT, "period": CALIBRATION})

    assert {row["days"]: row["users"] for row in rows} == SINCE


def test_value_groups_hold_everyone_and_the_score_of_frequency_keeps_the_published_spread(shop):
    rows = told(shop, {"kind": "rfm", "of": BOUGHT, "amount": "total", "period": CALIBRATION})

    assert sum(row["users"] for row in rows if row["recency"] is None) == CUSTOMERS
    once = told(shop, {"kind": "frequency", "of": BOUGHT, "period": CALIBRATION})[0]["users"]
    least = min(row["score"] for row in rows if row["recency"] is not None)
    assert sum(row["users"] for row in rows if row["score"] == least) == once


def test_those_who_ever_came_back_are_those_with_a_repeat_purchase(shop):
    question = {
        "kind": "retention",
        "start": BOUGHT,
        "return": BOUGHT,
        "when": "after",
        "granularity": "day",
        "ages": 2,
        "period": CALIBRATION,
    }
    for clock in ("calendar", "own"):
        rows = told(shop, {**question, "clock": clock})

        pooled = {row["state"]: row["users"] for row in rows if row["cohort"] is None and row["age"] == 1}
        assert pooled == {"back": CUSTOMERS - REPEATED[0], "away": REPEATED[0]}


def test_every_customer_was_new_in_the_first_quarter_and_never_after(shop):
    rows = told(shop, {"kind": "lifecycle", "granularity": "month", "period": CALIBRATION})

    new = {row["time"]: row["users"] for row in rows if row["state"] == "new"}
    assert list(new) == ["2017-01-01", "2017-02-01", "2017-03-01"]
    assert sum(new.values()) == CUSTOMERS
