"""What rules may speak of, as one frozen snapshot: the properties, the zone, the week.

Rules are checked and compiled against this value, never against the database, so that both are pure
and a rule cannot mean two things while it is looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from user360 import properties, workspace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from user360.properties import Property
    from user360.store import Store


@dataclass(frozen=True, slots=True)
class Catalog:
    """`week_starts` is 0 for Monday … 6 for Sunday."""

    properties: Mapping[str, Property]
    zone_name: str
    week_starts: int

    @property
    def zone(self) -> ZoneInfo:
        """The zone days and weeks are counted in."""
        return ZoneInfo(self.zone_name)


def load_catalog(store: Store) -> Catalog:
    """The snapshot as of now."""
    settings = workspace.get(store)
    return Catalog({each.name: each for each in properties.find(store)}, settings.zone_name, settings.week_starts)
