"""The table of users: the crowd with names, addresses and what their visits add up to.

`orders`, `spent`, `cartValue` and the rest that follow from events are summed up from the same plan
the events are spelled from, so a filter on either finds the same people. What changes later does
not live here (`changes`): this is each user as first told of.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from user360.demo import contacts
from user360.demo.calendar import DAY, DAYS, HOUR
from user360.demo.crowd import APP, CHANNELS, INSTAGRAM, WHATSAPP
from user360.demo.goods import CATEGORIES, PRODUCTS, REFERRERS
from user360.demo.places import COUNTRIES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from user360.demo.calendar import Numbers
    from user360.demo.crowd import Crowd
    from user360.demo.visits import Visits

TIERS: Final = ("bronze", "silver", "gold", "platinum")
TIER_FROM: Final = (0, 80, 250, 700)  # EUR spent
STORES: Final = ("Old Town", "Central Station", "Riverside Mall", "MG Road")
_CATEGORY_OF: Final = np.array([CATEGORIES.index(each.category) for each in PRODUCTS])
_CITIES: Final = pa.array([city.name for each in COUNTRIES for city in each.cities])
_FIRST_CITY: Final = np.cumsum([0, *(len(each.cities) for each in COUNTRIES)])[:-1]
_WHERE: Final = np.array([(city.latitude, city.longitude) for each in COUNTRIES for city in each.cities])


@dataclass(frozen=True, slots=True)
class Tally:
    """What the visits of each add up to: money in cents, instants in microseconds, -1 for never."""

    orders: Numbers
    spent: Numbers
    ordered_at: Numbers
    cart: Numbers
    score: Numbers
    scored_at: Numbers
    seen: Numbers
    promoted: Numbers


def tally(users: int, plan: Iterable[Visits]) -> Tally:
    """Add up the visits."""
    zero, never = (np.full(users, each, dtype=np.int64) for each in (0, -1))
    sums = Tally(zero.copy(), zero.copy(), never.copy(), zero.copy(), never.copy(), never.copy(), zero == 1, zero == 1)
    for day in plan:
        visits = day.only(np.argsort(day.start, kind="stable"))
        sums.seen[visits.user] = True
        carts = visits.only(visits.did("added"))
        sums.cart[carts.user] = np.where(carts.did("ordered"), 0, carts.basket)
        bought = visits.only(visits.did("ordered"))
        np.add.at(sums.orders, bought.user, 1)
        np.add.at(sums.spent, bought.user, bought.basket - bought.discount)
        sums.ordered_at[bought.user] = bought.start
        sums.promoted[bought.user] |= visits.campaign >= 0
        asked = visits.only(visits.did("survey"))
        sums.score[asked.user], sums.scored_at[asked.user] = asked.score, asked.start
    return sums


def users(crowd: Crowd, sums: Tally, *, seed: int) -> pa.Table:
    """Each user as first told of: userId (null while unidentified), createdAt, source, then a column per property."""
    random = np.random.default_rng([seed, 4])
    ids = contacts.user_ids(crowd)
    columns: dict[str, pa.Array] = {"userId": ids, "createdAt": _instant(crowd.made), "source": _sources(crowd)}
    columns |= contacts.named(crowd, random)
    columns |= _located(crowd, random)
    columns |= _asked(crowd, sums, random)
    columns |= _loyal(crowd, sums, random)
    columns |= _liked(crowd, ids, random)
    return pa.table(columns)


def _sources(crowd: Crowd) -> pa.Array:
    names = pa.array(("CRM import", "Web shop", "WhatsApp bot", "Shop app", "Instagram"))
    of_channel = np.ones(len(CHANNELS), dtype=np.int64)
    of_channel[[WHATSAPP, APP, INSTAGRAM]] = 2, 3, 4
    return names.take(pa.array(np.where(crowd.made < crowd.at - DAYS * DAY, 0, of_channel[crowd.favourite])))


def _located(crowd: Crowd, random: np.random.Generator) -> dict[str, pa.Array]:
    """Where they live: city in any case, an address reserved for documentation."""
    size = len(crowd)
    place = _FIRST_CITY[crowd.country] + crowd.city
    spelling = random.choice(3, size, p=[0.92, 0.05, 0.03])
    cities = pa.concat_arrays([_CITIES, pc.utf8_lower(_CITIES), pc.utf8_upper(_CITIES)])
    countries = pa.array([each.name for each in COUNTRIES])
    networks = pa.array([f"{each}.{host}" for each in ("192.0.2", "198.51.100", "203.0.113") for host in range(1, 255)])
    found = np.round(_WHERE[place] + random.normal(0, 0.05, (size, 2)), 4)
    lost = random.random(size) < 0.4
    own = random.random(size) < 0.85
    languages = pa.array([*(each.language for each in COUNTRIES), "en"])
    return {
        "country": _some(countries.take(pa.array(crowd.country)), 0.12, random),
        "city": _some(cities.take(pa.array(place + spelling * len(_CITIES))), 0.26, random),
        "ip": _some(networks.take(pa.array(random.integers(0, len(networks), size))), 0.3, random),
        "latitude": pa.array(found[:, 0], mask=lost),
        "longitude": pa.array(found[:, 1], mask=lost),
        "language": _some(languages.take(pa.array(np.where(own, crowd.country, len(COUNTRIES)))), 0.24, random),
        "timezone": _some(pa.array([each.timezone for each in COUNTRIES]).take(pa.array(crowd.country)), 0.35, random),
    }


def _asked(crowd: Crowd, sums: Tally, random: np.random.Generator) -> dict[str, pa.Array]:
    """Opt-ins, birthday, and for those without events when and where they were last met, as the old shop's file told."""
    size = len(crowd)
    age = np.minimum(16 + random.gamma(3, 7.5, size), 92)
    met = crowd.made + ((crowd.at - DAYS * DAY - crowd.made).clip(0) * random.random(size) * 0.5).astype(np.int64)
    unmet = sums.seen | (crowd.made > crowd.at - DAYS * DAY) | (random.random(size) < 0.4)
    born = (crowd.at // DAY - (age * 365.25).astype(np.int64)).astype("M8[D]")
    return {
        "dob": pa.array(born, mask=random.random(size) < 0.42),
        "emailOptin": _answer(crowd.by_email),
        "smsOptin": _answer(crowd.by_sms),
        "whatsAppOptin": _answer(np.where(np.arange(size) * 40_503 // 13 % 5 == 0, -1, crowd.by_chat)),
        "lastSession": pa.array(met.astype("M8[us]"), mask=unmet),
        "lastChannel": pa.array(CHANNELS).take(pa.array(crowd.favourite, mask=unmet)),
        "tags": _tags(crowd, sums, random),
    }


def _tags(crowd: Crowd, sums: Tally, random: np.random.Generator) -> pa.Array:
    year = str(np.datetime64(crowd.at - 30 * DAY, "us"))[2:4]
    luck = random.random((5, len(crowd)))
    worn = {
        "vip": sums.spent > 40_000,
        f"promo{year}": sums.promoted & (luck[0] < 0.8),
        "gift": (sums.orders > 0) & (luck[1] < 0.15),
        "wholesale": luck[2] < 0.015,
        "newsletter": (crowd.by_email == 1) & (luck[3] < 0.3),
        "old shop": (crowd.made < crowd.at - DAYS * DAY) & (luck[4] < 0.25),
    }
    return _lists(tuple(worn), np.array(list(worn.values())).T)


def _loyal(crowd: Crowd, sums: Tally, random: np.random.Generator) -> dict[str, pa.Array]:
    """What they bought, in the 180 days and before, and what follows from it."""
    size = len(crowd)
    years = ((crowd.at - DAYS * DAY - crowd.made) / DAY / 365).clip(0)
    before = random.poisson(0.9 * years * crowd.keen)
    orders = sums.orders + before
    cents = sums.spent + (before * random.lognormal(3.8, 0.5, size) * 100).astype(np.int64)
    bought = np.where(
        (sums.ordered_at < 0) & (before > 0), crowd.made + (crowd.at - DAYS * DAY - crowd.made) // 2, sums.ordered_at
    )
    never = orders == 0
    outside = never & (random.random(size) < 0.6)
    tier = np.searchsorted(np.array(TIER_FROM) * 100, cents, side="right") - 1
    told = np.maximum(tier - (np.arange(size) * 40_503 // 19 % 4 == 0), 0)  # some rise only later (`changing`)
    days = (np.maximum(bought, crowd.made) // DAY).astype("M8[D]")
    answered = sums.scored_at >= 0
    return {
        "orders": pa.array(orders.astype(np.float64), mask=never & (random.random(size) < 0.35)),
        "spent": pa.array(cents / 100, mask=never),
        "lastOrderOn": pa.array(days, mask=never),
        "cartValue": pa.array(sums.cart / 100, mask=sums.cart == 0),
        "loyaltyTier": pa.array(TIERS).take(pa.array(told, mask=outside)),
        "loyaltyPoints": pa.array((cents // 100).astype(np.float64), mask=outside),
        "memberSince": pa.array((crowd.made // DAY).astype("M8[D]"), mask=outside),
        "npsScore": pa.array(sums.score.astype(np.float64), mask=~answered),
        "npsAnsweredAt": pa.array(sums.scored_at.astype("M8[us]"), mask=~answered),
        "plusMember": _some(pa.array(tier + random.random(size) * 2 > 2.4), 0.3, random),
    }


def _liked(crowd: Crowd, ids: pa.Array, random: np.random.Generator) -> dict[str, pa.Array]:
    """Favourites and where they come from."""
    size = len(crowd)
    own = np.arange(size)
    place = _FIRST_CITY[crowd.country] + crowd.city
    stores = pa.array([f"{city} {store}" for city in _CITIES.to_pylist() for store in STORES[:3]])
    liked = random.random((size, len(CATEGORIES))) < np.linspace(0.55, 0.15, len(CATEGORIES))
    friend = (own * random.random(size)).astype(np.int64)
    hours = random.integers(16, 44, size)  # half hours after midnight
    return {
        "favouriteStore": _some(stores.take(pa.array(place * 3 + random.integers(0, 3, size))), 0.4, random),
        "favouriteCategory": _some(pa.array(CATEGORIES).take(pa.array(_CATEGORY_OF[own * 40_503 % len(PRODUCTS)])), 0.33, random),
        "interests": _lists(CATEGORIES, liked & (random.random(size) > 0.3)[:, None]),
        "referredBy": ids.take(pa.array(friend, mask=(random.random(size) > 0.13) | (own < 2))),
        "acquisitionSource": _some(
            pa.array(REFERRERS).take(pa.array((random.random(size) ** 1.8 * len(REFERRERS)).astype(np.int64))), 0.22, random
        ),
        "preferredTime": pa.array(hours * HOUR // 2, pa.time64("us"), mask=random.random(size) < 0.55),
    }


def _instant(microseconds: Numbers) -> pa.Array:
    return pa.array(microseconds.astype("M8[us]"))


def _answer(given: Numbers) -> pa.Array:
    return pa.array(given == 1, mask=given < 0)


def _some(values: pa.Array, unknown: float, random: np.random.Generator) -> pa.Array:
    """The values, but for this share of them, which nobody knows."""
    return pc.if_else(pa.array(random.random(len(values)) >= unknown), values, pa.scalar(None, values.type))


def _lists(words: Iterable[str], worn: Any) -> pa.Array:
    """For each row the words it wears; null where none."""
    sizes = worn.sum(axis=1)
    offsets = pa.array(np.r_[0, np.cumsum(sizes)].astype(np.int32))
    values = pa.array(list(words)).take(pa.array(np.nonzero(worn)[1]))
    return pa.ListArray.from_arrays(offsets, values, mask=pa.array(sizes == 0))
