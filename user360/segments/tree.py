"""A compiled rule: a tree over leaves, each leaf one query of profile keys.

Only what a tree is stands here; how a rule becomes one does not (`compiler`), nor how it is asked (`asking`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from user360.sql import NOTHING, Sql, joined, sql

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PROFILES: Final = ("profiles",)
EVENTS: Final = ("events", "profiles")


@dataclass(frozen=True, slots=True)
class Leaf:
    """The people a query names. `where` is its condition, where it asks the wide table of profiles alone.

    `topics` are what the answer follows from: it stands until one of them changes. `gone`: it may
    name people who were deleted since. `once`: it names each of them once, so that rows are people.
    """

    sql: Sql
    where: Sql = NOTHING
    topics: tuple[str, ...] = PROFILES
    gone: bool = False
    once: bool = False


@dataclass(frozen=True, slots=True)
class Both:
    """The people in all of the parts; of no parts everyone."""

    parts: tuple[Compiled, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """The people in any of the parts; of no parts nobody."""

    parts: tuple[Compiled, ...]


@dataclass(frozen=True, slots=True)
class Others:
    """Everybody who is not in the part."""

    part: Compiled


Compiled: TypeAlias = "Leaf | Both | Either | Others"
ALL: Final = Both(())


def leaves(compiled: Compiled) -> Iterator[Leaf]:
    """The leaves of the tree, from left to right."""
    match compiled:
        case Leaf():
            yield compiled
        case Both(parts) | Either(parts):
            for part in parts:
                yield from leaves(part)
        case Others(part):
            yield from leaves(part)


def holds(compiled: Compiled, truth: Mapping[Leaf, bool]) -> bool:
    """Whether the tree holds for one person, of whom it is known which leaves do."""
    match compiled:
        case Leaf():
            return truth[compiled]
        case Both(parts):
            return all(holds(each, truth) for each in parts)
        case Either(parts):
            return any(holds(each, truth) for each in parts)
        case Others(part):
            return not holds(part, truth)


def as_query(compiled: Compiled, everyone: Sql) -> Sql:
    """The tree as one query of profile keys by set operations, for eyes and for engines without bitmaps."""
    match compiled:
        case Leaf(query):
            return query
        case Both(parts):
            return joined(" INTERSECT ", [sql("({})", as_query(each, everyone)) for each in parts]) if parts else everyone
        case Either(parts):
            return joined(" UNION ", [sql("({})", as_query(each, everyone)) for each in parts])
        case Others(part):
            return sql("({}) EXCEPT ({})", everyone, as_query(part, everyone))
