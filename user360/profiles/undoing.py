"""Taking back what an import wrote: values that are still of it, tags it gave, people it made.

The history decides. A value is still of an import where nobody wrote it since; it goes back to what
the last writer left who is not taken back, so that undoing two imports in either order ends where
none had run. Whoever an import made goes, unless somebody wrote about them or they did something
since. Without this room an undo would put an old copy over a later edit. Events are withdrawn by
`events`, in the same transaction; how an undo is run and told does not live here (`imports`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from user360 import events, identities
from user360.profiles import leaving, timing, writing
from user360.profiles.past import as_value
from user360.sql import NOTHING, Sql, joined, name, sql

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from user360.people import People
    from user360.store import Store, Transaction


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What went back: `cells` values (tags counted as one a person), `gone` people the import had made, `events` it had brought.

    `stayed` are people it had made whom something came of since.
    """

    cells: int = 0
    gone: int = 0
    stayed: int = 0
    events: int = 0

    def __add__(self, other: TakenBack) -> TakenBack:
        return TakenBack(self.cells + other.cells, self.gone + other.gone, self.stayed + other.stayed, self.events + other.events)


@dataclass(frozen=True, slots=True)
class Undoing:
    """One undo: the import, and all whose writes do not count any more, itself and those undone before."""

    import_id: int
    void: Sequence[int]
    known: Mapping[str, str]
    source: str
    by: str
    at: datetime

    def writes(self) -> Sql:
        """The writes that do not count any more: write_id."""
        return sql("SELECT write_id FROM writes WHERE import_id IN ({})", joined(", ", self.void))


def touched(store: Store, import_id: int) -> People:
    """Everyone an import had to do with: whom it made or changed, and for whom it brought events."""
    writes = sql("SELECT write_id FROM writes WHERE import_id = {}", import_id)
    return store.people(
        sql(
            "SELECT profile_key FROM changes WHERE write_id IN ({}) UNION {} UNION {} UNION "
            "SELECT profile_key FROM sessions_before WHERE import_id = {}",
            writes,
            events.made_in(writes, Sql("SELECT profile_key FROM profiles")),
            events.brought_by(import_id),
            import_id,
        )
    )


def take_back(tx: Transaction, of: Undoing, keys: pa.Array) -> TakenBack:
    """Take back what the import wrote about these people, in one write of its own."""
    members = pa.table({"profile_key": keys.cast(pa.uint32())})
    withdrawn, newest = events.withdraw(tx, of.import_id, members)
    write_id = writing.start_change(tx, of.source, of.by, of.at, import_id=of.import_id)
    here = sql("SELECT profile_key FROM members SEMI JOIN profiles USING (profile_key)", members=members)
    made = tx.read(events.made_in(of.writes(), here))
    stayed = tx.read(_needed(of, made))
    gone = tx.read(sql("SELECT profile_key FROM made ANTI JOIN stayed USING (profile_key)", made=made, stayed=stayed))
    if gone.num_rows:
        leaving.remove(tx, sql("SELECT profile_key FROM gone", gone=gone), write_id, of.at)
    timing.take_back(tx, of.import_id, members["profile_key"].combine_chunks())
    rest = tx.read(here)
    targets = tx.read(_targets(of, rest))
    _revert_values(tx, of, targets, _Stayed(stayed, newest, events.newest_left(tx, stayed)), write_id)
    _revert_tags(tx, of, rest, stayed, write_id)
    cells = _count(tx, write_id)
    _revert_sessions(tx, of, newest, write_id)
    writing.close_change(tx, write_id, of.at)
    tx.touch("profiles")
    return TakenBack(cells, gone.num_rows, stayed.num_rows, withdrawn)


def later(store: Store, import_id: int, *, up_to: int | None = None, limit: int = 50, offset: int = 0) -> pa.Table:
    """Values an import wrote that somebody wrote again since, by person: what an undo leaves as it is.

    profile_key, userId, property, wrote, value (JSON text, of the import and of the last writer), at, by, source.
    `up_to` is the last write that counts, for an undo that was.
    """
    return store.read(
        sql(
            'SELECT profile_key, "userId", property, wrote, value, "at", "by", source {} ORDER BY profile_key, property LIMIT {} OFFSET {}',
            _later(import_id, up_to),
            limit,
            offset,
        )
    )


def count_later(store: Store, import_id: int, *, up_to: int | None = None) -> int:
    """How many values `later` lists."""
    return int(store.rows(sql("SELECT count(*) {}", _later(import_id, up_to)))[0][0])


def last_write(store: Store | Transaction) -> int:
    """The number of the newest write; -1 where there is none."""
    return int(store.rows(Sql("SELECT coalesce(max(write_id), -1) FROM writes"))[0][0])


