"""What each day comes to: its events and its users, as a whole, of every event and on every channel; kept beside the events.

The users of a day cannot be added up from parts, so a day is counted whole, in the workspace's zone: once its events were
sorted, and by `tally` whenever enough was added. What is kept never lags behind unnoticed, and writers of events need not
know of it. Rows that came since make the table longer than what was counted: they stand at its end, or the days are held
against their counts. Whoever removes events or gives them to another person marks the hours (`changing`). A day that changed
is counted by the question itself until it is tallied again. What is drawn of it does not live here (`insights`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

import numpy as np
import pyarrow as pa

from user360 import clock, workspace
from user360.events.lots import lots
from user360.events.walls import local
from user360.schema import SYSTEM_EVENTS
from user360.sql import Sql, joined, sql

if TYPE_CHECKING:
    from collections.abc import Callable
    from zoneinfo import ZoneInfo

    from numpy.typing import NDArray

    from user360.store import Store, Transaction

    Array = NDArray[Any]

WHOLE, EVENT, CHANNEL = 0, 1, 2
"""What a row is of: all events of a day that are not the system's; those of an event; those on a channel that are not the system's."""
CHANGES: Final = "tally_change"
PLACE: Final = "tallied"
RUNS: Final = "tally_run"
AT_ONCE: Final = 2_000_000
WORTH_IT: Final = 20_000
_DAY: Final = timedelta(days=1)
_KEY_BITS, _NUMBER_BITS = 32, 17
_NOTHING: Final = 2**16  # stands for no number


@dataclass(frozen=True, slots=True)
class Tallies:
    """What is kept of days of that zone; the `stale` ones have changed since. In `people` questions keep who they read of the others (`days`)."""

    zone_name: str
    stale: frozenset[date]
    people: dict[date, Any] = field(default_factory=dict, compare=False, repr=False)

    def of(self, kind: int, first: date, until: date) -> Sql:
        """The days from the first on, the stale ones left out: day, number (of the event or channel), events, users."""
        stale = sorted(each for each in self.stale if first <= each < until)
        return sql(
            "SELECT day, number, events::BIGINT AS events, users::BIGINT AS users FROM tallies WHERE kind = {} AND zone = {} AND day >= {} AND day < {}{}",
            kind,
            self.zone_name,
            first,
            until,
            sql(" AND day NOT IN ({})", joined(", ", stale)) if stale else Sql(""),
        )


_people: WeakKeyDictionary[Store, tuple[tuple[str, int], dict[date, Any]]] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class _State:
    """Of one moment: of which zone days are kept, how many rows came since they were counted, and the hours that changed.

    `place` is the last row of the table when they were counted, -1 where rows have moved since.
    """

    zone_name: str | None
    came: int
    place: int
    hours: tuple[datetime, ...]
    changes: int
    runs: int


def tallies(store: Store) -> Tallies | None:
    """What may be told of days without reading their events; None where nothing was counted in the zone of the workspace."""
    return store.kept(_told, "events", "workspace", "tallies")


def _told(store: Store) -> Tallies | None:
    with store.snapshot() as seen:
        zone, state = workspace.get(store).zone, _state(seen)
        if state.zone_name != zone.key:
            return None
        stale = frozenset(_stale(seen, state, zone))
    of, people = _people.get(store, (None, {}))
    if of != (zone.key, state.runs):  # counted anew since: what is stale is said of what is counted now
        people = {}
        _people[store] = ((zone.key, state.runs), people)
    return Tallies(zone.key, stale, people)


def forget_days() -> None:
    """Let go what questions kept of days, so that the next one reads them; for who measures or holds both against each other."""
    for _, people in _people.values():
        people.clear()


def worth_tallying(store: Store, *, at: datetime) -> bool:
    """Whether days that are over changed since they were counted; of few events never, which are counted by questions as quickly."""
    if store.rows(Sql("SELECT count(*) FROM events"))[0][0] < WORTH_IT:
        return False
    found = tallies(store)
    return found is None or any(each < clock.calendar_day(at, workspace.get(store).zone) for each in found.stale)


def removing(tx: Transaction, where: Sql) -> int:
    """Remove these events, and mark their hours; answers how many they were.

    They are counted first, for DuckDB keeps the whole of every row in memory that a statement is to return something of.
    """
    hours = _by_hour(tx, sql("SELECT occurred_at FROM events WHERE {}", where))
    tx.execute(sql("DELETE FROM events WHERE {}", where))
    return _mark(tx, hours, gone=True)


def giving(tx: Transaction, statement: Sql) -> int:
    """Run a statement that gives events to another person, and mark their hours; answers how many they were."""
    return _mark(tx, _by_hour(tx, sql("{} RETURNING occurred_at", statement)), gone=False)


def _by_hour(tx: Transaction, events: Sql) -> pa.Table:
    return tx.read(
        sql(
            "WITH changed AS ({}) SELECT date_trunc('hour', occurred_at) AS hour, count(*) AS events FROM changed GROUP BY hour",
            events,
        )
    )


def _mark(tx: Transaction, hours: pa.Table, *, gone: bool) -> int:
    if hours.num_rows:
        left = Sql("events" if gone else "0")
        tx.execute(sql("INSERT INTO tally_changes SELECT {}, hour, {} FROM hours", tx.take(CHANGES), left, hours=hours))
    return int(sum(hours["events"].to_pylist()))


def moved(tx: Transaction) -> None:
    """Say that rows of the table stand elsewhere than they did."""
    tx.remember(PLACE, 0)


def tally(store: Store, tell: Callable[[int, int], None] | None = None) -> int:
    """Count every day that changed since it was counted; answers how many those were. `tell` hears (done, of all) after each lot."""
    zone = workspace.get(store).zone
    with store.snapshot() as seen:
        state = _state(seen)
        fresh = state.zone_name != zone.key
        held = _held(seen, zone) if fresh else {}
        due = sorted(held if fresh else _stale(seen, state, zone))
        if not due and not fresh:
            return 0
        held = held or _held(seen, zone)
        parts: list[pa.Table] = []
        done = 0
        for lot in lots([(each, held.get(each, 0)) for each in due], AT_ONCE, may_join=_are_neighbours):
            parts.append(_counting(seen, lot, zone))
            done += len(lot)
            if tell:
                tell(done, len(due))
        ((place,),) = seen.rows(Sql("SELECT coalesce(max(rowid), -1) FROM events"))
    with store.transaction() as tx:
        if _state(tx).runs != state.runs:  # another one was quicker
            return 0
        tx.take(RUNS)
        whole = joined(" OR ", [sql("zone <> {}", zone.key), sql("day IN (SELECT day FROM due)", due=_days(due))])
        tx.execute(sql("DELETE FROM tallies WHERE {}", whole))
        if parts:
            rows = sql(
                "SELECT {}, kind, day, number, events, users FROM counted ORDER BY kind, day",
                zone.key,
                counted=pa.concat_tables(parts),
            )
            tx.execute(sql("INSERT INTO tallies {}", rows))
        tx.execute(sql("DELETE FROM tally_changes WHERE change_id < {}", state.changes))
        tx.remember(PLACE, place + 1)
        tx.touch("tallies")
    return len(due)


# -- what changed -------------------------------------------------------------------------------


def _state(seen: Transaction) -> _State:
    ((zone_name, held, counted, gone, place, changes, runs),) = seen.rows(
        sql(
            "SELECT (SELECT any_value(zone) FROM tallies), (SELECT count(*) FROM events), (SELECT coalesce(sum(events), 0) FROM tallies "
            "WHERE kind = {}), (SELECT coalesce(sum(gone), 0) FROM tally_changes), {}",
            EVENT,
            joined(
                ", ", [sql("coalesce((SELECT next FROM counters WHERE name = {}), 0)", each) for each in (PLACE, CHANGES, RUNS)]
            ),
        )
    )
    hours = tuple(each for (each,) in seen.rows(Sql("SELECT DISTINCT hour FROM tally_changes")))
    return _State(zone_name, int(held - counted + gone), int(place) - 1, hours, int(changes), int(runs))


def _stale(seen: Transaction, state: _State, zone: ZoneInfo) -> set[date]:
    """The days that changed since they were counted."""
    edges = (timedelta(), timedelta(hours=1) - timedelta(microseconds=1))  # an hour may lie on two days
    found = {clock.calendar_day(each + edge, zone) for each in state.hours for edge in edges}
    if not state.came:
        return found
    if state.place >= 0:
        tail = _by_day(seen, zone, sql(" WHERE rowid > {}", state.place))
        if sum(tail.values()) == state.came:
            return found | set(tail)
    counted = dict(seen.rows(sql("SELECT day, sum(events)::BIGINT FROM tallies WHERE kind = {} GROUP BY day", EVENT)))
    held = _held(seen, zone)
    return found | {each for each in held.keys() | counted.keys() if held.get(each) != counted.get(each)}


def _held(seen: Transaction, zone: ZoneInfo) -> dict[date, int]:
    return _by_day(seen, zone, Sql(""))


def _by_day(seen: Transaction, zone: ZoneInfo, such: Sql) -> dict[date, int]:
    """How many events each day has. Counted by quarters of an hour first, of which every zone's days are made."""
    quarters = sql(
        "SELECT time_bucket(INTERVAL 15 minutes, occurred_at) AS quarter, count(*) AS events FROM events{} GROUP BY quarter", such
    )
    days = sql(
        "SELECT (quarter AT TIME ZONE 'UTC' AT TIME ZONE {})::DATE AS day, sum(events)::BIGINT FROM ({}) GROUP BY day",
        zone.key,
        quarters,
    )
    return dict(seen.rows(days))


