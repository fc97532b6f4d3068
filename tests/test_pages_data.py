"""Properties, events, import, downloads and activity: empty, small, refused and large."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.addresses import at_address
from tests.worlds import AT, events, take, users
from user360 import doors, exports, profiles, properties, segments
from user360 import events as event_room

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest

    from user360.store import Store

PAGES = ("properties", "events", "import", "downloads", "activity")

pytestmark = pytest.mark.usefixtures("workspace")


def _open(page: str, **parameters: str) -> AppTest:
    return at_address(page, **parameters)


def _said(at: AppTest) -> str:
    return "\n".join(str(each.value) for kind in ("markdown", "caption", "subheader", "header") for each in getattr(at, kind))


@pytest.fixture
def shop() -> Store:
    """A few people with a history, in the database the pages open."""
    store = doors.current_store()
    properties.define(store, "loyaltyTier", "string", "Gold or silver", by="tester", at=AT)
    take(store, users([{"userId": f"u{each}", "city": "Kochi", "loyaltyTier": "gold"} for each in range(12)]))
    hostile = '{"sku": "<b>x</b>", "note": "![x](http://evil/x.png)"}'
    rows = [(f"u{each % 12}", "Order Completed", AT - timedelta(hours=each)) for each in range(120)]
    take(store, events(rows, channels=["web", "whatsapp"] * 60, properties=[hostile] * 120))
    return store


@pytest.mark.parametrize("page", PAGES)
def test_an_empty_database_has_a_page_that_says_what_to_do(page: str) -> None:
    at = _open(page)

    assert not at.exception
    assert at.header or at.title
    assert not at.error


@pytest.mark.parametrize("page", PAGES)
def test_a_page_of_a_small_business_shows_no_fault(shop: Store, page: str) -> None:
    at = _open(page)

    assert not at.exception
    assert not at.error
    assert profiles.count(shop) == 12


def test_properties_of_one_kind_are_listed_and_a_link_lists_the_same(shop: Store) -> None:
    at = _open("properties")
    assert len(at.dataframe[0].value) == len(properties.find(shop))
    at.segmented_control(key="properties.kind").set_value("custom").run()

    assert at.query_params["kind"] == "custom"
    assert list(at.dataframe[0].value["Property"]) == ["loyaltyTier"]
    assert list(_open("properties", kind="custom").dataframe[0].value["Property"]) == ["loyaltyTier"]
    assert "**No such property**" in _said(_open("properties", kind="computed"))
    assert len(_open("properties", kind="'; --").dataframe[0].value) == len(properties.find(shop))


def test_events_of_the_system_are_called_what_happened(shop: Store) -> None:
    at = _open("events", event="USER_CREATE")

    assert list(at.dataframe[0].value["Event"]) == ["Order Completed", "User added"]
    assert "stored as USER\\_CREATE · events a day" in _said(at)


def test_properties_are_listed_with_how_filled_they_are(shop: Store) -> None:
    at = _open("properties", name="loyaltyTier")
    row = next(each for each in at.dataframe[0].value.to_dict("records") if each["Property"] == "loyaltyTier")

    assert (row["Users"], row["Kind"], row["Filled"]) == (12, "custom", 100.0)
    assert "**12** of 12 users have it" in _said(at)
    assert properties.get(shop, "loyaltyTier").position == 22


def test_a_new_property_is_made_and_a_bad_name_is_refused_beside_its_field(shop: Store) -> None:
    at = _open("properties")
    at.button(key="properties.make").click().run()
    name = next(each for each in at.text_input if str(each.key).endswith(".name"))
    name.set_value("email").run()
    next(each for each in at.button if str(each.key).endswith(".make") and each.key != "properties.make").click().run()

    assert "There is a property" in _said(at)
    next(each for each in at.text_input if str(each.key).endswith(".name")).set_value("npsScore").run()
    next(each for each in at.button if str(each.key).endswith(".make") and each.key != "properties.make").click().run()
    assert properties.get(shop, "npsScore").datatype.name == "string"


def test_the_catalogue_counts_and_opens_an_event(shop: Store) -> None:
    at = _open("events", event="Order Completed")
    row = next(each for each in at.dataframe[0].value.to_dict("records") if each["Event"] == "Order Completed")

    assert (row["Users"], row["Events"]) == (12, 120)
    assert "Order Completed" in _said(at)
    assert event_room.names(shop, system=False) == ["Order Completed"]


def test_the_stream_filters_and_pages(shop: Store) -> None:
    at = _open("events", view="stream")
    first = at.dataframe[0].value
    at.text_input(key="events.user").set_value("u3").run()
    mine = at.dataframe[0].value
    at.text_input(key="events.user").set_value("nobody").run()

    assert (len(first), set(mine["User"])) == (50, {"u3"})
    assert "No event is like that" in _said(at)
    assert profiles.count(shop) == 12


def test_a_finished_export_waits_with_its_link(shop: Store) -> None:
    wanted, layout = exports.Users(("userId",)), exports.Layout("csv")
    number = exports.start(shop, wanted, layout, file_name="users.csv", by="Mira", at=AT)
    exports.run(shop, number, wanted, layout, now=lambda: AT)
    at = _open("downloads")

    assert at.dataframe[0].value["State"].tolist() == ["ready"]
    assert not at.exception


def test_the_log_tells_what_happened_and_can_be_filtered(shop: Store) -> None:
    profiles.delete(shop, profiles.everyone(shop), by="Mira", source="Users", at=AT)
    at = _open("activity", kind="delete users")

    assert at.dataframe[0].value["What"].tolist() == ["Delete users"]
    assert "users 12" in at.dataframe[0].value["Details"][0]


def test_ten_thousand_events_of_two_hundred_names_are_shown(shop: Store) -> None:
    rows: list[Any] = [(f"u{each % 12}", f"Event {each % 200}", AT - timedelta(minutes=each)) for each in range(10_000)]
    take(shop, events(rows))
    at = _open("events")

    assert not at.exception
    assert len(at.dataframe[0].value) >= 200


def test_a_hostile_address_is_taken_for_what_it_is(shop: Store) -> None:
    for page, parameters in (
        ("events", {"before": "x|y", "event": "![x](http://evil)"}),
        ("import", {"import": "99"}),
        ("properties", {"name": "'; --"}),
    ):
        at = _open(page, **parameters)
        assert not at.exception
    assert json.dumps([each.name for each in properties.find(shop)])


def test_a_property_says_which_segments_ask_it(shop: Store) -> None:
    def saved(name: str, *conditions: dict[str, Any]) -> None:
        segments.saved.save(shop, name, segments.parse({"match": "all", "conditions": list(conditions)}), by="Mira", at=AT)

    asked = {"property": "city", "operator": "is_known"}
    saved("Townspeople", asked)
    saved(
        "Deep inside",
        {
            "match": "any",
            "conditions": [{"match": "none", "conditions": [asked]}, {"rank": "top", "count": 1, "property": "latitude"}],
        },
    )
    saved("Of an event", {"event": "Order Completed", "where": {"match": "all", "conditions": [asked]}})
    segments.saved.archive(shop, "s1", by="Mira", at=AT)

    at = _open("properties", name="city")

    assert not at.exception
    assert [each.label for each in at.button if str(each.key).startswith("properties.used.")] == ["Deep inside"]
    used = dict(zip(at.dataframe[0].value["Property"], at.dataframe[0].value["Used in"], strict=True))
    assert (used["city"], used["latitude"], used["email"]) == (1, 1, 0)
    assert "Used in no segment" in _said(_open("properties", name="email"))
