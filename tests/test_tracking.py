"""What clients of the tracking API send is read as messages, whatever is wrong with it."""

from __future__ import annotations

import gzip
import json
import zlib
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.worlds import AT
from user360 import tracking
from user360.errors import TooLarge, UnreadableRequest
from user360.failed import Failure
from user360.ingest import Message
from user360.sources import Sender

SHOP = Sender("Shop", "web")
SERVER = Sender("Backend", "server")


def read(said: Any, *, sender=SHOP, sent=None, kind=None, address=None, **shared) -> Message | Failure:
    body = tracking.read_body(said if isinstance(said, bytes) else json.dumps(said).encode())
    request = tracking.Request(sender, AT, sent, address, shared)
    return tracking.read_message(body.value, request, kind=kind, sound=body.sound)


def message(said: Any = None, **how: Any) -> Message:
    found = read(
        {"type": "track", "event": "Buy", "userId": "ann", **(said or {})} if not isinstance(said, bytes) else said, **how
    )
    assert isinstance(found, Message), found
    return found


def failure(said: Any, **how: Any) -> Failure:
    found = read(said, **how)
    assert isinstance(found, Failure), found
    return found


def reasons(found: Message) -> dict[str, str]:
    return {each.property: each.reason for each in found.left_out}


# -- bodies -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "packed",
    [
        gzip.compress(b'{"a": 1}'),
        gzip.compress(b'{"a"') + gzip.compress(b": 1}"),
        b'{"a": 1}',
        b'\xef\xbb\xbf{"a": 1}',
        '{"a": 1}'.encode("utf-16"),
    ],
    ids=["gzip", "two parts", "plain", "byte order mark", "utf-16"],
)
def test_a_body_is_read_packed_or_not(packed):
    assert tracking.read_body(packed).value == {"a": 1}


def test_a_body_packed_by_zlib_says_so():
    assert tracking.read_body(zlib.compress(b'{"a": 1}'), "deflate").value == {"a": 1}


@pytest.mark.parametrize(
    "body",
    [b"", b"hello", b"{", b'{"a": }', b"\x1f\x8bnot gzip", gzip.compress(b'{"a": 1}')[:-9], b"[" * 100_000, b"]" * 1_000],
    ids=["nothing", "words", "cut off", "no value", "not packed", "packed and cut off", "only opened", "only closed"],
)
def test_what_is_no_json_is_refused(body):
    with pytest.raises(UnreadableRequest):
        tracking.read_body(body)


def test_a_bomb_goes_off_at_the_limit():
    with pytest.raises(TooLarge):
        tracking.read_body(gzip.compress(b"0" * (tracking.MOST_BYTES + 1)))


@pytest.mark.parametrize("depth", [60, 990, 50_000])
def test_what_lies_too_deep_costs_only_itself(depth):
    deep = b'{"a":' * depth + b"1" + b"}" * depth
    found = message(b'{"type": "track", "event": "Buy", "userId": "ann", "properties": {"deep": ' + deep + b', "price": 7}}')

    assert found.properties["price"] == 7
    assert len(json.dumps(found.properties["deep"])) < 200
    assert [each.reason for each in found.left_out] == ["lies more than 20 levels deep"]


# -- values -------------------------------------------------------------------------------------

BAD = ["NaN", "Infinity", "-Infinity", "1e999", "9" * 5_000, r'"\ud800"', r'"\udc00\ud800"', r'"a\u0000b"', '"\x00"', '"\udcff"']


@pytest.mark.parametrize("bad", BAD, ids=[each[:12].encode("unicode_escape").decode() for each in BAD])
def test_a_bad_value_costs_only_itself(bad):
    body = (
        f'{{"type": "track", "event": "Buy", "userId": "ann", "properties": {{"bad": {bad}, "list": [1, {bad}], "good": "ü"}}}}'
    )
    found = message(body.encode("utf-8", "surrogateescape"))

    assert found.properties == {"list": [1], "good": "ü"}
    assert set(reasons(found)) == {"bad", "list"}
    found.raw.encode()


def test_a_bad_name_costs_its_value():
    found = message(rb'{"type": "track", "event": "Buy", "userId": "ann", "properties": {"a\u0000": 1, "b": 2}}')

    assert found.properties == {"b": 2}


