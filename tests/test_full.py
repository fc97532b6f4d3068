"""A disk that is full under load: refused with a time to come back, nothing answered is lost, and it goes on once there is room.

The limit is one on the size of files, which the kernel lays on the running program: every write beyond it fails as on a
full disk, needs no rights, and can be lifted again.
"""

from __future__ import annotations

import base64
import http.client
import itertools
import json
import resource
import sys
import threading
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.serving import PATIENCE_SECONDS, Server, ask, serve, until
from tests.worlds import AT
from user360 import sources
from user360.sql import sql
from user360.store import open_store

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux lays a limit on a process that runs"),
]
BATCH = 200
PADDING = "x" * 400
MOST = 10_000  # answers, a gigabyte of events
ENDLESS = resource.RLIM_INFINITY


@dataclass
class Load:
    """Clients that send one batch after the other, each again until it is taken, and write down what they were answered."""

    server: Server
    key: str
    answered: set[str] = field(default_factory=set)
    statuses: Counter[int] = field(default_factory=Counter)
    hasty: int = 0
    stop: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def client(self, number: int) -> None:
        """Send until all is over."""
        port = int(self.server.address.rsplit(":", 1)[1])
        basic = "Basic " + base64.b64encode(f"{self.key}:".encode()).decode()
        headers = {"Authorization": basic, "Connection": "close"}  # an idle one would be closed under a slow client
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
        with closing(connection):
            self._send(connection, headers, number)

    def _send(self, connection: http.client.HTTPConnection, headers: dict[str, str], number: int) -> None:
        for turn in itertools.count():
            ids = [f"{number}-{turn}-{each}" for each in range(BATCH)]
            body = json.dumps({"batch": [_message(each) for each in ids]}).encode()
            while not self.stop.is_set():
                connection.request("POST", "/v1/batch", body, headers)
                answer = connection.getresponse()
                answer.read()
                with self.lock:
                    self.statuses[answer.status] += 1
                    self.hasty += answer.status != 200 and not answer.headers.get("Retry-After")
                if answer.status == 200:
                    self.answered.update(ids)
                    break
                time.sleep(0.05)
            if self.stop.is_set():
                return

    def until(self, status: int, times: int = 1) -> None:
        """Wait until so many more were answered so, as long as anybody is answered at all."""
        end = self.statuses[status] + times
        while self.statuses[status] < end:
            assert self.statuses.total() < MOST, f"nobody was answered {status}: {self.statuses}"
            self._until_anybody()

    def _until_anybody(self) -> None:
        before = self.statuses.total()
        until(lambda: self.statuses.total() > before, "nobody was answered any more")


def _message(message_id: str) -> dict[str, Any]:
    return {"type": "track", "event": "Bought", "userId": "ann", "messageId": message_id, "properties": {"padding": PADDING}}


@pytest.fixture
def database(tmp_path: Path) -> tuple[Path, str]:
    store = open_store(tmp_path / "user360.duckdb")
    sources.define(store, "Backend", "server", by="ann", at=AT)
    key = sources.create_key(store, "Backend", by="ann", at=AT)
    with store.transaction() as tx:  # the file has to be larger than its log, which is written into it at 32 MB
        tx.execute(sql("INSERT INTO taken_messages SELECT md5(range::VARCHAR), hash(range), 0 FROM range(1400000)"))
    store.close()
    return tmp_path / "user360.duckdb", key


def limit(server: Server, size: int) -> None:
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (size, ENDLESS))


def size_of(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


@pytest.mark.parametrize("full", ["the log", "the file"])
def test_a_full_disk_refuses_loses_nothing_and_goes_on_once_there_is_room(database, tmp_path, full):
    file, key = database
    with serve(file, tmp_path / "log", "uvicorn") as server:
        load = Load(server, key)
        clients = [threading.Thread(target=load.client, args=(number,)) for number in range(4)]
        for each in clients:
            each.start()
        try:
            load.until(200)
            log = Path(f"{file}.wal")
            assert size_of(file) > 36 << 20
            limit(server, size_of(log) + (200 << 10) if full == "the log" else size_of(file) + (64 << 10))
            load.until(503, 50)
            assert ask(f"{server.address}/api/docs")[0] == 200
            limit(server, ENDLESS)
            load.until(200, 2)
        finally:
            limit(server, ENDLESS)
            load.stop.set()
            for each in clients:
                each.join()
    store = open_store(file)
    found = Counter(dict(store.rows(sql("SELECT message_id, count(*) FROM events WHERE event_id > 3 GROUP BY ALL"))))
    missing = store.missing
    store.close()

    assert set(load.statuses) == {200, 503}
    assert load.hasty == 0
    assert (load.answered - found.keys(), [each for each, times in found.items() if times > 1], missing) == (set(), [], 0)
    assert server.process.returncode == 0
