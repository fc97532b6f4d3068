"""The page Reconcile: two numbers chosen, their difference by reason, refused and hostile, handed over from a chart."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.test_pages_insights import NOW, asks, chosen, day_of, world
from tests.test_pages_users import HOSTILE, add, lives, shown
from tests.test_pages_users import opened as opened  # noqa: PLC0414 - the database of these pages
from tests.test_pages_why import said
from user360 import segments
from user360.segments import saved

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest

    from user360.store import Store

BUYERS = "People who did “Order Completed”."
ACTIVE: dict[str, Any] = {"kind": "active"}


def reconciled(one: Any, other: Any, **more: str) -> AppTest:
    return lives(shown("reconcile", a=json.dumps(one), b=json.dumps(other), **more))


def reasons(test: AppTest) -> list[dict[str, int]]:
    tables = [each.value for each in test.dataframe if "Why" in each.value.columns]
    return [dict(zip(each["Why"], each["People"], strict=True)) for each in tables]


def test_without_users_and_without_numbers_the_page_says_what_it_needs(opened: Store) -> None:
    assert "No users yet" in said(shown("reconcile"))

    world(opened)
    assert "Choose both numbers" in said(lives(shown("reconcile")))


def test_two_numbers_are_told_apart_by_reason_and_a_reason_opens_its_people(opened: Store) -> None:
    world(opened)
    test = reconciled({"text": "People who did “Product Viewed”."}, {"text": BUYERS}, why="a0")

    assert [each.value for each in test.metric] == ["12 people", "4 people", "8", "4", "0"]
    assert reasons(test) == [{"Not met: they did “Order Completed”": 8}]
    assert "8 drawn = 8 listed" in said(test)


def test_numbers_that_agree_say_so(opened: Store) -> None:
    world(opened)

    assert "Both numbers hold the same people" in reconciled({"text": BUYERS}, {"text": BUYERS}).success[0].value


def test_a_pasted_list_is_compared_and_its_strangers_named(opened: Store) -> None:
    world(opened)
    add(opened, HOSTILE)
    test = reconciled({"ids": f"u0\nu3\n{HOSTILE} no\nu0"}, {"text": BUYERS})

    assert reasons(test) == [{"Not on the list": 2}]
    assert "nobody has this user id" in said(test)
    assert "stands on line 1 already" in said(test)
    assert "![x](" not in "".join(each.value for each in [*test.caption, *test.markdown])


@pytest.mark.parametrize(
    "one",
    [
        3,
        [],
        {"segment": "s99"},
        {"text": "People whose cuntry is “DE”."},
        {"question": {"kind": "gone"}, "cell": {}},
        {"question": ACTIVE, "cell": {"x": 1}},
        {"rule": 3},
    ],
)
def test_a_number_that_cannot_be_counted_is_refused_beside_it(opened: Store, one: Any) -> None:
    world(opened)

    test = reconciled(one, {"text": BUYERS})

    assert "Only in the one" not in [each.label for each in test.metric]
    assert test.error or "Choose both numbers" in said(test)


@pytest.mark.parametrize("why", ["a99", "c0", "a", "ax", "b0"])
def test_an_edited_reason_opens_nobody(opened: Store, why: str) -> None:
    world(opened)

    assert "listed" not in said(reconciled({"text": "People who did “Product Viewed”."}, {"text": BUYERS}, why=why))


def test_kinds_and_segments_are_chosen_into_the_address(opened: Store) -> None:
    world(opened)
    made = saved.save(
        opened, HOSTILE, segments.parse({"match": "all", "conditions": [{"event": "Order Completed"}]}), by="Ana", at=NOW
    )
    test = shown("reconcile")

    test.selectbox(key="reconcile.a.segment").set_value(made.id)
    lives(test.run())
    test.segmented_control(key="reconcile.b.kind").set_value("ids")
    lives(test.run())
    test.text_area(key="reconcile.b.ids").set_value("u0")
    lives(test.run())

    assert reasons(test) == [{"Not on the list": 3}]


def test_a_list_too_long_for_an_address_stays_in_this_tab(opened: Store) -> None:
    world(opened)
    test = shown("reconcile", a=json.dumps({"text": BUYERS}), b=json.dumps({"ids": ""}))

    test.text_area(key="reconcile.b.ids").set_value("\n".join(["u0", *(f"stranger{each}" for each in range(1_000))]))
    lives(test.run())

    assert reasons(test) == [{"Not on the list": 3}]
    address = test.query_params["b"]
    assert len(address[0] if isinstance(address, list) else address) < 50


def test_a_mark_of_a_chart_is_handed_over_and_the_next_one_is_held_against_it(opened: Store) -> None:
    world(opened)
    days = day_of(ACTIVE, opened)
    marks = [{"time": each["time"]} for each in days[:2]]
    test = shown("trends", view="active", q=asks(ACTIVE), cells=chosen(ACTIVE, marks[0]))
    lives(test.button(key="trends.active.reconcile").click().run())
    assert [each.value for each in test.header] == ["Reconcile"]
    assert f"{days[0]['users']} people" in [each.value for each in test.metric]

    test.switch_page("../trends.py")
    for name, value in {"view": "active", "q": asks(ACTIVE), "cells": chosen(ACTIVE, marks[1])}.items():
        test.query_params[name] = value
    lives(test.run())
    lives(test.button(key="trends.active.reconcile").click().run())
    assert [each.value for each in test.metric][:2] == [f"{each['users']} people" for each in days[:2]]
