"""Laws of every rule, tried on random worlds and rules: what the compiler finds is what a plain reading of the format finds.

USER360_CASES says how many cases each law is tried on; the worlds grow in number with it.
"""

from __future__ import annotations

import json
import os
from functools import cache
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import oracle
from tests.random_rules import as_rule, opposite, reversible, rules, rules_then
from tests.random_worlds import TICK, begun, moments_of, recipe, told
from tests.steps import Happened, Told
from user360 import segments
from user360.segments import asking

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from tests.oracle import Now
    from tests.random_worlds import Recipe
    from tests.steps import Telling

CASES = int(os.environ.get("USER360_CASES", "200"))
WORLDS = max(8, min(CASES // 60, 150))

as_often = settings(max_examples=CASES, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
seldom = settings(max_examples=max(CASES // 100, 4), suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


class Worlds:
    """The worlds of this run, each made when it is first asked."""

    def __init__(self) -> None:
        self.made: dict[int, Telling] = {}

    def __getitem__(self, number: int) -> Telling:
        if number not in self.made:
            self.made[number] = told(made(number))
        return self.made[number]


@pytest.fixture(scope="module")
def worlds() -> Iterator[Worlds]:
    found = Worlds()
    yield found
    for each in found.made.values():
        each.store.close()


@cache
def made(number: int) -> Recipe:
    return recipe(Random(number))  # noqa: S311 - chance, not secrets


class Question(NamedTuple):
    """A rule, a part of one or several, asked of a world at an instant."""

    world: int
    node: Any
    at: datetime


@cache
def about(number: int, what: Callable[[Now], Any], *, past: bool) -> st.SearchStrategy[Question]:
    found = made(number)
    at = st.sampled_from(moments_of(found)) if past else st.just(found.now.at)
    return st.builds(Question, st.just(number), what(found.now), at)


def questions(what: Callable[[Now], Any], *, past: bool = False) -> st.SearchStrategy[Question]:
    return st.integers(0, WORLDS - 1).flatmap(lambda number: about(number, what, past=past))


def people(telling: Telling, rule: dict[str, Any], at: datetime, *, past: bool = False) -> list[int]:
    keys: list[int] = segments.people(telling.store, segments.parse(as_rule(rule)), at=at, past=past).keys().tolist()
    return keys


@as_often
@given(asked=questions(rules))
def test_the_people_of_any_rule_are_those_of_its_plain_reading(worlds: Worlds, asked: Question) -> None:
    assert oracle.people(asked.node, worlds[asked.world].world, at=asked.at) == people(worlds[asked.world], asked.node, asked.at)


@as_often
@given(asked=questions(rules_then, past=True))
def test_the_past_of_any_rule_is_its_plain_reading_then(worlds: Worlds, asked: Question) -> None:
    then = people(worlds[asked.world], asked.node, asked.at, past=True)

    assert oracle.people(asked.node, worlds[asked.world].world, at=asked.at) == then


@seldom
@given(asked=questions(rules))
def test_the_present_asked_as_a_past_is_the_present(worlds: Worlds, asked: Question) -> None:
    found = worlds[asked.world]

    assert people(found, asked.node, asked.at) == people(found, asked.node, asked.at, past=True)


@as_often
@given(asked=questions(reversible))
def test_a_condition_and_its_complement_split_everybody(worlds: Worlds, asked: Question) -> None:
    found = worlds[asked.world]
    this = {key: value for key, value in asked.node.items() if key != "unknown"}
    other = opposite(asked.node)
    assert other is not None
    everybody = [each.key for each in found.world.there(asked.at)]

    assert sorted(everybody) == sorted(people(found, this, asked.at) + people(found, other, asked.at))


@as_often
@given(asked=st.one_of(questions(reversible), questions(rules)))
def test_as_many_are_counted_as_are_named(worlds: Worlds, asked: Question) -> None:
    store, rule = worlds[asked.world].store, segments.parse(as_rule(asked.node))
    asking.forget_leaves()
    counted = segments.count(store, rule, at=asked.at)

    assert counted == len(people(worlds[asked.world], asked.node, asked.at)) == segments.count(store, rule, at=asked.at)


@seldom
@given(asked=questions(rules))
def test_leaf_by_leaf_or_as_one_query_the_people_are_the_same(worlds: Worlds, asked: Question) -> None:
    store = worlds[asked.world].store
    rule = segments.parse(asked.node)
    compiled = segments.compile(rule, segments.load_catalog(store), at=asked.at)
    preview = segments.preview(store, rule, at=asked.at)

    assert asking.people(store, compiled, whole=False) == asking.people(store, compiled) == preview.people
    assert store.people(preview.sql) == preview.people


@seldom
@given(asked=questions(rules_then, past=True))
def test_a_preview_of_the_past_is_one_query_too(worlds: Worlds, asked: Question) -> None:
    store = worlds[asked.world].store
    preview = segments.preview(store, segments.parse(asked.node), at=asked.at, past=True)

    assert (
        store.people(preview.sql) == preview.people == segments.people(store, segments.parse(asked.node), at=asked.at, past=True)
    )


@as_often
@given(asked=questions(rules))
def test_a_rule_in_canonical_form_stays_as_it_is_written_and_read(worlds: Worlds, asked: Question) -> None:
    catalog = segments.load_catalog(worlds[asked.world].store)
    checked = segments.check(segments.parse(asked.node), catalog)

    assert segments.check(checked, catalog) == checked
    assert segments.parse(json.dumps(segments.dump(checked))) == checked


@as_often
@given(asked=questions(rules))
def test_every_rule_is_said_and_its_sentence_read_back(worlds: Worlds, asked: Question) -> None:
    catalog = segments.load_catalog(worlds[asked.world].store)
    checked = segments.check(segments.parse(asked.node), catalog)

    assert segments.read_text(segments.write_text(checked, catalog), catalog) == checked
    assert segments.describe(checked, catalog, at=asked.at).endswith(".")


def several(now: Now) -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(rules(now), min_size=4, max_size=8)


def several_then(now: Now) -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(rules_then(now), min_size=4, max_size=8)


def _speaks_of(rule: dict[str, Any], *marks: str) -> bool:
    return any(each in json.dumps(rule) for each in marks)


@seldom
@given(asked=questions(several))
def test_an_event_that_no_rule_asks_about_changes_nothing(asked: Question) -> None:
    found = told(made(asked.world))
    named = [each for each in asked.node if not _speaks_of(each, '"event": null')]
    before = [people(found, each, asked.at) for each in named]
    ever = [people(found, each, asked.at) for each in asked.node]
    somebody = min(found.users)
    later = oracle.Event("Order", asked.at + TICK, "later", "web", properties={"amount": 5})
    found.tell(Happened(asked.at, [(somebody, later)]))
    assert ever == [people(found, each, asked.at) for each in asked.node]

    found.tell(Happened(asked.at, [(somebody, oracle.Event("Nothing", asked.at, "other"))]))
    assert before == [people(found, each, asked.at) for each in named]
    found.store.close()


@seldom
@given(asked=questions(several))
def test_somebody_new_changes_nothing_for_the_others(asked: Question) -> None:
    found = told(made(asked.world))
    unranked = [each for each in asked.node if not _speaks_of(each, '"rank"')]
    before = [people(found, each, asked.at) for each in unranked]
    found.tell(Told(asked.at, {"somebody new": {"nick": "Ann"}}))
    new = found.users["somebody new"].key

    assert before == [[key for key in people(found, each, asked.at) if key != new] for each in unranked]
    found.store.close()


@seldom
@given(number=st.integers(0, 100_000), data=st.data())
def test_the_past_is_the_answer_given_then(number: int, data: st.DataObject) -> None:
    made_of = recipe(Random(number), in_order=True)  # noqa: S311 - chance, not secrets
    drawn = data.draw(several_then(made_of.now))
    found, (_, *steps) = begun(made_of), made_of.steps
    given_then = {}
    for step in steps:
        found.tell(step)
        given_then[step.at] = [people(found, each, step.at) for each in drawn]

    assert given_then == {at: [people(found, each, at, past=True) for each in drawn] for at in given_then}
    found.store.close()
