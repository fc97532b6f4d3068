"""The first screens as people meet them: Welcome, Users, User; empty, small, refused and large."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
import streamlit as st

from pages.ui import operands
from pages.ui.builder import draft
from tests.addresses import at_address
from user360 import doors, erased, ingest, operators, profiles, properties, segments
from user360.people import People

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamlit.testing.v1 import AppTest

    from user360.store import Store

AT = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
HOSTILE = "![x](http://evil/beacon.png) **bold** <b>"


@pytest.fixture
def opened(workspace: None) -> Iterator[Store]:
    st.cache_resource.clear()
    yield doors.current_store()
    doors.close()


def add(store: Store, user_id: str, **values: object) -> int:
    receipt = ingest.receive(store, ingest.user(values, user_id=user_id), source="test", by="Ana", at=AT)
    assert receipt.rejected == ()
    return int(receipt.profile_keys[0].as_py())


def add_many(store: Store, count: int) -> None:
    ids = pa.array([f"C-{number:05d}" for number in range(count)])
    columns = {"country": pa.array([("India", "Germany", "Brazil")[number % 3] for number in range(count)])}
    ingest.receive(store, ingest.Users(ids, columns, pa.array(range(count), pa.int64())), source="test", by="Ana", at=AT)


def happened(store: Store, user_id: str, name: str, *, minutes_ago: int = 5, **document: object) -> None:
    batch = ingest.Events(
        pa.array([user_id]),
        pa.array([name]),
        pa.array([(AT - timedelta(minutes=minutes_ago)).replace(tzinfo=None)], pa.timestamp("us")),
        pa.array([1], pa.int64()),
        channels=pa.array(["whatsapp"]),
        properties=pa.array([json.dumps(document)]),
    )
    ingest.receive(store, batch, source="test", by="Ana", at=AT)


def shown(path: str = "", **parameters: str) -> AppTest:
    """The app at an address."""
    return lives(at_address(path, **parameters))


def lives(test: AppTest) -> AppTest:
    """No traceback, and no bug behind the boundary."""
    assert [each.value for each in test.exception] == []
    assert [each.value for each in test.error if "tell your admin" in each.value] == []
    return test


def key_of(store: Store, user_id: str) -> int:
    found = profiles.key_of(store, user_id)
    assert found is not None
    return found


def said(test: AppTest) -> str:
    return "\n".join(str(each.value) for each in [*test.header, *test.subheader, *test.markdown, *test.caption])


def test_the_bare_address_of_an_empty_database_welcomes(opened: Store) -> None:
    test = shown()
    assert [each.value for each in test.header] == ["Welcome to User 360"]
    assert [each.label for each in test.button if each.proto.type == "primary"] == ["Choose a file"]


def test_the_users_of_an_empty_database_have_one_first_thing_to_do(opened: Store) -> None:
    test = lives(shown("users"))
    assert [each.label for each in test.button if each.proto.type == "primary"] == ["Import a file"]


def test_the_bare_address_shows_the_overview_once_there_is_one(opened: Store) -> None:
    add(opened, "C-1", firstName="Priya", lastName="Nair")
    assert [each.value for each in shown().header] == ["Overview"]


def test_a_user_is_listed_by_name(opened: Store) -> None:
    add(opened, "C-1", firstName="Priya", lastName="Nair")
    test = shown("users")
    assert [each.value for each in test.header] == ["Users"]
    assert test.dataframe[0].value["name"].tolist() == ["Priya Nair"]


def test_ten_thousand_users_are_shown_a_page_at_a_time(opened: Store) -> None:
    add_many(opened, 10_000)
    test = shown("users", sort="userId", page="200")
    assert len(test.dataframe[0].value) == 50
    assert test.dataframe[0].value["userId"].tolist()[0] == "C-09950"
    assert "9,951–10,000 of 10,000" in said(test)
    assert "**10,000** users" in said(test)


def test_a_page_past_the_end_is_the_last_one(opened: Store) -> None:
    add_many(opened, 60)
    assert len(shown("users", sort="userId", page="99").dataframe[0].value) == 10


def test_nonsense_in_the_address_is_ignored(opened: Store) -> None:
    add(opened, "C-1")
    test = shown("users", sort="; DROP TABLE", page="-1", rows="7", q="")
    assert len(test.dataframe[0].value) == 1


def test_search_shows_who_matches_and_of_how_many(opened: Store) -> None:
    add(opened, "C-1", firstName="Priya")
    add(opened, "C-2", firstName="Lukas")
    test = shown("users", q="priya")
    assert test.dataframe[0].value["userId"].tolist() == ["C-1"]
    assert "**1** of 2 users" in said(test)


def test_a_search_that_finds_no_one_says_so(opened: Store) -> None:
    add(opened, "C-1")
    assert "No one matches" in said(shown("users", q="zzz"))


def test_ticks_follow_the_person_and_not_the_position(opened: Store) -> None:
    add_many(opened, 60)
    test = shown("users", sort="userId")
    second = key_of(opened, "C-00001")
    test.session_state["users.ticked.keys"] = [second]
    lives(test.run())
    test.query_params["page"] = "2"
    lives(test.run())
    assert test.session_state["users.ticked.keys"] == [second]
    assert "**1 selected**" in said(test)


def test_tagging_the_ticked_tags_them_and_no_one_else(opened: Store) -> None:
    add_many(opened, 3)
    key = key_of(opened, "C-00001")
    test = shown("users", sort="userId")
    test.session_state["users.ticked.keys"] = [key]
    lives(test.run())
    lives(test.button(key="users.tag").click().run())
    turn = test.session_state["dialogs.open"]["turn"]
    test.multiselect(key=f"tag.{turn}.add").set_value(["gift"])
    lives(test.run())
    lives(test.button(key=f"tag.{turn}.act").click().run())
    assert profiles.tags(opened) == [("gift", 1)]
    assert profiles.get(opened, key).tags == ("gift",)


def test_deleting_needs_the_words(opened: Store) -> None:
    add_many(opened, 3)
    test = shown("users", sort="userId")
    test.session_state["users.ticked.everyone"] = True
    lives(test.run())
    lives(test.button(key="users.delete").click().run())
    turn = test.session_state["dialogs.open"]["turn"]
    assert test.button(key=f"delete.{turn}.act").disabled
    test.text_input(key=f"delete.{turn}.typed").set_value("delete 2 users")
    lives(test.run())
    assert test.button(key=f"delete.{turn}.act").disabled
    test.text_input(key=f"delete.{turn}.typed").set_value("delete 3 users")
    lives(test.run())
    lives(test.button(key=f"delete.{turn}.act").click().run())
    assert profiles.count(opened) == 0


def test_the_card_shows_properties_events_and_changes(opened: Store) -> None:
    key = add(opened, "C-1", firstName="Priya", country="India")
    happened(opened, "C-1", "Order Completed", total=112.4, currency="EUR")
    ingest.receive(opened, ingest.user({"country": "Germany"}, profile_key=key), source="import “x.csv”", by="Ana", at=AT)
    test = shown("user", id=str(key))
    text = said(test)
    assert [each.value for each in test.header] == ["Priya"]
    assert "Order Completed :gray[112\\.40 EUR]" in text
    assert "country India → **Germany**" in text
    assert "**1** event" in text


def test_a_card_of_nobody_says_so(opened: Store) -> None:
    add(opened, "C-1")
    for wanted in ("99", "-4", "x' OR 1=1"):
        test = shown("user", id=wanted)
        assert ["There is no such user" in each.value for each in test.error] == [True]


def test_data_never_becomes_markup(opened: Store) -> None:
    key = add(opened, "C-1", firstName=HOSTILE, city=HOSTILE, tags=[HOSTILE])
    happened(opened, "C-1", HOSTILE, text=HOSTILE)
    for test in (shown("users"), shown("user", id=str(key))):
        for each in [*test.header, *test.markdown, *test.caption, *test.button]:
            text = str(getattr(each, "label", "") or "") + str(getattr(each, "value", "") or "")
            assert "![x](" not in text
            assert "<b>" not in text.replace("\\<b\\>", "")


def open_drawer(test: AppTest, button: str) -> str:
    lives(test.button(key=button).click().run())
    return f"form.{test.session_state['dialogs.open']['turn']}"


def test_a_refused_value_stands_beside_its_field_and_nothing_is_saved(opened: Store) -> None:
    key = add(opened, "C-1", firstName="Priya")
    test = shown("user", id=str(key))
    form = open_drawer(test, "user.edit")
    test.text_input(key=f"{form}.firstName").set_value("Lukas")
    test.text_input(key=f"{form}.phone").set_value("9.19E+11")
    lives(test.button(key=f"{form}.-save").click().run())
    assert "“9\\.19E\\+11”" in said(test)
    assert "1 field to mend" in said(test)
    assert profiles.get(opened, key).values["firstName"] == "Priya"


def test_saving_writes_only_what_was_changed(opened: Store) -> None:
    key = add(opened, "C-1", firstName="Priya", country="India")
    test = shown("user", id=str(key))
    form = open_drawer(test, "user.edit")
    test.text_input(key=f"{form}.firstName").set_value("Lukas")
    test.text_input(key=f"{form}.country").set_value("")
    lives(test.button(key=f"{form}.-save").click().run())
    changed = {(each.property, each.old, each.new) for each in profiles.history(opened, key)}
    assert changed == {("firstName", "Priya", "Lukas"), ("country", "India", None)}


def test_what_was_saved_last_is_undone_in_a_click_but_for_what_others_wrote_since(opened: Store) -> None:
    before = {"firstName": "Priya", "country": "India", "tags": ("vip",)}
    key = add(opened, "C-1", **before)
    test = shown("user", id=str(key))
    assert "Undo" not in [each.label for each in test.button]
    form = open_drawer(test, "user.edit")
    test.text_input(key=f"{form}.firstName").set_value("Lukas")
    test.text_input(key=f"{form}.country").set_value("")
    test.text_input(key=f"{form}.city").set_value("Ulm")
    test.multiselect(key=f"{form}.tags").set_value([])
    lives(test.button(key=f"{form}.-save").click().run())
    ingest.receive(opened, ingest.user({"firstName": "Ann"}, profile_key=key), source="form", by="Bea", at=AT)
    lives(test.button(key="user.undo").click().run())

    values = profiles.get(opened, key).values
    assert {each: values.get(each) for each in (*before, "city")} == {**before, "firstName": "Ann", "city": None}
    assert "Undo" not in [each.label for each in test.button]


def test_two_windows_do_not_undo_each_other(opened: Store) -> None:
    key = add(opened, "C-1", country="India")
    test = shown("user", id=str(key))
    form = open_drawer(test, "user.edit")
    ingest.receive(opened, ingest.user({"country": "Brazil"}, profile_key=key), source="form", by="Bea", at=AT)
    test.text_input(key=f"{form}.country").set_value("Germany")
    lives(test.button(key=f"{form}.-save").click().run())
    assert profiles.get(opened, key).values["country"] == "Brazil"
    assert ["is now **Brazil**" in each.value for each in test.warning] == [True]
    lives(test.button(key=f"{form}.-mine").click().run())
    assert profiles.get(opened, key).values["country"] == "Germany"


def test_adding_a_user_opens_the_new_card(opened: Store) -> None:
    test = shown()
    form = open_drawer(test, "welcome.add")
    lives(test.button(key=f"{form}.-save").click().run())
    assert "Every user needs an id" in said(test)
    test.text_input(key=f"{form}.userId").set_value("C-7")
    test.text_input(key=f"{form}.firstName").set_value("Aisha")
    lives(test.button(key=f"{form}.-save").click().run())
    assert profiles.get(opened, 0).user_id == "C-7"
    assert [each.value for each in test.header] == ["Aisha"]


def test_a_user_id_is_not_given_twice(opened: Store) -> None:
    add(opened, "C-1", firstName="Priya")
    test = shown("users")
    form = open_drawer(test, "users.add")
    test.text_input(key=f"{form}.userId").set_value("C-1")
    lives(test.button(key=f"{form}.-save").click().run())
    assert "already" in said(test)
    assert profiles.count(opened) == 1


def test_chosen_columns_are_kept_for_the_analyst(opened: Store) -> None:
    add(opened, "C-1", city="Kochi")
    properties.define(opened, "npsScore", "number", by="Ana", at=AT)
    test = shown("users")
    test.session_state["users.columns"] = True
    lives(test.run())
    adding = next(each for each in test.selectbox if each.label == "Add a column")
    adding.set_value("city")
    lives(test.run())
    assert "city" in lives(shown("users")).dataframe[0].value.columns


def rule(*conditions: object) -> str:
    return json.dumps({"version": 1, "match": "all", "conditions": list(conditions)})


IN_INDIA = {"property": "country", "operator": "is", "values": ["India"]}


def test_a_filter_of_the_address_filters_and_reads_as_a_sentence(opened: Store) -> None:
    add_many(opened, 9)
    test = shown("users", rule=rule(IN_INDIA))
    assert "**3** of 9 users" in said(test)
    assert "People whose country is “India”\\." in said(test)


def reopen(test: AppTest, item: int) -> None:
    """Open a chip's editor; unlike a browser, the test does not keep it open from run to run."""
    test.session_state[f"rule.{item}.open"] = True
    lives(test.run())


