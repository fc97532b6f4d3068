"""The page of settings: each is changed with a line in the activity log, refused in plain words, and API keys are shown once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.addresses import at_address
from tests.test_enrichment import CITY, write
from tests.worlds import AT, take, users
from user360 import activity, doors, enrichment, erased, erasure, keys, profiles, properties, workspace
from user360.errors import KeyNeeded

if TYPE_CHECKING:
    from pathlib import Path

    from streamlit.testing.v1 import AppTest

    from user360.store import Store

pytestmark = pytest.mark.usefixtures("workspace")


@pytest.fixture
def shop() -> Store:
    return doors.current_store()


def opened() -> AppTest:
    return at_address("settings")


def told(at: AppTest) -> str:
    assert not at.exception
    shown = [*at.markdown, *at.caption, *at.error, *at.warning, *at.success, *at.header, *at.toast]
    return " ".join(str(each.value) for each in shown)


def logged(store: Store) -> list[str]:
    found: list[str] = activity.find(store, kinds=["change setting"])["subject"].to_pylist()
    return found


def test_zone_and_week_are_changed_and_logged(shop: Store) -> None:
    at = opened()
    at.selectbox(key="settings.zone").set_value("Asia/Kolkata")
    at.selectbox(key="settings.week").set_value(6).run()
    at.button(key="settings.days").click().run()

    known = workspace.get(shop)
    assert (known.zone_name, known.week_starts) == ("Asia/Kolkata", 6)
    assert sorted(logged(shop)) == ["week_starts", "zone_name"]
    assert "Saved" in told(at)
    assert "Asia/Kolkata ·" in told(at)


def test_saving_what_is_set_already_leaves_no_line(shop: Store) -> None:
    at = opened()
    for each in ("days", "identity", "places"):
        at.button(key=f"settings.{each}").click().run()
        assert "Nothing was changed" in told(at)

    assert logged(shop) == []


def test_another_property_feeds_the_user_id_and_traits_become_properties(shop: Store) -> None:
    properties.define(shop, "memberNo", "string", by="ann", at=AT)
    properties.define(shop, "vip", "boolean", by="ann", at=AT)
    at = opened()
    assert at.selectbox(key="settings.feeds").options == ["userId, as it is sent", "email", "phone", "memberNo"]

    at.selectbox(key="settings.feeds").set_value("memberNo")
    at.toggle(key="settings.automatic").set_value(True).run()
    at.button(key="settings.identity").click().run()

    known = workspace.get(shop)
    assert (known.user_id_property, known.automatic_properties) == ("memberNo", True)
    assert sorted(logged(shop)) == ["automatic_properties", "user_id_property"]
    assert "Saved" in told(at)


def test_a_city_database_is_named_and_described(shop: Store, tmp_path: Path) -> None:
    path = write(tmp_path / "city.mmdb", {"81.2.69.0/24": CITY})
    at = opened()

    at.text_input(key="settings.geoip").set_value(path).run()
    at.button(key="settings.places").click().run()

    assert workspace.get(shop).geoip_file == path
    assert "is in use and knows cities" in told(at)


def test_a_file_that_is_none_is_refused_and_what_was_typed_stays(shop: Store, tmp_path: Path) -> None:
    at = opened()

    at.text_input(key="settings.geoip").set_value(str(tmp_path / "none.mmdb")).run()
    at.button(key="settings.places").click().run()

    assert "There is no such file" in told(at)
    assert at.text_input(key="settings.geoip").value == str(tmp_path / "none.mmdb")
    assert workspace.get(shop).geoip_file == ""


def test_a_file_the_environment_names_is_shown_and_cannot_be_changed(shop: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(enrichment.GEOIP, "/nowhere/city.mmdb")

    at = opened()

    assert at.text_input(key="settings.geoip").disabled
    assert "There is no such file" in told(at)


def test_an_api_key_is_made_shown_once_and_revoked(shop: Store) -> None:
    at = opened()
    at.button(key="apikeys.new").click().run()
    next(each for each in at.text_input if each.label == "Name").set_value("Report").run()
    at.radio[0].set_value("write").run()
    next(each for each in at.button if each.label == "Make it").click().run()

    [secret] = [each.value for each in at.code]
    assert keys.check(shop, secret, "write", at=AT).name == "Report"
    at.button(key="apikeys.copied").click().run()
    assert not at.code

    keys.revoke(shop, "Report", by="ann", at=AT)
    at.run()
    assert at.dataframe[0].value["State"].tolist()[0].startswith("revoked")
    with pytest.raises(KeyNeeded):
        keys.check(shop, secret, "read", at=AT)


def test_a_key_without_a_name_is_refused_under_the_field(shop: Store) -> None:
    at = opened()
    at.button(key="apikeys.new").click().run()
    next(each for each in at.button if each.label == "Make it").click().run()

    assert "A key needs a name" in told(at)
    assert keys.find(shop) == ()


def test_what_somebody_else_changed_is_shown(shop: Store) -> None:
    at = opened()
    workspace.choose(shop, zone_name="UTC", by="bob", at=AT)

    assert at.run().selectbox(key="settings.zone").value == "UTC"


def test_who_was_erased_is_counted_and_let_in_again_by_their_id(shop: Store) -> None:
    take(shop, users([{"userId": "u1"}]))
    (key,) = profiles.everyone(shop).keys()
    assert "erasing.id" not in [each.key for each in opened().text_input]
    erasure.forget(shop, int(key), by="Ana", at=AT)

    at = opened()
    at.text_input(key="erasing.id").set_value("somebody else")
    at.button(key="erasing.let_in").click().run()
    assert "Nobody of that id was erased" in told(at).replace("\\", "")
    at.text_input(key="erasing.id").set_value("u1")
    at.button(key="erasing.let_in").click().run()

    assert not at.exception
    assert [each.ids for each in erased.find(shop)] == [0]
    assert take(shop, users([{"userId": "u1"}])).created == 1
