"""The linter: what it calls impossible is empty in any world, its repairs hold, and each finding can be missing."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.test_explaining import GROUPS, prop, rule
from tests.test_segments import WORLD, condition_of, operators_of
from tests.test_segments import small as small  # noqa: PLC0414 - its people of every kind
from tests.test_segments_events import world as world  # noqa: PLC0414 - the same six people
from tests.worlds import AT, events, take, users
from user360 import segments
from user360.segments import contradictions, saved

if TYPE_CHECKING:
    from user360.store import Store


ONE_OF: dict[str, Any] = {name: st.one_of([condition_of(name, each) for each in operators_of(name)]) for name in WORLD}
PAIRS = st.one_of([st.tuples(each, each) for each in ONE_OF.values()])


def found(store: Store, what: segments.Rule, kind: str, **more: Any) -> list[tuple[str, str, str]]:
    return [(each.path, each.sentence, each.doing) for each in segments.lint(store, what, at=AT, **more) if each.kind == kind]


def never(store: Store, *conditions: dict[str, Any], match: str = "all") -> list[str]:
    catalog = segments.load_catalog(store)
    checked = segments.check(rule(*conditions, match=match), catalog)
    return [kind for kind, _, _ in contradictions.clashes(checked, catalog, at=AT)]


def times(operator: str, *values: int, event: str = "Order") -> dict[str, Any]:
    return {"event": event, "times": {"operator": operator, "values": list(values)}}


# -- laws ---------------------------------------------------------------------------------------


@given(pair=PAIRS)
def test_two_conditions_that_exclude_each_other_share_nobody(small: Any, pair: tuple[dict[str, Any], dict[str, Any]]) -> None:
    store = small.store
    both = segments.check(rule(*pair), segments.load_catalog(store))

    one, other = both.conditions
    if contradictions.excludes(one, other, segments.load_catalog(store), AT):
        assert not segments.people(store, both, at=AT)
    if never(store, *pair, match="any"):
        assert segments.people(store, rule(*pair, match="any"), at=AT) == segments.people(store, segments.EVERYONE, at=AT)


def test_the_law_of_exclusion_is_tried_on_pairs_that_exclude_each_other(small: Any) -> None:
    assert never(small.store, prop("score", 1.5), prop("score", 10)) == ["never"]
    assert never(small.store, prop("seen", 1, "day", operator="in_the_last"), prop("seen", 1, "day", operator="in_the_next")) == [
        "never"
    ]


@given(what=GROUPS)
def test_a_repair_of_what_does_nothing_finds_the_same_people(world: Store, what: dict[str, Any]) -> None:
    of = segments.parse(what)
    people = segments.people(world, of, at=AT)
    for each in segments.lint(world, of, at=AT):
        if each.kind == "no effect":
            assert each.repair is not None
            assert segments.people(world, each.repair, at=AT) == people


# -- what cannot be -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (prop("latitude", 50, operator="greater_than"), prop("latitude", 20, operator="less_than")),
        (prop("latitude", 50, operator="greater_than"), prop("latitude", 50)),
        (prop("country", "DE"), prop("country", "FR")),
        (prop("country", "DE"), prop("country", "DE", operator="is_not")),
        (prop("country", operator="is_not_known"), prop("country", "D", operator="starts_with")),
        (prop("country", operator="is_not_known"), prop("country", "D", operator="is_not", unknown="leave_out")),
        (prop("emailOptin", operator="is_true"), prop("emailOptin", operator="is_false")),
        (prop("dob", "2000-01-01", operator="before"), prop("dob", "2000-01-01", operator="after")),
        (prop("lastSession", 7, "day", operator="in_the_last"), prop("lastSession", 1, "month", operator="was_exactly")),
        (times("at_least", 3), times("at_most", 2)),
        (times("exactly", 0), times("between", 1, 3)),
        (prop("country", "DE"), {"match": "none", "conditions": [prop("country", "DE")]}),
    ],
)
def test_what_cannot_hold_together_is_told(world: Store, one: dict[str, Any], other: dict[str, Any]) -> None:
    assert never(world, one, other) == ["never"]
    assert never(world, one, {"match": "all", "conditions": [other]}) == ["never"]
    assert never(world, one, other, match="none") == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (prop("latitude", 50, operator="at_least"), prop("latitude", 50, operator="at_most")),
        (prop("country", "DE", "FR"), prop("country", "FR")),
        (prop("country", "DE"), prop("city", "FR")),
        (prop("country", "DE", operator="is_not"), prop("country", "FR", operator="is_not")),
        (prop("country", operator="is_not_known"), prop("country", "DE", operator="is_not")),
        (prop("country", "de", case="ignored"), prop("country", "DE")),
        (prop("tags", "a", operator="contains_any"), prop("tags", "b", operator="contains_any")),
        (times("at_least", 3), times("at_most", 3)),
        (times("at_least", 3), times("at_most", 2, event="View")),
    ],
)
def test_what_can_hold_together_is_left_alone(world: Store, one: dict[str, Any], other: dict[str, Any]) -> None:
    assert never(world, one, other) == []


def test_what_always_holds_is_told_unless_unknown_values_are_left_out(world: Store) -> None:
    is_not = prop("country", "DE", operator="is_not")

    assert never(world, prop("country", "DE"), is_not, match="any") == ["always"]
    assert never(world, prop("country", "DE"), {**is_not, "unknown": "leave_out"}, match="any") == []


# -- what the data say --------------------------------------------------------------------------


def test_a_value_nobody_has_is_told_with_the_one_most_like_it(store: Store) -> None:
    take(store, users([{"userId": f"u{each}", "country": "Germany", "tags": "gift"} for each in range(3)]))
    what = rule(prop("country", "Gemany", "Germany"), prop("tags", "gft", operator="contains_any"), prop("city", "Ulm"))

    first, second, third = (each for each in segments.lint(store, what, at=AT) if each.kind == "value not there")

    assert (first.path, first.sentence) == ("$.conditions[0]", "No one has “Gemany” as country. Did you mean Germany (3)?")
    assert first.repair is not None
    assert segments.dump(first.repair)["conditions"][0]["values"] == ["Germany"]
    assert second.doing == "Make it gift"
    assert (third.sentence, third.repair) == ("No one has “Ulm” as city.", None)
    assert found(store, rule(prop("country", "germany", case="ignored")), "value not there") == []


def test_a_condition_without_which_the_same_are_found_can_be_taken_out(store: Store) -> None:
    take(store, users([{"userId": f"u{each}", "country": "DE" if each else "FR", "city": "Ulm"} for each in range(3)]))
    what = rule(prop("country", "DE"), {"match": "any", "conditions": [prop("city", "Ulm"), prop("city", "Bonn")]})

    (told,) = (each for each in segments.lint(store, what, at=AT) if each.kind == "no effect")

    assert (told.path, told.sentence) == (
        "$.conditions[1]",
        "It changes nothing that (whose city is “Ulm” or whose city is “Bonn”): the same 2 people are found without it.",
    )
    assert told.repair == segments.check(rule(prop("country", "DE")), segments.load_catalog(store))
    assert found(store, rule(prop("city", "Ulm")), "no effect") == []


def test_an_event_not_seen_for_long_and_a_window_longer_than_the_data_are_told(store: Store) -> None:
    take(store, users([{"userId": "u1"}]), at=AT - timedelta(days=90))
    take(store, events([("u1", "Order", AT - timedelta(days=50)), ("u1", "View", AT - timedelta(days=2))]))

    def during(event: str, days: int) -> segments.Rule:
        return rule({"event": event, "during": {"last": days, "unit": "day"}})

    assert [each for _, each, _ in found(store, during("Order", 30), "not seen")] == [
        "“Order” was last seen on 4 Oct 2026, before the time that counts."
    ]
    assert [each for _, each, _ in found(store, rule({"event": "Order"}), "not seen")] == [
        "“Order” was last seen on 4 Oct 2026, 50 days ago."
    ]
    assert found(store, during("View", 30), "not seen") == []
    assert [each for _, each, _ in found(store, during("View", 60), "longer than the data")] == [
        "The first event of all is of 4 Oct 2026: the last 60 days reach back further."
    ]
    assert found(store, during("View", 30), "longer than the data") == []


def test_a_property_hardly_anybody_has_is_told(store: Store) -> None:
    take(store, users([{"userId": f"u{each}", "city": "Ulm" if each == 7 else None} for each in range(200)]))

    assert found(store, rule(prop("city", "Ulm")), "rarely known") == [
        ("$.conditions[0]", "Only 1 of 200 people have any city.", "")
    ]
    assert found(store, rule(prop("userId", "u1")), "rarely known") == []


def test_the_same_rule_under_another_name_is_told(store: Store) -> None:
    take(store, users([{"userId": "u1", "country": "DE"}]))
    kept = saved.save(store, "Germans", rule(prop("country", "DE")), by="t", at=AT)
    again = rule(prop("country", "DE", "DE"))

    assert found(store, again, "same segment") == [("$", "The segment “Germans” has the same rule.", "")]
    assert found(store, again, "same segment", segment_id=kept.id) == []
    assert found(store, rule(prop("country", "FR")), "same segment") == []


def test_a_pattern_that_is_none_can_be_said_plainly(store: Store) -> None:
    take(store, users([{"userId": "u1", "city": "Ulm"}]))

    (told,) = (
        each
        for each in segments.lint(store, rule(prop("city", "Ulm", operator="matches")), at=AT)
        if each.kind == "plain pattern"
    )

    assert told.repair is not None
    assert segments.dump(told.repair)["conditions"][0]["operator"] == "contains"
    assert found(store, rule(prop("city", "^Ulm", operator="matches")), "plain pattern") == []


def test_a_rule_without_oddities_has_no_findings(store: Store) -> None:
    take(store, users([{"userId": f"u{each}", "country": "DE" if each else "FR"} for each in range(3)]))

    assert segments.lint(store, rule(prop("country", "DE")), at=AT) == ()
    assert segments.lint(store, segments.EVERYONE, at=AT) == ()
