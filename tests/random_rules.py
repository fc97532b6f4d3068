"""Rules drawn at random, over every node of the segment format and what the random worlds hold."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any, TypeVar

from hypothesis import strategies as st

from tests.oracle.values import NEGATIVES
from tests.random_worlds import CHANNELS, KINDS, LISTED, MIXED, NAMES, RULED, SOURCES, days, instants
from user360 import datatypes, operators

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from random import Random

    from tests.oracle import Now

Json = dict[str, Any]
T = TypeVar("T")

UNITS = ("minute", "hour", "day", "week", "month")
CALENDAR = ("day", "week", "month")
AMOUNTS = (1, 1, 1, 2, 2, 3, 7, 12, 24, 25, 60, 400)
MATCHES = ("all", "any", "none")
OF_EVENTS = {
    "amount": "number",
    "note": "string",
    "paid": "boolean",
    "day": "date",
    "due": "datetime",
    "hour": "time",
    "items": "list",
    "or “more”": "string",
}
PATTERNS = ("ann|bo", "^b", "d$", "r.d", "_1")
ONE_INSTANT = ("createdAt",)
BOTH_INSTANTS = ("createdAt", "lastSession")
NUMBERS = (-1, 0, 1, 1.5, 2, 5, 6.5, 10, 15)
GIVEN: dict[str, tuple[Any, ...]] = {
    "nick": ("Ann", "ann", "n", "%", "_", "b%", ".", "é"),
    "mail": ("a@x.com", "b@y.org"),
    "score": (-1, 0, 1.5, 10),
    "at": ("00:00:00", "09:30:00", "23:59:59"),
    "likes": ("x", "y", "q"),
    "tags": ("x", "y", "q"),
    "amount": NUMBERS,
    "note": ("red", "RED", "Bo.b", "%", "_", ".", "É", 'a ” or\\\n“"b'),
    "or “more”": ("red", "and", "1"),
    "hour": ("09:30:00", "09:30", "23:59:59"),
    "items": ("x", "y", "5"),
    "channel": tuple(each for each in CHANNELS if each),
    "source": SOURCES,
}
POSITIVES = {positive: negative for negative, positive in NEGATIVES.items() if negative != "is_empty"}
OPPOSITE_TIMES = {"at_least": "less_than", "less_than": "at_least", "at_most": "greater_than", "greater_than": "at_most"}


@st.composite
def rules(draw: Callable[..., Any], now: Now) -> Json:
    """A whole rule, often of one condition alone, which finds more people than many together and so tells more."""
    return _Drawing(draw, now).rule()


@st.composite
def rules_then(draw: Callable[..., Any], now: Now) -> Json:
    """A rule that may ask for the last session too, which in the present knows events still to come."""
    return _Drawing(draw, now, BOTH_INSTANTS).rule()


def by_chance(random: Random, now: Now, *, past: bool) -> Json:
    """A rule as those of `rules` or, for the past, `rules_then`, drawn a hundred times as fast and without a smaller one that fails too."""
    return _ByChance(random, now, BOTH_INSTANTS if past else ONE_INSTANT).rule()


@st.composite
def reversible(draw: Callable[..., Any], now: Now) -> Json:
    """A condition that has an exact complement."""
    asking = _Drawing(draw, now)
    kinds = (asking.property, asking.times, asking.value, asking.moment)
    while opposite(found := asking.pick(kinds)()) is None:
        pass
    return found


def opposite(condition: Json) -> Json | None:
    """The exact complement of a condition, if the language has one."""
    bare = {key: value for key, value in condition.items() if key != "unknown"}
    if "operator" in condition:
        other = NEGATIVES.get(condition["operator"]) or POSITIVES.get(condition["operator"])
        return {**bare, "operator": other} if other else None
    times = condition.get("times", {"operator": "at_least", "values": [1]})
    other = OPPOSITE_TIMES.get(times["operator"])
    possible = other and (other != "less_than" or times["values"][0])
    return {**bare, "times": {"operator": other, "values": times["values"]}} if possible else None


def as_rule(node: Json) -> Json:
    """The node as the root of a rule."""
    return node if "match" in node else {"match": "all", "conditions": [node]}


class _Asking:
    """Draws the parts of a question asked at an instant."""

    def __init__(self, now: Now, instants_known: tuple[str, ...]) -> None:
        self.now, self.instants_known = now, instants_known
        self.days = tuple(str(each) for each in days(now))

    def pick(self, choices: Sequence[T]) -> T:
        raise NotImplementedError

    def number(self, least: int, most: int) -> int:
        raise NotImplementedError

    def rule(self) -> Json:
        return as_rule(self.condition() if self.chance() else self.group(self.condition, depth=3))

    def chance(self) -> bool:
        return self.pick((False, True))

    def several(self, one: Callable[[], T], least: int, most: int) -> list[T]:
        return [one() for _ in range(self.number(least, most))]

    def group(self, leaf: Callable[[], Json], *, depth: int) -> Json:
        def inner() -> Json:
            return self.group(leaf, depth=depth - 1) if depth > 1 and self.pick((False, False, True)) else leaf()

        return {"match": self.pick(MATCHES), "conditions": self.several(inner, 1, 3)}

    def condition(self) -> Json:
        kinds = (
            self.property,
            self.times,
            self.value,
            self.moment,
            self.occasion,
            self.regularity,
            self.held,
            self.sequence,
            self.segment,
            self.rank,
        )
        return self.pick(kinds)()

    # -- one operator and its values ----------------------------------------------------------------

    def asked(self, kind: str, given: Sequence[Any] = ()) -> Json:
        """An operator of that type with values and, where it may have them, case and unknown."""
        operator = self.pick(operators.of(datatypes.get(kind)))
        found: Json = {"operator": operator.key}
        if operator.operand != "none":
            found["values"] = self._values(operator, kind, given)
        if operator.cased and kind == "string" and self.chance():
            found["case"] = self.pick(("exact", "ignored"))
        if operator.negative and self.chance():
            found["unknown"] = "leave_out"
        return found

    def _values(self, operator: operators.Operator, kind: str, given: Sequence[Any]) -> list[Any]:
        match operator.operand:
            case "window":
                return [self.pick(AMOUNTS), self.pick(UNITS if kind == "datetime" else CALENDAR)]
            case "period":
                return [self.pick(operators.PERIODS)]
            case "count":
                return [self.pick((0, 1, 2, 7, 31, 40, 366))]
            case "two":
                one = self.wall if kind == "datetime" and self.chance() else lambda: self.one(kind, given, self.days)
                return sorted(self.several(one, 2, 2))
        if "match" in operator.key or operator.key.startswith("domain"):
            return [self.pick(PATTERNS) if "match" in operator.key else "x.com"]
        return self.several(lambda: self.one(kind, given), 1, 1 if operator.operand == "one" else 3)

    def one(self, kind: str, given: Sequence[Any], edges: Sequence[str] = ()) -> Any:
        if kind == "datetime" and not edges:
            return self.edge()
        return self.pick(self.days if kind in {"date", "datetime"} else given)

    def edge(self) -> str:
        """A day or an instant, as the wall shows it or by its own offset."""
        kind = self.pick(("day", "wall", "offset"))
        if kind == "day":
            return self.pick(self.days)
        return self.wall() if kind == "wall" else f"{self.instant().astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"

    def wall(self) -> str:
        local = self.instant().astimezone(self.now.zone)
        return f"{local:%Y-%m-%d %H:%M:%S.%f}" if local.microsecond else f"{local:%Y-%m-%d %H:%M:%S}"

    def instant(self) -> datetime:
        return self.pick(instants(self.now))

    # -- properties -----------------------------------------------------------------------------------

    def property(self) -> Json:
        name = self.pick((*KINDS, *self.instants_known))
        return {"property": name, **self.asked(KINDS.get(name, "datetime"), GIVEN.get(name, ()))}

    def held(self) -> Json:
        """A condition on the history of a property, whose meaning does not move with time itself."""
        how = self.pick(("for", "ever", "changed_in_the_last"))
        held = {"ever": True} if how == "ever" else {how: self.pick(AMOUNTS), "unit": self.pick(UNITS)}
        if how == "changed_in_the_last":
            return {"property": self.pick(tuple(KINDS)), "held": held}
        while (found := self.property())["property"] == "lastSession" or _moves(found):
            pass
        return {**found, "held": held}

    # -- events ---------------------------------------------------------------------------------------

    def of(self) -> Json:
        """Which events."""
        found: Json = {"event": self.pick((*NAMES, None))}
        if self.chance():
            found["where"] = self.where()
        if self.chance():
            found["during"] = self.during()
        return found

    def where(self) -> Json:
        return self.group(self.of_event, depth=2) if self.chance() else as_rule(self.of_event())

    def of_event(self) -> Json:
        """A condition on an event's own properties."""
        name = self.pick((*OF_EVENTS, "channel", "source", "note, a number", "no type"))
        if name in {"channel", "source"}:
            return {"property": name, **self.asked("string", GIVEN[name])}
        if name == "no type":
            values = self.several(lambda: self.pick((1, 1.5, 5)), 1, 2)
            return {"property": self.pick(("amount", "note")), "operator": "is", "values": values}
        kind = OF_EVENTS.get(name, "number")
        return {"property": name.split(",")[0], "type": kind, **self.asked(kind, GIVEN.get(name, NUMBERS))}

    def during(self) -> Json:
        """A stretch of time."""
        kind = self.pick(("last", "calendar", "on", "after", "before", "from"))
        if kind == "last":
            return {"last": self.pick(AMOUNTS), "unit": self.pick(UNITS)}
        if kind == "calendar":
            return {"calendar": self.pick(operators.PERIODS)}
        if kind != "from":
            return {kind: self.edge()}
        first, last = sorted((self.pick((self.pick(self.days), self.wall())), self.pick((self.pick(self.days), self.wall()))))
        return {"from": first, "to": last}

    def times(self) -> Json:
        operator = self.pick((None, "exactly", "at_least", "at_most", "greater_than", "less_than", "between"))
        if operator is None:
            return self.of()
        counts = self.several(lambda: self.number(int(operator == "less_than"), 4), 1, 1)
        if operator == "between":
            counts = sorted((*counts, self.number(0, 4)))
        return {**self.of(), "times": {"operator": operator, "values": counts}}

    def measure(self) -> Json:
        function = self.pick(("sum", "average", "min", "max", "distinct"))
        among = (*OF_EVENTS, "channel", "source") if function == "distinct" else ("amount", "amount", "note", "items")
        return {"measure": {"function": function, "property": self.pick(among)}}

    def value(self) -> Json:
        return {**self.of(), **self.measure(), **self.asked("number", NUMBERS)}

    def moment(self) -> Json:
        return {**self.of(), "occurrence": self.pick(("first", "last")), **self.asked("datetime")}

    def occasion(self) -> Json:
        return {**self.of(), "occurrence": self.pick(("first", "last")), "having": self.where()}

    def regularity(self) -> Json:
        span = self.pick((1, 2, 3, 8))
        periods = self.number(1, min(span, 3))
        return {**self.of(), "regularity": {"periods": periods, "of": span, "unit": self.pick(CALENDAR)}}

    def sequence(self) -> Json:
        def step() -> Json:
            return {"event": self.pick((*NAMES, None))} if self.chance() else self.of()

        found: Json = {"sequence": self.several(step, 2, 4)}
        if self.chance():
            found["within"] = {"value": self.pick(AMOUNTS), "unit": self.pick(UNITS)}
        if self.chance():
            found["during"] = self.during()
        return found

    # -- segments and ranks ---------------------------------------------------------------------------

    def segment(self) -> Json:
        return {"segment": self.pick((LISTED, RULED, MIXED))}

    def rank(self) -> Json:
        size: Json = self.pick(
            ({"percent": 1}, {"percent": 12.5}, {"percent": 33.3}, {"percent": 50}, {"count": 1}, {"count": 3})
        )
        side = {"rank": self.pick(("top", "bottom")), **size}
        kind = self.pick(("property", "number of events", "measure"))
        if kind == "property":
            return {**side, "property": self.pick(("score", "born", "seen", "at", *self.instants_known))}
        return {**side, **self.of(), **(self.measure() if kind == "measure" else {})}


class _Drawing(_Asking):
    """Lets hypothesis choose, which looks for the smallest rule that fails."""

    def __init__(self, draw: Callable[..., Any], now: Now, instants_known: tuple[str, ...] = ONE_INSTANT) -> None:
        super().__init__(now, instants_known)
        self.draw = draw

    def pick(self, choices: Sequence[T]) -> T:
        found: T = self.draw(st.sampled_from(choices))
        return found

    def number(self, least: int, most: int) -> int:
        found: int = self.draw(st.integers(least, most))
        return found


class _ByChance(_Asking):
    """Lets chance choose."""

    def __init__(self, random: Random, now: Now, instants_known: tuple[str, ...]) -> None:
        super().__init__(now, instants_known)
        self.random = random

    def pick(self, choices: Sequence[T]) -> T:
        return self.random.choice(choices)

    def number(self, least: int, most: int) -> int:
        return self.random.randint(least, most)


def _moves(condition: Json) -> bool:
    """Whether what the condition means moves with time itself."""
    return any(word in condition["operator"] for word in ("in_the_", "in_period", "today", "exactly", "anniversary"))
