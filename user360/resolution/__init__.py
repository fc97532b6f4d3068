"""Resolution: how two profiles become one person, why, and how they become two again.

A merge is proposed by a message that brings both ids, or asked for by an analyst. It is recorded with
everything it moved and filled, so that it can be previewed, explained and undone without losing what
came later; what must not happen by itself is held for review. Without this room a shared browser
would make one person of two for good. By which rules a message finds its profile does not live here
(`ingest.meeting`), nor what it means for a record, its events and its ids (`profiles`, `events`, `identities`).

`records` keeps merges, `uniting` does them, `undoing` takes them back, `previewing` says what one would do, `explaining` why
somebody is one person.
"""

from __future__ import annotations

from user360.resolution.explaining import Link, Why, why
from user360.resolution.previewing import Preview, preview
from user360.resolution.records import MOST_BY_MESSAGES, Merge, count, erase, find, get, leads_to, together
from user360.resolution.undoing import check_undo, undo
from user360.resolution.uniting import Proposed, absorbed, accept, dismiss, hold, merge, unite

__all__ = [
    "MOST_BY_MESSAGES",
    "Link",
    "Merge",
    "Preview",
    "Proposed",
    "Why",
    "absorbed",
    "accept",
    "check_undo",
    "count",
    "dismiss",
    "erase",
    "find",
    "get",
    "hold",
    "leads_to",
    "merge",
    "preview",
    "together",
    "undo",
    "unite",
    "why",
]
