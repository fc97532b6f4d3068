"""Computed properties on the screen: made with a preview, changed with the impact shown, not deleted while used."""

from __future__ import annotations

import pytest

from tests.test_pages_users import AT, add, happened, lives, opened, said, shown  # noqa: F401 - the fixture
from user360 import properties
from user360.segments import Group, PropertyCondition, computed, parse_calculation, saved

COUNT = parse_calculation({"function": "count", "event": "Order"})


@pytest.fixture
def store(opened):  # noqa: F811 - pytest's way
    for each in ("ann", "bob"):
        add(opened, each)
    happened(opened, "ann", "Order", minutes_ago=9, amount=40)
    happened(opened, "ann", "Order", amount=2)
    return opened


def field(test, kind, name):
    return next(
        each for each in getattr(test, kind) if str(each.key).startswith("computed.drawer.") and each.key.endswith(f".{name}")
    )


def test_one_is_made_with_its_sentence_and_what_it_comes_to(store):
    test = lives(shown("properties").button(key="properties.compute").click().run())
    field(test, "selectbox", "figure").select("sum")
    lives(field(test, "selectbox", "event").select("Order").run())
    field(test, "selectbox", "property").select("amount")
    field(test, "text_input", "where").input("amount is greater than 10")
    test = lives(field(test, "text_input", "name").input("spentMuch").run())
    assert "The sum of amount over “Order” where amount is greater than 10; 0 without any" in said(test)
    test = lives(field(test, "button", "act").click().run())
    assert properties.get(store, "spentMuch").calculation is not None
    assert "Rules always work it out anew" in said(test)
    table = shown("users", cols="").dataframe[0].value
    assert dict(zip(table["userId"], table["spentMuch"], strict=True)) == {"ann": 40, "bob": 0}


def test_a_condition_that_cannot_be_read_is_refused_where_it_stands(store):
    test = lives(shown("properties").button(key="properties.compute").click().run())
    test = lives(field(test, "text_input", "where").input("amount is purple than 10").run())
    assert ":material/block:" in said(test)
    assert field(test, "button", "act").disabled


def test_another_calculation_shows_who_comes_and_goes_in_the_segments_that_ask_it(store):
    computed.define(store, "orders", COUNT, by="Ana", at=AT)
    saved.save(store, "Buyers", Group("all", (PropertyCondition("orders", "at_least", (2,)),)), by="Ana", at=AT)
    test = lives(shown("properties", name="orders").button(key="computed.change").click().run())
    test = lives(field(test, "text_input", "where").input("amount is greater than 10").run())
    assert "**Buyers**: 0 come in, 1 leave" in said(test)
    lives(field(test, "button", "act").click().run())
    assert "greater_than" in str(properties.get(store, "orders").calculation)


def test_it_is_not_deleted_while_a_segment_asks_it(store):
    computed.define(store, "orders", COUNT, by="Ana", at=AT)
    saved.save(store, "Buyers", Group("all", (PropertyCondition("orders", "at_least", (2,)),)), by="Ana", at=AT)
    test = lives(shown("properties", name="orders").button(key="computed.remove").click().run())
    assert any("Buyers" in each.value for each in test.error)
    assert properties.get(store, "orders").calculation is not None


def test_the_card_of_a_user_says_how_it_comes_about(store):
    computed.define(store, "orders", COUNT, by="Ana", at=AT)
    test = shown("user", id="0")
    assert "How many times a user did “Order”; 0 without any" in said(test)
