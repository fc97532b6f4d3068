"""The values of properties as places: counted by hand, everyone somewhere, and a rule for every place finds who is there."""

from __future__ import annotations

import random
from collections import Counter
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.worlds import AT, take, users
from user360 import insights, properties, segments, workspace
from user360.errors import InvalidInsight
from user360.store import open_store

PEOPLE = 80
CUSTOM = {
    "points": "number",
    "visits": "number",
    "seen": "datetime",
    "joined": "date",
    "wakes": "time",
    "likes": "list",
    "plus": "boolean",
}


def rows():
    """Who is what: one of eight has no value, and some values lie far out."""
    dice = random.Random(5)  # noqa: S311 - a world that is the same every time
    found = []
    for user in range(PEOPLE):
        row = {
            "country": dice.choice(("DE", "IN", "IN", "BR", f"X{user}")),
            "points": dice.choice((dice.randrange(-300, 3_000), 0.1 * dice.randrange(30), 1e9 if user == 3 else 7)),
            "visits": dice.randrange(6),
            "seen": (AT - timedelta(hours=dice.randrange(4_000))).isoformat(),
            "joined": (date(2024, 2, 28) + timedelta(days=dice.randrange(700))).isoformat(),
            "dob": date(dice.randrange(1931, 2009), 1 + dice.randrange(12), 28).isoformat(),
            "wakes": f"{dice.randrange(24):02}:{dice.randrange(60):02}:59",
            "likes": ";".join(dice.sample(["tea", "ski", "jazz", "go"], dice.randrange(4))) or None,
            "plus": dice.choice(("true", "false")),
            "tags": dice.choice((None, "vip", "vip;new")),
        }
        found.append({"userId": f"u{user}", **{key: None if dice.randrange(8) == 0 else value for key, value in row.items()}})
    return found


@pytest.fixture(scope="module")
def world():
    store = open_store()
    workspace.change(store, zone_name="America/St_Johns")
    for name, kind in CUSTOM.items():
        properties.define(store, name, kind, by="t", at=AT)
    take(store, users(rows()))
    yield store
    store.close()


def drawn(store, **asked):
    question = insights.parse({"kind": "values", **asked})
    return question, insights.run(store, question, at=AT)


ALL = ["country", "points", "visits", "seen", "joined", "dob", "wakes", "likes", "plus", "tags", "email"]


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("most", [3, 15])
def test_every_place_opens_as_many_as_it_draws_and_its_rule_finds_exactly_them(world, name, most):
    question, result = drawn(world, property=name, most=most)

    told = 0
    for row in result.table.to_pylist():
        people = insights.who(world, question, {"value": row["value"]}, at=AT)
        assert len(people) == row["users"], row
        rule = insights.like(world, question, {"value": row["value"]}, moving=False, at=AT)
        if rule is not None:
            told += 1
            assert segments.people(world, rule, at=AT) == people, row
    assert told > 0


@pytest.mark.parametrize("name", [each for each in ALL if each not in {"likes", "tags"}])
def test_everyone_stands_at_one_place(world, name):
    _, result = drawn(world, property=name)

    assert sum(result.table["users"].to_pylist()) == PEOPLE


@pytest.mark.parametrize(("one", "other"), [("country", "plus"), ("points", "likes"), ("likes", "tags"), ("dob", "seen")])
def test_two_properties_against_each_other(world, one, other):
    question, result = drawn(world, property=one, across=other, most=4)

    for row in result.table.to_pylist():
        cell = {"value": row["value"], "across": row["across"]}
        people = insights.who(world, question, cell, at=AT)
        assert len(people) == row["users"] > 0
        rule = insights.like(world, question, cell, moving=False, at=AT)
        assert rule is None or segments.people(world, rule, at=AT) == people
    both = Counter()
    for row in result.table.to_pylist():
        both[row["value"]] += row["users"]
    _, alone = drawn(world, property=one, most=4)
    for row in alone.table.to_pylist():
        assert both[row["value"]] >= row["users"]


