"""The load that questions are timed on: a deterministic crowd with skewed activity, as Arrow.

People with 40 custom properties, a fifth of the values unknown; events over 365 days with Zipf
names, one preferred channel per person, amounts on what is bought. Nothing of the product is used
here, so that every engine is given the same rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW: Final = np.datetime64("2026-11-23T00:00:00", "us")
DAYS: Final = 365
EVENTS: Final = (
    ["page_view", "product_view", "session_start", "email_delivered", "add_to_cart", "search", "email_opened"]
    + ["push_sent", "whatsapp_delivered", "sms_delivered", "login", "whatsapp_read", "checkout_started", "purchase"]
    + [f"event_{number}" for number in range(14, 36)]
    + ["unsubscribe", "app_installed", "app_uninstalled", "profile_updated"]
)
CHANNELS: Final = ("web", "whatsapp", "email", "sms", "voice", "app")
BOUGHT: Final = (4, 12, 13)
COUNTRIES: Final = (
    "US",
    "IN",
    "GB",
    "DE",
    "FR",
    "BR",
    "ES",
    "IT",
    "NL",
    "PL",
    "CA",
    "AU",
    "MX",
    "AE",
    "SA",
    "EG",
    "NG",
    "ZA",
    "ID",
    "PH",
)
TAGS: Final = ("vip", "newsletter", "churn_risk", "beta", "wholesale", "student", "loyal", "new", "b2b", "promo")
DOMAINS: Final = ("gmail.com", "yahoo.com", "outlook.com", "hotmail.com", "acme.example", "corp.example")
TEXTS: Final = (3, 8, 20, 50, 200, 1_000, 5_000, 20_000, 40_000, 60_000)
CHUNK: Final = 2_000_000


def custom() -> dict[str, str]:
    """The custom properties and their types."""
    kinds = {
        "text": ("string", 10),
        "figure": ("number", 10),
        "flag": ("boolean", 8),
        "day": ("date", 6),
        "moment": ("datetime", 6),
    }
    return {f"{stem}{number}": kind for stem, (kind, count) in kinds.items() for number in range(count)}


def people(count: int, seed: int = 7) -> pa.Table:
    """One row per person, in the order of their keys: the system's properties, tags, and 40 of their own."""
    draw = np.random.default_rng(seed)
    found: dict[str, Any] = {
        "userId": pa.array([f"usr_{number:09d}" for number in range(count)]),
        "firstName": _of(draw, [f"Name{each:03d}" for each in range(800)], count, 0.7),
        "lastName": _of(draw, [f"Surname{each:04d}" for each in range(5_000)], count, 0.6),
        "email": pa.array(
            [
                f"name{draw_:03d}.{place}@{DOMAINS[draw_ % 6]}"
                for place, draw_ in enumerate(draw.integers(0, 800, count).tolist())
            ],
            mask=draw.random(count) < 0.2,
        ),
        "country": _of(draw, list(COUNTRIES), count, 0.9),
        "city": _of(draw, [f"City {each:04d}" for each in range(3_000)], count, 0.8),
        "emailOptin": _flags(draw, count, 0.7),
        "createdAt": pa.array(NOW - draw.integers(0, 3 * 365 * 86_400, count).astype("m8[s]").astype("m8[us]")),
        "tags": _lists(draw, count),
    }
    for name, kind in custom().items():
        number = int(name[-1])
        if kind == "string":
            found[name] = _of(draw, [f"value {each} of {number}" for each in range(TEXTS[number])], count, 0.0)
        elif kind == "number":
            found[name] = pa.array(np.round(draw.gamma(2, 10.0 ** (number % 4), count), 2), mask=draw.random(count) < 0.2)
        elif kind == "boolean":
            found[name] = _flags(draw, count, 0.1 + 0.1 * number)
        elif kind == "date":
            days = (np.datetime64("2020-01-01") + draw.integers(0, 2_500, count).astype("m8[D]")).astype("M8[D]")
            found[name] = pa.array(days, mask=draw.random(count) < 0.2)
        else:
            found[name] = pa.array(NOW - draw.integers(0, 6 * 10**13, count).astype("m8[us]"), mask=draw.random(count) < 0.2)
    return pa.table(found)


def events(users: int, count: int, seed: int = 11) -> Iterator[pa.Table]:
    """Events in order of time, in chunks: profile_key, event_id, channel_id, ts, amount (null where nothing is bought), product."""
    keys = np.random.default_rng(seed).permutation(users).astype(np.uint32)
    preferred = np.random.default_rng(seed + 1).choice(6, users).astype(np.uint8)
    scale = users / 500
    names = _zipf(len(EVENTS), 0.8)
    for start in range(0, count, CHUNK):
        size = min(CHUNK, count - start)
        draw = np.random.default_rng([seed, start])
        rank = np.minimum(scale * ((1 + users / scale) ** draw.random(size) - 1), users - 1).astype(np.uint32)
        who = keys[rank]
        event = draw.choice(len(EVENTS), size, p=names).astype(np.uint16)
        place = np.sort(start + draw.random(size) * size) / count
        bought = np.isin(event, BOUGHT)
        yield pa.table(
            {
                "profile_key": who,
                "event_id": event,
                "channel_id": np.where(draw.random(size) < 0.7, preferred[who], draw.choice(6, size)).astype(np.uint16),
                "ts": NOW - np.timedelta64(DAYS, "D") + (place**0.8 * DAYS * 86_400e6).astype("m8[us]"),
                "amount": pa.array(np.round(draw.lognormal(3.7, 1, size), 2), mask=~bought),
                "product": pa.array((5_000 * draw.random(size) ** 2).astype(np.uint16), mask=~bought),
            }
        )


def _zipf(count: int, skew: float) -> Any:
    weights = 1 / np.arange(1, count + 1) ** skew
    return weights / weights.sum()


def _of(draw: Any, values: list[str], count: int, skew: float) -> pa.Array:
    """Each one of the values, the first ones oftener, a fifth unknown."""
    picked = draw.choice(len(values), count, p=_zipf(len(values), skew)).astype(np.int32)
    return pa.DictionaryArray.from_arrays(pa.array(picked, mask=draw.random(count) < 0.2), pa.array(values)).cast(pa.string())


def _flags(draw: Any, count: int, share: float) -> pa.Array:
    return pa.array(draw.random(count) < share, mask=draw.random(count) < 0.2)


def _lists(draw: Any, count: int) -> pa.Array:
    sizes = draw.integers(0, 4, count)
    ends = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(ends), pa.array(TAGS).take(pa.array(draw.integers(0, len(TAGS), int(ends[-1])))))
