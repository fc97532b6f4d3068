"""Which channel a message came by, from what its sender says of itself.

What it says outright counts first, unless it is `server`, by which SDKs only mean where they run. Then
what gives it away: an app or a phone in the context, a library for browsers or phones, a page that was
open, the medium of a campaign. Last the channel of its source.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

WEB: Final = "web"
APP: Final = "app"
SAME: Final = {
    "browser": WEB,
    "website": WEB,
    "client": WEB,
    "mobile": APP,
    "ios": APP,
    "android": APP,
    "text": "sms",
    "e-mail": "email",
    "mail": "email",
    "facebook messenger": "messenger",
    "whats app": "whatsapp",
}
"""Other words for a channel."""
SERVER: Final = "server"
LONGEST_CHANNEL: Final = 60
MESSAGING: Final = frozenset({"email", "sms", "whatsapp", "push", "messenger", "instagram", "telegram", "voice", "rcs", "viber"})
IN_BROWSERS: Final = ("analytics.js", "rudderlabs javascript", "@jitsu/js", "@segment/analytics-next", "jitsu-js")
ON_PHONES: Final = ("ios", "android", "kotlin", "swift", "react-native", "reactnative", "flutter", "xamarin", "unity")


def channel_of(message: Mapping[str, Any], context: Mapping[str, Any], otherwise: str) -> str:
    """The channel of a message; `otherwise` is the one of its source."""
    for each in (message.get("channel"), context.get("channel")):
        told = _told(each)
        if told and told != SERVER:
            return told
    library = by_library(context)
    if library:
        return library
    if isinstance(context.get("app"), dict) and context["app"] and "page" not in context:
        return APP
    page, campaign = context.get("page"), context.get("campaign")
    if isinstance(page, dict) and page.get("url"):
        return WEB
    medium = _told(campaign.get("medium")) if isinstance(campaign, dict) else ""
    return medium if medium in MESSAGING else otherwise


def by_library(context: Mapping[str, Any]) -> str:
    """The channel a library was made for, "" where it says nothing of one."""
    library = context.get("library")
    found = library.get("name") if isinstance(library, dict) else None
    if not isinstance(found, str):
        return ""
    made_for = _made_for(found)
    return "" if made_for == WEB and library is not None and library.get("env") == "node" else made_for


@lru_cache(maxsize=256)
def _made_for(library: str) -> str:
    name = library.lower()
    if any(each in name for each in IN_BROWSERS):
        return WEB
    return APP if any(each in name for each in ON_PHONES) else ""


def _told(value: object) -> str:
    if not isinstance(value, str) or len(value) > LONGEST_CHANNEL:
        return ""
    word = " ".join(value.split()).lower()
    return SAME.get(word, word)
