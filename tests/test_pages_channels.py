"""The page of channels: each of its views empty, small, refused and chosen; every mark opens as many people as it says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pages.ui.insights import flows, moving, reaching, together
from pages.ui.insights.picture import Wanted
from tests import worlds
from tests.test_pages_insights import NOW, asks, chosen, world
from tests.test_pages_users import HOSTILE, add, lives, shown
from tests.test_pages_users import opened as opened  # noqa: PLC0414 - the database of these pages
from tests.test_pages_why import said
from user360 import ingest, insights

if TYPE_CHECKING:
    from user360.store import Store

VIEWS: list[tuple[str, dict[str, Any]]] = [
    ("time", {"kind": "channels"}),
    ("time", {"kind": "channels", "measure": "sessions", "granularity": "week"}),
    ("time", {"kind": "channels", "measure": "events", "channels": ["web"]}),
    ("time", {"kind": "channels", "touch": "first", "period": {"last": 12, "unit": "month"}, "granularity": "month"}),
    ("time", {"kind": "channels", "period": {"from": "2030-01-01", "to": "2030-01-31"}}),
    ("together", {"kind": "overlap"}),
    ("together", {"kind": "overlap", "least": 2}),
    ("together", {"kind": "overlap", "period": {"from": "2030-01-01", "to": "2030-01-31"}}),
    ("switching", {"kind": "switching"}),
    ("switching", {"kind": "switching", "hours": 24}),
    ("reach", {"kind": "reachability"}),
]
CELLS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("time", {"kind": "channels", "over": "period", "measure": "users", "touch": "any"}, {"breakdown": "none"}),
    ("together", {"kind": "overlap"}, {"combination": '["web","whatsapp"]', "channel": None, "size": None}),
    ("together", {"kind": "overlap"}, {"combination": None, "channel": "=web", "size": None}),
    ("together", {"kind": "overlap"}, {"combination": None, "channel": None, "size": 2}),
    ("switching", {"kind": "switching"}, {"origin": "=web", "target": "=whatsapp"}),
    ("switching", {"kind": "switching"}, {"origin": "=web", "target": None}),
    ("reach", {"kind": "reachability"}, {"channel": "=email", "step": "no address", "combination": None}),
    ("reach", {"kind": "reachability"}, {"channel": "any", "step": "combination", "combination": "none"}),
]


def busy(store: Store) -> None:
    """The world of the other pages, and messages to some of its people."""
    world(store)
    who = ["u0", "u1", "u3", "u0", "u3"]
    what = ["Message Sent", "Message Sent", "Message Sent", "Message Read", "Message Received"]
    rows = [(each, name, NOW.replace(microsecond=place)) for place, (each, name) in enumerate(zip(who, what, strict=True))]
    batch = worlds.events(list(rows), channels=["whatsapp", "whatsapp", HOSTILE, "whatsapp", HOSTILE])
    ingest.receive(store, batch, source="test", by="Ana", at=NOW)


def test_without_events_the_page_says_what_it_needs(opened: Store) -> None:
    add(opened, "u1")

    assert "No events yet" in said(shown("channels"))


@pytest.mark.parametrize(("view", "document"), VIEWS, ids=str)
def test_every_question_of_the_address_is_drawn(opened: Store, view: str, document: dict[str, Any]) -> None:
    busy(opened)

    test = lives(shown("channels", view=view, q=asks(document)))

    assert not test.error
    assert test.caption


@pytest.mark.parametrize("view", ["", "time", "together", "switching", "reach", "nothing"])
def test_a_view_opens_without_a_question(opened: Store, view: str) -> None:
    busy(opened)

    assert not lives(shown("channels", view=view, form="shares")).error


@pytest.mark.parametrize(("view", "document", "cell"), CELLS, ids=str)
def test_a_chosen_mark_lists_as_many_people_as_were_drawn(opened: Store, view: str, document: Any, cell: Any) -> None:
    busy(opened)
    rows = insights.run(opened, insights.parse(document), at=NOW).table.to_pylist()
    (drawn,) = [row["users"] for row in rows if all(row[each] == value for each, value in cell.items())]

    test = lives(shown("channels", view=view, cells=chosen(document, cell)))

    assert f"{drawn} drawn = {drawn} listed" in said(test)


@pytest.mark.parametrize(
    ("view", "document"),
    [
        ("time", '{"kind":"channels","breakdown":{"by":"property","name":"country"}}'),
        ("together", '{"kind":"overlap","least":0}'),
        ("switching", '{"kind":"switching","hours":-3}'),
        ("reach", '{"kind":"reachability","step":1}'),
        ("together", "{"),
    ],
)
def test_a_question_somebody_edited_is_refused_with_a_way_to_begin_again(opened: Store, view: str, document: str) -> None:
    busy(opened)

    test = lives(shown("channels", view=view, q=document))
    assert test.error

    lives(test.button(key="insight.again").click().run())
    assert not test.error


def test_another_view_takes_over_the_period_and_the_channels(opened: Store) -> None:
    busy(opened)
    test = shown(
        "channels", view="time", q='{"kind":"channels","measure":"events","period":{"last":7,"unit":"day"},"channels":["web"]}'
    )
    test.segmented_control(key="channels.view").set_value("switching")
    lives(test.run())

    (written,) = [each if isinstance(each, str) else each[0] for each in [test.query_params["q"]]]
    assert json.loads(written) == {"kind": "switching", "period": {"last": 7, "unit": "day"}, "channels": ["web"]}


def test_everybody_on_one_channel_switches_nowhere_and_is_one_column(opened: Store) -> None:
    ingest.receive(opened, worlds.events([("u1", "Seen", NOW)], channels=["web"]), source="test", by="Ana", at=NOW)

    assert "Nobody went from one channel to another" in said(lives(shown("channels", view="switching")))
    assert lives(shown("channels", view="together")).get("plotly_chart")


# -- figures ------------------------------------------------------------------------------------


def test_every_column_and_every_dot_of_it_opens_the_same_people_and_other_has_no_dots(opened: Store) -> None:
    busy(opened)
    question = insights.parse({"kind": "overlap", "most": 1})
    result = insights.run(opened, question, at=NOW)
    sets, columns = together.read(result)
    figure = together.picture(question, result, Wanted()).figure
    assert figure is not None

    assert [each.note.split("<")[0] for each in columns] == ["", "Other"]
    bars, dots = figure.data[0], next(each for each in figure.data if each.type == "scatter" and each.mode == "markers")
    assert list(bars.customdata) == [each.cell for each in columns]
    assert {dots.customdata[place] for place, x in enumerate(dots.x) if x == 0} == {columns[0].cell}
    assert len(dots.x) == len(sets)


def test_names_of_channels_are_no_markup(opened: Store) -> None:
    busy(opened)
    question = insights.parse({"kind": "overlap"})
    figure = together.picture(question, insights.run(opened, question, at=NOW), Wanted()).figure
    assert figure is not None

    assert all("<img" not in str(each.text) for each in figure.layout.annotations)


def test_a_link_and_a_node_of_the_flow_carry_their_own_cells(opened: Store) -> None:
    busy(opened)
    question = insights.parse({"kind": "switching"})
    drawn = moving.picture(question, insights.run(opened, question, at=NOW), Wanted())

    link = {"selection": {"selected": [{"data_type": "edge", "data_indices": [0]}]}}
    cell = json.loads(flows.cell_of(link, drawn.nodes, drawn.links) or "{}")
    assert (f"0 {cell['origin']}", f"1 {cell['target']}") == (drawn.links[0].source, drawn.links[0].target)
    assert {each.source for each in drawn.links} | {each.target for each in drawn.links} == {each.key for each in drawn.nodes}


def test_the_fewest_channels_that_reach_nearly_everybody_are_named(opened: Store) -> None:
    question = insights.parse({"kind": "reachability"})
    assert reaching.fewest(insights.run(opened, question, at=NOW)) == "Nobody can be reached on any channel."

    for number in range(40):
        add(
            opened,
            f"u{number}",
            email=f"u{number}@example.com",
            emailOptin="true" if number < 38 else "false",
            phone="+919000500000",
            smsOptin="true",
        )
    assert (
        reaching.fewest(insights.run(opened, question, at=NOW))
        == "SMS alone reaches 100.0% of the 40 people any channel reaches."
    )
