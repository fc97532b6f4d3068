"""The values of a property as places on an axis: numbers in even steps, days by period, lists taken apart, the rest by size.

A few different numbers stand for themselves; more are put into steps of 1, 2 or 5 times a power of ten, as many as are
wanted between the 1st and the 99th percentile, with what lies outside at the ends. Days stand by day, month, year or decade,
by how far they lie apart. Texts are the `most` commonest, then Other. Without this room a chart and the rule of one of its
bars could cut at different edges. How a place is drawn does not live here.
"""

from __future__ import annotations

import re
from datetime import date, time, timedelta
from typing import TYPE_CHECKING, Final

from user360.insight import NONE, OTHER, VALUE
from user360.segments.frames import Frame
from user360.segments.rules import Group, PropertyCondition
from user360.sql import Sql, name, sql

if TYPE_CHECKING:
    from user360.insight import Asked
    from user360.properties import Property
    from user360.segments.rules import Node

TO, UNDER, MORE = " to ", "under ", " or more"
LAST: Final = 1e300  # where Other and (no value) stand
_STEP: Final = re.compile(r"^(-?[\d.e+-]+) to (-?[\d.e+-]+)$")


def placed(found: Property, most: int, asked: Asked) -> Sql:
    """profile_key, mark and place of everybody's values; a list is as many rows. `mark` is `=place in words`, `other` or `none`."""
    return _marked(found, most, _held(found, asked), Sql("profile_key"), Sql("count(*)"))


def counted(found: Property, most: int, asked: Asked) -> Sql:
    """Mark, place and users of the values of a property that is no list: each different value is placed once, however many have it."""
    rows = _marked(found, most, _sized(found, asked), Sql("heads"), Sql("sum(heads)"))
    return sql("SELECT mark, min(place) AS place, sum(heads)::BIGINT AS users FROM ({}) GROUP BY mark", rows)


def pairs(one: Property, other: Property, most: int, asked: Asked) -> Sql:
    """value, across, place, across_place and users of two properties that are no lists: each different pair is placed once."""
    both = sql("SELECT a.v AS v, b.v AS w FROM ({}) a JOIN ({}) b USING (profile_key)", _held(one, asked), _held(other, asked))
    if (one.aside, other.aside) == (False, False) and Frame(asked.catalog, asked.at).plain:
        both = sql(
            "SELECT {} AS v, {} AS w FROM profiles WHERE {}", _value(one, asked), _value(other, asked), asked.among or Sql("true")
        )
    sized = [sql("SELECT {} AS v, sum(heads) AS heads FROM paired GROUP BY {}", each, each) for each in (Sql("v"), Sql("w"))]
    marked = [
        _marked(each, most, held, Sql("heads, v"), Sql("sum(heads)")) for each, held in zip((one, other), sized, strict=True)
    ]
    return sql(
        "WITH paired AS MATERIALIZED (SELECT v, w, count(*) AS heads FROM ({}) GROUP BY v, w) "
        "SELECT a.mark AS value, b.mark AS across, min(a.place) AS place, min(b.place) AS across_place, sum(heads)::BIGINT AS users FROM "
        "paired JOIN (SELECT v, mark, place FROM ({})) a ON paired.v IS NOT DISTINCT FROM a.v "
        "JOIN (SELECT v, mark, place FROM ({})) b ON paired.w IS NOT DISTINCT FROM b.v GROUP BY a.mark, b.mark",
        both,
        *marked,
    )


def _sized(found: Property, asked: Asked) -> Sql:
    """Each different value and how many have it: v, heads."""
    return sql("SELECT v, count(*) AS heads FROM ({}) GROUP BY v", _held(found, asked))


def _marked(found: Property, most: int, held: Sql, who: Sql, size: Sql) -> Sql:
    """`who`, mark and place of rows of values; `size` is how many people a group of them is."""
    match found.datatype.name:
        case "number":
            marked = _numbers(most, who, size)
        case "date" | "datetime":
            marked = _days(who)
        case "time":
            marked = sql(
                "SELECT {}, v, lpad(extract(hour FROM v)::VARCHAR, 2, '0') || ':00' AS word, extract(hour FROM v)::DOUBLE AS place FROM held",
                who,
            )
        case _:
            marked = _texts(most, who, size)
    return sql(
        "WITH held AS MATERIALIZED ({}), marked AS ({}) SELECT {}, "
        "CASE WHEN v IS NULL THEN {} WHEN word IS NULL THEN {} ELSE {} || word END AS mark, "
        "CASE WHEN v IS NULL THEN {} WHEN word IS NULL THEN {} ELSE place END AS place FROM marked",
        held,
        marked,
        who,
        NONE,
        OTHER,
        VALUE,
        2 * LAST,
        LAST,
    )


