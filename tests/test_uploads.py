"""Uploads: what a browser sends goes to disk as it comes, a ticket stands for it, and nothing is left of what did not arrive."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from user360 import doors, uploads
from user360.errors import InvalidFile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request

    from user360.store import Store

MOST = 1_000_000
ADDRESS = f"{uploads.PATH}session/file"


class _Pages:
    """An application that takes uploads as the pages do, or refuses them."""

    def __init__(self) -> None:
        self.status = 204
        self.taken: list[tuple[str, bytes]] = []

    async def take(self, request: Request) -> Response:
        async with request.form() as form:
            for each in form.values():
                if not isinstance(each, str):
                    self.taken.append((each.filename or "", await each.read()))
        return Response(status_code=self.status)


@pytest.fixture
def pages() -> _Pages:
    return _Pages()


@pytest.fixture
def client(pages: _Pages, store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setattr(doors, "current_store", lambda: store)
    routes = [Route(f"{uploads.PATH}{{session}}/{{file}}", pages.take, methods=["PUT", "DELETE"])]
    with TestClient(Starlette(routes=routes, middleware=[Middleware(uploads.Uploads, most=MOST)])) as found:
        yield found


def _left(store: Store) -> list[str]:
    return [each.name for each in store.folder("uploads").iterdir()]


@pytest.mark.parametrize(
    "content",
    [b"", b"userId\nann\n", b"--x\r\n\r\n--\r\n\x00\xff", b"\r\n--boundary" * 9_000, b"y" * MOST],
    ids=["empty", "small", "like a boundary", "nearly a boundary", "as much as may be"],
)
def test_a_file_is_on_disk_to_the_byte_and_the_pages_get_a_ticket(
    client: TestClient, pages: _Pages, store: Store, content: bytes
) -> None:
    answer = client.put(ADDRESS, files={"file": ("Ännchen's users.CSV", content, "text/csv")})
    name, ticket = pages.taken[0]
    path = uploads.keep(store, name, io.BytesIO(ticket))

    assert (answer.status_code, name, len(ticket) < 200) == (204, "Ännchen's users.CSV", True)
    assert path.read_bytes() == content
    assert (path.parent, path.suffix, path.stat().st_mode & 0o777) == (store.folder("uploads"), ".csv", 0o600)
    with pytest.raises(InvalidFile, match="not there any more"):
        uploads.keep(store, name, io.BytesIO(ticket))


def test_what_came_another_way_is_written_as_it_is(store: Store) -> None:
    content = b"user360 upload of mine\n" * 40_000
    assert uploads.keep(store, "a.csv", io.BytesIO(content)).read_bytes() == content


def test_a_file_that_is_refused_leaves_nothing(client: TestClient, pages: _Pages, store: Store) -> None:
    pages.status = 403
    assert client.put(ADDRESS, files={"file": ("a.csv", b"x")}).status_code == 403
    assert _left(store) == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"--b\r\nContent-Disposition: form-data; name=f; filename=a\r\n\r\n" + b"x" * (MOST + 100_000) + b"\r\n--b--\r\n", 413),
        (b"--b\r\nContent-Disposition: form-data; name=f; filename=a\r\n\r\nhalf", 400),
        (b"no form", 400),
        (2 * b"--b\r\nContent-Disposition: form-data; name=f; filename=a\r\n\r\nx\r\n" + b"--b--\r\n", 400),
    ],
    ids=["too large", "half", "no form", "two files"],
)
def test_what_is_not_one_whole_file_is_refused_and_leaves_nothing(
    client: TestClient, pages: _Pages, store: Store, body: bytes, status: int
) -> None:
    answer = client.put(ADDRESS, content=body, headers={"Content-Type": "multipart/form-data; boundary=b"})

    assert (answer.status_code, pages.taken, _left(store)) == (status, [], [])


def test_other_requests_go_on_as_they_came(client: TestClient, pages: _Pages, store: Store) -> None:
    assert client.delete(ADDRESS).status_code == 204
    assert client.put(ADDRESS, data={"no": "file"}).status_code == 204
    assert (pages.taken, _left(store)) == ([], [])


def test_what_was_left_lying_for_a_week_goes(client: TestClient, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    client.put(ADDRESS, files={"file": ("a.csv", b"x")})
    before = _left(store)
    monkeypatch.setattr(uploads, "KEPT_SECONDS", -1)
    client.put(ADDRESS, files={"file": ("b.csv", b"y")})

    assert len(before) == 1
    assert len(_left(store)) == 1
    assert _left(store) != before
