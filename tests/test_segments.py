"""Rules: read, checked, compiled, said. The compiler is judged by a plain reading that shares no code with it."""

from __future__ import annotations

import copy
import json
import os
import re
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import oracle
from tests.worlds import AT, take, users
from user360 import operators, profiles, properties, segments
from user360.errors import InvalidRule
from user360.people import NOBODY
from user360.segments import asking
from user360.segments.tree import leaves
from user360.sql import Sql
from user360.store import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from user360.segments import Rule
    from user360.store import Store

GOLDEN = Path(__file__).parent / "golden" / "operators.sql"
KINDS = {
    "nick": "string",
    "mail": "email",
    "score": "number",
    "born": "date",
    "seen": "datetime",
    "at": "time",
    "vip": "boolean",
    "likes": "list",
}
DAYS = [date(2026, 11, 23) + timedelta(days=each) for each in (-400, -365, -31, -8, -7, -1, 0, 1, 7, 8, 30)] + [
    date(2024, 2, 29),
    date(2000, 11, 30),
]
INSTANTS = [
    AT + timedelta(minutes=each)
    for each in (-600_000, -50_000, -10_081, -10_080, -1_500, -60, -1, 0, 1, 59, 1_440, 10_080, 44_000)
]
WORLD: dict[str, st.SearchStrategy[Any]] = {
    "nick": st.sampled_from([None, "Ann", "ann", "ANN_1", "b%", "Bo.b"]),
    "mail": st.sampled_from([None, "a@x.com", "b@y.org"]),
    "score": st.sampled_from([None, -1.0, 0.0, 1.5, 10.0]),
    "born": st.sampled_from([None, *DAYS]),
    "seen": st.sampled_from([None, *INSTANTS]),
    "at": st.sampled_from([None, time(0, 0), time(9, 30), time(23, 59, 59)]),
    "vip": st.sampled_from([None, True, False]),
    "likes": st.sampled_from([None, ["x"], ["x", "y"], ["z"]]),
    "tags": st.sampled_from([None, ["x"], ["x", "y"], ["z"]]),
}
WINDOW = st.tuples(st.integers(1, 400), st.sampled_from(["day", "week", "month"])).map(list)
FINE_WINDOW = st.one_of(WINDOW, st.tuples(st.integers(1, 200), st.sampled_from(["minute", "hour"])).map(list))
WORDS = st.sampled_from(list(operators.PERIODS))
DAY = st.sampled_from(DAYS).map(str)
MOMENT = st.sampled_from(INSTANTS).map(lambda each: each.astimezone(ZoneInfo("Europe/Berlin")).strftime("%Y-%m-%d %H:%M:%S"))
TEXTS: dict[str, st.SearchStrategy[Any]] = {
    "nick": st.sampled_from(["Ann", "ann", "n", "%", "_", "b%", "."]),
    "mail": st.sampled_from(["a@x.com", "b@y.org"]),
    "score": st.sampled_from([-1, 0, 1.5, 10]),
    "at": st.sampled_from(["00:00:00", "09:30:00", "23:59:59"]),
    "likes": st.sampled_from(["x", "y", "q"]),
    "tags": st.sampled_from(["x", "y", "q"]),
}


def condition_of(name: str, operator: operators.Operator) -> st.SearchStrategy[dict[str, Any]]:
    values = _values(name, operator)
    extra: list[dict[str, Any]] = [{}]
    if operator.negative:
        extra.append({"unknown": "leave_out"})
    if operator.cased:
        extra += [{"case": "exact"}, {"case": "ignored"}]
    return st.builds(
        lambda given, more: {"property": name, "operator": operator.key, **({"values": given} if given else {}), **more},
        values,
        st.sampled_from(extra),
    )


