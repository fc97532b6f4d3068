"""The days of the sample: growth, week, promotions, and the hours people are awake.

Crowd and visits share one calendar, so that a promotion brings both new people and more visits.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, TypeAlias

import numpy as np

from user360.demo.goods import Campaign, campaigns

Numbers: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"

DAYS: Final = 180
DAY: Final = 86_400_000_000
HOUR: Final = 3_600_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_WEEK: Final = (0.96, 0.92, 0.93, 0.98, 1.06, 1.10, 1.18)  # Monday first; shops online live on Sundays
_HOURS: Final = np.array(
    [18, 9, 5, 3, 3, 6, 16, 34, 48, 56, 60, 62, 68, 66, 58, 56, 60, 68, 80, 96, 108, 104, 76, 40], dtype=float
)


@dataclass(frozen=True, slots=True)
class Days:
    """The calendar days of the sample, the first and the last one cut where the 180 days begin and end.

    `first` and `last` are instants, `rate` how much happens on the day, `campaign` the place in
    `campaigns` of what runs, or -1.
    """

    first: Numbers
    last: Numbers
    rate: Numbers
    campaign: Numbers
    campaigns: tuple[Campaign, ...]

    def __len__(self) -> int:
        return len(self.first)


def microseconds(instant: datetime) -> int:
    """An instant as microseconds since 1970."""
    return (instant.astimezone(UTC) - _EPOCH) // timedelta(microseconds=1)


def days(at: datetime) -> Days:
    """The 180 days that end at an instant."""
    end = microseconds(at)
    start = end - DAYS * DAY
    midnights = np.arange(start // DAY, (end - 1) // DAY + 1) * DAY
    first, last = np.maximum(midnights, start), np.minimum(midnights + DAY, end)
    dates = [date(1970, 1, 1) + timedelta(days=int(each // DAY)) for each in midnights]
    running = campaigns(dates[0], dates[-1])
    campaign = np.array([_of(day, running) for day in dates])
    looks = np.array([1.0 if each < 0 else running[each].looks for each in campaign])
    week = np.array([_WEEK[day.weekday()] for day in dates])
    growth = np.linspace(0.75, 1.25, len(dates))
    luck = np.array([np.random.default_rng(int(each // DAY)).normal(1, 0.05) for each in midnights])
    return Days(first, last, luck * growth * week * looks * (last - first) / DAY, campaign, running)


def time_of_day(random: np.random.Generator, count: int) -> Numbers:
    """So many times of a day, in microseconds, as people are awake: little at night, most in the evening."""
    edges = np.r_[0, np.cumsum(_HOURS)] / _HOURS.sum()
    return (np.interp(random.random(count), edges, np.arange(25)) * HOUR).astype(np.int64)


def _of(day: date, running: tuple[Campaign, ...]) -> int:
    return next((place for place, each in enumerate(running) if each.first <= day <= each.last), -1)
