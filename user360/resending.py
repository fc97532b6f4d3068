"""Sending failed messages again: one that was mended, or all of a kind once its cause is gone.

A message goes in by the same reader and the same rules as if it had just come, with the time it came then. What
is taken leaves the failed messages in the transaction that takes it; what fails again stays, with its newest
reason. Without this room a mistake in a sender would be an export, a script and a prayer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from user360 import activity, failed, ingest, sources, tracking
from user360.errors import InvalidMessage, InvalidRequest, UnreadableRequest
from user360.failed import Failure
from user360.ingest import Message

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from user360.failed import Failed
    from user360.sources import Sender
    from user360.store import Store, Transaction

AT_ONCE: Final = 500
OTHERWISE: Final = "server"


@dataclass(frozen=True, slots=True)
class Resent:
    """What became of messages that were sent again: taken now, known already, failed once more."""

    stored: int = 0
    known: int = 0
    failed: int = 0

    @property
    def taken(self) -> int:
        """How many stand among the failed ones no longer."""
        return self.stored + self.known


def send(
    store: Store,
    *,
    ids: Sequence[int] | None = None,
    code: str | None = None,
    source: str | None = None,
    by: str,
    at: datetime,
    tell: Callable[[int, int, str], None] | None = None,
) -> Resent:
    """Send these failed messages again, or else all of a reason and source; the oldest first, some hundred in a transaction.

    `tell` hears how many are done, of how many, and what is being done; what it raises ends the sending between two transactions.
    """
    for each in ids or ():
        failed.get(store, each)
    wanted = tuple(ids) if ids is not None else failed.ids(store, code=code, source=source)
    stored = known = again = 0
    for first in range(0, len(wanted), AT_ONCE):
        if tell:
            tell(first, len(wanted), "sending again")
        some = failed.among(store, wanted[first : first + AT_ONCE])
        became = _send(store, some, by, at)
        stored, known, again = stored + became.stored, known + became.known, again + became.failed
    if wanted:
        with store.transaction() as tx:
            detail = {each: value for each, value in {"reason": code, "source": source, "failed again": again}.items() if value}
            activity.record(tx, "send failed messages again", str(len(wanted)), detail, by=by, at=at)
    return Resent(stored, known, again)


def mend(store: Store, failure_id: int, raw: str, *, by: str, at: datetime) -> Resent:
    """Send one failed message in other words: its JSON, mended. Raises what is wrong with it, as far as it can be told."""
    kept = failed.get(store, failure_id)
    value = tracking.read_body(raw.encode("utf-8", "surrogatepass")).value
    if not isinstance(value, dict):
        raise InvalidRequest("$", "is no object.", "A message is { } with names and values.")
    mended = replace(kept, failure=replace(kept.failure, raw=raw))
    read = _read(mended, _senders(store, [mended]), at)
    if isinstance(read, Failure):
        raise InvalidMessage(read.message, read.hint)
    became = _send(store, [mended], by, at)
    if became.failed:
        worse = failed.find(store, source=kept.failure.source, limit=1)[0].failure
        raise InvalidMessage(worse.message, worse.hint)
    with store.transaction() as tx:
        activity.record(tx, "mend failed message", kept.failure.message_id, {"source": kept.failure.source}, by=by, at=at)
    return became


def _send(store: Store, some: Sequence[Failed], by: str, at: datetime) -> Resent:
    senders = _senders(store, some)
    read = [_read(each, senders, at) for each in some]
    messages = [each for each in read if not isinstance(each, Failure)]
    failures = [each for each in read if isinstance(each, Failure)]

    def also(tx: Transaction) -> None:
        failed.keep(tx, failures, at=at)
        failed.settle(tx, {each.id: each.times for each in some})

    taken = ingest.receive_messages(store, messages, by=by, at=at, also=also)
    return Resent(taken.stored, taken.known, taken.failed + len(failures))


def _senders(store: Store, some: Sequence[Failed]) -> dict[str, Sender]:
    """Who sent each, with the channel of its source; one that is no source any more is a server."""
    known = {each.name: sources.Sender(each.name, each.channel) for each in sources.find(store)}
    names = {each.failure.source for each in some}
    return {each: known.get(each, sources.Sender(each, OTHERWISE)) for each in names}


def _read(kept: Failed, senders: dict[str, Sender], at: datetime) -> Message | Failure:
    """The message, under the id it was kept by where it brings none of its own."""
    failure = kept.failure
    try:
        read = tracking.again(failure.raw, senders[failure.source], at=at)
        own = tracking.read_body(failure.raw.encode("utf-8", "surrogatepass")).value
    except UnreadableRequest as refusal:
        return replace(failure, code=refusal.code, message=refusal.message, hint=refusal.hint)
    named = isinstance(own, dict) and own.get("messageId")
    if named or not failure.message_id:
        return read
    id_ = failure.message_id
    return read._replace(message_id=id_) if isinstance(read, Message) else replace(read, message_id=id_)