def _values(name: str, operator: operators.Operator) -> st.SearchStrategy[list[Any]]:
    if operator.operand == "none":
        return st.just([])
    if operator.operand == "window":
        return FINE_WINDOW if name == "seen" else WINDOW
    if operator.operand == "period":
        return WORDS.map(lambda word: [word])
    if operator.operand == "count":
        return st.integers(0, 40).map(lambda count: [count])
    if operator.key.startswith("domain"):
        return st.just(["x.com"])
    one = TEXTS.get(name, st.one_of(DAY, MOMENT) if name == "seen" else DAY)
    if operator.operand == "one":
        return one.map(lambda value: [value])
    if operator.operand == "two":
        alike = (
            st.one_of(st.lists(DAY, min_size=2, max_size=2), st.lists(MOMENT, min_size=2, max_size=2))
            if name == "seen"
            else st.lists(one, min_size=2, max_size=2)
        )
        return alike.map(sorted)
    if name == "seen":
        return st.one_of(DAY, MOMENT).map(lambda value: [value])
    return st.lists(one, min_size=1, max_size=3)


def operators_of(name: str) -> list[operators.Operator]:
    from user360 import datatypes  # noqa: PLC0415 - only here

    return list(operators.of(datatypes.get("list" if name == "tags" else KINDS[name])))


