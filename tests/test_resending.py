"""Failed messages go in again by the same rules, once, and leave nothing behind but what still fails; traits become properties."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.worlds import AT
from user360 import activity, events, failed, ingest, profiles, properties, resending, sources, tracking, workspace
from user360.errors import InvalidMessage, InvalidRequest, Unknown
from user360.failed import Failure
from user360.ingest import adopting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from user360.store import Store

LATER = AT + timedelta(days=3)
SENDER = sources.Sender("Shop", "web")


def arrive(store: Store, *found: object, at=AT, sender=SENDER) -> None:
    """What a request with these messages does."""
    read = [tracking.read_message(each, tracking.Request(sender, at)) for each in found]
    with store.transaction() as tx:
        failed.keep(tx, [each for each in read if isinstance(each, Failure)], at=at)
    ingest.receive_messages(store, [each for each in read if not isinstance(each, Failure)], by="Tracking API", at=at)


def bought(message_id: str | None = "m1", **more: Any) -> dict[str, Any]:
    named = {} if message_id is None else {"messageId": message_id}
    return {"type": "track", "event": "Buy", **named, **more}


def raw(store: Store) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(failed.find(store)[0].failure.raw)
    return found


def stored(store: Store) -> list[tuple[str, str, str]]:
    rows = events.stream(store, limit=50).to_pylist()
    return sorted((row["event"], row["channel"], row["source"]) for row in rows if not row["event"].startswith("USER_"))


def test_a_mended_message_is_taken_as_if_it_had_just_come_with_the_time_it_came_then(store: Store) -> None:
    sources.define(store, "Shop", "app", by="ann", at=AT)
    arrive(store, bought())

    became = resending.mend(store, 0, json.dumps({**raw(store), "userId": "ann"}), by="ann", at=LATER)

    assert (became, failed.count(store)) == (resending.Resent(stored=1), 0)
    assert stored(store) == [("Buy", "app", "Shop")]
    assert events.newest(store, about=AT) == AT
    assert activity.find(store)["kind"].to_pylist()[0] == "mend failed message"


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("[1]", InvalidRequest),
        ("no JSON", InvalidRequest),
        ("\ud800", InvalidRequest),
        ('{"type": "fax", "userId": "ann"}', InvalidMessage),
        ('{"type": "track", "event": "Buy"}', InvalidMessage),
        ('{"type": "track", "event": "USER_CREATE", "userId": "ann", "messageId": "m1"}', InvalidMessage),
    ],
)
def test_what_is_still_wrong_is_said_and_the_message_stays(store: Store, text: str, refusal: type[Exception]) -> None:
    arrive(store, bought())

    with pytest.raises(refusal):
        resending.mend(store, 0, text, by="ann", at=LATER)

    assert [each.id for each in failed.find(store)] == [0]
    assert stored(store) == []


def test_all_of_a_kind_are_sent_again_and_what_fails_again_stays_with_its_count(store: Store) -> None:
    arrive(store, bought("m1"), bought("m2"), bought("m3", userId="ann", event="USER_DELETE"))
    arrive(store, bought("m1"), at=LATER)

    became = resending.send(store, code="propertiesRequired", source="Shop", by="ann", at=LATER)

    assert became == resending.Resent(failed=2)
    assert sorted((each.failure.message_id, each.times) for each in failed.find(store)) == [("m1", 3), ("m2", 2), ("m3", 1)]


def test_a_cause_that_is_gone_lets_all_of_them_in_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resending, "AT_ONCE", 2)
    whole = [json.dumps(bought(f"m{each}", userId="ann")) for each in range(5)]
    failures = [Failure(f"m{place}", "track", "bug", "It broke.", "", "Gone", text) for place, text in enumerate(whole)]
    with store.transaction() as tx:
        failed.keep(tx, failures, at=AT)

    assert resending.send(store, code="bug", by="ann", at=LATER) == resending.Resent(stored=5)
    assert (failed.count(store), stored(store)) == (0, [("Buy", "server", "Gone")] * 5)

    with store.transaction() as tx:
        failed.keep(tx, failures[:2], at=LATER)
    assert resending.send(store, code="bug", by="ann", at=LATER) == resending.Resent(known=2)
    assert (failed.count(store), len(stored(store))) == (0, 5)


def test_a_message_without_an_id_keeps_the_one_it_was_given_so_that_it_is_taken_once(store: Store) -> None:
    text = json.dumps(bought(None, userId="ann"))
    kept = Failure("u360-1", "track", "bug", "It broke.", "", "Shop", text)
    for moment in (AT, LATER):
        with store.transaction() as tx:
            failed.keep(tx, [kept], at=moment)
        resending.send(store, by="ann", at=moment)

    assert len(stored(store)) == 1


@pytest.mark.parametrize("found", [["no object"], "text", 7, None, {"type": "fax"}, {}])
def test_what_is_no_message_at_all_stays_one_row_however_often_it_is_sent(store: Store, found: object) -> None:
    arrive(store, found)

    for _ in range(2):
        assert resending.send(store, by="ann", at=LATER).failed == 1

    assert [each.times for each in failed.find(store)] == [3]


def test_sending_nothing_does_nothing_and_what_is_not_there_is_refused(store: Store) -> None:
    assert resending.send(store, by="ann", at=AT) == resending.Resent()
    assert activity.count(store) == 0
    with pytest.raises(Unknown):
        resending.send(store, ids=[7], by="ann", at=AT)


# -- traits that are no property ----------------------------------------------------------------


def told(store: Store, *traits: dict[str, object]) -> None:
    said = [{"type": "identify", "userId": "ann", "messageId": f"t{place}", "traits": each} for place, each in enumerate(traits)]
    arrive(store, *said)


def values(store: Store) -> dict[str, object]:
    key = profiles.key_of(store, "ann")
    assert key is not None
    return dict(profiles.get(store, key).values)


def custom(store: Store) -> list[tuple[str, str]]:
    return [(each.name, each.datatype.name) for each in properties.find(store) if not each.system]


def test_an_unknown_trait_is_warned_of_with_the_values_seen(store: Store) -> None:
    told(store, {"tier": "gold", "score": 7}, {"tier": "silver"})

    found = {each.property: each for each in failed.warnings(store, code="unknownProperty")}
    assert (found["tier"].times, found["tier"].values) == (2, ("silver", "gold"))
    assert found["score"].values == ("7",)
    assert custom(store) == []


def test_a_workspace_may_want_properties_to_be_made_by_themselves(store: Store) -> None:
    workspace.change(store, automatic_properties=True)

    told(store, {"tier": "gold", "score": 7, "plan": {"name": "free"}, "no name": 1, "empty": None}, {"score": "8.5"})

    assert sorted(custom(store)) == [("score", "number"), ("tier", "string")]
    assert (values(store)["tier"], values(store)["score"]) == ("gold", 8.5)
    assert sorted(each.property for each in failed.warnings(store)) == ["empty", "no name", "plan"]


def test_properties_are_made_only_as_long_as_there_is_room(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(properties, "MOST_CUSTOM", 2)
    workspace.change(store, automatic_properties=True)

    told(store, {"a": 1, "b": 2, "c": 3})

    assert [name for name, _ in custom(store)] == ["a", "b"]
    assert [each.property for each in failed.warnings(store)] == ["c"]


@pytest.mark.parametrize(
    ("seen", "datatype"),
    [
        ([], "string"),
        (["", " "], "string"),
        (["1", "2.5"], "number"),
        (["true", "false"], "boolean"),
        (["2026-01-31"], "date"),
        (["a@example.org"], "email"),
        (["1", "two"], "string"),
        (['["red", "blue"]', "[]"], "list"),
    ],
)
def test_the_type_of_a_new_property_is_told_from_the_values_seen(seen: Sequence[str], datatype: str) -> None:

    assert adopting.type_of(seen).name == datatype
