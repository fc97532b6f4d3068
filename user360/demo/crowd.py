"""Who the people of the sample business are: where they live, since when, how keen, which channel.

The visits (`visits`) and the table of users (`roster`) are both drawn from this one crowd, so that
they agree: nobody is written to who opted out, nothing happens before its user was made. Names and
other text do not live here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from user360.demo import calendar
from user360.demo.places import COUNTRIES

if TYPE_CHECKING:
    from datetime import datetime

Numbers: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"

CHANNELS: Final = ("web", "whatsapp", "app", "email", "sms", "instagram")
WEB, WHATSAPP, APP, EMAIL, SMS, INSTAGRAM = range(len(CHANNELS))
MIX: Final = np.array([0.35, 0.19, 0.17, 0.20, 0.04, 0.05])

_OLDEST: Final = 900
_LAST_CALL: Final = 300_000_000  # the newest still have five minutes for a first visit


@dataclass(frozen=True, slots=True)
class Crowd:
    """People in the order they were made, an array each; instants in microseconds since 1970, UTC.

    `weight` is how often somebody comes (0: never), `keen` how readily they buy, `favourite` their
    channel. Opt-ins are 1, 0 or -1 for never asked. `person` is who a profile really is: a few
    people have a second profile, made later, and `person` points at their first.
    """

    at: int
    made: Numbers
    left: Numbers
    weight: Numbers
    keen: Numbers
    favourite: Numbers
    country: Numbers
    city: Numbers
    woman: Numbers
    person: Numbers
    identified: Numbers
    by_email: Numbers
    by_sms: Numbers
    by_chat: Numbers

    def __len__(self) -> int:
        return len(self.made)


def gather(users: int, *, at: datetime, seed: int) -> Crowd:
    """Draw so many people: half of them from before the sample's 180 days, the rest joining at a growing rate."""
    random = np.random.default_rng([seed, 1])
    end = calendar.microseconds(at)
    made = _made(users, at, random)
    person = _persons(users, random)
    country = _draw(random, users, np.array([each.share for each in COUNTRIES]))[person]
    inside = made >= end - calendar.DAYS * calendar.DAY
    identified = (random.random(users) >= 0.03) | (person != np.arange(users))
    asked = [_asked(random, users, yes, no) for yes, no in ((0.52, 0.17), (0.24, 0.35), (0.46, 0.12))]
    weight = _weights(users, inside, identified, random)
    return Crowd(
        at=end,
        made=made,
        left=_left(made, end - calendar.DAYS * calendar.DAY, random),
        weight=weight,
        keen=np.clip(random.lognormal(-0.08, 0.4, users) * np.clip(weight, 0.3, 9) ** 0.3, 0.2, 4),
        favourite=_favourites(country, random),
        country=country,
        city=(random.random(users) ** 1.6 * np.array([len(each.cities) for each in COUNTRIES])[country]).astype(np.int64)[person],
        woman=(random.random(users) < 0.58)[person],
        person=person,
        identified=identified,
        by_email=asked[0],
        by_sms=asked[1],
        by_chat=asked[2],
    )


def _draw(random: np.random.Generator, count: int, shares: Numbers) -> Numbers:
    """So many places in `shares`, each as often as its share says."""
    edges = np.cumsum(shares) / np.sum(shares)
    return np.minimum(np.searchsorted(edges, random.random(count), side="right"), len(shares) - 1)


def _made(users: int, at: datetime, random: np.random.Generator) -> Numbers:
    """When each profile was made, oldest first: half before the 180 days, the others as the days bring them."""
    end, start = calendar.microseconds(at), calendar.microseconds(at) - calendar.DAYS * calendar.DAY
    before = (users + 1) // 2
    old = start - (_OLDEST * calendar.DAY * random.random(before) ** 1.4).astype(np.int64) - calendar.DAY
    days = calendar.days(at)
    day = _draw(random, users - before, days.rate * np.linspace(0.8, 1.6, len(days.rate)) ** 1.2)
    share = calendar.time_of_day(random, users - before) / calendar.DAY
    joined = days.first[day] + (share * (days.last[day] - days.first[day])).astype(np.int64)
    fresh = np.minimum(joined, end - _LAST_CALL)
    return np.sort(np.r_[old, fresh])


def _persons(users: int, random: np.random.Generator) -> Numbers:
    """Three in a hundred profiles are a second one of somebody who was there before."""
    own = np.arange(users)
    earlier = (own * random.random(users)).astype(np.int64)
    second = (random.random(users) < 0.03) & (own > users // 10)
    second &= ~second[earlier]
    return np.where(second, earlier, own)


def _left(made: Numbers, start: int, random: np.random.Generator) -> Numbers:
    """Until when each keeps coming: some try once or twice, the others stay for months; most of the old are still there."""
    lasting = random.random(len(made)) > np.where(made < start, 0.12, 0.25)
    stay = np.where(lasting, random.exponential(320, len(made)), random.exponential(3, len(made)))
    return np.where(lasting, np.maximum(made, start), made) + (stay * calendar.DAY).astype(np.int64)


def _weights(users: int, inside: Numbers, identified: Numbers, random: np.random.Generator) -> Numbers:
    """How often each comes: a few very often, most now and then, some (old imports above all) never."""
    weight = np.clip(random.lognormal(0, 0.9, users), 0.12, 9)
    never = random.random(users) < np.where(inside, 0.03, 0.12)
    return np.where(never, 0, np.where(identified, weight, 0.3 * weight))


def _favourites(country: Numbers, random: np.random.Generator) -> Numbers:
    """The channel each prefers; where people rather write than browse, WhatsApp gains."""
    chat = np.array([each.chat for each in COUNTRIES])[country]
    shares = np.tile(MIX, (len(country), 1))
    shares[:, WHATSAPP] *= chat**1.5
    edges = np.cumsum(shares, axis=1) / shares.sum(axis=1, keepdims=True)
    drawn: Numbers = random.random(len(country))[:, None]
    favourites: Numbers = (drawn > edges[:, :-1]).sum(axis=1)
    return favourites


def _asked(random: np.random.Generator, users: int, yes: float, no: float) -> Numbers:
    """An opt-in: 1, 0, or -1 for never asked."""
    drawn = random.random(users)
    return np.where(drawn < yes, 1, np.where(drawn < yes + no, 0, -1))
