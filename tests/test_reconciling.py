"""Two numbers that should agree: who is only in one of them, everyone with one reason, and the reason is true."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.worlds import AT, events, take, users
from user360 import insights, profiles, reconciling, segments
from user360.errors import InvalidInsight, InvalidRequest, InvalidRule
from user360.people import People
from user360.segments import lists, saved
from user360.store import open_store

PEOPLE = 30
BOUGHT = "Order"


@pytest.fixture(scope="module")
def world():
    store = open_store()
    countries = ("DE", "IN", None)
    take(
        store,
        users(
            [
                {"userId": f"u{each}", "country": countries[each % 3], "city": "Ulm" if each % 2 else None}
                for each in range(PEOPLE)
            ]
        ),
    )
    rows = [
        (f"u{each}", BOUGHT, AT - timedelta(days=each * 3, minutes=turn)) for each in range(20) for turn in range(1 + each % 3)
    ]
    properties: list[str | None] = [f'{{"total": {place % 5}}}' for place in range(len(rows))]
    take(store, events(list(rows), properties=properties))
    segment = saved.save(store, "Germans", segments.parse(all_of(country("DE"))), by="t", at=AT)
    listed = lists.save(store, "Invited", people(store, range(8)), source="t", by="t", at=AT)
    assert (segment.id, listed.id) == ("s1", "s2")
    yield store
    store.close()


def people(store, numbers):
    return People.of([key for each in numbers if (key := profiles.key_of(store, f"u{each}")) is not None])


def country(*codes):
    return {"property": "country", "operator": "is", "values": list(codes)}


def all_of(*conditions):
    return {"match": "all", "conditions": list(conditions)}


def bought(days=None, *, least=1, total=None):
    found = {"event": BOUGHT, "times": {"operator": "at_least", "values": [least]}}
    if days:
        found["during"] = {"last": days, "unit": "day"}
    if total:
        found["where"] = all_of({"property": "total", "operator": "at_least", "values": [total]})
    return found


def reconciled(store, one, other):
    return reconciling.reconcile(store, reconciling.parse(one), reconciling.parse(other), at=AT)


def said(difference):
    return {each.words: len(each.people) for each in difference.reasons}


CONDITIONS = st.sampled_from(
    [
        country("DE"),
        country("IN", "DE"),
        {"property": "country", "operator": "is_not", "values": ["DE"]},
        {"property": "city", "operator": "is_known"},
        bought(),
        bought(30),
        bought(30, total=2),
        bought(least=2),
        {"event": BOUGHT, "times": {"operator": "exactly", "values": [0]}},
        {"segment": "s1"},
        {"segment": "s2"},
    ]
)
GROUPS = st.recursive(
    st.builds(
        lambda match, inside: {"match": match, "conditions": inside},
        st.sampled_from(["all", "any", "none"]),
        st.lists(CONDITIONS, min_size=1, max_size=3),
    ),
    lambda inner: st.builds(
        lambda match, inside: {"match": match, "conditions": inside},
        st.sampled_from(["all", "any", "none"]),
        st.lists(inner, min_size=1, max_size=2),
    ),
    max_leaves=3,
)
SIDES = st.one_of(
    GROUPS.map(lambda rule: {"rule": rule}),
    st.sampled_from(["s1", "s2"]).map(lambda each: {"segment": each}),
    st.lists(st.integers(0, PEOPLE + 5), max_size=12).map(lambda each: {"ids": "\n".join(f"u{number}" for number in each)}),
    st.sampled_from(
        [
            {"question": {"kind": "recency", "of": {"event": BOUGHT}}, "cell": {"days": 3}},
            {
                "question": {"kind": "rfm", "of": {"event": BOUGHT}, "people": all_of(country("DE"))},
                "cell": {"group": "Champions"},
            },
            {"question": {"kind": "values", "property": "country"}, "cell": {"value": "none"}},
        ]
    ),
)


@given(SIDES, SIDES)
def test_who_is_only_in_one_has_exactly_one_reason(world, one, other):
    found = reconciled(world, one, other)

    left, right = (reconciling.people_of(world, reconciling.parse(each), at=AT) for each in (one, other))
    assert (found.one.people, found.other.people, found.both) == (left, right, left & right)
    for difference, alone in ((found.one, left - right), (found.other, right - left)):
        assert difference.alone == alone
        counted = [len(each.people) for each in difference.reasons]
        assert sum(counted) == len(alone)
        together = People.of([key for each in difference.reasons for key in each.people.keys().tolist()])
        assert together == alone
        assert counted == sorted(counted, reverse=True)


@given(SIDES)
def test_a_number_agrees_with_itself(world, side):
    found = reconciled(world, side, side)

    assert (found.one.reasons, found.other.reasons, found.both) == ((), (), found.one.people)


def test_the_first_condition_that_fails_is_the_reason_told_finely(world):
    everyone = {"rule": {"match": "all", "conditions": []}}
    found = reconciled(world, everyone, {"rule": all_of(country("DE"), bought(10, least=2))})

    assert said(found.one) == {
        "Not met: country is “DE”": 10,
        "Not met: country is “DE” (the value is not known)": 10,
        "Not met: they did “Order” at least 2 times in the last 10 days": 8,
        "Not met: they did “Order” at least 2 times in the last 10 days (did so, but not often enough)": 2,
    }
    assert found.other.reasons == ()


def test_another_time_other_properties_and_groups_are_told(world):
    everyone = {"rule": {"match": "all", "conditions": []}}
    late = "Not met: they did “Order” where total is at least 2 in the last 30 days"

    assert said(reconciled(world, everyone, {"rule": all_of(bought(30, total=2))}).one) == {
        late: 13,
        f"{late} (did so, but at another time)": 6,
        f"{late} (did so then, but not such ones)": 2,
    }
    either = {"match": "any", "conditions": [country("DE"), bought()]}
    assert said(reconciled(world, everyone, {"rule": either}).one) == {
        "Meets none of these: (whose country is “DE” or who did “Order”)": 7
    }
    assert said(reconciled(world, everyone, {"rule": {**either, "match": "none"}}).one) == {
        "Left out because country is “DE”": 10,
        "Left out because they did “Order”": 13,
    }


def test_a_segment_is_looked_into_and_a_list_named(world):
    everyone = {"rule": {"match": "all", "conditions": []}}

    assert set(said(reconciled(world, everyone, {"segment": "s1"}).one)) == {
        "Not met: in “Germans”, country is “DE”",
        "Not met: in “Germans”, country is “DE” (the value is not known)",
    }
    assert said(reconciled(world, everyone, {"segment": "s2"}).one) == {"Not on the list “Invited”": 22}


def test_ids_of_another_tool_are_told_apart(store):
    take(store, users([{"userId": "a"}, {"userId": "b"}, {"userId": "gone"}]))
    profiles.delete(store, people_named(store, "gone"), by="t", source="t", at=AT)
    everyone = {"rule": {"match": "all", "conditions": []}}

    found = reconciled(store, everyone, {"ids": "a\nnobody\na\n\ngone"})

    assert said(found.one) == {reconciling.NOT_LISTED: 1}
    assert [(each.position, each.id, each.words) for each in found.other.lost] == [
        (2, "nobody", "nobody has this user id"),
        (3, "a", "stands on line 1 already"),
        (4, "", "is blank"),
        (5, "gone", "this user was deleted"),
    ]


def people_named(store, user_id):
    key = profiles.key_of(store, user_id)
    assert key is not None
    return People.of([key])


def test_a_mark_no_rule_says_tells_who_is_elsewhere_in_its_chart(world):
    question = {
        "kind": "rfm",
        "of": {"event": BOUGHT},
        "second": "both",
        "amount": "total",
        "people": all_of(country("DE", "IN")),
        "period": {"last": 90, "unit": "day"},
    }
    everyone = {"rule": {"match": "all", "conditions": []}}

    found = reconciled(world, everyone, {"question": question, "cell": {"group": "Champions"}})

    drawn = insights.who(world, insights.parse(question), {"group": "Champions"}, at=AT)
    assert found.other.people == drawn
    assert said(found.one) == {
        reconciling.NOT_AT_MARK: PEOPLE - 10 - len(drawn),
        "Not met: country is “DE” or “IN” (the value is not known)": 10,
    }


def test_the_file_names_everyone_once_with_the_reason_and_no_formula(store):
    take(store, users([{"userId": "=cmd()"}, {"userId": "b"}]))
    found = reconciled(store, {"rule": {"match": "all", "conditions": []}}, {"ids": "b\n+1"})

    assert reconciling.table(store, found.one).to_pylist() == [
        {"User id": "'=cmd()", "Profile": 0, "Why": reconciling.NOT_LISTED}
    ]
    assert reconciling.table(store, found.other).to_pylist() == [
        {"User id": "'+1", "Profile": None, "Why": "line 2: nobody has this user id"}
    ]


@pytest.mark.parametrize(
    "source", [None, [], {}, {"segment": "s1", "ids": ""}, {"ids": 3}, {"question": {"kind": "active"}, "cell": 3}]
)
def test_what_is_no_number_is_refused(source):
    with pytest.raises(InvalidRequest):
        reconciling.parse(source)


@pytest.mark.parametrize(
    ("source", "refusal"),
    [
        ({"segment": "s99"}, InvalidRule),
        ({"rule": all_of(bought() | {"event": "Gone"})}, InvalidRule),
        ({"question": {"kind": "gone"}}, InvalidInsight),
    ],
)
def test_what_cannot_be_counted_here_is_refused(world, source, refusal):
    with pytest.raises(refusal):
        reconciled(world, source, {"ids": "u1"})
