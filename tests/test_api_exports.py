"""Exports over HTTP: begun, watched, fetched, refused."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from tests.serving import PATIENCE_SECONDS
from tests.worlds import events, take, users
from user360 import doors, jobs, keys, web

NOW = datetime(2026, 11, 23, 12, 50, tzinfo=UTC)
GERMANS = {"version": 1, "match": "all", "conditions": [{"property": "country", "operator": "is", "values": ["DE"]}]}

pytestmark = pytest.mark.usefixtures("workspace")


@pytest.fixture
def client():
    with TestClient(Starlette(routes=web.routes(), lifespan=web.lifespan), raise_server_exceptions=False) as opened:
        store = doors.current_store()
        take(
            store,
            users([{"userId": f"u{each}", "country": "DE" if each < 3 else "FR", "firstName": "=x"} for each in range(1, 5)]),
        )
        take(store, events([("u1", "Order", NOW), ("u4", "Order", NOW)], properties=['{"amount": 5}', None]))
        opened.headers["Authorization"] = f"Bearer {keys.create(store, 'write', 'test', by='ann', at=NOW)}"
        yield opened


def made(client, **asked):
    begun = client.post("/api/exports", json=asked)
    assert begun.status_code == 201, begun.text
    for each in jobs.running():
        jobs.wait(each.id, PATIENCE_SECONDS)
    return client.get(begun.headers["location"]).json()


def test_users_of_a_definition_become_a_file(client):
    found = made(client, definition=GERMANS, columns=["userId", "firstName"], sort=["-userId"], format="csv", name="germans")

    assert (found["status"], found["rows"], found["file"]) == ("completed", 2, "germans.csv")
    answer = client.get(f"/api/exports/{found['id']}/file")
    assert answer.text.splitlines() == ['"userId","firstName"', '"u2","\'=x"', '"u1","\'=x"']
    assert 'filename="germans.csv"' in answer.headers["content-disposition"]


def test_a_packed_file_of_events_comes_with_its_manifest(client):
    asked = {"of": "events", "events": ["Order"], "columns": ["userId", "properties.amount"], "format": "jsonl", "gzip": True}
    found = made(client, **asked, manifest=True)

    lines = gzip.decompress(client.get(f"/api/exports/{found['id']}/file").content).decode().splitlines()
    assert sorted(json.loads(each)["userId"] for each in lines) == ["u1", "u4"]
    assert client.get(f"/api/exports/{found['id']}/manifest").json()["rows"] == 2


@pytest.mark.parametrize(
    ("asked", "status", "told"),
    [
        ({"format": "docx"}, 404, "docx"),
        ({"columns": ["nope"]}, 404, "nope"),
        ({"of": "insights"}, 422, "users or events"),
        ({"definition": GERMANS, "segment": "s1"}, 422, "either a definition or a segment"),
        ({"segment": "s9"}, 404, "s9"),
        ({"gzip": "yes"}, 422, "true or false"),
        ({"headers": {"userId": 1}}, 422, "object of texts"),
        ({"events": ["Order"]}, 422, "is for events"),
        ({"of": "events", "sort": ["userId"]}, 422, "is for users"),
        ({"definition": {"match": "all", "conditions": [{"property": "nope", "operator": "is_known"}]}}, 422, "nope"),
    ],
)
def test_what_cannot_be_is_refused_before_a_job_begins(client, asked, status, told):
    answer = client.post("/api/exports", json=asked)

    assert (answer.status_code, told in answer.text) == (status, True), answer.text
    assert client.get("/api/exports").json()["total"] == 0


def test_a_file_that_was_deleted_is_gone_and_its_export_still_told(client):
    found = made(client, columns=["userId"])

    assert client.delete(f"/api/exports/{found['id']}").json()["status"] == "deleted"
    assert client.get(f"/api/exports/{found['id']}/file").status_code == 404
    assert client.post(f"/api/exports/{found['id']}/stop").status_code == 409
    assert [each["id"] for each in client.get("/api/exports").json()["items"]] == [found["id"]]


@pytest.mark.parametrize("number", ["x", "7", "99999999999999999999", "%00"])
def test_an_export_that_is_not_there_is_unknown(client, number):
    assert client.get(f"/api/exports/{number}").status_code == 404