def test_a_filter_is_built_by_pointing(opened: Store) -> None:
    add_many(opened, 9)
    test = shown("users")
    test.menu_button(key="rules.add").set_value("Property")
    lives(test.run())
    item = test.session_state["rules.items"][0]["id"]
    test.selectbox(key=f"rule.{item}.property.0").set_value("country")
    lives(test.run())
    reopen(test, item)
    test.multiselect(key=f"rule.{item}.many.1").set_value(["India", "Brazil"])
    lives(test.run())
    assert "**6** of 9 users" in said(test)
    assert json.loads(test.query_params["rule"]) == json.loads(rule(IN_INDIA | {"values": ["India", "Brazil"]}))
    reopen(test, item)
    lives(test.button(key=f"rule.{item}.out").click().run())
    assert "**9** users" in said(test)
    assert "rule" not in test.query_params


def test_a_filter_too_long_for_a_link_stays_and_says_so(opened: Store) -> None:
    add_many(opened, 9)
    test = shown("users", rule=rule(IN_INDIA))
    item = test.session_state["rules.items"][0]["id"]
    reopen(test, item)
    test.multiselect(key=f"rule.{item}.many.0").set_value(["India", *(f"Nowhere {number}" for number in range(2_000))])
    lives(test.run())
    assert "**3** of 9 users" in said(test)
    assert "Too long for a link" in said(test)
    assert "rule" not in test.query_params


