"""Profiles: changes are remembered, pages are exact, deletion is whole, and an id can come back."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.worlds import AT, events, take, users
from user360 import activity, identities, ingest, profiles, properties
from user360 import events as event_room
from user360.errors import Unknown
from user360.people import NOBODY, People
from user360.profiles import reading
from user360.store import open_store

if TYPE_CHECKING:
    from user360.store import Store

LATER = AT + timedelta(hours=1)


def _value(store: Store, user_id: str, name: str) -> object:
    key = profiles.key_of(store, user_id)
    assert key is not None
    return profiles.get(store, key).values.get(name)


def test_update_changes_what_is_given_and_leaves_the_rest(store: Store) -> None:
    take(store, users([{"userId": "a", "firstName": "Ann", "city": "Kochi"}]))
    receipt = take(store, users([{"userId": "a", "city": "Pune"}, {"userId": "b", "city": "Pune"}]), at=LATER)

    assert (receipt.created, receipt.updated, receipt.unchanged) == (1, 1, 0)
    assert (_value(store, "a", "firstName"), _value(store, "a", "city")) == ("Ann", "Pune")
    assert (_value(store, "a", "createdAt"), _value(store, "a", "updatedAt")) == (AT, LATER)


def test_replace_makes_the_row_the_whole_record(store: Store) -> None:
    take(store, users([{"userId": "a", "firstName": "Ann", "city": "Kochi"}]))
    take(store, users([{"userId": "a", "city": "Pune"}]), mode="replace")

    assert (_value(store, "a", "firstName"), _value(store, "a", "city"), _value(store, "a", "createdAt")) == (None, "Pune", AT)


def test_the_same_values_again_change_nothing(store: Store) -> None:
    take(store, users([{"userId": "a", "city": "Kochi", "tags": "x"}]))
    receipt = take(store, users([{"userId": "a", "city": "Kochi", "tags": "x"}]), at=LATER)

    assert (receipt.created, receipt.updated, receipt.unchanged) == (0, 0, 1)
    assert profiles.history(store, 0) == []
    assert _value(store, "a", "updatedAt") == AT


def test_every_change_of_a_known_profile_says_what_when_who_and_whence(store: Store) -> None:
    take(store, users([{"userId": "a", "city": "Kochi"}]))
    ingest.receive(store, users([{"userId": "a", "city": "Pune"}]), source="crm.csv", by="Mira", at=LATER)

    assert profiles.history(store, 0) == [profiles.Change("city", "Kochi", "Pune", LATER, "Mira", "crm.csv")]


def test_a_creation_is_one_record_and_one_system_event(store: Store) -> None:
    take(store, users([{"userId": "a", "city": "Kochi", "firstName": "Ann", "tags": "x"}]))

    assert profiles.history(store, 0) == []
    assert event_room.totals(store, 0).to_pylist() == [
        {
            "event": "USER_CREATE",
            "system": True,
            "first_at": AT.replace(tzinfo=None),
            "last_at": AT.replace(tzinfo=None),
            "total": 1,
        }
    ]


def test_rows_of_one_user_apply_in_their_order(store: Store) -> None:
    take(store, users([{"userId": "a", "city": each} for each in ("Kochi", "Pune", "Goa")]))

    assert _value(store, "a", "city") == "Goa"
    assert [(each.old, each.new) for each in profiles.history(store, 0)] == [("Pune", "Goa"), ("Kochi", "Pune")]


def test_a_value_can_be_made_unknown(store: Store) -> None:
    take(store, users([{"userId": "a", "city": "Kochi", "tags": "x"}]))
    take(store, ingest.user({"city": None, "tags": []}, profile_key=0))

    assert (_value(store, "a", "city"), _value(store, "a", "tags")) == (None, None)


def test_tags_unite_or_replace_as_asked(store: Store) -> None:
    take(store, users([{"userId": "a", "tags": "x;y"}, {"userId": "b", "tags": "x"}]))
    take(store, users([{"userId": "a", "tags": "z"}]))
    united = _value(store, "a", "tags")
    take(store, users([{"userId": "a", "tags": "q"}]), merge_tags=False)

    assert (united, _value(store, "a", "tags"), _value(store, "b", "tags")) == (("x", "y", "z"), ("q",), ("x",))


def test_tagging_many_counts_only_whom_it_changed_and_is_remembered(store: Store) -> None:
    take(store, users([{"userId": "a", "tags": "vip"}, {"userId": "b"}, {"userId": "c"}]))
    changed = profiles.tag(store, People.of([0, 1, 99]), add=["vip"], by="Mira", source="Users", at=LATER)

    assert changed == 1
    assert profiles.tags(store) == [("vip", 2)]
    assert [(each.old, each.new) for each in profiles.history(store, 1)] == [(None, '["vip"]')]


def test_deleting_takes_properties_tags_ids_and_events_and_writes_it_down(store: Store) -> None:
    take(store, users([{"userId": "a", "tags": "x"}, {"userId": "b"}]))
    take(store, events([("a", "Order", AT), ("b", "Order", AT)]))
    deleted = profiles.delete(store, People.of([0]), by="Mira", source="Users", at=LATER)

    assert (deleted.profiles, deleted.events) == (1, 2)
    assert (profiles.count(store), identities.key_of(store, "a"), profiles.tags(store)) == (1, None, [])
    assert [row["event"] for row in event_room.stream(store, names=["Order", "USER_DELETE"]).to_pylist()] == [
        "USER_DELETE",
        "Order",
    ]
    assert activity.find(store)["kind"].to_pylist() == ["delete users"]
    with pytest.raises(Unknown):
        profiles.get(store, 0)


def test_a_deleted_user_id_can_come_back_as_a_new_person(store: Store) -> None:
    take(store, users([{"userId": "a", "city": "Kochi"}]))
    profiles.delete(store, profiles.everyone(store), by="Mira", source="Users", at=AT)
    take(store, users([{"userId": "a"}]))

    assert (profiles.key_of(store, "a"), _value(store, "a", "city")) == (1, None)


def test_all_users_can_be_deleted(store: Store) -> None:
    take(store, users([{"userId": f"u{each}"} for each in range(100)]))
    profiles.delete(store, profiles.everyone(store), by="Mira", source="Users", at=AT)

    assert (profiles.count(store), profiles.everyone(store)) == (0, NOBODY)


def test_search_wants_every_word_and_takes_no_wildcards(store: Store) -> None:
    take(store, users([{"userId": "a", "firstName": "Priya", "lastName": "Nair"}, {"userId": "b_1", "firstName": "Priya"}]))

    assert [profiles.count(store, search=each) for each in ("priya", "nair PRI", "%", "_", "b_", "o'x", "\\")] == [
        2,
        1,
        0,
        1,
        1,
        0,
        0,
    ]


@given(
    cities=st.lists(st.sampled_from([None, "Goa", "Kochi", "Pune", "pune"]), min_size=1, max_size=40),
    descending=st.booleans(),
    limit=st.integers(1, 15),
)
def test_the_pages_of_a_sorted_table_are_the_sorted_table(cities: list[str | None], descending: bool, limit: int) -> None:
    store = open_store()
    take(store, users([{"userId": f"u{number}", "city": city} for number, city in enumerate(cities)]))
    pages: list[int] = []
    for offset in range(0, len(cities), limit):
        page = profiles.find(store, columns=["city"], sort=[("city", descending)], limit=limit, offset=offset)
        pages += page["profile_key"].to_pylist()
    known = [key for key, city in enumerate(cities) if city is not None]
    expected = sorted(known, key=lambda key: cities[key] or "", reverse=descending)
    if descending:
        expected = [
            key for city in sorted({cities[key] or "" for key in known}, reverse=True) for key in known if cities[key] == city
        ]
    store.close()

    assert expected + [key for key, city in enumerate(cities) if city is None] == pages


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("sampled_first", [False, True])
def test_pages_far_in_are_the_same_whatever_a_sample_says(
    store: Store, monkeypatch: pytest.MonkeyPatch, descending: bool, sampled_first: bool
) -> None:
    """Half of the people are the sample; all of them stand before or behind the others, so that it says too few or too many."""
    monkeypatch.setattr(reading, "FAR", 0)
    monkeypatch.setattr(reading, "SAMPLED", 2)
    first = "A" if sampled_first else "Z"
    cities = [None if each > 190 else f"{first if each % 2 == 0 else 'M'}{each:03}" for each in range(200)]
    take(store, users([{"userId": f"u{number}", "city": city} for number, city in enumerate(cities)]))
    pages = [
        profiles.find(store, columns=["city"], sort=[("city", descending)], limit=10, offset=offset)["profile_key"].to_pylist()
        for offset in range(0, 200, 10)
    ]

    known = sorted(range(191), key=lambda key: cities[key] or "", reverse=descending)
    assert [key for page in pages for key in page] == [*known, *range(191, 200)]


def test_a_page_within_a_group_holds_only_the_group_whatever_its_size(store: Store) -> None:
    take(store, users([{"userId": f"u{each:05d}"} for each in range(6000)]))
    for group in (People.of(range(0, 6000, 2)), People.of([3, 7])):
        page = profiles.find(store, within=group, columns=["userId"], sort=[("userId", False)], limit=6000)
        assert page["profile_key"].to_pylist() == group.keys().tolist()
        assert sum(batch.num_rows for batch in profiles.stream(store, within=group, columns=["userId"])) == len(group)


def test_a_column_that_is_no_property_is_refused(store: Store) -> None:
    for ask in ({"columns": ['city" FROM profiles; --']}, {"columns": ["city"], "sort": [('city"; --', True)]}):
        with pytest.raises(Unknown, match="There is no property"):
            profiles.find(store, **ask)


def test_a_custom_property_made_later_is_unknown_for_everybody(store: Store) -> None:
    take(store, users([{"userId": "a"}]))
    properties.define(store, "tier", "string", by="tester", at=AT)
    take(store, users([{"userId": "a", "tier": "gold"}]))

    assert _value(store, "a", "tier") == "gold"


def test_an_unidentified_user_can_be_made_by_hand(store: Store) -> None:
    take(store, ingest.user({"firstName": "Solo"}))

    assert (profiles.get(store, 0).user_id, profiles.count(store)) == (None, 1)
