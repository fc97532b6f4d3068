"""What messages say of people, as columns of properties.

A trait is known by the property's name without regard to case or underscores, or by a name the
tracking API reserves (`birthday` is dob, `address.city` is city). What no property has the name of
is told as unknown. Which of several values wins is decided row by row by who writes (`writing`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from user360.errors import shorten
from user360.ingest.meeting import HEAVY, LIGHT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from zoneinfo import ZoneInfo

    from user360.properties import Property

RESERVED: Final = {
    "birthday": "dob",
    "dateofbirth": "dob",
    "locale": "language",
    "mobile": "phone",
}
"""Names of the tracking API, folded, that mean a system property of another name."""
WITHIN: Final = {"address": ("city", "country")}
"""Objects some of whose fields are properties."""
SILENT: Final = frozenset({"createdat", "updatedat", "id", "userid"})
"""Traits that are the store's own, or said elsewhere in the message."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A value that was left out: of which message, which property, why."""

    position: int
    property: str
    value: str
    reason: str
    hint: str


@dataclass(frozen=True, slots=True)
class Traits:
    """`columns` hold the parsed values and `meant` which cells count (null and meant: unknown from now on), by property.

    Both have a row per message. `unknown` are the traits without a property, per message.
    """

    columns: Mapping[str, pa.Array]
    meant: Mapping[str, np.ndarray[Any, np.dtype[np.bool_]]]
    refused: tuple[Refused, ...]
    unknown: Mapping[int, Mapping[str, object]]

    def weigh(self) -> dict[int, int]:
        """What weighs in a message that says anything of a property: whether before or after a merge, that makes a difference or not."""
        found: dict[int, int] = {}
        for name, counts in self.meant.items():
            cells = self.columns[name]
            heavy = pa.types.is_list(cells.type)
            blank = cells.is_null().to_numpy(zero_copy_only=False)
            for place in np.flatnonzero(counts).tolist():
                found[place] = max(found.get(place, LIGHT), HEAVY if heavy or blank[place] else LIGHT)
        return found


def read(said: Sequence[Mapping[str, object]], known: Iterable[Property], zone: ZoneInfo) -> Traits:
    """Parse what a batch of messages says of people, a column at a time."""
    by_name = {each.name: each for each in known}
    folded = {_folded(each.name): each for each in reversed([*by_name.values()])}
    cells: dict[str, dict[int, object]] = {}
    unknown: dict[int, dict[str, object]] = {}
    for position, traits in enumerate(said):
        for trait, value in _spread(traits):
            found = by_name.get(trait) or folded.get(_property_of(trait))
            if found is not None and found.writable:
                cells.setdefault(found.name, {})[position] = value
            elif found is None and _folded(trait) not in SILENT:
                unknown.setdefault(position, {})[trait] = value
    columns, meant, refused = {}, {}, []
    types = {each.name: each.datatype for each in by_name.values()}
    for each, given in cells.items():
        raw: list[str | None] = [None] * len(said)
        counts = np.zeros(len(said), dtype=np.bool_)
        for position, value in given.items():
            raw[position] = text_of(value)
            counts[position] = True
        parsed = types[each].parse_column(pa.array(raw, pa.string()), zone)
        for one in parsed.refused:
            counts[one.position] = False
            refused.append(Refused(one.position, each, shorten(raw[one.position] or ""), one.reason, one.hint))
        columns[each], meant[each] = parsed.values, counts
    return Traits(columns, meant, tuple(refused), unknown)


def text_of(value: object) -> str | None:
    """A JSON value as text that its type reads."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False)


def _spread(traits: Mapping[str, object]) -> Iterable[tuple[str, object]]:
    for trait, value in traits.items():
        if trait in WITHIN and isinstance(value, dict):
            within = WITHIN[trait]
            yield from ((each, value[each]) for each in within if each in value)
            rest = {each: one for each, one in value.items() if each not in within}
            if rest:
                yield trait, rest
        else:
            yield trait, value


def _property_of(trait: str) -> str:
    folded = _folded(trait)
    return _folded(RESERVED.get(folded, folded))


def _folded(name: str) -> str:
    return name.lower().replace("_", "")
