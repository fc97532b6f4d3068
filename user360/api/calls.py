"""How a call comes in and its answer goes out: the key, the body, the parameters, the page.

The one place that admits anybody: a call is open only where its card names no scope, so none can be
left open by mistake. The key is looked at before anything else of the request is read. What a call
takes and answers does not live here (`fields`).
"""

from __future__ import annotations

import base64
import json
import shutil
import tempfile
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from urllib.parse import quote, unquote

from anyio import to_thread
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, JSONResponse
from starlette.routing import Route

from user360 import clock, datatypes, doors, keys
from user360.api.fields import FURTHEST, MOST_ROWS, PAGE_ROWS, UNDER, Card
from user360.errors import InvalidRequest, InvalidValue, UnreadableRequest, nearest, shorten

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping
    from datetime import datetime

    from starlette.datastructures import UploadFile
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Send
    from starlette.types import Scope as Connection

    from user360.api.fields import Field, Schema
    from user360.keys import Scope
    from user360.store import Store

MOST_BYTES: Final = 8 * 2**20
_BEARER: Final = "bearer"
_FLAGS: Final = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class File:
    """A file that came with a form: where it lies, and what it is called."""

    path: Path
    name: str


@dataclass(frozen=True, slots=True)
class Asked:
    """One admitted call. `given` are its parameters: of the body where it has one, else of the address; `free` a body of any names."""

    store: Store
    by: str
    at: datetime
    place: Mapping[str, str]
    given: Mapping[str, Any]
    free: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, File] = field(default_factory=dict)

    def file(self, name: str) -> File:
        """A file of a form; it is there until the call is answered."""
        if name not in self.files:
            raise InvalidRequest(f"$.{name}", "is missing.", "Send a form with the file in it.")
        return self.files[name]

    def text(self, name: str, otherwise: str | None = None) -> str:
        """A text; without `otherwise` it has to be given."""
        found = self.given.get(name, otherwise)
        if not isinstance(found, str):
            raise InvalidRequest(f"$.{name}", "is missing." if found is None else "is not text.", "Give a text.")
        return found

    def number(self, name: str, otherwise: int, *, least: int, most: int) -> int:
        """A whole number within bounds."""
        found = self.given.get(name, otherwise)
        written = isinstance(found, str) and found.isascii() and found.isdigit()
        number = int(found) if written else found
        if isinstance(number, bool) or not isinstance(number, int) or not least <= number <= most:
            raise InvalidRequest(f"$.{name}", f"{shorten(found)} is not a number from {least:,} to {most:,}.")
        return number

    def flag(self, name: str, *, otherwise: bool | None = None) -> bool:
        """True or false, as JSON has it, or as words of an address."""
        found = self.given.get(name, otherwise)
        found = _FLAGS.get(found, found) if isinstance(found, str) else found
        if not isinstance(found, bool):
            raise InvalidRequest(f"$.{name}", "is not true or false.")
        return found

    def texts(self, name: str) -> list[str] | None:
        """A list of texts, or in an address texts with commas between; None where it is not given."""
        found = self.given.get(name)
        if isinstance(found, str):
            return [each.strip() for each in found.split(",") if each.strip()]
        if found is not None and not (isinstance(found, list) and all(isinstance(each, str) for each in found)):
            raise InvalidRequest(f"$.{name}", "is not a list of texts.")
        return found

    def objects(self, name: str) -> list[Mapping[str, Any]]:
        """A list of objects; it has to be given."""
        found = self.given.get(name)
        if not (isinstance(found, list) and all(isinstance(each, dict) for each in found)):
            raise InvalidRequest(
                f"$.{name}", "is missing." if found is None else "is not a list of objects.", "Give a list of objects."
            )
        return found

    def instant(self, name: str, otherwise: datetime) -> datetime:
        """An instant in ISO 8601, UTC where it names no offset."""
        found = self.given.get(name)
        if found is None:
            return otherwise
        try:
            read: Any = datatypes.get("datetime").parse(found) if isinstance(found, str) else None
        except InvalidValue as fault:
            raise InvalidRequest(f"$.{name}", f"“{fault.value}” {fault.reason}.", fault.hint) from None
        if read is None:
            raise InvalidRequest(f"$.{name}", f"{shorten(found)} is not an instant.", "Write 2026-11-23T12:50:00Z.")
        return clock.aware(read)

    def as_of(self) -> tuple[datetime, bool]:
        """The instant that is now for this call, and whether it lies in the past."""
        instant = self.instant("as_of", self.at)
        return instant, instant < self.at

    def limit(self) -> int:
        """How many rows at most."""
        return self.number("limit", PAGE_ROWS, least=1, most=MOST_ROWS)

    def page(self) -> tuple[int, int]:
        """How many rows, and from which on: `limit`, and `offset` or the `cursor` of the page before."""
        limit, cursor = self.limit(), self.given.get("cursor")
        return limit, self.number("offset", 0, least=0, most=FURTHEST) if cursor is None else _offset(cursor)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call answers, with the status of its card, or with 200 where it was only tried."""

    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)
    tried: bool = False


@dataclass(frozen=True, slots=True)
class Handed:
    """A file that a call hands out, and the name it is saved under."""

    path: Path
    filename: str


Call: TypeAlias = "Callable[[Asked], Answer | Handed]"


class CallRoute(Route):
    """One call under its address, with the card that describes it."""

    def __init__(self, card: Card, endpoint: Callable[[Request], Any]) -> None:
        super().__init__(card.path, endpoint, methods=[card.method])
        self.card = card
        self.beside: set[str] = set()

    async def handle(self, scope: Connection, receive: Receive, send: Send) -> None:
        """Answer; a method no call of this address has is told all that one of them has."""
        if scope["method"] not in (self.methods or ()):
            raise HTTPException(HTTPStatus.METHOD_NOT_ALLOWED, headers={"Allow": ", ".join(sorted(self.beside))})
        await super().handle(scope, receive, send)


def in_order(routes: Iterable[CallRoute]) -> list[CallRoute]:
    """The calls in the order they are looked for: a word of an address before a place that any word fits; each knows its neighbours."""
    every = sorted(routes, key=lambda each: each.path)
    for one in every:
        one.beside = {method for other in every if other.path == one.path for method in other.methods or ()}
    return every


def route(
    method: str,
    path: str,
    scope: Scope,
    call: Call,
    *,
    says: str,
    answers: Schema | str,
    takes: tuple[Field, ...] = (),
    status: HTTPStatus = HTTPStatus.OK,
    refuses: tuple[HTTPStatus, ...] = (),
    free: Schema | None = None,
    form: bool = False,
    under: str = UNDER,
) -> CallRoute:
    """One call under an address: who may make it, what it takes and answers, with which status, and further ones it refuses with."""
    card = Card(method, path, scope, says, takes, answers, status, refuses, form=form, free=free, under=under)

    async def endpoint(request: Request) -> Response:
        store, by, at = await to_thread.run_sync(partial(_admitted, _secret(request), scope))
        place = {name: unquote(each) for name, each in request.path_params.items()}
        async with _parameters(request, card, store) as (sent, files):
            _only([*sent, *files], card.names)
            given = {name: each for name, each in sent.items() if each is not None}
            body = await _body(request) if card.free else {}
            answer = await to_thread.run_sync(call, Asked(store, by, at, place, given, body, files))
        if isinstance(answer, Handed):
            return FileResponse(answer.path, filename=answer.filename, headers={"Cache-Control": "no-store"})
        status = HTTPStatus.OK if answer.tried else card.status
        return JSONResponse(answer.body, status, {"Cache-Control": "no-store", **answer.headers})

    return CallRoute(card, endpoint)


class AsSent:
    """Middleware that finds calls by the address as it was sent, so that a slash within an id does not end it.

    A slash at the very end says nothing. What stands in the place of an id is read by `route`.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Connection, receive: Receive, send: Send) -> None:
        """Answer as the application does."""
        if scope["type"] == "http":
            sent = scope.get("raw_path", b"").partition(b"?")[0].decode("ascii", "replace")
            root = scope.get("root_path", "")
            path = sent if sent.startswith(root or "/") else quote(scope["path"])
            scope = {**scope, "path": path.removesuffix("/") if len(path) > len(root) + 1 else path}
        await self.app(scope, receive, send)


