"""The calls under `/api`: reading and managing from outside, with a key.

A call is admitted, read, handed to the domain and answered as JSON; it decides nothing. Without this
room every script would need a browser. Statuses of refusals do not live here (`web`), nor what a key
may do (`keys`).

`fields` is what a call takes and answers, as values, and `schemas` the shapes; `document` makes the OpenAPI document of them
and `reading` its page. `calls` admits and reads, `shapes` says how things look in JSON; `users`, `cards`, `merges`, `duplicates`, `properties`,
`events`, `segments`, `explaining`, `insights`, `exports`, `imports`, `failures` and `backups` hold the calls, `yellow` those of yellow.ai, `sending` describes those of the tracking API, `about` those that need no key;
`taking` makes and changes a user for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from user360.api import (
    about,
    backups,
    cards,
    duplicates,
    events,
    explaining,
    exports,
    failures,
    imports,
    insights,
    merges,
    properties,
    segments,
    sending,
    users,
    yellow,
)
from user360.api.calls import AsSent, in_order

if TYPE_CHECKING:
    from user360.api.calls import CallRoute

__all__ = ["AsSent", "calls_with_key", "routes", "yellow_routes"]

_ROOMS = (
    users,
    cards,
    merges,
    duplicates,
    properties,
    events,
    segments,
    explaining,
    insights,
    exports,
    imports,
    failures,
    backups,
)


def calls_with_key() -> list[CallRoute]:
    """Every call that needs a key."""
    return [each for room in _ROOMS for each in room.routes()]


def routes() -> list[CallRoute]:
    """Every call to be mounted under `/api`."""
    guarded = calls_with_key()
    described = [each.card for each in [*guarded, *yellow.routes()]]
    return in_order([*guarded, *about.routes([*described, *sending.cards()])])


def yellow_routes() -> list[CallRoute]:
    """Every call to be mounted under `/cdp`."""
    return in_order(yellow.routes())
