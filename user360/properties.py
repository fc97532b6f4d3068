"""User properties: the 22 that are always there, and those a workspace makes.

A property's name and type stay as made and it cannot be deleted: this room refuses, whoever asks,
because rules, imports and history speak of it by name. What a type accepts does not live here
(`datatypes`), nor the values (`profiles`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, NoReturn

from user360 import datatypes, schema, workspace
from user360.clock import aware, stored
from user360.errors import Immutable, InvalidProperty, NameTaken, Unknown
from user360.sql import Sql, joined, name, sql

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from user360.datatype import DataType
    from user360.store import Store, Transaction

MOST_CUSTOM: Final = 300
LONGEST_NAME: Final = 64
LONGEST_DESCRIPTION: Final = 500
TO_THE_MINUTE: Final = timedelta(minutes=1)
KEPT_BY_STORE: Final = frozenset({"userId", "createdAt", "updatedAt"})
WITHOUT_HISTORY: Final = frozenset({"lastSession", "lastChannel", "updatedAt"})
RESERVED: Final = frozenset({"profile_key", "rowid"})
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Property:
    """One property. `position` is its place in tables and forms, from 0.

    A computed one has a calculation, as text, and the instant its column was last filled.
    """

    name: str
    datatype: DataType
    description: str
    system: bool
    visible: bool
    searchable: bool
    position: int
    made_at: datetime | None
    made_by: str
    first_written: datetime | None
    last_written: datetime | None
    calculation: str | None = None
    computed_at: datetime | None = None

    @property
    def writable(self) -> bool:
        """Whether it can be set from outside; user id, the two instants and what is computed are the store's own."""
        return self.name not in KEPT_BY_STORE and self.calculation is None

    @property
    def aside(self) -> bool:
        """Tags stand beside the wide table, not in it."""
        return self.name == "tags"


@dataclass(frozen=True, slots=True)
class Statistics:
    """What stands in a property: of `total` users, `known` have a value, of `distinct` kinds; the commonest as text."""

    total: int
    known: int
    distinct: int
    commonest: tuple[tuple[str, int], ...]
    first_written: datetime | None
    last_written: datetime | None


def find(store: Store) -> tuple[Property, ...]:
    """All properties in table order."""
    return store.kept(_all, "properties")


def _all(store: Store) -> tuple[Property, ...]:
    rows = store.rows(
        Sql(
            "SELECT name, type, description, system, visible, searchable, position, made_at, made_by, first_written, "
            "last_written, calculation, computed_at FROM properties ORDER BY position, name"
        )
    )
    return tuple(_property(*row) for row in rows)


def get(store: Store, property_name: str) -> Property:
    """One property, or a refusal that offers the nearest."""
    by_name = {each.name: each for each in find(store)}
    if property_name not in by_name:
        raise Unknown.named("property", property_name, by_name)
    return by_name[property_name]


def define(
    store: Store,
    property_name: str,
    datatype: str,
    description: str = "",
    *,
    calculation: str | None = None,
    by: str,
    at: datetime,
) -> Property:
    """Make a custom property; it is there for good, unless it is computed."""
    datatypes.get(datatype)
    _check_name(property_name)
    _check_description(description)
    existing = find(store)
    for each in existing:
        if each.name.lower() == property_name.lower():
            raise NameTaken(f"There is a property “{each.name}” already.", "Names are compared without regard to case.")
    if sum(not each.system for each in existing) >= MOST_CUSTOM:
        raise InvalidProperty(f"{MOST_CUSTOM} of {MOST_CUSTOM} custom properties are made.", "None can be deleted, so reuse one.")
    with store.transaction() as tx:
        tx.execute(sql("ALTER TABLE profiles ADD COLUMN {}", schema.column(property_name, datatype)))
        tx.execute(
            sql(
                "INSERT INTO properties VALUES ({}, {}, {}, false, true, false, {}, {}, {}, NULL, NULL, {}, NULL)",
                property_name,
                datatype,
                description.strip(),
                max(each.position for each in existing) + 1,
                stored(at),
                by,
                calculation,
            )
        )
        tx.touch("properties", "profiles")
    return get(store, property_name)


