"""Saved segments: a rule under a name, with every version it had, or a fixed list of people.

A segment is never deleted, so whatever was once made with it can still be explained; it is archived,
and that only while nothing rests on it. A definition is kept in canonical form: equal meaning, equal
text. Who is in a rule does not live here (`asking`), nor who came and went (`turnover`). What there is
to read of them stands in `finding`, and is handed on from here.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from user360 import activity, properties
from user360.clock import stored
from user360.errors import Conflict, InUse, InvalidRule, Unknown
from user360.segments import naming
from user360.segments.calculation import read_calculation
from user360.segments.catalog import Definition, load_catalog
from user360.segments.checking import check
from user360.segments.finding import (
    Kind,
    Segment,
    Version,
    dependents,
    find,
    get,
    named,
    references,
    rule_at,
    rule_of,
    versions,
)
from user360.segments.notation import dump
from user360.segments.rules import SegmentCondition, walk
from user360.sql import sql

if TYPE_CHECKING:
    from datetime import datetime

    from user360.segments.catalog import Catalog
    from user360.segments.rules import Rule
    from user360.store import Store, Transaction

__all__ = [
    "Kind",
    "Segment",
    "Version",
    "archive",
    "change",
    "check_name",
    "dependents",
    "describe",
    "duplicate",
    "find",
    "free_name",
    "get",
    "make",
    "named",
    "references",
    "rename",
    "restore",
    "revise",
    "roll_back",
    "rule_at",
    "rule_of",
    "save",
    "stamp",
    "versions",
]

MOST_CONDITIONS_IN_ALL: Final = 2_000


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
    return change(store, segment_id, rule=rule, expected_version=expected_version, note=note, by=by, at=at)


def change(
    store: Store,
    segment_id: str,
    *,
    name: str | None = None,
    description: str | None = None,
    rule: Rule | None = None,
    expected_version: int | None = None,
    note: str = "",
    by: str,
    at: datetime,
) -> Segment:
    """Change name, description and definition, as far as they are given, all of it or nothing of it."""
    with store.transaction() as tx:
        found = get(store, segment_id)
        if expected_version not in (None, found.version):
            raise Conflict(
                f"{found.changed_by} saved version {found.version} of “{found.name}” meanwhile.",
                "Look at it, then save yours on top of it or under another name.",
            )
        if name is not None:
            _rename(tx, store, found, name, by=by, at=at)
        if description is not None:
            _describe(tx, found, description, by=by, at=at)
        if rule is not None:
            _revise(tx, store, found, rule, note, by=by, at=at)
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
    return change(store, segment_id, name=name, by=by, at=at)


def describe(store: Store, segment_id: str, description: str, *, by: str, at: datetime) -> Segment:
    """Give a segment another description."""
    return change(store, segment_id, description=description, by=by, at=at)


def archive(store: Store, segment_id: str, *, by: str, at: datetime) -> Segment:
    """Take a segment out of the lists; refused while something rests on it."""
    with store.transaction() as tx:
        found = get(store, segment_id)
        resting = [*(each.name for each in dependents(store, segment_id)), *_computed_for(store, segment_id)]
        if resting:
            names = ", ".join(f"“{each}”" for each in resting)
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


def _revise(tx: Transaction, store: Store, found: Segment, rule: Rule, note: str, *, by: str, at: datetime) -> None:
    if found.kind == "static":
        raise Conflict(f"“{found.name}” is a fixed list and has no definition.", "Add or take out members instead.")
    checked = _checked(store, rule, found)
    if checked != found.rule:
        number = found.version + 1
        _add_version(tx, found.id, number, checked, note, by, at)
        stamp(tx, found.id, by=by, at=at)
        activity.record(tx, "save segment", found.name, {"segment": found.id, "version": number}, by=by, at=at)


def _rename(tx: Transaction, store: Store, found: Segment, name: str, *, by: str, at: datetime) -> None:
    free = naming.free(name, _names(store, but=found.id))
    if free != found.name:
        tx.execute(sql("UPDATE segments SET name = {} WHERE segment_id = {}", free, found.id))
        stamp(tx, found.id, by=by, at=at)
        activity.record(tx, "rename segment", free, {"segment": found.id, "before": found.name}, by=by, at=at)


def _describe(tx: Transaction, found: Segment, description: str, *, by: str, at: datetime) -> None:
    text = naming.text(description)
    if text != found.description:
        tx.execute(sql("UPDATE segments SET description = {} WHERE segment_id = {}", text, found.id))
        stamp(tx, found.id, by=by, at=at)
        activity.record(tx, "describe segment", found.name, {"segment": found.id}, by=by, at=at)


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


def _computed_for(store: Store, segment_id: str) -> list[str]:
    """The computed properties that are for the people of this segment alone."""
    made = ((each.name, each.calculation) for each in properties.find(store))
    return [name for name, kept in made if kept is not None and read_calculation(kept).segment == segment_id]


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
