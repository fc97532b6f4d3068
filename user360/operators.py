"""Every comparison of a rule, as a row of one table: its SQL over a column, its English, its complement.

Without one table the builder, the compiler and the sentence would each know a different set. A row
holds the positive SQL only; what an unknown value means, and what a negative operator therefore is,
is decided once, in `segments.compiler`. How windows become instants does not live here (`segments.windows`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import phonenumbers

from user360.sql import NOTHING, Sql, joined, sql

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Operand: TypeAlias = Literal["none", "one", "two", "many", "window", "period", "count"]
Build: TypeAlias = "Callable[[Sql, Sequence[Any], bool], Sql]"

PERIODS: Final = ("today", "yesterday", "this_week", "last_week", "this_month", "last_month", "this_year")
UNITS: Final = ("minute", "hour", "day", "week", "month")
LONGEST_PATTERN: Final = 200


@dataclass(frozen=True, slots=True)
class Operator:
    """One row. `build(column, values, exact)` is the positive SQL; a negative has none and names its positive.

    `label` stands in a list of choices; `english` in a sentence, with `{}` for the values.
    """

    key: str
    label: str
    family: str
    operand: Operand
    english: str
    complement: str = ""
    build: Build | None = None
    cased: Literal["", "exact", "ignored"] = ""

    @property
    def negative(self) -> bool:
        """Whether it is the exact complement of another."""
        return self.build is None


def of(datatype: Any) -> tuple[Operator, ...]:
    """The operators of a data type, in the order people choose from."""
    families = [each for each in datatype.families if each != "known"] + ["known"]
    return tuple(each for family in families for each in _TABLE if each.family == family)


def every() -> tuple[Operator, ...]:
    """All rows; an operator key stands once in each family that has it."""
    return _TABLE


def get(key: str, families: Sequence[str] = ()) -> Operator:
    """The row of that key, of one of these families where they are named."""
    return next(each for each in _TABLE if each.key == key and (not families or each.family in families))


def has(key: str, families: Sequence[str]) -> bool:
    """Whether a type of these families has that operator."""
    return any(each.key == key and each.family in families for each in _TABLE)


# -- what a row is built of ---------------------------------------------------------------------


def _any(parts: Sequence[Sql]) -> Sql:
    return sql("({})", joined(" OR ", parts)) if len(parts) > 1 else parts[0]


def _each(one: Callable[[Sql, Any], Sql]) -> Build:
    return lambda column, values, _: _any([one(column, value) for value in values])


def _compare(sign: str) -> Build:
    return lambda column, values, _: sql("{} {} {}", column, Sql(sign), values[0])


def _among(column: Sql, values: Sequence[Any], exact: bool) -> Sql:  # noqa: FBT001 - the shape of every row
    if not exact:
        return sql("lower({}) IN ({})", column, joined(", ", [sql("lower({})", each) for each in values]))
    return sql("{} IN ({})", column, joined(", ", values))


def _equal(column: Sql, values: Sequence[Any], _: bool) -> Sql:  # noqa: FBT001 - the shape of every row
    return sql("{} IN ({})", column, joined(", ", values))


def _like(before: str, after: str) -> Build:
    def build(column: Sql, values: Sequence[Any], exact: bool) -> Sql:  # noqa: FBT001 - the shape of every row
        word = Sql("LIKE") if exact else Sql("ILIKE")
        return _any([_alike(column, word, before, each, after) for each in values])

    return build


def _alike(column: Sql, word: Sql, before: str, value: str, after: str) -> Sql:
    """A pattern around a value; without an escape, where none is needed, it measured twice as fast."""
    escaped = _escaped(value)
    ending = Sql(" ESCAPE '\\'") if escaped != value else NOTHING
    return sql("{} {} {}{}", column, word, f"{before}{escaped}{after}", ending)


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _matches(column: Sql, values: Sequence[Any], exact: bool) -> Sql:  # noqa: FBT001 - the shape of every row
    return _any([sql("regexp_matches({}, {}, {})", column, each, Sql("'c'" if exact else "'i'")) for each in values])


def _host(column: Sql, values: Sequence[Any], _: bool) -> Sql:  # noqa: FBT001 - the shape of every row
    host = sql("regexp_extract({}, '^https?://(?:[^/?#@]*@)?(\\[[^\\]]*\\]|[^/:?#]*)', 1)", column)
    return sql("{} IN ({})", host, joined(", ", [each.lower() for each in values]))


def _country(column: Sql, code: Any) -> Sql:
    """A number is of a country if it has its code and, where countries share one, is the first of them to claim it."""
    calling, own, others = _claims(str(code).upper())
    if not calling:
        return Sql("false")
    parts = [sql("starts_with({}, {})", column, f"+{calling}")]
    if own:
        parts.append(sql("regexp_matches({}, {})", column, own))
    if others:
        parts.append(sql("NOT regexp_matches({}, {})", column, others))
    return sql("({})", joined(" AND ", parts))


@cache
def _claims(country: str) -> tuple[int, str, str]:
    """Calling code of a country, the pattern of its own numbers, and that of the countries asked before it."""
    calling = phonenumbers.country_code_for_region(country)
    sharing = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(calling, ())
    if len(sharing) < 2:  # noqa: PLR2004 - nobody shares it
        return calling, "", ""
    claims = [_claim(calling, each) for each in sharing]
    place = sharing.index(country)
    return calling, claims[place], "|".join(claims[:place])


def _claim(calling: int, country: str) -> str:
    known = phonenumbers.PhoneMetadata.metadata_for_region(country, None)
    if known is None:
        return "$^"
    if known.leading_digits:
        return rf"^\+{calling}(?:{known.leading_digits})"
    kinds = (
        known.fixed_line,
        known.mobile,
        known.toll_free,
        known.premium_rate,
        known.shared_cost,
        known.personal_number,
        known.voip,
        known.pager,
        known.uan,
        known.voicemail,
    )
    patterns = [each.national_number_pattern for each in kinds if each is not None and each.national_number_pattern]
    return rf"^\+{calling}(?:{'|'.join(patterns)})$"


# -- the table ----------------------------------------------------------------------------------


def _pair(positive: Operator, key: str, label: str, english: str) -> tuple[Operator, Operator]:
    """A positive operator and its exact complement."""
    family, operand = positive.family, positive.operand
    negative = Operator(key, label, family, operand, english, positive.key, cased=positive.cased)
    named = Operator(
        positive.key, positive.label, family, operand, positive.english, key, build=positive.build, cased=positive.cased
    )
    return named, negative


def _words(family: str, *, cased: bool) -> tuple[Operator, ...]:
    """`is` and `contains`, which every kind of text has."""
    exact: Literal["", "exact", "ignored"] = "exact" if cased else ""
    ignored: Literal["", "exact", "ignored"] = "ignored" if cased else ""
    return (
        *_pair(Operator("is", "is", family, "many", "is {}", build=_among, cased=exact), "is_not", "is not", "is not {}"),
        *_pair(
            Operator("contains", "contains", family, "many", "contains {}", build=_like("%", "%"), cased=ignored),
            "does_not_contain",
            "does not contain",
            "does not contain {}",
        ),
    )


def _is_and_between(family: str) -> tuple[Operator, ...]:
    between: Build = lambda column, values, _: sql("({} >= {} AND {} <= {})", column, values[0], column, values[1])  # noqa: E731 - a row of the table
    return (
        *_pair(Operator("is", "is", family, "many", "is {}", build=_equal), "is_not", "is not", "is not {}"),
        *_pair(
            Operator("between", "is between", family, "two", "is between {}", build=between),
            "not_between",
            "is not between",
            "is not between {}",
        ),
    )


def _ranges(column: Sql, values: Sequence[Any], _: bool) -> Sql:  # noqa: FBT001 - the shape of every row
    """Each value is a span (first, last, last included); an open end is None."""
    return _any([span(column, *each) for each in values])


def span(column: Sql, first: Any, last: Any, closed: str) -> Sql:
    """The column lies within these ends; an open end is None. `closed` is `[]`, `[)`, `(]` or `()`: which ends are included."""
    parts = []
    if first is not None:
        parts.append(sql("{} {} {}", column, Sql(">=" if closed[0] == "[" else ">"), first))
    if last is not None:
        parts.append(sql("{} {} {}", column, Sql("<=" if closed[1] == "]" else "<"), last))
    return sql("({})", joined(" AND ", parts))


def _anniversary(column: Sql, values: Sequence[Any], _: bool) -> Sql:  # noqa: FBT001 - the shape of every row
    return sql("month({}) * 100 + day({}) IN ({})", column, column, joined(", ", values))


def _calendar() -> tuple[Operator, ...]:
    family = "calendar"

    def row(key: str, label: str, operand: Operand, english: str) -> Operator:
        return Operator(key, label, family, operand, english, build=_ranges)

    return (
        *_pair(row("is", "is", "many", "is {}"), "is_not", "is not", "is not {}"),
        row("before", "is before", "one", "is before {}"),
        row("after", "is after", "one", "is after {}"),
        *_pair(row("between", "is between", "two", "is between {}"), "not_between", "is not between", "is not between {}"),
        *_pair(row("is_today", "is today", "none", "is today"), "is_not_today", "is not today", "is not today"),
        *_pair(
            row("in_the_last", "is in the last", "window", "is in the last {}"),
            "not_in_the_last",
            "is not in the last",
            "is not in the last {}",
        ),
        *_pair(
            row("in_the_next", "is in the next", "window", "is in the next {}"),
            "not_in_the_next",
            "is not in the next",
            "is not in the next {}",
        ),
        *_pair(row("in_period", "is in", "period", "is in {}"), "not_in_period", "is not in", "is not in {}"),
        row("was_exactly", "was exactly … ago", "window", "was exactly {} ago"),
        row("will_be_exactly", "will be exactly … from now", "window", "will be exactly {} from now"),
        Operator(
            "anniversary_in_the_next",
            "has its anniversary in the next",
            family,
            "count",
            "has its anniversary in the next {} days",
            build=_anniversary,
        ),
    )


def _list() -> tuple[Operator, ...]:
    contains: Callable[[Sql, Any], Sql] = lambda column, value: sql("list_contains({}, {})", column, value)  # noqa: E731 - a row of the table
    all_of: Build = lambda column, values, _: sql("({})", joined(" AND ", [contains(column, each) for each in values]))  # noqa: E731 - a row of the table
    at_least: Build = lambda column, values, _: sql("len({}) >= {}", column, values[0])  # noqa: E731 - a row of the table
    return (
        *_pair(
            Operator("contains_any", "has any of", "list", "many", "has any of {}", build=_each(contains)),
            "contains_none",
            "has none of",
            "has none of {}",
        ),
        *_pair(
            Operator("contains_all", "has all of", "list", "many", "has all of {}", build=all_of),
            "does_not_contain_all",
            "does not have all of",
            "does not have all of {}",
        ),
        Operator("has_at_least", "has at least so many", "list", "count", "has at least {} items", build=at_least),
    )


def _truth(key: str, word: str) -> tuple[Operator, ...]:
    positive = Operator(
        f"is_{key}",
        f"is {word}",
        "boolean",
        "none",
        f"is {word}",
        build=lambda column, _, __: sql("{} = {}", column, key == "true"),
    )
    return _pair(positive, f"is_not_{key}", f"is not {word}", f"is not {word}")


def _affix(key: str, label: str, negative: str, negative_label: str, build: Build) -> tuple[Operator, ...]:
    positive = Operator(key, label, "text", "many", f"{label} {{}}", build=build, cased="ignored")
    return _pair(positive, negative, negative_label, f"{negative_label} {{}}")


def _part(key: str, label: str, family: str, build: Build) -> tuple[Operator, ...]:
    positive = Operator(key, f"{label} is", family, "many", f"has the {label} {{}}", build=build)
    return _pair(positive, f"{key}_not", f"{label} is not", f"does not have the {label} {{}}")


_TABLE: Final[tuple[Operator, ...]] = (
    *_words("text", cased=True),
    *_affix("starts_with", "starts with", "does_not_start_with", "does not start with", _like("", "%")),
    *_affix("ends_with", "ends with", "does_not_end_with", "does not end with", _like("%", "")),
    *_affix("matches", "matches", "does_not_match", "does not match", _matches),
    *_words("address", cased=False),
    *_part("domain_is", "domain", "email", _each(lambda column, value: sql("ends_with({}, {})", column, f"@{value.lower()}"))),
    *_part("country_is", "country", "phone", _each(_country)),
    *_part("host_is", "host", "url", _host),
    *_is_and_between("number"),
    Operator("greater_than", "is greater than", "number", "one", "is greater than {}", build=_compare(">")),
    Operator("at_least", "is at least", "number", "one", "is at least {}", build=_compare(">=")),
    Operator("less_than", "is less than", "number", "one", "is less than {}", build=_compare("<")),
    Operator("at_most", "is at most", "number", "one", "is at most {}", build=_compare("<=")),
    *_truth("true", "true"),
    *_truth("false", "false"),
    *_is_and_between("time"),
    Operator("before", "is before", "time", "one", "is before {}", build=_compare("<")),
    Operator("after", "is after", "time", "one", "is after {}", build=_compare(">")),
    *_calendar(),
    *_list(),
    *_pair(
        Operator("is_known", "is known", "known", "none", "is known", build=lambda column, _, __: sql("{} IS NOT NULL", column)),
        "is_not_known",
        "is not known",
        "is not known",
    ),
)
