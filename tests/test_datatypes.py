"""Every data type keeps its word: what it accepts, what it refuses and why, and the same for whole columns."""

from __future__ import annotations

import datetime as dt
import string as characters
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import phonenumbers
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from user360 import datatypes, schema
from user360.errors import InvalidValue, Unknown

if TYPE_CHECKING:
    from user360.datatype import DataType, Value

BERLIN = ZoneInfo("Europe/Berlin")
EVERY = datatypes.every()
NAMES = [each.name for each in EVERY]
EXAMPLES = [(each, raw, text) for each in EVERY for raw, text in each.examples]
COUNTEREXAMPLES = [(each, raw, word) for each in EVERY for raw, word in each.counterexamples]
DIGITS = st.text("0123456789", min_size=3, max_size=14)
NUMBERS = [
    phonenumbers.format_number(found, phonenumbers.PhoneNumberFormat.E164)
    for region in sorted(phonenumbers.SUPPORTED_REGIONS)
    for kind in (
        phonenumbers.PhoneNumberType.MOBILE,
        phonenumbers.PhoneNumberType.FIXED_LINE,
        phonenumbers.PhoneNumberType.TOLL_FREE,
    )
    if (found := phonenumbers.example_number_for_type(region, kind))
]


def _alone(datatype: DataType, raw: object, zone: ZoneInfo = BERLIN) -> tuple[Value | None, str]:
    try:
        return datatype.parse(raw, zone), ""
    except InvalidValue as invalid:
        return None, invalid.reason


def _plain(value: Value | None) -> object:
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).replace(tzinfo=None)
    return list(value) if isinstance(value, tuple) else value


def _agree(datatype: DataType, raws: list[str]) -> None:
    parsed = datatype.parse_column(pa.array(raws, pa.string()), BERLIN)
    reasons = {each.position: each.reason for each in parsed.refused}
    alone = [_alone(datatype, raw) for raw in raws]

    assert [_plain(value) for value, _ in alone] == parsed.values.to_pylist()
    assert [reason for _, reason in alone] == [reasons.get(place, "") for place in range(len(raws))]
    assert parsed.values.type == datatype.arrow


def test_there_are_ten_types_and_each_has_a_column() -> None:
    assert tuple(schema.COLUMNS) == ("string", "number", "time", "date", "datetime", "list", "boolean", "phone", "url", "email")
    assert {each.name: each.column for each in EVERY} == schema.COLUMNS


def test_an_unknown_type_is_refused_with_the_nearest() -> None:
    with pytest.raises(Unknown, match="Did you mean “number”"):
        datatypes.get("nubmer")


@pytest.mark.parametrize(("datatype", "raw", "text"), EXAMPLES, ids=lambda each: getattr(each, "name", None))
def test_an_example_is_taken_in_its_canonical_form(datatype: DataType, raw: object, text: str) -> None:
    value = datatype.parse(raw)
    assert value is not None

    assert datatype.format(value) == text
    assert datatype.parse(text) == value


@pytest.mark.parametrize(("datatype", "raw", "word"), COUNTEREXAMPLES, ids=lambda each: getattr(each, "name", None))
def test_a_counterexample_is_refused_with_type_value_reason_and_remedy(datatype: DataType, raw: object, word: str) -> None:
    with pytest.raises(InvalidValue) as refusal:
        datatype.parse(raw)
    told = refusal.value.of("colour")

    assert word in f"{told.reason} {told.hint}"
    assert f"colour ({datatype.name})" in told.message
    assert told.hint
    assert len(told.value) <= 80


@pytest.mark.parametrize("datatype", EVERY, ids=NAMES)
def test_nothing_is_unknown_in_every_type(datatype: DataType) -> None:
    assert [datatype.parse(raw) for raw in (None, "", "   ", [], ())] == [None] * 5
    assert datatype.parse_column(pa.array(["", None, "  "])).values.null_count == 3


@pytest.mark.parametrize("datatype", EVERY, ids=NAMES)
def test_a_column_of_the_examples_and_counterexamples_agrees_with_each_alone(datatype: DataType) -> None:
    raws = [raw for raw, _ in (*datatype.examples, *datatype.counterexamples) if isinstance(raw, str) and raw != "\ud800"]

    _agree(datatype, raws)


@pytest.mark.parametrize("datatype", EVERY, ids=NAMES)
@given(
    raws=st.lists(
        st.one_of(st.text(max_size=20), st.text(characters.printable, max_size=12), st.text("0123456789-+.:/ eTZ", max_size=20)),
        max_size=8,
    )
)
def test_a_column_of_anything_agrees_with_each_alone(datatype: DataType, raws: list[str]) -> None:
    _agree(datatype, raws)


