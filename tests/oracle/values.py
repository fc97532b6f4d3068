"""What one operator says of one value, read off the table of operators in plain Python."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import phonenumbers

from tests.oracle.times import CLOCK, between, compared, moved, shifted, word

if TYPE_CHECKING:
    from tests.oracle.times import Now

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
    "is_empty": "is_known",
}


def satisfies(condition: dict[str, Any], value: Any, now: Now) -> bool:
    """Whether the condition's operator holds for a value: aware datetimes, lists as lists, None where it is unknown."""
    key = condition["operator"]
    if key not in NEGATIVES:
        return _positive(key, value, condition, now)
    if condition.get("unknown") == "leave_out" and value is None:
        return False
    return not _positive(NEGATIVES[key], value, condition, now)


def _positive(key: str, value: Any, condition: dict[str, Any], now: Now) -> bool:
    if value is None:
        return False
    if key == "is_known":
        return True
    given = condition.get("values", [])
    if isinstance(value, datetime):
        return _instant(key, value, given, now)
    if isinstance(value, date):
        return _day(key, value, given, now)
    if isinstance(value, time):
        return _ordered(key, value, [time.fromisoformat(each) for each in given])
    if isinstance(value, bool):
        return value is (key == "is_true")
    if isinstance(value, int | float):
        return _ordered(key, value, [float(each) for each in given])
    if isinstance(value, list):
        return {"contains_any": any(each in value for each in given), "contains_all": all(each in value for each in given)}.get(
            key, key == "has_at_least" and len(value) >= given[0]
        )
    return any(_text(key, value, str(each), condition.get("case")) for each in given)


def _text(key: str, value: str, given: str, case: str | None) -> bool:
    if key == "domain_is":
        return value.split("@")[1].lower() == given.lower()
    if key == "host_is":
        return urlsplit(value).hostname == given.lower()
    if key == "country_is":
        return phonenumbers.region_code_for_number(phonenumbers.parse(value)) == given.upper()
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


def _instant(key: str, value: datetime, given: list[Any], now: Now) -> bool:
    if key in {"is", "before", "after"}:
        wanted = {"before": -1, "is": 0, "after": 1}[key]
        return any(compared(value, each, now) == wanted for each in given)
    if key == "between":
        return between(value, given[0], given[1], now)
    if key in {"in_the_last", "in_the_next"}:
        other = moved(now.at, given[0] if key == "in_the_next" else -given[0], given[1], now.zone)
        return min(now.at, other) < value <= max(now.at, other)
    if key in {"was_exactly", "will_be_exactly"} and given[1] in CLOCK:
        start = _on_the_hour(now, given[1]) + (given[0] if key == "will_be_exactly" else -given[0]) * CLOCK[given[1]]
        return start <= value < start + CLOCK[given[1]]
    return _day(key, now.day(value), given, now)


def _on_the_hour(now: Now, unit: str) -> datetime:
    """When the hour or minute on the wall began."""
    local = now.at.astimezone(now.zone)
    return now.at - timedelta(minutes=local.minute if unit == "hour" else 0, seconds=local.second, microseconds=local.microsecond)


def _day(key: str, value: date, given: list[Any], now: Now) -> bool:
    if key in {"is", "before", "after", "between"}:
        return _ordered(key, value, [date.fromisoformat(each) for each in given])
    if key == "is_today":
        return value == now.today
    if key in {"in_the_last", "in_the_next"}:
        assert given[1] in {"day", "week", "month"}
        other = shifted(now.today, given[0] if key == "in_the_next" else -given[0], given[1])
        return min(now.today, other) < value <= max(now.today, other)
    if key == "in_period":
        return now.same(value, *word(given[0], now.today, now))
    if key == "anniversary_in_the_next":
        days = [now.today + timedelta(days=each) for each in range(given[0] + 1)]
        return any(_birthday(value, each.year) == each for each in days)
    amount = given[0] if key == "will_be_exactly" else -given[0]
    return now.same(value, given[1], shifted(now.first(now.today, given[1]), amount, given[1]))


def _birthday(born: date, year: int) -> date:
    try:
        return born.replace(year=year)
    except ValueError:
        return date(year, 2, 28)
