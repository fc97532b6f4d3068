"""Numbers, dates and data in Markdown, as every screen writes them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pages.ui import timeline, words

BERLIN = ZoneInfo("Europe/Berlin")
AT = datetime(2026, 11, 23, 12, 50, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "expected"), [(128412, "128,412"), (-3, "−3"), (3.5, "3.5"), (1204.0, "1,204"), (0, "0"), (1e300, f"{1e300:,.15g}")]
)
def test_a_number_has_commas_a_real_minus_and_no_idle_zeros(value, expected):
    assert words.number(value) == expected


@pytest.mark.parametrize(
    ("part", "whole", "expected"),
    [(18_204, 128_412, "14.2%"), (1, 100_000, "< 0.1%"), (0, 100_000, "0.0%"), (4, 11, "4 of 11"), (0, 0, "0 of 0")],
)
def test_a_share_of_few_people_is_said_as_people(part, whole, expected):
    assert words.share(part, whole) == expected


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        (timedelta(seconds=20), "just now"),
        (timedelta(minutes=9), "9 min ago"),
        (timedelta(hours=5, minutes=30), "5 h ago"),
        (timedelta(days=1, hours=1), "yesterday"),
        (timedelta(days=4), "4 days ago"),
        (timedelta(days=52), "2 Oct"),
        (timedelta(days=400), "19 Oct 2025"),
        (timedelta(minutes=-10), "23 Nov"),
    ],
)
def test_how_long_ago_is_said_shortly(before, expected):
    assert words.ago(AT - before, BERLIN, at=AT) == expected


def test_an_instant_is_told_in_the_workspace_zone_and_without_this_year():
    assert words.instant(AT, BERLIN, at=AT) == "23 Nov, 13:50"
    assert words.instant(AT - timedelta(days=365), BERLIN, at=AT) == "23 Nov 2025, 13:50"


@pytest.mark.parametrize(
    ("seconds", "expected"), [(40, "40 s"), (1440, "24 min"), (6720, "1 h 52"), (183_600, "2 d 3 h"), (-5, "0 s")]
)
def test_a_duration_has_at_most_two_parts(seconds, expected):
    assert words.duration(timedelta(seconds=seconds)) == expected


def test_a_day_heading_names_today_and_yesterday():
    today = date(2026, 11, 23)
    assert [words.day_heading(today - timedelta(days=each), today=today) for each in (0, 1, 3)] == [
        "Today, 23 Nov",
        "Yesterday, 22 Nov",
        "Friday, 20 Nov",
    ]


_SPLIT = re.compile(r":color\[(@|\\[:.])\]")
_LINKED = re.compile(r"https?://|www\.|[-.\w+]@", re.IGNORECASE)
addresses = st.sampled_from(
    ["ann@example.com", "a.b+c@x.co.uk", "see http://x.com", "HTTPS://x.com/@y", "www.x.com", "WWW.x.org", ":@", "@"]
)


@given(st.text(max_size=60) | st.builds("{}{}{}".format, st.text(max_size=9), addresses, st.text(max_size=9)))
def test_no_address_in_data_becomes_a_link(text):
    escaped = words.escape_md(text)
    pieces = [re.sub(r"\\(.)", r"\1", each) for each in _SPLIT.split(escaped)]
    assert "".join(pieces) == " ".join(text.split())
    assert [each for each in pieces if _LINKED.search(each)] == []


@given(st.text(max_size=60))
def test_escaped_data_has_no_bare_markdown_sign(text):
    escaped = _SPLIT.sub(r"\1", words.escape_md(text))
    assert re.findall(r"(?<!\\)(?:\\\\)*[`*_\[\]<>$:#|~!]", escaped) == []
    assert "\n" not in escaped


@given(st.text(max_size=60))
def test_escaping_loses_nothing_but_blanks(text):
    assert re.sub(r"\\(.)", r"\1", _SPLIT.sub(r"\1", words.escape_md(text))) == " ".join(text.split())


def test_a_phone_number_is_grouped_and_rubbish_stays():
    assert words.phone("+919447055012") == "+91 94470 55012"
    assert words.phone("+1") == "+1"


def test_an_event_tells_what_was_bought_and_for_how_much():
    document = {"orderId": "88-1", "product": "Teal kurta", "price": 39.0, "currency": "EUR", "url": "https://x"}
    assert timeline.detail(document) == "Teal kurta · 39.00 EUR"
    assert timeline.detail({"text": "Is it back?"}) == "“Is it back?”"
    assert [timeline.detail({"items": each, "total": 3.0}) for each in (1, 2)] == ["1 item · 3", "2 items · 3"]
    assert timeline.detail({"paid": True, "parts": [1], "total": 3.0}) == "3"


def test_a_change_shows_both_sides():
    document = {
        "changes": [{"property": "tags", "from": None, "to": ["a", "*b*"]}, {"property": "ok", "from": False, "to": True}]
    }
    assert list(timeline.changes(document)) == ["tags — → **a, \\*b\\***", "ok false → **true**"]


def test_an_event_of_the_system_is_told_in_words_and_any_other_as_stored():
    assert [words.event(each) for each in ("USER_MERGE", "Order Completed", "user_merge")] == [
        "Profiles merged",
        "Order Completed",
        "user_merge",
    ]


def test_a_text_that_is_cut_says_so():
    assert [words.cut(each, 6) for each in ("a b", " two\nlines", "sixsix", "seven's")] == ["a b", "two l…", "sixsix", "seven…"]
