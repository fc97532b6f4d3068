"""Two numbers that should agree, and why they do not: who is only in the one, who only in the other, each with a reason.

A number is of a rule, of a segment, of a mark of a chart, or of ids another tool counted. The reason why somebody is not
in a number is the first condition of it that does not hold for them, told as finely as it can be: the value is not known,
it happened at another time, it was not such an event. Everyone has exactly one reason. Without this room two numbers would
be argued about. What a condition means does not live here (`segments`), nor what a mark shows (`insights`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from user360 import identities, insights, profiles, segments, spreadsheet
from user360.errors import Invalid, InvalidRequest, User360Error
from user360.people import NOBODY
from user360.segments import lists
from user360.segments.rules import EventCondition, Events, Group, Node, PropertyCondition, SegmentCondition

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from user360.insight import Insight
    from user360.people import People
    from user360.segments import Catalog, Rule
    from user360.store import Store

UNNAMED: Final = "Has no user id, so no list of ids can name them"
NOT_LISTED: Final = "Not on the list"
NOT_AT_MARK: Final = "In the chart, but not at this mark"
NOT_IN_CHART: Final = "Not in the chart at all"
LONGEST: Final = 5_000_000
_KNOWN: Final = {"is_known", "is_not_known"}


@dataclass(frozen=True, slots=True)
class Side:
    """One number: of a rule (a segment is one), of a mark of a chart, or of ids, one a line. Exactly one of the three is given."""

    rule: Rule | None = None
    question: Insight | None = None
    cell: Mapping[str, Any] = field(default_factory=dict)
    ids: str | None = None


@dataclass(frozen=True, slots=True)
class Reason:
    """Why these people are in the one number and not in the other, in words."""

    words: str
    people: People


@dataclass(frozen=True, slots=True)
class Lost:
    """An id of a list that brings nobody, or nobody new: its line, from 1, and why."""

    position: int
    id: str
    words: str


@dataclass(frozen=True, slots=True)
class Difference:
    """One side: who is in it, who is in it alone, by reason, the largest first; and the ids of its list that bring nobody."""

    people: People
    alone: People
    reasons: tuple[Reason, ...]
    lost: tuple[Lost, ...] = ()


@dataclass(frozen=True, slots=True)
class Reconciled:
    """Both sides, and who is in both."""

    one: Difference
    other: Difference
    both: People


# -- reading ------------------------------------------------------------------------------------


def parse(source: Any, path: str = "$") -> Side:
    """A side from the objects of its JSON: `{"segment": id}`, `{"rule": …}`, `{"question": …, "cell": …}` or `{"ids": text}`."""
    if not isinstance(source, dict) or len(set(source) & {"segment", "rule", "question", "ids"}) != 1:
        raise InvalidRequest(path, "is no number.", "Give segment, rule, question and cell, or ids.")
    if "segment" in source:
        return Side(rule=segments.parse({"match": "all", "conditions": [{"segment": source["segment"]}]}))
    if "rule" in source:
        return Side(rule=segments.parse(source["rule"]))
    if "question" in source:
        cell = source.get("cell", {})
        if not isinstance(cell, dict):
            raise InvalidRequest(f"{path}.cell", "is not an object.")
        return Side(question=insights.parse(source["question"]), cell=cell)
    if not isinstance(source["ids"], str) or len(source["ids"]) > LONGEST:
        raise InvalidRequest(f"{path}.ids", "is not a text of ids.", "Give one id a line.")
    return Side(ids=source["ids"])


# -- reconciling --------------------------------------------------------------------------------


def reconcile(store: Store, one: Side, other: Side, *, at: datetime) -> Reconciled:
    """Hold two numbers against each other, both of the same instant."""
    of_one, of_other = people_of(store, one, at=at), people_of(store, other, at=at)
    return Reconciled(
        Difference(of_one, of_one - of_other, _reasons(store, of_one - of_other, other, at), _lost(store, one)),
        Difference(of_other, of_other - of_one, _reasons(store, of_other - of_one, one, at), _lost(store, other)),
        of_one & of_other,
    )


def people_of(store: Store, side: Side, *, at: datetime) -> People:
    """Who is counted on a side."""
    if side.ids is not None:
        return lists.paste(store, side.ids).found
    if side.question is not None:
        return insights.who(store, side.question, side.cell, at=at)
    if side.rule is None:
        raise Invalid("A number is missing.", "Choose two.")
    return segments.people(store, side.rule, at=at)


def table(store: Store, found: Difference) -> pa.Table:
    """Who is in this side alone, safe in a spreadsheet: user id, profile number and reason; then the ids that bring nobody."""
    ids: list[str | None] = []
    keys: list[int | None] = []
    told: list[str] = []
    known = dict(zip(*(column.to_pylist() for column in identities.user_ids(store, found.alone).columns), strict=True))
    for reason in found.reasons:
        for key in reason.people.keys().tolist():
            ids.append(known.get(key))
            keys.append(key)
            told.append(reason.words)
    for each in found.lost:
        ids.append(each.id or None)
        keys.append(None)
        told.append(f"line {each.position}: {each.words}")
    texts = [spreadsheet.guard(pa.array(each, pa.string())) for each in (ids, told)]
    return pa.table({"User id": texts[0], "Profile": pa.array(keys, pa.int64()), "Why": texts[1]})


# -- reasons ------------------------------------------------------------------------------------


def _reasons(store: Store, people: People, of: Side, at: datetime) -> tuple[Reason, ...]:
    """Why these people are not in that number: each of them once."""
    if not people:
        return ()
    if of.ids is not None:
        rule = Group("all", (PropertyCondition("userId", "is_known"),))
        named = segments.people(store, rule, at=at)
        found = [Reason(NOT_LISTED, people & named), Reason(UNNAMED, people - named)]
    else:
        found = list(_of_conditions(store, people, of, at))
    together: dict[str, People] = {}
    for each in found:
        together[each.words] = together.get(each.words, NOBODY) | each.people
    shown = (Reason(words, those) for words, those in together.items() if those)
    return tuple(sorted(shown, key=lambda each: (-len(each.people), each.words)))


def _of_conditions(store: Store, people: People, of: Side, at: datetime) -> Iterator[Reason]:
    """By the rule of the number; of a mark no rule says, by whose the chart is and whether they are in it."""
    rule, left = of.rule, people
    if of.question is not None:
        rule = _rule_of(store, of.question, of.cell, at)
    if rule is not None:
        for each in _failing(store, rule, left, segments.load_catalog(store), at):
            left = left - each.people
            yield each
    if of.question is not None:
        inside = insights.who(store, of.question, {}, at=at)
        yield Reason(NOT_AT_MARK, left & inside)
        yield Reason(NOT_IN_CHART, left - inside)


def _rule_of(store: Store, question: Insight, cell: Mapping[str, Any], at: datetime) -> Rule | None:
    """The rule of who is at a mark; where none says it, that of whose the chart is."""
    try:
        rule = insights.like(store, question, cell, moving=False, at=at)
    except (User360Error, KeyError, ValueError):
        rule = None
    scope = question.people
    if rule is None:
        return scope
    return rule if scope is None else Group("all", (scope, rule))


def _failing(store: Store, rule: Rule, people: People, catalog: Catalog, at: datetime, within: str = "") -> Iterator[Reason]:
    """Of each person for whom the rule does not hold, the first condition that keeps them out."""
    left = people
    checked = segments.check(rule, catalog)
    if checked.match == "any":
        out = left - segments.people(store, checked, at=at)
        if len(checked.conditions) == 1:
            yield from _failing(store, Group("all", checked.conditions), out, catalog, at, within)
        else:
            yield Reason(f"Meets none of these: {within}{segments.phrase(checked, catalog)}", out)
        return
    for node in checked.conditions:
        holds = segments.people(store, Group("all", (node,)), at=at)
        out = left & holds if checked.match == "none" else left - holds
        if out:
            if checked.match == "none":
                yield Reason(f"Left out because {within}{segments.clause(node, catalog)}", out)
            else:
                yield from _of_node(store, node, out, catalog, at, within)
        left = left - out


def _of_node(store: Store, node: Node, out: People, catalog: Catalog, at: datetime, within: str) -> Iterator[Reason]:
    """Why one condition does not hold for these people."""
    inner = _inside(node, catalog)
    if inner is not None:
        rule, name = inner
        yield from _failing(store, rule, out, catalog, at, f"{within}in {name}, " if name else within)
        return
    told = f"{within}{segments.clause(node, catalog)}"
    if isinstance(node, SegmentCondition):
        yield Reason(f"Not on the list “{catalog.segments[node.segment].name}”", out)
        return
    for finer, words in _finer(node):
        caught = out & segments.people(store, finer, at=at)
        if caught:
            yield Reason(f"Not met: {told} ({words})", caught)
            out = out - caught
    if out:
        yield Reason(f"Not met: {told}", out)


def _inside(node: Node, catalog: Catalog) -> tuple[Rule, str] | None:
    """The rule within: of a group itself, of a segment the one it is saved with."""
    if isinstance(node, Group):
        return node, ""
    if isinstance(node, SegmentCondition):
        found = catalog.segments.get(node.segment)
        if found is not None and found.rule is not None:
            return found.rule, f"“{found.name}”"
    return None


def _finer(node: Node) -> Sequence[tuple[Rule, str]]:
    """What may be said more finely of who does not meet a condition, in order."""
    if isinstance(node, PropertyCondition) and node.operator not in _KNOWN and node.held is None:
        return ((Group("all", (PropertyCondition(node.property, "is_not_known"),)), "the value is not known"),)
    if not isinstance(node, EventCondition) or node.times.operator != "at_least":
        return ()
    found: list[tuple[Rule, str]] = []
    if node.of.during is not None:
        found.append((_just(replace(node, of=replace(node.of, during=None))), "did so, but at another time"))
    if node.of.where is not None:
        found.append((_just(replace(node, of=Events(node.of.event, None, node.of.during))), "did so then, but not such ones"))
    if node.times.values[0] > 1:
        found.append((_just(EventCondition(node.of)), "did so, but not often enough"))
    return found


def _just(node: Node) -> Rule:
    return Group("all", (node,))


# -- lists --------------------------------------------------------------------------------------


def _lost(store: Store, side: Side) -> tuple[Lost, ...]:
    """The ids of a list that bring nobody, or nobody new."""
    if side.ids is None:
        return ()
    found = lists.paste(store, side.ids)
    gone = profiles.deleted_ids(store, [each.id for each in found.strangers])
    return tuple(
        sorted(
            [
                *(
                    Lost(each.position, each.id, "this user was deleted" if each.id in gone else "nobody has this user id")
                    for each in found.strangers
                ),
                *(Lost(each.position, each.id, f"stands on line {each.first} already") for each in found.duplicates),
                *(Lost(each.position, "", "is blank") for each in found.blanks),
            ],
            key=lambda each: each.position,
        )
    )
