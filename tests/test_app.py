"""User 360 starts in each of its three ways."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest

from app import app
from user360 import doors, web
from user360.store import open_store

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_SECONDS = 40

WAYS = {
    "streamlit": ("streamlit", "run", "app.py", "--server.headless=true", "--server.port={port}"),
    "uvicorn": ("uvicorn", "app:app", "--ws=websockets-sansio", "--port={port}"),
}


def free_port():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


def ask(address):
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:  # noqa: S310 - our own server
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.headers, refused.read()


def wait_for(address, server):
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end and server.poll() is None:
        try:
            return ask(address)
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"no answer from {address}")


@pytest.fixture(params=WAYS)
def server(request, tmp_path):
    """The program as a user starts it, on a port of its own."""
    port = free_port()
    command = [sys.executable, "-m", *(part.format(port=port) for part in WAYS[request.param])]
    with (tmp_path / "server.log").open("wb") as log:
        started = subprocess.Popen(
            command, cwd=ROOT, stdout=log, stderr=log, env={**os.environ, "USER360_DATABASE": doors.database()}
        )
    try:
        yield started, f"http://127.0.0.1:{port}"
    finally:
        if started.poll() is None:
            started.kill()
        started.wait(timeout=PATIENCE_SECONDS)


def test_pages_and_api_answer_from_one_process_and_leave_a_whole_database(server):
    started, address = server

    status, headers, body = wait_for(f"{address}/api/health", started)
    assert (status, json.loads(body)["database"]) == (200, "ok")
    assert headers["Content-Security-Policy"] == web.CONTENT_SECURITY_POLICY

    status, headers, body = ask(f"{address}/v1/typo")
    assert (status, json.loads(body)["code"]) == (404, "unknown")

    status, headers, body = ask(f"{address}/users")
    assert (status, headers["Content-Type"].split(";")[0], b"<!doctype html>" in body.lower()) == (200, "text/html", True)
    assert headers["Content-Security-Policy"] == web.CONTENT_SECURITY_POLICY

    started.send_signal(signal.SIGTERM)
    started.wait(timeout=PATIENCE_SECONDS)
    assert not Path(f"{doors.database()}.wal").exists()
    open_store(doors.database()).close()


def test_the_application_answers_under_both_apis_in_json():
    with TestClient(app) as client:
        assert client.get("/api/health").json()["database"] == "ok"
        for path in ("/api", "/api/", "/api/nothing", "/v1", "/v1/track", "/files", "/files/nothing"):
            assert (path, client.get(path).headers["content-type"]) == (path, "application/json")


def test_as_a_script_it_draws_the_pages():
    try:
        page = AppTest.from_file(str(ROOT / "app.py"), default_timeout=PATIENCE_SECONDS).run()

        assert [each.message for each in page.exception] == []
        assert len(page.main.children) > 0
    finally:
        doors.close()