def page_of(items: list[Any], total: int, *, limit: int, offset: int) -> Answer:
    """One page of a list, with the cursor of the next one."""
    more = offset + limit < total
    return Answer({"items": items, "total": total, "cursor": _cursor(offset + limit) if more else None})


def _secret(request: Request) -> str:
    kind, _, secret = request.headers.get("authorization", "").partition(" ")
    return secret.strip() if kind.lower() == _BEARER else request.headers.get("x-api-key", "").strip()


def _admitted(secret: str, scope: Scope) -> tuple[Store, str, datetime]:
    store, at = doors.current_store(), clock.now()
    return store, f"{keys.check(store, secret, scope, at=at).name} (API)", at


@asynccontextmanager
async def _parameters(request: Request, card: Card, store: Store) -> AsyncIterator[tuple[dict[str, Any], dict[str, File]]]:
    """The parameters of a call, and the files of a form, which are gone once it is answered."""
    if not card.form:
        yield (await _body(request) if card.in_body else dict(request.query_params)), {}
        return
    async with request.form(max_files=1, max_fields=len(card.takes)) as form:
        given = {name: each for name, each in form.multi_items() if isinstance(each, str)}
        sent = {name: each for name, each in form.multi_items() if not isinstance(each, str)}
        with tempfile.TemporaryDirectory(dir=store.folder("imports"), prefix="incoming-") as folder:
            files = {name: await to_thread.run_sync(_put_down, each, Path(folder)) for name, each in sent.items()}
            yield given, files