def test_a_line_break_that_json_forbids_is_kept():
    assert message(b'{"type": "track", "event": "Buy", "userId": "ann", "properties": {"a": "x\ny"}}').properties == {"a": "x\ny"}


def test_a_long_number_for_an_id_keeps_each_of_its_digits():
    assert message({"userId": 12345678901234567890123}).user_id == "12345678901234567890123"


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(
    properties=st.dictionaries(st.sampled_from("abcdefg"), PLAIN, max_size=6),
    bad=st.lists(st.sampled_from(BAD), max_size=4),
    place=st.integers(0, 6),
)
def test_a_bad_value_never_costs_its_neighbours(properties, bad, place):
    pairs = [f"{json.dumps(each)}: {json.dumps(value)}" for each, value in properties.items()]
    for number, each in enumerate(bad):
        pairs.insert(min(place, len(pairs)), f'"bad{number}": {each}')
    body = f'{{"type": "track", "event": "Buy", "userId": "ann", "properties": {{{", ".join(pairs)}}}}}'

    found = message(body.encode("utf-8", "surrogateescape"))

    assert (found.properties, len(found.left_out)) == (properties, len(bad))


# -- who and what -------------------------------------------------------------------------------


def test_a_message_says_who_what_and_when():
    found = message({"messageId": "m1", "anonymousId": "a", "properties": {"price": 7}, "timestamp": "2026-11-20T10:00:00Z"})

    assert (found.kind, found.message_id, found.source, found.user_id, found.anonymous_id) == ("track", "m1", "Shop", "ann", "a")
    assert (found.event, found.properties, found.at.isoformat()) == ("Buy", {"price": 7}, "2026-11-20T10:00:00+00:00")


def test_a_message_without_an_id_gets_one_of_its_own():
    first, second = message(), message()

    assert first.message_id != second.message_id


def test_a_message_id_that_is_too_long_is_shortened_alike_every_time():
    first, second = message({"messageId": "x" * 401}), message({"messageId": "x" * 401})

    assert first.message_id == second.message_id != message({"messageId": "x" * 402}).message_id
    assert "messageId" in reasons(first)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"type": "track", "event": "Buy"}, "propertiesRequired"),
        ({"type": "track", "event": "Buy", "userId": True}, "propertiesRequired"),
        ({"type": "track", "userId": "ann"}, "propertiesRequired"),
        ({"type": "track", "userId": "ann", "event": " "}, "propertiesRequired"),
        ({"type": "dance", "userId": "ann"}, "invalidMessage"),
        ({"userId": "ann"}, "invalidMessage"),
        ("hello", "invalidMessage"),
        (None, "invalidMessage"),
        ({"type": "track", "event": "Buy", "userId": "ann", "properties": {"a": "x" * 33_000}}, "tooLarge"),
    ],
)
def test_what_cannot_be_a_message_fails_with_its_reason(said, code):
    found = failure(said)

    assert (found.code, found.source) == (code, "Shop")
    assert found.message
    assert found.raw


def test_a_message_may_be_as_large_as_the_limit():
    said = {"type": "track", "event": "Buy", "userId": "ann", "properties": {"a": ""}}
    room = tracking.MOST_MESSAGE_BYTES - len(json.dumps(said, separators=(",", ":")))

    assert isinstance(read({**said, "properties": {"a": "x" * room}}), Message)
    assert isinstance(read({**said, "properties": {"a": "x" * (room + 1)}}), Failure)


def test_a_device_is_enough_to_say_who():
    assert message({"userId": None, "context": {"device": {"id": "d1"}}}).user_id is None


def test_traits_are_of_the_person_wherever_a_library_puts_them():
    found = message(
        {"type": "identify", "traits": {"email": "a@b.io"}, "context": {"traits": {"email": "old@b.io", "city": "Rome"}}}
    )

    assert (found.traits, found.event) == ({"email": "a@b.io", "city": "Rome"}, None)


def test_traits_in_the_context_of_another_call_change_nobody():
    found = message({"context": {"traits": {"email": "a@b.io"}}})

    assert (found.traits, found.context["traits"]) == ({}, {"email": "a@b.io"})


