"""The calls about users: who matches a definition."""

from __future__ import annotations

from typing import TYPE_CHECKING

from user360.api import shapes
from user360.api.calls import route

if TYPE_CHECKING:
    from starlette.routing import Route

    from user360.api.calls import Answer, Asked


def routes() -> list[Route]:
    """The calls, each with who may make it and what it takes."""
    takes = ("definition", "columns", "sort", "limit", "offset", "cursor", "as_of")
    return [route("POST", "/users/query", "read", _query, takes=takes)]


def _query(asked: Asked) -> Answer:
    return shapes.matching(asked, shapes.definition(asked))
