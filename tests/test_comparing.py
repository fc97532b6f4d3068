"""Comparing: regions are exact and part everybody who is in any, and what sets groups apart is no chance."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.test_explaining import GROUPS, prop, rule
from tests.test_segments_events import world as world  # noqa: PLC0414 - the same six people
from tests.worlds import AT, events, take, users
from user360 import segments
from user360.errors import Invalid
from user360.people import People
from user360.segments import comparing, contrast, saved

if TYPE_CHECKING:
    from user360.store import Store


@given(rules=st.lists(GROUPS.map(segments.parse), min_size=2, max_size=6))
def test_regions_part_everybody_who_is_in_any_and_are_found_by_their_rules(world: Store, rules: list[segments.Rule]) -> None:
    found = comparing.compare(world, rules, at=AT)
    people = [segments.people(world, each, at=AT) for each in rules]

    assert list(found.people) == people
    seen: list[int] = []
    for region in found.regions:
        keys = region.people.keys().tolist()
        assert keys
        assert all([key in each for each in people] == [place in region.inside for place in range(len(rules))] for key in keys)
        assert segments.people(world, comparing.region_rule(rules, region.inside), at=AT) == region.people
        seen += keys
    assert sorted(seen) == [key for key in range(6) if any(key in each for each in people)]
    for pair in found.pairs:
        one, other = people[pair.one], people[pair.other]
        assert (pair.of_one, pair.of_other, pair.both) == (len(one), len(other), len(one & other))
        assert pair.contained == (bool(one) and not (one - other))
        assert pair.jaccard == (len(one & other) / len(one | other) if one | other else 0)


def test_a_region_of_saved_segments_follows_them(store: Store) -> None:
    take(store, users([{"userId": f"u{each}", "country": "DE" if each < 3 else "FR", "city": "Ulm"} for each in range(5)]))
    ids = [
        saved.save(store, name, rule(prop(name, value)), by="t", at=AT).id for name, value in (("country", "DE"), ("city", "Ulm"))
    ]
    rules = [rule({"segment": each}) for each in ids]
    only_second = comparing.region_rule(rules, (1,))

    saved.revise(store, ids[0], rule(prop("country", "FR")), by="t", at=AT)

    assert segments.dump(only_second)["conditions"][0] == {"segment": ids[1]}
    assert segments.people(store, only_second, at=AT) == People.of([0, 1, 2])


@pytest.mark.parametrize("count", [0, 1, 7])
def test_two_to_six_can_be_compared(store: Store, count: int) -> None:
    with pytest.raises(Invalid):
        comparing.compare(store, [segments.EVERYONE] * count, at=AT)


def test_what_sets_two_groups_apart_is_told_with_counts_and_interval(store: Store) -> None:
    """Of 200, the first half live in Ulm and like x, three in four of them bought; of the others one in four bought."""
    rows = [
        {"userId": f"u{each}", "city": "Ulm" if each < 100 else "Bonn", "tags": "x" if each < 100 else None, "country": "DE"}
        for each in range(200)
    ]
    take(store, users(rows))
    buyers = [f"u{each}" for each in range(200) if (each % 4 < 3) == (each < 100)]
    take(store, events([(each, "Order", AT - timedelta(days=3)) for each in buyers]))
    one, other = People.of(range(100)), People.of(range(100, 200))

    found = {each.words: each for each in contrast.apart(store, one, other, at=AT)}
    ordered = found["who did “Order” in the last 90 days"]

    assert {"whose city is “Ulm”", "whose city is “Bonn”", "whose tags has any of “x”"} <= set(found)
    assert not any("country" in each for each in found)
    assert (ordered.of_one, ordered.of_other, ordered.lift) == (75, 25, 3.0)
    assert ordered.low == pytest.approx(2.0976, abs=0.001)
    assert ordered.high == pytest.approx(4.2907, abs=0.001)
    assert found["whose city is “Bonn”"].high < 1
    assert contrast.apart(store, one, People.of([]), at=AT) == ()


def test_every_trait_counts_whom_its_condition_finds(store: Store) -> None:
    rows = [
        {"userId": f"u{each}", "latitude": each, "tags": "x;y" if each % 3 else "y", "city": f"c{each % 4}"} for each in range(60)
    ]
    take(store, users(rows))
    one, other = People.of(range(25)), People.of(range(20, 60))

    found = contrast.apart(store, one, other, at=AT)

    for each in found:
        people = segments.people(store, segments.Group("all", (each.node,)), at=AT)
        assert (len(people & one), len(people & other)) == (each.of_one, each.of_other)
