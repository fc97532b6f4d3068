"""Everything User 360 refuses to do, in one tree.

    User360Error(message, hint)
    ├─ Invalid                the caller can mend it
    │   ├─ InvalidValue       a value that its data type refuses
    │   ├─ InvalidProperty    a property that cannot be made or written
    │   ├─ InvalidRule        a segment rule with a fault, and the path of the fault
    │   ├─ InvalidInsight     a question of a chart with a fault, and the path of the fault
    │   ├─ InvalidMessage     an inbound message that identifies nobody or says nothing
    │   ├─ NotAllTaken        messages of a strict request that could not be taken
    │   ├─ InvalidFile        a file that cannot be read, and the line
    │   ├─ TooLarge           a call with more bytes than are taken
    │   └─ InvalidRequest     a call whose body or parameters cannot be taken, and the path of the fault
    │       └─ UnreadableRequest  … because it is no JSON at all
    ├─ Unknown                nothing has that name
    ├─ Conflict               valid, but not beside what exists
    │   ├─ NameTaken
    │   ├─ IdentityConflict
    │   ├─ InUse
    │   └─ Immutable
    ├─ Forbidden              who asks may not
    │   └─ KeyNeeded          … because nobody is known to ask
    ├─ TooMany                more calls than can be taken, by one who asks
    ├─ Interrupted            the answer is no longer wanted
    ├─ Unreachable            a place elsewhere does not answer
    └─ StoreUnavailable       the database is locked, damaged, full, or of a newer version
        ├─ Busy               … there is more to write than it keeps up with
        ├─ DatabaseInUse      … another process has it open
        └─ DatabaseDamaged    … it cannot be read

Without this room every caller would invent its own words for the same refusal. A message says what
happened and to what; a hint says what to do. A bug is not in the tree: it crashes and is logged.
The look (`pages/ui/states.py`) and the HTTP status (`web.py`) of each branch do not live here.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

SHOWN_CHARACTERS = 80


class User360Error(Exception):
    """A refusal in plain words: what happened, to what, and what to do about it."""

    code = "refused"

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class Invalid(User360Error):
    """What was given cannot be taken, and the caller can mend it."""

    code = "invalid"


class InvalidValue(Invalid):
    """A value its data type refuses. `reason` says why, `hint` how to mend it."""

    code = "invalidDataType"

    def __init__(self, datatype: str, value: object, reason: str, hint: str = "", *, property: str = "") -> None:  # noqa: A002 - the glossary's word
        self.datatype, self.value, self.reason, self.property = datatype, shorten(value), reason, property
        subject = f"{property} ({datatype})" if property else datatype
        super().__init__(f"{subject}: “{self.value}” {reason}.", hint)

    def of(self, property: str) -> InvalidValue:  # noqa: A002 - the glossary's word
        """The same refusal, naming the property it was meant for."""
        return InvalidValue(self.datatype, self.value, self.reason, self.hint, property=property)


class InvalidProperty(Invalid):
    """A property that cannot be made, or cannot be written from outside."""

    code = "invalidProperty"


class InvalidRule(Invalid):
    """A rule with a fault. `path` points at it: `$.conditions[2].values[0]`."""

    code = "invalidRule"

    def __init__(self, path: str, reason: str, hint: str = "") -> None:
        self.path, self.reason = path, reason
        super().__init__(f"{path}: {reason}", hint)


class InvalidInsight(Invalid):
    """A question of a chart with a fault. `path` points at it: `$.steps[1].event`."""

    code = "invalidInsight"

    def __init__(self, path: str, reason: str, hint: str = "") -> None:
        self.path, self.reason = path, reason
        super().__init__(f"{path}: {reason}", hint)


class InvalidSentence(Invalid):
    """A sentence that cannot be read as a rule from some word on. `position` counts characters from 0."""

    code = "invalidSentence"

    def __init__(self, position: int, word: str, expected: tuple[str, ...]) -> None:
        self.position, self.word, self.expected = position, word, expected
        near = nearest(word.strip("“”\"'.,"), [each.strip("“”") for each in expected]) if word else ""
        could = ", ".join(expected[:6]) + (" …" if len(expected) > 6 else "")  # noqa: PLR2004 - as many as can be read
        what = f"“{shorten(word)}” cannot be read at character {position + 1}." if word else "The sentence stops too early."
        super().__init__(what, f"Did you mean “{near}”?" if near else f"Here could stand: {could}.")


class InvalidMessage(Invalid):
    """An inbound message that identifies nobody, or says nothing."""

    code = "propertiesRequired"


class NotAllTaken(Invalid):
    """Messages of a strict request that could not be taken: `failed` says which and why, `accepted` how many others were taken."""

    code = "notAllTaken"

    def __init__(self, message: str, hint: str = "", *, failed: Sequence[Mapping[str, object]] = (), accepted: int = 0) -> None:
        self.failed, self.accepted = list(failed), accepted
        super().__init__(message, hint)


class InvalidFile(Invalid):
    """A file that cannot be read. `line` is where, counted from 1; 0 is the file as a whole."""

    code = "invalidFile"

    def __init__(self, message: str, hint: str = "", *, line: int = 0) -> None:
        self.line = line
        super().__init__(message, hint)


class TooLarge(Invalid):
    """A call whose body, or a message in it, has more bytes than are taken."""

    code = "tooLarge"


class InvalidRequest(Invalid):
    """A call whose body or parameters cannot be taken. `path` points at the fault, as in a rule."""

    code = "invalidRequest"

    def __init__(self, path: str, reason: str, hint: str = "") -> None:
        self.path = path
        super().__init__(f"{path}: {reason}" if path else reason, hint)


class UnreadableRequest(InvalidRequest):
    """A call whose body is no JSON."""

    code = "unreadable"


class Unknown(User360Error):
    """Nothing has that name."""

    code = "unknown"

    @classmethod
    def named(cls, kind: str, name: str, known: Iterable[str]) -> Unknown:
        """Refuse `name`, and offer the nearest of the known names."""
        near = nearest(name, known)
        return cls(f"There is no {kind} “{shorten(name)}”.", f"Did you mean “{near}”?" if near else "")


class Conflict(User360Error):
    """Valid in itself, but not beside what exists already."""

    code = "conflict"


class NameTaken(Conflict):
    """Something else has that name."""

    code = "nameTaken"


class IdentityConflict(Conflict):
    """Another profile has that user id."""

    code = "identityConflict"


class InUse(Conflict):
    """Something else rests on it, and is named."""

    code = "inUse"


class Immutable(Conflict):
    """What is made stays as made: names and types of properties, user ids, the store's own columns."""

    code = "immutable"


