"""Failed messages are kept whole and counted; warnings are added up, and never without bound."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.worlds import AT
from user360 import activity, failed
from user360.errors import Unknown
from user360.failed import Failure
from user360.store import open_store

if TYPE_CHECKING:
    from user360.store import Store

LATER = AT + timedelta(hours=1)


def a_failure(message_id: str = "m1", code: str = "propertiesRequired", source: str = "Shop", **more: str) -> Failure:
    return Failure(message_id, "track", code, "It has no user.", "Give a userId.", source, **{"raw": '{"event": "Buy"}', **more})


def keep(store: Store, *failures: Failure, at=AT) -> int:
    with store.transaction() as tx:
        return failed.keep(tx, failures, at=at)


def warn(store: Store, *failures: Failure, at=AT) -> None:
    with store.transaction() as tx:
        failed.warn(tx, failures, at=at)


def test_a_message_is_kept_as_it_came(store: Store) -> None:
    whole = a_failure(user_id="ann", property="userId", value="null")

    assert keep(store, whole) == 1
    assert failed.find(store) == (failed.Failed(0, whole, AT, AT, 1),)
    assert failed.get(store, 0).failure == whole


def test_the_same_message_failing_again_raises_its_count_and_tells_the_newest_reason(store: Store) -> None:
    keep(store, a_failure())
    again = replace(a_failure(code="invalidTime"), message="Its time is odd.", raw='{"event": "Buy", "timestamp": 1}')

    assert keep(store, again, at=LATER) == 0
    assert failed.find(store) == (failed.Failed(0, again, AT, LATER, 2),)


def test_a_message_is_the_same_by_source_and_id_and_by_its_text_where_it_has_no_id(store: Store) -> None:
    keep(store, a_failure("m1"), a_failure("m1"), a_failure("m1", source="Bot"), a_failure("", raw="{}"), a_failure("", raw="{}"))
    keep(store, a_failure("", raw="{ }"))

    assert sorted(
        (each.failure.source, each.failure.message_id, each.failure.raw, each.times) for each in failed.find(store)
    ) == [
        ("Bot", "m1", '{"event": "Buy"}', 1),
        ("Shop", "", "{ }", 1),
        ("Shop", "", "{}", 2),
        ("Shop", "m1", '{"event": "Buy"}', 2),
    ]


def test_nothing_is_kept_of_a_transaction_that_fails(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.transaction() as tx:
        failed.keep(tx, [a_failure()], at=AT)
        failed.warn(tx, [a_failure()], at=AT)
        raise ZeroDivisionError

    assert (failed.count(store), failed.warnings(store)) == (0, ())


def test_reasons_are_counted_per_source_and_can_be_asked_for(store: Store) -> None:
    keep(store, a_failure("a"), a_failure("b"), a_failure("c", source="Bot"), a_failure("d", code="invalidTime"))
    keep(store, a_failure("a"), at=LATER)

    assert [(each.code, each.source, each.messages, each.times, each.last_at) for each in failed.reasons(store)] == [
        ("propertiesRequired", "Shop", 2, 3, LATER),
        ("invalidTime", "Shop", 1, 1, AT),
        ("propertiesRequired", "Bot", 1, 1, AT),
    ]
    assert [each.source for each in failed.reasons(store, source="Bot")] == ["Bot"]
    assert failed.count(store, code="propertiesRequired", source="Shop") == 2
    assert [each.failure.message_id for each in failed.find(store, source="Shop", limit=2, offset=1)] == ["d", "b"]
    assert failed.sources(store) == ("Bot", "Shop")


@given(st.text(st.characters(codec=None, categories=None), max_size=20))
def test_whatever_a_message_holds_can_be_kept(text: str) -> None:
    store = open_store()
    odd = Failure(text, "track", "invalid", text, text, text, text, text, text, text)

    assert keep(store, odd, odd) == 1
    warn(store, odd)

    assert [(each.times, "\0" in each.failure.raw) for each in failed.find(store)] == [(2, False)]
    assert [each.times for each in failed.warnings(store)] == [1]
    store.close()


def test_warnings_are_added_up_per_reason_source_and_property(store: Store) -> None:
    for place, value in enumerate(("x", "y", "x")):
        warn(store, *[a_failure(f"m{place}", property="age", value=value)] * 2, at=AT + timedelta(minutes=place))
    warn(store, a_failure("m9", property="age", source="Bot"), at=LATER)

    bot, shop = failed.warnings(store)
    assert (bot.source, bot.times, bot.values) == ("Bot", 1, ())
    assert (shop.times, shop.values, shop.message_id) == (6, ("x", "y"), "m2")
    assert (shop.first_at, shop.last_at) == (AT, AT + timedelta(minutes=2))
    assert failed.warnings(store, source="Bot") == (bot,)


def test_values_seen_are_the_newest_twenty(store: Store) -> None:
    for value in range(30):
        warn(store, a_failure(property="age", value=str(value)))

    assert failed.warnings(store)[0].values == tuple(str(each) for each in range(29, 9, -1))


def test_properties_without_end_are_counted_together(store: Store) -> None:
    def of(first: int, last: int) -> list[Failure]:
        return [a_failure(property=f"p{each}") for each in range(first, last)]

    warn(store, *of(0, failed.MOST_WARNINGS - 1))
    warn(store, *of(failed.MOST_WARNINGS - 2, failed.MOST_WARNINGS + 3))
    warn(store, *of(failed.MOST_WARNINGS, failed.MOST_WARNINGS + 2), a_failure(property="p0"))

    found = {each.property: each.times for each in failed.warnings(store)}
    assert len(found) == failed.MOST_WARNINGS + 1
    assert (found["p0"], found[f"p{failed.MOST_WARNINGS - 2}"], found[failed.OTHERS]) == (2, 2, 5)
    assert sum(found.values()) == failed.MOST_WARNINGS - 1 + 5 + 3


def test_messages_are_deleted_one_by_one_or_all_of_a_reason_and_that_is_logged(store: Store) -> None:
    keep(store, a_failure("a"), a_failure("b"), a_failure("c", source="Bot"), a_failure("d", code="invalidTime"))

    assert failed.delete(store, ids=[0], by="ann", at=AT) == 1
    assert failed.delete(store, ids=[], by="ann", at=AT) == 0
    assert failed.delete(store, code="propertiesRequired", source="Shop", by="ann", at=AT) == 1

    assert sorted(each.failure.message_id for each in failed.find(store)) == ["c", "d"]
    assert activity.find(store)["kind"].to_pylist() == ["delete failed messages"] * 2
    with pytest.raises(Unknown, match="failed message"):
        failed.get(store, 0)


def test_a_number_is_never_given_twice(store: Store) -> None:
    keep(store, a_failure("a"))
    failed.delete(store, ids=[0], by="ann", at=AT)
    keep(store, a_failure("a"))

    assert [each.id for each in failed.find(store)] == [1]


def test_what_was_taken_after_all_is_let_go_and_a_person_can_be_forgotten(store: Store) -> None:
    keep(store, a_failure("a"), a_failure("b", user_id="ann"), a_failure("c", user_id="bob"))

    with store.transaction() as tx:
        failed.settle(tx, {0: 1, 2: 7})
        assert failed.forget(tx, ["ann"]) == 1

    assert [each.failure.user_id for each in failed.find(store)] == ["bob"]


def test_a_warning_is_dismissed_until_it_happens_again(store: Store) -> None:
    warn(store, a_failure(property="age"), a_failure(property="age"), a_failure(property="size"))
    age = next(each for each in failed.warnings(store) if each.property == "age")

    assert failed.dismiss(store, [age.id]) == 1
    assert [each.property for each in failed.warnings(store)] == ["size"]
    warn(store, a_failure(property="age"), at=LATER)
    assert [(each.property, each.times) for each in failed.warnings(store)] == [("age", 1), ("size", 1)]
