"""The plan of each day: who comes, through which channel, how far they get, what they buy.

A visit is a row of counts over `STEPS`: how often each step happens, in that order. The plan is
small and quick, so the table of users can sum up what happened without making the events
themselves; `stream` spells them out. Both are drawn from a random source of the day's own, so any
day can be made alone and always is the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from user360.demo import calendar
from user360.demo.calendar import DAY, HOUR
from user360.demo.crowd import APP, EMAIL, INSTAGRAM, MIX, SMS, WEB, WHATSAPP
from user360.demo.goods import PRODUCTS
from user360.demo.places import COUNTRIES
from user360.demo.steps import PLACE, ROUNDS, STEPS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from user360.demo.calendar import Days, Numbers
    from user360.demo.crowd import Crowd

_SHIPPED, _DELIVERED, _AFTERWARDS = 3, 8, 14  # days after an order by which each has surely happened, at its slowest
_VISIT: Final = 3.6  # events of a visit at the least, on average: enough visits are drawn to fill a day

_OFFSETS: Final = np.array([each.hours for each in COUNTRIES])
_CENTS: Final = np.array([each.cents for each in PRODUCTS])
_LIKED: Final = np.cumsum([each.share for each in PRODUCTS])
_BUYING: Final = np.array([1.0, 0.9, 1.35, 1.15, 1.0, 0.6])  # by the channels of the crowd: how much readier to buy


@dataclass(frozen=True, slots=True)
class Visits:
    """The visits of one day, an array each: `counts` is visits by steps, money in cents, `first` … what is in the basket.

    `number` tells visits of a day apart; `campaign` is the one running that day, or -1.
    """

    day: int
    campaign: int
    user: Numbers
    start: Numbers
    door: Numbers
    shop: Numbers
    counts: Numbers
    first: Numbers
    second: Numbers
    pieces: Numbers
    basket: Numbers
    discount: Numbers
    score: Numbers

    def __len__(self) -> int:
        return len(self.user)

    def did(self, step: str) -> Numbers:
        """Which visits came to this step."""
        return self.counts[:, PLACE[step]] > 0

    def only(self, keep: Numbers) -> Visits:
        """These visits alone, in this order."""
        arrays = [getattr(self, each)[keep] for each in self.__slots__[2:]]
        return Visits(self.day, self.campaign, *arrays)


def plan(crowd: Crowd, days: Days, events: int, *, seed: int) -> Iterator[Visits]:
    """Day by day the visits that together make exactly so many events."""
    upto = np.floor(np.cumsum(days.rate) / days.rate.sum() * events + 1e-6).astype(np.int64)
    upto[-1] = events
    edges: Numbers = np.concatenate([days.first, days.last[-1:]])
    joining = np.searchsorted(crowd.made, edges)
    for day, quota in enumerate(np.diff(np.r_[0, upto])):
        random = np.random.default_rng([seed, 2, day])
        fresh = np.arange(joining[day], joining[day + 1])
        yield _of_day(crowd, days, day, fresh[crowd.weight[fresh] > 0], int(quota), random)


def _of_day(crowd: Crowd, days: Days, day: int, fresh: Numbers, quota: int, random: np.random.Generator) -> Visits:
    """The visits of one day: who is new today comes at once, the others as often as they do; cut to the quota."""
    regulars = _who(crowd, int(days.first[day]), int(quota / _VISIT) + 24, random)
    user = np.r_[fresh, regulars]
    new = np.arange(len(user)) < len(fresh)
    begins = _starts(crowd, days, day, user, new, random)
    visits = _draw(crowd, days, day, user, begins, new, random)
    lengths = visits.counts.sum(axis=1, dtype=np.int64)
    whole = np.cumsum(lengths) <= quota
    short = quota - int(lengths[whole].sum())
    return _filled(visits, np.flatnonzero(whole), short, len(fresh))


def _filled(visits: Visits, whole: Numbers, short: int, fresh: int) -> Visits:
    """The visits that fit, and a look at one page for each event that is short of the quota."""
    bounced = fresh + np.arange(short) % (len(visits) - fresh)
    filled = visits.only(np.r_[whole, bounced])
    if short:
        filled.counts[-short:] = 0
        filled.counts[-short:, PLACE["page"]] = 1
        for emptied in (filled.basket, filled.discount, filled.pieces):
            emptied[-short:] = 0
        filled.shop[-short:] = WEB
        filled.start[-short:] += np.arange(short) % 997
    return filled


def _who(crowd: Crowd, now: int, count: int, random: np.random.Generator) -> Numbers:
    """Who comes today, of those who were there yesterday and have not left; the newest come more often."""
    there = int(np.searchsorted(crowd.made, now))
    age = (now - crowd.made[:there]) / DAY
    come = np.where(crowd.left[:there] > now, crowd.weight[:there], 0.004 * crowd.weight[:there])
    edges = np.cumsum(come * (1 + 2.5 * np.exp(-age / 6)))
    chosen: Numbers = np.searchsorted(edges, random.random(count) * edges[-1], side="right")
    return np.minimum(chosen, there - 1)


def _starts(crowd: Crowd, days: Days, day: int, user: Numbers, new: Numbers, random: np.random.Generator) -> Numbers:
    """When each visit begins: in the waking hours of where they live; who is new, when they were made."""
    local = calendar.time_of_day(random, len(user)) - (_OFFSETS[crowd.country[user]] * HOUR).astype(np.int64)
    share = (local % DAY) / DAY
    first, last = int(days.first[day]), int(days.last[day])
    return np.where(new, crowd.made[user] + 1_000_000, first + (share * (last - first)).astype(np.int64))


def _draw(
    crowd: Crowd, days: Days, day: int, user: Numbers, begins: Numbers, new: Numbers, random: np.random.Generator
) -> Visits:
    """How far each visit gets."""
    running = int(days.campaign[day])
    door = _doors(crowd, user, new, random)
    shop = np.where((door == APP) | (door == WHATSAPP), door, WEB)
    counts = np.zeros((len(user), len(STEPS)), dtype=np.uint8)
    come = _Draw(counts, random)
    shopping = _arrive(come, crowd, user, door, new, running >= 0)
    first, second = (_products(user, random) for _ in range(2))
    _buy(come, crowd, user, door, new, shopping, days.campaigns[running].buys if running >= 0 else 1.0)
    pieces, basket, discount = _baskets(come, first, second)
    _after(come, crowd, user, begins)
    score = np.clip(np.rint(random.normal(8.1, 1.9, len(user))), 0, 10).astype(np.int64)
    return Visits(day, running, user, begins, door, shop, counts, first, second, pieces, basket, discount, score)


class _Draw:
    """Counts being filled in, step by step."""

    def __init__(self, counts: Numbers, random: np.random.Generator) -> None:
        self.counts, self.random = counts, random

    def chance(self, of: Numbers, share: Numbers | float) -> Numbers:
        """Who of these, each with this chance."""
        return of & (self.random.random(len(of)) < share)

    def step(self, name: str, of: Numbers, share: Numbers | float = 1.0) -> Numbers:
        """Let who of these, each with this chance, come to a step; answer who did."""
        came = self.chance(of, share)
        self.counts[:, PLACE[name]] = came
        return came

    def repeat(self, name: str, of: Numbers, mean: float) -> None:
        """Let these do a step once or oftener."""
        self.counts[:, PLACE[name]] = np.where(of, np.minimum(self.random.geometric(1 / mean, len(of)), 12), 0)


def _doors(crowd: Crowd, user: Numbers, new: Numbers, random: np.random.Generator) -> Numbers:
    """The channel each comes by; nobody is written to who said no, and newcomers come by themselves."""
    any_door = np.searchsorted(np.cumsum(MIX)[:-1], random.random(len(user)), side="right")
    door = np.where(random.random(len(user)) < 0.62, crowd.favourite[user], any_door)
    unwanted = (door == EMAIL) & ((crowd.by_email[user] == 0) | new) | (door == SMS) & ((crowd.by_sms[user] == 0) | new)
    return np.where(unwanted, WEB, door)


def _arrive(come: _Draw, crowd: Crowd, user: Numbers, door: Numbers, new: Numbers, promoted: bool) -> Numbers:  # noqa: FBT001
    """Let them come in by mail, message, chat or by themselves; answer who goes on to the shop."""
    opened = come.step("opened", come.step("mailed", come.step("mail", door == EMAIL), 0.98), 0.38)
    by_mail = come.step("clicked", opened, 0.34)
    come.step("unsubscribed", opened & ~by_mail, 0.012)
    chat = (door == WHATSAPP) | (door == INSTAGRAM)
    wanted = (door == WHATSAPP) & (crowd.by_chat[user] == 1) & ~new
    offer = come.step("offer", (door == SMS) | come.chance(wanted, 0.45 if promoted else 0.15))
    read = come.step("offer read", come.step("offered", offer, 0.96), np.where(chat, 0.8, 0.0))
    texted = (door == SMS) & come.counts[:, PLACE["offered"]].astype(bool)
    by_text = come.step("link", texted, 0.12)
    talking = chat & (~offer | come.chance(read, 0.5))
    for turn in range(ROUNDS):
        talking = come.step(f"asked {turn}", talking, 1.0 if turn == 0 else 0.55)
        answered = come.step(f"answered {turn}", come.step(f"answer {turn}", talking, 0.97), 0.99)
        come.step(f"answer read {turn}", answered, 0.86)
    asked = come.counts[:, PLACE["asked 0"]].astype(bool)
    agent = come.step("agent", asked, 0.05)
    come.step("survey", asked & ~agent, 0.05)
    by_chat = come.chance(asked & ~agent, 0.42)
    shopping: Numbers = (door == WEB) | (door == APP) | by_mail | by_text | by_chat | new
    return shopping


def _buy(come: _Draw, crowd: Crowd, user: Numbers, door: Numbers, new: Numbers, shopping: Numbers, eager: float) -> None:
    """The way from a look to an order, narrower with each step; keen people and promotions widen it."""
    keen = crowd.keen[user] * _BUYING[door]
    in_shop = come.step("session", shopping & (door != WHATSAPP)) | shopping
    come.step("signed up", new)
    come.repeat("page", come.chance(in_shop & (door != WHATSAPP), 0.7), 1.5)
    come.step("searched", in_shop, 0.24)
    viewed = come.chance(in_shop, 0.84)
    come.repeat("viewed", viewed, 2.0)
    added = come.step("added", viewed, np.clip(0.26 * keen**0.8 * eager**0.6, 0, 0.8))
    come.step("wished", viewed & ~added, 0.07)
    come.repeat("viewed too", come.chance(added, 0.5), 1.5)
    too = come.step("added too", come.counts[:, PLACE["viewed too"]] > 0, 0.6)
    come.step("removed", too, 0.14)
    checkout = come.step("checkout", added, np.clip(0.52 * keen**0.3, 0, 0.9))
    come.step("coupon", checkout, 0.42 if eager > 1 else 0.06)
    failed = come.step("failed", checkout, 0.06)
    come.step("ordered", checkout, np.where(failed, 0.45, 0.74))


def _baskets(come: _Draw, first: Numbers, second: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Pieces of the first product, worth of the basket and what the coupon takes off, in cents."""
    added, too, removed, coupon = (
        come.counts[:, PLACE[each]].astype(np.int64) for each in ("added", "added too", "removed", "coupon")
    )
    pieces = added * np.where(come.random.random(len(first)) < 0.82, 1, come.random.integers(2, 4, len(first)))
    basket = pieces * _CENTS[first] + (too - removed) * _CENTS[second]
    return pieces, basket, coupon * (basket // 10)


def _after(come: _Draw, crowd: Crowd, user: Numbers, begins: Numbers) -> None:
    """What follows an order: the receipt in the chat, and in time the parcel, a review, a return, a question."""
    ordered = come.counts[:, PLACE["ordered"]] > 0
    told = come.step("receipt", ordered & (crowd.by_chat[user] == 1))
    come.step("receipt read", come.step("receipt there", told, 0.98), 0.9)
    age = (crowd.at - begins) / DAY
    sent = come.step("shipped", ordered & (age > _SHIPPED), 0.97)
    there = come.step("delivered", sent & (age > _DELIVERED), 0.97) & (age > _AFTERWARDS)
    come.step("reviewed", there, 0.13)
    come.step("returned", there, 0.07)


def _products(user: Numbers, random: np.random.Generator) -> Numbers:
    """A product each: now and then the one somebody keeps coming back to, else as well liked as it is."""
    any_product = np.minimum(np.searchsorted(_LIKED, random.random(len(user))), len(PRODUCTS) - 1)
    return np.where(random.random(len(user)) < 0.3, user * 40_503 % len(PRODUCTS), any_product)
