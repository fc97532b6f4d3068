"""The compare page: what is chosen stands in the address, a region opens, and what is missing is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.test_pages_users import AT, add, lives, shown
from tests.test_pages_users import opened as opened  # noqa: PLC0414 - the database of these pages
from tests.test_pages_why import said
from user360 import segments
from user360.segments import saved

if TYPE_CHECKING:
    from user360.store import Store


def kept(store: Store, name: str, **values: str) -> str:
    conditions = [{"property": each, "operator": "is", "values": [value]} for each, value in values.items()]
    return saved.save(store, name, segments.parse({"match": "all", "conditions": conditions}), by="Ana", at=AT).id


def world(store: Store) -> list[str]:
    for each in range(40):
        add(
            store,
            f"u{each}",
            country="DE" if each < 20 else "FR",
            city="Ulm" if each % 2 else "Bonn",
            gender="f" if each < 20 else "m",
        )
    return [
        kept(store, "Germans", country="DE"),
        kept(store, "In Ulm", city="Ulm"),
        kept(store, "Ulm <b>Germans</b>", country="DE", city="Ulm"),
    ]


def test_without_two_segments_it_is_said_what_is_needed(opened: Store) -> None:
    assert "**Two saved segments are needed**" in said(shown("compare"))
    world(opened)
    assert "Choose two to 6 segments." in said(shown("compare"))
    assert "Choose two to 6 segments." in said(shown("compare", ids="s1,gone"))


def test_the_segments_of_the_address_are_compared_region_by_region(opened: Store) -> None:
    ids = world(opened)
    test = shown("compare", ids=",".join(ids))
    regions, pairs, apart = (each.value for each in test.dataframe)

    assert regions["People"].tolist() == [10, 10, 10]
    assert regions["In just"].tolist()[1] == "Germans and In Ulm and Ulm <b>Germans</b>"
    assert pairs["Both"].tolist() == [10, 10, 10]
    assert "All of Ulm <b>Germans</b> are in Germans." in said(test)
    assert dict(zip(apart["What"], apart["Lift"], strict=True))["country is “DE”"] == "2.00×"


def test_another_choice_goes_into_the_address(opened: Store) -> None:
    ids = world(opened)
    test = shown("compare", ids=",".join(ids[:2]))

    test.multiselect(key="compare.ids").set_value([ids[1], ids[2]])
    lives(test.run())

    assert test.query_params["ids"] in (f"{ids[1]},{ids[2]}", [f"{ids[1]},{ids[2]}"])


def test_a_chosen_region_can_be_seen_and_saved(opened: Store) -> None:
    ids = world(opened)
    test = shown("compare", ids=",".join(ids[:2]))
    test.session_state["compare.chosen"] = 0
    lives(test.run())
    assert "and no other" in said(test)

    lives(test.button(key="compare.save").click().run())

    assert [each.key for each in test.button if each.key == "segment.undo"] == ["segment.undo"]
