"""Backups over HTTP, for admins."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from tests.worlds import take, users
from user360 import doors, keys, profiles, web

NOW = datetime(2026, 11, 23, 12, 50, tzinfo=UTC)

pytestmark = pytest.mark.usefixtures("workspace")


@pytest.fixture
def client():
    with TestClient(Starlette(routes=web.routes(), lifespan=web.lifespan), raise_server_exceptions=False) as opened:
        store = doors.current_store()
        take(store, users([{"userId": "u1"}]))
        opened.headers["Authorization"] = f"Bearer {keys.create(store, 'admin', 'test', by='ann', at=NOW)}"
        yield opened


def test_a_backup_is_made_fetched_and_put_back(client):
    made = client.post("/api/backups").json()
    take(doors.current_store(), users([{"userId": "u2"}]))

    assert len(client.get(f"/api/backups/{made['id']}/file").content) == made["bytes"]
    restored = client.post(f"/api/backups/{made['id']}/restore").json()
    assert profiles.count(doors.current_store()) == 1
    assert [each["id"] for each in client.get("/api/backups").json()["items"]] == [restored["kept"], made["id"]]
    assert client.delete(f"/api/backups/{restored['kept']}").status_code == 200
    assert client.get(f"/api/backups/{restored['kept']}").status_code == 404


def test_backups_follow_a_schedule(client):
    answer = client.put("/api/backups/schedule", json={"every": "day", "time": "03:30", "zone": "Europe/Berlin"})

    assert (answer.status_code, answer.json()["sentence"]) == (200, "Every day at 03:30 (Europe/Berlin)")
    assert client.get("/api/backups/schedule").json()["next"].endswith(":30:00Z")
    assert client.put("/api/backups/schedule", json={"every": "cron", "cron": "x"}).status_code == 422


def test_only_an_admin_may(client):
    client.headers["Authorization"] = f"Bearer {keys.create(doors.current_store(), 'write', 'writer', by='ann', at=NOW)}"

    assert client.get("/api/backups").status_code == 403
