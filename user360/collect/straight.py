"""The short way for messages: past everything a page needs and a message does not.

A request for a page goes through seven layers, each of which hears every part of the answer: the session of a
browser, packing, the pages' own addresses. Of a thousand requests a second that was half of all the work, done by
the one thread that carries every page, too. What a call does does not live here (`calls`), nor what a refusal looks
like (`web`): whatever is not the plain address of a call goes the long way, to the same calls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from user360.collect.calls import KINDS, OpenToBrowsers, call

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection

    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

_PLACES: Final = ("", "/s2s")


class Straight:
    """Middleware that answers the calls of the tracking API itself. `mounts` are the addresses they stand below."""

    def __init__(self, app: ASGIApp, mounts: Collection[str], answer: Callable[[Scope, Exception], Awaitable[Response]]) -> None:
        self._app = app
        self._answer = answer
        self._calls = {f"{mount}{place}/{each}": each for mount in mounts for place in _PLACES for each in KINDS}
        self._open = OpenToBrowsers(self._call)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a call, or hand on what is none."""
        named = self._calls.get(scope["path"]) if scope["type"] == "http" else None
        if named is None:
            await self._app(scope, receive, send)
            return
        await self._open({**scope, "path_params": {"call": named}}, receive, send)

    async def _call(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await call(scope, receive, send)
        except Exception as fault:  # noqa: BLE001 - every fault is answered in the way of the house
            response = await self._answer(scope, fault)
            await response(scope, receive, send)
