"""Kills the program under load, again and again, and looks afterwards for every message it had answered.

    python -m tests.killing [KILLS]

Clients send batches over several connections, the next when the last was answered; what was not answered they send
again, as SDKs do, until it is. What was answered is written down here, outside of the program, and compared in the end.
"""

from __future__ import annotations

import base64
import http.client
import itertools
import json
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from tests.serving import PATIENCE_SECONDS, free_port, serve, until
from user360 import sources
from user360.sql import sql
from user360.store import Store, open_store

AT: Final = datetime(2026, 11, 23, 12, 50, tzinfo=UTC)
CONNECTIONS: Final = 6
BATCH: Final = 10
PEOPLE: Final = 200
FULL: Final = 50


@dataclass
class Answered:
    """What clients were told is stored, and how often they had to send something again."""

    events: set[str] = field(default_factory=set)
    people: dict[str, int] = field(default_factory=dict)
    again: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass(frozen=True)
class Outcome:
    """What was found: kills, messages answered, those of them that are not there, ids there twice, changes the file had lost."""

    kills: int
    answered: int
    again: int
    lost: tuple[str, ...]
    doubled: tuple[str, ...]
    untold: tuple[str, ...]
    missing: int


def killed(folder: Path, kills: int, *, seed: int = 7) -> Outcome:
    """Kill the program so many times under load, then stop it in peace and look what is there."""
    database, port, chance = folder / "user360.duckdb", free_port(), random.Random(seed)  # noqa: S311 - when to kill is no secret
    store = open_store(database)
    sources.define(store, "Backend", "server", by="test", at=AT)
    key = sources.create_key(store, "Backend", by="test", at=AT)
    store.close()
    answered, stop = Answered(), threading.Event()
    clients = [threading.Thread(target=_client, args=(number, port, key, answered, stop)) for number in range(CONNECTIONS)]
    for each in clients:
        each.start()
    try:
        for _ in range(kills):
            with serve(database, folder / "log", "uvicorn", port) as server:
                _more(answered, 1)
                time.sleep(chance.uniform(0.0, 1.3))
                server.process.kill()
        with serve(database, folder / "log", "uvicorn", port):
            _more(answered, CONNECTIONS * BATCH * 2)
            stop.set()
            for each in clients:
                each.join()
    finally:
        stop.set()
    return _found(database, answered, kills)


def _more(answered: Answered, events: int) -> None:
    """Wait until so many more events were answered, however busy the machine is."""
    before = len(answered.events)
    until(lambda: len(answered.events) >= before + events, "nobody was answered any more")


def _found(database: Path, answered: Answered, kills: int) -> Outcome:
    store = open_store(database)
    try:
        times = Counter(dict(_events(store)))
        plans = dict(store.rows(sql('SELECT "userId", "firstName" FROM profiles')))
        untold = [who for who, number in answered.people.items() if int(plans.get(who) or -1) < number]
        return Outcome(
            kills,
            len(answered.events),
            answered.again,
            tuple(sorted(each for each in answered.events if not times[each])),
            tuple(sorted(each for each, number in times.items() if number > 1)),
            tuple(untold),
            store.missing,
        )
    finally:
        store.close()


def _events(store: Store) -> list[tuple[str, int]]:
    return store.rows(sql("SELECT message_id, count(*) FROM events WHERE message_id LIKE 'k-%' GROUP BY message_id"))


def _client(client: int, port: int, key: str, answered: Answered, stop: threading.Event) -> None:
    """Send one batch after the other; each again until it was answered."""
    basic = base64.b64encode(f"{key}:".encode()).decode()
    headers = {"Authorization": f"Basic {basic}", "Content-Type": "application/json"}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
    for number in itertools.count():
        batch = _batch(client, number)
        body = json.dumps({"batch": batch}).encode()
        while not stop.is_set():
            try:
                connection.request("POST", "/v1/batch", body, headers)
                answer = connection.getresponse()
                answer.read()
                if answer.status == http.client.OK:
                    break
            except (OSError, http.client.HTTPException):
                connection.close()
            answered.again += 1
            time.sleep(0.05)
        if stop.is_set():
            connection.close()
            return
        with answered.lock:
            answered.events.update(each["messageId"] for each in batch if each["type"] == "track")
            answered.people.update({each["userId"]: number for each in batch if each["type"] == "identify"})


def _batch(client: int, number: int) -> list[dict[str, Any]]:
    """Events about people of this client's own, and once in a batch what is said of one of them: the number of the batch."""
    who = [f"user-{client}-{(number * BATCH + each) % PEOPLE}" for each in range(BATCH)]
    told = [
        {
            "type": "track",
            "event": "Bought",
            "userId": each,
            "messageId": f"k-{client}-{number}-{place}",
            "properties": {"n": place},
        }
        for place, each in enumerate(who)
    ]
    said = {
        "type": "identify",
        "userId": f"user-{client}-0",
        "messageId": f"i-{client}-{number}",
        "traits": {"firstName": str(number)},
    }
    return [*told, said]


def main() -> None:
    """Kill as often as was asked, and say what was found."""
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else FULL
    with tempfile.TemporaryDirectory() as folder:
        found = killed(Path(folder), kills, seed=time.time_ns())
    print(f"{found.kills} kills · {found.answered:,} events answered · {found.again:,} requests sent again")  # noqa: T201
    print(f"lost {len(found.lost)} · twice {len(found.doubled)} · values lost {len(found.untold)} · changes lost {found.missing}")  # noqa: T201
    if found.lost or found.doubled or found.untold or found.missing:
        sys.exit(1)


if __name__ == "__main__":
    main()
