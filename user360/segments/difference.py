"""What is different between two rules, in words: what was added, taken out and changed.

Conditions are matched by what they speak of, not by their place, so that moving one is not told as
taking it out and adding it. Without this room two versions could only be read side by side. Whom
the difference moves does not live here (`membership`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from user360.segments.checking import check
from user360.segments.rules import Group, PropertyCondition, SegmentCondition, events_of
from user360.segments.wording import phrase

if TYPE_CHECKING:
    from user360.segments.catalog import Catalog
    from user360.segments.rules import Node, Rule

Kind: TypeAlias = Literal["added", "taken out", "changed", "moved"]
_MATCHES: Final = {"all": "all of", "any": "any of", "none": "none of"}


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is different, as a phrase of the sentence; of what changed only the part that did, `old → new`."""

    kind: Kind
    words: str

    def __str__(self) -> str:
        return f"{self.kind.capitalize()}: {self.words}"


@dataclass(frozen=True, slots=True)
class _Told:
    """What was found so far: conditions only in the earlier rule, only in the later one, and what changed."""

    out: list[Node]
    new: list[Node]
    changed: list[str]


def difference(before: Rule, after: Rule, catalog: Catalog) -> tuple[Change, ...]:
    """What makes the later rule another than the earlier one; nothing where they are the same."""
    earlier, later = check(before, catalog), check(after, catalog)
    if earlier == later:
        return ()
    told = _Told([], [], [])
    _compare(earlier, later, catalog, told)
    moved = [each for each in told.out if each in told.new]
    found = [
        *(Change("changed", each) for each in told.changed),
        *(Change("taken out", phrase(each, catalog)) for each in told.out if each not in moved),
        *(Change("added", phrase(each, catalog)) for each in told.new if each not in moved),
        *(Change("moved", phrase(each, catalog)) for each in moved),
    ]
    return tuple(found) or (Change("moved", "the conditions stand in another order"),)


def _compare(before: Group, after: Group, catalog: Catalog, told: _Told) -> None:
    if before.match != after.match:
        told.changed.append(_arrow(_MATCHES[before.match], _MATCHES[after.match]) + _of_what(after, catalog))
    out, new = _but(before.conditions, after.conditions), _but(after.conditions, before.conditions)
    for old in list(out):
        other = _partner(old, new)
        if other is not None:
            out.remove(old)
            new.remove(other)
            _changed(old, other, catalog, told)
    told.out.extend(out)
    told.new.extend(new)


def _changed(before: Node, after: Node, catalog: Catalog, told: _Told) -> None:
    if isinstance(before, Group) and isinstance(after, Group):
        _compare(before, after, catalog, told)
    else:
        told.changed.append(_arrowed(phrase(before, catalog).split(" "), phrase(after, catalog).split(" ")))


def _but(these: tuple[Node, ...], others: tuple[Node, ...]) -> list[Node]:
    """These without the others, each of them counted once."""
    rest, left = list(others), []
    for each in these:
        if each in rest:
            rest.remove(each)
        else:
            left.append(each)
    return left


def _partner(node: Node, among: list[Node]) -> Node | None:
    """The one that speaks of the same, and is most like it."""
    same = [each for each in among if _subject(each) == _subject(node)]
    return max(same, key=lambda each: _likeness(node, each), default=None)


def _likeness(one: Node, other: Node) -> int:
    if isinstance(one, Group) and isinstance(other, Group):
        return 2 * sum(1 for each in one.conditions if each in other.conditions) + (one.match == other.match)
    return sum(getattr(one, field) == getattr(other, field) for field in one.__dataclass_fields__)


def _subject(node: Node) -> tuple[str, ...]:
    """What a node speaks of: its kind, and the property or events it names."""
    if isinstance(node, PropertyCondition):
        return ("property", node.property)
    if isinstance(node, SegmentCondition):
        return ("segment", node.segment)
    return (type(node).__name__, *(each.event or "" for each in events_of(node)))


def _of_what(group: Group, catalog: Catalog) -> str:
    """Which group it is, unless it is short of a name: by its first condition."""
    first = next((each for each in group.conditions if not isinstance(each, Group)), None)
    return f" ({phrase(first, catalog)} …)" if first is not None and len(group.conditions) > 1 else ""


def _arrow(old: str, new: str) -> str:
    return f"{old} → {new}"


def _arrowed(before: list[str], after: list[str]) -> str:
    """Both phrases as one: what they share at either end once, and between it `old → new`."""
    start = 0
    while start < min(len(before), len(after)) and before[start] == after[start]:
        start += 1
    end = 0
    while end < min(len(before), len(after)) - start and before[-1 - end] == after[-1 - end]:
        end += 1
    more = (before if len(before) > len(after) else after)[start:]
    if min(len(before), len(after)) == start + end:  # one only has more words: a word beside them says what they belong to
        if end and more[0].startswith("“") and not before[start - 1].startswith("“"):
            end -= 1
        elif start:
            start -= 1
    middle = _arrow(" ".join(before[start : len(before) - end]), " ".join(after[start : len(after) - end]))
    return " ".join(each for each in (" ".join(before[:start]), middle, " ".join(before[len(before) - end :])) if each)
