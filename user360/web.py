"""What the server answers beside its pages: health, files on offer, and a plain refusal for all else.

Without this room a mistyped API call would be answered with a web page and status 200, a download
would have to fit into memory, and every page could be framed by a stranger. It translates requests
into calls and refusals into statuses; it decides nothing and knows no page. How the process shares
its database does not live here (`doors`).
"""

from __future__ import annotations

import asyncio
import gc
import hashlib
import itertools
import logging
import os
import re
import secrets
import signal
import socket
import stat
import sys
import threading
import time
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from anyio import to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route

from user360 import api, collect, doors, jobs
from user360.errors import (
    Conflict,
    Forbidden,
    Interrupted,
    Invalid,
    InvalidFile,
    InvalidMessage,
    KeyNeeded,
    NotAllTaken,
    StoreUnavailable,
    TooLarge,
    TooMany,
    Unknown,
    Unreachable,
    UnreadableRequest,
    User360Error,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from starlette.routing import BaseRoute
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_log = logging.getLogger("user360.web")

# The status of each branch of the refusal tree; a leaf without a line of its own has its parent's.
STATUS: Final[dict[type[User360Error], HTTPStatus]] = {
    Invalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    InvalidMessage: HTTPStatus.BAD_REQUEST,
    NotAllTaken: HTTPStatus.BAD_REQUEST,
    InvalidFile: HTTPStatus.BAD_REQUEST,
    Unknown: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    UnreadableRequest: HTTPStatus.BAD_REQUEST,
    TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    TooMany: HTTPStatus.TOO_MANY_REQUESTS,
    Forbidden: HTTPStatus.FORBIDDEN,
    KeyNeeded: HTTPStatus.UNAUTHORIZED,
    Interrupted: HTTPStatus.SERVICE_UNAVAILABLE,
    Unreachable: HTTPStatus.BAD_GATEWAY,
    StoreUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    User360Error: HTTPStatus.BAD_REQUEST,
}
RETRY_AFTER_SECONDS: Final = 5
TICK_SECONDS: Final = 15
# How long a thread may go on while another waits. At Python's own 5 ms the event loop, which reads and answers every
# request, waited behind whoever reads a batch; a third more single events were taken in at 1 ms.
TURN_SECONDS: Final = 0.001
HEADERS: Final = {
    HTTPStatus.TOO_MANY_REQUESTS: {"Retry-After": "1"},
    HTTPStatus.SERVICE_UNAVAILABLE: {"Retry-After": str(RETRY_AFTER_SECONDS)},
    HTTPStatus.UNAUTHORIZED: {"WWW-Authenticate": "Bearer"},
}
TRACKING: Final = ("/api/s", "/v1")
OFFER_SECONDS: Final = 15 * 60
BROWSER: Final = "_streamlit_xsrf"

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'self'; "
    "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
    "style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; "
    "font-src 'self' data:; "
    "connect-src 'self' ws: wss:; "
    "worker-src 'self' blob:; "
    "frame-ancestors 'self'; "
    "form-action 'self'; "
    "base-uri 'self'; "
    "object-src 'none'"
)
SECURITY_HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "same-origin",
}
_OURS: Final = {header.lower().encode(): value.encode() for header, value in SECURITY_HEADERS.items()}


# -- refusals -----------------------------------------------------------------------------------


def status_of(refusal: type[User360Error]) -> HTTPStatus:
    """The HTTP status of a refusal: that of the nearest branch of the tree that has one."""
    return next(STATUS[branch] for branch in refusal.__mro__ if branch in STATUS)


def refused(refusal: User360Error) -> JSONResponse:
    """A refusal as every API answers it: `code`, `message`, `hint`, and the `path` of the fault where there is one."""
    status = status_of(type(refusal))
    headers = HEADERS.get(status, {})
    more = {"failed": refusal.failed, "accepted": refusal.accepted} if isinstance(refusal, NotAllTaken) else {}
    path = getattr(refusal, "path", "")
    return _error(status, refusal.code, refusal.message, refusal.hint, path=path, headers=headers, more=more)


def _error(
    status: int,
    code: str,
    message: str,
    hint: str = "",
    *,
    path: str = "",
    headers: dict[str, str] | None = None,
    more: Mapping[str, Any] = MappingProxyType({}),
) -> JSONResponse:
    return JSONResponse({"code": code, "message": message, "hint": hint, "path": path, **more}, status, headers)


async def _on_refusal(_: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, User360Error)  # noqa: S101 - registered for this type alone
    return refused(refusal)


