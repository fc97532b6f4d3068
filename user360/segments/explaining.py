"""Why somebody is, or is not, among the people of a rule: its tree, node by node, with what each saw.

The verdict is put together from the same leaves that count everybody, so it is the membership. Below
it stands how far off the person is and what is missing. What time alone changes does not live here
(`forecasting`), nor how it is drawn (`pages/ui/why.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from user360.segments import breaks, facts
from user360.segments.catalog import load_catalog
from user360.segments.checking import check
from user360.segments.facts import Facts
from user360.segments.looking import looking
from user360.segments.needing import rule_behind
from user360.segments.rules import EventCondition, Group
from user360.segments.wording import clause, of_instant, phrase, which_events

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from user360.segments.catalog import Catalog
    from user360.segments.rules import Node, Rule
    from user360.store import Store

Truth: TypeAlias = Literal["true", "false", "unknown"]
NEVER: Final = 1_000_000
NOTHING_SEEN: Final = Facts()


@dataclass(frozen=True, slots=True)
class Part:
    """One node and whether it holds. `parts` are the conditions of a group; of a named segment, its own rule.

    `short` is the least number of conditions that would have to change for it to hold, or, where it does, to cease.
    """

    path: str
    node: Node
    words: str
    holds: bool
    short: int
    facts: Facts = NOTHING_SEEN
    parts: tuple[Part, ...] = ()

    @property
    def truth(self) -> Truth:
        """What it is called: unknown where the value that was asked for is not known, whatever that counts as."""
        return "unknown" if self.facts.unknown else "true" if self.holds else "false"


@dataclass(frozen=True, slots=True)
class Missing:
    """One condition that would have to become true, or false, said in words. `until` is when it would no longer be enough."""

    path: str
    holds: bool
    words: str
    more: int | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Whether the rule holds for one person at an instant, and why. `missing` is empty where it holds."""

    profile_key: int
    at: datetime
    past: bool
    whole: Part
    missing: tuple[Missing, ...]
    sentence: str

    @property
    def holds(self) -> bool:
        """Whether the person is among the people of the rule."""
        return self.whole.holds

    def parts(self) -> Iterator[Part]:
        """All parts, from the whole down, in the order they are written."""
        yield from _walk(self.whole)


def explain(store: Store, rule: Rule, profile_key: int, *, at: datetime, past: bool = False) -> Explanation:
    """Look at one person through a rule, or refuse where there is no such person; `past` as things stood at that instant."""
    catalog = load_catalog(store)
    checked = check(rule, catalog)
    with looking(store, checked, catalog, profile_key, at=at, past=past) as look:
        paths = list(look.conditions)
        truth = dict(zip(paths, look.holding([(each, look.frame) for each in look.conditions.values()]), strict=True))
        seen = facts.gather(look)
    whole = part_of(checked, catalog, truth, seen)
    missing = (
        () if whole.holds else tuple(_missing(each, catalog, at, wanted=wanted) for each, wanted in _flips(whole, wanted=True))
    )
    return Explanation(profile_key, at, past, whole, missing, _sentence(missing, catalog))


def part_of(
    node: Node, catalog: Catalog, truth: Mapping[str, bool], seen: Mapping[str, Facts] | None = None, path: str = "$"
) -> Part:
    """The node with all below it, from the truths of its conditions by path."""
    words, found = phrase(node, catalog), (seen or {}).get(path, NOTHING_SEEN)
    inner = rule_behind(node, catalog)
    if inner is not None:
        below = part_of(inner, catalog, truth, seen, f"{path}.segment")
        return Part(path, node, words, below.holds, below.short, found, (below,))
    if not isinstance(node, Group):
        return Part(path, node, words, truth[path], 1, found)
    parts = tuple(
        part_of(each, catalog, truth, seen, f"{path}.conditions[{place}]") for place, each in enumerate(node.conditions)
    )
    holds = {"all": all, "any": any, "none": _none}[node.match](each.holds for each in parts)
    return Part(path, node, words, holds, _short(node, parts, wanted=not holds), found, parts)


# -- distance -----------------------------------------------------------------------------------


def _short(group: Group, parts: tuple[Part, ...], *, wanted: bool) -> int:
    """How many conditions must change for the group to hold, or not to: all of them for all and none, one for any."""
    each_wanted = wanted if group.match != "none" else not wanted
    costs = [0 if each.holds == each_wanted else each.short for each in parts]
    if wanted == (group.match != "any"):
        return sum(costs)
    return min(costs, default=NEVER)


def _flips(part: Part, *, wanted: bool) -> Iterator[tuple[Part, bool]]:
    """The fewest conditions that would have to change, the first of several ways."""
    if part.holds == wanted:
        return
    if not part.parts:
        if not isinstance(part.node, Group):
            yield part, wanted
        return
    if not isinstance(part.node, Group):
        yield from _flips(part.parts[0], wanted=wanted)
        return
    each_wanted = wanted if part.node.match != "none" else not wanted
    if wanted == (part.node.match != "any"):
        for each in part.parts:
            yield from _flips(each, wanted=each_wanted)
    else:
        yield from _flips(min(part.parts, key=lambda each: 0 if each.holds == each_wanted else each.short), wanted=each_wanted)


# -- words --------------------------------------------------------------------------------------


def _missing(part: Part, catalog: Catalog, at: datetime, *, wanted: bool) -> Missing:
    node, found = part.node, part.facts.found
    if isinstance(node, EventCondition) and found is not None:
        more = _nearest(node, found, wanted=wanted) - found
        until = _until(node, part.facts, catalog, at) if more > 0 else None
        words = f"{abs(more)} {'more' if more > 0 else 'fewer'} {which_events(node.of, catalog, during=until is None)}"
        return Missing(part.path, wanted, words, more, until)
    return Missing(part.path, wanted, clause(node, catalog, holds=wanted))


def _nearest(node: EventCondition, found: int, *, wanted: bool) -> int:
    """The nearest count that would do; of two as near the greater."""
    edges = {edge + step for edge in node.times.values for step in (-1, 0, 1)}
    counts = [each for each in edges if each >= 0 and facts.meets(node.times, each) == wanted]
    return min(counts, key=lambda each: (abs(each - found), -each))


def _until(node: EventCondition, seen: Facts, catalog: Catalog, at: datetime) -> datetime | None:
    """When the first of the events that count now will count no longer."""
    if node.of.during is None or seen.oldest is None:
        return None
    return next(iter(breaks.of_window(node.of.during, seen.oldest, catalog, after=at)), None)


def _sentence(missing: tuple[Missing, ...], catalog: Catalog) -> str:
    """All that is missing, as `1 more “Order” before 28 Nov 2026, 21:04, and whatsAppOptin is true.` says it."""
    said = [f"{each.words} before {of_instant(each.until, catalog)}" if each.until else each.words for each in missing]
    if not said:
        return ""
    return f"{said[0] if len(said) == 1 else ', '.join(said[:-1]) + ', and ' + said[-1]}."


def _walk(part: Part) -> Iterator[Part]:
    yield part
    for each in part.parts:
        yield from _walk(each)


def _none(holding: Iterator[bool]) -> bool:
    return not any(holding)
