"""Channels: people, events or sessions by channel, over time or over the whole period; first and last channel of people.

`users(b, c) = |{p : p has an event on channel c in bucket b}|`, `events(b, c)` counts them. A session is a run of a person's
events with no gap of more than 30 minutes (research/features.md 5.5), of any channel; it counts on the channel and in the
bucket of its first event. The first channel is that of a person's first event ever, in the bucket of that event; the last
channel is that of the newest event so far. Of several events at one instant the message id decides,
in a session its hash, by which sorting measured three times as fast. System events never count.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from user360 import clock, insight, likeness, marks
from user360.errors import InvalidInsight
from user360.insight import NONE, OTHER, VALUE, Breakdown, Insight, Plan, Role, check_scope
from user360.segments.rules import During, EventMoment, EventOccasion, Events, Group, PropertyCondition
from user360.sql import NOTHING, Sql, joined, sql

if TYPE_CHECKING:
    from collections.abc import Mapping

    from user360.insight import Asked
    from user360.segments import Rule
    from user360.segments.rules import Node

GAP: Final = timedelta(minutes=30)
USUAL: Final = 8
BY_CHANNEL: Final = Breakdown("channel")
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
        """Rows of people, places and channels; counted in two levels, so that few groups are named."""
        assert self.breakdown is not None  # noqa: S101 - as it was checked
        rows, timed = self._rows(asked), self.over == "time"
        spot = marks.spot(self, asked) if timed else Sql("0")
        heads = marks.heads(asked, USUAL * (len(insight.buckets(self, asked)) if timed else 1))
        cells = sql("SELECT {} AS spot, channel_id, count(*) AS events, {} FROM ({}) GROUP BY ALL", spot, heads.kept, rows)
        sizes = sql("SELECT channel_id, {} AS people FROM cells GROUP BY channel_id", heads.counted)
        time = sql("{} AS time, ", marks.called(self, Sql("spot"))) if timed else NOTHING
        share = NOTHING if timed else sql(", 100.0 * users / (SELECT {} FROM cells) AS share", heads.counted)
        value = Sql("users" if self.measure == "users" else "events")
        answer = sql(
            "WITH cells AS MATERIALIZED ({}), named AS MATERIALIZED ({}) SELECT {}breakdown, {}::DOUBLE AS value, users{} FROM "
            "(SELECT spot, breakdown, {} AS users, sum(events) AS events FROM cells JOIN named "
            "ON cells.channel_id IS NOT DISTINCT FROM named.channel_id GROUP BY ALL) ORDER BY ALL",
            cells,
            _named(sizes, self.breakdown.most),
            time,
            value,
            share,
            heads.counted,
        )
        whole = marks.heads(asked, USUAL)
        every = sql("SELECT channel_id, {} FROM ({}) GROUP BY ALL", whole.kept, rows)
        sized = sql("SELECT channel_id, {} AS people FROM ({}) GROUP BY channel_id", whole.counted, every)
        relation = sql(
            "WITH named AS MATERIALIZED ({}) SELECT profile_key, {}breakdown FROM ({}) AS found JOIN named "
            "ON found.channel_id IS NOT DISTINCT FROM named.channel_id",
            _named(sized, self.breakdown.most),
            sql("{} AS time, ", marks.bucket(self, asked)) if timed else NOTHING,
            rows,
        )
        return Plan(relation, answer)

    def like(self, cell: Mapping[str, Any], asked: Asked, *, moving: bool) -> Rule | None:
        """Who had an event there then; or whose first or last event was there and then. A session no rule says."""
        value = cell.get("breakdown")
        if value == OTHER or self.measure == "sessions":
            return None
        during = likeness.window(self, cell, asked, moving=moving)
        if self.touch == "any":
            return likeness.rule(self, cell, asked, (likeness.happened(self, Events(None), cell, during),))
        when = EventMoment(Events(None), self.touch, *_moment(during))
        return likeness.rule(self, cell, asked, (when, *self._occasions(value)))

    def _occasions(self, value: str | None) -> tuple[Node, ...]:
        """That the first or last event was on the channel of the mark, and on one of those of the question."""
        assert self.touch != "any"  # noqa: S101 - asked of a first or last channel only
        there: list[Node] = [PropertyCondition("channel", "is", self.channels)] if self.channels else []
        if value == NONE:
            there.append(PropertyCondition("channel", "is_not_known"))
        elif value is not None:
            there.append(PropertyCondition("channel", "is", (value.removeprefix(VALUE),)))
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
        edge = Sql("min" if self.touch == "first" else "max")
        every = sql(
            "{} AND {} AND occurred_at <= {}{}",
            marks.ANY,
            marks.known(asked),
            clock.stored(asked.at),
            sql(" AND {}", asked.among) if asked.among else NOTHING,
        )
        edges = sql("SELECT profile_key, {}(occurred_at) AS occurred_at FROM events WHERE {} GROUP BY profile_key", edge, every)
        single = sql(
            "SELECT profile_key, occurred_at, arg_{}_null(channel_id, message_id) AS channel_id FROM events "
            "JOIN ({}) USING (profile_key, occurred_at) WHERE {} GROUP BY ALL",
            edge,
            edges,
            every,
        )
        start, end = insight.span(self.period, asked.catalog, asked.at)
        inside = sql("occurred_at >= {} AND occurred_at < {}{}", clock.stored(start), clock.stored(end), self._on_channels())
        return sql(_ROWS + "({}) WHERE {}", single, inside)

    def _begun(self, asked: Asked) -> Sql:
        """The first event of each session that begins in the period; what lies half an hour before it may go on into it."""
        start, end = insight.span(self.period, asked.catalog, asked.at)
        looked = sql(
            "{} AND {} AND occurred_at >= {} AND occurred_at < {} AND occurred_at <= {}{}",
            marks.ANY,
            marks.known(asked),
            clock.stored(start - GAP),
            clock.stored(end),
            clock.stored(asked.at),
            sql(" AND {}", asked.among) if asked.among else NOTHING,
        )
        before = sql(
            "SELECT profile_key, occurred_at, channel_id, lag(occurred_at) OVER (PARTITION BY profile_key "
            "ORDER BY occurred_at, message_hash) AS earlier FROM events WHERE {}",
            looked,
        )
        return sql(
            _ROWS + "({}) WHERE occurred_at >= {} AND (earlier IS NULL OR occurred_at - earlier > to_seconds({})){}",
            before,
            clock.stored(start),
            int(GAP.total_seconds()),
            self._on_channels(),
        )

    def _on_channels(self) -> Sql:
        if not self.channels:
            return NOTHING
        names = joined(", ", self.channels)
        return sql(" AND channel_id IN (SELECT channel_id FROM channels WHERE name IN ({}))", names)


def _named(sizes: Sql, most: int) -> Sql:
    """Each channel with its group: its own name for those with the most people, Other, or no value."""
    return sql(
        "SELECT channel_id, CASE WHEN channel_id IS NULL THEN {} WHEN place <= {} THEN {} || name ELSE {} END AS breakdown "
        "FROM (SELECT channel_id, name, row_number() OVER (PARTITION BY channel_id IS NULL ORDER BY people DESC, name) AS place "
        "FROM ({}) LEFT JOIN channels USING (channel_id))",
        NONE,
        most,
        VALUE,
        OTHER,
        sizes,
    )


def _moment(during: During) -> tuple[str, tuple[Any, ...]]:
    """A stretch of time as what the first or last time is held against."""
    return ("in_the_last", during.values) if during.kind == "last" else ("between", during.values)


INSIGHT = Channels
