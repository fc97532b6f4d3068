"""Whose rows a rule is asked of, and of when: everybody's now, everybody's at an earlier instant, or one person's.

A compiled leaf reads its rows through a frame, so that the same leaf counts everybody, answers "as
of" and explains one person, and the three cannot disagree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from user360 import clock, events, profiles
from user360.sql import NOTHING, Sql, name, sql

if TYPE_CHECKING:
    from datetime import datetime

    from user360.properties import Property
    from user360.segments.catalog import Catalog

_TAGS = Sql("SELECT profile_key, list(name) AS tags FROM profile_tags JOIN tags USING (tag_id) GROUP BY profile_key")


@dataclass(frozen=True, slots=True)
class Frame:
    """`past`: as things stood at `at`. `person`: of this profile alone, whose events `own` and whose row `mine` names if they were read before.

    `known`, of a past frame, is the instant things are taken to have stood still since, while the clock went on to `at`.
    """

    catalog: Catalog
    at: datetime
    past: bool = False
    person: int | None = None
    own: Sql = NOTHING
    mine: Sql = NOTHING
    known: datetime | None = None

    @property
    def plain(self) -> bool:
        """Whether the tables themselves are asked."""
        return not self.past and self.person is None

    @property
    def _stood(self) -> datetime:
        return self.known or self.at

    def everyone(self) -> Sql:
        """The keys of all: profile_key."""
        if self.mine and not self.past:
            return sql("SELECT profile_key FROM {}", self.mine)
        return self._of_person(profiles.everyone_then(self._stood) if self.past else Sql("SELECT profile_key FROM profiles"))

    def property(self, found: Property) -> Sql:
        """A property of all: profile_key, and the value under its own name."""
        if self.past:
            return self._of_person(profiles.values_then(found.name, found.datatype.name, self._stood))
        if found.aside:
            return self._of_person(_TAGS)
        if self.mine:
            return sql("SELECT profile_key, {} FROM {}", name(found.name), self.mine)
        return self._of_person(sql("SELECT profile_key, {} FROM profiles", name(found.name)))

    def sessions_kept(self) -> Sql:
        """Of a past frame, lastSession of those for whom nothing moved it since: profile_key, and the value under its own name."""
        return self._of_person(profiles.sessions_kept(self._stood))

    def sessions_followed(self) -> Sql:
        """The keys of those of the others whose last session was their newest event."""
        return self._of_person(profiles.sessions_followed(self._stood))

    def sessions_given(self) -> Sql:
        """The last session the rest had been given: profile_key, and the value under its own name."""
        return self._of_person(profiles.sessions_given(self._stood))

    def sessions_passed(self) -> Sql:
        """The keys of those of the rest who had a newer event by then."""
        return self._of_person(profiles.sessions_passed(self._stood))

    def earlier(self, found: Property, since: datetime | None) -> Sql:
        """The values a property had before others replaced them, after `since`: profile_key, and the value under its own name."""
        return self._of_person(profiles.values_before(found.name, found.datatype.name, since=since, at=self._stood))

    def events(self) -> Sql:
        """The rows of events, to be put after FROM."""
        if self.own:
            return self.own
        if self.past:
            return sql("({})", self._of_person(self._events_then()))
        return Sql("events") if self.person is None else sql("({})", self._of_person(Sql("SELECT * FROM events")))

    def now(self) -> datetime:
        """The instant as the database keeps it."""
        return clock.stored(self.at)

    def stood(self) -> datetime:
        """The instant of which the data are, as the database keeps it."""
        return clock.stored(self._stood)

    def _events_then(self) -> Sql:
        rows = events.then(profiles.deleted_since(self._stood), self._stood)
        return rows if self.known is None else sql("SELECT * FROM ({}) WHERE occurred_at <= {}", rows, self.stood())

    def _of_person(self, rows: Sql) -> Sql:
        return rows if self.person is None else sql("SELECT * FROM ({}) WHERE profile_key = {}", rows, self.person)
