"""Numbers, dates and spans as every screen writes them, and data made harmless inside Markdown.

Without this room one page would say `14,2 %` and the next `0.142`, and a user named
`![x](http://…)` could draw on the screen. Which words a state uses does not live here (`states`),
nor how a value is stored (`user360/datatypes`).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import phonenumbers

if TYPE_CHECKING:
    from datetime import date
    from zoneinfo import ZoneInfo

NO_VALUE: Final = "—"
NO_GROUP: Final = "(no value)"
FEW_PEOPLE: Final = 30
MILLION: Final = 1_000_000
_MARKDOWN: Final = re.compile(r"([\\`*_{}\[\]()#+!|<>~$:&^=\"'.-])")
_LINKED: Final = re.compile(r"@|(?<=http)\\:(?=//)|(?<=https)\\:(?=//)|(?<=www)\\\.", re.IGNORECASE)
_HEADINGS: Final = {
    "userId": "User id",
    "name": "Name",
    "firstName": "First name",
    "lastName": "Last name",
    "gender": "Gender",
    "country": "Country",
    "city": "City",
    "ip": "IP address",
    "latitude": "Latitude",
    "longitude": "Longitude",
    "language": "Language",
    "timezone": "Time zone",
    "email": "Email",
    "phone": "Phone",
    "lastChannel": "Last channel",
    "dob": "Date of birth",
    "lastSession": "Last session",
    "emailOptin": "Email opt-in",
    "smsOptin": "SMS opt-in",
    "whatsAppOptin": "WhatsApp opt-in",
    "createdAt": "Created",
    "updatedAt": "Updated",
    "tags": "Tags",
}
_SYSTEM_EVENTS: Final = {
    "USER_CREATE": "User added",
    "USER_UPDATE": "Profile changed",
    "USER_DELETE": "User deleted",
    "USER_MERGE": "Profiles merged",
}
_CHANNELS: Final = {
    "web": "Web",
    "whatsapp": "WhatsApp",
    "app": "App",
    "email": "Email",
    "sms": "SMS",
    "instagram": "Instagram",
    "voice": "Voice",
    "messenger": "Messenger",
    "telegram": "Telegram",
}
_CHANNEL_ICONS: Final = {
    "web": "language",
    "whatsapp": "chat",
    "app": "smartphone",
    "email": "mail",
    "sms": "sms",
    "instagram": "photo_camera",
    "voice": "call",
}


def escape_md(text: object, most: int = 200) -> str:
    """Data for a label, caption or sentence: every Markdown sign escaped, on one line, cut where it is too long.

    What looks like an address stays text: Markdown makes links of addresses even where every sign is escaped, unless
    something stands in them. A sign in a colour without a name is drawn as the sign alone.
    """
    return _LINKED.sub(r":color[\g<0>]", _MARKDOWN.sub(r"\\\1", cut(str(text), most)))


def cut(text: str, most: int) -> str:
    """The text on one line, ending in `…` where it would be longer than that many characters."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def heading(property_name: str) -> str:
    """A property as a table heading: system ones in words, custom ones as stored."""
    return _HEADINGS.get(property_name, property_name)


def event(stored_name: str) -> str:
    """An event as people read it: `User added` for `USER_CREATE`, one that a source sent as stored."""
    return _SYSTEM_EVENTS.get(stored_name, stored_name)


def channel(stored_name: str | None) -> str:
    """A channel as people write it: `WhatsApp` for `whatsapp`, others as stored."""
    return _CHANNELS.get(stored_name.lower(), stored_name) if stored_name else NO_VALUE


def channel_icon(stored_name: str | None) -> str:
    """The Material icon of a channel, in Streamlit's notation."""
    return f":material/{_CHANNEL_ICONS.get((stored_name or '').lower(), 'sensors')}:"


# -- numbers ------------------------------------------------------------------------------------


def number(value: float) -> str:
    """`128,412`, `3.5`; a real minus, no trailing zeros, at most 15 digits."""
    text = f"{value:,}" if isinstance(value, int) else _plain(value)
    return text.replace("-", "−")


def short(value: float) -> str:
    """A large count for an axis or a tile: `3.1 M`; under a million in full."""
    return number(round(value)) if abs(value) < MILLION else f"{value / MILLION:,.1f} M".replace("-", "−")


def count(how_many: int, one: str, many: str = "") -> str:
    """`1 user`, `18,204 users`."""
    return f"{number(how_many)} {one if how_many == 1 else many or one + 's'}"


def share(part: int, whole: int) -> str:
    """`14.2%`; `< 0.1%` for next to nothing; `4 of 11` where a percentage would pretend."""
    if whole < FEW_PEOPLE:
        return f"{part} of {whole}"
    percent = 100 * part / whole
    return "< 0.1%" if 0 < percent < 0.1 else f"{percent:.1f}%"  # noqa: PLR2004 - the words say the same number


