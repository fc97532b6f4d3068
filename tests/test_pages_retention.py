"""The page of retention: empty, small, refused and chosen; its question stands in the address."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.test_pages_insights import NOW, asks, chosen, day_of, world
from tests.test_pages_users import HOSTILE, lives, shown
from tests.test_pages_users import opened as opened  # noqa: PLC0414 - the database of these pages
from tests.test_pages_why import said
from tests.worlds import events, take

if TYPE_CHECKING:
    from user360.store import Store

QUESTION: dict[str, Any] = {
    "kind": "retention",
    "start": {"event": "Product Viewed"},
    "return": {"event": "Order Completed"},
    "granularity": "day",
    "period": {"last": 14, "unit": "day"},
}


def test_without_events_the_page_says_what_it_needs(opened: Store) -> None:
    assert "No events yet" in said(shown("retention"))


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"return": {"event": HOSTILE}, "when": "after", "clock": "own", "entry": "every"},
        {"granularity": "week", "period": {"last": 12, "unit": "week"}, "breakdown": {"by": "channel"}},
        {"granularity": "month", "period": {"last": 12, "unit": "month"}, "breakdown": {"by": "property", "name": "country"}},
        {"period": {"last": 366, "unit": "day"}, "ages": 60},
    ],
)
def test_every_question_of_the_address_is_drawn_as_triangle_and_curve(opened: Store, more: dict[str, Any]) -> None:
    world(opened)

    test = lives(shown("retention", q=asks({**QUESTION, **more})))

    assert not test.error
    assert test.get("plotly_chart")


def test_before_any_period_is_finished_the_curve_says_so(opened: Store) -> None:
    take(opened, events([("u1", each, NOW - timedelta(minutes=1)) for each in ("Product Viewed", "Order Completed")]))

    test = lives(shown("retention", q=asks({**QUESTION, "granularity": "week", "period": {"last": 12, "unit": "week"}})))

    assert "No period is finished yet" in said(test)
    assert "Nobody did this then" not in said(test)


def test_one_user_and_nobody_are_answers_too(opened: Store) -> None:
    rows = [("u1", "Product Viewed", NOW - timedelta(days=4)), ("u1", "Order Completed", NOW - timedelta(days=3))]
    take(opened, events(rows))

    one = lives(shown("retention", q=asks(QUESTION)))
    assert "100.0%" in [each.value for each in one.metric]
    nobody = lives(shown("retention", q=asks({**QUESTION, "period": {"from": "2020-01-01", "to": "2020-01-31"}})))
    assert "Nobody did this then" in said(nobody)


@pytest.mark.parametrize(
    "document",
    ['{"kind":"retention"}', '{"kind":"retention","start":{"event":"Gone"}}', '{"kind":"retention","start":{"event":null},"ages":900}',
     '{"kind":"retention","start":{"event":null},"granularity":"hour"}'],
)  # fmt: skip
def test_an_edited_question_is_refused_with_a_way_to_begin_again(opened: Store, document: str) -> None:
    world(opened)

    test = lives(shown("retention", q=document))
    assert test.error

    lives(test.button(key="insight.again").click().run())
    assert not test.error


def test_another_unit_brings_the_dates_that_suit_it(opened: Store) -> None:
    world(opened)
    test = shown("retention", q=asks(QUESTION))

    lives(test.segmented_control(key="retention.unit").set_value("month").run())
    lives(test.segmented_control(key="retention.when").set_value("after").run())

    found = json.loads(test.query_params["q"])
    assert (found["granularity"], found["period"], found["when"]) == ("month", {"last": 12, "unit": "month"}, "after")


def test_who_came_back_is_listed_and_who_did_not_is_a_click_away(opened: Store) -> None:
    world(opened)
    back, away = (row for row in day_of(QUESTION, opened) if row["cohort"] is not None and row["age"] == 1)
    cell = {each: back[each] for each in ("cohort", "age", "state")}

    test = lives(shown("retention", q=asks(QUESTION), cells=chosen(QUESTION, cell)))
    assert f"{back['users']} drawn = {back['users']} listed" in said(test)

    lives(test.segmented_control(key="retention.state").set_value("away").run())
    assert f"{away['users']} drawn = {away['users']} listed" in said(test)
    assert "not back in day 1" in said(test)
