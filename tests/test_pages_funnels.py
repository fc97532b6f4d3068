"""The page of funnels: empty, small, refused and chosen; its steps are edited in the address."""

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
    from streamlit.testing.v1 import AppTest

    from user360.store import Store

SAW, BOUGHT = {"event": "Product Viewed"}, {"event": "Order Completed"}
FUNNEL: dict[str, Any] = {"kind": "funnel", "steps": [SAW, BOUGHT]}
BIG: dict[str, Any] = {
    **BOUGHT,
    "where": {"match": "all", "conditions": [{"property": "total", "operator": "at_least", "values": [1], "type": "number"}]},
}


def question(test: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(test.query_params["q"])
    return found


def test_without_events_the_page_says_what_it_needs(opened: Store) -> None:
    assert "No events yet" in said(shown("funnels"))


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"steps": [SAW] * 10},
        {"steps": [{"event": HOSTILE}, {"event": None}, BIG], "order": "any", "same": ["total"]},
        {"order": "strict", "breakdown": {"by": "channel"}, "within": {"value": 3, "unit": "hour"}},
        {"excluded": [{"of": {"event": HOSTILE}, "after": 1, "before": 2}], "breakdown": {"by": "property", "name": "country"}},
        {"shows": "over_time", "granularity": "week", "breakdown": {"by": "channel"}},
        {"shows": "over_time", "granularity": "hour", "period": {"last": 12, "unit": "month"}},
        {"shows": "times", "breakdown": {"by": "event_property", "name": "total"}},
    ],
)
def test_every_funnel_of_the_address_is_drawn(opened: Store, more: dict[str, Any]) -> None:
    world(opened)

    test = lives(shown("funnels", q=asks({**FUNNEL, **more})))

    assert not test.error
    assert test.get("plotly_chart")


def test_where_nobody_began_the_page_says_so(opened: Store) -> None:
    world(opened)

    test = lives(shown("funnels", q=asks({**FUNNEL, "period": {"from": "2020-01-01", "to": "2020-01-31"}})))

    assert "Nobody did this then" in said(test)


def test_one_user_is_a_funnel_too(opened: Store) -> None:
    take(opened, events([("u1", "Product Viewed", NOW - timedelta(days=2)), ("u1", "Order Completed", NOW - timedelta(days=1))]))

    test = lives(shown("funnels", q=asks(FUNNEL)))

    assert "1 person" not in said(test)
    assert test.dataframe[0].value.iloc[-1]["last"] == 1


@pytest.mark.parametrize(
    "document",
    ['{"kind":"funnel","steps":[]}', '{"kind":"funnel","steps":[{"event":"Gone"},{"event":null}]}', '{"kind":"funnel","steps":7}',
     '{"kind":"funnel","steps":[{"event":null},{"event":null}],"excluded":[{"of":{"event":null},"after":4,"before":9}]}',
     '{"kind":"funnel","steps":[{"event":null},{"event":null}],"within":{"value":1000000}}'],
)  # fmt: skip
def test_an_edited_funnel_is_refused_with_a_way_to_begin_again(opened: Store, document: str) -> None:
    world(opened)

    test = lives(shown("funnels", q=document))
    assert test.error

    lives(test.button(key="insight.again").click().run())
    assert not test.error


def test_steps_are_added_and_events_excluded_in_the_address(opened: Store) -> None:
    world(opened)
    test = shown("funnels", q=asks(FUNNEL))

    lives(test.button(key="funnel.more").click().run())
    assert question(test)["steps"] == [SAW, BOUGHT, BOUGHT]

    lives(test.button(key="funnel.exclude").click().run())
    assert question(test)["excluded"] == [{"of": {"event": HOSTILE}}]
    lives(test.selectbox(key="funnel.excluded.0.before").select(2).run())
    assert question(test)["excluded"] == [{"of": {"event": HOSTILE}, "before": 2}]
    lives(test.button(key="funnel.excluded.0.out").click().run())
    assert "excluded" not in question(test)


def editing(test: AppTest) -> AppTest:
    """With the second step's editor open."""
    test.session_state["funnel.step.1.open"] = True
    return lives(test.run())


def test_a_step_is_edited_with_its_conditions_moved_and_taken_out(opened: Store) -> None:
    world(opened)
    test = editing(shown("funnels", q=asks({**FUNNEL, "steps": [SAW, BIG, BOUGHT]})))
    assert "where" in said(test)

    lives(
        next(each for each in test.selectbox if each.label == "Event" and each.value == "Order Completed").select(HOSTILE).run()
    )
    assert question(test)["steps"] == [SAW, {"event": HOSTILE}, BOUGHT]
    lives(editing(test).button(key="funnel.step.1.Earlier").click().run())
    assert question(test)["steps"] == [{"event": HOSTILE}, SAW, BOUGHT]
    lives(editing(test).button(key="funnel.step.1.out").click().run())
    assert question(test)["steps"] == [{"event": HOSTILE}, BOUGHT]


def test_a_condition_of_a_step_counts_once_it_is_finished(opened: Store) -> None:
    world(opened)
    test = editing(shown("funnels", q=asks(FUNNEL)))

    lives(next(each for each in test.button if ".where.add." in str(each.key)).click().run())
    assert question(test)["steps"][1] == BOUGHT
    lives(next(each for each in editing(test).selectbox if each.label.startswith("Property")).select("channel").run())
    assert question(test)["steps"][1] == BOUGHT
    assert "channel" in [each.value for each in editing(test).selectbox if each.label.startswith("Property")]


def test_who_dropped_is_listed_and_the_other_people_of_the_step_are_a_click_away(opened: Store) -> None:
    world(opened)
    document = {**FUNNEL, "within": {"value": 1, "unit": "hour"}}
    dropped = next(row for row in day_of(document, opened) if row["state"] == "dropped")

    test = lives(shown("funnels", q=asks(document), cells=chosen(document, {"step": 2, "state": "dropped"})))
    assert "Dropped before Order Completed" in said(test)
    assert f"{dropped['users']} drawn = {dropped['users']} listed" in said(test)

    lives(test.segmented_control(key="funnel.state").set_value("reached").run())
    assert "Reached Order Completed" in said(test)
    assert "0 drawn = 0 listed" in said(test)