def test_a_negative_filter_says_how_many_have_no_value_and_leaves_them_out_on_request(opened: Store) -> None:
    add_many(opened, 9)
    add(opened, "C-x")
    test = shown("users", rule=rule({"property": "country", "operator": "is_not", "values": ["India"]}))
    assert "**7** of 10 users" in said(test)
    item = test.session_state["rules.items"][0]["id"]
    reopen(test, item)
    assert [each.label for each in test.toggle] == ["Leave out 1 person with no value"]
    test.toggle[0].set_value(True)
    lives(test.run())
    assert "**6** of 10 users" in said(test)


def test_every_operator_of_every_property_can_be_edited(opened: Store) -> None:
    add_many(opened, 3)
    properties.define(opened, "visits", "number", by="Ana", at=AT)
    properties.define(opened, "opens", "time", by="Ana", at=AT)
    properties.define(opened, "site", "url", by="Ana", at=AT)
    test = shown("users")
    for name in ("country", "visits", "opens", "site", "dob", "lastSession", "emailOptin", "phone", "email", "tags"):
        datatype = properties.get(opened, name).datatype
        for operator in operators.of(datatype):
            item = draft.read({"property": name, "operator": operator.key, "values": operands.at_first(operator)})
            test.session_state["rules.items"] = [item]
            test.session_state[f"rule.{item['id']}.open"] = True
            lives(test.run())


