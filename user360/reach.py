"""By which address and which consent somebody is reached on a channel, as SQL over profiles and as a rule.

Without this room the overview and the waterfall of reachability could disagree about who is reachable. How many
there are does not live here (`insights`), nor what is sent to anybody.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from user360.segments.rules import Group, PropertyCondition
from user360.sql import Sql, joined, name, sql

# What a message can be sent to at all. Types refuse more than that when a value comes in; a pattern would take ten times as long.
EMAIL: Final = Sql("contains(email, '@')")
PHONE: Final = Sql("starts_with(phone, '+') AND strlen(phone) BETWEEN 8 AND 16")


class Way(NamedTuple):
    """One channel: the property that holds its address, the condition of a valid one, the property of consent."""

    channel: str
    address: str
    valid: Sql
    consent: str


WAYS: Final = (
    Way("email", "email", EMAIL, "emailOptin"),
    Way("whatsapp", "phone", PHONE, "whatsAppOptin"),
    Way("sms", "phone", PHONE, "smsOptin"),
)


def valid(way: Way) -> Sql:
    """The condition of a valid address, over the columns of profiles."""
    return sql("({}) IS TRUE", way.valid)


def reached_by_any() -> Sql:
    """The condition of those whom any channel reaches, over the columns of profiles."""
    return joined(" OR ", [sql("({} AND {} IS TRUE)", valid(each), name(each.consent)) for each in WAYS])


def rule(way: Way) -> Group:
    """That somebody is reachable on a channel. A stored address is a valid one, as the types refuse others."""
    return Group("all", (PropertyCondition(way.address, "is_known"), PropertyCondition(way.consent, "is_true")))


def rule_of_any() -> Group:
    """That somebody is reachable on any channel."""
    return Group("any", tuple(rule(each) for each in WAYS))
