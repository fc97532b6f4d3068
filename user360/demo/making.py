"""The sample as tables: users, their later changes, and events day by day."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from user360.demo import calendar, contacts, roster, stream, visits
from user360.demo.changing import Change, later
from user360.demo.crowd import gather
from user360.errors import Invalid

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

SEED = 7


def tables(users: int, events: int, *, at: datetime, seed: int = SEED) -> tuple[pa.Table, pa.Table]:
    """All users and all events of the 180 days before `at`, at once. For millions take `people` and `batches`."""
    return people(users, events, at=at, seed=seed), pa.concat_tables(batches(users, events, at=at, seed=seed))


def people(users: int, events: int, *, at: datetime, seed: int = SEED) -> pa.Table:
    """The users, oldest first, as first told of: userId, createdAt, source, and a column per property in its Arrow type."""
    crowd = gather(_enough(users), at=at, seed=seed)
    plan = visits.plan(crowd, calendar.days(at), events, seed=seed)
    return roster.users(crowd, roster.tally(users, plan), seed=seed)


def batches(users: int, events: int, *, at: datetime, seed: int = SEED) -> Iterator[pa.Table]:
    """The events, a table for each day, about in the order they happened (parcels arrive days after their order).

    Columns: person (row of the user in `people`), userId (null while unidentified), event, timestamp
    (naive UTC), channel, source, messageId, properties (JSON text).
    """
    crowd = gather(_enough(users), at=at, seed=seed)
    days = calendar.days(at)
    ids = contacts.user_ids(crowd)
    for day in visits.plan(crowd, days, events, seed=seed):
        running = days.campaigns[day.campaign] if day.campaign >= 0 else None
        yield stream.events(crowd, ids, day, running, prefix=f"{at:%y%m%d%H%M}", seed=seed)


def changes(users: pa.Table, *, at: datetime) -> list[Change]:
    """What was told later of the users that `people` made for the same instant, in order."""
    return later(users, at=at)


def _enough(users: int) -> int:
    if users < 1:
        raise Invalid("The sample needs at least one user.")
    return users