@pytest.mark.parametrize(
    ("said", "event", "properties"),
    [
        (
            {"type": "page", "name": "Home", "category": "Shop", "properties": {"url": "u"}},
            "Home",
            {"name": "Home", "category": "Shop", "url": "u"},
        ),
        ({"type": "page", "properties": {"name": "Home"}}, "Home", {"name": "Home"}),
        ({"type": "page"}, "Page", {}),
        ({"type": "screen", "name": "Cart"}, "Cart", {"name": "Cart"}),
        ({"type": "screen"}, "Screen", {}),
        ({"type": "group", "groupId": "g", "traits": {"plan": "pro"}}, "Group", {"groupId": "g", "plan": "pro"}),
        (
            {"type": "conversation", "session": "s", "direction": "in", "text": "hi"},
            "Message received",
            {"session": "s", "direction": "in", "text": "hi"},
        ),
        (
            {"type": "conversation", "session": "s", "direction": "out", "text": "yes?"},
            "Message sent",
            {"session": "s", "direction": "out", "text": "yes?"},
        ),
        (
            {"type": "conversation", "session": "s", "properties": {"city": "Rome"}},
            "Properties captured",
            {"session": "s", "city": "Rome"},
        ),
    ],
)
def test_each_kind_is_kept_as_an_event_under_its_name(said, event, properties):
    found = message({"event": None, **said})

    assert (found.event, found.properties) == (event, properties)


def test_a_conversation_is_about_its_session_and_says_what_it_captured():
    found = message(
        {"type": "conversation", "userId": None, "session": "s1", "channel": "WhatsApp", "properties": {"city": "Rome"}}
    )

    assert (found.anonymous_id, found.channel, found.traits) == ("s1", "whatsapp", {"city": "Rome"})


def test_a_group_says_nothing_of_the_person():
    assert message({"type": "group", "groupId": "g", "traits": {"email": "a@b.io"}}).traits == {}


def test_an_alias_names_the_former_id():
    found = message({"type": "alias", "previousId": "anon"})

    assert (found.previous_id, found.event) == ("anon", None)


def test_every_common_field_is_kept():
    said = {"integrations": {"All": True}, "version": 2, "sentAt": "2026-11-23T12:49:59Z", "timestamp": "2026-11-23T12:49:58Z"}
    found = message({**said, "context": {"ip": "1.2.3.4", "os": {"name": "iOS"}, "mine": 1}, "another": "x"})

    assert found.context == {
        "ip": "1.2.3.4",
        "os": {"name": "iOS"},
        "mine": 1,
        "another": "x",
        "integrations": {"All": True},
        "version": 2,
        "sentAt": "2026-11-23T12:49:59Z",
        "originalTimestamp": "2026-11-23T12:49:58Z",
        "receivedAt": AT.isoformat(),
    }


def test_what_a_batch_says_holds_for_each_of_its_messages():
    found = message({"context": {"ip": "1.1.1.1"}}, context={"ip": "2.2.2.2", "locale": "it"}, integrations={"All": False})

    assert (found.context["ip"], found.context["locale"], found.context["integrations"]) == ("1.1.1.1", "it", {"All": False})


def test_no_write_key_is_kept():
    found = message({"writeKey": "secret"})

    assert "secret" not in found.raw + json.dumps(found.context)


@pytest.mark.parametrize("part", ["properties", "context", "traits"])
def test_a_part_that_is_no_object_costs_only_itself(part):
    assert reasons(message({part: [1]})) == {part: "is no object"}


def test_a_failed_message_is_read_again_as_it_came():
    sent = (AT - timedelta(seconds=9)).isoformat()
    first = failure({"type": "track", "userId": "ann", "timestamp": (AT - timedelta(seconds=19)).isoformat()}, sent=sent)
    mended = json.dumps({**json.loads(first.raw), "event": "Buy"})

    found = tracking.again(mended, SHOP, at=AT + timedelta(days=3))

    assert isinstance(found, Message)
    assert (found.event, found.at) == ("Buy", AT - timedelta(seconds=10))


# -- when ---------------------------------------------------------------------------------------

AGO = timedelta(minutes=10)


@pytest.mark.parametrize("skew", [timedelta(0), timedelta(days=3650), timedelta(days=-3650), timedelta(seconds=7)], ids=str)
def test_a_clock_that_is_wrong_is_corrected(skew):
    found = message({"timestamp": (AT + skew - AGO).isoformat()}, sent=(AT + skew).isoformat())

    assert (found.at, found.left_out) == (AT - AGO, ())


