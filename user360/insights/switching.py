"""Switching: from which channel people go on to which, and how long it takes them.

The events of a person on known channels, in order of time (at one instant by the number of the channel), without system
events; a switch is an event on another channel than the one before, at most `hours` later if that is asked. Of a pair of
channels `users = |{p : p made such a switch in the period}|`, `switches` counts them, `seconds` is the median time between the
two events. The channels of most people stand apart, the smaller ones are Other, among which nobody switches. With an
empty target or origin: all switches from or to a channel.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
import pyarrow as pa

from user360 import likeness, marks, ordering
from user360.errors import InvalidInsight
from user360.insight import OTHER, TOP, VALUE, Asked, Insight, Plan, Role, check_scope
from user360.segments.rules import Events, Group, PropertyCondition, Sequence
from user360.sql import Sql, sql

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from user360.ordering import Slice
    from user360.segments import Rule

_MOST_CHANNELS: Final = 65_536  # their numbers are of 16 bits


@dataclass(frozen=True, slots=True, kw_only=True)
class Switching(Insight):
    """From channel to next channel."""

    kind: ClassVar[str] = "switching"
    label: ClassVar[str] = "Switching channels"
    definition: ClassVar[str] = (
        "A switch is an event on another channel than the event before it of the same user. Events without a channel and system "
        "events are left out."
    )
    roles: ClassVar[dict[str, Role]] = {
        "origin": Role("dimension", "From"),
        "target": Role("dimension", "To"),
        "users": Role("measure", "Users", "users", people=True),
        "switches": Role("measure", "Switches"),
        "seconds": Role("measure", "Median time between", "seconds"),
    }

    hours: int = 0
    most: int = TOP

    def check(self, catalog: Any) -> None:
        """Refuse a breakdown, and numbers out of range."""
        check_scope(self, catalog)
        if self.breakdown is not None:
            raise InvalidInsight("$.breakdown", "is not asked here.", "Leave it out.")
        if not 0 <= self.hours <= 24 * 366:
            raise InvalidInsight("$.hours", "is not from 0 (any time) to 8784.")
        if not 1 <= self.most <= 50:  # noqa: PLR2004 - as many as can be told apart
            raise InvalidInsight("$.most", "is not from 1 to 50.")

    def compile(self, asked: Asked) -> Plan:
        """The moves of everybody, found in one pass over their events in order."""
        moves, names = self._moves(asked)
        columns = {each: pa.DictionaryArray.from_arrays(moves[each], names) for each in ("origin", "target")}
        table = pa.table({"profile_key": moves["profile_key"], **columns})
        relation = sql(
            "SELECT profile_key, unnest([origin, origin, NULL, NULL]) AS origin, unnest([target, NULL, target, NULL]) AS target FROM moves",
            moves=table,
        )
        return Plan(relation, sql("SELECT * FROM switches ORDER BY users DESC, origin, target", switches=_counted(moves, names)))

    def like(self, cell: Mapping[str, Any], asked: Asked, *, moving: bool) -> Rule | None:
        """Who went on from a channel to any other, or came to one: whoever is on another one later left it in between.

        No rule says “the very next event”, so of two channels none says who went from the one straight to the other; and a rule
        wants each event later than the one before, where of two at one instant the numbers of channels decide here.
        """
        origin, target = cell.get("origin"), cell.get("target")
        if (origin is None) == (target is None):
            return None
        if OTHER in {origin, target}:
            return None
        during = likeness.window(self, {}, asked, moving=moving)
        here = PropertyCondition("channel", "is", (str(origin or target).removeprefix(VALUE),))
        there = PropertyCondition("channel", "is_not", here.values, leave_out=True)
        steps = (here, there) if target is None else (there, here)
        within = (self.hours, "hour") if self.hours else None
        of = (likeness.happened(self, Events(None, Group("all", (each,))), {}, during).of for each in steps)
        return likeness.rule(self, cell, asked, (Sequence(tuple(of), within),))

    def _where(self, asked: Asked) -> Sql:
        """The condition of the events that count."""
        return sql("{} AND {} AND channel_id IS NOT NULL", marks.ANY, marks.within(self, asked))

    def _moves(self, asked: Asked) -> tuple[dict[str, NDArray[Any]], list[str]]:
        """profile_key, origin, target (places among the names of groups) and seconds of each switch, person by person."""
        assert asked.read is not None  # noqa: S101 - whoever compiles this gives it
        most = asked.read(sql("SELECT coalesce(max(channel_id), 0) AS most FROM channels"))["most"][0].as_py()
        where = sql("{} AND channel_id <= {}", self._where(asked), most)
        packing = ordering.packing(self, asked, most)
        read = asked.read(sql("SELECT {} FROM events WHERE {}", packing.columns(Sql("channel_id")), where))
        group, names = self._groups(where, asked)
        slices = packing.parted(read["part"].to_numpy(), read["number"].to_numpy())
        parts = ordering.at_once(lambda each: _moved(each, group, self.hours * 3_600_000_000), slices)
        return {column: np.concatenate([each[column] for each in parts]) for column in parts[0]}, names

    def _groups(self, where: Sql, asked: Asked) -> tuple[NDArray[np.int8], list[str]]:
        """For each channel the place of its group, and the names of groups: those of most people stand apart."""
        assert asked.read is not None  # noqa: S101 - whoever compiles this gives it
        known = sql("{} AND {}", marks.known(asked), where)
        sizes = sql("SELECT channel_id, {} AS people FROM events WHERE {} GROUP BY 1", marks.counted(asked, self.most), known)
        if marks.stand_apart(asked, self.most):
            sizes = Sql("SELECT channel_id, 0 AS people FROM channels")
        ranked = sql("SELECT channel_id, name FROM ({}) JOIN channels USING (channel_id) ORDER BY people DESC, name", sizes)
        first = asked.read(ranked).slice(0, self.most)
        names = [VALUE + each for each in first["name"].to_pylist()] + [OTHER]
        group = np.full(_MOST_CHANNELS, len(names) - 1, dtype=np.int8)
        group[first["channel_id"].to_numpy()] = range(len(names) - 1)
        return group, names


def _moved(events: Slice, group: NDArray[np.int8], within: int) -> dict[str, NDArray[Any]]:
    """The switches among some people's events, within so many microseconds if any are given."""
    events = events.in_order()
    who, channel = events.who(), events.beside().astype(np.uint16)
    first = np.flatnonzero((channel[1:] != channel[:-1]) & (who[1:] == who[:-1]))
    took = events.when(first + 1) - events.when(first)
    origin, target = group[channel[first]], group[channel[first + 1]]
    kept = origin != target
    if within:
        kept &= took <= within
    return {"profile_key": who[first[kept]], "origin": origin[kept], "target": target[kept], "seconds": took[kept] / 1e6}