def change(now: float, before: float) -> str | None:
    """`+2.4%` against before; None where before was nothing."""
    return f"{100 * (now - before) / before:+.1f}%".replace("-", "−") if before else None


def size(bytes_: int) -> str:
    """`31.4 MB`."""
    amount = float(bytes_)
    for unit in ("B", "KB", "MB"):
        if amount < 1000:  # noqa: PLR2004 - decimal units
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"


# -- dates and instants -------------------------------------------------------------------------


def day(value: date, *, this_year: int | None = None) -> str:
    """`23 Nov 2026`, or `23 Nov` when it is of `this_year`."""
    return f"{value.day} {value:%b}" if value.year == this_year else f"{value.day} {value:%b} {value.year}"


def instant(value: datetime, zone: ZoneInfo, *, at: datetime) -> str:
    """`23 Nov, 13:44` this year, `23 Nov 2025, 13:44` otherwise, in the workspace's zone."""
    local, now = _local(value, zone), _local(at, zone)
    return f"{day(local, this_year=now.year)}, {local:%H:%M}"


def moment(value: datetime, zone: ZoneInfo) -> str:
    """`23 Nov 2026, 13:44`, whatever the year, in the workspace's zone."""
    local = _local(value, zone)
    return f"{day(local)}, {local:%H:%M}"


def narrow(value: datetime, zone: ZoneInfo, *, at: datetime) -> str:
    """`13:38` today, `20 Nov` this year, `Aug 2025` before: for the narrow columns of a card."""
    local, now = _local(value, zone), _local(at, zone)
    if local.date() == now.date():
        return f"{local:%H:%M}"
    return day(local, this_year=now.year) if local.year == now.year else f"{local:%b %Y}"


def ago(value: datetime, zone: ZoneInfo, *, at: datetime) -> str:
    """`9 min ago` under 24 h, `yesterday`, `4 days ago` under a week, else the day. For captions only."""
    local, now = _local(value, zone), _local(at, zone)
    days = (now.date() - local.date()).days
    passed = at - _aware(value)
    if timedelta() <= passed < timedelta(hours=24):
        hours = passed // timedelta(hours=1)
        return "just now" if passed < timedelta(minutes=1) else f"{f'{hours} h' if hours else duration(passed)} ago"
    if 1 <= days < 7:  # noqa: PLR2004 - a week
        return "yesterday" if days == 1 else f"{days} days ago"
    return day(local, this_year=now.year)


def duration(span: timedelta) -> str:
    """`40 s`, `24 min`, `1 h 52`, `2 d 3 h`."""
    seconds = max(int(span.total_seconds()), 0)
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86_400
    if minutes < 1:
        return f"{seconds} s"
    if hours < 1:
        return f"{minutes} min"
    if days < 1:
        return f"{hours} h {minutes % 60:02d}" if minutes % 60 else f"{hours} h"
    return f"{days} d {hours % 24} h" if hours % 24 else f"{days} d"


def day_heading(value: date, *, today: date) -> str:
    """`Today, 23 Nov`, `Yesterday, 22 Nov`, `Friday, 20 Nov`; with the year when it is another."""
    named = {0: "Today", 1: "Yesterday"}.get((today - value).days, f"{value:%A}")
    return f"{named}, {day(value, this_year=today.year)}"


def footnote(*parts: str, zone: str, at: datetime) -> str:
    """The line under a page: zone, instant of the data, then what the page has to define."""
    shown = _local(at, _zone(zone))
    return " · ".join([zone, f"data to {day(shown)}, {shown:%H:%M}", *parts])


# -- values -------------------------------------------------------------------------------------


def phone(canonical: str) -> str:
    """`+91 94470 55012` for `+919447055012`; as it stands when it cannot be read."""
    try:
        parsed = phonenumbers.parse(canonical)
    except phonenumbers.NumberParseException:
        return canonical
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def full_name(first: str | None, last: str | None) -> str:
    """Both names, either, or nothing."""
    return " ".join(part for part in (first, last) if part)


def file_name(called: str, otherwise: str) -> str:
    """A name as that of a file, without its ending: letters and digits, the rest as dashes."""
    kept = "".join(each if each.isalnum() else "-" for each in called.lower()).strip("-")
    return kept or otherwise


def _plain(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) and abs(value) < 1e15 else f"{value:,.15g}"  # noqa: PLR2004 - exact integers


def _aware(value: datetime) -> datetime:
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def _local(value: datetime, zone: ZoneInfo) -> datetime:
    return _aware(value).astimezone(zone)


def _zone(name: str) -> ZoneInfo:
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - the annotation alone needs it elsewhere

    return ZoneInfo(name)
