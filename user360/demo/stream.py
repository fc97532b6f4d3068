"""The plan of a day spelled out as events: who, what, when, through which channel, with which properties.

How far each visit gets does not live here (`visits`), nor what its events say (`wording`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from user360.demo import wording
from user360.demo.crowd import CHANNELS, EMAIL, WHATSAPP
from user360.demo.steps import STEPS

if TYPE_CHECKING:
    from user360.demo.calendar import Numbers
    from user360.demo.crowd import Crowd
    from user360.demo.goods import Campaign
    from user360.demo.visits import Visits

SOURCES: Final = ("Web shop", "WhatsApp bot", "Shop app", "Campaigns", "Instagram", "Shipping")
_SOURCE_OF: Final = np.array([0, 1, 2, 3, 3, 4])  # by the channels of the crowd
_SHIPPING: Final = np.array([each.name in {"shipped", "delivered"} for each in STEPS])
_DOOR: Final = np.array([each.place == "door" for each in STEPS])
_PAUSE: Final = np.array([each.seconds for each in STEPS]) * 1e6
_FIXED: Final = np.array([{"email": EMAIL, "chat": WHATSAPP}.get(each.place, -1) for each in STEPS])
_EVENTS: Final = pa.array([each.event for each in STEPS])
_CHANNELS: Final = pa.array(CHANNELS)
_SOURCES: Final = pa.array(SOURCES)
_LATEST: Final = 1_000  # microseconds before the end at which everything has happened


def events(crowd: Crowd, user_ids: pa.Array, visits: Visits, campaign: Campaign | None, *, prefix: str, seed: int) -> pa.Table:
    """The events of a day in the order they happened.

    Columns: person (place in the crowd), userId (null while unidentified), event, timestamp (naive
    UTC), channel, source, messageId, properties (JSON text).
    """
    random = np.random.default_rng([seed, 3, visits.day])
    visit, step = _spelled(visits.counts)
    when = _instants(visits, visit, step, crowd.at - _LATEST, random)
    order = np.argsort(when, kind="stable")
    said = _properties(visits, visit, step, campaign, random)
    visit, step = visit[order], step[order]
    person = visits.user[visit].astype(np.int32)
    channel = np.where(_FIXED[step] >= 0, _FIXED[step], np.where(_DOOR[step], visits.door[visit], visits.shop[visit]))
    source = np.where(_SHIPPING[step], SOURCES.index("Shipping"), _SOURCE_OF[channel])
    numbers = pa.array(np.arange(len(order))).cast(pa.string())
    return pa.table(
        {
            "person": pa.array(person),
            "userId": user_ids.take(pa.array(person)),
            "event": _EVENTS.take(pa.array(step)),
            "timestamp": pa.array(when[order].astype("M8[us]")),
            "channel": _CHANNELS.take(pa.array(channel)),
            "source": _SOURCES.take(pa.array(source)),
            "messageId": pc.binary_join_element_wise(f"{prefix}-{visits.day}-", numbers, ""),
            "properties": said.take(pa.array(order)),
        }
    )


def _spelled(counts: Numbers) -> tuple[Numbers, Numbers]:
    """Visit and step of every event, visit by visit."""
    places = np.repeat(np.arange(counts.size), counts.ravel())
    return places // counts.shape[1], (places % counts.shape[1]).astype(np.uint8)


def _instants(visits: Visits, visit: Numbers, step: Numbers, latest: int, random: np.random.Generator) -> Numbers:
    """When each happened: minutes apart within a visit; what would go past the end is drawn together before it."""
    if not len(visit):
        return np.zeros(0, dtype=np.int64)
    begins = np.r_[True, visit[1:] != visit[:-1]]
    pauses = _PAUSE[step] * np.clip(random.lognormal(-0.1, 0.6, len(step)), 0.15, 2)
    pauses[begins] = 0
    passed = np.cumsum(pauses)
    firsts = np.flatnonzero(begins)
    since = passed - np.repeat(passed[firsts], np.diff(np.r_[firsts, len(visit)]))
    whole = np.maximum.reduceat(since, firsts)
    room = np.maximum(latest - visits.start[visit[firsts]], 0)
    tight = np.minimum(1, room / np.maximum(whole, 1))
    start = np.minimum(visits.start, latest)
    instants: Numbers = start[visit] + (since * np.repeat(tight, np.diff(np.r_[firsts, len(visit)]))).astype(np.int64)
    return instants


def _properties(
    visits: Visits, visit: Numbers, step: Numbers, campaign: Campaign | None, random: np.random.Generator
) -> pa.Array:
    """The properties of every event, in the order of `visit` and `step`."""
    by_step = np.argsort(step, kind="stable")
    upto = np.searchsorted(step[by_step], np.arange(len(STEPS) + 1))
    said = [
        wording.properties(each.name, wording.Rows(visits, visit[by_step[start:end]], campaign, random))
        for each, start, end in zip(STEPS, upto[:-1], upto[1:], strict=True)
        if end > start
    ]
    back = np.empty(len(step), dtype=np.int64)
    back[by_step] = np.arange(len(step))
    return pa.concat_arrays(said).take(pa.array(back)) if said else pa.array([], pa.string())
