"""Attempts at the steps of a funnel: from the events of a period to the one attempt that counts for each person.

Every order has the shape that measured fastest: *ordered* looks from step to step for the nearest later event, keeping only
those who went on; *strict* looks at the events right after; *any* counts within a moving frame. All read the events once.
What an attempt is stands in `insights/funnel`, which makes marks of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal

from user360 import clock, insight, marks
from user360.events import FIRST_OF_OTHERS
from user360.segments import event_leaves, event_values
from user360.segments.frames import Frame
from user360.segments.rules import Events  # noqa: TC001 - the reader of questions asks for the types of fields
from user360.sql import NOTHING, Sql, joined, name, sql

if TYPE_CHECKING:
    from user360.insight import Asked, Insight

_INSTANT: Final = Sql("295147905179352825856::HUGEINT")  # 2^68: an instant, above four bits of step and the hash of the message
_STEP: Final = Sql("18446744073709551616::HUGEINT")  # 2^64


@dataclass(frozen=True, slots=True)
class Within:
    """How long an attempt may take: fixed lengths, a week being 7 days of 24 hours."""

    amount: int = field(default=7, metadata={"key": "value"})
    unit: Literal["minute", "hour", "day", "week"] = "day"

    @property
    def length(self) -> timedelta:
        """As a length of time."""
        return self.amount * timedelta(**{f"{self.unit}s": 1})


ONE_WEEK: Final = Within()


@dataclass(frozen=True, slots=True)
class Excluded:
    """Events that must not happen after the one step (from 1) and before the other; `before` 0 is the last step."""

    of: Events
    after: int = 1
    before: int = 0


@dataclass(frozen=True, slots=True)
class Way:
    """What is attempted: the steps, in which order, within which time. `by_time`: apart for each place of the time axis."""

    question: Insight
    steps: tuple[Events, ...]
    order: Literal["ordered", "strict", "any"]
    within: Within
    excluded: tuple[Excluded, ...]
    same: tuple[str, ...]
    by_time: bool


def best(way: Way, asked: Asked) -> Sql:
    """The attempt that counts for each person: level, moments of its steps, open, and the columns that name its marks."""
    levels = {"ordered": _ordered, "strict": _strict, "any": _any}[way.order](way, asked)
    of = Sql("profile_key, time" if way.by_time else "profile_key")
    raw = Sql(", best.raw AS raw" if _raw(way, asked)[0] else "")
    found = sql(
        "SELECT {}, max(level) AS level, arg_max(best, level) AS best, max(newest) AS newest FROM ({}) GROUP BY {}",
        of,
        levels,
        of,
    )
    young = sql("newest + {} > {}", _length(way), clock.stored(asked.at))
    return sql(
        "SELECT {}, level, best.moments AS moments, level < {} AND {} AS open{} FROM ({})",
        of,
        len(way.steps),
        young,
        raw,
        found,
    )


# -- events -------------------------------------------------------------------------------------


def _rows(way: Way, asked: Asked, *, everything: bool = False) -> Sql:
    """The events of any step and the excluded ones; a bit of `mask` for each step, above them one for each excluded event.

    `place` puts the events of a person in order. With `everything` all other events of who began are there too.
    """
    start, end = insight.span(way.question.period, asked.catalog, asked.at)
    frame = Frame(asked.catalog, asked.at)
    every = [marks.checked(each, asked.catalog, "$") for each in (*way.steps, *(each.of for each in way.excluded))]
    such = [event_leaves.matching(each, frame) for each in every]
    bits = [sql("CASE WHEN {} THEN {} ELSE 0 END", each, 1 << place) for place, each in enumerate(such)]
    raw, beside = _raw(way, asked)
    within = marks.within(way.question, asked, start, end + way.within.length)
    if everything:
        began = sql("SELECT profile_key FROM events WHERE {} AND {}", marks.within(way.question, asked), such[0])
        narrowed = sql("{} AND {} AND profile_key IN ({})", within, marks.ANY, began)
    elif all(each.event is not None for each in every):
        names = joined(", ", sorted({asked.catalog.events[each.event] for each in every if each.event is not None}))
        narrowed = sql("{} AND event_id IN ({})", within, names)
    else:
        narrowed = sql("{} AND event_id >= {}", within, FIRST_OF_OTHERS)
    return sql(
        "SELECT * EXCLUDE message_hash, epoch_us(occurred_at) * {} + CASE WHEN mask = 0 THEN 15 ELSE bit_count((mask & -mask) - 1) END "
        "* {} + message_hash AS place FROM (SELECT profile_key, occurred_at, message_hash, ({})::INTEGER AS mask{}{} "
        "FROM events{} WHERE {}){}",
        _INSTANT,
        _STEP,
        joined(" + ", bits),
        _held(way),
        raw,
        beside,
        narrowed,
        NOTHING if everything else Sql(" WHERE mask > 0"),
    )


def _held(way: Way) -> Sql:
    """The values that must not change, as columns with a comma before each."""
    columns = [sql(", ({})::VARCHAR AS {}", event_values.plain(each), _of_held(place)) for place, each in enumerate(way.same)]
    return joined(" ", columns) if columns else NOTHING


def _of_held(place: int) -> Sql:
    return name(f"held{place}")


def _holds(way: Way, one: Sql, other: Sql) -> Sql:
    """That nothing changed from the one to the other; unknown values are never the same."""
    return joined("", [sql(" AND {}.{} = {}.{}", one, _of_held(each), other, _of_held(each)) for each in range(len(way.same))])


def _raw(way: Way, asked: Asked) -> tuple[Sql, Sql]:
    """The group of an event, where the breakdown is one of events: that of its first step is the attempt's."""
    if way.question.breakdown is None or way.question.breakdown.by == "property":
        return NOTHING, NOTHING
    return marks.raw(way.question.breakdown, asked)


