"""A small world told step by step, to a real store and to the oracle's plain one at once."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from tests import oracle
from tests.worlds import events, take
from user360 import ingest, profiles, properties, resolution, segments, workspace
from user360.errors import Conflict
from user360.people import People
from user360.store import open_store

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from zoneinfo import ZoneInfo

    from user360.store import Store


@dataclass(frozen=True)
class Told:
    """What was said of users, by user id: property → value, None where it becomes unknown. `made` is when new ones were made."""

    at: datetime
    rows: Mapping[str, Mapping[str, Any]]
    made: datetime | None = None


@dataclass(frozen=True)
class Happened:
    """Events that arrived together; who is not known yet becomes a user. Of one id only the first counts."""

    at: datetime
    events: Sequence[tuple[str, oracle.Event]]
    source: str = "test"


@dataclass(frozen=True)
class Left:
    """Users who were deleted."""

    at: datetime
    users: Sequence[str]


@dataclass(frozen=True)
class Listing:
    """Users put on a fixed list, or taken off it."""

    at: datetime
    segment: str
    users: Sequence[str]
    on: bool


@dataclass(frozen=True)
class Merged:
    """Two users who became one, where both are there."""

    at: datetime
    keep: str
    absorb: str


@dataclass(frozen=True)
class Parted:
    """A merge that was taken back: of those in force the one of this number, counted round, where it can be."""

    at: datetime
    number: int


Step = Told | Happened | Left | Listing | Merged | Parted


@dataclass
class Telling:
    """A store and the oracle's world, told the same."""

    store: Store
    world: oracle.World
    kinds: Mapping[str, str]
    users: dict[str, oracle.Person] = field(default_factory=dict)
    ids: set[str] = field(default_factory=set)
    merges: list[tuple[int, oracle.Union, list[str]]] = field(default_factory=list)
    """Those in force: the number of each, what it was, and the users whose ids it gave to who was kept."""

    def tell(self, step: Step) -> None:
        match step:
            case Told():
                self._told(step)
            case Happened():
                self._happened(step)
            case Left():
                gone = {self.users[each].key for each in step.users if each in self.users}
                profiles.delete(self.store, People.of(gone), by="t", source="t", at=step.at)
                for user in [each for each, person in self.users.items() if person.key in gone]:
                    self.users.pop(user).deleted = step.at
            case Merged():
                self._merged(step)
            case Parted():
                self._parted(step)
            case Listing():
                self._listing(step)

    def save_list(self, name: str, *, at: datetime) -> str:
        found = segments.lists.save(self.store, name, People.of([]), source="t", by="t", at=at)
        self.world.segments[found.id] = []
        return found.id

    def save_rule(self, name: str, rule: dict[str, Any], *, at: datetime) -> str:
        found = segments.saved.save(self.store, name, segments.parse(rule), by="t", at=at)
        self.world.segments[found.id] = rule
        return found.id

    def _told(self, step: Told) -> None:
        step = replace(step, rows=self._once_each(step.rows))
        take(self.store, _users(step), at=step.at)
        for user, values in step.rows.items():
            if user not in self.users:
                self._make(user, step.made or step.at, values)
                continue
            for name, value in values.items():
                if name == "lastSession":
                    self._seen(self.users[user], value, step.at)
                    continue
                told = self.users[user].history[name]
                if _comparable(name, told[-1][1]) != _comparable(name, value):
                    told.append((step.at, value))
                    for _, union, _ in self.merges:
                        union.said |= {name} if union.kept is self.users[user] else set()

    def _seen(self, person: oracle.Person, value: datetime | None, at: datetime) -> None:
        if value != person.session:
            person.give(value, at)
            for _, union, _ in self.merges:
                union.said |= {"lastSession"} if union.kept is person else set()

    def _once_each(self, rows: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
        """One row for each person, of those who have several ids by now."""
        first: dict[Any, str] = {}
        for user in rows:
            first.setdefault(self.users[user].key if user in self.users else user, user)
        return {user: rows[user] for user in first.values()}

    def _merged(self, step: Merged) -> None:
        kept, gone = self.users.get(step.keep), self.users.get(step.absorb)
        if kept is None or gone is None or kept is gone:
            return
        done = resolution.merge(self.store, kept.key, gone.key, by="t", at=step.at)
        theirs = [user for user, person in self.users.items() if person is gone]
        self.merges.append((done.id, oracle.united(self.world, kept, gone, step.at), theirs))
        self.users |= dict.fromkeys(theirs, kept)

    def _parted(self, step: Parted) -> None:
        if not self.merges:
            return
        number, union, theirs = found = self.merges[step.number % len(self.merges)]
        if union.kept not in self.users.values():  # deleted since, or part of somebody else
            with pytest.raises(Conflict):
                resolution.undo(self.store, number, by="t", at=step.at)
            return
        resolution.undo(self.store, number, by="t", at=step.at)
        self.merges.remove(found)
        others = [each for _, each, _ in self.merges if each.kept is union.kept]
        oracle.parted(self.world, union, others, step.at)
        self.users |= dict.fromkeys(theirs, union.gone)

    def _happened(self, step: Happened) -> None:
        ingest.receive(self.store, _events(step), source=step.source, by="t", at=step.at)
        for user, _ in step.events:
            if user not in self.users:
                self._make(user, min(step.at, *(each.at for who, each in step.events if who == user)), {})
        met: dict[int, datetime] = {}
        for user, each in step.events:
            if each.id not in self.ids:
                self.ids.add(each.id)
                person = self.users[user]
                person.events.append(replace(each, source=step.source))
                met[person.key] = max(each.at, met.get(person.key, each.at))
        for person in {*self.users.values()}:
            if person.key in met:
                person.meet(met[person.key], step.at)

    def _make(self, user: str, made: datetime, values: Mapping[str, Any]) -> None:
        history = {name: [(made, values.get(name))] for name in self.kinds}
        key = profiles.key_of(self.store, user)
        assert key is not None
        self.users[user] = person = oracle.Person(key, made, history=history, session=values.get("lastSession"))
        if person.session is not None:
            person.sessions.append(oracle.Seen(oracle.EVER, person.session, oracle.EVER))
        self.world.people.append(self.users[user])

    def _listing(self, step: Listing) -> None:
        keys = [self.users[each].key for each in step.users if each in self.users]
        if step.on:
            segments.lists.add(self.store, step.segment, People.of(keys), source="t", by="t", at=step.at)
        else:
            segments.lists.remove(self.store, step.segment, People.of(keys), by="t", at=step.at)
        listed = self.world.segments[step.segment]
        assert isinstance(listed, list)
        on = {each.key for each in listed if each.removed is None}
        if step.on:
            listed += [oracle.Listed(key, step.at) for key in keys if key not in on]
        else:
            listed[:] = [
                oracle.Listed(each.key, each.added, step.at) if each.removed is None and each.key in keys else each
                for each in listed
            ]


def telling(kinds: Mapping[str, str], *, zone: ZoneInfo, week_starts: int, at: datetime) -> Telling:
    """An empty world of that zone in which these properties may be told."""
    store = open_store()
    workspace.change(store, zone_name=zone.key, week_starts=week_starts)
    known = {each.name for each in properties.find(store)}
    for name, kind in kinds.items():
        if name not in known:
            properties.define(store, name, kind, by="t", at=at)
    return Telling(store, oracle.World(zone=zone, week_starts=week_starts), kinds)


def raw(value: Any) -> str | None:
    """A value as text, as a file would give it."""
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return json.dumps(value) if isinstance(value, list) else str(value)


def _events(step: Happened) -> ingest.Events:
    return events(
        [(user, each.name, each.at) for user, each in step.events],
        channels=[each.channel for _, each in step.events],
        message_ids=[each.id for _, each in step.events],
        properties=[json.dumps(each.properties) for _, each in step.events],
    )


def _users(step: Told) -> ingest.Users:
    names = list(dict.fromkeys(name for values in step.rows.values() for name in values))
    rows = list(step.rows.values())
    made = None
    if step.made is not None:
        made = pa.array([step.made.astimezone(UTC).replace(tzinfo=None)] * len(rows), pa.timestamp("us"))
    return ingest.Users(
        pa.array(list(step.rows), pa.string()),
        {name: pa.array([raw(row.get(name)) for row in rows], pa.string()) for name in names},
        pa.array(range(1, len(rows) + 1), pa.int64()),
        clears={name: pa.array([name in row and row[name] is None for row in rows]) for name in names},
        at=made,
    )


def _comparable(name: str, value: Any) -> Any:
    return sorted(value) if name == "tags" and value else value