def like(found: Property, mark: str) -> Node | None:
    """The condition of who stands at a place; None of Other, which no condition names."""
    if mark == NONE:
        return PropertyCondition(found.name, "is_not_known")
    if not mark.startswith(VALUE):
        return None
    said = mark.removeprefix(VALUE)
    match found.datatype.name:
        case "number":
            return _of_step(found.name, said)
        case "date" | "datetime":
            first, last = _span_of(said)
            return PropertyCondition(found.name, "between", (first.isoformat(), last.isoformat()))
        case "time":
            hour = int(said[:2])
            edges = (time(hour).isoformat(), time(hour, 59, 59).isoformat())
            return PropertyCondition(found.name, "between", edges)
        case "list":
            return PropertyCondition(found.name, "contains_any", (said,))
        case "boolean":
            return PropertyCondition(found.name, "is_true" if said == "true" else "is_false")
    return PropertyCondition(found.name, "is", (said,))


# -- values -------------------------------------------------------------------------------------


def _held(found: Property, asked: Asked) -> Sql:
    """profile_key and v of everyone who is asked of: a row a value, one with none for who has none."""
    frame, column = Frame(asked.catalog, asked.at), _value(found, asked)
    if frame.plain and not found.aside and found.datatype.name != "list":
        return sql("SELECT profile_key, {} AS v FROM ({}) WHERE {}", column, frame.property(found), asked.among or Sql("true"))
    return sql(
        "SELECT e.profile_key, v FROM ({}) e LEFT JOIN (SELECT profile_key, {} AS v FROM ({})) USING (profile_key) WHERE {}",
        frame.everyone(),
        column,
        frame.property(found),
        asked.among or Sql("true"),
    )


def _value(found: Property, asked: Asked) -> Sql:
    """A value as it is placed: an instant by its day, a list taken apart."""
    column = name(found.name)
    if found.datatype.name == "list":
        return sql("unnest(list_distinct({}))", column)
    if found.datatype.name == "datetime":
        return sql("({} AT TIME ZONE 'UTC' AT TIME ZONE {})::DATE", column, asked.catalog.zone_name)
    return column if found.datatype.name in {"number", "date", "time"} else sql("{}::VARCHAR", column)


def _texts(most: int, who: Sql, size: Sql) -> Sql:
    return sql(
        "SELECT {}, v, sized.v AS word, rank::DOUBLE AS place FROM held LEFT JOIN (SELECT v, "
        "row_number() OVER (ORDER BY size DESC, v) AS rank FROM (SELECT v, {} AS size FROM held WHERE v IS NOT NULL GROUP BY v "
        "ORDER BY size DESC, v LIMIT {})) sized USING (v)",
        who,
        size,
        most,
    )


def _numbers(most: int, who: Sql, size: Sql) -> Sql:
    """Each number for itself if there are few, else in steps. A step's edges are rounded first, so that they can be said."""
    return sql(
        "SELECT {}, v, CASE WHEN v IS NULL THEN NULL WHEN few THEN {} WHEN v < low THEN {} || {} "
        "WHEN v >= high THEN {} || {} ELSE {} || {} || {} END AS word, "
        "CASE WHEN few THEN v WHEN v < low THEN low - width WHEN v >= high THEN high ELSE first END AS place "
        "FROM (SELECT *, round(step * width, 12) AS first, round((step + 1) * width, 12) AS past FROM (SELECT *, k "
        "+ CASE WHEN v < round(k * width, 12) THEN -1 WHEN v >= round((k + 1) * width, 12) THEN 1 ELSE 0 END AS step "
        "FROM (SELECT *, floor(v / width) AS k FROM held, ({}))))",
        who,
        _number(Sql("v")),
        UNDER,
        _number(Sql("low")),
        _number(Sql("high")),
        MORE,
        _number(Sql("first")),
        TO,
        _number(Sql("past")),
        _steps(most, size),
    )