@given(
    number=st.sampled_from(NUMBERS),
    change=st.sampled_from([(0, ""), (3, ""), (-1, ""), (-1, "7"), (-2, "00"), (4, "0"), (3, " "), (99, "1")]),
    plus=st.booleans(),
    tail=st.integers(0, 9999),
)
def test_a_phone_number_near_a_real_one_is_judged_the_same_alone_and_in_a_column(
    number: str,
    change: tuple[int, str],
    plus: bool,
    tail: int,
) -> None:
    at, text = change
    near = number[:at] + text + number[at:] if text else number
    raws = [number, near, number[:-4] + f"{tail:04d}", number[:3] + f"{tail:04d}" + number[7:]]

    _agree(datatypes.get("phone"), [raw if plus else raw.lstrip("+") for raw in raws])


@given(
    calling=st.sampled_from(sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)), national=st.lists(DIGITS, min_size=1, max_size=12)
)
def test_any_digits_under_any_country_code_are_judged_the_same_alone_and_in_a_column(calling: int, national: list[str]) -> None:
    _agree(datatypes.get("phone"), [f"+{calling}{each}" for each in national])


@given(
    local=st.text("abcXYZ019._+-'!#", min_size=1, max_size=66),
    domain=st.lists(st.text("abcXZ019-", min_size=1, max_size=8), min_size=1, max_size=4),
    top=st.sampled_from(["com", "org", "test", "local", "example", "de", "co1", "1", "x", "COM"]),
)
def test_an_email_address_is_judged_the_same_alone_and_in_a_column(local: str, domain: list[str], top: str) -> None:
    _agree(datatypes.get("email"), [f"{local}@{'.'.join(domain)}.{top}"])


@given(
    host=st.lists(st.text("abZ09-", min_size=1, max_size=6), min_size=1, max_size=4),
    scheme=st.sampled_from(["http", "https", "HTTPS", "ftp"]),
    rest=st.text("/ab?=&#%:8 é", max_size=8),
)
def test_a_web_address_is_judged_the_same_alone_and_in_a_column(host: list[str], scheme: str, rest: str) -> None:
    _agree(datatypes.get("url"), [f"{scheme}://{'.'.join(host)}{rest}"])


@given(number=st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.integers(-(10**15) + 1, 10**15 - 1).map(float)))
def test_a_number_formatted_is_read_back_unchanged(number: float) -> None:
    datatype = datatypes.get("number")
    value = datatype.parse(number) if len(repr(number).split("e")[0].replace(".", "").replace("-", "").strip("0")) <= 15 else None

    assert value is None or datatype.parse(datatype.format(value)) == value


@given(instant=st.datetimes(min_value=dt.datetime(1900, 1, 1), max_value=dt.datetime(2100, 1, 1), timezones=st.just(dt.UTC)))  # noqa: DTZ001
def test_an_instant_formatted_in_any_zone_is_read_back_unchanged(instant: dt.datetime) -> None:
    datatype = datatypes.get("datetime")

    assert datatype.parse(datatype.format(instant, BERLIN), BERLIN) == instant


def test_a_time_without_offset_is_of_the_workspace_also_where_clocks_change() -> None:
    datatype = datatypes.get("datetime")
    read = [datatype.parse(text, BERLIN) for text in ("2026-07-01 12:00:00", "2026-10-25 02:30:00", "2026-03-29 02:30:00")]

    assert [each.hour for each in read if isinstance(each, dt.datetime)] == [10, 0, 1]


def test_numbers_that_are_none_are_refused_in_a_column_of_numbers() -> None:
    parsed = datatypes.get("number").parse_column(pa.array([1.5, float("nan"), None, float("inf")]))

    assert parsed.values.to_pylist() == [1.5, None, None, None]
    assert [each.position for each in parsed.refused] == [1, 3]


@pytest.mark.parametrize(
    ("samples", "name"),
    [
        (["+919000500000", "+49 341 5500142"], "phone"),
        (["a@example.com", "b@example.org"], "email"),
        (["12", "13.5", "7"], "number"),
        (["2026-01-02", "2026-03-04"], "date"),
        (["2026-01-02T10:00:00Z", "2026-01-02 10:00"], "datetime"),
        (["true", "FALSE"], "boolean"),
        (["18:00", "19:30:15"], "time"),
        (["https://example.com"], "url"),
        (["Priya", "12"], "string"),
        (["", " "], "string"),
    ],
)
def test_samples_are_sniffed(samples: list[str], name: str) -> None:
    assert datatypes.sniff(samples).name == name
