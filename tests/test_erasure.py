"""Erasure: nothing of a person is left anywhere, nobody else loses a thing, and no import brings them back."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from tests.worlds import AT, events, take, users
from user360 import erased, erasure, exports, failed, identities, imports, ingest, profiles, resolution, segments
from user360.errors import Conflict, Unknown
from user360.failed import Failure
from user360.ingest import Message
from user360.people import People
from user360.segments import lists
from user360.sql import Sql, name, sql

WORDS = ("gone-1", "gone.person@example.com", "+4930901820", "Wilhelmine", "anon-77", "old.address@example.com")


@pytest.fixture
def person(store_file):
    """Somebody with a trace in every corner, and a neighbour with one in each as well."""
    store = store_file
    for number, user in enumerate(("gone-1", "stays-1")):
        rows = {"userId": user, "firstName": "Wilhelmine" if number == 0 else "Otto", "tags": "vip"}
        take(store, users([rows | {"email": "old.address@example.com" if number == 0 else "otto@example.com"}]))
        new = {"email": "gone.person@example.com" if number == 0 else "otto2@example.com"}
        take(store, users([{"userId": user, **new, "phone": f"+493090182{number}"}]), at=AT + timedelta(minutes=1))
        take(store, events([(user, "Order", AT)] * 3, message_ids=[f"{user}-{each}" for each in range(3)]))
        said = Message("identify", f"m-{user}", AT, "Web", user_id=user, anonymous_id=f"anon-7{7 + number}")
        ingest.receive_messages(store, [said], by="Web", at=AT)
        with store.transaction() as tx:
            failed.keep(tx, [Failure("x" + user, "track", "bad", "Bad.", "", "Web", json.dumps({"userId": user}), user)], at=AT)
            failed.warn(tx, [Failure("y", "identify", "blockedId", "Bad.", "", "Web", property=user, value=user)], at=AT)
    everyone = profiles.everyone(store)
    lists.save(store, "Guests", everyone, source="t", by="t", at=AT)
    neighbour = profiles.key_of(store, "stays-1")
    assert neighbour is not None
    for within in (everyone, People.of([neighbour])):
        wanted, layout = exports.Users(("userId", "email"), within=within), exports.Layout("csv")
        number = exports.start(store, wanted, layout, file_name="users.csv", by="t", at=AT)
        exports.run(store, number, wanted, layout, now=lambda: AT)
    return store, profiles.key_of(store, "gone-1"), profiles.key_of(store, "stays-1")


def everything(store):
    """Every cell of every table as text, and every file beside the database."""
    tables = [each for (each,) in store.rows(Sql("SELECT table_name FROM duckdb_tables() WHERE NOT internal"))]
    cells = [str(row) for table in tables for row in store.rows(sql("SELECT * FROM {}", name(table)))]
    files = [each.read_bytes().decode("utf-8", "replace") for each in store.folder(".").rglob("*") if each.is_file()]
    return "\n".join([*cells, *files])


def test_who_was_merged_into_the_person_goes_with_them(person):
    store, gone, stays = person
    take(store, users([{"userId": "second-1", "firstName": "Wilhelmine", "email": "second@example.com"}]))
    ingest.receive_messages(store, [Message("track", "m-second", AT, "Web", user_id="second-1", event="Order")], by="Web", at=AT)
    second = profiles.key_of(store, "second-1")
    assert second is not None
    undone = resolution.merge(store, stays, second, by="t", at=AT)
    resolution.undo(store, undone.id, by="t", at=AT)
    resolution.merge(store, gone, second, by="t", at=AT)

    erasure.forget(store, gone, by="t", at=AT + timedelta(hours=1))

    left = everything(store)
    assert [word for word in (*WORDS, "second-1", "second@example.com") if word in left] == []
    assert profiles.get(store, stays).values["firstName"] == "Otto"


def test_before_an_erasure_the_person_stands_in_every_corner(person):
    store, _, _ = person
    held = everything(store)
    assert [word for word in WORDS if word not in held] == []


def test_after_it_no_table_and_no_file_holds_a_word_of_them(person):
    store, key, _ = person
    erasure.forget(store, key, by="Ana", at=AT)
    held = everything(store)
    assert [word for word in WORDS if word in held] == []


def test_nobody_else_loses_a_thing(person):
    store, key, other = person

    def theirs():
        held = erasure.everything_about(store, other, at=AT)
        return json.dumps(held, default=str, sort_keys=True)

    before, members = theirs(), segments.people(store, segments.saved.rule_of(segments.saved.get(store, "s1")), at=AT)
    erasure.forget(store, key, by="Ana", at=AT)

    assert theirs() == before
    assert segments.people(store, segments.saved.rule_of(segments.saved.get(store, "s1")), at=AT) == members - People.of([key])


def test_the_receipt_counts_what_went_and_names_nobody(person):
    store, key, _ = person
    receipt = erasure.forget(store, key, by="Ana", at=AT)

    (kept,) = erased.find(store)
    assert kept.counts == receipt.counts
    assert (kept.counts["profiles"], kept.counts["lists"], kept.counts["failedMessages"]) == (1, 1, 1)
    assert kept.counts["events"] >= 3
    assert kept.counts["exports"] == 1
    assert kept.ids == kept.counts["ids"] == 5


def test_no_import_no_event_and_no_message_brings_them_back(person):
    store, key, _ = person
    erasure.forget(store, key, by="Ana", at=AT)

    again = take(store, users([{"userId": "gone-1", "firstName": "W"}, {"userId": "new-1"}]))
    assert [each.code for each in again.rejected] == ["erased"]
    assert again.rejected[0].value == ""
    more = take(store, events([("gone-1", "Order", AT), ("new-1", "Order", AT)]))
    assert (more.stored, [each.code for each in more.rejected]) == (1, ["erased"])
    sent = [
        Message("track", "m1", AT, "Web", user_id="gone-1", event="Order", raw='{"userId": "gone-1"}'),
        Message("track", "m2", AT, "Web", anonymous_id="anon-77", event="Order"),
        Message("track", "m3", AT, "Web", user_id="new-1", event="Order"),
    ]
    taken = ingest.receive_messages(store, sent, by="Web", at=AT)
    assert (taken.stored, taken.failed) == (1, 2)
    assert "gone-1" not in everything(store)
    assert profiles.key_of(store, "gone-1") is None


def test_who_comes_back_of_their_own_will_is_let_in_with_all_their_ids(person):
    store, key, _ = person
    erasure.forget(store, key, by="Ana", at=AT)
    with pytest.raises(Unknown):
        erased.let_in(store, "never-here", by="Ana", at=AT)

    assert erased.let_in(store, "gone-1", by="Ana", at=AT) == 5
    assert take(store, users([{"userId": "gone-1"}])).created == 1


def test_a_deleted_person_can_still_be_erased(person):
    store, key, _ = person
    profiles.delete(store, People.of([key]), by="Ana", source="t", at=AT)
    assert "Wilhelmine" in everything(store)

    assert erasure.keys_of(store, "gone-1") == [key]
    for each in erasure.keys_of(store, "gone-1"):
        erasure.forget(store, each, by="Ana", at=AT)
    held = everything(store)
    assert [word for word in WORDS if word in held] == []
    with pytest.raises(Unknown):
        erasure.keys_of(store, "gone-1")


def test_rows_an_import_could_not_take_go_with_the_person(person, tmp_path):
    store, key, _ = person
    file = tmp_path / "users.csv"
    file.write_text("userId,dob\ngone-1,never\nstays-1,never\n")
    number = imports.start(store, file, imports.Plan(mapping={"userId": "userId", "dob": "dob"}), by="t", at=AT)
    imports.run(store, number, now=lambda: AT)
    assert "gone-1" in imports.failed_rows(store, number).read_text()

    erasure.forget(store, key, by="Ana", at=AT)

    left = imports.failed_rows(store, number).read_text()
    assert "gone-1" not in left
    assert "stays-1" in left


def test_an_unfinished_import_is_ended_first(person, tmp_path):
    store, key, _ = person
    file = tmp_path / "users.csv"
    file.write_text("userId\ngone-1\n")
    imports.start(store, file, imports.Plan(mapping={"userId": "userId"}), by="t", at=AT)

    with pytest.raises(Conflict, match="unfinished"):
        erasure.forget(store, key, by="Ana", at=AT)
    assert profiles.key_of(store, "gone-1") == key


def test_everything_held_is_everything(person):
    store, key, _ = person
    held = erasure.everything_about(store, key, at=AT)

    assert held["userId"] == "gone-1"
    assert {each["id"] for each in held["identities"]} == {"gone-1", "anon-77"}
    assert [each["name"] for each in held["segments"]] == ["Guests"]
    assert sum(each["event"] == "Order" for each in held["events"]) == 3
    assert held["failedMessages"] == [{"userId": "gone-1"}]
    assert {(each["property"], each["to"]) for each in held["history"]} >= {("email", "gone.person@example.com")}
    assert identities.USER in {each["kind"] for each in held["identities"]}
