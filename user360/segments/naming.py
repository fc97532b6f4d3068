"""Names and descriptions of segments: what is taken, and how a copy is called.

Names are told apart without regard to case and blanks, so that two people cannot mean two segments by one word.
"""

from __future__ import annotations

import unicodedata
from itertools import count
from typing import TYPE_CHECKING, Final

from user360.errors import Invalid, NameTaken, shorten

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_NAME: Final = 120
LONGEST_TEXT: Final = 2_000
_ROOM_FOR_NUMBER: Final = 6


def plain(name: str) -> str:
    """One line in one spelling, without blanks around."""
    return " ".join("".join(each if each.isprintable() else " " for each in unicodedata.normalize("NFC", name)).split())


def key(name: str) -> str:
    """What two names of one meaning have in common."""
    return plain(name).casefold()


def free(name: str, taken: Mapping[str, str]) -> str:
    """The name as it is kept, or a refusal. `taken` are the names there are, by their keys."""
    wanted = plain(name)
    if not wanted:
        raise Invalid("A segment needs a name.", "Say in a few words who is in it.")
    if len(wanted) > LONGEST_NAME:
        raise Invalid(f"The name “{shorten(wanted)}” is too long.", f"Use {LONGEST_NAME} characters at most.")
    if key(wanted) in taken:
        raise NameTaken(f"A segment is called “{taken[key(wanted)]}” already.", "Choose another name. It may be in the archive.")
    return wanted


def next_free(name: str, taken: Mapping[str, str]) -> str:
    """The name, or the first of `name 2`, `name 3` … that nothing has."""
    base = plain(name)[: LONGEST_NAME - _ROOM_FOR_NUMBER].strip()
    if key(base) not in taken:
        return base
    return next(candidate for number in count(2) if key(candidate := f"{base} {number}") not in taken)


def text(description: str) -> str:
    """A description or note as it is kept, or a refusal."""
    kept = unicodedata.normalize("NFC", description).replace("\0", "").strip()
    if len(kept) > LONGEST_TEXT:
        raise Invalid("The text is too long.", f"Use {LONGEST_TEXT:,} characters at most.")
    return kept
