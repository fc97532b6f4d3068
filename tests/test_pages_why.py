"""Why, on screen: from the user card, from the segment page, of a list of ids; empty, refused and hostile."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.test_pages_users import AT, HOSTILE, add, happened, lives, shown
from tests.test_pages_users import opened as opened  # noqa: PLC0414 - the database of these pages
from user360 import segments
from user360.segments import saved

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest

    from user360.store import Store

GERMAN_BUYERS = {
    "match": "all",
    "conditions": [
        {"property": "country", "operator": "is", "values": ["DE"]},
        {"event": "Order", "times": {"operator": "at_least", "values": [2]}},
        {"property": "city", "operator": "is_not", "values": ["Ulm"]},
    ],
}


def kept(store: Store, name: str = "German buyers", definition: Any = GERMAN_BUYERS) -> str:
    add(store, "buyer")
    happened(store, "buyer", "Order")
    return saved.save(store, name, segments.parse(definition), by="Ana", at=AT).id


def asked(test: AppTest, segment_id: str) -> AppTest:
    """The panel of one segment, opened from the user card."""
    test.selectbox(key="why.pick").set_value(segment_id)
    return lives(test.run())


def said(test: AppTest) -> str:
    return "\n".join(each.value for each in (*test.markdown, *test.caption)).replace("\\", "")


def test_on_the_card_of_a_user_the_panel_says_what_holds_what_was_seen_and_what_is_missing(opened: Store) -> None:
    segment_id = kept(opened)
    key = add(opened, "u1", firstName="Ada", country="DE")
    happened(opened, "u1", "Order", total=12)

    test = asked(shown("user", id=str(key)), segment_id)
    told = said(test)

    assert ":red[:material/cancel:] **All** of these must hold · 2 of 3 do" in told
    assert ":green[:material/check_circle:] **country** is “DE”" in told
    assert "did **Order** at least 2 times" in told
    assert "**1** of 2 needed" in told
    assert "No value counts as yes" in told
    assert "One condition short" in told
    assert "**What is missing** · 1 more “Order”." in told
    assert "**What time alone changes** · Nothing" in told


def test_who_is_in_is_told_so_and_nothing_is_missing(opened: Store) -> None:
    segment_id = kept(opened, definition={"match": "all", "conditions": GERMAN_BUYERS["conditions"][:1]})
    key = add(opened, "u1", country="DE")

    told = said(asked(shown("user", id=str(key)), segment_id))

    assert "In the segment" in told
    assert "What is missing" not in told


def test_without_segments_there_is_nothing_to_ask(opened: Store) -> None:
    key = add(opened, "u1")

    assert [each.key for each in shown("user", id=str(key)).selectbox if each.key == "why.pick"] == []


def test_data_in_the_panel_is_data(opened: Store) -> None:
    segment_id = kept(
        opened, HOSTILE, {"match": "all", "conditions": [{"property": "city", "operator": "is", "values": [HOSTILE]}]}
    )
    key = add(opened, "u1", firstName=HOSTILE, city=HOSTILE)

    test = asked(shown("user", id=str(key)), segment_id)

    assert not any("](http" in each.value or "**bold**" in each.value for each in (*test.markdown, *test.caption))


def test_a_segment_within_opens_its_rule_where_that_is_what_is_missing(opened: Store) -> None:
    inner = kept(opened)
    outer = kept(
        opened,
        "Outer",
        {"match": "all", "conditions": [{"segment": inner}, {"match": "none", "conditions": [{"segment": inner}]}]},
    )
    key = add(opened, "u1", country="FR")

    told = said(asked(shown("user", id=str(key)), outer))

    assert "is in the segment **German buyers**" in told
    assert "is not in the segment **German buyers**" in told
    assert "**country** is “DE”" in told


def from_segment(opened_at: str) -> AppTest:
    test = shown("segment", id=opened_at)
    return lives(test.button(key="why.ask").click().run())


def turn(test: AppTest) -> str:
    return f"why.{test.session_state['dialogs.open']['turn']}"


def test_on_a_segment_a_user_is_looked_for_and_explained(opened: Store) -> None:
    segment_id = kept(opened)
    key = add(opened, "u1", firstName="Ada", country="FR")
    add(opened, "u2", firstName="Bo")

    test = from_segment(segment_id)
    test.text_input(key=f"{turn(test)}.search").set_value("nobody at all")
    assert "Nobody has that" in said(lives(test.run()))
    test.text_input(key=f"{turn(test)}.search").set_value("ada")
    lives(test.run())
    lives(test.button(key=f"{turn(test)}.is.{key}").click().run())

    assert "Two conditions short" in said(test)
    lives(test.button(key=f"{turn(test)}.other").click().run())
    assert "Two conditions short" not in said(test)


def test_a_list_of_ids_becomes_a_table_with_what_keeps_most_out(opened: Store) -> None:
    segment_id = kept(opened)
    for each in range(4):
        add(opened, f"u{each}", country="DE" if each else "FR")

    test = from_segment(segment_id)
    test.segmented_control(key=f"{turn(test)}.way").set_value("A list of ids")
    lives(test.run())
    test.text_area(key=f"{turn(test)}.ids").set_value("u0\nu1\nu2\nu3\nu1\nx9")
    lives(test.run())
    told, table = said(test), test.dataframe[-1].value

    assert "**0** of 4 are in · 1 unknown · 1 more than once" in told
    assert "Nobody has x9" in told
    assert "did “Order” at least 2 times: 0 of 4 meet it, 3 are out for it alone." in told
    assert table["1"].tolist() == ["✗", "✓", "✓", "✓"]
    assert table["3"].tolist() == ["?"] * 4


def test_a_rule_that_holds_no_longer_is_refused_in_the_panel(opened: Store) -> None:
    add(opened, "u1")
    test = shown("segment")
    test.session_state["dialogs.open"] = {
        "name": "why",
        "turn": 0,
        "profile": 0,
        "segment": "",
        "rule": json.dumps({"match": "all", "conditions": [{"segment": "gone"}]}),
        "home": "segment",
    }
    lives(test.run())

    assert ["There is no segment" in each.value.replace("\\", "") for each in test.error] == [True]
