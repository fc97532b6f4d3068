"""Computed properties: worked out of the events, exact in rules, filled into a column that says its instant."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from tests.worlds import AT, events, take, users
from user360 import profiles, properties, segments
from user360.errors import InUse, InvalidProperty, InvalidRule, NameTaken
from user360.segments import Group, PropertyCondition, computed, parse, parse_calculation, saved

DAY = timedelta(days=1)
ORDER = {"event": "Order"}


@pytest.fixture
def shop(store):
    """Ann bought three times, Bob once, Cyd never."""
    take(store, users([{"userId": each} for each in ("ann", "bob", "cyd")]), at=AT - 40 * DAY)
    bought = [
        ("ann", "Order", AT - 20 * DAY),
        ("ann", "Order", AT - 10 * DAY),
        ("ann", "Order", AT - 2 * DAY),
        ("bob", "Order", AT - 5 * DAY),
    ]
    said = [{"amount": 10, "shoe": "b"}, {"amount": "20", "shoe": "a"}, {"amount": 60}, {"amount": 5, "shoe": "c"}]
    take(store, events(bought, properties=[json.dumps(each) for each in said]), at=AT - DAY)
    return store


def make(store, name, **calculation):
    return computed.define(store, name, parse_calculation(ORDER | calculation), by="ann", at=AT)


def column(store, name):
    found = profiles.find(store, columns=["userId", name], sort=[("userId", False)]).to_pylist()
    return {each["userId"]: each[name] for each in found}


def who(store, operator, *values, name="it", at=AT, past=False):
    rule = Group("all", (PropertyCondition(name, operator, tuple(values)),))
    keys = segments.people(store, rule, at=at, past=past).keys().tolist()
    return {profiles.get(store, key).user_id for key in keys}


@pytest.mark.parametrize(
    ("calculation", "expected"),
    [
        ({"function": "count"}, {"ann": 3, "bob": 1, "cyd": 0}),
        ({"function": "sum", "property": "amount"}, {"ann": 90, "bob": 5, "cyd": 0}),
        ({"function": "average", "property": "amount"}, {"ann": 30, "bob": 5, "cyd": None}),
        ({"function": "max", "property": "amount"}, {"ann": 60, "bob": 5, "cyd": None}),
        ({"function": "distinct", "property": "shoe"}, {"ann": 2, "bob": 1, "cyd": 0}),
        ({"function": "first", "property": "shoe"}, {"ann": "b", "bob": "c", "cyd": None}),
        ({"function": "last", "property": "amount", "type": "number"}, {"ann": 60, "bob": 5, "cyd": None}),
        ({"function": "most_frequent", "property": "shoe"}, {"ann": "a", "bob": "c", "cyd": None}),
        ({"function": "days_since"}, {"ann": 2, "bob": 5, "cyd": None}),
        ({"function": "count", "during": {"last": 7, "unit": "day"}}, {"ann": 1, "bob": 1, "cyd": 0}),
    ],
)
def test_a_calculation_comes_to_its_figure_of_each_person(shop, calculation, expected):
    make(shop, "it", **calculation)

    assert column(shop, "it") == expected


def test_a_rule_asks_the_events_and_not_the_column(shop):
    make(shop, "it", function="count")
    take(shop, events([("cyd", "Order", AT - DAY)]))

    assert who(shop, "at_least", 1) == {"ann", "bob", "cyd"}
    assert column(shop, "it")["cyd"] == 0


def test_the_column_is_filled_anew_after_a_minute_and_says_its_instant(shop):
    make(shop, "it", function="count")
    take(shop, events([("cyd", "Order", AT - DAY)]))

    assert not computed.refresh(shop, at=AT + timedelta(seconds=30))
    assert computed.refresh(shop, at=AT + timedelta(minutes=2))
    assert not computed.refresh(shop, at=AT + timedelta(minutes=4))
    assert column(shop, "it")["cyd"] == 1
    assert properties.get(shop, "it").computed_at == AT + timedelta(minutes=2)


def test_the_past_is_worked_out_as_it_stood(shop):
    make(shop, "it", function="sum", property="amount")

    assert who(shop, "at_least", 30, at=AT - 9 * DAY, past=True) == {"ann"}
    assert who(shop, "is", 0, at=AT - 9 * DAY, past=True) == {"bob", "cyd"}


def test_days_since_goes_on_with_the_day(shop):
    make(shop, "it", function="days_since")

    assert who(shop, "is", 5) == {"bob"}
    assert who(shop, "is", 6, at=AT + DAY) == {"bob"}
    assert computed.refresh(shop, at=AT + DAY)
    assert column(shop, "it") == {"ann": 3, "bob": 6, "cyd": None}


def test_a_negative_is_the_complement_and_rank_takes_it(shop):
    make(shop, "it", function="average", property="amount")

    assert who(shop, "not_between", 20, 40) == {"bob", "cyd"}
    top = parse({"match": "all", "conditions": [{"rank": "top", "count": 1, "property": "it"}]})
    assert segments.people(shop, top, at=AT) == segments.people(
        shop, Group("all", (PropertyCondition("it", "is", (30,)),)), at=AT
    )


def test_it_can_be_for_the_people_of_a_segment_alone(shop):
    ann = saved.save(shop, "Ann", Group("all", (PropertyCondition("userId", "is", ("ann",)),)), by="ann", at=AT)
    make(shop, "it", function="count", segment=ann.id)

    assert column(shop, "it") == {"ann": 3, "bob": None, "cyd": None}
    with pytest.raises(InUse, match="“it”"):
        saved.archive(shop, ann.id, by="ann", at=AT)
    with pytest.raises(InvalidRule, match="refers back"):
        saved.revise(shop, ann.id, Group("all", (PropertyCondition("it", "at_least", (1,)),)), by="ann", at=AT)


def test_a_calculation_cannot_be_for_a_segment_that_asks_it(shop):
    make(shop, "it", function="count")
    buyers = saved.save(shop, "Buyers", Group("all", (PropertyCondition("it", "at_least", (1,)),)), by="ann", at=AT)

    with pytest.raises(InvalidRule, match="refers back"):
        computed.revise(shop, "it", parse_calculation(ORDER | {"function": "count", "segment": buyers.id}), by="ann", at=AT)


def test_another_calculation_shows_its_impact_and_keeps_the_type(shop):
    make(shop, "it", function="count")
    saved.save(shop, "Buyers", Group("all", (PropertyCondition("it", "at_least", (2,)),)), by="ann", at=AT)
    other = parse_calculation(ORDER | {"function": "sum", "property": "amount"})

    (effect,) = computed.impact(shop, "it", other, at=AT)
    computed.revise(shop, "it", other, by="ann", at=AT)

    assert (len(effect.entered), len(effect.left)) == (1, 0)
    assert column(shop, "it") == {"ann": 90, "bob": 5, "cyd": 0}
    with pytest.raises(Exception, match="type stays as made"):
        computed.revise(shop, "it", parse_calculation(ORDER | {"function": "last"}), by="ann", at=AT)


def test_it_goes_only_when_no_segment_asks_it(shop):
    make(shop, "it", function="count")
    saved.save(shop, "Buyers", Group("all", (PropertyCondition("it", "at_least", (2,)),)), by="ann", at=AT)
    with pytest.raises(InUse, match="Buyers"):
        computed.remove(shop, "it", by="ann", at=AT)

    make(shop, "other", function="count")
    computed.remove(shop, "other", by="ann", at=AT)

    assert "other" not in {each.name for each in properties.find(shop)}


def test_nobody_writes_it_from_outside(shop):
    make(shop, "it", function="count")

    take(shop, users([{"userId": "ann", "it": "99"}]))
    take(shop, users([{"userId": "bob", "city": "Pune"}]), mode="replace")

    assert column(shop, "it") == {"ann": 3, "bob": 1, "cyd": 0}


def test_why_says_what_it_came_to(shop):
    make(shop, "it", function="count")
    rule = Group("all", (PropertyCondition("it", "at_least", (2,)),))

    ann = profiles.key_of(shop, "ann")
    assert ann is not None

    told = segments.explain(shop, rule, ann, at=AT)

    assert told.holds
    assert told.whole.parts[0].facts.value == 3


def test_a_preview_counts_spreads_and_shows_ten(shop):
    trial = computed.preview(shop, parse_calculation(ORDER | {"function": "count"}), at=AT)

    assert (trial.total, trial.known, trial.bars) == (3, 3, (("0", 1), ("1", 1), ("3", 1)))
    assert {(of, value) for _, of, value in trial.sample} == {("ann", 3), ("bob", 1), ("cyd", 0)}


def test_a_sentence_says_the_calculation(shop):
    asked = parse_calculation(ORDER | {"function": "sum", "property": "amount", "during": {"last": 30, "unit": "day"}})

    said = computed.sentence(asked, segments.load_catalog(shop))

    assert said == "The sum of amount over “Order” in the last 30 days; 0 without any."


@pytest.mark.parametrize(
    "fault",
    [
        {"function": "median"},
        {"function": "sum"},
        {"function": "count", "property": "amount"},
        {"function": "sum", "property": "amount", "type": "number"},
        {"function": "last", "property": "a", "type": "email"},
        {"function": "count", "event": "Nothing such"},
        {"function": "sum", "property": "channel"},
        {"function": "count", "segment": "s99"},
        {"function": "count", "wher": {}},
        {"function": "count", "during": {"last": 0, "unit": "day"}},
    ],
)
def test_a_calculation_that_cannot_be_is_refused(shop, fault):
    with pytest.raises(InvalidRule):
        make(shop, "it", **fault)

    assert "it" not in {each.name for each in properties.find(shop)}


def test_names_are_those_of_properties(shop):
    with pytest.raises(NameTaken):
        make(shop, "City", function="count")
    with pytest.raises(InvalidProperty):
        make(shop, "no name", function="count")


def test_many_values_are_shown_in_even_ranges_with_the_far_ones_together(store):
    take(store, users([{"userId": f"c{number:02}"} for number in range(40)]))
    amounts: list[str | None] = [json.dumps({"amount": 1000 if number == 39 else number}) for number in range(40)]
    take(store, events([(f"c{number:02}", "Order", AT - DAY) for number in range(40)], properties=amounts))

    trial = computed.preview(store, parse_calculation(ORDER | {"function": "sum", "property": "amount"}), at=AT)

    assert trial.bars[0] == ("0 to under 5", 5)
    assert trial.bars[-1][0].endswith("or more")
    assert sum(count for _, count in trial.bars) == 40
