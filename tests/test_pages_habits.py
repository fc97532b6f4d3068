"""The views of lifecycle, hour by weekday and sessions on the page of trends."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pages.ui.insights import habits
from tests.test_pages_insights import NOW, asks, chosen, day_of, world
from tests.test_pages_users import HOSTILE, lives, shown
from tests.test_pages_users import opened as opened  # noqa: PLC0414 - the database of these pages
from tests.test_pages_why import said
from tests.worlds import events, take

if TYPE_CHECKING:
    from user360.store import Store

CASES: list[tuple[str, dict[str, Any]]] = [
    ("lifecycle", {}),
    ("lifecycle", {"of": {"event": HOSTILE}, "granularity": "week", "period": {"last": 12, "unit": "month"}}),
    ("lifecycle", {"granularity": "month", "period": {"from": "2020-01-01", "to": "2020-12-31"}}),
    ("rhythm", {}),
    ("rhythm", {"of": {"event": "Order Completed"}, "clock": "own", "channels": ["web"]}),
    ("sessions", {"breakdown": {"by": "channel"}}),
    ("sessions", {"shows": "lengths", "breakdown": {"by": "property", "name": "country"}}),
    ("sessions", {"shows": "sizes"}),
    ("sessions", {"granularity": "hour", "period": {"last": 12, "unit": "month"}}),
]


@pytest.mark.parametrize(("view", "more"), CASES)
def test_every_question_of_the_address_is_drawn(opened: Store, view: str, more: dict[str, Any]) -> None:
    world(opened)

    test = lives(shown("trends", view=view, q=asks({"kind": view, **more})))

    assert not test.error
    assert test.get("plotly_chart")


@pytest.mark.parametrize("way", ["median", "events", "users", "nonsense"])
def test_sessions_are_drawn_by_every_measure(opened: Store, way: str) -> None:
    world(opened)

    assert lives(shown("trends", view="sessions", way=way)).get("plotly_chart")


@pytest.mark.parametrize("view", ["rhythm", "sessions"])
def test_where_nothing_happened_the_page_says_so(opened: Store, view: str) -> None:
    world(opened)
    past = {"kind": view, "period": {"from": "2020-01-01", "to": "2020-01-31"}}

    assert "Nobody did this then" in said(lives(shown("trends", view=view, q=asks(past))))


def test_one_user_has_a_lifecycle_and_opens(opened: Store) -> None:
    take(opened, events([("u1", "Product Viewed", NOW - timedelta(days=8)), ("u1", "Product Viewed", NOW - timedelta(days=3))]))
    question = {"kind": "lifecycle", "granularity": "day", "period": {"last": 30, "unit": "day"}}
    row = next(row for row in day_of(question, opened) if row["state"] == "dormant")
    cell = {"time": row["time"], "state": "dormant"}

    test = lives(shown("trends", view="lifecycle", q=asks(question), cells=chosen(question, cell)))

    assert "Dormant · " in said(test)
    assert "1 drawn = 1 listed" in said(test)


def test_an_hour_of_a_weekday_opens_its_people(opened: Store) -> None:
    world(opened)
    row = day_of({"kind": "rhythm"}, opened)[0]
    cell = {"weekday": row["weekday"], "hour": row["hour"]}

    test = lives(shown("trends", view="rhythm", q=asks({"kind": "rhythm"}), cells=chosen({"kind": "rhythm"}, cell)))

    assert f"{row['users']} drawn = {row['users']} listed" in said(test)


def test_another_view_keeps_what_it_can_ask(opened: Store) -> None:
    world(opened)
    trend = {
        "kind": "trend",
        "series": [{"of": {"event": "Product Viewed"}}],
        "granularity": "hour",
        "period": {"last": 7, "unit": "day"},
        "breakdown": {"by": "channel"},
    }
    test = shown("trends", q=asks(trend))

    lives(test.segmented_control(key="trends.view").set_value("lifecycle").run())

    assert not test.error
    assert json.loads(test.query_params["q"]) == {
        "kind": "lifecycle",
        "granularity": "week",
        "period": {"last": 7, "unit": "day"},
    }


def test_spans_and_sizes_are_said_as_people_read_them() -> None:
    assert [habits._span(each) for each in (0, 1, 600, 3_600)] == ["under 1 s", "1 s – 10 s", "10 min – 30 min", "1 h and more"]
    assert [habits._size(each) for each in (1, 3, 4, 51)] == ["1", "3", "4–5", "51 and more"]
