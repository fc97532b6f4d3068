"""Properties: always there or made once, and then for good."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.worlds import AT, take, users
from user360 import properties
from user360.errors import Immutable, InvalidProperty, NameTaken, Unknown
from user360.sql import Sql

if TYPE_CHECKING:
    from user360.store import Store


def _define(store: Store, name: str, datatype: str = "string") -> properties.Property:
    return properties.define(store, name, datatype, by="tester", at=AT)


def test_twenty_two_properties_are_always_there(store: Store) -> None:
    names = [each.name for each in properties.find(store)]

    assert len(names) == 22
    assert (names[0], names[-1]) == ("userId", "tags")
    assert all(each.system for each in properties.find(store))


def test_a_custom_property_is_a_typed_column_at_the_end(store: Store) -> None:
    made = _define(store, "loyaltyTier")

    assert (made.name, made.datatype.name, made.system, made.position) == ("loyaltyTier", "string", False, 22)
    assert store.rows(Sql('SELECT count("loyaltyTier") FROM profiles')) == [(0,)]


@pytest.mark.parametrize(
    "name", ["", "1st", "two words", 'x"; DROP TABLE profiles; --', "<b>x</b>", "ünder", "a" * 65, "profile_key", "x\0"]
)
def test_a_name_that_is_no_name_is_refused(store: Store, name: str) -> None:
    with pytest.raises(InvalidProperty, match="begins with a letter"):
        _define(store, name)


@pytest.mark.parametrize("name", ["email", "EMAIL", "tags", "USERID"])
def test_a_name_that_is_taken_in_any_case_is_refused(store: Store, name: str) -> None:
    with pytest.raises(NameTaken, match="without regard to case"):
        _define(store, name)


def test_a_type_that_does_not_exist_is_refused_with_the_nearest(store: Store) -> None:
    with pytest.raises(Unknown, match="number"):
        _define(store, "age", "nmber")


def test_the_three_hundred_and_first_custom_property_is_refused(store: Store) -> None:
    for number in range(properties.MOST_CUSTOM):
        _define(store, f"p{number}", "number")

    with pytest.raises(InvalidProperty, match="300 of 300"):
        _define(store, "one_more")
    assert len(properties.find(store)) == 322


def test_description_place_visibility_and_search_can_change_and_nothing_else(store: Store) -> None:
    _define(store, "tier")
    changed = properties.describe(store, "tier", description=" Gold or silver ", visible=False, searchable=True, position=0)

    assert (changed.description, changed.visible, changed.searchable, changed.position) == ("Gold or silver", False, True, 0)
    assert properties.find(store)[0].name == "tier"
    with pytest.raises(Immutable, match="stay as made"):
        properties.refuse_change(store, "tier", "Renaming")


def test_a_number_cannot_be_searched(store: Store) -> None:
    with pytest.raises(InvalidProperty, match="is no text"):
        properties.describe(store, "latitude", searchable=True)


def test_statistics_count_what_is_there(store: Store) -> None:
    take(
        store,
        users([{"userId": "a", "country": "IN", "tags": "x;y"}, {"userId": "b", "country": "IN", "tags": "x"}, {"userId": "c"}]),
    )
    country, tags = properties.statistics(store, "country"), properties.statistics(store, "tags")

    assert (country.total, country.known, country.distinct, country.commonest) == (3, 2, 1, (("IN", 2),))
    assert (country.first_written, country.last_written) == (AT, AT)
    assert (tags.known, tags.distinct, tags.commonest[0][1]) == (2, 2, 2)
    assert {each: properties.fill(store)[each] for each in ("userId", "country", "tags", "city")} == {
        "userId": 3,
        "country": 2,
        "tags": 2,
        "city": 0,
    }