# -- attempts -----------------------------------------------------------------------------------


def _length(way: Way) -> Sql:
    return sql("to_microseconds({})", way.within.length // timedelta(microseconds=1))


def _kept(way: Way, asked: Asked, moments: Sql) -> Sql:
    """What is kept of an attempt; the earliest of its level."""
    return sql("arg_min({{{}'moments': {}}}, place)", _as_raw(way, asked), moments)


def _as_raw(way: Way, asked: Asked) -> Sql:
    """The group of an attempt as a field of what is kept, if it has one."""
    return Sql("'raw': raw, " if _raw(way, asked)[0] else "")


def _of(way: Way, asked: Asked) -> tuple[Sql, Sql]:
    """By what attempts are grouped, and that as columns."""
    if not way.by_time:
        return Sql("profile_key"), Sql("profile_key")
    return Sql("profile_key, time"), sql("profile_key, {} AS time", marks.bucket(way.question, asked))


def _begun(way: Way, asked: Asked) -> Sql:
    """The condition that an event begins an attempt: it matches step 1, in the period."""
    _, end = insight.span(way.question.period, asked.catalog, asked.at)
    return sql("mask & 1 <> 0 AND occurred_at < {}", clock.stored(end))


def _ordered(way: Way, asked: Asked) -> Sql:
    """From each first step the nearest next ones, only those that went on being looked at further."""
    if way.excluded:
        return _with_excluded(way, asked)
    chain = [
        sql("rows AS MATERIALIZED ({})", _rows(way, asked)),
        sql("reached1 AS MATERIALIZED (SELECT *, occurred_at AS t1, place AS p1 FROM rows WHERE {})", _begun(way, asked)),
    ]
    chain += [sql("{} AS MATERIALIZED ({})", _reach(step), _next(way, step, left=False)) for step in range(2, len(way.steps) + 1)]
    of, columns = _of(way, asked)
    levels = [
        sql(
            "SELECT {}, {} AS level, {} AS best, {} AS newest FROM {} GROUP BY {}",
            columns,
            step,
            _kept(way, asked, _listed(step)),
            Sql("max(t1)" if step == 1 else "NULL::TIMESTAMP"),
            _reach(step),
            of,
        )
        for step in range(1, len(way.steps) + 1)
    ]
    return sql("WITH {} {}", joined(", ", chain), joined(" UNION ALL ", levels))


def _reach(step: int) -> Sql:
    return name(f"reached{step}")


def _t(step: int) -> Sql:
    return name(f"t{step}")


def _p(step: int) -> Sql:
    return name(f"p{step}")


def _listed(step: int) -> Sql:
    return sql("[{}]", joined(", ", [_t(each) for each in range(1, step + 1)]))


def _next(way: Way, step: int, *, left: bool) -> Sql:
    """The attempts with the nearest event of that step after the one before; `left` keeps those that have none in time."""
    in_time = sql("next.occurred_at <= so_far.t1 + {}", _length(way))
    if left:
        columns = sql(
            "CASE WHEN {} THEN next.occurred_at END AS {}, CASE WHEN {} THEN next.place END AS {}",
            in_time,
            _t(step),
            in_time,
            _p(step),
        )
    else:
        columns = sql("next.occurred_at AS {}, next.place AS {}", _t(step), _p(step))
    return sql(
        "SELECT so_far.*, {} FROM {} AS so_far ASOF {} (SELECT * FROM rows WHERE mask & {} <> 0) AS next "
        "ON so_far.profile_key = next.profile_key{} AND so_far.{} < next.place{}",
        columns,
        _reach(step - 1),
        Sql("LEFT JOIN" if left else "JOIN"),
        1 << step - 1,
        _holds(way, Sql("so_far"), Sql("next")),
        _p(step - 1),
        NOTHING if left else sql(" WHERE {}", in_time),
    )


def _with_excluded(way: Way, asked: Asked) -> Sql:
    """Every attempt with all its steps, and beside each the nearest excluded events; the void ones count for nothing."""
    last = len(way.steps)
    chain = [
        sql("rows AS MATERIALIZED ({})", _rows(way, asked)),
        sql("reached1 AS (SELECT *, occurred_at AS t1, place AS p1 FROM rows WHERE {})", _begun(way, asked)),
    ]
    chain += [sql("{} AS ({})", _reach(step), _next(way, step, left=True)) for step in range(2, last + 1)]
    between, void = [], []
    for place, each in enumerate(way.excluded):
        bad, until = name(f"bad{place}"), _p(each.before or last)
        between.append(
            sql(
                " ASOF LEFT JOIN (SELECT profile_key, occurred_at, place FROM rows WHERE mask & {} <> 0) AS {} "
                "ON so_far.profile_key = {}.profile_key AND so_far.{} < {}.place",
                1 << last + place,
                bad,
                bad,
                _p(each.after),
                bad,
            )
        )
        in_time = sql("{}.occurred_at <= so_far.t1 + {}", bad, _length(way))
        void.append(sql("coalesce(coalesce({}.place < so_far.{}, true) AND {}, false)", bad, until, in_time))
    reached = joined(" + ", [sql("({} IS NOT NULL)::INTEGER", _t(each)) for each in range(1, last + 1)])
    chain.append(
        sql(
            "attempts AS MATERIALIZED (SELECT so_far.*, {} AS level, {} AS void FROM {} AS so_far{})",
            reached,
            joined(" OR ", void),
            _reach(last),
            joined("", between),
        )
    )
    of, columns = _of(way, asked)
    return sql(
        "WITH {} SELECT {}, level, {} AS best, max(t1) AS newest FROM attempts WHERE NOT void GROUP BY {}, level "
        "UNION ALL SELECT {}, 0 AS level, {} AS best, NULL::TIMESTAMP AS newest FROM attempts GROUP BY {}",
        joined(", ", chain),
        columns,
        _kept(way, asked, _listed(last)),
        of,
        columns,
        _kept(way, asked, _listed(last)),
        of,
    )


def _strict(way: Way, asked: Asked) -> Sql:
    """From each first step the events right after it, as long as each is the next step."""
    steps = range(2, len(way.steps) + 1)
    ahead = [
        sql(
            "lead(mask, {}) OVER ways & {} <> 0 AND lead(occurred_at, {}) OVER ways <= occurred_at + {}{} AS {}, "
            "lead(occurred_at, {}) OVER ways AS {}",
            step - 1,
            1 << step - 1,
            step - 1,
            _length(way),
            joined("", [sql(" AND {} = lead({}, {}) OVER ways", held, held, step - 1) for held in _every_held(way)]),
            name(f"next{step}"),
            step - 1,
            _t(step),
        )
        for step in steps
    ]
    level = Sql("1")
    for step in reversed(steps):
        level = sql("CASE WHEN {} THEN {} ELSE {} END", name(f"next{step}"), step if step == len(way.steps) else level, step - 1)
    of, columns = _of(way, asked)
    return sql(
        "WITH rows AS (SELECT *, occurred_at AS t1, {} FROM ({}) WINDOW ways AS (PARTITION BY profile_key ORDER BY place)), "
        "attempts AS (SELECT *, {} AS level FROM rows WHERE {}) "
        "SELECT {}, level, {} AS best, max(t1) AS newest FROM attempts GROUP BY {}, level",
        joined(", ", ahead),
        _rows(way, asked, everything=True),
        level,
        _begun(way, asked),
        columns,
        _kept(way, asked, sql("{}[:level]", _listed(len(way.steps)))),
        of,
    )


def _every_held(way: Way) -> list[Sql]:
    return [_of_held(each) for each in range(len(way.same))]


def _any(way: Way, asked: Asked) -> Sql:
    """From each event of any step how many different steps lie within the time; of equal steps as many events count.

    The length of the frame is a column, because DuckDB 2.0 mixes up parameters that stand in the bounds of a frame.
    """
    held = _every_held(way)
    of, columns = _of(way, asked)
    _, end = insight.span(way.question.period, asked.catalog, asked.at)
    alike = {each: way.steps.count(each) for each in way.steps}
    bits = [(1 << way.steps.index(each), times) for each, times in alike.items()]
    counts = [sql("least(count(*) FILTER (WHERE mask & {} <> 0) OVER ahead, {})", bit, times) for bit, times in bits]
    level = joined(" + ", counts)
    if held:
        level = sql("CASE WHEN {} THEN {} ELSE 1 END", joined(" AND ", [sql("{} IS NOT NULL", each) for each in held]), level)
    moments = [
        sql("coalesce((list(one.occurred_at ORDER BY one.occurred_at) FILTER (WHERE mask & {} <> 0))[:{}], [])", bit, times)
        for bit, times in bits
    ]
    kept = joined("", [sql("{}: {}, ", each, each) for each in held])
    same = joined("", [sql(" AND (level = 1 OR best.{} = one.{})", each, each) for each in held])
    raw = Sql("'raw': any_value(best.raw), " if _raw(way, asked)[0] else "")
    return sql(
        "WITH rows AS MATERIALIZED (SELECT *, {} AS length FROM ({})), begun AS (SELECT *, ({})::INTEGER AS level FROM rows "
        "WINDOW ahead AS (PARTITION BY {} ORDER BY occurred_at RANGE BETWEEN CURRENT ROW AND length FOLLOWING)), "
        "levels AS (SELECT {}, level, arg_min({{{}{}'t1': occurred_at}}, place) AS best, max(occurred_at) AS newest FROM begun "
        "WHERE occurred_at < {} GROUP BY {}, level), furthest AS (SELECT {}, max(level) AS level, arg_max(best, level) AS best, "
        "max(newest) AS newest FROM levels GROUP BY {}) SELECT {}, any_value(level) AS level, "
        "{{{}'moments': list_sort(flatten([{}]))[:any_value(level)]}} AS best, any_value(newest) AS newest "
        "FROM furthest JOIN rows AS one USING (profile_key) WHERE one.occurred_at BETWEEN best.t1 AND best.t1 + length{} GROUP BY {}",
        _length(way),
        _rows(way, asked),
        level,
        joined(", ", [Sql("profile_key"), *held]),
        columns,
        _as_raw(way, asked),
        kept,
        clock.stored(end),
        of,
        of,
        of,
        of,
        raw,
        joined(", ", moments),
        same,
        of,
    )