def _put_down(sent: UploadFile, folder: Path) -> File:
    """The file of a form on disk, under a name of ours that keeps its ending."""
    called = PurePath((sent.filename or "").replace("\\", "/")).name or "file"
    path = folder / f"file{PurePath(called).suffix.lower()}"
    with path.open("wb") as file:
        shutil.copyfileobj(sent.file, file)
    return File(path, called)


async def _body(request: Request) -> dict[str, Any]:
    """The body as an object; none at all is an empty one."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > MOST_BYTES:
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"A body has at most {MOST_BYTES:,} bytes.")
        parts.append(part)
    return await to_thread.run_sync(_read, b"".join(parts))


def _read(body: bytes) -> dict[str, Any]:
    if not body.strip():
        return {}
    try:
        found = json.loads(body, parse_constant=_no_number)
        json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise UnreadableRequest("", "The body is no JSON.", "Send one object, in UTF-8.") from None
    if not isinstance(found, dict):
        raise UnreadableRequest("$", "is no object.", "Send one object with names and values.")
    return found


def _no_number(word: str) -> None:
    raise ValueError(f"{word} is no number of JSON")


def _only(given: Iterable[str], takes: tuple[str, ...]) -> None:
    for each in given:
        if each not in takes:
            near = nearest(each, takes)
            hint = f"Did you mean “{near}”?" if near else f"It takes {', '.join(takes)}." if takes else "It takes nothing."
            raise InvalidRequest(f"$.{shorten(each)}", "is not known here.", hint)


def no_cursor() -> InvalidRequest:
    """The refusal of a cursor that no page answered."""
    return InvalidRequest("$.cursor", "is none of ours.", "Give the cursor of the page before, as it was answered.")


def _cursor(offset: int) -> str:
    return base64.urlsafe_b64encode(str(offset).encode()).decode().rstrip("=")


def _offset(cursor: object) -> int:
    try:
        offset = int(base64.urlsafe_b64decode(f"{cursor}==")) if isinstance(cursor, str) else -1
    except ValueError:
        offset = -1
    if not 0 <= offset <= FURTHEST:
        raise no_cursor()
    return offset
