"""Rules: what makes somebody one of a group.

A rule is data; it is checked against a catalog, compiled to queries, answered as people and said in
English. The users filter, segments, insights and exports all use this one path, so no two of them
can count differently. How a rule is edited does not live here (`pages/ui`).

`rules` is the rule as data, `catalog` what it may speak of, `checking` whether it holds, `windows`
its times, `compiler` its queries and people, `wording` its English.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from user360 import profiles, properties
from user360.clock import aware
from user360.segments import compiler
from user360.segments.catalog import Catalog, load_catalog
from user360.segments.checking import check
from user360.segments.compiler import Compiled, compile  # noqa: A004 - the house's word
from user360.segments.rules import EVERYONE, Group, Node, PropertyCondition, Rule, dump, parse
from user360.segments.wording import describe
from user360.sql import Sql, name, sql

if TYPE_CHECKING:
    from datetime import datetime

    from user360.people import People
    from user360.properties import Property
    from user360.store import Store

__all__ = [
    "EVERYONE",
    "Catalog",
    "Compiled",
    "Group",
    "Node",
    "PropertyCondition",
    "Rule",
    "check",
    "compile",
    "describe",
    "dump",
    "load_catalog",
    "parse",
    "people",
    "unknown",
    "values",
]


def people(store: Store, rule: Rule, *, at: datetime) -> People:
    """Who the rule holds for at that instant."""
    return compiler.people(store, compile(rule, load_catalog(store), at=at))


def unknown(store: Store, property_name: str) -> int:
    """How many people have no value of this property."""
    condition = PropertyCondition(property_name, "is_known")
    everyone = profiles.count(store)
    return everyone - len(store.people(compiler.known(condition, load_catalog(store)).sql))


def values(store: Store, property_name: str, *, starting: str = "", limit: int = 50) -> list[tuple[str, int]]:
    """The commonest values of a property that begin so, as text, with how many have each."""
    found = properties.get(store, property_name)
    if found.aside:
        source = Sql("SELECT name AS value FROM profile_tags JOIN tags USING (tag_id)")
    elif found.datatype.name == "list":
        source = sql("SELECT unnest({}) AS value FROM profiles", name(found.name))
    else:
        source = sql("SELECT {} AS value FROM profiles", name(found.name))
    rows = store.rows(
        sql(
            "SELECT value, count(*) AS people FROM ({}) WHERE value IS NOT NULL AND starts_with(lower(value::VARCHAR), lower({})) "
            "GROUP BY value ORDER BY people DESC, value LIMIT {}",
            source,
            starting,
            limit,
        )
    )
    return [(_text(found, value), count) for value, count in rows]


def _text(found: Property, value: Any) -> str:
    """A value of the database as canonical text."""
    if found.datatype.name == "list":
        return str(value)
    return found.datatype.format(aware(value) if found.datatype.name == "datetime" else value)