# -- counting -----------------------------------------------------------------------------------


def _are_neighbours(day: date, following: date) -> bool:
    """Whether nothing lies between two days, so that both are one stretch of time."""
    return following == day + _DAY


def _counting(seen: Transaction, lot: list[date], zone: ZoneInfo) -> pa.Table:
    """The tallies of neighbouring days: kind, day, number, events, users."""
    start, end = clock.start_of_day(lot[0], zone), clock.start_of_day(lot[-1] + _DAY, zone)
    rows = seen.read(
        sql(
            "SELECT (({})::DATE - {})::INTEGER AS day, event_id::INTEGER AS event, coalesce(channel_id, {})::INTEGER AS channel, "
            "profile_key FROM events WHERE occurred_at >= {} AND occurred_at < {}",
            local(zone, start, end),
            lot[0],
            _NOTHING,
            clock.stored(start),
            clock.stored(end),
        )
    )
    day, event, channel, who = (rows[each].to_numpy() for each in ("day", "event", "channel", "profile_key"))
    others = event >= len(SYSTEM_EVENTS)
    nothing = np.full(np.count_nonzero(others), _NOTHING)
    return pa.concat_tables(
        [
            _cells(WHOLE, lot[0], day[others], nothing, who[others]),
            _cells(EVENT, lot[0], day, event, who),
            _cells(CHANNEL, lot[0], day[others], channel[others], who[others]),
        ]
    )


