"""Formulas over series: `A / B * 100`, read by a small reader of our own and reckoned place by place.

    sum = product (("+" | "-") product)*    product = factor (("*" | "/") factor)*
    factor = number | A … E | "-" factor | "(" sum ")"

Nothing else is understood and nothing is run. What is divided by 0, reckoned with what is unknown or too large for a number
is unknown. Which figures the letters stand for does not live here (`insights/trend`).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final, Literal, assert_never

from user360.errors import InvalidInsight, shorten

if TYPE_CHECKING:
    from collections.abc import Sequence

LETTERS: Final = "ABCDE"
LONGEST: Final = 200
DEEPEST: Final = 20
EXAMPLE: Final = "A / B * 100"
_TOKEN: Final = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?|[A-Za-z]+|\S)")
_WRITTEN_OTHERWISE: Final = str.maketrans("×÷−", "*/-")
_BINDS: Final = {"+": 1, "-": 1, "*": 2, "/": 2}
_NEGATED: Final = 3


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula: one of the four below."""


@dataclass(frozen=True, slots=True)
class Number(Formula):
    """A number, never negative."""

    value: float


@dataclass(frozen=True, slots=True)
class Letter(Formula):
    """The figure of a series, by its place from 0."""

    place: int


@dataclass(frozen=True, slots=True)
class Negated(Formula):
    """The opposite of a part."""

    of: Formula


@dataclass(frozen=True, slots=True)
class Joined(Formula):
    """Two parts and the sign between them."""

    sign: Literal["+", "-", "*", "/"]
    left: Formula
    right: Formula


# -- reading and writing ------------------------------------------------------------------------


def parse(source: object, path: str = "$.formula") -> Formula:
    """A formula from its text, or a refusal that says at which character, counted from 1, the fault is."""
    if not isinstance(source, str):
        raise InvalidInsight(path, f"{shorten(source)} is not text.", f"Write such as {EXAMPLE}.")
    if len(source) > LONGEST:
        raise _too_long(path)
    reader = _Reader(source.translate(_WRITTEN_OTHERWISE), path)
    found = reader.sum()
    if reader.now:
        raise reader.fault("+, -, *, / or the end")
    if not named(found):
        raise InvalidInsight(path, "names no series.", f"Write A for the first one, such as {EXAMPLE}.")
    if len(text(found)) > LONGEST:
        raise _too_long(path)
    return found


def _too_long(path: str) -> InvalidInsight:
    return InvalidInsight(path, f"is longer than {LONGEST} characters.", "Write a shorter one.")


def text(formula: Formula) -> str:
    """The one way it is written: `parse` reads the same from it."""
    return _text(formula, 0)


def _text(formula: Formula, binds: int) -> str:
    """A part, in parentheses where what stands around it binds as much."""
    match formula:
        case Number(value):
            said = format(Decimal(repr(value)), "f")
            return said.rstrip("0").rstrip(".") if "." in said else said
        case Letter(place):
            return LETTERS[place]
        case Negated(of):
            return f"-{_text(of, _NEGATED - 1)}"
        case Joined(sign, left, right):
            own = _BINDS[sign]
            said = f"{_text(left, own - 1)} {sign} {_text(right, own)}"
            return f"({said})" if own <= binds else said
    raise AssertionError(formula)


def named(formula: Formula) -> tuple[int, ...]:
    """The places of the series it names, ascending."""
    match formula:
        case Letter(place):
            return (place,)
        case Negated(of):
            return named(of)
        case Joined(_, left, right):
            return tuple(sorted({*named(left), *named(right)}))
    return ()


def check(formula: Formula, series: int, path: str = "$.formula") -> None:
    """Refuse a letter that none of so many series has."""
    for place in named(formula):
        if place >= series:
            there = f"There are A to {LETTERS[series - 1]}." if series > 1 else "There is only A."
            raise InvalidInsight(path, f"names {LETTERS[place]}, which no series is called.", there)


def without(formula: Formula, place: int) -> Formula | None:
    """The formula after that series was taken out: the letters behind it move up; None where it named that one."""
    match formula:
        case Letter(own):
            return None if own == place else Letter(own - 1 if own > place else own)
        case Negated(of):
            left = without(of, place)
            return Negated(left) if left is not None else None
        case Joined(sign, one, other):
            left, right = without(one, place), without(other, place)
            return Joined(sign, left, right) if left is not None and right is not None else None
    return formula


# -- reckoning ----------------------------------------------------------------------------------


def value(formula: Formula, figures: Sequence[float | None]) -> float | None:
    """What it comes to for these figures, one for each series; None where it cannot be known."""
    match formula:
        case Number(number):
            return number
        case Letter(place):
            return figures[place]
        case Negated(of):
            found = value(of, figures)
            return 0.0 - found if found is not None else None
        case Joined(sign, one, other):
            left, right = value(one, figures), value(other, figures)
            return _joined(sign, left, right) if left is not None and right is not None else None
    raise AssertionError(formula)


def _joined(sign: Literal["+", "-", "*", "/"], left: float, right: float) -> float | None:
    match sign:
        case "+":
            found = left + right
        case "-":
            found = left - right
        case "*":
            found = left * right
        case "/":
            found = left / right if right else math.nan
        case _:
            assert_never(sign)
    return found + 0.0 if math.isfinite(found) else None  # no −0


class _Reader:
    """One token ahead; `at` is the character where it begins, from 1."""

    def __init__(self, source: str, path: str) -> None:
        self._source, self._path, self._end, self._depth = source, path, 0, 0
        self.now, self.at = "", 1
        self._step()

    def _step(self) -> str:
        """Take the present token and look at the next."""
        taken = self.now
        found = _TOKEN.match(self._source, self._end)
        self.now, self.at = (found[1], found.start(1) + 1) if found else ("", len(self._source) + 1)
        self._end = found.end() if found else len(self._source)
        return taken

    def fault(self, wanted: str) -> InvalidInsight:
        """That something else is expected here."""
        hint = f"Write such as {EXAMPLE}."
        if not self.now:
            return InvalidInsight(self._path, f"ends where {wanted} is expected.", hint)
        return InvalidInsight(self._path, f"has “{self.now[:20]}” at character {self.at}, where {wanted} is expected.", hint)

    def sum(self) -> Formula:
        """Products and the signs between them."""
        found = self.product()
        while self.now in {"+", "-"}:
            found = Joined("+" if self._step() == "+" else "-", found, self.product())
        return found

    def product(self) -> Formula:
        """Factors and the signs between them."""
        found = self.factor()
        while self.now in {"*", "/"}:
            found = Joined("*" if self._step() == "*" else "/", found, self.factor())
        return found

    def factor(self) -> Formula:
        """A number, a letter, the opposite of a factor, or something in parentheses."""
        self._depth += 1
        if self._depth > DEEPEST:
            raise InvalidInsight(self._path, f"is nested deeper than {DEEPEST} times.", "Take parentheses out.")
        found = self._factor()
        self._depth -= 1
        return found

    def _factor(self) -> Formula:
        if self.now == "-":
            self._step()
            return Negated(self.factor())
        if self.now == "(":
            self._step()
            found = self.sum()
            if self.now != ")":
                raise self.fault("+, -, *, / or “)”")
            self._step()
            return found
        if self.now[:1].isascii() and self.now[:1].isdecimal():
            return Number(float(self._step()))
        return self._letter()

    def _letter(self) -> Formula:
        place = LETTERS.find(self.now.upper()) if len(self.now) == 1 else -1
        if place < 0:
            raise self.fault("a number, a series or “(”")
        self._step()
        return Letter(place)
