"""The page of value groups: every view empty, small, large and refused; a cell, a row and a bar open their people."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pages.ui.insights import distributions, pictures, standing
from pages.ui.insights.picture import Wanted
from tests import worlds
from tests.test_pages_insights import NOW, asks, chosen
from tests.test_pages_users import HOSTILE, lives, shown
from tests.test_pages_users import opened as opened  # noqa: PLC0414 - the database of these pages
from tests.test_pages_why import said
from user360 import ingest, insights, scoring

if TYPE_CHECKING:
    from user360.store import Store

BOUGHT: dict[str, Any] = {"of": {"event": "Order Completed"}}


def shop(store: Store, people: int = 20) -> None:
    """Everyone bought some times, some days ago, two never; one country is hostile."""
    rows = [{"userId": f"u{each}", "country": (HOSTILE, "DE", None)[each % 3]} for each in range(people)]
    ingest.receive(store, worlds.users(rows), source="test", by="Ana", at=NOW)
    bought = [
        (f"u{each}", "Order Completed", NOW - timedelta(days=each, minutes=turn))
        for each in range(people - 2)
        for turn in range(1 + each % 4)
    ]
    properties: list[str | None] = [f'{{"total": {place % 7}}}' for place in range(len(bought))]
    ingest.receive(store, worlds.events(list(bought), properties=properties), source="test", by="Ana", at=NOW)


@pytest.mark.parametrize("view", ["rfm", "transitions", "frequency", "recency", "values"])
def test_every_view_is_drawn_of_nobody_of_one_and_of_many(opened: Store, view: str) -> None:
    assert "No users yet" in said(shown("value_groups", view=view))

    shop(opened, 3)
    test = lives(shown("value_groups", view=view))
    assert len(test.get("plotly_chart")) == 1
    assert not test.error

    shop(opened, 60)
    test = lives(shown("value_groups", view=view))
    assert len(test.get("plotly_chart")) == 1
    assert not test.error


def test_without_events_the_values_can_be_seen_and_the_groups_say_what_they_need(opened: Store) -> None:
    ingest.receive(opened, worlds.users([{"userId": "u1", "country": "DE"}]), source="test", by="Ana", at=NOW)

    assert "No events yet" in said(shown("value_groups"))
    assert len(lives(shown("value_groups", view="values")).get("plotly_chart")) == 1


@pytest.mark.parametrize(
    ("view", "document"),
    [
        ("rfm", "{"),
        ("rfm", '{"kind":"rfm"}'),
        ("rfm", '{"kind":"rfm","of":{"event":"Gone"}}'),
        ("rfm", '{"kind":"rfm","of":{"event":"Order Completed"},"second":"amount"}'),
        ("transitions", '{"kind":"transitions","of":{"event":"Order Completed"},"apart":999}'),
        ("values", '{"kind":"values","property":"cuntry"}'),
        ("values", '{"kind":"values","property":["country"]}'),
    ],
)
def test_a_question_somebody_edited_is_refused_with_a_way_to_begin_again(opened: Store, view: str, document: str) -> None:
    shop(opened)
    test = lives(shown("value_groups", view=view, q=document))
    assert test.error

    lives(test.button(key="insight.again").click().run())
    assert not test.error


def test_a_period_in_the_future_has_nobody_and_says_so(opened: Store) -> None:
    shop(opened)
    for view in ("rfm", "transitions", "frequency", "recency"):
        document = {"kind": view, **BOUGHT, "period": {"from": "2030-01-01", "to": "2030-01-31"}}
        test = lives(shown("value_groups", view=view, q=asks(document)))
        assert "Nobody did this then" in said(test) or "This period has not begun yet" in said(test), view


@pytest.mark.parametrize(
    ("view", "document"),
    [
        ("rfm", {"kind": "rfm", **BOUGHT}),
        ("transitions", {"kind": "transitions", **BOUGHT, "apart": 7}),
        ("frequency", {"kind": "frequency", **BOUGHT, "counted": "days"}),
        ("recency", {"kind": "recency", **BOUGHT}),
        ("values", {"kind": "values", "property": "country", "across": "lastChannel"}),
    ],
)
def test_every_mark_lists_as_many_people_as_were_drawn_and_is_named(opened: Store, view: str, document: dict[str, Any]) -> None:
    shop(opened)
    question = insights.parse(document)
    result = insights.run(opened, question, at=NOW)
    row = result.table.to_pylist()[-1]
    cell = {each: row[each] for each in result.marks()}

    test = lives(shown("value_groups", view=view, q=asks(document), cells=chosen(document, cell)))

    assert f"{row['users']} drawn = {row['users']} listed" in said(test)
    assert all(pictures.told(question, result, [json.dumps({m: r[m] for m in result.marks()})]) for r in result.table.to_pylist())


def test_another_view_keeps_the_event_and_the_period(opened: Store) -> None:
    shop(opened)
    document = {"kind": "rfm", "of": {"event": None}, "period": {"last": 7, "unit": "day"}, "second": "frequency"}
    test = shown("value_groups", view="rfm", q=asks(document))

    test.segmented_control(key="groups.view").set_value("recency")
    lives(test.run())

    written = json.loads(test.query_params["q"][0] if isinstance(test.query_params["q"], list) else test.query_params["q"])
    assert written == {"kind": "recency", "of": {"event": None}, "period": {"last": 7, "unit": "day"}}


def test_an_event_without_an_amount_takes_the_amount_out_of_the_question(opened: Store) -> None:
    shop(opened)
    ingest.receive(opened, worlds.events([("u1", "Seen", NOW)]), source="test", by="Ana", at=NOW)
    test = shown("value_groups", view="rfm", q=asks({"kind": "rfm", **BOUGHT, "amount": "total", "second": "both"}))

    test.selectbox(key="groups.event").set_value("Seen")
    lives(test.run())

    assert not test.error
    assert len(test.get("plotly_chart")) == 1


def test_who_is_left_out_of_the_bars_is_opened_by_a_button(opened: Store) -> None:
    shop(opened)
    test = shown("value_groups", view="frequency", q=asks({"kind": "frequency", **BOUGHT}))

    lives(test.button(key="groups.frequency.others").click().run())

    assert "2 drawn = 2 listed" in said(test)


def test_the_page_of_a_property_leads_to_how_it_is_spread(opened: Store) -> None:
    shop(opened)
    test = shown("properties", name="country")

    lives(test.button(key="properties.spread").click().run())

    assert [each.value for each in test.header] == ["Value groups"]
    assert test.selectbox(key="groups.property").value == "country"


# -- figures ------------------------------------------------------------------------------------


def test_the_grid_draws_25_cells_and_those_without_people_open_nothing(opened: Store) -> None:
    shop(opened)
    question = insights.parse({"kind": "rfm", **BOUGHT, "amount": "total"})
    result = insights.run(opened, question, at=NOW)

    figure = standing.grid(question, result, Wanted()).figure

    assert figure is not None
    carried = [each for each in figure.data[1].customdata if each is not None]
    assert len(figure.data[1].x) == 25
    assert len(carried) == len([row for row in result.table.to_pylist() if row["recency"]])


def test_values_are_no_markup_and_numbers_keep_their_order(opened: Store) -> None:
    shop(opened)
    question = insights.parse({"kind": "values", "property": "country"})
    drawn = distributions.picture(question, insights.run(opened, question, at=NOW), Wanted()).figure

    assert drawn is not None
    assert not any("<b>" in each for each in drawn.layout.yaxis.ticktext)


@pytest.mark.parametrize(("low", "told"), [(0, "today"), (1, "1 day"), (3, "3–6 days"), (365, "365+ days")])
def test_stretches_are_told_in_days(low: int, told: str) -> None:
    assert low in scoring.EDGES
    assert standing.stretch(low) == told