def _counted(moves: Mapping[str, NDArray[Any]], names: list[str]) -> pa.Table:
    """Users, switches and median seconds of each pair of groups, of all from and all to a group, and of everything."""
    many, room = len(names), int(moves["profile_key"].max(initial=0)) + 1
    pair = moves["origin"].astype(np.int16) * many + moves["target"]
    order = np.argsort(pair, kind="stable")
    who, seconds = moves["profile_key"][order], moves["seconds"][order]
    ends = np.cumsum(np.bincount(pair, minlength=many * many)).reshape(many, many)
    starts = ends - np.bincount(pair, minlength=many * many).reshape(many, many)
    rows: list[dict[str, Any]] = []
    for one, other in product([*range(many), None], repeat=2):
        of = (slice(None) if one is None else slice(one, one + 1), slice(None) if other is None else slice(other, other + 1))
        parts = [slice(*each) for each in zip(starts[of].flat, ends[of].flat, strict=True) if each[0] < each[1]]
        if parts:
            people = np.zeros(room, dtype=np.bool_)
            for each in parts:
                people[who[each]] = True
            took = np.concatenate([seconds[each] for each in parts])
            rows.append(
                {
                    "origin": None if one is None else names[one],
                    "target": None if other is None else names[other],
                    "users": int(np.count_nonzero(people)),
                    "switches": took.size,
                    "seconds": _median(took),
                }
            )
    columns = [("origin", pa.string()), ("target", pa.string()), ("users", pa.int64()), ("switches", pa.int64())]
    return pa.Table.from_pylist(rows, pa.schema([*columns, ("seconds", pa.float64())]))


def _median(numbers: NDArray[np.float64]) -> float:
    """The middle one, or the mean of both, found by parting once: asking for two places took three times as long."""
    half = numbers.size // 2
    parted = np.partition(numbers, half)
    return float(parted[half] if numbers.size % 2 else (parted[:half].max() + parted[half]) / 2)


INSIGHT = Switching
