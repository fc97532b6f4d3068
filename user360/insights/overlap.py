"""Overlap: which channels people use together, each person in exactly one combination.

`U(c) = {p : p has at least n events on channel c in the period}`. A combination S holds `∩ U(c), c ∈ S, without ∪ U(d), d ∉ S`:
the columns of an UpSet chart (Lex and others, 2014). The combinations are disjoint and together everybody with any channel;
those of most people stand apart, the rest is Other. A channel's own size, the people by how many channels they use (three or
more as one) and the whole are told beside them. Events without a channel, and system events, never count.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

import pyarrow as pa

from user360 import likeness, marks
from user360.errors import InvalidInsight
from user360.insight import OTHER, VALUE, Insight, Plan, Role, check_scope
from user360.people import NOBODY, People
from user360.segments.rules import EventCondition, Events, Group, PropertyCondition
from user360.sql import Sql, sql

if TYPE_CHECKING:
    from collections.abc import Mapping

    from user360.insight import Asked
    from user360.segments import Rule
    from user360.segments.rules import During, Node

MOST_SETS: Final = 10
MOST_SIZE: Final = 3
USUAL: Final = 64  # combinations that are held at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap(Insight):
    """Channels used together: with at least so many events on each, the `most` largest combinations apart."""

    kind: ClassVar[str] = "overlap"
    label: ClassVar[str] = "Channels used together"
    definition: ClassVar[str] = (
        "A user uses a channel with at least one event on it in the period, or as many as are asked for. Each user is in exactly "
        "one combination. Events without a channel are left out."
    )
    roles: ClassVar[dict[str, Role]] = {
        "combination": Role("dimension", "Channels"),
        "channel": Role("dimension", "Channel"),
        "size": Role("dimension", "Number of channels"),
        "users": Role("measure", "Users", "users", people=True),
        "combinations": Role("measure", "Combinations"),
    }

    least: int = 1
    most: int = 16

    def check(self, catalog: Any) -> None:
        """Refuse a breakdown, and numbers that cannot be drawn."""
        check_scope(self, catalog)
        if self.breakdown is not None:
            raise InvalidInsight("$.breakdown", "is not asked here.", "Leave it out.")
        if not 1 <= self.least <= 1000:  # noqa: PLR2004 - more events on a channel nobody asks for
            raise InvalidInsight("$.least", "is not from 1 to 1000.")
        if not 1 <= self.most <= 50:  # noqa: PLR2004 - as many as can be told apart
            raise InvalidInsight("$.most", "is not from 1 to 50.")

    def compile(self, asked: Asked) -> Plan:
        """The relation person by person; the answer from one bitmap a channel, split at each channel into in and out."""
        relation = self._relation(asked)
        if not marks.fits(asked, USUAL):
            return Plan(relation, self._counted(relation))
        sets = self._sets(asked)
        combined = _split(sets)
        answer = sql(
            "WITH combined AS MATERIALIZED (SELECT to_json(names)::VARCHAR AS combination, len(names) AS size, users FROM combinations), "
            "ranked AS (SELECT *, row_number() OVER (ORDER BY users DESC, combination) AS rank FROM combined) "
            "SELECT combination, channel, size, users, combinations FROM ("
            "SELECT CASE WHEN rank <= {} THEN combination ELSE {} END AS combination, NULL::VARCHAR AS channel, NULL::BIGINT AS size, "
            "sum(users)::BIGINT AS users, count(*) AS combinations FROM ranked GROUP BY 1 UNION ALL "
            "SELECT NULL, coalesce({} || name, {}), NULL, users, NULL FROM sets UNION ALL "
            "SELECT NULL, NULL, least(size, {}), sum(users)::BIGINT, NULL FROM combined GROUP BY 3 UNION ALL "
            "SELECT NULL, NULL, NULL, sum(users)::BIGINT, count(*) FROM combined HAVING count(*) > 0) "
            "ORDER BY users DESC, combination, channel, size",
            self.most,
            OTHER,
            VALUE,
            OTHER,
            MOST_SIZE,
            combinations=pa.table(
                {
                    "names": pa.array([names for names, _ in combined], pa.list_(pa.string())),
                    "users": pa.array([users for _, users in combined], pa.int64()),
                }
            ),
            sets=pa.table(
                {
                    "name": pa.array([name for name, _ in sets], pa.string()),
                    "users": pa.array([len(heads) for _, heads in sets], pa.int64()),
                }
            ),
        )
        return Plan(relation, answer)

    def _sets(self, asked: Asked) -> list[tuple[str | None, People]]:
        """Each channel's name and people, in the order of names; those beside the largest have none and stand last, as one."""
        assert asked.read is not None  # noqa: S101 - whoever compiles this gives it
        bitmaps = sql(
            "SELECT channel_id, {}::BLOB AS heads FROM ({}) WHERE {} GROUP BY ALL",
            marks.crowd(asked),
            self._rows(asked),
            marks.known(asked),
        )
        packed = {row["channel_id"]: People.packed(row["heads"]) for row in asked.read(bitmaps).to_pylist()}
        sizes = pa.table({"channel_id": pa.array(list(packed), pa.uint16()), "people": [len(each) for each in packed.values()]})
        named = asked.read(sql("SELECT * FROM ({}) ORDER BY place", _named(sql("SELECT * FROM sizes", sizes=sizes))))
        places: dict[int, tuple[str | None, People]] = {}
        for row in named.to_pylist():
            before = places.get(row["place"], (None, NOBODY))[1]
            places[row["place"]] = row["name"], before | packed[row["channel_id"]]
        return list(places.values())

    def like(self, cell: Mapping[str, Any], asked: Asked, *, moving: bool) -> Rule | None:
        """Who uses these channels and no other. More than one event on each, smaller channels and numbers no rule says shortly."""
        during = likeness.window(self, {}, asked, moving=moving)
        combination, channel = cell.get("combination"), cell.get("channel")
        if cell.get("size") is not None or OTHER in (combination, channel):
            return None
        if combination is not None:
            inside = _channels(str(combination))
            if self.least > 1 or None in inside:
                return None
            names = [str(each) for each in inside]
            beside = self._used(PropertyCondition("channel", "is_not", tuple(names), leave_out=True), during)
            used = [self._used(PropertyCondition("channel", "is", (each,)), during) for each in names]
            return likeness.rule(self, {}, asked, (*used, Group("none", (beside,))))
        if channel is None:
            known = PropertyCondition("channel", "is_known")
            return likeness.rule(self, {}, asked, (self._used(known, during),)) if self.least == 1 else None
        return likeness.rule(
            self, {}, asked, (self._used(PropertyCondition("channel", "is", (channel.removeprefix(VALUE),)), during),)
        )

    def _used(self, where: Node, during: During) -> EventCondition:
        among = (PropertyCondition("channel", "is", self.channels),) if self.channels else ()
        return likeness.often(Events(None, Group("all", (where, *among)), during), self.least)

    def _rows(self, asked: Asked) -> Sql:
        """Who uses which channel: profile_key, channel_id; more than once each where one event is enough."""
        where = sql("{} AND {} AND {} AND channel_id IS NOT NULL", marks.ANY, marks.known(asked), marks.within(self, asked))
        if self.least == 1:
            return sql("SELECT profile_key, channel_id FROM events WHERE {}", where)
        return sql("SELECT profile_key, channel_id FROM events WHERE {} GROUP BY ALL HAVING count(*) >= {}", where, self.least)

    def _relation(self, asked: Asked) -> Sql:
        """A mask of channels for each person; what a mask is called is worked out once for each mask."""
        heads, rows = marks.heads(asked, USUAL), self._rows(asked)
        sizes = sql(
            "SELECT channel_id, {} AS people FROM (SELECT channel_id, {} FROM ({}) GROUP BY ALL) GROUP BY ALL",
            heads.counted,
            heads.kept,
            rows,
        )
        return sql(
            "WITH named AS MATERIALIZED ({}), used AS (SELECT profile_key, name, place FROM ({}) AS rows JOIN named USING (channel_id)), "
            "masked AS MATERIALIZED (SELECT profile_key, bit_or(1::BIGINT << place) AS mask FROM used GROUP BY profile_key), "
            "whole AS MATERIALIZED (SELECT mask, heads, to_json(list(name ORDER BY place))::VARCHAR AS combination, count(*) AS size FROM "
            "(SELECT mask, count(*) AS heads FROM masked GROUP BY mask) JOIN (SELECT DISTINCT name, place FROM named) "
            "ON mask & (1::BIGINT << place) <> 0 GROUP BY mask, heads), "
            "ranked AS (SELECT *, row_number() OVER (ORDER BY heads DESC, combination) AS rank FROM whole) "
            "SELECT profile_key, CASE WHEN rank <= {} THEN combination ELSE {} END AS combination, NULL::VARCHAR AS channel, "
            "NULL::BIGINT AS size, combination AS exact FROM masked JOIN ranked USING (mask) UNION ALL "
            "SELECT profile_key, NULL, coalesce({} || name, {}), NULL, NULL FROM used UNION ALL "
            "SELECT profile_key, NULL, NULL, least(size, {}), NULL FROM masked JOIN whole USING (mask) UNION ALL "
            "SELECT profile_key, NULL, NULL, NULL, combination FROM masked JOIN whole USING (mask)",
            _named(sizes),
            rows,
            self.most,
            OTHER,
            VALUE,
            OTHER,
            MOST_SIZE,
        )

    def _counted(self, relation: Sql) -> Sql:
        """The answer where bitmaps do not fit."""
        return sql(
            "SELECT combination, channel, size, count(DISTINCT profile_key) AS users, "
            "CASE WHEN channel IS NULL AND size IS NULL THEN count(DISTINCT exact) END AS combinations "
            "FROM ({}) GROUP BY combination, channel, size ORDER BY users DESC, combination, channel, size",
            relation,
        )


