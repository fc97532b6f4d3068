"""A plain reading of a rule over plain dictionaries, to judge the compiler by. It shares no code with it."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

NEGATIVES = {
    "is_not": "is",
    "does_not_contain": "contains",
    "does_not_start_with": "starts_with",
    "does_not_end_with": "ends_with",
    "does_not_match": "matches",
    "domain_is_not": "domain_is",
    "country_is_not": "country_is",
    "host_is_not": "host_is",
    "not_between": "between",
    "is_not_true": "is_true",
    "is_not_false": "is_false",
    "is_not_today": "is_today",
    "not_in_the_last": "in_the_last",
    "not_in_the_next": "in_the_next",
    "not_in_period": "in_period",
    "contains_none": "contains_any",
    "does_not_contain_all": "contains_all",
    "is_not_known": "is_known",
}


def holds(rule: dict[str, Any], person: dict[str, Any], *, at: datetime, zone: ZoneInfo) -> bool:
    """Whether the rule holds for a person, given as property → value (aware datetimes, lists as lists)."""
    if "match" in rule:
        parts = [holds(each, person, at=at, zone=zone) for each in rule["conditions"]]
        return {"all": all(parts), "any": any(parts), "none": not any(parts)}[rule["match"]]
    value, key = person.get(rule["property"]), rule["operator"]
    if key not in NEGATIVES:
        return _positive(key, value, rule, at, zone)
    if rule.get("unknown") == "leave_out" and value is None:
        return False
    return not _positive(NEGATIVES[key], value, rule, at, zone)


def _positive(key: str, value: Any, rule: dict[str, Any], at: datetime, zone: ZoneInfo) -> bool:
    if value is None:
        return False
    if key == "is_known":
        return True
    given = rule.get("values", [])
    if isinstance(value, datetime):
        return _instant(key, value, given, at, zone)
    if isinstance(value, date):
        return _day(key, value, given, at.astimezone(zone).date(), zone)
    if isinstance(value, time):
        return _ordered(key, value, [time.fromisoformat(each) for each in given])
    if isinstance(value, bool):
        return value is (key == "is_true")
    if isinstance(value, float):
        return _ordered(key, value, [float(each) for each in given])
    if isinstance(value, list):
        return {"contains_any": any(each in value for each in given), "contains_all": all(each in value for each in given)}.get(
            key, key == "has_at_least" and len(value) >= given[0]
        )
    return any(_text(key, value, each, rule.get("case")) for each in given)


def _text(key: str, value: str, given: str, case: str | None) -> bool:
    if key == "domain_is":
        return value.split("@")[1] == given.lower()
    ignored = case == "ignored" or (case is None and key != "is")
    if key == "matches":
        return re.search(given, value, re.IGNORECASE if ignored else 0) is not None
    if ignored:
        value, given = value.lower(), given.lower()
    return {
        "is": value == given,
        "contains": given in value,
        "starts_with": value.startswith(given),
        "ends_with": value.endswith(given),
    }[key]


def _ordered(key: str, value: Any, given: list[Any]) -> bool:
    first = given[0]
    return {
        "is": value in given,
        "greater_than": value > first,
        "after": value > first,
        "at_least": value >= first,
        "less_than": value < first,
        "before": value < first,
        "at_most": value <= first,
        "between": first <= value <= given[-1],
    }[key]


def _instant(key: str, value: datetime, given: list[Any], at: datetime, zone: ZoneInfo) -> bool:
    local = value.astimezone(zone)
    if key in {"is", "before", "after", "between"}:
        if any(len(str(each)) == 10 for each in given):
            return _ordered(key, local.date(), [date.fromisoformat(each) for each in given])
        instants = [datetime.fromisoformat(each).replace(tzinfo=zone).astimezone(UTC) for each in given]
        return instants[0] <= value < instants[1] if key == "between" else _ordered(key, value, instants)
    if key in {"in_the_last", "in_the_next"}:
        other = _moved(at, given[0] if key == "in_the_next" else -given[0], given[1], zone)
        return min(at, other) < value <= max(at, other)
    if key in {"was_exactly", "will_be_exactly"} and given[1] in {"minute", "hour"}:
        length = timedelta(minutes=1) if given[1] == "minute" else timedelta(hours=1)
        floor = at.replace(second=0, microsecond=0) if given[1] == "minute" else at.replace(minute=0, second=0, microsecond=0)
        start = floor + (given[0] if key == "will_be_exactly" else -given[0]) * length
        return start <= value < start + length
    return _day(key, local.date(), given, at.astimezone(zone).date(), zone)


def _moved(at: datetime, amount: int, unit: str, zone: ZoneInfo) -> datetime:
    if unit in {"minute", "hour"}:
        return at + amount * (timedelta(minutes=1) if unit == "minute" else timedelta(hours=1))
    local = at.astimezone(zone)
    return local.replace(tzinfo=None).replace(**_fields(_shift(local.date(), amount, unit))).replace(tzinfo=zone).astimezone(UTC)


def _fields(day: date) -> Any:
    return {"year": day.year, "month": day.month, "day": day.day}


def _shift(day: date, amount: int, unit: str) -> date:
    if unit in {"day", "week"}:
        return day + timedelta(days=amount * (7 if unit == "week" else 1))
    months = day.year * 12 + day.month - 1 + amount
    first = date(months // 12, months % 12 + 1, 1)
    following = date((months + 1) // 12, (months + 1) % 12 + 1, 1)
    return min(first + timedelta(days=day.day - 1), following - timedelta(days=1))


def _day(key: str, value: date, given: list[Any], today: date, zone: ZoneInfo) -> bool:
    if key in {"is", "before", "after", "between"}:
        return _ordered(key, value, [date.fromisoformat(each) for each in given])
    if key == "is_today":
        return value == today
    if key in {"in_the_last", "in_the_next"}:
        assert given[1] in {"day", "week", "month"}
        other = _shift(today, given[0] if key == "in_the_next" else -given[0], given[1])
        return min(today, other) < value <= max(today, other)
    if key == "in_period":
        return _same_unit(value, *_word(given[0], today))
    if key == "anniversary_in_the_next":
        days = [today + timedelta(days=each) for each in range(given[0] + 1)]
        return any(_birthday(value, each.year) == each for each in days)

    return _same_unit(
        value, given[1], _shift(_first(today, given[1]), given[0] if key == "will_be_exactly" else -given[0], given[1])
    )


def _word(word: str, today: date) -> tuple[str, date]:
    if word in {"today", "yesterday"}:
        return "day", today - timedelta(days=word == "yesterday")
    when, unit = word.split("_")
    if unit == "year":
        return unit, today.replace(month=1, day=1)
    first = _first(today, unit)
    return unit, first if when == "this" else _shift(first, -1, unit)


def _first(day: date, unit: str) -> date:
    return {"day": day, "week": day - timedelta(days=day.weekday()), "month": day.replace(day=1)}[unit]


def _same_unit(value: date, unit: str, like: date) -> bool:
    if unit == "year":
        return value.year == like.year
    return _first(value, unit) == _first(like, unit)


def _birthday(born: date, year: int) -> date:
    try:
        return born.replace(year=year)
    except ValueError:
        return date(year, 2, 28)
