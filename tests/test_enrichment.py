"""What addresses, phone numbers and user agents say, and that nothing is made up where they do not say it."""

from __future__ import annotations

import string
from datetime import UTC, datetime
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np
import phonenumbers
import pyarrow as pa
import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet
from phonenumbers import timezone

from pages.ui.insights import atlas
from user360 import enrichment
from user360.enrichment import countries, places, zones

if TYPE_CHECKING:
    from pathlib import Path

CITY = {
    "country": {"iso_code": "DE", "names": {"en": "Germany"}},
    "city": {"names": {"de": "München", "en": "Munich"}},
    "location": {"latitude": 48.137, "longitude": 11.575, "time_zone": "Europe/Berlin", "accuracy_radius": 20},
}


def texts(*values: str | None) -> pa.Array:
    return pa.array(values, pa.string())


def write(path: Path, records: dict[str, Any], version: int = 6) -> str:
    writer = MMDBWriter(version, "Test-City", ipv4_compatible=version == 6)
    for network, record in records.items():
        writer.insert_network(IPSet([network]), record)
    writer.to_db_file(str(path))
    return str(path)


# -- addresses ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("8.8.8.8", "8.8.8.8"),
        (" 8.8.8.8:443 ", "8.8.8.8"),
        ("2A00:1450:4001:0::1", "2a00:1450:4001::1"),
        ("[2a00:1450:4001::1]:8080", "2a00:1450:4001::1"),
        ("::ffff:8.8.8.8", "8.8.8.8"),
        ("2002:0808:0808::1", "8.8.8.8"),
        ("64:ff9b::808:808", "8.8.8.8"),
    ],
)
def test_an_address_has_one_plain_form(written: str, plain: str) -> None:
    assert enrichment.public(written) == plain


NOWHERE = (
    "10.0.0.1 192.168.1.1 127.0.0.1 169.254.169.254 100.64.0.1 0.1.2.3 255.255.255.255 192.0.2.7 224.0.0.1 ::1 :: fe80::1%eth0 "
    "fc00::1 ff02::1 ::ffff:10.0.0.1 2002:0a00:0001::1 2001:db8::1 1.2.3 1.2.3.4.5 256.1.1.1 localhost unknown 08.8.8.8 "
    "8.8.8.8,1.1.1.1 ::ffff:8.8.8.8.8"
)


@pytest.mark.parametrize("written", [*NOWHERE.split(), "", "1" * 5_000, "8.8.8.8\0", "\ud800"])
def test_private_reserved_and_bogus_addresses_are_nowhere(written: str) -> None:
    assert enrichment.public(written) is None


def test_the_country_of_an_address_is_known_without_any_file() -> None:
    found = enrichment.of_ips(texts("8.8.8.8", None, "10.0.0.1", "::ffff:8.8.8.8", "2a00:1450:4001::1", "8.8.8.8"))

    assert found["country"].to_pylist() == ["United States", None, None, "United States", "Ireland", "United States"]
    assert found["timezone"].to_pylist() == [None, None, None, None, "Europe/Dublin", None]


def test_the_middle_of_a_country_is_nobodys_position() -> None:
    found = enrichment.of_ips(texts("8.8.8.8", "2a00:1450:4001::1"))

    assert [found[each].null_count for each in ("city", "latitude", "longitude")] == [2, 2, 2]


def test_a_file_tells_city_position_and_zone(tmp_path: Path) -> None:
    path = write(tmp_path / "city.mmdb", {"81.2.69.0/24": CITY, "2a00:1450::/32": {**CITY, "city": {"names": {"en": "Berlin"}}}})

    found = enrichment.of_ips(texts("81.2.69.5", "2a00:1450:4001::1", "8.8.8.8", "::ffff:81.2.69.5"), path).to_pylist()

    munich = {"country": "Germany", "city": "Munich", "latitude": 48.137, "longitude": 11.575, "timezone": "Europe/Berlin"}
    assert found[0] == found[3] == munich
    assert found[1]["city"] == "Berlin"
    assert found[2] == {"country": "United States", "city": None, "latitude": None, "longitude": None, "timezone": None}


@pytest.mark.parametrize(
    "record",
    [
        {"country_code": "DE", "city": "Munich", "latitude": "48.137", "longitude": "11.575", "timezone": "Europe/Berlin"},
        {"country": "DE", "city": "Munich", "lat": 48.137, "lng": 11.575, "timezone": "Europe/Berlin"},
    ],
)
def test_a_file_may_spell_its_records_flat(tmp_path: Path, record: dict[str, Any]) -> None:
    path = write(tmp_path / "flat.mmdb", {"81.2.69.0/24": record})

    assert enrichment.of_ips(texts("81.2.69.5"), path).to_pylist() == [
        {"country": "Germany", "city": "Munich", "latitude": 48.137, "longitude": 11.575, "timezone": "Europe/Berlin"}
    ]


