"""What rules may speak of, as one frozen snapshot: properties, events, segments, the zone, the week.

Rules are checked and compiled against this value, never against the database, so that both are pure
and a rule cannot mean two things while it is looked at.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from user360 import events, properties, workspace
from user360.segments.notation import parse
from user360.sql import Sql

if TYPE_CHECKING:
    from collections.abc import Mapping

    from user360.properties import Property
    from user360.segments.rules import Rule
    from user360.store import Store

TOPICS: Final = ("workspace", "properties", "segments", "words")
DEFINITIONS: Final = Sql(
    "SELECT segment_id, name, archived_at IS NOT NULL, definition FROM segments LEFT JOIN "
    "(SELECT segment_id, arg_max(definition, version) AS definition FROM segment_versions GROUP BY segment_id) USING (segment_id)"
)


@dataclass(frozen=True, slots=True)
class Definition:
    """A saved segment as other rules see it: its rule, or None where it is a fixed list."""

    id: str
    name: str
    rule: Rule | None
    archived: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Catalog:
    """One snapshot is itself alone, whatever another holds: so what is made of it can be kept under it.

    `week_starts` is 0 for Monday … 6 for Sunday. `events` are their numbers by name, `segments` by id, archived ones too.

    `figures` are the columns in which the numbers of a property of an event stand, by (event, property).
    """

    properties: Mapping[str, Property]
    zone_name: str
    week_starts: int
    events: Mapping[str, int] = field(default_factory=dict)
    segments: Mapping[str, Definition] = field(default_factory=dict)
    figures: Mapping[tuple[str, str], str] = field(default_factory=dict)

    @property
    def zone(self) -> ZoneInfo:
        """The zone days and weeks are counted in."""
        return ZoneInfo(self.zone_name)


def load_catalog(store: Store) -> Catalog:
    """The snapshot as of now; the last one, as long as nothing changed of which it tells."""
    return store.kept(_loaded, *TOPICS)


def _loaded(store: Store) -> Catalog:
    settings = workspace.get(store)
    found = {each.name: each for each in properties.find(store)}
    return Catalog(
        found,
        settings.zone_name,
        settings.week_starts,
        events.numbers(store),
        _definitions(store),
        events.figures.find(store),
    )


@lru_cache(maxsize=4096)
def read(definition: str) -> Rule:
    """The rule of a definition as it is kept: the same text is the same rule."""
    return parse(definition)


def _definitions(store: Store) -> dict[str, Definition]:
    return {
        number: Definition(number, called, None if definition is None else read(definition), archived)
        for number, called, archived, definition in store.rows(DEFINITIONS)
    }
