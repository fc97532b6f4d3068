"""What set lastSession and lastChannel, beside the events they follow: whoever was made with one, was given one since, or had an event come late.

Between two of these settings the newest event counts. What a known profile is given is a change like any other; the
rest stands here, for nothing else remembers it: what a creation gave, an event that came after a setting it happened
before, and what a merge, or an undo, came to. Without this room the past of whom a file gave a session would be that of
their events alone. Which event is the newest does not live here (`events`), nor how the two follow it (`following`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from user360.clock import stored
from user360.people import NOBODY, People
from user360.schema import COLUMNS
from user360.sql import NOTHING, Sql, name, sql

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from user360.store import Transaction

FOLLOWING: Final = {"lastSession": "datetime", "lastChannel": "string"}
"""The properties that follow events, and their types."""

_COLUMNS: Final = {"lastSession": "last_session", "lastChannel": "last_channel"}
_REMEMBERED: Final = "who was given a session"


def as_value(document: Sql, datatype: str) -> Sql:
    """A value kept as JSON, as a value of its type."""
    if datatype == "list":
        return sql("({})::VARCHAR[]", document)
    return sql("(({})->>'$')::{}", document, Sql(COLUMNS[datatype]))


# -- asking -------------------------------------------------------------------------------------


def standing(property_name: str, only: Sql = NOTHING) -> Sql:
    """The last setting of each person, of those for which `only` holds: profile_key, value, since.

    What stands after it is what the newest event of after `since` makes of it; no `since` lets any event count.
    """
    return sql(
        "SELECT profile_key, arg_max_null(value, place) AS value, arg_max_null(since, place) AS since FROM ({}){} GROUP BY profile_key",
        steps(property_name),
        sql(" WHERE {}", only) if only else NOTHING,
    )


def standing_then(property_name: str, at: datetime) -> Sql:
    """The last setting at that instant. What somebody was made with they have from the first: profile_key, value, since."""
    return standing(property_name, sql("written_at <= {} OR since IS NULL", stored(at)))


def without(property_name: str, void: Sql, among: Sql) -> Sql:
    """The last setting of these people (keys) where these writes (write_id) do not count: profile_key, value, since.

    An event that came late, after a setting that does not count, came after the one before it too.
    """
    return sql(
        "WITH steps AS (SELECT *, coalesce(since < written_at, false) AND since > '0001-01-01' AS late FROM ({}) "
        "WHERE write_id NOT IN ({}) AND profile_key IN ({})), "
        "given AS (SELECT profile_key, max(place) AS place, arg_max_null(value, place) AS value, arg_max_null(since, place) AS since "
        "FROM steps WHERE NOT late GROUP BY profile_key) "
        "SELECT profile_key, max(value) AS value, since FROM (SELECT profile_key, value, since FROM given UNION ALL "
        "SELECT profile_key, s.value, g.since FROM steps s LEFT JOIN given g USING (profile_key) WHERE late AND s.place > coalesce(g.place, -1)) "
        "GROUP BY profile_key, since",
        steps(property_name),
        void,
        among,
    )


def steps(property_name: str) -> Sql:
    """Every setting: profile_key, write_id, written_at, since, value, and `place` by which they are ordered.

    `since` is NULL of what somebody was made with, the year 1 where any event counts from then on, and an instant still
    to come where an event of then had moved the session before. What an undo came to stands behind the change that
    tells of it.
    """
    return sql(
        "SELECT profile_key, write_id, written_at, since, value, place FROM (SELECT profile_key, write_id, written_at, {} AS since, "
        "{} AS value, write_id::BIGINT * 2 AS place FROM changes JOIN writes USING (write_id) WHERE property = {} UNION ALL "
        "SELECT profile_key, write_id, written_at, since, {} AS value, write_id::BIGINT * 2 + 1 AS place FROM sessions_set "
        "JOIN writes USING (write_id) WHERE property = {})",
        sql("greatest(written_at, {})", as_value(Sql("old::JSON"), "datetime"))
        if property_name == "lastSession"
        else Sql("written_at"),
        as_value(Sql("new::JSON"), FOLLOWING[property_name]),
        property_name,
        name(_COLUMNS[property_name]),
        property_name,
    )


def set_since(property_name: str, at: datetime) -> Sql:
    """Whom something set it for after that instant: profile_key."""
    return sql("SELECT profile_key FROM ({}) WHERE written_at > {} AND since IS NOT NULL", steps(property_name), stored(at))


def ahead(only: Sql = NOTHING) -> Sql:
    """While a session that was set lies ahead, events move nothing: profile_key, since, until; of the settings for which `only` holds."""
    return sql(
        "SELECT profile_key, begins AS since, least(value, next_at) AS until FROM (SELECT profile_key, value, "
        "coalesce(since, '-infinity') AS begins, lead(written_at) OVER (PARTITION BY profile_key ORDER BY place) AS next_at FROM ({}){}) "
        "WHERE value > begins",
        steps("lastSession"),
        sql(" WHERE {}", only) if only else NOTHING,
    )


# -- remembering --------------------------------------------------------------------------------


@dataclass(slots=True)
class _Given:
    """Who was given one of the two after they were made, and the newest instant up to which events do not count for it (naive UTC)."""

    people: People
    until: datetime | None

    def add(self, settings: pa.Table) -> None:
        until = pc.max(settings["since"]).as_py()
        self.people |= People.of(settings["profile_key"].to_numpy())
        self.until = until if self.until is None else max(until, self.until)


def note_created(tx: Transaction, keys: pa.Array, columns: Mapping[str, pa.Array], write_id: int) -> None:
    """Remember with what these people were made, as far as they were given one of the two."""
    for each in FOLLOWING.keys() & columns.keys():
        given = pa.table({"profile_key": keys, "value": columns[each]}).filter(pc.is_valid(columns[each]))
        if given.num_rows:
            _insert(tx, each, sql("SELECT profile_key, value, NULL AS since FROM given", given=given), write_id)


def note(tx: Transaction, property_name: str, settings: pa.Table, write_id: int) -> None:
    """Remember what something came to: profile_key, value, since."""
    if settings.num_rows:
        _insert(tx, property_name, sql("SELECT profile_key, value, since FROM given", given=settings), write_id)
        if tx.recalls(_REMEMBERED):
            _learn(tx, settings)


def _insert(tx: Transaction, property_name: str, rows: Sql, write_id: int) -> None:
    tx.execute(
        sql(
            "INSERT INTO sessions_set BY NAME SELECT {} AS write_id, profile_key, {} AS property, value AS {}, since FROM ({})",
            write_id,
            property_name,
            name(_COLUMNS[property_name]),
            rows,
        )
    )


def learn_changed(tx: Transaction, write_id: int) -> None:
    """Know whom the changes of this write gave one of the two."""
    if tx.recalls(_REMEMBERED):
        for each in FOLLOWING:
            _learn(
                tx,
                tx.read(
                    sql("SELECT profile_key, since FROM ({}) WHERE write_id = {} AND since IS NOT NULL", steps(each), write_id)
                ),
            )


def _learn(tx: Transaction, settings: pa.Table) -> None:
    known = _given(tx)
    if known is not None and settings.num_rows:
        known.add(settings)


def perhaps_late(tx: Transaction, newest: pa.Table) -> pa.Table:
    """Those of these events (profile_key, at_time, channel) that may have happened before somebody set a session of that person."""
    known = _given(tx)
    if known is None or known.until is None:
        return newest.slice(0, 0)
    early = newest.filter(pc.less_equal(newest["at_time"], pa.scalar(known.until, pa.timestamp("us"))))
    keys = early["profile_key"].combine_chunks().cast(pa.uint32()).to_numpy(zero_copy_only=False)
    return early.filter(pa.array(known.people.among(keys)))


def _given(tx: Transaction) -> _Given | None:
    return tx.recall(_REMEMBERED, partial(_read, tx), exact=True)


def _read(tx: Transaction) -> _Given:
    found = [tx.read(sql("SELECT profile_key, since FROM ({}) WHERE since IS NOT NULL", steps(each))) for each in FOLLOWING]
    given = _Given(NOBODY, None)
    if (rows := pa.concat_tables(found)).num_rows:
        given.add(rows)
    return given
