"""Whoever was answered was stored, whatever happens to the program afterwards."""

from __future__ import annotations

import json
import signal
import socket
import threading
import urllib.request
from typing import TYPE_CHECKING

import pytest

from tests.killing import killed
from tests.serving import PATIENCE_SECONDS, serve, until
from tests.worlds import AT
from user360 import sources
from user360.sql import sql
from user360.store import open_store

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow


def test_what_was_answered_before_a_kill_is_there_once(tmp_path: Path) -> None:
    """In full, with fifty kills: `python -m tests.killing`."""
    found = killed(tmp_path, 3)

    assert found.answered > 100
    assert (found.lost, found.doubled, found.untold, found.missing) == ((), (), (), 0)


def test_a_stop_in_peace_answers_who_waits_and_leaves_no_log(tmp_path: Path) -> None:
    database = tmp_path / "user360.duckdb"
    store = open_store(database)
    sources.define(store, "Backend", "server", by="ann", at=AT)
    key = sources.create_key(store, "Backend", by="ann", at=AT)
    store.close()
    answered: list[str] = []

    def send(address: str, client: int) -> None:
        for number in range(10_000):
            said = {"type": "track", "event": "Buy", "userId": "ann", "messageId": f"{client}-{number}"}
            asked = urllib.request.Request(  # noqa: S310 - our own server
                f"{address}/v1/track", json.dumps(said).encode(), {"X-Write-Key": key}
            )
            try:
                with urllib.request.urlopen(asked, timeout=PATIENCE_SECONDS) as answer:  # noqa: S310 - the same
                    assert answer.status == 200
            except OSError:
                return
            answered.append(f"{client}-{number}")

    with serve(database, tmp_path / "log") as server:
        clients = [threading.Thread(target=send, args=(server.address, client)) for client in range(4)]
        for each in clients:
            each.start()
        host, port = server.address.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as slow:
            slow.sendall(b"POST /v1/track HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
            until(lambda: len(answered) >= 100, "hardly anybody was answered")
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(PATIENCE_SECONDS) == 0
        for each in clients:
            each.join()

    assert not (tmp_path / "user360.duckdb.wal").exists()
    store = open_store(database)
    stored = [row[0] for row in store.rows(sql("SELECT message_id FROM events WHERE source_id IS NOT NULL"))]
    store.close()
    assert len(stored) == len(set(stored))
    assert set(answered) <= set(stored)
