"""What writes would change, read from a trial: how much, for whom, and cell by cell.

A trial (`store.trials`) is a world aside whose history holds nothing but what was tried, so what it
remembers is the difference. How a file gets there does not live here (`imports`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from user360.sql import NOTHING, Sql, joined, name, sql

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from user360.people import People
    from user360.store import Store

_LOST = Sql("coalesce(new, 'null') = 'null' AND coalesce(old, 'null') <> 'null'")


def changed_cells(trial: Store, *, after: int = -1) -> pa.Table:
    """How many values change, by property: property, cells, lost (those that become unknown); only by writes `after` one."""
    return trial.read(
        sql(
            "SELECT property, count(*) AS cells, count(*) FILTER ({}) AS lost FROM changes WHERE write_id > {} "
            "GROUP BY property ORDER BY property",
            _LOST,
            after,
        )
    )


def losing(trial: Store) -> People:
    """Who would lose a value without getting another."""
    return trial.people(sql("SELECT DISTINCT profile_key FROM changes WHERE {}", _LOST))


def rows_changing(trial: Store, property_name: str) -> pa.Table:
    """The writes that change one property, by person: write_id, profile_key."""
    return trial.read(sql("SELECT write_id, profile_key FROM changes WHERE property = {}", property_name))


def cells(trial: Store, rows: pa.Table, names: Sequence[str]) -> pa.Table:
    """Of rows (place, write_id, profile_key) each property after its write, as JSON text: place, userId, property, old, new, changed.

    `old` is what it was before, where that write changed it.
    """
    parts = [_cell(each, rows) for each in names]
    return trial.read(joined(" UNION ALL ", parts)) if parts else rows.slice(0, 0)


def some_values(trial: Store, property_name: str, most: int) -> list[str]:
    """Values people of the trial have of a property of text."""
    column = name(property_name)
    found = trial.rows(sql("SELECT {} FROM profiles WHERE {} IS NOT NULL LIMIT {}", column, column, most))
    return [str(each) for (each,) in found]


def _cell(property_name: str, rows: pa.Table) -> Sql:
    column, source = name(property_name), NOTHING
    if property_name == "tags":
        column = Sql("g.names")
        source = sql(
            " LEFT JOIN (SELECT profile_key, list(name ORDER BY name) AS names FROM profile_tags SEMI JOIN rows USING (profile_key) "
            "JOIN tags USING (tag_id) GROUP BY profile_key) g USING (profile_key)",
            rows=rows,
        )
    return sql(
        'SELECT place, any_value(p."userId") AS "userId", {} AS property, any_value(c.old) FILTER (c.write_id = r.write_id) AS old, '
        "CASE WHEN count(c.write_id) FILTER (c.write_id > r.write_id) > 0 "
        "THEN arg_min_null(c.old, c.write_id) FILTER (c.write_id > r.write_id) ELSE any_value(to_json({})::VARCHAR) END AS new, "
        "count(c.write_id) FILTER (c.write_id = r.write_id) > 0 AS changed "
        "FROM rows r JOIN profiles p USING (profile_key){} LEFT JOIN (SELECT * FROM changes WHERE property = {}) c USING (profile_key) "
        "GROUP BY place",
        property_name,
        column,
        source,
        property_name,
        rows=rows,
    )