def _steps(most: int, size: Sql) -> Sql:
    """How numbers are put into steps, one row: few, width, low, high. Percentiles are of people, however their values are held."""
    ends = [_percentile(each) for each in (0.01, 0.99)]
    return sql(
        "SELECT few, width, round(floor(least_ / width) * width, 12) AS low, round((floor(most_ / width) + 1) * width, 12) AS high "
        "FROM (SELECT *, power * CASE WHEN raw <= power THEN 1 WHEN raw <= 2 * power THEN 2 WHEN raw <= 5 * power THEN 5 ELSE 10 END AS width "
        "FROM (SELECT *, pow(10, floor(log10(raw))) AS power FROM (SELECT *, CASE WHEN most_ > least_ THEN (most_ - least_) / {} "
        "WHEN greatest_ > smallest THEN (greatest_ - smallest) / {} ELSE 1 END AS raw FROM (SELECT count(*) <= {} AS few, "
        "coalesce({}, 0) AS least_, coalesce({}, 0) AS most_, coalesce(min(v), 0) AS smallest, coalesce(max(v), 0) AS greatest_ FROM "
        "(SELECT v, sum(n) OVER (ORDER BY v) AS upto, sum(n) OVER ()::DOUBLE - 1 AS last FROM "
        "(SELECT v, {} AS n FROM held WHERE v IS NOT NULL GROUP BY v))))))",
        most,
        most,
        most,
        *ends,
        size,
    )


def _percentile(share: float) -> Sql:
    """The value at that share of the places of people in order, from 0 to `last`; between two of them in proportion. `upto` people have `v` or less."""
    place = sql("last * {}::DOUBLE", Sql(str(share)))
    below, above = (sql("min(v) FILTER (WHERE upto > {}({}))", edge, place) for edge in (Sql("floor"), Sql("ceil")))
    return sql("{} + ({} - {}) * any_value({} - floor({}))", below, above, below, place, place)


def _number(column: Sql) -> Sql:
    return sql(
        "CASE WHEN {} = trunc({}) AND abs({}) < 1e15 THEN {}::BIGINT::VARCHAR ELSE {}::VARCHAR END",
        column,
        column,
        column,
        column,
        column,
    )


def _days(who: Sql) -> Sql:
    """By day, month, year or decade, so that there are not too many places."""
    return sql(
        "SELECT {}, v, CASE unit WHEN 'day' THEN strftime(v, '%Y-%m-%d') WHEN 'month' THEN strftime(v, '%Y-%m') "
        "WHEN 'year' THEN year(v)::VARCHAR ELSE (year(v) // 10 * 10)::VARCHAR || 's' END AS word, "
        "CASE unit WHEN 'decade' THEN year(v) // 10 * 10000 * 10 ELSE epoch(date_trunc(unit, v)) / 86400 END::DOUBLE AS place "
        "FROM held, (SELECT CASE WHEN max(v) - min(v) > 15000 THEN 'decade' WHEN max(v) - min(v) > 1200 THEN 'year' "
        "WHEN max(v) - min(v) > 62 THEN 'month' ELSE 'day' END AS unit FROM held)",
        who,
    )


# -- the way back -------------------------------------------------------------------------------


def _of_step(property_name: str, said: str) -> Node:
    if said.startswith(UNDER):
        return PropertyCondition(property_name, "less_than", (float(said.removeprefix(UNDER)),))
    if said.endswith(MORE):
        return PropertyCondition(property_name, "at_least", (float(said.removesuffix(MORE)),))
    step = _STEP.match(said)
    if step is None:
        return PropertyCondition(property_name, "is", (float(said),))
    low = PropertyCondition(property_name, "at_least", (float(step[1]),))
    return Group("all", (low, PropertyCondition(property_name, "less_than", (float(step[2]),))))


def _span_of(said: str) -> tuple[date, date]:
    """First and last day of `2026-11-23`, `2026-11`, `2026` or `1980s`."""
    if said.endswith("s"):
        decade = int(said[:-1])
        return date(decade, 1, 1), date(decade + 9, 12, 31)
    parts = [int(each) for each in said.split("-")]
    if len(parts) == 1:
        return date(parts[0], 1, 1), date(parts[0], 12, 31)
    if len(parts) == 2:  # noqa: PLR2004 - a year and a month
        following = date(parts[0] + parts[1] // 12, parts[1] % 12 + 1, 1)
        return date(parts[0], parts[1], 1), following - timedelta(days=1)
    return date(*parts), date(*parts)
