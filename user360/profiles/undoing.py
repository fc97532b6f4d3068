"""Taking back what an import wrote: values that are still of it, tags it gave, people it made.

The history decides. A value is still of an import where nobody wrote it since; it goes back to what
the last writer left who is not taken back, so that undoing two imports in either order ends where
none had run. Whoever an import made goes, unless somebody wrote about them or they did something
since. Without this room an undo would put an old copy over a later edit. Events are withdrawn by
`events`, in the same transaction; how an undo is run and told does not live here (`imports`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from user360 import events, identities
from user360.profiles import following, leaving, sessions, timing, writing
from user360.sql import NOTHING, Sql, joined, name, sql

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from user360.people import People
    from user360.store import Store, Transaction


_FOLLOWED: Final = {"lastSession": "at_time", "lastChannel": "channel"}
"""Which column of the newest events each of these follows."""


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
            "SELECT profile_key FROM changes WHERE write_id IN ({}) UNION {} UNION {}",
            writes,
            events.made_in(writes, Sql("SELECT profile_key FROM profiles")),
            events.brought_by(import_id),
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
    _revert_values(tx, of, targets, stayed, write_id)
    _revert_tags(tx, of, rest, stayed, write_id)
    for each in sessions.FOLLOWING:
        _revert_followed(tx, each, of, targets, rest, newest, write_id)
    cells = _count(tx, write_id)
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


def _revert_values(tx: Transaction, of: Undoing, targets: pa.Table, stayed: pa.Table, write_id: int) -> None:
    """Put each value that is still of the import back to what the last writer left who counts."""
    touched_names = set(pc.unique(targets["property"]).to_pylist()) | (set(of.known) if stayed.num_rows else set())
    for each in sorted((touched_names & set(of.known)) - sessions.FOLLOWING.keys()):
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


def _reverted(property_name: str, of: Undoing, targets: pa.Table, stayed: pa.Table) -> Sql:
    """The rows `writing.change_values` takes for one property: profile_key, its value, whether it is meant.

    Who stays although the import made them has no value from before: what nobody else gave them becomes unknown.
    """
    column = name(property_name)
    value = sessions.as_value(Sql("t.old::JSON"), of.known[property_name])
    bare = sql(
        "SELECT profile_key FROM stayed ANTI JOIN (SELECT profile_key FROM changes WHERE property = {} AND write_id NOT IN ({})) "
        "USING (profile_key)",
        property_name,
        of.writes(),
        stayed=stayed,
    )
    return sql(
        "SELECT profile_key, CASE WHEN s.profile_key IS NULL THEN {} END AS {}, true AS meant FROM profiles p "
        "LEFT JOIN (SELECT * FROM targets WHERE property = {}) t USING (profile_key) LEFT JOIN ({}) s USING (profile_key) "
        "WHERE s.profile_key IS NOT NULL OR (t.profile_key IS NOT NULL AND to_json(p.{})::VARCHAR IS NOT DISTINCT FROM t.new)",
        value,
        column,
        property_name,
        bare,
        column,
        targets=targets,
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


def _revert_followed(
    tx: Transaction, property_name: str, of: Undoing, targets: pa.Table, rest: pa.Table, newest: pa.Table, write_id: int
) -> None:
    """Let lastSession or lastChannel be what the events that are left and the settings that count come to.

    What the import gave goes back as a change that is told; what only followed its events (`newest`, that are gone)
    goes with them, and nothing is told of it.
    """
    _forget_late(tx, property_name, of, rest)
    given = tx.read(_given_by(property_name, of, targets, rest))
    column, followed = name(property_name), name(_FOLLOWED[property_name])
    behind = tx.read(
        sql(
            "SELECT profile_key FROM newest n JOIN profiles p USING (profile_key) ANTI JOIN given USING (profile_key) WHERE p.{} = n.{}",
            column,
            followed,
            newest=newest,
            given=given,
        )
    )
    sessions.note(tx, property_name, tx.read(_restated(property_name, of, given)), write_id)
    back = tx.read(following.followed(property_name, given, of.writes()))
    if back.num_rows:
        rows = back.rename_columns(["profile_key", property_name]).append_column("meant", pa.array([True] * back.num_rows))
        writing.change_values(tx, rows, write_id)
    quiet = tx.read(following.followed(property_name, behind, of.writes()))
    tx.execute(
        sql("UPDATE profiles SET {} = quiet.value FROM quiet WHERE profiles.profile_key = quiet.profile_key", column, quiet=quiet)
    )


def _given_by(property_name: str, of: Undoing, targets: pa.Table, rest: pa.Table) -> Sql:
    """Those to whom the import gave this and nobody who counts since, whom it made with it among them: profile_key."""
    return sql(
        "SELECT profile_key FROM targets WHERE property = {} UNION SELECT profile_key FROM ({}) SEMI JOIN rest USING (profile_key) "
        "GROUP BY profile_key HAVING arg_max(write_id IN ({}), place) AND "
        "bool_or(write_id IN (SELECT write_id FROM writes WHERE import_id = {}))",
        property_name,
        sessions.steps(property_name),
        of.writes(),
        of.import_id,
        targets=targets,
        rest=rest,
    )


def _restated(property_name: str, of: Undoing, given: pa.Table) -> Sql:
    """What stands again for these people, and after what their events count: profile_key, value, since."""
    return sql(
        "SELECT profile_key, s.value, coalesce(s.since, TIMESTAMP '0001-01-01') AS since FROM given LEFT JOIN ({}) s USING (profile_key)",
        sessions.without(property_name, of.writes(), Sql("SELECT profile_key FROM given")),
        given=given,
    )


def _forget_late(tx: Transaction, property_name: str, of: Undoing, rest: pa.Table) -> None:
    """What events of the import moved that came late they never did."""
    tx.execute(
        sql(
            "DELETE FROM sessions_set WHERE property = {} AND since IS NOT NULL AND profile_key IN (SELECT profile_key FROM rest) "
            "AND write_id IN (SELECT write_id FROM writes WHERE import_id = {})",
            property_name,
            of.import_id,
            rest=rest,
        )
    )
