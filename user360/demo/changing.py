"""What was told of the users later: tiers that rose, opt-ins the bot collected.

Without these every profile would look as on its first day, and neither history nor timeline would
have a change to show. The first telling does not live here (`roster`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from user360.demo.calendar import DAYS, microseconds
from user360.demo.roster import TIER_FROM, TIERS

if TYPE_CHECKING:
    from user360.demo.calendar import Numbers

_OPT_INS_EVERY: Final = timedelta(days=9)


@dataclass(frozen=True, slots=True)
class Change:
    """What one source told at one instant. `rows` has the column person (row of the user) and a column per property."""

    at: datetime
    source: str
    rows: pa.Table


def later(users: pa.Table, *, at: datetime) -> list[Change]:
    """All later changes of these users (the whole table of the sample), in order."""
    made = users["createdAt"].to_numpy().astype(np.int64)
    changes = [*_risen(users, made, at), *_opted_in(users, made, at)]
    return sorted((each for each in changes if len(each.rows)), key=lambda each: each.at)


def _risen(users: pa.Table, made: Numbers, at: datetime) -> list[Change]:
    """Each month a file of those who spent enough for a higher tier; the tag tells who is new there."""
    spent = pc.fill_null(users["spent"], 0.0).to_numpy()
    due = np.searchsorted(TIER_FROM, spent, side="right") - 1
    told = pc.index_in(users["loyaltyTier"], pa.array(TIERS)).combine_chunks().to_numpy(zero_copy_only=False)
    changes = []
    months = _months(at)
    turn = np.arange(len(users)) * 40_503 // 11 % max(len(months), 1)
    for place, month in enumerate(months):
        chosen = np.flatnonzero((due > told) & (turn == place) & (made < microseconds(month)))
        rows = {
            "person": pa.array(chosen.astype(np.int32)),
            "loyaltyTier": pa.array(TIERS).take(pa.array(due[chosen])),
            "tags": pa.array([["loyal"]] * len(chosen), pa.list_(pa.string())),
        }
        changes.append(Change(month, f"loyalty-{month:%b}.csv".lower(), pa.table(rows)))
    return changes


def _months(at: datetime) -> list[datetime]:
    days = (at.astimezone(UTC) - timedelta(days=back) for back in range(DAYS - 1, 0, -1))
    return [each.replace(hour=6, minute=2, second=0, microsecond=0) for each in days if each.day == 1]


def _opted_in(users: pa.Table, made: Numbers, at: datetime) -> list[Change]:
    """Now and then the bot asks some whose answer is not known, and they say yes."""
    own = np.arange(len(users))
    reachable = pc.and_(pc.is_null(users["whatsAppOptin"]), pc.is_valid(users["whatsAppNumber"])).to_numpy()
    asked = reachable & (own * 40_503 // 13 % 5 < 2)
    rounds = int(timedelta(days=DAYS) / _OPT_INS_EVERY)
    turn = own * 40_503 // 17 % rounds
    changes = []
    for place in range(rounds):
        instant = (at - (rounds - place) * _OPT_INS_EVERY + timedelta(days=4)).astimezone(UTC)
        chosen = np.flatnonzero(asked & (turn == place) & (made < microseconds(instant)))
        rows = {"person": pa.array(chosen.astype(np.int32)), "whatsAppOptin": pa.array(np.ones(len(chosen), dtype=np.bool_))}
        changes.append(Change(instant, "WhatsApp bot", pa.table(rows)))
    return changes
