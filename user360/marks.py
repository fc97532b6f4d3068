"""The columns that insights share: the time of an event as a place on the axis, its channel, a breakdown with Other.

Without this room each insight would cut days by its own clock. What is counted does not live here (`insights`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from user360 import clock, events, insight, people, segments
from user360.errors import InvalidInsight, InvalidRule
from user360.events import FIRST_OF_OTHERS
from user360.insight import NONE, OTHER, VALUE
from user360.segments import event_values
from user360.segments.rules import EventCondition, Events, Group
from user360.sql import NOTHING, Sql, joined, name, sql

if TYPE_CHECKING:
    from collections.abc import Callable

    from user360.insight import Asked, Breakdown, Insight
    from user360.ordering import Array
    from user360.segments import Catalog

ANY: Final = sql("event_id >= {}", FIRST_OF_OTHERS)
GROUP: Final = Sql("breakdown")
ANYTHING: Final = Events(None)
_USUAL_CHANNELS: Final = 8
MOST_BITMAP_BYTES: Final = 320 * 2**20
_DISTINCT: Final = Sql("count(DISTINCT profile_key)")
_ROOM_OF_A_ROW: Final = 400  # so much room in bitmaps is made and counted in the time one event takes to be told from others
_MOST_VALUES: Final = 200
_MOST_STALE: Final = 31
_MET: Final = Sql(  # materialized, or each pair of bitmaps would be counted for the condition and again for the answer
    "met AS MATERIALIZED (SELECT * EXCLUDE (heads, crowd), bit_count(heads & crowd) AS users FROM places, crowds) "
    "SELECT * FROM met WHERE users > 0"
)


def checked(of: Events, catalog: Catalog, path: str) -> Events:
    """Events a question speaks of in canonical form, or a refusal at their path."""
    try:
        rule = segments.check(Group("all", (EventCondition(of),)), catalog)
    except InvalidRule as fault:
        raise InvalidInsight(path + fault.path.removeprefix("$.conditions[0]"), fault.reason, fault.hint) from None
    (found,) = rule.conditions
    assert isinstance(found, EventCondition)  # noqa: S101 - as it was given
    return found.of


def no_breakdown(question: Insight) -> None:
    """Refuse a breakdown where the marks are groups already."""
    if question.breakdown is not None:
        raise InvalidInsight("$.breakdown", f"does not go with {question.label.lower()}.", "Filter the people instead.")


def within(question: Insight, asked: Asked, start: datetime | None = None, end: datetime | None = None) -> Sql:
    """The condition of the events a question looks at: of its period or that span, up to now, of its people and channels."""
    begin, until = insight.span(question.period, asked.catalog, asked.at)
    edges = (clock.stored(start or begin), clock.stored(end or until), clock.stored(asked.at))
    parts = [sql("occurred_at >= {} AND occurred_at < {} AND occurred_at <= {}", *edges)]
    if question.channels:
        names = joined(", ", question.channels)
        parts.append(sql("channel_id IN (SELECT channel_id FROM channels WHERE name IN ({}))", names))
    parts += [each for each in (asked.among, asked.others) if each]
    return joined(" AND ", parts)


def bucket(question: Insight, asked: Asked) -> Sql:
    """The name of the place of the time axis an event falls on, as text."""
    return called(question, spot(question, asked))


def called(question: Insight, place: Sql) -> Sql:
    """The name of a place of the time axis that `spot` made: naming after grouping names few places instead of all events."""
    return sql("strftime({}, '%Y-%m-%dT%H:%MZ')" if question.granularity == "hour" else "({})::VARCHAR", place)


def spot(question: Insight, asked: Asked, first: datetime | None = None, until: datetime | None = None) -> Sql:
    """The place of the time axis an event of the period, or of that span, falls on: the first day of its unit; of hours the instant."""
    begin, over = insight.span(question.period, asked.catalog, asked.at)
    start, end = first or begin, until or over
    unit = question.granularity
    if unit == "hour":
        shift = events.shift(asked.catalog.zone, start) % timedelta(hours=1)
        hour = Sql("date_trunc('hour', occurred_at)")
        return sql("date_trunc('hour', {}) - {}", events.ahead(shift), _interval(shift)) if shift else hour
    day = sql("({})::DATE", local(asked, start, end))
    if unit == "week":
        # numbers of days: adding intervals made the whole question half as long again
        return sql("{} - ((isodow({}) + 6 - {}) % 7)::INTEGER", day, day, Sql(str(asked.catalog.week_starts)))
    if unit == "month":
        return sql("date_trunc('month', {})::DATE", day)
    return day


def nth(question: Insight, place: Sql, first: str) -> Sql:
    """How many places of the time axis after the one of that name a place lies that `spot` made."""
    if question.granularity == "hour":
        return sql("date_diff('hour', {}, {})", clock.stored(datetime.fromisoformat(first)), place)
    if question.granularity == "month":
        return sql("date_diff('month', {}, {})", date.fromisoformat(first), place)
    days = sql("({} - {})", place, date.fromisoformat(first))
    return sql("{} // 7", days) if question.granularity == "week" else days


def local(asked: Asked, start: datetime, end: datetime) -> Sql:
    """The time on the wall of an event of that span, in the workspace's zone."""
    return events.local(asked.catalog.zone, start, end)