@pytest.mark.parametrize(
    ("said", "at"),
    [
        ({}, AT),
        ({"timestamp": ""}, AT),
        ({"timestamp": "2026-11-20T10:00:00.5+02:00"}, "2026-11-20T08:00:00.500000+00:00"),
        ({"timestamp": "2026-11-20"}, "2026-11-20T00:00:00+00:00"),
        ({"timestamp": 1795456800000 - 86_400_000 * 10}, "2026-11-13T18:00:00+00:00"),
        ({"timestamp": "2026-11-20T10:00:00Z", "originalTimestamp": "2026-11-19T10:00:00Z"}, "2026-11-19T10:00:00+00:00"),
        ({"timestamp": (AT + timedelta(minutes=5)).isoformat()}, AT + timedelta(minutes=5)),
    ],
)
def test_a_time_is_taken_as_it_was_meant(said, at):
    found = message(said)

    assert found.at.isoformat() == (at if isinstance(at, str) else at.isoformat())
    assert found.left_out == ()


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"timestamp": "2015-2-02T00:30:08.276Z"}, "is no time"),
        ({"timestamp": "yesterday"}, "is no time"),
        ({"timestamp": {"at": 1}}, "is no time"),
        ({"timestamp": "1970-01-01T00:00:00Z"}, "lies before 1971"),
        ({"timestamp": "2090-01-01T00:00:00Z"}, "lies in the future"),
        ({"timestamp": "9999-12-31T23:59:59Z", "sentAt": "0001-01-01T00:00:00Z"}, "cannot be"),
    ],
)
def test_a_time_that_cannot_be_costs_only_itself(said, reason):
    found = message(said)

    assert (found.at, reasons(found)) == (AT, {"timestamp": reason})


@given(st.lists(st.integers(0, 10_000), min_size=2, max_size=6), st.integers(-(10**6), 10**6))
def test_order_within_a_request_never_changes(seconds, skew):
    sent = AT + timedelta(seconds=skew)
    told = [sent - timedelta(seconds=each) for each in seconds]

    found = [message({"timestamp": each.isoformat()}, sent=sent.isoformat()).at for each in told]

    assert [sorted(found).index(each) for each in found] == [sorted(told).index(each) for each in told]


# -- how ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "sender", "channel"),
    [
        ({}, SHOP, "web"),
        ({}, SERVER, "server"),
        ({"channel": "server"}, SHOP, "web"),
        ({"channel": "WhatsApp"}, SERVER, "whatsapp"),
        ({"channel": "mobile"}, SERVER, "app"),
        ({"context": {"channel": "browser"}}, SERVER, "web"),
        ({"context": {"library": {"name": "analytics.js"}}}, SERVER, "web"),
        ({"context": {"library": {"name": "@jitsu/js", "env": "node"}}}, SERVER, "server"),
        ({"context": {"library": {"name": "analytics-kotlin"}}}, SERVER, "app"),
        ({"context": {"library": {"name": "analytics-python"}, "campaign": {"medium": "Email"}}}, SERVER, "email"),
        ({"context": {"campaign": {"medium": "cpc"}}}, SERVER, "server"),
        ({"context": {"app": {"name": "Shop"}}}, SERVER, "app"),
        ({"context": {"page": {"url": "https://shop.example"}, "campaign": {"medium": "email"}}}, SERVER, "web"),
        ({"channel": "x" * 61, "context": {"channel": 7, "library": "a", "campaign": 1, "page": 2}}, SERVER, "server"),
    ],
)
def test_the_channel_is_what_the_message_gives_away(said, sender, channel):
    assert message(said, sender=sender).channel == channel


@pytest.mark.parametrize(
    ("said", "sender", "address"),
    [
        ({}, SHOP, "9.9.9.9"),
        ({}, SERVER, None),
        ({"context": {"library": {"name": "analytics.js"}}}, SERVER, "9.9.9.9"),
        ({"context": {"library": {"name": "analytics-python"}}}, SHOP, None),
        ({"context": {"direct": True, "library": {"name": "curl"}}}, SERVER, "9.9.9.9"),
        ({"context": {"ip": "1.2.3.4"}}, SHOP, "1.2.3.4"),
    ],
)
def test_the_address_of_a_person_is_kept_and_that_of_a_server_is_not(said, sender, address):
    assert message(said, sender=sender, address="9.9.9.9").context.get("ip") == address
