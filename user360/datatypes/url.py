"""A web address: absolute, http or https, kept as given with its host in lower case."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, urlsplit

import idna
import pyarrow as pa
import pyarrow.compute as pc

from user360.datatype import Control, DataType, Display, Refusal, text_of

if TYPE_CHECKING:
    from user360.datatype import Zone

LONGEST: Final = 8_192
_ODD: Final = re.compile(r"[\s\x00-\x1f\x7f<>\"\\^`{|}]")
# A lower-case host of plain labels with a plain path is its own canonical form.
_CANONICAL: Final = r"^https?://[a-z]([a-z0-9]{0,50})([.-][a-z0-9]{1,50}){0,3}\.[a-z]{2,20}(:[1-9][0-9]{0,3})?([/?#][A-Za-z0-9._~:/?#@!$&'()*+,;=%\-]*)?$"


def _parse(raw: object, _: Zone) -> str:
    text = text_of(raw, what="a web address")
    if len(text) > LONGEST:
        raise Refusal("is longer than 8,192 characters", "Shorten it.")
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]*):", text)
    if not scheme or (scheme[1].lower() not in {"http", "https"} and "." in scheme[1]):
        raise Refusal("has no scheme", "Begin it with https://.")
    if scheme[1].lower() not in {"http", "https"}:
        raise Refusal(f"is of the scheme {scheme[1].lower()}", "Only http and https are taken.")
    if _ODD.search(text):
        raise Refusal("holds a blank or another character that no address has", "Write it with %20 and the like.")
    parts = _split(text)
    host = _host(parts)
    start = text.lower().index("//") + 2
    end = min((at for at in (text.find(each, start) for each in "/?#") if at >= 0), default=len(text))
    user, at, _ = text[start:end].rpartition("@")
    port = f":{parts.port}" if parts.port is not None else ""
    return f"{scheme[1].lower()}://{user}{at}{host}{port}{text[end:]}"


def _split(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        raise Refusal("has a port or an address that does not exist", "Look at the part before the first slash.") from None
    if not parts.hostname:
        raise Refusal("has no host", "Write it as https://example.com/page.")
    return parts


def _host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    if ":" in host:
        return f"[{ipaddress.ip_address(host).compressed}]" if _is_address(host) else _no_host()
    if re.fullmatch(r"[0-9.]+", host):
        return host if _is_address(host) else _no_host()
    try:
        idna.encode(host.rstrip("."), uts46=True, std3_rules=False)
    except (idna.IDNAError, UnicodeError):
        return _no_host()
    return host if re.fullmatch(r"[\w.-]+", host) else _no_host()


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _no_host() -> str:
    raise Refusal("has a host that cannot exist", "Write it as https://example.com/page.")


def _quick(column: pa.Array, _: Zone) -> pa.Array:
    canonical = pc.and_(pc.match_substring_regex(column, _CANONICAL), pc.less_equal(pc.binary_length(column), LONGEST))
    return pc.if_else(canonical, column, pa.scalar(None, pa.string()))


TYPE: Final = DataType(
    name="url",
    label="Web address",
    column="VARCHAR",
    arrow=pa.string(),
    families=("known", "address", "url"),
    control=Control("text", "https://example.com/page"),
    display=Display("link", 140),
    role="nominal",
    accepts="an absolute http or https address",
    examples=(
        ("https://example.com/a?b=1#c", "https://example.com/a?b=1#c"),
        ("HTTPS://Shop.Example.COM/Teal", "https://shop.example.com/Teal"),
        ("http://localhost:8501", "http://localhost:8501"),
        ("https://münchen.de/", "https://münchen.de/"),
    ),
    counterexamples=(
        ("javascript:alert(1)", "javascript"),
        ("example.com", "no scheme"),
        ("https://", "no host"),
        ("ftp://example.com", "ftp"),
        ("https://exa mple.com", "blank"),
        ("https://example..com", "cannot exist"),
        ("https://example.com:99999/", "does not exist"),
        ("http://[::1", "does not exist"),
        ("http://300.1.1.1/", "cannot exist"),
    ),
    parse_one=_parse,
    format_one=lambda value, _: str(value),
    quick=_quick,
)