def describe(
    store: Store,
    property_name: str,
    *,
    description: str | None = None,
    visible: bool | None = None,
    searchable: bool | None = None,
    position: int | None = None,
) -> Property:
    """Change what may change: the description, whether it shows, whether search looks at it, its place."""
    found = get(store, property_name)
    changes: dict[str, str | bool] = {}
    if description is not None:
        _check_description(description)
        changes["description"] = description.strip()
    if visible is not None:
        changes["visible"] = visible
    if searchable is not None:
        if searchable and found.datatype.column != "VARCHAR":
            raise InvalidProperty(f"“{found.name}” is no text.", "Only text, email, phone and url can be searched.")
        changes["searchable"] = searchable
    with store.transaction() as tx:
        for column, value in changes.items():
            tx.execute(sql("UPDATE properties SET {} = {} WHERE name = {}", name(column), value, property_name))
        if position is not None:
            _move(tx, [each.name for each in find(store)], property_name, position)
        tx.touch("properties")
    return get(store, property_name)


def identifying(store: Store) -> tuple[Property, ...]:
    """The properties that may feed the user id: the user id itself, email, phone, and custom ones of a type that can tell people apart."""
    usual = ("userId", "email", "phone")
    return tuple(
        each
        for each in find(store)
        if each.datatype.may_identify and each.calculation is None and (each.name in usual or not each.system)
    )


def feed_user_id(store: Store, property_name: str, *, by: str, at: datetime) -> Property:
    """Let this property feed the user id of everybody who gets one from now on; a user id that is known stays."""
    found = get(store, property_name)
    if found not in identifying(store):
        raise InvalidProperty(
            f"“{found.name}” cannot feed the user id.",
            "Choose userId, email, phone, or a custom property that is a text, a number, an email or a phone number.",
        )
    workspace.choose(store, user_id_property=found.name, by=by, at=at)
    return found


def recalculate(tx: Transaction, property_name: str, calculation: str) -> None:
    """Give a computed property another calculation; its column stands as it was until it is filled."""
    tx.execute(sql("UPDATE properties SET calculation = {}, computed_at = NULL WHERE name = {}", calculation, property_name))
    tx.touch("properties", "profiles")


def fill_in(tx: Transaction, property_name: str, rows: Sql, *, at: datetime) -> int:
    """Put these values (profile_key and the value under its name) into the column of a computed property; answer how many changed.

    Nothing is remembered of a change: the values follow from the events, at any instant anew.
    """
    column = name(property_name)
    changed = tx.execute(
        sql(
            "UPDATE profiles SET {} = n.value FROM (SELECT p.profile_key, v.{} AS value FROM profiles p LEFT JOIN ({}) v "
            "USING (profile_key)) n WHERE n.profile_key = profiles.profile_key AND profiles.{} IS DISTINCT FROM n.value",
            column,
            column,
            rows,
            column,
        )
    )
    tx.execute(sql("UPDATE properties SET computed_at = {} WHERE name = {}", stored(at), property_name))
    tx.touch("properties")
    return changed


def remove(tx: Transaction, property_name: str) -> None:
    """Take a computed property away; whoever asks has seen to it that nothing uses it. Others are there for good."""
    tx.execute(sql("ALTER TABLE profiles DROP COLUMN {}", name(property_name)))
    tx.execute(sql("DELETE FROM properties WHERE name = {} AND calculation IS NOT NULL", property_name))
    tx.touch("properties", "profiles")


def refuse_change(store: Store, property_name: str, what: str) -> NoReturn:
    """Refuse to rename, retype or delete: every door that is asked for it ends here."""
    raise Immutable(f"{what} of “{get(store, property_name).name}” is not possible.", "Name and type stay as made.")


def fill(store: Store) -> dict[str, int]:
    """For each property how many users have a value."""
    names = [each.name for each in find(store) if not each.aside]
    counts = store.rows(sql("SELECT {} FROM profiles", joined(", ", [sql("count({})", name(each)) for each in names])))
    return dict(zip(names, counts[0], strict=True)) | {"tags": _tagged(store)}


def _tagged(store: Store) -> int:
    """How many people have a tag: as a bitmap, which is many times as quick as telling them apart by a hash."""
    return len(store.people(Sql("SELECT profile_key FROM profile_tags")))


