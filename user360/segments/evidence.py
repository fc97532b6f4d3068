"""What exactly happened to each person a turnover moved: the value before and after, by whom; the event and its time.

Asked for a page of people, not for all who moved. Which change moved whom does not live here (`turnover`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from user360 import profiles
from user360.clock import aware
from user360.segments import compiler
from user360.segments.catalog import load_catalog
from user360.segments.event_leaves import matching
from user360.segments.frames import Frame
from user360.segments.rules import PropertyCondition, Rank, SegmentCondition, events_of
from user360.sql import joined, name, sql

if TYPE_CHECKING:
    from datetime import datetime

    from user360.people import People
    from user360.segments.rules import Node
    from user360.segments.turnover import Cause, Kind, Turnover
    from user360.store import Store


@dataclass(frozen=True, slots=True)
class Moved:
    """One reason why one person came or went.

    `words` say the condition. `old` and `new` are values as text, None for unknown; of an event `new` is its name. `at` is when
    it happened, `by` who did it and `source` from where, as far as that is known.
    """

    profile_key: int
    entered: bool
    kind: Kind
    words: str
    old: str | None = None
    new: str | None = None
    at: datetime | None = None
    by: str = ""
    source: str = ""


def evidence(store: Store, found: Turnover, people: People) -> tuple[Moved, ...]:
    """The reasons for each of these people, in the order of their keys."""
    look = _Look(store, found, *(Frame(load_catalog(store), each, past=True) for each in (found.start, found.end)))
    told = [
        each
        for entered, causes in ((True, found.came), (False, found.went))
        for cause in causes
        for each in look.told(cause, cause.people & people, entered=entered)
    ]
    return tuple(sorted(told, key=lambda each: each.profile_key))


@dataclass(frozen=True, slots=True)
class _Look:
    store: Store
    turnover: Turnover
    first: Frame
    last: Frame

    def told(self, cause: Cause, people: People, *, entered: bool) -> list[Moved]:
        if not people:
            return []
        facts = self._facts(cause, people)
        keys = people.keys().tolist()
        return [Moved(key, entered, cause.kind, cause.words, **facts.get(key, {})) for key in keys]

    def _facts(self, cause: Cause, people: People) -> dict[int, dict[str, Any]]:
        match cause.kind:
            case "created":
                return {key: {"at": aware(made)} for key, made in self._values("createdAt", people, self.last).items()}
            case "deleted" | "merged into another":
                return {key: {"at": at, "by": by} for key, (at, by) in profiles.deletions(self.store, people).items()}
        match cause.node:
            case PropertyCondition(property=asked) | Rank(property=str(asked)):
                return self._property(asked, people)
            case SegmentCondition():
                return self._list(cause.node, people)
            case None:
                return {}
        return self._events(cause.node, people, left=cause.kind == "event left the window")

    def _property(self, asked: str, people: People) -> dict[int, dict[str, Any]]:
        """The value at both moments, and who changed it last."""
        before, after = (self._values(asked, people, each) for each in (self.first, self.last))
        since, until = self.turnover.start, self.turnover.end
        changes = profiles.last_changes(self.store, people, asked, since=since, until=until)
        facts: dict[int, dict[str, Any]] = {}
        for key in people.keys().tolist():
            facts[key] = {"old": self._text(asked, before.get(key)), "new": self._text(asked, after.get(key))}
            if key in changes:
                facts[key] |= {"at": changes[key].at, "by": changes[key].by, "source": changes[key].source}
        return facts

    def _values(self, asked: str, people: People, frame: Frame) -> dict[int, Any]:
        rows = sql(
            "SELECT profile_key, {} FROM ({}) SEMI JOIN members USING (profile_key)",
            name(asked),
            compiler.values(frame.catalog.properties[asked], frame),
            members=_members(people),
        )
        return {key: value for key, value in self.store.rows(rows) if value is not None}

    def _text(self, asked: str, value: Any) -> str | None:
        if value is None:
            return None
        datatype = self.first.catalog.properties[asked].datatype
        if datatype.name == "datetime":
            value = aware(value)
        return datatype.format(tuple(value) if datatype.name == "list" else value, self.first.catalog.zone)

    def _events(self, node: Node, people: People, *, left: bool) -> dict[int, dict[str, Any]]:
        """The newest event that came into what the condition counts, or that time left behind."""
        frame, other = (self.first, self.last) if left else (self.last, self.first)
        queries = [
            sql(
                "SELECT profile_key, occurred_at, event_id FROM {} WHERE ({}) AND ({}) IS NOT TRUE",
                frame.events(),
                matching(each, frame),
                matching(each, other),
            )
            for each in events_of(node)
        ]
        rows = self.store.rows(
            sql(
                "SELECT profile_key, max(occurred_at), arg_max(event_id, occurred_at) FROM ({}) SEMI JOIN members USING (profile_key) "
                "GROUP BY profile_key",
                joined(" UNION ALL ", queries),
                members=_members(people),
            )
        )
        names = {number: event for event, number in self.first.catalog.events.items()}
        return {key: {"new": names[number], "at": aware(at)} for key, at, number in rows}

    def _list(self, node: SegmentCondition, people: People) -> dict[int, dict[str, Any]]:
        rows = self.store.rows(
            sql(
                "SELECT profile_key, greatest(max(added_at), max(removed_at) FILTER (removed_at <= {})), arg_max(source, added_at) "
                "FROM segment_members SEMI JOIN members USING (profile_key) WHERE segment_id = {} AND added_at <= {} GROUP BY profile_key",
                self.last.stood(),
                node.segment,
                self.last.stood(),
                members=_members(people),
            )
        )
        return {key: {"at": aware(at), "source": source} for key, at, source in rows}


def _members(people: People) -> pa.Table:
    return pa.table({"profile_key": people.keys()})
