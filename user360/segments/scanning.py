"""Going through a text once, from word to word, and knowing at any stop what was looked for there.

What the words mean does not live here (`sentences`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

from user360 import operators
from user360.errors import InvalidSentence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

T = TypeVar("T")

QUOTED: Final = re.compile(r"[“\"]((?:\\.|[^\\”\"])*)[”\"]")
WORD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SPACE: Final = re.compile(r"(?:\s|\[[^\]]*\])*")
_NUMBER: Final = re.compile(r"-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][+-]?\d+)?")
_EDGE: Final = re.compile(r"\d{4}-\d\d-\d\d(?: \d\d:\d\d:\d\d(?:\.\d+)?(?:[+-]\d{4})?)?")


@dataclass
class Scanner:
    """Goes through the text once. `expected` is what was looked for at the furthest place reached."""

    text: str
    place: int = 0
    furthest: int = 0
    expected: dict[str, None] = field(default_factory=dict)

    def skip(self) -> None:
        """Pass blanks and notes."""
        found = _SPACE.match(self.text, self.place)
        self.place = found.end() if found else self.place

    def wanted(self, *what: str) -> None:
        """Note what would have been read at this place."""
        if self.place > self.furthest:
            self.furthest, self.expected = self.place, {}
        if self.place == self.furthest:
            self.expected.update(dict.fromkeys(what))

    def stopped(self) -> InvalidSentence:
        """The refusal at the furthest place reached."""
        rest = self.text[self.furthest :]
        word = re.match(r"(?:[“\"][^”\"]*[”\"])?\S*", rest)
        return InvalidSentence(self.furthest, word[0] if word else "", tuple(self.expected))

    def sees(self, words: str) -> bool:
        """Pass these words if they stand here."""
        self.skip()
        end = self.place + len(words)
        whole = self.text[self.place : end].lower() == words.lower()
        if whole and not (words[-1].isalnum() and self.text[end : end + 1].isalnum()):
            self.place = end
            return True
        self.wanted(words)
        return False

    def need(self, words: str) -> None:
        """Pass these words, or stop."""
        if not self.sees(words):
            raise self.stopped()

    def passes(self, words: str) -> bool | None:
        """Whether these words were passed, for an attempt."""
        return self.sees(words) or None

    def pattern(self, pattern: re.Pattern[str], what: str) -> re.Match[str] | None:
        """Pass what fits the pattern, called so, if it stands here."""
        self.skip()
        found = pattern.match(self.text, self.place)
        if found:
            self.place = found.end()
        else:
            self.wanted(what)
        return found

    def tried(self, attempt: Callable[[], T | None]) -> T | None:
        """The answer of an attempt, or nothing at the same place."""
        before = self.place
        try:
            found = attempt()
        except InvalidSentence:
            found = None
        if found is None:
            self.place = before
        return found

    def among(self, names: Iterable[str], quoted: bool = True) -> str:  # noqa: FBT001, FBT002 - of the name
        """One of these names, written plain or in quotes."""
        self.skip()
        start = self.place
        found = QUOTED.match(self.text, start) if quoted else WORD.match(self.text, start)
        known = list(names)
        said = (unescaped(found[1]) if quoted else found[0]) if found else None
        if said in known and found:
            self.place = found.end()
            return str(said)
        self.wanted(*(f"“{each}”" if quoted else each for each in known))
        raise self.stopped()

    def number(self) -> float | int:
        """A number, its thousands with commas or without."""
        found = self.pattern(_NUMBER, "a number")
        if not found:
            raise self.stopped()
        value = float(found[0].replace(",", ""))
        return int(value) if value.is_integer() and abs(value) < 10**15 else value

    def amount(self) -> tuple[int, str]:
        """A whole number of units of time."""
        amount = int(self.number())
        for unit in operators.UNITS:
            if self.sees(f"{unit}s") or self.sees(unit):
                return amount, unit
        raise self.stopped()

    def edge(self) -> str:
        """A day or an instant."""
        found = self.pattern(_EDGE, "a day such as 2026-11-23")
        if not found:
            raise self.stopped()
        return found[0]

    def edge_after(self, word: str) -> str | None:
        """A day or an instant after this word."""
        return self.edge() if self.sees(word) else None


def unescaped(text: str) -> str:
    """The text between quotes as it is meant."""
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], text)
