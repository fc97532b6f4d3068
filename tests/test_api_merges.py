"""Merges and duplicates over HTTP."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from tests.serving import PATIENCE_SECONDS
from tests.worlds import AT, events, take, users
from user360 import doors, jobs, keys, profiles, web

pytestmark = pytest.mark.usefixtures("workspace")


@pytest.fixture
def client():
    with TestClient(Starlette(routes=web.routes(), lifespan=web.lifespan), raise_server_exceptions=False) as opened:
        store = doors.current_store()
        take(store, users([{"userId": "u1", "city": "Oslo"}, {"userId": "u2", "city": "Bergen", "firstName": "Åsa"}]))
        take(store, events([("u2", "Order", AT), ("u2", "View", AT)]))
        opened.headers["Authorization"] = f"Bearer {keys.create(store, 'write', 'test', by='ann', at=AT)}"
        yield opened


def test_a_merge_is_foreseen_done_and_undone(client):
    foreseen = client.post("/api/users/merge", json={"keep": "u1", "absorb": "u2", "dry_run": True}).json()

    assert (foreseen["id"], foreseen["dryRun"], foreseen["kept"], foreseen["absorbed"]) == (None, True, "u1", "u2")
    assert foreseen["fills"] == {"firstName": "Åsa"}
    assert foreseen["stays"]["city"] == {"stays": "Oslo", "left": "Bergen"}
    assert profiles.count(doors.current_store()) == 2

    done = client.post("/api/users/merge", json={"keep": "u1", "absorb": "u2"}).json()
    assert (done["status"], done["kept"], done["absorbed"], done["filled"]) == ("done", "u1", "u2", ["firstName"])
    assert done["events"] == foreseen["events"]
    both = client.get("/api/users/u2").json()
    assert (both["userId"], both["properties"]["firstName"], both["properties"]["city"]) == ("u1", "Åsa", "Oslo")
    assert client.get("/api/merges").json()["items"] == [done]
    assert client.get(f"/api/merges/{done['id']}").json() == done

    tried = client.post(f"/api/merges/{done['id']}/undo", json={"dry_run": True}).json()
    assert (tried["status"], tried["dryRun"], profiles.count(doors.current_store())) == ("undone", True, 1)
    undone = client.post(f"/api/merges/{done['id']}/undo").json()
    assert (undone["status"], undone["settledBy"]) == ("undone", "test (API)")
    assert client.get("/api/users/u2").json()["properties"]["city"] == "Bergen"
    assert "firstName" not in client.get("/api/users/u1").json()["properties"]


def test_who_has_no_user_id_is_merged_by_their_stable_id(client):
    nobody = client.post("/api/users", json={"properties": {"lastName": "Berg"}}).json()

    done = client.post("/api/users/merge", json={"keep": "u1", "absorb": f"id:{nobody['id']}"}).json()

    assert (done["absorbed"], done["absorbedId"]) == (f"id:{nobody['id']}", nobody["id"])
    assert client.get("/api/users/u1").json()["properties"]["lastName"] == "Berg"


def test_duplicates_are_searched_listed_merged_and_dismissed(client):
    same = {"firstName": "Åsa", "lastName": "Berg", "email": "asa@example.com", "dob": "1990-01-02"}
    for each in ("u7", "u8"):
        client.post("/api/users", json={"userId": each, "properties": same})
    before = client.get("/api/duplicates/search").json()

    assert client.post("/api/duplicates/search").status_code == 202
    for job in jobs.running():
        jobs.wait(job.id, PATIENCE_SECONDS)
    told = client.get("/api/duplicates/search").json()
    assert (before["at"], told["running"], told["users"], told["found"]) == (None, False, 4, 1)
    (pair,) = client.get("/api/duplicates").json()["items"]
    assert (pair["users"], pair["status"]) == (["u7", "u8"], "open")
    assert abs(sum(pair["parts"].values()) - pair["bits"]) < 0.01
    assert client.get("/api/duplicates", params={"least": 99}).json()["total"] == int(pair["probability"] >= 0.99)

    gone = client.post(f"/api/duplicates/{pair['id']}/dismiss").json()
    assert (gone["status"], gone["decidedBy"]) == ("dismissed", "test (API)")
    assert client.get("/api/duplicates").json()["total"] == 0
    assert client.get("/api/duplicates", params={"status": "dismissed"}).json()["items"] == [gone]
    assert client.post(f"/api/duplicates/{pair['id']}/reopen").json()["status"] == "open"
    keep, absorb = pair["users"]
    client.post("/api/users/merge", json={"keep": keep, "absorb": absorb})
    assert client.get("/api/duplicates").json()["total"] == 0
    assert client.get("/api/duplicates", params={"status": "all"}).status_code == 422


@pytest.mark.parametrize("dry", [True, False])
@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"keep": "u1", "absorb": "u1"}, 409),
        ({"keep": "u1", "absorb": "u9"}, 404),
        ({"keep": "u1"}, 422),
        ({"keep": "u1", "absorb": 2}, 422),
    ],
)
def test_a_merge_that_cannot_be_is_refused(client, body, status, dry):
    assert client.post("/api/users/merge", json=body | {"dry_run": dry}).status_code == status
    assert profiles.count(doors.current_store()) == 2


def test_a_merge_is_undone_once(client):
    done = client.post("/api/users/merge", json={"keep": "u1", "absorb": "u2"}).json()
    client.post(f"/api/merges/{done['id']}/undo")

    for body in ({}, {"dry_run": True}):
        assert client.post(f"/api/merges/{done['id']}/undo", json=body).status_code == 409
    assert client.post("/api/merges/99/undo").status_code == 404
    assert client.post("/api/merges/x/undo").status_code == 404
