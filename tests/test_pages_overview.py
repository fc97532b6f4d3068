"""The overview: empty, without events, of one, of many, refused; every tile and every card opens as many people as it says."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pages.ui.insights import reaching, tiles
from pages.ui.insights.picture import Wanted
from tests.test_pages_insights import NOW, asks, chosen, world
from tests.test_pages_users import add, add_many, lives, shown
from tests.test_pages_users import opened as opened  # noqa: PLC0414 - the database of these pages
from tests.test_pages_why import said
from user360 import insights

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest

    from user360.store import Store

CARDS = [
    ({"kind": "overview"}, {"figure": "active 7 days", "time": "now"}),
    ({"kind": "overview"}, {"figure": "identified", "time": "now"}),
    ({"kind": "channels", "over": "period"}, {"breakdown": "none"}),
    ({"kind": "channels", "over": "period"}, {"breakdown": "=web"}),
    ({"kind": "reachability"}, {"channel": "=email", "step": "not asked", "combination": None}),
    ({"kind": "top_events"}, {"event": "=Order Completed", "time": "now"}),
]


def metrics(test: AppTest) -> dict[str, Any]:
    return {each.label: each.value for each in test.metric}


def test_without_anybody_the_overview_says_what_it_needs(opened: Store) -> None:
    assert "No users yet" in said(shown("overview"))


def test_users_without_events_are_counted_and_their_reach_is_drawn(opened: Store) -> None:
    add(opened, "u1", email="a@example.com", emailOptin="true")

    test = lives(shown("overview"))

    assert metrics(test)["Users"] == "1"
    assert metrics(test)["Reachable by any"] == "1 of 1"
    assert "once the first event has come" in said(test)
    assert len(test.get("plotly_chart")) == 1


def test_the_tiles_say_what_the_insight_counts_and_compare_with_the_period_before(opened: Store) -> None:
    world(opened, 40)
    test = lives(shown("overview"))

    rows = insights.run(opened, insights.parse({"kind": "overview"}), at=NOW).table.to_pylist()
    now = {row["figure"]: row["value"] for row in rows if row["time"] == "now"}
    assert metrics(test)["Active, 30 days"] == f"{now['active 30 days']:.0f}"
    assert metrics(test)["Events"] == f"{now['events']:.0f}"
    assert metrics(test)["Identified"] == "100.0%"
    assert len(test.get("plotly_chart")) == 3
    assert len(test.dataframe) == 1


@pytest.mark.parametrize(("document", "cell"), CARDS, ids=str)
def test_a_chosen_mark_of_any_card_lists_as_many_people_as_were_drawn(opened: Store, document: Any, cell: Any) -> None:
    world(opened)
    rows = insights.run(opened, insights.parse(document), at=NOW).table.to_pylist()
    (drawn,) = [row["users"] for row in rows if all(row[each] == value for each, value in cell.items())]

    test = lives(shown("overview", cells=chosen(document, cell)))

    assert f"{drawn} drawn = {drawn} listed" in said(test)


def test_a_tile_opens_its_people(opened: Store) -> None:
    world(opened)
    test = shown("overview")

    lives(test.button(key="overview.tile.Users").click().run())

    assert "12 drawn = 12 listed" in said(test)


@pytest.mark.parametrize(
    "document",
    [
        {"kind": "overview", "period": {"last": 12, "unit": "month"}, "granularity": "month"},
        {"kind": "overview", "period": {"last": 7, "unit": "day"}, "channels": ["web"]},
        {"kind": "overview", "period": {"from": "2030-01-01", "to": "2030-01-31"}},
        {"kind": "overview", "period": {"from": "2001-01-01", "to": "2001-01-31"}},
    ],
    ids=str,
)
@pytest.mark.parametrize("compare", ["", "off"])
def test_every_period_of_the_address_is_drawn(opened: Store, document: Any, compare: str) -> None:
    world(opened)

    test = lives(shown("overview", q=asks(document), compare=compare))

    assert not test.error
    assert len(test.metric) == len(tiles.FIGURES)


def test_a_question_somebody_edited_is_refused_and_another_segment_than_there_is_too(opened: Store) -> None:
    world(opened)
    rule = json.dumps({"version": 1, "match": "all", "conditions": [{"segment": "s99"}]})

    assert lives(shown("overview", q='{"kind":"overview","granularity":"hour"}')).error
    gone = shown("overview", rule=rule)
    assert not gone.exception
    assert gone.error


def test_many_events_and_users_are_ranked_and_the_rest_is_other(opened: Store) -> None:
    add_many(opened, 3000)
    world(opened, 300)

    test = lives(shown("overview"))

    assert metrics(test)["Users"] == "3,300"


# -- tiles and bars -----------------------------------------------------------------------------


def test_a_minus_is_one_the_tile_can_read_and_no_change_has_no_direction(opened: Store) -> None:
    world(opened)
    at = NOW + timedelta(days=40)
    read = tiles.read(insights.run(opened, insights.parse({"kind": "overview"}), at=at))

    changes = {each.label: each.change for each in read}
    assert changes["Events"] == "-100.0%"
    assert changes["Identified"] in tiles.UNCHANGED


def test_the_parts_of_reach_are_a_hundred_and_what_is_nobody_opens_nothing(opened: Store) -> None:
    add(opened, "u1", email="a@example.com", emailOptin="true")
    add(opened, "u2", emailOptin="false")
    question = insights.parse({"kind": "reachability"})
    result = insights.run(opened, question, at=NOW)

    for view in (reaching.CONSENT, reaching.STEPS):
        figure = reaching.picture(question, result, Wanted(view)).figure
        assert figure is not None
        assert [sum(shares) for shares in zip(*(each.x for each in figure.data), strict=True)] == [100, 100, 100]
        assert all(
            (cell is None) == (share == 0) for each in figure.data for cell, share in zip(each.customdata, each.x, strict=True)
        )
