"""Geography: how many people there are by country, or by city of a country.

By the present values of country and city, as they are written. `users(x) = |{p : country(p) = x}|`, of everyone or of those
active in the period; `share` is of all of them. The `most` largest stand apart, then Other and (no value). A city counts
within its country, as cities of one name lie in several.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from operator import neg
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

import pyarrow as pa
import pyarrow.compute as pc

from user360 import likeness, marks
from user360.errors import InvalidInsight
from user360.insight import NONE, OTHER, VALUE, Insight, Plan, Role, check_scope
from user360.segments.rules import Events, PropertyCondition
from user360.sql import NOTHING, Sql, joined, sql

if TYPE_CHECKING:
    from collections.abc import Mapping

    from user360.insight import Asked
    from user360.segments import Rule
    from user360.segments.rules import Node

MOST: dict[str, int] = {"country": 250, "city": 50}
_MANY: Final = 1_000
_DRAWN: Final = pa.schema({"country": pa.string(), "city": pa.string(), "users": pa.int64(), "share": pa.float64()})


@dataclass(frozen=True, slots=True, kw_only=True)
class Geography(Insight):
    """By country or city, of one country if it is named, of everyone or of the active."""

    kind: ClassVar[str] = "geography"
    label: ClassVar[str] = "Geography"
    definition: ClassVar[str] = (
        "Users by their present country, or by their city within it; active are those with at least one event in the period that "
        "is not a system event."
    )
    roles: ClassVar[dict[str, Role]] = {
        "country": Role("dimension", "Country"),
        "city": Role("dimension", "City"),
        "users": Role("measure", "Users", "users", people=True),
        "share": Role("measure", "Share of users", "%"),
    }

    by: Literal["country", "city"] = "country"
    country: str = ""
    whose: Literal["everyone", "active"] = "everyone"

    def check(self, catalog: Any) -> None:
        """Refuse a breakdown."""
        check_scope(self, catalog)
        if self.breakdown is not None:
            raise InvalidInsight("$.breakdown", "is not asked here.", "Leave it out.")

    def compile(self, asked: Asked) -> Plan:
        """Places ranked by people; those beside the largest are Other, wherever they lie."""
        parts = [each for each in (self._whose(asked), sql("country = {}", self.country) if self.country else NOTHING) if each]
        profiles = sql("profiles{}", sql(" WHERE {}", joined(" AND ", parts)) if parts else NOTHING)
        return Plan(lambda: self._relation(profiles), lambda: self._counted(asked, profiles))

    def _relation(self, profiles: Sql) -> Sql:
        city = self.by == "city"
        place = Sql("city" if city else "country")
        rows = sql("SELECT profile_key, country, {} AS city FROM {}", Sql("city" if city else "NULL::VARCHAR"), profiles)
        ranked = sql(
            "SELECT country, city, row_number() OVER (ORDER BY count(*) DESC, country, city) AS rank FROM ({}) "
            "WHERE {} IS NOT NULL GROUP BY country, city",
            rows,
            place,
        )
        grouped = marks.group(Sql("rank"), MOST[self.by], place, unknown=sql("{} IS NULL", place))
        both = sql(
            "CASE WHEN rank <= {} THEN coalesce({} || country, {}) END AS country, {} AS city",
            MOST["city"],
            VALUE,
            NONE,
            grouped,
        )
        columns = both if city else sql("{} AS country, NULL::VARCHAR AS city", grouped)
        return sql(
            "WITH rows AS ({}), ranked AS MATERIALIZED ({}) SELECT profile_key, {} FROM (SELECT rows.*, rank FROM rows LEFT JOIN ranked "
            "ON rows.country IS NOT DISTINCT FROM ranked.country AND rows.city IS NOT DISTINCT FROM ranked.city)",
            rows,
            ranked,
            columns,
        )

    def _counted(self, asked: Asked, profiles: Sql) -> pa.Table:
        """The same places with their people: few are left to be named once everybody is counted."""
        assert asked.read is not None  # noqa: S101 - whoever compiles this gives it
        keys, most = ["country", "city"] if self.by == "city" else ["country"], MOST[self.by]
        columns = Sql(", ".join(keys))
        found = asked.read(sql("SELECT {}, count(*) AS heads FROM {} GROUP BY {}", columns, profiles, columns))
        whole = int(found["heads"].to_numpy().sum())
        places = list(zip(*_few(found, keys, most).to_pydict().values(), strict=True))
        unknown = sum(each[-1] for each in places if each[-2] is None)
        apart = sorted((each for each in places if each[-2] is not None), key=_by_size)[:most]
        users = [each[-1] for each in apart]
        named = [[NONE if each[nth] is None else VALUE + each[nth] for each in apart] for nth in range(len(keys))]
        for group, heads in ((NONE, unknown), (OTHER, whole - unknown - sum(users))):
            if heads:  # put among the others, which are in order
                place = bisect_right(users, -heads, key=neg)
                users.insert(place, heads)
                for each in named:
                    each.insert(place, group if each is named[-1] else None)
        city = named[1] if self.by == "city" else [None] * len(users)
        return pa.table([named[0], city, users, [100 * each / whole for each in users]], schema=_DRAWN)

    def _whose(self, asked: Asked) -> Sql:
        if self.whose == "everyone":
            return asked.among
        where = sql("{} AND {}", marks.ANY, marks.within(self, asked))
        if not marks.fits(asked, 1):
            return sql("profile_key IN (SELECT profile_key FROM events WHERE {})", where)
        heads = sql("(SELECT {} FROM events WHERE {} AND {})", marks.crowd(asked), where, marks.known(asked))
        return marks.inside(asked, heads)

    def like(self, cell: Mapping[str, Any], asked: Asked, *, moving: bool) -> Rule | None:
        """Who lives there, and was active if that was asked."""
        conditions: list[Node] = []
        for each in ("country", "city"):
            value = cell.get(each)
            if value == OTHER:
                return None
            if value == NONE:
                conditions.append(PropertyCondition(each, "is_not_known"))
            elif value is not None:
                conditions.append(PropertyCondition(each, "is", (str(value).removeprefix(VALUE),)))
        if self.country and cell.get("country") is None:
            conditions.append(PropertyCondition("country", "is", (self.country,)))
        if self.whose == "active":
            during = likeness.window(self, {}, asked, moving=moving)
            conditions.append(likeness.happened(self, Events(None), {}, during))
        return likeness.rule(self, {}, asked, conditions)


def _few(found: pa.Table, keys: list[str], most: int) -> pa.Table:
    """The places that may stand apart, and those that are not known: tens of thousands of cities would become objects one by one."""
    if found.num_rows <= most + _MANY:
        return found
    known = pc.is_valid(found[keys[-1]])
    order = [("heads", "descending"), *((each, "ascending") for each in keys)]
    named = found.filter(known)
    return pa.concat_tables([named.take(pc.select_k_unstable(named, most, order)), found.filter(pc.invert(known))])


def _by_size(place: tuple[Any, ...]) -> tuple[Any, ...]:
    """Those with the most people first, then by name, one without a country last."""
    return (-place[-1], *((each is None, each or "") for each in place[:-1]))


INSIGHT = Geography
