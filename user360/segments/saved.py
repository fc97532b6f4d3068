"""Saved segments: a rule under a name, with every version it had, or a fixed list of people.

A segment is never deleted, so whatever was once made with it can still be explained; it is archived,
and that only while nothing rests on it. A definition is kept in canonical form: equal meaning, equal
text. Who is in a rule does not live here (`asking`), nor who came and went (`membership`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from user360 import activity
from user360.clock import aware, stored
from user360.errors import Conflict, InUse, InvalidRule, Unknown, shorten
from user360.segments import naming
from user360.segments.catalog import Definition, load_catalog, read
from user360.segments.checking import check
from user360.segments.notation import dump
from user360.segments.rules import Group, SegmentCondition, walk
from user360.sql import Sql, sql

if TYPE_CHECKING:
    from datetime import datetime

    from user360.segments.catalog import Catalog
    from user360.segments.rules import Rule
    from user360.store import Store, Transaction

Kind: TypeAlias = Literal["dynamic", "static"]

MOST_CONDITIONS_IN_ALL: Final = 2_000
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


# -- asking -------------------------------------------------------------------------------------


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


# -- definitions --------------------------------------------------------------------------------


def save(store: Store, name: str, rule: Rule, *, description: str = "", note: str = "", by: str, at: datetime) -> Segment:
    """Save a rule as a new segment under a name nothing else has."""
    with store.transaction() as tx:
        checked = _checked(store, rule)
        segment_id = make(tx, store, name, "dynamic", description, by=by, at=at)
        _add_version(tx, segment_id, 1, checked, note, by, at)
    return get(store, segment_id)


def revise(
    store: Store, segment_id: str, rule: Rule, *, expected_version: int | None = None, note: str = "", by: str, at: datetime
) -> Segment:
    """Give a segment a new definition, as its next version; the same definition leaves it as it is.

    `expected_version` is the one that was edited: Conflict where somebody saved another meanwhile.
    """
    with store.transaction() as tx:
        found = _dynamic(store, segment_id)
        if expected_version not in (None, found.version):
            raise Conflict(
                f"{found.changed_by} saved version {found.version} of “{found.name}” meanwhile.",
                "Look at it, then save yours on top of it or under another name.",
            )
        checked = _checked(store, rule, found)
        if checked != found.rule:
            _add_version(tx, segment_id, found.version + 1, checked, note, by, at)
            stamp(tx, segment_id, by=by, at=at)
            activity.record(tx, "save segment", found.name, {"segment": segment_id, "version": found.version + 1}, by=by, at=at)
    return get(store, segment_id)


def roll_back(
    store: Store, segment_id: str, version: int, *, expected_version: int | None = None, by: str, at: datetime
) -> Segment:
    """Make the definition of an earlier version the newest one."""
    earlier = {each.number: each for each in versions(store, segment_id)}
    if version not in earlier:
        raise Unknown(f"There is no version {version} of this segment.", f"There are 1 to {max(earlier, default=0)}.")
    note = f"Back to version {version}"
    return revise(store, segment_id, earlier[version].rule, expected_version=expected_version, note=note, by=by, at=at)


def duplicate(store: Store, segment_id: str, *, name: str = "", by: str, at: datetime) -> Segment:
    """A new segment of the same definition, or of the same members."""
    with store.transaction() as tx:
        found = get(store, segment_id)
        called = name or free_name(store, f"Copy of {found.name}")
        copy_id = make(tx, store, called, found.kind, found.description, by=by, at=at)
        if found.rule is not None:
            _add_version(tx, copy_id, 1, found.rule, f"Copy of “{found.name}”", by, at)
        else:
            tx.execute(
                sql(
                    "INSERT INTO segment_members SELECT {}, profile_key, {}, NULL, source FROM segment_members "
                    "WHERE segment_id = {} AND removed_at IS NULL",
                    copy_id,
                    stored(at),
                    segment_id,
                )
            )
    return get(store, copy_id)


# -- what is said about it ----------------------------------------------------------------------


def rename(store: Store, segment_id: str, name: str, *, by: str, at: datetime) -> Segment:
    """Give a segment another name."""
    with store.transaction() as tx:
        found = get(store, segment_id)
        free = naming.free(name, _names(store, but=segment_id))
        if free != found.name:
            tx.execute(sql("UPDATE segments SET name = {} WHERE segment_id = {}", free, segment_id))
            stamp(tx, segment_id, by=by, at=at)
            activity.record(tx, "rename segment", free, {"segment": segment_id, "before": found.name}, by=by, at=at)
    return get(store, segment_id)


def describe(store: Store, segment_id: str, description: str, *, by: str, at: datetime) -> Segment:
    """Give a segment another description."""
    with store.transaction() as tx:
        found = get(store, segment_id)
        text = naming.text(description)
        if text != found.description:
            tx.execute(sql("UPDATE segments SET description = {} WHERE segment_id = {}", text, segment_id))
            stamp(tx, segment_id, by=by, at=at)
            activity.record(tx, "describe segment", found.name, {"segment": segment_id}, by=by, at=at)
    return get(store, segment_id)


def archive(store: Store, segment_id: str, *, by: str, at: datetime) -> Segment:
    """Take a segment out of the lists; refused while something rests on it."""
    with store.transaction() as tx:
        found = get(store, segment_id)
        resting = dependents(store, segment_id)
        if resting:
            names = ", ".join(f"“{each.name}”" for each in resting)
            raise InUse(f"“{found.name}” is used by {names}.", "Change or archive what uses it first.")
        if found.archived_at is None:
            _archive(tx, found, by, at)
    return get(store, segment_id)


def restore(store: Store, segment_id: str, *, by: str, at: datetime) -> Segment:
    """Put an archived segment back; refused while what it names is archived itself."""
    with store.transaction() as tx:
        found = get(store, segment_id)
        every = load_catalog(store).segments
        missing = [every[each].name for each in references(found.rule) if every[each].archived] if found.rule else []
        if missing:
            names = ", ".join(f"“{each}”" for each in sorted(missing))
            raise Conflict(f"“{found.name}” uses {names}, which is archived.", f"Restore {names} first.")
        if found.archived_at is not None:
            tx.execute(sql("UPDATE segments SET archived_at = NULL WHERE segment_id = {}", segment_id))
            stamp(tx, segment_id, by=by, at=at)
            activity.record(tx, "restore segment", found.name, {"segment": segment_id}, by=by, at=at)
    return get(store, segment_id)


def check_name(store: Store, name: str) -> None:
    """Refuse a name a new segment cannot have."""
    naming.free(name, _names(store))


def free_name(store: Store, wanted: str) -> str:
    """The name, or the first of `name 2`, `name 3` … that nothing has."""
    return naming.next_free(wanted, _names(store))


# -- within a transaction -----------------------------------------------------------------------


def make(tx: Transaction, store: Store, name: str, kind: Kind, description: str, *, by: str, at: datetime) -> str:
    """Open the record of a new segment within a transaction, and answer its id."""
    free = naming.free(name, _names(store))
    segment_id = f"s{tx.take('segments') + 1}"
    tx.execute(
        sql(
            "INSERT INTO segments VALUES ({}, {}, {}, {}, {}, {}, {}, {}, NULL)",
            segment_id,
            free,
            kind,
            naming.text(description),
            stored(at),
            by,
            stored(at),
            by,
        )
    )
    tx.touch("segments")
    activity.record(tx, "save segment", free, {"segment": segment_id, "kind": kind}, by=by, at=at)
    return segment_id


def _archive(tx: Transaction, found: Segment, by: str, at: datetime) -> None:
    tx.execute(sql("UPDATE segments SET archived_at = {} WHERE segment_id = {}", stored(at), found.id))
    stamp(tx, found.id, by=by, at=at)
    activity.record(tx, "archive segment", found.name, {"segment": found.id}, by=by, at=at)


def stamp(tx: Transaction, segment_id: str, *, by: str, at: datetime) -> None:
    """Note within a transaction who changed a segment, and when."""
    tx.execute(sql("UPDATE segments SET changed_at = {}, changed_by = {} WHERE segment_id = {}", stored(at), by, segment_id))
    tx.touch("segments")


def _add_version(tx: Transaction, segment_id: str, number: int, rule: Rule, note: str, by: str, at: datetime) -> None:
    text = json.dumps(dump(rule), ensure_ascii=False)
    row = sql("VALUES ({}, {}, {}, {}, {}, {})", segment_id, number, text, naming.text(note), stored(at), by)
    tx.execute(sql("INSERT INTO segment_versions {}", row))


def _dynamic(store: Store, segment_id: str) -> Segment:
    found = get(store, segment_id)
    if found.kind == "static":
        raise Conflict(f"“{found.name}” is a fixed list and has no definition.", "Add or take out members instead.")
    return found


def _checked(store: Store, rule: Rule, own: Segment | None = None) -> Rule:
    """The rule in canonical form; refused where it names what is archived, comes back to its own segment, or grows too large."""
    catalog = load_catalog(store)
    if own is not None:
        catalog = replace(catalog, segments={**catalog.segments, own.id: Definition(own.id, own.name, rule)})
    checked = check(rule, catalog)
    for each in references(checked):
        if catalog.segments[each].archived:
            raise InvalidRule("$", f"“{catalog.segments[each].name}” is archived.", "Restore it first, or name another segment.")
    size = _size(checked, catalog)
    if size > MOST_CONDITIONS_IN_ALL:
        raise InvalidRule("$", f"with the segments it names this comes to {size:,} conditions.", "Name fewer segments.")
    return checked


def _size(rule: Rule, catalog: Catalog) -> int:
    """How many conditions a rule comes to, those of the segments it names included."""
    inner = [catalog.segments[node.segment].rule for node in walk(rule) if isinstance(node, SegmentCondition)]
    return sum(1 for _ in walk(rule)) + sum(_size(each, catalog) for each in inner if each is not None)


def _names(store: Store, *, but: str = "") -> dict[str, str]:
    """The names there are, by what tells them apart."""
    return {naming.key(each.name): each.name for each in find(store, archived=None) if each.id != but}


def _segment(number: str, name: str, kind: Any, description: str, definition: str | None, version: int, *rest: Any) -> Segment:
    made_at, made_by, changed_at, changed_by, archived_at = rest
    rule = None if definition is None else read(definition)
    ended = aware(archived_at) if archived_at else None
    return Segment(number, name, kind, description, rule, version, aware(made_at), made_by, aware(changed_at), changed_by, ended)
