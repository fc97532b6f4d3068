"""Which segments ask what: where a property is used.

Without this room nobody could tell whether a property still matters to anybody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from user360.segments import saved
from user360.segments.rules import Group, PropertyCondition, Rank

if TYPE_CHECKING:
    from user360.segments.saved import Segment
    from user360.store import Store


def of_properties(store: Store) -> dict[str, tuple[Segment, ...]]:
    """By property, the segments in use whose definition asks it of a person; those of events are not meant."""
    found: dict[str, tuple[Segment, ...]] = {}
    for segment in saved.find(store):
        for each in asked(segment.rule) if segment.rule is not None else ():
            found[each] = (*found.get(each, ()), segment)
    return found


def asked(group: Group) -> set[str]:
    """The properties of a person a rule asks."""
    found: set[str] = set()
    for each in group.conditions:
        match each:
            case Group():
                found |= asked(each)
            case PropertyCondition(property=name) | Rank(property=str(name)):
                found.add(name)
    return found
