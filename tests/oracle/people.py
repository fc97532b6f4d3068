"""Who is there and what is known of them: everything a rule may ask, as it was told, in plain Python."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from tests.oracle.times import Now

if TYPE_CHECKING:
    from collections.abc import Mapping

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
EVER = datetime.min.replace(tzinfo=UTC)
FOREVER = datetime.max.replace(tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


@dataclass(frozen=True)
class Event:
    """One thing that happened, once; `properties` are the sender's JSON."""

    name: str
    at: datetime
    id: str = ""
    channel: str | None = None
    source: str | None = "test"
    properties: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Stretch:
    """From one instant on, or ever since, and up to another, or for good."""

    since: datetime | None
    until: datetime | None = None

    def holds(self, at: datetime) -> bool:
        return (self.since is None or self.since <= at) and (self.until is None or at < self.until)


@dataclass(frozen=True)
class Seen:
    """A last session that was set at an instant, or that an event moved which came `late`; events of up to `since` do not count for it.

    `settled` is what a merge or its undoing came to, which nobody set.
    """

    at: datetime
    value: datetime | None
    since: datetime
    late: bool = False
    settled: bool = False


@dataclass(eq=False)
class Person:
    """`history` is per property its values, each with the instant it was set; the first is the state at creation.

    Of who was merged, `older` says when they were made as it was known from an instant on, `absent` when they were
    part of somebody else, and `hands` whose events, by id, were theirs when; an event that never moved is theirs always.
    `sessions` are the last sessions they were given, the one they were made with since ever; `session` is what they have.
    """

    key: int
    created: datetime = LONG_AGO
    deleted: datetime | None = None
    history: dict[str, list[tuple[datetime, Any]]] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    older: list[tuple[datetime, datetime]] = field(default_factory=list)
    absent: list[Stretch] = field(default_factory=list)
    hands: dict[str, list[Stretch]] = field(default_factory=dict)
    sessions: list[Seen] = field(default_factory=list)
    session: datetime | None = None

    def made(self, at: datetime) -> datetime:
        """When they were made, as it was known at that instant."""
        return [self.created, *(made for since, made in self.older if since <= at)][-1]

    def there(self, at: datetime) -> bool:
        """Whether they had been made and were neither deleted nor part of somebody else."""
        gone = self.deleted is not None and self.deleted <= at
        return self.made(at) <= at and not gone and not any(each.holds(at) for each in self.absent)

    def did(self, at: datetime) -> list[Event]:
        """The events that were theirs at that instant, later ones among them."""
        return [each for each in self.events if any(hand.holds(at) for hand in self.hands.get(each.id, [Stretch(None)]))]

    def past(self, name: str, at: datetime) -> list[tuple[datetime, Any]]:
        """The values up to that instant; the first one holds since they were made, and what was never set was unknown from the first."""
        made = self.made(at)
        if name == "createdAt":
            return [(made, made)]
        if name == "lastSession":
            return [
                (
                    made,
                    self.seen(
                        [each for each in self.sessions if each.at <= at], [each for each in self.did(at) if each.at <= at]
                    ),
                )
            ]
        (_, first), *later = self.history.get(name) or [(made, None)]
        return [(made, first), *(each for each in later if each[0] <= at)]

    @staticmethod
    def seen(given: list[Seen], did: list[Event]) -> datetime | None:
        """What these last sessions that were given come to with these events: the last one that was set, or a newer event."""
        places = [place for place, each in enumerate(given) if not each.late]
        counting = given[places[-1] :] if places else given
        since = counting[0].since if places else EVER
        met = [each.value for each in counting if each.value is not None]
        return max([*met, *(each.at for each in did if each.at > since)], default=None)

    def meet(self, met: datetime, at: datetime) -> None:
        """An event of then arrives."""
        if self.session is None or self.session < met:
            self.session = met
            since = [EVER, *(each.since for each in self.sessions if not each.late)][-1]
            if met <= since:
                self.sessions.append(Seen(at, met, since, late=True))

    def give(self, session: datetime | None, at: datetime) -> None:
        """Somebody sets the session: events before that, those still to come among them, do not count any more."""
        if session != self.session:
            self.sessions.append(Seen(at, session, max(at, self.session or at)))
            self.session = session

    def settle(self, at: datetime) -> None:
        """The session of who was merged or parted is theirs from then on, if events and settings alone would come to another."""
        found = self.seen(self.sessions, self.did(FOREVER))
        if found != self.session:
            self.sessions.append(Seen(at, self.session, max(at, found or at), settled=True))

    @property
    def told(self) -> list[Seen]:
        """The last sessions they were given, apart from what merges and their undoing came to."""
        return [each for each in self.sessions if not each.settled]

    def value(self, name: str, at: datetime) -> Any:
        """The value that holds at that instant."""
        return self.past(name, at)[-1][1]


@dataclass(frozen=True)
class Listed:
    """Somebody's time on a fixed list; `by` is the merge that put them there, if one did."""

    key: int
    added: datetime = LONG_AGO
    removed: datetime | None = None
    by: object = None


@dataclass
class World:
    """`segments` are definitions, or fixed lists of who was on them when."""

    people: list[Person] = field(default_factory=list)
    segments: dict[str, dict[str, Any] | list[Listed]] = field(default_factory=dict)
    zone: ZoneInfo = BERLIN
    week_starts: int = 0

    def now(self, at: datetime) -> Now:
        return Now(at, self.zone, self.week_starts)

    def there(self, at: datetime) -> list[Person]:
        """Who had been made and was not deleted yet, in the order of their keys."""
        return [each for each in self.people if each.there(at)]


def world_of(people: list[dict[str, Any]], **known: Any) -> World:
    """A world of people given as property → value, set when they were made."""
    return World(
        [Person(key, history={name: [(LONG_AGO, value)] for name, value in values.items()}) for key, values in enumerate(people)],
        **known,
    )
