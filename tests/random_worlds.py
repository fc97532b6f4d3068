"""Worlds drawn at random, full of what tempts a compiler to be wrong: edges of windows, clocks that change, ties, junk, people who become one and two again."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

from tests.oracle import Event, Now
from tests.oracle.times import moved, on_the_wall, shifted
from tests.steps import Happened, Left, Listing, Merged, Parted, Telling, Told, telling
from user360 import events

if TYPE_CHECKING:
    from random import Random

    from tests.steps import Step

KINDS = {
    "nick": "string",
    "mail": "email",
    "score": "number",
    "born": "date",
    "seen": "datetime",
    "at": "time",
    "vip": "boolean",
    "likes": "list",
    "tags": "list",
}
NAMES = ("Order", "View", "Sign up")
CHANNELS = (None, "web", "Web", "app")
SOURCES = ("test", "shop")
USERS = [f"u{each}" for each in range(7)]
LISTED, RULED, MIXED = "s1", "s2", "s3"
_BERLIN, _KOLKATA, _NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kolkata"), ZoneInfo("America/New_York")
SETTINGS = (
    Now(datetime(2026, 11, 23, 12, 50, tzinfo=UTC), _BERLIN),
    Now(datetime(2026, 10, 25, 0, 30, tzinfo=UTC), _BERLIN),
    Now(datetime(2026, 10, 25, 1, 30, tzinfo=UTC), _BERLIN),
    Now(datetime(2026, 10, 26, 22, 59, 59, 999999, tzinfo=UTC), _BERLIN),
    Now(datetime(2026, 3, 30, 0, 30, tzinfo=UTC), _BERLIN, 6),
    Now(datetime(2024, 3, 31, 10, 0, tzinfo=UTC), _BERLIN),
    Now(datetime(2024, 2, 29, 22, 30, tzinfo=UTC), _BERLIN, 3),
    Now(datetime(2026, 11, 23, 18, 30, tzinfo=UTC), _KOLKATA),
    Now(datetime(2025, 2, 28, 18, 29, 59, tzinfo=UTC), _KOLKATA, 6),
    Now(datetime(2026, 11, 1, 5, 45, tzinfo=UTC), _NEW_YORK, 6),
    Now(datetime(2026, 3, 9, 6, 30, 0, 1, tzinfo=UTC), _NEW_YORK),
    Now(datetime(2026, 9, 7, 3, 30, tzinfo=UTC), ZoneInfo("America/Santiago")),
    Now(datetime(2026, 1, 1, 0, 0, tzinfo=UTC), ZoneInfo("UTC")),
)
TICK = timedelta(microseconds=1)
JUNK: tuple[Any, ...] = (
    None,
    "",
    [],
    {},
    {"a": 1},
    True,
    False,
    "abc",
    "NaN",
    "Infinity",
    "0x10",
    "1,000",
    "1_000",
    "１２",
    "true",
)
NUMBERS: tuple[Any, ...] = (0, 1, 2, 5, 10, 1.5, -1, "5", " 5 ", "+5", "1.50", "1e1", "0", "-1", 5.0, "5.0", "1e999")
TEXTS: tuple[Any, ...] = ("red", "Red", "RED_1", "b%", "Bo.b", "É", "é")
VALUES: dict[str, tuple[Any, ...]] = {
    "nick": (None, "Ann", "ann", "ANN_1", "b%", "Bo.b", "É"),
    "mail": (None, "a@x.com", "b@y.org"),
    "score": (None, -1.0, 0.0, 1.5, 10.0),
    "at": (None, time(0, 0), time(9, 30), time(23, 59, 59)),
    "vip": (None, True, False),
    "likes": (None, ["x"], ["x", "y"], ["z"]),
    "tags": (None, ["x"], ["x", "y"], ["z"]),
}


class Recipe(NamedTuple):
    """How a world came about: `now` is the instant after everything was told; `arrivals` are when it was."""

    now: Now
    rules: tuple[dict[str, Any], dict[str, Any]]
    steps: tuple[Step, ...]

    @property
    def arrivals(self) -> list[datetime]:
        return sorted({each.at for each in self.steps})


@lru_cache
def instants(now: Now) -> tuple[datetime, ...]:
    """Instants on, just before and just after every edge a window may have; some are still to come."""
    edges = [now.at]
    for unit, amounts in {"minute": (1, 60), "hour": (1, 24, 25), "day": (1, 2, 7), "week": (1,), "month": (1, 2, 12)}.items():
        edges += [moved(now.at, -amount, unit, now.zone) for amount in amounts]
    for unit in ("day", "week", "month", "year"):
        first = now.first(now.today, unit)
        edges += [on_the_wall(each, time(), now.zone) for each in (first, first - timedelta(days=1))]
    edges.append(on_the_wall(shifted(now.first(now.today, "month"), -1, "month"), time(), now.zone))
    close = [each + change for each in edges for change in (-TICK, timedelta(), TICK)]
    round_the_clock = [now.at + timedelta(minutes=each) for each in (-61, -59, 1, 59, 1_440, 10_080)]
    return tuple(sorted({*close, *round_the_clock}))


@lru_cache
def days(now: Now) -> tuple[date, ...]:
    """Days a calendar window may begin or end with, leap days among them."""
    near = [now.today + timedelta(days=each) for each in (-365, -31, -8, -7, -2, -1, 0, 1, 7, 8, 30)]
    return tuple(
        sorted({*near, now.first(now.today, "month"), date(2024, 2, 29), date(2023, 2, 28), date(2000, now.today.month, 1)})
    )


def recipe(random: Random, *, in_order: bool = False) -> Recipe:
    """A world of at most a dozen people; `in_order` lets each event arrive before the next message is sent."""
    now = random.choice(SETTINGS)
    tempting = sorted(random.sample(instants(now), 24))
    past = [each for each in tempting if each <= now.at]
    arrivals = sorted(random.choice(past) for _ in range(random.randint(3, 6)))
    first = arrivals[0] - timedelta(days=random.choice((0, 0, 40)))
    everything = Happened(first, [("u0", Event(each, first, f"first {each}")) for each in NAMES])
    steps: list[Step] = [everything]
    numbers = iter(random.sample(range(1_000), 200))
    since, alive = first, {"u0"}
    for at in arrivals:
        room = [each for each in instants(now) if since < each <= at] or [at] if in_order else tempting
        steps += _at_once(random, now, at, room, numbers, alive)
        since = at
    return Recipe(now, random.choice(_SEGMENTS), tuple(steps))


_SEGMENTS = (
    (
        {"match": "all", "conditions": [{"event": "Order"}]},
        {"match": "any", "conditions": [{"segment": LISTED}, {"property": "score", "operator": "at_least", "values": [1]}]},
    ),
    (
        {"match": "none", "conditions": [{"property": "vip", "operator": "is_true"}]},
        {"match": "none", "conditions": [{"segment": RULED}, {"segment": LISTED}]},
    ),
)


def _at_once(random: Random, now: Now, at: datetime, room: Any, numbers: Any, alive: set[str]) -> list[Step]:
    """What arrives at one instant; its events happened at instants of `room`."""
    found: list[Step] = []
    if random.random() < 0.8:
        told = {user: _values(random, now) for user in random.sample(USERS, random.randint(1, 6))}
        made = at - timedelta(days=3) if room[-1] > at and random.random() < 0.1 else None
        found.append(Told(at, told, made))
        alive |= {*told}
    if random.random() < 0.8:
        acting = random.choices([*sorted(alive), random.choice(USERS)], k=random.randint(3, 14))
        happened = [(user, _event(random, now, random.choice(room), numbers)) for user in acting]
        found.append(Happened(at, happened, random.choice(SOURCES)))
        alive |= {*acting}
    if random.random() < 0.4:
        found.append(Listing(at, LISTED, random.sample(USERS, random.randint(1, 4)), on=random.random() < 0.6))
    if random.random() < 0.5 and len(alive) > 1:
        found.append(Merged(at, *random.sample(sorted(alive), 2)))
    if random.random() < 0.3:
        found.append(Parted(at, random.randrange(6)))
    if random.random() < 0.25:
        gone = random.sample(USERS, random.randint(1, 2))
        found.append(Left(at, gone))
        alive -= {*gone}
    return found


def _values(random: Random, now: Now) -> dict[str, Any]:
    pools = {**VALUES, "born": (None, *days(now)), "seen": (None, *instants(now)), "lastSession": (None, *instants(now))}
    return {name: random.choice(pools[name]) for name in random.sample([*KINDS, "lastSession"], random.randint(0, 6))}


def _event(random: Random, now: Now, at: datetime, numbers: Any) -> Event:
    pool = {
        "amount": NUMBERS,
        "note": TEXTS,
        "paid": (True, False, "true", "FALSE", "yes"),
        "day": [str(each) for each in days(now)] + ["2026-02-30", "23.11.2026"],
        "due": [f"{each:%Y-%m-%dT%H:%M:%S}Z" for each in instants(now)]
        + [str(now.today), "2026-11-23 10:00:00", "1795456800000"],
        "hour": ("09:30", "23:59:59", "25:00"),
        "items": (["x"], ["x", "y"], ["x", "x"], [5, None], "x"),
        "or “more”": ("red", 1, 'a ” or\\\n“"b'),
    }
    properties = {
        name: random.choice(JUNK) if random.random() < 0.15 else random.choice(values)
        for name, values in pool.items()
        if random.random() < 0.75
    }
    number = next(numbers)
    return Event(
        random.choice((*NAMES, "Order", "Order")), at, f"m{number % 150}", random.choice(CHANNELS), properties=properties
    )


def moments_of(made: Recipe) -> list[datetime]:
    """Instants that tell a past from the next: when something was told, just before, and just after."""
    around = [each + change * TICK for each in made.arrivals for change in (-1, 0, 0, 1)]
    return [*around, *(each for each in instants(made.now) if made.arrivals[0] <= each <= made.now.at)]


def begun(made: Recipe) -> Telling:
    """The world of a recipe before its first message, its properties and event names known; tell it the steps."""
    first, *_ = made.steps
    found = telling(KINDS, zone=made.now.zone, week_starts=made.now.week_starts, at=first.at)
    found.tell(first)
    found.save_list("few", at=first.at)
    found.save_rule("ruled", made.rules[0], at=first.at)
    found.save_rule("mixed", made.rules[1], at=first.at)
    assert list(found.world.segments) == [LISTED, RULED, MIXED]
    return found


def told(made: Recipe) -> Telling:
    """The world of a recipe after its last message. In every other one numbers are kept beside the documents of events halfway."""
    found = begun(made)
    for place, each in enumerate(made.steps[1:]):
        found.tell(each)
        if place == len(made.steps) // 2 and len(made.steps) % 2:
            events.figures.choose(found.store, many=1)
    return found