def test_a_faulty_filter_of_the_address_is_refused_in_words_and_shows_everyone(opened: Store) -> None:
    add_many(opened, 3)
    for faulty in ("{", rule({"property": "nope", "operator": "is", "values": ["x"]}), '{"match":"all","conditions":7}'):
        test = shown("users", rule=faulty)
        assert [each.value for each in test.error if "The filter in the address cannot be used" in each.value]
        assert "**3** users" in said(test)


def test_filters_no_one_matches_name_the_one_to_take_out(opened: Store) -> None:
    add_many(opened, 9)
    test = shown("users", rule=rule(IN_INDIA, {"property": "city", "operator": "is", "values": ["Kochi"]}))
    assert "No one matches these 2 filters" in said(test)
    assert "3 people would match" in said(test)
    lives(test.button(key="nothing.act").click().run())
    assert "**3** of 9 users" in said(test)


def test_a_deleted_person_is_not_ticked_any_more(opened: Store) -> None:
    add_many(opened, 3)
    key = key_of(opened, "C-00001")
    test = shown("users", sort="userId")
    test.session_state["users.ticked.keys"] = [key]
    profiles.delete(opened, People.of([key]), by="Bea", source="test", at=AT)
    lives(test.run())
    assert "selected" not in said(test)


def test_the_card_of_a_person_names_the_segments_they_are_in_and_leads_to_them(opened: Store) -> None:
    add(opened, "C-1", country="India")
    rule = {"version": 1, "match": "all", "conditions": [{"property": "country", "operator": "is", "values": ["India"]}]}
    for name in (HOSTILE, "Everyone from India"):
        segments.saved.save(opened, name, segments.parse(rule), by="Ana", at=AT)
    segments.lists.save(opened, "Nobody", People.of([]), source="test", by="Ana", at=AT)

    test = shown("user", id=str(key_of(opened, "C-1")))

    labels = [each.label for each in test.button if str(each.key).startswith("user.segment.")]
    assert labels[1] == "Everyone from India"
    assert "![x](" not in labels[0]
    assert "in 2 of 3" in said(test)
    lives(test.button(key="user.segment.s2").click().run())