@pytest.mark.parametrize(
    "record",
    [
        {"location": {"latitude": 48.0}},
        {"location": {"latitude": "north", "longitude": 11.0, "time_zone": "Mars/Olympus"}},
        {"country": {"iso_code": "Germany"}, "city": {"names": ["Munich"]}},
        {"country": "-", "city": "", "location": 7},
        ["DE"],
    ],
)
def test_half_of_a_position_or_an_odd_record_tells_nothing(tmp_path: Path, record: Any) -> None:
    path = write(tmp_path / "odd.mmdb", {"8.8.8.0/24": record})

    assert enrichment.of_ips(texts("8.8.8.8"), path).to_pylist() == enrichment.of_ips(texts("8.8.8.8")).to_pylist()


def test_a_missing_or_damaged_file_costs_the_city_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    damaged = tmp_path / "damaged.mmdb"
    damaged.write_bytes(b"no database")

    for path in (str(damaged), str(tmp_path / "missing.mmdb"), str(tmp_path)):
        assert enrichment.of_ips(texts("8.8.8.8"), path)["country"].to_pylist() == ["United States"]
        assert enrichment.described(path).fault
    assert len(caplog.records) == 3


def test_a_file_that_is_replaced_is_read_anew(tmp_path: Path) -> None:
    path = write(tmp_path / "city.mmdb", {"81.2.69.0/24": CITY})
    assert enrichment.of_ips(texts("81.2.69.5"), path)["city"].to_pylist() == ["Munich"]

    other = write(tmp_path / "other.mmdb", {"81.2.69.0/24": {**CITY, "city": {"names": {"en": "Garching bei München"}}}})
    (tmp_path / "other.mmdb").replace(path)

    assert other != path
    assert enrichment.of_ips(texts("81.2.69.5"), path)["city"].to_pylist() == ["Garching bei München"]


def test_a_file_of_ipv4_alone_knows_no_other_address(tmp_path: Path) -> None:
    path = write(tmp_path / "four.mmdb", {"81.2.69.0/24": CITY}, version=4)

    assert enrichment.of_ips(texts("81.2.69.5", "2a00:1450:4001::1"), path)["city"].to_pylist() == ["Munich", None]


def test_a_file_is_described(tmp_path: Path) -> None:
    with_cities = enrichment.described(write(tmp_path / "city.mmdb", {"81.2.69.0/24": CITY}))
    without = enrichment.described(write(tmp_path / "country.mmdb", {"81.2.69.0/24": {"country": {"iso_code": "DE"}}}))

    assert (with_cities.kind, with_cities.cities, with_cities.fault) == ("Test-City", True, "")
    assert with_cities.built_at is not None
    assert with_cities.built_at > datetime(2026, 1, 1, tzinfo=UTC)
    assert not without.cities


def test_the_environment_names_the_file_before_the_workspace_does() -> None:
    assert enrichment.database_file("kept.mmdb", {}) == "kept.mmdb"
    assert enrichment.database_file("kept.mmdb", {enrichment.GEOIP: "named.mmdb"}) == "named.mmdb"
    assert enrichment.database_file(environment={}) == ""


# -- phones -------------------------------------------------------------------------------------


def test_a_number_tells_country_and_zone_where_they_can_be_told() -> None:
    numbers = texts("+919000500000", "+447911123456", "+12125550123", None, "+34612345678", "+870773111632", "+9", "+")

    found = enrichment.of_phones(numbers)

    assert found["country"].to_pylist() == ["India", "Guernsey", "United States", None, "Spain", None, None, None]
    assert found["timezone"].to_pylist() == ["Asia/Kolkata", "Europe/Guernsey", "America/New_York", *[None] * 5]


def varied(seed: int) -> list[str]:
    """Valid numbers of every region: the library's examples with other last digits."""
    choose = np.random.default_rng(seed)
    found = []
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        for kind in (phonenumbers.PhoneNumberType.FIXED_LINE, phonenumbers.PhoneNumberType.MOBILE):
            example = phonenumbers.example_number_for_type(region, kind)
            if example is None:
                continue
            whole = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
            kept = int(choose.integers(4, len(whole)))
            other = whole[:kept] + "".join(map(str, choose.integers(0, 10, len(whole) - kept)))
            found += [each for each in (whole, other) if phonenumbers.is_valid_number(phonenumbers.parse(each))]
    return found


def test_a_whole_column_is_told_as_each_number_by_the_library_alone() -> None:
    numbers = [number for seed in range(2) for number in varied(seed)]
    np.random.default_rng(0).shuffle(numbers)

    found = enrichment.of_phones(texts(*numbers)).to_pylist()

    for number, told in zip(numbers, found, strict=True):
        parsed = phonenumbers.parse(number)
        code = phonenumbers.region_code_for_number(parsed)
        assert (number, told["country"]) == (number, countries.name(code))
        assert told["timezone"] == zones.only(timezone.time_zones_for_number(parsed), code)


# -- countries ----------------------------------------------------------------------------------


def test_every_country_a_number_or_a_zone_can_be_of_has_a_name() -> None:
    listed = (resources.files("tzdata") / "zoneinfo" / "iso3166.tab").read_text("utf-8").splitlines()
    codes = {line.split("\t")[0] for line in listed if not line.startswith("#")} | set(phonenumbers.SUPPORTED_REGIONS)

    assert [each for each in sorted(codes) if countries.name(each) == each] == []
    assert (countries.name("TR"), countries.name("QQ"), countries.name(None)) == ("Türkiye", "QQ", None)