def _named(sizes: Sql) -> Sql:
    """Each channel with its name, in the order of names; those beside the largest have none and stand last, as one."""
    return sql(
        "SELECT channel_id, CASE WHEN rank <= {} THEN name END AS name, "
        "dense_rank() OVER (ORDER BY rank > {}, CASE WHEN rank <= {} THEN name END) AS place FROM (SELECT channel_id, name, "
        "row_number() OVER (ORDER BY people DESC, name) AS rank FROM ({}) JOIN channels USING (channel_id))",
        MOST_SETS,
        MOST_SETS,
        MOST_SETS,
        sizes,
    )


def _split(sets: list[tuple[str | None, People]]) -> list[tuple[tuple[str | None, ...], int]]:
    """The combinations of sets anybody is in, and how many are: everybody is parted at one set after the other, in ten times less time than in the database."""
    everyone = NOBODY
    for _, heads in sets:
        everyone |= heads
    found: list[tuple[tuple[str | None, ...], People, int]] = [((), everyone, len(everyone))]
    for name, heads in sets:
        parted = []
        for names, some, size in found:
            inside = some & heads
            shared = len(inside)
            parted += [((*names, name), inside, shared)] if shared else []
            parted += [(names, some - heads, size - shared)] if shared < size else []
        found = parted
    return [(names, size) for names, _, size in found if size]


def _channels(combination: str) -> list[str | None]:
    """The channels of a combination; None stands for the smaller ones together."""
    try:
        found = json.loads(combination)
    except ValueError:
        return [None]
    return found if isinstance(found, list) and found else [None]


INSIGHT = Overlap
