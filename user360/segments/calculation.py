"""How a computed property is worked out of a person's events: as a value, and as JSON in and out.

Which events is said by the same node rules are made of, so there is one way to speak of events. What
it asks of the database does not live here (`calculating`), nor how one is made (`computed`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, get_args

from user360.errors import InvalidRule, shorten
from user360.segments.notation import dump_node, parse
from user360.segments.rules import VERSION, EventCondition, Events, Group

if TYPE_CHECKING:
    from collections.abc import Mapping

Figure: TypeAlias = Literal["count", "sum", "average", "min", "max", "distinct", "first", "last", "most_frequent", "days_since"]

FIGURES: Final[tuple[Figure, ...]] = get_args(Figure)
WITH_PROPERTY: Final = frozenset({"sum", "average", "min", "max", "distinct", "most_frequent"})
OF_ANY_TYPE: Final = frozenset({"first", "last", "most_frequent"})
TYPES: Final = ("string", "number", "boolean", "date", "datetime", "time")
_OF_EVENTS: Final = ("event", "where", "during")
_OWN: Final = ("function", "property", "type", "segment")


@dataclass(frozen=True, slots=True)
class Calculation:
    """A figure over such events of each person, as far as they are in the segment, if one is named.

    `about` is a property of the event, `type` what it is read as, where its values themselves are answered; first
    and last without a property are the time of that event.
    """

    figure: Figure
    of: Events
    about: str | None = None
    type: str | None = None
    segment: str | None = None

    @property
    def datatype(self) -> str:
        """The type of the property that comes of it."""
        if self.figure not in OF_ANY_TYPE:
            return "number"
        return "datetime" if self.about is None else self.type or "string"


def parse_calculation(source: str | Mapping[str, Any]) -> Calculation:
    """Read a calculation from JSON text or the object it stands for, or InvalidRule with the path of its fault."""
    said = _object(source)
    figure, about, kind, segment = (said.get(each) for each in _OWN)
    if figure not in FIGURES:
        raise InvalidRule("$.function", f"{shorten(figure)} is none of {', '.join(FIGURES)}.", "Choose one of them.")
    for key, value in (("property", about), ("type", kind), ("segment", segment)):
        if value is not None and (not isinstance(value, str) or not value):
            raise InvalidRule(f"$.{key}", f"{key} is no name.", "Give a name, or leave it out.")
    if figure in WITH_PROPERTY and about is None:
        raise InvalidRule("$.property", f"{figure} is of a property of the event.", "Name it.")
    if about is not None and figure not in WITH_PROPERTY | OF_ANY_TYPE:
        raise InvalidRule("$.property", f"{figure} is of the events themselves.", "Take the property out.")
    if kind is not None and (about is None or figure not in OF_ANY_TYPE):
        raise InvalidRule("$.type", "the type follows from the calculation.", "Take it out.")
    if kind is not None and kind not in TYPES:
        raise InvalidRule("$.type", f"{shorten(kind)} is none of {', '.join(TYPES)}.", "Choose one of them.")
    return Calculation(figure, _events(said), about, None if kind == "string" else kind, segment)


def dump_calculation(calculation: Calculation) -> dict[str, Any]:
    """The calculation as JSON objects, its keys in one order."""
    own = (calculation.figure, calculation.about, calculation.type, calculation.segment)
    given = {key: value for key, value in zip(_OWN, own, strict=True) if value is not None}
    return {"version": VERSION, **given, **dump_node(EventCondition(calculation.of))}


def written(calculation: Calculation) -> str:
    """The calculation as the text it is kept as."""
    return json.dumps(dump_calculation(calculation), ensure_ascii=False)


@lru_cache(maxsize=1024)
def read_calculation(kept: str) -> Calculation:
    """The calculation of a text as it is kept."""
    return parse_calculation(kept)


def _object(source: str | Mapping[str, Any]) -> Mapping[str, Any]:
    if isinstance(source, str):
        try:
            source = json.loads(source)
        except (ValueError, RecursionError):
            raise InvalidRule("$", "this is not JSON.", "A calculation is an object with function and event.") from None
    if not isinstance(source, dict):
        raise InvalidRule("$", "a calculation is an object.", "Give function and event.")
    if source.get("version", VERSION) != VERSION:
        raise InvalidRule("$.version", f"version {shorten(source['version'])} is not known.", f"This is version {VERSION}.")
    for key in source:
        if key not in {"version", *_OWN, *_OF_EVENTS}:
            raise InvalidRule(f"$.{shorten(key)}", f"“{shorten(key)}” is not known here.", "Take it out.")
    return source


def _events(said: Mapping[str, Any]) -> Events:
    """Which events, read as the condition on them is."""
    if "event" not in said:
        raise InvalidRule("$.event", "event is a name, or null for any event.", "Give the name of an event.")
    condition = {key: said[key] for key in _OF_EVENTS if key in said}
    try:
        (node,) = parse({"match": "all", "conditions": [condition]}).conditions
    except InvalidRule as fault:
        raise InvalidRule(fault.path.replace("$.conditions[0]", "$", 1), fault.reason, fault.hint) from None
    assert isinstance(node, EventCondition)  # noqa: S101 - it has an event and nothing else
    return node.of


def as_rule(calculation: Calculation) -> Group:
    """Who has such an event at all: the condition its events are checked and said by."""
    return Group("all", (EventCondition(calculation.of),))
