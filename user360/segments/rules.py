"""A rule as data: groups of conditions on properties, events, segments and ranks.

The values here are frozen and hold what the segment format says, nothing of how it is asked or
said. How they are read from JSON and written does not live here (`notation`), nor whether they
hold against a catalog (`checking`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

Scalar: TypeAlias = str | float | int | bool
Match: TypeAlias = Literal["all", "any", "none"]
Case: TypeAlias = Literal["exact", "ignored"]
Occurrence: TypeAlias = Literal["first", "last"]
Side: TypeAlias = Literal["top", "bottom"]
Function: TypeAlias = Literal["sum", "average", "min", "max", "distinct"]

VERSION: Final = 1
MOST_LEVELS: Final = 8
MOST_CONDITIONS: Final = 200
MATCHES: Final[tuple[Match, ...]] = ("all", "any", "none")
OCCURRENCES: Final[tuple[Occurrence, ...]] = ("first", "last")
SIDES: Final[tuple[Side, ...]] = ("top", "bottom")
FUNCTIONS: Final[tuple[Function, ...]] = ("sum", "average", "min", "max", "distinct")
HELD: Final = ("for", "ever", "changed_in_the_last")
SPANS: Final = ("last", "calendar", "on", "after", "before", "between")


@dataclass(frozen=True, slots=True)
class Held:
    """`for`: without a break for so long; `ever`: at any moment so far; `changed_in_the_last`: another value lately."""

    kind: Literal["for", "ever", "changed_in_the_last"]
    amount: int = 0
    unit: str = ""


@dataclass(frozen=True, slots=True)
class PropertyCondition:
    """The operator holds for the stored value. `leave_out` (of a negative) leaves unknown values out.

    About an event, `type` says what its value is read as. `held` asks the history of a profile's value.
    """

    property: str
    operator: str
    values: tuple[Scalar, ...] = ()
    case: Case | None = None
    leave_out: bool = False
    type: str | None = None
    held: Held | None = None


@dataclass(frozen=True, slots=True)
class During:
    """A stretch of time. `values` are an amount and a unit, a calendar word, one edge or two."""

    kind: Literal["last", "calendar", "on", "after", "before", "between"]
    values: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Events:
    """Which events: of a name (None: any), whose own properties meet `where`, within `during`."""

    event: str | None
    where: Group | None = None
    during: During | None = None


@dataclass(frozen=True, slots=True)
class Times:
    """How often: an operator over a count."""

    operator: str
    values: tuple[int, ...]


AT_LEAST_ONCE: Final = Times("at_least", (1,))


@dataclass(frozen=True, slots=True)
class EventCondition:
    """So many such events."""

    of: Events
    times: Times = AT_LEAST_ONCE


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure over events: the sum, average, least, greatest or number of distinct values of a property."""

    function: Function
    property: str


@dataclass(frozen=True, slots=True)
class EventValue:
    """The measure over such events satisfies the operator; over none, sum and distinct are 0, the others unknown."""

    of: Events
    measure: Measure
    operator: str
    values: tuple[Scalar, ...] = ()
    leave_out: bool = False


@dataclass(frozen=True, slots=True)
class EventMoment:
    """The time of the first or last such event satisfies the operator."""

    of: Events
    occurrence: Occurrence
    operator: str
    values: tuple[Scalar, ...] = ()
    leave_out: bool = False


@dataclass(frozen=True, slots=True)
class EventOccasion:
    """The first or last such event has these properties."""

    of: Events
    occurrence: Occurrence
    having: Group


@dataclass(frozen=True, slots=True)
class EventRegularity:
    """Such events fell into at least `periods` of the last `span` calendar units, the current one included."""

    of: Events
    periods: int
    span: int
    unit: str


@dataclass(frozen=True, slots=True)
class Sequence:
    """The events happened in that order, each later than the one before, all within (amount, unit) from the first."""

    steps: tuple[Events, ...]
    within: tuple[int, str] | None = None
    during: During | None = None


@dataclass(frozen=True, slots=True)
class SegmentCondition:
    """The person is in that segment."""

    segment: str


@dataclass(frozen=True, slots=True)
class Rank:
    """Among the top or bottom, by share or number, of all whose value is known.

    The value is a property of the profile, or of events a measure (None: their number).
    """

    side: Side
    percent: float | None = None
    count: int | None = None
    property: str | None = None
    of: Events | None = None
    measure: Measure | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """All, any or none of its conditions hold."""

    match: Match
    conditions: tuple[Node, ...] = ()


OfEvents: TypeAlias = EventCondition | EventValue | EventMoment | EventOccasion | EventRegularity
Condition: TypeAlias = PropertyCondition | OfEvents | Sequence | SegmentCondition | Rank
Node: TypeAlias = Group | Condition
Rule: TypeAlias = Group

EVERYONE: Final = Group("all")


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it, those about an event's own properties too."""
    yield node
    for each in inside(node):
        yield from walk(each)


def inside(node: Node) -> tuple[Node, ...]:
    """The nodes directly below: of a group its conditions, of events their `where` and `having`."""
    match node:
        case Group(conditions=conditions):
            return conditions
        case EventOccasion(of=of, having=having):
            return (*_wheres(of), having)
        case Sequence(steps=steps):
            return tuple(where for step in steps for where in _wheres(step))
        case EventCondition(of=of) | EventValue(of=of) | EventMoment(of=of) | EventRegularity(of=of):
            return _wheres(of)
        case Rank(of=Events() as of):
            return _wheres(of)
    return ()


def events_of(node: Node) -> tuple[Events, ...]:
    """The events a condition speaks of."""
    match node:
        case Sequence(steps=steps):
            return steps
        case EventCondition() | EventValue() | EventMoment() | EventOccasion() | EventRegularity():
            return (node.of,)
        case Rank(of=Events() as of):
            return (of,)
    return ()


def _wheres(of: Events) -> tuple[Node, ...]:
    return (of.where,) if of.where is not None else ()
