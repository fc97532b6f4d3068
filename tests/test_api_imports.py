"""Imports over HTTP: tried, taken in, their failed rows fetched, taken back, refused."""

from __future__ import annotations

import json

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from tests.serving import PATIENCE_SECONDS
from tests.worlds import AT, take, users
from user360 import doors, jobs, keys, profiles, properties, web

ROWS = "userId,firstName,city,orders\nu1,Asha,Pune,3\nu2,Bo,,x\n\nu3,Cem,Izmir,5\n"

pytestmark = pytest.mark.usefixtures("workspace")


@pytest.fixture
def client():
    with TestClient(Starlette(routes=web.routes(), lifespan=web.lifespan), raise_server_exceptions=False) as opened:
        store = doors.current_store()
        properties.define(store, "orders", "number", by="ann", at=AT)
        take(store, users([{"userId": "u1", "city": "Delhi"}]))
        opened.headers["Authorization"] = f"Bearer {keys.create(store, 'write', 'test', by='ann', at=AT)}"
        yield opened


def send(client, rows=ROWS, name="users.csv", **form):
    return client.post("/api/imports", files={"file": (name, rows.encode())}, data=form)


def done(client, answer):
    assert answer.status_code == 201, answer.text
    for each in jobs.running():
        jobs.wait(each.id, PATIENCE_SECONDS)
    return client.get(answer.headers["location"]).json()


COUNTS = {"total": 3, "new": 1, "updated": 1, "unchanged": 0, "failed": 1}


def test_a_file_is_tried_taken_in_and_taken_back(client):
    tried = send(client, dry_run="true")
    assert tried.status_code == 200
    assert (tried.json()["id"], tried.json()["dryRun"]) == (None, True)
    assert tried.json().items() >= COUNTS.items()
    assert profiles.count(doors.current_store()) == 1

    taken = done(client, send(client))
    assert taken.items() >= {**COUNTS, "status": "completed", "file": "users.csv", "kind": "users"}.items()
    assert client.get("/api/users/u1").json()["properties"]["city"] == "Pune"
    failed = client.get(f"/api/imports/{taken['id']}/failed.csv")
    assert "u2" in failed.text
    assert failed.headers["content-type"].startswith("text/csv")
    assert client.get("/api/imports").json()["items"] == [taken]

    undone = client.post(f"/api/imports/{taken['id']}/undo").json()
    assert undone["status"] == "undone"
    assert client.get("/api/users/u1").json()["properties"]["city"] == "Delhi"
    assert client.get("/api/users/u3").status_code == 404
    assert client.post(f"/api/imports/{taken['id']}/undo").status_code == 409


def test_the_plan_of_a_call_is_followed(client):
    plan = {"mapping": {"userId": "userId", "city": "lastName"}, "tags": ["fair"], "segment": "Fair"}

    taken = done(client, send(client, plan=json.dumps(plan)))

    assert (taken["new"], taken["failed"]) == (2, 0)
    one = client.get("/api/users/u3").json()
    assert (one["properties"]["lastName"], one["properties"]["tags"], one["segments"]) == ("Izmir", ["fair"], ["s1"])


def test_events_are_taken_in_from_a_file_of_lines(client):
    lines = '{"userId": "u1", "event": "Order", "timestamp": "2026-11-20T10:00:00Z"}\n'

    taken = done(client, send(client, lines, "events.jsonl"))

    assert (taken["kind"], taken["new"]) == ("events", 1)
    assert client.get("/api/events/Order").json()["total"] == 1


@pytest.mark.parametrize(
    ("form", "status", "path"),
    [
        ({"plan": "{"}, 422, "$.plan"),
        ({"plan": "[]"}, 422, "$.plan"),
        ({"plan": '{"kind": "people"}'}, 422, "$.plan.kind"),
        ({"plan": '{"mapping": 5}'}, 422, "$.plan.mapping"),
        ({"plan": '{"tags": "fair"}'}, 422, "$.plan.tags"),
        ({"plan": '{"nothing": 1}'}, 400, ""),
        ({"plan": '{"mapping": {"city": "city"}}'}, 400, ""),
        ({"dry_run": "perhaps"}, 422, "$.dry_run"),
        ({"dryrun": "true"}, 422, "$.dryrun"),
    ],
)
def test_a_call_that_cannot_be_followed_is_refused_and_leaves_nothing(client, form, status, path):
    answer = send(client, **form)

    assert (answer.status_code, answer.json()["path"]) == (status, path)
    assert client.get("/api/imports").json()["total"] == 0
    assert list(doors.current_store().folder("imports").iterdir()) == []


def test_a_call_without_a_file_is_refused(client):
    assert client.post("/api/imports", data={"plan": "{}"}).json()["path"] == "$.file"
    assert client.post("/api/imports", json={"plan": {}}).json()["path"] == "$.file"
    assert client.get("/api/imports/99").status_code == 404
    assert client.get("/api/imports/x/failed.csv").status_code == 404


def test_a_name_that_leads_elsewhere_is_only_a_name(client):
    taken = done(client, send(client, name="../../etc/passwd.csv"))

    assert (taken["file"], taken["status"]) == ("passwd.csv", "completed")
