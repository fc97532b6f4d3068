"""A message id that comes again: the same message changes nothing, another one is kept and told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.worlds import AT
from user360 import events, failed, ingest, resending
from user360.ingest import Message
from user360.store import open_store

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)
NUMBERS = st.integers(-(10**17), 10**17) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)

TRACK = Message("track", "m1", AT, "shop", user_id="ann", event="Bought", properties={"price": 3, "of": ["a", {"b": None}]})
IDENTIFY = Message("identify", "m2", AT, "shop", user_id="ann", traits={"firstName": "Ann"})


def receive(store, *messages):
    taken = ingest.receive_messages(store, messages, by="test", at=AT)
    return taken.stored, taken.known, taken.failed


def told(store):
    return [(each.failure.code, each.failure.message_id, each.failure.value) for each in failed.find(store)]


@pytest.mark.parametrize("message", [TRACK, IDENTIFY], ids=lambda each: each.kind)
def test_the_same_message_sent_later_by_another_library_is_the_same(store, message):
    receive(store, message)
    again = message._replace(at=message.at.replace(minute=1), context={"library": {"name": "x"}}, raw="{}")

    assert receive(store, again, again) == (0, 2, 0)
    assert told(store) == []


OTHERS = {
    "another event": TRACK._replace(event="Viewed"),
    "another property": TRACK._replace(properties={"price": 4}),
    "another person": TRACK._replace(user_id="bob"),
    "another kind": IDENTIFY._replace(message_id="m1"),
    "another value": IDENTIFY._replace(traits={"firstName": "Bob"}),
    "another kind for one that left no event": TRACK._replace(message_id="m2"),
}


@pytest.mark.parametrize("together", [False, True], ids=["later", "in one batch"])
@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_another_message_under_an_id_is_kept_as_a_failed_one_and_the_first_stays(store, other, together):
    first = TRACK if other.message_id == "m1" else IDENTIFY
    if together:
        assert receive(store, first, other) == (1, 0, 1)
    else:
        receive(store, first)
        assert receive(store, other) == (0, 0, 1)

    assert told(store) == [("otherContent", first.message_id, first.message_id)]
    found = [each["event"] for each in events.stream(store, limit=9).to_pylist() if not each["event"].startswith("USER_")]
    assert found == (["Bought"] if first is TRACK else [])


def test_it_is_taken_once_it_is_sent_again_under_an_id_of_its_own(store):
    receive(store, TRACK)
    raw = '{"type": "track", "messageId": "%s", "event": "Viewed", "userId": "ann"}'
    receive(store, TRACK._replace(event="Viewed", raw=raw % "m1"))
    (kept,) = failed.find(store)

    assert resending.send(store, ids=[kept.id], by="ann", at=AT).failed == 1
    assert resending.mend(store, kept.id, raw % "m9", by="ann", at=AT).stored == 1
    assert told(store) == []


def test_a_trait_that_has_no_property_yet_makes_no_other_message_of_it(store):
    said = IDENTIFY._replace(traits={"firstName": "Ann", "shoe": 38})
    talk = Message("conversation", "m3", AT, "bot", anonymous_id="s", event="Properties captured", properties={"shoe": 38})
    talk = talk._replace(traits=talk.properties)
    receive(store, said, talk)
    ingest.adopt(store, "shoe", "number", by="ann", at=AT)

    assert receive(store, said, talk) == (0, 2, 0)


@given(st.dictionaries(TEXT, JSON, max_size=4))
def test_whatever_it_holds_a_message_that_comes_again_is_the_same(properties):
    store = open_store()
    message = TRACK._replace(properties=properties)
    stored, _, broken = receive(store, message)

    assert (stored, broken) == (1, 0)
    assert receive(store, message) == (0, 1, 0)
    store.close()
