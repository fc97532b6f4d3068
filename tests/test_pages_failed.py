"""The page of failed messages: nothing failed, mended, refused, sent again, deleted, and traits that become properties."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.addresses import at_address
from tests.serving import PATIENCE_SECONDS
from tests.test_resending import arrive, bought
from tests.worlds import AT
from user360 import doors, events, failed, jobs, properties

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest

    from user360.store import Store

pytestmark = pytest.mark.usefixtures("workspace")


@pytest.fixture
def shop() -> Store:
    return doors.current_store()


def opened(**query: str) -> AppTest:
    return at_address("failed", **query)


def told(at: AppTest) -> str:
    assert not at.exception
    return " ".join(str(each.value) for each in [*at.markdown, *at.caption, *at.error, *at.header, *at.toast])


def of_shop(**query: str) -> AppTest:
    return opened(reason="propertiesRequired", by="Shop", **query)


def identify(trait: dict[str, Any], message_id: str = "i1") -> dict[str, Any]:
    return {"type": "identify", "userId": "ann", "messageId": message_id, "traits": trait}


def test_where_nothing_failed_the_page_says_what_would_stand_here(shop: Store) -> None:
    assert "Nothing failed" in told(opened())


def test_reasons_are_counted_per_source_and_one_is_opened_by_the_address(shop: Store) -> None:
    arrive(shop, bought("m1"), bought("m2"), {"type": "fax"})

    at = of_shop()

    assert at.dataframe[0].value["Messages"].tolist() == [2, 1]
    assert at.dataframe[0].value["Reason"].tolist() == ["Something is missing", "No message"]
    assert at.dataframe[1].value["Message id"].tolist() == ["m2", "m1"]
    assert "3 failed messages" in told(at)


def test_a_message_is_mended_and_taken(shop: Store) -> None:
    arrive(shop, bought("m1"))
    at = of_shop(message="0")
    text = json.loads(at.text_area[0].value or "")

    at.text_area[0].set_value(json.dumps({**text, "userId": "ann"})).run()
    at.button(key="mending.send").click().run()

    assert "The message was taken" in told(at)
    assert failed.count(shop) == 0
    assert events.count(shop, names=("Buy",)) == 1


def test_what_is_still_wrong_stands_under_the_message_and_nothing_is_lost(shop: Store) -> None:
    arrive(shop, bought("m1"))
    at = of_shop(message="0")

    at.text_area[0].set_value("{").run()
    at.button(key="mending.send").click().run()
    assert "no JSON" in told(at)
    at.button(key="mending.back").click().run()

    assert json.loads(at.text_area[0].value or "")["messageId"] == "m1"
    assert "no JSON" not in told(at)
    assert failed.count(shop) == 1


def test_all_of_a_reason_are_sent_again_in_the_background(shop: Store) -> None:
    whole = [json.dumps(bought(f"m{each}", userId="ann")) for each in range(3)]
    with shop.transaction() as tx:
        failed.keep(
            tx, [failed.Failure(f"m{n}", "track", "bug", "Broke.", "", "Shop", text) for n, text in enumerate(whole)], at=AT
        )
    at = opened(reason="bug", by="Shop")

    at.button(key="failed.all").click().run()
    for each in jobs.running():
        jobs.wait(each.id, PATIENCE_SECONDS)

    assert failed.count(shop) == 0
    assert "Nothing failed" in told(at.run())


def test_all_of_a_reason_are_deleted_once_that_is_said_in_words(shop: Store) -> None:
    arrive(shop, bought("m1"), bought("m2"), {"type": "fax"})
    at = of_shop()

    at.button(key="failed.delete").click().run()
    next(each for each in at.text_input if "delete 2 messages" in each.label).set_value("delete 2 messages").run()
    next(each for each in at.button if each.label == "Delete 2 messages").click().run()

    assert [each.failure.code for each in failed.find(shop)] == ["invalidMessage"]


def test_a_message_that_is_gone_is_refused_in_its_place(shop: Store) -> None:
    arrive(shop, bought("m1"))

    assert "no such failed message" in told(of_shop(message="77"))


def test_an_address_nobody_wrote_shows_the_page_all_the_same(shop: Store) -> None:
    arrive(shop, bought("m1"))

    at = opened(show="nonsense", source="nobody", reason="?", message="x", page="99", warning="x")

    assert "Choose a reason" in told(at)


def test_many_messages_are_shown_page_by_page(shop: Store) -> None:
    arrive(shop, *[bought(f"m{each}") for each in range(60)])

    at = of_shop(page="3")

    assert len(at.dataframe[1].value) == 10
    assert "51–60 of 60" in told(at)


def test_data_is_never_read_as_markup(shop: Store) -> None:
    arrive(shop, bought("m1", event="![x](http://evil)"), identify({"![x](http://evil)": "**b**"}))

    for at in (of_shop(message="0"), opened(show="warnings", warning="0")):
        assert "![x](http" not in told(at)


# -- warnings -----------------------------------------------------------------------------------


def test_a_trait_becomes_a_property_by_one_click(shop: Store) -> None:
    arrive(shop, identify({"score": 7, "no name": 1}))
    at = opened(show="warnings")
    assert sorted(at.dataframe[0].value["Of"].tolist()) == ["no name", "score"]

    at.button(key="mending.offer.score").click().run()

    made = properties.get(shop, "score")
    assert (made.datatype.name, made.system) == ("number", False)
    assert [each.property for each in failed.warnings(shop)] == ["no name"]
    assert "Property “score” made" in told(at)


def test_the_type_of_a_trait_can_be_chosen_before_it_is_made(shop: Store) -> None:
    arrive(shop, identify({"score": 7}))
    at = opened(show="warnings", warning="0")

    at.selectbox(key="mending.type.score").set_value("string").run()
    at.button(key="mending.make").click().run()

    assert properties.get(shop, "score").datatype.name == "string"


def test_a_warning_is_taken_off_the_list(shop: Store) -> None:
    arrive(shop, identify({"dob": "tomorrow"}))
    at = opened(show="warnings", warning="0")
    assert "tomorrow" in told(at)

    at.button(key="mending.dismiss").click().run()

    assert failed.warnings(shop) == ()
    assert "Nothing failed" in told(at)


def test_the_source_narrows_both_lists(shop: Store) -> None:
    arrive(shop, bought("m1"), identify({"a": 1}))

    at = opened(source="Shop", show="warnings")

    assert len(at.dataframe[0].value) == 1
    assert at.selectbox(key="failed.source").options == ["All sources", "Shop"]
