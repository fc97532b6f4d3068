"""Addresses of the net as they are written, and which of them can be looked up at all."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import Final

_WITH_PORT: Final = re.compile(r"(?:(\d{1,3}(?:\.\d{1,3}){3})|\[([^\]]+)\])(?::\d{1,5})?", re.ASCII)
_BEHIND_NAT: Final = ipaddress.ip_network("64:ff9b::/96")
LONGEST: Final = 64
KEPT: Final = 50_000


def address(text: str) -> str | None:
    """The address in its plain form, or None if it is none.

    A port, brackets and a zone are left aside. An IPv4 address inside an IPv6 one (mapped, 6to4, NAT64) is that address.
    """
    found = _read(text[: LONGEST + 1])
    return None if found is None else str(found)


def public(text: str) -> str | None:
    """The address in its plain form if it is somebody's on the net; None for private, reserved and bogus ones."""
    found = _read(text[: LONGEST + 1])
    return str(found) if found is not None and found.is_global and not found.is_multicast else None


@lru_cache(KEPT)
def _read(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    if len(text) > LONGEST:
        return None
    bare = text.strip()
    if ported := _WITH_PORT.fullmatch(bare):
        bare = ported[1] or ported[2]
    try:
        found = ipaddress.ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    if not isinstance(found, ipaddress.IPv6Address):
        return found
    inner = found.ipv4_mapped or found.sixtofour
    if inner is None and found in _BEHIND_NAT:
        inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
    return inner or found
