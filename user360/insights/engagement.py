"""Engagement: of those a message was sent to on a channel, who got it, read it, clicked in it and answered it.

`sent(c) = {p : p has an event of a message sent on channel c in the period}`; of every further stage s
`s(c) = {p : p has an event of that stage on c, later than a first message sent to them there, in the period}`. Which events say
so is recognised by their names (Message Sent, Email Opened, Link Clicked …) or given; a stage no event speaks of is left out.
Stages are counted each by itself, as some channels tell of a message read and never of one delivered.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

from user360 import likeness, marks
from user360.errors import InvalidInsight, nearest
from user360.insight import NONE, VALUE, Insight, Plan, Role, check_scope
from user360.segments.rules import EventCondition, Events, Group, PropertyCondition, Sequence
from user360.sql import Sql, joined, sql

if TYPE_CHECKING:
    from collections.abc import Mapping

    from user360.insight import Asked
    from user360.segments import Catalog, Rule
    from user360.segments.rules import Node

STAGES: Final = ("sent", "delivered", "read", "clicked", "replied")
_SUBJECT: Final = r"(message|email|e-mail|mail|sms|text|whatsapp|push|notification|template|campaign|broadcast|newsletter)s?"
_NAMES: Final = {
    "sent": re.compile(rf"{_SUBJECT}( message| notification)? sent", re.IGNORECASE),
    "delivered": re.compile(rf"{_SUBJECT}( message| notification)? delivered", re.IGNORECASE),
    "read": re.compile(rf"{_SUBJECT}( message| notification)? (read|opened|seen)", re.IGNORECASE),
    "clicked": re.compile(rf"({_SUBJECT} )?(message |notification )?(link )?(clicked|tapped)", re.IGNORECASE),
    "replied": re.compile(rf"{_SUBJECT}( message)? (received|replied|answered)", re.IGNORECASE),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Engagement(Insight):
    """By channel and stage. Each field names the events of a stage; empty, they are recognised."""

    kind: ClassVar[str] = "engagement"
    label: ClassVar[str] = "Engagement"
    definition: ClassVar[str] = (
        "Of the users a message was sent to on a channel: who has an event of being reached, reading, clicking or answering there, "
        "after the first message sent to them in the period."
    )
    roles: ClassVar[dict[str, Role]] = {
        "channel": Role("dimension", "Channel"),
        "stage": Role("dimension", "Stage"),
        "users": Role("measure", "Users", "users", people=True),
        "events": Role("measure", "Events"),
    }

    sent: tuple[str, ...] = ()
    delivered: tuple[str, ...] = ()
    read: tuple[str, ...] = ()
    clicked: tuple[str, ...] = ()
    replied: tuple[str, ...] = ()

    def check(self, catalog: Any) -> None:
        """Refuse a breakdown, and events there are not."""
        check_scope(self, catalog)
        if self.breakdown is not None:
            raise InvalidInsight("$.breakdown", "is not asked here.", "Leave it out.")
        for stage in STAGES:
            for place, each in enumerate(getattr(self, stage)):
                if each not in catalog.events:
                    near = nearest(each, catalog.events)
                    hint = f"Did you mean “{near}”?" if near else "Choose one that has happened."
                    raise InvalidInsight(f"$.{stage}[{place}]", "is no event that has happened.", hint)

    def compile(self, asked: Asked) -> Plan:
        """The rows of messages, each after the first one sent to the person on its channel."""
        stages = self.stages(asked.catalog)
        of = [
            sql("WHEN event_id IN ({}) THEN {}", joined(", ", [asked.catalog.events[each] for each in names]), stage)
            for stage, names in stages.items()
            if names
        ]
        every = sorted({asked.catalog.events[each] for names in stages.values() for each in names})
        rows = sql(
            "SELECT profile_key, coalesce(channel_id, -1) AS place, occurred_at, {} AS stage FROM events WHERE {} AND {} AND {}",
            sql("CASE {} END", joined(" ", of)) if of else Sql("NULL::VARCHAR"),
            sql("event_id IN ({})", joined(", ", every)) if every else Sql("false"),
            marks.known(asked),
            marks.within(self, asked),
        )
        after = sql(
            "WITH rows AS MATERIALIZED ({}), begun AS (SELECT profile_key, place, min(occurred_at) AS began FROM rows "
            "WHERE stage = 'sent' GROUP BY ALL) SELECT profile_key, place, stage FROM rows "
            "JOIN begun USING (profile_key, place) WHERE stage = 'sent' OR occurred_at > began",
            rows,
        )
        named = sql("coalesce({} || name, {})", VALUE, NONE)
        reached = sql("SELECT profile_key, {} AS channel, stage FROM ({}) LEFT JOIN channels ON channel_id = place", named, after)
        answer = sql(
            "SELECT {} AS channel, stage, users, events FROM (SELECT place, stage, {} AS users, count(*) AS events FROM ({}) GROUP BY ALL) "
            "LEFT JOIN channels ON channel_id = place ORDER BY ALL",
            named,
            marks.counted(asked, marks.channels_of(asked) * len(STAGES)),
            after,
        )
        return Plan(reached, answer)

    def stages(self, catalog: Catalog) -> dict[str, tuple[str, ...]]:
        """The events of each stage, those given or those recognised; an event given to two stages is of the later one."""
        found = {}
        for stage in STAGES:
            recognised = tuple(each for each in catalog.events if _NAMES[stage].fullmatch(each))
            found[stage] = getattr(self, stage) or recognised
        return {
            stage: tuple(each for each in names if not any(each in found[later] for later in STAGES[place + 1 :]))
            for place, (stage, names) in enumerate(found.items())
        }

    def like(self, cell: Mapping[str, Any], asked: Asked, *, moving: bool) -> Rule | None:
        """Who was sent a message there, and later did what the stage says."""
        stages, during = self.stages(asked.catalog), likeness.window(self, {}, asked, moving=moving)
        stage = str(cell.get("stage", "sent"))
        if "channel" not in cell or not stages.get(stage):
            return None
        value = str(cell["channel"])
        on = PropertyCondition("channel", "is_not_known") if value == NONE else PropertyCondition("channel", "is", (value[1:],))
        where = Group("all", (on, *([PropertyCondition("channel", "is", self.channels)] if self.channels else [])))
        sent = [Events(each, where) for each in stages["sent"]]
        ways: list[Node] = (
            [EventCondition(Events(each.event, where, during)) for each in sent]
            if stage == "sent"
            else [Sequence((first, Events(each, where)), during=during) for first in sent for each in stages[stage]]
        )
        return likeness.rule(self, {}, asked, (Group("any", tuple(ways)),))


INSIGHT = Engagement
