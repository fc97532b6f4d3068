"""What a rule leaves while it is written: how many there are, and what each condition does to that.

Every figure comes from the leaves' bitmaps: moving, negating or taking out a condition asks nothing
anew. Without this room the builder would count in its own way. How a figure is shown does not live
here (`pages/ui`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from user360.people import NOBODY, People
from user360.segments import asking, compiler
from user360.segments.checking import check
from user360.segments.frames import Frame
from user360.segments.rules import Group, PropertyCondition
from user360.segments.tree import Both, Leaf, as_query, leaves

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from user360.segments.catalog import Catalog
    from user360.segments.rules import Node, Rule
    from user360.sql import Sql
    from user360.store import Store


@dataclass(frozen=True, slots=True)
class Step:
    """One condition or group, at its path.

    How many meet it `alone`, how many are left `after` it and those above it in its group, how many the whole rule
    would find `without` it, and how many have no value (None: it asks for none).
    """

    path: str
    alone: int
    after: int
    without: int
    unknown: int | None


@dataclass(frozen=True, slots=True)
class Preview:
    """Who the rule finds, of `total`, and its steps in the order they are written. `sql` is the whole as one query."""

    people: People
    total: int
    steps: tuple[Step, ...]
    sql: Sql

    @property
    def count(self) -> int:
        """How many it finds."""
        return len(self.people)

    def at(self, path: str) -> Step:
        """The step of that path."""
        return next(each for each in self.steps if each.path == path)


@dataclass(frozen=True, slots=True)
class _Place:
    """What the rule makes of the people `x` of one node: `always`, and those of `then` who are in x (or are not, if `turned`)."""

    always: People
    then: People
    turned: bool = False

    def given(self, x: People, everyone: People) -> People:
        return self.always | (self.then & ((everyone - x) if self.turned else x))


def preview(store: Store, rule: Rule, catalog: Catalog, *, at: datetime, past: bool = False) -> Preview:
    """Who the rule finds and what each of its parts does, or InvalidRule."""
    frame, checked = Frame(catalog, at, past=past), check(rule, catalog)
    within = asking.everyone(frame)
    everyone = asking.kept(store, within)
    known = [compiler.known(each, frame) for each in dict.fromkeys(_properties(checked))]
    asking.ask(store, leaves(Both((compiler.compiled(checked, frame), *known))))
    count = _Count(store, frame, within, everyone)
    steps = tuple(count.steps(checked, "$", _Place(NOBODY, everyone), everyone))
    found = compiler.compiled(checked, frame)
    beyond = past or any(each.gone for each in leaves(found))
    query = as_query(Both((within, found)) if beyond else found, within.sql)
    return Preview(count.people(checked), len(everyone), steps, query)


def _properties(group: Group) -> Iterator[str]:
    """The properties that conditions ask for, of groups within too."""
    for each in group.conditions:
        if isinstance(each, Group):
            yield from _properties(each)
        elif isinstance(each, PropertyCondition):
            yield each.property


@dataclass(frozen=True, slots=True)
class _Count:
    store: Store
    frame: Frame
    within: Leaf
    everyone: People

    def people(self, node: Node) -> People:
        return asking.combined(self.store, compiler.compiled(node, self.frame), self.within)

    def steps(self, group: Group, path: str, place: _Place, gone: People) -> Iterator[Step]:
        """The steps of a group's conditions, and of the groups among them; `gone` is who is found without the group."""
        parts = [self.people(each) for each in group.conditions]
        before, after = _running(parts, group.match), _running(parts[::-1], group.match)[::-1]
        none = NOBODY if group.match != "all" else self.everyone
        for number, (node, found) in enumerate(zip(group.conditions, parts, strict=True)):
            others = _joined(
                before[number - 1] if number else none,
                after[number + 1] if number + 1 < len(parts) else none,
                group.match,
            )
            inner = self._inside(group, place, others)
            here = f"{path}.conditions[{number}]"
            rest = self.everyone - others if group.match == "none" else others
            without = place.given(rest, self.everyone) if len(parts) > 1 else gone
            left = self.everyone - before[number] if group.match == "none" else before[number]
            yield Step(here, len(found), len(left), len(without), self._unknown(node))
            if isinstance(node, Group):
                yield from self.steps(node, here, inner, without)

    def _inside(self, group: Group, place: _Place, others: People) -> _Place:
        """The place of one condition of the group, beside its others."""
        if group.match == "all":
            if place.turned:
                return _Place(place.always | (place.then - others), place.then & others, turned=True)
            return _Place(place.always, place.then & others)
        turned = place.turned != (group.match == "none")
        if turned:
            return _Place(place.always, place.then - others, turned=True)
        return _Place(place.always | (place.then & others), place.then - others)

    def _unknown(self, node: Node) -> int | None:
        if not isinstance(node, PropertyCondition):
            return None
        return len(self.everyone) - len(asking.combined(self.store, compiler.known(node.property, self.frame), self.within))


def _running(parts: list[People], match: str) -> list[People]:
    found: list[People] = []
    for each in parts:
        found.append(_joined(found[-1], each, match) if found else each)
    return found


def _joined(one: People, other: People, match: str) -> People:
    return one & other if match == "all" else one | other
