"""What is odd about a rule: it can hold for nobody, part of it does nothing, or it asks for what the data do not have.

A finding never stops anybody: it says what was seen, with figures, and offers a repair where there is
one. What is wrong with a rule by its form does not live here (`checking`), nor what two conditions make
of each other (`contradictions`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from user360 import events
from user360.clock import aware
from user360.segments import compiler, previewing, windows
from user360.segments.catalog import load_catalog
from user360.segments.checking import check
from user360.segments.contradictions import clashes
from user360.segments.frames import Frame
from user360.segments.rules import Group, PropertyCondition, events_of
from user360.segments.wording import amount_of, clause, of_day
from user360.sql import Sql, name, sql

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from user360.properties import Property
    from user360.segments.catalog import Catalog
    from user360.segments.previewing import Preview
    from user360.segments.rules import Node, Rule
    from user360.store import Store

Kind: TypeAlias = Literal[
    "contradiction",
    "always",
    "no effect",
    "value not there",
    "not seen",
    "longer than the data",
    "rarely known",
    "same segment",
    "plain pattern",
]
FEW: Final = 0.01
LONG: Final = 30
MOST_VALUES: Final = 20
LIKE: Final = 0.75
_ASKED: Final = ("is", "is_not", "contains_any", "contains_none", "contains_all", "does_not_contain_all")


@dataclass(frozen=True, slots=True)
class Finding:
    """One oddity at its path, in a sentence. `repair` is the rule mended, `doing` says what it does; None where there is none."""

    kind: Kind
    path: str
    sentence: str
    repair: Rule | None = None
    doing: str = ""


def lint(store: Store, rule: Rule, *, at: datetime, segment_id: str = "") -> tuple[Finding, ...]:
    """The findings on a rule, or InvalidRule; `segment_id` is the segment it is the definition of, if it is one."""
    catalog = load_catalog(store)
    checked = check(rule, catalog)
    look = _Look(store, catalog, checked, at)
    found = previewing.preview(store, checked, catalog, at=at)
    return (
        *look.clashing(),
        *look.same(segment_id),
        *look.values(),
        *look.patterns(),
        *look.times(),
        *look.known(found),
        *look.idle(found),
    )


@dataclass(frozen=True, slots=True)
class _Look:
    store: Store
    catalog: Catalog
    rule: Rule
    at: datetime

    def conditions(self) -> Iterator[tuple[str, Node]]:
        yield from _conditions(self.rule, "$")

    def clashing(self) -> Iterator[Finding]:
        nodes = dict(_nodes(self.rule, "$"))
        for kind, first, second in clashes(self.rule, self.catalog, at=self.at):
            one, other = (clause(nodes[path], self.catalog) for path in (first, second))
            repair = _without(self.rule, second)
            if kind == "never":
                yield Finding(
                    "contradiction", second, f"Nobody can meet both: {one}, and {other}.", repair, "Take the second out"
                )
            else:
                yield Finding(
                    "always", second, f"Everybody meets one of the two: {one}, or {other}.", repair, "Take the second out"
                )

    def same(self, segment_id: str) -> Iterator[Finding]:
        if not self.rule.conditions:
            return
        for each in self.catalog.segments.values():
            if (
                each.id != segment_id
                and not each.archived
                and each.rule is not None
                and check(each.rule, self.catalog) == self.rule
            ):
                yield Finding("same segment", "$", f"The segment “{each.name}” has the same rule.")

    # -- values -----------------------------------------------------------------------------

    def values(self) -> Iterator[Finding]:
        """Values nobody has, each with the one most like it."""
        for path, node in self.conditions():
            if not isinstance(node, PropertyCondition) or node.held is not None or node.operator not in _ASKED:
                continue
            found = self.catalog.properties[node.property]
            if found.datatype.name in {"string", "list"} and len(node.values) <= MOST_VALUES:
                yield from self._missing(path, node, found)

    def _missing(self, path: str, node: PropertyCondition, found: Property) -> Iterator[Finding]:
        exact = node.case != "ignored"
        stored = self._stored(found)
        there = {
            str(value) if exact else str(value).lower()
            for (value,) in self.store.rows(
                sql(
                    "SELECT DISTINCT value FROM ({}) WHERE {} IN (SELECT unnest({}))",
                    stored,
                    Sql("value") if exact else Sql("lower(value)"),
                    [str(each) if exact else str(each).lower() for each in node.values],
                )
            )
        }
        for value in node.values:
            if (str(value) if exact else str(value).lower()) not in there:
                yield self._unheard(path, node, str(value), stored)

    def _unheard(self, path: str, node: PropertyCondition, value: str, stored: Sql) -> Finding:
        said = f"No one has “{value}” as {node.property}."
        near = self._nearest(value, stored) if node.property != "userId" else None  # an id is no misspelling of another
        if near is None:
            return Finding("value not there", path, said)
        meant, people = near
        values = tuple(dict.fromkeys(meant if each == value else each for each in node.values))
        repair = _replaced(self.rule, path, replace(node, values=values))
        return Finding("value not there", path, f"{said} Did you mean {meant} ({people:,})?", repair, f"Make it {meant}")

    def _nearest(self, value: str, stored: Sql) -> tuple[str, int] | None:
        """The stored value most like it and how many have it, if any is like it at all."""
        rows: list[tuple[str, int]] = self.store.rows(
            sql(
                "SELECT value, people FROM (SELECT value, count(*) AS people, jaro_winkler_similarity(lower(value), lower({})) AS likeness "
                "FROM ({}) WHERE value IS NOT NULL GROUP BY value) WHERE likeness >= {} ORDER BY likeness DESC, people DESC, value LIMIT 1",
                value,
                stored,
                LIKE,
            )
        )
        return rows[0] if rows else None

    def _stored(self, found: Property) -> Sql:
        rows = compiler.values(found, Frame(self.catalog, self.at))
        value = sql("unnest({})" if found.datatype.name == "list" else "{}", name(found.name))
        return sql("SELECT {} AS value FROM ({})", value, rows)

    def patterns(self) -> Iterator[Finding]:
        for path, node in self.conditions():
            if not isinstance(node, PropertyCondition) or node.operator not in {"matches", "does_not_match"}:
                continue
            if all(re.escape(str(each)) == str(each) for each in node.values):
                operator = "contains" if node.operator == "matches" else "does_not_contain"
                repair = _replaced(self.rule, path, replace(node, operator=operator))
                said = "The pattern has no sign of a pattern in it: it asks for a part of the text."
                yield Finding("plain pattern", path, said, repair, f"Say {operator.replace('_', ' ')}")

    # -- events -----------------------------------------------------------------------------

    def times(self) -> Iterator[Finding]:
        """Events that were not seen for long, and windows that reach back before the first of them."""
        if not any(events_of(node) for _, node in self.conditions()):
            return
        stretches = events.stretches(self.store)
        own = [first for event, (first, _) in stretches.items() if self.catalog.events[event] >= events.FIRST_OF_OTHERS]
        begun = min(own, default=None)
        for path, node in self.conditions():
            for of in events_of(node):
                start = windows.during(of.during, self.at, self.catalog)[0] if of.during is not None else None
                since = aware(start) if start is not None and hasattr(start, "hour") else None  # type: ignore[arg-type]  # an instant
                if of.event is not None:
                    yield from self._unseen(path, of.event, stretches.get(of.event), since)
                if (
                    begun is not None
                    and since is not None
                    and since < begun
                    and of.during is not None
                    and of.during.kind == "last"
                ):
                    window = amount_of(int(of.during.values[0]), str(of.during.values[1]))
                    said = f"The first event of all is of {of_day(begun, self.catalog)}: the last {window} reach back further."
                    yield Finding("longer than the data", path, said)

    def _unseen(
        self, path: str, event: str, stretch: tuple[datetime, datetime] | None, since: datetime | None
    ) -> Iterator[Finding]:
        if stretch is None:
            yield Finding("not seen", path, f"“{event}” never happened.")
            return
        last = stretch[1]
        quiet = (self.at - last).days
        if since is not None and last < since:
            yield Finding(
                "not seen", path, f"“{event}” was last seen on {of_day(last, self.catalog)}, before the time that counts."
            )
        elif quiet > LONG:
            yield Finding("not seen", path, f"“{event}” was last seen on {of_day(last, self.catalog)}, {quiet:,} days ago.")

    # -- what the figures say ---------------------------------------------------------------

    def known(self, found: Preview) -> Iterator[Finding]:
        for path, node in self.conditions():
            unknown = found.at(path).unknown
            if isinstance(node, PropertyCondition) and unknown is not None and found.total:
                known = found.total - unknown
                if known / found.total < FEW:
                    said = f"Only {known:,} of {found.total:,} people have any {node.property}."
                    yield Finding("rarely known", path, said)

    def idle(self, found: Preview) -> Iterator[Finding]:
        """Conditions without which the same people are found, the outermost first."""
        told: list[str] = []
        nodes = dict(_nodes(self.rule, "$"))
        if not found.count:
            return
        for step in found.steps:
            if step.without != found.count or any(step.path.startswith(each) for each in told):
                continue
            repair = _without(self.rule, step.path)
            if repair.conditions:
                told.append(step.path)
                said = f"It changes nothing that {clause(nodes[step.path], self.catalog)}: the same {found.count:,} people are found without it."
                yield Finding("no effect", step.path, said, repair, "Take it out")


# -- the rule, changed ----------------------------------------------------------------------------


def _conditions(group: Group, path: str) -> Iterator[tuple[str, Node]]:
    yield from ((here, node) for here, node in _nodes(group, path) if not isinstance(node, Group))


def _nodes(group: Group, path: str) -> Iterator[tuple[str, Node]]:
    for place, each in enumerate(group.conditions):
        here = f"{path}.conditions[{place}]"
        yield here, each
        if isinstance(each, Group):
            yield from _nodes(each, here)


def _replaced(group: Group, path: str, node: Node | None, here: str = "$") -> Group:
    """The group with the node of that path replaced, or taken out, and with it the groups that would be empty."""
    found: list[Node] = []
    for place, each in enumerate(group.conditions):
        at = f"{here}.conditions[{place}]"
        if at == path:
            found += [node] if node is not None else []
        elif isinstance(each, Group) and path.startswith(f"{at}."):
            inner = _replaced(each, path, node, at)
            found += [inner] if inner.conditions else []
        else:
            found.append(each)
    return Group(group.match, tuple(found))


def _without(rule: Rule, path: str) -> Rule:
    return _replaced(rule, path, None)
