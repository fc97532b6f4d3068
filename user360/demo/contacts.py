"""Ids, names, addresses and numbers of the sample's people, whole columns at a time.

Every address stands at a domain reserved for examples, and every number passes the rules of its
country; nothing here was ever anybody's by intent. Where people live does not live here (`roster`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from user360.demo.places import COUNTRIES, plain, shown

if TYPE_CHECKING:
    from user360.demo.calendar import Numbers
    from user360.demo.crowd import Crowd

DOMAINS: Final = pa.array(("example.com", "example.net", "example.org"))
_EMOJI: Final = pa.array((" 🌸", " ✨", " 😊", "🦋", " 👑"))


def _shelf(lists: list[tuple[str, ...]]) -> tuple[pa.Array, pa.Array, Numbers, Numbers]:
    """All names of all lists as shown and as spelled, where each list begins, how long it is."""
    names = [name for each in lists for name in each]
    sizes = np.array([len(each) for each in lists])
    return (
        pa.array([shown(each) for each in names]),
        pa.array([plain(each) for each in names]),
        np.cumsum(np.r_[0, sizes])[:-1],
        sizes,
    )


_FIRST, _FIRST_PLAIN, _FIRST_AT, _FIRST_SIZE = _shelf([names for each in COUNTRIES for names in (each.men, each.women)])
_LAST, _LAST_PLAIN, _LAST_AT, _LAST_SIZE = _shelf([each.families for each in COUNTRIES])


def user_ids(crowd: Crowd) -> pa.Array:
    """The user id of each, null while unidentified. A second profile of somebody came by WhatsApp and has an id of its own kind."""
    own = np.arange(len(crowd))
    second = crowd.person != own
    numbers = pa.array(100_000 + own * 7 + own * 40_503 % 7).cast(pa.string())
    ids = pc.binary_join_element_wise(pc.if_else(pa.array(second), "WA-", "C-"), numbers, "")
    return pc.if_else(pa.array(crowd.identified), ids, pa.scalar(None, pa.string()))


def named(crowd: Crowd, random: np.random.Generator) -> dict[str, pa.Array]:
    """Names, gender, and how to reach them. Two profiles of a person share these, so far as each was told them."""
    size, person = len(crowd), crowd.person
    who = crowd.country * 2 + crowd.woman
    first = _FIRST_AT[who] + (random.random(size)[person] ** 1.3 * _FIRST_SIZE[who]).astype(np.int64)
    last = _LAST_AT[crowd.country] + (random.random(size)[person] ** 1.3 * _LAST_SIZE[crowd.country]).astype(np.int64)
    adorned = pc.if_else(pa.array(random.random(size) < 0.01), _EMOJI.take(pa.array(random.integers(0, len(_EMOJI), size))), "")
    local = _locals(first, last, person)
    domain = random.integers(0, 3, size)[person]
    moved = (person != np.arange(size)) & (random.random(size) < 0.4)
    phones = _phones(crowd, random)
    given = {each: random.random(size) for each in ("first", "last", "gender", "email", "phone", "chat", "billing", "url")}
    genders = pa.array(("male", "female", "other", "F"))
    return {
        "firstName": _kept(pc.binary_join_element_wise(_FIRST.take(pa.array(first)), adorned, ""), given["first"] < 0.9),
        "lastName": _kept(_LAST.take(pa.array(last)), given["last"] < 0.8),
        "gender": _kept(genders.take(pa.array(_genders(crowd.woman, random))), given["gender"] < 0.66),
        "email": _kept(_emails(local, np.where(moved, (domain + 1) % 3, domain)), given["email"] < 0.78),
        "phone": _kept(phones, given["phone"] < 0.7),
        "whatsAppNumber": _kept(phones, (given["chat"] < 0.3) | ((crowd.by_chat == 1) & (given["chat"] < 0.8))),
        "billingEmail": _kept(_emails(pc.binary_join_element_wise("billing.", local, ""), domain), given["billing"] < 0.12),
        "profileUrl": _kept(pc.binary_join_element_wise("https://social.example.com/", local, ""), given["url"] < 0.16),
    }


def _kept(values: pa.Array, known: Numbers) -> pa.Array:
    return pc.if_else(pa.array(known), values, pa.scalar(None, values.type))


def _genders(woman: Numbers, random: np.random.Generator) -> Numbers:
    drawn = random.random(len(woman))
    return np.where(drawn < 0.02, 2, np.where((drawn < 0.05) & woman, 3, woman.astype(np.int64)))


def _locals(first: Numbers, last: Numbers, person: Numbers) -> pa.Array:
    """`first.last` as an address spells it; who comes later with the same name gets a number."""
    size = len(first)
    code = first * len(_LAST) + last
    owners = np.flatnonzero(person == np.arange(size))
    by_name = owners[np.argsort(code[owners], kind="stable")]
    begins = np.r_[True, np.diff(code[by_name]) != 0][: len(by_name)]
    firsts = np.flatnonzero(begins)
    turn = np.zeros(size, dtype=np.int64)
    turn[by_name] = np.arange(len(by_name)) - np.repeat(firsts, np.diff(np.r_[firsts, len(by_name)]))
    turn = turn[person]
    number = pc.if_else(pa.array(turn > 0), pa.array(turn + 1).cast(pa.string()), "")
    return pc.binary_join_element_wise(
        pc.binary_join_element_wise(_FIRST_PLAIN.take(pa.array(first)), _LAST_PLAIN.take(pa.array(last)), "."), number, ""
    )


def _emails(local: pa.Array, domain: Numbers) -> pa.Array:
    return pc.binary_join_element_wise(local, DOMAINS.take(pa.array(domain)), "@")


def _phones(crowd: Crowd, random: np.random.Generator) -> pa.Array:
    """A mobile number of each one's country, in E.164."""
    size = len(crowd)
    drawn = random.random(size)[crowd.person]
    beginnings = pa.array([f"+{each.calling}{prefix}" for each in COUNTRIES for prefix in each.prefixes])
    many = np.array([len(each.prefixes) for each in COUNTRIES])
    begins = (np.cumsum(many) - many)[crowd.country] + random.integers(0, 1 << 20, size)[crowd.person] % many[crowd.country]
    digits = np.array([each.digits for each in COUNTRIES])[crowd.country]
    # The digits after the prefix, with the leading zeroes they need: 10^digits + number, without its first digit.
    numbers = pa.array(10**digits + (drawn * 10**digits).astype(np.int64)).cast(pa.string())
    return pc.binary_join_element_wise(beginnings.take(pa.array(begins)), pc.utf8_slice_codeunits(numbers, 1), "")
