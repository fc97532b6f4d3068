"""Numbers of events that are asked for often, each kept in a column beside the document it stands in.

Reading one number out of documents takes several times as long as reading a column. An event of which
there are many has up to three of its numbers beside it: which, stands with its name. The columns hold for
every row of such an event, come when it may, what `number` reads of its document, so that asking the one or
the other is the same. They are chosen when the table is sorted (`clustering`) and stay chosen.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from user360.sql import Sql, joined, sql

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from user360.store import Store, Transaction

COLUMNS: Final = ("figure1", "figure2", "figure3")
MANY: Final = 20_000
SAMPLE: Final = 1_000
LEAST_SHARE: Final = 0.1
WORTH: Final = ("amount", "total", "revenue", "value", "price", "sum", "subtotal")


def number(document: Sql, property_name: str) -> Sql:
    """A property of a document as a number. Where a value is written as one, a number kept as text is that number; true and false are none.

    The database would take true for 1 and the text `1_000` for a number: so what a value is decides how it is read.
    """
    value = sql("variant_extract({}, {})", document, property_name)
    read = sql("TRY_CAST({} AS DOUBLE)", value)
    as_text = sql("TRY_CAST(replace(TRY_CAST({} AS VARCHAR), '_', 'x') AS DOUBLE)", value)
    return sql(
        "CASE variant_typeof({}) WHEN 'VARCHAR' THEN CASE WHEN isfinite({}) THEN {} END WHEN 'BOOL_TRUE' THEN NULL "
        "WHEN 'BOOL_FALSE' THEN NULL ELSE CASE WHEN isfinite({}) THEN {} END END",
        value,
        as_text,
        as_text,
        read,
        read,
    )


def find(store: Store) -> dict[tuple[str, str], str]:
    """The column in which the numbers of a property of an event stand, by (event, property)."""
    rows = store.rows(Sql("SELECT name, figures FROM event_names WHERE len(figures) > 0"))
    return {(name, each): column for name, figures in rows for each, column in zip(figures, COLUMNS, strict=False)}


def columns(chosen: Mapping[int, Sequence[str]]) -> Sql:
    """What rows of events (event_id, properties) have in the columns beside, where of these events these properties are kept."""
    places: list[dict[str, list[int]]] = [{} for _ in COLUMNS]
    for event_id, names in chosen.items():
        for place, each in zip(places, names, strict=False):
            place.setdefault(each, []).append(event_id)
    return joined(", ", [_column(each) for each in places])


def choose(store: Store, *, many: int = MANY) -> None:
    """Choose for every event of which there are so many, and fill the columns; one of which nothing was found is looked at again at twice as many."""
    looked: dict[str, int] = dict(store.rows(Sql("SELECT name, next FROM counters WHERE starts_with(name, 'figures:')")))
    counted = store.rows(
        Sql(
            "SELECT event_id, count(*) FROM events SEMI JOIN (SELECT event_id FROM event_names WHERE NOT system AND "
            "figures IS NULL) USING (event_id) GROUP BY event_id ORDER BY event_id"
        )
    )
    due = [(event_id, total) for event_id, total in counted if total >= max(many, 2 * looked.get(f"figures:{event_id}", 0))]
    if not due:
        return
    with store.transaction() as tx:
        found = {event_id: _numbers_of(tx, event_id) for event_id, _ in due}
        for event_id, total in due:
            tx.remember(f"figures:{event_id}", total)
        _fill(tx, {event_id: names for event_id, names in found.items() if names})
        tx.touch("words")


def _column(of_property: Mapping[str, Sequence[int]]) -> Sql:
    cases = [
        sql("WHEN event_id IN ({}) THEN {}", joined(", ", ids), number(Sql("properties"), each))
        for each, ids in of_property.items()
    ]
    return sql("CASE {} END", joined(" ", cases)) if cases else Sql("NULL")


def _numbers_of(tx: Transaction, event_id: int) -> list[str]:
    """The properties of an event that hold numbers, as its newest rows have them: those that speak of worth first, then the commonest."""
    texts = tx.rows(
        sql(
            "SELECT properties::JSON::VARCHAR FROM events WHERE rowid IN "
            "(SELECT rowid FROM events WHERE event_id = {} ORDER BY rowid DESC LIMIT {})",
            event_id,
            SAMPLE,
        )
    )
    times: dict[str, int] = {}
    for (text,) in texts:
        for name, value in (json.loads(text) if text else {}).items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                times[name] = times.get(name, 0) + 1
    often = [each for each, count in times.items() if count >= LEAST_SHARE * len(texts)]
    return sorted(often, key=lambda each: (_worth(each), -times[each], each))[: len(COLUMNS)]


def _worth(property_name: str) -> int:
    """The place among the words for what something is worth; all others stand behind them."""
    return WORTH.index(property_name.lower()) if property_name.lower() in WORTH else len(WORTH)


def _fill(tx: Transaction, chosen: Mapping[int, Sequence[str]]) -> None:
    for event_id, names in chosen.items():
        tx.execute(sql("UPDATE event_names SET figures = {} WHERE event_id = {}", list(names), event_id))
        sets = joined(
            ", ",
            [sql("{} = {}", Sql(column), number(Sql("properties"), each)) for column, each in zip(COLUMNS, names, strict=False)],
        )
        for table in ("events", "deleted_events"):
            tx.execute(sql("UPDATE {} SET {} WHERE event_id = {}", Sql(table), sets, event_id))
