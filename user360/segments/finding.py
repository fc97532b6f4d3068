"""Which segments there are, which versions they had, and what rests on what.

Reading alone: how a segment is saved and changed does not live here (`saved`), nor who is in it (`asking`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from user360.clock import aware
from user360.errors import Unknown, shorten
from user360.segments import naming
from user360.segments.catalog import read
from user360.segments.rules import Group, SegmentCondition, walk
from user360.sql import Sql, sql

if TYPE_CHECKING:
    from datetime import datetime

    from user360.segments.rules import Rule
    from user360.store import Store

Kind: TypeAlias = Literal["dynamic", "static"]

_ROWS: Final = Sql(
    "SELECT segment_id, name, kind, description, definition, coalesce(version, 0), made_at, made_by, changed_at, changed_by, archived_at "
    "FROM segments LEFT JOIN (SELECT segment_id, max(version) AS version, arg_max(definition, version) AS definition "
    "FROM segment_versions GROUP BY segment_id) USING (segment_id) ORDER BY changed_at DESC, segment_id DESC"
)


@dataclass(frozen=True, slots=True)
class Segment:
    """One saved segment. A fixed list (kind static) has no rule, and its version is 0."""

    id: str
    name: str
    kind: Kind
    description: str
    rule: Rule | None
    version: int
    made_at: datetime
    made_by: str
    changed_at: datetime
    changed_by: str
    archived_at: datetime | None


@dataclass(frozen=True, slots=True)
class Version:
    """One definition a segment had, from when on, by whom and why."""

    number: int
    rule: Rule
    note: str
    at: datetime
    by: str


def get(store: Store, segment_id: str) -> Segment:
    """One segment, archived or not, or a refusal."""
    every = {each.id: each for each in find(store, archived=None)}
    if segment_id not in every:
        raise Unknown(f"There is no segment “{shorten(segment_id)}”.", "Look for it by its name.")
    return every[segment_id]


def find(store: Store, *, text: str = "", archived: bool | None = False) -> tuple[Segment, ...]:
    """Segments whose name or description contains the text, lately changed first; `archived=None` takes both kinds."""
    wanted = text.strip().casefold()
    return tuple(
        each
        for each in (_segment(*row) for row in store.rows(_ROWS))
        if archived in (None, each.archived_at is not None) and wanted in f"{each.name}\n{each.description}".casefold()
    )


def named(store: Store, name: str) -> Segment | None:
    """The segment of that name, without regard to case."""
    return next((each for each in find(store, archived=None) if naming.key(each.name) == naming.key(name)), None)


def versions(store: Store, segment_id: str) -> tuple[Version, ...]:
    """The definitions a segment had, newest first; of a fixed list none."""
    get(store, segment_id)
    rows = store.rows(
        sql(
            "SELECT version, definition, note, saved_at, saved_by FROM segment_versions WHERE segment_id = {} ORDER BY version DESC",
            segment_id,
        )
    )
    return tuple(Version(number, read(kept), note, aware(at), by) for number, kept, note, at, by in rows)


def rule_of(segment: Segment) -> Rule:
    """The rule that finds who is in a segment: its own, or of a fixed list the one that names it."""
    return segment.rule or Group("all", (SegmentCondition(segment.id),))


def rule_at(store: Store, segment_id: str, at: datetime) -> Rule:
    """The rule that was in force at a moment; before the segment was made, its first one."""
    found = get(store, segment_id)
    history = versions(store, segment_id)
    return next((each.rule for each in history if each.at <= at), history[-1].rule if history else rule_of(found))


def references(rule: Rule) -> frozenset[str]:
    """The ids of the segments a rule names itself."""
    return frozenset(node.segment for node in walk(rule) if isinstance(node, SegmentCondition))


def dependents(store: Store, segment_id: str) -> tuple[Segment, ...]:
    """The segments in use whose definition names this one."""
    return tuple(each for each in find(store) if each.rule is not None and segment_id in references(each.rule))


def _segment(number: str, name: str, kind: Any, description: str, definition: str | None, version: int, *rest: Any) -> Segment:
    made_at, made_by, changed_at, changed_by, archived_at = rest
    rule = None if definition is None else read(definition)
    ended = aware(archived_at) if archived_at else None
    return Segment(number, name, kind, description, rule, version, aware(made_at), made_by, aware(changed_at), changed_by, ended)
