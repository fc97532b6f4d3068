"""Five SDKs that others made, unmodified, against the program as a user starts it: nothing they send is lost or doubled."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.serving import PATIENCE_SECONDS, ask, free_port, serve, until
from tests.worlds import AT
from user360 import events, identities, profiles, sources
from user360.store import Store, open_store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.serving import Server

pytestmark = pytest.mark.slow

CLIENTS = Path(__file__).resolve().parent / "clients"
PACKAGES = ("@segment/analytics-node@3.1.0", "@rudderstack/rudder-sdk-node@3.0.13", "@jitsu/js@1.11.0")
SENDS_AGAIN = ("segment_python", "rudder_python", "segment_node", "rudder_node")
EVERY = (*SENDS_AGAIN, "jitsu")
COUNT = 60


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the three packages of npm."""
    npm = shutil.which("npm")
    if npm is None and not os.environ.get("CI"):
        pytest.skip("the SDKs for node need npm, which is not installed")
    folder = tmp_path_factory.mktemp("node")
    subprocess.run([str(npm), "install", "--silent", "--no-audit", "--no-fund", *PACKAGES], cwd=folder, check=True)
    return folder / "node_modules"


def start(client: str, address: str, key: str, modules: Path) -> subprocess.Popen[str]:
    script = next(CLIENTS.glob(f"{client}.*"))
    program = [sys.executable] if script.suffix == ".py" else ["node"]
    command = [*program, str(script), address, key, str(COUNT)]
    environment = {**os.environ, "NODE_PATH": str(modules)}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(running: dict[str, subprocess.Popen[str]]) -> dict[str, str]:
    """What each client printed, once it has said that all is sent."""
    told = {}
    try:
        for client, process in running.items():
            out, faults = process.communicate(timeout=5 * PATIENCE_SECONDS)  # each waits longer before it tries again
            assert process.returncode == 0, f"{client}: {faults}"
            told[client] = out
    finally:
        for process in running.values():
            if process.poll() is None:
                process.kill()
                process.communicate()
    return told


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "user360.duckdb"


@pytest.fixture
def key(database: Path) -> str:
    store = open_store(database)
    sources.define(store, "Backend", "server", by="ann", at=AT)
    secret = sources.create_key(store, "Backend", by="ann", at=AT)
    store.close()
    return secret


@contextmanager
def opened(database: Path) -> Iterator[Store]:
    store = open_store(database)
    try:
        yield store
    finally:
        store.close()


def bought(store: Store, client: str) -> list[int]:
    """Which of a client's events are stored, each as often as it is."""
    return sorted(int(each["properties"]["n"]) for each in happened(store, client) if each["event"] == "Bought")


def happened(store: Store, client: str) -> list[dict[str, Any]]:
    profile = identities.key_of(store, client.replace("_", "-"))
    assert profile is not None, f"nothing of {client} arrived"
    found = events.timeline(store, profile, limit=1_000).to_pylist()
    return [{**each, "properties": json.loads(each["properties"] or "{}")} for each in found]


def revision(server: Server) -> int:
    """A number that rises with whatever is stored."""
    return int(json.loads(ask(f"{server.address}/api/health")[2])["revision"])


# -- trouble --------------------------------------------------------------------------------------


@contextmanager
def in_between(target: str, *, refuse: int, status: int) -> Iterator[str]:
    """A server in between that answers the first requests of each client with a refusal and passes on the others."""
    host = target.removeprefix("http://")
    refused: dict[str, int] = {}
    lock = threading.Lock()

    class Between(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            client = self.headers.get("User-Agent", "") + self.headers.get("X-Write-Key", "")
            with lock:
                refused[client] = refused.get(client, 0) + 1
                turn = refused[client]
            if turn <= refuse:
                self.answer(status, b'{"code": "trouble", "message": "Not now."}', {"Retry-After": "1"})
                return
            passed = http.client.HTTPConnection(host, timeout=PATIENCE_SECONDS)
            headers = {name: value for name, value in self.headers.items() if name.lower() not in {"host", "connection"}}
            passed.request("POST", self.path, body, headers)
            found = passed.getresponse()
            self.answer(found.status, found.read(), {})
            passed.close()

        def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Type": "application/json", "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Between)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


# -- claims ---------------------------------------------------------------------------------------


def test_every_call_of_every_sdk_arrives_once(database: Path, key: str, modules: Path, tmp_path: Path) -> None:
    with serve(database, tmp_path / "log") as server:
        finish({client: start(client, server.address, key, modules) for client in EVERY})

    with opened(database) as store:
        for client in EVERY:
            name = client.replace("_", "-")
            found = happened(store, client)
            assert bought(store, client) == list(range(COUNT)), client
            others = {"Home", "Group"} if client == "jitsu" else {"Home", "Cart", "Group"}
            assert others <= {each["event"] for each in found}, client
            profile = identities.key_of(store, name)
            assert profile is not None
            assert profiles.get(store, profile).values["email"] == f"{name}@example.org"
            if client != "jitsu":
                assert f"{name}-before" in {each["id"] for each in identities.of(store, profile).to_pylist()}, client


@pytest.mark.parametrize(("refuse", "status"), [(2, 500), (2, 429), (1, 503)])
def test_what_is_refused_for_now_comes_again_and_counts_once(
    database: Path, key: str, modules: Path, tmp_path: Path, refuse: int, status: int
) -> None:
    with serve(database, tmp_path / "log") as server, in_between(server.address, refuse=refuse, status=status) as between:
        told = finish({client: start(client, between, key, modules) for client in EVERY})

    with opened(database) as store:
        for client in SENDS_AGAIN:
            assert bought(store, client) == list(range(COUNT)), client
        assert bought(store, "jitsu") == [int(each) for each in told["jitsu"].split()]


def test_a_restart_in_the_middle_loses_and_doubles_nothing(database: Path, key: str, modules: Path, tmp_path: Path) -> None:
    port = free_port()
    with serve(database, tmp_path / "log", port=port) as server:
        before = revision(server)
        running = {client: start(client, server.address, key, modules) for client in EVERY}
        until(lambda: revision(server) >= before + 20, "hardly anything was stored")
    with serve(database, tmp_path / "log", port=port):
        told = finish(running)

    with opened(database) as store:
        for client in SENDS_AGAIN:
            assert bought(store, client) == list(range(COUNT)), client
        answered = {int(each) for each in told["jitsu"].split()}
        found = bought(store, "jitsu")
        assert answered <= set(found)
        assert len(found) == len(set(found))
