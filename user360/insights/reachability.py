"""Reachability: whom a message would reach, per channel and over all of them, and where the others are lost.

For each channel `members = no address + address`, `address = not valid + valid`,
`valid = opted in + never asked + opted out`, `reachable = opted in`, a definition of our own: never asked is
unknown consent, reported apart. `said yes`, `not asked` and `said no` are the consent of all members, address or not.
Over all channels each person is in exactly one combination of channels that reach them, `none` of which is nobody's.
It is asked of the present values: neither the period nor the channels of events change it. An address two people share
reaches both of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Final

import pyarrow as pa

from user360 import likeness, reach
from user360.errors import InvalidInsight
from user360.insight import NONE, VALUE, Insight, Plan, Role, check_scope
from user360.reach import WAYS
from user360.segments.rules import Group, PropertyCondition
from user360.sql import Sql, joined, name, sql

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from user360.insight import Asked
    from user360.segments import Rule
    from user360.segments.rules import Node

ANY: Final = "any"
MEMBERS, REACHABLE = "members", "reachable"
STEPS: Final = ("members", "no address", "address", "not valid", "valid", "opted in", "never asked", "opted out", "reachable")
CONSENT: Final = ("said yes", "not asked", "said no")
_AND: Final = " + "
_GOOD, _YES = 2, 2
_OF_ADDRESS: Final = (("no address",), ("address", "not valid"), ("address", "valid"))
_OF_CONSENT: Final = ("not asked", "said no", "said yes")
_OF_REACHED: Final = (("never asked",), ("opted out",), ("opted in", REACHABLE))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reachability(Insight):
    """Who can be reached, now."""

    kind: ClassVar[str] = "reachability"
    label: ClassVar[str] = "Reachability"
    definition: ClassVar[str] = (
        "A user is reachable on a channel with a valid address there and consent that is true. Unknown consent is never asked, "
        "not no."
    )
    roles: ClassVar[dict[str, Role]] = {
        "channel": Role("dimension", "Channel"),
        "step": Role("dimension", "Step"),
        "combination": Role("dimension", "Reachable by"),
        "users": Role("measure", "Users", "users", people=True),
    }

    def check(self, catalog: Any) -> None:
        """Refuse a breakdown: it is by channel."""
        check_scope(self, catalog)
        if self.breakdown is not None:
            raise InvalidInsight("$.breakdown", "is not asked here.", "Leave it out.")

    def compile(self, asked: Asked) -> Plan:
        """People by the number of their class, joined with the marks of each class."""
        classes = sql("SELECT profile_key, {} FROM profiles WHERE {}", _kind(), asked.among or Sql("true"))
        columns = Sql("marks.channel, marks.step, marks.combination")
        relation = sql("SELECT profile_key, {} FROM ({}) JOIN marks USING (kind)", columns, classes, marks=_marks())
        answer = sql(
            "SELECT {}, sum(heads)::BIGINT AS users FROM (SELECT kind, count(*) AS heads FROM ({}) GROUP BY kind) JOIN marks USING (kind) "
            "GROUP BY ALL ORDER BY channel, step, users DESC, combination",
            columns,
            classes,
            marks=_marks(),
        )
        return Plan(relation, answer)

    def like(self, cell: Mapping[str, Any], asked: Asked, *, moving: bool) -> Rule | None:
        """Who has the address and the consent of the mark. It speaks of the present, so nothing moves."""
        del moving
        if cell.get("step") == "not valid":  # no stored address is one: the types refuse them
            return None
        return likeness.rule(self, {}, asked, tuple(_alike(cell)))


def _digits() -> dict[str, Sql]:
    """What tells people apart, each a number below 3: of an address whether it is none, a bad or a good one; of consent whether it is unknown, no or yes."""
    found = {}
    for way in WAYS:
        found[way.address] = sql("CASE WHEN {} IS NULL THEN 0 WHEN {} THEN 2 ELSE 1 END", name(way.address), reach.valid(way))
        found[way.consent] = sql("CASE {} WHEN true THEN 2 WHEN false THEN 1 ELSE 0 END", name(way.consent))
    return found


@cache
def _kind() -> Sql:
    """All of that as one number `kind`: grouping by it took half the time of grouping by each."""
    parts = [sql("{} * ({})", Sql(str(3**place)), digit) for place, digit in enumerate(_digits().values())]
    return sql("({})::USMALLINT AS kind", joined(" + ", parts))


@cache
def _marks() -> pa.Table:
    """The marks of each of these numbers: kind, channel, step, combination. As conditions in the text they took longer to plan than people to count."""
    names = list(_digits())
    found = []
    for kind in range(3 ** len(names)):
        digits = {each: kind // 3**place % 3 for place, each in enumerate(names)}
        found += [(kind, *mark) for mark in _marks_of(digits)]
    kinds, *columns = zip(*found, strict=True)
    texts = [pa.array(each, pa.string()) for each in columns]
    return pa.table([pa.array(kinds, pa.uint16()), *texts], ["kind", "channel", "step", "combination"])


def _marks_of(digits: Mapping[str, int]) -> Iterator[tuple[str, str, str | None]]:
    """Channel, step and combination of each mark people of a class are behind."""
    yield ANY, MEMBERS, None
    reached = [way.channel for way in WAYS if digits[way.address] == _GOOD and digits[way.consent] == _YES]
    for way in WAYS:
        for step in (MEMBERS, *_OF_ADDRESS[digits[way.address]], _OF_CONSENT[digits[way.consent]]):
            yield VALUE + way.channel, step, None
        if digits[way.address] == _GOOD:
            for step in _OF_REACHED[digits[way.consent]]:
                yield VALUE + way.channel, step, None
    if reached:
        yield ANY, REACHABLE, None
    yield ANY, "combination", VALUE + _AND.join(reached) if reached else NONE


# -- rules --------------------------------------------------------------------------------------


def _alike(cell: Mapping[str, Any]) -> list[Node]:
    """The conditions of a mark."""
    channel, step = cell.get("channel", ANY), cell.get("step", MEMBERS)
    if "combination" in cell and cell["combination"] is not None:
        inside = str(cell["combination"]).removeprefix(VALUE).split(_AND)
        return [reach.rule(way) if way.channel in inside else Group("none", (reach.rule(way),)) for way in WAYS]
    if channel == ANY:
        return [reach.rule_of_any()] if step == REACHABLE else []
    way = next((each for each in WAYS if VALUE + each.channel == channel), WAYS[0])
    known = PropertyCondition(way.address, "is_known")
    consent = {
        "opted in": "is_true",
        "reachable": "is_true",
        "said yes": "is_true",
        "never asked": "is_not_known",
        "not asked": "is_not_known",
        "opted out": "is_false",
        "said no": "is_false",
    }
    addressed = step not in {MEMBERS, "no address", *CONSENT}
    return [
        *([known] if addressed else []),
        *([PropertyCondition(way.address, "is_not_known")] if step == "no address" else []),
        *([PropertyCondition(way.consent, consent[step])] if step in consent else []),
    ]


INSIGHT = Reachability
