"""Answers about failed messages and warnings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from user360.clock import aware
from user360.errors import Unknown
from user360.failed.keeping import Failure, of
from user360.sql import Sql, joined, sql

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from user360.store import Store


@dataclass(frozen=True, slots=True)
class Failed:
    """A failed message that is kept. It failed `times` times, first and last then."""

    id: int
    failure: Failure
    first_at: datetime
    last_at: datetime
    times: int


@dataclass(frozen=True, slots=True)
class Reason:
    """Why some messages of one source failed: how many are kept, how often they failed, what the newest was told."""

    code: str
    source: str
    messages: int
    times: int
    message: str
    hint: str
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Warned:
    """Warnings of one reason about one property of one source. `values` are some it was about, the newest first.

    Past the first 2,000 properties of a reason and source the rest are counted together under the property `…`.
    """

    id: int
    code: str
    source: str
    kind: str
    property: str
    message: str
    hint: str
    message_id: str
    values: tuple[str, ...]
    first_at: datetime
    last_at: datetime
    times: int


_ROW: Final = Sql(
    "SELECT failure_id, message_id, kind, code, message, hint, source, raw, user_id, property, value, first_at, last_at, times "
    "FROM failed_messages"
)


def find(
    store: Store, *, code: str | None = None, source: str | None = None, limit: int = 50, offset: int = 0
) -> tuple[Failed, ...]:
    """Failed messages, those that failed last first."""
    rows = store.rows(
        sql("{} {} ORDER BY last_at DESC, failure_id DESC LIMIT {} OFFSET {}", _ROW, of(code, source), limit, offset)
    )
    return tuple(_failed(*row) for row in rows)


def among(store: Store, wanted: Sequence[int]) -> tuple[Failed, ...]:
    """These failed messages, in this order; those that are there no longer are left out."""
    if not wanted:
        return ()
    rows = store.rows(sql("{} WHERE failure_id IN ({})", _ROW, joined(", ", wanted)))
    found = {row[0]: _failed(*row) for row in rows}
    return tuple(found[each] for each in wanted if each in found)


def ids(store: Store, *, code: str | None = None, source: str | None = None) -> tuple[int, ...]:
    """The numbers of failed messages, in the order in which they first came."""
    rows = store.rows(sql("SELECT failure_id FROM failed_messages {} ORDER BY first_at, failure_id", of(code, source)))
    return tuple(each for (each,) in rows)


def get(store: Store, failure_id: int) -> Failed:
    """One failed message."""
    rows = store.rows(sql("{} WHERE failure_id = {}", _ROW, failure_id))
    if not rows:
        raise Unknown("There is no such failed message.", "It may have been sent again or deleted.")
    return _failed(*rows[0])


def of_user(store: Store, user_id: str) -> tuple[Failed, ...]:
    """Failed messages that name this user id, those that failed last first."""
    return tuple(
        _failed(*row) for row in store.rows(sql("{} WHERE user_id = {} ORDER BY last_at DESC, failure_id DESC", _ROW, user_id))
    )


def count(store: Store, *, code: str | None = None, source: str | None = None) -> int:
    """How many failed messages are kept."""
    return int(store.rows(sql("SELECT count(*) FROM failed_messages {}", of(code, source)))[0][0])


def reasons(store: Store, *, source: str | None = None) -> tuple[Reason, ...]:
    """Why messages failed, per reason and source; what failed last comes first."""
    rows = store.rows(
        sql(
            "SELECT code, source, count(*), sum(times)::BIGINT, arg_max(message, last_at), arg_max(hint, last_at), min(first_at), "
            "max(last_at) FROM failed_messages {} GROUP BY code, source ORDER BY max(last_at) DESC, count(*) DESC, code, source",
            of(None, source),
        )
    )
    return tuple(_reason(*row) for row in rows)


def warnings(store: Store, *, source: str | None = None, code: str | None = None) -> tuple[Warned, ...]:
    """What was left out or changed, the newest first."""
    rows = store.rows(
        sql(
            "SELECT warning_id, code, source, kind, property, message, hint, message_id, seen, first_at, last_at, times "
            "FROM warnings {} ORDER BY last_at DESC, times DESC, warning_id",
            of(code, source),
        )
    )
    return tuple(_warned(*row) for row in rows)


def sources(store: Store) -> tuple[str, ...]:
    """The sources that have failed messages or warnings, by name."""
    rows = store.rows(Sql("SELECT source FROM failed_messages UNION SELECT source FROM warnings ORDER BY 1"))
    return tuple(each for (each,) in rows)


def _failed(number: int, *row: Any) -> Failed:
    *failure, first_at, last_at, times = row
    return Failed(number, Failure(*failure), aware(first_at), aware(last_at), times)


def _reason(code: str, source: str, messages: int, times: int, *row: Any) -> Reason:
    message, hint, first_at, last_at = row
    return Reason(code, source, messages, times, message, hint, aware(first_at), aware(last_at))


def _warned(number: int, code: str, source: str, kind: str, *row: Any) -> Warned:
    about, message, hint, message_id, seen, first_at, last_at, times = row
    return Warned(
        number, code, source, kind, about, message, hint, message_id, tuple(seen), aware(first_at), aware(last_at), times
    )