def test_texts_lists_and_few_numbers_are_counted_by_hand(world):
    told = rows()
    for name in ("visits", "plus", "likes", "tags"):
        by_hand = Counter()
        for row in told:
            values = str(row[name]).split(";") if row[name] is not None else [None]
            by_hand.update(f"={each}" if each is not None else "none" for each in values)
        _, result = drawn(world, property=name)
        assert {row["value"]: row["users"] for row in result.table.to_pylist()} == by_hand


@given(
    st.lists(
        st.one_of(st.floats(-1e6, 1e6).map(lambda each: round(each, 3)), st.integers(-50, 50).map(float)), min_size=1, max_size=60
    )
)
def test_numbers_fall_into_the_step_that_says_so(numbers):
    store = open_store()
    properties.define(store, "points", "number", by="t", at=AT)
    take(store, users([{"userId": f"u{place}", "points": repr(each)} for place, each in enumerate(numbers)]))
    _, result = drawn(store, property="points", most=8)
    store.close()

    counted = {row["value"]: row["users"] for row in result.table.to_pylist()}
    assert sum(counted.values()) == len(numbers)
    assert len(counted) <= 20
    for mark, people in counted.items():
        assert sum(inside(mark.removeprefix("="), each) for each in numbers) == people, mark


@settings(max_examples=10)
@given(
    st.lists(st.tuples(st.one_of(st.integers(-30, 30), st.integers(0, 10_000)), st.integers(1, 60)), min_size=1, max_size=30),
    st.booleans(),
)
def test_the_ends_of_steps_lie_among_people_and_open_all_of_them_however_many_share_a_value(shares, crossed):
    store = open_store()
    properties.define(store, "points", "number", by="t", at=AT)
    numbers = [value for value, times in shares for _ in range(times)]
    rows = [{"userId": f"u{nth}", "points": str(each), "country": "IN"} for nth, each in enumerate(numbers)]
    take(store, users(rows))
    question, result = drawn(store, property="points", most=8, **({"across": "country"} if crossed else {}))

    for row in result.table.to_pylist():
        cell = {each: row[each] for each in ("value", "across") if each in row}
        assert len(insights.who(store, question, cell, at=AT)) == row["users"], cell
    store.close()


def inside(said, number):
    """Whether a number lies where the words of a place say."""
    if said.startswith("under "):
        return number < float(said[6:])
    if said.endswith(" or more"):
        return number >= float(said[:-8])
    if " to " in said:
        low, high = said.split(" to ")
        return float(low) <= number < float(high)
    return number == float(said)


def test_a_hundred_thousand_values_are_the_commonest_and_other(store):
    many = [{"userId": f"u{each}", "city": "Ulm" if each < 3 else f"City {each}"} for each in range(100_000)]
    take(store, users(many))

    _, result = drawn(store, property="city", most=5)

    values = result.table.to_pylist()
    assert [values[0]["value"], values[0]["users"]] == ["=Ulm", 3]
    assert [values[-1]["value"], values[-1]["users"]] == ["other", 100_000 - 3 - 4]
    assert len(values) == 6


def test_nobody_and_one_person(store):
    assert drawn(store, property="country")[1].table.num_rows == 0
    take(store, users([{"userId": "u1", "country": "DE"}]))
    assert drawn(store, property="country", across="dob")[1].table.to_pylist()[0]["across"] == "none"


@pytest.mark.parametrize(
    ("asked", "path"),
    [
        ({}, "$.property"),
        ({"property": "cuntry"}, "$.property"),
        ({"property": "country", "across": "cuty"}, "$.across"),
        ({"property": "country", "across": "country"}, "$.across"),
        ({"property": "country", "most": 0}, "$.most"),
        ({"property": "country", "breakdown": {"by": "channel"}}, "$.breakdown"),
    ],
)
def test_what_cannot_be_asked_is_refused_at_its_path(world, asked, path):
    with pytest.raises(InvalidInsight) as refused:
        drawn(world, **asked)

    assert refused.value.path == path