def statistics(store: Store, property_name: str, *, limit: int = 10) -> Statistics:
    """What stands in one property."""
    found = get(store, property_name)
    values = _values(found)
    total, known, distinct = store.rows(
        sql(
            "SELECT (SELECT count(*) FROM profiles), count(DISTINCT profile_key), count(DISTINCT value) FROM ({})",
            values,
        )
    )[0]
    commonest = store.rows(
        sql("SELECT value, count(*) AS people FROM ({}) GROUP BY value ORDER BY people DESC, value LIMIT {}", values, limit)
    )
    shown = tuple((found.datatype.format(_python(value, found.datatype)), people) for value, people in commonest)
    return Statistics(total, known, distinct, shown, found.first_written, found.last_written)


def filled(store: Store, names: Iterable[str]) -> dict[str, int]:
    """How many people have a value of each of these properties."""
    wide = [each for each in names if each != "tags"]
    counted = [sql("count({}) AS {}", name(each), name(each)) for each in wide]
    found = store.read(sql("SELECT {} FROM profiles", joined(", ", [Sql("count(*) AS everyone"), *counted])))
    return dict(found.drop_columns(["everyone"]).to_pylist()[0]) | {"tags": _tagged(store)}


def written(tx: Transaction, names: Iterable[str], at: datetime) -> None:
    """Note that these properties were written at that instant, which is known to the minute: most are written all the time."""
    noted: dict[str, tuple[datetime, datetime]] | None = tx.recall("properties written", dict, exact=True)
    noted = {} if noted is None else noted
    due = [each for each in names if each not in noted or not noted[each][0] <= at < noted[each][1] + TO_THE_MINUTE]
    if not due:
        return
    tx.execute(
        sql(
            "UPDATE properties SET first_written = least(coalesce(first_written, {}), {}), "
            "last_written = greatest(coalesce(last_written, {}), {}) WHERE name IN ({})",
            *[stored(at)] * 4,
            joined(", ", due),
        )
    )
    for each in due:
        first, last = noted.get(each, (at, at))
        noted[each] = min(first, at), max(last, at)
    tx.touch("properties")


def _values(found: Property) -> Sql:
    if found.aside:
        return Sql("SELECT profile_key, [name] AS value FROM profile_tags JOIN tags USING (tag_id)")
    if found.datatype.name == "list":
        return sql("SELECT profile_key, [unnest({})] AS value FROM profiles", name(found.name))
    return sql("SELECT profile_key, {} AS value FROM profiles WHERE {} IS NOT NULL", name(found.name), name(found.name))


def _python(value: Any, datatype: DataType) -> Any:
    if datatype.name == "datetime":
        return aware(value)
    return tuple(value) if datatype.name == "list" else value


def _property(
    property_name: str,
    datatype: str,
    description: str,
    system: bool,  # noqa: FBT001 - a row of the table
    visible: bool,  # noqa: FBT001 - a row of the table
    searchable: bool,  # noqa: FBT001 - a row of the table
    position: int,
    *rest: Any,
) -> Property:
    made_at, made_by, first, last, calculation, computed_at = rest
    at = [aware(each) if each else None for each in (made_at, first, last, computed_at)]
    kept = (description, system, visible, searchable, position, at[0], made_by, at[1], at[2], calculation, at[3])
    return Property(property_name, datatypes.get(datatype), *kept)


def _move(tx: Transaction, order: list[str], property_name: str, position: int) -> None:
    order.remove(property_name)
    order.insert(max(position, 0), property_name)
    for place, each in enumerate(order):
        tx.execute(sql("UPDATE properties SET position = {} WHERE name = {}", place, each))


def is_name(text: str) -> bool:
    """Whether a property could be called that."""
    return bool(_NAME.fullmatch(text)) and len(text) <= LONGEST_NAME and text.lower() not in RESERVED


def _check_name(property_name: str) -> None:
    if not is_name(property_name):
        raise InvalidProperty(
            f"“{property_name[:80]}” cannot be the name of a property.",
            f"A name begins with a letter, goes on with letters, digits and _, and has at most {LONGEST_NAME} characters.",
        )


def _check_description(description: str) -> None:
    if len(description) > LONGEST_DESCRIPTION or "\0" in description:
        raise InvalidProperty("The description is too long.", f"At most {LONGEST_DESCRIPTION} characters.")
