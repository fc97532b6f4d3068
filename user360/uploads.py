"""Files on their way in from a browser, written to disk as they arrive.

The pages' own way holds an upload in memory, for a moment twice: a gigabyte of CSV took 2.3. Here what the file holds goes
to disk piece by piece, and a ticket goes on in its place, by which `keep` finds the file. Only this process knows its
tickets, so nobody can name the file of another. What becomes of a file does not live here (`imports`, `backup`).
"""

from __future__ import annotations

import re
import secrets
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from anyio import to_thread
from python_multipart.exceptions import ParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse

from user360 import clock, doors
from user360.errors import InvalidFile, StoreUnavailable

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from user360.store import Store

PATH: Final = "/_stcore/upload_file/"
KEPT_SECONDS: Final = 7 * 24 * 3600
_OVERHEAD: Final = 64 * 1024
_TICKET: Final = re.compile(rb"user360 upload ([0-9a-f]{64})")


def keep(store: Store, name: str, content: BinaryIO) -> Path:
    """The file that came under this name, on disk, with its own ending and readable by this user alone."""
    folder, head = store.folder("uploads"), content.read(2 * _OVERHEAD)
    found = _TICKET.fullmatch(head)
    arrived = folder / (found[1].decode() if found else secrets.token_hex(32))
    if found and not arrived.exists():
        raise InvalidFile("The file is not there any more.", "Choose it again.")
    if not found:
        with _made(arrived) as file:
            while head:
                file.write(head)
                head = content.read(2 * _OVERHEAD)
    return arrived.replace(arrived.with_suffix(Path(name).suffix.lower()))


def _made(path: Path) -> BinaryIO:
    file = path.open("xb")
    path.chmod(0o600)
    return file


def _sweep(store: Store) -> None:
    """Remove what came a week ago and was left lying."""
    for each in store.folder("uploads").iterdir():
        if each.is_file() and clock.now().timestamp() - each.stat().st_mtime > KEPT_SECONDS:
            each.unlink(missing_ok=True)


class Uploads:
    """Middleware that takes the bytes of uploaded files to disk, at most so many; all else goes on as it came."""

    def __init__(self, app: ASGIApp, most: int) -> None:
        self.app = app
        self.most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the application does to a file that holds the ticket."""
        if scope["type"] != "http" or scope["method"] != "PUT" or PATH not in scope["path"]:
            await self.app(scope, receive, send)
            return
        kind, options = parse_options_header(Headers(scope=scope).get("content-type"))
        if kind != b"multipart/form-data" or b"boundary" not in options:
            await self.app(scope, receive, send)
            return
        try:
            store = await to_thread.run_sync(doors.current_store)
            _sweep(store)
            arriving = _Arriving(store.folder("uploads"), options[b"boundary"])
        except StoreUnavailable as refusal:
            await _refuse(HTTPStatus.SERVICE_UNAVAILABLE, str(refusal))(scope, receive, send)
            return
        answered = False
        try:
            refused = await self._take(arriving, receive)
            if refused is not None:
                await refused(scope, receive, send)
                return
            answered = await self._go_on(scope, arriving.body(), send)
        finally:
            arriving.close(keep=answered)

    async def _take(self, arriving: _Arriving, receive: Receive) -> PlainTextResponse | None:
        """Write what comes; answer why not, where it cannot be."""
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return _refuse(HTTPStatus.BAD_REQUEST, "The file did not come to its end.")
            piece: bytes = message.get("body", b"")
            size += len(piece)
            if size > self.most + _OVERHEAD:
                return _refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The file is too large.")
            try:
                arriving.feed(piece)
            except ParseError:
                return _refuse(HTTPStatus.BAD_REQUEST, "This is not one file.")
            except OSError:
                return _refuse(HTTPStatus.INSUFFICIENT_STORAGE, "There is no room left for the file.")
            if not message.get("more_body", False):
                return None if arriving.whole else _refuse(HTTPStatus.BAD_REQUEST, "This is not one file.")

    async def _go_on(self, scope: Scope, body: bytes, send: Send) -> bool:
        """Let the application have the body instead of the one that came; answer whether it took it."""
        length = (b"content-length", str(len(body)).encode())
        headers = [*((each, value) for each, value in scope["headers"] if each not in (length[0], b"transfer-encoding")), length]
        left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
        taken = False

        async def receive() -> Message:
            return left.pop() if left else {"type": "http.disconnect"}

        async def heard(message: Message) -> None:
            nonlocal taken
            if message["type"] == "http.response.start":
                taken = message["status"] < HTTPStatus.BAD_REQUEST
            await send(message)

        await self.app({**scope, "headers": headers}, receive, heard)
        return taken


def _refuse(status: HTTPStatus, why: str) -> PlainTextResponse:
    return PlainTextResponse(why, status)


class _Arriving:
    """One form with one file as it comes in; what stands around the file is kept, the file itself written.

    `whole` once its end has come.
    """

    def __init__(self, folder: Path, boundary: bytes) -> None:
        self._number = secrets.token_hex(32)
        self._path = folder / self._number
        self._file = _made(self._path)
        self._boundary = boundary
        self._headers: list[list[bytes]] = []
        self._parts = 0
        self.whole = False
        callbacks: MultipartCallbacks = {
            "on_part_begin": self._begin,
            "on_header_begin": lambda: self._headers.append([b"", b""]),
            "on_header_field": lambda data, start, end: self._add(0, data[start:end]),
            "on_header_value": lambda data, start, end: self._add(1, data[start:end]),
            "on_part_data": self._write,
            "on_end": self._end,
        }
        self._parser = MultipartParser(boundary, callbacks)

    def feed(self, piece: bytes) -> None:
        """Take in what came next; raises ParseError, or OSError where it cannot be written."""
        self._parser.write(piece)

    def body(self) -> bytes:
        """The form again, with a ticket in the file's place."""
        ticket = b"user360 upload " + self._number.encode()
        head = b"".join(b"%b: %b\r\n" % (name, value) for name, value in self._headers)
        return b"--%b\r\n%b\r\n%b\r\n--%b--\r\n" % (self._boundary, head, ticket, self._boundary)

    def close(self, *, keep: bool) -> None:
        """End writing; a file that is not kept goes."""
        self._file.close()
        if not keep:
            self._path.unlink(missing_ok=True)

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > 1:
            raise ParseError("a second part")

    def _end(self) -> None:
        self.whole = True

    def _add(self, place: int, more: bytes) -> None:
        self._headers[-1][place] += more

    def _write(self, data: bytes, start: int, end: int) -> None:
        self._file.write(memoryview(data)[start:end])
