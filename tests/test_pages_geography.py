"""The view of places: bars and map, refused and chosen; what no map knows is told beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pages.ui.insights import atlas, places
from pages.ui.insights.picture import Wanted
from tests.test_pages_insights import NOW, asks, chosen, world
from tests.test_pages_users import HOSTILE, add, lives, shown
from tests.test_pages_users import opened as opened  # noqa: PLC0414 - the database of these pages
from tests.test_pages_why import said
from user360 import insights

if TYPE_CHECKING:
    from user360.store import Store


def peopled(store: Store) -> None:
    world(store)
    lived = [("Germany", "Leipzig"), ("DE", "Leipzig"), ("Atlantis", HOSTILE), (HOSTILE, None), (None, None)]
    for place, (country, city) in enumerate(lived):
        add(store, f"p{place}", **{key: value for key, value in (("country", country), ("city", city)) if value})


@pytest.mark.parametrize("form", ["", "map"])
@pytest.mark.parametrize(
    "document",
    [
        {"kind": "geography"},
        {"kind": "geography", "whose": "active", "period": {"last": 7, "unit": "day"}},
        {"kind": "geography", "by": "city"},
        {"kind": "geography", "by": "city", "country": "Germany"},
    ],
    ids=str,
)
def test_places_are_drawn(opened: Store, document: dict[str, Any], form: str) -> None:
    peopled(opened)

    test = lives(shown("trends", view="map", q=asks(document), form=form))

    assert not test.error
    assert test.get("plotly_chart")


def test_what_no_map_knows_is_told_beside_it(opened: Store) -> None:
    peopled(opened)

    told = said(lives(shown("trends", view="map", form="map")))

    assert "Not on the map: (no value) 13" in told
    assert "Atlantis 1" in told


@pytest.mark.parametrize("cell", [{"country": "=Germany", "city": None}, {"country": "none", "city": None}], ids=str)
def test_a_chosen_place_lists_as_many_people_as_were_drawn(opened: Store, cell: dict[str, Any]) -> None:
    peopled(opened)
    document = {"kind": "geography"}
    rows = insights.run(opened, insights.parse(document), at=NOW).table.to_pylist()
    (drawn,) = [row["users"] for row in rows if row["country"] == cell["country"]]

    test = lives(shown("trends", view="map", cells=chosen(document, cell)))

    assert f"{drawn} drawn = {drawn} listed" in said(test)


def test_two_names_of_one_country_colour_it_together_and_open_their_own_people() -> None:
    drawn = atlas.draw([atlas.Place(name, 10, name, name) for name in ("Germany", "DE", "India")])

    dots = drawn.data[-1]
    assert list(dots.customdata) == ["Germany", "DE", "India"]
    assert dots.x[0] < dots.x[1]
    alone = atlas.draw([atlas.Place("Germany", 20, "", "a"), atlas.Place("India", 10, "", "b")])
    assert [each.fillcolor for each in drawn.data[:-1]] == [each.fillcolor for each in alone.data[:-1]]


def test_nobody_there_says_so_and_an_edited_question_is_refused(opened: Store) -> None:
    world(opened)

    assert "Nobody lives there" in said(shown("trends", view="map", q='{"kind":"geography","country":"Atlantis"}'))
    assert lives(shown("trends", view="map", q='{"kind":"geography","by":"street"}')).error


def test_names_of_places_are_no_markup_and_the_largest_stand_first(opened: Store) -> None:
    peopled(opened)
    question = insights.parse({"kind": "geography", "by": "city"})
    figure = places.picture(question, insights.run(opened, question, at=NOW), Wanted()).figure
    assert figure is not None

    assert all("<img" not in each for each in figure.layout.yaxis.ticktext)
    assert figure.layout.yaxis.ticktext[-1] == "(no value)"
