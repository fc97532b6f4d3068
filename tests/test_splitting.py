"""Samples and splits: disjoint, whole, repeatable, and nobody moves when others come and go."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.worlds import AT, take, users
from user360.errors import Invalid, NameTaken
from user360.people import NOBODY, People
from user360.segments import EVERYONE, asking, saved, splitting
from user360.segments.splitting import Share, split

HALVES = (Share("A", 50), Share("B", 50))
keys = st.sets(st.integers(0, 5_000), max_size=200)
seeds = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20).filter(str.strip)
cuts = st.lists(st.integers(1, 9_999), unique=True, max_size=5)


def shares(at):
    edges = [0, *sorted(at), 10_000]
    return tuple(Share(f"part {place}", (edges[place + 1] - edges[place]) / 100) for place in range(len(edges) - 1))


@given(keys, seeds, cuts)
def test_parts_share_nobody_and_leave_nobody_out(whole, seed, at):
    parts = split(People.of(sorted(whole)), shares(at), seed=seed)

    assert sum(len(each) for each in parts) == len(whole)
    together = NOBODY
    for each in parts:
        together |= each
    assert together == People.of(sorted(whole))


@given(keys, keys, seeds, cuts)
def test_nobody_moves_when_others_come_and_go(whole, others, seed, at):
    before = split(People.of(sorted(whole)), shares(at), seed=seed)
    after = split(People.of(sorted(whole | others)), shares(at), seed=seed)

    assert [each & People.of(sorted(whole)) for each in after] == list(before)


@given(keys, seeds, st.integers(1, 9_999), st.integers(1, 9_999))
def test_a_larger_sample_holds_the_smaller(whole, seed, one, other):
    everybody = People.of(sorted(whole))
    small, large = (split(everybody, [Share("s", each / 100)], seed=seed)[0] for each in sorted((one, other)))

    assert small - large == NOBODY


@pytest.mark.parametrize("seed", ["a", "b", "spring 2026", "0"])
def test_shares_come_out_within_statistics(seed):
    everybody = People.of(np.arange(100_000, dtype=np.uint32))
    wanted = (Share("holdout", 10), Share("A", 45), Share("B", 44.5), Share("few", 0.5))

    for share, people in zip(wanted, split(everybody, wanted, seed=seed), strict=True):
        chance = share.percent / 100
        assert abs(len(people) - 100_000 * chance) < 4.5 * (100_000 * chance * (1 - chance)) ** 0.5


def test_two_seeds_have_nothing_to_do_with_each_other():
    everybody = People.of(np.arange(100_000, dtype=np.uint32))
    one, other = (split(everybody, HALVES, seed=each)[0] for each in ("one", "other"))

    assert abs(len(one & other) - 25_000) < 700


def test_the_deal_of_a_seed_stays_as_it_was():
    assert split(People.of(range(20)), HALVES, seed="spring")[0].keys().tolist() == [
        0,
        1,
        2,
        5,
        6,
        8,
        9,
        10,
        12,
        14,
        16,
        17,
        18,
        19,
    ]


def test_parts_are_saved_as_lists_all_or_none(store):
    take(store, users([{"userId": f"c{number}"} for number in range(50)]))

    made = splitting.save(store, EVERYONE, HALVES, seed="x", of="everyone", by="ann", at=AT)

    found = [asking.holding(store, saved.rule_of(each), at=AT) for each in made]
    assert found == list(split(asking.living(store, at=AT), HALVES, seed="x"))
    assert made[0].description == "50% of everyone, seed x"
    with pytest.raises(NameTaken):
        splitting.save(store, EVERYONE, (Share("C", 50), Share("a", 50)), seed="x", of="everyone", by="ann", at=AT)
    assert saved.named(store, "C") is None


@pytest.mark.parametrize(
    ("wanted", "seed"),
    [
        ((), "x"),
        ((Share("A", 60), Share("B", 50)), "x"),
        ((Share("A", 0),), "x"),
        ((Share("A", 0.001),), "x"),
        ((Share("A", -5), Share("B", 50)), "x"),
        ((Share("A", 10), Share("a ", 10)), "x"),
        (HALVES, " "),
        (HALVES, "x" * 101),
        (tuple(Share(str(each), 1) for each in range(21)), "x"),
    ],
)
def test_a_split_that_cannot_be_is_refused(wanted, seed):
    with pytest.raises(Invalid):
        split(NOBODY, wanted, seed=seed)
