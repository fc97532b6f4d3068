"""The page of sources: none, one made with its key, keys shown once and revoked, a silent one, what arrives; and how sources send."""

from __future__ import annotations

import ast
import json
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from pages.ui import snippets
from tests.addresses import at_address
from tests.test_resending import arrive
from tests.worlds import AT
from user360 import activity, clock, doors, events, sources

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from streamlit.testing.v1 import AppTest

    from user360.store import Store

BERLIN = ZoneInfo("Europe/Berlin")

pytestmark = pytest.mark.usefixtures("workspace")


@pytest.fixture
def shop() -> Store:
    store = doors.current_store()
    sources.define(store, "Shop", "web", "The shop's pages", by="ann", at=AT)
    return store


def opened(**query: str) -> AppTest:
    return at_address("sources", **query)


def told(at: AppTest) -> str:
    assert not at.exception
    shown = [*at.markdown, *at.caption, *at.error, *at.warning, *at.success, *at.header, *at.subheader, *at.toast]
    return " ".join(str(each.value) for each in shown)


def codes(at: AppTest) -> str:
    return "\n".join(each.value for each in at.code)


def sent(store: Store, times: Sequence[datetime], source: str = "Shop", kind: str = "web") -> None:
    """An event at each of these times."""
    messages = [
        {"type": "track", "event": "Seen", "userId": "ann", "messageId": f"{source}{at.isoformat()}", "timestamp": at.isoformat()}
        for at in times
    ]
    arrive(store, *messages, at=max(times), sender=sources.Sender(source, sources.KINDS[kind]))


# -- the page -----------------------------------------------------------------------------------


def test_without_a_source_the_page_says_what_one_is_and_makes_it_with_a_key(tmp_path: Path) -> None:
    at = opened()
    assert "No sources yet" in told(at)

    at.button(key="sources.first").click().run()
    at.text_input[0].set_value("Web shop").run()
    next(each for each in at.button if each.label.startswith("Make it")).click().run()

    store = doors.current_store()
    [key] = sources.keys_of(store, "Web shop")
    assert f"{key.ending}\n" in codes(at) + "\n"
    assert codes(at).count(sources.PREFIX) == 7  # alone, and in each of six snippets
    assert activity.kinds(store) == ["create source", "create write key"]


def test_a_source_that_only_events_name_is_listed_and_becomes_one_that_can_send() -> None:
    store = doors.current_store()
    with store.transaction() as tx:
        row = {"profile_key": 1, "event": "Bought", "at": AT.replace(tzinfo=None), "source": "till *4*", "message_id": "m1"}
        events.append(tx, pa.Table.from_pylist([row], events.ROWS))

    at = opened(source="till *4*")
    assert "No sources yet" not in told(at)
    assert at.dataframe[0].value["Source"].tolist() == ["till *4*"]
    assert [each.value for each in at.subheader] == [":material/sensors: till \\*4\\*"]

    at.button(key="sources.adopt").click().run()
    assert [each.value for each in at.text_input] == ["till *4*"]
    next(each for each in at.button if each.label.startswith("Make it,")).click().run()
    assert [each.name for each in sources.find(store)] == ["till *4*"]
    assert at.dataframe[0].value["Keys"].tolist() == [1]


def test_a_key_is_shown_once(shop: Store) -> None:
    at = opened(source="Shop")
    at.button(key="writekeys.new").click().run()
    at.text_input[0].set_value("live").run()
    next(each for each in at.button if each.label == "Make it").click().run()
    assert sources.PREFIX in codes(at)

    at.button(key="sources.close").click().run()
    at.query_params["source"] = "Shop"
    at.run()

    assert sources.PREFIX not in codes(at)
    assert snippets.PLACEHOLDER in codes(at)
    assert sources.PREFIX not in codes(opened(source="Shop"))


def test_a_name_that_is_taken_is_refused_under_its_field(shop: Store) -> None:
    at = opened()
    at.button(key="sources.new").click().run()
    at.text_input[0].set_value("shop").run()
    next(each for each in at.button if each.label.startswith("Make it")).click().run()

    assert "already" in told(at)
    assert len(sources.find(shop)) == 1


