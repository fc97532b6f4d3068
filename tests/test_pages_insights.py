"""The pages of insights: empty, small, refused and chosen; the question stands in the address, a mark opens its people."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pages.ui.insights import asking, atlas, flows, grids, over_time, readings
from tests import worlds
from tests.test_pages_users import HOSTILE, add, lives, shown
from tests.test_pages_users import opened as opened  # noqa: PLC0414 - the database of these pages
from tests.test_pages_why import said
from user360 import annotating, clock, events, ingest, insights
from user360.segments import saved

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest

    from user360.store import Store

NOW = clock.now()  # noqa: TID251 - pages live in the present
DAY = (NOW - timedelta(days=3)).date().isoformat()


def world(store: Store, people: int = 12) -> None:
    """Everyone saw something three days ago, every third bought it, on channels in turn; one name is hostile."""
    rows = [(f"u{each}", "Product Viewed", NOW - timedelta(days=3)) for each in range(people)]
    rows += [(f"u{each}", "Order Completed", NOW - timedelta(days=2)) for each in range(0, people, 3)]
    rows.append(("u1", HOSTILE, NOW - timedelta(days=1)))
    channels: list[str | None] = [("web", "whatsapp", None)[place % 3] for place in range(len(rows))]
    properties: list[str | None] = [f'{{"total": {place}}}' for place in range(len(rows))]
    batch = worlds.events(list(rows), channels=channels, properties=properties)
    ingest.receive(store, batch, source="test", by="Ana", at=NOW)


def asks(document: Any) -> str:
    return document if isinstance(document, str) else json.dumps(document)


def chosen(document: dict[str, Any], cell: dict[str, Any]) -> str:
    """The address of a chosen mark, as a click writes it."""
    question = insights.parse(document)
    return json.dumps({"of": asking._mark(question), "cells": [readings.cell(cell)]})


def day_of(document: dict[str, Any], test_store: Store) -> list[dict[str, Any]]:
    return insights.run(test_store, insights.parse(document), at=NOW).table.to_pylist()


def test_without_events_the_page_says_what_it_needs(opened: Store) -> None:
    assert "No events yet" in said(shown("trends"))


@pytest.mark.parametrize("page", ["trends", "funnels", "retention"])
def test_what_is_only_written_by_the_system_is_no_event_yet(opened: Store, page: str) -> None:
    add(opened, "C-1")
    assert events.newest(opened, about=NOW) is not None
    assert "No events yet" in said(shown(page))


def test_users_without_events_are_still_shown_by_country(opened: Store) -> None:
    add(opened, "C-1", country="India")
    test = lives(shown("trends", view="map"))
    assert "No events yet" not in said(test)
    assert "Users by country" in said(test)


@pytest.mark.parametrize(
    ("view", "document"),
    [
        ("trends", {"kind": "trend", "series": [{"of": {"event": "Product Viewed"}}]}),
        ("trends", {"kind": "trend", "series": [{"of": {"event": HOSTILE}}, {"of": {"event": None}, "figure": "per_user"}]}),
        (
            "trends",
            {
                "kind": "trend",
                "series": [{"of": {"event": "Order Completed"}, "figure": "sum", "property": "total"}],
                "breakdown": {"by": "channel"},
            },
        ),
        ("active", {"kind": "active", "breakdown": {"by": "property", "name": "country"}}),
        ("active", {"kind": "active", "rolling": True}),
        ("active", {"kind": "active", "granularity": "hour", "period": {"last": 7, "unit": "day"}}),
        ("active", {"kind": "active", "period": {"last": 12, "unit": "month"}, "granularity": "month"}),
        ("map", {"kind": "geography"}),
        ("map", {"kind": "geography", "by": "city", "whose": "active"}),
    ],
)
def test_every_question_of_the_address_is_drawn(opened: Store, view: str, document: dict[str, Any]) -> None:
    world(opened)
    annotating.write(opened, NOW.date(), HOSTILE, by="Ana", at=NOW)

    test = lives(shown("trends", view=view, q=asks(document), compare="1"))

    assert not test.error
    assert test.get("plotly_chart")


@pytest.mark.parametrize(
    ("page", "view", "document"),
    [
        ("trends", "trends", {"kind": "trend", "series": [{"of": {"event": "Product Viewed"}, "figure": "per_user"}]}),
        ("trends", "active", {"kind": "active", "breakdown": {"by": "channel"}}),
        ("trends", "sessions", {"kind": "sessions"}),
        ("funnels", "", {"kind": "funnel", "steps": [{"event": "Product Viewed"}, {"event": "Order Completed"}]}),
        ("retention", "", {"kind": "retention", "start": {"event": "Product Viewed"}}),
        ("channels", "time", {"kind": "channels"}),
    ],
)
def test_a_period_in_the_future_has_not_begun_and_nothing_is_drawn(
    opened: Store, page: str, view: str, document: dict[str, Any]
) -> None:
    world(opened)
    future = {"from": "2090-01-01", "to": "2090-01-31"}

    test = lives(shown(page, view=view, q=asks({**document, "period": future})))

    assert not test.error
    assert not test.get("plotly_chart")
    assert "This period has not begun yet" in said(test)
    assert not [each for each in test.caption if each.value.startswith(" ") or each.value.startswith("·")]


def test_a_figure_of_nothing_is_told_and_not_drawn_as_an_empty_axis(opened: Store) -> None:
    world(opened)
    average = {"of": {"event": "Order Completed"}, "figure": "average", "property": "total"}
    long_ago = {"from": "2020-01-01", "to": "2020-01-31"}

    test = lives(shown("trends", q=asks({"kind": "trend", "series": [average], "period": long_ago})))

    assert not test.get("plotly_chart")
    assert "Nobody did this then" in said(test)
    assert "nothing of it happened in this period" in said(test)


@pytest.mark.parametrize(
    "document",
    ["{", "[]", '{"kind":"trend","series":[]}', '{"kind":"trend","series":[{"of":{"event":"Gone"}}]}', '{"kind":"trend","series":[{}]}',
     '{"kind":"trend","series":{"a":1}}', '{"kind":"trend","period":3,"series":[{"of":{"event":null}}]}'],
)  # fmt: skip
def test_a_question_somebody_edited_is_refused_with_a_way_to_begin_again(opened: Store, document: str) -> None:
    world(opened)

    test = lives(shown("trends", q=document))
    assert test.error

    lives(test.button(key="insight.again").click().run())
    assert not test.error


@pytest.mark.parametrize(
    ("page", "document"),
    [
        ("trends", {"kind": "trend", "series": [{"of": {"event": "Product Viewed"}}], "granularity": "week"}),
        ("funnels", {"kind": "funnel", "steps": [{"event": "Product Viewed"}, {"event": "Order Completed"}]}),
        ("retention", {"kind": "retention", "start": {"event": "Product Viewed"}, "granularity": "day"}),
    ],
)
def test_a_filter_on_a_segment_that_is_gone_is_told_and_the_question_stays(
    opened: Store, page: str, document: dict[str, Any]
) -> None:
    world(opened)
    rule = {"version": 1, "match": "all", "conditions": [{"segment": "s99"}]}

    test = lives(shown(page, q=asks(document), rule=asks(rule)))

    assert ["so everyone is shown" in each.value and "There is no segment" in each.value for each in test.error] == [True]
    assert test.get("plotly_chart")
    assert json.loads(test.query_params["q"]) == document


def test_a_chosen_mark_lists_as_many_people_as_were_drawn(opened: Store) -> None:
    world(opened)
    document = {"kind": "active", "breakdown": {"by": "channel"}}
    row = day_of(document, opened)[0]
    cell = {"time": row["time"], "breakdown": row["breakdown"]}

    test = lives(shown("trends", view="active", q=asks(document), cells=chosen(document, cell)))

    assert f"{row['users']} drawn = {row['users']} listed" in said(test)


def test_a_mark_chosen_of_another_question_is_let_go(opened: Store) -> None:
    world(opened)
    other = chosen({"kind": "active", "rolling": True}, {"time": DAY, "window": 1})

    test = lives(shown("trends", view="active", q=asks({"kind": "active"}), cells=other))

    assert "listed" not in said(test)


@pytest.mark.parametrize("cells", ["{", "[]", '{"of":"x"}', '{"cells":3}', '{"cells":["{"]}'])
def test_edited_cells_choose_nothing(opened: Store, cells: str) -> None:
    world(opened)

    assert "listed" not in said(lives(shown("trends", view="active", cells=cells)))


def saving(opened: Store) -> AppTest:
    world(opened)
    document = {"kind": "trend", "series": [{"of": {"event": "Order Completed"}}]}
    row = day_of(document, opened)[0]
    test = shown("trends", q=asks(document), cells=chosen(document, {"series": 0, "time": row["time"]}))
    return lives(test.button(key="trends.trends.save").click().run())


def test_the_people_of_a_mark_are_saved_as_a_fixed_list(opened: Store) -> None:
    test = saving(opened)
    button = next(each for each in test.button if str(each.key).startswith("insight.save") and str(each.key).endswith("act"))
    lives(button.click().run())

    (made,) = saved.find(opened)
    assert (made.kind, made.name) == ("static", test.text_input[0].value if test.text_input else made.name)


def test_people_like_those_of_a_mark_are_saved_as_a_rule(opened: Store) -> None:
    test = saving(opened)
    what = next(each for each in test.radio if str(each.key).endswith("what"))
    lives(what.set_value("People like these").run())
    button = next(each for each in test.button if str(each.key).startswith("insight.save") and str(each.key).endswith("act"))
    lives(button.click().run())

    (made,) = saved.find(opened)
    assert (made.kind, "Order Completed" in repr(made.rule)) == ("dynamic", True)


def test_controls_write_the_question_into_the_address(opened: Store) -> None:
    world(opened)
    test = shown("trends", view="active")
    test.segmented_control(key="insight.period").set_value("12 months")
    lives(test.run())

    written = json.loads(test.query_params["q"][0] if isinstance(test.query_params["q"], list) else test.query_params["q"])
    assert (written["period"], written["granularity"]) == ({"last": 12, "unit": "month"}, "month")


# -- figures ------------------------------------------------------------------------------------


def test_what_is_not_over_is_hatched_or_drawn_apart_and_dotted() -> None:
    axis = over_time.Axis(("1", "2", "3"), unfinished=(2,))
    of = over_time.Series("Web", (1, 2, 3), ("a", "b", "c"), "#000000")

    bars = over_time.draw([of], axis, "bars")
    lines = over_time.draw([of], axis, "lines")

    assert list(bars.data[0].marker.pattern.shape) == ["", "", "/"]
    one, two, three = lines.layout.xaxis.categoryarray
    assert [(list(each.x), each.line.dash) for each in lines.data] == [([one, two], None), ([two, three], "dot")]


def test_a_place_named_by_a_number_is_labelled_where_it_stands() -> None:
    """Plotly looks a position up among the names first, so that no name may be a position."""
    axis = over_time.Axis(("1", "2", "3"))
    drawn = over_time.draw([over_time.Series("People", (5, 3, 1), ("a", "b", "c"), "#000000")], axis, "bars")
    assert list(drawn.layout.xaxis.ticktext) == ["1", "2", "3"]
    assert {str(each) for each in drawn.layout.xaxis.tickvals}.isdisjoint(drawn.layout.xaxis.categoryarray)
    assert list(drawn.data[0].x) == list(drawn.layout.xaxis.categoryarray)


def test_names_in_a_figure_are_no_markup_and_places_written_alike_stay_two() -> None:
    axis = over_time.Axis(("<b>1</b>", "<b>1</b>"))
    drawn = over_time.draw([over_time.Series("<i>x</i>", (1, 2), ("a", "b"), "#000000")], axis, "bars")

    assert drawn.data[0].name == "&lt;i&gt;x&lt;/i&gt;"
    assert len(set(drawn.data[0].x)) == 2


def test_every_cell_of_a_heat_map_can_be_clicked_and_unfinished_ones_are_dashed() -> None:
    cells = [grids.Cell(0, 0, 50.0, "50", "half", "a"), grids.Cell(0, 1, 10.0, "10", "some", "b", unfinished=True)]
    drawn = grids.draw(["one"], ["0", "1"], cells, chosen=("a",))

    assert list(drawn.data[1].customdata) == ["a", "b"]
    assert [each.line.dash for each in drawn.layout.shapes] == ["3px,3px", None]
    assert list(drawn.data[0].z[0]) == [50.0, None]


def test_countries_are_found_by_any_of_their_names_and_nothing_is_fetched() -> None:
    assert all(atlas.knows(each) for each in ("Germany", "DE", "deu", "Türkiye", "turkey", "United States", "UK", "Singapore"))
    assert not atlas.knows("Atlantis")
    drawn = atlas.draw([atlas.Place("Germany", 3, "Germany 3", "a"), atlas.Place("Atlantis", 1, "?", "b")])
    assert list(drawn.data[-1].customdata) == ["a"]
    assert {each.type for each in drawn.data} == {"scatter"}


def test_a_link_of_a_flow_answers_its_own_cell() -> None:
    nodes = [flows.Node("0 a", 0, "a", "a", "#111111", "A"), flows.Node("1 b", 1, "{b}", "b", "#222222", "B")]
    links = [flows.Link("0 a", "1 b", 3, "three", "A>B")]

    assert flows.cell_of({"selection": {"selected": [{"data_type": "edge", "data_indices": [0]}]}}, nodes, links) == "A>B"
    assert flows.cell_of({"selection": {"selected": [{"data_type": "node", "data_indices": [1]}]}}, nodes, links) == "B"
    assert flows.cell_of({"selection": {"selected": []}}, nodes, links) is None
    assert "{" not in flows.spec(nodes, links)["series"][0]["data"][1]["label"]["formatter"]


# -- lines and bars -----------------------------------------------------------------------------


def line(*values: float | None, **more: Any) -> over_time.Series:
    return over_time.Series("Seen", values, [None] * len(values), "#123456", **more)


def axis(places: int, **more: Any) -> over_time.Axis:
    return over_time.Axis([f"{each} Nov" for each in range(1, places + 1)], **more)


def test_the_words_of_a_late_annotation_stand_before_its_line(opened: Store) -> None:
    drawn = over_time.draw([line(*range(9))], axis(9, notes=((1, "Early"), (8, "Late"))), "lines")
    assert {each.text: (each.xanchor, each.xshift) for each in drawn.layout.annotations} == {
        "Early": ("left", 3),
        "Late": ("right", -3),
    }


@pytest.mark.parametrize(
    ("values", "span", "step"),
    [
        ((0, 1, 2), (0, 3), 1),
        ((0.2, 0.4, None), (0, 0.42), None),
        ((-10, 0, 10), (-11, 11), None),
        ((-10, -5, None), (-10.5, 0), None),
        ((0, 100, 50), (0, 105), None),
    ],
)
def test_an_axis_holds_its_values_and_begins_at_0_unless_some_are_below(
    opened: Store, values: tuple[float | None, ...], span: tuple[float, float], step: int | None
) -> None:
    drawn = over_time.draw([line(*values)], axis(3), "lines")
    assert drawn.layout.yaxis.range == pytest.approx(span)
    assert drawn.layout.yaxis.dtick == step


def test_each_side_has_the_scale_of_its_own_lines(opened: Store) -> None:
    drawn = over_time.draw([line(0, 2000), line(0, 40, right=True)], axis(2, right="%"), "lines")
    assert (drawn.layout.yaxis.range, drawn.layout.yaxis2.range) == ((0, 2100), (0, 42))
    assert (drawn.layout.yaxis.ticksuffix, drawn.layout.yaxis2.ticksuffix) == (None, "%")


def test_few_people_up_and_down_get_no_halves(opened: Store) -> None:
    assert over_time.draw([line(1), line(-2)], axis(1), "up and down").layout.yaxis.dtick == 1
    assert over_time.draw([line(10), line(-2)], axis(1), "up and down").layout.yaxis.dtick is None


def test_many_lines_differ_in_colour_or_symbol(opened: Store) -> None:
    made = [line(each, each) for each in range(12)]
    symbols = [each.marker.symbol for each in over_time.draw(made, axis(2), "lines").data]
    assert len({(place % 7, symbol) for place, symbol in enumerate(symbols)}) == 12
