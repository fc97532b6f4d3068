"""Channels: people, events or sessions by channel, over time or over the whole period; first and last channel of people.

`users(b, c) = |{p : p has an event on channel c in bucket b}|`, `events(b, c)` counts them. A session is a run of a person's
events with no gap of more than 30 minutes (the rule of Google Analytics), of any channel; it counts on the channel and in the
bucket of its first event. The first channel is that of a person's first event ever, in the bucket of that event; the last
channel is that of the newest event so far. Of several events at one instant the message id decides,
in a session the number of the channel, by which sorting measured twice as fast. System events never count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from user360 import clock, crowds, events, insight, likeness, marks, moments
from user360.errors import InvalidInsight
from user360.insight import Breakdown, Insight, Plan, Role, check_scope
from user360.people import People
from user360.segments.rules import During, EventMoment, EventOccasion, Events, Group, PropertyCondition
from user360.sql import NOTHING, Sql, joined, sql

if TYPE_CHECKING:
    from collections.abc import Mapping

    from user360.insight import Asked
    from user360.segments import Rule
    from user360.segments.rules import Node

USUAL: Final = 8
BY_CHANNEL: Final = Breakdown("channel")
_COUNTED: Final = Sql("day AS spot, number AS channel_id, events, users")
_ROWS: Final = "SELECT profile_key, occurred_at, channel_id FROM "


@dataclass(frozen=True, slots=True, kw_only=True)
class Channels(Insight):
    """By channel. `over` the time axis, or the period as a whole; `touch` first and last ask only of users."""

    kind: ClassVar[str] = "channels"
    label: ClassVar[str] = "Channels"
    definition: ClassVar[str] = (
        "A user is on a channel with at least one event on it that is not a system event, and counts once on each. "
        "A session ends with a gap of more than 30 minutes and counts on the channel it begins on."
    )
    roles: ClassVar[dict[str, Role]] = {
        "time": Role("time", "Time"),
        "breakdown": Role("dimension", "Channel"),
        "value": Role("measure", "Value"),
        "users": Role("measure", "Users", "users", people=True),
        "share": Role("measure", "Share of users", "%"),
    }

    breakdown: Breakdown | None = BY_CHANNEL
    measure: Literal["users", "events", "sessions"] = "users"
    touch: Literal["any", "first", "last"] = "any"
    over: Literal["time", "period"] = "time"

    def check(self, catalog: Any) -> None:
        """Refuse another breakdown, and what has no first or last channel."""
        check_scope(self, catalog)
        if self.breakdown is None or self.breakdown.by != "channel":
            raise InvalidInsight("$.breakdown", "is always by channel here.", "Leave it out.")
        if self.touch != "any" and self.measure != "users":
            raise InvalidInsight("$.measure", "is users where the first or last channel is asked for.", "Leave it out.")

    def compile(self, asked: Asked) -> Plan:
        """Rows of people, places and channels; counted by bitmaps, or where they do not fit from everybody once in each."""
        assert self.breakdown is not None  # noqa: S101 - as it was checked
        rows, timed, most = self._rows(asked), self.over == "time", self.breakdown.most
        time = sql("{} AS time, ", marks.called(self, Sql("spot"))) if timed else NOTHING
        answer = sql(
            "SELECT {}breakdown, {}::DOUBLE AS value, users{} FROM ({}) ORDER BY ALL",
            time,
            Sql("users" if self.measure == "users" else "events"),
            NOTHING if timed else Sql(", 100.0 * users / whole AS share"),
            self._cells(asked, rows),
        )
        sized = sql("SELECT channel_id, {} AS people FROM ({}) GROUP BY channel_id", marks.counted(asked, USUAL), rows)
        relation = sql(
            "WITH named AS MATERIALIZED ({}) SELECT profile_key, {}breakdown FROM ({}) AS found JOIN named "
            "ON found.channel_id IS NOT DISTINCT FROM named.channel_id",
            marks.of_channels(sized, most),
            sql("{} AS time, ", marks.bucket(self, asked)) if timed else NOTHING,
            rows,
        )
        return Plan(relation, answer)

    def _cells(self, asked: Asked, rows: Sql) -> Sql:
        """spot, breakdown, events and users; of the period as a whole also how many users there are on any channel."""
        assert self.breakdown is not None  # noqa: S101 - as it was checked
        timed = self.over == "time"
        spot = marks.spot(self, asked) if timed else Sql("0")
        apart = timed and self.touch == "any" and self.measure != "sessions" and marks.stand_apart(asked, self.breakdown.most)
        told = marks.told(self, asked) if apart else None
        single = self.touch != "any" and timed and marks.stand_apart(asked, self.breakdown.most)  # nobody is in two of the cells
        places = told.left if told else len(insight.buckets(self, asked)) if timed else 1
        if marks.fits(asked, places * marks.channels_of(asked)):

            def cells(people: Sql) -> Sql:
                def asking(each: Asked) -> Sql:
                    happened = rows if each is asked else self._rows(each)
                    return sql(
                        "SELECT {} AS spot, channel_id, count(*) AS events, {} FROM ({}) GROUP BY ALL",
                        spot,
                        Sql("count(*) AS users") if single else people,
                        happened,
                    )

                return told.beside(events.CHANNEL, _COUNTED, asking) if told else asking(asked)

            return marks.by_channel(asked, self.breakdown.most, cells, "spot", ("events",), together=not timed)
        once = sql("SELECT {} AS spot, channel_id, profile_key, count(*) AS events FROM ({}) GROUP BY ALL", spot, rows)
        sized = sql("SELECT channel_id, {} AS people FROM ({}) GROUP BY channel_id", marks.counted(asked, USUAL), rows)
        return sql(
            "SELECT spot, breakdown, sum(events) AS events, count(DISTINCT profile_key) AS users{} FROM ({}) AS once JOIN ({}) AS named "
            "ON once.channel_id IS NOT DISTINCT FROM named.channel_id GROUP BY ALL",
            NOTHING if timed else sql(", (SELECT {} FROM ({})) AS whole", marks.counted(asked, 1), rows),
            once,
            marks.of_channels(sized, self.breakdown.most),
        )

    def like(self, cell: Mapping[str, Any], asked: Asked, *, moving: bool) -> Rule | None:
        """Who had an event there then; or whose first or last event was there and then. A session no rule says."""
        value = cell.get("breakdown")
        if self.measure == "sessions":
            return None
        during = likeness.window(self, cell, asked, moving=moving)
        if self.touch == "any":
            return likeness.rule(self, cell, asked, (likeness.happened(self, Events(None), cell, during, asked.groups),))
        when = EventMoment(Events(None), self.touch, *_moment(during))
        return likeness.rule(self, cell, asked, (when, *self._occasions(value, asked.groups)))

    def _occasions(self, value: str | None, groups: tuple[str, ...]) -> tuple[Node, ...]:
        """That the first or last event was on the channel of the mark, and on one of those of the question."""
        assert self.touch != "any"  # noqa: S101 - asked of a first or last channel only
        there: list[Node] = [PropertyCondition("channel", "is", self.channels)] if self.channels else []
        if value is not None:
            there.append(likeness.of_events("channel", value, groups))
        return (EventOccasion(Events(None), self.touch, Group("all", tuple(there))),) if there else ()

    # -- which rows count ---------------------------------------------------------------------------

    def _rows(self, asked: Asked) -> Sql:
        """The events that count: profile_key, occurred_at, channel_id."""
        if self.touch != "any":
            return self._touched(asked)
        if self.measure == "sessions":
            return self._begun(asked)
        return sql(_ROWS + "events WHERE {} AND {} AND {}", marks.ANY, marks.known(asked), marks.within(self, asked))

    def _touched(self, asked: Asked) -> Sql:
        """The first or last event ever of each person, where it falls into the period and on the channels."""
        first = self.touch == "first"
        start, end = insight.span(self.period, asked.catalog, asked.at)
        every = sql(
            "{} AND {} AND occurred_at <= {}{}",
            marks.ANY,
            marks.known(asked),
            clock.stored(asked.at),
            sql(" AND {}", asked.among) if asked.among else NOTHING,
        )
        # what lies before the period says nothing of a last event, and what lies after it nothing of a first
        elsewhere = sql("{} AND occurred_at {} {}", every, Sql("<" if first else ">="), clock.stored(start if first else end))
        found = moments.edges(asked, sql("{}{}", every, self._without(asked, elsewhere)), start, end, first=first)
        return sql(_ROWS + "touched_people WHERE true{}", self._on_channels(), touched_people=found)

    def _without(self, asked: Asked, such: Sql) -> Sql:
        """And the condition that somebody has no such event; none where nobody has one, as of most periods that are not over."""
        found = crowds.who(asked, sql("events WHERE {}", such))
        return sql(" AND {}", (People.first(asked.room) - found).met()) if found else NOTHING

    def _begun(self, asked: Asked) -> Sql:
        """The first event of each session that begins in the period."""
        start, end = insight.span(self.period, asked.catalog, asked.at)
        such = sql("{} AND {}{}", marks.ANY, marks.known(asked), sql(" AND {}", asked.among) if asked.among else NOTHING)
        found = moments.sessions(asked, such, start, end, end, channels=True)
        return sql(_ROWS + "begun_sessions WHERE true{}", self._on_channels(), begun_sessions=found.table())

    def _on_channels(self) -> Sql:
        if not self.channels:
            return NOTHING
        names = joined(", ", self.channels)
        return sql(" AND channel_id IN (SELECT channel_id FROM channels WHERE name IN ({}))", names)


def _moment(during: During) -> tuple[str, tuple[Any, ...]]:
    """A stretch of time as what the first or last time is held against."""
    return ("in_the_last", during.values) if during.kind == "last" else ("between", during.values)


INSIGHT = Channels
