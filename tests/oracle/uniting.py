"""Two who became one, and became two again, as a plain reading has it.

Blanks are filled and lists united when they become one; events and places on lists go to who is kept. Taken
back, what was filled goes unless somebody said it anew since, and another who is still part of them fills it instead.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import count
from typing import TYPE_CHECKING, Any

from tests.oracle.people import EVER, FOREVER, Listed, Person, Seen, Stretch

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from tests.oracle.people import World


@dataclass(eq=False)
class Union:
    """One merge: `had` are the values of who was absorbed, `said` what somebody said of who is kept since.

    `stood` are the lists who was absorbed stood on; `session` is that of who is kept, and `sessions` what they were given, before;
    `had_session` is that of who was absorbed. Where somebody `left` who was part of them before, it may have been theirs.
    """

    kept: Person
    gone: Person
    made: datetime
    had: Mapping[str, Any]
    events: list[str]
    filled: set[str] = field(default_factory=set)
    added: dict[str, list[str]] = field(default_factory=dict)
    said: set[str] = field(default_factory=set)
    stood: list[str] = field(default_factory=list)
    session: datetime | None = None
    sessions: list[Seen] = field(default_factory=list)
    had_session: datetime | None = None
    left: bool = False
    order: int = field(default_factory=count().__next__)


def united(world: World, kept: Person, gone: Person, at: datetime) -> Union:
    """Make one of two."""
    had = {name: told[-1][1] for name, told in gone.history.items()}
    union = Union(kept, gone, gone.made(at), had, [each.id for each in gone.did(FOREVER)])
    union.session, union.sessions, union.had_session = kept.session, [*kept.sessions], gone.session
    kept.session = _newer(kept.session, gone.session)
    now = _filled(union, {name: told[-1][1] for name, told in kept.history.items()}, set(had), set(had))
    _set(kept, now, at)
    kept.older.append((at, min(kept.made(at), union.made)))
    gone.absent.append(Stretch(at))
    _hand(union.events, gone, kept, at)
    kept.settle(at)
    for name, listed in _lists(world):
        if _take_off(listed, gone.key, at):
            union.stood.append(name)
            if not any(each.key == kept.key and each.removed is None for each in listed):
                listed.append(Listed(kept.key, at, by=union))
    return union


def parted(world: World, union: Union, others: list[Union], at: datetime) -> None:
    """Make two of one again; `others` are the merges into the same one that stay, oldest first."""
    kept, gone = union.kept, union.gone
    now = {name: told[-1][1] for name, told in kept.history.items()}
    taken = {name for name in union.filled - union.said if now[name] == union.had[name]}
    now |= dict.fromkeys(taken)
    now |= {name: [each for each in now[name] or [] if each not in items] or None for name, items in union.added.items()}
    for other in others:
        now = _filled(other, now, union.filled - union.said, set(union.added))
    _set(kept, now, at)
    kept.older.append((at, min([kept.created, *(each.made for each in others)])))
    gone.absent[-1].until = at
    mine = {each.id for each in kept.did(FOREVER)}
    _hand([each for each in union.events if each in mine], kept, gone, at)
    gone.session = _newer(gone.session, _met(gone, gone.sessions))
    if "lastSession" not in union.said:
        before = Person.seen(kept.told, kept.did(FOREVER)) if union.left else union.session
        kept.session = _newer(before, _met(kept, union.sessions))
        for other in others:
            if "lastSession" not in other.said:
                kept.session = _newer(kept.session, other.had_session)
    for other in others:
        other.left |= other.order > union.order
    kept.settle(at)
    gone.settle(at)
    for name, listed in _lists(world):
        listed[:] = [replace(each, removed=at) if each.by is union and each.removed is None else each for each in listed]
        if name in union.stood:
            listed.append(Listed(gone.key, at))


def _filled(union: Union, now: dict[str, Any], blanks: set[str], lists: set[str]) -> dict[str, Any]:
    """The values with what the absorbed one fills of these blanks and adds to these lists; the merge remembers what it was."""
    after = dict(now)
    for name, value in union.had.items():
        if isinstance(value, list):
            more = [each for each in value if each not in (now[name] or [])] if name in lists else []
            if more:
                after[name] = [*(now[name] or []), *more]
                union.added[name] = [*union.added.get(name, []), *more]
        elif value is not None and now[name] is None and name in blanks:
            after[name] = value
            union.filled.add(name)
    return after


def _met(person: Person, given: list[Seen]) -> datetime | None:
    """The newest event of a person after the last of these sessions they were given was set."""
    since = given[-1].since if given else EVER
    return max((each.at for each in person.did(FOREVER) if each.at > since), default=None)


def _newer(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((each for each in (one, other) if each is not None), default=None)


def _set(person: Person, now: Mapping[str, Any], at: datetime) -> None:
    for name, value in now.items():
        if person.history[name][-1][1] != value:
            person.history[name].append((at, value))


def _hand(ids: list[str], giver: Person, taker: Person, at: datetime) -> None:
    by_id = {each.id: each for each in giver.events}
    for each in ids:
        giver.hands.setdefault(each, [Stretch(None)])[-1].until = at
        if each not in taker.hands:
            taker.events.append(by_id[each])
        taker.hands.setdefault(each, []).append(Stretch(at))


def _lists(world: World) -> list[tuple[str, list[Listed]]]:
    return [(name, each) for name, each in world.segments.items() if isinstance(each, list)]


def _take_off(listed: list[Listed], key: int, at: datetime) -> bool:
    """Take somebody off a list; answer whether they were on it."""
    before = list(listed)
    listed[:] = [replace(each, removed=at) if each.key == key and each.removed is None else each for each in listed]
    return before != listed