async def _on_http(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, HTTPException)  # noqa: S101 - registered for this type alone
    asked = f"{request.method} {request.url.path}"
    headers = dict(fault.headers or {})
    if fault.status_code == HTTPStatus.NOT_FOUND:
        return _error(fault.status_code, "unknown", f"There is no {asked}.", "Look at the address again.", headers=headers)
    if fault.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = headers.get("Allow", "")
        return _error(fault.status_code, "methodNotAllowed", f"There is no {asked}.", f"It takes {allowed}.", headers=headers)
    return _error(fault.status_code, "refused", str(fault.detail), headers=headers)


async def _on_bug(_: Request, fault: Exception) -> Response:
    bug = secrets.token_hex(4)
    _log.error("bug %s", bug, exc_info=fault)
    return _error(HTTPStatus.INTERNAL_SERVER_ERROR, "bug", f"Something broke: error {bug}.", "It was logged under that id.")


# -- files on offer -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Offer:
    """A file that one browser may fetch once, within a while, and the name it is saved under."""

    path: Path
    filename: str
    holder: str
    until: float


@dataclass
class Offers:
    """Files behind addresses nobody can guess, each good once and for a quarter of an hour.

    A link that was passed on is good for nothing in another browser: who may not make the file may not fetch it either.
    Kept in memory: a restart ends them.
    """

    clock: Callable[[], float] = time.monotonic
    _by_token: dict[str, Offer] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def put(self, path: Path, filename: str, holder: str = "") -> str:
        """A new token for the file."""
        token = secrets.token_urlsafe(32)
        offered = Offer(path.resolve(strict=True), filename, holder, self.clock() + OFFER_SECONDS)
        with self._lock:
            now = self.clock()
            self._by_token = {known: offer for known, offer in self._by_token.items() if offer.until > now} | {token: offered}
        return token

    def take(self, token: str, holder: str = "") -> Offer:
        """The file behind a token, which is used up by this; `Unknown` once it is, or its time is over, or the file is gone."""
        with self._lock:
            offer = self._by_token.get(token)
            if offer is not None and offer.holder != holder:
                raise Forbidden("This download was offered to another browser.", "Open the page here and start it again.")
            self._by_token.pop(token, None)
        if offer is None or offer.until <= self.clock() or not offer.path.is_file():
            raise Unknown("This download is no longer on offer.", "Go back to the page and start it again.")
        return offer


_offers: Final = Offers()


def offer(path: Path, filename: str, holder: str = "") -> str:
    """Put a file on offer and answer the address to fetch it from, good once, for a quarter of an hour, for this holder."""
    return f"/files/{_offers.put(path, filename, holder)}"


def holder(cookies: Mapping[str, str]) -> str:
    """Which browser it is: the secret the pages gave it against forged requests; "" where it has none."""
    parts = cookies.get(BROWSER, "").strip("\"'").split("|")
    try:
        _, mask, masked, _ = parts
        pairs = zip(bytes.fromhex(masked), itertools.cycle(bytes.fromhex(mask)), strict=False)
        return hashlib.sha256(bytes(one ^ other for one, other in pairs)).hexdigest()
    except ValueError:
        return ""


async def _file(request: Request) -> Response:
    if request.method != "GET":  # a look at the headers must not use the address up
        raise HTTPException(HTTPStatus.METHOD_NOT_ALLOWED, headers={"Allow": "GET"})
    token = request.path_params["token"]
    found = await to_thread.run_sync(_offers.take, token, holder(request.cookies))
    return FileResponse(
        found.path, filename=found.filename, media_type="application/octet-stream", headers={"Cache-Control": "no-store"}
    )


# -- the server ---------------------------------------------------------------------------------


