"""How much the tracking API takes in, how long a client waits for its answer, and how long a page takes meanwhile.

    python -m tests.benchmarks.collecting [--seconds S] [--people N] [--batches 1,100,1000] [--connections 1,8,32]

Starts the program as a user does, on a database of its own, and sends to it from another process of the same
machine; so both share its processors. Every answer that is no 200 is counted and told. At the end it says how many
messages were answered and how many are there.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import itertools
import json
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import uvloop

from tests import viewing
from tests.serving import Server, serve
from user360 import sources
from user360.sql import sql
from user360.store import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator

AT: Final = datetime(2026, 11, 23, 12, 50, tzinfo=UTC)
LEAST_VIEWS: Final = 3
NAMES: Final = ("Product Viewed", "Product Added", "Cart Viewed", "Checkout Started", "Order Completed")
PREPARED: Final = 1_000
MARK: Final = "@@@@@@@@"
GOALS: Final = {(1, 32): 1_000, (100, 32): 15_000}
GOAL_SECONDS: Final = 0.5


@dataclass
class Sent:
    """What one round came to: messages stored, seconds it took, and of each request how long its answer took."""

    messages: int = 0
    seconds: float = 0.0
    waits: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)


# -- sending, in a process of its own -------------------------------------------------------------


def bodies(batch: int, people: int, start: str) -> Iterator[bytes]:
    """Request bodies, each message under an id of its own, about people who come again and again.

    They are written beforehand and only their ids are new each time, so that who sends takes little of the processors.
    """
    first = zlib.crc32(start.encode())
    prepared = []
    for number in range(max(8, PREPARED // batch)):
        who = [(first + number * batch + each) * 7_919 % people for each in range(batch)]
        whole = [_message(f"{MARK}-{each}", one) for each, one in enumerate(who)]
        prepared.append(json.dumps(whole[0] if batch == 1 else {"batch": whole}, separators=(",", ":")).encode())
    for number in itertools.count():
        yield prepared[number % len(prepared)].replace(MARK.encode(), f"{start}-{number}".encode())


def _message(message_id: str, who: int) -> dict[str, Any]:
    return {
        "type": "track",
        "event": NAMES[who % len(NAMES)],
        "messageId": message_id,
        "userId": f"user-{who}",
        "anonymousId": f"device-{who}",
        "properties": {"price": who % 100 + 0.5, "currency": "EUR", "sku": f"sku-{who % 1000}"},
        "context": {"library": {"name": "analytics-node", "version": "3.1.0"}, "locale": "de-DE"},
    }


async def _connection(port: int, key: str, path: str, feed: Iterator[bytes], batch: int, until: float, sent: Sent) -> None:
    """Send one request after the other on one kept connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    basic = base64.b64encode(f"{key}:".encode()).decode()
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Basic {basic}\r\nContent-Type: application/json\r\n"
    while time.perf_counter() < until:
        body = next(feed)
        started = time.perf_counter()
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        lengths = [line for line in answer.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        await reader.readexactly(int(lengths[0].split(b":")[1]))
        status = answer.split(b" ", 2)[1].decode()
        sent.statuses[status] += 1
        if status == "200":
            sent.waits.append(time.perf_counter() - started)
            sent.messages += batch
        else:
            await asyncio.sleep(0.1)
    writer.close()


async def _send(port: int, key: str, batch: int, connections: int, seconds: float, people: int) -> Sent:
    sent = Sent()
    path = "/v1/track" if batch == 1 else "/v1/batch"
    feeds = [bodies(batch, people, f"{batch}-{connections}-{each}-{time.time_ns()}") for each in range(connections)]
    for feed in feeds:
        next(feed)
    started = time.perf_counter()
    await asyncio.gather(*(_connection(port, key, path, feed, batch, started + seconds, sent) for feed in feeds))
    sent.seconds = time.perf_counter() - started
    return sent


def _sending(port: int, key: str, batch: int, connections: int, seconds: float, people: int) -> subprocess.Popen[str]:
    arguments = [str(each) for each in (port, key, batch, connections, seconds, people)]
    command = [sys.executable, "-m", "tests.benchmarks.collecting", "--send", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


# -- watching -------------------------------------------------------------------------------------


def memory(process: int) -> int:
    """Megabytes of memory a process holds."""
    lines = Path(f"/proc/{process}/status").read_text("utf-8").splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) // 1024


async def _views(server: Server, until: float, key: str = "", sent: Sent | None = None) -> list[float]:
    """How long the users page takes, drawn again and again by a browser's connection that is kept.

    With a key one message is sent before each, so that the page has to ask anew, as it has to while others send.
    """
    port = int(server.address.rsplit(":", 1)[1])
    async with viewing.visit(server.address) as visit:
        await visit.draw("users")
        found = []
        while time.perf_counter() < until or len(found) < LEAST_VIEWS:
            if key:
                feed = bodies(1, 1, f"idle-{time.time_ns()}")
                await _connection(port, key, "/v1/track", feed, 1, time.perf_counter() + 0.001, sent or Sent())
            found.append(await visit.draw("users"))
            await asyncio.sleep(0.3)
        return found


def quantile(values: list[float], share: float) -> float:
    """The value that so much of all lie below, in milliseconds."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] * 1_000 if values else float("nan")


def main() -> None:
    """Run every round and print a line for each."""
    if sys.argv[1:2] == ["--send"]:
        port, key, batch, connections, seconds, people = sys.argv[2:]
        sent = uvloop.run(_send(int(port), key, int(batch), int(connections), float(seconds), int(people)))
        waits = {"requests": len(sent.waits), "p50": quantile(sent.waits, 0.5), "p99": quantile(sent.waits, 0.99)}
        print(json.dumps({"messages": sent.messages, "seconds": sent.seconds, "statuses": sent.statuses, **waits}))
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--people", type=int, default=20_000)
    parser.add_argument("--batches", default="1,100,1000")
    parser.add_argument("--connections", default="1,8,32")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "collected.duckdb"
        store = open_store(database)
        sources.define(store, "Shop", "server", by="benchmark", at=AT)
        key = sources.create_key(store, "Shop", by="benchmark", at=AT)
        store.close()
        with serve(database, Path(folder) / "server.log") as server:
            messages = _rounds(server, key, asked)
        store = open_store(database)
        found = store.rows(sql("SELECT count(*), count(DISTINCT message_id) FROM events WHERE event_id > 3"))[0]
        store.close()
    print(f"\nanswered {messages:,} · stored {found[0]:,} · of different ids {found[1]:,}")


def _rounds(server: Server, key: str, asked: argparse.Namespace) -> int:
    port = int(server.address.rsplit(":", 1)[1])
    first = json.loads(_sending(port, key, 1000, 4, asked.people / 10_000, asked.people).communicate()[0])
    now_and_then = Sent()
    idle = statistics.median(asyncio.run(_views(server, time.perf_counter() + 4, key, now_and_then))) * 1_000
    print(f"the users page, with a message now and then: {idle:.0f} ms · memory {memory(server.process.pid):,} MB")
    print(f"{'batch':>6}{'conns':>6}{'events/s':>10}{'req/s':>8}{'p50 ms':>8}{'p99 ms':>8}{'page ms':>9}{'MB':>6}  goal")
    messages = first["messages"] + now_and_then.messages
    for batch, connections in itertools.product(_numbers(asked.batches), _numbers(asked.connections)):
        sending = _sending(port, key, batch, connections, asked.seconds, asked.people)
        page = statistics.median(asyncio.run(_views(server, time.perf_counter() + asked.seconds - 2))) * 1_000
        sent = json.loads(sending.communicate()[0])
        messages += sent["messages"]
        per_second, p99 = sent["messages"] / sent["seconds"], sent["p99"]
        goal = GOALS.get((batch, connections))
        met = "" if goal is None else f"{goal:,}/s: " + ("met" if per_second >= goal and p99 < GOAL_SECONDS * 1_000 else "missed")
        odd = {status: count for status, count in sent["statuses"].items() if status != "200"}
        print(
            f"{batch:>6}{connections:>6}{per_second:>10,.0f}{sent['requests'] / sent['seconds']:>8,.0f}{sent['p50']:>8.0f}"
            f"{p99:>8.0f}{page:>9.0f}{memory(server.process.pid):>6,}  {met}{' ' + str(odd) if odd else ''}",
            flush=True,
        )
    return messages


def _numbers(text: str) -> list[int]:
    return [int(each) for each in text.split(",")]


if __name__ == "__main__":
    main()