def _later(import_id: int, up_to: int | None) -> Sql:
    bound = sql("WHERE write_id <= {}", up_to) if up_to is not None else NOTHING
    return sql(
        "FROM (SELECT profile_key, property, max(write_id) FILTER (mine) AS own, max(write_id) AS last, "
        'arg_max(new, write_id) FILTER (mine) AS wrote, arg_max_null(new, write_id) AS value, arg_max(written_at, write_id) AS "at", '
        'arg_max(by_whom, write_id) AS "by", arg_max(source, write_id) AS source FROM '
        "(SELECT *, coalesce(import_id = {}, false) AS mine FROM changes JOIN writes USING (write_id) {}) "
        "GROUP BY profile_key, property) JOIN profiles USING (profile_key) WHERE own < last AND property <> 'tags'",
        import_id,
        bound,
    )


# -- who goes -----------------------------------------------------------------------------------


def _needed(of: Undoing, made: pa.Table) -> Sql:
    """Those of the people the import made whom something came of since: somebody wrote about them, they did something, or came under another id."""
    keys = sql("SELECT profile_key FROM made", made=made)
    return sql(
        "SELECT profile_key FROM changes WHERE profile_key IN ({}) AND write_id NOT IN ({}) UNION {} UNION {}",
        keys,
        of.writes(),
        events.known_otherwise(of.void, keys),
        identities.known_otherwise(keys),
    )


def _count(tx: Transaction, write_id: int) -> int:
    return int(tx.rows(sql("SELECT count(*) FROM changes WHERE write_id = {}", write_id))[0][0])


# -- values -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Stayed:
    """Those who stay although the import made them (profile_key), and the newest events that went and that are left (profile_key, at_time, channel)."""

    people: pa.Table
    gone: pa.Table
    left: pa.Table


def _revert_values(tx: Transaction, of: Undoing, targets: pa.Table, stayed: _Stayed, write_id: int) -> None:
    """Put each value that is still of the import back to what the last writer left who counts."""
    touched_names = set(pc.unique(targets["property"]).to_pylist()) | (set(of.known) if stayed.people.num_rows else set())
    for each in sorted(touched_names & set(of.known)):
        rows = tx.read(_reverted(each, of, targets, stayed))
        if rows.num_rows:
            writing.change_values(tx, rows, write_id)


def _targets(of: Undoing, rest: pa.Table) -> Sql:
    """Per value the import wrote and nobody else since: profile_key, property, old (what it goes back to), new (what stands there)."""
    return sql(
        "WITH history AS (SELECT profile_key, property, write_id, old, new, import_id, coalesce(import_id IN ({}), false) AS void "
        "FROM changes SEMI JOIN rest USING (profile_key) JOIN writes USING (write_id) WHERE property <> 'tags'), "
        "kept AS (SELECT profile_key, property, coalesce(max(write_id) FILTER (NOT void)::BIGINT, -1) AS kept FROM history "
        "GROUP BY profile_key, property HAVING bool_or(import_id = {})) "
        "SELECT profile_key, property, arg_min_null(old, write_id) AS old, arg_max_null(new, write_id) AS new "
        "FROM history JOIN kept USING (profile_key, property) WHERE write_id > kept GROUP BY profile_key, property",
        joined(", ", of.void),
        of.import_id,
        rest=rest,
    )


def _reverted(property_name: str, of: Undoing, targets: pa.Table, stayed: _Stayed) -> Sql:
    """The rows `writing.change_values` takes for one property: profile_key, its value, whether it is meant.

    Who stays although the import made them has no value from before: what nobody else gave them becomes unknown, or
    what follows from their events.
    """
    column = name(property_name)
    value = as_value(Sql("t.old::JSON"), of.known[property_name])
    return sql(
        "SELECT profile_key, CASE WHEN s.profile_key IS NULL THEN {} ELSE s.value END AS {}, true AS meant FROM profiles p "
        "LEFT JOIN (SELECT * FROM targets WHERE property = {}) t USING (profile_key) LEFT JOIN ({}) s USING (profile_key) "
        "WHERE s.profile_key IS NOT NULL OR (t.profile_key IS NOT NULL AND to_json(p.{})::VARCHAR IS NOT DISTINCT FROM t.new)",
        value,
        column,
        property_name,
        _bare(property_name, of, stayed),
        column,
        targets=targets,
    )


def _bare(property_name: str, of: Undoing, stayed: _Stayed) -> Sql:
    """Those who stayed to whom nobody who counts gave this value: profile_key, and the value they are to have.

    A session that followed an event of the import is not a value of theirs: it goes with the event (`_revert_sessions`).
    """
    people = sql(
        "SELECT profile_key FROM people ANTI JOIN (SELECT profile_key FROM changes WHERE property = {} AND write_id NOT IN ({})) "
        "USING (profile_key)",
        property_name,
        of.writes(),
        people=stayed.people,
    )
    followed = writing.FOLLOWING.get(property_name)
    if followed is None:
        return sql("SELECT profile_key, NULL AS value FROM ({})", people)
    return sql(
        "SELECT profile_key, l.{} AS value FROM ({}) JOIN profiles p USING (profile_key) LEFT JOIN left_over l USING (profile_key) "
        "LEFT JOIN gone n USING (profile_key) WHERE n.profile_key IS NULL OR p.{} IS DISTINCT FROM n.{}",
        name(followed),
        people,
        name(property_name),
        name(followed),
        left_over=stayed.left,
        gone=stayed.gone,
    )


