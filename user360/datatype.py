"""The contract of a data type: everything User 360 needs to know about a kind of value, on one card.

A type parses what people and machines send, says why it refuses, formats what it keeps, and does
both for whole columns. Without one card per type, the form, the file and the HTTP call would each
accept something else. The types themselves live in `datatypes/`, their operators in `operators`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any, Final, Literal, TypeAlias
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from user360.errors import InvalidValue, shorten

Value: TypeAlias = str | float | bool | date | time | datetime | tuple[str, ...]
Zone: TypeAlias = "ZoneInfo | Any"
ParseOne: TypeAlias = Callable[[object, Zone], Value]
FormatOne: TypeAlias = Callable[[Any, Zone], str]
Quick: TypeAlias = Callable[[pa.Array, Zone], pa.Array]

UTC_ZONE: Final = ZoneInfo("UTC")
FEW_SAMPLES: Final = 0.01


@dataclass(frozen=True, slots=True)
class Control:
    """How a value is put in: a widget of a small closed set, and what stands in it while it is empty."""

    kind: Literal["text", "number", "time", "date", "datetime", "tags", "choice"]
    placeholder: str = ""


@dataclass(frozen=True, slots=True)
class Display:
    """How a value is shown in a table, and how wide, in pixels."""

    kind: Literal["text", "number", "check", "date", "datetime", "time", "chips", "link", "phone"]
    width: int


@dataclass(frozen=True, slots=True)
class Refused:
    """A value of a column that was not taken: its place, why, and how to mend it."""

    position: int
    reason: str
    hint: str


@dataclass(frozen=True, slots=True)
class Parsed:
    """A column as values of its type, null where unknown or refused, and what was refused."""

    values: pa.Array
    refused: tuple[Refused, ...]


class Refusal(Exception):
    """Raised inside a type: why a value is refused, and how to mend it. `DataType.parse` gives it its subject."""

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.reason, self.hint = reason, hint


@dataclass(frozen=True, slots=True)
class DataType:
    """One type. `parse_one` gets something that is not blank; `quick` answers for whole columns of text.

    `quick` returns values of `arrow`, null for every cell it cannot decide; those go to `parse_one`,
    so that a column and a single value can never be judged by different rules. `examples` are pairs
    of raw and canonical text, `counterexamples` pairs of raw and a word of the refusal.
    """

    name: str
    label: str
    column: str
    arrow: pa.DataType
    families: tuple[str, ...]
    control: Control
    display: Display
    role: Literal["nominal", "quantitative", "temporal"]
    accepts: str
    examples: tuple[tuple[object, str], ...]
    counterexamples: tuple[tuple[object, str], ...]
    parse_one: ParseOne = field(repr=False)
    format_one: FormatOne = field(repr=False)
    quick: Quick = field(repr=False)
    merge: Literal["keep", "unite"] = "keep"
    may_identify: bool = False
    likelihood: float = 1.0

    def parse(self, raw: object, zone: Zone = UTC_ZONE) -> Value | None:
        """The value, None where it is unknown (None, blank text, an empty list), or InvalidValue."""
        if _blank(raw):
            return None
        try:
            value = self.parse_one(raw, zone)
        except Refusal as refusal:
            raise InvalidValue(self.name, raw, refusal.reason, refusal.hint) from None
        return None if value == () else value

    def format(self, value: Value, zone: Zone = UTC_ZONE) -> str:
        """The canonical text, which parses to the same value."""
        return self.format_one(value, zone)

    def parse_column(self, column: pa.Array, zone: Zone = UTC_ZONE) -> Parsed:
        """The bulk form: what `parse` says of each value, at the speed of a column."""
        if column.type == self.arrow and not pa.types.is_string(self.arrow):
            return self._typed(column, zone)
        if not pa.types.is_string(column.type):
            return self._one_by_one(column, np.arange(len(column)), pa.nulls(len(column), self.arrow), zone)
        values = self.quick(column, zone)
        undecided = pc.and_(pc.is_null(values), pc.is_valid(column)).to_numpy(zero_copy_only=False)
        rest = np.flatnonzero(undecided)
        return self._one_by_one(column, rest, values, zone) if rest.size else Parsed(values, ())

    def sniff(self, samples: Sequence[str]) -> float:
        """How much these texts look like this type: the share that parses, weighed by how telling that is."""
        known = [each for each in samples if each.strip()]
        if not known:
            return 0.0
        return self.likelihood * sum(self._takes(each) for each in known) / len(known)

    def _takes(self, raw: str) -> bool:
        try:
            return self.parse(raw) is not None
        except InvalidValue:
            return False

    def _typed(self, column: pa.Array, zone: Zone) -> Parsed:
        """A column that has the type already: only numbers that are none and list items need a look."""
        if pa.types.is_floating(self.arrow):
            doubtful = np.flatnonzero(
                pc.fill_null(pc.invert(pc.is_finite(column)), fill_value=False).to_numpy(zero_copy_only=False)
            )
        elif pa.types.is_list(self.arrow):
            doubtful = np.flatnonzero(column.is_valid().to_numpy(zero_copy_only=False))
        else:
            return Parsed(column, ())
        return self._one_by_one(column, doubtful, column, zone) if doubtful.size else Parsed(column, ())

    def _one_by_one(self, column: pa.Array, places: Any, values: pa.Array, zone: Zone) -> Parsed:
        """Put the values of these places through `parse`, each distinct one once."""
        raws = column.take(pa.array(places)).to_pylist()
        answers: dict[object, Value | Refusal | None] = {}
        found: list[Any] = []
        refused: list[Refused] = []
        for place, raw in zip(places.tolist(), raws, strict=True):
            key = tuple(raw) if isinstance(raw, list) else raw
            if key not in answers:
                answers[key] = self._answer(raw, zone)
            answer = answers[key]
            if isinstance(answer, Refusal):
                refused.append(Refused(place, answer.reason, answer.hint))
                answer = None
            found.append(_plain(answer))
        picks = np.arange(len(column))
        picks[places] = len(column) + np.arange(len(found))
        both = pa.concat_arrays([values, pa.array(found, self.arrow)])
        return Parsed(both.take(pa.array(picks)), tuple(refused))

    def _answer(self, raw: object, zone: Zone) -> Value | Refusal | None:
        try:
            return self.parse(raw, zone)
        except InvalidValue as invalid:
            return Refusal(invalid.reason, invalid.hint)


def text_of(raw: object, *, what: str) -> str:
    """The raw value as stripped text, or a refusal: `what` names what was wanted."""
    if not isinstance(raw, str):
        raise Refusal(f"is not {what}", f"Give {what} as text, not {shorten(type(raw).__name__)}.")
    return raw.strip()


def _blank(raw: object) -> bool:
    return raw is None or (isinstance(raw, str) and not raw.strip()) or (isinstance(raw, list | tuple) and not raw)


def _plain(value: Value | None) -> Any:
    """The value as Arrow takes it: instants as naive UTC, lists as lists."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None)
    return list(value) if isinstance(value, tuple) else value
