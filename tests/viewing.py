"""A page as the server draws it for a browser, without one: how long it takes until it is whole."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PATIENCE_SECONDS = 60


@dataclass
class Visit:
    """One browser's connection."""

    connection: Any

    async def draw(self, page: str, query: str = "") -> float:
        """Ask for a page and answer after how many seconds the last of it came."""
        asked = BackMsg()
        asked.rerun_script.page_name = page
        asked.rerun_script.query_string = query
        started = time.perf_counter()
        await self.connection.send(asked.SerializeToString())
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                told = ForwardMsg()
                told.ParseFromString(await self.connection.recv())
                if told.WhichOneof("type") == "script_finished":
                    return time.perf_counter() - started


@asynccontextmanager
async def visit(address: str) -> AsyncIterator[Visit]:
    """A browser's connection to the program at this address."""
    place = address.replace("http://", "ws://") + "/_stcore/stream"
    async with websockets.connect(place, subprotocols=["streamlit"], max_size=None) as connection:  # type: ignore[list-item]
        yield Visit(connection)