def test_the_map_knows_a_country_by_the_name_it_is_derived_with() -> None:
    codes = (first + second for first in string.ascii_uppercase for second in string.ascii_uppercase)

    assert [each for each in codes if atlas.knows(each) and not atlas.knows(countries.name(each) or "")] == []


# -- zones --------------------------------------------------------------------------------------


def test_a_zone_is_told_only_where_all_that_are_possible_have_the_same_time() -> None:
    assert zones.only(zones.of_country("DE")) == "Europe/Berlin"
    assert zones.only(zones.of_country("IN")) == "Asia/Kolkata"
    assert zones.only(zones.of_country("US")) is None
    assert zones.only(["Asia/Calcutta"]) == "Asia/Kolkata"
    assert zones.only(["Europe/Guernsey", "Europe/London"], "GG") == "Europe/Guernsey"
    assert zones.only(["Etc/Unknown"]) is None
    assert zones.only([]) is None


# -- user agents --------------------------------------------------------------------------------

CHROME = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/119.0.0.0 Safari/537.36"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 "
    "Safari/604.1"
)
ANDROID = "Mozilla/5.0 (Linux; Android 13; SM-S901B) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/112.0.0.0 Mobile Safari/537.36"


@pytest.mark.parametrize(
    ("text", "browser", "system", "device"),
    [
        (CHROME, "Chrome", "macOS", "desktop"),
        (IPHONE, "Mobile Safari", "iOS", "mobile"),
        (ANDROID, "Chrome Mobile", "Android", "mobile"),
        (IPHONE.replace("iPhone;", "iPad;").replace("iPhone OS", "OS"), "Mobile Safari", "iOS", "tablet"),
        (ANDROID.replace("SM-S901B", "SM-T500").replace(" Mobile", ""), "Chrome", "Android", "tablet"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:120.0) Gecko/20100101 Firefox/120.0", "Firefox", "Windows", "desktop"),
        (
            "Mozilla/5.0 (SMART-TV; Linux; Tizen 6.0) SamsungBrowser/3.0 Chrome/76 TV Safari/537.36",
            "Samsung Internet",
            "Tizen",
            "tv",
        ),
        ("Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", "bingbot", None, "bot"),
        ("curl/8.1", "curl", None, None),
        ("nobody knows", None, None, None),
    ],
)
def test_a_user_agent_tells_browser_system_and_kind_of_device(
    text: str, browser: str | None, system: str | None, device: str | None
) -> None:
    said = enrichment.agent(text)

    assert (said.browser, said.os, said.device) == (browser, system, device)


def test_a_column_of_user_agents_is_told_once_per_distinct_one() -> None:
    found = enrichment.of_user_agents(texts(IPHONE, None, ANDROID, IPHONE)).to_pylist()

    assert [each["os_version"] for each in found] == ["17.5", None, "13", "17.5"]
    assert [each["device_model"] for each in found] == ["iPhone", None, "SM-S901B", "iPhone"]
    assert found[2]["manufacturer"] == "Samsung"


def test_the_context_is_filled_where_the_sender_said_nothing_and_says_what_was_added() -> None:
    sent = {"userAgent": IPHONE, "os": {"name": "iPhone OS", "version": ""}, "device": {"id": "d1"}, "page": {"url": "/"}}

    filled = enrichment.in_context(sent)

    assert filled == {
        **sent,
        "browser": {"name": "Mobile Safari", "version": "17.5"},
        "os": {"name": "iPhone OS", "version": "17.5"},
        "device": {"id": "d1", "type": "mobile", "model": "iPhone", "manufacturer": "Apple"},
        "derived": {
            "userAgent": ["browser.name", "browser.version", "os.version", "device.type", "device.model", "device.manufacturer"]
        },
    }
    assert enrichment.in_context(filled) == filled
    assert sent["os"] == {"name": "iPhone OS", "version": ""}


@pytest.mark.parametrize(
    "context", [{}, {"userAgent": None}, {"userAgent": 7}, {"userAgent": " "}, {"userAgent": "?", "os": "x"}]
)
def test_a_context_that_says_nothing_of_an_agent_stays_as_it_is(context: dict[str, object]) -> None:
    assert enrichment.in_context(context) == context


def test_a_part_of_the_context_that_is_no_object_is_left_alone() -> None:
    assert enrichment.in_context({"userAgent": CHROME, "os": "macOS", "device": [1]}) == {
        "userAgent": CHROME,
        "os": "macOS",
        "device": [1],
        "browser": {"name": "Chrome", "version": "119.0"},
        "derived": {"userAgent": ["browser.name", "browser.version"]},
    }


def test_columns_keep_their_schema_when_they_are_empty() -> None:
    assert enrichment.of_ips(texts()).schema == places.ROWS
    assert enrichment.of_phones(texts(None)).to_pylist() == [{"country": None, "timezone": None}]
    assert enrichment.of_user_agents(texts()).num_rows == 0
