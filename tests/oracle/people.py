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
class Person:
    """`history` is per property its values, each with the instant it was set; the first is the state at creation."""

    key: int
    created: datetime = LONG_AGO
    deleted: datetime | None = None
    history: dict[str, list[tuple[datetime, Any]]] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)

    def past(self, name: str, at: datetime) -> list[tuple[datetime, Any]]:
        """The values up to that instant; what was never set was unknown from the first."""
        if name == "createdAt":
            return [(self.created, self.created)]
        if name == "lastSession":
            met = sorted(each.at for each in self.events if each.at <= at)
            return [(self.created, None), *((each, each) for each in met)]
        told = self.history.get(name) or []
        start = [] if told and told[0][0] <= self.created else [(self.created, None)]
        return start + [each for each in told if each[0] <= at]

    def value(self, name: str, at: datetime) -> Any:
        """The value that holds at that instant."""
        return self.past(name, at)[-1][1]


@dataclass(frozen=True)
class Listed:
    """Somebody's time on a fixed list."""

    key: int
    added: datetime = LONG_AGO
    removed: datetime | None = None


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
        return [each for each in self.people if each.created <= at and (each.deleted is None or each.deleted > at)]


def world_of(people: list[dict[str, Any]], **known: Any) -> World:
    """A world of people given as property → value, set when they were made."""
    return World(
        [Person(key, history={name: [(LONG_AGO, value)] for name, value in values.items()}) for key, values in enumerate(people)],
        **known,
    )