class Forbidden(User360Error):
    """Who asks may not do this."""

    code = "forbidden"


class KeyNeeded(Forbidden):
    """A call without a key, or with one that is not known or was revoked."""

    code = "unauthorized"


class TooMany(User360Error):
    """Who asks has more calls waiting than are let in of one."""

    code = "tooMany"


class Interrupted(User360Error):
    """The question was abandoned before its answer was there."""

    code = "interrupted"


class Unreachable(User360Error):
    """A place elsewhere, a folder or a server, does not answer, or has not what is asked of it."""

    code = "unreachable"


class Stopped(Interrupted):
    """The work was ended for good, not only halted where it could go on."""

    code = "stopped"


class StoreUnavailable(User360Error):
    """The database cannot be used now: locked, damaged, full, read-only or of a newer version."""

    code = "storeUnavailable"


def shorten(value: object, most: int = SHOWN_CHARACTERS) -> str:
    """The value as text, cut where it is too long to read in a message."""
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= most else text[: most - 1] + "…"


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name closest to `name` without regard to case, or nothing."""
    by_lower = {candidate.lower(): candidate for candidate in known}
    found = get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else ""


class DatabaseInUse(StoreUnavailable):
    """Another process has the database open, and only one can."""

    code = "storeUnavailable"


class DatabaseDamaged(StoreUnavailable):
    """The file cannot be read as a database."""

    code = "storeUnavailable"


class Busy(StoreUnavailable):
    """More waits to be written than is let in; soon there is room again."""

    code = "busy"
