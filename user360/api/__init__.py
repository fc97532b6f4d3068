"""The calls under `/api`: reading and managing from outside, with a key.

A call is admitted, read, handed to the domain and answered as JSON; it decides nothing. Without this
room every script would need a browser. Statuses of refusals do not live here (`web`), nor what a key
may do (`keys`).

`calls` admits and reads, `shapes` says how things look in JSON, `segments`, `explaining`, `insights`, `users`, `exports` and `backups` hold the calls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from user360.api import backups, explaining, exports, insights, segments, users

if TYPE_CHECKING:
    from starlette.routing import Route

__all__ = ["routes"]


def routes() -> list[Route]:
    """Every call, to be mounted under `/api`."""
    return [*segments.routes(), *explaining.routes(), *insights.routes(), *users.routes(), *exports.routes(), *backups.routes()]