CONDITIONS = st.one_of([condition_of(name, operator) for name in WORLD for operator in operators_of(name)])
RULES = st.recursive(
    CONDITIONS,
    lambda inner: st.builds(
        lambda match, conditions: {"match": match, "conditions": conditions},
        st.sampled_from(["all", "any", "none"]),
        st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=6,
).map(lambda node: node if "match" in node else {"match": "all", "conditions": [node]})


def _raw(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return json.dumps(value) if isinstance(value, list) else str(value)


def _world(store: Store, people: list[dict[str, Any]]) -> None:
    for name, datatype in KINDS.items():
        if name not in {each.name for each in properties.find(store)}:
            properties.define(store, name, datatype, by="tester", at=AT)
    take(
        store,
        users(
            [
                {"userId": f"u{place}", **{name: _raw(value) for name, value in person.items()}}
                for place, person in enumerate(people)
            ]
        ),
    )


def _keys(store: Store, rule: dict[str, Any]) -> list[int]:
    found: list[int] = segments.people(store, segments.parse(rule), at=AT).keys().tolist()
    return found


class World(NamedTuple):
    """A store and who is in it."""

    store: Store
    people: list[dict[str, Any]]

    def __repr__(self) -> str:
        return f"a world of {len(self.people)}"


@pytest.fixture(scope="module")
def empty() -> Iterator[Store]:
    store = open_store()
    _world(store, [])
    yield store
    store.close()


@pytest.fixture(scope="module")
def small() -> Iterator[World]:
    """A world of 120 people in which every value of every property stands beside many others."""
    pools = {name: [None, *DAYS] if name == "born" else [None, *INSTANTS] if name == "seen" else None for name in WORLD}
    plain: dict[str, list[Any]] = {
        "nick": [None, "Ann", "ann", "ANN_1", "b%", "Bo.b"],
        "mail": [None, "a@x.com", "b@y.org"],
        "score": [None, -1.0, 0.0, 1.5, 10.0],
        "at": [None, time(0, 0), time(9, 30), time(23, 59, 59)],
        "vip": [None, True, False],
        "likes": [None, ["x"], ["x", "y"], ["z"]],
        "tags": [None, ["z"], ["x"], ["x", "y"]],
    }
    people = [
        {
            name: (pool or plain[name])[(place * step + place // 7) % len(pool or plain[name])]
            for step, (name, pool) in enumerate(pools.items(), start=1)
        }
        for place in range(120)
    ]
    store = open_store()
    _world(store, people)
    yield World(store, people)
    store.close()


@given(rule=RULES)
def test_the_people_of_any_rule_are_those_of_its_plain_reading(small: World, rule: dict[str, Any]) -> None:
    store, people = small

    assert oracle.people(rule, oracle.world_of(people), at=AT) == _keys(store, rule)


@given(rule=RULES)
def test_asked_at_once_or_leaf_by_leaf_the_people_are_the_same(small: World, rule: dict[str, Any]) -> None:
    compiled = segments.compile(segments.parse(rule), segments.load_catalog(small.store), at=AT)

    assert asking.people(small.store, compiled, whole=False) == asking.people(small.store, compiled)


@given(rule=RULES)
def test_a_compiled_rule_is_also_one_query_by_set_operations(small: World, rule: dict[str, Any]) -> None:
    preview = segments.preview(small.store, segments.parse(rule), at=AT)

    assert small.store.people(preview.sql) == preview.people


@given(rule=RULES)
def test_a_preview_says_what_each_condition_does(small: World, rule: dict[str, Any]) -> None:
    preview = segments.preview(small.store, segments.parse(rule), at=AT)
    alone, after, without = {}, {}, {}
    for path, part in _paths(rule, "$"):
        alone[path] = len(_keys(small.store, {"match": "all", "conditions": [part]}))
        group, place = _parent(rule, path)
        after[path] = len(_keys(small.store, {**group, "conditions": group["conditions"][: place + 1]}))
        without[path] = len(_keys(small.store, _taken_out(rule, path)))

    assert preview.total == len(small.people)
    assert preview.count == len(_keys(small.store, rule))
    assert {each.path: each.alone for each in preview.steps} == alone
    assert {each.path: each.after for each in preview.steps} == after
    assert {each.path: each.without for each in preview.steps} == without


def _paths(group: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for place, part in enumerate(group["conditions"]):
        here = f"{path}.conditions[{place}]"
        yield here, part
        if "match" in part:
            yield from _paths(part, here)


def _parent(rule: dict[str, Any], path: str) -> tuple[dict[str, Any], int]:
    *above, place = [int(each) for each in re.findall(r"\d+", path)]
    for each in above:
        rule = rule["conditions"][each]
    return rule, place


def _taken_out(rule: dict[str, Any], path: str) -> dict[str, Any]:
    """The rule without that part; a group left empty goes too."""
    rest = copy.deepcopy(rule)
    group, place = _parent(rest, path)
    del group["conditions"][place]
    if group["conditions"]:
        return rest
    return _taken_out(rule, path[: path.rindex(".")]) if path.count("[") > 1 else {"match": "all", "conditions": []}


@given(condition=CONDITIONS)
def test_an_operator_and_its_complement_split_everybody(small: World, condition: dict[str, Any]) -> None:
    store, people = small
    bare = {key: value for key, value in condition.items() if key != "unknown"}
    families = segments.load_catalog(store).properties[condition["property"]].datatype.families
    other = operators.get(condition["operator"], families).complement
    if other:
        found, rest = (
            _keys(store, {"match": "all", "conditions": [{**bare, "operator": key}]}) for key in (condition["operator"], other)
        )
        assert sorted(found + rest) == list(range(len(people)))


@given(rule=RULES)
def test_a_rule_checked_twice_or_written_and_read_is_the_same_rule(empty: Store, rule: dict[str, Any]) -> None:
    catalog = segments.load_catalog(empty)
    checked = segments.check(segments.parse(rule), catalog)

    assert segments.check(checked, catalog) == checked
    assert segments.parse(json.dumps(segments.dump(checked))) == checked
    assert segments.compile(checked, catalog, at=AT) == segments.compile(segments.parse(rule), catalog, at=AT)


@given(rule=RULES)
def test_every_rule_can_be_said(empty: Store, rule: dict[str, Any]) -> None:
    said = segments.describe(segments.parse(rule), segments.load_catalog(empty), at=AT)

    assert said.startswith("People ")
    assert said.endswith(".")


@given(rule=RULES)
def test_every_sentence_is_read_back_as_the_rule_it_says(empty: Store, rule: dict[str, Any]) -> None:
    catalog = segments.load_catalog(empty)
    checked = segments.check(segments.parse(rule), catalog)

    assert segments.read_text(segments.write_text(checked, catalog), catalog) == checked


def test_somebody_deleted_is_in_no_rule(store: Store) -> None:
    _world(store, [{"nick": "Ann"}, {}])
    rule = {"match": "none", "conditions": [{"property": "nick", "operator": "is", "values": ["Bob"]}]}
    before = _keys(store, rule)
    profiles.delete(
        store,
        segments.people(
            store, segments.parse({"match": "all", "conditions": [{"property": "nick", "operator": "is_known"}]}), at=AT
        ),
        by="t",
        source="t",
        at=AT,
    )

    assert (before, _keys(store, rule)) == ([0, 1], [1])


def test_leaves_asked_together_are_what_each_is_alone_and_are_not_asked_again(store: Store) -> None:
    take(store, users([{"userId": f"u{each}", "city": "Pune" if each % 3 else "Delhi"} for each in range(20)]))
    cities = [{"property": "city", "operator": "is", "values": [each]} for each in ("Pune", "Delhi", "Goa")]
    events = [{"property": "tags", "operator": "contains_any", "values": [each]} for each in "abc"]
    rule = segments.parse({"match": "any", "conditions": [*cities, *events]})
    compiled = segments.compile(rule, segments.load_catalog(store), at=AT)
    every = list(leaves(compiled))
    together = store.groups([each.sql for each in every])
    asking.ask(store, every)
    kept = [asking.kept(store, each) for each in every]

    assert [each.keys().tolist() for each in together] == [store.people(each.sql).keys().tolist() for each in every]
    assert [len(each) for each in together] == [13, 7, 0, 0, 0, 0]
    assert kept == together
    assert [asking.kept(store, each) is found for each, found in zip(every, kept, strict=True)] == [True] * 6
    empty = open_store()
    assert empty.groups([each.sql for each in every]) == [NOBODY] * 6
    empty.close()


def test_an_empty_rule_is_everyone(store: Store) -> None:
    _world(store, [{}, {}])

    assert _keys(store, {"match": "all", "conditions": []}) == [0, 1]
    assert segments.describe(segments.EVERYONE, segments.load_catalog(store), at=AT) == "Everyone."


@pytest.mark.parametrize(
    ("rule", "path", "reason"),
    [
        ("{", "$", "not JSON"),
        ("[]", "$", "an object"),
        ({"match": "some", "conditions": []}, "$.match", "not all, any or none"),
        ({"match": "any", "conditions": []}, "$.conditions", "empty"),
        ({"match": "all", "conditions": [{"match": "all", "conditions": []}]}, "$.conditions[0].conditions", "empty"),
        ({"match": "all", "conditions": [], "colour": 1}, "$.colour", "not known"),
        ({"version": 2, "match": "all", "conditions": []}, "$.version", "not known"),
        (
            {"match": "all", "conditions": [{"property": "scoer", "operator": "is", "values": [1]}]},
            "$.conditions[0].property",
            "scoer",
        ),
        (
            {"match": "all", "conditions": [{"property": "score", "operator": "contains", "values": ["1"]}]},
            "$.conditions[0].operator",
            "no operator of a number",
        ),
        (
            {"match": "all", "conditions": [{"property": "score", "operator": "is", "values": [1, "abc"]}]},
            "$.conditions[0].values[1]",
            "“abc” is not a number",
        ),
        (
            {"match": "all", "conditions": [{"property": "score", "operator": "between", "values": [2, 1]}]},
            "$.conditions[0].values",
            "above",
        ),
        (
            {"match": "all", "conditions": [{"property": "score", "operator": "is", "values": []}]},
            "$.conditions[0].values",
            "takes 1 to",
        ),
        (
            {"match": "all", "conditions": [{"property": "score", "operator": "at_least", "values": [1, 2]}]},
            "$.conditions[0].values",
            "takes 1 value",
        ),
        (
            {"match": "all", "conditions": [{"property": "nick", "operator": "matches", "values": ["("]}]},
            "$.conditions[0].values[0]",
            "not a pattern",
        ),
        (
            {"match": "all", "conditions": [{"property": "nick", "operator": "matches", "values": ["x" * 201]}]},
            "$.conditions[0].values[0]",
            "longer than 200",
        ),
        (
            {"match": "all", "conditions": [{"property": "seen", "operator": "in_the_last", "values": [0, "day"]}]},
            "$.conditions[0].values[0]",
            "whole number",
        ),
        (
            {"match": "all", "conditions": [{"property": "seen", "operator": "in_the_last", "values": [1, "year"]}]},
            "$.conditions[0].values[1]",
            "none of",
        ),
        (
            {"match": "all", "conditions": [{"property": "nick", "operator": "is", "values": ["x"], "unknown": "leave_out"}]},
            "$.conditions[0].unknown",
            "leaves unknown",
        ),
        (
            {"match": "all", "conditions": [{"property": "score", "operator": "is", "values": [1], "case": "exact"}]},
            "$.conditions[0].case",
            "no case",
        ),
        (
            {"match": "all", "conditions": [{"property": "nick", "operator": "is", "values": [{}]}]},
            "$.conditions[0].values[0]",
            "not a value",
        ),
        ({"match": "all", "conditions": [{"segment": "vip"}]}, "$.conditions[0].segment", "no segment"),
    ],
)
def test_a_faulty_rule_is_refused_with_the_path_of_its_fault(empty: Store, rule: Any, path: str, reason: str) -> None:
    with pytest.raises(InvalidRule) as refusal:
        segments.check(segments.parse(rule), segments.load_catalog(empty))

    assert path == refusal.value.path
    assert reason in refusal.value.reason


def test_a_rule_may_be_eight_deep_and_hold_two_hundred_conditions_and_no_more() -> None:
    leaf: dict[str, Any] = {"property": "nick", "operator": "is_known"}

    def deep(levels: int) -> dict[str, Any]:
        return leaf if levels == 0 else {"match": "all", "conditions": [deep(levels - 1)]}

    def wide(count: int) -> dict[str, Any]:
        return {"match": "all", "conditions": [leaf] * count}

    assert (segments.parse(deep(8)), len(segments.parse(wide(200)).conditions)) == (segments.parse(deep(8)), 200)
    for rule, reason in ((deep(9), "nested more than 8"), (wide(201), "more than 200")):
        with pytest.raises(InvalidRule, match=reason):
            segments.parse(rule)


def test_a_country_of_a_phone_is_told_apart_where_countries_share_a_code(store: Store) -> None:
    numbers = {
        "US": "+14155550132",
        "CA": "+14165550132",
        "JM": "+18765550132",
        "IN": "+919000500000",
        "RU": "+79161234567",
        "KZ": "+77011234567",
        "GB": "+447400123456",
        "GG": "+447781123456",
    }
    take(store, users([{"userId": country, "phone": number} for country, number in numbers.items()]))
    found = {
        country: _keys(
            store, {"match": "all", "conditions": [{"property": "phone", "operator": "country_is", "values": [country]}]}
        )
        for country in numbers
    }

    assert {country: [place] for place, country in enumerate(numbers)} == found


def test_a_host_is_read_from_a_web_address(store: Store) -> None:
    properties.define(store, "site", "url", by="tester", at=AT)
    take(store, users([{"userId": "a", "site": "https://Shop.example.com:8443/x?y=https://other.example.com"}]))
    rules = [
        {"match": "all", "conditions": [{"property": "site", "operator": "host_is", "values": [host]}]}
        for host in ("shop.example.com", "other.example.com")
    ]

    assert [_keys(store, rule) for rule in rules] == [[0], []]


def test_the_query_of_any_text_operator_is_shown_with_every_value_in_its_place(store: Store) -> None:
    properties.define(store, "site", "url", by="tester", at=AT)
    _world(store, [{"nick": "Ann", "email": "ann@example.com"}])
    for of, operator in (("site", "host_is"), ("email", "domain_is"), ("nick", "is"), ("nick", "contains"), ("nick", "matches")):
        condition = {"property": of, "operator": operator, "values": ["why.example.com"]}
        shown = segments.preview(store, segments.parse({"match": "all", "conditions": [condition]}), at=AT).sql.shown()

        assert "why" in shown
        assert "= ?" not in shown


def test_a_question_mark_within_quotes_is_shown_as_it_is() -> None:
    asked = Sql("""SELECT "why?" FROM t WHERE a = ? AND b LIKE 'it''s ?' AND c = ?""", ("x?", 2))

    assert asked.shown() == """SELECT "why?" FROM t WHERE a = 'x?' AND b LIKE 'it''s ?' AND c = 2"""


def test_a_hostile_value_finds_nobody_and_breaks_nothing(store: Store) -> None:
    _world(store, [{"nick": "Ann"}])
    for hostile in ("'; DROP TABLE profiles; --", '" OR 1=1 --', "%", "\\", "{}", "?"):
        for key in ("is", "contains", "starts_with"):
            assert (
                _keys(store, {"match": "all", "conditions": [{"property": "nick", "operator": key, "values": [hostile]}]}) == []
            )


def test_suggestions_come_with_their_counts(store: Store) -> None:
    _world(store, [{"nick": "Ann", "tags": ["x"]}, {"nick": "Ann", "tags": ["x", "y"]}, {"nick": "bob"}, {}])

    assert segments.values(store, "nick") == [("Ann", 2), ("bob", 1)]
    assert segments.values(store, "nick", starting="B") == [("bob", 1)]
    assert segments.values(store, "tags") == [("x", 2), ("y", 1)]
    assert segments.unknown(store, "nick") == 1


def test_a_sentence_resolves_its_window(empty: Store) -> None:
    rule = segments.parse(
        {
            "match": "all",
            "conditions": [
                {"property": "seen", "operator": "in_the_last", "values": [90, "day"]},
                {"property": "nick", "operator": "is_not", "values": ["Ann", "Bob"]},
            ],
        }
    )

    assert segments.describe(rule, segments.load_catalog(empty), at=AT) == (
        "People whose seen is in the last 90 days [25 Aug 2026, 13:50 → 23 Nov 2026, 13:50, Europe/Berlin] "
        "and whose nick is not “Ann” or “Bob” [or not known]."
    )


def _samples() -> list[tuple[str, Rule]]:
    sample: dict[str, list[Any]] = {
        "none": [],
        "one": ["1"],
        "two": ["1", "2"],
        "many": ["1", "2"],
        "window": [3, "day"],
        "period": ["this_week"],
        "count": [2],
    }
    special = {
        "mail": ["a@x.com", "b@y.org"],
        "born": ["2026-01-01", "2026-02-01"],
        "seen": ["2026-01-01", "2026-02-01"],
        "at": ["09:00:00", "10:00:00"],
    }
    found = []
    for name in [*KINDS, "tags"]:
        for operator in operators_of(name):
            given = sample[operator.operand]
            if operator.operand in {"one", "two", "many"} and name in special:
                given = special[name][: max(len(given), 1)]
            rule = {
                "match": "all",
                "conditions": [{"property": name, "operator": operator.key, **({"values": given} if given else {})}],
            }
            found.append((f"{name} {operator.key}", segments.parse(rule)))
    return found


def test_every_operator_compiles_to_its_golden_sql(empty: Store) -> None:
    catalog = segments.load_catalog(empty)
    lines = []
    for title, rule in _samples():
        leaf, *_ = leaves(segments.compile(rule, catalog, at=AT))
        lines.append(f"-- {title}\n{leaf.sql.shown()}\n")
    written = "\n".join(lines)
    if os.environ.get("GOLDEN") == "write":
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(written)

    assert GOLDEN.read_text() == written
