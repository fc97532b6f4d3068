"""The tracking API over HTTP: every key, body and status, and nothing answered before it is stored."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.testclient import TestClient

from tests.serving import PATIENCE_SECONDS
from tests.worlds import AT
from user360 import condition, doors, events, failed, ingest, keys, sources, web
from user360.collect import calls
from user360.collect import intake as intakes
from user360.collect.intake import AHEAD, MOST_OF_ONE, MOST_WAITING, Intake
from user360.collect.taking import Parcel
from user360.errors import Busy, StoreUnavailable, TooLarge, TooMany

STORED = (200, {"success": True})


@pytest.fixture
def client(monkeypatch):
    monkeypatch.setenv(doors.DATABASE, ":memory:")
    server = Starlette(routes=web.routes(), lifespan=web.lifespan, middleware=web.middleware())
    with TestClient(server, raise_server_exceptions=False) as opened:
        yield opened


@pytest.fixture
def store(client):
    return doors.current_store()


@pytest.fixture
def key(store):
    sources.define(store, "Shop", "web", by="ann", at=AT)
    return sources.create_key(store, "Shop", by="ann", at=AT)


def basic(key):
    return {"Authorization": "Basic " + base64.b64encode(f"{key}:".encode()).decode()}


def answered(answer):
    return answer.status_code, answer.json()


def refused(answer):
    assert sorted(answer.json()) == ["code", "hint", "message", "path"]
    return answer.status_code, answer.json()["code"]


def names(store):
    return sorted(
        each["event"] for each in events.stream(store, limit=1_000).to_pylist() if not each["event"].startswith("USER_")
    )


def track(event="Buy", **more):
    return {"type": "track", "event": event, "userId": "ann", **more}


# -- keys ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "way", ["basic", "basic without colon", "header", "header with a secret", "body", "first of a batch", "bearer"]
)
def test_a_key_is_taken_in_any_of_the_ways_clients_bring_it(client, store, key, way):
    bare = "Basic " + base64.b64encode(key.encode()).decode()
    headers = {
        "basic": basic(key),
        "basic without colon": {"Authorization": bare},
        "header": {"X-Write-Key": key},
        "header with a secret": {"X-Write-Key": f"{key}:x"},
        "bearer": {"Authorization": f"Bearer {key}"},
    }.get(way, {})
    body = {"batch": [track(writeKey=key)]} if way == "first of a batch" else track(writeKey=key if way == "body" else "***")
    if way == "bearer":
        del body["writeKey"]

    assert answered(client.post("/v1/batch" if "batch" in body else "/v1/track", json=body, headers=headers)) == STORED
    assert names(store) == ["Buy"]


def test_who_has_no_good_key_is_refused(client, key):
    for headers in ({}, basic("wrong"), {"X-Write-Key": "wrong"}, {"Authorization": "Basic %%%"}, {"Authorization": "Bearer x"}):
        assert refused(client.post("/v1/track", json=track(), headers=headers)) == (401, "unauthorized")


def test_a_key_that_was_revoked_lets_nobody_in(client, store, key):
    sources.revoke_key(store, 0, by="ann", at=AT)

    assert refused(client.post("/v1/track", json=track(), headers=basic(key))) == (401, "unauthorized")


def test_a_key_that_only_reads_does_not_send(client, store):
    reading = keys.create(store, "read", "report", by="ann", at=AT)

    assert refused(client.post("/v1/track", json=track(), headers=basic(reading))) == (401, "unauthorized")


def test_a_use_of_a_key_is_noted(client, store, key):
    client.post("/v1/track", json=track(), headers=basic(key))

    assert sources.get(store, "Shop").used_at is not None


# -- calls --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind", ["identify", "track", "page", "screen", "group", "alias", "i", "t", "p", "s", "g", "a", "conversation"]
)
def test_each_call_is_stored_and_answered(client, store, key, kind):
    said = {"userId": "ann", "event": "Buy", "name": "Home", "groupId": "g", "previousId": "x", "session": "s", "text": "hi"}

    assert answered(client.post(f"/v1/{kind}", json=said, headers=basic(key))) == STORED
    stored = {"track": ["Buy"], "t": ["Buy"], "page": ["Home"], "p": ["Home"], "screen": ["Home"], "s": ["Home"]}
    stored |= {"group": ["Group"], "g": ["Group"], "conversation": ["Message received"]}
    assert names(store) == stored.get(kind, [])


@pytest.mark.parametrize("path", ["/v1/batch", "/v1/b", "/v1/import", "/api/s/s2s/batch"])
def test_a_batch_is_stored_whole(client, store, key, path):
    batch = {"batch": [track(f"E{each}") for each in range(5)], "sentAt": "2026-11-23T12:50:00Z"}

    assert answered(client.post(path, json=batch, headers=basic(key))) == STORED
    assert names(store) == [f"E{each}" for each in range(5)]


@pytest.mark.parametrize("path", ["/api/s/s2s/track", "/api/s/track"])
def test_a_client_of_jitsu_finds_its_address(client, store, key, path):
    assert answered(client.post(path, json=track(), headers={"X-Write-Key": f"{key}:x"})) == STORED
    assert names(store) == ["Buy"]


@pytest.mark.parametrize("path", ["/v1/track/", "/v1/batch/", "/api/s/s2s/track/"])
def test_a_slash_at_the_end_of_an_address_says_nothing(client, store, key, path):
    body = {"batch": [track()]} if "batch" in path else track()

    assert answered(client.post(path, json=body, headers=basic(key))) == STORED
    assert names(store) == ["Buy"]


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "application/x-www-form-urlencoded", ""])
@pytest.mark.parametrize("packed", [False, True])
def test_a_body_is_read_whatever_it_says_it_is(client, store, key, kind, packed):
    body = json.dumps(track()).encode()
    headers = {**basic(key), "Content-Type": kind, **({"Content-Encoding": "gzip"} if packed else {})}

    assert answered(client.post("/v1/track", content=gzip.compress(body) if packed else body, headers=headers)) == STORED
    assert names(store) == ["Buy"]


def test_the_same_message_three_times_at_once_is_stored_once(client, store, key):
    with ThreadPoolExecutor(3) as pool:
        sent = [pool.submit(client.post, "/v1/track", json=track(messageId="m1"), headers=basic(key)) for _ in range(3)]
        assert [answered(each.result()) for each in sent] == [STORED] * 3

    assert names(store) == ["Buy"]


# -- refusals -----------------------------------------------------------------------------------


def test_another_method_is_refused_in_json(client):
    for path in ("/v1/track", "/v1/batch", "/api/s/s2s/track"):
        for method in ("GET", "PUT", "DELETE", "PATCH"):
            answer = client.request(method, path)
            assert refused(answer) == (405, "methodNotAllowed")
            assert answer.headers["allow"] == "POST, OPTIONS"


def test_an_address_that_is_none_is_refused_in_json(client):
    for path in ("/v1/typo", "/v1/track/more", "/api/s/typo", "/api/s/s2s/typo"):
        assert refused(client.post(path, json=track())) == (404, "unknown")


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v1/track", b"hello", (400, "unreadable")),
        ("/v1/track", b"", (400, "unreadable")),
        ("/v1/track", b"7", (400, "unreadable")),
        ("/v1/track", b"[]", (400, "unreadable")),
        ("/v1/batch", b"{}", (400, "unreadable")),
        ("/v1/batch", b'{"batch": {"a": 1}}', (400, "unreadable")),
        ("/v1/track", b'{"event": "Buy", "userId": "ann", "a": "' + b"x" * 40_000 + b'"}', (413, "tooLarge")),
        ("/v1/track", b'"' + b"x" * 600_000 + b'"', (413, "tooLarge")),
        ("/v1/track", b'"' + b"x" * 3_000_000 + b'"', (413, "tooLarge")),
        ("/v1/batch", gzip.compress(b"0" * 10_000_000), (413, "tooLarge")),
        ("/v1/batch", json.dumps({"batch": [{}] * 2_501}).encode(), (413, "tooLarge")),
    ],
    ids=["words", "nothing", "number", "list", "no batch", "batch no list", "large message", "large", "huge", "bomb", "many"],
)
def test_what_can_never_succeed_is_refused(client, store, key, path, body, status):
    assert refused(client.post(path, content=body, headers=basic(key))) == status
    assert (names(store), failed.count(store)) == ([], 0)


def test_one_bad_message_never_costs_its_neighbours(client, store, key):
    bad = [{"type": "dance"}, "hello", track(userId=None), {**track(), "event": None}, track(properties={"a": "x" * 33_000})]
    batch = [track("First"), *bad, track("Last")]

    assert answered(client.post("/v1/batch", json={"batch": batch}, headers=basic(key))) == STORED
    assert (names(store), failed.count(store)) == (["First", "Last"], len(bad))


def test_an_empty_batch_is_no_fault(client, key):
    assert answered(client.post("/v1/batch", json={"batch": []}, headers=basic(key))) == STORED


def test_a_value_that_was_left_out_is_told(client, store, key):
    body = b'{"event": "Buy", "userId": "ann", "timestamp": "2015-2-02T00:30:08.276Z", "properties": {"price": NaN, "good": 1}}'

    assert answered(client.post("/v1/track", content=body, headers=basic(key))) == STORED
    assert sorted((each.code, each.property) for each in failed.warnings(store)) == [
        ("badTime", "timestamp"),
        ("invalidValue", "price"),
    ]


def test_a_message_that_breaks_us_is_kept_aside_and_its_neighbours_are_stored(client, store, key, monkeypatch):
    """A fault of ours in one message must neither stop all the others nor come back with every retry."""
    received = ingest.receive_messages

    def breaking(store, messages, **how):
        if any(each.event == "Poison" for each in messages):
            raise ZeroDivisionError
        return received(store, messages, **how)

    monkeypatch.setattr(ingest, "receive_messages", breaking)
    batch = [track(f"E{each}") for each in range(7)] + [track("Poison")]

    assert answered(client.post("/v1/batch", json={"batch": batch}, headers=basic(key))) == STORED
    assert names(store) == [f"E{each}" for each in range(7)]
    assert [each.failure.code for each in failed.find(store)] == ["bug"]


def test_trouble_of_ours_asks_to_come_back(client, key, monkeypatch):
    def full(*_, **__):
        raise StoreUnavailable("The disk is full.")

    monkeypatch.setattr(ingest, "receive_messages", full)
    answer = client.post("/v1/track", json=track(), headers=basic(key))

    assert refused(answer) == (503, "storeUnavailable")
    assert int(answer.headers["retry-after"]) > 0


def test_a_disk_that_is_almost_full_lets_nothing_in_and_says_so_until_there_is_room(client, tmp_path, monkeypatch):
    monkeypatch.setenv(doors.DATABASE, str(tmp_path / "full.duckdb"))
    store = doors.current_store()
    sources.define(store, "Shop", "web", by="ann", at=AT)
    headers = basic(sources.create_key(store, "Shop", by="ann", at=AT))
    room = condition.LEAST_FREE
    monkeypatch.setattr(condition, "LEAST_FREE", 2**62)
    answer = client.post("/v1/track", json=track(), headers=headers)
    assert refused(answer) == (503, "storeUnavailable")
    assert "almost full" in answer.json()["message"]
    assert int(answer.headers["retry-after"]) > 0

    monkeypatch.setattr(condition, "LEAST_FREE", room)

    assert answered(client.post("/v1/track", json=track(), headers=headers)) == STORED
    assert names(store) == ["Buy"]


# -- browsers -----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/v1/t", "/api/s/track"])
def test_a_page_of_another_host_may_send_and_read_the_answer(client, key, path):
    asks = {
        "Origin": "https://shop.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    before = client.options(path, headers=asks)
    assert before.status_code == 204
    assert before.headers["access-control-allow-origin"] == "https://shop.example"
    assert before.headers["access-control-allow-headers"] == "authorization,content-type"
    assert "POST" in before.headers["access-control-allow-methods"]

    for headers, status in ((basic(key), 200), (basic("wrong"), 401)):
        answer = client.post(path, json=track(), headers={**headers, "Origin": "https://shop.example"})
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (status, "https://shop.example")


def test_a_browser_is_told_where_to_send(client, key):
    told = client.get(f"/v1/projects/{key}/settings").json()

    assert told["integrations"] == {"Segment.io": {"apiKey": key, "apiHost": "testserver/v1", "protocol": "http"}}
    assert refused(client.get("/v1/projects/wrong/settings")) == (401, "unauthorized")


def test_the_api_that_reads_stays_closed_to_other_hosts(client):
    answer = client.get("/api/health", headers={"Origin": "https://shop.example"})

    assert "access-control-allow-origin" not in answer.headers


# -- strict -------------------------------------------------------------------------------------


def said(answer):
    """What a strict request was answered: status, how many were taken, and place, code and field of each that was not."""
    body = answer.json()
    return answer.status_code, body["accepted"], [(each["index"], each["code"], each["field"]) for each in body.get("failed", [])]


@pytest.mark.parametrize("way", ["?strict=1", "?strict=true", "header"])
def test_a_strict_request_says_which_messages_were_not_taken_and_the_others_are(client, store, key, way):
    batch = [track("Bought"), {"type": "track", "userId": "ann"}, track("x" * 500), {"type": "dance"}, track("Viewed")]
    headers = basic(key) | ({"X-Strict": "1"} if way == "header" else {})
    answer = client.post("/v1/batch" + ("" if way == "header" else way), json={"batch": batch}, headers=headers)

    assert said(answer) == (400, 2, [(1, "propertiesRequired", ""), (2, "invalidProperty", "event"), (3, "invalidMessage", "")])
    assert answer.json()["code"] == "notAllTaken"
    assert names(store) == ["Bought", "Viewed"]
    assert failed.count(store) == 3


def test_a_strict_request_all_of_which_is_taken_says_what_was_left_out(client, store, key):
    batch = [track(), {"type": "identify", "userId": "ann", "traits": {"email": "no"}}, track(userId="null", anonymousId="a")]
    body = client.post("/v1/batch?strict=1", json={"batch": batch}, headers=basic(key)).json()

    assert (body["success"], body["accepted"]) == (True, 3)
    assert [(each["index"], each["code"], each["field"]) for each in body["warnings"]] == [
        (1, "invalidDataType", "email"),
        (2, "blockedId", "userId"),
    ]


def test_a_strict_request_hears_of_an_id_that_came_before_with_something_else(client, key):
    assert answered(client.post("/v1/track", json=track(messageId="1"), headers=basic(key))) == STORED

    again = client.post("/v1/track?strict=1", json=track(messageId="1"), headers=basic(key))
    other = client.post("/v1/track?strict=1", json=track("Viewed", messageId="1"), headers=basic(key))

    assert said(again) == (200, 1, [])
    assert said(other) == (400, 0, [(0, "otherContent", "messageId")])
    assert answered(client.post("/v1/track", json=track("Viewed", messageId="1"), headers=basic(key))) == STORED


def test_a_strict_message_that_breaks_something_of_ours_is_told_with_its_place(client, key, monkeypatch):
    real = ingest.receive_messages

    def breaking(store, messages, **more):
        if any(each.event == "Boom" for each in messages):
            raise RuntimeError("boom")
        return real(store, messages, **more)

    monkeypatch.setattr(ingest, "receive_messages", breaking)
    answer = client.post(
        "/v1/batch?strict=1", json={"batch": [track(), {"type": "x"}, track("Boom"), track()]}, headers=basic(key)
    )

    assert said(answer) == (400, 2, [(1, "invalidMessage", ""), (2, "bug", "")])


# -- waiting ------------------------------------------------------------------------------------


def parcel(size=10, of="a"):
    return Parcel("track", b"x" * size, AT, of)


@dataclass
class Shelf:
    """Stores whatever comes, in groups whose sizes it remembers; not before `hold` is set."""

    groups: list[int] = field(default_factory=list)
    hold: threading.Event = field(default_factory=threading.Event)
    reading: threading.Event = field(default_factory=threading.Event)
    storing: threading.Event = field(default_factory=threading.Event)

    def open(self, parcels, before=0):
        self.reading.set()
        return (before or 0) + len(parcels)

    def store(self, opened):
        self.groups.append(opened)
        self.storing.set()
        self.hold.wait(PATIENCE_SECONDS)
        return [None] * opened


def test_whoever_waits_is_committed_together_and_answered_afterwards():
    shelf = Shelf()
    shelf.hold.set()

    async def many():
        intake = Intake(shelf)
        await asyncio.gather(*(intake.put(parcel()) for _ in range(50)))

    asyncio.run(many())

    assert shelf.groups == [50]


def test_clients_that_send_one_after_the_other_all_join_each_commit():
    shelf = Shelf()
    shelf.hold.set()

    async def one(intake):
        for _ in range(10):
            await intake.put(parcel())

    async def many():
        intake = Intake(shelf)
        await asyncio.gather(*(one(intake) for _ in range(20)))

    asyncio.run(many())

    assert shelf.groups == [20] * 10


def test_a_commit_begins_as_soon_as_all_who_were_answered_have_come_again(monkeypatch):
    monkeypatch.setattr(intakes, "GATHER_SECONDS", 10.0 * PATIENCE_SECONDS)
    shelf = Shelf()
    shelf.hold.set()

    async def one(intake):
        for _ in range(5):
            await intake.put(parcel())

    async def many():
        intake = Intake(shelf)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await asyncio.gather(*(one(intake) for _ in range(8)))

    asyncio.run(many())

    assert shelf.groups == [8] * 5


def test_who_does_not_come_again_is_not_waited_for():
    shelf = Shelf()
    shelf.hold.set()

    async def one(intake, times):
        for _ in range(times):
            await intake.put(parcel())

    async def two():
        intake = Intake(shelf)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await asyncio.gather(one(intake, 1), one(intake, 3))

    asyncio.run(two())

    assert shelf.groups == [2, 1, 1]


def test_much_that_comes_while_some_is_stored_is_read_ahead_and_stored_together():
    async def many():
        shelf = Shelf()
        intake = Intake(shelf)
        first = asyncio.create_task(intake.put(parcel()))
        await asyncio.to_thread(shelf.storing.wait, PATIENCE_SECONDS)
        shelf.reading.clear()
        waiting = [asyncio.create_task(intake.put(parcel(AHEAD))) for _ in range(3)]
        await asyncio.to_thread(shelf.reading.wait, PATIENCE_SECONDS)
        shelf.reading.clear()
        waiting.append(asyncio.create_task(intake.put(parcel(AHEAD))))
        await asyncio.to_thread(shelf.reading.wait, PATIENCE_SECONDS)
        shelf.hold.set()
        await asyncio.gather(first, *waiting)
        return shelf.groups

    assert asyncio.run(many()) == [1, 4]


def test_what_waits_is_bounded_by_key_and_in_all():
    shelf = Shelf()

    async def many():
        intake = Intake(shelf)
        size = 500_000
        of_one = [asyncio.create_task(intake.put(parcel(size, "a"))) for _ in range(MOST_OF_ONE // size)]
        await asyncio.sleep(0)
        with pytest.raises(TooMany):
            await intake.put(parcel(size, "a"))
        others = [asyncio.create_task(intake.put(parcel(size, "b"))) for _ in range(MOST_OF_ONE // size)]
        await asyncio.sleep(0)
        with pytest.raises(Busy):
            await intake.put(parcel(MOST_WAITING - 2 * (MOST_OF_ONE // size) * size, "c"))
        shelf.hold.set()
        await asyncio.gather(*of_one, *others)
        await intake.put(parcel(size, "a"))

    asyncio.run(many())


def test_what_waits_when_the_server_stops_is_stored_and_nothing_more_is_let_in():
    async def stopping():
        shelf = Shelf()
        intake = Intake(shelf)
        shelf.hold.set()
        waiting = [asyncio.create_task(intake.put(parcel())) for _ in range(3)]
        await asyncio.sleep(0)
        await intake.drain()
        await asyncio.wait_for(asyncio.gather(*waiting), PATIENCE_SECONDS)
        with pytest.raises(StoreUnavailable):
            await intake.put(parcel())
        intake.begin()
        await intake.put(parcel())

    asyncio.run(stopping())


def hear(*parts, length=""):
    """What is made of the parts of a body that come one by one."""

    async def listening():
        left = list(parts)

        async def receive():
            return left.pop(0)

        return await calls._body(length, receive)

    return asyncio.run(listening())


def some(body, *, more=True):
    return {"type": "http.request", "body": body, "more_body": more}


def test_who_hangs_up_in_the_middle_is_heard_no_further():
    assert hear(some(b'{"a"'), {"type": "http.disconnect"}) is None
    assert hear(some(b'{"a"'), some(b": 1}", more=False)) == b'{"a": 1}'


def test_a_slow_sender_is_told_so(monkeypatch):
    monkeypatch.setattr(calls, "SLOWEST_SECONDS", 0.02)

    async def listening():
        async def receive():
            await asyncio.sleep(0.005)
            return some(b"x")

        await calls._body("", receive)

    with pytest.raises(HTTPException) as told:
        asyncio.run(listening())
    assert told.value.status_code == 408


def test_a_body_without_end_is_not_kept():
    with pytest.raises(TooLarge):
        hear(*[some(b"x" * 100_000)] * 100)
    with pytest.raises(TooLarge):
        hear(length="99999999999")


# -- the short way ------------------------------------------------------------------------------


@pytest.fixture
def long_way(client):
    """The same server as it answers where nothing goes past the routes."""
    return TestClient(Starlette(routes=web.routes(), middleware=web.middleware()[:1]), raise_server_exceptions=False)


@pytest.mark.parametrize("path", ["/v1/track", "/v1/b", "/api/s/s2s/track", "/api/s/t", "/v1/track/", "/v1/nothing", "/v1"])
@pytest.mark.parametrize(
    ("method", "body", "more"),
    [
        ("POST", b'{"event": "Bought", "userId": "ann", "type": "track", "batch": []}', {}),
        ("POST", b'{"event": "Bought", "userId": "ann"}', {"Authorization": "Basic bm9ib2R5Og=="}),
        ("POST", b"{", {}),
        (
            "POST",
            b'{"event": "", "userId": "ann", "messageId": "m1", "batch": [{"type": "track", "messageId": "m2"}]}',
            {"X-Strict": "1"},
        ),
        ("POST", b"{}", {"Origin": "https://shop.example"}),
        ("OPTIONS", b"", {"Origin": "https://shop.example", "Access-Control-Request-Headers": "x-write-key"}),
        ("GET", b"", {}),
        ("PUT", b"{}", {}),
    ],
)
def test_the_short_way_answers_as_the_long_one(client, long_way, key, path, method, body, more):
    short, long = (each.request(method, path, content=body, headers={**basic(key), **more}) for each in (client, long_way))

    assert (short.status_code, short.content, sorted(short.headers.items())) == (
        long.status_code,
        long.content,
        sorted(long.headers.items()),
    )


def test_a_fault_on_the_short_way_is_said_and_logged(client, key, monkeypatch, caplog):
    async def put(_):
        raise RuntimeError("broken")

    monkeypatch.setattr(calls._intake, "put", put)

    assert refused(client.post("/v1/track", json={"event": "Bought", "userId": "ann"}, headers=basic(key))) == (500, "bug")
    assert "broken" in caplog.text
