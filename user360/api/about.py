"""The calls that need no key, for they tell nothing of what is in the database: health, the document, and its page."""

from __future__ import annotations

import functools
import time
from typing import TYPE_CHECKING, Any, Final

from anyio import to_thread
from starlette.responses import HTMLResponse, JSONResponse, Response

import user360
from user360 import doors, workspace
from user360.api import document, reading
from user360.api.calls import CallRoute
from user360.api.fields import OBJECT, Card, ref

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request

_HEALTH: Final = Card("GET", "/health", None, "Whether the database answers", answers=ref("Health"))
_DOCUMENT: Final = Card("GET", "/openapi.json", None, "This document", answers=OBJECT)
_PAGE: Final = Card("GET", "/docs", None, "This document as a page", answers="text/html")


def routes(others: Sequence[Card]) -> list[CallRoute]:
    """These calls; the document describes the others and them. It is made once somebody wants it, no sooner: a server that starts has to hurry."""
    cards = [*others, _HEALTH, _DOCUMENT, _PAGE]
    whole = functools.cache(lambda: document.describe(cards))
    page = functools.cache(lambda: reading.page(whole()))

    async def answer_document(_: Request) -> Response:
        return JSONResponse(await to_thread.run_sync(whole))

    async def answer_page(_: Request) -> Response:
        return HTMLResponse(await to_thread.run_sync(page))

    return [CallRoute(_HEALTH, _health), CallRoute(_DOCUMENT, answer_document), CallRoute(_PAGE, answer_page)]


async def _health(_: Request) -> Response:
    return JSONResponse(await to_thread.run_sync(_report), headers={"Cache-Control": "no-store"})


def _report() -> dict[str, Any]:
    """Whether the database answers, and within how many seconds (`lag`); nothing about what is in it."""
    started = time.perf_counter()
    store = doors.current_store()
    workspace.get(store)
    lag = round(time.perf_counter() - started, 6)
    return {"version": user360.__version__, "database": "ok", "revision": store.revision(), "lag": lag}
