"""How requests of the tracking API come in, and what they are answered.

Hears as little as it can on the event loop, which carries every page, too: it gathers the bytes of a
body, counts them, and hands them on. The key, the JSON and the messages are looked at beside it
(`taking`).
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs

from anyio import to_thread
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.routing import Route

from user360 import clock, doors, sources, tracking
from user360.collect.intake import Intake
from user360.collect.taking import Parcel, Taking
from user360.errors import NotAllTaken

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from user360.collect.taking import Outcome
    from user360.failed import Failure

SLOWEST_SECONDS: Final = 10.0
# A body that is too large is read so far, because a client that is cut off while it sends never sees the answer.
HEARD_OUT: Final = 4 * tracking.MOST_BYTES
MANY: Final = ("batch", "b", "import")
# Each address, and the kind of message it takes; None takes many. Browsers use the first letters.
KINDS: Final[dict[str, str | None]] = {
    **{kind: kind for kind in tracking.KINDS},
    **{kind[0]: kind for kind in ("identify", "track", "page", "screen", "group", "alias")},
    **dict.fromkeys(MANY),
}
TAKES: Final = "POST, OPTIONS"
_DONE: Final = b'{"success": true}'
_HEADERS: Final = [(b"content-type", b"application/json"), (b"content-length", str(len(_DONE)).encode())]

_intake: Final = Intake(Taking())


def begin() -> None:
    """Let messages in."""
    _intake.begin()


async def drain() -> None:
    """Let no message in any more, and store those that came."""
    await _intake.drain()


def routes() -> list[Route]:
    """The calls of the tracking API, below wherever they are mounted."""
    # Some clients end every address with a slash, and take a refusal as final.
    sending = [Route(f"{path}{end}", _Call()) for path in ("/{call}", "/s2s/{call}") for end in ("", "/")]
    return [*sending, Route("/projects/{key}/settings", _settings)]


async def _settings(request: Request) -> Response:
    """What analytics.js asks for before it sends: where to send to. It gets no other destination."""
    key = request.path_params["key"]
    await to_thread.run_sync(_known, key)
    here = {"apiKey": key, "apiHost": f"{request.url.netloc}/v1", "protocol": request.url.scheme}
    return JSONResponse(
        {
            "integrations": {"Segment.io": here},
            "plan": {"track": {"__default": {"enabled": True, "integrations": {}}}},
            "metrics": {"sampleRate": 0},
            "analyticsNextEnabled": True,
        }
    )


def _known(key: str) -> None:
    sources.Senders().of(doors.current_store(), key)


class _Call:
    """The application a route leads to: what is a function is taken for one of a request."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await call(scope, receive, send)


async def call(scope: Scope, receive: Receive, send: Send) -> None:
    """Take one request in and answer when all of it is stored."""
    named = scope["path_params"]["call"]
    if named not in KINDS:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    if scope["method"] != "POST":
        raise HTTPException(HTTPStatus.METHOD_NOT_ALLOWED, headers={"Allow": TAKES})
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    body = await _body(headers.get(b"content-length", ""), receive)
    if body is None:
        return
    secret, bearer = _secret(headers)
    peer = scope.get("client")
    encoding, address = headers.get(b"content-encoding", ""), peer[0] if peer else None
    parcel = Parcel(KINDS[named], body, clock.now(), secret, bearer, encoding, address, _is_strict(scope, headers))
    outcome = await _intake.put(parcel)
    if outcome is not None:
        await JSONResponse(_told(outcome))(scope, receive, send)
        return
    await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
    await send({"type": "http.response.body", "body": _DONE})


def _is_strict(scope: Scope, headers: dict[bytes, str]) -> bool:
    """Whether the sender wants to hear of each message that was not taken, instead of it being kept in silence."""
    query = scope.get("query_string", b"")
    if not query and b"x-strict" not in headers:
        return False
    asked = parse_qs(query.decode("latin-1")).get("strict", [headers.get(b"x-strict", "")])
    return asked[-1].strip().lower() in {"1", "true"}


def _told(outcome: Outcome) -> dict[str, Any]:
    """What a strict request is answered. Raises NotAllTaken where messages of it were not taken."""
    failed, warned = ([_fault(place, each) for place, each in some] for some in (outcome.failed, outcome.warned))
    if failed:
        count = "One message was" if len(failed) == 1 else f"{len(failed):,} messages were"
        hint = "Mend what stands under “failed”, or do so on the page of failed messages."
        raise NotAllTaken(f"{count} not taken.", hint, failed=failed, accepted=outcome.accepted)
    return {"success": True, "accepted": outcome.accepted, "warnings": warned}


def _fault(place: int, failure: Failure) -> dict[str, Any]:
    said = {"index": place, "messageId": failure.message_id, "field": failure.property, "code": failure.code}
    return {**said, "message": failure.message, "hint": failure.hint}


async def _body(length: str, receive: Receive) -> bytes | None:
    """The bytes of a body, or None where whoever sent it is gone."""
    if length.isdigit() and int(length) > HEARD_OUT:
        raise tracking.too_large()
    parts, size = [], 0
    try:
        async with asyncio.timeout(SLOWEST_SECONDS):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return None
                part = message.get("body", b"")
                size += len(part)
                if size <= tracking.MOST_BYTES:
                    parts.append(part)
                if not message.get("more_body") or size > HEARD_OUT:
                    break
    except TimeoutError:
        raise HTTPException(HTTPStatus.REQUEST_TIMEOUT, f"A request has to be sent within {SLOWEST_SECONDS:g} seconds.") from None
    if size > tracking.MOST_BYTES:
        raise tracking.too_large()
    return b"".join(parts)


def _secret(headers: dict[bytes, str]) -> tuple[str, str]:
    """The write key a request brings in its headers, and a token in the place of one; "" for each that it does not."""
    way, _, given = headers.get(b"authorization", "").partition(" ")
    if way.lower() == "basic":
        try:
            user = base64.b64decode(given.strip() + "==").decode("utf-8", "replace").partition(":")[0].strip()
        except (binascii.Error, ValueError):
            user = ""
        if user:
            return user, ""
    own = headers.get(b"x-write-key", "").partition(":")[0].strip()
    return own, given.strip() if way.lower() == "bearer" else ""


class OpenToBrowsers:
    """Middleware that lets pages of other hosts send: a write key lets in and never out, and no cookie counts here."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what a browser asks before it sends, and allow it to read the answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        asked = {name: value for name, value in scope["headers"] if name in {b"origin", b"access-control-request-headers"}}
        allowed = _allowed(asked)
        if scope["method"] == "OPTIONS":
            await send({"type": "http.response.start", "status": HTTPStatus.NO_CONTENT, "headers": [*allowed, *_MAY]})
            await send({"type": "http.response.body", "body": b""})
            return

        async def send_allowed(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *allowed]}
            await send(message)

        await self.app(scope, receive, send_allowed if allowed else send)


_MAY: Final = [
    (b"access-control-allow-methods", TAKES.encode()),
    (b"access-control-max-age", b"86400"),
    (b"allow", TAKES.encode()),
]


def _allowed(asked: dict[bytes, bytes]) -> list[tuple[bytes, bytes]]:
    if b"origin" not in asked:
        return []
    wanted = asked.get(b"access-control-request-headers")
    return [
        (b"access-control-allow-origin", asked[b"origin"]),
        (b"access-control-allow-credentials", b"true"),
        (b"access-control-expose-headers", b"Retry-After"),
        (b"vary", b"Origin"),
        *([(b"access-control-allow-headers", wanted)] if wanted else []),
    ]
