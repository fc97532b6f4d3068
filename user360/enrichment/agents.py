"""User agents: which browser, system and device sent an event."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import pyarrow as pa
import ua_parser

if TYPE_CHECKING:
    from collections.abc import Mapping

Kind: TypeAlias = Literal["desktop", "mobile", "tablet", "tv", "bot"]

LONGEST: Final = 1_000
KEPT: Final = 20_000
ROWS: Final = pa.schema(
    {each: pa.string() for each in ("browser", "browser_version", "os", "os_version", "device", "device_model", "manufacturer")}
)
_DESKTOP: Final = {"Windows", "macOS", "Linux", "Chrome OS", "Ubuntu", "Fedora", "Debian", "FreeBSD", "OpenBSD"}
_RENAMED: Final = {"Mac OS X": "macOS"}
_TABLETS: Final = ("iPad", "Kindle", "Tablet")


@dataclass(frozen=True, slots=True)
class Agent:
    """What a user agent says, as far as it does. `device` is the kind of device."""

    browser: str | None = None
    browser_version: str | None = None
    os: str | None = None
    os_version: str | None = None
    device: Kind | None = None
    device_model: str | None = None
    manufacturer: str | None = None


def of_user_agents(agents: pa.Array) -> pa.Table:
    """For each user agent what it says, a column per field of `Agent`."""
    encoded = agents.dictionary_encode()
    found = [agent(each) for each in encoded.dictionary.to_pylist()]
    columns = {name: pa.array([getattr(each, name) for each in found], pa.string()) for name in ROWS.names}
    return pa.table({name: column.take(encoded.indices) for name, column in columns.items()}, schema=ROWS)


@lru_cache(KEPT)
def agent(text: str) -> Agent:
    """What one user agent says."""
    said = ua_parser.parse(text[:LONGEST])
    browser, system, device = said.user_agent, said.os, said.device
    name = _RENAMED.get(system.family, system.family) if system else None
    bot = device is not None and device.brand == "Spider"
    known = device is not None and not bot and device.model is not None
    generic = device is None or device.brand is None or device.brand.startswith("Generic")
    return Agent(
        browser.family if browser else None,
        _version(browser.major, browser.minor) if browser else None,
        name,
        _version(system.major, system.minor) if system else None,
        "bot" if bot else _kind(text, name, device.family if device else ""),
        device.model if device and known else None,
        device.brand if device and known and not generic else None,
    )


def in_context(context: Mapping[str, object]) -> dict[str, object]:
    """The context of an event with what its user agent says, where the sender did not say it; what was added stands in `derived`."""
    text = context.get("userAgent")
    if not isinstance(text, str) or not text.strip():
        return dict(context)
    said = agent(text)
    wanted = {
        "browser": {"name": said.browser, "version": said.browser_version},
        "os": {"name": said.os, "version": said.os_version},
        "device": {"type": said.device, "model": said.device_model, "manufacturer": said.manufacturer},
    }
    whole = dict(context)
    added: list[str] = []
    for part, values in wanted.items():
        given = whole.get(part)
        if given is not None and not isinstance(given, dict):
            continue
        fresh = {name: value for name, value in values.items() if value is not None and not (given or {}).get(name)}
        if fresh:
            whole[part] = {**(given or {}), **fresh}
            added += [f"{part}.{name}" for name in fresh]
    if added:
        told = whole.get("derived")
        whole["derived"] = {**(told if isinstance(told, dict) else {}), "userAgent": added}
    return whole


def _version(*parts: str | None) -> str | None:
    return ".".join(part for part in parts if part) or None


def _kind(text: str, system: str | None, family: str) -> Kind | None:
    if "TV" in text or family.endswith("TV"):
        return "tv"
    if any(each in family for each in _TABLETS):
        return "tablet"
    if system == "Android":
        return "mobile" if "Mobile" in text else "tablet"
    if system == "iOS":
        return "mobile"
    return "desktop" if system in _DESKTOP else None
