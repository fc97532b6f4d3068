"""The user card's ids, merges and conversations: empty, small, refused, many."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.test_pages_users import AT, HOSTILE, add, happened, opened, said, shown
from user360 import identities, ingest, profiles, resolution
from user360.ingest import Message

if TYPE_CHECKING:
    from user360.store import Store

__all__ = ["opened"]


def tell(store: Store, *messages: Message) -> None:
    ingest.receive_messages(store, messages, by="test", at=AT)


def test_a_user_without_ids_says_how_they_come(opened: Store) -> None:
    receipt = ingest.receive(opened, ingest.user({"firstName": "Ana"}), source="form", by="Ana", at=AT)
    test = shown("user", id=str(receipt.profile_keys[0].as_py()))
    assert "No id leads here yet" in said(test)
    assert not [each for each in test.button if each.key in {"linked.why", "linked.merges"}]


def test_ids_show_their_kind_and_source_and_why_they_are_one_person(opened: Store) -> None:
    tell(
        opened,
        Message("track", "m1", AT, "shop", anonymous_id=HOSTILE, event="View"),
        Message("identify", "m2", AT, "bot", anonymous_id=HOSTILE, user_id="C-1"),
    )
    test = shown("user", userId="C-1")
    table = next(each.value for each in test.dataframe if "kind" in each.value)
    assert table[["kind", "id", "source"]].values.tolist() == [["User id", "C-1", "bot"], ["Anonymous id", HOSTILE, "shop"]]
    test.button(key="linked.why").click().run()
    assert "message m2 · bot" in said(test)
    assert "![x]" not in said(test)
    assert not test.exception


def test_a_merge_is_found_previewed_done_and_undone(opened: Store) -> None:
    keep = add(opened, "C-1", firstName="Priya")
    gone = add(opened, "C-2", firstName="P.", email="priya@example.com")
    happened(opened, "C-2", "Order Completed")
    test = shown("user", id=str(keep))
    test.button(key="user.merge").click().run()
    field = next(each for each in test.text_input if each.label == "Find the other user")
    field.set_value("nobody").run()
    assert "Nobody else has that" in said(test)
    assert next(each for each in test.button if each.label == "Merge").disabled
    next(each for each in test.text_input if each.label == "Find the other user").set_value("priya@").run()
    assert "1 event moves, 1 blank is filled, nothing is overwritten." in said(test)
    assert "Both have a user id" in said(test)
    next(each for each in test.button if each.label == "Merge").click().run()

    (done,) = resolution.find(opened)
    assert (done.kept, done.gone, done.by != "") == (keep, gone, True)
    assert profiles.get(opened, keep).values["email"] == "priya@example.com"
    test = shown("user", id=str(gone))
    assert "Priya" in [each.value for each in test.header]
    assert "1 other user became part of this one · 1 event moved" in said(test)
    test.button(key="linked.merges").click().run()
    test.button(key=f"merges.undo.{done.id}").click().run()
    assert identities.key_of(opened, "C-2") == gone
    assert not test.exception


def test_a_merge_that_cannot_be_undone_yet_says_so(opened: Store) -> None:
    keys = [add(opened, f"C-{number}") for number in range(3)]
    first = resolution.merge(opened, keys[1], keys[2], by="Ana", at=AT)
    test = shown("user", id=str(keys[1]))
    test.button(key="linked.merges").click().run()
    resolution.merge(opened, keys[0], keys[1], by="Ana", at=AT)
    test.button(key=f"merges.undo.{first.id}").click().run()
    assert any("Undo the later merge first" in each.value for each in test.error)
    assert resolution.get(opened, first.id).status == "done"


def test_a_merge_held_for_review_is_decided_on_the_card(opened: Store) -> None:
    tell(
        opened,
        Message("identify", "m1", AT, "shop", user_id="C-1"),
        Message("identify", "m2", AT, "shop", user_id="C-2"),
        Message("alias", "m3", AT, "shop", user_id="C-1", previous_id="C-2"),
    )
    (held,) = resolution.find(opened)
    test = shown("user", userId="C-1")
    assert test.button(key="linked.merges").label == "1 merge to review"
    test.button(key="linked.merges").click().run()
    assert "Both have a user id of their own" in said(test)
    test.button(key=f"merges.dismiss.{held.id}").click().run()
    assert resolution.get(opened, held.id).status == "dismissed"


def test_conversations_show_beside_the_timeline_where_there_are_any(opened: Store) -> None:
    add(opened, "C-1")
    assert not shown("user", userId="C-1").segmented_control
    tell(
        opened,
        *(
            Message(
                "conversation",
                f"m{number}",
                AT,
                "bot",
                user_id="C-1",
                anonymous_id=f"s{number}",
                event="Message received",
                channel="whatsapp",
                properties={"direction": "in", "text": "Hello", "city": "Pune"},
                traits={"city": "Pune"},
            )
            for number in range(60)
        ),
    )
    test = shown("user", userId="C-1")
    test.segmented_control(key="user.way").set_value("Conversations").run()
    table = next(each.value for each in test.dataframe if "session" in each.value)
    assert (len(table), table["received"].tolist()[0], table["captured"].tolist()[0]) == (50, 1, "city Pune")
    test.button(key="user.conversations.earlier").click().run()
    assert len(next(each.value for each in test.dataframe if "session" in each.value)) == 60
    assert not test.exception


def test_merges_that_wait_stand_on_the_page_of_duplicates_until_they_are_decided(opened: Store) -> None:
    assert "Merges held for review" not in said(shown("duplicates"))
    for number in range(5):
        add(opened, f"C-{number}")
    tell(
        opened,
        *(Message("alias", f"m{number}", AT, "shop", user_id="C-0", previous_id=f"C-{number}") for number in range(1, 5)),
    )
    test = shown("duplicates")
    assert "4 merges proposed by messages" in said(test)
    assert len([each for each in test.button if each.label == "They are two people"]) == 3
    newest = resolution.find(opened, status="held")[0]
    test.button(key=f"merges.dismiss.{newest.id}").click().run()
    assert "3 merges proposed by messages" in said(test)