class SecurityHeaders:
    """Middleware that lets no page load, send to, or be framed by another host, and no file be taken for another kind."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the application does, with the headers added."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                others = [each for each in message.get("headers", ()) if each[0] not in _OURS]
                message = {**message, "headers": [*others, *_OURS.items()]}
            await send(message)

        await self.app(scope, receive, send_with_headers if scope["type"] == "http" else send)


def _sub_application(*routes: Route, middleware: Sequence[Middleware] = ()) -> Starlette:
    """What answers everything below its path; an address that only resembles one of ours is unknown, not led elsewhere."""
    handlers: dict[Any, Any] = {User360Error: _on_refusal, HTTPException: _on_http, Exception: _on_bug}
    application = Starlette(routes=list(routes), exception_handlers=handlers, middleware=list(middleware))
    application.router.redirect_slashes = False
    return application


async def _answer(scope: Scope, fault: Exception) -> Response:
    """What a fault is answered, as a sub-application answers it."""
    asked = Request(scope)
    if isinstance(fault, User360Error):
        return await _on_refusal(asked, fault)
    return await (_on_http(asked, fault) if isinstance(fault, HTTPException) else _on_bug(asked, fault))


def middleware() -> list[Middleware]:
    """What every request goes through first."""
    return [Middleware(SecurityHeaders), Middleware(collect.Straight, mounts=TRACKING, answer=_answer)]


def routes() -> list[BaseRoute]:
    """The sub-applications that stand beside the pages. Each answers everything under its path itself."""
    tracking = collect.OpenToBrowsers(_sub_application(*collect.routes()))
    applications: dict[str, ASGIApp] = {
        **dict.fromkeys(TRACKING, tracking),
        "/api": _sub_application(*api.routes(), middleware=[Middleware(api.AsSent)]),
        "/cdp": _sub_application(*api.yellow_routes(), middleware=[Middleware(api.AsSent)]),
        "/files": _sub_application(Route("/{token}", _file)),
    }
    below: list[BaseRoute] = [_mount(path, application) for path, application in applications.items()]
    bare: list[BaseRoute] = [Route(path, endpoint=application) for path, application in applications.items()]
    return below + bare


def _mount(path: str, application: ASGIApp) -> Mount:
    """A mount that takes every address below it: that of Starlette leaves those with a line break to the pages."""
    mounted = Mount(path, app=application)
    mounted.path_regex = re.compile(mounted.path_regex.pattern, re.DOTALL)
    return mounted


@asynccontextmanager
async def lifespan(_: object, get_ready: Callable[[], None] | None = None) -> AsyncIterator[None]:
    """Open the database when the server starts and close it when it stops; `get_ready` is called once it answers."""
    _send_at_once()
    _sweep_rarely()
    sys.setswitchinterval(TURN_SECONDS)
    doors.close()
    await to_thread.run_sync(_open_or_say_why)
    collect.begin()
    stopping = asyncio.Event()
    ticking = asyncio.create_task(_tick(stopping, get_ready))
    try:
        yield
    finally:
        stopping.set()
        await ticking
        await collect.drain()
        await to_thread.run_sync(partial(doors.close, for_good=True))
        _end_in_peace()


def _end_in_peace() -> None:
    """Let a process that was asked to end, and has nothing left to do, end with 0.

    The server raises the signal it heard once more when all is done, and that would be told as a crash: so it is held back.
    """
    server = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    if getattr(server, "should_exit", False) and hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})


async def _tick(stopping: asyncio.Event, get_ready: Callable[[], None] | None) -> None:
    """Get ready for messages and pages, then begin what is due, again and again, until the server stops."""
    await to_thread.run_sync(collect.get_ready)
    if get_ready is not None:
        await to_thread.run_sync(get_ready)
    await to_thread.run_sync(_try, jobs.get_ready)
    while not stopping.is_set():
        await to_thread.run_sync(_try, jobs.begin_what_is_due)
        await to_thread.run_sync(gc.collect)  # not after every drawing of a page, where it held up everybody
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), TICK_SECONDS)


def _try(work: Callable[[Any], None]) -> None:
    """Do something that nobody waits for; what keeps it from being done is logged."""
    try:
        work(doors.current_store())
    except User360Error as refusal:
        _log.warning("nothing could be begun: %s", refusal)
    except Exception:  # noqa: BLE001 - a fault of ours is logged, and the next tick comes
        _log.exception("nothing could be begun")


def _open_or_say_why() -> None:
    """A database that cannot be opened stops no server: its pages say why, and try again."""
    try:
        doors.current_store()
    except StoreUnavailable as refusal:
        _log.error("%s", refusal)


def _sweep_rarely() -> None:
    """Let Python look for unreachable circles after 50,000 new objects instead of 700 and at each tick, never among what stays for ever.

    A batch of messages is tens of thousands of objects and no circles: looking at all of them again and again took a
    quarter of the time of taking them in.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def _send_at_once() -> None:
    """Set TCP_NODELAY on the sockets this process listens on, which the ones they accept inherit.

    `streamlit run` binds its socket itself, and asyncio does not recognise it as TCP: every answer
    on a kept-alive connection then waits some 45 ms for the client's delayed acknowledgement.
    """
    descriptors = Path("/proc/self/fd")
    numbers = [int(entry.name) for entry in descriptors.iterdir()] if descriptors.is_dir() else []
    for number in numbers:
        with suppress(OSError):
            if not stat.S_ISSOCK(os.fstat(number).st_mode):  # closing a copy of a file's number would give up its lock
                continue
            with socket.socket(fileno=os.dup(number)) as listening:
                if listening.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
