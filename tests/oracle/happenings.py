"""What a rule says of somebody's events, read off the segment format in plain Python."""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from tests.oracle.times import during, moved, on_the_wall
from tests.oracle.values import satisfies

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.oracle.people import Event
    from tests.oracle.times import Now

DIGITS = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
CLOCK_TIME = re.compile(r"\d\d:\d\d(:\d\d)?", re.ASCII)
TIMES = {
    "exactly": lambda count, n, _: count == n,
    "at_least": lambda count, n, _: count >= n,
    "at_most": lambda count, n, _: count <= n,
    "greater_than": lambda count, n, _: count > n,
    "less_than": lambda count, n, _: count < n,
    "between": lambda count, least, most: least <= count <= most,
}
TYPE_OF_OPERATOR = {
    **dict.fromkeys(("is_true", "is_not_true", "is_false", "is_not_false"), "boolean"),
    **dict.fromkeys(("greater_than", "at_least", "less_than", "at_most"), "number"),
    **dict.fromkeys(("contains_any", "contains_none", "contains_all", "does_not_contain_all", "has_at_least"), "list"),
}


def matching(of: dict[str, Any], events: Sequence[Event], now: Now, *, within: dict[str, Any] | None = None) -> list[Event]:
    """The events a node speaks of: of that name, not later than now, in its stretch of time, with these properties."""
    return [
        each
        for each in events
        if each.at <= now.at
        and of["event"] in {None, each.name}
        and during(of.get("during"), each.at, now)
        and during(within, each.at, now)
        and ("where" not in of or is_such(of["where"], each, now))
    ]


def holds_of_events(node: dict[str, Any], events: Sequence[Event], now: Now) -> bool:
    """Whether an event node holds for somebody with these events."""
    found = matching(node, events, now)
    if "measure" in node:
        return satisfies(node, figure(node["measure"], found), now)
    if "regularity" in node:
        return _regular(node["regularity"], found, now)
    if "occurrence" not in node:
        times = node.get("times", {"operator": "at_least", "values": [1]})
        return TIMES[times["operator"]](len(found), times["values"][0], times["values"][-1])
    pick = min if node["occurrence"] == "first" else max
    chosen = pick(found, key=lambda each: (each.at, each.id), default=None)
    if "having" in node:
        return chosen is not None and is_such(node["having"], chosen, now)
    return satisfies(node, chosen and chosen.at, now)


def in_order(node: dict[str, Any], events: Sequence[Event], now: Now) -> bool:
    """Whether from some first step each next one came later, the last within the span from the first."""
    steps = [matching(step, events, now, within=node.get("during")) for step in node["sequence"]]
    span = node.get("within")
    for first in steps[0]:
        until = moved(first.at, span["value"], span["unit"], now.zone) if span else now.at
        if _goes_on(first.at, steps[1:], until):
            return True
    return False


def _goes_on(after: datetime, steps: Sequence[list[Event]], until: datetime) -> bool:
    return not steps or any(_goes_on(each.at, steps[1:], until) for each in steps[0] if after < each.at <= until)


def _regular(asked: dict[str, Any], found: list[Event], now: Now) -> bool:
    last = {now.first(now.today, asked["unit"])}
    while len(last) < asked["of"]:
        last.add(now.first(min(last) - timedelta(days=1), asked["unit"]))
    return len({now.first(now.day(each.at), asked["unit"]) for each in found} & last) >= asked["periods"]


def figure(measure: dict[str, Any], found: list[Event]) -> float | None:
    """A measure over events; None where it is unknown."""
    name = measure["property"]
    if measure["function"] == "distinct":
        return len({text for each in found if (text := read(_raw(each, name), "string", UTC)) is not None})
    numbers = [number for each in found if (number := read(_raw(each, name), "number", UTC)) is not None]
    if measure["function"] == "sum":
        return math.fsum(numbers)
    if not numbers:
        return None
    return {"average": math.fsum(numbers) / len(numbers), "min": min(numbers), "max": max(numbers)}[measure["function"]]


def is_such(node: dict[str, Any], event: Event, now: Now) -> bool:
    """Whether conditions on an event's own properties hold."""
    if "match" in node:
        parts = [is_such(each, event, now) for each in node["conditions"]]
        return {"all": all(parts), "any": any(parts), "none": not any(parts)}[node["match"]]
    return satisfies(node, read(_raw(event, node["property"]), node.get("type") or _meant(node), now.zone), now)


def _raw(event: Event, name: str) -> Any:
    return getattr(event, name) if name in {"channel", "source"} else event.properties.get(name)


def _meant(node: dict[str, Any]) -> str:
    """The type where none is said: that of numbers given, or of an operator that only one type has."""
    numbers = any(isinstance(each, int | float) and not isinstance(each, bool) for each in node.get("values", []))
    return TYPE_OF_OPERATOR.get(node["operator"], "number" if numbers else "string")


# -- values of events ---------------------------------------------------------------------------


def read(raw: Any, kind: str, zone: Any) -> Any:
    """What the sender wrote, read as a type; what does not parse is unknown."""
    if raw is None or raw in ("", []):
        return None
    if kind == "number":
        return _number(raw)
    if kind == "boolean":
        return {"true": True, "false": False}.get(_as_text(raw).strip().lower())
    if kind == "list":
        items = [_as_text(each).strip() for each in raw if each is not None] if isinstance(raw, list) else []
        return list(dict.fromkeys(each for each in items if each)) or None
    text = _as_text(raw)
    if kind in {"date", "time", "datetime"}:
        return _moment(text.strip(), kind, zone)
    return text


def _as_text(raw: Any) -> str:
    if isinstance(raw, str):
        return raw
    return json.dumps(int(raw) if isinstance(raw, float) and raw.is_integer() else raw)


def _number(raw: Any) -> float | None:
    if isinstance(raw, str) and DIGITS.fullmatch(raw.strip()):
        raw = float(raw)
    known = isinstance(raw, int | float) and not isinstance(raw, bool) and math.isfinite(raw)
    return float(raw) if known else None


def _moment(text: str, kind: str, zone: Any) -> Any:
    try:
        day = date.fromisoformat(text) if len(text) == len("2026-11-23") else None
        if kind == "date":
            return day
        if kind == "time":
            return time.fromisoformat(text) if CLOCK_TIME.fullmatch(text) else None
        if day is not None:
            return on_the_wall(day, time(), zone)
        if re.fullmatch(r"\d{12,14}", text):
            return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=int(text))
        if not re.match(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d", text):
            return None
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)
