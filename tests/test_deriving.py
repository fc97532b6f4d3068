"""Blanks are filled from the ip address and the phone number, never what somebody gave, and each says what it was derived from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.test_enrichment import CITY, IPHONE, write
from tests.worlds import AT, users
from user360 import activity, enrichment, events, ingest, profiles, workspace
from user360.errors import Invalid
from user360.store import open_store

if TYPE_CHECKING:
    from pathlib import Path

    from user360.store import Store

INDIA = "+919000500000"
DERIVED = ("country", "city", "latitude", "longitude", "timezone")


def say(store: Store, user_id: str, traits: dict[str, object] | None = None, **context: object) -> dict[str, Any]:
    """One identify call; answers what is known of the user then."""
    number = store.revision("profiles")
    message = ingest.Message("identify", f"m{number}", AT, "Shop", user_id, traits=traits or {}, context=context)
    ingest.receive_messages(store, [message], by="Shop", at=AT)
    return of(store, user_id)


def of(store: Store, user_id: str) -> dict[str, Any]:
    key = profiles.key_of(store, user_id)
    assert key is not None
    return dict(profiles.get(store, key).values)


def sources(store: Store, user_id: str) -> dict[str, str]:
    key = profiles.key_of(store, user_id)
    assert key is not None
    return {
        each: origin.source for each, origin in profiles.origins(store, key, DERIVED, at=AT).items() if each in of(store, user_id)
    }


def test_the_address_of_an_event_tells_the_country_and_says_so(store: Store) -> None:
    found = say(store, "ann", ip="2a00:1450:4001::1")

    assert (found["ip"], found["country"], found["timezone"]) == ("2a00:1450:4001::1", "Ireland", "Europe/Dublin")
    assert sources(store, "ann") == {"country": "derived from ip", "timezone": "derived from ip"}


def test_what_somebody_gave_is_never_overwritten(store: Store) -> None:
    found = say(store, "ann", {"country": "Ireland", "phone": INDIA}, ip="8.8.8.8")

    assert (found["country"], found["timezone"]) == ("Ireland", "Asia/Kolkata")
    assert sources(store, "ann") == {"country": "Shop", "timezone": "derived from phone"}


def test_what_is_given_later_replaces_what_was_derived(store: Store) -> None:
    say(store, "ann", {"phone": INDIA})

    found = say(store, "ann", {"country": "Nepal"})

    assert (found["country"], sources(store, "ann")["country"]) == ("Nepal", "Shop")


def test_the_address_goes_before_the_phone_number_and_a_later_address_changes_nothing(store: Store) -> None:
    say(store, "ann", {"phone": INDIA}, ip="8.8.8.8")

    found = say(store, "ann", ip="2a00:1450:4001::1")

    assert (found["ip"], found["country"], found["timezone"]) == ("2a00:1450:4001::1", "United States", "Asia/Kolkata")


@pytest.mark.parametrize("ip", ["10.0.0.1", "nowhere", "::1", 7, None, {"v4": "8.8.8.8"}])
def test_a_private_or_bogus_address_tells_nothing(store: Store, ip: object) -> None:
    assert not set(DERIVED) & set(say(store, "ann", ip=ip))


def test_a_file_that_is_configured_tells_the_city(store: Store, tmp_path: Path) -> None:
    workspace.change(store, geoip_file=write(tmp_path / "city.mmdb", {"81.2.69.0/24": CITY}))

    found = say(store, "ann", {"latitude": 48.0}, ip="81.2.69.5")

    assert {each: found.get(each) for each in DERIVED} == {
        "country": "Germany",
        "city": "Munich",
        "latitude": 48.0,
        "longitude": None,
        "timezone": "Europe/Berlin",
    }
    assert say(store, "bob", ip="81.2.69.5")["longitude"] == 11.575


def test_a_file_that_cannot_be_used_is_refused_and_one_that_is_chosen_is_logged(store: Store, tmp_path: Path) -> None:
    path = write(tmp_path / "city.mmdb", {"81.2.69.0/24": CITY})
    with pytest.raises(Invalid, match="cannot be used"):
        workspace.choose(store, geoip_file=str(tmp_path / "missing.mmdb"), by="ann", at=AT)

    workspace.choose(store, geoip_file=path, week_starts=0, by="ann", at=AT)
    workspace.choose(store, geoip_file="", by="ann", at=AT)

    assert workspace.get(store).geoip_file == ""
    assert activity.find(store)["subject"].to_pylist() == ["geoip_file"] * 2


def test_a_row_of_a_file_and_a_form_are_filled_from_the_phone_number_alone(store: Store) -> None:
    rows = users(
        [{"userId": "ann", "phone": INDIA}, {"userId": "bob", "phone": "+4917612345678", "country": "Germany"}, {"userId": "eve"}]
    )
    receipt = ingest.receive(store, rows, source="import 1", by="ann", at=AT)

    assert (receipt.created, receipt.updated) == (3, 0)
    assert (of(store, "ann")["country"], of(store, "ann")["timezone"]) == ("India", "Asia/Kolkata")
    assert (of(store, "bob")["country"], of(store, "bob")["timezone"]) == ("Germany", "Europe/Berlin")
    assert "country" not in of(store, "eve")
    assert sources(store, "bob") == {"country": "import 1", "timezone": "derived from phone"}


def test_a_blank_that_is_made_by_hand_stays_until_a_number_is_given_again(store: Store) -> None:
    say(store, "ann", {"phone": INDIA})
    key = profiles.key_of(store, "ann")

    ingest.receive(store, ingest.user({"country": None}, profile_key=key), source="form", by="ann", at=AT)

    assert "country" not in of(store, "ann")


def test_nothing_is_derived_where_the_caller_says_all_there_is(store: Store) -> None:
    ingest.receive(store, users([{"userId": "ann", "phone": INDIA}]), source="sample", by="ann", at=AT, derive=False)

    assert "country" not in of(store, "ann")


def test_the_event_says_what_its_user_agent_was(store: Store) -> None:
    message = ingest.Message("track", "m1", AT, "Shop", "ann", event="Buy", context={"userAgent": IPHONE})
    ingest.receive_messages(store, [message], by="Shop", at=AT)

    [row] = events.stream(store, limit=1).to_pylist()

    assert '"browser":{"name":"Mobile Safari","version":"17.5"}' in str(row["context"]).replace(", ", ",").replace(": ", ":")


people = st.fixed_dictionaries(
    {
        "ip": st.sampled_from([None, "8.8.8.8", "2a00:1450:4001::1", "10.0.0.1"]),
        "phone": st.sampled_from([None, INDIA, "+4917612345678", "+34612345678"]),
        "country": st.sampled_from([None, "Atlantis"]),
        "timezone": st.sampled_from([None, "UTC"]),
    }
)


@given(st.lists(people, min_size=1, max_size=6))
def test_a_batch_is_filled_as_each_of_its_people_alone(given_people: list[dict[str, str | None]]) -> None:
    store = open_store()
    rows = [{"userId": f"u{place}", **values} for place, values in enumerate(given_people)]
    ingest.receive(store, users(rows), source="file", by="ann", at=AT)

    for row in rows:
        [by_ip] = enrichment.of_ips(pa.array([row["ip"]], pa.string())).to_pylist()
        [by_phone] = enrichment.of_phones(pa.array([row["phone"]], pa.string())).to_pylist()
        known = of(store, str(row["userId"]))
        for each in ("country", "timezone"):
            assert known.get(each) == (row[each] or by_ip[each] or by_phone[each])
    store.close()