# -- tags ---------------------------------------------------------------------------------------


def _revert_tags(tx: Transaction, of: Undoing, rest: pa.Table, stayed: pa.Table, write_id: int) -> None:
    """Each tag for itself: one somebody gave or took since stays as it is."""
    wanted = tx.read(_tag_targets(of, rest, stayed))
    missing = tx.read(
        sql(
            "SELECT profile_key, tag_id FROM wanted JOIN tags USING (name) ANTI JOIN profile_tags USING (profile_key, tag_id) WHERE has",
            wanted=wanted,
        )
    )
    extra = tx.read(
        sql(
            "SELECT profile_key, tag_id FROM wanted JOIN tags USING (name) SEMI JOIN profile_tags USING (profile_key, tag_id) "
            "WHERE NOT has",
            wanted=wanted,
        )
    )
    if missing.num_rows or extra.num_rows:
        writing.swap_tags(tx, missing, extra, write_id=write_id)


def _tag_targets(of: Undoing, rest: pa.Table, stayed: pa.Table) -> Sql:
    """Per person and tag that is still as the import left it whether they are to have it: profile_key, name, has."""
    return sql(
        "WITH lists AS (SELECT profile_key, write_id, import_id, coalesce(import_id IN ({}), false) AS void, "
        "coalesce(old::JSON::VARCHAR[], []) AS old, coalesce(new::JSON::VARCHAR[], []) AS new FROM changes "
        "SEMI JOIN rest USING (profile_key) JOIN writes USING (write_id) WHERE property = 'tags'), "
        "steps AS (SELECT * EXCLUDE (old, new), unnest(list_filter(new, lambda each: NOT list_contains(old, each))) AS name, true AS given "
        "FROM lists UNION ALL SELECT * EXCLUDE (old, new), unnest(list_filter(old, lambda each: NOT list_contains(new, each))), false "
        "FROM lists), "
        "kept AS (SELECT profile_key, name, coalesce(max(write_id) FILTER (NOT void)::BIGINT, -1) AS kept FROM steps "
        "GROUP BY profile_key, name HAVING bool_or(import_id = {})) "
        "SELECT profile_key, name, NOT arg_min(given, write_id) AND NOT (kept = -1 AND profile_key IN (SELECT profile_key FROM stayed)) "
        "AS has FROM steps JOIN kept USING (profile_key, name) WHERE write_id > kept GROUP BY profile_key, name, kept "
        "UNION ALL SELECT profile_key, name, false FROM profile_tags SEMI JOIN stayed USING (profile_key) JOIN tags USING (tag_id) "
        "ANTI JOIN steps USING (profile_key, name)",
        joined(", ", of.void),
        of.import_id,
        rest=rest,
        stayed=stayed,
    )


# -- sessions -----------------------------------------------------------------------------------


def _revert_sessions(tx: Transaction, of: Undoing, newest: pa.Table, write_id: int) -> None:
    """Let lastSession and lastChannel be as before the import's events, and then follow the events that are left.

    They never end before the newest event that is left. `newest` are the import's own events, that are gone.
    """
    before = sql(
        "SELECT profile_key, CASE WHEN bool_or(last_session IS NULL) THEN NULL ELSE min(last_session) END AS at_time, "
        "arg_min_null(last_channel, coalesce(last_session, TIMESTAMP '0001-01-01')) AS channel FROM sessions_before "
        "WHERE import_id IN ({}) GROUP BY profile_key",
        joined(", ", of.void),
    )
    moved = tx.read(
        sql(
            'SELECT profile_key, b.at_time, CASE WHEN p."lastChannel" IS NOT DISTINCT FROM n.channel THEN b.channel ELSE p."lastChannel" END '
            'AS channel FROM newest n JOIN ({}) b USING (profile_key) JOIN profiles p USING (profile_key) WHERE p."lastSession" = n.at_time',
            before,
            newest=newest,
        )
    )
    tx.execute(
        sql(
            'UPDATE profiles SET "lastSession" = moved.at_time, "lastChannel" = moved.channel FROM moved '
            "WHERE profiles.profile_key = moved.profile_key",
            moved=moved,
        )
    )
    reverted = tx.read(sql("SELECT profile_key FROM changes WHERE write_id = {} AND property = 'lastSession'", write_id))
    behind = pa.concat_tables([moved.select(["profile_key"]), reverted])
    writing.follow(tx, events.newest_left(tx, behind))
