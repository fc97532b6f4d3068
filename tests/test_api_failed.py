"""Failed messages over HTTP: listed with their reason, sent again, mended, deleted."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from tests.worlds import AT
from user360 import doors, failed, keys, profiles, web
from user360.failed import Failure

GOOD = {"type": "identify", "userId": "u1", "messageId": "m1", "traits": {"city": "Oslo"}}

pytestmark = pytest.mark.usefixtures("workspace")


def failure(number, code="noIdentity", raw=GOOD):
    return Failure(f"m{number}", "identify", code, "It names nobody.", "Give a userId.", "server", json.dumps(raw))


@pytest.fixture
def client():
    with TestClient(Starlette(routes=web.routes(), lifespan=web.lifespan), raise_server_exceptions=False) as opened:
        store = doors.current_store()
        with store.transaction() as tx:
            failed.keep(tx, [failure(1), failure(2, "other", {"type": "identify"})], at=AT)
            failed.keep(tx, [failure(2, "other", {"type": "identify"})], at=AT + timedelta(minutes=1))
        opened.headers["Authorization"] = f"Bearer {keys.create(store, 'write', 'test', by='ann', at=AT)}"
        yield opened


def test_failed_messages_are_listed_with_their_reason(client):
    told = client.get("/api/failed-messages").json()

    assert [(each["messageId"], each["times"], each["source"]) for each in told["items"]] == [
        ("m2", 2, "server"),
        ("m1", 1, "server"),
    ]
    assert client.get("/api/failed-messages", params={"code": "noIdentity"}).json()["total"] == 1
    one = told["items"][1]
    assert client.get(f"/api/failed-messages/{one['id']}").json() == one
    assert (json.loads(one["raw"]), one["message"]) == (GOOD, "It names nobody.")


def test_a_message_that_is_fit_now_is_taken_and_leaves_the_list(client):
    one = client.get("/api/failed-messages", params={"code": "noIdentity"}).json()["items"][0]

    became = client.post(f"/api/failed-messages/{one['id']}/retry").json()

    assert became == {"stored": 1, "known": 0, "failed": 0}
    assert client.get("/api/users/u1").json()["properties"]["city"] == "Oslo"
    assert client.post(f"/api/failed-messages/{one['id']}/retry").status_code == 404


def test_all_are_sent_again_and_what_fails_again_stays(client):
    assert client.post("/api/failed-messages/retry", json={"source": "server"}).json() == {"stored": 1, "known": 0, "failed": 1}
    assert [each["messageId"] for each in client.get("/api/failed-messages").json()["items"]] == ["m2"]


def test_a_message_is_mended_and_one_that_is_still_wrong_is_told_why(client):
    one = client.get("/api/failed-messages", params={"code": "other"}).json()["items"][0]
    there = f"/api/failed-messages/{one['id']}/retry"

    assert client.post(there, json={"raw": "{"}).status_code in {400, 422}
    assert client.post(there, json={"raw": json.dumps({"type": "identify"})}).status_code == 400
    assert client.post(there, json={"raw": json.dumps({**GOOD, "userId": "u2", "messageId": "m2"})}).json()["stored"] == 1
    assert profiles.key_of(doors.current_store(), "u2") is not None


def test_a_message_is_deleted_for_good(client):
    one = client.get("/api/failed-messages").json()["items"][0]

    assert client.delete(f"/api/failed-messages/{one['id']}").json() == one
    assert client.get("/api/failed-messages").json()["total"] == 1
    assert client.delete("/api/failed-messages/none").status_code == 404