def test_the_card_of_a_person_says_so_where_there_are_no_segments_or_they_are_in_none(opened: Store) -> None:
    add(opened, "C-1")
    assert "No segments yet." in said(shown("user", id=str(key_of(opened, "C-1"))))

    segments.lists.save(opened, "Nobody", People.of([]), source="test", by="Ana", at=AT)

    assert "In none of the segments." in said(shown("user", id=str(key_of(opened, "C-1"))))


def test_of_many_segments_the_card_names_the_first_and_counts_the_rest(opened: Store) -> None:
    add(opened, "C-1")
    for number in range(12):
        segments.saved.save(opened, f"Segment {number:02d}", segments.EVERYONE, by="Ana", at=AT)

    test = shown("user", id=str(key_of(opened, "C-1")))

    assert len([each for each in test.button if str(each.key).startswith("user.segment.")]) == 8
    assert "- Segment 11" in said(test)


def test_a_person_is_erased_for_good_only_after_it_was_said_in_words(opened: Store) -> None:
    key, other = add(opened, "u1", firstName="Ada"), add(opened, "u2")
    test = shown("user", id=str(key))
    lives(test.button(key="user.erase").click().run())
    typed = f"erase.{test.session_state['dialogs.open']['turn']}"
    assert test.button(key=f"{typed}.act").disabled
    test.text_input(key=f"{typed}.typed").set_value("erase for good")
    lives(test.run())
    lives(test.button(key=f"{typed}.act").click().run())

    assert list(profiles.everyone(opened).keys()) == [other]
    assert [each.counts["profiles"] for each in erased.find(opened)] == [1]


def test_a_bare_address_never_brings_back_what_was_left(opened: Store) -> None:
    add_many(opened, 30)
    test = shown("users", rows="25")
    assert test.selectbox(key="users.rows").value == 25

    lives(test.button(key="users.import").click().run())
    test.switch_page("../users.py")

    assert lives(test.run()).selectbox(key="users.rows").value == 50


def test_the_card_says_what_was_derived_and_from_what(opened: Store) -> None:
    key = add(opened, "u1")
    derived = ingest.user({"phone": "+919000500000", "city": "Pune"}, profile_key=key)
    ingest.receive(opened, derived, source="Web shop", by="Tracking API", at=AT + timedelta(hours=1))

    test = shown("user", id=str(key))

    rows = test.dataframe[0].value.set_index("property")
    assert (rows["value"]["phone"], rows["value"]["country"]) == ("+91 90005 00000", "India")
    assert "Choose a value to see it whole and where it came from." in said(test)
    assert "country derived from phone · timezone derived from phone" in said(test)
    changed = [each.value for each in test.markdown if each.value.startswith("Profile changed :gray")]
    assert [("derived from phone" in each, "Web shop" in each) for each in changed] == [(True, False), (False, True)]
