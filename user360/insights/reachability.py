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
from itertools import product
from typing import TYPE_CHECKING, Any, ClassVar, Final

from user360 import likeness, reach
from user360.errors import InvalidInsight
from user360.insight import NONE, VALUE, Insight, Plan, Role, check_scope
from user360.reach import WAYS
from user360.segments.rules import Group, PropertyCondition
from user360.sql import Sql, joined, name, sql

if TYPE_CHECKING:
    from collections.abc import Mapping

    from user360.insight import Asked
    from user360.reach import Way
    from user360.segments import Rule
    from user360.segments.rules import Node

ANY: Final = "any"
MEMBERS, REACHABLE = "members", "reachable"
STEPS: Final = ("members", "no address", "address", "not valid", "valid", "opted in", "never asked", "opted out", "reachable")
CONSENT: Final = ("said yes", "not asked", "said no")
_AND: Final = " + "


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
        """A branch for each mark, of people for the relation and of the few classes of people alike for the answer."""
        among = asked.among or Sql("true")
        people = sql("SELECT profile_key, {} FROM (SELECT profile_key, {} FROM profiles WHERE {})", _classes(), _kind(), among)
        alike = sql(
            "SELECT {}, heads FROM (SELECT {}, count(*) AS heads FROM profiles WHERE {} GROUP BY ALL)", _classes(), _kind(), among
        )
        branches = [_branch(*each) for each in _marks()]
        counted = joined(
            ", ",
            [
                sql(
                    "CASE WHEN {} THEN {{'channel': {}, 'step': {}, 'combination': {}::VARCHAR}} END",
                    holds,
                    channel,
                    step,
                    combination,
                )
                for channel, step, combination, holds in _marks()
            ],
        )
        relation = sql("WITH people AS ({}) {}", people, joined(" UNION ALL ", branches))
        answer = sql(
            "SELECT mark.channel AS channel, mark.step AS step, mark.combination AS combination, sum(heads)::BIGINT AS users FROM "
            "(SELECT heads, unnest([{}]) AS mark FROM ({})) WHERE mark IS NOT NULL GROUP BY ALL ORDER BY channel, step, users DESC, combination",
            counted,
            alike,
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
def _classes() -> Sql:
    """The number taken apart again: for each channel the class of its address and the consent."""
    place = {each: Sql(str(3**nth)) for nth, each in enumerate(_digits())}
    columns = []
    for way in WAYS:
        columns.append(sql("kind // {} % 3 AS {}", place[way.address], name(f"{way.channel} address")))
        said = sql("kind // {} % 3", place[way.consent])
        columns.append(sql("CASE {} WHEN 2 THEN true WHEN 1 THEN false END AS {}", said, name(f"{way.channel} consent")))
    return joined(", ", columns)


def _branch(channel: str, step: str, combination: str | None, holds: Sql) -> Sql:
    return sql(
        "SELECT profile_key, {} AS channel, {} AS step, {}::VARCHAR AS combination FROM people WHERE {}",
        channel,
        step,
        combination,
        holds,
    )


@cache
def _marks() -> list[tuple[str, str, str | None, Sql]]:
    """Every mark with the condition of its people: channel, step, combination, condition."""
    found: list[tuple[str, str, str | None, Sql]] = [(ANY, MEMBERS, None, Sql("true"))]
    for way in WAYS:
        for step, holds in _steps(way).items():
            found.append((VALUE + way.channel, step, None, holds))
    found.append((ANY, REACHABLE, None, joined(" OR ", [sql("({})", _reached(each)) for each in WAYS])))
    for reached in product((True, False), repeat=len(WAYS)):
        inside = [way.channel for way, there in zip(WAYS, reached, strict=True) if there]
        parts = [
            sql("({}) IS {}", _reached(way), Sql("TRUE" if there else "NOT TRUE"))
            for way, there in zip(WAYS, reached, strict=True)
        ]
        found.append((ANY, "combination", VALUE + _AND.join(inside) if inside else NONE, joined(" AND ", parts)))
    return found


def _steps(way: Way) -> dict[str, Sql]:
    address, consent = name(f"{way.channel} address"), name(f"{way.channel} consent")
    good = sql("{} = 2", address)
    return {
        "members": Sql("true"),
        "no address": sql("{} = 0", address),
        "address": sql("{} > 0", address),
        "not valid": sql("{} = 1", address),
        "valid": good,
        "opted in": sql("{} AND {} IS TRUE", good, consent),
        "never asked": sql("{} AND {} IS NULL", good, consent),
        "opted out": sql("{} AND {} IS FALSE", good, consent),
        "reachable": sql("{} AND {} IS TRUE", good, consent),
        "said yes": sql("{} IS TRUE", consent),
        "not asked": sql("{} IS NULL", consent),
        "said no": sql("{} IS FALSE", consent),
    }


def _reached(way: Way) -> Sql:
    return _steps(way)[REACHABLE]


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