def _cells(kind: int, first: date, day: Array, number: Array, who: Array) -> pa.Table:
    """How many rows and how many people each day and number have. Sorting numbers took a third of the time of groups in the database."""
    packed = (day.astype(np.int64) << _NUMBER_BITS | number) << _KEY_BITS | who
    packed.sort()
    firsts = np.flatnonzero(np.append(True, packed[1:] != packed[:-1])[: packed.size])
    cells = packed >> _KEY_BITS
    starts = np.flatnonzero(np.append(True, cells[1:] != cells[:-1])[: cells.size])
    cell = cells[starts]
    numbers = cell & (1 << _NUMBER_BITS) - 1
    edges = np.append(starts, packed.size)
    columns = {
        "kind": pa.array(np.full(cell.size, kind), pa.uint8()),
        "day": pa.array([first + timedelta(days=each) for each in (cell >> _NUMBER_BITS).tolist()], pa.date32()),
        "number": pa.array(numbers, pa.uint16(), mask=numbers == _NOTHING, safe=False),
        "events": pa.array(np.diff(edges), pa.uint64()),
        "users": pa.array(np.diff(np.searchsorted(firsts, edges)), pa.uint32()),
    }
    return pa.table(columns)


def _days(days: list[date]) -> pa.Table:
    return pa.table({"day": pa.array(days, pa.date32())})
