"""Rules: what makes somebody one of a group.

A rule is data; it is checked against a catalog, compiled to queries, answered as people and said in
English. The users filter, segments, insights and exports all use this one path, so no two of them
can count differently. How a rule is edited does not live here (`pages/ui`).

`rules` is the rule as data, `notation` its JSON, `catalog` what it may speak of, `checking` and
`values` whether it holds, `windows` its times, `predicates` one operator over one value, `frames`
whose rows are asked and of when, `event_values` and `event_leaves` its questions to events,
`compiler` the tree of its queries, `asking` their people, `previewing` what each part does, `wording` its English and `sentences` the way back.
`saved` keeps rules under names (`naming`) with their versions, `lists` fixed lists of people, `splitting` samples and splits; `difference` says what two rules do not share, `templates` holds the usual ones, `usage` says where a property is used.
`membership` is its size over time, `turnover` who came and went and why, `evidence` what happened to each of them.
`explaining` says why one person is in or not: `needing` says what a rule reads of them, `looking` asks it of them alone, `facts` what each condition saw,
`forecasting` when time alone changes it, at one of the instants `breaks` knows of;
`grid` holds many people against one rule. `comparing` holds rules against each other, `contrast` says what sets two groups apart.
`calculation` is how a computed property comes of events, `calculating` its SQL, `computed` the making of one and its column.
`contradictions` finds conditions that cannot hold together, `linting` what else is odd about a rule.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from user360 import properties
from user360.clock import aware
from user360.segments import comparing, computed, contrast, lists, membership, saved, templates, usage
from user360.segments.asking import count
from user360.segments.asking import holding as people
from user360.segments.calculation import Calculation, dump_calculation, parse_calculation, read_calculation
from user360.segments.catalog import Catalog, Definition, load_catalog
from user360.segments.checking import check
from user360.segments.compiler import compile  # noqa: A004 - the house's word
from user360.segments.difference import Change, difference
from user360.segments.evidence import Moved, evidence
from user360.segments.explaining import Explanation, Part, explain
from user360.segments.forecasting import Forecast, forecast
from user360.segments.grid import Grid, grid
from user360.segments.linting import Finding, lint
from user360.segments.notation import dump, parse
from user360.segments.previewing import Preview, Step
from user360.segments.previewing import preview as _preview
from user360.segments.rules import EVERYONE, EventCondition, Group, Node, PropertyCondition, Rule, walk
from user360.segments.sentences import complete
from user360.segments.sentences import read as read_text
from user360.segments.tree import Compiled
from user360.segments.turnover import Cause, Turnover, turnover
from user360.segments.turnover import of_segment as turnover_of
from user360.segments.wording import clause, describe, phrase
from user360.segments.wording import write as write_text
from user360.sql import Sql, name, sql

if TYPE_CHECKING:
    from user360.properties import Property
    from user360.store import Store

__all__ = [
    "EVERYONE",
    "Calculation",
    "Catalog",
    "Cause",
    "Change",
    "Compiled",
    "Definition",
    "EventCondition",
    "Explanation",
    "Finding",
    "Forecast",
    "Grid",
    "Group",
    "Moved",
    "Node",
    "Part",
    "Preview",
    "PropertyCondition",
    "Rule",
    "Step",
    "Turnover",
    "check",
    "clause",
    "comparing",
    "compile",
    "complete",
    "computed",
    "contrast",
    "count",
    "describe",
    "difference",
    "dump",
    "dump_calculation",
    "evidence",
    "explain",
    "forecast",
    "grid",
    "lint",
    "lists",
    "load_catalog",
    "membership",
    "parse",
    "parse_calculation",
    "people",
    "phrase",
    "preview",
    "read_calculation",
    "read_text",
    "saved",
    "templates",
    "turnover",
    "turnover_of",
    "unknown",
    "usage",
    "values",
    "walk",
    "write_text",
]

_ANY_TIME: Final = datetime(2000, 1, 1, tzinfo=UTC)


def preview(store: Store, rule: Rule, *, at: datetime, past: bool = False) -> Preview:
    """Who the rule finds and what each of its conditions does to that."""
    return _preview(store, rule, load_catalog(store), at=at, past=past)


def unknown(store: Store, property_name: str) -> int:
    """How many people have no value of this property."""
    found = properties.get(store, property_name)
    rule = Group("all", (PropertyCondition(found.name, "is_not_known"),))
    return count(store, rule, at=_ANY_TIME)


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
