"""User 360 starts in each of its three ways."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest

from app import app
from tests.serving import PATIENCE_SECONDS, ROOT, WAYS, ask, serve
from user360 import doors, web
from user360.store import open_store


@pytest.mark.parametrize("way", WAYS)
def test_pages_and_api_answer_from_one_process_and_leave_a_whole_database(way, tmp_path):
    with serve(doors.database(), tmp_path / "server.log", way) as server:
        status, headers, body = ask(f"{server.address}/api/health")
        assert (status, json.loads(body)["database"]) == (200, "ok")
        assert headers["Content-Security-Policy"] == web.CONTENT_SECURITY_POLICY

        status, headers, body = ask(f"{server.address}/v1/typo")
        assert (status, json.loads(body)["code"]) == (404, "unknown")

        status, headers, body = ask(f"{server.address}/users")
        assert (status, headers["Content-Type"].split(";")[0], b"<!doctype html>" in body.lower()) == (200, "text/html", True)
        assert headers["Content-Security-Policy"] == web.CONTENT_SECURITY_POLICY

    assert not Path(f"{doors.database()}.wal").exists()
    open_store(doors.database()).close()


def test_the_application_answers_under_every_prefix_of_its_own_in_json():
    with TestClient(app) as client:
        assert client.get("/api/health").json()["database"] == "ok"
        for path in ("/api", "/api/", "/api/nothing", "/v1", "/v1/track", "/files", "/files/nothing"):
            assert (path, client.get(path).headers["content-type"]) == (path, "application/json")


def test_as_a_script_it_draws_the_pages():
    page = AppTest.from_file(str(ROOT / "app.py"), default_timeout=PATIENCE_SECONDS).run()

    assert [each.message for each in page.exception] == []
    assert [each.value for each in page.error] == []
    assert len(page.main.children) > 0