def test_a_source_is_described_anew(shop: Store) -> None:
    at = opened(source="Shop")
    at.button(key="sources.change").click().run()
    at.selectbox[0].set_value("app").run()
    at.text_area[0].set_value("The phone").run()
    next(each for each in at.button if each.label == "Save").click().run()

    found = sources.get(shop, "Shop")
    assert (found.kind, found.description) == ("app", "The phone")


def test_a_source_that_fell_silent_is_said_on_top_and_one_that_goes_on_is_not(shop: Store) -> None:
    now = clock.now()  # noqa: TID251 - the page lives in the present
    sent(shop, [now - timedelta(hours=each) for each in range(6, 40)])
    sources.define(shop, "Bot", "bot", by="ann", at=AT)
    sent(shop, [now - timedelta(hours=each) for each in range(40)], source="Bot", kind="bot")

    at = opened()

    assert [("Shop" in each.value, "stopped at" in each.value) for each in at.warning] == [(True, True)]
    assert at.dataframe[0].value["Source"].tolist() == ["Bot", "Shop"]
    assert at.dataframe[0].value["Events"].tolist() == [40, 34]


def test_what_arrives_is_shown_newest_first_of_this_source_alone(shop: Store) -> None:
    now = clock.now()  # noqa: TID251 - the page lives in the present
    sent(shop, [now - timedelta(minutes=each) for each in range(20)])
    sent(shop, [now], source="Bot", kind="bot")

    at = opened(source="Shop")

    rows = next(each.value for each in at.dataframe if "context" in each.value)
    assert len(rows) == 12
    assert rows["channel"].unique().tolist() == ["web"]
    at.toggle(key="sources.live").set_value(False).run()
    assert not at.exception


def test_an_address_nobody_wrote_shows_the_page_all_the_same(shop: Store) -> None:
    assert "Choose a source" in told(opened(source="nobody"))


def test_a_name_is_never_read_as_markup(shop: Store) -> None:
    sources.define(shop, "![x](http://evil)", "web", "[y](http://evil)", by="ann", at=AT)

    assert "](http://evil)" not in told(opened(source="![x](http://evil)"))


# -- how sources send ---------------------------------------------------------------------------


def test_a_source_is_counted_per_day_of_the_zone_without_the_system_s_own_events(store: Store) -> None:
    sent(store, [datetime(2026, 11, 22, 22, 30, tzinfo=UTC), datetime(2026, 11, 22, 23, 30, tzinfo=UTC)])

    [pulse] = events.pulses(store, zone=BERLIN, at=AT, days=3)

    assert pulse.days == ((date(2026, 11, 21), 0), (date(2026, 11, 22), 1), (date(2026, 11, 23), 1))
    assert (pulse.total, pulse.source) == (2, "Shop")
    assert pulse.last_at == datetime(2026, 11, 22, 23, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours", "silent"),
    [
        (range(3, 30), True),  # every hour, and none for three
        (range(1, 30), False),
        (range(0, 300, 24), False),  # once a day, the last just now
        (range(30, 300, 24), False),  # once a day, the last 30 hours ago
        (range(40, 300, 24), True),
        (range(40, 44), False),  # too seldom to have a habit
    ],
)
def test_each_source_is_measured_by_its_own_habit(store: Store, hours: range, silent: bool) -> None:
    sent(store, [AT - timedelta(hours=each) for each in hours])

    [pulse] = events.pulses(store, zone=BERLIN, at=AT)

    assert pulse.silent(AT) is silent


def test_what_lies_before_or_in_the_future_is_not_counted(store: Store) -> None:
    sent(store, [AT - timedelta(days=20), AT + timedelta(days=1)])

    assert events.pulses(store, zone=BERLIN, at=AT) == ()


# -- snippets -----------------------------------------------------------------------------------


def test_every_snippet_has_the_address_and_the_key() -> None:
    for each in snippets.every("https://cdp.example.org", "u360w_abc"):
        assert "https://cdp.example.org" in each.code
        assert "u360w_abc" in each.code
        if each.language == "python":
            ast.parse(each.code)


def test_an_odd_address_cannot_leave_its_quotes() -> None:
    host = snippets.origin('https://a"+evil()+".org/sources?x=1')

    assert json.dumps(host) in snippets.every(host)[0].code
    assert snippets.origin(None) == snippets.origin("ftp://x") == snippets.OTHERWISE
    assert snippets.origin("https://cdp.example.org:8443/sources?source=a") == "https://cdp.example.org:8443"
