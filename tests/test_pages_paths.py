"""The page of paths: empty, small, large, refused and chosen; a link of the flow opens its people."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pages.ui.insights import asking, pathways
from pages.ui.insights.picture import Wanted
from tests import worlds
from tests.test_pages_insights import NOW, asks, chosen
from tests.test_pages_users import HOSTILE, lives, shown
from tests.test_pages_users import opened as opened  # noqa: PLC0414 - the database of these pages
from tests.test_pages_why import said
from user360 import ingest, insights

if TYPE_CHECKING:
    from user360.store import Store

STEPS = ("Session Started", "Product Viewed", HOSTILE)
FROM: dict[str, Any] = {"kind": "paths", "of": {"event": "Session Started"}}


def walked(store: Store, people: int = 6) -> None:
    """Everyone starts and views a minute later, every third does something with a hostile name after that."""
    rows = [
        (f"u{each}", name, NOW - timedelta(days=2) + timedelta(minutes=step))
        for each in range(people)
        for step, name in enumerate(STEPS[: 3 if each % 3 == 0 else 2])
    ]
    ingest.receive(store, worlds.events(rows), source="test", by="Ana", at=NOW)


def test_without_events_the_page_says_what_it_needs(opened: Store) -> None:
    assert "No events yet" in said(shown("paths"))


@pytest.mark.parametrize(
    "document",
    [
        {"kind": "paths"},
        FROM,
        {"kind": "paths", "of": {"event": HOSTILE}, "direction": "to", "count": "sessions", "join": True},
        {**FROM, "depth": 2, "least": 50.0, "most": 1, "leave_out": ["Product Viewed"]},
        {"kind": "active", "period": {"last": 7, "unit": "day"}},
    ],
)
def test_every_question_of_the_address_is_drawn(opened: Store, document: dict[str, Any]) -> None:
    walked(opened)

    test = lives(shown("paths", q=asks(document)))

    assert not test.error
    assert len(test.get("echarts_chart")) == 1


def test_a_period_without_paths_says_so(opened: Store) -> None:
    walked(opened)

    test = lives(shown("paths", q=asks({**FROM, "period": {"from": "2020-01-01", "to": "2020-01-31"}})))

    assert "Nobody did this then" in said(test)


@pytest.mark.parametrize(
    "document", ["{", '{"kind":"paths","depth":9}', '{"kind":"paths","of":{"event":"Gone"}}', '{"kind":"paths","of":3}']
)
def test_a_question_somebody_edited_is_refused_with_a_way_to_begin_again(opened: Store, document: str) -> None:
    walked(opened)
    test = lives(shown("paths", q=document))
    assert test.error

    lives(test.button(key="insight.again").click().run())
    assert not test.error


def test_a_chosen_link_lists_as_many_people_as_were_drawn_and_is_named(opened: Store) -> None:
    walked(opened)
    cell = {"level": 0, "step": "=Session Started", "onward": "=Product Viewed"}

    test = lives(shown("paths", q=asks(FROM), cells=chosen(FROM, cell)))

    assert "6 drawn = 6 listed" in said(test)
    assert "Session Started → Product Viewed, level 1" in said(test)


def test_the_controls_write_the_question_into_the_address(opened: Store) -> None:
    walked(opened)
    test = shown("paths", q=asks({"kind": "paths", "leave_out": ["Product Viewed"]}))

    test.selectbox(key="paths.event").set_value("Product Viewed")
    lives(test.run())
    test.selectbox(key="insight.direction").set_value("to")
    lives(test.run())

    written = json.loads(test.query_params["q"][0] if isinstance(test.query_params["q"], list) else test.query_params["q"])
    assert written == {"kind": "paths", "of": {"event": "Product Viewed"}, "direction": "to"}


def test_a_flow_of_sessions_says_sessions_and_people(opened: Store) -> None:
    walked(opened)
    question = insights.parse({**FROM, "count": "sessions"})

    drawn = pathways.picture(question, insights.run(opened, question, at=NOW), Wanted())

    assert drawn.quiet == "sessions"
    assert {each.told for each in drawn.links} >= {"Session Started → Product Viewed: 6 sessions of 6 people, 6 of 6"}
    assert {each.level for each in drawn.nodes} == {0, 1, 2, 3}
    assert len({each.key for each in drawn.nodes}) == len(drawn.nodes)
    assert all(asking.cell(each or "") for each in [*(node.cell for node in drawn.nodes), *(link.cell for link in drawn.links)])
