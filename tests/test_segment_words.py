"""What is different between two rules, in words; and the usual segments as they fit the data."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.worlds import AT, events, take, users
from user360 import profiles, segments
from user360.segments import templates
from user360.store import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from user360.segments import Rule
    from user360.segments.templates import Template
    from user360.store import Store


def all_of(*conditions: dict[str, Any], match: str = "all") -> dict[str, Any]:
    return {"match": match, "conditions": list(conditions)}


def prop(name: str, *values: object, operator: str = "is", **more: object) -> dict[str, Any]:
    return {"property": name, "operator": operator, "values": list(values), **more}


def orders(count: int = 1, operator: str = "at_least", days: int = 0) -> dict[str, Any]:
    during = {"during": {"last": days, "unit": "day"}} if days else {}
    return {"event": "Order", "times": {"operator": operator, "values": [count]}, **during}


# -- difference ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shop() -> Iterator[Store]:
    opened = open_store()
    take(opened, users([{"userId": "u1", "country": "DE"}]))
    take(opened, events([("u1", "Order", AT), ("u1", "View", AT)]))
    yield opened
    opened.close()


def told(store: Store, before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    catalog = segments.load_catalog(store)
    return [str(each) for each in segments.difference(segments.parse(before), segments.parse(after), catalog)]


DE, ULM, BONN = prop("country", "DE"), prop("city", "Ulm"), prop("city", "Bonn")
DIFFERENCES = [
    (all_of(DE), all_of(DE), []),
    (all_of(prop("country", "FR", "DE")), all_of(prop("country", "DE", "FR", "FR")), []),
    (all_of(), all_of(DE), ["Added: whose country is “DE”"]),
    (all_of(DE, ULM), all_of(ULM), ["Taken out: whose country is “DE”"]),
    (all_of(DE, ULM), all_of(ULM, DE), ["Moved: the conditions stand in another order"]),
    (all_of(DE), all_of(prop("country", "DE", "FR")), ["Changed: whose country is “DE” → “DE” or “FR”"]),
    (
        all_of(orders(3, days=30)),
        all_of(orders(3, days=60)),
        ["Changed: who did “Order” at least 3 times in the last 30 → 60 days"],
    ),
    (all_of(orders()), all_of(orders(0, "exactly")), ["Changed: who did → did not do “Order”"]),
    (all_of(orders()), all_of(orders(days=9)), ["Changed: who did “Order” → “Order” in the last 9 days"]),
    (
        all_of(prop("country", "DE", operator="is_not")),
        all_of(prop("country", "DE", operator="is_not", unknown="leave_out")),
        ["Changed: whose country is not “DE” → “DE”, unknown left out"],
    ),
    (all_of(DE, ULM), all_of(DE, ULM, match="any"), ["Changed: all of → any of (whose country is “DE” …)"]),
    (
        all_of(DE, all_of(ULM, orders(), match="any")),
        all_of(DE, ULM, all_of(orders(), match="any")),
        ["Moved: whose city is “Ulm”"],
    ),
    (
        all_of(DE, all_of(ULM, BONN, orders(), match="any")),
        all_of(DE, all_of(BONN, orders(2), match="none")),
        [
            "Changed: any of → none of (whose city is “Bonn” …)",
            "Changed: who did “Order” → “Order” at least 2 times",
            "Taken out: whose city is “Ulm”",
        ],
    ),
]


@pytest.mark.parametrize(("before", "after", "expected"), DIFFERENCES)
def test_the_difference_of_two_rules_is_said(shop: Store, before: Any, after: Any, expected: list[str]) -> None:
    assert told(shop, before, after) == expected


CONDITIONS = st.sampled_from([DE, ULM, BONN, orders(), orders(2), orders(days=9), {"event": "View"}])
GROUPS = st.recursive(
    CONDITIONS,
    lambda inner: st.builds(
        lambda conditions, match: all_of(*conditions, match=match),
        st.lists(inner, min_size=1, max_size=4),
        st.sampled_from(["all", "any", "none"]),
    ),
    max_leaves=8,
).map(lambda each: each if "match" in each else all_of(each))


@given(before=GROUPS, after=GROUPS)
def test_two_rules_have_a_difference_just_where_they_are_not_the_same(shop: Store, before: Any, after: Any) -> None:
    catalog = segments.load_catalog(shop)
    same = segments.check(segments.parse(before), catalog) == segments.check(segments.parse(after), catalog)

    assert (told(shop, before, after) == []) == same


@given(before=GROUPS, more=CONDITIONS)
def test_one_more_condition_is_told_as_just_that(shop: Store, before: Any, more: Any) -> None:
    after = json.loads(json.dumps(before))
    after["conditions"].append(more)

    assert [each.split(":")[0] for each in told(shop, before, after)] == ["Added"]


# -- templates ----------------------------------------------------------------------------------


def day(back: int) -> Any:
    return AT - timedelta(days=back)


def bought(*rows: tuple[str, int, object]) -> Any:
    documents: list[str | None] = [json.dumps({"total": amount, "items": 1}) for _, _, amount in rows]
    return events([(who, "Order Completed", day(back)) for who, back, _ in rows], properties=documents)


@pytest.fixture(scope="module")
def crowd() -> Iterator[Store]:
    """A person or two for each of the usual segments."""
    opened = open_store()
    no, yes = "false", "true"
    people = [
        {"userId": "new", "email": "n@x.com"},
        {"userId": "regular", "email": "r@x.com"},
        {"userId": "once", "phone": "+919000500000", "whatsAppOptin": yes},
        {"userId": "lapsed", "email": "l@x.com", "emailOptin": yes},
        {"userId": "rich", "dob": "1990-11-29", "email": "r@x.com"},
        {"userId": "cart", "dob": "1990-11-30", "email": "c@x.com"},
        {"userId": "silent", "emailOptin": no, "smsOptin": no, "whatsAppOptin": no},
    ]
    take(opened, users(people), at=day(400))
    take(opened, users([{"userId": "new", "gender": "x"}]), at=day(400))
    take(opened, users([{"userId": "late", "email": "l@x.com"}]), at=day(3))
    take(opened, users([{"userId": "lapsed", "emailOptin": no}]), at=day(5))
    take(opened, bought(("once", 20, 10), ("lapsed", 200, 10), ("lapsed", 210, 15), ("rich", 3, 900), ("rich", 300, 800)))
    take(opened, events([("cart", "Product Added", day(2)), ("rich", "Product Added", day(2)), ("cart", "Cart Viewed", day(2))]))
    take(opened, events([("regular", "Page Viewed", day(back)) for back in (0, 7, 14)]))
    take(opened, events([(f"x{each}", "Order Cancelled", day(40)) for each in range(9)]), at=day(40))
    yield opened
    opened.close()


EXPECTED = {
    "new": ["late"],
    "active": ["cart", "regular", "rich"],
    "regular": ["regular"],
    "slipping": [f"x{each}" for each in range(9)],
    "dormant": ["lapsed"],
    "birthdays": ["rich"],
    "big-spenders": ["lapsed", "rich"],
    "bought-lately": ["once", "rich"],
    "bought-once": ["once"],
    "lapsed-buyers": ["lapsed"],
    "cart-abandoned": ["cart"],
    "opted-out": ["silent"],
    "opted-out-lately": ["lapsed"],
    "reachable-whatsapp": ["once"],
    "unreachable": ["silent", *(f"x{each}" for each in range(9))],
    "unidentified": [],
}


def by_key(store: Store) -> dict[str, Template]:
    return {each.key: each for each in templates.find(store)}


def found(store: Store, rule: Rule | None) -> list[str]:
    assert rule is not None
    people = segments.people(store, rule, at=AT)
    return sorted(str(profiles.get(store, int(key)).user_id) for key in people.keys())  # noqa: SIM118 - keys of a bitmap


@pytest.mark.parametrize("key", EXPECTED)
def test_a_usual_segment_finds_whom_it_says(crowd: Store, key: str) -> None:
    assert found(crowd, by_key(crowd)[key].rule) == EXPECTED[key]


def test_never_bought_is_everybody_but_who_did(crowd: Store) -> None:
    never = set(found(crowd, by_key(crowd)["never-bought"].rule))

    assert never & {"once", "lapsed", "rich"} == set()
    assert len(never) == profiles.count(crowd) - 3


def test_every_usual_segment_fits_these_data_and_can_be_said(crowd: Store) -> None:
    catalog = segments.load_catalog(crowd)

    for each in templates.find(crowd):
        assert each.rule is not None, each.key
        assert segments.describe(each.rule, catalog, at=AT).startswith("People "), each.key


def test_of_an_empty_database_only_those_are_offered_that_need_nothing(store: Store) -> None:
    offered = {each.key: each.needs for each in templates.find(store) if each.rule is not None}

    assert offered == {"new": "", "unreachable": "", "unidentified": ""}
    assert by_key(store)["opted-out"].needs == "emailOptin, smsOptin and whatsAppOptin"
    assert by_key(store)["cart-abandoned"].needs == "an event for a filled cart and an event for an order"


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (["Order Completed", "Order Cancelled"], "Order Completed"),
        (["order_placed"], "order_placed"),
        (["PurchaseMade", "ORDER_REFUNDED"], "PurchaseMade"),
        (["Checkout Started", "Payment Failed", "Recorder Opened"], None),
        (["Invoice paid"], "Invoice paid"),
    ],
)
def test_the_event_for_an_order_is_one_that_looks_like_it(store: Store, names: list[str], chosen: str | None) -> None:
    take(store, users([{"userId": "u1"}]))
    take(store, events([("u1", each, AT) for each in names]))
    rule = by_key(store)["never-bought"].rule

    assert (None if rule is None else segments.dump(rule)["conditions"][0]["event"]) == chosen


def test_of_several_the_commonest_event_is_chosen(store: Store) -> None:
    take(store, users([{"userId": "u1"}]))
    take(store, events([("u1", "Purchase", AT), *[("u1", "Order Completed", AT)] * 3]))
    rule = by_key(store)["bought-once"].rule

    assert rule is not None
    assert segments.dump(rule)["conditions"][0]["event"] == "Order Completed"