@dataclass(frozen=True, slots=True)
class Told:
    """Days of a question that were counted before: day, number (of an event or channel), events, users, by what they are of.

    The others, so many, are asked with `others`.
    """

    days: Callable[[int], Sql]
    others: Asked
    left: int

    def beside(self, kind: int, columns: Sql, asking: Callable[[Asked], Sql], such: Sql = NOTHING) -> Sql:
        """These columns of days that were counted before, of such rows, and what is asked of the others."""
        counted = sql("SELECT {} FROM ({}){}", columns, self.days(kind), sql(" WHERE {}", such) if such else NOTHING)
        return joined(" UNION ALL ", [counted, asking(self.others)] if self.left else [counted])


def told(question: Insight, asked: Asked) -> Told | None:
    """What tallies tell of a question by days to everybody on every channel; None where it asks for something else."""
    zone, held = asked.catalog.zone, asked.tallies
    if held is None or held.zone_name != zone.key or asked.among or question.channels or question.granularity != "day":
        return None
    start, end = insight.span(question.period, asked.catalog, asked.at)
    first, until = clock.calendar_day(start, zone), clock.calendar_day(min(end, asked.at), zone)
    stale = sorted(each for each in held.stale if first <= each < until)
    if until <= first or len(stale) > _MOST_STALE:
        return None
    edges = [(clock.start_of_day(each, zone), clock.start_of_day(each + timedelta(days=1), zone)) for each in stale]
    over = clock.start_of_day(until, zone)
    spans = [*edges, (over, end)] if over < end else edges
    others = [sql("occurred_at >= {} AND occurred_at < {}", *map(clock.stored, each)) for each in spans]
    left = len(stale) + (clock.calendar_day(end, zone) - until).days
    return Told(lambda kind: held.of(kind, first, until), replace(asked, others=_any_of(others)), left)


def _any_of(conditions: list[Sql]) -> Sql:
    return sql("({})", joined(" OR ", conditions)) if conditions else NOTHING


@dataclass(frozen=True, slots=True)
class Heads:
    """How people are counted once in two levels: `kept` is a column `heads` of the first, `counted` a figure of the second.

    The first level groups by all its other columns.
    """

    kept: Sql
    counted: Sql


def heads(asked: Asked, groups: int) -> Heads:
    """Counting by bitmaps, which is exact and measured twice as fast, as long as so many groups of them fit into memory."""
    if fits(asked, groups):
        return Heads(sql("{} AS heads", crowd(asked)), Sql("coalesce(bit_count(bit_or(heads)), 0)"))
    return Heads(Sql("profile_key AS heads"), Sql("count(DISTINCT heads)"))


def crowd(asked: Asked) -> Sql:
    """The people of a group as one bitmap."""
    return sql("bitstring_agg(profile_key, 0, {})", Sql(str(asked.room - 1)))


def counted(asked: Asked, groups: int, rows: Sql | None = None, *, of: int = 1) -> Sql:
    """The people of each of so many groups, counted in one level; `of` as many questions that are asked together.

    Making and counting bitmaps takes the same time however few people are in them: of few events, those under the condition
    `rows`, distinct people are counted sooner.
    """
    if not fits(asked, groups * of):
        return _DISTINCT
    if rows is not None and asked.read is not None:
        few = asked.read(sql("SELECT count(*) AS n FROM events WHERE {}", rows))["n"][0].as_py()
        if few < groups * asked.room // _ROOM_OF_A_ROW:
            return _DISTINCT
    return sql("bit_count({})", crowd(asked))


def inside(asked: Asked, heads: Sql) -> Sql:
    """The condition that a person is in a bitmap; who comes while a question is asked is not yet in any."""
    return people.inside(heads, asked.room)


def fits(asked: Asked, groups: int) -> bool:
    """Whether bitmaps of so many groups fit into memory."""
    return bool(asked.room) and groups * asked.room // 8 <= MOST_BITMAP_BYTES


def group(rank: Sql, most: int, named: Sql, *, unknown: Sql | None = None) -> Sql:
    """A group as marks spell it: `=value` up to that rank, `none` where it is unknown, `other` for the rest."""
    first = sql("WHEN {} THEN {} ", unknown, NONE) if unknown is not None else NOTHING
    return sql("CASE {}WHEN {} <= {} THEN {} || {} ELSE {} END", first, rank, most, VALUE, named, OTHER)


