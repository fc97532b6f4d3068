"""Who each message is about: the rules of identity, one message after the other.

What is known of the ids a batch brings is read once, and everything it means is worked out here in
plain Python: who is new, which id is tied to whom, who gets a user id. Nothing here reads or writes,
so that the rules can be read, and tried, without a database. A new profile has a number below zero
until it is made.

What is worked out is told in waves. Within a wave each profile is written by one source only, so
that a wave can be written in a few statements, and one wave after the other is the same as one
message after the other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from user360.identities import ANONYMOUS, USER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from user360.identities import Id


@dataclass(frozen=True, slots=True)
class Said:
    """What one message says of who it is about; ids that identify nobody are left out already.

    `user` is the user id, `session` the id of a device, browser or conversation, `former` the id an alias names.
    """

    position: int
    source: str
    user: Id | None = None
    session: Id | None = None
    former: Id | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One message and the profile it is about."""

    position: int
    who: int


@dataclass(frozen=True, slots=True)
class Tie:
    """An id that leads to a profile from now on: through which other id, if any, by which message."""

    id: Id
    via: Id | None
    who: int
    position: int


@dataclass(slots=True)
class Wave:
    """What can be written at once, in this order: the steps, the ties."""

    steps: list[Step] = field(default_factory=list)
    ties: list[Tie] = field(default_factory=list)


@dataclass(slots=True)
class Meeting:
    """The rules at work. `ids` says whom each id leads to, `named` who has a user id already; both go on with the messages."""

    ids: dict[Id, int]
    named: set[int]
    made: int = 0
    waves: list[Wave] = field(default_factory=list)
    _at: dict[int, int] = field(default_factory=dict)
    _sources: dict[int, str] = field(default_factory=dict)

    def meet(self, said: Said) -> int:
        """The profile the message is about, with everything that follows from it noted."""
        if said.former is not None:
            self._alias(said)
        who = self._who(said)
        self._wave(who, said.source).steps.append(Step(said.position, who))
        return who

    def _who(self, said: Said) -> int:
        at_session = self.ids.get(said.session) if said.session else None
        if said.user is None:
            return at_session if at_session is not None else self._make(said, said.session)
        known = self.ids.get(said.user)
        if at_session is None or at_session in self.named:
            who = known if known is not None else self._make(said, said.user)
        elif known is None:
            who = at_session
            self._tie(said.user, said.session, who, said)
            self.named.add(who)
        else:
            who = known
        if said.session and self.ids.get(said.session) != who:
            self._tie(said.session, said.user, who, said)
        return who

    def _alias(self, said: Said) -> None:
        """The former id is one more of the same person."""
        now = said.user or said.session
        if now is None or said.former is None or said.former == now or said.former in self.ids:
            return
        who = self.ids.get(now)
        self._tie(said.former, now, self._make(said, now) if who is None else who, said)

    def _make(self, said: Said, first: Id | None) -> int:
        self.made += 1
        who = -self.made
        if first is not None:
            self._tie(first, None, who, said)
            if first[0] == USER:
                self.named.add(who)
        return who

    def _tie(self, one: Id, via: Id | None, who: int, said: Said) -> None:
        self.ids[one] = who
        self._wave(who, said.source).ties.append(Tie(one, via, who, said.position))

    def _wave(self, who: int, source: str) -> Wave:
        """The wave this profile is written in; another source has to wait for the next."""
        at = self._at.get(who, 0)
        if self._sources.setdefault(who, source) != source:
            at += 1
            self._sources[who] = source
        self._at[who] = at
        while len(self.waves) <= at:
            self.waves.append(Wave())
        return self.waves[at]


def meeting(known: Mapping[Id, int], named: set[int]) -> Meeting:
    """A meeting of ids some of which are known: to whom each leads, and which of those profiles have a user id."""
    return Meeting(dict(known), set(named))


__all__ = ["ANONYMOUS", "USER", "Meeting", "Said", "Step", "Tie", "Wave", "meeting"]
