"""The calls of yellow.ai's user API answer as they do there."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from tests.worlds import AT
from user360 import doors, keys, profiles, web

THERE = "/cdp/api/v1/user"
BOT = {"bot": "x1625041041238"}

pytestmark = pytest.mark.usefixtures("workspace")


@pytest.fixture
def client():
    with TestClient(Starlette(routes=web.routes(), lifespan=web.lifespan), raise_server_exceptions=False) as opened:
        opened.headers["x-api-key"] = keys.create(doors.current_store(), "write", "test", by="ann", at=AT)
        made = opened.post(THERE, params=BOT, json={"firstName": "Awesome", "userId": "1", "emailOptin": True, "tags": ["a"]})
        assert made.status_code == 200, made.text
        yield opened


def test_a_user_is_made_read_changed_and_deleted_as_there(client):
    told = client.get(f"{THERE}/1", params=BOT | {"properties": "firstName,tags", "userId": "true"}).json()
    assert told == {
        "message": "",
        "data": {
            "userId": {"value": "1", "propertyType": "string"},
            "firstName": {"value": "Awesome", "propertyType": "string"},
            "tags": {"value": ["a"], "propertyType": "list"},
            "id": {"value": "0"},
        },
    }
    changed = client.put(f"{THERE}/1", params=BOT, json={"firstName": None, "city": "Pune"}).json()["data"]
    assert (changed.get("firstName"), changed["city"]["value"], changed["emailOptin"]["value"]) == (None, "Pune", True)
    assert client.get(f"{THERE}/0", params={"userId": "false"}).json()["data"]["userId"]["value"] == "1"
    assert client.delete(f"{THERE}/1", params=BOT | {"offset": 0, "limit": 1}).json()["data"]["id"] == {"value": "0"}
    assert client.get(f"{THERE}/1").status_code == 404


def test_users_are_listed_by_page(client):
    client.post(THERE, json={"userId": "2"})

    told = client.get(THERE, params=BOT | {"offset": 1, "limit": 1, "properties": "userId"}).json()

    assert (told["total"], [each["userId"]["value"] for each in told["data"]]) == (2, ["2"])


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "where"),
    [
        ("POST", "", {"userId": "1"}, 409, ""),
        ("POST", "", {"userId": 5}, 422, "$.userId"),
        ("POST", "", {"userId": "9", "email": "x"}, 422, "$.email"),
        ("POST", "", {"userId": "9", "nothing": "x"}, 422, "$"),
        ("PUT", "/1", {"userId": "9"}, 409, ""),
        ("PUT", "/9", {"city": "Pune"}, 404, ""),
        ("GET", "/1?properties=nothing", None, 422, "$.properties"),
        ("GET", "?limit=0", None, 422, "$.limit"),
    ],
)
def test_what_cannot_be_taken_is_refused(client, method, path, body, status, where):
    answer = client.request(method, f"{THERE}{path}", json=body)

    assert (answer.status_code, answer.json()["path"]) == (status, where)
    assert profiles.count(doors.current_store()) == 1


@pytest.mark.parametrize("path", ["", "/1", "/nothing/else"])
def test_without_a_key_nothing_is_told(client, path):
    del client.headers["x-api-key"]

    assert client.get(f"{THERE}{path}").status_code == (404 if path == "/nothing/else" else 401)