def known(asked: Asked) -> Sql:
    """The condition that a person's key fits into the bitmaps: who comes while a question is asked is not yet counted."""
    return sql("profile_key < {}", asked.room) if asked.room else Sql("true")


def broken(rows: Sql, breakdown: Breakdown | None) -> Sql:
    """The rows with a column `breakdown`: `=value` for the largest groups, `none` for no value, `other` for the rest.

    `rows` has a column `raw` with the group as text, where there is a breakdown.
    """
    if breakdown is None:
        return rows
    largest = sql(
        "SELECT raw FROM rows WHERE raw IS NOT NULL GROUP BY raw ORDER BY count(DISTINCT profile_key) DESC, raw LIMIT {}",
        breakdown.most,
    )
    return sql(
        "WITH rows AS MATERIALIZED ({}) SELECT * EXCLUDE raw, CASE WHEN raw IS NULL THEN {} "
        "WHEN raw IN ({}) THEN {} || raw ELSE {} END AS breakdown FROM rows",
        rows,
        NONE,
        largest,
        VALUE,
        OTHER,
    )


def raw(breakdown: Breakdown | None, asked: Asked) -> tuple[Sql, Sql]:
    """The column `raw` of a breakdown over events, with a comma before it, and what has to be joined for it."""
    if breakdown is None:
        return NOTHING, NOTHING
    if breakdown.by == "channel":
        return Sql(", channels.name AS raw"), Sql(" LEFT JOIN channels USING (channel_id)")
    if breakdown.by == "event_property":
        return sql(", ({})::VARCHAR AS raw", event_values.plain(breakdown.name)), NOTHING
    found = asked.catalog.properties[breakdown.name]
    if found.aside:
        held = Sql(
            " LEFT JOIN (SELECT profile_key, tags.name AS held FROM profile_tags JOIN tags USING (tag_id)) AS owned USING (profile_key)"
        )
    elif found.datatype.name == "list":
        held = sql(
            " LEFT JOIN (SELECT profile_key, unnest({}) AS held FROM profiles) AS owned USING (profile_key)", name(found.name)
        )
    else:
        held = sql(
            " LEFT JOIN (SELECT profile_key, {}::VARCHAR AS held FROM profiles) AS owned USING (profile_key)", name(found.name)
        )
    return Sql(", held AS raw"), held


def of_channels(sizes: Sql, most: int) -> Sql:
    """Each channel with its group: its own name for those with the most people, Other, or no value. `sizes`: channel_id, people."""
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


def stand_apart(asked: Asked, most: int) -> bool:
    """Whether every channel is told from every other: nothing has to be ranked."""
    return 0 < asked.channels <= most


def by_channel(
    asked: Asked, most: int, cells: Callable[[Sql], Sql], keys: str, added: tuple[str, ...] = (), *, together: bool = False
) -> Sql:
    """The users of each place and channel, with the columns `keys` of places and sums of those `added`: keys, breakdown, added, users.

    `cells` answers the rows by place and channel_id with the column of people it is given. Where every channel stands apart
    the bitmaps are counted as soon as they are made; else they are kept, ranked and put together. `together`: with the users of
    all places and channels as `whole` beside.
    """
    if stand_apart(asked, most) and not together:
        return sql(
            "SELECT * EXCLUDE (channel_id, name), coalesce({} || name, {}) AS breakdown FROM ({}) LEFT JOIN channels USING (channel_id)",
            VALUE,
            NONE,
            cells(sql("bit_count({}) AS users", crowd(asked))),
        )
    sizes = Sql("SELECT channel_id, bit_count(bit_or(heads)) AS people FROM cells GROUP BY channel_id")
    return sql(
        "WITH cells AS MATERIALIZED ({}) SELECT {}, breakdown{}, bit_count(bit_or(heads)) AS users{} FROM cells "
        "JOIN ({}) AS named ON cells.channel_id IS NOT DISTINCT FROM named.channel_id GROUP BY {}",
        cells(sql("{} AS heads", crowd(asked))),
        Sql(keys),
        Sql("".join(f", sum({each}) AS {each}" for each in added)),
        Sql(", (SELECT bit_count(bit_or(heads)) FROM cells) AS whole" if together else ""),
        of_channels(sizes, most),
        Sql(f"{keys}, breakdown"),
    )


def channels_of(asked: Asked) -> int:
    """How many channels are told apart at a time, events without one too."""
    return asked.channels + 1 if asked.channels else _USUAL_CHANNELS


