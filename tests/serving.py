"""The program as a user starts it, on a port of its own, for tests that knock from outside."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from email.message import Message

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_SECONDS = 120
"""How long anything is waited for before a test gives it up: longer than it takes on the slowest machine with everything beside it."""

WAYS = {
    "streamlit": ("streamlit", "run", "app.py", "--server.headless=true", "--server.port={port}"),
    "uvicorn": ("uvicorn", "app:app", "--ws=websockets-sansio", "--port={port}"),
}


@dataclass
class Server:
    """A running User 360: its process, and the address its pages begin with."""

    process: subprocess.Popen[bytes]
    address: str


@contextmanager
def serve(database: str | Path, log: Path, way: str = "streamlit", port: int = 0) -> Iterator[Server]:
    """Start the program on a database, wait until it answers, and end it afterwards."""
    port = port or free_port()
    command = [sys.executable, "-m", *(part.format(port=port) for part in WAYS[way])]
    with log.open("ab") as told:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=told, stderr=told, env={**os.environ, "USER360_DATABASE": str(database)}
        )
    server = Server(process, f"http://127.0.0.1:{port}")
    try:
        _wait(server, log)
        yield server
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(timeout=PATIENCE_SECONDS)


def ask(address: str) -> tuple[int, Message, bytes]:
    """Status, headers and body of one GET, refused or not."""
    try:
        with urllib.request.urlopen(address, timeout=PATIENCE_SECONDS) as answer:  # noqa: S310 - our own server
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.headers, refused.read()


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


def until(done: Callable[[], object], otherwise: str, rest: Callable[[float], object] = time.sleep) -> None:
    """Look again and again until it is so, and complain of what is `otherwise` where it never is."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not done():
        assert time.monotonic() < end, otherwise
        rest(0.02)


def _wait(server: Server, log: Path) -> None:
    until(lambda: server.process.poll() is not None or _answers(server), "the server neither answered nor ended")
    assert server.process.poll() is None, f"the server ended:\n{log.read_text('utf-8', 'replace')}"


def _answers(server: Server) -> bool:
    try:
        ask(f"{server.address}/api/health")
    except OSError:
        return False
    return True
