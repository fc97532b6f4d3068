"""Who each message is about: the rules of identity, one message after the other.

What is known of the ids a batch brings is read once, and everything it means is worked out here in
plain Python: who is new, which id is tied to whom, who gets a user id, which two are one person.
Nothing here reads or writes, so that the rules can be read, and tried, without a database. A new
profile has a number below zero until it is made.

| what a message brings | what follows |
|---|---|
| an anonymous id never seen | an unidentified profile is made, and the id is tied to it |
| a user id never seen, on an unidentified profile | the profile gets it |
| a user id of somebody, on an unidentified profile | the unidentified one is merged into them |
| another user id, on a profile that has one | the session is tied to whom the user id leads to, made where it leads nowhere; nothing is merged |
| an alias | the former id is one more of the same person; an unidentified profile it led to is merged |
| an alias of two who both have a user id | is held for review, for messages alone never merge two identified people |

What is worked out is told in waves: within one, a profile is written by one source only and merged
only after it was written, so that a wave costs a few statements, and one wave after the other is the
same as one message after the other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from user360.identities import ANONYMOUS, USER

if TYPE_CHECKING:
    from collections.abc import Iterable

    from user360.identities import Id

SILENT, LIGHT, HEAVY = range(3)
"""What a message says of a person: nothing; values that mean the same before and after others are merged into them; what does not,
lists and what becomes unknown."""

BOTH_IDENTIFIED: Final = "Both have a user id of their own; a message alone never makes them one."
TOO_MANY: Final = "Messages have united as many profiles here as they may; a shared device or a wrong id is likely."


class Said(NamedTuple):
    """What one message says of who it is about; ids that identify nobody are left out already.

    `user` is the user id, `session` the id of a device, browser or conversation, `former` the id an alias names.
    """

    position: int
    source: str
    user: Id | None = None
    session: Id | None = None
    former: str | None = None
    weight: int = SILENT


class Step(NamedTuple):
    """One message and the profile it is about."""

    position: int
    who: int
    weight: int


class Tie(NamedTuple):
    """An id that leads to a profile from now on: through which other id, if any, by which message."""

    id: Id
    via: Id | None
    who: int
    position: int


class Union(NamedTuple):
    """Two profiles that become one, by which message. One that is held has a reason."""

    kept: int
    gone: int
    position: int
    alias: bool = False
    reason: str = ""


@dataclass(slots=True)
class Wave:
    """What can be written at once, in this order: the steps, the ties, the unions, and the links they rest on."""

    steps: list[Step] = field(default_factory=list)
    ties: list[Tie] = field(default_factory=list)
    unions: list[Union] = field(default_factory=list)
    links: list[Tie] = field(default_factory=list)


class Meeting:
    """The rules at work.

    `ids` says whom each known id leads to, `named` which profiles have a user id, `room` how many profiles messages
    may still unite in each, `most` where it does not say; all go on with the messages.
    """

    def __init__(self, ids: dict[Id, int], named: Iterable[int], room: dict[int, int], most: int) -> None:
        self.waves: list[Wave] = []
        self.held: list[Union] = []
        self._ids, self._named, self._room, self._most = dict(ids), set(named), dict(room), most
        self._made = 0
        self._into: dict[int, int] = {}
        self._at: dict[int, int] = {}
        self._sources: dict[tuple[int, int], str] = {}
        self._unwritten: dict[int, int] = {}
        self._last: dict[Id, Tie] = {}

    def meet(self, said: Said) -> int:
        """The profile the message is about, with everything that follows from it noted."""
        if said.former is not None:
            self._alias(said, said.former)
        who = self._who(said)
        self._step(who, said).steps.append(Step(said.position, who, said.weight))
        return who

    def of(self, one: Id | None) -> int | None:
        """Whom an id leads to by now."""
        who = None if one is None else self._ids.get(one)
        return None if who is None else self.stays(who)

    def stays(self, who: int) -> int:
        """Who a profile is part of by now; itself where it was not merged."""
        while who in self._into:
            who = self._into[who]
        return who

    def lasts(self, tie: Tie) -> bool:
        """Whether no later message tied the id to somebody else; waves of different people do not keep the order of messages."""
        return self._last[tie.id] is tie

    # -- the rules ------------------------------------------------------------------------------

    def _who(self, said: Said) -> int:
        there, known = self.of(said.session), self.of(said.user)
        if said.user is None:
            return there if there is not None else self._make(said.session, said)
        if there is None or there in self._named:
            who = known if known is not None else self._make(said.user, said)
        elif known is None:
            who = there
            self._tie(said.user, said.session, who, said)
        else:
            who = known
            if known != there:
                self._unite(known, there, said, said.session, said.user)
            return who
        if said.session and self.of(said.session) != who:
            self._tie(said.session, said.user, who, said)
        return who

    def _alias(self, said: Said, text: str) -> None:
        """The former id is one more of the same person."""
        former = (USER, text) if (USER, text) in self._ids else (ANONYMOUS, text)
        now = said.user or said.session
        if now is None or now == former:
            return
        before, who = self.of(former), self.of(now)
        if who is None:
            who = before if before is not None and (before not in self._named or now[0] != USER) else self._make(now, said)
            if who == before:
                self._tie(now, former, who, said)
        if before is None:
            self._tie(former, now, who, said)
        elif before != who and before in self._named and who in self._named:
            self.held.append(Union(who, before, said.position, alias=True, reason=BOTH_IDENTIFIED))
        elif before != who:
            kept, gone = (before, who) if before in self._named else (who, before)
            self._unite(kept, gone, said, former, now)

    def _unite(self, kept: int, gone: int, said: Said, one: Id | None, other: Id) -> bool:
        """Let the one become part of the other, unless so many did that somebody has to look at it."""
        alias = said.former is not None
        room = self._room.setdefault(kept, self._most) - (self._most - self._room.get(gone, self._most)) - 1
        if room < 0:
            self.held.append(Union(kept, gone, said.position, alias, TOO_MANY))
            return False
        self._room[kept] = room
        at = max(self._at.get(gone, 0), self._unwritten.get(kept, self._at.get(kept, 0)))
        wave = self._wave(at)
        wave.unions.append(Union(kept, gone, said.position, alias))
        if one is not None:
            wave.links.append(Tie(one, other, kept, said.position))
        self._into[gone] = kept
        self._at[kept], self._unwritten[kept] = at + 1, at
        return True

    def _make(self, first: Id | None, said: Said) -> int:
        self._made += 1
        who = -self._made
        if first is not None:
            self._tie(first, None, who, said)
        return who

    def _tie(self, one: Id, via: Id | None, who: int, said: Said) -> None:
        self._ids[one] = who
        if one[0] == USER:
            self._named.add(who)
        self._last[one] = Tie(one, via, who, said.position)
        self._write(who, said.source).ties.append(self._last[one])

    # -- waves ----------------------------------------------------------------------------------

    def _step(self, who: int, said: Said) -> Wave:
        """The wave a message is written in: that of the last merge where that means the same, so that merges need not wait for each other."""
        merged = self._unwritten.get(who)
        if said.weight == SILENT:
            return self._wave(self._at.get(who, 0) if merged is None else merged)
        if said.weight == LIGHT and merged is not None and self._sources.setdefault((who, merged), said.source) == said.source:
            return self._wave(merged)
        return self._write(who, said.source)

    def _write(self, who: int, source: str) -> Wave:
        """The wave this profile is written in; another source has to wait for the next."""
        at = self._at.get(who, 0)
        if self._sources.setdefault((who, at), source) != source:
            at += 1
            self._sources[who, at] = source
        self._at[who] = at
        self._unwritten.pop(who, None)
        return self._wave(at)

    def _wave(self, at: int) -> Wave:
        while len(self.waves) <= at:
            self.waves.append(Wave())
        return self.waves[at]