def of_people(breakdown: Breakdown, asked: Asked, heads: Sql) -> Sql:
    """Everybody in a bitmap with their group by a property: profile_key, breakdown. `heads` asks for the bitmap.

    The groups are those of `broken`, found among people instead of among their events.
    """
    found = asked.catalog.properties[breakdown.name]
    if found.aside:
        owned = Sql(
            "SELECT profile_key, held AS raw FROM profiles LEFT JOIN "
            "(SELECT profile_key, tags.name AS held FROM profile_tags JOIN tags USING (tag_id)) USING (profile_key)"
        )
    elif found.datatype.name == "list":
        owned = sql(
            "SELECT profile_key, held AS raw FROM profiles LEFT JOIN "
            "(SELECT profile_key, unnest(list_distinct({})) AS held FROM profiles) USING (profile_key)",
            name(found.name),
        )
    else:
        owned = sql("SELECT profile_key, {}::VARCHAR AS raw FROM profiles", name(found.name))
    return sql(
        "WITH here AS MATERIALIZED (SELECT profile_key, raw FROM ({}) WHERE {}), largest AS (SELECT raw FROM here WHERE raw IS NOT NULL "
        "GROUP BY raw ORDER BY count(*) DESC, raw LIMIT {}) SELECT {}profile_key, CASE WHEN raw IS NULL THEN {} "
        "WHEN raw IN (FROM largest) THEN {} || raw ELSE {} END AS breakdown FROM here",
        owned,
        inside(asked, sql("({})", heads)),
        breakdown.most,
        Sql("DISTINCT " if found.aside or found.datatype.name == "list" else ""),
        NONE,
        VALUE,
        OTHER,
    )


def crossed(asked: Asked, breakdown: Breakdown, places: Sql) -> Sql:
    """The users of each place and group by a property, as `users` beside the columns of `places`, which has a bitmap `heads`.

    Each side is one bitmap and a cell is what two of them share: joining people to their events took five times as long.
    """
    if _few_values(asked, breakdown):
        return _of_values(asked, breakdown, places)
    return sql(
        "WITH places AS MATERIALIZED ({}), crowds AS MATERIALIZED (SELECT breakdown, {} AS crowd FROM ({}) GROUP BY breakdown), {}",
        places,
        crowd(asked),
        of_people(breakdown, asked, Sql("SELECT bit_or(heads) FROM places")),
        _MET,
    )


def _few_values(asked: Asked, breakdown: Breakdown) -> bool:
    """Whether a property has so few different values that each of them may have a bitmap."""
    found = asked.catalog.properties[breakdown.name]
    if asked.read is None or found.aside or found.datatype.name == "list" or not fits(asked, 2 * _MOST_VALUES):
        return False
    values = sql("SELECT DISTINCT {} FROM profiles LIMIT {}", name(found.name), _MOST_VALUES + 1)
    return bool(asked.read(sql("SELECT count(*) AS n FROM ({})", values))["n"][0].as_py() <= _MOST_VALUES)


def _of_values(asked: Asked, breakdown: Breakdown, places: Sql) -> Sql:
    """The same from a bitmap for each value: nobody has to be looked up among those who are there."""
    return sql(
        "WITH places AS MATERIALIZED ({}), sized AS MATERIALIZED (SELECT {}::VARCHAR AS raw, {} AS crowd FROM profiles WHERE {} GROUP BY raw), "
        "ranked AS (SELECT raw, crowd, row_number() OVER (PARTITION BY raw IS NULL ORDER BY bit_count(crowd & here) DESC, raw) AS rank "
        "FROM sized, (SELECT bit_or(heads) AS here FROM places)), crowds AS MATERIALIZED (SELECT {} AS breakdown, bit_or(crowd) AS crowd "
        "FROM ranked GROUP BY breakdown), {}",
        places,
        name(breakdown.name),
        crowd(asked),
        known(asked),
        group(Sql("rank"), breakdown.most, Sql("raw"), unknown=Sql("raw IS NULL")),
        _MET,
    )


def wilson(share: Array, whole: Array) -> dict[str, pa.Array]:
    """The interval of Wilson (1927) around shares of so many, as columns low and high: with z = 1.96 it holds the true share 95 times of 100."""
    with np.errstate(divide="ignore", invalid="ignore"):
        root = 1.96 * np.sqrt(share * (1 - share) / whole + 3.8416 / (4 * whole * whole))
        middle, below = share + 3.8416 / (2 * whole), 1 + 3.8416 / whole
        low, high = np.maximum((middle - root) / below, 0), np.minimum((middle + root) / below, 1)
    return {"low": pa.array(low, from_pandas=True), "high": pa.array(high, from_pandas=True)}


def _interval(shift: timedelta) -> Sql:
    return sql("to_minutes({})", int(shift.total_seconds() // 60))
