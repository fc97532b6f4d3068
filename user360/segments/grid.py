"""Many people against one rule: of each whether each condition holds, and which condition keeps most of them out.

Without this room somebody with a list of ids would ask why one by one. The leaves are those that count
everybody, kept as long as nothing changes. What a condition saw of one person does not live here (`facts`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from user360.people import NOBODY
from user360.segments import asking, compiler
from user360.segments.catalog import load_catalog
from user360.segments.checking import check
from user360.segments.frames import Frame
from user360.segments.rules import Group, PropertyCondition
from user360.segments.wording import phrase

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from user360.people import People
    from user360.segments.rules import Node, Rule
    from user360.store import Store


@dataclass(frozen=True, slots=True)
class Column:
    """One condition at its path: whom it holds for, whose value is not known, and who is out for it alone."""

    path: str
    node: Node
    words: str
    holds: People
    unknown: People
    alone_out: People


@dataclass(frozen=True, slots=True)
class Grid:
    """The people asked about, those of them the rule holds for, and a column for each condition."""

    people: People
    holds: People
    columns: tuple[Column, ...]

    @property
    def hardest(self) -> Column | None:
        """The condition that alone keeps most of them out; where none does, the one that fewest meet."""
        if not self.columns or self.holds == self.people:
            return None
        return max(self.columns, key=lambda each: (len(each.alone_out), -len(each.holds)))


def grid(store: Store, rule: Rule, people: People, *, at: datetime, past: bool = False) -> Grid:
    """Hold these people against a rule, or refuse it. Who is not there at that instant is left out."""
    catalog = load_catalog(store)
    checked, frame = check(rule, catalog), Frame(catalog, at, past=past)
    among = people & asking.living(store, at=at, past=past)
    nodes = dict(_conditions(checked, "$"))
    truth = {path: met & among for path, met in zip(nodes, asking.of_nodes(store, nodes.values(), frame), strict=True)}
    found = _joined(checked, truth, among, "$")
    columns = [
        Column(
            path,
            node,
            phrase(node, catalog),
            truth[path],
            _unknown(store, node, frame, among),
            (among - found) & _joined(checked, truth | {path: among - truth[path]}, among, "$"),
        )
        for path, node in nodes.items()
    ]
    return Grid(among, found, tuple(columns))


def _unknown(store: Store, node: Node, frame: Frame, among: People) -> People:
    if not isinstance(node, PropertyCondition) or node.held is not None or node.operator in {"is_known", "is_not_known"}:
        return NOBODY
    return among - asking.combined(store, compiler.known(node.property, frame), asking.everyone(frame))


def _conditions(group: Group, path: str) -> Iterator[tuple[str, Node]]:
    for place, each in enumerate(group.conditions):
        here = f"{path}.conditions[{place}]"
        if isinstance(each, Group):
            yield from _conditions(each, here)
        else:
            yield here, each


def _joined(node: Node, truth: Mapping[str, People], among: People, path: str) -> People:
    """Whom the tree holds for, given whom its conditions hold for."""
    if not isinstance(node, Group):
        return truth[path]
    parts = [_joined(each, truth, among, f"{path}.conditions[{place}]") for place, each in enumerate(node.conditions)]
    found = among if node.match == "all" else NOBODY
    for each in parts:
        found = found & each if node.match == "all" else found | each
    return among - found if node.match == "none" else found
